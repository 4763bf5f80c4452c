//! Where a demo runs: addresses of this machine's loopback network, and a port of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::ops::Range;

use rand::RngExt;
use rand::rngs::StdRng;

/// The screen's own node.
pub(super) const OWN: Ipv4Addr = Ipv4Addr::new(127, 82, 0, 1);
/// Ports to choose from: below every system's ephemeral range, above what services use.
const PORTS: Range<u16> = 20_000..32_000;
/// Ports that are tried: more than one taken in a row is rare.
const TRIES: u32 = 100;

/// A peer's two sites: it starts at home, and moves between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    Home,
    Away,
}

impl Site {
    /// The address of the peer with this number, counted from 0.
    pub(super) fn address(self, peer: u8) -> Ipv4Addr {
        let third = match self {
            Self::Home => 1,
            Self::Away => 2,
        };
        Ipv4Addr::new(127, 82, third, peer.saturating_add(1))
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Home => Self::Away,
            Self::Away => Self::Home,
        }
    }
}

/// Checks that this machine has all addresses of a demo.
///
/// # Errors
/// What to do about it.
pub(super) fn check_addresses(peers: u8) -> anyhow::Result<()> {
    let of_peers = (0..peers).flat_map(|peer| [Site::Home, Site::Away].map(|site| site.address(peer)));
    for address in std::iter::once(OWN).chain(of_peers) {
        UdpSocket::bind(SocketAddrV4::new(address, 0))
            .map_err(|error| unavailable(address, peers, &error))?;
    }
    Ok(())
}

fn unavailable(address: Ipv4Addr, peers: u8, error: &io::Error) -> anyhow::Error {
    let hint = if cfg!(target_os = "macos") {
        format!(
            "; add them until the next restart of this machine: \
             for a in 0.1 1.{{1..{peers}}} 2.{{1..{peers}}}; do sudo ifconfig lo0 alias 127.82.$a; done"
        )
    } else {
        String::new()
    };
    anyhow::anyhow!("the demo needs loopback addresses like {address}: {error}{hint}")
}

/// A port that is free on every address, by UDP and TCP, and so is the next TCP port.
pub(super) fn free_port(rng: &mut StdRng) -> Option<u16> {
    (0..TRIES).map(|_| rng.random_range(PORTS)).find(|port| is_free(*port))
}

fn is_free(port: u16) -> bool {
    let tcp = |port| TcpListener::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)).is_ok();
    UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)).is_ok() && tcp(port) && tcp(port + 1)
}

/// Files that two hundred nodes have open, and as many again for their dials. Many systems start with 1 024 or 256.
#[cfg(unix)]
const DESCRIPTORS: u64 = 8_192;

/// Lets this process open many files, if the system does. Otherwise the peers that get none say so in the log.
#[cfg(unix)]
pub(super) fn allow_many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(super) fn allow_many_sockets() {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use crate::cli::args::MAX_DEMO_PEERS;

    use super::*;

    #[test]
    fn every_site_has_an_address_of_its_own_on_loopback() {
        let sites = (0..MAX_DEMO_PEERS).flat_map(|n| [Site::Home, Site::Away].map(|p| p.address(n)));
        let all: HashSet<Ipv4Addr> = sites.chain([OWN]).collect();
        assert_eq!(all.len(), usize::from(MAX_DEMO_PEERS) * 2 + 1);
        assert!(all.iter().all(Ipv4Addr::is_loopback));
    }

    #[test]
    fn a_port_that_somebody_holds_is_not_free() {
        let port = free_port(&mut StdRng::from_seed([1; 32])).unwrap();
        assert!(is_free(port));
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).unwrap();
        assert!(!is_free(port));
    }
}
