//! What the program says of how it was built: the commit, as far as it is known, and the target.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Digits of a commit that are shown: as many as tell it from every other.
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |name: &str| env::var(name).unwrap_or_default();
    // A debug build does not ask: it would be made again after each commit.
    let commit = if of("PROFILE") == "release" { commit() } else { None };
    let commit = commit.map(|commit| format!("commit {commit}, ")).unwrap_or_default();
    println!("cargo::rustc-env=VIGIE_VERSION={} ({commit}{})", of("CARGO_PKG_VERSION"), of("TARGET"));
}

/// The commit that a package was made of, or that is checked out here.
fn commit() -> Option<String> {
    const OF_A_PACKAGE: &str = ".cargo_vcs_info.json";
    if Path::new(OF_A_PACKAGE).exists() {
        println!("cargo::rerun-if-changed={OF_A_PACKAGE}");
        let told = fs::read_to_string(OF_A_PACKAGE).ok()?;
        let (_, rest) = told.split_once("\"sha1\": \"")?;
        return rest.get(..DIGITS).map(str::to_owned);
    }
    let Some(prefix) = git(&["rev-parse", "--show-prefix"]) else { return without_git() };
    // Not that of a repository in which somebody has unpacked this.
    if !prefix.is_empty() {
        return None;
    }
    let moves = ["logs/HEAD", "HEAD"].map(|path| git(&["rev-parse", "--git-path", path]));
    let moves = moves.into_iter().flatten().find(|path| Path::new(path).exists())?;
    println!("cargo::rerun-if-changed={moves}");
    git(&["rev-parse", &format!("--short={DIGITS}"), "HEAD"])
}

/// The commit that is checked out, read from the files of a clone: the images in which a container is built have no git.
fn without_git() -> Option<String> {
    let folder = Path::new(".git");
    let head = fs::read_to_string(folder.join("HEAD")).ok()?;
    println!("cargo::rerun-if-changed=.git/HEAD");
    let commit = match head.trim().strip_prefix("ref: ") {
        None => head,
        Some(branch) => fs::read_to_string(folder.join(branch)).ok().or_else(|| {
            let packed = fs::read_to_string(folder.join("packed-refs")).ok()?;
            packed.lines().find(|line| line.ends_with(&format!(" {branch}"))).map(str::to_owned)
        })?,
    };
    commit.get(..DIGITS).map(str::to_owned)
}

fn git(arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git").args(arguments).output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8(ran.stdout).ok()?.trim().to_owned())
}
