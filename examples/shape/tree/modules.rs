//! Which module is in which file, and where a name is really defined, however often it is re-exported.

use std::collections::HashMap;
use std::fmt;

use super::file::SourceFile;
use super::uses::Used;

/// How often a name may be handed on before we take it for a circle.
const MAX_HOPS: usize = 16;

/// A module by its names from the crate's root on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ModulePath(Vec<String>);

impl ModulePath {
    pub(crate) const LIBRARY: &'static str = "vigie";
    pub(crate) const PROGRAM: &'static str = "main";

    pub(crate) fn root(crate_name: &str) -> Self {
        Self(vec![crate_name.to_owned()])
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        let mut path = self.0.clone();
        path.push(name.to_owned());
        Self(path)
    }

    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Its last names.
    pub(crate) fn last(&self, count: usize) -> &[String] {
        &self.0[self.0.len() - count..]
    }

    fn crate_root(&self) -> Self {
        Self(self.0[..1].to_vec())
    }

    fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1).max(1)].to_vec())
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("::"))
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// To a module, by its file.
    Module(usize),
    /// To something that this file defines.
    Item(usize),
    /// Out of the crate, by its whole path.
    External(Vec<String>),
}

#[derive(Debug, Default)]
struct Scope {
    file: usize,
    defined: Vec<String>,
    used: Vec<Used>,
}

/// All names of all modules.
#[derive(Debug)]
pub(crate) struct Names {
    scopes: HashMap<ModulePath, Scope>,
}

impl Names {
    pub(crate) fn of(files: &[SourceFile]) -> Self {
        let mut scopes: HashMap<ModulePath, Scope> = HashMap::new();
        for (number, file) in files.iter().enumerate() {
            for module in &file.modules {
                let scope = scopes.entry(module.path.clone()).or_default();
                scope.file = number;
                scope.defined.extend(module.definitions.iter().map(|definition| definition.name.clone()));
                scope.used.extend(module.uses.iter().cloned());
            }
        }
        Self { scopes }
    }

    /// Where a path leads that is written in a module.
    pub(crate) fn resolve(&self, module: &ModulePath, segments: &[String]) -> Target {
        self.follow(module, segments, MAX_HOPS)
    }

    fn follow(&self, module: &ModulePath, segments: &[String], hops: usize) -> Target {
        let external = || Target::External(segments.to_vec());
        let Some((first, rest)) = segments.split_first().filter(|_| hops > 0) else { return external() };
        match first.as_str() {
            "crate" => self.descend(&module.crate_root(), rest, hops),
            ModulePath::LIBRARY => self.descend(&ModulePath::root(ModulePath::LIBRARY), rest, hops),
            "self" => self.descend(module, rest, hops),
            "super" => {
                let up = module.parent();
                match rest.first() {
                    Some(next) if next == "super" => self.follow(&up, rest, hops - 1),
                    _ => self.descend(&up, rest, hops),
                }
            }
            _ => self.step(module, segments, hops).unwrap_or_else(external),
        }
    }

    /// From a module down; what nobody seems to define is its own, by a macro.
    fn descend(&self, module: &ModulePath, rest: &[String], hops: usize) -> Target {
        let Some(scope) = self.scopes.get(module) else { return Target::External(rest.to_vec()) };
        if rest.is_empty() {
            return Target::Module(scope.file);
        }
        self.step(module, rest, hops).unwrap_or(Target::Item(scope.file))
    }

    /// The first name of a path: a child, something defined here, or something brought in.
    fn step(&self, module: &ModulePath, segments: &[String], hops: usize) -> Option<Target> {
        let (first, rest) = segments.split_first()?;
        let child = module.child(first);
        if self.scopes.contains_key(&child) {
            return Some(self.descend(&child, rest, hops));
        }
        let scope = self.scopes.get(module)?;
        if scope.defined.contains(first) {
            return Some(Target::Item(scope.file));
        }
        if let Some(used) = scope.used.iter().find(|used| used.name.as_ref() == Some(first)) {
            // `use io;` within `mod io` and the like name what is outside.
            if used.segments.first() == Some(first) {
                return Some(Target::External([used.segments.as_slice(), rest].concat()));
            }
            return Some(self.follow(
                module,
                &[used.segments.as_slice(), rest].concat(),
                hops.checked_sub(1)?,
            ));
        }
        let globs = scope.used.iter().filter(|used| used.name.is_none());
        globs.filter(|glob| glob.segments.first() != Some(first)).find_map(|glob| {
            let path = [glob.segments.as_slice(), segments].concat();
            match self.follow(module, &path, hops.checked_sub(1)?) {
                Target::External(_) => None,
                found => Some(found),
            }
        })
    }
}
