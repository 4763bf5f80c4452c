//! The one table of options: `--help`, the environment variables and the checks all come from here.

mod commands;
mod config;
mod control;
mod demo;
mod help;
mod node;
mod screen;
mod values;

use clap::{Parser, Subcommand};

pub use commands::{
    ChangesArgs, CheckArgs, CompletionsArgs, DialArgs, DiffArgs, DoctorArgs, ListArgs, ManArgs, MatrixArgs,
    NewSecretArgs, RecordArgs, ReplayArgs, ReportArgs, SecretCommand, WatchArgs,
};
pub use config::{ConfigArgs, ShowConfigArgs};
pub use control::ControlPlace;
pub use demo::{DemoArgs, MAX_DEMO_PEERS};
pub use node::NodeArgs;
pub(super) use node::shapes_a_node;
pub use screen::ScreenArgs;
pub use values::{CommandLine, Dialed};

use demo::with_the_demos_defaults;

/// What the program is for, and how it is used.
const ABOUT: &str = "\
See which machines of a network reach each other, in which direction, and if not, why not.
Start vigie on every machine: they find each other by UDP broadcast and dial each other by TCP.";

/// What holds for the options of every command.
const NOTES: &str = "\
Durations look like 500ms, 5s or 2m. Every option can also be set by an environment variable: \
VIGIE_DIAL_INTERVAL=5s for --dial-interval 5s, VIGIE_JSON=true (or yes, 1, false, no, 0) for --json, \
VIGIE_PEER=host1,host2 for --peer host1 --peer host2. An option on the command line wins, then the variable, then \
the configuration file (`vigie config` shows it).";

/// What the user types.
#[derive(Debug, Parser)]
#[command(
    name = "vigie",
    version = env!("VIGIE_VERSION"),
    about = ABOUT,
    mut_subcommand("demo", with_the_demos_defaults),
    mut_args(|option| option.global(true)),
    max_term_width = 100,
    args_override_self = true,
    mut_subcommands(help::of_a_command),
    after_help = NOTES
)]
pub struct Cli {
    /// Without a command: the terminal app.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Options of every command.
    #[command(flatten)]
    pub node: NodeArgs,
    /// Options of the terminal app.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Which configuration counts.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What to do, other than showing the terminal app.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Run the same node without a screen: one line per event on stdout, until interrupted.
    Watch(WatchArgs),
    /// Record a node without a screen: the one that runs here, or one of its own, until interrupted.
    ///
    /// FILE has an event on each line. One that is there already gets a number in its name. --record does the same beside
    /// vigie and vigie watch.
    Record(RecordArgs),
    /// Play a recording in the terminal app: pause, step, faster, slower, back, forward.
    Replay(ReplayArgs),
    /// Print what changed between two recordings, each as it ends, or two documents of `vigie matrix --json`.
    ///
    /// The exit code is 0 if nothing did, 1 if something did.
    Diff(DiffArgs),
    /// Print what went wrong in a recording, as Markdown for a ticket: what, when, who, evidence, fix.
    Report(ReportArgs),
    /// Show the node that runs here in the terminal app: a service, or one in another terminal.
    ///
    /// It shows what that node has seen since it runs. Quitting leaves the node as it is.
    Attach,
    /// Print the peers: those of the node that runs here, or those found by joining the network briefly.
    ///
    /// The exit code is 1 if there are none on other machines.
    List(ListArgs),
    /// Wait until peers are reachable both ways; otherwise say which are missing and why.
    ///
    /// The exit code is 0 as soon as enough peers are reachable, and 1 if they do not appear in time.
    Check(CheckArgs),
    /// Print who reaches whom: as the node that runs here knows it, or by joining the network briefly.
    ///
    /// The exit code is 0 if there are other machines and every node reaches every other by UDP and TCP, as far as this one
    /// knows, otherwise 1.
    Matrix(MatrixArgs),
    /// Dial one peer or host once, with retries, and report the result.
    Dial(DialArgs),
    /// Examine this machine: interfaces, broadcasts, ports, firewall; each finding with a fix.
    ///
    /// It briefly uses the ports of a node and sends to itself; other vigies ignore that. Root sees more: the firewall rules,
    /// and which program uses a port.
    Doctor(DoctorArgs),
    /// Print what counts, and where each value comes from: default, configuration file, variable or option.
    ///
    /// It checks the whole file, also what only other commands use.
    Config(ShowConfigArgs),
    /// Make the shared secret of a group, for --secret-file.
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = false,
        mut_subcommands(help::of_a_command)
    )]
    Secret(SecretCommand),
    /// Try the terminal app on one machine, among real nodes on loopback addresses.
    ///
    /// No traffic leaves this machine, and other vigies on it are not affected: --tcp-port, --bind, --interface,
    /// --exclude-interface, --peer, --join and --secret-file have no effect here.
    Demo(DemoArgs),
    /// Print the manual page (`man -l -` shows it), or write the pages of all commands.
    Man(ManArgs),
    /// Print the completions of a shell.
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_options_is_sound() {
        Cli::command().debug_assert();
    }
}
