//! The configuration file: options by their names, tables of the commands' own, keys, peers, profiles.
//!
//! It knows no option by name but the one that takes the addresses of `[peers]`: what may stand in a file, and what its values may
//! be, is in the table of options.

mod columns;
mod document;
mod edit;
mod filters;
mod keep;
mod layers;
mod peers;
mod schema;
mod setting;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Command;
use etcetera::BaseStrategy as _;

pub(super) use document::own_options;
pub(super) use filters::NamedFilter;
pub(super) use keep::keep;
pub(super) use layers::ConfigFile;
pub(super) use peers::NamedPeer;
pub(super) use schema::schema;
pub(super) use setting::{Kind, Setting};

/// Bytes of a configuration file: a note on each of a thousand peers takes a tenth of it.
const MAX_BYTES: u64 = 1 << 20;
/// Its name, in its folder.
const NAME: &str = "config.toml";

/// Where the file is that nobody named: in the folder that a service manager gives, else in the user's.
pub(super) fn place() -> Option<PathBuf> {
    let of_a_service = std::env::var_os("CONFIGURATION_DIRECTORY").filter(|folder| !folder.is_empty());
    let of_the_user = || Some(etcetera::choose_base_strategy().ok()?.config_dir().join("vigie"));
    of_a_service.map(PathBuf::from).or_else(of_the_user).map(|folder| folder.join(NAME))
}

/// Reads the file that a person named, or the one at the usual place, which need not be there.
///
/// # Errors
/// One line that says what is wrong, and where.
pub(super) fn read(
    named: Option<&Path>,
    usual: Option<&Path>,
    root: &Command,
) -> Result<Option<ConfigFile>, String> {
    let Some(path) = named.or(usual) else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| {
        format!("cannot read the configuration file {}: {error}", path.display())
    };
    let bytes = match bytes_of(path) {
        Ok(bytes) => bytes,
        Err(error) if named.is_none() && is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(&format_args!("it has more than {} KiB", MAX_BYTES >> 10)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => document::read(path, &text, root).map(Some),
        Err(error) => {
            let line = document::line_of(error.as_bytes(), error.utf8_error().valid_up_to());
            Err(format!("{}:{line}: this is no text in UTF-8", path.display()))
        }
    }
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether there is no such file.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
