//! What a person sets: checked before anything starts, constant afterwards.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::address::{is_link_local, split_zone};
pub use super::dialing::dial_interval::DialInterval;
use super::retry::RetryPolicy;
use super::{Incarnation, NodeId};
use crate::secret::Secret;
use crate::secret::signing::NodeKey;

/// The UDP presence port and first choice of the TCP port: unassigned by IANA, and below every system's
/// ephemeral range, where a dial to a closed loopback port could connect to itself.
pub const DEFAULT_PORT: u16 = 17_474;

/// All that the engine needs to know of this node.
#[derive(Debug, Clone)]
pub struct Config {
    /// Random, for the life of the process; under a secret made of the key.
    pub id: NodeId,
    /// Milliseconds since the Unix epoch at the start.
    pub incarnation: Incarnation,
    /// Shown to others.
    pub name: String,
    /// Nodes of other groups are ignored.
    pub group: String,
    /// The UDP presence port.
    pub port: u16,
    /// Where this node's TCP server listens.
    pub tcp_port: u16,
    /// This node's own UDP port.
    pub udp_port: u16,
    /// Mean time between two presences.
    pub interval: Duration,
    /// Missed presences before a peer may be silent.
    pub silent_after: u32,
    /// Period of the regular dial of each peer.
    pub dial_interval: DialInterval,
    /// How a dial is retried.
    pub retry: RetryPolicy,
    /// Dials that may start in one second.
    pub dial_rate: u32,
    /// It joins for a moment, to answer a question of a person: others help it, and have no row of it.
    pub visitor: bool,
    /// Peers that a person named.
    pub peers: Vec<Target>,
    /// Members of other segments that a person named, by which this one's is joined to theirs.
    pub join: Vec<Target>,
    /// What is said is made with it, and nothing else is believed.
    pub secret: Option<Arc<Secret>>,
    /// What this node signs its rows with; none without a secret. See [`Config::signing`].
    pub key: Option<NodeKey>,
    /// Seeds the engine's randomness: jitter and nonces. Under a secret also what is signed with.
    pub seed: [u8; 32],
}

impl Config {
    /// The same; with a secret, also with a key, and the id that is made of it.
    #[must_use]
    pub fn signing(mut self) -> Self {
        if self.secret.is_some() && self.key.is_none() {
            self.take_key(NodeKey::from_seed(&self.seed));
        }
        self
    }

    /// Another key, and so another id.
    pub(crate) fn take_key(&mut self, key: NodeKey) {
        self.id = NodeId(u128::from_be_bytes(key.id()));
        self.key = Some(key);
    }
}

/// A host that a person named: `HOST`, `HOST:PORT`, `1.2.3.4:5`, `[::1]:5`, `::1` or `fe80::1%eth0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// A name or an address; a link-local one with its zone.
    pub host: String,
    /// The TCP port; the UDP presence port is taken to be the same.
    pub port: u16,
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing there.
    #[error("a host name or address is expected, like host7, 10.0.0.7:17474 or [fe80::1%eth0]:17474")]
    Empty,
    /// The part after the last colon is no port.
    #[error("'{0}' is not a port: 1 to 65535 is expected")]
    Port(String),
    /// Characters that no host name has, or a label too long.
    #[error("'{0}' is not a host name or address")]
    Host(String),
    /// An address that means nothing without its link.
    #[error("{0} is a link-local address: add %interface, like {0}%eth0")]
    NoZone(IpAddr),
    /// An address that no host has.
    #[error("{0} is not the address of one host")]
    NotAHost(IpAddr),
}

impl Target {
    /// The address, when the host was given as one. The number of a zone is the system's to tell: one with a zone is looked up like a
    /// name.
    pub fn literal(&self) -> Option<SocketAddr> {
        self.host.parse().ok().map(|ip| SocketAddr::new(ip, self.port))
    }

    fn checked(host: &str, port: u16) -> Result<Self, TargetError> {
        if let Some((ip, zone)) = split_zone(host) {
            return match zone {
                _ if !is_host(ip) => Err(TargetError::NotAHost(ip)),
                None if is_link_local(ip) => Err(TargetError::NoZone(ip)),
                Some(_) if !is_link_local(ip) => Ok(Self { host: ip.to_string(), port }),
                _ => Ok(Self { host: host.to_owned(), port }),
            };
        }
        let labels_fit = host.split('.').enumerate().all(|(i, label)| {
            (1..=63).contains(&label.len()) || (label.is_empty() && i > 0 && host.ends_with('.'))
        });
        let plain = host.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let numeric = host.chars().all(|c| c.is_ascii_digit() || c == '.');
        if labels_fit && plain && !numeric && host.len() <= 253 {
            Ok(Self { host: host.to_owned(), port })
        } else {
            Err(TargetError::Host(host.to_owned()))
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        let is_ipv6 = |host| split_zone(host).is_some_and(|(ip, _)| ip.is_ipv6());
        if is_ipv6(text) {
            return Self::checked(text, DEFAULT_PORT);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(|| TargetError::Host(text.to_owned()))?;
                if !is_ipv6(host) {
                    return Err(TargetError::Host(text.to_owned()));
                }
                match after {
                    "" => (host, None),
                    _ => (
                        host,
                        Some(after.strip_prefix(':').ok_or_else(|| TargetError::Host(text.to_owned()))?),
                    ),
                }
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(digits) => match digits.parse() {
                Ok(port) if port != 0 && digits.bytes().all(|b| b.is_ascii_digit()) => port,
                _ => return Err(TargetError::Port(digits.to_owned())),
            },
        };
        Self::checked(host, port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Whether an address can belong to one host: not unspecified, multicast or the limited broadcast.
pub fn is_host(ip: IpAddr) -> bool {
    !ip.is_unspecified()
        && !ip.is_multicast()
        && match ip {
            IpAddr::V4(v4) => !v4.is_broadcast() && v4.octets()[0] != 0,
            IpAddr::V6(_) => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_name_or_an_address_with_or_without_a_port() {
        for (text, host, port) in [
            ("host7", "host7", DEFAULT_PORT),
            ("host7.lab.example:80", "host7.lab.example", 80),
            (" 10.0.0.7 ", "10.0.0.7", DEFAULT_PORT),
            ("10.0.0.7:1", "10.0.0.7", 1),
            ("::1", "::1", DEFAULT_PORT),
            ("[::1]", "::1", DEFAULT_PORT),
            ("[2001:db8::1]:65535", "2001:db8::1", 65535),
            ("fe80::1%eth0", "fe80::1%eth0", DEFAULT_PORT),
            ("[fe80::1%eth0]:5", "fe80::1%eth0", 5),
            ("[fe80::1%2]", "fe80::1%2", DEFAULT_PORT),
            ("2001:db8::1%eth0", "2001:db8::1", DEFAULT_PORT),
        ] {
            assert_eq!(text.parse(), Ok(Target { host: host.to_owned(), port }), "{text}");
        }
    }

    #[test]
    fn a_target_that_no_host_can_be_is_refused_with_the_reason() {
        use TargetError as E;
        for (text, error) in [
            ("", E::Empty),
            ("host:", E::Port(String::new())),
            ("host:0", E::Port("0".into())),
            ("host:+1", E::Port("+1".into())),
            ("host:65536", E::Port("65536".into())),
            ("a b", E::Host("a b".into())),
            ("10.0.0.300", E::Host("10.0.0.300".into())),
            ("[host]:1", E::Host("[host]:1".into())),
            ("a..b", E::Host("a..b".into())),
            ("0.0.0.0", E::NotAHost("0.0.0.0".parse().unwrap())),
            ("255.255.255.255:1", E::NotAHost("255.255.255.255".parse().unwrap())),
            ("224.0.0.1", E::NotAHost("224.0.0.1".parse().unwrap())),
            ("[ff02::1]:1", E::NotAHost("ff02::1".parse().unwrap())),
            ("[fe80::1]:1", E::NoZone("fe80::1".parse().unwrap())),
            ("fe80::1", E::NoZone("fe80::1".parse().unwrap())),
            ("[fe80::1%]:1", E::Host("[fe80::1%]:1".into())),
            ("10.0.0.1%eth0", E::Host("10.0.0.1%eth0".into())),
        ] {
            assert_eq!(text.parse::<Target>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_target_prints_as_it_is_dialed() {
        assert_eq!("::1".parse::<Target>().unwrap().to_string(), "[::1]:17474");
        assert_eq!("host7".parse::<Target>().unwrap().to_string(), "host7:17474");
        assert_eq!("fe80::1%eth0".parse::<Target>().unwrap().to_string(), "[fe80::1%eth0]:17474");
    }
}
