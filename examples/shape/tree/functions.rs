//! Every function with a body: whose it is, how long it is, what it calls.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Item, Signature, Type};

use super::scan::{self, Mention};

/// A function that has a body.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The type or trait that it is a method of.
    pub(crate) owner: Option<String>,
    /// It is a trait's, so that its name is not its own.
    pub(crate) of_trait: bool,
    pub(crate) line: usize,
    /// From `fn` to its last brace.
    pub(crate) lines: usize,
    /// What its body names; that of functions within it as well.
    pub(crate) mentions: Vec<Mention>,
}

impl Function {
    /// With its owner, as people say it.
    pub(crate) fn full_name(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}::{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Those of these items, with the functions within functions.
pub(crate) fn of(items: &[Item]) -> Vec<Function> {
    let mut finder = Finder::default();
    for item in items.iter().filter(|item| !matches!(item, Item::Mod(_))) {
        finder.visit_item(item);
    }
    finder.found
}

#[derive(Default)]
struct Finder {
    owner: Option<String>,
    of_trait: bool,
    found: Vec<Function>,
}

impl Finder {
    fn note(&mut self, signature: &Signature, body: &Block) {
        let line = signature.fn_token.span().start().line;
        self.found.push(Function {
            name: signature.ident.to_string(),
            owner: self.owner.clone(),
            of_trait: self.of_trait,
            line,
            lines: body.span().end().line + 1 - line,
            mentions: scan::mentions(body.to_token_stream()),
        });
    }

    fn within(&mut self, owner: Option<String>, of_trait: bool, go: impl FnOnce(&mut Self)) {
        let outer = (std::mem::replace(&mut self.owner, owner), self.of_trait);
        self.of_trait = of_trait;
        go(self);
        (self.owner, self.of_trait) = outer;
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        self.within(None, false, |finder| visit::visit_item_fn(finder, function));
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        let owner = type_name(&block.self_ty);
        self.within(owner, block.trait_.is_some(), |finder| visit::visit_item_impl(finder, block));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let owner = Some(item.ident.to_string());
        self.within(owner, true, |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.note(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// The last name of a type that is a path, or a reference to one.
pub(crate) fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}
