//! How large the one object `Engine` is.

use std::collections::BTreeMap;

use crate::tree::Tree;

/// The type that is to become small.
pub(crate) const ENGINE: &str = "Engine";

/// Its fields, and its methods by file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EngineSize {
    pub(crate) fields: usize,
    /// Of its own, not of traits.
    pub(crate) methods: BTreeMap<String, usize>,
}

impl EngineSize {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut size = Self::default();
        for (_, file) in tree.engine() {
            let structs = file.modules.iter().flat_map(|module| &module.structs);
            size.fields += structs.filter(|s| s.name == ENGINE).map(|s| s.fields.len()).sum::<usize>();
            let methods = file.functions().filter(|f| !f.of_trait && f.owner.as_deref() == Some(ENGINE));
            let count = methods.count();
            if count > 0 {
                size.methods.insert(file.name().to_owned(), count);
            }
        }
        size
    }

    pub(crate) fn all_methods(&self) -> usize {
        self.methods.values().sum()
    }
}
