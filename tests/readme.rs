//! The README tells the truth about keys and options.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

use clap::CommandFactory;
use vigie::cli::args::Cli;

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
fn every_picture_of_the_readme_is_there() {
    for (_, rest) in README.match_indices("](assets/").map(|(i, m)| (i, &README[i + m.len() - 7..])) {
        let path = rest.split(')').next().unwrap();
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path} is missing");
    }
}
