//! `vigie secret new`: makes a secret file.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::secret::text::{Key, new_file};

use super::args::{NewSecretArgs, SecretCommand};
use super::error::CliError;
use super::identity::random;
use super::output;

pub(super) fn run(command: &SecretCommand) -> Result<u8, CliError> {
    let SecretCommand::New(NewSecretArgs { file }) = command;
    let key = Key::new(random()?);
    let said = match file {
        None => format!("{}\n", key.line()),
        Some(path) => {
            make(path, &new_file(&key))?;
            let shown = path.display();
            format!(
                "made {shown}: copy it to every node of the group, and start them with --secret-file {shown}\n"
            )
        }
    };
    output::print(&said).map(|_| 0)
}

/// Makes a file that only its user can read, from the start.
fn make(path: &Path, text: &str) -> Result<(), CliError> {
    let not_made = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CliError::Other(anyhow::anyhow!("{} exists: a secret is never overwritten", path.display()))
        }
        _ => CliError::NotWritable(format!("cannot make {}", path.display()), error),
    };
    let mut file = create_new(path).map_err(not_made)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // A part of a secret is none.
        let _ = std::fs::remove_file(path);
        not_made(error)
    })
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
