//! That files which are written to all the time are to be opened again, where a signal asks for it: who keeps logs small has renamed them.

use std::sync::atomic::{AtomicU32, Ordering};

/// How often that was asked for.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Asks for it.
#[cfg(unix)]
pub(super) fn ask() {
    ASKED.fetch_add(1, Ordering::Relaxed);
}

/// Of one file: what it has heeded already.
#[derive(Debug)]
pub(super) struct Reopening(u32);

impl Reopening {
    /// Of a file that was opened just now.
    pub(super) fn from_now() -> Self {
        Self(ASKED.load(Ordering::Relaxed))
    }

    /// Whether it was asked for since this was said last.
    pub(super) fn is_due(&mut self) -> bool {
        let asked = ASKED.load(Ordering::Relaxed);
        std::mem::replace(&mut self.0, asked) != asked
    }
}
