//! A list of all variants has them all, each once: what it lacks is never told, counted or tried, and nothing else says so.

use std::collections::HashMap;

use syn::{Expr, ImplItem, Item, Type};

use crate::papers::sources;

#[test]
fn every_list_of_all_variants_is_whole() {
    let (mut enums, mut lists) = (HashMap::new(), Vec::new());
    for (path, text) in sources("src") {
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                Item::Enum(found) => {
                    let variants: Vec<_> = found.variants.iter().map(|v| v.ident.to_string()).collect();
                    enums.insert((path.clone(), found.ident.to_string()), variants);
                }
                Item::Impl(block) => {
                    let list = block.items.iter().find_map(all);
                    lists.extend(
                        name(&block.self_ty).zip(list).map(|(name, list)| ((path.clone(), name), list)),
                    );
                }
                _ => {}
            }
        }
    }
    assert!(lists.len() > 5, "they are found: {lists:#?}");
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    let is_whole = |of, list: &[String]| enums.get(of).is_none_or(|all| sorted(all) == sorted(list));
    let wrong: Vec<_> = lists.iter().filter(|(of, list)| !is_whole(of, list)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The variants that `const ALL: [Self; N]` names.
fn all(item: &ImplItem) -> Option<Vec<String>> {
    let ImplItem::Const(constant) = item else { return None };
    let Expr::Array(list) = &constant.expr else { return None };
    let of_self =
        matches!(&constant.ty, Type::Array(of) if name(&of.elem).is_some_and(|name| name == "Self"));
    let variant = |element: &Expr| match element {
        Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    };
    (constant.ident == "ALL" && of_self).then(|| list.elems.iter().filter_map(variant).collect())
}

fn name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}
