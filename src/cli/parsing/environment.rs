//! The environment variables: every option of the one table has its own. Nothing here knows a single option by name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

use crate::text::nearest;

use super::given::Value;

/// What the names of all variables begin with.
const PREFIX: &str = "VIGIE_";
/// What a switch takes, upper case or lower.
const ON: [&str; 3] = ["true", "yes", "1"];
const OFF: [&str; 3] = ["false", "no", "0"];

/// Variables by name, none of them empty.
pub(super) type Variables = BTreeMap<String, OsString>;

/// The name of an option's variable; positional arguments have none.
pub(super) fn variable(arg: &Arg) -> Option<String> {
    let asks = matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    let long = arg.get_long().filter(|_| !asks)?;
    Some(format!("{PREFIX}{}", long.to_uppercase().replace('-', "_")))
}

/// The variables that may be meant for us. An empty one is unset, and blanks around a value are no part of it.
pub(super) fn set(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Variables {
    let trimmed = |value: OsString| value.to_str().map_or(value.clone(), |text| text.trim().into());
    let named =
        environment.into_iter().map(|(name, value)| (name.to_string_lossy().into_owned(), trimmed(value)));
    named.filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()).collect()
}

/// What a variable says of its option; a list is split at commas.
///
/// # Errors
/// When a switch is neither on nor off: one line.
pub(super) fn value(arg: &Arg, variable: &str, value: &OsStr) -> Result<Value, String> {
    Ok(match arg.get_action() {
        ArgAction::SetTrue => Value::Switch(switch(variable, value)?),
        ArgAction::Append => Value::Texts(match value.to_str() {
            Some(list) => list.split(',').map(str::trim).filter(|p| !p.is_empty()).map(Into::into).collect(),
            None => vec![value.to_owned()],
        }),
        _ => Value::Texts(vec![value.to_owned()]),
    })
}

/// Whether a switch is on.
fn switch(variable: &str, value: &OsStr) -> Result<bool, String> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_one_of(ON) {
        return Ok(true);
    }
    if is_one_of(OFF) {
        return Ok(false);
    }
    let value = value.to_string_lossy();
    Err(format!("invalid value '{value}' for {variable}: expected true, false, yes, no, 1 or 0"))
}

/// A line about each variable that is no option's, with the one that may be meant.
pub(super) fn unknown(variables: &Variables, root: &Command) -> Vec<String> {
    let known = names(root);
    let unknown = variables.keys().filter(|name| !known.contains(*name));
    let line = |name: &String| {
        // What all begin with makes none more likely.
        let likely = nearest(&name[PREFIX.len()..], known.iter().map(|known| &known[PREFIX.len()..]));
        let likely = likely.replace("name is ", &format!("name is {PREFIX}"));
        format!("ignoring the unknown environment variable {name}{likely}")
    };
    unknown.map(line).collect()
}

/// The variables of a command and of those below it.
fn names(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(variable);
    own.chain(command.get_subcommands().flat_map(names)).collect()
}
