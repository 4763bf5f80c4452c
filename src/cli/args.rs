//! The one table of options: `--help`, the environment variables and the checks all come from here.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Parser, Subcommand};
use glob::Pattern;
use rand::TryRng;
use tracing_subscriber::filter::Targets;

use crate::core::config::{Config, DEFAULT_PORT, Target};
use crate::core::retry::{MAX_DELAY, RetryPolicy};
use crate::core::{Incarnation, NodeId};
use crate::net::{Selection, Settings};
use crate::proto::{MAX_TEXT, check_text};

/// What the program is for, and how it is used.
const ABOUT: &str = "\
See which machines of a network reach each other, in which direction, and if not, why not.
Start vigie on every machine: they find each other by UDP broadcast and dial each other by TCP.";

/// What a person types.
#[derive(Debug, Parser)]
#[command(
    name = "vigie",
    version,
    about = ABOUT,
    mut_args(|arg| arg.hide_env(true)),
    max_term_width = 100,
    args_override_self = true,
    after_help = "Durations are like 500ms, 5s or 2m. Every option can also be set by an environment variable: \
        VIGIE_DIAL_INTERVAL for --dial-interval, and so on."
)]
pub struct Cli {
    /// Without a command: the terminal app.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of every command.
    #[command(flatten)]
    pub node: NodeArgs,
}

/// What to do, other than showing the terminal app.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the same node without a screen: one line an event on stdout, until a signal.
    Watch(WatchArgs),
    /// Dial one host once, with retries, and say how it went.
    Dial(DialArgs),
}

/// Options of `vigie watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Write each event as one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Stop after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = for_time, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
}

/// Options of `vigie dial`.
#[derive(Debug, Args)]
pub struct DialArgs {
    /// The host, and its vigie's TCP port if it is not 17474.
    #[arg(value_name = "HOST[:PORT]")]
    pub target: Target,
    /// Write each attempt and the outcome as JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Options of a node.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who and where")]
pub struct NodeArgs {
    /// The name that is shown to others [default: the host name].
    #[arg(long, global = true, env = "VIGIE_NAME", value_parser = text)]
    pub name: Option<String>,
    /// Nodes of different groups ignore each other.
    #[arg(long, global = true, env = "VIGIE_GROUP", value_name = "NAME", default_value = "default", value_parser = text)]
    pub group: String,
    /// UDP presence port, and first choice of the TCP port.
    #[arg(long, global = true, env = "VIGIE_PORT", default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// TCP port of this node's server [default: the presence port, or any free one].
    #[arg(long, global = true, env = "VIGIE_TCP_PORT", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub tcp_port: Option<u16>,
    /// Use only the interface that holds this IPv4 address.
    #[arg(long, global = true, env = "VIGIE_BIND", value_name = "ADDR")]
    pub bind: Option<Ipv4Addr>,
    /// Use only interfaces with such names; repeatable.
    #[arg(long, global = true, env = "VIGIE_INTERFACE", value_name = "GLOB", value_delimiter = ',')]
    pub interface: Vec<Pattern>,
    /// Use no interfaces with such names; repeatable.
    #[arg(long, global = true, env = "VIGIE_EXCLUDE_INTERFACE", value_name = "GLOB", value_delimiter = ',')]
    pub exclude_interface: Vec<Pattern>,
    /// Also dial a peer that broadcasts cannot reach; repeatable.
    #[arg(long, global = true, env = "VIGIE_PEER", value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub peer: Vec<Target>,

    /// Mean time between two presences, jittered by 10 %.
    #[arg(long, global = true, env = "VIGIE_INTERVAL", value_name = "DURATION", default_value = "5s", value_parser = period, allow_hyphen_values = true, help_heading = "Timing")]
    pub interval: Duration,
    /// Missed presences before a peer that is not reached either is silent.
    #[arg(long, global = true, env = "VIGIE_SILENT_AFTER", value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000), allow_hyphen_values = true, help_heading = "Timing")]
    pub silent_after: u32,
    /// Period of the regular dial of each peer.
    #[arg(long, global = true, env = "VIGIE_DIAL_INTERVAL", value_name = "DURATION", default_value = "10s", value_parser = period, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_interval: Duration,
    /// Attempts in one dial.
    #[arg(long, global = true, env = "VIGIE_MAX_RETRIES", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), allow_hyphen_values = true, help_heading = "Timing")]
    pub max_retries: u32,
    /// Wait after the first failed attempt.
    #[arg(long, global = true, env = "VIGIE_RETRY_DELAY", value_name = "DURATION", default_value = "2s", value_parser = retry_delay, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_delay: Duration,
    /// Factor of each further wait, up to 30 s; 1 for a fixed delay.
    #[arg(long, global = true, env = "VIGIE_RETRY_BACKOFF", value_name = "X", default_value = "1.5", value_parser = backoff, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_backoff: f32,
    /// Deadline of one attempt: connect, send, receive.
    #[arg(long, global = true, env = "VIGIE_DIAL_TIMEOUT", value_name = "DURATION", default_value = "4s", value_parser = dial_timeout, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_timeout: Duration,
    /// Dials that this node may start in a second, whatever the number of peers.
    #[arg(long, global = true, env = "VIGIE_DIAL_RATE", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000), allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_rate: u32,

    /// Also write the log to this file.
    #[arg(long, global = true, env = "VIGIE_LOG_FILE", value_name = "FILE", help_heading = "Log")]
    pub log_file: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug, trace, or TARGET=LEVEL,… [default: info].
    #[arg(long, global = true, env = "VIGIE_LOG", value_name = "FILTER", value_parser = log_filter, help_heading = "Log")]
    pub log: Option<Targets>,
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
        self.name.clone().unwrap_or_else(|| presentable(&gethostname::gethostname().to_string_lossy()))
    }

    /// Everything a node needs.
    ///
    /// # Errors
    /// When the system gives no randomness.
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
            dial_interval: self.dial_interval,
            retry: self.retry(),
            dial_rate: self.dial_rate,
            peers: self.peer.clone(),
            seed: random()?,
        };
        let selection = Selection {
            bind: self.bind.map(Into::into),
            include: self.interface.clone(),
            exclude: self.exclude_interface.clone(),
            network_seen: false,
        };
        Ok(Settings { config, tcp_port: self.tcp_port, selection })
    }
}

/// Bytes from the system's random number generator.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

fn started_now() -> Incarnation {
    #[expect(clippy::disallowed_methods, reason = "a life is named by the time it began")]
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Incarnation(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// A host name as a node's name: its first label if it is too long, without what a terminal cannot show.
fn presentable(host: &str) -> String {
    let host = if host.len() > MAX_TEXT { host.split('.').next().unwrap_or(host) } else { host };
    let mut name: String = host.chars().filter(|c| check_text(c.encode_utf8(&mut [0; 4])).is_ok()).collect();
    while name.len() > MAX_TEXT {
        name.pop();
    }
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

fn text(value: &str) -> Result<String, String> {
    check_text(value).map(|()| value.to_owned()).map_err(|error| error.to_string())
}

fn duration_within(value: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let words = |d: &Duration| humantime::format_duration(*d).to_string();
    let (least, most) = (words(range.start()), words(range.end()));
    let expected = format!("a duration from {least} to {most} is expected, like 500ms or 5s");
    match humantime::parse_duration(value) {
        Ok(duration) if range.contains(&duration) => Ok(duration),
        _ => Err(expected),
    }
}

const HOUR: Duration = Duration::from_hours(1);

fn period(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(100)..=HOUR))
}

fn retry_delay(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(1)..=MAX_DELAY))
}

fn dial_timeout(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(10)..=Duration::from_mins(5)))
}

fn for_time(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(1)..=HOUR * 24 * 365))
}

fn backoff(value: &str) -> Result<f32, String> {
    let factor = value.parse().ok().filter(|x| (1.0..=10.0).contains(x));
    factor.ok_or_else(|| "a number from 1 to 10 is expected".to_owned())
}

fn log_filter(value: &str) -> Result<Targets, String> {
    value.parse().map_err(|_| "error, warn, info, debug, trace, off or TARGET=LEVEL,… is expected".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_options_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_environment_variable() {
        for arg in Cli::command().get_arguments().filter(|a| a.get_long().is_some()) {
            let long = arg.get_long().unwrap_or_default();
            if matches!(long, "help" | "version") {
                continue;
            }
            let expected = format!("VIGIE_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|e| e.to_str()), Some(expected.as_str()), "--{long}");
        }
    }

    #[test]
    fn durations_out_of_range_are_refused_with_the_range() {
        for value in ["0s", "-5s", "5", "2h", "99999999999999999999s", ""] {
            let error = period(value).unwrap_err();
            assert_eq!(error, "a duration from 100ms to 1h is expected, like 500ms or 5s", "{value}");
        }
        assert_eq!(period("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn any_host_name_makes_a_presentable_name() {
        assert_eq!(presentable("host7"), "host7");
        assert_eq!(presentable(&format!("host7.{}", "x".repeat(80))), "host7");
        assert_eq!(presentable(&"é".repeat(80)).len(), 62);
        assert_eq!(presentable("a\u{1b}b"), "ab");
        assert_eq!(presentable(""), "unnamed");
    }
}
