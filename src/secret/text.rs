//! What stands in a secret file: read from its text, and written for a new one. It touches no file.

use std::fmt::{self, Write as _};

/// Bytes of a key: as many as the strength of what is made of it.
pub const KEY: usize = 32;

/// Keys of a file: one that is used, and for a while those before and after it. Whatever no key fits is tried with each.
pub const MAX_KEYS: usize = 4;

/// Longest file, in bytes: its keys, and a page of comments.
pub const MAX_TEXT: usize = 4_096;

/// The line that has presence sealed.
const HIDE: &str = "hide";

/// What a comment begins with.
const COMMENT: char = '#';

/// One key. It is printed by [`Key::line`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY]);

/// What a secret file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretText {
    /// The first key: it is used.
    pub used: Key,
    /// The others, which are accepted as well; with the first at most [`MAX_KEYS`].
    pub others: Vec<Key>,
    /// Presence is sealed: nobody without a key reads it.
    pub hide: bool,
}

/// Why a text is no secret. Nothing of the text is in it: that may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretTextError {
    /// More than a secret file may hold.
    #[error("longer than {MAX_TEXT} bytes: this is no secret file")]
    TooLong,
    /// Not text at all.
    #[error("no text: this is no secret file")]
    NoText,
    /// A line says nothing that is known; lines count from 1.
    #[error("line {0} is neither a key (64 hexadecimal digits) nor `{HIDE}` nor a comment (#)")]
    Line(usize),
    /// A key stands there twice.
    #[error("line {0} repeats a key")]
    Repeated(usize),
    /// One key more than are accepted.
    #[error(
        "line {0} has one key too many: {MAX_KEYS} are accepted; remove those that no node uses any longer"
    )]
    TooManyKeys(usize),
    /// None at all.
    #[error("no key in it: `vigie secret new` makes one")]
    NoKey,
}

impl Key {
    /// A key of these bytes, which must be random.
    pub fn new(bytes: [u8; KEY]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// The line of a secret file that holds it.
    pub fn line(&self) -> String {
        self.0.iter().fold(String::new(), |mut line, byte| {
            let _ = write!(line, "{byte:02x}");
            line
        })
    }

    fn read(line: &str) -> Option<Self> {
        let digits = line.as_bytes();
        let mut key = [0; KEY];
        if digits.len() != 2 * KEY {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(key))
    }
}

/// A secret is in no log and no message.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl SecretText {
    /// Reads the whole text of a secret file.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub fn read(text: &[u8]) -> Result<Self, SecretTextError> {
        if text.len() > MAX_TEXT {
            return Err(SecretTextError::TooLong);
        }
        let text = std::str::from_utf8(text).map_err(|_| SecretTextError::NoText)?;
        let (mut keys, mut hide) = (Vec::new(), false);
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with(COMMENT) {
                continue;
            }
            if line == HIDE {
                hide = true;
                continue;
            }
            let key = Key::read(line).ok_or(SecretTextError::Line(number))?;
            if keys.contains(&key) {
                return Err(SecretTextError::Repeated(number));
            }
            if keys.len() == MAX_KEYS {
                return Err(SecretTextError::TooManyKeys(number));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let used = keys.next().ok_or(SecretTextError::NoKey)?;
        Ok(Self { used, others: keys.collect(), hide })
    }
}

/// The text of a new secret file.
pub fn new_file(key: &Key) -> String {
    format!(
        "# The shared secret of a vigie group: whoever has this file is a member of it.\n\
         # The first key is used; every key here is accepted, so that it can be replaced: add the new one below on\n\
         # all nodes, then move it to the top on all nodes, then remove the old one.\n\
         # A line that says {HIDE} keeps names and addresses in presences from others, too.\n\
         {}\n",
        key.line()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn key(fill: u8) -> Key {
        Key::new([fill; KEY])
    }

    fn read(text: &str) -> Result<SecretText, SecretTextError> {
        SecretText::read(text.as_bytes())
    }

    #[test]
    fn a_new_file_holds_its_key_and_nothing_is_hidden() {
        let expected = SecretText { used: key(7), others: Vec::new(), hide: false };
        assert_eq!(read(&new_file(&key(7))), Ok(expected));
    }

    #[test]
    fn keys_are_read_in_their_order_between_comments_and_empty_lines() {
        let text = format!(
            "# the new one\r\n{}\r\n\r\n  hide \n# the old one\n {ONE}",
            key(9).line().to_uppercase()
        );
        let one = Key::new(std::array::from_fn(|n| u8::try_from(n).unwrap()));
        assert_eq!(read(&text), Ok(SecretText { used: key(9), others: vec![one], hide: true }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_the_secret() {
        let keys = |n: u8| (0..n).map(|n| key(n).line() + "\n").collect::<String>();
        for (text, error) in [
            (String::new(), SecretTextError::NoKey),
            ("# nothing\nhide\n".into(), SecretTextError::NoKey),
            (format!("{ONE}\n{}", &ONE[1..]), SecretTextError::Line(2)),
            (format!("{ONE}0"), SecretTextError::Line(1)),
            (format!("\n{}", ONE.replace('0', "g")), SecretTextError::Line(2)),
            (format!("{ONE}\nHide"), SecretTextError::Line(2)),
            (format!("{ONE}\n\n{ONE}"), SecretTextError::Repeated(3)),
            (keys(5), SecretTextError::TooManyKeys(5)),
            ("#".repeat(MAX_TEXT + 1), SecretTextError::TooLong),
        ] {
            assert_eq!(read(&text), Err(error), "{text}");
        }
        assert_eq!(SecretText::read(b"\xff"), Err(SecretTextError::NoText));
        assert!(read(&keys(4)).is_ok());
        let shown = format!("{:?} {}", read(&keys(1)), read(&format!("{ONE}0")).unwrap_err());
        assert!(!shown.contains("00"), "{shown}");
    }
}
