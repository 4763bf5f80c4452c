//! What we announce, what we hear, and the proof that a sender holds its address.

pub(crate) mod rejects;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

use crate::engine::config::is_host;
use crate::engine::diagnosis::foreign_nodes::Mismatch;
use crate::engine::event::{Event, Output, RejectReason, Socket, StopReason};
use crate::engine::interface::Interface;
use crate::engine::interface::Kind as Link;
use crate::engine::peers::{LeaveReason, PeerInfo, PeerKey, PeerState, Via};
use crate::engine::{Nonce, event::Command};
use crate::proto::presence::{Kind, Presence};
use crate::proto::{DecodeError, MAX_PROBE};

use crate::engine::limits::{
    ANSWER_AT_ONCE, ANSWER_SPREAD, DIAL_STEP, GOODBYE_GAPS, HELLO_GAPS, MAX_ANSWER_WAIT, MAX_INTRODUCTIONS,
    MAX_SEQUENCE_STEP, MOVE_PATIENCE, PERIOD_JITTER, ROUNDS_BEFORE_MOVE, ROUNDS_BEFORE_NEW, WIDE_EVERY,
};
use crate::engine::peers::row::Path;
use crate::engine::{Engine, Life};

/// The announcements of this node to everybody.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) next: Option<Instant>,
    /// Hellos said since the start or the last change.
    hellos: usize,
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

impl Engine {
    /// The interfaces as they are now. The first time, the node starts.
    pub(crate) fn take_interfaces(&mut self, interfaces: Vec<Interface>, now: Instant) {
        let before = std::mem::replace(&mut self.interfaces, interfaces.into());
        let mut changed = false;
        if self.life == Life::Unborn {
            self.life = Life::Running;
            self.steps_from = Some(now + self.rng.random_range(Duration::ZERO..DIAL_STEP));
            let (node, interfaces) = (Arc::clone(&self.node), Arc::clone(&self.interfaces));
            self.publish(Event::Started { node, interfaces });
            self.hello_again(now);
            for target in std::mem::take(&mut self.config.peers) {
                self.obey(Command::AddPeer(target), now);
            }
            return;
        }
        let after = Arc::clone(&self.interfaces);
        for gone in before.iter().filter(|i| !after.contains(i)) {
            changed = true;
            self.publish(Event::InterfaceDown { interface: Arc::new(gone.clone()) });
        }
        for new in after.iter().filter(|i| !before.contains(i)) {
            changed = true;
            self.publish(Event::InterfaceUp { interface: Arc::new(new.clone()) });
        }
        // Not "before differs from after": the system may list the same interfaces in another order.
        if changed {
            self.hello_again(now);
            self.links_changed(now);
        }
    }

    /// Says hello three times, starting now.
    pub(crate) fn hello_again(&mut self, now: Instant) {
        if self.life == Life::Running {
            self.round = Round { next: Some(now), hellos: 0 };
        }
    }

    /// Announces this node on every link, and to every named peer.
    pub(crate) fn announce(&mut self, now: Instant) {
        let hello = self.round.hellos <= HELLO_GAPS.len();
        let kind = if hello { Kind::Hello } else { Kind::Here };
        self.round.hellos += usize::from(hello);
        self.send_round(kind);
        self.send_wide(kind, now);
        let gap = self.round.hellos.checked_sub(1).and_then(|said| HELLO_GAPS.get(said)).filter(|_| hello);
        let wait = gap.copied().unwrap_or_else(|| {
            let jitter = self.rng.random_range(1.0 - PERIOD_JITTER..=1.0 + PERIOD_JITTER);
            self.config.interval.mul_f64(jitter)
        });
        self.round.next = Some(now + wait);
        self.introduce_to_named(kind);
    }

    /// One datagram a link; all carry the same number, so that receivers on two links see one round.
    fn send_round(&mut self, kind: Kind) {
        self.sequence += 1;
        let interfaces = Arc::clone(&self.interfaces);
        for (i, interface) in interfaces.iter().enumerate() {
            if interfaces[..i].iter().any(|other| other.broadcast == interface.broadcast) {
                continue;
            }
            let to = SocketAddr::from((interface.broadcast, self.config.port));
            self.send(to, kind, IpAddr::V4(interface.addr), None, None);
        }
    }

    /// Now and then, and with every hello, the same presence goes to the limited broadcast address (RFC 919 §7), which is
    /// received whatever the mask: hosts whose network is another one on the same link are noticed by it.
    fn send_wide(&mut self, kind: Kind, now: Instant) {
        let lately = self.wide.is_some_and(|at| now.saturating_duration_since(at) < WIDE_EVERY);
        if lately && kind != Kind::Hello {
            return;
        }
        self.wide = Some(now);
        let interfaces = Arc::clone(&self.interfaces);
        let to = SocketAddr::from((std::net::Ipv4Addr::BROADCAST, self.config.port));
        for interface in interfaces.iter().filter(|interface| interface.kind != Link::Loopback) {
            let presence = Presence { wide: Some(true), ..self.presence(kind, IpAddr::V4(interface.addr)) };
            let bytes = presence.encode();
            self.outputs.push_back(Output::SendFrom { source: interface.addr, to, bytes });
        }
    }

    fn introduce_to_named(&mut self, kind: Kind) {
        let named = self.peers.iter().filter(|(_, p)| p.named.is_some());
        let off_link: Vec<PeerKey> =
            named.filter(|(_, p)| p.interface.is_none() || p.round == 0).map(|(key, _)| key).collect();
        for key in off_link {
            self.send_to_peer(key, kind, None, true);
        }
    }

    /// Sends a peer a unicast presence that asks it to prove its address.
    pub(crate) fn introduce(&mut self, key: PeerKey, echo: Option<Nonce>, now: Instant) {
        let peer = &self.peers[key];
        let proven = peer.path(peer.info.addr.ip()).is_some_and(|p| p.proven);
        let budget = if proven && echo.is_some() { &mut self.echo_answers } else { &mut self.answers };
        if budget.take(now) {
            let peer = &mut self.peers[key];
            // Two nodes that hear each other from other addresses than they send to would ask each other for ever.
            let ask = !proven && (echo.is_none() || peer.introductions < MAX_INTRODUCTIONS);
            peer.introductions = peer.introductions.saturating_add(u8::from(ask && echo.is_some()));
            self.send_to_peer(key, Kind::Here, echo, ask);
            self.peers[key].answered = Some(now);
        }
    }

    fn send_to_peer(&mut self, key: PeerKey, kind: Kind, echo: Option<Nonce>, ask: bool) {
        let to = self.peers[key].unicast();
        // While one is under way, the same nonce is asked for again: both of two crossing answers then prove.
        let under_way = self.peers[key].nonce.filter(|(_, ip)| *ip == to.ip()).map(|(nonce, _)| nonce);
        let nonce = ask.then(|| under_way.unwrap_or_else(|| Nonce(self.rng.next_u64())));
        if let Some(nonce) = nonce {
            self.peers[key].nonce = Some((nonce, to.ip()));
        }
        self.sequence += 1;
        self.send(to, kind, self.own_address_towards(to.ip()), nonce, echo);
    }

    /// Queues one datagram. IPv6 is not announced to: presence is IPv4, dialing is both.
    pub(crate) fn send(
        &mut self,
        to: SocketAddr,
        kind: Kind,
        claimed: IpAddr,
        nonce: Option<Nonce>,
        echo: Option<Nonce>,
    ) {
        if to.is_ipv6() {
            return;
        }
        let bytes = Presence { nonce, echo, ..self.presence(kind, claimed) }.encode();
        self.outputs.push_back(Output::Send { to, bytes });
    }

    /// What this node says of itself.
    fn presence(&self, kind: Kind, claimed: IpAddr) -> Presence<'_> {
        let link = self.interfaces.iter().find(|interface| IpAddr::V4(interface.addr) == claimed);
        Presence {
            kind,
            group: &self.config.group,
            id: self.config.id,
            incarnation: self.config.incarnation,
            sequence: self.sequence,
            name: &self.config.name,
            tcp_port: self.config.tcp_port,
            udp_port: self.config.udp_port,
            period_ms: u32::try_from(self.config.interval.as_millis()).unwrap_or(u32::MAX),
            claimed,
            nonce: None,
            echo: None,
            prefix: link.map(|interface| interface.prefix),
            wide: None,
        }
    }

    /// The length of our network's prefix towards an address.
    pub(crate) fn own_prefix_towards(&self, ip: IpAddr) -> Option<u8> {
        self.interfaces.iter().find(|i| i.reaches(ip)).or_else(|| self.interfaces.first()).map(|i| i.prefix)
    }

    /// Our address on the first link that presence uses.
    pub(crate) fn own_address(&self) -> IpAddr {
        let first = self.interfaces.first();
        first.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |i| IpAddr::V4(i.addr))
    }

    /// Our own address as a peer will probably see it.
    pub(crate) fn own_address_towards(&self, ip: IpAddr) -> IpAddr {
        let link = self.interfaces.iter().find(|i| i.reaches(ip)).or_else(|| self.interfaces.first());
        link.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |i| IpAddr::V4(i.addr))
    }

    /// A datagram came in.
    pub(crate) fn hear(&mut self, from: SocketAddr, socket: Socket, bytes: &[u8], now: Instant) {
        if self.life != Life::Running {
            return;
        }
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        debug_assert!(bytes.len() <= MAX_PROBE + 1, "the net reads one byte more than is allowed, to notice");
        let presence = match Presence::decode(bytes) {
            Ok(presence) => presence,
            Err(error) => {
                if let DecodeError::Version(version) = error {
                    self.meet(from, None, Mismatch::Version(version), now);
                }
                return self.reject(error.into(), from, now);
            }
        };
        if presence.id == self.config.id {
            return;
        }
        if presence.group != self.config.group {
            self.meet(from, Some(&presence), Mismatch::Group(presence.group.to_owned()), now);
            return self.reject(RejectReason::WrongGroup, from, now);
        }
        if !is_host(from.ip()) {
            return self.reject(RejectReason::OffLink, from, now);
        }
        if presence.wide == Some(true) && self.knows_already(from, &presence, now) {
            return;
        }
        let Some(key) = self.recognise(from, socket, &presence, now) else { return };
        if let Err(reason) = self.note_heard(key, from, socket, &presence, now) {
            if reason == RejectReason::Replayed && self.take_late_echo(key, from, socket, &presence, now) {
                return self.arm(key);
            }
            return self.reject(reason, from, now);
        }
        if presence.kind == Kind::Goodbye {
            self.peer_left(key, LeaveReason::Goodbye, now);
        } else {
            self.revive(key, now);
            self.take_proof(key, from.ip(), presence.echo, now);
            if let Some(echo) = presence.echo.filter(|_| self.peers[key].info.addr.ip() == from.ip()) {
                self.take_echo(key, echo, now);
            }
            self.respond(key, &presence, now);
        }
        self.arm(key);
    }

    /// A presence that went to the limited broadcast address is a copy of one that went to our network's, unless the sender is
    /// in another network. Whether there is nothing more to learn from it.
    fn knows_already(&mut self, from: SocketAddr, presence: &Presence<'_>, now: Instant) -> bool {
        if let Some(&key) = self.by_id.get(&presence.id) {
            let peer = &mut self.peers[key];
            if peer.info.addr.ip() == from.ip() {
                peer.evidence.prefix = presence.prefix;
            }
            return true;
        }
        let Some(ours) =
            self.interfaces.first().filter(|_| !self.interfaces.iter().any(|i| i.reaches(from.ip())))
        else {
            return false;
        };
        let ours = (IpAddr::V4(ours.addr), ours.prefix);
        if presence.kind != Kind::Goodbye && self.interfaces.iter().all(|i| IpAddr::V4(i.addr) != from.ip()) {
            let why = Mismatch::Network { theirs: (from.ip(), presence.prefix), ours };
            self.stranger_at(from, Some(presence), why, now);
        }
        true
    }

    /// A node of another group or version was heard: one on our link is told of.
    fn meet(&mut self, from: SocketAddr, presence: Option<&Presence<'_>>, why: Mismatch, now: Instant) {
        let own = self.interfaces.iter().any(|i| IpAddr::V4(i.addr) == from.ip());
        let on_link = self.interfaces.iter().any(|i| i.reaches(from.ip()));
        if on_link && !own && presence.is_none_or(|presence| presence.kind != Kind::Goodbye) {
            self.stranger_at(from, presence, why, now);
        }
    }

    fn stranger_at(
        &mut self,
        from: SocketAddr,
        presence: Option<&Presence<'_>>,
        why: Mismatch,
        now: Instant,
    ) {
        // Who has a peer of ours at its address knows what it does: it runs several.
        let peers = self.peers.values().filter(|peer| peer.info.addr.ip() == from.ip());
        if peers.into_iter().any(|peer| peer.state == PeerState::Up) {
            return;
        }
        let info = PeerInfo {
            key: PeerKey::default(),
            id: presence.map(|presence| presence.id),
            name: presence.map_or_else(|| from.ip().to_string(), |presence| presence.name.to_owned()),
            addr: SocketAddr::new(from.ip(), presence.map_or(self.config.port, |presence| presence.tcp_port)),
            incarnation: presence.map(|presence| presence.incarnation),
        };
        self.note_stranger(from.ip(), info, why, now);
    }

    /// The row of the sender, a new one if need be; none if the datagram is to be ignored.
    fn recognise(
        &mut self,
        from: SocketAddr,
        socket: Socket,
        presence: &Presence<'_>,
        now: Instant,
    ) -> Option<PeerKey> {
        if let Some(&key) = self.by_id.get(&presence.id) {
            let known = self.peers[key].info.incarnation;
            if known.is_some_and(|known| presence.incarnation < known) {
                self.reject(RejectReason::Replayed, from, now);
                return None;
            }
            if known.is_some_and(|known| presence.incarnation > known) {
                // A new life begins where the old one was, or after it has ended: else anybody could end it.
                let peer = &self.peers[key];
                let ended =
                    matches!(peer.state, PeerState::Unreachable | PeerState::Silent | PeerState::Left);
                if !ended && from.ip() != peer.info.addr.ip() {
                    self.reject(RejectReason::IdentityConflict, from, now);
                    return None;
                }
                self.restart(key, presence.id, presence.incarnation, presence.name, now);
            }
            return Some(key);
        }
        let addr = SocketAddr::new(from.ip(), presence.tcp_port);
        if let Some(&key) = self.by_addr.get(&addr) {
            if self.peers[key].retired.as_deref() == Some(&presence.id) {
                self.reject(RejectReason::Retired, from, now);
                return None;
            }
            if presence.kind == Kind::Goodbye {
                return None;
            }
            self.identify(key, presence.id, presence.incarnation, presence.name, now);
            return Some(key);
        }
        if presence.kind == Kind::Goodbye {
            return None;
        }
        if !self.interfaces.iter().any(|i| i.reaches(from.ip())) {
            self.answer_off_link(from, presence, now);
            self.reject(RejectReason::OffLink, from, now);
            return None;
        }
        let via = if socket == Socket::Shared { Via::Broadcast } else { Via::Reply };
        self.discover(addr, Some((presence.id, presence.incarnation)), presence.name, via, now)
    }

    /// A sender beyond our links is told that we are here, so that it may dial us; we do not dial it.
    fn answer_off_link(&mut self, from: SocketAddr, presence: &Presence<'_>, now: Instant) {
        if presence.nonce.is_some() && self.off_link_answers.take(now) {
            self.sequence += 1;
            let claimed = self.own_address_towards(from.ip());
            self.send(from, Kind::Here, claimed, None, presence.nonce);
        }
    }

    /// Writes down when and where a peer was heard, and whether it moved.
    fn note_heard(
        &mut self,
        key: PeerKey,
        from: SocketAddr,
        socket: Socket,
        presence: &Presence<'_>,
        now: Instant,
    ) -> Result<(), RejectReason> {
        let peer = &mut self.peers[key];
        let returning = matches!(peer.state, PeerState::Silent | PeerState::Left);
        let newest = peer.paths.iter().map(Path::newest).max().unwrap_or(0);
        // A goodbye ends all paths: a copy that is late on another one revives nobody.
        let left = peer.state == PeerState::Left;
        let known = if left { newest } else { peer.path(from.ip()).map_or(0, |p| p.sequence(socket)) };
        let too_far = newest > 0 && presence.sequence > newest.saturating_add(MAX_SEQUENCE_STEP);
        let silent = peer.state == PeerState::Silent;
        if !silent && (presence.sequence <= known || too_far) {
            return Err(RejectReason::Replayed);
        }
        if presence.kind == Kind::Goodbye && peer.info.addr.ip() != from.ip() {
            return Err(RejectReason::IdentityConflict);
        }
        let path = peer.path_mut(from.ip(), now);
        path.heard(socket, presence.sequence, now);
        if path.missed >= ROUNDS_BEFORE_NEW {
            path.since = now;
        }
        path.missed = 0;
        if socket == Socket::Shared && (presence.sequence > peer.round || returning) {
            peer.round = presence.sequence;
            for other in peer.paths.iter_mut().filter(|path| path.ip != from.ip()) {
                other.missed = other.missed.saturating_add(1);
            }
        }
        peer.heard = Some(now);
        if peer.info.addr.ip() == from.ip() {
            // A nonce or an echo is never broadcast.
            let broadcast = socket == Socket::Shared && presence.nonce.is_none() && presence.echo.is_none();
            let wide = presence.wide == Some(true);
            match broadcast {
                true if wide => {}
                true => peer.evidence.broadcast = Some(now),
                false => peer.evidence.unicast = Some(now),
            }
        }
        self.move_if_gone_from(key, from.ip(), now);
        if self.peers[key].info.addr.ip() == from.ip() {
            self.believe(key, presence, now);
        }
        self.watch_for_silence(key, now);
        Ok(())
    }

    /// What a peer says of itself counts when it comes from the address that is dialed: others may say it in its name.
    fn believe(&mut self, key: PeerKey, presence: &Presence<'_>, now: Instant) {
        let addr = SocketAddr::new(self.peers[key].info.addr.ip(), presence.tcp_port);
        if self.peers[key].info.addr != addr {
            self.readdress(key, addr, now);
        }
        let interface = self.link_name(addr.ip());
        let peer = &mut self.peers[key];
        peer.interface = interface;
        peer.move_asked = None;
        let differs = presence.claimed != addr.ip() && !presence.claimed.is_unspecified();
        peer.claimed = differs.then_some(presence.claimed);
        peer.period = Some(presence.period());
        peer.udp_port = presence.udp_port;
        peer.evidence.prefix = presence.prefix;
        if peer.info.name != presence.name {
            peer.change_info(|info| presence.name.clone_into(&mut info.name));
        }
    }

    /// A peer that for [`ROUNDS_BEFORE_MOVE`] rounds was heard from another address only has moved there: if that address
    /// is newer than the last word from the old one. Else it is a second interface of the peer's, and the rounds may have
    /// been lost: then the old address must fail a dial, too, or a lossy link would make the peer move to and fro.
    fn move_if_gone_from(&mut self, key: PeerKey, heard_at: IpAddr, now: Instant) {
        let peer = &self.peers[key];
        let dialed = peer.info.addr;
        let since = peer.path(heard_at).map(|p| p.since);
        let reached = matches!(peer.state, PeerState::New | PeerState::Up);
        let gone = peer.path(dialed.ip()).is_none_or(|old| {
            old.missed >= ROUNDS_BEFORE_MOVE && (!reached || since.is_some_and(|since| since > old.heard))
        });
        let on_link = |ip| self.interfaces.iter().any(|i| i.reaches(ip));
        let cut_off = !on_link(dialed.ip()) && peer.interface.is_some();
        if dialed.ip() == heard_at || !on_link(heard_at) || !(gone || cut_off) {
            return;
        }
        let certain = cut_off || !reached || peer.path(dialed.ip()).is_none();
        match peer.move_asked {
            Some(asked) if now >= asked + MOVE_PATIENCE => {}
            _ if certain => {}
            Some(_) => return,
            None => {
                // Somebody else may speak in its name: whoever is still at the old address answers this at once.
                self.peers[key].move_asked = Some(now);
                return self.send_to_peer(key, Kind::Here, None, true);
            }
        }
        self.readdress(key, SocketAddr::new(heard_at, dialed.port()), now);
    }

    /// An echo of the nonce that went to this address proves that the peer receives there.
    fn take_proof(&mut self, key: PeerKey, ip: IpAddr, echo: Option<Nonce>, now: Instant) {
        let Some(echo) = echo else { return };
        if self.peers[key].nonce == Some((echo, ip)) {
            self.peers[key].nonce = None;
            self.prove(key, ip, now);
        }
    }

    /// Two datagrams may change places on the way: one that asks for an echo, or is one, does its work all the same.
    fn take_late_echo(
        &mut self,
        key: PeerKey,
        from: SocketAddr,
        socket: Socket,
        presence: &Presence<'_>,
        now: Instant,
    ) -> bool {
        let peer = &mut self.peers[key];
        let alive =
            !matches!(peer.state, PeerState::Left | PeerState::Silent) && presence.kind != Kind::Goodbye;
        let unicast = presence.nonce.is_some() || presence.echo.is_some();
        let here = peer.info.addr.ip() == from.ip();
        let path = peer.paths.iter_mut().find(|path| path.ip == from.ip());
        let awaited = alive && unicast && here;
        if !path.filter(|_| awaited).is_some_and(|path| path.take_late(socket, presence.sequence)) {
            return false;
        }
        peer.evidence.unicast = Some(now);
        self.take_proof(key, from.ip(), presence.echo, now);
        if let Some(echo) = presence.echo {
            self.take_echo(key, echo, now);
        }
        if presence.nonce.is_some() {
            self.introduce(key, presence.nonce, now);
        }
        true
    }

    /// Answers what a presence asks for: an echo at once, an introduction when its turn comes.
    fn respond(&mut self, key: PeerKey, presence: &Presence<'_>, now: Instant) {
        if presence.nonce.is_some() {
            return self.introduce(key, presence.nonce, now);
        }
        if presence.echo.is_some() {
            // Or two nodes would answer each other's answers for ever.
            return;
        }
        let known = self.peers.len();
        let peer = &mut self.peers[key];
        let proven = peer.path(peer.info.addr.ip()).is_some_and(|p| p.proven);
        let lately =
            |period: Duration| peer.answered.is_some_and(|at| now.saturating_duration_since(at) < period);
        let wanted = match presence.kind {
            Kind::Hello => !proven || !lately(presence.period()),
            Kind::Here => !proven && peer.introductions < MAX_INTRODUCTIONS,
            Kind::Goodbye | Kind::Probe => false,
        };
        if !wanted || peer.answer_due.is_some() {
            return;
        }
        peer.introductions = peer.introductions.saturating_add(1);
        if known <= ANSWER_AT_ONCE {
            return self.introduce(key, None, now);
        }
        let most = (ANSWER_SPREAD * u32::try_from(known).unwrap_or(u32::MAX)).min(MAX_ANSWER_WAIT);
        peer.answer_due = Some(now + self.rng.random_range(Duration::ZERO..=most));
    }

    /// The name of the link that an address is on.
    pub(crate) fn link_name(&self, ip: IpAddr) -> Option<Arc<str>> {
        self.interfaces.iter().find(|i| i.reaches(ip)).map(|i| Arc::clone(&i.name))
    }

    /// Ends all dials and begins to say goodbye.
    pub(crate) fn leave(&mut self, reason: StopReason, now: Instant) {
        let mut dials: Vec<_> = self.in_flight.drain().map(|(dial, _)| dial).collect();
        dials.sort_unstable();
        self.outputs.extend(dials.into_iter().map(Output::AbandonDial));
        self.life = Life::Leaving { reason, goodbyes_said: 0, next: now };
        self.say_goodbye(now);
    }

    /// Says one of the goodbyes, if it is due.
    pub(crate) fn say_goodbye(&mut self, now: Instant) {
        let Life::Leaving { reason, goodbyes_said, next } = self.life else { return };
        if now < next {
            return;
        }
        self.send_round(Kind::Goodbye);
        let far: Vec<PeerKey> = self
            .peers
            .iter()
            .filter(|(_, p)| p.state != PeerState::Left && (p.named.is_some() || p.interface.is_none()))
            .map(|(key, _)| key)
            .collect();
        for key in far {
            self.send_to_peer(key, Kind::Goodbye, None, false);
        }
        if let Some(gap) = GOODBYE_GAPS.get(goodbyes_said) {
            self.life = Life::Leaving { reason, goodbyes_said: goodbyes_said + 1, next: now + *gap };
        } else {
            self.publish(Event::Stopped { reason });
            self.outputs.push_back(Output::Stop);
            self.life = Life::Gone;
        }
    }
}
