//! What a file may say, what is refused and how, the example and the schema of the assets.

use std::path::Path;
use std::sync::LazyLock;

use clap::{Arg, CommandFactory as _};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::document::{is_in_files, own_options, with_tables};
use super::*;
use crate::cli::args::Cli;

fn asset(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)).unwrap()
}

fn example() -> String {
    asset("config.toml")
}

fn written_schema() -> String {
    asset("config.schema.json")
}

fn root() -> Command {
    let mut root = Cli::command();
    root.build();
    root
}

fn read(text: &str) -> Result<ConfigFile, String> {
    static ROOT: LazyLock<Command> = LazyLock::new(root);
    document::read(Path::new("c.toml"), text, &ROOT)
}

#[track_caller]
fn refused(text: &str) -> String {
    read(text).expect_err(text)
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    let cases = [
        ("\nintervall = \"5s\"", "c.toml:2: unknown key intervall; the nearest name is interval"),
        ("[chekc]\nexpect = 1", "c.toml:1: unknown key chekc; the nearest name is check"),
        ("[check]\n\nexpct = 1", "c.toml:3: unknown key expct; the nearest name is expect"),
        ("[check]\nport = 1", "c.toml:2: port is no option of a command: it belongs before the first table"),
        ("[keys]\ndial-al = \"F5\"", "c.toml:2: unknown key dial-al; the nearest name is dial-all"),
        ("[peers]\na = { adress = \"b\" }", "c.toml:2: unknown key adress; the nearest name is address"),
        ("[peers]\na = { pni = true }", "c.toml:2: unknown key pni; the nearest name is pin"),
        ("[columns]\n\nshow = [\"name\", \"rtx\"]", "c.toml:3: unknown column rtx; the nearest name is rtt"),
        ("[columns]\nwidth = { nmae = 1 }", "c.toml:2: unknown column nmae; the nearest name is name"),
        ("[columns]\nwidht = { name = 1 }", "c.toml:2: unknown key widht; the nearest name is width"),
        ("[profile.lab]\nprt = 1", "c.toml:2: unknown key prt; the nearest name is port"),
    ];
    for (text, line) in cases {
        assert_eq!(refused(text), line);
    }
    // They say which file counts: no file says that.
    assert_eq!(refused("profile = \"x\""), "c.toml:1: profile is a table: [profile] is expected");
    assert_eq!(refused("config = \"x\""), "c.toml:1: config is a table: [config] is expected");
    for text in ["help = true", "version = true"] {
        assert!(refused(text).starts_with("c.toml:1: unknown key"), "{text}");
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_line_and_what_is_expected() {
    let cases = [
        (
            "\ninterval = \"0s\"",
            "c.toml:2: invalid value '0s' for interval: a duration from 100ms to 1h is expected, like 500ms or 5s",
        ),
        (
            "interval = 5",
            "c.toml:1: invalid value '5' for interval: a duration from 100ms to 1h is expected, like 500ms or 5s",
        ),
        ("port = 0", "c.toml:1: invalid value '0' for port: 0 is not in 1..=65535"),
        ("port = \"7\"", "c.toml:1: invalid value for port: a number without quotes is expected"),
        (
            "retry-backoff = 0.5",
            "c.toml:1: invalid value '0.5' for retry-backoff: a number from 1 to 10 is expected",
        ),
        ("name = 7", "c.toml:1: invalid value for name: a text in quotes is expected"),
        ("ascii = \"yes\"", "c.toml:1: invalid value for ascii: true or false is expected"),
        (
            "peer = [\"a\", 7]",
            "c.toml:1: invalid value for peer: a text in quotes, or an array of them, is expected",
        ),
        ("port = [7]", "c.toml:1: invalid value for port: a number without quotes is expected"),
        ("name = { a = 1 }", "c.toml:1: invalid value for name: a text in quotes is expected"),
        ("check = 7", "c.toml:1: check is a table: [check] is expected"),
        ("columns = 7", "c.toml:1: columns is a table: [columns] is expected"),
        (
            "[columns]\nshow = \"name\"",
            "c.toml:2: an array of columns is expected, like [\"name\", \"state\"]",
        ),
        ("[columns]\nshow = [7]", "c.toml:2: a name in quotes is expected, like \"rtt\""),
        ("[columns]\nshow = []", "c.toml:2: at least one column is expected"),
        ("[columns]\nshow = [\"rtt\", \"rtt\"]", "c.toml:2: column rtt is named twice"),
        ("[columns]\nwidth = 7", "c.toml:2: width is a table: [width] is expected"),
        ("[columns.width]\nname = 201", "c.toml:2: a width from 1 to 200 is expected"),
        ("[columns.width]\nname = \"30\"", "c.toml:2: a width from 1 to 200 is expected"),
        ("keys = 7", "c.toml:1: keys is a table: [keys] is expected"),
        ("[keys]\nquit = 7", "c.toml:2: a key in quotes, or an array of them, is expected, like \"F5\""),
        ("[keys]\nquit = \"d\"", "c.toml:2: d for quit already means dial in the same place"),
        (
            "[peers]\na = { address = \"b c\" }",
            "c.toml:2: invalid value 'b c' for address: 'b c' is not a host name or address",
        ),
        ("[filters]\nslow = \"rtt>\"", "c.toml:2: rtt needs a time: rtt>5ms"),
        ("[filters]\n\"a b\" = \"x\"", "c.toml:2: the name of a filter is one word of at most 24 characters"),
        ("[filters]\nslow = 5", "c.toml:2: a filter in quotes is expected, like \"rtt>5ms\""),
        ("[peers]\na = \"\"", "c.toml:2: invalid note: one line of 1 to 240 characters is expected"),
        ("[peers]\na = { mark = 1 }", "c.toml:2: true or false is expected"),
        ("[profile]\nlab = 7", "c.toml:2: lab is a table: [lab] is expected"),
    ];
    for (text, line) in cases {
        assert_eq!(refused(text), line);
    }
    for text in
        ["port = 1_000", "port = 0x10", "retry-backoff = 2", "retry-backoff = 1.5", "interface = \"a,b\""]
    {
        assert!(read(text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_no_toml_is_refused_in_one_line() {
    for text in ["port", "port = ", "a = 1\na = 2", "[x", "\u{0}", "port = 'x\ny'"] {
        let line = refused(text);
        assert!(line.starts_with("c.toml:") && !line.contains('\n'), "{line}");
    }
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(!refused(&deep).contains('\n'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_a_file_is_read_or_refused_in_one_line(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(line) = read(&text) {
            prop_assert!(line.starts_with("c.toml:") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn whatever_is_changed_in_the_example_is_read_or_refused_in_one_line(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..4)) {
        static ALL: LazyLock<String> = LazyLock::new(all_of_the_example);
        let mut text = ALL.clone().into_bytes();
        let at = at.index(text.len());
        let end = (at + bytes.len()).min(text.len());
        text.splice(at..end, bytes);
        if let Err(line) = read(&String::from_utf8_lossy(&text)) {
            prop_assert!(line.starts_with("c.toml:"), "{line}");
        }
    }
}

/// The example with all that it proposes: its lines that begin with `#` and a key.
fn all_of_the_example() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[' || c == '"') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    example().lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn the_example_changes_nothing_as_it_is_and_proposes_every_option_with_its_default() {
    let as_it_is = read(&example()).unwrap();
    assert!(as_it_is.root.options.is_empty() && as_it_is.profiles.is_empty(), "{as_it_is:?}");
    let root = root();
    let all = read(&all_of_the_example()).unwrap();
    let names =
        |settings: &[Setting]| settings.iter().map(|setting| setting.option.clone()).collect::<Vec<_>>();
    let check = |settings: &[Setting], arg: &Arg| {
        let setting = settings.iter().find(|setting| Some(&*setting.option) == arg.get_long());
        let setting = setting.unwrap_or_else(|| panic!("the example lacks {arg}: {:?}", names(settings)));
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        assert!(defaults.is_empty() || defaults == setting.values, "{arg}: {setting:?}");
    };
    root.get_arguments().filter(|arg| is_in_files(arg)).for_each(|arg| check(&all.root.options, arg));
    // What only prints once needs no place in a file, and has one.
    for command in ["check", "demo"] {
        let own = with_tables(&root).find(|own| own.get_name() == command).unwrap();
        let (_, settings) = all.root.commands.iter().find(|(name, _)| name == command).unwrap();
        own_options(&root, own).for_each(|arg| check(settings, arg));
    }
    assert!(!all.root.keys.is_empty() && !all.root.peers.is_empty() && !all.profiles.is_empty());
}

#[test]
fn the_schema_of_the_assets_is_that_of_the_table_of_options() {
    let expected = serde_json::to_string_pretty(&schema(&root())).unwrap();
    assert!(written_schema().trim() == expected, "`vigie config --schema > assets/config.schema.json`");
}

#[test]
fn the_schema_takes_the_example_and_refuses_what_the_program_refuses() {
    let schema: Value = serde_json::from_str(&written_schema()).unwrap();
    let takes = |text: &str| fits(&schema, &schema, &as_json(text));
    assert!(takes(&example()) && takes(&all_of_the_example()));
    let wrong = [
        "intervall = \"5s\"",
        "port = \"7\"",
        "name = 7",
        "ascii = \"yes\"",
        "theme = \"blue\"",
        "[check]\nport = 1",
        "[keys]\ndial-al = \"F5\"",
        "[peers]\na = { adress = \"b\" }",
        "[profile.lab]\nprt = 1",
        "[columns]\nshow = [\"rtx\"]",
        "[columns.width]\nname = 0",
    ];
    for text in wrong {
        assert!(!takes(text) && read(text).is_err(), "{text}");
    }
}

/// A document of TOML as one of JSON.
fn as_json(text: &str) -> Value {
    fn table(table: &toml::de::DeTable<'_>) -> Value {
        let items = table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref())));
        Value::Object(items.collect::<Map<_, _>>())
    }
    fn json_of(value: &toml::de::DeValue<'_>) -> Value {
        use toml::de::DeValue;
        match value {
            DeValue::Boolean(is_on) => json!(is_on),
            DeValue::Integer(integer) => json!(integer.as_str().parse::<i64>().unwrap()),
            DeValue::Float(float) => json!(float.as_str().parse::<f64>().unwrap()),
            DeValue::Array(values) => values.iter().map(|value| json_of(value.get_ref())).collect(),
            DeValue::Table(of) => table(of),
            other => json!(other.as_str().unwrap()),
        }
    }
    table(toml::de::DeTable::parse(text).unwrap().get_ref())
}

/// Whether a document is as a schema says: of what JSON Schema has, what ours uses.
fn fits(whole: &Value, schema: &Value, document: &Value) -> bool {
    for (keyword, says) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$ref" => {
                fits(whole, whole.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap(), document)
            }
            "type" => match says.as_str().unwrap() {
                "object" => document.is_object(),
                "array" => document.is_array(),
                "string" => document.is_string(),
                "boolean" => document.is_boolean(),
                "integer" => document.is_i64(),
                "number" => document.is_number(),
                other => panic!("{other}"),
            },
            "minimum" => document.as_i64().is_none_or(|value| value >= says.as_i64().unwrap()),
            "maximum" => document.as_i64().is_none_or(|value| value <= says.as_i64().unwrap()),
            "enum" => says.as_array().unwrap().contains(document),
            "anyOf" => says.as_array().unwrap().iter().any(|one| fits(whole, one, document)),
            "items" => {
                document.as_array().is_none_or(|items| items.iter().all(|item| fits(whole, says, item)))
            }
            "properties" => document.as_object().is_none_or(|items| {
                items.iter().all(|(name, item)| says.get(name).is_none_or(|says| fits(whole, says, item)))
            }),
            "additionalProperties" => document.as_object().is_none_or(|items| {
                let known = schema.get("properties").and_then(Value::as_object);
                let mut more =
                    items.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                more.all(|(_, item)| says.as_bool().unwrap_or_else(|| fits(whole, says, item)))
            }),
            "$schema" | "title" | "description" | "default" | "definitions" => true,
            other => panic!("{other}"),
        };
        if !holds {
            return false;
        }
    }
    true
}
