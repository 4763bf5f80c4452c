//! The papers name only what is there: a path that moved or a name that changed fails here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a newcomer reads.
const PAPERS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md"];
/// Of these the names of the code are checked, too.
const ABOUT_THE_CODE: [&str; 2] = ["CONTRIBUTING.md", "docs/ARCHITECTURE.md"];
/// Where paths begin.
const FOLDERS: [&str; 5] = ["src/", "tests/", "docs/", "examples/", "benches/"];
/// Names of other worlds: of the standard library, of crates, of examples in a sentence.
const NOT_OURS: [&str; 7] = [
    "INSTA_UPDATE",
    "get_",
    "Vec",
    "insta",
    "mod tests",
    "restarted_peer_replaces_its_old_incarnation",
    "tokio",
];

#[test]
fn every_path_that_the_papers_name_is_there() {
    let missing: Vec<_> = PAPERS
        .iter()
        .flat_map(|paper| spans(paper).into_iter().chain(links(paper)).map(move |span| (paper, span)))
        .filter(|(_, span)| FOLDERS.iter().any(|folder| span.starts_with(folder)))
        .filter(|(_, path)| !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_heading_that_the_papers_link_to_is_there() {
    let slug = |heading: &str| heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    let missing: Vec<_> = PAPERS
        .iter()
        .flat_map(|paper| local_links(paper).into_iter().map(move |link| (paper, link)))
        .filter_map(|(paper, link)| {
            let (path, anchor) = link.split_once('#')?;
            let text = read(path);
            let there = text.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
            (!there).then(|| (paper, link.clone()))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_index_of_the_papers_lists_each_of_them_and_nothing_that_is_not_there() {
    let index = read("docs/README.md");
    let entries = std::fs::read_dir(root().join("docs")).unwrap().flatten();
    let papers =
        entries.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name != "README.md");
    let missing: Vec<_> = papers.filter(|name| !index.contains(&format!("({name})"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let targets = index.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let gone: Vec<_> =
        targets.map(|(path, _)| path).filter(|path| !root().join("docs").join(path).exists()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let silent: Vec<_> = sources("src").into_iter().filter(|(_, text)| !text.starts_with("//! ")).collect();
    assert!(silent.is_empty(), "{:#?}", silent.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn every_name_that_the_papers_quote_is_in_the_source() {
    let words = words_of_the_source();
    let missing: Vec<_> = ABOUT_THE_CODE
        .iter()
        .flat_map(|paper| spans(paper).into_iter().map(move |span| (paper, span)))
        .filter(|(_, span)| is_code(span) && !NOT_OURS.iter().any(|other| span.contains(other)))
        .flat_map(|(paper, span)| names(&span).map(|name| (paper, name)).collect::<Vec<_>>())
        .filter(|(_, name)| !words.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(paper: &str) -> String {
    std::fs::read_to_string(root().join(paper)).unwrap()
}

/// What stands between backticks, outside of blocks of code.
fn spans(paper: &str) -> Vec<String> {
    let text = read(paper);
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The targets of links, from the root, without the heading.
fn links(paper: &str) -> Vec<String> {
    let headless = |link: String| link.split('#').next().unwrap_or_default().to_owned();
    local_links(paper).into_iter().map(headless).collect()
}

/// The targets of links within the repository, from the root.
fn local_links(paper: &str) -> Vec<String> {
    let text = read(paper);
    let folder = Path::new(paper).parent().unwrap().to_owned();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.starts_with('#') && !target.contains("://"));
    local.map(|target| normal(&folder.join(target))).collect()
}

/// `docs/../README.md` is `README.md`.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.to_str().unwrap().split('/').filter(|part| !part.is_empty()) {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// A name or a path of names, perhaps with what it is called with.
fn is_code(span: &str) -> bool {
    let head = span.split(['(', '{', ' ']).next().unwrap_or_default().trim_start_matches("&mut");
    let identifier = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    span.len() > 1
        && head.chars().all(identifier)
        && !head.ends_with(':')
        && (head.contains('_') || head.chars().any(char::is_uppercase))
}

fn names(span: &str) -> impl Iterator<Item = String> {
    let words = span.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(str::to_owned);
    words.filter(|word| word.len() > 2 && word.chars().next().is_some_and(char::is_alphabetic))
}

fn words_of_the_source() -> BTreeSet<String> {
    sources("src").iter().flat_map(|(_, text)| names(text).collect::<Vec<_>>()).collect()
}

/// All files of Rust in a folder.
pub(crate) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn what_is_fuzzed_is_built_of_the_crates_of_the_program() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    let (_, behind) = manifest.split_once("\n[dependencies]\n").unwrap();
    let table = behind.lines().take_while(|line| !line.starts_with('['));
    let used: Vec<&str> = table.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert!(used.len() > 10, "they are found: {used:?}");
    let fuzzed = std::fs::read_to_string("fuzz/Cargo.lock").unwrap();
    let missing: Vec<_> =
        used.iter().filter(|name| !fuzzed.contains(&format!("name = \"{name}\"\n"))).collect();
    assert!(missing.is_empty(), "`cargo metadata --manifest-path fuzz/Cargo.toml` adds them: {missing:?}");
}
