//! How long functions and files are.

use crate::tree::Tree;

use super::Place;

/// A function longer than this wants a reason.
pub(crate) const LONG_FUNCTION: usize = 60;
/// A file longer than this holds more than one thing.
pub(crate) const LONG_FILE: usize = 400;

/// Lengths, without tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Longest first, with their lines.
    pub(crate) long_functions: Vec<(usize, Place)>,
    pub(crate) functions: usize,
    pub(crate) median_function: usize,
    /// Longest first, with their lines.
    pub(crate) long_files: Vec<(usize, String)>,
    pub(crate) files: usize,
    pub(crate) lines: usize,
}

impl Sizes {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut sizes = Self { files: tree.files.len(), ..Self::default() };
        let mut lengths = Vec::new();
        for file in &tree.files {
            sizes.lines += file.lines;
            if file.lines > LONG_FILE {
                sizes.long_files.push((file.lines, file.name().to_owned()));
            }
            for function in file.functions() {
                lengths.push(function.lines);
                if function.lines > LONG_FUNCTION {
                    let (file, name) = (file.name().to_owned(), function.full_name());
                    sizes.long_functions.push((function.lines, Place { file, line: function.line, name }));
                }
            }
        }
        lengths.sort_unstable();
        sizes.functions = lengths.len();
        sizes.median_function = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        sizes.long_functions.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
        sizes.long_files.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
        sizes
    }
}
