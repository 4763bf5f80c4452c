//! Reads the file of `--secret-file`. It is refused where others can read it: then it is no secret.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::secret::Secret;
use crate::secret::text::{MAX_TEXT, SecretText, SecretTextError};

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretFileError {
    #[error("--secret-file {path}: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error("--secret-file {path}: others can read it (mode {mode:04o}): run `chmod 600 {quoted}`")]
    Open { path: String, quoted: String, mode: u32 },
    #[error("--secret-file {path}: {error}")]
    Text { path: String, error: SecretTextError },
}

/// The secret of a group, from its file.
pub(super) fn read(path: &Path, group: &str) -> Result<Arc<Secret>, SecretFileError> {
    let shown = || path.display().to_string();
    let unreadable = |error| SecretFileError::Unreadable { path: shown(), error };
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that is read, whatever its name means by now.
    if let Some(mode) = open_to_others(&file).map_err(unreadable)? {
        return Err(SecretFileError::Open { path: shown(), quoted: quoted(&shown()), mode });
    }
    let mut text = Vec::new();
    // One byte more than it may have, to notice.
    let most = u64::try_from(MAX_TEXT).unwrap_or(u64::MAX) + 1;
    file.take(most).read_to_end(&mut text).map_err(unreadable)?;
    let text = SecretText::read(&text).map_err(|error| SecretFileError::Text { path: shown(), error })?;
    Ok(Arc::new(Secret::new(&text, group)))
}

/// The permissions of a file, if its group or others have any.
#[cfg(unix)]
fn open_to_others(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Nothing simple tells there who can read a file.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn open_to_others(_: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,@%:".contains(c));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_copied_whatever_the_path() {
        assert_eq!(quoted("/etc/vigie/secret"), "/etc/vigie/secret");
        assert_eq!(quoted("my secret"), "'my secret'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
