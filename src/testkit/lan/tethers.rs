//! Connections that are kept open: asked for, kept, cut, and ended with a farewell.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::api::{TetherEnd, TetherId};
use crate::engine::cause::{Cause, Failure};
use crate::proto::exchange::HEADER;

use super::host::{Call, Conn};
use super::link::Tcp;
use super::schedule::Arrival;
use super::{HostId, Lan};
use crate::testkit::{failure, ms};

/// A host, the life of its process, and how that calls the tether.
type End = (HostId, u32, TetherId);

/// A connection that both ends keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rope([End; 2]);

/// A tether that an engine asked for.
pub(super) struct Wanted {
    pub(super) id: TetherId,
    pub(super) addr: SocketAddr,
    pub(super) request: Arc<[u8]>,
    pub(super) timeout: Duration,
}

impl Lan {
    /// Does something with the chance of the tethers.
    pub(super) fn by_other_chance<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(&mut self.rng, &mut self.tether_rng);
        let done = what(self);
        std::mem::swap(&mut self.rng, &mut self.tether_rng);
        done
    }

    /// Connects, and asks for a tether.
    pub(super) fn tie(&mut self, id: HostId, wanted: &Wanted) {
        let Wanted { id: tether, addr, ref request, timeout } = *wanted;
        let life = self.hosts[id.0].life;
        self.hosts[id.0].asked.insert(tether);
        let failed = |cause| Arrival::TetherAnswered { tether, result: Err(failure(cause)) };
        if let Some(body) = self.rogue_body(id, addr.ip(), request) {
            return self.schedule(
                ms(1),
                id,
                Some(life),
                Arrival::TetherAnswered { tether, result: Ok(body) },
            );
        }
        let (after, result) = self.connect(id, addr, timeout);
        match result {
            Err(cause) => self.schedule(after, id, Some(life), failed(cause)),
            Ok(server) => {
                let call = Conn { dialer: id, life, call: Call::Tether(tether), refused: false };
                self.request(id, server, (addr, after), call, request);
                self.schedule(timeout, id, Some(life), failed(Cause::NoReply));
            }
        }
    }

    /// The reply to one who asked for a tether; `kept`, how the server calls it.
    pub(super) fn answer_tether(
        &mut self,
        server: HostId,
        end: End,
        answer: Result<Vec<u8>, Failure>,
        kept: Option<TetherId>,
    ) {
        let (dialer, life, tether) = end;
        let result: Result<Arc<[u8]>, Failure> = answer.map(|frame| frame[HEADER..].into());
        if let Some(kept) = kept {
            self.ropes.push(Rope([end, (server, self.hosts[server.0].life, kept)]));
        }
        let latency = self.latency(server, dialer) + self.sent_after(server, dialer);
        self.schedule(latency, dialer, Some(life), Arrival::TetherAnswered { tether, result });
    }

    /// A process ends a tether on purpose.
    pub(super) fn drop_tether(&mut self, id: HostId, tether: TetherId) {
        self.hosts[id.0].asked.remove(&tether);
        let end = (id, self.hosts[id.0].life, tether);
        self.end_ropes(|one| *one == end, Some(TetherEnd::Farewell));
    }

    /// The process of a host is no more: its system cuts its tethers, if it is still there.
    pub(super) fn cut_tethers(&mut self, id: HostId, tell: bool) {
        self.end_ropes(|(host, ..)| *host == id, tell.then_some(TetherEnd::Cut));
    }

    fn end_ropes(&mut self, ends: impl Fn(&End) -> bool, told: Option<TetherEnd>) {
        let mut all = std::mem::take(&mut self.ropes);
        let gone: Vec<Rope> = all.extract_if(.., |Rope(both)| both.iter().any(&ends)).collect();
        self.ropes = all;
        for Rope([one, other]) in gone {
            let (from, (to, life, tether)) = if ends(&one) { (one.0, other) } else { (other.0, one) };
            let reaches = self.link_between(from, to).tcp != Tcp::Dropped;
            if let Some(end) = told.filter(|_| reaches) {
                let latency = self.latency(from, to);
                self.schedule(latency, to, Some(life), Arrival::TetherEnded { tether, end });
            }
        }
    }

    /// How many tethers stand at a host.
    pub fn tethers(&self, id: HostId) -> usize {
        self.ropes.iter().filter(|Rope(both)| both.iter().any(|(host, ..)| *host == id)).count()
    }
}
