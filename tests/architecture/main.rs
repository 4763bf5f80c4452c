//! The dependency rule and the law of the parts, as tests that can fail. What does not hold yet stands in [`debts`].
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../../examples/shape/counts/mod.rs"]
mod counts;
#[path = "../../examples/shape/tree/mod.rs"]
mod tree;

mod counters;
mod debts;
mod layers;
mod lists;
mod papers;
mod parts;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use crate::tree::Tree;

/// The source as it is, read once.
fn this_tree() -> &'static Tree {
    static TREE: LazyLock<Tree> =
        LazyLock::new(|| Tree::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    &TREE
}

/// Fails if the rule is broken where no debt says so, and if a debt is paid and still stands in the list.
fn hold(rule: &str, broken: impl IntoIterator<Item = String>) {
    let complaint = complaint(rule, broken);
    assert!(complaint.is_none(), "{}", complaint.unwrap_or_default());
}

fn complaint(rule: &str, broken: impl IntoIterator<Item = String>) -> Option<String> {
    let broken: BTreeSet<String> = broken.into_iter().collect();
    let known: BTreeSet<String> =
        debts::DEBTS.iter().filter(|(of, _)| *of == rule).map(|(_, what)| (*what).to_owned()).collect();
    let new: Vec<_> = broken.difference(&known).collect();
    let paid: Vec<_> = known.difference(&broken).collect();
    match (new.as_slice(), paid.as_slice()) {
        ([], []) => None,
        ([], paid) => Some(format!("{rule}. These debts are paid, take them out of debts.rs:\n{paid:#?}")),
        (new, _) => Some(format!("{rule}. It is broken here:\n{new:#?}")),
    }
}
