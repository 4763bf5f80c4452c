//! Type names that stand for two things.

use std::collections::BTreeMap;

use crate::tree::Tree;

/// Every name of a struct, an enum, a trait or an alias that is defined more than once, with its files.
pub(crate) fn defined_twice(tree: &Tree) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &tree.files {
        for definition in file.modules.iter().flat_map(|m| &m.definitions).filter(|d| d.is_type) {
            places.entry(definition.name.clone()).or_default().push(format!(
                "{}:{}",
                file.name(),
                definition.line
            ));
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
}
