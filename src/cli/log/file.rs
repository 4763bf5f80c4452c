//! The log file: it may be renamed or deleted at any time, as those do that keep logs small, and its disk may be full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::reopen::Reopening;

/// How often it is looked whether the file still has its name, while there is something to write.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A log file that goes on under its name, and never keeps anybody from going on.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// When it was last looked at.
    looked: Instant,
    reopening: Reopening,
    /// The person knows that something is wrong with it.
    warned: bool,
}

impl LogFile {
    /// Opens it, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let reopening = Reopening::from_now();
        Ok(Self { path: path.to_owned(), file, looked: now(), reopening, warned: false })
    }

    /// Opens it again if it is no longer the one of that name. The old one is written to as long as there is no other.
    fn look(&mut self, at: Instant) {
        let asked = self.reopening.is_due();
        if !asked && at.saturating_duration_since(self.looked) < LOOK_INTERVAL {
            return;
        }
        self.looked = at;
        if asked || has_moved(&self.file, &self.path) {
            match open(&self.path) {
                Ok(file) => self.file = file,
                Err(error) => self.warn(&error),
            }
        }
    }

    fn warn(&mut self, error: &io::Error) {
        if !self.warned {
            self.warned = true;
            tracing::warn!(%error, "cannot write the log file {}: lines may be missing in it", self.path.display());
        }
    }
}

impl Write for LogFile {
    /// Nobody could do anything about an error: a person is told of the first.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.look(now());
        if let Err(error) = self.file.write_all(line) {
            self.warn(&error);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Whether the file no longer has that name.
#[cfg(unix)]
fn has_moved(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(held) = file.metadata() else { return false };
    std::fs::metadata(path).map_or(true, |named| (named.dev(), named.ino()) != (held.dev(), held.ino()))
}

/// An open file keeps its name here.
#[cfg(not(unix))]
fn has_moved(_file: &File, _path: &Path) -> bool {
    false
}

#[expect(clippy::disallowed_methods, reason = "a file is looked at once a second")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_was_renamed_is_made_again_after_a_second() {
        let folder = std::env::temp_dir().join(format!("vigie-log-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [path, old] = ["log", "log.1"].map(|name| folder.join(name));
        let mut log = LogFile::open(&path).unwrap();
        let begun = log.looked;
        log.write_all(b"first\n").unwrap();
        fs::rename(&path, &old).unwrap();
        log.look(begun + LOOK_INTERVAL / 2);
        log.file.write_all(b"second\n").unwrap();
        log.look(begun + LOOK_INTERVAL);
        log.file.write_all(b"third\n").unwrap();
        let read = [&old, &path].map(|path| fs::read_to_string(path).unwrap());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read, ["first\nsecond\n", "third\n"]);
    }
}
