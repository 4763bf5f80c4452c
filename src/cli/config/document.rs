//! From the text of a file to what it says; every key and value is checked, also of commands that do not run now.

use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::app::keymap::{Key, Keymap, Rebinding};
use crate::app::model::{Column, SavedFilter};
use crate::app::ui::TableColumns;
use crate::text::nearest;

use super::columns::Columns;
use super::filters::NamedFilter;
use super::layers::{ConfigFile, Layer, PEER_OPTION};
use super::peers::{NamedPeer, refused_name, refused_note};
use super::setting::{Setting, refusal, values};

/// Tables that are no command's.
pub(super) const PROFILE: &str = "profile";
pub(super) const KEYS: &str = "keys";
pub(super) const PEERS: &str = "peers";
pub(super) const COLUMNS: &str = "columns";
pub(super) const FILTERS: &str = "filters";
/// What `[columns]` has.
pub(super) const SHOW: &str = "show";
pub(super) const WIDTH: &str = "width";
pub(super) const GROUP: &str = "group";
/// What a table of `[peers]` has.
pub(super) const ADDRESS: &str = "address";
pub(super) const NOTE: &str = "note";
pub(super) const MARK: &str = "mark";
pub(super) const PIN: &str = "pin";

/// What is wrong, and where.
struct Fault {
    /// In bytes from the beginning.
    at: usize,
    what: String,
}

type Checked<T> = Result<T, Fault>;
type Item<'a, 'i> = (&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>);

/// Reads a text. An error is one line that names the file and the line.
pub(super) fn read(path: &Path, text: &str, root: &Command) -> Result<ConfigFile, String> {
    let said =
        |fault: Fault| format!("{}:{}: {}", path.display(), line_of(text.as_bytes(), fault.at), fault.what);
    let document = DeTable::parse(text).map_err(|error| {
        let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        said(Fault { at: error.span().map_or(0, |span| span.start), what })
    })?;
    let reader = Reader { text, root };
    let mut file = ConfigFile { path: path.to_owned(), root: Layer::default(), profiles: Vec::new() };
    reader.root(document.get_ref(), &mut file).map_err(said)?;
    file.check_keys()?;
    Ok(file)
}

/// The line of a place, from 1.
pub(super) fn line_of(text: &[u8], at: usize) -> usize {
    text.get(..at).unwrap_or(text).split(|byte| *byte == b'\n').count()
}

/// Whether an option may stand in a file: not those that say which file, and none that asks for help.
pub(in crate::cli) fn is_in_files(arg: &Arg) -> bool {
    let asks = matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    arg.get_long().is_some() && !asks && !crate::cli::args::ConfigArgs::has(arg)
}

/// The options of a command's own: those that not all have, or that have another default there.
pub(in crate::cli) fn own_options<'a>(
    root: &'a Command,
    command: &'a Command,
) -> impl Iterator<Item = &'a Arg> {
    let of_all = |arg: &Arg| {
        let known = root.get_arguments().find(|all| all.get_id() == arg.get_id());
        known.is_some_and(|known| known.get_default_values() == arg.get_default_values())
    };
    command.get_arguments().filter(move |arg| is_in_files(arg) && !of_all(arg))
}

/// The commands that have a table in a file: those with options of their own.
pub(in crate::cli) fn with_tables(root: &Command) -> impl Iterator<Item = &Command> {
    root.get_subcommands().filter(|command| own_options(root, command).next().is_some())
}

struct Reader<'a> {
    text: &'a str,
    /// The table of options, with those of all commands in each.
    root: &'a Command,
}

impl Reader<'_> {
    fn root(&self, table: &DeTable<'_>, file: &mut ConfigFile) -> Checked<()> {
        for (key, value) in in_order(table) {
            let DeValue::Table(profiles) = value.get_ref() else {
                self.entry((key, value), Some(PROFILE), &mut file.root)?;
                continue;
            };
            if key.get_ref() != PROFILE {
                self.entry((key, value), Some(PROFILE), &mut file.root)?;
                continue;
            }
            for (name, value) in in_order(profiles) {
                let mut layer = Layer::default();
                for item in in_order(table_of(name, value)?) {
                    self.entry(item, None, &mut layer)?;
                }
                file.profiles.push((name.get_ref().to_string(), layer));
            }
        }
        Ok(())
    }

    /// One key of a file, or of a profile.
    fn entry(&self, item: Item<'_, '_>, more: Option<&str>, layer: &mut Layer) -> Checked<()> {
        let (key, value) = item;
        let name: &str = key.get_ref();
        match name {
            KEYS => layer.keys.extend(self.keys(table_of(key, value)?)?),
            COLUMNS => layer.columns = self.columns(key, table_of(key, value)?)?,
            FILTERS => layer.filters.extend(self.filters(table_of(key, value)?)?),
            PEERS => layer.peers.extend(self.peers(table_of(key, value)?)?),
            _ => {
                let command = with_tables(self.root).find(|command| command.get_name() == name);
                if let (DeValue::Table(table), Some(command)) = (value.get_ref(), command) {
                    let own: Vec<&Arg> = own_options(self.root, command).collect();
                    let settings = in_order(table).into_iter().map(|item| self.setting(&own, item, &[]));
                    layer.commands.push((name.to_owned(), settings.collect::<Checked<_>>()?));
                    return Ok(());
                }
                let tables = [KEYS, COLUMNS, FILTERS, PEERS].into_iter().chain(more);
                let others: Vec<&str> = tables.chain(with_tables(self.root).map(Command::get_name)).collect();
                let of_all: Vec<&Arg> = self.root.get_arguments().filter(|arg| is_in_files(arg)).collect();
                layer.options.push(self.setting(&of_all, item, &others)?);
            }
        }
        Ok(())
    }

    fn setting(&self, options: &[&Arg], (key, value): Item<'_, '_>, others: &[&str]) -> Checked<Setting> {
        let name: &str = key.get_ref();
        let Some(arg) = options.iter().find(|arg| arg.get_long() == Some(name)) else {
            return Err(self.no_option(options, key, others));
        };
        let values = values(arg, value.get_ref()).map_err(|what| Fault { at: value.span().start, what })?;
        Ok(Setting { option: name.to_owned(), values, line: self.line(key) })
    }

    /// What is wrong with a key that is none of these options, and no other name that may stand there.
    fn no_option(&self, options: &[&Arg], key: &Spanned<DeString<'_>>, others: &[&str]) -> Fault {
        let name: &str = key.get_ref();
        let at = key.span().start;
        if others.contains(&name) {
            return Fault { at, what: format!("{name} is a table: [{name}] is expected") };
        }
        let mut of_all = self.root.get_arguments().filter(|arg| is_in_files(arg));
        if of_all.any(|arg| arg.get_long() == Some(name)) {
            let what = format!("{name} is no option of a command: it belongs before the first table");
            return Fault { at, what };
        }
        let known = options.iter().filter_map(|arg| arg.get_long());
        unknown(key, known.chain(others.iter().copied()))
    }

    fn keys(&self, table: &DeTable<'_>) -> Checked<Vec<(Rebinding, usize)>> {
        let one = |(name, value): Item<'_, '_>| {
            if !Keymap::names().any(|known| known == **name.get_ref()) {
                let names: Vec<String> = Keymap::names().collect();
                return Err(unknown(name, names.iter().map(String::as_str)));
            }
            let texts = match value.get_ref() {
                DeValue::String(text) => vec![text.to_string()],
                DeValue::Array(keys) => {
                    keys.iter().filter_map(|key| key.get_ref().as_str().map(str::to_owned)).collect()
                }
                _ => Vec::new(),
            };
            let keys: Result<Vec<Key>, _> = texts.iter().map(|text| text.parse::<Key>()).collect();
            match keys {
                Ok(keys) if is_text_or_texts(value.get_ref()) => {
                    Ok((Rebinding { action: name.get_ref().to_string(), keys }, self.line(name)))
                }
                Ok(_) => {
                    fault(value, "a key in quotes, or an array of them, is expected, like \"F5\"".to_owned())
                }
                Err(error) => fault(value, error.to_string()),
            }
        };
        in_order(table).into_iter().map(one).collect()
    }

    fn columns(&self, key: &Spanned<DeString<'_>>, table: &DeTable<'_>) -> Checked<Columns> {
        let mut columns = Columns { line: Some(self.line(key)), ..Columns::default() };
        for (name, value) in in_order(table) {
            match &**name.get_ref() {
                SHOW => columns.show = Some(shown(value)?),
                WIDTH => {
                    let widths = in_order(table_of(name, value)?);
                    columns.widths = widths.into_iter().map(column_width).collect::<Checked<_>>()?;
                }
                GROUP => columns.group = Some(switch(value)?),
                _ => return Err(unknown(name, [SHOW, WIDTH, GROUP])),
            }
        }
        Ok(columns)
    }

    fn filters(&self, table: &DeTable<'_>) -> Checked<Vec<NamedFilter>> {
        let one = |(name, value): Item<'_, '_>| {
            if let Some(what) = SavedFilter::refused_name(name.get_ref()) {
                return Err(Fault { at: name.span().start, what });
            }
            let Some(text) = value.get_ref().as_str() else {
                return fault(value, "a filter in quotes is expected, like \"rtt>5ms\"".to_owned());
            };
            let text = checked(value, text.trim(), SavedFilter::refused_text)?;
            let filter = SavedFilter { name: name.get_ref().to_string(), text };
            Ok(NamedFilter { filter, line: self.line(name) })
        };
        in_order(table).into_iter().map(one).collect()
    }

    fn peers(&self, table: &DeTable<'_>) -> Checked<Vec<NamedPeer>> {
        in_order(table).into_iter().map(|(name, value)| self.peer(name, value)).collect()
    }

    fn peer(&self, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Checked<NamedPeer> {
        if let Some(what) = refused_name(name.get_ref()) {
            return Err(Fault { at: name.span().start, what });
        }
        let mut peer =
            NamedPeer { name: name.get_ref().to_string(), line: self.line(name), ..NamedPeer::default() };
        match value.get_ref() {
            DeValue::String(note) => peer.note = Some(checked(value, note, refused_note)?),
            DeValue::Table(table) => {
                for (key, value) in in_order(table) {
                    let text = value.get_ref().as_str();
                    match (&**key.get_ref(), text) {
                        (ADDRESS, Some(text)) => {
                            peer.address = Some(checked(value, text, |text| self.refused_address(text))?);
                        }
                        (NOTE, Some(text)) => peer.note = Some(checked(value, text, refused_note)?),
                        (MARK, _) => peer.noted.is_marked = switch(value)?,
                        (PIN, _) => peer.noted.is_pinned = switch(value)?,
                        (ADDRESS | NOTE, None) => {
                            return fault(value, "a text in quotes is expected".to_owned());
                        }
                        _ => return Err(unknown(key, [ADDRESS, NOTE, MARK, PIN])),
                    }
                }
            }
            _ => {
                return fault(
                    value,
                    format!("a note in quotes, or {{ {ADDRESS} = …, {NOTE} = … }}, is expected"),
                );
            }
        }
        Ok(peer)
    }

    fn refused_address(&self, text: &str) -> Option<String> {
        let peer = self.root.get_arguments().find(|arg| arg.get_long() == Some(PEER_OPTION))?;
        Some(refusal(peer, text)?.replace(&format!("for {PEER_OPTION}:"), &format!("for {ADDRESS}:")))
    }

    fn line(&self, key: &Spanned<DeString<'_>>) -> usize {
        line_of(self.text.as_bytes(), key.span().start)
    }
}

/// The items of a table as they stand in the file: what is wrong first is told.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Item<'a, 'i>> {
    let mut items: Vec<_> = table.iter().collect();
    items.sort_by_key(|(key, _)| key.span().start);
    items
}

fn table_of<'a, 'i>(
    key: &Spanned<DeString<'_>>,
    value: &'a Spanned<DeValue<'i>>,
) -> Checked<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => fault(value, format!("{} is a table: [{}] is expected", key.get_ref(), key.get_ref())),
    }
}

fn switch(value: &Spanned<DeValue<'_>>) -> Checked<bool> {
    value.get_ref().as_bool().map_or_else(|| fault(value, "true or false is expected".to_owned()), Ok)
}

/// The columns that an array names.
fn shown(value: &Spanned<DeValue<'_>>) -> Checked<TableColumns> {
    let names = value.get_ref().as_array().into_iter().flat_map(|names| names.iter());
    let column = |name: &Spanned<DeValue<'_>>| match name.get_ref().as_str() {
        Some(text) => TableColumns::named(text).map_err(|what| Fault { at: name.span().start, what }),
        None => fault(name, "a name in quotes is expected, like \"rtt\"".to_owned()),
    };
    let columns = names.map(column).collect::<Checked<Vec<_>>>()?;
    match TableColumns::of(&columns) {
        _ if !value.get_ref().is_array() => {
            fault(value, "an array of columns is expected, like [\"name\", \"state\"]".to_owned())
        }
        Ok(columns) => Ok(columns),
        Err(what) => fault(value, what),
    }
}

/// A column with the width that it is to have.
fn column_width((name, value): Item<'_, '_>) -> Checked<(Column, u16)> {
    let at = name.span().start;
    let column = TableColumns::named(name.get_ref()).map_err(|what| Fault { at, what })?;
    let width = value.get_ref().as_integer().and_then(|width| width.as_str().parse().ok());
    match width {
        Some(width) if TableColumns::refused_width(Some(width)).is_none() => Ok((column, width)),
        _ => fault(value, TableColumns::refused_width(None).unwrap_or_default()),
    }
}

fn is_text_or_texts(value: &DeValue<'_>) -> bool {
    let all = |values: &toml::de::DeArray<'_>| values.iter().all(|value| value.get_ref().is_str());
    value.is_str() || value.as_array().is_some_and(all)
}

fn checked(
    value: &Spanned<DeValue<'_>>,
    text: &str,
    refused: impl Fn(&str) -> Option<String>,
) -> Checked<String> {
    match refused(text) {
        Some(what) => fault(value, what),
        None => Ok(text.to_owned()),
    }
}

fn fault<T>(value: &Spanned<DeValue<'_>>, what: String) -> Checked<T> {
    Err(Fault { at: value.span().start, what })
}

fn unknown<'a>(key: &Spanned<DeString<'_>>, known: impl IntoIterator<Item = &'a str>) -> Fault {
    let name = key.get_ref();
    Fault { at: key.span().start, what: format!("unknown key {name}{}", nearest(name, known)) }
}
