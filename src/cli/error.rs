//! Why the program ends without having done what was asked, and its exit codes.

use crate::net::StartError;

use super::secret_file::SecretFileError;

/// Exit codes of the contract.
pub(super) mod exit {
    /// The answer is no: a dial gave up, peers are missing, some pair is not fine.
    pub(in crate::cli) const NO: u8 = 1;
    /// Wrong usage, before anything is started.
    pub(in crate::cli) const USAGE: u8 = 2;
    /// Something that is needed is not available.
    pub(in crate::cli) const CANNOT_START: u8 = 3;
    /// Interrupted before the answer.
    pub(in crate::cli) const INTERRUPTED: u8 = 130;
}

/// Why the program ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    CannotStart(#[from] StartError),
    #[error("{0}: {1}")]
    NotWritable(String, std::io::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl CliError {
    /// The exit code that tells scripts of it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Other(error) if error.is::<SecretFileError>() => exit::USAGE,
            Self::CannotStart(_) | Self::NotWritable(..) | Self::Other(_) => exit::CANNOT_START,
        }
    }
}
