//! Which files of the engine call which: two that call each other are one file in two places.
//!
//! A call is known by its name, so only names count that one function of the engine alone has; `self.f()` and `T::f()` are
//! known by their type as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::tree::{Function, Mention, MentionKind, Tree};

use super::engine::ENGINE;

/// Methods of the standard library's collections: `x.insert()` does not say whose it is.
const COMMON: [&str; 38] = [
    "all",
    "any",
    "as_str",
    "chain",
    "clear",
    "clone",
    "contains",
    "contains_key",
    "count",
    "drain",
    "entry",
    "extend",
    "filter",
    "find",
    "first",
    "get",
    "get_mut",
    "insert",
    "is_empty",
    "iter",
    "iter_mut",
    "keys",
    "last",
    "len",
    "map",
    "max",
    "min",
    "next",
    "pop",
    "position",
    "push",
    "remove",
    "retain",
    "take",
    "truncate",
    "values",
    "values_mut",
    "write",
];

/// A call that is an example for its pair of files: who calls whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) caller: String,
    pub(crate) callee: String,
}

/// Two files that call each other, with an example each way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MutualPair {
    pub(crate) files: [String; 2],
    pub(crate) examples: [Call; 2],
    /// Both are cut from the one `Engine`.
    pub(crate) both_of_engine: bool,
}

/// Pairs of engine files that call each other, and how many pairs there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mutual {
    pub(crate) pairs: Vec<MutualPair>,
    /// The pairs of files that have methods of `Engine`.
    pub(crate) pairs_of_engine: usize,
}

impl Mutual {
    pub(crate) fn of(tree: &Tree) -> Self {
        let index = Index::of(tree);
        let mut calls: BTreeMap<(usize, usize), Call> = BTreeMap::new();
        let mut of_engine = BTreeSet::new();
        for (number, file) in tree.engine() {
            for function in file.functions() {
                if function.owner.as_deref() == Some(ENGINE) && !function.of_trait {
                    of_engine.insert(number);
                }
                for mention in &function.mentions {
                    let Some(called) = index.called(function, mention).filter(|c| c.file != number) else {
                        continue;
                    };
                    calls.entry((number, called.file)).or_insert_with(|| Call {
                        caller: function.full_name(),
                        callee: called.name.clone(),
                    });
                }
            }
        }
        let both_ways = calls.iter().filter(|((a, b), _)| a < b).filter_map(|((a, b), there)| {
            let back = calls.get(&(*b, *a))?;
            Some(MutualPair {
                files: [*a, *b].map(|number| tree.files[number].name().to_owned()),
                examples: [there.clone(), back.clone()],
                both_of_engine: of_engine.contains(a) && of_engine.contains(b),
            })
        });
        let n = of_engine.len();
        Self { pairs: both_ways.collect(), pairs_of_engine: n * n.saturating_sub(1) / 2 }
    }

    pub(crate) fn both_of_engine(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.both_of_engine).count()
    }
}

#[derive(Debug, Clone)]
struct Defined {
    file: usize,
    name: String,
}

/// The functions of the engine by what a call says of them; none where several fit.
struct Index {
    by_name: HashMap<String, Option<Defined>>,
    by_owner: HashMap<(String, String), Option<Defined>>,
}

impl Index {
    fn of(tree: &Tree) -> Self {
        let mut index = Self { by_name: HashMap::new(), by_owner: HashMap::new() };
        for (file, source) in tree.engine() {
            for function in source.functions() {
                let defined = Defined { file, name: function.full_name() };
                let one = |slot: &mut Option<Defined>| *slot = None;
                index.by_name.entry(function.name.clone()).and_modify(one).or_insert(Some(defined.clone()));
                if let Some(owner) = &function.owner {
                    let key = (owner.clone(), function.name.clone());
                    index.by_owner.entry(key).and_modify(one).or_insert(Some(defined));
                }
            }
        }
        index
    }

    fn called(&self, caller: &Function, mention: &Mention) -> Option<&Defined> {
        let name = mention.segments.last()?;
        let method_of = |owner: &str| self.by_owner.get(&(owner.to_owned(), name.clone()))?.as_ref();
        let alone = || self.by_name.get(name)?.as_ref();
        match mention.kind {
            MentionKind::OwnMethod => caller.owner.as_deref().and_then(method_of).or_else(alone),
            MentionKind::Method => {
                Some(name).filter(|name| !COMMON.contains(&name.as_str())).and_then(|_| alone())
            }
            MentionKind::Call | MentionKind::Path => match mention.segments.as_slice() {
                [.., owner, _] if owner == "Self" => caller.owner.as_deref().and_then(method_of),
                [.., owner, _] if owner.starts_with(char::is_uppercase) => method_of(owner),
                _ if mention.kind == MentionKind::Call || mention.segments.len() > 1 => {
                    alone().filter(|defined| !defined.name.contains("::"))
                }
                _ => None,
            },
            MentionKind::Cfg | MentionKind::Literal => None,
        }
    }
}
