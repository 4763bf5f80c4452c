//! What every command that does I/O needs: a runtime on its own thread, and how long its node may take to stop.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::error::CliError;

/// How long a node may take to say goodbye and stop.
pub(super) const STOP_PATIENCE: Duration = Duration::from_millis(700);

/// Ends when this time is over.
pub(super) async fn over(length: Option<Duration>) {
    match length {
        Some(length) => tokio::time::sleep(length).await,
        None => std::future::pending().await,
    }
}

/// A runtime that does everything on the thread that blocks on it.
pub(super) fn current_thread() -> Result<Runtime, CliError> {
    Ok(Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?)
}
