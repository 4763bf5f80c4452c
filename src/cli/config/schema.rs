//! The JSON Schema of configuration files, from the table of options: what editors complete and check.

use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use crate::app::keymap::Keymap;
use crate::app::model::Column;
use crate::app::ui::MAX_WIDTH;

use super::document::{
    ADDRESS, COLUMNS, FILTERS, GROUP, KEYS, MARK, NOTE, PEERS, PIN, PROFILE, SHOW, WIDTH, is_in_files,
    own_options, with_tables,
};
use super::setting::Kind;

/// What may stand in a file.
pub(in crate::cli) fn schema(root: &Command) -> Value {
    let mut properties = layer(root);
    let profile = json!({ "$ref": "#/definitions/profile" });
    properties
        .insert(PROFILE.to_owned(), table("What counts with --profile NAME, before the rest.", &profile));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "config.toml of vigie",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": {
            "profile": { "type": "object", "properties": layer(root), "additionalProperties": false },
        },
    })
}

/// What a file and each profile may have.
fn layer(root: &Command) -> Map<String, Value> {
    let of_all = root.get_arguments().filter(|arg| is_in_files(arg)).filter_map(named);
    let commands = with_tables(root).map(|command| {
        let own: Map<String, Value> = own_options(root, command).filter_map(named).collect();
        let what = format!("Options of `vigie {}`.", command.get_name());
        (command.get_name().to_owned(), object(&what, &own))
    });
    // An option and a command may share a name: then it is a value or a table.
    let mut layer = Map::new();
    for (name, schema) in commands.chain(of_all) {
        let schema = match layer.remove(&name) {
            Some(other) => json!({ "anyOf": [schema, other] }),
            None => schema,
        };
        layer.insert(name, schema);
    }
    let keys = json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
    let keys: Map<String, Value> = Keymap::names().map(|name| (name, keys.clone())).collect();
    layer.insert(KEYS.to_owned(), object("Keys of actions, like \"F5\" or [\"x\", \"Ctrl-X\"].", &keys));
    layer.insert(COLUMNS.to_owned(), columns());
    let filter = json!({ "type": "string" });
    layer.insert(
        FILTERS.to_owned(),
        table("Filters of the app by their names, like slow = \"rtt>5ms\".", &filter),
    );
    let text = |what: &str| json!({ "type": "string", "description": what });
    let switch = |what: &str| json!({ "type": "boolean", "description": what });
    let about = [
        (ADDRESS, text("Where it is dialed, as with --peer.")),
        (NOTE, text("Shown in its details.")),
        (MARK, switch("Its row has a sign, and is:marked finds it.")),
        (PIN, switch("Its row stands above the others.")),
    ];
    let about = object("A peer.", &about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let peer = json!({ "anyOf": [{ "type": "string" }, about] });
    layer.insert(
        PEERS.to_owned(),
        table("Peers by their names: a note, or an address, a note, a mark and a pin.", &peer),
    );
    layer
}

/// What may be said of the columns of the table.
fn columns() -> Value {
    let names: Vec<&str> = Column::ALL.into_iter().map(Column::heading).collect();
    let width = json!({ "type": "integer", "minimum": 1, "maximum": MAX_WIDTH });
    let widths = names.iter().map(|name| ((*name).to_owned(), width.clone())).collect();
    let shown = json!({
        "type": "array",
        "description": "Those that are shown, from the left.",
        "items": { "type": "string", "enum": names },
    });
    let grouped = json!({ "type": "boolean", "description": "Whether its peers are grouped by subnet." });
    let widths = object("How wide they are, where there is room.", &widths);
    let all = [(SHOW, shown), (WIDTH, widths), (GROUP, grouped)];
    let all = all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    object("Columns of the table of peers.", &all)
}

fn object(what: &str, properties: &Map<String, Value>) -> Value {
    json!({ "type": "object", "description": what, "properties": properties, "additionalProperties": false })
}

/// A table with any names.
fn table(what: &str, of: &Value) -> Value {
    json!({ "type": "object", "description": what, "additionalProperties": of })
}

fn named(arg: &Arg) -> Option<(String, Value)> {
    let mut schema = match Kind::of(arg) {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::List => {
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
        }
        Kind::Whole => json!({ "type": "integer" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Text => json!({ "type": "string" }),
    };
    let choices = arg.get_possible_values();
    if Kind::of(arg) == Kind::Text && !choices.is_empty() {
        schema["enum"] = choices.iter().map(clap::builder::PossibleValue::get_name).collect();
    }
    schema["description"] = arg.get_help().map(ToString::to_string).unwrap_or_default().into();
    if let [default] = arg.get_default_values()
        && Kind::of(arg) != Kind::Switch
    {
        let text = default.to_string_lossy();
        let number = serde_json::from_str(&text).ok().filter(|_| Kind::of(arg) != Kind::Text);
        schema["default"] = number.unwrap_or_else(|| text.into());
    }
    Some((arg.get_long()?.to_owned(), schema))
}
