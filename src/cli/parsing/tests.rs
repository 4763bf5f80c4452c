//! What is made of arguments, environment and file together.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction};

use crate::app::keymap::{Action, Key, KeyContext};
use crate::app::ui::TableColumns;
use crate::cli::args;

use super::environment::variable;
use super::*;

fn parsed(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(Cli, Vec<String>), String> {
    let arguments = ["vigie"].iter().chain(arguments).map(OsString::from);
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
    let parsed = parse(arguments, environment, None).map_err(in_words)?;
    Ok((parsed.cli, parsed.warnings))
}

fn in_words(error: ParseError) -> String {
    match error {
        ParseError::Arguments(error) => error.to_string(),
        ParseError::Line(line) => line,
    }
}

/// The options that these variables set, for a command line without them.
fn options(given: &ArgMatches, variable: (String, OsString)) -> Vec<Given> {
    let mut root = Cli::command();
    root.build();
    let (command, leaf) = chosen(&root, given);
    let command = command.clone();
    let sources = Sources::new(root, &command, leaf, [variable].into());
    sources.beside_arguments(&command).unwrap()
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
            let more = options(&alone, (name, (*sample).into()));
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
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let parsed = parse(arguments, environment, None).unwrap();
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
        let error = parse(["vigie".into(), "check".into()], [(name.into(), bad.clone())], None).unwrap_err();
        assert!(matches!(&error, ParseError::Line(line) if line.contains(name)), "{error:?}");
    }
    let Parsed { cli, .. } = parse(["vigie".into()], [("VIGIE_LOG_FILE".into(), bad.clone())], None).unwrap();
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

/// A configuration file, gone after the test.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-{name}-{}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    /// What it makes of these arguments and variables.
    fn parsed(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Parsed, String> {
        let arguments = ["vigie"].iter().chain(arguments).map(OsString::from);
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        parse(arguments, environment, Some(&self.0)).map_err(in_words)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn an_argument_beats_a_variable_a_variable_a_profile_and_a_profile_the_rest_of_the_file() {
    let text = "interval = \"9s\"\nsilent-after = 4\nmax-retries = 6\ngroup = \"file\"\nascii = true\n\
        [profile.lab]\nsilent-after = 5\nmax-retries = 7\ngroup = \"lab\"\nascii = false\n";
    let file = Written::new("order", text);
    let environment = [("VIGIE_MAX_RETRIES", "8"), ("VIGIE_GROUP", "variable")];
    let node = file.parsed(&["--profile", "lab", "--group", "argument", "watch"], &environment).unwrap().cli;
    let of = |cli: &Cli| {
        let node = &cli.node;
        (node.interval.as_secs(), node.silent_after, node.max_retries, node.group.clone(), cli.screen.ascii)
    };
    assert_eq!(of(&node), (9, 5, 8, "argument".to_owned(), false));
    let without = file.parsed(&[], &[]).unwrap().cli;
    assert_eq!(of(&without), (9, 4, 6, "file".to_owned(), true));
}

#[test]
fn a_command_has_its_own_table_and_the_demo_heeds_no_other_where_it_differs() {
    let text = "group = \"file\"\nsilent-after = 7\n[check]\nexpect = 3\ntimeout = \"7s\"\n[demo]\ninterval = \"3s\"\n";
    let file = Written::new("tables", text);
    let parsed = file.parsed(&["check", "--timeout", "8s"], &[]).unwrap();
    let Some(args::CliCommand::Check(check)) = &parsed.cli.command else { panic!("{:?}", parsed.cli) };
    assert_eq!((check.expect, check.timeout.as_secs()), (Some(3), 8));
    let demo = file.parsed(&["demo"], &[]).unwrap().cli.node;
    assert_eq!((demo.interval.as_secs(), demo.group.as_str(), demo.silent_after), (3, "demo", 7));
    assert!(file.parsed(&["demo"], &[]).unwrap().cli.node.shaped_by.is_none());
}

#[test]
fn peers_of_the_file_are_dialed_and_noted_and_an_argument_takes_the_place_of_all() {
    let text = "peer = [\"10.0.0.1\"]\n[peers]\nroof = \"ask Anna\"\n\
        mast = { address = \"10.0.0.2:7\", note = \"by the sea\" }\n[profile.lab.peers]\nroof = { address = \"10.0.0.3\" }\n";
    let file = Written::new("peers", text);
    let peers = |cli: &Cli| cli.node.peer.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cli = file.parsed(&[], &[]).unwrap().cli;
    assert_eq!(peers(&cli), ["10.0.0.1:17474", "10.0.0.2:7"]);
    let notes: Vec<_> = cli
        .screen
        .preferences
        .notes
        .0
        .iter()
        .map(|note| (&*note.name, note.ip, note.text.as_deref().unwrap()))
        .collect();
    let ip = "10.0.0.2".parse().ok();
    assert_eq!(notes, [("roof", None, "ask Anna"), ("mast", ip, "by the sea")]);
    let lab = file.parsed(&["--profile", "lab"], &[]).unwrap().cli;
    assert_eq!((peers(&lab).len(), lab.screen.preferences.notes.0.len()), (3, 1));
    assert_eq!(peers(&file.parsed(&["--peer", "host"], &[]).unwrap().cli), ["host:17474"]);
}

#[test]
fn keys_of_the_file_count_and_those_of_the_profile_before_them() {
    let file = Written::new("keys", "[keys]\ndial-all = \"F5\"\n[profile.lab.keys]\ndial-all = [\"A\"]\n");
    let action = |arguments: &[&str], key: &str| {
        let keymap = file.parsed(arguments, &[]).unwrap().cli.screen.preferences.keymap;
        keymap.action(KeyContext::Peers, &key.parse::<Key>().unwrap().event())
    };
    assert_eq!((action(&[], "F5"), action(&[], "D")), (Some(Action::DialAll), None));
    assert_eq!(action(&["--profile", "lab"], "A"), Some(Action::DialAll));
}

#[test]
fn columns_of_the_profile_count_before_those_of_the_file_and_each_width_by_itself() {
    let text = "[columns]\nshow = [\"name\", \"rtt\", \"cause\"]\nwidth = { name = 30, rtt = 9 }\n\
        [profile.lab.columns.width]\nname = 40\n[profile.few.columns]\nshow = [\"rtt\"]\n";
    let file = Written::new("columns", text);
    let columns = |arguments: &[&str]| {
        let parsed = file.parsed(arguments, &[]).unwrap();
        (parsed.cli.screen.preferences.columns.to_string(), parsed.sources.columns().1)
    };
    assert_eq!(columns(&[]), ("name=30 rtt=9 cause".to_owned(), Some(1)));
    assert_eq!(columns(&["--profile", "lab"]).0, "name=40 rtt=9 cause");
    assert_eq!(columns(&["--profile", "few"]).0, "rtt=9");
    let grouped = |text: &str| {
        Written::new("groups", text).parsed(&[], &[]).map(|parsed| parsed.cli.screen.preferences.is_grouped)
    };
    assert!(grouped("[columns]\ngroup = true\n").unwrap() && !grouped("[columns]\n").unwrap());
    assert!(grouped("[columns]\ngroup = 1\n").is_err());
    assert_eq!(
        parse(["vigie".into()], [], None).unwrap().cli.screen.preferences.columns,
        TableColumns::default()
    );
}

#[test]
fn a_file_that_is_named_must_be_there_and_the_usual_one_need_not() {
    let nowhere = Some(Path::new("/nonexistent/config.toml"));
    let parse = |arguments: &[&str]| {
        parse(arguments.iter().map(OsString::from), [], nowhere).map(|_| ()).map_err(in_words)
    };
    assert_eq!(parse(&["vigie"]), Ok(()));
    let error = parse(&["vigie", "--config", "/nonexistent/x.toml"]).unwrap_err();
    assert!(error.starts_with("cannot read the configuration file /nonexistent/x.toml: "), "{error}");
    let error = parse(&["vigie", "--profile", "lab"]).unwrap_err();
    assert_eq!(error, "there is no profile lab: no configuration file is at /nonexistent/config.toml");
    let file = Written::new("profile", "[profile.lab]\n");
    let error = file.parsed(&["--profile", "lap"], &[]).unwrap_err();
    assert_eq!(error, format!("{} has no profile lap; the nearest name is lab", file.0.display()));
}

#[test]
fn an_error_that_names_an_option_says_where_in_the_file_it_is() {
    let file = Written::new("origins", "\nbind = \"127.0.0.7\"\n");
    let parsed = file.parsed(&[], &[]).unwrap();
    let named = parsed.origins.name("--bind 127.0.0.7: not ours");
    assert_eq!(named, format!("bind ({}:2) 127.0.0.7: not ours", file.0.display()));
}

#[test]
fn what_counts_is_told_with_where_it_comes_from() {
    let file = Written::new("effective", "interval = \"9s\"\n[check]\nexpect = 3\n");
    let arguments = ["config", "--port", "7"];
    let parsed = file.parsed(&arguments, &[("VIGIE_PEER", "a,b")]).unwrap();
    let effective = parsed.sources.effective();
    let of = |command: Option<&str>, long: &str| {
        let mut found = effective.iter().filter(|e| e.command == command && e.arg.get_long() == Some(long));
        let one = found.next().unwrap_or_else(|| panic!("{long}"));
        assert!(found.next().is_none(), "{long} twice");
        (one.value.clone(), one.origin.clone())
    };
    let texts = |texts: &[&str]| Value::Texts(texts.iter().map(OsString::from).collect());
    assert_eq!(of(None, "port"), (texts(&["7"]), Origin::Argument));
    assert_eq!(of(None, "peer"), (texts(&["a", "b"]), Origin::Variable("VIGIE_PEER".to_owned())));
    assert_eq!(of(None, "interval"), (texts(&["9s"]), Origin::File(file.0.clone(), 1)));
    assert_eq!(of(Some("check"), "expect"), (texts(&["3"]), Origin::File(file.0.clone(), 3)));
    assert_eq!(of(Some("demo"), "group"), (texts(&["demo"]), Origin::Default));
    assert_eq!(of(Some("config"), "json"), (Value::Switch(false), Origin::Default));
    assert_eq!(of(None, "ascii"), (Value::Switch(false), Origin::Default));
}
