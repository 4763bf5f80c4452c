//! The own options of `vigie demo`, and its own defaults of the options of a node.

use std::path::PathBuf;

use clap::Args;

use super::node::NodeArgs;

/// Options of `vigie demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Number of peers: 1 to 200.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_DEMO_PEERS)), allow_hyphen_values = true)]
    pub peers: u8,
    /// Let some peers refuse or drop dials, hang, crash, leave, move, lose their network and more for a while; the log says which does what.
    #[arg(long)]
    pub faults: bool,
    /// Let the peers do what this file says and nothing else: a line each, like `5s printer refuses for 20s`.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

/// Peers of a demo: one octet numbers their addresses, and this many keep half a core busy.
pub const MAX_DEMO_PEERS: u8 = 200;

/// Where the demo has other defaults than a node elsewhere: it has names of its own, something happens soon, and the log pane
/// has room for what the peers do, because the other panes show the node's events.
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
pub(super) fn with_the_demos_defaults(demo: clap::Command) -> clap::Command {
    let node = NodeArgs::augment_args(clap::Command::new("node"));
    let own = node.get_arguments().filter_map(|arg| {
        let (_, value) = DEMO_DEFAULTS.iter().find(|(id, _)| arg.get_id() == id)?;
        let arg = arg.clone().default_value(*value);
        Some(match arg.get_id().as_str() {
            "name" => arg.help("Name of this node"),
            "port" => {
                // The next TCP port is used as well.
                let most = i64::from(u16::MAX) - 1;
                arg.value_parser(clap::value_parser!(u16).range(..=most))
                    .help("UDP and TCP port of the demo; 0 picks a free one")
            }
            "log" => arg.help("Log level; `info` is what the peers do and what this node concludes"),
            _ => arg,
        })
    });
    let own: Vec<_> = own.collect();
    demo.args(own)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use crate::cli::args::{Cli, CliCommand};
    use crate::engine::config::{DEFAULT_PORT, DialInterval};

    use super::*;

    #[test]
    fn the_demo_has_its_own_defaults_and_what_a_person_gives_beats_them() {
        let of = |args: &[&str]| {
            let node = Cli::try_parse_from([&["vigie"], args].concat()).unwrap().node;
            (node.name, node.port, node.group, node.interval.as_secs(), node.dial_interval)
        };
        let every = |seconds| DialInterval::Every(Duration::from_secs(seconds));
        let (you, demo) = (Some("you".to_owned()), "demo".to_owned());
        assert_eq!(of(&["demo"]), (you.clone(), 0, demo.clone(), 2, every(3)));
        let given = ["--dial-interval", "9s", "demo", "--interval", "5s", "--port", "7"];
        assert_eq!(of(&given), (you, 7, demo, 5, every(9)));
        assert!(Cli::try_parse_from(["vigie", "demo", "--port", "65535"]).is_err());
        assert_eq!(of(&["watch"]), (None, DEFAULT_PORT, "default".to_owned(), 5, DialInterval::Auto));
        assert_eq!(of(&[]), (None, DEFAULT_PORT, "default".to_owned(), 5, DialInterval::Auto));
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
                Ok(Some(CliCommand::Demo(demo))) => Some(demo.peers),
                _ => None,
            };
        assert_eq!(["1", "200"].map(peers), [Some(1), Some(200)]);
        assert_eq!(["0", "201", "-1", "many", ""].map(peers), [None; 5]);
    }
}
