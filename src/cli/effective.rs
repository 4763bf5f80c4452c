//! `vigie config`: what counts, and where each value comes from.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::args::ShowConfigArgs;
use super::config::{Kind, schema};
use super::error::CliError;
use super::output;
use super::parsing::{Effective, Origin, Sources, Value};
use super::table::{Side, aligned};

pub(super) fn run(sources: &Sources, args: &ShowConfigArgs) -> Result<u8, CliError> {
    let text = if args.schema {
        pretty(&schema(&sources.root))?
    } else if args.json {
        format!("{}\n", document(sources))
    } else {
        page(sources)
    };
    output::print(&text).map(|_| 0)
}

fn pretty(document: &Json) -> Result<String, CliError> {
    Ok(format!("{}\n", serde_json::to_string_pretty(document).map_err(anyhow::Error::from)?))
}

/// For people.
fn page(sources: &Sources) -> String {
    let mut page = String::new();
    let _ = match (&sources.file, &sources.usual) {
        (Some(file), _) => writeln!(page, "configuration file: {}", file.path.display()),
        (None, Some(usual)) => writeln!(page, "configuration file: none (none is at {})", usual.display()),
        (None, None) => writeln!(page, "configuration file: none"),
    };
    if let Some(profile) = &sources.profile {
        let _ = writeln!(page, "profile: {profile}");
    }
    let effective = sources.effective();
    let rows: Vec<[String; 3]> = effective
        .iter()
        .map(|option| {
            let command = option.command.map(|command| format!("{command} ")).unwrap_or_default();
            let long = option.arg.get_long().unwrap_or_default();
            [format!("{command}--{long}"), option.shown(), origin(&option.origin)]
        })
        .collect();
    let heading = [("option", Side::Left), ("value", Side::Left), ("from", Side::Left)];
    let _ = write!(page, "\n{}", aligned(heading, &rows));
    for (rebinding, line) in sources.keys() {
        let keys: Vec<String> = rebinding.keys.iter().map(|key| key.name()).collect();
        let _ = writeln!(page, "key {}: {} (line {line})", rebinding.action, keys.join(" "));
    }
    if let (columns, Some(line)) = sources.columns() {
        let grouped = if sources.is_grouped() { ", grouped by subnet" } else { "" };
        let _ = writeln!(page, "columns: {columns}{grouped} (line {line})");
    }
    for named in sources.filters() {
        let _ = writeln!(page, "filter {}: {} (line {})", named.filter.name, named.filter.text, named.line);
    }
    for peer in sources.peers() {
        let noted = [peer.noted.is_marked.then_some("marked"), peer.noted.is_pinned.then_some("pinned")];
        let told = [peer.address.as_deref()].into_iter().chain(noted).chain([peer.note.as_deref()]);
        let told: Vec<&str> = told.flatten().collect();
        let _ = writeln!(page, "peer {}: {} (line {})", peer.name, told.join(", "), peer.line);
    }
    page
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File(path, line) => format!("{}:{line}", path.display()),
        Origin::Variable(variable) => variable.clone(),
        Origin::Argument => "option".to_owned(),
    }
}

/// For programs.
fn document(sources: &Sources) -> Json {
    let options: Vec<Json> = sources.effective().iter().map(option).collect();
    let keys = sources.keys().into_iter().map(|(rebinding, line)| {
        let keys: Vec<String> = rebinding.keys.iter().map(|key| key.name()).collect();
        json!({ "action": rebinding.action, "keys": keys, "line": line })
    });
    let (columns, line) = sources.columns();
    let columns: Vec<Json> = columns
        .wanted()
        .iter()
        .map(|column| json!({ "name": column.heading(), "width": columns.width(*column) }))
        .collect();
    let peers = sources.peers().into_iter().map(
        |peer| json!({ "name": peer.name, "address": peer.address, "note": peer.note, "mark": peer.noted.is_marked, "pin": peer.noted.is_pinned, "line": peer.line }),
    );
    let filters = sources.filters().into_iter();
    let filters = filters
        .map(|named| json!({ "name": named.filter.name, "filter": named.filter.text, "line": named.line }));
    json!({
        "v": 1,
        "file": sources.file.as_ref().map(|file| file.path.to_string_lossy()),
        "profile": sources.profile,
        "options": options,
        "keys": keys.collect::<Vec<_>>(),
        "columns": { "show": columns, "group": sources.is_grouped(), "line": line },
        "filters": filters.collect::<Vec<_>>(),
        "peers": peers.collect::<Vec<_>>(),
    })
}

fn option(option: &Effective<'_>) -> Json {
    let texts = |values: &[std::ffi::OsString]| -> Vec<String> {
        values.iter().map(|value| value.to_string_lossy().into_owned()).collect()
    };
    let value = match (&option.value, Kind::of(option.arg)) {
        (Value::Switch(is_on), _) => json!(is_on),
        (Value::Texts(values), Kind::List) => json!(texts(values)),
        (Value::Texts(values), _) => json!(texts(values).first()),
    };
    let (from, path, line, variable) = match &option.origin {
        Origin::Default => ("default", None, None, None),
        Origin::File(path, line) => ("file", Some(path.to_string_lossy()), Some(line), None),
        Origin::Variable(variable) => ("variable", None, None, Some(variable)),
        Origin::Argument => ("option", None, None, None),
    };
    json!({
        "command": option.command,
        "option": option.arg.get_long(),
        "value": value,
        "from": from,
        "file": path,
        "line": line,
        "variable": variable,
    })
}
