//! One file of source, without what is there for tests only: what it defines, uses and names.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Fields, Item, ItemStruct, Visibility};

use super::cfg::is_for_tests;
use super::functions::{self, Function};
use super::modules::ModulePath;
use super::scan::{self, Mention};
use super::uses::{self, Used};

/// A file that the program is made of.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root of the checkout, with `/`.
    pub(crate) path: String,
    /// Its lines, without those of its tests.
    pub(crate) lines: usize,
    /// The file's own module first, then those within braces.
    pub(crate) modules: Vec<Module>,
}

/// A module, without its inner modules.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) path: ModulePath,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) functions: Vec<Function>,
    pub(crate) uses: Vec<Used>,
    /// All that the code names, except for what it imports.
    pub(crate) mentions: Vec<Mention>,
    /// The modules that are declared here and stand in other files: their names, and the paths that are written there.
    pub(crate) children: Vec<(String, Vec<String>)>,
}

/// A type, a trait, a function or a value that has a name of its own in a module.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// A struct, an enum, a union, a trait or an alias.
    pub(crate) is_type: bool,
}

/// A struct and who may write what of it.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) access: Access,
    pub(crate) fields: Vec<Field>,
}

/// A field by its name or its number.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) access: Access,
}

/// Who may see something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Private,
    /// `pub(super)`, `pub(crate)`, `pub(in …)`
    Restricted,
    Public,
}

impl SourceFile {
    /// Parses a file; none if all of it is for tests.
    pub(crate) fn parse(path: &str, module: ModulePath, text: &str) -> syn::Result<Option<Self>> {
        let file = syn::parse_file(text)?;
        if is_for_tests(&file) {
            return Ok(None);
        }
        let (mut modules, mut stripped) = (Vec::new(), 0);
        split(module, file.items, &mut modules, &mut stripped);
        let lines = text.lines().count() - stripped;
        Ok(Some(Self { path: path.to_owned(), lines, modules }))
    }

    /// The path below `src`, which is what people say.
    pub(crate) fn name(&self) -> &str {
        self.path.strip_prefix("src/").unwrap_or(&self.path)
    }

    /// Whether the other one's module lies within this one's.
    pub(crate) fn is_parent_of(&self, other: &Self) -> bool {
        other.modules[0].path.is_below(&self.modules[0].path)
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.modules.iter().flat_map(|module| &module.functions)
    }
}

impl Module {
    fn of(path: ModulePath, items: &[Item]) -> Self {
        let code = items.iter().filter(|item| !matches!(item, Item::Use(_) | Item::Mod(_)));
        Self {
            path,
            definitions: items.iter().filter_map(definition).collect(),
            structs: items.iter().filter_map(structure).collect(),
            functions: functions::of(items),
            uses: items.iter().flat_map(uses::of).collect(),
            mentions: code.flat_map(|item| scan::mentions(item.to_token_stream())).collect(),
            children: items.iter().filter_map(child).collect(),
        }
    }
}

/// Sorts items into modules and leaves out those for tests, whose lines are counted.
fn split(path: ModulePath, items: Vec<Item>, modules: &mut Vec<Module>, stripped: &mut usize) {
    let (mut own, mut inner) = (Vec::new(), Vec::new());
    for mut item in items {
        if !keep(&item, stripped) {
            continue;
        }
        match &mut item {
            Item::Mod(module) => {
                if let Some((_, content)) = module.content.take() {
                    inner.push((path.child(&module.ident.to_string()), content));
                    continue;
                }
            }
            Item::Impl(block) => block.items.retain(|item| keep(item, stripped)),
            Item::Trait(block) => block.items.retain(|item| keep(item, stripped)),
            Item::Struct(ItemStruct { fields: Fields::Named(fields), .. }) => {
                fields.named = fields.named.iter().filter(|field| keep(*field, stripped)).cloned().collect();
            }
            _ => {}
        }
        own.push(item);
    }
    modules.push(Module::of(path, &own));
    for (path, content) in inner {
        split(path, content, modules, stripped);
    }
}

fn keep(node: &impl ToTokens, stripped: &mut usize) -> bool {
    let for_tests = is_for_tests(node);
    if for_tests {
        let span = node.span();
        *stripped += span.end().line + 1 - span.start().line;
    }
    !for_tests
}

/// What an item defines, if that has a name.
fn definition(item: &Item) -> Option<Definition> {
    let (name, is_type) = match item {
        Item::Struct(item) => (&item.ident, true),
        Item::Enum(item) => (&item.ident, true),
        Item::Union(item) => (&item.ident, true),
        Item::Trait(item) => (&item.ident, true),
        Item::Type(item) => (&item.ident, true),
        Item::Const(item) => (&item.ident, false),
        Item::Static(item) => (&item.ident, false),
        Item::Fn(item) => (&item.sig.ident, false),
        Item::Macro(item) => (item.ident.as_ref()?, false),
        _ => return None,
    };
    Some(Definition { name: name.to_string(), line: name.span().start().line, is_type })
}

fn structure(item: &Item) -> Option<Struct> {
    let Item::Struct(item) = item else { return None };
    let fields = item.fields.iter().enumerate().map(|(nth, field)| Field {
        name: field.ident.as_ref().map_or_else(|| nth.to_string(), ToString::to_string),
        line: field.ty.span().start().line,
        access: access(&field.vis),
    });
    Some(Struct { name: item.ident.to_string(), access: access(&item.vis), fields: fields.collect() })
}

fn access(visibility: &Visibility) -> Access {
    match visibility {
        Visibility::Public(_) => Access::Public,
        Visibility::Restricted(_) => Access::Restricted,
        Visibility::Inherited => Access::Private,
    }
}

fn child(item: &Item) -> Option<(String, Vec<String>)> {
    let Item::Mod(declared) = item else { return None };
    let written = declared.attrs.iter().filter_map(scan::path_in).collect();
    Some((declared.ident.to_string(), written))
}
