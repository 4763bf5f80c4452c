//! What a datagram means: from bytes to the peer that sent it and what is now known of it.
//!
//! The source address of a datagram is the truth; what it says of itself counts when it comes from the address that is dialed.

use std::net::{IpAddr, SocketAddr};

use crate::engine::config::is_host;
use crate::engine::context::Context;
use crate::engine::diagnosis::Estranged;
use crate::engine::event::{RejectReason, Socket};
use crate::engine::limits::MOVE_PATIENCE;
use crate::engine::peers::path::{SequenceCheck, fingerprint};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState, PeerTable, Via};
use crate::proto::presence::{Kind, Presence};
use crate::proto::{DecodeError, MAX_PROBE};

/// A datagram that is a presence of our group, by another node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) socket: Socket,
    pub(crate) presence: Presence<'a>,
}

/// A node that is no peer, and why.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) info: PeerInfo,
    pub(crate) why: Estranged,
}

/// What became of bytes that were received.
#[derive(Debug)]
#[must_use]
pub(crate) enum Reading<'a> {
    /// For us.
    Presence(Datagram<'a>),
    /// Our own.
    Own,
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
pub(crate) fn read<'a>(from: SocketAddr, socket: Socket, bytes: &'a [u8], ctx: &Context<'_>) -> Reading<'a> {
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    debug_assert!(bytes.len() <= MAX_PROBE + 1, "the net reads one byte more than is allowed, to notice");
    match Presence::decode(bytes) {
        Err(error) => {
            let foreign = match error {
                DecodeError::Version(version) => foreign(from, None, Estranged::Version(version), ctx),
                _ => None,
            };
            Reading::Refused(error.into(), foreign)
        }
        Ok(presence) if presence.id == ctx.config.id => Reading::Own,
        Ok(presence) if presence.group != ctx.config.group => {
            let why = Estranged::Group(presence.group.to_owned());
            Reading::Refused(RejectReason::WrongGroup, foreign(from, Some(&presence), why, ctx))
        }
        Ok(_) if !is_host(from.ip()) => Reading::Refused(RejectReason::OffLink, None),
        Ok(presence) => Reading::Presence(Datagram { from, socket, presence }),
    }
}

/// A node of another group or version was heard: one on our link is told of.
fn foreign(
    from: SocketAddr,
    presence: Option<&Presence<'_>>,
    why: Estranged,
    ctx: &Context<'_>,
) -> Option<Box<Foreign>> {
    let here = presence.is_none_or(|presence| presence.kind != Kind::Goodbye);
    (here && ctx.links.reaches(from.ip()) && !ctx.links.holds(from.ip()))
        .then(|| foreign_at(from, presence, why, ctx))
}

fn foreign_at(
    from: SocketAddr,
    presence: Option<&Presence<'_>>,
    why: Estranged,
    ctx: &Context<'_>,
) -> Box<Foreign> {
    let info = PeerInfo {
        key: PeerKey::default(),
        id: presence.map(|presence| presence.id),
        name: presence.map_or_else(|| from.ip().to_string(), |presence| presence.name.to_owned()),
        addr: SocketAddr::new(from.ip(), presence.map_or(ctx.config.port, |presence| presence.tcp_port)),
        incarnation: presence.map(|presence| presence.incarnation),
    };
    Box::new(Foreign { info, why })
}

impl Datagram<'_> {
    fn ip(&self) -> IpAddr {
        self.from.ip()
    }

    /// Whether it went to the limited broadcast address. It is a copy of one that went to our network's then, unless the sender is
    /// in another network.
    pub(crate) fn is_wide(&self) -> bool {
        self.presence.wide == Some(true)
    }

    /// What a wide copy tells of a node in another network; `Ok` if it must be read like any other presence.
    pub(crate) fn read_wide(
        &self,
        peers: &mut PeerTable,
        ctx: &Context<'_>,
    ) -> Result<(), Option<Box<Foreign>>> {
        if let Some(peer) = peers.by_id(self.presence.id).and_then(|key| peers.get_mut(key)) {
            if peer.addr().ip() == self.ip() {
                peer.paths.note_prefix(self.presence.prefix);
            }
            return Err(None);
        }
        let Some(own) = ctx.links.first_prefix().filter(|_| !ctx.links.reaches(self.ip())) else {
            return Ok(());
        };
        let ours = (ctx.links.own_address(), own);
        let why = Estranged::Network { theirs: (self.ip(), self.presence.prefix), ours };
        let here = self.presence.kind != Kind::Goodbye && !ctx.links.holds(self.ip());
        Err(here.then(|| foreign_at(self.from, Some(&self.presence), why, ctx)))
    }

    /// Whether it is one more heartbeat of a peer with which all is well, which tells nothing but that it came; that is noted then.
    pub(crate) fn is_steady_heartbeat(&self, peers: &mut PeerTable, ctx: &Context<'_>) -> bool {
        let presence = &self.presence;
        let plain = presence.kind == Kind::Here && self.socket == Socket::Shared && !self.is_unicast();
        if !plain || self.is_wide() {
            return false;
        }
        let Some(peer) = peers.by_id(presence.id).and_then(|key| peers.steady_mut(key)) else { return false };
        let taken = peer.paths.take_heartbeat(self.ip(), presence.sequence, fingerprint(presence), ctx.now);
        if taken {
            peer.last_seen.note_any(ctx.now);
            peer.last_seen.note_broadcast(ctx.now);
        }
        taken
    }

    /// The peer that sent it, a new one if need be.
    pub(crate) fn resolve_sender(&self, peers: &mut PeerTable, ctx: &mut Context<'_>) -> Sender {
        let Presence { id, incarnation, name, kind, .. } = self.presence;
        if let Some(key) = peers.by_id(id) {
            match peers.get(key).map(|peer| peer.is_new_life(incarnation, self.ip())) {
                Some(Err(reason)) => return Sender::Refused(reason),
                Some(Ok(true)) => peers.restart(key, id, incarnation, name, ctx),
                Some(Ok(false)) | None => {}
            }
            return Sender::Peer(key);
        }
        let addr = SocketAddr::new(self.ip(), self.presence.tcp_port);
        if let Some(key) = peers.by_addr(addr) {
            if peers.get(key).is_some_and(|peer| peer.has_retired(id)) {
                return Sender::Refused(RejectReason::Retired);
            }
            if kind == Kind::Goodbye {
                return Sender::Nobody;
            }
            peers.identify(key, id, incarnation, name, ctx);
            return Sender::Peer(key);
        }
        if kind == Kind::Goodbye {
            return Sender::Nobody;
        }
        if !ctx.links.reaches(self.ip()) {
            return Sender::OffLink;
        }
        let via = if self.socket == Socket::Shared { Via::Broadcast } else { Via::Reply };
        match peers.discover(addr, Some((id, incarnation)), name, via, ctx) {
            Ok(key) => Sender::Peer(key),
            Err(reason) => Sender::Refused(reason),
        }
    }

    /// Writes down when and where a peer was heard.
    pub(crate) fn note_heard(&self, peer: &mut Peer, ctx: &Context<'_>) -> Taken {
        let (ip, dialed, sequence) = (self.ip(), peer.addr().ip(), self.presence.sequence);
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
        let awaited = alive && self.is_unicast() && peer.addr().ip() == self.ip();
        if awaited && peer.paths.take_late(self.ip(), self.socket, self.presence.sequence) {
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
        let (dialed, heard_at) = (peer.addr(), self.ip());
        let reached = matches!(peer.state(), PeerState::New | PeerState::Up);
        let gone = peer.paths.is_gone_from(dialed.ip(), heard_at, reached);
        let cut_off = !ctx.links.reaches(dialed.ip()) && peer.interface().is_some();
        if dialed.ip() == heard_at || !ctx.links.reaches(heard_at) || !(gone || cut_off) {
            return Whereabouts::Same;
        }
        let certain = cut_off || !reached || !peer.paths.is_known(dialed.ip());
        match peer.paths.move_asked() {
            Some(asked) if ctx.now >= asked + MOVE_PATIENCE => {}
            _ if certain => {}
            Some(_) => return Whereabouts::Same,
            None => return Whereabouts::AskOldAddress,
        }
        Whereabouts::Moved(SocketAddr::new(heard_at, dialed.port()))
    }

    /// Takes what a peer says of itself. It counts when it comes from the address that is dialed: others may say it in its name.
    pub(crate) fn apply_claims(&self, key: PeerKey, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let presence = &self.presence;
        let addr = SocketAddr::new(self.ip(), presence.tcp_port);
        if peers.get(key).is_some_and(|peer| peer.addr() != addr) {
            peers.readdress(key, addr, ctx);
        }
        let Some(peer) = peers.get_mut(key) else { return };
        peer.set_interface(ctx.links.name_of(self.ip()));
        peer.paths.note_claims(self.ip(), presence);
        peer.last_seen.note_period(presence.period());
        if peer.info().name != presence.name {
            peer.change_info(|info| presence.name.clone_into(&mut info.name));
        }
    }

    /// Whether it comes from the address at which the peer is dialed.
    pub(crate) fn is_from_dialed(&self, peer: &Peer) -> bool {
        peer.addr().ip() == self.ip()
    }
}

/// Whether a foreign node needs telling: somebody who has a peer of ours at its address runs several nodes, and knows it.
pub(crate) fn is_worth_telling(foreign: &Foreign, peers: &PeerTable) -> bool {
    !peers.at(foreign.info.addr.ip()).any(|peer| peer.state() == PeerState::Up)
}
