//! The README tells the truth about keys and options.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../examples/screenshots/fingerprint.rs"]
mod fingerprint;

use clap::CommandFactory;
use vigie::cli::args::Cli;
use vigie::engine::config::DEFAULT_PORT;
use vigie::engine::packet_filter::{Direction, IpVersion};
use vigie::engine::peers::PeerState;
use vigie::text::firewall::{FirewallTool, Opening};

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_the_keys_of_the_keymap() {
    let listed = between("<!-- keys: ", "\n<!-- end of keys -->");
    let expected = vigie::app::keymap::Keymap::default().markdown();
    assert_eq!(listed.trim(), expected.trim(), "put this between the marks:\n{expected}");
}

#[test]
fn the_readme_lists_the_options_of_the_option_table() {
    let cli = Cli::command();
    let mut expected = String::from("| option | default | meaning |\n|---|---|---|\n");
    cli.get_arguments().for_each(|arg| expected.extend(option("", arg)));
    for command in cli.get_subcommands() {
        // The demo has other defaults of options that are listed above.
        let own =
            command.get_arguments().filter(|arg| !cli.get_arguments().any(|a| a.get_id() == arg.get_id()));
        own.for_each(|arg| expected.extend(option(&format!("{} ", command.get_name()), arg)));
    }
    let listed = between("<!-- options: ", "\n<!-- end of options -->");
    assert_eq!(listed.trim(), expected.trim(), "put this between the marks:\n{expected}");
}

#[test]
fn the_readme_names_every_command() {
    for command in Cli::command().get_subcommands().map(clap::Command::get_name) {
        assert!(README.contains(&format!("vigie {command}")), "{command} is missing");
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
fn the_readme_opens_firewalls_as_the_program_does() {
    let openings = [Opening::Udp(DEFAULT_PORT), Opening::Tcp(DEFAULT_PORT)];
    for tool in [FirewallTool::Ufw, FirewallTool::Firewalld(IpVersion::V4), FirewallTool::Windows] {
        let admin = if tool == FirewallTool::Windows { "" } else { "sudo " };
        for command in tool.allow(Direction::In, &openings) {
            let line = format!("{admin}{command}");
            assert!(README.lines().any(|written| written == line), "{line}");
        }
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
    let is_plot = |path: &std::path::Path| {
        let begins = |name: &str| ["accuracy-", "scale-"].iter().any(|plot| name.starts_with(plot));
        path.file_name().is_some_and(|name| begins(&name.to_string_lossy()))
    };
    let is_svg = |path: &std::path::PathBuf| path.extension().is_some_and(|ending| ending == "svg");
    let pictures: Vec<_> = paths.filter(is_svg).filter(|path| !is_plot(path)).collect();
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

/// What people read and may type.
const PAPERS: [(&str, &str); 6] = [
    ("README.md", README),
    ("CONTRIBUTING.md", include_str!("../CONTRIBUTING.md")),
    ("SECURITY.md", include_str!("../SECURITY.md")),
    ("docs/control.md", include_str!("../docs/control.md")),
    ("docs/recording.md", include_str!("../docs/recording.md")),
    ("docs/threat-model.md", include_str!("../docs/threat-model.md")),
];

/// The words of a command line of vigie, if it is one: up to a comment, a pipe or the next command.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ").trim_start_matches("sudo ");
    let command = line.strip_prefix("vigie ").or((line == "vigie").then_some(""))?;
    let end = [" #", " | ", " && ", "; "].iter().filter_map(|end| command.find(end)).min();
    let words = shlex::split(&command[..end.unwrap_or(command.len())])?;
    Some(std::iter::once("vigie".to_owned()).chain(words).collect())
}

#[test]
fn every_command_of_a_block_can_be_typed_as_it_stands() {
    let mut tried = 0;
    for (paper, text) in PAPERS {
        let blocks = text.split("```").skip(1).step_by(2);
        let of_a_shell =
            |block: &&str| ["sh\n", "powershell\n", "console\n"].iter().any(|kind| block.starts_with(kind));
        for line in blocks.filter(of_a_shell).flat_map(str::lines) {
            let Some(words) = words(line) else { continue };
            let parsed = Cli::command().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{paper}: {line}\n{}", parsed.unwrap_err());
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn every_command_within_a_sentence_has_names_that_the_program_knows() {
    use clap::error::ErrorKind::{InvalidSubcommand, UnknownArgument};
    let mut tried = 0;
    for (paper, text) in PAPERS {
        for span in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let Some(words) = words(span).filter(|words| words.len() > 1) else { continue };
            // A word of the sentence may stand for a file, a name or a time.
            if let Err(error) = Cli::command().try_get_matches_from(&words) {
                assert!(
                    ![InvalidSubcommand, UnknownArgument].contains(&error.kind()),
                    "{paper}: {span}\n{error}"
                );
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

/// What stands between a mark that begins so and its end.
fn between(begin: &str, end: &str) -> &'static str {
    let (_, rest) = README.split_once(begin).unwrap();
    let (_, rest) = rest.split_once("-->\n").unwrap();
    rest.split_once(end).unwrap().0
}

/// The row of an option; none of one that every program has, or that is no option.
fn option(command: &str, arg: &clap::Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !["help", "version"].contains(long))?;
    let value = if arg.get_action().takes_values() {
        // A stroke would end the cell.
        format!(" {}", arg.get_value_names().unwrap()[0].replace('|', "\\|"))
    } else {
        String::new()
    };
    let help = arg.get_help().unwrap().to_string();
    // A default that the table cannot compute is told by the help.
    let (help, told) = match help.split_once(" [default: ") {
        Some((help, told)) => (help.to_owned(), Some(told.trim_end_matches(']').to_owned())),
        None => (help, None),
    };
    let given = arg.get_default_values().iter().map(|value| format!("`{}`", value.to_str().unwrap())).next();
    let default =
        told.or(given.filter(|_| arg.get_action().takes_values())).unwrap_or_else(|| "–".to_owned());
    Some(format!("| `{command}--{long}{value}` | {default} | {help} |\n"))
}
