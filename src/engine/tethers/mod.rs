//! How the end of a peer's process is noticed at once: connections that are kept open, and what is asked when one of them ends.
//!
//! Owns no verdict: a suspicion is a question, and only a dial or the words of several who dialed answer it.

pub(crate) mod connections;
pub(crate) mod suspicions;

use connections::Tethers;
use suspicions::Suspicions;

/// Both.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) tethers: Tethers,
    pub(crate) suspicions: Suspicions,
}
