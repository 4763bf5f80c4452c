//! Which configuration counts, and the options of `vigie config`.

use std::path::PathBuf;

use clap::{Arg, Args, Command};

use super::values::text;

/// Which configuration counts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// Configuration file, of TOML: the options by their names [default: config.toml in the user's folder of vigie].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use this profile of the configuration file.
    #[arg(long, value_name = "NAME", value_parser = text)]
    pub profile: Option<String>,
}

impl ConfigArgs {
    /// Whether an option is one of these.
    pub(in crate::cli) fn has(arg: &Arg) -> bool {
        let these = Self::augment_args(Command::new("config"));
        these.get_arguments().any(|this| this.get_id() == arg.get_id())
    }
}

/// Options of `vigie config`.
#[derive(Debug, Args)]
pub struct ShowConfigArgs {
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Print the JSON Schema of configuration files.
    #[arg(long)]
    pub schema: bool,
}
