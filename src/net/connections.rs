//! The inbound connections that are open, and which of them makes room for another.
//!
//! One that has not asked anything yet may be anybody's, and costs nobody anything but its place: it is cut when that is needed. One that has
//! asked is answered.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use crate::engine::address::ZonedIp;

/// Inbound connections at once: a few for each of a hundred peers, and a quarter of the usual 1 024 descriptors.
const MAX_CONNECTIONS: usize = 256;
/// Inbound connections at once from one address, so that one cannot keep out the others.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 16;
/// One that has asked nothing for so long makes room for another: a request comes with the connection, within a round trip or a packet
/// that is sent again.
const IDLE: Duration = Duration::from_millis(300);

/// Whether a connection has asked something.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// It has: it is answered from now on.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether there is room for one more.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Room {
    Free,
    /// This one was cut.
    Made(SocketAddr),
    None,
}

#[derive(Debug)]
struct Open {
    from: SocketAddr,
    /// Its turn among all.
    nth: u64,
    since: Instant,
    asked: Asked,
    task: AbortHandle,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    by_address: HashMap<ZonedIp, usize>,
    begun: u64,
}

impl Connections {
    /// Waits until one has ended; for ever while there is none.
    pub(super) async fn next_end(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Some(Err(error)) => error.id(),
        };
        self.forget(id);
    }

    /// Makes room for one from this address: where there is none, by cutting one that has asked nothing. Of those the oldest of the address
    /// that has most, if it has more than this one would; else the oldest of all that has been idle for long.
    pub(super) fn make_room(&mut self, ip: ZonedIp) -> Room {
        let own = self.by_address.get(&ip).copied().unwrap_or(0);
        let is_full = self.open.len() >= MAX_CONNECTIONS;
        if !is_full && own < MAX_CONNECTIONS_PER_ADDRESS {
            return Room::Free;
        }
        let of_own = own >= MAX_CONNECTIONS_PER_ADDRESS;
        let count = |open: &Open| self.by_address.get(&open.from.into()).copied().unwrap_or(0);
        let idle = self.open.iter().filter(|(_, open)| !open.asked.0.load(Ordering::Relaxed));
        let idle = idle.filter(|(_, open)| {
            let long = open.since.elapsed() >= IDLE;
            let crowds = !of_own && count(open) > own + 1;
            (long || crowds) && (!of_own || ZonedIp::from(open.from) == ip)
        });
        let oldest = idle.min_by_key(|(_, open)| (Reverse(count(open)), open.nth));
        let Some((&id, _)) = oldest else { return Room::None };
        let Some(cut) = self.forget(id) else { return Room::None };
        cut.task.abort();
        Room::Made(cut.from)
    }

    /// One more begins.
    pub(super) fn begin<F>(&mut self, from: SocketAddr, converse: impl FnOnce(Asked) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let asked = Asked::default();
        let task = self.tasks.spawn(converse(asked.clone()));
        *self.by_address.entry(from.into()).or_default() += 1;
        self.begun += 1;
        self.open.insert(task.id(), Open { from, nth: self.begun, since: Instant::now(), asked, task });
    }

    fn forget(&mut self, id: Id) -> Option<Open> {
        let ended = self.open.remove(&id)?;
        let ip = ZonedIp::from(ended.from);
        if let Some(n) = self.by_address.get_mut(&ip) {
            *n -= 1;
            if *n == 0 {
                self.by_address.remove(&ip);
            }
        }
        Some(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], port))
    }

    /// One more that asks at once, or never.
    fn one_more(open: &mut Connections, from: SocketAddr, asks: bool) -> Room {
        let room = open.make_room(from.into());
        if room != Room::None {
            open.begin(from, |asked| {
                if asks {
                    asked.note();
                }
                std::future::pending()
            });
        }
        room
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_of_many_addresses_make_room_for_whoever_asks() {
        let mut open = Connections::default();
        for nth in 0..=255_u8 {
            assert_eq!(one_more(&mut open, from(1 + nth / 16, nth.into()), false), Room::Free);
        }
        for healthy in 100..220 {
            assert!(matches!(one_more(&mut open, from(healthy, 9), true), Room::Made(_)), "{healthy}");
        }
        assert_eq!(open.open.len(), MAX_CONNECTIONS);
        let asked = open.open.values().filter(|open| open.asked.0.load(Ordering::Relaxed)).count();
        assert_eq!(asked, 120, "whoever asks is not cut");
    }

    #[tokio::test(start_paused = true)]
    async fn of_one_address_another_one_takes_the_place_of_one_that_was_idle_for_long() {
        let mut open = Connections::default();
        for nth in 0..16 {
            assert_eq!(one_more(&mut open, from(1, nth), false), Room::Free);
        }
        assert_eq!(one_more(&mut open, from(1, 99), true), Room::None, "a moment ago all seemed well");
        tokio::time::advance(IDLE).await;
        assert_eq!(one_more(&mut open, from(1, 99), true), Room::Made(from(1, 0)));
        assert_eq!(one_more(&mut open, from(2, 1), true), Room::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_asked_keeps_its_place_until_it_is_answered() {
        let mut open = Connections::default();
        for nth in 0..=255_u8 {
            assert_eq!(one_more(&mut open, from(1 + nth / 16, nth.into()), true), Room::Free);
        }
        tokio::time::advance(IDLE * 9).await;
        assert_eq!(one_more(&mut open, from(99, 1), true), Room::None);
        let (id, task) = open.open.iter().map(|(id, open)| (*id, open.task.clone())).next().unwrap();
        task.abort();
        open.next_end().await;
        assert!(!open.open.contains_key(&id));
        assert_eq!(one_more(&mut open, from(99, 1), true), Room::Free);
    }
}
