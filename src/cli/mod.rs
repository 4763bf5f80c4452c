//! The command line: arguments, the headless commands, and the wiring of node, screen, output and log.

pub mod args;
mod check;
mod complaint;
mod demo;
mod dial;
mod doctor;
mod environment;
mod list;
mod log;
mod matrix;
mod output;
mod screen;
mod signals;
mod table;
mod visit;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;

use crate::net::StartError;

use args::Command;
use complaint::{complain, in_one_line, shortened};
use environment::{ParseError, parse};

/// Exit codes of the contract.
mod exit {
    /// The answer is no: a dial gave up, peers are missing, some pair is not fine.
    pub(super) const NO: u8 = 1;
    /// Wrong usage, before anything was started.
    pub(super) const USAGE: u8 = 2;
    /// Something that is needed cannot be had.
    pub(super) const CANNOT_START: u8 = 3;
    /// Interrupted before the answer.
    pub(super) const INTERRUPTED: u8 = 130;
}

/// How long a node may take to say goodbye and stop.
const STOP_PATIENCE: Duration = Duration::from_millis(700);

/// Why the program ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    CannotStart(#[from] StartError),
    #[error("{0}: {1}")]
    NotWritable(String, std::io::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Refusal {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::CannotStart(_) | Self::NotWritable(..) | Self::Other(_) => exit::CANNOT_START,
        }
    }
}

/// Does what the arguments say, and returns the exit code.
pub fn run() -> ExitCode {
    let (cli, warnings) = match parse(std::env::args_os(), std::env::vars_os()) {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error),
    };
    for warning in &warnings {
        complain(&shortened(warning));
    }
    let done = match &cli.command {
        None => screen::run(&cli.node, &cli.screen),
        Some(Command::Watch(watch)) => watch::run(&cli.node, watch),
        Some(Command::List(list)) => list::run(&cli.node, list),
        Some(Command::Check(check)) => check::run(&cli.node, check),
        Some(Command::Matrix(matrix)) => matrix::run(&cli.node, &cli.screen, matrix),
        Some(Command::Dial(dial)) => dial::run(&cli.node, dial),
        Some(Command::Doctor(args)) => doctor::run(&cli.node, &cli.screen, args),
        Some(Command::Demo(demo)) => demo::run(&cli.node, &cli.screen, demo),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => {
            complain(&refusal.to_string());
            ExitCode::from(refusal.code())
        }
    }
}

/// Says what is wrong with arguments or environment; shows help and version as they are.
fn explain(error: &ParseError) -> ExitCode {
    let line = match error {
        ParseError::Arguments(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            // A closed stdout ends quietly.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        ParseError::Arguments(error) => in_one_line(error),
        ParseError::Variable(line) => line.clone(),
    };
    complain(&format!("{} (see vigie --help)", shortened(&line)));
    ExitCode::from(exit::USAGE)
}
