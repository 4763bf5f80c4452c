//! The source of a crate, read: its files without their tests, what each defines, what each names.
//!
//! Shared by `make shape`, which counts, and by `tests/architecture`, which forbids. It knows nothing of either.

mod cfg;
mod file;
mod functions;
mod imports;
mod load;
mod modules;
mod scan;
mod uses;

pub(crate) use file::{Access, SourceFile};
pub(crate) use functions::Function;
pub(crate) use load::Tree;
pub(crate) use scan::{Mention, MentionKind};
