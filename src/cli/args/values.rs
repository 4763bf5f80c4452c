//! The values of options: read, and refused with what is expected.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use crate::app::When;
use crate::engine::address::{self, ZonedIp};
use crate::engine::config::{DialInterval, Target, TargetError};
use crate::engine::limits;
use crate::engine::retry::MAX_DELAY;
use crate::net::interfaces;
use crate::proto::check_text;

use super::control::ControlPlace;

pub(super) fn text(value: &str) -> Result<String, String> {
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

/// Nowhere.
const OFF: &str = "off";

/// What is chosen by the number of peers.
const AUTO: &str = "auto";

pub(super) fn period(value: &str) -> Result<Duration, String> {
    duration_within(value, &(DialInterval::SHORTEST..=DialInterval::LONGEST))
}

pub(super) fn dial_interval(value: &str) -> Result<DialInterval, String> {
    match value {
        AUTO => Ok(DialInterval::Auto),
        _ => period(value).map(DialInterval::Every).map_err(|expected| format!("{expected}, or {AUTO}")),
    }
}

pub(super) fn retry_delay(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(1)..=MAX_DELAY))
}

pub(super) fn dial_timeout(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(10)..=Duration::from_mins(5)))
}

/// How fast a recording is played: slower than an eighth nobody waits for, and a day takes less than half a minute at most.
pub(super) fn speed(value: &str) -> Result<f64, String> {
    match value.parse() {
        Ok(speed) if (0.125..=4_096.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.125 to 4096 is expected, like 1 or 60".to_owned()),
    }
}

pub(super) fn when(value: &str) -> Result<When, String> {
    value.parse()
}

pub(super) fn for_time(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::from_millis(1)..=HOUR * 24 * 365))
}

pub(super) fn backoff(value: &str) -> Result<f32, String> {
    let factor = value.parse().ok().filter(|x| (1.0..=10.0).contains(x));
    factor.ok_or_else(|| "a number from 1 to 10 is expected".to_owned())
}

pub(super) fn expected_peers(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|n| (1..=limits::MAX_PEERS).contains(n));
    count.ok_or_else(|| format!("a number of peers from 1 to {} is expected", limits::MAX_PEERS))
}

/// Where a control socket is.
pub(super) fn control(value: &str) -> Result<ControlPlace, String> {
    match value {
        "" => Err(format!("a directory is expected, or {OFF}")),
        OFF => Ok(ControlPlace::Off),
        directory => Ok(ControlPlace::In(directory.into())),
    }
}

pub(super) fn log_filter(value: &str) -> Result<Targets, String> {
    value.parse().map_err(|_| "error, warn, info, debug, trace, off or TARGET=LEVEL,… is expected".to_owned())
}

/// Where scrapers come to: an address with a port, or a port of loopback.
pub(super) fn scraped(value: &str) -> Result<SocketAddr, String> {
    let port = value.parse().ok().filter(|port| *port != 0);
    let loopback = port.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let given = || value.parse().ok().filter(|addr: &SocketAddr| addr.port() != 0);
    loopback.or_else(given).ok_or_else(|| {
        "a port from 1 to 65535 is expected, or an address with one, like 10.0.0.7:9474 or [::1]:9474"
            .to_owned()
    })
}

/// How long a finding stands before a person is told elsewhere; not at all is long enough for some.
pub(super) fn stands(value: &str) -> Result<Duration, String> {
    duration_within(value, &(Duration::ZERO..=HOUR))
}

/// A command with its arguments, as it is run: without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What is run.
    pub program: String,
    /// What it gets.
    pub arguments: Vec<String>,
}

/// A command, split as a shell would.
pub(super) fn command_line(value: &str) -> Result<CommandLine, String> {
    let mut words = shlex::split(value).unwrap_or_default().into_iter();
    let program = words.next().filter(|program| !program.is_empty());
    let program =
        program.ok_or("a command is expected, like 'notify --to \"the team\"', with every quote closed")?;
    Ok(CommandLine { program, arguments: words.collect() })
}

/// A host that is dialed or named.
pub(super) fn target(value: &str) -> Result<Target, String> {
    value.parse().map_err(|error| match error {
        TargetError::NoZone(ip) => no_zone(ip),
        other => other.to_string(),
    })
}

/// Who is to be dialed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialed {
    /// As it was typed.
    pub text: String,
    /// As a host, or why it is none: the names of peers may have other characters.
    pub host: Result<Target, String>,
}

impl Dialed {
    /// The name of the peer that it may be: an address is no name, and of a name with a port that port is dialed.
    pub fn name(&self) -> Option<&str> {
        let is_bare = match &self.host {
            Ok(target) => target.host == self.text && address::split_zone(&target.host).is_none(),
            Err(_) => true,
        };
        is_bare.then_some(&*self.text)
    }
}

/// A peer or host that is dialed.
pub(super) fn dialed(value: &str) -> Result<Dialed, String> {
    let host = target(value);
    match (&host, text(value)) {
        (Err(why), Err(_)) => Err(why.clone()),
        _ => Ok(Dialed { text: value.to_owned(), host }),
    }
}

/// An address of this machine.
pub(super) fn own_address(value: &str) -> Result<ZonedIp, String> {
    let (ip, zone) =
        address::split_zone(value).ok_or("an address is expected, like 10.0.0.7 or fe80::7%eth0")?;
    match zone {
        None if address::is_link_local(ip) => Err(no_zone(ip)),
        None => Ok(ip.into()),
        Some(zone) => {
            let link = interfaces::link_named(zone).ok_or_else(|| interfaces::no_such_link(zone))?;
            Ok(ZonedIp::on_link(ip, Some(link)))
        }
    }
}

fn no_zone(ip: IpAddr) -> String {
    format!("{ip} is a link-local address: add %interface ({})", interfaces::link_names())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_may_be_that_of_a_peer_and_an_address_or_a_port_says_that_a_host_is_meant() {
        let name = |text: &str| dialed(text).unwrap().name().map(str::to_owned);
        for text in ["host7", "host7.lan", "my laptop", "büro/1", "山田"] {
            assert_eq!(name(text).as_deref(), Some(text));
        }
        for text in ["10.0.0.7", "10.0.0.7:17474", "host7:17474", "::1", "[::1]:5"] {
            assert_eq!(name(text), None, "{text}");
        }
        assert!(dialed("").is_err() && dialed("a\nb").is_err());
    }

    #[test]
    fn a_port_alone_is_one_of_loopback() {
        let listens = |text: &str| scraped(text).ok().map(|addr| addr.to_string());
        assert_eq!(listens("9474").as_deref(), Some("127.0.0.1:9474"));
        assert_eq!(listens("0.0.0.0:9474").as_deref(), Some("0.0.0.0:9474"));
        assert_eq!(listens("[::1]:9474").as_deref(), Some("[::1]:9474"));
        assert_eq!(["0", "", "host:1", "10.0.0.1", "10.0.0.1:0", "70000"].map(listens), [const { None }; 6]);
    }

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let split = |text: &str| command_line(text).map(|command| (command.program, command.arguments)).ok();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(split("a 'b c' \"d e\" f\\ g"), Some(("a".to_owned(), words(&["b c", "d e", "f g"]))));
        // What a shell would expand is an argument as any other.
        assert_eq!(split("a $HOME; b"), Some(("a".to_owned(), words(&["$HOME;", "b"]))));
        assert_eq!(["", " ", "'a", "''"].map(split), [const { None }; 4]);
    }

    #[test]
    fn durations_out_of_range_are_refused_with_the_range() {
        for value in ["0s", "-5s", "5", "2h", "99999999999999999999s", ""] {
            let error = period(value).unwrap_err();
            assert_eq!(error, "a duration from 100ms to 1h is expected, like 500ms or 5s", "{value}");
        }
        assert_eq!(period("500ms"), Ok(Duration::from_millis(500)));
    }
}
