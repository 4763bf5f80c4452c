//! What is counted, one file a thing. Each says its numbers and where they are.

pub(crate) mod calls;
pub(crate) mod cycles;
pub(crate) mod engine;
pub(crate) mod fields;
pub(crate) mod sizes;
pub(crate) mod types;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file, below `src`.
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) name: String,
}
