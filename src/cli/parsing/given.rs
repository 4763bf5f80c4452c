//! An option that no argument sets, as a variable or the file does.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Arg;
use clap::error::ErrorKind;

use crate::cli::complaint::in_one_line;
use crate::cli::config::{Kind, Setting};

/// What is said of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Value {
    /// Whether a switch is on.
    Switch(bool),
    /// One value, or those of a list.
    Texts(Vec<OsString>),
}

impl Value {
    /// What the file says.
    pub(super) fn of(setting: &Setting, arg: &Arg) -> Self {
        match Kind::of(arg) {
            Kind::Switch => Self::Switch(setting.values.iter().all(|value| value == "true")),
            _ => Self::Texts(setting.values.iter().map(OsString::from).collect()),
        }
    }

    /// The arguments that say the same: none for a switch that is off, one for each value of a list.
    fn arguments(&self, arg: &Arg) -> Vec<OsString> {
        let option = format!("--{}", arg.get_long().unwrap_or_default());
        match self {
            Self::Switch(true) => vec![option.into()],
            Self::Switch(false) => Vec::new(),
            Self::Texts(values) => {
                let with = |value: &OsString| {
                    let mut argument = OsString::from(format!("{option}="));
                    argument.push(value);
                    argument
                };
                values.iter().map(with).collect()
            }
        }
    }
}

/// Where the value of an option comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Origin {
    /// The table of options.
    Default,
    /// The configuration file, at this line from 1.
    File(PathBuf, usize),
    /// The environment variable of this name.
    Variable(String),
    /// The command line.
    Argument,
}

/// An option as a variable or the file gives it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) origin: Origin,
    /// Its long name.
    pub(super) option: String,
    pub(super) arguments: Vec<OsString>,
    /// As it is called in an error, in quotes.
    shown: String,
}

impl Given {
    pub(super) fn new(arg: &Arg, origin: Origin, value: &Value) -> Self {
        let option = arg.get_long().unwrap_or_default().to_owned();
        Self { origin, option, arguments: value.arguments(arg), shown: format!("'{arg}'") }
    }

    /// As a person finds it.
    pub(super) fn name(&self) -> String {
        match &self.origin {
            Origin::Variable(variable) => variable.clone(),
            Origin::File(path, line) => format!("{} ({}:{line})", self.option, path.display()),
            Origin::Default | Origin::Argument => format!("--{}", self.option),
        }
    }

    /// What is wrong with it, by the error of its option.
    pub(super) fn refused(&self, error: &clap::Error) -> String {
        match error.kind() {
            ErrorKind::InvalidUtf8 => format!("the value of {} is no valid UTF-8", self.name()),
            _ => in_one_line(error).replace(&self.shown, &self.name()),
        }
    }
}
