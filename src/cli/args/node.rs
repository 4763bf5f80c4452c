//! Options of a node, and the settings that they make.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::parser::ValueSource;
use glob::Pattern;
use tracing_subscriber::filter::Targets;

use crate::cli::identity::{random, started_now};
use crate::cli::secret_file;
use crate::doctor;
use crate::engine::NodeId;
use crate::engine::address::ZonedIp;
use crate::engine::config::{Config, DEFAULT_PORT, DialInterval, Target};
use crate::engine::retry::RetryPolicy;
use crate::net::{Selection, Settings, host_name};
use crate::secret::Secret;

use super::control::ControlPlace;
use super::values::{
    CommandLine, backoff, command_line, control, dial_interval, dial_timeout, log_filter, own_address,
    period, retry_delay, scraped, stands, target, text,
};

/// Options of a node.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who and where")]
pub struct NodeArgs {
    /// Name shown to other nodes [default: the host name].
    #[arg(long, value_parser = text)]
    pub name: Option<String>,
    /// Nodes of different groups ignore each other.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = text)]
    pub group: String,
    /// UDP presence port, and first choice of the TCP port.
    #[arg(long, default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// TCP port of this node's server [default: the presence port, or any free one].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub tcp_port: Option<u16>,
    /// Use only the interface with this address.
    #[arg(long, value_name = "ADDR", value_parser = own_address)]
    pub bind: Option<ZonedIp>,
    /// Use only interfaces matching this pattern; repeatable.
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub interface: Vec<Pattern>,
    /// Ignore interfaces matching this pattern; repeatable.
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub exclude_interface: Vec<Pattern>,
    /// Also dial a peer that broadcasts cannot reach; repeatable.
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',', value_parser = target)]
    pub peer: Vec<Target>,
    /// Join the broadcast domain of this host to ours; one node of each is enough; repeatable.
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',', value_parser = target)]
    pub join: Vec<Target>,
    /// Believe only nodes with this shared secret, which `vigie secret new` makes.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// Mean time between presence broadcasts (±10 % jitter).
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period, allow_hyphen_values = true, help_heading = "Timing")]
    pub interval: Duration,
    /// Missed broadcasts before an unreachable peer counts as silent.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000), allow_hyphen_values = true, help_heading = "Timing")]
    pub silent_after: u32,
    /// Time between the regular dials of each peer, or auto: 10s up to 32 peers, with more in proportion.
    #[arg(long, value_name = "DURATION|auto", default_value = "auto", value_parser = dial_interval, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_interval: DialInterval,
    /// Attempts per dial.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), allow_hyphen_values = true, help_heading = "Timing")]
    pub max_retries: u32,
    /// Wait after the first failed attempt.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = retry_delay, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_delay: Duration,
    /// Factor of each further wait, up to 30 s; 1 for a fixed delay.
    #[arg(long, value_name = "X", default_value = "1.5", value_parser = backoff, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_backoff: f32,
    /// Time limit of one attempt: connect, send, receive.
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = dial_timeout, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_timeout: Duration,
    /// Dials that this node may start per second, whatever the number of peers.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000), allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_rate: u32,

    /// Directory of the control socket, by which attach, list, check, matrix and dial find this node; off for none [default: the
    /// runtime directory of the service or user].
    #[arg(long, value_name = "DIR|off", value_parser = control, help_heading = "Control socket")]
    pub control: Option<ControlPlace>,
    /// Let this group of users ask this node, too.
    #[arg(long, value_name = "GROUP", value_parser = text, help_heading = "Control socket")]
    pub control_group: Option<String>,

    /// Record every event to this file, for vigie replay, diff and report; compressed if its name ends in .zst.
    #[arg(long, value_name = "FILE", help_heading = "Recording")]
    pub record: Option<PathBuf>,

    /// Also write the log to this file.
    #[arg(long, value_name = "FILE", help_heading = "Log")]
    pub log_file: Option<PathBuf>,
    /// Log level: error, warn, info, debug, trace, or TARGET=LEVEL,… [default: info].
    #[arg(long, value_name = "FILTER", value_parser = log_filter, help_heading = "Log")]
    pub log: Option<Targets>,

    /// Serve metrics for Prometheus on this address, at /metrics; a port alone is one of loopback.
    #[arg(long, value_name = "ADDR", value_parser = scraped, help_heading = "For operators")]
    pub metrics: Option<SocketAddr>,
    /// Run this command once per finding and per withdrawal, with the diagnosis event as JSON on its stdin.
    #[arg(long, value_name = "COMMAND", value_parser = command_line, help_heading = "For operators")]
    pub on_finding: Option<CommandLine>,
    /// With --on-finding: for findings that stood for this time.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = stands, allow_hyphen_values = true, help_heading = "For operators")]
    pub finding_stands: Duration,

    /// The first argument that says how a node is to be, as `--name`: no other node can answer for it. What the environment says
    /// holds for all nodes of the machine.
    #[arg(skip)]
    pub shaped_by: Option<String>,
}

/// Options that say which node is meant, and what is told of it; all others say how it is to be.
const SHAPELESS: [&str; 7] = ["group", "port", "control", "control_group", "record", "log", "log_file"];

/// The first argument that says how a node is to be.
pub(in crate::cli) fn shapes_a_node(given: &clap::ArgMatches) -> Option<String> {
    let node = NodeArgs::augment_args(clap::Command::new("node"));
    let is_given =
        |id: &str| !SHAPELESS.contains(&id) && given.value_source(id) == Some(ValueSource::CommandLine);
    let shaping = node.get_arguments().find(|arg| is_given(arg.get_id().as_str()))?;
    Some(format!("--{}", shaping.get_long()?))
}

impl NodeArgs {
    /// The policy of a retrying dial.
    pub fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            max_attempts: self.max_retries,
            delay: self.retry_delay,
            backoff: self.retry_backoff,
            timeout: self.dial_timeout,
        }
    }

    /// The node's name: the given one, or the host's.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(host_name)
    }

    /// Everything a node needs.
    ///
    /// # Errors
    /// When the system gives no randomness, or the secret's file no secret.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let config = Config {
            id: NodeId(u128::from_ne_bytes(random()?)),
            incarnation: started_now(),
            name: self.name(),
            group: self.group.clone(),
            port: self.port,
            tcp_port: 0,
            udp_port: 0,
            interval: self.interval,
            silent_after: self.silent_after,
            visitor: false,
            dial_interval: self.dial_interval,
            retry: self.retry(),
            dial_rate: self.dial_rate,
            peers: self.peer.clone(),
            join: self.join.clone(),
            secret: self.secret()?,
            key: None,
            seed: random()?,
        }
        .signing();
        let selection = self.selection();
        Ok(Settings {
            config,
            tcp_port: self.tcp_port,
            announced_tcp_port: None,
            selection,
            waits_for_interface: false,
            follows_host_name: self.name.is_none(),
            read_filter: Some(doctor::blocking_rules),
            impairment: None,
        })
    }

    /// The shared secret, if there is to be one.
    ///
    /// # Errors
    /// When its file is not to be used.
    pub fn secret(&self) -> anyhow::Result<Option<Arc<Secret>>> {
        Ok(self.secret_file.as_ref().map(|path| secret_file::read(path, &self.group)).transpose()?)
    }

    /// The interfaces to use.
    pub fn selection(&self) -> Selection {
        Selection {
            bind: self.bind,
            include: self.interface.clone(),
            exclude: self.exclude_interface.clone(),
            network_seen: false,
        }
    }
}
