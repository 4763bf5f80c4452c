//! `vigie man` and `vigie completions`: what an installation needs beside the program, made of the table of options.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::error::CliError;
use super::output;

/// Of the pages: programs that anybody may run.
const SECTION: &str = "1";

/// Prints the page of the program, or writes that of each command as well.
pub(super) fn man(args: &ManArgs) -> Result<u8, CliError> {
    let mut program = Cli::command().disable_help_subcommand(true);
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    // Its name is explained in one line: whatis(1) shows no more.
    let first = about.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    program = program.about(first).long_about(about);
    program.build();
    let Some(directory) = &args.into else {
        let page = String::from_utf8_lossy(&page(program)?).into_owned();
        return output::print(&page).map(|_| 0);
    };
    let commands = program.get_subcommands().cloned().collect::<Vec<_>>();
    for command in std::iter::once(program).chain(commands) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let path = directory.join(format!("{name}.{SECTION}"));
        write(directory, &path, &page(command)?)?;
    }
    Ok(0)
}

/// Prints what a shell reads.
pub(super) fn completions(args: &CompletionsArgs) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vigie", &mut script);
    output::print(&String::from_utf8_lossy(&script)).map(|_| 0)
}

fn page(command: clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).section(SECTION).manual("vigie").render(&mut page)?;
    Ok(page)
}

fn write(directory: &Path, path: &Path, page: &[u8]) -> Result<(), CliError> {
    let written = fs::create_dir_all(directory).and_then(|()| fs::write(path, page));
    written.map_err(|error| CliError::NotWritable(format!("cannot write {}", path.display()), error))
}
