//! The help of a command: its own options, and the names of those that every command has, by group. What these mean is told once, by
//! the help of the program.

use std::fmt::Write as _;

use clap::{Args as _, Command};

use super::{ConfigArgs, NOTES, NodeArgs, ScreenArgs};

/// A command whose help describes its own options and names the others.
pub(super) fn of_a_command(command: Command) -> Command {
    let all = ScreenArgs::augment_args(NodeArgs::augment_args(Command::new("all")));
    let all = ConfigArgs::augment_args(all);
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    let mut hidden = Vec::new();
    for arg in all.get_arguments() {
        // The demo has some with defaults of its own.
        if command.get_arguments().any(|own| own.get_id() == arg.get_id()) {
            continue;
        }
        hidden.push(arg.clone().hide(true));
        let (heading, name) =
            (arg.get_help_heading().unwrap_or("Others"), arg.get_long().unwrap_or_default());
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, names)) => names.push(format!("--{name}")),
            None => groups.push((heading, vec![format!("--{name}")])),
        }
    }
    let mut rest = "Options of every command, which `vigie --help` describes:\n".to_owned();
    for (heading, names) in &groups {
        let _ = writeln!(rest, "  {heading}: {}", names.join(", "));
    }
    command.args(hidden).after_help(format!("{rest}\n{NOTES}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::args::Cli;

    /// What a person sees.
    fn help(command: &str) -> String {
        let error = Cli::command().try_get_matches_from(["vigie", command, "--help"]).unwrap_err();
        error.to_string()
    }

    #[test]
    fn the_help_of_a_command_describes_its_own_options_and_names_the_others_by_group() {
        let check = help("check");
        let places =
            ["--expect <N>", "--timeout <DURATION>", "Who and where: --name, --group", "Timing: --interval"];
        let places = places.map(|words| check.find(words).unwrap_or_else(|| panic!("{words}: {check}")));
        assert!(places.is_sorted(), "{check}");
        assert!(!check.contains("--name <NAME>"), "{check}");
    }

    #[test]
    fn the_help_of_the_demo_describes_what_has_another_default_there() {
        let demo = help("demo");
        assert!(
            demo.contains("--interval <DURATION>") && demo.contains("Who and where: --tcp-port"),
            "{demo}"
        );
    }
}
