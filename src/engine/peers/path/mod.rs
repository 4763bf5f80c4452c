//! Where a peer was heard from: its addresses, the replay window of each, and which of them are proven.

mod check;
pub(crate) mod standby;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::address::ZonedIp;
use crate::engine::api::Socket;
use crate::engine::hashing::digest;
use crate::engine::limits::{
    COPIES_COME_WITHIN, MAX_LATE_BY, MAX_PATHS, MAX_SEQUENCE_STEP, MULTICAST_ONE_IN, ROUNDS_BEFORE_MOVE,
    ROUNDS_BEFORE_NEW,
};
use crate::engine::links::Links;
use crate::engine::moment::Moment;
use crate::proto::presence::Presence;

pub use check::PathState;

use super::HeardFrom;
use check::Check;

/// An address that a peer was heard from.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    ip: ZonedIp,
    /// Greatest number heard on the shared and on the private port. The two are read one after the other, so that what was sent first may be
    /// read last.
    greatest: [u64; 2],
    /// Rounds heard from other addresses since one was heard from this one.
    missed: u8,
    /// The peer receives at this address: it echoed a nonce, or a TCP connection stood.
    proven: bool,
    /// Datagrams taken from it since it was last dialed without a proof.
    unanswered: u8,
    heard: Moment,
    /// When it was first heard, at all or after a long silence there.
    since: Moment,
    /// Length of its network's prefix there, in bits, as it says.
    prefix: Option<u8>,
    /// Stands for all that the peer says of itself here; 0 before it said anything, or when that was overruled.
    claims: u64,
    /// What the last dial of it said. Boxed: few peers have several addresses.
    check: Option<Box<Check>>,
}

/// All addresses of a peer, and what it says of them.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// At most [`MAX_PATHS`]. Nearly every peer has one: that one stands in the row itself.
    all: SmallVec<[Path; 1]>,
    /// Its own UDP port, where it receives unicast; 0 before it is known.
    udp_port: u16,
    /// Greatest sequence number heard on the presence port.
    round: u64,
    /// Boxed: few peers have it.
    doubts: Option<Box<Doubts>>,
}

/// What speaks against the address at which a peer is dialed.
#[derive(Debug, Clone, Copy, Default)]
struct Doubts {
    /// The address that it believes to have, where that is not the one it is heard from.
    claimed: Option<IpAddr>,
    /// Since when it seems to have moved, and the old address was asked.
    move_asked: Option<Moment>,
}

/// Whether a datagram's number is one that may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SequenceCheck {
    /// Greater than all before.
    New,
    /// Not greater: a duplicate, late, or replayed.
    Seen,
    /// Implausibly far ahead.
    TooFar,
}

impl Path {
    fn new(ip: ZonedIp, now: Instant) -> Self {
        let now = now.into();
        Self {
            ip,
            greatest: [0; 2],
            missed: 0,
            proven: false,
            unanswered: 0,
            heard: now,
            since: now,
            prefix: None,
            claims: 0,
            check: None,
        }
    }

    /// How it fares, as the last dial of it went.
    fn state(&self) -> PathState {
        self.check.as_ref().map_or(PathState::Unknown, |check| check.state)
    }

    /// Round trip of the last dial that got its reply there.
    fn rtt(&self) -> Option<Duration> {
        self.check.as_ref()?.rtt()
    }

    /// When the peer was last heard there, or replied to a dial of it.
    fn last_word(&self) -> Moment {
        let replied = self.check.as_ref().and_then(|check| check.replied());
        replied.map_or(self.heard, |replied| replied.max(self.heard))
    }

    fn newest(&self) -> u64 {
        self.greatest.into_iter().max().unwrap_or(0)
    }
}

impl Paths {
    fn find(&self, ip: ZonedIp) -> Option<&Path> {
        self.all.iter().find(|path| path.ip == ip)
    }

    fn find_mut(&mut self, ip: ZonedIp) -> Option<&mut Path> {
        self.all.iter_mut().find(|path| path.ip == ip)
    }

    /// The path to an address; a new one takes the place of the one unheard for longest, never of the one dialed.
    fn find_or_add(&mut self, ip: ZonedIp, dialed: ZonedIp, now: Instant) -> &mut Path {
        let known = self.all.iter().position(|path| path.ip == ip);
        let index = known.unwrap_or_else(|| {
            if self.all.len() < MAX_PATHS {
                self.all.push(Path::new(ip, now));
                return self.all.len() - 1;
            }
            let others = self.all.iter().enumerate().filter(|(_, path)| path.ip != dialed);
            let index = others.min_by_key(|(_, path)| path.heard).map_or(0, |(index, _)| index);
            self.all[index] = Path::new(ip, now);
            index
        });
        &mut self.all[index]
    }

    /// How often something came from an address since it was last dialed without a proof.
    pub(crate) fn unanswered(&self, ip: ZonedIp) -> u8 {
        self.find(ip).map_or(0, |path| path.unanswered)
    }

    /// An address is dialed without a proof.
    pub(crate) fn note_dialed_unproven(&mut self, ip: ZonedIp) {
        if let Some(path) = self.find_mut(ip) {
            path.unanswered = 0;
        }
    }

    /// Whether the peer is known to receive at this address.
    pub(crate) fn is_proven(&self, ip: ZonedIp) -> bool {
        self.find(ip).is_some_and(|path| path.proven)
    }

    /// The peer receives at this address: whether that is news.
    pub(crate) fn prove(&mut self, ip: ZonedIp, dialed: ZonedIp, now: Instant) -> bool {
        let path = self.find_or_add(ip, dialed, now);
        !std::mem::replace(&mut path.proven, true)
    }

    /// Checks a datagram's number. A goodbye ends all paths: a copy that is late on another one revives nobody.
    pub(crate) fn check_sequence(
        &self,
        ip: ZonedIp,
        socket: Socket,
        sequence: u64,
        left: bool,
    ) -> SequenceCheck {
        let newest = self.newest();
        let known = if left { newest } else { self.find(ip).map_or(0, |path| path.greatest[nth(socket)]) };
        if newest > 0 && sequence > newest.saturating_add(MAX_SEQUENCE_STEP) {
            SequenceCheck::TooFar
        } else if sequence <= known {
            SequenceCheck::Seen
        } else {
            SequenceCheck::New
        }
    }

    /// Takes the copy of a goodbye from another address of the peer than the one that is dialed: one that goes with the last round, just
    /// before or after it came from there. Each address has one.
    pub(crate) fn take_copy_of_goodbye(
        &mut self,
        ip: ZonedIp,
        sequence: u64,
        left: bool,
        now: Instant,
    ) -> bool {
        let lately = |path: &Path| Moment::from(now).since(path.heard) <= COPIES_COME_WITHIN;
        let last = self.all.iter().any(|path| path.greatest[0] == sequence && lately(path));
        let is_next =
            !left && self.newest() < sequence && sequence <= self.newest().saturating_add(MAX_SEQUENCE_STEP);
        let goes_with = if left { last } else { is_next };
        let Some(path) = self.find_mut(ip).filter(|path| goes_with && path.greatest[0] < sequence) else {
            return false;
        };
        path.greatest[0] = sequence;
        true
    }

    /// Notes that a datagram was heard from an address. `dialed` is where the peer is dialed; `returning`, that it was silent or
    /// had left.
    pub(crate) fn note_heard(
        &mut self,
        ip: ZonedIp,
        dialed: ZonedIp,
        (socket, sequence): (Socket, u64),
        returning: bool,
        now: Instant,
    ) {
        let path = self.find_or_add(ip, dialed, now);
        path.greatest[nth(socket)] = sequence;
        path.heard = now.into();
        path.unanswered = path.unanswered.saturating_add(1);
        if path.missed >= ROUNDS_BEFORE_NEW {
            path.since = path.heard;
        }
        path.missed = 0;
        // One that is far ahead of the others was forged, or the others were: the round of each is another one.
        let is_another = sequence > self.round || self.round - sequence > MAX_LATE_BY;
        if socket == Socket::Shared && (is_another || returning) {
            self.round = sequence;
            for other in self.all.iter_mut().filter(|path| path.ip != ip) {
                other.missed = other.missed.saturating_add(1);
            }
        }
    }

    /// Whether a number is so far behind that no way through a network explains it.
    pub(crate) fn is_far_behind(&self, ip: ZonedIp, socket: Socket, sequence: u64) -> bool {
        let greatest = self.find(ip).map_or(0, |path| path.greatest[nth(socket)]);
        greatest.saturating_sub(sequence) > MAX_LATE_BY
    }

    /// The number of the last word from an address: what comes later with a smaller one is late.
    pub(crate) fn note_last_word(&mut self, ip: ZonedIp, sequence: u64) {
        if let Some(path) = self.find_mut(ip) {
            path.greatest = path.greatest.map(|greatest| greatest.max(sequence));
        }
    }

    /// Any number is taken next: the peer has proved that it is as far as it says.
    pub(crate) fn reset_sequences(&mut self) {
        self.all.iter_mut().for_each(|path| path.greatest = [0; 2]);
        self.round = 0;
    }

    /// Another life of the peer: its numbers begin again, it must prove its addresses, and says anew where it receives.
    pub(crate) fn restart(&mut self) {
        self.reset_sequences();
        self.udp_port = 0;
        self.all.iter_mut().for_each(|path| (path.proven, path.check) = (false, None));
        if let Some(doubts) = &mut self.doubts {
            doubts.claimed = None;
        }
        self.forget_claims();
    }

    /// The next presence is read as a whole, whatever it says.
    fn forget_claims(&mut self) {
        self.all.iter_mut().for_each(|path| path.claims = 0);
    }

    /// It is dialed at another address from now on.
    pub(crate) fn note_moved(&mut self) {
        self.doubts = None;
        self.forget_claims();
    }

    /// Whether an address was silent for [`rounds_before_move`], or never heard. `reached`: the peer answers there; then the
    /// other address must be newer than the last word from this one, too, or it is a second interface of the peer's. A reply to a dial
    /// is such a word: UDP alone may fail there.
    pub(crate) fn is_gone_from(&self, ip: ZonedIp, heard_at: ZonedIp, reached: bool) -> bool {
        let since = self.find(heard_at).map(|path| path.since);
        self.find(ip).is_none_or(|old| {
            let is_newer = || since.is_some_and(|since| since > old.last_word());
            old.missed >= rounds_before_move(ip) && (!reached || is_newer())
        })
    }

    /// Whether the peer was at both addresses at once: it was heard at the second before its last word came from the first.
    pub(crate) fn has_both(&self, first: ZonedIp, second: ZonedIp) -> bool {
        self.find(first)
            .zip(self.find(second))
            .is_some_and(|(first, second)| second.since <= first.last_word())
    }

    /// Takes a heartbeat on the shared port: whether its number is plausible and new, it says of itself what it said before at
    /// that address, and it does not suggest that the peer has moved there.
    pub(crate) fn take_heartbeat(
        &mut self,
        (ip, dialed): (ZonedIp, ZonedIp),
        sequence: u64,
        claims: u64,
        now: Instant,
    ) -> bool {
        let newest = self.newest();
        let takes = self.find(ip).is_some_and(|path| {
            path.claims == claims
                && sequence > path.greatest[0]
                && sequence <= newest.saturating_add(MAX_SEQUENCE_STEP)
        });
        let stays = ip == dialed
            || self.find(dialed).is_some_and(|path| path.missed + 1 < rounds_before_move(dialed));
        if takes && stays {
            self.note_heard(ip, dialed, (Socket::Shared, sequence), false, now);
        }
        takes && stays
    }

    fn newest(&self) -> u64 {
        self.all.iter().map(Path::newest).max().unwrap_or(0)
    }

    /// Whether it is heard by IPv4.
    pub(crate) fn has_ipv4(&self) -> bool {
        self.all.iter().any(|path| path.ip.ip().is_ipv4())
    }

    /// Its addresses.
    pub(crate) fn ips(&self) -> impl Iterator<Item = ZonedIp> {
        self.all.iter().map(|path| path.ip)
    }

    /// Whether it was ever heard from an address.
    pub(crate) fn is_known(&self, ip: ZonedIp) -> bool {
        self.find(ip).is_some()
    }

    /// Since when it seems to have moved, and the old address was asked.
    pub(crate) fn move_asked(&self) -> Option<Instant> {
        self.doubts.as_ref()?.move_asked.map(Instant::from)
    }

    /// The old address is asked now whether the peer is still there.
    pub(crate) fn note_move_asked(&mut self, now: Instant) {
        self.doubts.get_or_insert_default().move_asked = Some(now.into());
    }

    /// Takes what the peer says of itself, heard from the address that is dialed.
    pub(crate) fn note_claims(&mut self, dialed: ZonedIp, presence: &Presence<'_>) {
        let Presence { claimed, udp_port, prefix, .. } = *presence;
        self.note_copy(dialed, presence);
        // An IPv6 host has many addresses, and nobody between translates them.
        let claims_another = dialed.ip().is_ipv4() && claimed != dialed.ip() && !claimed.is_unspecified();
        self.doubts = claims_another.then(|| Box::new(Doubts { claimed: Some(claimed), move_asked: None }));
        self.udp_port = udp_port;
        if let Some(path) = self.find_mut(dialed) {
            path.prefix = prefix;
        }
    }

    /// Notes what the peer says of itself at an address: it counts only where the peer is dialed, and need not be read again.
    pub(crate) fn note_copy(&mut self, ip: ZonedIp, presence: &Presence<'_>) {
        if let Some(path) = self.find_mut(ip) {
            path.claims = fingerprint(presence);
        }
    }

    /// Takes the length of the prefix, in bits, of its network at an address: another address is in another network.
    pub(crate) fn note_prefix(&mut self, ip: ZonedIp, prefix: Option<u8>) {
        let Some(path) = self.find_mut(ip).filter(|path| path.prefix != prefix) else { return };
        path.prefix = prefix;
        path.claims = 0;
    }

    /// Length of the prefix, in bits, of its network at an address, as it says there.
    pub(crate) fn prefix(&self, ip: ZonedIp) -> Option<u8> {
        self.find(ip)?.prefix
    }

    /// It said by a reply where it receives unicast: what it says by a presence counts more.
    pub(crate) fn note_udp_port(&mut self, port: Option<u16>) {
        if self.udp_port == 0 {
            self.udp_port = port.unwrap_or(0);
        }
    }

    /// Where it receives unicast; none before it is known.
    pub(crate) fn udp_port(&self) -> Option<u16> {
        (self.udp_port != 0).then_some(self.udp_port)
    }

    /// Whether it was heard on the presence port.
    pub(crate) fn heard_a_round(&self) -> bool {
        self.round > 0
    }

    /// The address that it believes to have, where that differs.
    pub(crate) fn claimed(&self) -> Option<IpAddr> {
        self.doubts.as_ref()?.claimed
    }

    /// Every address that it was heard from, the latest first. Empty if that is only the one that is dialed.
    pub(crate) fn heard_from(&self, dialed: SocketAddr, links: &Links, now: Instant) -> Vec<HeardFrom> {
        if self.all.iter().all(|path| path.ip == dialed.into()) {
            return Vec::new();
        }
        let from = |path: &Path| HeardFrom {
            addr: links.told(path.ip.at_port(dialed.port())),
            last: path.heard.into(),
            last_heard_ms: u64::try_from(Moment::from(now).since(path.heard).as_millis()).unwrap_or(u64::MAX),
            interface: links.name_of(path.ip),
            proven: path.proven,
            state: path.state(),
            rtt_us: path.rtt().map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
        };
        let mut heard: Vec<HeardFrom> = self.all.iter().map(from).collect();
        heard.sort_by_key(|from| std::cmp::Reverse(from.last));
        heard
    }
}

/// A number that stands for all that a presence says of its sender: its identity, name, ports, period, address and prefix. Another
/// node that finds the same number for something else only puts off what it says until the peer's next change.
pub(crate) fn fingerprint(presence: &Presence<'_>) -> u64 {
    let Presence { id, incarnation, name, tcp_port, udp_port, period_ms, claimed, prefix, .. } = presence;
    digest((id, incarnation, name, tcp_port, udp_port, period_ms, claimed, prefix)).max(1)
}

/// Rounds that an address may be silent before the peer is dialed at another one. Not every round goes by IPv6 where IPv4 carries
/// them all.
fn rounds_before_move(ip: ZonedIp) -> u8 {
    ROUNDS_BEFORE_MOVE * if ip.ip().is_ipv6() { MULTICAST_ONE_IN } else { 1 }
}

fn nth(socket: Socket) -> usize {
    match socket {
        Socket::Shared | Socket::Addressed | Socket::Untold => 0,
        Socket::Private => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> ZonedIp {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    const DIALED: &str = "10.0.0.2";
    const OTHER: &str = "10.0.1.2";

    fn t0() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        Instant::now()
    }

    fn heard(paths: &mut Paths, at: &str, sequence: u64) {
        paths.note_heard(ip(at), ip(DIALED), (Socket::Shared, sequence), false, t0());
    }

    #[test]
    fn a_number_is_taken_once_on_each_path_and_socket() {
        let mut paths = Paths::default();
        heard(&mut paths, DIALED, 7);
        let check = |at, socket, sequence| paths.check_sequence(ip(at), socket, sequence, false);
        assert_eq!(check(DIALED, Socket::Shared, 7), SequenceCheck::Seen);
        assert_eq!(check(DIALED, Socket::Shared, 8), SequenceCheck::New);
        assert_eq!(check(DIALED, Socket::Private, 7), SequenceCheck::New);
        assert_eq!(
            check(OTHER, Socket::Shared, 7),
            SequenceCheck::New,
            "the copy of a round on another link"
        );
        assert_eq!(check(DIALED, Socket::Shared, 8 + MAX_SEQUENCE_STEP), SequenceCheck::TooFar);
        assert_eq!(
            paths.check_sequence(ip(OTHER), Socket::Shared, 7, true),
            SequenceCheck::Seen,
            "it has left"
        );
    }

    #[test]
    fn an_address_is_gone_when_rounds_come_from_another_one_only() {
        let mut paths = Paths::default();
        heard(&mut paths, DIALED, 1);
        heard(&mut paths, OTHER, 2);
        assert!(!paths.is_gone_from(ip(DIALED), ip(OTHER), false), "one round may be lost");
        heard(&mut paths, OTHER, 3);
        assert!(paths.is_gone_from(ip(DIALED), ip(OTHER), false));
        heard(&mut paths, DIALED, 4);
        assert!(!paths.is_gone_from(ip(DIALED), ip(OTHER), false));
    }

    #[test]
    fn an_address_that_replies_to_dials_is_not_left_because_its_datagrams_are_lost() {
        for replies in [true, false] {
            let mut paths = Paths::default();
            let t0 = t0();
            let at = |ms| t0 + std::time::Duration::from_millis(ms);
            let mut heard = |from, sequence, now| {
                paths.note_heard(ip(from), ip(DIALED), (Socket::Shared, sequence), false, now);
            };
            heard(DIALED, 1, at(0));
            heard(OTHER, 2, at(10));
            let _ =
                paths.note_dialed(ip(DIALED), replies.then_some(std::time::Duration::from_millis(1)), at(20));
            for sequence in 3..9 {
                paths.note_heard(ip(OTHER), ip(DIALED), (Socket::Shared, sequence), false, at(sequence * 10));
            }
            assert_eq!(paths.is_gone_from(ip(DIALED), ip(OTHER), true), !replies);
            assert!(paths.is_gone_from(ip(DIALED), ip(OTHER), false), "when no dial gets a reply any longer");
        }
    }

    #[test]
    fn a_peer_of_both_families_does_not_move_between_the_rounds_of_ipv6() {
        let six = "fe80::2";
        for (dialed, other) in [(DIALED, six), (six, DIALED)] {
            let mut paths = Paths::default();
            for round in 0..30_u64 {
                if round % u64::from(MULTICAST_ONE_IN) == 0 {
                    heard(&mut paths, six, round + 1);
                }
                heard(&mut paths, DIALED, round + 1);
                assert!(!paths.is_gone_from(ip(dialed), ip(other), false), "{dialed} in round {round}");
            }
        }
    }

    #[test]
    fn a_heartbeat_that_says_nothing_new_is_taken_on_each_path_and_one_that_suggests_a_move_is_not() {
        let mut paths = Paths::default();
        let presence = crate::testkit::presence(crate::proto::presence::Kind::Heartbeat, 2, 1);
        for at in [DIALED, OTHER] {
            heard(&mut paths, at, 1);
            paths.note_copy(ip(at), &presence);
        }
        let claims = fingerprint(&presence);
        let mut take =
            |at, sequence, claims| paths.take_heartbeat((ip(at), ip(DIALED)), sequence, claims, t0());
        assert!(take(DIALED, 2, claims) && take(OTHER, 2, claims), "a round on both");
        assert!(!take(OTHER, 2, claims) && !take(DIALED, 3, claims + 1) && !take("10.0.2.2", 3, claims));
        assert!(take(OTHER, 3, claims), "one round may be lost");
        assert!(!take(OTHER, 4, claims), "has it moved?");
    }

    #[test]
    fn the_dialed_address_never_makes_room_for_another() {
        let mut paths = Paths::default();
        paths.prove(ip(DIALED), ip(DIALED), t0());
        for n in 0..20 {
            heard(&mut paths, &format!("10.0.2.{n}"), n);
        }
        assert!(paths.is_proven(ip(DIALED)));
        assert_eq!(paths.heard_from(ip(DIALED).at_port(1), &Links::default(), t0()).len(), MAX_PATHS);
    }
}
