//! Type names that stand for two things.

use std::collections::BTreeMap;

use crate::tree::Tree;

/// Every name of a struct, an enum, a trait or an alias that is defined in more than one file, with its places. Within one file
/// two are the same thing on two systems.
pub(crate) fn defined_twice(tree: &Tree) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &tree.files {
        let mut own: Vec<_> =
            file.modules.iter().flat_map(|m| &m.definitions).filter(|d| d.is_type).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        own.dedup_by(|a, b| a.name == b.name);
        for definition in own {
            let place = format!("{}:{}", file.name(), definition.line);
            places.entry(definition.name.clone()).or_default().push(place);
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
}
