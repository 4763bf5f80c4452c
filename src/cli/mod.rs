//! The command line: arguments, the headless commands, and the wiring of node, screen, output and log.

pub mod args;
mod attach;
mod changes;
mod check;
mod complaint;
mod config;
mod control;
mod demo;
mod dial;
mod diff;
mod doctor;
mod effective;
mod error;
mod hook;
mod identity;
mod install;
mod list;
mod log;
mod matrix;
mod metrics;
mod output;
mod parsing;
mod record;
mod recorder;
mod reload;
mod reopen;
mod replay;
mod report;
mod runtime;
mod screen;
mod secret;
mod secret_file;
mod signals;
mod table;
mod visitor;
mod watch;
mod watching;

#[cfg(any(test, feature = "testkit"))]
pub(crate) use control::fuzz_control;

use std::process::ExitCode;

use clap::error::ErrorKind;

use args::CliCommand;
use complaint::{complain, shortened};

use error::{CliError, exit};
use parsing::{Origins, ParseError, Parsed, parse};

/// Does what the arguments say, and returns the exit code.
pub fn run() -> ExitCode {
    let usual = config::place();
    let Parsed { cli, warnings, origins, sources } =
        match parse(std::env::args_os(), std::env::vars_os(), usual.as_deref()) {
            Ok(parsed) => parsed,
            Err(error) => return explain(&error),
        };
    for warning in &warnings {
        complain(&shortened(warning));
    }
    let done = match &cli.command {
        None => screen::run(&cli.node, &cli.screen),
        Some(CliCommand::Attach) => attach::run(&cli.node, &cli.screen),
        Some(CliCommand::Watch(watch)) => watch::run(&cli.node, &sources, watch),
        Some(CliCommand::Record(args)) => record::run(&cli.node, args),
        Some(CliCommand::Replay(args)) => replay::run(&cli.node, &cli.screen, args),
        Some(CliCommand::Diff(args)) => diff::run(args),
        Some(CliCommand::Report(args)) => report::run(&cli.screen, args),
        Some(CliCommand::List(list)) => list::run(&cli.node, list),
        Some(CliCommand::Check(check)) => check::run(&cli.node, check),
        Some(CliCommand::Matrix(matrix)) => matrix::run(&cli.node, &cli.screen, matrix),
        Some(CliCommand::Dial(dial)) => dial::run(&cli.node, dial),
        Some(CliCommand::Doctor(args)) => doctor::run(&cli.node, &cli.screen, args),
        Some(CliCommand::Config(args)) => effective::run(&sources, args),
        Some(CliCommand::Secret(command)) => secret::run(command),
        Some(CliCommand::Demo(demo)) => demo::run(&cli.node, &cli.screen, demo),
        Some(CliCommand::Man(args)) => install::man(args),
        Some(CliCommand::Completions(args)) => install::completions(args),
    };
    ended(done, &origins)
}

/// The exit code; what went wrong is said on stderr.
fn ended(done: Result<u8, CliError>, origins: &Origins) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&origins.name(&error.to_string()));
            ExitCode::from(error.code())
        }
    }
}

/// Says what is wrong with arguments or environment; shows help and version as they are.
fn explain(error: &ParseError) -> ExitCode {
    if let ParseError::Arguments(error) = error
        && matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
    {
        return ended(
            output::print(&format!("{}\n", error.render().to_string().trim_end())).map(|_| 0),
            &Origins::default(),
        );
    }
    complain(&format!("{} (see vigie --help)", shortened(&error.in_one_line())));
    ExitCode::from(exit::USAGE)
}
