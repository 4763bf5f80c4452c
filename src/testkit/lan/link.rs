//! One direction between two hosts, and what is wrong with it.

use std::time::Duration;

/// What happens to TCP segments of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    /// They pass.
    Open,
    /// They vanish.
    Dropped,
    /// Those that open a connection vanish.
    DroppedSyn,
    /// They are answered by a reset.
    Rejected,
    /// They are answered by an ICMP message that says that the host cannot be reached.
    Prohibited,
}

/// One direction between two hosts.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The least and the most that a packet takes.
    pub latency: (Duration, Duration),
    /// Share of packets that is lost; segments of TCP are sent again.
    pub loss: f64,
    /// Share of datagrams that is delivered twice.
    pub duplicates: f64,
    /// Share of datagrams that arrive up to this much later, behind others.
    pub late: (f64, Duration),
    /// Datagrams pass.
    pub udp: bool,
    /// Broadcasts pass, too.
    pub broadcast: bool,
    /// What happens to TCP segments.
    pub tcp: Tcp,
    /// Datagrams of more than 1 300 bytes pass, too.
    pub large: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            latency: (Duration::from_micros(100), Duration::from_micros(300)),
            loss: 0.0,
            duplicates: 0.0,
            late: (0.0, Duration::ZERO),
            udp: true,
            broadcast: true,
            tcp: Tcp::Open,
            large: true,
        }
    }
}
