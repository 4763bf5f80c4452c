//! What is on its way, in the order in which it arrives.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::api::{ConnId, DialId, Icmp, Socket, TetherEnd, TetherId};
use crate::engine::cause::Failure;

use super::HostId;

/// What a dial brought.
#[derive(Debug, Clone)]
pub(super) struct Replied {
    /// The address that stood by, if the reply came from one.
    pub(super) from_standby: Option<SocketAddr>,
    pub(super) body: Arc<[u8]>,
    /// When the connection stood, and how long that took.
    pub(super) connected: (Instant, Duration),
    /// A reply takes as long at least.
    pub(super) round_trip: Duration,
}

/// What a host's process is told of by its machine.
#[derive(Debug, Clone)]
pub(super) enum Arrival {
    Tick,
    /// A process that is stopped again and again stops, or goes on.
    Turn,
    Datagram {
        from: SocketAddr,
        socket: Socket,
        bytes: Arc<[u8]>,
    },
    Request {
        conn: ConnId,
        from: SocketAddr,
        body: Arc<[u8]>,
        sealed: bool,
    },
    Unreachable {
        to: SocketAddr,
        icmp: Icmp,
    },
    TetherAnswered {
        tether: TetherId,
        result: Result<Arc<[u8]>, Failure>,
    },
    TetherEnded {
        tether: TetherId,
        end: TetherEnd,
    },
    DialEnded {
        dial: DialId,
        result: Result<Replied, Failure>,
    },
}

#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) at: Instant,
    /// Makes the order of what is due together the order of scheduling.
    nth: u64,
    pub(super) host: HostId,
    /// None: whatever process runs there by then.
    pub(super) life: Option<u32>,
    pub(super) what: Arrival,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

#[derive(Debug, Default)]
pub(super) struct Schedule {
    queue: BinaryHeap<Reverse<Scheduled>>,
    nth: u64,
}

impl Schedule {
    pub(super) fn add(&mut self, at: Instant, host: HostId, life: Option<u32>, what: Arrival) {
        self.nth += 1;
        self.queue.push(Reverse(Scheduled { at, nth: self.nth, host, life, what }));
    }

    /// The next that arrives until then.
    pub(super) fn next_until(&mut self, end: Instant) -> Option<Scheduled> {
        self.queue.peek().filter(|Reverse(next)| next.at <= end)?;
        self.queue.pop().map(|Reverse(next)| next)
    }
}
