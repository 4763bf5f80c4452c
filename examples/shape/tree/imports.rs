//! Which file uses what of which other: by `use`, and by paths in the code.

use super::file::SourceFile;
use super::modules::{Names, Target};
use super::scan::{Mention, MentionKind};

/// A file's use of something that it does not define itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The file that uses, by its number.
    pub(crate) from: usize,
    /// Where what is used is defined in the crate, by the file's number; none if it comes from elsewhere.
    pub(crate) to: Option<usize>,
    /// The path; that of an external thing is whole.
    pub(crate) path: String,
    /// It is only handed on under another path (`pub use`), or a module that is merely named.
    pub(crate) handed_on: bool,
    pub(crate) line: usize,
}

/// Those of all files.
pub(crate) fn of(files: &[SourceFile], names: &Names) -> Vec<Import> {
    let mut found = Vec::new();
    for (from, file) in files.iter().enumerate() {
        for module in &file.modules {
            for used in &module.uses {
                let target = names.resolve(&module.path, &used.segments);
                // A name that is handed on and used here as well is an import like any other.
                let idle = used.reexported
                    && !used.name.as_ref().is_some_and(|name| names_alone(&module.mentions, name));
                found.extend(import(from, target, used.segments.join("::"), idle, used.line));
            }
            for mention in module.mentions.iter().filter(|mention| is_path(mention)) {
                let target = names.resolve(&module.path, &mention.segments);
                found.extend(import(from, target, mention.segments.join("::"), false, mention.line));
            }
        }
    }
    found
}

fn import(from: usize, target: Target, path: String, idle: bool, line: usize) -> Option<Import> {
    match target {
        Target::Module(to) | Target::Item(to) if to == from => None,
        Target::Module(to) => Some(Import { from, to: Some(to), path, handed_on: true, line }),
        Target::Item(to) => Some(Import { from, to: Some(to), path, handed_on: idle, line }),
        Target::External(path) => {
            Some(Import { from, to: None, path: path.join("::"), handed_on: idle, line })
        }
    }
}

/// Only a path says where a name comes from; a single name was brought in by a `use`.
fn is_path(mention: &Mention) -> bool {
    matches!(mention.kind, MentionKind::Path | MentionKind::Call) && mention.segments.len() > 1
}

fn names_alone(mentions: &[Mention], name: &str) -> bool {
    mentions
        .iter()
        .filter(|mention| matches!(mention.kind, MentionKind::Path | MentionKind::Call))
        .any(|mention| mention.segments.first().is_some_and(|first| first == name))
}
