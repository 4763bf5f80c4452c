//! Tokens to what they name: paths, method calls, literals. On tokens, since what stands within a macro counts like all else.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Meta};

/// Something named in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) kind: MentionKind,
    /// The path's segments, or the one name, or a literal as it is written.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MentionKind {
    /// `a`, `a::b`
    Path,
    /// `a::b(…)`
    Call,
    /// `self.a(…)`
    OwnMethod,
    /// `x.a(…)`
    Method,
    /// `#[cfg(…)]` or `cfg!(…)`, with the names in it.
    Cfg,
    /// `"a"`
    Literal,
}

/// All that the tokens name, in order.
pub(crate) fn mentions(tokens: TokenStream) -> Vec<Mention> {
    let mut found = Vec::new();
    scan(&tokens.into_iter().collect::<Vec<_>>(), &mut found);
    found
}

/// What `#[path = "…"]` says, within a `cfg_attr` as well: the file of every system counts.
pub(crate) fn path_in(attribute: &Attribute) -> Option<String> {
    let tokens = match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => list.tokens.clone(),
        meta => meta.to_token_stream(),
    };
    let tokens = tokens.into_iter().collect::<Vec<_>>();
    tokens.windows(3).find_map(|three| match three {
        [TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Literal(literal)]
            if name == "path" && equals.as_char() == '=' =>
        {
            Some(literal.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    })
}

fn scan(tokens: &[TokenTree], found: &mut Vec<Mention>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at = match token {
            TokenTree::Punct(hash) if hash.as_char() == '#' => attribute(tokens, at, found),
            TokenTree::Ident(_) => path(tokens, at, found),
            TokenTree::Group(group) => {
                scan(&group.stream().into_iter().collect::<Vec<_>>(), found);
                at + 1
            }
            TokenTree::Literal(literal) => {
                let (segments, line) = (vec![literal.to_string()], literal.span().start().line);
                found.push(Mention { kind: MentionKind::Literal, segments, line });
                at + 1
            }
            TokenTree::Punct(_) => at + 1,
        };
    }
}

/// An attribute says nothing, but a `cfg`: documentation is one, too.
fn attribute(tokens: &[TokenTree], at: usize, found: &mut Vec<Mention>) -> usize {
    let at = if is_punct(tokens.get(at + 1), '!') { at + 2 } else { at + 1 };
    let Some(TokenTree::Group(group)) = tokens.get(at).filter(|t| is_group(t, Delimiter::Bracket)) else {
        return at;
    };
    let inside = group.stream().into_iter().collect::<Vec<_>>();
    if let [TokenTree::Ident(name), TokenTree::Group(predicate)] = inside.as_slice()
        && name == "cfg"
    {
        found.push(cfg(predicate.stream(), name.span().start().line));
    }
    at + 1
}

fn cfg(predicate: TokenStream, line: usize) -> Mention {
    let segments = mentions(predicate).into_iter().flat_map(|m| m.segments).collect();
    Mention { kind: MentionKind::Cfg, segments, line }
}

/// A path from its first name on, with what is done to it.
fn path(tokens: &[TokenTree], start: usize, found: &mut Vec<Mention>) -> usize {
    let (mut segments, mut at) = (Vec::new(), start);
    let line = tokens[start].span().start().line;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        segments.push(name.to_string());
        at += 1;
        if !is_path_separator(tokens, at) {
            break;
        }
        at += 2;
        if is_punct(tokens.get(at), '<') {
            // A turbofish: what it names counts by itself.
            let end = end_of_generics(tokens, at);
            scan(&tokens[at + 1..end.saturating_sub(1).max(at + 1)], found);
            at = end;
            if !is_path_separator(tokens, at) {
                break;
            }
            at += 2;
        }
    }
    let called = tokens.get(at).is_some_and(|t| is_group(t, Delimiter::Parenthesis));
    let after_dot = start > 0 && is_punct(tokens.get(start - 1), '.') && !is_range(tokens, start - 1);
    let kind = match (after_dot, called) {
        (true, false) => return at,
        (true, true) if is_own(tokens, start) => MentionKind::OwnMethod,
        (true, true) => MentionKind::Method,
        (false, true) => MentionKind::Call,
        (false, false) => MentionKind::Path,
    };
    if kind == MentionKind::Path
        && segments == ["cfg"]
        && is_punct(tokens.get(at), '!')
        && let Some(TokenTree::Group(predicate)) = tokens.get(at + 1)
    {
        found.push(cfg(predicate.stream(), line));
        return at + 2;
    }
    found.push(Mention { kind, segments, line });
    at
}

/// `self.name`, and not `other.self.name`.
fn is_own(tokens: &[TokenTree], name: usize) -> bool {
    name >= 2
        && matches!(&tokens[name - 2], TokenTree::Ident(ident) if ident == "self")
        && (name == 2 || !is_punct(tokens.get(name - 3), '.'))
}

/// `a..b` is no field of `a`.
fn is_range(tokens: &[TokenTree], dot: usize) -> bool {
    dot > 0 && is_punct(tokens.get(dot - 1), '.')
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Behind the `>` that closes the `<` at this place.
fn end_of_generics(tokens: &[TokenTree], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if is_punct(Some(token), '<') {
            depth += 1;
        } else if is_punct(Some(token), '>') && !is_punct(tokens.get(at.wrapping_sub(1)), '-') {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}
