//! Requests of others, and the replies to ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::event::{ConnId, Event, Output, RejectReason};
use crate::engine::peers::{PeerInfo, PeerKey, PeerState, Via};
use crate::engine::{NodeId, Nonce};
use crate::proto::DecodeError;
use crate::proto::exchange::{Reply, Request, Status};
use crate::proto::rows::{self, Want};

use super::{Engine, Life};

impl Engine {
    /// Answers a request, and learns from it: the sender exists, holds its address, and reaches us by TCP.
    pub(crate) fn serve(
        &mut self,
        conn: ConnId,
        from: SocketAddr,
        body: Result<&[u8], DecodeError>,
        now: Instant,
    ) {
        if self.life != Life::Running {
            return self.outputs.push_back(Output::Reply { conn, frame: None });
        }
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let request = match body.and_then(Request::decode) {
            Ok(request) => request,
            Err(error) => {
                self.reply(conn, Status::BadRequest, None);
                return self.reject(error.into(), from, now);
            }
        };
        if request.group != self.config.group {
            self.reply(conn, Status::WrongGroup, Some(request.nonce));
            return self.reject(RejectReason::WrongGroup, from, now);
        }
        if request.id == self.config.id {
            return self.reply(conn, Status::Ok, Some(request.nonce));
        }
        let known = self.sender(from, &request, now);
        self.reply_with_rows(conn, from.ip(), &request, known, now);
        if let Some(key) = known {
            self.peers[key].heard = Some(now);
            self.peers[key].evidence.served = Some(now);
            self.peers[key].evidence.prefix = request.prefix;
            self.prove(key, from.ip(), now);
            self.revive(key, now);
            self.peers[key].expiry = None;
            if self.peers[key].state == PeerState::Unreachable {
                self.dial_soon(key, now);
            }
            self.watch_for_silence(key, now);
            self.look(key, now);
            self.arm(key);
        }
        let peer: Option<Arc<PeerInfo>> = known.map(|key| Arc::clone(&self.peers[key].info));
        let addr = peer.is_none().then_some(from);
        self.publish(Event::ExchangeServed { peer, addr });
    }

    /// The row of a dialer, a new one if need be; none for a one-shot dial, which is no node.
    fn sender(&mut self, from: SocketAddr, request: &Request<'_>, now: Instant) -> Option<PeerKey> {
        if request.tcp_port == 0 {
            return None;
        }
        if let Some(&key) = self.by_id.get(&request.id) {
            let newer = self.peers[key].info.incarnation.is_some_and(|known| request.incarnation > known);
            if newer {
                self.restart(key, request.id, request.incarnation, request.name, now);
            }
            return (self.peers[key].state != PeerState::Left).then_some(key);
        }
        let addr = SocketAddr::new(from.ip(), request.tcp_port);
        if let Some(&key) = self.by_addr.get(&addr) {
            if self.peers[key].retired.as_deref() == Some(&request.id) {
                return None;
            }
            self.identify(key, request.id, request.incarnation, request.name, now);
            return Some(key);
        }
        self.discover(addr, Some((request.id, request.incarnation)), request.name, Via::Reply, now)
    }

    /// Answers a request of our group: with our row, and what else was asked for.
    fn reply_with_rows(
        &mut self,
        conn: ConnId,
        from: IpAddr,
        request: &Request<'_>,
        known: Option<PeerKey>,
        now: Instant,
    ) {
        let wants: Vec<Want> = request.wants.map(|bytes| rows::wants(bytes).collect()).unwrap_or_default();
        let about: Vec<NodeId> = request.about.map(|bytes| rows::about(bytes).collect()).unwrap_or_default();
        if known.is_some() {
            if let Some(bytes) = request.rows {
                self.take_pages(bytes, request.id, |_, owner| owner == request.id, now);
            }
            self.check_for_another(&about, now);
        }
        let (pages, upto, have) =
            self.rows_for_a_reply((request.id, request.incarnation), &wants, &about, now);
        if let Some(key) = known {
            // If the reply is lost, the next request or reply of that peer says so.
            self.peers[key].evidence.has = upto;
        }
        // A one-shot dial is no node: it gets its answer and nothing else.
        let pages = if known.is_some() { pages } else { Vec::new() };
        let reply = Reply {
            rows: known.map(|_| pages.as_slice().into()),
            have: known.map(|_| have),
            prefix: self.own_prefix_towards(from),
            ..self.plain_reply(Status::Ok, Some(request.nonce))
        };
        let frame = reply.encode();
        self.outputs.push_back(Output::Reply { conn, frame: Some(frame) });
    }

    /// The frame of one dial.
    pub(crate) fn request(&mut self, key: PeerKey, now: Instant) -> Arc<[u8]> {
        let (page, wants, about) = self.rows_for_a_request(key, now);
        let request = Request {
            group: &self.config.group,
            id: self.config.id,
            incarnation: self.config.incarnation,
            name: &self.config.name,
            tcp_port: self.config.tcp_port,
            nonce: self.request_nonce,
            message: None,
            rows: Some(page.as_slice().into()),
            wants: (!wants.is_empty()).then(|| wants.as_slice().into()),
            about: (!about.is_empty()).then(|| about.as_slice().into()),
            prefix: self.own_prefix_towards(self.peers[key].info.addr.ip()),
        };
        request.encode().into()
    }

    fn reply(&mut self, conn: ConnId, status: Status, nonce: Option<Nonce>) {
        let frame = self.plain_reply(status, nonce).encode();
        self.outputs.push_back(Output::Reply { conn, frame: Some(frame) });
    }

    fn plain_reply(&self, status: Status, nonce: Option<Nonce>) -> Reply<'_> {
        Reply {
            status,
            id: self.config.id,
            incarnation: self.config.incarnation,
            name: &self.config.name,
            nonce,
            group: &self.config.group,
            rows: None,
            have: None,
            prefix: None,
        }
    }

    /// Reads the reply to our dial, learns who answered, and returns its row.
    pub(crate) fn read_reply(&mut self, key: PeerKey, body: &[u8], now: Instant) -> Result<PeerKey, Failure> {
        let reply = check_reply(body, self.request_nonce)?;
        if reply.id == self.config.id {
            return Err(never(Cause::AddressNotAvailable, Detail::ThisNode));
        }
        let (rows, have, prefix) = (reply.rows, reply.have, reply.prefix);
        let held = self.by_id.get(&reply.id).copied();
        let row = &self.peers[key].info;
        match (row.id, held) {
            (Some(id), _) if id == reply.id => {
                // Even an older one: what we believed of this life was forged, then.
                if row.incarnation != Some(reply.incarnation) {
                    self.restart(key, reply.id, reply.incarnation, reply.name, now);
                }
            }
            (Some(_), Some(other)) => {
                let detail = Detail::OtherNode { name: self.peers[other].info.name.as_str().into() };
                return Err(Failure { retry: Retry::Usual, ..never(Cause::BadReply, detail) });
            }
            (None, Some(other)) => {
                self.merge(key, other, now);
                return Ok(other);
            }
            (_, None) => self.identify(key, reply.id, reply.incarnation, reply.name, now),
        }
        self.peers[key].evidence.has = have.unwrap_or(0);
        self.peers[key].evidence.prefix = prefix;
        if let Some(bytes) = rows {
            self.take_pages(bytes, reply.id, |engine, owner| owner == reply.id || engine.is_far(owner), now);
        }
        Ok(key)
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
