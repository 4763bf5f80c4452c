//! A row of the peer table: a peer is what its parts know of it. Each part keeps its own state; here is what concerns several.

mod addresses;
mod changes;
mod flaps;
mod lateness;
mod named;
mod naming;
mod nat;
mod refusals;
mod tardiness;
mod weighing;
pub(crate) mod word;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::NodeId;
use crate::engine::address::ZonedIp;
use crate::engine::cause::Cause;
use crate::engine::diagnosis::kept::Kept;
use crate::engine::dialing::dial_state::DialState;
use crate::engine::gossip::sync::GossipSync;
use crate::engine::links::Links;
use crate::engine::moment::Moment;
use crate::engine::observation::Observation;
use crate::engine::presence::introduction::Introduction;
use crate::engine::probing::stats::ProbeStats;
use crate::engine::verdict::Verdict;

use super::health::Health;
use super::last_seen::LastSeen;
use super::path::Paths;
use super::{Elsewhere, PeerInfo, PeerKey, PeerSnapshot, PeerState, Via};
use flaps::Flaps;
use lateness::Lateness;
use naming::Naming;
pub(crate) use nat::Nat;
use refusals::Refusals;
use word::Doubts;

pub(crate) use lateness::Dialed;
pub use lateness::{Slowness, Tardiness};

/// All that the engine keeps of a peer. In this order: first what a heartbeat touches, then what most else does.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Peer {
    /// The address of `info` without the port: whoever looks for a path needs it, and need not fetch that.
    ip: ZonedIp,
    state: PeerState,
    via: Via,
    verdict: Verdict,
    /// Another node answers where it would be dialed: it has no place of its own there, and can only dial in.
    apart: bool,
    nat: Nat,
    /// It proved nothing, and others reach it at the address that is dialed.
    vouched: bool,
    /// How it takes who has another secret.
    refusals: Refusals,
    pub(crate) paths: Paths,
    pub(crate) last_seen: LastSeen,
    /// What is seen of it by each way.
    observation: Kept,
    expiry: Option<Moment>,
    /// The time of the timer entry that will wake this peer.
    armed: Option<Moment>,
    info: Arc<PeerInfo>,
    /// The link it is on.
    interface: Option<Arc<str>>,
    /// Boxed: few peers have it.
    special: Option<Box<Special>>,
    pub(crate) dial: DialState,
    pub(crate) probes: ProbeStats,
    pub(crate) health: Health,
    pub(crate) introduction: Introduction,
    pub(crate) gossip: GossipSync,
}

/// What most peers never have.
#[derive(Debug, Default)]
struct Special {
    /// A person named it: it never expires.
    named: Option<Naming>,
    /// Words that may be its own.
    doubts: Doubts,
    /// When it went out of `up`.
    flaps: Flaps,
    /// When it answered late.
    lateness: Lateness,
}

/// How a peer's timer entry moves: from the time at which it stands, if there is one, to the time at which the peer is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Rearm {
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
}

/// What to do about a peer that was not heard for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Suspicion {
    /// It was heard lately, or is silent from now on.
    Settled,
    /// Missed presences alone prove nothing: a dial must fail, too.
    ConfirmByDial,
}

impl Peer {
    pub(crate) fn new(info: PeerInfo, via: Via, now: Instant) -> Self {
        let naming = || Special { named: Some(Naming::at(info.addr.socket_addr())), ..Special::default() };
        Self {
            special: (via == Via::Static).then(|| Box::new(naming())),
            ip: info.addr.zoned_ip(),
            info: Arc::new(info),
            via,
            state: PeerState::New,
            verdict: Verdict::Unknown,
            apart: false,
            nat: Nat::None,
            vouched: false,
            refusals: Refusals::default(),
            interface: None,
            expiry: None,
            armed: None,
            observation: Kept::default(),
            paths: Paths::default(),
            introduction: Introduction::default(),
            last_seen: LastSeen::default(),
            dial: DialState::default(),
            probes: ProbeStats::default(),
            health: Health::new(now),
            gossip: GossipSync::default(),
        }
    }

    pub(crate) fn info(&self) -> &Arc<PeerInfo> {
        &self.info
    }

    pub(crate) fn key(&self) -> PeerKey {
        self.info.key
    }

    pub(crate) fn id(&self) -> Option<NodeId> {
        self.info.id
    }

    /// Where it is dialed.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.info.addr.socket_addr()
    }

    /// The address without the port.
    pub(crate) fn ip(&self) -> ZonedIp {
        self.ip
    }

    pub(crate) fn state(&self) -> PeerState {
        self.state
    }

    pub(crate) fn has_left(&self) -> bool {
        self.state == PeerState::Left
    }

    pub(crate) fn set_verdict(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// The name of the link it is on; none off-link.
    pub(crate) fn interface(&self) -> Option<&Arc<str>> {
        self.interface.as_ref()
    }

    pub(crate) fn set_interface(&mut self, interface: Option<Arc<str>>) {
        self.interface = interface;
    }

    /// What is seen of it by each way.
    pub(crate) fn observation(&self) -> Observation {
        Observation { at: Some(self.ip().ip()), ..self.observation.into() }
    }

    /// The same, without its times.
    pub(crate) fn untimed_observation(&self) -> Observation {
        self.observation.untimed()
    }

    pub(crate) fn set_observation(&mut self, observation: impl Into<Kept>) {
        self.observation = observation.into();
    }

    /// Whether the address that is dialed is known to be the peer's: by proof, or by a person's word.
    pub(crate) fn is_proven(&self) -> bool {
        let ip = self.ip();
        self.is_named_at(ip) || self.paths.is_proven(ip)
    }

    /// Whether only rows of others tell of it: nothing ever came from it.
    pub(crate) fn is_second_hand(&self) -> bool {
        self.via == Via::Membership && self.last_seen.any().is_none()
    }

    /// Whether it proved the address that is dialed, whatever a person says.
    pub(crate) fn has_proved(&self) -> bool {
        self.paths.is_proven(self.ip())
    }

    /// Whether it may be measured: it proved the address that is dialed, or others reach it there.
    pub(crate) fn is_measured(&self) -> bool {
        self.is_proven() || self.vouched
    }

    /// Whether it was ever reached.
    pub(crate) fn was_reached(&self) -> bool {
        self.dial.rtt().is_some()
    }

    /// Where it receives unicast presences.
    pub(crate) fn unicast(&self) -> SocketAddr {
        let port = self.paths.udp_port().unwrap_or(self.info.addr.port());
        self.ip().at_port(port)
    }

    /// Whether a broadcast does not reach it, as far as is known.
    pub(crate) fn needs_unicast(&self) -> bool {
        self.is_named()
            && self.info.has_address()
            && (self.interface.is_none() || !self.paths.heard_a_round())
    }

    /// Whether few of its rounds go to the address that is dialed: where IPv4 carries every round, IPv6 does not.
    pub(crate) fn is_rarely_heard(&self) -> bool {
        self.ip().ip().is_ipv6() && self.paths.has_ipv4()
    }

    /// The last sign of life, by any way.
    pub(crate) fn last_alive(&self) -> Option<Moment> {
        let seen = &self.last_seen;
        [seen.broadcast(), seen.unicast(), seen.served(), self.probes.last_echo(), self.dial.reached()]
            .into_iter()
            .flatten()
            .max()
    }

    /// Whether there is trouble with it, or anything seen of it is not fine.
    pub(crate) fn is_unwell(&self) -> bool {
        self.health.is_troubled() || !self.untimed_observation().is_fine()
    }

    /// Whether there is trouble with it that is not over.
    pub(crate) fn is_troubled(&self) -> bool {
        self.health.is_troubled() && !self.has_left()
    }

    /// Whether we have no exchange of our own with it, so that others may tell us its row.
    pub(crate) fn is_far(&self) -> bool {
        self.is_troubled() && !self.untimed_observation().served.is_ok()
    }

    /// Whether all is well and known to be, so that another heartbeat like the last one tells nothing but that it came.
    pub(crate) fn is_steady(&self) -> bool {
        let seen = self.untimed_observation();
        self.state == PeerState::Up
            && !self.health.is_troubled()
            && seen.is_fine()
            && seen.broadcast.is_ok()
            && self.has_proved()
            && self.last_seen.deadline().is_some()
            && !self.dial.is_confirming()
    }

    pub(crate) fn nat(&self) -> Nat {
        self.nat
    }

    /// Whether a dial of the address at which it is dialed got its reply, and none failed since.
    pub(crate) fn is_dialed_well(&self) -> bool {
        self.was_reached() && self.dial.cause().is_none()
    }

    /// Whether it can only dial in: another node answers where it would be dialed, or it is behind a NAT.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart || self.nat == Nat::There
    }

    /// Whether it is up at an address that it proved to be its own, and can be dialed there.
    pub(crate) fn is_reachable(&self) -> bool {
        self.state == PeerState::Up && self.has_proved() && self.info.is_dialable()
    }

    /// Whether it can be asked at once what it sees of another.
    pub(crate) fn is_idle_and_well(&self) -> bool {
        self.state == PeerState::Up && !self.health.is_troubled() && self.dial.is_resting()
    }

    /// Changes its identity or address, for all later events.
    pub(crate) fn change_info(&mut self, change: impl FnOnce(&mut PeerInfo)) {
        let info = Arc::make_mut(&mut self.info);
        change(info);
        self.ip = info.addr.zoned_ip();
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.expiry.is_some_and(|at| at <= now.into())
    }

    /// When this peer wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let parts = [
            self.dial.deadline(),
            self.introduction.deadline(),
            self.last_seen.deadline(),
            self.probes.deadline(),
            self.expiry,
            self.farewell_due(),
        ];
        parts.into_iter().flatten().min()
    }

    /// How its timer entry moves so that it is at the deadline; none if it is there.
    pub(crate) fn rearm(&mut self) -> Option<Rearm> {
        let to = self.deadline();
        let from = std::mem::replace(&mut self.armed, to);
        (from != to).then_some(Rearm { from, to })
    }

    /// Its timer entry goes: the peer is no longer to be woken.
    pub(crate) fn disarm(&mut self) -> Rearm {
        Rearm { from: self.armed.take(), to: None }
    }

    /// Its timer entry has come.
    pub(crate) fn take_wake_up(&mut self) {
        self.armed = None;
    }

    /// What others are told; `links` name the interface on whose link an address is.
    pub(crate) fn snapshot(&self, links: &Links, now: Instant) -> PeerSnapshot {
        let last_heard = self.last_seen.any().map(Instant::from);
        let millis =
            |at: Instant| u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
        PeerSnapshot {
            info: Arc::clone(&self.info),
            state: self.state,
            via: self.via,
            rtt_us: self.dial.rtt().map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
            connect: self.dial.connect(),
            loss: self.dial.loss(),
            last_heard_ms: last_heard.map(millis),
            last_heard,
            cause: if self.info.has_address() { self.dial.cause() } else { Some(Cause::AddressNotAvailable) },
            verdict: self.verdict,
            observation: self.observation(),
            dial: self.dial.phase(),
            interface: self.interface.clone(),
            elsewhere: self.elsewhere(links, now),
        }
    }

    fn elsewhere(&self, links: &Links, now: Instant) -> Option<Arc<Elsewhere>> {
        let heard = self.paths.heard_from(self.addr(), links, now);
        let claimed = self.paths.claimed();
        (!heard.is_empty() || claimed.is_some()).then(|| Arc::new(Elsewhere { heard, claimed }))
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::api::DialId;
    use crate::engine::context::TestContext;
    use crate::engine::event::Event;
    use crate::engine::limits::{LEFT_KEPT, PROOF_GRACE, SILENT_KEPT, UNPROVEN_KEPT};
    use crate::engine::peers::LeaveReason;
    use crate::testkit::{ms, named_peer, secs};

    /// A little above what it is, on a machine of 64 bits. In a full table, each 64 bytes more are a megabyte.
    const MOST_BYTES: usize = 544;

    #[test]
    fn a_peer_does_not_grow_unseen() {
        let size = size_of::<Peer>();
        assert!(size <= MOST_BYTES, "a peer takes {size} bytes");
    }

    #[test]
    fn a_change_of_state_is_told_once_with_where_it_came_from() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        for state in [PeerState::New, PeerState::Up, PeerState::Up, PeerState::Silent] {
            peer.set_state(state, &mut test.context());
        }
        let told = test.events().into_iter().map(|event| match event {
            Event::PeerState { from, to, .. } => (from, to),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(PeerState::New, PeerState::Up), (PeerState::Up, PeerState::Silent)]
        );
    }

    #[test]
    fn a_peer_is_told_things_at_its_own_udp_port_as_soon_as_that_is_known() {
        let test = TestContext::new(|_| {});
        let info = PeerInfo::clone(&named_peer(2, "host"));
        assert_eq!(Peer::new(info, Via::Static, test.now).unicast().port(), 17_474);
        assert_eq!(test.peer(2).unicast().port(), 30_000);
    }

    #[test]
    fn proof_hurries_the_first_dial_of_the_address_that_is_dialed() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        let (dialed, other) = (peer.ip(), "10.0.0.9".parse().unwrap());
        peer.dial_after_grace(&mut test.context());
        let patient = peer.dial.deadline();
        peer.prove(other, &mut test.context());
        assert_eq!(
            (peer.is_proven(), peer.dial.deadline()),
            (false, patient),
            "another address proves nothing"
        );
        peer.prove(dialed, &mut test.context());
        assert!(peer.is_proven() && peer.has_proved());
        assert!(peer.dial.deadline() < patient && peer.probes.deadline().is_some());
    }

    #[test]
    fn a_persons_word_proves_an_address_for_dialing_only() {
        let test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        peer.name_at(&[peer.addr()]);
        assert!(peer.is_proven() && !peer.has_proved());
        peer.name_at(&[([10, 0, 0, 9], 1).into()]);
        assert!(peer.is_named() && !peer.is_proven());
    }

    #[test]
    fn not_even_a_person_makes_us_dial_what_was_claimed_beyond_our_links() {
        let test = TestContext::new(|_| {});
        let forced = |addr: &str, proven: bool| {
            let info = PeerInfo { addr: addr.parse().unwrap(), ..PeerInfo::clone(&named_peer(2, "host")) };
            let mut peer = Peer::new(info, Via::Broadcast, test.now);
            if proven {
                peer.name_at(&[peer.addr()]);
            }
            peer.force_dial(test.shared.links());
            peer.dial.queued_in(true)
        };
        assert_eq!(forced("10.0.0.2:1", false), Some(1), "on our link");
        assert_eq!(forced("192.0.2.2:1", false), None);
        assert_eq!(forced("192.0.2.2:1", true), Some(1));
        assert_eq!(forced("10.0.0.2:0", true), None, "it has no server");
    }

    #[test]
    fn another_life_must_prove_its_address_again_and_is_dialed_anew() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        peer.set_state(PeerState::Up, &mut test.context());
        peer.health.note_trouble(test.now);
        peer.dial.start(DialId(7), 1, 5, test.now);
        peer.begin_life(NodeId(2), Incarnation(2), "again", &mut test.context());
        assert!(!peer.is_proven() && peer.health.trouble().is_none() && peer.probes.deadline().is_none());
        assert_eq!((peer.state(), peer.info().name.as_str()), (PeerState::New, "again"));
        assert_eq!(peer.dial.take_abandoned(), Some(DialId(7)));
        assert!(peer.dial.deadline() >= Some((test.now + PROOF_GRACE).into()));
    }

    #[test]
    fn who_says_goodbye_stays_a_while_and_one_that_was_named_for_good() {
        let mut test = TestContext::new(|_| {});
        let (mut heard, mut named) = (test.proven_peer(2), test.proven_peer(3));
        named.name_at(&[named.addr()]);
        heard.leave(LeaveReason::Goodbye, &mut test.context());
        named.leave(LeaveReason::Goodbye, &mut test.context());
        assert!(!heard.is_expired(test.now + LEFT_KEPT - ms(1)) && heard.is_expired(test.now + LEFT_KEPT));
        assert!(!named.is_expired(test.now + LEFT_KEPT * 99));
        assert_eq!(
            (heard.dial.deadline(), named.dial.deadline()),
            (None, Some((test.now + secs(10)).into()))
        );
        heard.revive(&mut test.context());
        assert_eq!(heard.state(), PeerState::New);
        assert!(!heard.is_expired(test.now + LEFT_KEPT) && heard.dial.is_resting());
    }

    #[test]
    fn a_silent_peer_stays_the_longer_the_better_it_was_known() {
        let mut test = TestContext::new(|_| {});
        let (mut proven, mut unproven) = (test.proven_peer(2), test.peer(3));
        for (peer, kept) in [(&mut proven, SILENT_KEPT), (&mut unproven, UNPROVEN_KEPT)] {
            peer.fall_silent(&mut test.context());
            assert_eq!(peer.state(), PeerState::Silent);
            assert!(!peer.is_expired(test.now + kept - ms(1)) && peer.is_expired(test.now + kept));
        }
    }

    #[test]
    fn missed_presences_alone_do_not_make_a_peer_silent() {
        for (what, state, off, suspicion, then) in [
            ("a dial must fail, too", PeerState::Up, false, Suspicion::ConfirmByDial, PeerState::Up),
            ("dials fail already", PeerState::Unreachable, false, Suspicion::Settled, PeerState::Silent),
            ("it cannot be dialed", PeerState::Up, true, Suspicion::Settled, PeerState::Silent),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            peer.set_state(state, &mut test.context());
            if off {
                peer.dial.stop();
            }
            peer.last_seen.note_any(test.now);
            peer.last_seen.note_period(secs(5));
            assert_eq!(peer.suspect_silence(None, &mut test.context()), Suspicion::Settled, "it was heard");
            test.now += secs(15);
            assert_eq!(peer.suspect_silence(None, &mut test.context()), suspicion, "{what}");
            assert_eq!(peer.state(), then, "{what}");
        }
    }

    #[test]
    fn a_dial_in_flight_decides_whether_a_suspect_is_silent() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        peer.dial.start(DialId(7), 1, 5, test.now);
        peer.last_seen.note_any(test.now);
        peer.last_seen.note_period(secs(5));
        test.now += secs(15);
        assert_eq!(peer.suspect_silence(None, &mut test.context()), Suspicion::Settled);
        assert!(peer.dial.is_confirming() && peer.state() == PeerState::New);
        peer.watch_for_silence(&test.context());
        assert!(!peer.dial.is_confirming(), "it was heard meanwhile");
    }

    #[test]
    fn a_timer_is_set_for_the_nearest_deadline_and_moves_with_it() {
        let test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        let at = |n: Option<u64>| n.map(|n| Moment::from(test.now + secs(n)));
        let moves = |from, to| Some(Rearm { from: at(from), to: at(to) });
        assert_eq!(peer.rearm(), None, "nothing is planned");
        peer.rest_until(test.now + secs(9));
        assert_eq!((peer.rearm(), peer.rearm()), (moves(None, Some(9)), None), "one entry is enough");
        peer.expire_at_latest(test.now + secs(5));
        assert_eq!(peer.rearm(), moves(Some(9), Some(5)));
        peer.keep();
        assert_eq!(peer.rearm(), moves(Some(5), Some(9)));
        peer.take_wake_up();
        assert_eq!(peer.rearm(), moves(None, Some(9)), "the deadline is still to be met");
        peer.dial.stop();
        assert_eq!((peer.rearm(), peer.rearm()), (moves(Some(9), None), None));
    }
}
