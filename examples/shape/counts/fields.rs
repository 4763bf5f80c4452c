//! Fields that others than their own module may write: state that nobody owns.

use crate::tree::{Access, Tree};

use super::Place;

/// Where they are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SharedFields {
    /// `pub(super)`, `pub(crate)`, `pub(in …)`.
    pub(crate) restricted: Vec<Place>,
    /// `pub`, of a struct that is itself not `pub`: the same in other words.
    pub(crate) of_hidden_structs: Vec<Place>,
}

impl SharedFields {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut shared = Self::default();
        for file in &tree.files {
            for found in file.modules.iter().flat_map(|module| &module.structs) {
                for field in &found.fields {
                    let (file, name) = (file.name().to_owned(), format!("{}.{}", found.name, field.name));
                    let place = Place { file, line: field.line, name };
                    match field.access {
                        Access::Restricted => shared.restricted.push(place),
                        Access::Public if found.access != Access::Public => {
                            shared.of_hidden_structs.push(place);
                        }
                        Access::Public | Access::Private => {}
                    }
                }
            }
        }
        shared
    }
}
