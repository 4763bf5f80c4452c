//! The environment variables: every option of the one table has its own, and that counts unless the option is given.
//!
//! A variable is taken as if its option stood behind the arguments, so that it is parsed, checked and refused like the option
//! itself. Nothing here knows a single option by name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::args::{Cli, shapes_a_node};
use super::complaint::in_one_line;

/// What the names of all variables begin with.
const PREFIX: &str = "VIGIE_";
/// What a switch takes, upper case or lower.
const ON: [&str; 3] = ["true", "yes", "1"];
const OFF: [&str; 3] = ["false", "no", "0"];

/// Variables by name, none of them empty.
type Variables = BTreeMap<String, OsString>;

/// Why arguments and environment do not say what to do.
#[derive(Debug)]
pub(super) enum ParseError {
    /// The arguments are wrong, or ask for help or the version.
    Arguments(clap::Error),
    /// A variable holds what its option does not take: one line that says what it may be.
    Variable(String),
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Parsed {
    /// By the arguments and the environment.
    pub(super) cli: Cli,
    /// What is odd about the environment, a line each.
    pub(super) warnings: Vec<String>,
    /// Which options variables have set.
    pub(super) origins: Origins,
}

/// The options that variables have set, each with its variable.
#[derive(Debug, Default)]
pub(super) struct Origins(Vec<(String, String)>);

impl Origins {
    /// An error that names options, by the names of those variables that have set them.
    pub(super) fn name(&self, error: &str) -> String {
        let word = |word: &str| {
            let end = word.find(|c: char| !(c == '-' || c.is_ascii_lowercase())).unwrap_or(word.len());
            let (option, rest) = word.split_at(end);
            let variable = self.0.iter().find(|(set, _)| set == option);
            variable.map(|(_, variable)| format!("{variable}{rest}"))
        };
        let named = error.split_inclusive([' ', '(']).map(|part| word(part).unwrap_or(part.to_owned()));
        named.collect()
    }
}

/// What to do by the arguments, the program's name first, and by the environment.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Parsed, ParseError> {
    let variables = set(environment);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Alone first: what is wrong with the arguments is no variable's fault.
    let given = Cli::command().try_get_matches_from(&arguments).map_err(ParseError::Arguments)?;
    let shaped_by = shapes_a_node(&given);
    let more = options(&given, &variables)?;
    let matches = if more.is_empty() { given } else { matches_with(&arguments, &more)? };
    let mut cli = Cli::from_arg_matches(&matches).map_err(ParseError::Arguments)?;
    cli.node.shaped_by = shaped_by;
    let origins = more.into_iter().map(|given| (given.option, given.variable)).collect();
    Ok(Parsed { cli, warnings: unknown(&variables), origins: Origins(origins) })
}

/// The name of an option's variable; positional arguments have none.
fn variable(arg: &Arg) -> Option<String> {
    let asks = matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    let long = arg.get_long().filter(|_| !asks)?;
    Some(format!("{PREFIX}{}", long.to_uppercase().replace('-', "_")))
}

/// The variables that may be meant for us. An empty one is unset, and blanks around a value are no part of it.
fn set(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Variables {
    let trimmed = |value: OsString| value.to_str().map_or(value.clone(), |text| text.trim().into());
    let named =
        environment.into_iter().map(|(name, value)| (name.to_string_lossy().into_owned(), trimmed(value)));
    named.filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()).collect()
}

/// An option as its variable gives it.
struct Given {
    variable: String,
    /// Its long name.
    option: String,
    /// As it is called in an error, in quotes.
    shown: String,
    arguments: Vec<OsString>,
}

impl Given {
    /// What is wrong with the variable, by the error of its option.
    fn refused(&self, error: &clap::Error) -> String {
        match error.kind() {
            ErrorKind::InvalidUtf8 => format!("the value of {} is no valid UTF-8", self.variable),
            _ => in_one_line(error).replace(&self.shown, &self.variable),
        }
    }
}

/// Those options of the chosen command that have a variable and no argument.
fn options(given: &ArgMatches, variables: &Variables) -> Result<Vec<Given>, ParseError> {
    let mut root = Cli::command();
    // Options of all commands become options of each.
    root.build();
    let (command, given) = chosen(&root, given);
    let mut options = Vec::new();
    for arg in command.get_arguments() {
        let Some(variable) = variable(arg) else { continue };
        let Some(value) = variables.get(&variable) else { continue };
        if given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        let arguments = as_arguments(arg, &variable, value)?;
        let option = format!("--{}", arg.get_long().unwrap_or_default());
        options.push(Given { shown: format!("'{arg}'"), option, variable, arguments });
    }
    Ok(options)
}

/// The command that runs, and its own arguments.
fn chosen<'a>(command: &'a Command, given: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    let sub = given.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
    match sub {
        Some((command, given)) => chosen(command, given),
        None => (command, given),
    }
}

/// The arguments that say the same as a variable: none for a switch that is off, one for each piece of a list.
fn as_arguments(arg: &Arg, variable: &str, value: &OsStr) -> Result<Vec<OsString>, ParseError> {
    let option = format!("--{}", arg.get_long().unwrap_or_default());
    let with = |value: &OsStr| {
        let mut argument = OsString::from(format!("{option}="));
        argument.push(value);
        argument
    };
    Ok(match arg.get_action() {
        ArgAction::SetTrue => {
            if switch(variable, value)? {
                vec![option.into()]
            } else {
                Vec::new()
            }
        }
        ArgAction::Append => match value.to_str() {
            Some(list) => {
                list.split(',').map(str::trim).filter(|p| !p.is_empty()).map(|p| with(p.as_ref())).collect()
            }
            None => vec![with(value)],
        },
        _ => vec![with(value)],
    })
}

/// Whether a switch is on.
fn switch(variable: &str, value: &OsStr) -> Result<bool, ParseError> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_one_of(ON) {
        return Ok(true);
    }
    if is_one_of(OFF) {
        return Ok(false);
    }
    let value = value.to_string_lossy();
    let line = format!("invalid value '{value}' for {variable}: expected true, false, yes, no, 1 or 0");
    Err(ParseError::Variable(line))
}

/// What arguments and variables say together.
fn matches_with(arguments: &[OsString], more: &[Given]) -> Result<ArgMatches, ParseError> {
    // No option takes `--` as its value: the first one ends the options.
    let (options, rest) =
        arguments.split_at(arguments.iter().position(|a| a == "--").unwrap_or(arguments.len()));
    let parse = |more: &[Given]| {
        let more = more.iter().flat_map(|given| &given.arguments);
        Cli::command().try_get_matches_from(options.iter().chain(more).chain(rest))
    };
    parse(more).map_err(|error| {
        let wrong = more.chunks(1).find_map(|one| Some(one[0].refused(&parse(one).err()?)));
        wrong.map_or(ParseError::Arguments(error), ParseError::Variable)
    })
}

/// A line about each variable that is no option's, with the one that may be meant.
fn unknown(variables: &Variables) -> Vec<String> {
    let known = names(&Cli::command());
    let unknown = variables.keys().filter(|name| !known.contains(*name));
    let line = |name: &String| {
        let likeness = |known: &&String| strsim::jaro(&known[PREFIX.len()..], &name[PREFIX.len()..]);
        let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let nearest = nearest.map(|nearest| format!("; the nearest name is {nearest}")).unwrap_or_default();
        format!("ignoring the unknown environment variable {name}{nearest}")
    };
    unknown.map(line).collect()
}

/// The variables of a command and of those below it.
fn names(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(variable);
    own.chain(command.get_subcommands().flat_map(names)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::args;

    use super::*;

    fn parsed(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(Cli, Vec<String>), String> {
        let arguments = ["vigie"].iter().chain(arguments).map(OsString::from);
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        let parsed = parse(arguments, environment).map_err(|error| match error {
            ParseError::Arguments(error) => error.to_string(),
            ParseError::Variable(line) => line,
        })?;
        Ok((parsed.cli, parsed.warnings))
    }

    fn check(arguments: &[&str], environment: &[(&str, &str)]) -> (Cli, args::CheckArgs) {
        let (mut cli, warnings) = parsed(&[&["check"], arguments].concat(), environment).unwrap();
        assert_eq!(warnings, [""; 0]);
        match cli.command.take() {
            Some(args::CliCommand::Check(check)) => (cli, check),
            other => panic!("{other:?}"),
        }
    }

    /// Every command with what has to be typed to run it.
    fn commands() -> Vec<(Command, Vec<String>)> {
        fn below(command: &Command, typed: &[String]) -> Vec<(Command, Vec<String>)> {
            let positional = command.get_positionals().filter(|arg| arg.is_required_set());
            let value = |arg: &Arg| {
                let known = arg.get_possible_values().first().map(|value| value.get_name().to_owned());
                known.unwrap_or_else(|| "host".to_owned())
            };
            let whole = typed.iter().cloned().chain(positional.map(value)).collect();
            let subs = command.get_subcommands().filter(|sub| sub.get_name() != "help");
            let below = subs.flat_map(|sub| below(sub, &[typed, &[sub.get_name().to_owned()]].concat()));
            let runs = !command.is_subcommand_required_set();
            runs.then(|| (command.clone(), whole)).into_iter().chain(below).collect()
        }
        let mut root = Cli::command();
        root.build();
        below(&root, &["vigie".to_owned()])
    }

    /// The values of an option, as they stand in arguments or variables.
    fn values(matches: &ArgMatches, id: &str) -> Vec<OsString> {
        let leaf = matches.subcommand().map_or(matches, |(_, leaf)| leaf);
        leaf.get_raw(id).unwrap_or_default().map(OsString::from).collect()
    }

    #[test]
    fn every_option_of_every_command_is_set_by_its_variable_as_by_its_argument() {
        let samples = ["7", "7s", "dark", "127.0.0.7", "true", "a"];
        let mut seen = 0;
        for (command, typed) in commands() {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long().filter(|long| !["help", "version"].contains(long)) else {
                    assert!(variable(arg).is_none(), "{arg}");
                    continue;
                };
                let name = variable(arg).unwrap();
                assert_eq!(name, format!("VIGIE_{}", long.to_uppercase().replace('-', "_")));
                let id = arg.get_id().as_str();
                let option = |sample: &&str| match arg.get_action() {
                    ArgAction::SetTrue => format!("--{long}"),
                    _ => format!("--{long}={sample}"),
                };
                let fits = |sample: &&&str| {
                    let arguments = typed.iter().cloned().chain([option(sample)]);
                    let matches = Cli::command().try_get_matches_from(arguments);
                    matches.is_ok_and(|matches| values(&matches, id) == [**sample])
                };
                let sample = samples.iter().find(fits).unwrap_or_else(|| panic!("no value for {arg}"));
                let arguments: Vec<OsString> = typed.iter().map(OsString::from).collect();
                let alone = Cli::command().try_get_matches_from(&arguments).unwrap();
                assert_ne!(values(&alone, id), [*sample], "{arg}");
                let more = options(&alone, &[(name, (*sample).into())].into()).unwrap();
                assert_eq!(values(&matches_with(&arguments, &more).unwrap(), id), [*sample], "{arg}");
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn an_argument_beats_its_variable_wherever_it_stands() {
        let environment = [("VIGIE_INTERVAL", "9s"), ("VIGIE_EXPECT", "4"), ("VIGIE_PEER", "a,b")];
        let (cli, of_check) = check(&["--expect", "2", "--peer", "c"], &environment);
        assert_eq!(
            (of_check.expect, cli.node.interval, cli.node.peer.len()),
            (Some(2), Duration::from_secs(9), 1)
        );
        let (cli, _) = parsed(&["--interval", "7s", "check"], &environment).unwrap();
        assert_eq!(cli.node.interval, Duration::from_secs(7));
    }

    #[test]
    fn a_variable_counts_also_where_arguments_end_with_a_positional() {
        for arguments in [&["dial", "host"][..], &["dial", "--", "host"]] {
            let (cli, _) = parsed(arguments, &[("VIGIE_JSON", "yes"), ("VIGIE_MAX_RETRIES", "2")]).unwrap();
            let Some(args::CliCommand::Dial(dial)) = &cli.command else { panic!("{cli:?}") };
            assert_eq!((dial.json, dial.target.text.as_str(), cli.node.max_retries), (true, "host", 2));
        }
    }

    #[test]
    fn a_switch_takes_six_words_and_refuses_every_other() {
        let json = |value| check(&[], &[("VIGIE_JSON", value)]).1.json;
        assert_eq!(["true", "1", "yes", "YES"].map(json), [true; 4]);
        assert_eq!(["false", "0", "no", "No", ""].map(json), [false; 5]);
        for value in ["2", "on", "t", "truely", "-"] {
            let error = parsed(&["check"], &[("VIGIE_JSON", value)]).unwrap_err();
            assert_eq!(
                error,
                format!("invalid value '{value}' for VIGIE_JSON: expected true, false, yes, no, 1 or 0")
            );
        }
        assert!(check(&["--json"], &[("VIGIE_JSON", "no")]).1.json);
    }

    #[test]
    fn blanks_around_a_value_are_no_part_of_it() {
        let environment = [("VIGIE_EXPECT", " 7\n"), ("VIGIE_JSON", " true"), ("VIGIE_INTERFACE", " eth0 ")];
        let (cli, of_check) = check(&[], &environment);
        assert_eq!((of_check.expect, of_check.json), (Some(7), true));
        assert_eq!(cli.node.interface[0].as_str(), "eth0");
        assert_eq!(check(&[], &[("VIGIE_EXPECT", "  ")]).1.expect, None);
    }

    #[test]
    fn an_error_names_the_variable_that_has_set_the_option() {
        let arguments = ["vigie", "--port", "7"].map(OsString::from);
        let environment = [("VIGIE_BIND", "127.0.0.7"), ("VIGIE_LOG_FILE", "x"), ("VIGIE_PORT", "9")];
        let parsed = parse(arguments, environment.map(|(name, value)| (name.into(), value.into()))).unwrap();
        let named = |error: &str| parsed.origins.name(error);
        assert_eq!(named("--bind 127.0.0.7: not ours"), "VIGIE_BIND 127.0.0.7: not ours");
        assert_eq!(named("cannot write x (--log-file): no"), "cannot write x (VIGIE_LOG_FILE): no");
        assert_eq!(named("choose another --port; --log is fine"), "choose another --port; --log is fine");
    }

    #[test]
    fn a_list_is_split_at_commas_and_its_empty_pieces_are_dropped() {
        let peers = |list| check(&[], &[("VIGIE_EXPECT_PEER", list)]).1.expect_peer;
        assert_eq!(peers(",a,, b ,"), ["a", "b"]);
        assert_eq!(peers(" , ,"), [""; 0]);
        // Names may have commas: only the variable splits.
        assert_eq!(check(&["--expect-peer", "a,b"], &[]).1.expect_peer, ["a,b"]);
    }

    #[test]
    fn a_wrong_value_is_told_by_the_name_of_its_variable() {
        let error = parsed(&["check"], &[("VIGIE_PORT", "7"), ("VIGIE_EXPECT", "two")]).unwrap_err();
        let most = crate::engine::limits::MAX_PEERS;
        assert_eq!(
            error,
            format!("invalid value 'two' for VIGIE_EXPECT: a number of peers from 1 to {most} is expected")
        );
        let error = parsed(&["check", "--expect", "two"], &[("VIGIE_EXPECT", "three")]).unwrap_err();
        assert!(error.contains("'two' for '--expect <N>'"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_a_wrong_value_too() {
        use std::os::unix::ffi::OsStringExt;
        let bad = OsString::from_vec(b"a\xff,b".to_vec());
        for name in ["VIGIE_NAME", "VIGIE_PEER", "VIGIE_EXPECT", "VIGIE_JSON"] {
            let error = parse(["vigie".into(), "check".into()], [(name.into(), bad.clone())]).unwrap_err();
            assert!(matches!(&error, ParseError::Variable(line) if line.contains(name)), "{error:?}");
        }
        let Parsed { cli, .. } = parse(["vigie".into()], [("VIGIE_LOG_FILE".into(), bad.clone())]).unwrap();
        assert_eq!(cli.node.log_file.unwrap().into_os_string(), bad);
    }

    #[test]
    fn the_demo_takes_from_its_variable_the_port_that_only_it_may_have() {
        let port =
            |arguments: &[&str], value| Some(parsed(arguments, &[("VIGIE_PORT", value)]).ok()?.0.node.port);
        assert_eq!((port(&["demo"], "0"), port(&["demo"], "7")), (Some(0), Some(7)));
        assert_eq!((port(&["watch"], "0"), port(&[], "0")), (None, None));
    }

    #[test]
    fn a_variable_of_another_command_is_ignored_and_an_unknown_one_told_with_the_nearest_name() {
        let others = [("VIGIE_EXPECT", "many"), ("VIGIE_PEERS", "all"), ("PORT", "0"), ("VIGIE_X", "")];
        assert_eq!(parsed(&["list"], &others).unwrap().1, [""; 0]);
        let (_, warnings) = parsed(&["list"], &[("VIGIE_EXPCT", "9"), ("VIGIE_", "9")]).unwrap();
        assert_eq!(warnings.len(), 2);
        assert_eq!(
            warnings[1],
            "ignoring the unknown environment variable VIGIE_EXPCT; the nearest name is VIGIE_EXPECT"
        );
    }
}
