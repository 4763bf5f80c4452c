//! Numbers of things, and words of the contract, as people write them.

use std::fmt;

/// A number of things: `1 peer`, `5 peers`. Only for words whose plural ends in s.
#[derive(Debug, Clone, Copy)]
pub struct Count<N>(pub N, pub &'static str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        let s = if *number == N::from(1) { "" } else { "s" };
        write!(f, "{number} {thing}{s}")
    }
}

/// A word of the contract as people write it, `timed out` for `timed_out`, or another one of the kind.
#[derive(Debug, Clone, Copy)]
pub struct Label(pub(super) &'static str);

impl Label {
    /// Columns it takes.
    pub fn width(self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, part) in self.0.split('_').enumerate() {
            f.write_str(if nth > 0 { " " } else { "" })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_no_s() {
        let words: Vec<String> = [0_usize, 1, 2].map(|n| Count(n, "peer").to_string()).into();
        assert_eq!(words, ["0 peers", "1 peer", "2 peers"]);
    }

    #[test]
    fn a_label_has_spaces_where_the_word_has_underscores() {
        assert_eq!(Label("host_unreachable").to_string(), "host unreachable");
        assert_eq!(Label("refused").to_string(), "refused");
    }
}
