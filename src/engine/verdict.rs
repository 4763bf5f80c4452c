//! What the diagnosis says.

pub use super::diagnosis::advice::Advice;
pub use super::diagnosis::evidence::{self, Evidence};
pub use super::diagnosis::finding::{Finding, FindingId, MAX_PAIRS_LISTED};
pub use super::diagnosis::verdict::{Confidence, Pattern, Verdict};
