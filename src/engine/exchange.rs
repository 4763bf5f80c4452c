//! Requests of others and replies to ours: what their frames say, and whose they are.
//!
//! Rows travel in them as bytes; what those mean is the gossip's business.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::proto::address::Address;
use crate::proto::exchange::{Reply, Request, Status};
use crate::proto::{DecodeError, Sealed};

use super::Nonce;
use super::address::{self, ZonedIp};
use super::api::{ConnId, Output, TetherId};
use super::cause::{Cause, Detail, Failure, OtherSecret, Retry};
use super::context::Context;
use super::event::RejectReason;
use super::peers::peer::Peer;
use super::peers::peer::word::Evidence;
use super::peers::{PeerKey, PeerState, PeerTable, Speaker, Via, Voice};

/// What a request carries of the rows.
#[derive(Debug, Default)]
pub(crate) struct RequestRows {
    /// A page of our row.
    pub(crate) page: Vec<u8>,
    /// The rows that we want.
    pub(crate) wants: Vec<u8>,
    /// Whom we ask about.
    pub(crate) about: Vec<u8>,
}

/// What a reply carries of the rows.
#[derive(Debug)]
pub(crate) struct ReplyRows {
    pub(crate) pages: Vec<u8>,
    /// The version of the asker's row that we have.
    pub(crate) have: u64,
    /// When the asker had best dial again.
    pub(crate) dial_in: Option<Duration>,
}

/// A request that is answered with nothing but this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declined {
    pub(crate) status: Status,
    pub(crate) nonce: Option<Nonce>,
    /// Why it is counted as rejected, if it is.
    pub(crate) reason: Option<RejectReason>,
}

/// The frame of one dial.
pub(crate) fn request_frame(rows: &RequestRows, nonce: Nonce, to: ZonedIp, ctx: &Context<'_>) -> Arc<[u8]> {
    let request = Request {
        rows: Some(rows.page.as_slice().into()),
        wants: (!rows.wants.is_empty()).then(|| rows.wants.as_slice().into()),
        about: (!rows.about.is_empty()).then(|| rows.about.as_slice().into()),
        prefix: ctx.links.prefix_towards(to),
        ..plain_request(nonce, ctx)
    };
    request.encode().into()
}

/// The frame that asks a peer to keep the connection as a tether.
pub(crate) fn tether_frame(nonce: Nonce, ctx: &Context<'_>) -> Arc<[u8]> {
    Request { tether: Some(true), ..plain_request(nonce, ctx) }.encode().into()
}

/// The frame of a dial that tells nothing and asks for nothing.
pub(crate) fn bare_frame(nonce: Nonce, to: ZonedIp, ctx: &Context<'_>) -> Arc<[u8]> {
    Request { prefix: ctx.links.prefix_towards(to), ..plain_request(nonce, ctx) }.encode().into()
}

fn plain_request<'a>(nonce: Nonce, ctx: &Context<'a>) -> Request<'a> {
    Request {
        group: &ctx.config.group,
        id: ctx.config.id,
        incarnation: ctx.config.incarnation,
        name: &ctx.config.name,
        tcp_port: ctx.config.tcp_port,
        nonce,
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
        tether: None,
        visitor: ctx.config.visitor.then_some(true),
        // It may be an address of its own by now.
        outside: ctx.outside.filter(|ip| !ctx.links.holds((*ip).into())).map(Address),
    }
}

/// Reads a request, or says how it is declined.
pub(crate) fn read_request<'a>(
    body: Result<&'a [u8], DecodeError>,
    sealed: bool,
    ctx: &Context<'_>,
) -> Result<Request<'a>, Declined> {
    let declined = |status, nonce, reason| Err(Declined { status, nonce, reason });
    match body.and_then(Request::decode) {
        Err(error) => match body.and_then(Sealed::decode) {
            // A secret of a node here does not open it, or none is here.
            Ok(Sealed { group: Some(group), .. }) if group != ctx.config.group => {
                declined(Status::WrongGroup, None, Some(RejectReason::WrongGroup))
            }
            Ok(_) => declined(Status::BadRequest, None, Some(RejectReason::about_secret(ctx.config))),
            Err(_) => declined(Status::BadRequest, None, Some(error.into())),
        },
        Ok(request) if request.group != ctx.config.group => {
            declined(Status::WrongGroup, Some(request.nonce), Some(RejectReason::WrongGroup))
        }
        Ok(request) if !sealed && ctx.config.secret.is_some() => {
            declined(Status::BadRequest, Some(request.nonce), Some(RejectReason::WrongSecret))
        }
        Ok(request) if request.id == ctx.config.id => declined(Status::Ok, Some(request.nonce), None),
        Ok(request) => Ok(request),
    }
}

/// Declines a request. A node that hides tells nothing to whoever did not seal it.
pub(crate) fn decline(conn: ConnId, declined: Declined, sealed: bool, ctx: &mut Context<'_>) {
    let is_about_secret =
        matches!(declined.reason, Some(RejectReason::WrongSecret | RejectReason::SecretNeeded));
    let secret = is_about_secret.then_some(ctx.config.secret.is_some());
    let hides = !sealed && ctx.config.secret.as_ref().is_some_and(|secret| secret.hides());
    let frame = Reply { secret, ..plain_reply(declined.status, declined.nonce, ctx) }.encode();
    ctx.out.push(Output::Reply { conn, frame: Some(frame).filter(|_| !hides), tether: None });
}

/// Answers a request of our group. A one-shot dial is no node: it gets its answer and no `rows`. With `tether` the connection is kept.
pub(crate) fn reply(
    conn: ConnId,
    (from, nonce): (ZonedIp, Nonce),
    rows: Option<&ReplyRows>,
    tether: Option<TetherId>,
    ctx: &mut Context<'_>,
) {
    let dial_in = rows.and_then(|rows| rows.dial_in);
    let reply = Reply {
        dial_in_ms: dial_in.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
        rows: rows.map(|rows| rows.pages.as_slice().into()),
        have: rows.map(|rows| rows.have),
        prefix: ctx.links.prefix_towards(from),
        tether: tether.map(|_| true),
        seen_at: Some(Address(from.ip())),
        udp_port: Some(ctx.config.udp_port).filter(|port| *port != 0),
        ..plain_reply(Status::Ok, Some(nonce), ctx)
    };
    let frame = reply.encode();
    ctx.out.push(Output::Reply { conn, frame: Some(frame), tether });
}

fn plain_reply<'a>(status: Status, nonce: Option<Nonce>, ctx: &Context<'a>) -> Reply<'a> {
    let config = ctx.config;
    Reply {
        status,
        id: config.id,
        incarnation: config.incarnation,
        name: &config.name,
        nonce,
        group: &config.group,
        rows: None,
        have: None,
        prefix: None,
        tether: None,
        visitor: config.visitor.then_some(true),
        secret: None,
        dial_in_ms: None,
        seen_at: None,
        udp_port: None,
    }
}

/// Whether a request comes through a NAT, as its dialer knows: from an address at which others see it, and which is none of its own.
pub(crate) fn is_translated(request: &Request<'_>, from: SocketAddr) -> bool {
    request.outside.is_some_and(|outside| outside.0.to_canonical() == from.ip())
}

/// The peer that dialed us, a new one if need be; none for a one-shot dial, which is no node, and for one that has left, or that
/// another has replaced, a moment ago.
pub(crate) fn resolve_dialer(
    request: &Request<'_>,
    from: SocketAddr,
    peers: &mut PeerTable,
    ctx: &mut Context<'_>,
) -> Result<Option<PeerKey>, RejectReason> {
    let Request { id, incarnation, name, tcp_port, .. } = *request;
    if tcp_port == 0 {
        return Ok(None);
    }
    let port =
        if is_translated(request, from) { peers.port_behind_nat(peers.by_id(id), from) } else { tcp_port };
    let addr = address::with_port(from, port);
    let evidence = Evidence::Connection;
    let speaker = Speaker { id, incarnation, name, addr, via: Via::Reply, evidence };
    match peers.recognize(&speaker, ctx) {
        Ok(Voice::Peer(key)) => {
            let comes_back = |peer: &Peer| peer.ip() == from.into() && !peer.left_lately(ctx.now);
            let lives = peers.get(key).is_some_and(|peer| !peer.has_left() || comes_back(peer));
            Ok(lives.then_some(key))
        }
        Ok(Voice::Unproved(_) | Voice::Unclear) | Err(RejectReason::Retired) => Ok(None),
        Ok(Voice::Stranger) => peers.discover(addr, Some((id, incarnation)), name, Via::Reply, ctx).map(Some),
        Err(reason) => Err(reason),
    }
}

/// The peer that answered our dial of `key` at `addr`: that one, the one it turned out to be, or a failure. A peer that answers at
/// another address of its name is dialed there from now on.
pub(crate) fn resolve_answerer(
    reply: &Reply<'_>,
    key: PeerKey,
    addr: SocketAddr,
    peers: &mut PeerTable,
    ctx: &mut Context<'_>,
) -> Result<PeerKey, Failure> {
    let Reply { id, incarnation, name, .. } = *reply;
    if id == ctx.config.id {
        return Err(never(Cause::AddressNotAvailable, Detail::ThisNode));
    }
    let known = peers.get(key).map(|peer| (peer.id(), peer.info().incarnation));
    let (row, known_incarnation) = known.unwrap_or_default();
    let is_elsewhere = peers.get(key).is_some_and(|peer| peer.addr() != addr);
    if row == Some(id) {
        if is_elsewhere {
            peers.readdress(key, addr, ctx);
        }
        // Even an older one: what we believed of this life was forged, then.
        if known_incarnation != Some(incarnation) {
            peers.restart(key, id, incarnation, name, ctx);
        }
        return Ok(key);
    }
    match (row, peers.by_id(id)) {
        (Some(_), Some(other)) => {
            if !is_elsewhere && peers.is_next_life(other, key) {
                peers.go_on_as(key, other, ctx);
                return Ok(key);
            }
            let name = peers.get(other).map_or(name, |other| &other.info().name);
            return Err(other_node(name));
        }
        (None, Some(other)) => {
            peers.merge(key, other, addr.into(), ctx);
            return Ok(other);
        }
        (_, None) => {
            if is_elsewhere {
                peers.readdress(key, addr, ctx);
            }
            peers.identify(key, id, incarnation, name, ctx);
        }
    }
    Ok(key)
}

/// After a dial that failed so: where another peer has the address of one of which nothing is heard, that life is over. Two hosts with
/// one address are both heard.
pub(crate) fn end_if_replaced(key: PeerKey, failure: &Failure, peers: &mut PeerTable, ctx: &mut Context<'_>) {
    let is_gone = |peer: &Peer| peer.state() == PeerState::Silent && !peer.is_named();
    if matches!(*failure.detail, Detail::OtherNode { .. }) && peers.get(key).is_some_and(is_gone) {
        peers.expire(key, ctx);
    }
}

/// Reads a reply to a request that carried this nonce, or says why it is none.
pub fn check_reply(body: &[u8], nonce: Nonce) -> Result<Reply<'_>, Failure> {
    let reply = Reply::decode(body).map_err(unreadable)?;
    match reply.status {
        Status::WrongGroup => {
            let (name, group) = (reply.name.into(), reply.group.into());
            Err(never(Cause::WrongGroup, Detail::WrongGroup { name, group }))
        }
        Status::BadRequest if reply.secret.is_some() => Err(other_secret(&reply, OtherSecret::Only)),
        Status::BadRequest => {
            Err(never(Cause::BadReply, Detail::RequestUnreadable { name: reply.name.into() }))
        }
        Status::Ok if reply.nonce != Some(nonce) => Err(never(Cause::BadReply, Detail::OtherRequest)),
        Status::Ok => Ok(reply),
    }
}

/// Why whoever was dialed with a secret answers in the open: the body of its reply says that.
pub fn check_refusal(body: &[u8]) -> Failure {
    match Reply::decode(body) {
        Err(error) => unreadable(error),
        Ok(reply) if reply.status == Status::WrongGroup => {
            let (name, group) = (reply.name.into(), reply.group.into());
            never(Cause::WrongGroup, Detail::WrongGroup { name, group })
        }
        Ok(reply) => {
            let theirs = if reply.secret == Some(true) { OtherSecret::Another } else { OtherSecret::None };
            other_secret(&reply, theirs)
        }
    }
}

/// The failure of a dial that is closed at the first message of the handshake. A node that hides closes so upon who has no key that it
/// accepts, and any node does whose process ends.
pub fn shut_out() -> Failure {
    let detail = Arc::new(Detail::ShutOut);
    Failure { cause: Cause::ClosedEarly, detail, errno: None, retry: Retry::Usual }
}

/// The failure of a dial that is answered by somebody who does not know the secret.
pub fn unproven() -> Failure {
    never(Cause::WrongSecret, Detail::Unproven)
}

fn other_secret(reply: &Reply<'_>, theirs: OtherSecret) -> Failure {
    never(Cause::WrongSecret, Detail::WrongSecret { name: reply.name.into(), theirs })
}

/// The failure that bytes which are no reply mean.
pub fn unreadable(error: DecodeError) -> Failure {
    let cause = match error {
        DecodeError::Version(_) => Cause::VersionMismatch,
        _ => Cause::BadReply,
    };
    never(cause, Detail::ReplyUnreadable(error))
}

/// The failure of a dial at whose address another node answers.
pub(crate) fn other_node(name: &str) -> Failure {
    let detail = Detail::OtherNode { name: name.into() };
    Failure { retry: Retry::Usual, ..never(Cause::BadReply, detail) }
}

/// The failure of a dial that a visitor answers: no node is there.
pub(crate) fn only_a_visitor(name: &str) -> Failure {
    let detail = Arc::new(Detail::Visitor { name: name.into() });
    Failure { cause: Cause::Refused, detail, errno: None, retry: Retry::Usual }
}

fn never(cause: Cause, detail: Detail) -> Failure {
    Failure { cause, detail: Arc::new(detail), errno: None, retry: Retry::Never }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::event::Event;
    use crate::engine::peers::LeaveReason;
    use crate::engine::{Incarnation, NodeId};
    use crate::proto::exchange::HEADER;
    use crate::testkit::{reply, request};

    const PORT: u16 = 17_474;

    fn addr(n: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, n], PORT))
    }

    /// Node 2 of life 1000 at 10.0.0.2.
    fn table(test: &mut TestContext) -> (PeerTable, PeerKey) {
        let mut peers = PeerTable::default();
        let identity = Some((NodeId(2), Incarnation(1_000)));
        let key = peers.discover(addr(2), identity, "host", Via::Broadcast, &mut test.context()).unwrap();
        test.outputs();
        (peers, key)
    }

    fn identity(peers: &PeerTable, key: PeerKey) -> (Option<NodeId>, Option<Incarnation>) {
        peers.get(key).map(|peer| (peer.id(), peer.info().incarnation)).unwrap_or_default()
    }

    fn restarts(test: &mut TestContext) -> usize {
        test.events().iter().filter(|event| matches!(event, Event::PeerRestarted { .. })).count()
    }

    #[test]
    fn a_request_is_read_or_declined_with_as_much_as_is_known_of_it() {
        let mut test = TestContext::new(|_| {});
        let ctx = test.context();
        let declined =
            |request: Request<'_>| read_request(Ok(&request.encode()[HEADER..]), false, &ctx).err();
        let with = |status, nonce, reason| Some(Declined { status, nonce, reason });
        let nonce = Some(Nonce(1));
        assert_eq!(declined(request(2)), None);
        assert_eq!(
            declined(Request { group: "else", ..request(2) }),
            with(Status::WrongGroup, nonce, Some(RejectReason::WrongGroup))
        );
        assert_eq!(declined(request(1)), with(Status::Ok, nonce, None), "our own, by a way around");
        let cut = read_request(Err(DecodeError::Truncated), false, &ctx).err();
        assert_eq!(cut, with(Status::BadRequest, None, Some(RejectReason::Truncated)));
        let noise = read_request(Ok(&[0]), false, &ctx).err();
        assert_eq!(noise, with(Status::BadRequest, None, Some(RejectReason::Malformed)));
    }

    #[test]
    fn a_dialer_is_a_peer_a_newcomer_or_nobody() {
        let life = |id, incarnation| Request { incarnation: Incarnation(incarnation), ..request(id) };
        for (what, from, request, known, restarted) in [
            ("the peer", 2, request(2), Some((2, 1_000)), 0),
            ("the peer by another address", 9, request(2), Some((2, 1_000)), 0),
            ("an older life, so that the known one was forged", 2, life(2, 999), Some((2, 999)), 1),
            ("its next life by another address", 9, life(2, 1_001), None, 0),
            ("its next life", 2, life(2, 1_001), Some((2, 1_001)), 1),
            ("another node at its address", 2, request(9), Some((9, 1_000)), 1),
            ("a one-shot dial", 2, Request { tcp_port: 0, ..request(9) }, None, 0),
            ("a newcomer", 9, request(9), Some((9, 1_000)), 0),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, _) = table(&mut test);
            let from = SocketAddr::new(addr(from).ip(), 50_000);
            let found = resolve_dialer(&request, from, &mut peers, &mut test.context());
            let found = found.unwrap_or_default();
            let identity = found.map(|key| identity(&peers, key));
            let expected = known.map(|(id, life)| (Some(NodeId(id)), Some(Incarnation(life))));
            assert_eq!((identity, restarts(&mut test)), (expected, restarted), "{what}");
            peers.check();
        }
    }

    #[test]
    fn a_newcomer_is_dialed_where_it_listens_and_not_where_it_dials_from() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let (from, request) =
            (SocketAddr::from(([10, 0, 0, 9], 50_000)), Request { tcp_port: 7, ..request(9) });
        let key = resolve_dialer(&request, from, &mut peers, &mut test.context()).unwrap().unwrap();
        assert_eq!(peers.get(key).unwrap().addr(), SocketAddr::from(([10, 0, 0, 9], 7)));
        assert_eq!(peers.get(key).unwrap().snapshot(test.shared.links(), test.now).via, Via::Reply);
    }

    #[test]
    fn who_has_left_or_was_replaced_dials_as_nobody() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = table(&mut test);
        peers.leave(key, LeaveReason::Goodbye, &mut test.context());
        assert_eq!(resolve_dialer(&request(2), addr(2), &mut peers, &mut test.context()), Ok(None));
        peers.restart(key, NodeId(3), Incarnation(1), "other", &mut test.context());
        assert_eq!(resolve_dialer(&request(2), addr(2), &mut peers, &mut test.context()), Ok(None));
        assert_eq!(identity(&peers, key).0, Some(NodeId(3)));
    }

    fn answer(
        id: u128,
        incarnation: u64,
        key: PeerKey,
        peers: &mut PeerTable,
        test: &mut TestContext,
    ) -> Result<PeerKey, (Cause, Retry)> {
        let reply = Reply { incarnation: Incarnation(incarnation), ..reply(id, Nonce(1)) };
        let at = peers.get(key).unwrap().addr();
        let answerer = resolve_answerer(&reply, key, at, peers, &mut test.context());
        answerer.map_err(|failure| (failure.cause, failure.retry))
    }

    #[test]
    fn who_answers_is_the_peer_another_life_of_it_or_another_node() {
        for (what, id, incarnation, restarted) in [
            ("the peer", 2, 1_000, 0),
            ("its next life", 2, 1_001, 1),
            ("an older life: what was believed was forged", 2, 999, 1),
            ("another node", 9, 5, 1),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, key) = table(&mut test);
            assert_eq!(answer(id, incarnation, key, &mut peers, &mut test), Ok(key), "{what}");
            let known = (Some(NodeId(id)), Some(Incarnation(incarnation)));
            assert_eq!((identity(&peers, key), restarts(&mut test)), (known, restarted), "{what}");
            peers.check();
        }
    }

    #[test]
    fn whose_address_another_peer_has_now_is_gone_if_nothing_is_heard_of_it() {
        for (state, stays) in
            [(PeerState::Retrying, true), (PeerState::Unreachable, true), (PeerState::Silent, false)]
        {
            let mut test = TestContext::new(|_| {});
            let (mut peers, key) = table(&mut test);
            let another = Some((NodeId(9), Incarnation(5)));
            let v6 = "[fe80::2%2]:17474".parse().unwrap();
            let other = peers.discover(v6, another, "else", Via::Multicast, &mut test.context()).unwrap();
            peers.get_mut(key).unwrap().set_state(state, &mut test.context());
            let answered =
                resolve_answerer(&reply(9, Nonce(1)), key, addr(2), &mut peers, &mut test.context());
            end_if_replaced(key, &answered.unwrap_err(), &mut peers, &mut test.context());
            assert_eq!((peers.get(key).is_some(), peers.get(other).is_some()), (stays, true), "{state:?}");
            peers.check();
        }
    }

    #[test]
    fn a_named_row_is_the_node_that_answers_and_one_that_is_known_takes_it_over() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = table(&mut test);
        let target = "host".parse().unwrap();
        let [new, known] = [7, 8].map(|n| peers.name_peer(&target, &[addr(n)], &mut test.context()).unwrap());
        assert_eq!(answer(9, 5, new, &mut peers, &mut test), Ok(new));
        assert_eq!(identity(&peers, new), (Some(NodeId(9)), Some(Incarnation(5))));
        assert_eq!(answer(2, 1_000, known, &mut peers, &mut test), Ok(key));
        assert!(peers.get(known).is_none() && peers.get(key).unwrap().is_named());
    }

    #[test]
    fn our_own_answer_and_that_of_another_peer_are_failures() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = table(&mut test);
        let identity = Some((NodeId(3), Incarnation(1)));
        peers.discover(addr(3), identity, "other", Via::Broadcast, &mut test.context()).unwrap();
        assert_eq!(answer(1, 5, key, &mut peers, &mut test), Err((Cause::AddressNotAvailable, Retry::Never)));
        assert_eq!(answer(3, 1, key, &mut peers, &mut test), Err((Cause::BadReply, Retry::Usual)));
    }

    #[test]
    fn only_an_understood_reply_to_this_request_is_one() {
        let nonce = Nonce(1);
        for (what, reply, cause) in [
            ("it is", reply(2, nonce), None),
            ("to another request", reply(2, Nonce(2)), Some(Cause::BadReply)),
            (
                "of another group",
                Reply { status: Status::WrongGroup, ..reply(2, nonce) },
                Some(Cause::WrongGroup),
            ),
            (
                "not understood",
                Reply { status: Status::BadRequest, ..reply(2, nonce) },
                Some(Cause::BadReply),
            ),
        ] {
            let frame = reply.encode();
            let failure = check_reply(&frame[HEADER..], nonce).err();
            assert_eq!(failure.map(|failure| failure.cause), cause, "{what}");
        }
        let failure = check_reply(&[0], nonce).unwrap_err();
        assert_eq!((failure.cause, failure.retry), (Cause::BadReply, Retry::Never));
        assert_eq!(unreadable(DecodeError::Version(9)).cause, Cause::VersionMismatch);
    }
}
