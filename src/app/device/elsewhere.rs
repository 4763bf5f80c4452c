//! The console of a system that knows no hang-up: it ends the process itself, keeps no input for a shell, and never stands still.

use std::io;

use crossterm::event::Event as Input;
use futures::{Stream, stream};
use tokio::sync::mpsc;

use crate::engine::api::Command;

/// Nothing, ever.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn hang_up(
    _commands: mpsc::Sender<Command>,
) -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    Ok(stream::pending())
}

/// There is nothing to drop.
pub(crate) fn drop_unread_input() {}

/// There is nothing to drop.
pub(crate) fn drop_untaken_output() {}

/// Nothing is ever written behind the back of a write that waits.
pub(crate) fn write_at_once(_bytes: &[u8]) {}
