//! What people read is plain, current English: no string of the program has an expression that reads oddly.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Expressions that read oddly, and what to write instead. Each stands for whole words, in lower case.
const ODD: [(&str, &str); 50] = [
    ("anew", "again, or restart"),
    ("lest", "so that … not"),
    ("third ones", "others"),
    ("turned away", "rejected"),
    ("so many", "the number"),
    ("such names", "matching"),
    ("by any way", "by any route"),
    ("is well again", "resolved"),
    ("given up", "gave up"),
    ("time is over", "time limit reached"),
    ("by hand", "manually"),
    ("named by a peer", "through another peer"),
    ("come to an end", "finished"),
    ("to an end", "finished"),
    ("nobody has told", "not reported"),
    ("has told nothing", "no report"),
    ("was said of it", "was recorded"),
    ("that are held", "recorded"),
    ("is held", "recorded"),
    ("oldest held", "oldest snapshot"),
    ("no longer held", "no longer recorded"),
    ("can be had", "is free"),
    ("does not say why", "the cause is unclear"),
    ("never answers", "never replies"),
    ("fault of this machine", "the problem is on this machine"),
    ("not known then", "not yet known"),
    ("too old", "stale"),
    ("signs say", "legend"),
    ("each sign", "one cell"),
    ("count where you are", "work here"),
    ("for want of", "for lack of"),
    ("mends it", "a fix"),
    ("what is known of", "details of"),
    ("served its dials", "inbound dials"),
    ("you says", "you report"),
    ("reach us", "reach this node"),
    ("reached us", "reached this node"),
    ("has these words", "matches"),
    ("passes the filter", "matches the filter"),
    ("character behind", "character after the cursor"),
    ("from the other end", "reverse"),
    ("the peer before", "previous peer"),
    ("found before", "previous match"),
    ("is found by itself", "is found automatically"),
    ("carried away", "moved"),
    ("plugged in at", "reconnects as"),
    ("a presence", "a broadcast"),
    ("do not hear us", "cannot hear this node"),
    ("a line an event", "one line per event"),
    ("one line an", "one line per"),
];

/// The folder of the files whose comments people read: clap makes the help of them.
const HELP: &str = "src/cli/args";

#[test]
fn no_string_of_the_program_reads_oddly() {
    let (mut odd, mut helps) = (Vec::new(), 0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in sources(&root.join("src")) {
        let source = std::fs::read_to_string(&path).unwrap();
        let has_help = path.starts_with(root.join(HELP));
        helps += usize::from(has_help);
        for text in strings(&source, has_help) {
            for (expression, better) in oddities(&text) {
                odd.push(format!("{}: \"{text}\": not '{expression}' but '{better}'", path.display()));
            }
        }
    }
    assert!(helps > 0, "there is no help in {HELP}");
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[test]
fn the_readme_reads_well_too() {
    let readme = include_str!("../README.md");
    let odd: Vec<_> = readme.lines().filter(|line| oddities(line).next().is_some()).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn strings_are_found_where_people_read_them_and_nowhere_else() {
    let source = r##"
        //! "A comment of a file".
        /// A comment, and "no" 'string'.
        #[error("of an error: {0}")]
        struct Wrong(#[expect(dead_code, reason = "of a lint")] u8);
        fn say() { println!("of a {}", concat!("macro", r#"and raw "#)); let c = '"'; }
        #[cfg(test)]
        mod tests { const OF: &str = "a test"; }
        #[cfg(test)]
        const ONE: &str = "of another";
        const LAST: &str = "the last \
                            one";
    "##;
    assert_eq!(strings(source, false), ["of an error: {0}", "of a {}", "macro", "and raw ", "the last one"]);
    let with_help = strings(source, true);
    assert!(with_help[0].contains("A comment of a file"), "{with_help:?}");
}

#[test]
fn an_oddity_is_whole_words_in_any_case() {
    let odd = |text: &str| oddities(text).map(|(expression, _)| expression).collect::<Vec<_>>();
    assert_eq!(odd("Starts anew."), ["anew"]);
    assert_eq!(odd("the latest, renewed"), [""; 0]);
}

/// All files of the program; those with tests alone are left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "tests" || name == "testkit" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The string literals of a source, in their order: not those of comments, lints and tests.
fn strings(source: &str, with_comments: bool) -> Vec<String> {
    let mut found = Vec::new();
    collect(source.parse().unwrap(), with_comments, &mut found);
    found
}

fn collect(tokens: TokenStream, with_comments: bool, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                // An attribute of the whole file has a mark of its own.
                tokens.next_if(|token| matches!(token, TokenTree::Punct(sign) if sign.as_char() == '!'));
                let Some(TokenTree::Group(attribute)) = tokens.next() else { continue };
                match name(&attribute).as_deref() {
                    Some("cfg") if attribute.to_string().contains("test") => {
                        skip_item(&mut tokens);
                    }
                    Some("doc") if !with_comments => {}
                    Some("error" | "arg" | "command" | "doc") => {
                        collect(attribute.stream(), with_comments, found);
                    }
                    _ => {}
                }
            }
            TokenTree::Group(group) => collect(group.stream(), with_comments, found),
            TokenTree::Literal(literal) => found.extend(value(&literal.to_string())),
            _ => {}
        }
    }
}

/// What an attribute is called.
fn name(attribute: &Group) -> Option<String> {
    match attribute.stream().into_iter().next() {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Leaves out what follows, up to its semicolon or its braces.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            _ => {}
        }
    }
}

/// The text of a string literal, one line long; none of a number or a character.
fn value(literal: &str) -> Option<String> {
    let literal = literal.strip_prefix(['b', 'c']).unwrap_or(literal);
    if let Some(raw) = literal.strip_prefix('r') {
        return Some(raw.trim_matches('#').trim_matches('"').to_owned());
    }
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    // A backslash at the end of a line joins it with the next one.
    Some(
        text.split("\\\n")
            .enumerate()
            .map(|(nth, part)| if nth > 0 { part.trim_start() } else { part })
            .collect(),
    )
}

/// The odd expressions in a text, and what to write instead.
fn oddities(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let text = text.to_lowercase();
    ODD.into_iter().filter(move |(expression, _)| {
        text.match_indices(expression).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    })
}
