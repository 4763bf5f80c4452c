//! From a folder, or from strings, to the files that the program is made of: those that a `mod` leads to.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::file::SourceFile;
use super::imports::{self, Import};
use super::modules::{ModulePath, Names};

/// Where a crate begins: the library, and the program that is one page.
const ROOTS: [(&str, &str); 2] = [("src/lib.rs", ModulePath::LIBRARY), ("src/main.rs", ModulePath::PROGRAM)];

/// Where the engine lives, now and formerly.
const ENGINE_FOLDERS: [&str; 2] = ["src/engine/", "src/core/"];

/// All files of the program, without tests.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) imports: Vec<Import>,
}

impl Tree {
    /// Reads the checkout in this folder.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut texts = BTreeMap::new();
        read_folder(root, &root.join("src"), &mut texts)?;
        Self::of(&texts)
    }

    /// Of texts by their paths.
    pub(crate) fn of(texts: &BTreeMap<String, String>) -> Result<Self> {
        let mut files = Vec::new();
        for (path, crate_name) in ROOTS.iter().filter(|(path, _)| texts.contains_key(*path)) {
            follow(texts, path, ModulePath::root(crate_name), &mut files)?;
        }
        if files.is_empty() {
            bail!("there is no {} here", ROOTS[0].0);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let imports = imports::of(&files, &Names::of(&files));
        Ok(Self { files, imports })
    }

    /// The folder of the engine, with a slash at its end.
    pub(crate) fn engine_folder(&self) -> &'static str {
        let holds = |folder: &&&str| self.files.iter().any(|file| file.path.starts_with(**folder));
        ENGINE_FOLDERS.iter().find(holds).copied().unwrap_or(ENGINE_FOLDERS[0])
    }

    /// The files of the engine, with their numbers in [`Tree::files`].
    pub(crate) fn engine(&self) -> impl Iterator<Item = (usize, &SourceFile)> {
        let folder = self.engine_folder();
        self.files.iter().enumerate().filter(move |(_, file)| file.path.starts_with(folder))
    }
}

fn read_folder(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(root, &path, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let below = path.strip_prefix(root).unwrap_or(&path);
            let parts = below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>();
            texts.insert(parts.join("/"), text);
        }
    }
    Ok(())
}

/// Takes in a file and those that its `mod`s name.
fn follow(
    texts: &BTreeMap<String, String>,
    path: &str,
    module: ModulePath,
    files: &mut Vec<SourceFile>,
) -> Result<()> {
    let parsed =
        SourceFile::parse(path, module, &texts[path]).with_context(|| format!("cannot parse {path}"))?;
    let Some(file) = parsed else { return Ok(()) };
    let mut children = Vec::new();
    for (nth, module) in file.modules.iter().enumerate() {
        let depth = module.path.depth() - file.modules[0].path.depth();
        let folder = folder_of_children(path, nth == 0, module.path.last(depth));
        for (name, written) in &module.children {
            let written = written.iter().map(|to| format!("{}/{to}", parent(path)));
            let usual = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
            let there = written.chain(usual).filter(|path| texts.contains_key(path) && !is_tests(path));
            children.extend(there.map(|path| (path, module.path.child(name))));
        }
    }
    files.push(file);
    children.into_iter().try_for_each(|(path, module)| follow(texts, &path, module, files))
}

/// Where the files of a file's modules lie.
fn folder_of_children(path: &str, own: bool, inner: &[String]) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let folder = match file {
        "mod.rs" | "lib.rs" | "main.rs" => parent(path).to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    if own { folder } else { format!("{folder}/{}", inner.join("/")) }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// By its name alone, should its `mod` not say so.
fn is_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}
