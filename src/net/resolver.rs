//! From a host name to its addresses, in the order in which they are tried: as the system gives them (RFC 6724), families
//! interleaved (RFC 8305 §4).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::engine::address::ZonedIp;
use crate::engine::config::{Target, is_host};
use crate::engine::limits::MAX_ADDRESSES;

use super::addresses;
use super::dialer::has_route;
use super::interfaces;
use super::task_event::TaskEvent;

/// For one look-up: what a resolver takes at its defaults for a name server that is silent, twice asked.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a host has no address now.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver says so, or fails.
    #[error("{0}")]
    System(#[from] io::Error),
    /// It is an address in the zone of a link that this machine does not have.
    #[error("{0}")]
    NoSuchLink(String),
    /// It knows the name, and no address of it that a host can have.
    #[error("it has no address")]
    NoAddress,
    /// It says nothing.
    #[error("no answer within {}", humantime::format_duration(TIMEOUT))]
    Silent,
}

/// The addresses of a host, at least one and at most [`MAX_ADDRESSES`].
///
/// # Errors
/// [`ResolveError`]: there is none now.
pub async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, ResolveError> {
    if let Some(addr) = target.literal() {
        return Ok(vec![addr]);
    }
    if let Some(unknown) = interfaces::unknown_zone(&target.host) {
        return Err(ResolveError::NoSuchLink(unknown));
    }
    let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
    let found = tokio::time::timeout(TIMEOUT, lookup).await.map_err(|_| ResolveError::Silent)??;
    let addrs = in_order(found, has_route);
    if addrs.is_empty() { Err(ResolveError::NoAddress) } else { Ok(addrs) }
}

/// A look-up as a task of the driver: the addresses of a host that can be used now, or none.
pub(super) async fn look_up(target: Target) -> TaskEvent {
    let mut addrs = resolve(&target).await.unwrap_or_else(|error| {
        tracing::debug!(host = %target.host, %error, "the name does not resolve");
        Vec::new()
    });
    // It is looked up again when the link can be used.
    addrs.retain(|addr| !ZonedIp::from(*addr).link().is_some_and(addresses::is_new));
    TaskEvent::Resolved { target, addrs }
}

/// Each address once, the families by turns. Those that this machine has no route to are left out, unless it has one to none: what
/// a dial there says would only hide why the others fail.
fn in_order(
    found: impl Iterator<Item = SocketAddr>,
    is_usable: impl Fn(SocketAddr) -> bool,
) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for addr in found.filter(|addr| is_host(addr.ip())) {
        if !all.contains(&addr) {
            all.push(addr);
        }
    }
    if all.iter().any(|addr| is_usable(*addr)) {
        all.retain(|addr| is_usable(*addr));
    }
    let first_is_v4 = all.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = all.into_iter().partition(|addr| addr.is_ipv4() == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut by_turns = Vec::new();
    loop {
        let turn = [first.next(), second.next()];
        if turn == [None, None] {
            break;
        }
        by_turns.extend(turn.into_iter().flatten());
    }
    by_turns.truncate(MAX_ADDRESSES);
    by_turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(found: &[&str], unusable: &[&str]) -> Vec<String> {
        let addr = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 17_474);
        let unusable: Vec<_> = unusable.iter().map(|ip| addr(ip)).collect();
        let ordered = in_order(found.iter().map(|ip| addr(ip)), |addr| !unusable.contains(&addr));
        ordered.into_iter().map(|addr| addr.ip().to_string()).collect()
    }

    #[test]
    fn families_take_turns_beginning_with_that_of_the_first_address() {
        assert_eq!(
            ordered(&["2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.2", "10.0.0.3"], &[]),
            ["2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2", "10.0.0.3"]
        );
        assert_eq!(ordered(&["10.0.0.1", "10.0.0.2"], &[]), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(ordered(&[], &[]), [""; 0]);
    }

    #[test]
    fn each_address_is_tried_once_and_not_too_many() {
        assert_eq!(ordered(&["10.0.0.1", "10.0.0.1", "0.0.0.0", "224.0.0.1"], &[]), ["10.0.0.1"]);
        let many: Vec<String> = (1..=20).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(ordered(&many, &[]), many[..MAX_ADDRESSES]);
    }

    #[test]
    fn what_there_is_no_route_to_is_tried_only_for_want_of_another() {
        assert_eq!(ordered(&["2001:db8::1", "10.0.0.1"], &["2001:db8::1"]), ["10.0.0.1"]);
        assert_eq!(ordered(&["2001:db8::1"], &["2001:db8::1"]), ["2001:db8::1"]);
    }

    #[tokio::test]
    async fn an_address_needs_no_name_server_and_a_name_has_all_its_addresses() {
        let target = |text: &str| text.parse::<Target>().unwrap();
        assert_eq!(resolve(&target("10.0.0.7:1")).await.unwrap(), [SocketAddr::from(([10, 0, 0, 7], 1))]);
        assert!(resolve(&target("localhost")).await.unwrap().iter().all(|addr| addr.ip().is_loopback()));
    }
}
