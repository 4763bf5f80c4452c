//! What is to be done, by the arguments, the environment and the configuration file.
//!
//! A variable or a key of the file is taken as if its option stood behind the arguments, so that it is parsed, checked and refused like
//! the option itself. Nothing here knows a single option by name, but those of [`ConfigArgs`], which say what file counts.

mod environment;
mod given;
mod sources;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::app::keymap::Keymap;
use crate::app::model::{Note, Notes};
use crate::app::{Notebook, Preferences};
use crate::engine::config::Target;

use super::args::{Cli, ConfigArgs, shapes_a_node};
use super::complaint::in_one_line;
use super::config::{self, NamedPeer};

use given::Given;
pub(super) use given::{Origin, Value};
pub(super) use sources::{Effective, Sources};

/// Why it is not clear what to do.
#[derive(Debug)]
pub(super) enum ParseError {
    /// The arguments are wrong, or ask for help or the version.
    Arguments(clap::Error),
    /// A variable or the configuration file is wrong: one line that says what may be there.
    Line(String),
}

impl ParseError {
    /// What is wrong, without the usage around it.
    pub(super) fn in_one_line(&self) -> String {
        match self {
            Self::Arguments(error) => in_one_line(error),
            Self::Line(line) => line.clone(),
        }
    }
}

impl From<String> for ParseError {
    fn from(line: String) -> Self {
        Self::Line(line)
    }
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Parsed {
    /// By arguments, environment and file.
    pub(super) cli: Cli,
    /// What is odd about the environment, a line each.
    pub(super) warnings: Vec<String>,
    /// Which options were not set by arguments.
    pub(super) origins: Origins,
    /// All that was said.
    pub(super) sources: Sources,
}

/// The options that variables and the file have set, each with the name by which a person finds it.
#[derive(Debug, Default)]
pub(super) struct Origins(Vec<(String, String)>);

impl Origins {
    /// An error that names options, by the names of what has set them.
    pub(super) fn name(&self, error: &str) -> String {
        let word = |word: &str| {
            let end = word.find(|c: char| !(c == '-' || c.is_ascii_lowercase())).unwrap_or(word.len());
            let (option, rest) = word.split_at(end);
            let set = self.0.iter().find(|(set, _)| option.strip_prefix("--") == Some(set));
            set.map(|(_, name)| format!("{name}{rest}"))
        };
        let named = error.split_inclusive([' ', '(']).map(|part| word(part).unwrap_or(part.to_owned()));
        named.collect()
    }
}

/// What to do by the arguments, the program's name first, by the environment, and by a configuration file: one that these name, or the
/// usual one.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    usual: Option<&Path>,
) -> Result<Parsed, ParseError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Alone first: what is wrong with the arguments is nothing else's fault.
    let given = Cli::command().try_get_matches_from(&arguments).map_err(ParseError::Arguments)?;
    let root = root();
    let (command, leaf) = chosen(&root, &given);
    let command = command.clone();
    let mut sources = Sources::new(root, &command, leaf, environment::set(environment));
    let named = matches_with(&arguments, &sources.beside_arguments(&command)?)?;
    let which = ConfigArgs::from_arg_matches(&named).map_err(ParseError::Arguments)?;
    sources.profile = which.profile;
    sources.usual = usual.map(Path::to_owned);
    sources.file = config::read(which.config.as_deref(), usual, &sources.root)?;
    check_profile(&sources)?;
    let more = sources.beside_arguments(&command)?;
    let matches = matches_with(&arguments, &more)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(ParseError::Arguments)?;
    cli.node.shaped_by = shapes_a_node(&given);
    cli.screen.preferences = Preferences {
        keymap: keymap(&sources)?,
        columns: sources.columns().0,
        is_grouped: sources.is_grouped(),
        notes: notes(&sources),
        filters: sources.filters().into_iter().map(|named| named.filter.clone()).collect(),
    };
    cli.screen.notebook = notebook(which.config, &sources);
    let origins = more.into_iter().map(|given| (given.option.clone(), given.name())).collect();
    let warnings = environment::unknown(&sources.variables, &sources.root);
    Ok(Parsed { cli, warnings, origins: Origins(origins), sources })
}

/// The command that runs, and its own arguments.
fn chosen<'c, 'g>(command: &'c Command, given: &'g ArgMatches) -> (&'c Command, &'g ArgMatches) {
    let sub = given.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
    match sub {
        Some((command, given)) => chosen(command, given),
        None => (command, given),
    }
}

/// What arguments and all else say together.
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
        wrong.map_or(ParseError::Arguments(error), ParseError::Line)
    })
}

/// Refuses a profile that is nowhere.
fn check_profile(sources: &Sources) -> Result<(), String> {
    let Some(profile) = &sources.profile else { return Ok(()) };
    if let Some(file) = &sources.file {
        return file.check_profile(profile);
    }
    let place =
        sources.usual.as_ref().map_or("its usual place".to_owned(), |path| path.display().to_string());
    Err(format!("there is no profile {profile}: no configuration file is at {place}"))
}

fn keymap(sources: &Sources) -> Result<Keymap, String> {
    let file = sources.file.as_ref();
    file.map_or_else(|| Ok(Keymap::default()), |file| file.keymap(sources.profile.as_deref()))
}

/// What a person notes in the app goes to the file that is named, or to the usual one.
fn notebook(named: Option<PathBuf>, sources: &Sources) -> Notebook {
    let Some(path) = named.or_else(|| sources.usual.clone()) else { return Notebook::default() };
    let profile = sources.profile.clone();
    Notebook::new(move |kept| config::keep(&path, profile.as_deref(), kept, &root()))
}

/// The table of options, with those of all commands in each.
fn root() -> Command {
    let mut root = Cli::command();
    root.build();
    root
}

fn notes(sources: &Sources) -> Notes {
    let note = |peer: &NamedPeer| {
        let target: Option<Target> = peer.address.as_ref().and_then(|address| address.parse().ok());
        let ip = target.and_then(|target| target.literal()).map(|addr| addr.ip());
        Note { name: peer.name.clone(), ip, text: peer.note.clone(), noted: peer.noted }
    };
    Notes(sources.peers().into_iter().map(note).filter(|note| !note.is_empty()).collect())
}

#[cfg(test)]
mod tests;
