//! What was received: from bytes to a presence, to whom it is addressed, and what it tells of nodes that are no peers.
//!
//! Who sent it is said in `sender`, what of it counts in `heard`.

use std::net::SocketAddr;

use crate::engine::address::{self, ZonedIp};
use crate::engine::api::{Asked, Socket};
use crate::engine::cause::OtherSecret;
use crate::engine::config::{Config, is_host};
use crate::engine::context::Context;
use crate::engine::diagnosis::foreign_nodes::Mismatch;
use crate::engine::event::RejectReason;
use crate::engine::interface::LinkIndex;
use crate::engine::peers::peer::Nat;
use crate::engine::peers::{PeerState, PeerTable};
use crate::proto::presence::{Kind, Presence};
use crate::proto::{DecodeError, MAX_PROBE};

use super::foreign::{Foreign, WideCopy};
use super::wrapping::Opened;

/// How a datagram came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) from: SocketAddr,
    /// By which link; none where the system does not tell.
    pub(crate) link: Option<LinkIndex>,
    /// By the presence port or the node's own.
    socket: Socket,
    asked: Asked,
}

impl Arrival {
    pub(crate) fn new(from: SocketAddr, link: Option<LinkIndex>, socket: Socket) -> Self {
        Self { from, link, socket: socket.port(), asked: socket.asked() }
    }
}

/// A datagram that is a presence of our group, by another node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) link: Option<LinkIndex>,
    pub(crate) socket: Socket,
    /// Who is asked by it.
    pub(crate) asked: Asked,
    /// It came sealed: its sender hides.
    pub(crate) was_sealed: bool,
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

impl RejectReason {
    /// Why something is refused that was not made with the secret of a node, or with one that it does not have.
    pub(crate) fn about_secret(config: &Config) -> Self {
        if config.secret.is_some() { Self::WrongSecret } else { Self::SecretNeeded }
    }
}

/// Reads what was received.
pub(crate) fn read<'a>(arrival: Arrival, opened: &'a Opened<'a>, ctx: &Context<'_>) -> Reading<'a> {
    let Arrival { from, link, socket, asked } = arrival;
    let from = address::canonical(from);
    let (bytes, was_sealed) = match opened {
        Opened::Sealed(bytes) => (&bytes[..], true),
        Opened::Plain(bytes) => (*bytes, false),
        // Of which group it is, nobody here knows.
        Opened::Shut => return Reading::Refused(RejectReason::about_secret(ctx.config), None),
    };
    let is_ours = |presence: &Presence<'_>| was_sealed || ctx.wrapping().is_ours(presence, bytes);
    debug_assert!(bytes.len() <= MAX_PROBE + 1, "the net reads one byte more than is allowed, to notice");
    let decoded = Presence::decode(bytes).map(|presence| match asked {
        // A nonce asks one node whether it is there. All would answer it.
        Asked::Everybody => Presence { nonce: None, ..presence },
        // That it was sent to all is what shows that its sender is on the link.
        Asked::ThisNode => Presence { wide: None, ..presence },
        Asked::Unknown => presence,
    });
    match decoded {
        Err(error) => {
            let foreign = match error {
                DecodeError::Version(version) => {
                    Foreign::on_our_link(from, None, Mismatch::Version(version), ctx)
                }
                _ => None,
            };
            Reading::Refused(error.into(), foreign)
        }
        Ok(presence) if presence.id == ctx.config.id && is_ours(&presence) => {
            Reading::Own(Datagram { from, link, socket, asked, was_sealed, presence })
        }
        Ok(presence) if presence.group != ctx.config.group => {
            let mismatch = Mismatch::Group(presence.group.to_owned());
            Reading::Refused(
                RejectReason::WrongGroup,
                Foreign::on_our_link(from, Some(&presence), mismatch, ctx),
            )
        }
        Ok(presence) if !is_ours(&presence) => {
            let theirs = match presence.tag {
                None => OtherSecret::None,
                Some(_) if ctx.config.secret.is_none() => OtherSecret::Only,
                Some(_) => OtherSecret::Another,
            };
            let foreign = Foreign::on_our_link(from, Some(&presence), Mismatch::Secret(theirs), ctx);
            Reading::Refused(RejectReason::about_secret(ctx.config), foreign)
        }
        Ok(_) if !is_host(from.ip()) => Reading::Refused(RejectReason::OffLink, None),
        Ok(presence) => Reading::Presence(Datagram { from, link, socket, asked, was_sealed, presence }),
    }
}

impl Datagram<'_> {
    /// Where it comes from, and who is asked by it.
    pub(crate) fn asks(&self) -> (SocketAddr, Asked) {
        (self.from, self.asked)
    }

    /// The same without a port to dial, if it comes from a peer behind a NAT.
    pub(crate) fn as_of_a_nat(self, peers: &PeerTable) -> Self {
        let sender = peers.by_id(self.presence.id).and_then(|key| peers.get(key));
        let is_behind = sender.is_some_and(|peer| peer.nat() == Nat::There && peer.ip() == self.source_ip());
        let tcp_port = if is_behind { 0 } else { self.presence.tcp_port };
        Self { presence: Presence { tcp_port, ..self.presence }, ..self }
    }

    pub(super) fn source_ip(&self) -> ZonedIp {
        self.from.into()
    }

    /// Whether it was sent to everybody on the link.
    pub(crate) fn is_to_all(&self) -> bool {
        self.socket == Socket::Shared && !self.is_unicast()
    }

    /// Whether it was sent to this node alone: it asks for an echo, or is one.
    pub(super) fn is_unicast(&self) -> bool {
        self.presence.nonce.is_some() || self.presence.echo.is_some()
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
                peer.paths.note_prefix(from, prefix);
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
}

#[cfg(test)]
mod tests {
    use super::super::samples::{addr, discover, heard};
    use super::*;
    use crate::engine::context::TestContext;
    use crate::testkit::presence;

    fn by(from: SocketAddr, socket: Socket) -> Arrival {
        Arrival::new(from, None, socket)
    }

    /// What becomes of a presence: why it is refused, and why its sender is foreign.
    fn refused(test: &mut TestContext, from: &str, bytes: &[u8]) -> Option<(RejectReason, Option<Mismatch>)> {
        match read(by(addr(from), Socket::Shared), &Opened::Plain(bytes), &test.context()) {
            Reading::Refused(reason, foreign) => Some((reason, foreign.map(|foreign| foreign.mismatch))),
            Reading::Own(_) | Reading::Presence(_) => None,
        }
    }

    #[test]
    fn what_is_ours_is_read_and_what_we_sent_is_known_as_our_own() {
        let mut test = TestContext::new(|_| {});
        let bytes = presence(Kind::Heartbeat, 2, 1).encode();
        let mapped = addr("::ffff:10.0.0.2");
        let opened = Opened::Plain(&bytes);
        let Reading::Presence(datagram) = read(by(mapped, Socket::Private), &opened, &test.context()) else {
            panic!("it is of our group")
        };
        assert_eq!((datagram.from, datagram.socket), (addr("10.0.0.2"), Socket::Private));
        let own = presence(Kind::Heartbeat, 1, 1).encode();
        let own = Opened::Plain(&own);
        assert!(matches!(read(by(addr("10.0.0.2"), Socket::Shared), &own, &test.context()), Reading::Own(_)));
        let own_of_another_group = Presence { group: "else", ..presence(Kind::Heartbeat, 1, 1) }.encode();
        let opened = Opened::Plain(&own_of_another_group);
        let reading = read(by(addr("10.0.0.1"), Socket::Shared), &opened, &test.context());
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
        let first = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 1));
        let _ = first.note_heard(peers.get_mut(key).unwrap(), &test.context());
        assert_eq!(
            read(&mut peers, &mut test, "192.168.0.2", Kind::Heartbeat),
            "known",
            "it was not reached yet"
        );
        peers.get_mut(key).unwrap().set_state(PeerState::Up, &mut test.context());
        assert_eq!(read(&mut peers, &mut test, "192.168.0.2", Kind::Heartbeat), "a peer at 192.168.0.2/8");
        assert_eq!(
            peers.get(key).unwrap().paths.prefix(addr("10.0.0.2").into()),
            None,
            "others may say it in its name"
        );
        assert_eq!(read(&mut peers, &mut test, "10.0.0.2", Kind::Heartbeat), "known");
        assert_eq!(peers.get(key).unwrap().paths.prefix(addr("10.0.0.2").into()), Some(8));
    }
}
