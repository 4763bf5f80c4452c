//! Requests of others and replies to ours: what their frames say, and whose they are.
//!
//! Rows travel in them as bytes; what those mean is the gossip's business.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::proto::DecodeError;
use crate::proto::exchange::{Reply, Request, Status};

use super::Nonce;
use super::cause::{Cause, Detail, Failure, Retry};
use super::context::Context;
use super::event::{ConnId, Output, RejectReason};
use super::peers::{PeerKey, PeerTable, Via};

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
pub(crate) fn request_frame(rows: &RequestRows, nonce: Nonce, to: IpAddr, ctx: &Context<'_>) -> Arc<[u8]> {
    let request = Request {
        group: &ctx.config.group,
        id: ctx.config.id,
        incarnation: ctx.config.incarnation,
        name: &ctx.config.name,
        tcp_port: ctx.config.tcp_port,
        nonce,
        message: None,
        rows: Some(rows.page.as_slice().into()),
        wants: (!rows.wants.is_empty()).then(|| rows.wants.as_slice().into()),
        about: (!rows.about.is_empty()).then(|| rows.about.as_slice().into()),
        prefix: ctx.links.prefix_towards(to),
    };
    request.encode().into()
}

/// Reads a request, or says how it is declined.
pub(crate) fn read_request<'a>(
    body: Result<&'a [u8], DecodeError>,
    ctx: &Context<'_>,
) -> Result<Request<'a>, Declined> {
    let declined = |status, nonce, reason| Err(Declined { status, nonce, reason });
    match body.and_then(Request::decode) {
        Err(error) => declined(Status::BadRequest, None, Some(error.into())),
        Ok(request) if request.group != ctx.config.group => {
            declined(Status::WrongGroup, Some(request.nonce), Some(RejectReason::WrongGroup))
        }
        Ok(request) if request.id == ctx.config.id => declined(Status::Ok, Some(request.nonce), None),
        Ok(request) => Ok(request),
    }
}

/// Declines a request.
pub(crate) fn decline(conn: ConnId, declined: Declined, ctx: &mut Context<'_>) {
    let frame = plain_reply(declined.status, declined.nonce, ctx).encode();
    ctx.out.push(Output::Reply { conn, frame: Some(frame) });
}

/// Answers a request of our group. A one-shot dial is no node: it gets its answer and no `rows`.
pub(crate) fn reply(
    conn: ConnId,
    (from, nonce): (IpAddr, Nonce),
    rows: Option<&ReplyRows>,
    ctx: &mut Context<'_>,
) {
    let reply = Reply {
        rows: rows.map(|rows| rows.pages.as_slice().into()),
        have: rows.map(|rows| rows.have),
        prefix: ctx.links.prefix_towards(from),
        ..plain_reply(Status::Ok, Some(nonce), ctx)
    };
    let frame = reply.encode();
    ctx.out.push(Output::Reply { conn, frame: Some(frame) });
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
    }
}

/// The peer that dialed us, a new one if need be; none for a one-shot dial, which is no node, and for one that has left or that
/// another has replaced.
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
    if let Some(key) = peers.by_id(id) {
        let known = peers.get(key).and_then(|peer| peer.info().incarnation);
        if known.is_some_and(|known| incarnation > known) {
            peers.restart(key, id, incarnation, name, ctx);
        }
        return Ok(Some(key).filter(|key| peers.get(*key).is_some_and(|peer| !peer.has_left())));
    }
    let addr = SocketAddr::new(from.ip(), tcp_port);
    if let Some(key) = peers.by_addr(addr) {
        if peers.get(key).is_some_and(|peer| peer.has_retired(id)) {
            return Ok(None);
        }
        peers.identify(key, id, incarnation, name, ctx);
        return Ok(Some(key));
    }
    peers.discover(addr, Some((id, incarnation)), name, Via::Reply, ctx).map(Some)
}

/// The peer that answered our dial of `key`: that one, the one it turned out to be, or a failure.
pub(crate) fn resolve_answerer(
    reply: &Reply<'_>,
    key: PeerKey,
    peers: &mut PeerTable,
    ctx: &mut Context<'_>,
) -> Result<PeerKey, Failure> {
    let Reply { id, incarnation, name, .. } = *reply;
    if id == ctx.config.id {
        return Err(never(Cause::AddressNotAvailable, Detail::ThisNode));
    }
    let known = peers.get(key).map(|peer| (peer.id(), peer.info().incarnation));
    let (row, known_incarnation) = known.unwrap_or_default();
    match (row, peers.by_id(id)) {
        (Some(row), _) if row == id => {
            // Even an older one: what we believed of this life was forged, then.
            if known_incarnation != Some(incarnation) {
                peers.restart(key, id, incarnation, name, ctx);
            }
        }
        (Some(_), Some(other)) => {
            let name = peers.get(other).map_or(name, |other| &other.info().name);
            let detail = Detail::OtherNode { name: name.into() };
            return Err(Failure { retry: Retry::Usual, ..never(Cause::BadReply, detail) });
        }
        (None, Some(other)) => {
            peers.merge(key, other, ctx);
            return Ok(other);
        }
        (_, None) => peers.identify(key, id, incarnation, name, ctx),
    }
    Ok(key)
}

/// Reads a reply to a request that carried this nonce, or says why it is none.
pub fn check_reply(body: &[u8], nonce: Nonce) -> Result<Reply<'_>, Failure> {
    let reply = Reply::decode(body).map_err(unreadable)?;
    match reply.status {
        Status::WrongGroup => {
            let (name, group) = (reply.name.into(), reply.group.into());
            Err(never(Cause::WrongGroup, Detail::WrongGroup { name, group }))
        }
        Status::BadRequest => {
            Err(never(Cause::BadReply, Detail::RequestUnreadable { name: reply.name.into() }))
        }
        Status::Ok if reply.nonce != Some(nonce) => Err(never(Cause::BadReply, Detail::OtherRequest)),
        Status::Ok => Ok(reply),
    }
}

/// The failure that bytes which are no reply mean.
pub fn unreadable(error: DecodeError) -> Failure {
    let cause = match error {
        DecodeError::Version(_) => Cause::VersionMismatch,
        _ => Cause::BadReply,
    };
    never(cause, Detail::ReplyUnreadable(error))
}

fn never(cause: Cause, detail: Detail) -> Failure {
    Failure { cause, detail: Arc::new(detail), errno: None, retry: Retry::Never }
}
