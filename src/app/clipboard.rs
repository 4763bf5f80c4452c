//! The way to the clipboard of the machine that the person sits at. Within tmux it leads by tmux, which at its defaults drops what a
//! program sends to the terminal (OSC 52).

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long tmux may take, in so many looks whether it is done: a server that hangs must not hold up the screen.
const LOOKS: u32 = 100;
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(3);

/// Where a text went. What becomes of it there nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To the terminal, by OSC 52.
    Terminal,
    /// Into the paste buffer of tmux, which sends it on to its terminal if that takes it.
    Tmux,
}

impl Place {
    /// For the status line, behind what was copied.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "sent to the terminal",
            Self::Tmux => "in tmux's buffer",
        }
    }
}

/// Puts a text into tmux's buffer; not so outside of tmux, or if tmux does not take it.
pub(super) fn give_to_tmux(text: &str) -> bool {
    std::env::var_os("TMUX").is_some_and(|inside| !inside.is_empty())
        && feed(Command::new("tmux").args(["load-buffer", "-w", "-"]), text).unwrap_or(false)
}

/// Whether a program takes a text as its input, and ends well and soon.
fn feed(command: &mut Command, text: &str) -> io::Result<bool> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = command.spawn()?;
    // Details of a peer have room in a pipe: this waits for nobody.
    let written = program.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    for _ in 0..LOOKS {
        if let Some(status) = program.try_wait()? {
            return Ok(status.success() && written.is_some_and(|written| written.is_ok()));
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    program.kill().and_then(|()| program.wait()).map(|_| false)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_or_hangs_has_not_taken_the_text() {
        let taken = |script| feed(Command::new("sh").args(["-c", script]), "text").unwrap();
        assert!(taken("test \"$(cat)\" = text"));
        assert!(!taken("cat; exit 1"));
        assert!(!taken("exec sleep 60"));
        assert!(feed(&mut Command::new("/nonexistent/tmux"), "text").is_err());
    }
}
