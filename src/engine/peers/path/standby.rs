//! The addresses of a peer beside the one that is dialed: how each fares, when it is looked at, and which one is dialed instead.
//!
//! Nothing is kept of the one way of a peer that has no other.

use std::time::{Duration, Instant};

use crate::engine::address::ZonedIp;
use crate::engine::interface::InterfaceKind;
use crate::engine::limits::PATH_KEPT;
use crate::engine::links::Links;
use crate::engine::moment::Moment;

use super::check::{Check, PathState};
use super::{Path, Paths};

/// A path from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct PathChange {
    pub(crate) ip: ZonedIp,
    pub(crate) from: PathState,
    pub(crate) to: PathState,
}

impl Path {
    /// Whether the peer may still be there: it was heard, or has replied, not too long ago.
    fn is_kept(&self, now: Instant) -> bool {
        Moment::from(now).since(self.last_word()) <= PATH_KEPT
    }

    /// Whether it is time to dial it, to see how it fares.
    fn is_due(&self, now: Instant) -> bool {
        self.check.as_ref().is_none_or(|check| check.is_old(now))
    }
}

impl Paths {
    /// Notes how a dial of an address ended, with its round trip if it got its reply. Says so if that is a change, and there are
    /// several addresses.
    pub(crate) fn note_dialed(
        &mut self,
        ip: ZonedIp,
        rtt: Option<Duration>,
        now: Instant,
    ) -> Option<PathChange> {
        if self.all.len() < 2 {
            return None;
        }
        let path = self.find_mut(ip)?;
        let (from, to) = (path.state(), if rtt.is_some() { PathState::Up } else { PathState::Failing });
        path.check = Some(Box::new(Check::new(to, now, rtt.or_else(|| path.rtt()))));
        (from != to).then_some(PathChange { ip, from, to })
    }

    /// Somebody else answers at an address: it is none of this peer's.
    pub(crate) fn forget_path(&mut self, ip: ZonedIp) {
        self.all.retain(|path| path.ip != ip);
    }

    /// The addresses that are dialed when the first one does not answer: those on links of ours where the peer is known to receive.
    pub(crate) fn standby(
        &self,
        dialed: ZonedIp,
        links: &Links,
        now: Instant,
    ) -> impl Iterator<Item = ZonedIp> {
        let stands_by = move |path: &&Path| {
            path.ip != dialed
                && path.proven
                && path.state() != PathState::Failing
                && path.is_kept(now)
                && links.reaches(path.ip)
        };
        self.all.iter().filter(stands_by).map(|path| path.ip)
    }

    /// The address that is to be dialed once, to see how it fares.
    pub(crate) fn to_check(&self, dialed: ZonedIp, links: &Links, now: Instant) -> Option<ZonedIp> {
        let mut others = self.all.iter().filter(|path| path.ip != dialed);
        others
            .find(|path| path.is_due(now) && path.is_kept(now) && links.reaches(path.ip))
            .map(|path| path.ip)
    }

    /// Another address than the one that is dialed, from which the peer was heard since then: the last one.
    pub(crate) fn heard_elsewhere(&self, dialed: ZonedIp, since: Moment) -> Option<ZonedIp> {
        let others = self.all.iter().filter(|path| path.ip != dialed && path.heard >= since);
        others.max_by_key(|path| path.heard).map(|path| path.ip)
    }

    /// Whether one address is better than the one that is dialed, where both answer.
    pub(crate) fn is_better(ip: ZonedIp, dialed: ZonedIp, links: &Links) -> bool {
        links.reaches(dialed) && rank(ip, links) < rank(dialed, links)
    }
}

/// What is dialed rather than another: by cable, then by radio, then by what other programs made; and IPv4 before IPv6, for it is
/// what broadcasts go by.
fn rank(ip: ZonedIp, links: &Links) -> (u8, bool) {
    let kind = match links.kind_towards(ip) {
        Some(InterfaceKind::Lan) => 0,
        Some(InterfaceKind::Wifi) => 1,
        Some(InterfaceKind::Container | InterfaceKind::Vpn | InterfaceKind::Loopback) => 2,
        None => 3,
    };
    (kind, ip.ip().is_ipv6())
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use std::net::Ipv4Addr;

    use PathState::{Failing, Unknown, Up};

    use super::*;
    use crate::engine::api::Socket;
    use crate::engine::interface::Interface;
    use crate::engine::limits::{PATH_CHECKED_EVERY, PATH_TRIED_EVERY};
    use crate::testkit::{ms, secs, t0};

    const CABLE: &str = "10.0.0.2";
    const RADIO: &str = "10.0.1.2";

    fn ip(text: &str) -> ZonedIp {
        text.parse().unwrap()
    }

    fn links() -> Links {
        let net = |name, third| Interface::new(name, Ipv4Addr::new(10, 0, third, 1), 24).unwrap();
        let mut links = Links::default();
        let _ = links.replace(vec![net("wlan0", 1), net("eth0", 0)]);
        links
    }

    /// A peer that is dialed by radio, and was heard by both.
    fn paths() -> Paths {
        let mut paths = Paths::default();
        for (at, sequence) in [(RADIO, 1), (CABLE, 1)] {
            paths.note_heard(ip(at), ip(RADIO), (Socket::Shared, sequence), false, t0());
        }
        paths
    }

    #[test]
    fn of_one_address_alone_nothing_is_kept() {
        let mut paths = Paths::default();
        paths.note_heard(ip(CABLE), ip(CABLE), (Socket::Shared, 1), false, t0());
        assert_eq!(paths.note_dialed(ip(CABLE), Some(ms(1)), t0()), None);
        assert!(paths.all.iter().all(|path| path.check.is_none()));
        assert_eq!(paths.to_check(ip(CABLE), &links(), t0()), None, "it is dialed anyway");
    }

    #[test]
    fn a_path_that_fails_or_comes_back_is_told_once() {
        let mut paths = paths();
        let change = |from, to| Some(PathChange { ip: ip(CABLE), from, to });
        for (rtt, told) in [
            (Some(ms(1)), change(Unknown, Up)),
            (Some(ms(2)), None),
            (None, change(Up, Failing)),
            (None, None),
            (Some(ms(3)), change(Failing, Up)),
        ] {
            assert_eq!(paths.note_dialed(ip(CABLE), rtt, t0()), told);
        }
        assert_eq!(paths.note_dialed(ip("10.0.2.2"), None, t0()), None, "it was never heard there");
    }

    #[test]
    fn what_stands_by_is_proven_on_a_link_of_ours_and_does_not_fail() {
        let (mut paths, links) = (paths(), links());
        let standby = |paths: &Paths, after| paths.standby(ip(RADIO), &links, t0() + after).next();
        assert_eq!(standby(&paths, ms(0)), None, "anybody can send in the name of an address");
        assert!(paths.prove(ip(CABLE), ip(RADIO), t0()));
        assert_eq!(standby(&paths, ms(0)), Some(ip(CABLE)));
        assert_eq!(standby(&paths, PATH_KEPT + ms(1)), None, "it was not heard there for long");
        assert_eq!(
            paths.standby(ip(RADIO), &Links::default(), t0()).next(),
            None,
            "it is on no link of ours"
        );
        let _ = paths.note_dialed(ip(CABLE), None, t0());
        assert_eq!(standby(&paths, ms(0)), None);
    }

    #[test]
    fn another_address_is_looked_at_now_and_then_and_one_that_fails_more_often() {
        let (mut paths, links) = (paths(), links());
        let due = |paths: &Paths, after| paths.to_check(ip(RADIO), &links, t0() + after).is_some();
        assert!(due(&paths, ms(0)), "nothing is known of it");
        for (rtt, every) in [(Some(ms(1)), PATH_CHECKED_EVERY), (None, PATH_TRIED_EVERY)] {
            let _ = paths.note_dialed(ip(CABLE), rtt, t0());
            assert!(!due(&paths, every - ms(1)) && due(&paths, every), "{rtt:?}");
        }
        assert!(!due(&paths, PATH_KEPT + secs(1)), "it was not heard there for long");
    }

    #[test]
    fn the_cable_is_better_than_radio_and_ipv4_than_ipv6() {
        let links = links();
        assert!(Paths::is_better(ip(CABLE), ip(RADIO), &links));
        assert!(
            !Paths::is_better(ip(RADIO), ip(CABLE), &links)
                && !Paths::is_better(ip(CABLE), ip(CABLE), &links)
        );
        assert!(!Paths::is_better(ip(CABLE), ip("192.0.2.1"), &links), "a person named it");
    }
}
