//! What is compiled for tests only, by its attributes.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// Whether an item, a field or a file's inner attributes say that it is there for tests only.
pub(crate) fn is_for_tests(node: &impl ToTokens) -> bool {
    leading_attributes(node.to_token_stream()).into_iter().any(|attribute| {
        let mut tokens = attribute.into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Ident(name)), None) => name == "test",
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(predicate))) if name == "cfg" => {
                holds(predicate.stream()) == Some(false)
            }
            _ => false,
        }
    })
}

/// The insides of the `#[…]` and `#![…]` before anything else.
fn leading_attributes(tokens: TokenStream) -> Vec<TokenStream> {
    let mut attributes = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(TokenTree::Punct(hash)) = tokens.next() {
        if hash.as_char() != '#' {
            break;
        }
        if matches!(tokens.peek(), Some(TokenTree::Punct(bang)) if bang.as_char() == '!') {
            tokens.next();
        }
        match tokens.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                attributes.push(group.stream());
            }
            _ => break,
        }
    }
    attributes
}

/// Whether a predicate of `cfg` holds in the program itself; none if that depends on the machine.
fn holds(predicate: TokenStream) -> Option<bool> {
    let mut tokens = predicate.into_iter();
    let Some(TokenTree::Ident(name)) = tokens.next() else { return None };
    match (name.to_string().as_str(), tokens.next()) {
        ("test", None) => Some(false),
        ("feature", Some(_)) => match tokens.next() {
            Some(TokenTree::Literal(feature)) if feature.to_string() == "\"testkit\"" => Some(false),
            _ => None,
        },
        ("not", Some(TokenTree::Group(inner))) => holds(inner.stream()).map(|held| !held),
        ("any", Some(TokenTree::Group(inner))) => {
            let all = split(inner.stream()).into_iter().map(holds).collect::<Vec<_>>();
            if all.contains(&Some(true)) {
                Some(true)
            } else {
                all.iter().all(|held| *held == Some(false)).then_some(false)
            }
        }
        ("all", Some(TokenTree::Group(inner))) => {
            let all = split(inner.stream()).into_iter().map(holds).collect::<Vec<_>>();
            if all.contains(&Some(false)) {
                Some(false)
            } else {
                all.iter().all(|held| *held == Some(true)).then_some(true)
            }
        }
        _ => None,
    }
}

/// The parts between commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => parts.push(TokenStream::new()),
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
