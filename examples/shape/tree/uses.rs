//! What a `use` brings in, one name at a time.

use syn::{Item, UseTree, Visibility};

/// One name that a `use` brings in.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    /// The path as it is written.
    pub(crate) segments: Vec<String>,
    /// What it is called here; none for all of a module.
    pub(crate) name: Option<String>,
    /// Others may use it from here.
    pub(crate) reexported: bool,
    pub(crate) line: usize,
}

/// The names that an item brings in.
pub(crate) fn of(item: &Item) -> Vec<Used> {
    let Item::Use(item) = item else { return Vec::new() };
    let reexported = !matches!(item.vis, Visibility::Inherited);
    let mut found = Vec::new();
    flatten(&item.tree, &mut Vec::new(), reexported, &mut found);
    found
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, reexported: bool, found: &mut Vec<Used>) {
    let mut leaf = |last: Option<&syn::Ident>, name: Option<String>, line| {
        let own = last.filter(|ident| *ident != "self").map(ToString::to_string);
        let segments = before.iter().cloned().chain(own).collect::<Vec<_>>();
        found.push(Used { segments, name, reexported, line });
    };
    match tree {
        UseTree::Name(name) => {
            let line = name.ident.span().start().line;
            let called =
                if name.ident == "self" { before.last().cloned() } else { Some(name.ident.to_string()) };
            leaf(Some(&name.ident), called, line);
        }
        UseTree::Rename(rename) => {
            let line = rename.ident.span().start().line;
            leaf(Some(&rename.ident), Some(rename.rename.to_string()), line);
        }
        UseTree::Glob(glob) => leaf(None, None, glob.star_token.spans[0].start().line),
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, reexported, found);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, reexported, found);
            }
        }
    }
}
