//! Visitors: they are answered and dialed, and nothing is written down of them.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::api::{ConnId, DialId};
use crate::engine::exchange::{self, ReplyRows};
use crate::engine::presence::receive::Datagram;
use crate::engine::presence::visitors::Besides;
use crate::engine::{Engine, exchange::bare_frame};
use crate::proto::exchange::Request;

impl Engine {
    /// A presence of a visitor.
    pub(super) fn handle_visitor(&mut self, datagram: &Datagram<'_>, now: Instant) {
        let mut ctx = self.shared.context(self.peers.len(), now);
        // A visitor helps no other one; what goes to the limited broadcast address is a copy.
        if ctx.config.visitor || datagram.is_wide() {
            return;
        }
        if ctx.links.reaches(datagram.from.into()) {
            self.visitors.hear(datagram, &mut ctx);
        } else {
            self.announcer.answer_off_link(datagram, &mut ctx);
        }
    }

    /// Answers a visitor's exchange: it learns all that a peer would.
    pub(super) fn serve_visitor(
        &mut self,
        conn: ConnId,
        from: SocketAddr,
        request: &Request<'_>,
        now: Instant,
    ) {
        let wants_rows = request.tcp_port != 0 && request.tether != Some(true);
        let rows = wants_rows.then(|| ReplyRows {
            pages: self.rows_for_reply(request, now).bytes,
            have: 0,
            dial_in: None,
        });
        let mut ctx = self.shared.context(self.peers.len(), now);
        exchange::reply(conn, (from.into(), request.nonce), rows.as_ref(), None, &mut ctx);
        self.visitors.note_request(request, from, &mut ctx);
    }

    /// A dial has ended: whether it was that of a visitor.
    pub(super) fn end_visitors_dial(&mut self, dial: DialId, succeeded: bool, now: Instant) -> bool {
        let ctx = self.shared.context(self.peers.len(), now);
        self.visitors.end_dial(dial, succeeded, &ctx)
    }

    /// Answers and dials visitors, and tells of visits, where that is due.
    pub(super) fn see_to_visitors(&mut self, now: Instant) {
        if self.visitors.deadline().is_some_and(|at| at <= now) {
            let (mut ctx, nonce) = (self.shared.context(self.peers.len(), now), self.request_nonce);
            match self.visitors.wake(|to, ctx| bare_frame(nonce, to, ctx), &mut ctx) {
                Besides::Nothing => {}
                Besides::Announce => self.announcer.hurry(&mut ctx),
            }
        }
    }
}
