//! The own options of the commands with an answer, and of `vigie watch`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use crate::app::When;

use super::values::{Dialed, dialed, expected_peers, for_time, period, speed, text, when};

/// Options of `vigie watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Write each event as one JSON object per line.
    #[arg(long)]
    pub json: bool,
    /// Stop after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = for_time, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
}

/// Options of `vigie record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The file to make; compressed if its name ends in .zst.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Stop after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = for_time, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
}

/// Options of `vigie replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How fast: 60 plays an hour in a minute.
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed, allow_hyphen_values = true)]
    pub speed: f64,
}

/// Options of `vigie diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A recording, or a document of `vigie matrix --json`.
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// Another one.
    #[arg(value_name = "B")]
    pub after: PathBuf,
}

/// Options of `vigie report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Begin there: a time of day, an RFC 3339 time, or a duration before the end, like 5m [default: its beginning].
    #[arg(long, value_name = "T", value_parser = when)]
    pub from: Option<When>,
    /// End there [default: its end].
    #[arg(long, value_name = "T", value_parser = when)]
    pub to: Option<When>,
}

/// Options of the answers that can be given again at each change.
#[derive(Debug, Args)]
pub struct ChangesArgs {
    /// Go on, and write a line at each change.
    #[arg(long)]
    pub watch: bool,
    /// With --watch: stop after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = for_time, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
}

/// Options of `vigie list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How long to look for peers, unless a node has run here for so long.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = period, allow_hyphen_values = true)]
    pub wait: Duration,
    /// Count nodes of this machine, too.
    #[arg(long)]
    pub local: bool,
    /// Whether it goes on.
    #[command(flatten)]
    pub changes: ChangesArgs,
    /// Join the network briefly, even if a node runs here.
    #[arg(long)]
    pub visit: bool,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Minimum number of peers [default: 1, or the number of --expect-peer].
    #[arg(long, value_name = "N", value_parser = expected_peers, allow_hyphen_values = true)]
    pub expect: Option<usize>,
    /// Require the peer with this name; repeatable.
    #[arg(long, value_name = "NAME", value_parser = text)]
    pub expect_peer: Vec<String>,
    /// Count nodes of this machine, too.
    #[arg(long)]
    pub local: bool,
    /// How long to wait for them.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = period, allow_hyphen_values = true)]
    pub timeout: Duration,
    /// Whether it goes on.
    #[command(flatten)]
    pub changes: ChangesArgs,
    /// Join the network briefly, even if a node runs here.
    #[arg(long)]
    pub visit: bool,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// How long to wait for the reports of the other nodes, unless a node has run here for so long.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period, allow_hyphen_values = true)]
    pub wait: Duration,
    /// Count nodes of this machine, too.
    #[arg(long)]
    pub local: bool,
    /// Join the network briefly, even if a node runs here.
    #[arg(long)]
    pub visit: bool,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie dial`.
#[derive(Debug, Args)]
pub struct DialArgs {
    /// A peer of the node that runs here, by its name; otherwise a host, and the TCP port of its vigie if it is not 17474.
    #[arg(value_name = "NAME|HOST[:PORT]", value_parser = dialed)]
    pub target: Dialed,
    /// Write each attempt and the result as JSON, one object per line.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Write the findings as one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command into this directory, in place of one on stdout.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
}

/// Arguments of `vigie completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell.
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// What `vigie secret` does.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Write a new secret to a file that only its user can read; without a file, print its key.
    ///
    /// A file that exists is left as it is.
    New(NewSecretArgs),
}

/// Options of `vigie secret new`.
#[derive(Debug, Args)]
pub struct NewSecretArgs {
    /// The file to make.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}
