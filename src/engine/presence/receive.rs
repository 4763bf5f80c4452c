//! What a datagram means: from bytes to the peer that sent it and what is now known of it.
//!
//! The source address of a datagram is the truth; what it says of itself counts when it comes from the address that is dialed.

use std::net::SocketAddr;

use crate::engine::address::{self, ZonedIp};
use crate::engine::api::Socket;
use crate::engine::config::is_host;
use crate::engine::context::Context;
use crate::engine::diagnosis::foreign_nodes::Mismatch;
use crate::engine::event::RejectReason;
use crate::engine::interface::LinkIndex;
use crate::engine::limits::MOVE_PATIENCE;
use crate::engine::peers::path::{Paths, SequenceCheck, fingerprint};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState, PeerTable, Via};
use crate::proto::presence::{Kind, Presence};
use crate::proto::{DecodeError, MAX_PROBE};

use super::foreign::{Foreign, WideCopy};

/// How a datagram came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) from: SocketAddr,
    /// By which link; none where the system does not tell.
    pub(crate) link: Option<LinkIndex>,
    pub(crate) socket: Socket,
}

/// A datagram that is a presence of our group, by another node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) link: Option<LinkIndex>,
    pub(crate) socket: Socket,
    pub(crate) presence: Presence<'a>,
}

/// What became of bytes that were received.
#[derive(Debug)]
#[must_use]
pub(crate) enum Reading<'a> {
    /// For us.
    Presence(Datagram<'a>),
    /// Our own, or by another node in our name.
    Own(Datagram<'a>),
    /// Refused; perhaps it tells of a node on our link that is no peer.
    Refused(RejectReason, Option<Box<Foreign>>),
}

/// Who sent a presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sender {
    /// A peer, perhaps a new one.
    Peer(PeerKey),
    /// Nobody that is to be noticed.
    Nobody,
    /// It is to be refused.
    Refused(RejectReason),
    /// Somebody beyond our links.
    OffLink,
}

/// What to do with a presence of a known peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    /// All of it counts.
    Whole,
    /// Only its nonce and echo count: it changed places with another one on the way.
    EchoOnly,
    /// Its number is implausibly far ahead: the sender must prove that it holds the address.
    ProveFirst,
    /// Nothing of it counts.
    Refused(RejectReason),
}

/// Whether a peer is still where it is dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Whereabouts {
    /// As far as is known.
    Same,
    /// Somebody else may speak in its name: whoever is still at the old address answers at once when asked.
    AskOldAddress,
    /// It is dialed at another address from now on.
    Moved(SocketAddr),
}

impl From<DecodeError> for RejectReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Foreign => Self::Foreign,
            DecodeError::Version(_) => Self::VersionMismatch,
            DecodeError::Oversized => Self::Oversized,
            DecodeError::Truncated => Self::Truncated,
            DecodeError::Malformed(_) => Self::Malformed,
        }
    }
}

/// Reads what was received.
pub(crate) fn read<'a>(arrival: Arrival, bytes: &'a [u8], ctx: &Context<'_>) -> Reading<'a> {
    let Arrival { from, link, socket } = arrival;
    let from = address::canonical(from);
    debug_assert!(bytes.len() <= MAX_PROBE + 1, "the net reads one byte more than is allowed, to notice");
    match Presence::decode(bytes) {
        Err(error) => {
            let foreign = match error {
                DecodeError::Version(version) => {
                    Foreign::on_our_link(from, None, Mismatch::Version(version), ctx)
                }
                _ => None,
            };
            Reading::Refused(error.into(), foreign)
        }
        Ok(presence) if presence.id == ctx.config.id => {
            Reading::Own(Datagram { from, link, socket, presence })
        }
        Ok(presence) if presence.group != ctx.config.group => {
            let mismatch = Mismatch::Group(presence.group.to_owned());
            Reading::Refused(
                RejectReason::WrongGroup,
                Foreign::on_our_link(from, Some(&presence), mismatch, ctx),
            )
        }
        Ok(_) if !is_host(from.ip()) => Reading::Refused(RejectReason::OffLink, None),
        Ok(presence) => Reading::Presence(Datagram { from, link, socket, presence }),
    }
}

impl Datagram<'_> {
    fn source_ip(&self) -> ZonedIp {
        self.from.into()
    }

    /// Whether it went to the limited broadcast address. It is a copy of one that went to our network's then, unless the sender is
    /// in another network.
    pub(crate) fn is_wide(&self) -> bool {
        self.presence.wide == Some(true)
    }

    /// What a wide copy tells.
    pub(crate) fn read_wide(&self, peers: &mut PeerTable, ctx: &Context<'_>) -> WideCopy {
        let (from, Presence { prefix, .. }) = (self.source_ip(), self.presence);
        let (on_link, ours) = (ctx.links.reaches(from), ctx.links.holds(from));
        if let Some(peer) = peers.by_id(self.presence.id).and_then(|key| peers.get_mut(key)) {
            if peer.ip() == from {
                peer.paths.note_prefix(prefix);
            }
            let elsewhere = prefix.filter(|_| !on_link && peer.state() == PeerState::Up);
            return elsewhere.map_or(WideCopy::Known, |prefix| WideCopy::PeerElsewhere(self.from, prefix));
        }
        if on_link {
            return WideCopy::Ordinary;
        }
        let Some(network) = ctx.links.network_of(self.link) else { return WideCopy::Known };
        if self.presence.kind == Kind::Goodbye || ours {
            return WideCopy::Known;
        }
        let mismatch = Mismatch::Network { theirs: (self.from.ip(), prefix), ours: network };
        WideCopy::Foreign(Foreign::at(self.from, Some(&self.presence), mismatch, ctx))
    }

    /// Whether it is one more heartbeat of a peer with which all is well, which tells nothing but that it came; that is noted then.
    pub(crate) fn is_steady_heartbeat(&self, peers: &mut PeerTable, ctx: &Context<'_>) -> bool {
        let presence = &self.presence;
        let plain = presence.kind == Kind::Heartbeat && self.socket == Socket::Shared && !self.is_unicast();
        if !plain || self.is_wide() {
            return false;
        }
        let Some(peer) = peers.by_id(presence.id).and_then(|key| peers.steady_mut(key)) else { return false };
        let path = (self.source_ip(), peer.ip());
        let taken = peer.paths.take_heartbeat(path, presence.sequence, fingerprint(presence), ctx.now);
        if taken {
            peer.last_seen.note_any(ctx.now);
            if path.0 == path.1 {
                peer.last_seen.note_broadcast(ctx.now);
            }
        }
        taken
    }

    /// The peer that sent it, a new one if need be.
    pub(crate) fn resolve_sender(&self, peers: &mut PeerTable, ctx: &mut Context<'_>) -> Sender {
        let Presence { id, incarnation, name, kind, .. } = self.presence;
        if let Some(key) = peers.by_id(id) {
            match peers.get(key).map(|peer| peer.is_new_life(incarnation, self.source_ip())) {
                Some(Err(reason)) => return Sender::Refused(reason),
                Some(Ok(true)) => peers.restart(key, id, incarnation, name, ctx),
                Some(Ok(false)) | None => {}
            }
            return Sender::Peer(key);
        }
        let addr = self.source_ip().at_port(self.presence.tcp_port);
        if let Some(key) = peers.by_addr(addr) {
            if peers.get(key).is_some_and(|peer| peer.has_retired(id)) {
                return Sender::Refused(RejectReason::Retired);
            }
            if kind == Kind::Goodbye {
                return Sender::Nobody;
            }
            return match peers.take_place(key, (id, incarnation, name), self.via(), ctx) {
                Ok(key) => key.map_or(Sender::Nobody, Sender::Peer),
                Err(reason) => Sender::Refused(reason),
            };
        }
        if kind == Kind::Goodbye {
            return Sender::Nobody;
        }
        if !ctx.links.reaches(self.source_ip()) {
            return Sender::OffLink;
        }
        match peers.discover(addr, Some((id, incarnation)), name, self.via(), ctx) {
            Ok(key) => Sender::Peer(key),
            Err(reason) => Sender::Refused(reason),
        }
    }

    fn via(&self) -> Via {
        match self.socket {
            Socket::Shared if self.from.is_ipv6() => Via::Multicast,
            Socket::Shared => Via::Broadcast,
            Socket::Private => Via::Reply,
        }
    }

    /// Writes down when and where a peer was heard.
    pub(crate) fn note_heard(&self, peer: &mut Peer, ctx: &Context<'_>) -> Taken {
        let (ip, dialed, sequence) = (self.source_ip(), peer.ip(), self.presence.sequence);
        let silent = peer.state() == PeerState::Silent;
        match peer.paths.check_sequence(ip, self.socket, sequence, peer.has_left()) {
            SequenceCheck::New => {}
            _ if silent => {}
            SequenceCheck::Seen => return self.take_late(peer, ctx),
            SequenceCheck::TooFar if peer.introduction.is_echoed_by(self.presence.echo, ip) => {
                peer.paths.reset_sequences();
            }
            SequenceCheck::TooFar => return Taken::ProveFirst,
        }
        if self.presence.kind == Kind::Goodbye && dialed != ip {
            return Taken::Refused(RejectReason::IdentityConflict);
        }
        let returning = silent || peer.has_left();
        peer.paths.note_heard(ip, dialed, (self.socket, sequence), returning, ctx.now);
        peer.last_seen.note_any(ctx.now);
        if dialed == ip {
            // A nonce or an echo is never broadcast.
            match self.socket == Socket::Shared && !self.is_unicast() {
                true if self.is_wide() => {}
                true => peer.last_seen.note_broadcast(ctx.now),
                false => peer.last_seen.note_unicast(ctx.now),
            }
        }
        Taken::Whole
    }

    /// Two datagrams may change places on the way: one that asks for an echo, or is one, does its work all the same.
    fn take_late(&self, peer: &mut Peer, ctx: &Context<'_>) -> Taken {
        let alive = !peer.has_left() && self.presence.kind != Kind::Goodbye;
        let awaited = alive && self.is_unicast() && peer.ip() == self.source_ip();
        if awaited && peer.paths.take_late(self.source_ip(), self.socket, self.presence.sequence) {
            peer.last_seen.note_unicast(ctx.now);
            Taken::EchoOnly
        } else {
            Taken::Refused(RejectReason::Replayed)
        }
    }

    fn is_unicast(&self) -> bool {
        self.presence.nonce.is_some() || self.presence.echo.is_some()
    }

    /// A peer that for some rounds was heard from another address only has moved there: if that address is newer than the last
    /// word from the old one. Otherwise it is a second interface of the peer's, and the rounds may have been lost: then the old
    /// address must fail a dial, too, or a lossy link would make the peer move to and fro.
    pub(crate) fn locate(&self, peer: &Peer, ctx: &Context<'_>) -> Whereabouts {
        let (dialed, heard_at) = (peer.ip(), self.source_ip());
        let reached = matches!(peer.state(), PeerState::New | PeerState::Up);
        let gone = peer.paths.is_gone_from(dialed, heard_at, reached);
        let cut_off = !ctx.links.reaches(dialed) && peer.interface().is_some();
        // Several at once: the best it is.
        let undecided = peer.state() == PeerState::New && !peer.is_proven();
        if undecided && ctx.links.reaches(heard_at) && Paths::is_better(heard_at, dialed, ctx.links) {
            return Whereabouts::Moved(heard_at.at_port(peer.addr().port()));
        }
        if dialed == heard_at || !ctx.links.reaches(heard_at) || !(gone || cut_off) {
            return Whereabouts::Same;
        }
        let certain = cut_off || !reached || !peer.paths.is_known(dialed);
        match peer.paths.move_asked() {
            Some(asked) if ctx.now >= asked + MOVE_PATIENCE => {}
            _ if certain => {}
            Some(_) => return Whereabouts::Same,
            None => return Whereabouts::AskOldAddress,
        }
        Whereabouts::Moved(heard_at.at_port(peer.addr().port()))
    }

    /// Takes what a peer says of itself. It counts when it comes from the address that is dialed: others may say it in its name.
    pub(crate) fn apply_claims(&self, key: PeerKey, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let presence = &self.presence;
        let addr = self.source_ip().at_port(presence.tcp_port);
        let moved = peers.get(key).is_some_and(|peer| peer.addr() != addr);
        if moved && !peers.is_held_by_another(key, addr) {
            peers.readdress(key, addr, ctx);
        }
        let Some(peer) = peers.get_mut(key) else { return };
        peer.set_interface(ctx.links.name_at(peer.interface(), self.link, self.source_ip()));
        peer.paths.note_claims(self.source_ip(), presence);
        peer.last_seen.note_period(presence.period());
        if peer.info().name != presence.name {
            peer.change_info(|info| presence.name.clone_into(&mut info.name));
        }
    }

    /// Notes a presence from another address than the one that is dialed.
    pub(crate) fn note_copy(&self, key: PeerKey, peers: &mut PeerTable) {
        if let Some(peer) = peers.get_mut(key) {
            peer.paths.note_copy(self.source_ip(), &self.presence);
        }
    }

    /// Whether it comes from the address at which the peer is dialed.
    pub(crate) fn is_from_dialed(&self, peer: &Peer) -> bool {
        peer.ip() == self.source_ip()
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::interface::Interface;
    use crate::engine::limits::MAX_SEQUENCE_STEP;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::LeaveReason;
    use crate::engine::{Incarnation, NodeId, Nonce};
    use crate::testkit::{interface, ms, presence, secs};

    const PORT: u16 = 17_474;

    fn addr(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), PORT)
    }

    fn by(from: SocketAddr, socket: Socket) -> Arrival {
        Arrival { from, link: None, socket }
    }

    fn heard<'a>(from: &str, presence: Presence<'a>) -> Datagram<'a> {
        Datagram { from: addr(from), link: None, socket: Socket::Shared, presence }
    }

    /// What becomes of a presence: why it is refused, and why its sender is foreign.
    fn refused(test: &mut TestContext, from: &str, bytes: &[u8]) -> Option<(RejectReason, Option<Mismatch>)> {
        match read(by(addr(from), Socket::Shared), bytes, &test.context()) {
            Reading::Refused(reason, foreign) => Some((reason, foreign.map(|foreign| foreign.mismatch))),
            Reading::Own(_) | Reading::Presence(_) => None,
        }
    }

    #[test]
    fn what_is_ours_is_read_and_what_we_sent_is_known_as_our_own() {
        let mut test = TestContext::new(|_| {});
        let bytes = presence(Kind::Heartbeat, 2, 1).encode();
        let mapped = addr("::ffff:10.0.0.2");
        let Reading::Presence(datagram) = read(by(mapped, Socket::Private), &bytes, &test.context()) else {
            panic!("it is of our group")
        };
        assert_eq!((datagram.from, datagram.socket), (addr("10.0.0.2"), Socket::Private));
        let own = presence(Kind::Heartbeat, 1, 1).encode();
        assert!(matches!(read(by(addr("10.0.0.2"), Socket::Shared), &own, &test.context()), Reading::Own(_)));
        let own_of_another_group = Presence { group: "else", ..presence(Kind::Heartbeat, 1, 1) }.encode();
        let reading = read(by(addr("10.0.0.1"), Socket::Shared), &own_of_another_group, &test.context());
        assert!(matches!(reading, Reading::Own(_)));
    }

    #[test]
    fn another_group_or_version_is_refused_and_told_of_if_it_is_on_our_link() {
        let mut test = TestContext::new(|_| {});
        let group = Some(Mismatch::Group("else".into()));
        let other = |kind| Presence { group: "else", ..presence(kind, 2, 1) }.encode();
        let here = other(Kind::Heartbeat);
        let mut version = here.clone();
        version[4] = 9;
        for (what, from, bytes, reason, why) in [
            ("on our link", "10.0.0.2", &here, RejectReason::WrongGroup, group),
            ("beyond it", "192.0.2.2", &here, RejectReason::WrongGroup, None),
            ("at our address", "10.0.0.1", &here, RejectReason::WrongGroup, None),
            ("it leaves", "10.0.0.2", &other(Kind::Goodbye), RejectReason::WrongGroup, None),
            ("a version", "10.0.0.2", &version, RejectReason::VersionMismatch, Some(Mismatch::Version(9))),
            ("a version beyond", "192.0.2.2", &version, RejectReason::VersionMismatch, None),
            ("noise", "10.0.0.2", &b"noise that is no presence".to_vec(), RejectReason::Foreign, None),
            ("cut", "10.0.0.2", &here[..30].to_vec(), RejectReason::Truncated, None),
        ] {
            assert_eq!(refused(&mut test, from, bytes), Some((reason, why)), "{what}");
        }
        let ours = presence(Kind::Heartbeat, 2, 1).encode();
        assert_eq!(refused(&mut test, "255.255.255.255", &ours), Some((RejectReason::OffLink, None)));
    }

    #[test]
    fn a_wide_copy_tells_only_of_who_is_in_another_network() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let wide = |kind| Presence { wide: Some(true), prefix: Some(8), ..presence(kind, 2, 1) };
        let read = |peers: &mut PeerTable, test: &mut TestContext, from, kind| match heard(from, wide(kind))
            .read_wide(peers, &test.context())
        {
            WideCopy::Ordinary => "ordinary".to_owned(),
            WideCopy::Known => "known".to_owned(),
            WideCopy::PeerElsewhere(at, prefix) => format!("a peer at {}/{prefix}", at.ip()),
            WideCopy::Foreign(foreign) => format!("{:?}", foreign.mismatch),
        };
        assert_eq!(read(&mut peers, &mut test, "10.0.0.2", Kind::Heartbeat), "ordinary");
        let why = Mismatch::Network {
            theirs: ("192.168.0.2".parse().unwrap(), Some(8)),
            ours: ("10.0.0.1".parse().unwrap(), 16),
        };
        assert_eq!(read(&mut peers, &mut test, "192.168.0.2", Kind::Heartbeat), format!("{why:?}"));
        assert_eq!(read(&mut peers, &mut test, "192.168.0.2", Kind::Goodbye), "known");
        let key = discover(&mut peers, &mut test, "10.0.0.2", 2);
        assert_eq!(
            read(&mut peers, &mut test, "192.168.0.2", Kind::Heartbeat),
            "known",
            "it was not reached yet"
        );
        peers.get_mut(key).unwrap().set_state(PeerState::Up, &mut test.context());
        assert_eq!(read(&mut peers, &mut test, "192.168.0.2", Kind::Heartbeat), "a peer at 192.168.0.2/8");
        assert_eq!(peers.get(key).unwrap().paths.prefix(), None, "others may say it in its name");
        assert_eq!(read(&mut peers, &mut test, "10.0.0.2", Kind::Heartbeat), "known");
        assert_eq!(peers.get(key).unwrap().paths.prefix(), Some(8));
    }

    fn discover(peers: &mut PeerTable, test: &mut TestContext, ip: &str, id: u128) -> PeerKey {
        let identity = Some((NodeId(id), Incarnation(1_000)));
        peers.discover(addr(ip), identity, "stranger", Via::Broadcast, &mut test.context()).unwrap()
    }

    #[test]
    fn a_sender_is_a_peer_a_newcomer_or_refused() {
        let (hello, bye) = (presence(Kind::Hello, 3, 1), presence(Kind::Goodbye, 3, 1));
        let life = |id, incarnation| Presence {
            incarnation: Incarnation(incarnation),
            ..presence(Kind::Heartbeat, id, 1)
        };
        for (what, from, presence, sender, count) in [
            ("the peer", "10.0.0.2", life(2, 1_000), None, 1),
            ("the peer at another address", "10.0.0.9", life(2, 1_000), None, 1),
            ("its past life", "10.0.0.2", life(2, 999), Some(Sender::Refused(RejectReason::Replayed)), 1),
            ("its next life", "10.0.0.2", life(2, 1_001), None, 1),
            (
                "a forger",
                "10.0.0.9",
                life(2, 1_001),
                Some(Sender::Refused(RejectReason::IdentityConflict)),
                1,
            ),
            ("another node at its address", "10.0.0.2", hello, None, 1),
            ("another node that leaves its address", "10.0.0.2", bye, Some(Sender::Nobody), 1),
            ("somebody unknown that leaves", "10.0.0.9", bye, Some(Sender::Nobody), 1),
            ("somebody beyond our links", "192.0.2.9", hello, Some(Sender::OffLink), 1),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peers = PeerTable::default();
            let key = discover(&mut peers, &mut test, "10.0.0.2", 2);
            let found = heard(from, presence).resolve_sender(&mut peers, &mut test.context());
            assert_eq!((found, peers.len()), (sender.unwrap_or(Sender::Peer(key)), count), "{what}");
            if sender.is_none() {
                let info = peers.get(key).unwrap().info();
                let known = (info.id, info.incarnation);
                assert_eq!(known, (Some(presence.id), Some(presence.incarnation)), "{what}");
            }
            peers.check();
        }
    }

    #[test]
    fn a_newcomer_gets_a_row_and_whom_another_replaced_gets_none() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let shared = heard("10.0.0.2", presence(Kind::Hello, 2, 1));
        let private =
            Datagram { socket: Socket::Private, ..heard("10.0.0.3", presence(Kind::Heartbeat, 3, 1)) };
        for (datagram, via) in [(shared, Via::Broadcast), (private, Via::Reply)] {
            let Sender::Peer(key) = datagram.resolve_sender(&mut peers, &mut test.context()) else {
                panic!("there is room")
            };
            let snapshot = peers.get(key).unwrap().snapshot(test.shared.links(), test.now);
            assert_eq!((snapshot.info.addr, snapshot.via), (datagram.from.into(), via));
        }
        let other = heard("10.0.0.2", presence(Kind::Hello, 9, 1));
        let _ = other.resolve_sender(&mut peers, &mut test.context());
        let late = shared.resolve_sender(&mut peers, &mut test.context());
        assert_eq!(late, Sender::Refused(RejectReason::Retired));
    }

    #[test]
    fn who_is_heard_in_the_multicast_group_is_found_at_its_link_and_dialed_by_ipv4_if_that_comes_at_once() {
        let mut test = TestContext::new(|_| {});
        let six = Interface::ipv6("eth0", "fe80::1".parse().unwrap(), 64);
        let links = vec![interface("10.0.0.1/16"), Interface { index: Some(LinkIndex(2)), ..six }];
        let _ = test.shared.links_mut().replace(links);
        let mut peers = PeerTable::default();
        let at = |zoned: &str, id| Datagram {
            from: zoned.parse::<ZonedIp>().unwrap().at_port(PORT),
            ..heard("10.0.0.2", presence(Kind::Hello, id, 1))
        };
        let other_link = at("fe80::2%3", 3).resolve_sender(&mut peers, &mut test.context());
        assert_eq!(other_link, Sender::OffLink);
        let Sender::Peer(key) = at("fe80::2%2", 2).resolve_sender(&mut peers, &mut test.context()) else {
            panic!("it is on our link")
        };
        let row = peers.get(key).unwrap().snapshot(test.shared.links(), test.now);
        assert_eq!((row.info.addr.to_string(), row.via), ("[fe80::2%eth0]:17474".into(), Via::Multicast));
        let (by_ipv6, by_ipv4) = (at("fe80::2%2", 2), heard("10.0.0.2", presence(Kind::Hello, 2, 1)));
        let mut locate = |datagram: &Datagram<'_>, prove: bool| {
            let peer = peers.get_mut(key).unwrap();
            if prove {
                peer.prove(peer.ip(), &mut test.context());
            }
            let _ = datagram.note_heard(peer, &test.context());
            datagram.locate(peer, &test.context())
        };
        assert_eq!(locate(&by_ipv6, false), Whereabouts::Same);
        assert_eq!(locate(&by_ipv4, false), Whereabouts::Moved(addr("10.0.0.2")));
        assert_eq!(locate(&by_ipv4, true), Whereabouts::Same, "the first that is proven stays");
    }

    /// A peer at 10.0.0.2 that was heard there with this number.
    fn known(test: &mut TestContext, sequence: u64) -> Peer {
        let mut peer = test.peer(2);
        let taken =
            heard("10.0.0.2", presence(Kind::Heartbeat, 2, sequence)).note_heard(&mut peer, &test.context());
        assert_eq!(taken, Taken::Whole);
        peer
    }

    #[test]
    fn each_number_counts_once_and_a_late_one_only_if_it_has_work_to_do() {
        let mut test = TestContext::new(|_| {});
        let mut peer = known(&mut test, 5);
        let here = |sequence| presence(Kind::Heartbeat, 2, sequence);
        let asks = |sequence| Presence { nonce: Some(Nonce(7)), ..here(sequence) };
        let replayed = Taken::Refused(RejectReason::Replayed);
        for (what, from, presence, taken) in [
            ("a copy", "10.0.0.2", here(5), replayed),
            ("late, and it asks for nothing", "10.0.0.2", here(3), replayed),
            ("late, with a nonce", "10.0.0.2", asks(3), Taken::EchoOnly),
            ("the same again", "10.0.0.2", asks(3), replayed),
            ("the next", "10.0.0.2", here(6), Taken::Whole),
            ("by another link", "10.0.0.9", here(6), Taken::Whole),
            ("late by another link", "10.0.0.9", asks(4), replayed),
            ("late, and it leaves", "10.0.0.2", Presence { kind: Kind::Goodbye, ..asks(2) }, replayed),
            (
                "leaves, from elsewhere",
                "10.0.0.9",
                presence(Kind::Goodbye, 2, 7),
                Taken::Refused(RejectReason::IdentityConflict),
            ),
            ("leaves", "10.0.0.2", presence(Kind::Goodbye, 2, 7), Taken::Whole),
        ] {
            assert_eq!(heard(from, presence).note_heard(&mut peer, &test.context()), taken, "{what}");
        }
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        for from in ["10.0.0.2", "10.0.0.9", "10.0.0.8"] {
            let taken = heard(from, asks(7)).note_heard(&mut peer, &test.context());
            assert_eq!(taken, replayed, "a late datagram from {from} revives nobody");
        }
        assert_eq!(heard("10.0.0.2", here(8)).note_heard(&mut peer, &test.context()), Taken::Whole);
    }

    #[test]
    fn a_number_far_ahead_counts_after_proof_or_silence() {
        let mut test = TestContext::new(|_| {});
        let far = presence(Kind::Heartbeat, 2, 6 + MAX_SEQUENCE_STEP);
        let mut peer = known(&mut test, 5);
        let datagram = heard("10.0.0.2", far);
        assert_eq!(datagram.note_heard(&mut peer, &test.context()), Taken::ProveFirst);
        peer.introduction.nonce_for(datagram.source_ip(), || Nonce(7));
        let wrong = heard("10.0.0.2", Presence { echo: Some(Nonce(8)), ..far });
        assert_eq!(wrong.note_heard(&mut peer, &test.context()), Taken::ProveFirst);
        let proof = heard("10.0.0.2", Presence { echo: Some(Nonce(7)), ..far });
        assert_eq!(proof.note_heard(&mut peer, &test.context()), Taken::Whole);
        let mut silent = known(&mut test, 5);
        silent.fall_silent(&mut test.context());
        for sequence in [far.sequence, 1] {
            let taken = heard("10.0.0.2", presence(Kind::Heartbeat, 2, sequence))
                .note_heard(&mut silent, &test.context());
            assert_eq!(taken, Taken::Whole, "number {sequence} of one that was silent");
        }
    }

    #[test]
    fn what_was_heard_counts_for_the_way_it_came() {
        let (plain, wide) = (
            presence(Kind::Heartbeat, 2, 6),
            Presence { wide: Some(true), ..presence(Kind::Heartbeat, 2, 6) },
        );
        let echo = Presence { echo: Some(Nonce(7)), ..plain };
        for (what, from, socket, presence, broadcast, unicast) in [
            ("a heartbeat", "10.0.0.2", Socket::Shared, plain, true, false),
            ("an echo on the shared port", "10.0.0.2", Socket::Shared, echo, false, true),
            ("a datagram to us alone", "10.0.0.2", Socket::Private, plain, false, true),
            ("a wide copy", "10.0.0.2", Socket::Shared, wide, false, false),
            ("from another address", "10.0.0.9", Socket::Shared, plain, false, false),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.peer(2);
            let taken = Datagram { socket, ..heard(from, presence) }.note_heard(&mut peer, &test.context());
            let seen = &peer.last_seen;
            let found = (taken, seen.any().is_some(), seen.broadcast().is_some(), seen.unicast().is_some());
            assert_eq!(found, (Taken::Whole, true, broadcast, unicast), "{what}");
        }
    }

    /// A peer in this state at 10.0.0.2 that was heard there, and two rounds later twice from another address.
    fn wanderer(test: &mut TestContext, state: PeerState, to: &str) -> Peer {
        let mut peer = known(test, 1);
        peer.set_state(state, &mut test.context());
        for sequence in [2, 3] {
            test.now += secs(5);
            let _ = heard(to, presence(Kind::Heartbeat, 2, sequence)).note_heard(&mut peer, &test.context());
        }
        peer
    }

    #[test]
    fn a_peer_has_moved_when_it_is_heard_elsewhere_only_and_nobody_answers_at_the_old_address() {
        let mut test = TestContext::new(|_| {});
        let mut peer = wanderer(&mut test, PeerState::Up, "10.0.0.9");
        let datagram = heard("10.0.0.9", presence(Kind::Heartbeat, 2, 4));
        assert_eq!(datagram.locate(&peer, &test.context()), Whereabouts::AskOldAddress);
        peer.paths.note_move_asked(test.now);
        test.now += MOVE_PATIENCE - ms(1);
        assert_eq!(datagram.locate(&peer, &test.context()), Whereabouts::Same, "its answer may come");
        test.now += ms(1);
        let moved = Whereabouts::Moved(addr("10.0.0.9"));
        assert_eq!(datagram.locate(&peer, &test.context()), moved);
        let at_home = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 4));
        assert_eq!(at_home.locate(&peer, &test.context()), Whereabouts::Same);
    }

    #[test]
    fn a_peer_that_is_not_reached_moves_at_once_and_nobody_moves_beyond_our_links() {
        let mut test = TestContext::new(|_| {});
        let here = |from| heard(from, presence(Kind::Heartbeat, 2, 4));
        let failing = wanderer(&mut test, PeerState::Unreachable, "10.0.0.9");
        let moved = Whereabouts::Moved(addr("10.0.0.9"));
        assert_eq!(here("10.0.0.9").locate(&failing, &test.context()), moved);
        let beyond = wanderer(&mut test, PeerState::Unreachable, "192.0.2.9");
        assert_eq!(here("192.0.2.9").locate(&beyond, &test.context()), Whereabouts::Same);
        let mut once = known(&mut test, 1);
        once.set_state(PeerState::Unreachable, &mut test.context());
        let _ = heard("10.0.0.9", presence(Kind::Heartbeat, 2, 2)).note_heard(&mut once, &test.context());
        assert_eq!(
            here("10.0.0.9").locate(&once, &test.context()),
            Whereabouts::Same,
            "one round may be lost"
        );
        let cut_off = known(&mut test, 1);
        let _ = test.shared.links_mut().replace(vec![interface("10.9.0.1/16")]);
        let moved = Whereabouts::Moved(addr("10.9.0.9"));
        assert_eq!(here("10.9.0.9").locate(&cut_off, &test.context()), moved, "our link to it is gone");
    }

    #[test]
    fn what_a_peer_says_of_itself_is_taken_and_another_port_is_another_address() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let key = discover(&mut peers, &mut test, "10.0.0.2", 2);
        let said =
            Presence { name: "renamed", tcp_port: 9, period_ms: 700, ..presence(Kind::Heartbeat, 2, 1) };
        heard("10.0.0.2", said).apply_claims(key, &mut peers, &mut test.context());
        let peer = peers.get(key).unwrap();
        assert_eq!((peer.info().name.as_str(), peer.addr().port()), ("renamed", 9));
        assert_eq!((peer.last_seen.period(), peer.paths.prefix()), (Some(ms(700)), Some(16)));
        assert_eq!(peer.unicast(), SocketAddr::new(peer.addr().ip(), 30_000));
        peers.check();
    }

    /// A table with one peer, at 10.0.0.2, with which all is well; number 5 was its last.
    fn steady(test: &mut TestContext) -> (PeerTable, PeerKey) {
        let mut peers = PeerTable::default();
        let key = discover(&mut peers, test, "10.0.0.2", 2);
        let datagram = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 5));
        assert_eq!(datagram.note_heard(peers.get_mut(key).unwrap(), &test.context()), Taken::Whole);
        datagram.apply_claims(key, &mut peers, &mut test.context());
        let peer = peers.get_mut(key).unwrap();
        peer.prove(datagram.source_ip(), &mut test.context());
        peer.set_state(PeerState::Up, &mut test.context());
        peer.set_observation(Observation {
            broadcast: PathStatus::Ok,
            tcp: PathStatus::Ok,
            ..Observation::default()
        });
        peer.watch_for_silence(&test.context());
        while let Some(key) = peers.next_touched() {
            peers.index_condition(key);
        }
        (peers, key)
    }

    #[test]
    fn a_heartbeat_like_the_one_before_changes_nothing_but_when_it_was_heard() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = steady(&mut test);
        test.now += secs(5);
        let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
        assert!(next.is_steady_heartbeat(&mut peers, &test.context()));
        let seen = &peers.get(key).unwrap().last_seen;
        assert_eq!([seen.any(), seen.broadcast()], [Some(test.now.into()); 2]);
        assert_eq!(peers.next_touched(), None);
        assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "each number counts once");
    }

    #[test]
    fn whatever_tells_more_than_a_heartbeat_is_looked_at() {
        let next = presence(Kind::Heartbeat, 2, 6);
        let shared = |presence| heard("10.0.0.2", presence);
        let (nonce, claimed) = (Some(Nonce(7)), "10.0.0.9".parse().unwrap());
        for (what, datagram) in [
            ("another name", shared(Presence { name: "else", ..next })),
            ("another TCP port", shared(Presence { tcp_port: 9, ..next })),
            ("another UDP port", shared(Presence { udp_port: 9, ..next })),
            ("another period", shared(Presence { period_ms: 900, ..next })),
            ("another claim", shared(Presence { claimed, ..next })),
            ("another prefix", shared(Presence { prefix: None, ..next })),
            ("another life", shared(Presence { incarnation: Incarnation(1_001), ..next })),
            ("somebody unknown", shared(Presence { id: NodeId(9), ..next })),
            ("a hello", shared(Presence { kind: Kind::Hello, ..next })),
            ("a goodbye", shared(Presence { kind: Kind::Goodbye, ..next })),
            ("a nonce", shared(Presence { nonce, ..next })),
            ("an echo", shared(Presence { echo: nonce, ..next })),
            ("a wide copy", shared(Presence { wide: Some(true), ..next })),
            ("a replay", shared(Presence { sequence: 5, ..next })),
            ("far ahead", shared(Presence { sequence: 6 + MAX_SEQUENCE_STEP, ..next })),
            ("another address", heard("10.0.0.9", next)),
            ("the private port", Datagram { socket: Socket::Private, ..shared(next) }),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, _) = steady(&mut test);
            assert!(!datagram.is_steady_heartbeat(&mut peers, &test.context()), "{what}");
            assert!(shared(next).is_steady_heartbeat(&mut peers, &test.context()), "{what} leaves no trace");
        }
    }

    #[test]
    fn of_a_peer_that_is_not_steady_every_heartbeat_is_looked_at() {
        type Change = fn(&mut Peer, &mut Context<'_>);
        let changes: [(&str, Change); 6] = [
            ("it is in trouble", |peer, ctx| peer.health.note_trouble(ctx.now)),
            ("it is not up", |peer, ctx| peer.set_state(PeerState::Retrying, ctx)),
            ("its broadcasts were not known", |peer, _| peer.set_observation(Observation::default())),
            ("a way fails", |peer, _| {
                peer.set_observation(Observation { tcp: PathStatus::Failing, ..peer.observation() });
            }),
            ("its silence is not watched", |peer, _| peer.last_seen.stop_watching()),
            ("a dial decides whether it is silent", |peer, _| peer.dial.set_confirming(true)),
        ];
        for (what, change) in changes {
            let mut test = TestContext::new(|_| {});
            let (mut peers, key) = steady(&mut test);
            change(peers.get_mut(key).unwrap(), &mut test.context());
            peers.index_condition(key);
            let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
            assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "{what}");
        }
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = steady(&mut test);
        peers.get_mut(key);
        let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
        assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "it was touched and not settled yet");
    }
}
