//! Counts what is wrong with the shape of the source: `make shape`.
//!
//! The argument is the root of a checkout, this one by default, so that two states can be compared. Tests do not count.

mod counts;
mod page;
mod tree;

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::tree::Tree;

fn main() -> Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let tree = Tree::read(&root)?;
    let mut page = String::new();
    page::write(&tree, &mut page)?;
    print!("{page}");
    Ok(())
}
