//! Those that have not proved their address: in order of discovery, in all and by network.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use smallvec::{SmallVec, smallvec};

use crate::engine::address::ZonedIp;
use crate::engine::hashing::Keyed;
use crate::engine::limits::{
    MAX_UNPROVEN, MAX_UNPROVEN_IN_A_NETWORK, MAX_UNPROVEN_IN_A_SITE, UNPROVEN_CHANGES_AT_ONCE,
    UNPROVEN_CHANGES_PER_SECOND,
};
use crate::engine::peers::PeerKey;
use crate::engine::rate_limiter::RateLimiter;

/// Addresses that one host may have, or send from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    /// 24 bits of IPv4.
    V4(u32),
    /// 64 bits of IPv6: a link.
    Link(u64),
    /// 48 bits of IPv6: what one customer has.
    Site(u64),
}

impl Network {
    fn of(ip: ZonedIp) -> SmallVec<[Self; 2]> {
        match ip.ip() {
            IpAddr::V4(v4) => smallvec![Self::V4(v4.to_bits() >> 8)],
            IpAddr::V6(v6) => {
                let link = (v6.to_bits() >> 64) as u64;
                smallvec![Self::Link(link), Self::Site(link >> 16)]
            }
        }
    }

    fn most(self) -> usize {
        match self {
            Self::V4(_) | Self::Link(_) => MAX_UNPROVEN_IN_A_NETWORK,
            Self::Site(_) => MAX_UNPROVEN_IN_A_SITE,
        }
    }
}

/// Rows in the order in which they came; those that were proven, went or were named since are skipped by who takes them.
#[derive(Debug)]
pub(super) struct Unproven {
    all: VecDeque<(PeerKey, ZonedIp)>,
    networks: HashMap<Network, VecDeque<PeerKey>, Keyed>,
    /// How often they may be others than they were.
    changes: RateLimiter,
}

impl Default for Unproven {
    fn default() -> Self {
        let changes = RateLimiter::per_second(UNPROVEN_CHANGES_PER_SECOND, UNPROVEN_CHANGES_AT_ONCE);
        Self { all: VecDeque::default(), networks: HashMap::default(), changes }
    }
}

impl Unproven {
    pub(super) fn push(&mut self, key: PeerKey, ip: ZonedIp) {
        self.all.push_back((key, ip));
        for network in Network::of(ip) {
            self.networks.entry(network).or_default().push_back(key);
        }
    }

    /// Whether one more would drive out another.
    pub(super) fn is_full_for(&self, ip: ZonedIp) -> bool {
        let is_full =
            |network: Network| self.networks.get(&network).is_some_and(|keys| keys.len() >= network.most());
        self.all.len() >= MAX_UNPROVEN || Network::of(ip).into_iter().any(is_full)
    }

    /// Whether one of them may change now; then it is counted.
    pub(super) fn take_change(&mut self, now: Instant) -> bool {
        self.changes.take(now)
    }

    /// The first of those that are too many: in all, or in a network of the last one that came.
    pub(super) fn pop_excess(&mut self) -> Option<PeerKey> {
        let (_, last) = *self.all.back()?;
        let is_full =
            |network: &Network| self.networks.get(network).is_some_and(|keys| keys.len() > network.most());
        let full = Network::of(last).into_iter().find(is_full);
        let first = full.and_then(|network| self.networks.get(&network)?.front().copied());
        match first {
            Some(key) => self.remove(key),
            None if self.all.len() > MAX_UNPROVEN => self.pop(),
            None => None,
        }
    }

    /// The first one of all.
    pub(super) fn pop(&mut self) -> Option<PeerKey> {
        let (key, _) = *self.all.front()?;
        self.remove(key)
    }

    fn remove(&mut self, key: PeerKey) -> Option<PeerKey> {
        let at = self.all.iter().position(|(other, _)| *other == key)?;
        let (_, ip) = self.all.remove(at)?;
        for network in Network::of(ip) {
            if let Some(keys) = self.networks.get_mut(&network) {
                keys.retain(|other| *other != key);
                if keys.is_empty() {
                    self.networks.remove(&network);
                }
            }
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotmap::SlotMap;

    /// How many of these stay, one after the other.
    fn kept(addresses: impl Iterator<Item = IpAddr>) -> Vec<PeerKey> {
        let (mut keys, mut unproven) = (SlotMap::<PeerKey, ()>::default(), Unproven::default());
        for ip in addresses {
            unproven.push(keys.insert(()), ip.into());
            while let Some(key) = unproven.pop_excess() {
                keys.remove(key);
            }
        }
        assert_eq!(unproven.all.len(), keys.len());
        keys.keys().collect()
    }

    fn v4(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    fn v6(link: u64, host: u64) -> IpAddr {
        IpAddr::from(((0x2001_0db8_0000_0000_u128 + u128::from(link)) << 64 | u128::from(host)).to_be_bytes())
    }

    #[test]
    fn no_network_and_no_site_takes_the_room_of_all() {
        let (a_network, a_site) = (MAX_UNPROVEN_IN_A_NETWORK, MAX_UNPROVEN_IN_A_SITE);
        assert_eq!(kept((0..9_000).map(|n| v4(n % 256))).len(), a_network);
        assert_eq!(kept((0..9_000).map(v4)).len(), MAX_UNPROVEN);
        assert_eq!(kept((0..9_000).map(|n| v6(1, n))).len(), a_network);
        assert_eq!(kept((0..9_000).map(|n| v6(n % 7_000, n))).len(), a_site);
        let flood = || (0..9_000).map(|n| v6(n, n));
        let with_others = (1..3).map(v4).chain(flood());
        assert_eq!(kept(with_others).len(), a_site + 2, "whoever is elsewhere stays");
    }
}
