//! Where the values of options come from, in their order: argument, variable, file, default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::app::keymap::Rebinding;
use crate::app::ui::TableColumns;
use crate::cli::config::{ConfigFile, Kind, NamedFilter, NamedPeer, own_options};

use super::environment::{self, Variables, variable};
use super::given::{Given, Origin, Value};

/// All of them, for one run of the program.
#[derive(Debug)]
pub(in crate::cli) struct Sources {
    /// The table of options, with those of all commands in each.
    pub(in crate::cli) root: Command,
    /// What stands on the command line, by the options' names.
    pub(super) arguments: BTreeMap<String, Value>,
    pub(super) variables: Variables,
    /// The configuration file, if there is one.
    pub(in crate::cli) file: Option<ConfigFile>,
    /// Where a file would be that nobody names.
    pub(in crate::cli) usual: Option<PathBuf>,
    /// Of the file.
    pub(in crate::cli) profile: Option<String>,
}

/// An option with the value that counts.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Effective<'a> {
    /// The command, for an option of its own.
    pub(in crate::cli) command: Option<&'a str>,
    pub(in crate::cli) arg: &'a Arg,
    pub(in crate::cli) value: Value,
    pub(in crate::cli) origin: Origin,
}

impl Effective<'_> {
    /// The value as a person would write it; a default that the table cannot compute is told by the help.
    pub(in crate::cli) fn shown(&self) -> String {
        match &self.value {
            Value::Switch(is_on) => is_on.to_string(),
            Value::Texts(values) if values.is_empty() => {
                let help = self.arg.get_help().map(ToString::to_string).unwrap_or_default();
                let told =
                    help.split_once(" [default: ").map(|(_, told)| told.trim_end_matches(']').to_owned());
                told.map_or_else(|| "–".to_owned(), |told| format!("– ({told})"))
            }
            Value::Texts(values) => {
                values.iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Sources {
    pub(super) fn new(root: Command, command: &Command, given: &ArgMatches, variables: Variables) -> Self {
        let on_the_line =
            |arg: &&Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let typed = command.get_arguments().filter(on_the_line).filter_map(|arg| {
            let values = given.get_raw(arg.get_id().as_str()).unwrap_or_default();
            let value = match Kind::of(arg) {
                Kind::Switch => Value::Switch(true),
                _ => Value::Texts(values.map(OsString::from).collect()),
            };
            Some((arg.get_long()?.to_owned(), value))
        });
        let arguments = typed.collect();
        Self { root, arguments, variables, file: None, usual: None, profile: None }
    }

    /// Those options of a command that no argument sets, and a variable or the file does.
    ///
    /// # Errors
    /// When a switch is neither on nor off: one line.
    pub(super) fn beside_arguments(&self, command: &Command) -> Result<Vec<Given>, String> {
        let free = command
            .get_arguments()
            .filter(|arg| arg.get_long().is_some_and(|long| !self.arguments.contains_key(long)));
        let given = free.filter_map(|arg| match self.by_variable(arg) {
            Some((name, value)) => Some(value.map(|value| Given::new(arg, Origin::Variable(name), &value))),
            None => self.by_file(arg, command).map(|(origin, value)| Ok(Given::new(arg, origin, &value))),
        });
        given.collect()
    }

    fn by_variable(&self, arg: &Arg) -> Option<(String, Result<Value, String>)> {
        let name = variable(arg)?;
        let value = self.variables.get(&name)?;
        let value = environment::value(arg, &name, value);
        Some((name, value))
    }

    fn by_file(&self, arg: &Arg, command: &Command) -> Option<(Origin, Value)> {
        let file = self.file.as_ref()?;
        let of_all = self.root.get_arguments().find(|all| all.get_id() == arg.get_id());
        // What the file says of all is not meant for a command that differs from them, as the demo does.
        let differs = of_all.is_some_and(|all| all.get_default_values() != arg.get_default_values());
        let setting = file.setting(self.profile.as_deref(), Some(command), arg, differs)?;
        Some((Origin::File(file.path.clone(), setting.line), Value::of(&setting, arg)))
    }

    /// Every option with what counts: first those of all commands, then each command's own.
    pub(in crate::cli) fn effective(&self) -> Vec<Effective<'_>> {
        let is_option = |arg: &&Arg| variable(arg).is_some();
        let of_all = self.root.get_arguments().filter(is_option).map(|arg| (&self.root, None, arg));
        let own = self.root.get_subcommands().flat_map(move |command| {
            own_options(&self.root, command).map(move |arg| (command, Some(command.get_name()), arg))
        });
        of_all.chain(own).map(|(command, name, arg)| self.effective_of(command, name, arg)).collect()
    }

    fn effective_of<'a>(&'a self, command: &Command, name: Option<&'a str>, arg: &'a Arg) -> Effective<'a> {
        let typed = arg.get_long().filter(|_| name.is_none()).and_then(|long| self.arguments.get(long));
        let by_variable = || {
            let (variable, value) = self.by_variable(arg)?;
            let raw = self.variables.get(&variable).cloned().unwrap_or_default();
            // What is no word of a switch is shown as it is: it is refused where the command runs.
            Some((Origin::Variable(variable), value.unwrap_or(Value::Texts(vec![raw]))))
        };
        let by_default = || {
            let value = match Kind::of(arg) {
                Kind::Switch => Value::Switch(false),
                _ => Value::Texts(
                    arg.get_default_values().iter().map(clap::builder::OsStr::to_os_string).collect(),
                ),
            };
            (Origin::Default, value)
        };
        let typed = typed.map(|value| (Origin::Argument, value.clone()));
        let set = typed.or_else(by_variable).or_else(|| self.by_file(arg, command));
        let (origin, value) = set.unwrap_or_else(by_default);
        Effective { command: name, arg, value, origin }
    }

    /// What the file says of keys, each with its line.
    pub(in crate::cli) fn keys(&self) -> Vec<&(Rebinding, usize)> {
        self.file.as_ref().map(|file| file.keys(self.profile.as_deref())).unwrap_or_default()
    }

    /// The columns of the table, and where the file says so, if it does.
    pub(in crate::cli) fn columns(&self) -> (TableColumns, Option<usize>) {
        self.file.as_ref().map(|file| file.columns(self.profile.as_deref())).unwrap_or_default()
    }

    /// Whether the peers of the table are grouped.
    pub(in crate::cli) fn is_grouped(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_grouped(self.profile.as_deref()))
    }

    /// The filters of the app.
    pub(in crate::cli) fn filters(&self) -> Vec<&NamedFilter> {
        self.file.as_ref().map(|file| file.filters(self.profile.as_deref())).unwrap_or_default()
    }

    /// What the file tells of peers.
    pub(in crate::cli) fn peers(&self) -> Vec<&NamedPeer> {
        self.file.as_ref().map(|file| file.peers(self.profile.as_deref())).unwrap_or_default()
    }
}
