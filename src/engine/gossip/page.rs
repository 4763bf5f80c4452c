//! Entries and pages of rows, to the wire and back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::observation::{Observation, PathStatus};
use crate::proto::codes::{cause, path, status};
use crate::proto::rows::{Entry, GONE, LOSS_UNKNOWN, NEVER, PageHead, append};

/// Room that the head of a page and its largest entry need, in bytes.
pub(crate) const HEAD_ROOM: usize = 72;
/// Bytes of an entry with one letter for a name: what cannot fit need not be written to see that.
pub(crate) const SMALLEST_ENTRY: usize = 32;

/// The number of each cause.
const CAUSES: [(Cause, u8); Cause::ALL.len()] = [
    (Cause::Refused, cause::REFUSED),
    (Cause::TimedOut, cause::TIMED_OUT),
    (Cause::HostUnreachable, cause::HOST_UNREACHABLE),
    (Cause::NetworkUnreachable, cause::NETWORK_UNREACHABLE),
    (Cause::NoRoute, cause::NO_ROUTE),
    (Cause::PermissionDenied, cause::PERMISSION_DENIED),
    (Cause::Reset, cause::RESET),
    (Cause::ClosedEarly, cause::CLOSED_EARLY),
    (Cause::NoReply, cause::NO_REPLY),
    (Cause::BadReply, cause::BAD_REPLY),
    (Cause::WrongSecret, cause::WRONG_SECRET),
    (Cause::WrongGroup, cause::WRONG_GROUP),
    (Cause::VersionMismatch, cause::VERSION_MISMATCH),
    (Cause::AddressNotAvailable, cause::ADDRESS_NOT_AVAILABLE),
    (Cause::LocalResources, cause::LOCAL_RESOURCES),
    (Cause::InterfaceDown, cause::INTERFACE_DOWN),
    (Cause::Other, cause::OTHER),
];

/// A time as pages have it, in milliseconds.
pub(crate) fn to_ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// A page: its head, and behind it the entries.
pub(crate) fn page(head: &PageHead, entries: &[u8]) -> Vec<u8> {
    let mut page = Vec::with_capacity(HEAD_ROOM + entries.len());
    append(head, &mut page);
    page.extend_from_slice(entries);
    page
}

/// The entry of a node that is no longer in a row.
pub(crate) fn gone(id: NodeId) -> Entry<'static> {
    Entry {
        id,
        ways: GONE,
        cause: 0,
        rtt_us: 0,
        loss: LOSS_UNKNOWN,
        checked: NEVER,
        alive: NEVER,
        port: 0,
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        name: "-",
    }
}

/// The entry that tells of a node what is seen of it. Its ages count from `as_of`.
pub(crate) fn entry<'a>(
    id: NodeId,
    observation: &Observation,
    name: &'a str,
    addr: SocketAddr,
    as_of: Instant,
) -> Entry<'a> {
    Entry {
        id,
        ways: paths_to_wire(observation),
        cause: cause_to_wire(observation.cause),
        rtt_us: observation.rtt.map_or(0, |rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1)),
        loss: observation.loss.map_or(LOSS_UNKNOWN, |loss| loss.min(100)),
        checked: tenths(observation.checked, as_of),
        alive: tenths(observation.alive, as_of),
        port: addr.port(),
        ip: addr.ip(),
        name,
    }
}

/// An entry as it was told, with these times.
pub(crate) fn with_ages(
    entry: Entry<'_>,
    (checked, alive): (Option<Instant>, Option<Instant>),
    as_of: Instant,
) -> Entry<'_> {
    Entry { checked: tenths(checked, as_of), alive: tenths(alive, as_of), ..entry }
}

/// An age as entries have it. Rounded up: nothing may look younger to others than it is.
fn tenths(at: Option<Instant>, as_of: Instant) -> u16 {
    let age = at.map(|at| as_of.saturating_duration_since(at).as_millis().div_ceil(100));
    age.and_then(|age| u16::try_from(age).ok()).unwrap_or(NEVER)
}

/// What an entry tells; none if its paths cannot be read.
pub(crate) fn observation_of(entry: &Entry<'_>, as_of: Instant) -> Option<Observation> {
    let ago = |tenths: u16| {
        let age = Duration::from_millis(u64::from(tenths) * 100);
        if tenths == NEVER { None } else { as_of.checked_sub(age) }
    };
    let observation = Observation {
        loss: (entry.loss != LOSS_UNKNOWN).then_some(entry.loss),
        cause: cause_from_wire(entry.cause),
        rtt: (entry.rtt_us > 0).then(|| Duration::from_micros(u64::from(entry.rtt_us))),
        checked: ago(entry.checked),
        alive: ago(entry.alive),
        at: Some(entry.ip),
        ..Observation::default()
    };
    paths_from_wire(entry.ways, observation)
}

/// Whether an entry tells of something that is not fine.
pub(crate) fn tells_of_trouble(entry: &Entry<'_>, now: Instant) -> bool {
    entry.ways != GONE && observation_of(entry, now).is_some_and(|observation| !observation.is_fine())
}

fn cause_to_wire(of: Option<Cause>) -> u8 {
    let number =
        |of| CAUSES.iter().find(|(cause, _)| *cause == of).map_or(cause::OTHER, |(_, number)| *number);
    of.map_or(cause::NONE, number)
}

/// A number that a later version of the specification gives is another cause.
fn cause_from_wire(number: u8) -> Option<Cause> {
    let known = CAUSES.iter().find(|(_, known)| *known == number).map(|(cause, _)| *cause);
    (number != cause::NONE).then(|| known.unwrap_or(Cause::Other))
}

fn paths_to_wire(observation: &Observation) -> u16 {
    let bits = |status: PathStatus, path: u16| {
        let number = match status {
            PathStatus::Unknown => status::UNKNOWN,
            PathStatus::Ok => status::OK,
            PathStatus::Failing => status::FAILING,
        };
        number << path
    };
    bits(observation.tcp, path::TCP)
        | bits(observation.echo, path::ECHO)
        | bits(observation.broadcast, path::BROADCAST)
        | bits(observation.unicast, path::UNICAST)
        | bits(observation.served, path::SERVED)
        | bits(observation.large, path::LARGE)
}

/// Takes the paths from such a number; none when it is no such number.
fn paths_from_wire(paths: u16, observation: Observation) -> Option<Observation> {
    let status = |path: u16| match paths >> path & status::MASK {
        status::UNKNOWN => Some(PathStatus::Unknown),
        status::OK => Some(PathStatus::Ok),
        status::FAILING => Some(PathStatus::Failing),
        _ => None,
    };
    if paths & !path::ALL != 0 {
        return None;
    }
    Some(Observation {
        tcp: status(path::TCP)?,
        echo: status(path::ECHO)?,
        broadcast: status(path::BROADCAST)?,
        unicast: status(path::UNICAST)?,
        served: status(path::SERVED)?,
        large: status(path::LARGE)?,
        ..observation
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    const SPECIFICATION: &str = include_str!("../../../docs/protocol.md");

    #[test]
    fn every_number_of_the_paths_is_read_and_written_alike() {
        for paths in 0..=path::ALL {
            match paths_from_wire(paths, Observation::default()) {
                Some(observation) => assert_eq!(paths_to_wire(&observation), paths),
                None => assert!((0..6).any(|nth| paths >> (2 * nth) & 3 == 3), "{paths:b}"),
            }
        }
        assert_eq!(paths_from_wire(path::ALL + 1, Observation::default()), None);
    }

    #[test]
    fn nothing_looks_younger_to_others_than_it_is() {
        let now = t0() + secs(9);
        for age_ms in [0, 1, 99, 100, 101, 1_234] {
            let at = now.checked_sub(ms(age_ms));
            let seen = Observation { checked: at, alive: at, ..Observation::default() };
            let told = entry(NodeId(2), &seen, "h2", "10.0.0.2:1".parse().unwrap(), now);
            let told = observation_of(&told, now).unwrap();
            for told in [told.checked, told.alive] {
                assert!(told <= at && told.unwrap() + ms(100) > at.unwrap(), "{age_ms} ms: {told:?}");
            }
        }
    }

    #[test]
    fn the_specification_numbers_causes_as_the_code_does() {
        for cause in Cause::ALL {
            let number = cause_to_wire(Some(cause));
            assert_eq!(cause_from_wire(number), Some(cause));
            let row = format!("| {number} | `{}` |", cause.as_str());
            assert!(SPECIFICATION.lines().any(|line| line.starts_with(&row)), "{row}");
        }
        assert_eq!(cause_to_wire(None), 0);
        assert_eq!(cause_from_wire(200), Some(Cause::Other), "a later version numbers more of them");
    }

    #[test]
    fn the_specification_numbers_paths_as_the_code_does() {
        let ok = PathStatus::Ok;
        for (name, from, observation) in [
            ("tcp", path::TCP, Observation { tcp: ok, ..Observation::default() }),
            ("echo", path::ECHO, Observation { echo: ok, ..Observation::default() }),
            ("broadcast", path::BROADCAST, Observation { broadcast: ok, ..Observation::default() }),
            ("unicast", path::UNICAST, Observation { unicast: ok, ..Observation::default() }),
            ("served", path::SERVED, Observation { served: ok, ..Observation::default() }),
            ("large", path::LARGE, Observation { large: ok, ..Observation::default() }),
        ] {
            let row = format!("| {from}–{} | `{name}` |", from + 1);
            assert!(SPECIFICATION.lines().any(|line| line.starts_with(&row)), "{row}");
            assert_eq!(paths_to_wire(&observation), 1 << from, "{name}");
        }
    }
}
