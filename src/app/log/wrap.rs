//! Whether long texts are wrapped.

/// What is done with texts that are longer than a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// They go on in the next one.
    #[default]
    Wrapped,
    /// They are cut, and marked.
    Cut,
}
