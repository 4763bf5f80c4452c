//! The one table of options: `--help`, the environment variables and the checks all come from here.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Parser, Subcommand};
use glob::Pattern;
use jiff::tz::TimeZone;
use rand::TryRng;
use tracing_subscriber::filter::Targets;

use crate::app::appearance::Appearance;
use crate::app::appearance::{Depth, Theme, ThemeName};
use crate::engine::config::{Config, DEFAULT_PORT, Target};
use crate::engine::retry::{MAX_DELAY, RetryPolicy};
use crate::engine::{Incarnation, NodeId, limits};
use crate::net::{Selection, Settings};
use crate::proto::{MAX_TEXT, check_text};

/// What the program is for, and how it is used.
const ABOUT: &str = "\
See which machines of a network reach each other, in which direction, and if not, why not.
Start vigie on every machine: they find each other by UDP broadcast and dial each other by TCP.";

/// What holds for the options of every command.
const NOTES: &str = "\
Durations look like 500ms, 5s or 2m. Every option can also be set by an environment variable: \
VIGIE_DIAL_INTERVAL=5s for --dial-interval 5s, VIGIE_JSON=true (or yes, 1, false, no, 0) for --json, \
VIGIE_PEER=host1,host2 for --peer host1 --peer host2. What is given as an option wins.";

/// What a person types.
#[derive(Debug, Parser)]
#[command(
    name = "vigie",
    version,
    about = ABOUT,
    mut_subcommand("demo", with_the_demos_defaults),
    max_term_width = 100,
    args_override_self = true,
    mut_subcommands(|command| command.after_help(NOTES)),
    after_help = NOTES
)]
pub struct Cli {
    /// Without a command: the terminal app.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of every command.
    #[command(flatten)]
    pub node: NodeArgs,
    /// Options of the terminal app.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// What to do, other than showing the terminal app.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the same node without a screen: one line an event on stdout, until a signal.
    Watch(WatchArgs),
    /// Join the network for a while, print the peers and leave.
    ///
    /// The exit code is 1 if there are none.
    List(ListArgs),
    /// Wait until peers are reachable both ways; else say who is missing and why.
    ///
    /// The exit code is 0 as soon as there are enough, and 1 if there are not in time.
    Check(CheckArgs),
    /// Join the network for a while, print who reaches whom and leave.
    ///
    /// The exit code is 0 if every node reaches every other by UDP and TCP, as far as this one knows, else 1.
    Matrix(MatrixArgs),
    /// Dial one host once, with retries, and say how it went.
    Dial(DialArgs),
    /// Examine this machine: interfaces, broadcasts, ports, firewall; each finding with what mends it.
    ///
    /// It takes the ports of a node for a moment and sends to itself; other vigies take no notice. Root sees more: the
    /// rules of the firewall, and which program holds a port.
    Doctor(DoctorArgs),
    /// Learn the terminal app on one machine: show it among real nodes on loopback addresses.
    ///
    /// Nothing leaves this machine, and other vigies on it are left alone: --tcp-port, --bind, --interface,
    /// --exclude-interface and --peer play no part here.
    Demo(DemoArgs),
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

/// Options of `vigie list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How long to look for peers.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = period, allow_hyphen_values = true)]
    pub wait: Duration,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// At least so many peers [default: 1, or as many as are named].
    #[arg(long, value_name = "N", value_parser = expected_peers, allow_hyphen_values = true)]
    pub expect: Option<usize>,
    /// The peer of this name, too; repeatable.
    #[arg(long, value_name = "NAME", value_parser = text)]
    pub expect_peer: Vec<String>,
    /// How long to wait for them.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = period, allow_hyphen_values = true)]
    pub timeout: Duration,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `vigie matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// How long to listen to what the nodes tell.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period, allow_hyphen_values = true)]
    pub wait: Duration,
    /// Write one JSON document.
    #[arg(long)]
    pub json: bool,
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

/// Options of `vigie doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Write the findings as one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of the terminal app.
#[derive(Debug, Args)]
#[command(next_help_heading = "Screen")]
pub struct ScreenArgs {
    /// Colours: terminal (its own sixteen), dark, light or high-contrast; none at all with `NO_COLOR`.
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true)]
    pub theme: ThemeName,
    /// Draw with ASCII signs only, for poor fonts.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Nothing flashes and no bar runs.
    #[arg(long, global = true)]
    pub reduced_motion: bool,
    /// Ring the terminal's bell when a peer goes up or down.
    #[arg(long, global = true)]
    pub bell: bool,
}

impl ScreenArgs {
    /// How things shall look, on the terminal that the environment describes.
    pub fn appearance(&self) -> Appearance {
        Appearance {
            theme: Theme::new(self.theme, Depth::of_environment()),
            ascii: self.ascii,
            still: self.reduced_motion,
            zone: TimeZone::system(),
        }
    }
}

/// Options of `vigie demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many peers there are: 1 to 200.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_DEMO_PEERS)), allow_hyphen_values = true)]
    pub peers: u8,
    /// Some peers refuse, hang, lose dials, crash, restart, leave or move, for a while each; the log says who does what.
    #[arg(long)]
    pub faults: bool,
}

/// Peers of a demo: one octet numbers their addresses, and so many keep half a core busy.
pub const MAX_DEMO_PEERS: u8 = 200;

/// Where the demo has other defaults than a node elsewhere: its names are its own, something is to be seen soon, and the
/// log pane has room for what the peers do, because the node's events are seen in the other panes.
const DEMO_DEFAULTS: [(&str, &str); 9] = [
    ("name", "you"),
    ("group", "demo"),
    ("port", "0"),
    ("interval", "2s"),
    ("dial_interval", "3s"),
    ("max_retries", "3"),
    ("retry_delay", "1s"),
    ("dial_timeout", "1s"),
    ("log", "info,vigie::event=off"),
];

/// The options of a node with [`DEMO_DEFAULTS`], for `vigie demo` only. Its port may be 0: any that is free.
fn with_the_demos_defaults(demo: clap::Command) -> clap::Command {
    let node = NodeArgs::augment_args(clap::Command::new("node"));
    let own = node.get_arguments().filter_map(|arg| {
        let (_, value) = DEMO_DEFAULTS.iter().find(|(id, _)| arg.get_id() == id)?;
        let arg = arg.clone().default_value(*value);
        Some(match arg.get_id().as_str() {
            "name" => arg.help("The name of this node"),
            "port" => {
                // The next TCP port is used, too.
                let most = i64::from(u16::MAX) - 1;
                arg.value_parser(clap::value_parser!(u16).range(..=most))
                    .help("The demo's UDP and TCP port; 0 takes a free one")
            }
            "log" => {
                arg.help("How much is logged; `info` is what the peers do and what this node makes of it")
            }
            _ => arg,
        })
    });
    let own: Vec<_> = own.collect();
    demo.args(own)
}

/// Options of a node.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who and where")]
pub struct NodeArgs {
    /// The name that is shown to others [default: the host name].
    #[arg(long, global = true, value_parser = text)]
    pub name: Option<String>,
    /// Nodes of different groups ignore each other.
    #[arg(long, global = true, value_name = "NAME", default_value = "default", value_parser = text)]
    pub group: String,
    /// UDP presence port, and first choice of the TCP port.
    #[arg(long, global = true, default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// TCP port of this node's server [default: the presence port, or any free one].
    #[arg(long, global = true, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub tcp_port: Option<u16>,
    /// Use only the interface that holds this IPv4 address.
    #[arg(long, global = true, value_name = "ADDR")]
    pub bind: Option<Ipv4Addr>,
    /// Use only interfaces with such names; repeatable.
    #[arg(long, global = true, value_name = "GLOB", value_delimiter = ',')]
    pub interface: Vec<Pattern>,
    /// Use no interfaces with such names; repeatable.
    #[arg(long, global = true, value_name = "GLOB", value_delimiter = ',')]
    pub exclude_interface: Vec<Pattern>,
    /// Also dial a peer that broadcasts cannot reach; repeatable.
    #[arg(long, global = true, value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub peer: Vec<Target>,

    /// Mean time between two presences, jittered by 10 %.
    #[arg(long, global = true, value_name = "DURATION", default_value = "5s", value_parser = period, allow_hyphen_values = true, help_heading = "Timing")]
    pub interval: Duration,
    /// Missed presences before a peer that is not reached either is silent.
    #[arg(long, global = true, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000), allow_hyphen_values = true, help_heading = "Timing")]
    pub silent_after: u32,
    /// Period of the regular dial of each peer.
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = period, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_interval: Duration,
    /// Attempts in one dial.
    #[arg(long, global = true, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), allow_hyphen_values = true, help_heading = "Timing")]
    pub max_retries: u32,
    /// Wait after the first failed attempt.
    #[arg(long, global = true, value_name = "DURATION", default_value = "2s", value_parser = retry_delay, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_delay: Duration,
    /// Factor of each further wait, up to 30 s; 1 for a fixed delay.
    #[arg(long, global = true, value_name = "X", default_value = "1.5", value_parser = backoff, allow_hyphen_values = true, help_heading = "Timing")]
    pub retry_backoff: f32,
    /// Deadline of one attempt: connect, send, receive.
    #[arg(long, global = true, value_name = "DURATION", default_value = "4s", value_parser = dial_timeout, allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_timeout: Duration,
    /// Dials that this node may start in a second, whatever the number of peers.
    #[arg(long, global = true, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000), allow_hyphen_values = true, help_heading = "Timing")]
    pub dial_rate: u32,

    /// Also write the log to this file.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Log")]
    pub log_file: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug, trace, or TARGET=LEVEL,… [default: info].
    #[arg(long, global = true, value_name = "FILTER", value_parser = log_filter, help_heading = "Log")]
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
        let selection = self.selection();
        Ok(Settings { config, tcp_port: self.tcp_port, announced_tcp_port: None, selection })
    }

    /// The interfaces to use.
    pub fn selection(&self) -> Selection {
        Selection {
            bind: self.bind.map(Into::into),
            include: self.interface.clone(),
            exclude: self.exclude_interface.clone(),
            network_seen: false,
        }
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

/// The life that begins now.
pub(super) fn started_now() -> Incarnation {
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

fn expected_peers(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|n| (1..=limits::MAX_PEERS).contains(n));
    count.ok_or_else(|| format!("a number of peers from 1 to {} is expected", limits::MAX_PEERS))
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
    fn the_demo_has_its_own_defaults_and_what_a_person_gives_beats_them() {
        let of = |args: &[&str]| {
            let node = Cli::try_parse_from([&["vigie"], args].concat()).unwrap().node;
            (node.name, node.port, node.group, node.interval.as_secs(), node.dial_interval.as_secs())
        };
        let (you, demo) = (Some("you".to_owned()), "demo".to_owned());
        assert_eq!(of(&["demo"]), (you.clone(), 0, demo.clone(), 2, 3));
        let given = ["--dial-interval", "9s", "demo", "--interval", "5s", "--port", "7"];
        assert_eq!(of(&given), (you, 7, demo, 5, 9));
        assert!(Cli::try_parse_from(["vigie", "demo", "--port", "65535"]).is_err());
        assert_eq!(of(&["watch"]), (None, DEFAULT_PORT, "default".to_owned(), 5, 10));
        assert_eq!(of(&[]), (None, DEFAULT_PORT, "default".to_owned(), 5, 10));
    }

    #[test]
    fn every_default_of_the_demo_is_that_of_an_option() {
        let node = NodeArgs::augment_args(clap::Command::new("node"));
        for (id, _) in DEMO_DEFAULTS {
            assert!(node.get_arguments().any(|arg| arg.get_id() == id), "{id}");
        }
    }

    #[test]
    fn the_demo_logs_what_its_peers_do_and_leaves_the_events_to_the_other_panes() {
        let log = Cli::try_parse_from(["vigie", "demo"]).unwrap().node.log.unwrap();
        assert!(log.would_enable("vigie::demo", &tracing::Level::INFO));
        assert!(!log.would_enable(crate::app::log::EVENTS, &tracing::Level::ERROR));
    }

    #[test]
    fn a_demo_has_one_to_two_hundred_peers() {
        let peers =
            |n: &str| match Cli::try_parse_from(["vigie", "demo", "--peers", n]).map(|cli| cli.command) {
                Ok(Some(Command::Demo(demo))) => Some(demo.peers),
                _ => None,
            };
        assert_eq!(["1", "200"].map(peers), [Some(1), Some(200)]);
        assert_eq!(["0", "201", "-1", "many", ""].map(peers), [None; 5]);
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
