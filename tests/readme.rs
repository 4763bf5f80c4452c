//! The README tells the truth about keys and options.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../examples/screenshots/fingerprint.rs"]
mod fingerprint;

use clap::CommandFactory;
use vigie::cli::args::Cli;
use vigie::engine::peers::PeerState;

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_the_keys_of_the_keymap() {
    let (_, rest) = README.split_once("<!-- keys: ").unwrap();
    let (_, rest) = rest.split_once("-->\n").unwrap();
    let (listed, _) = rest.split_once("\n<!-- end of keys -->").unwrap();
    let expected = vigie::app::keymap::markdown();
    assert_eq!(listed.trim(), expected.trim(), "put this between the marks:\n{expected}");
}

#[test]
fn the_readme_lists_every_option_and_every_command() {
    let cli = Cli::command();
    let options = cli.get_arguments().chain(cli.get_subcommands().flat_map(clap::Command::get_arguments));
    for long in options.filter_map(clap::Arg::get_long) {
        assert!(README.contains(&format!("`--{long}")), "--{long} is missing");
    }
    for command in cli.get_subcommands() {
        assert!(
            README.contains(&format!("vigie {}", command.get_name())),
            "{} is missing",
            command.get_name()
        );
    }
}

#[test]
fn the_readme_says_of_every_state_what_the_program_says() {
    for state in PeerState::ALL {
        let (word, meaning) = (state.as_str(), state.description());
        let row = README.lines().find(|line| line.starts_with(&format!("| {word} | `"))).unwrap();
        assert!(row.ends_with(&format!(" | {meaning} |")), "{row}: {meaning}");
    }
}

#[test]
fn every_picture_of_the_readme_is_there() {
    for (_, rest) in README.match_indices("](assets/").map(|(i, m)| (i, &README[i + m.len() - 7..])) {
        let path = rest.split(')').next().unwrap();
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path} is missing");
    }
}

#[test]
fn no_picture_is_older_than_the_screen() {
    let screen = fingerprint::of_the_screen().unwrap();
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let paths = std::fs::read_dir(assets).unwrap().map(|entry| entry.unwrap().path());
    let pictures: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "svg")).collect();
    assert!(pictures.len() >= 6, "{pictures:?}");
    for path in pictures {
        let picture = std::fs::read_to_string(&path).unwrap();
        assert!(
            picture.trim_end().ends_with(&screen),
            "{} is older than the screen: make screenshots",
            path.display()
        );
    }
}
