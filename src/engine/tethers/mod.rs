//! How it is noticed at once that a peer is gone: connections that are kept open and echoes that are asked for all the time, with a few
//! neighbours, and what is asked when one of those ends or these stay away.
//!
//! Owns no verdict: a suspicion is a question, and only a dial or the words of several who dialed answer it.

pub(crate) mod connections;
pub(crate) mod suspicions;
pub(crate) mod watchers;

use std::time::Instant;

use connections::Tethers;
use suspicions::Suspicions;
use watchers::Watchers;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) tethers: Tethers,
    pub(crate) suspicions: Suspicions,
    pub(crate) watchers: Watchers,
}

impl Watch {
    /// When something is to be asked for, or is not there in time.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.watchers.deadline().into_iter().chain(self.suspicions.deadline()).min()
    }
}
