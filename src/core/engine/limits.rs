//! Every cap and constant of the engine, each with the reason for its figure.

use std::time::Duration;

/// Peers in the table: eight times what one link's neighbour table holds (`gc_thresh3` = 1 024 on Linux), at
/// well under 1 kB each.
pub const MAX_PEERS: usize = 16_384;

/// Peers that have not proved their address yet. A flood of forged presences fills this part of the table
/// only; the oldest make room. Above the 1 000 nodes that may start at the same moment on one large link.
pub const MAX_UNPROVEN: usize = 2_048;

/// Nodes behind one address: far more than anybody runs on one host, far less than a forger would like.
pub const MAX_NODES_PER_ADDRESS: u16 = 32;

/// Addresses remembered of one peer: a host with more shared links is rare, and loses only the oldest.
pub const MAX_PATHS: usize = 4;

/// Peers that a person may name.
pub const MAX_STATIC: usize = 1_024;

/// Dials under way at once: more do not raise the throughput of one thread (they only queue in the kernel).
pub const MAX_DIALS_IN_FLIGHT: usize = 64;

/// First dials a second to peers that have not proved their address (see the reflection rule of the protocol):
/// what a forger could make one node send to a third party, in SYN packets a second.
pub const UNPROVEN_DIALS_PER_SECOND: u32 = 5;

/// How long a new peer is given to prove its address before it is dialed without proof.
pub const PROOF_GRACE: Duration = Duration::from_secs(1);

/// Unicast presences a second in answer to others: a thousand newcomers are greeted in ten seconds with half
/// of it.
pub const ANSWERS_PER_SECOND: u32 = 200;

/// Unicast presences a second to senders that are on no link of ours: enough for people's `--peer` entries.
pub const OFF_LINK_ANSWERS_PER_SECOND: u32 = 10;

/// Up to this many known peers, a hello is answered at once.
pub const ANSWER_AT_ONCE: usize = 16;

/// Above that, the answer waits a random time up to this for each known peer, so that a newcomer receives about
/// a hundred answers a second.
pub const ANSWER_SPREAD: Duration = Duration::from_millis(10);

/// The longest such wait.
pub const MAX_ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Introductions to a peer that never echoes, before only its hellos are answered.
pub const MAX_INTRODUCTIONS: u8 = 4;

/// Between the hellos after the start and after a change of the interfaces: they are at 0, 0.5 and 2 s.
pub const HELLO_GAPS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1_500)];

/// Between the goodbyes: three, because one may be lost, and all within a tenth of a second.
pub const GOODBYE_GAPS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(40)];

/// Jitter of the presence period: ±10 %, so that nodes started together drift apart.
pub const PERIOD_JITTER: f64 = 0.1;

/// First dials are spread over a random time up to this for each known peer, so that a newcomer is not dialed by
/// all at once.
pub const DIAL_SPREAD: Duration = Duration::from_millis(10);

/// Rounds in which a peer must have been heard from another address only, before it is dialed there.
pub const ROUNDS_BEFORE_MOVE: u8 = 2;

/// How long the old address is given to say that the peer is still there.
pub const MOVE_PATIENCE: Duration = Duration::from_millis(300);

/// Rounds after which an address that a peer is heard from again counts as a new one: so many in a row are not lost, even
/// where a third of the datagrams is.
pub const ROUNDS_BEFORE_NEW: u8 = 8;

/// Largest plausible step of a sequence number; a larger one is refused, or one forged datagram would make the
/// real ones look like replays.
pub const MAX_SEQUENCE_STEP: u64 = 1 << 20;

/// How long a silent peer stays in the table.
pub const SILENT_KEPT: Duration = Duration::from_hours(1);

/// How long a silent peer that never proved its address stays in the table.
pub const UNPROVEN_KEPT: Duration = Duration::from_mins(1);

/// How long a peer that said goodbye stays in the table, so that its late datagrams do not revive it.
pub const LEFT_KEPT: Duration = Duration::from_mins(5);

/// A timer later than this means that the whole process or machine stood still: nobody is blamed for silence.
pub const STALL: Duration = Duration::from_secs(1);

/// Between two look-ups of a host name that had no address.
pub const RESOLVE_AGAIN: Duration = Duration::from_secs(30);

/// Shortest time between two `rejected` events of one reason.
pub const REJECTED_WINDOW: Duration = Duration::from_secs(1);

/// The window of a reason that goes on doubles up to this.
pub const MAX_REJECTED_WINDOW: Duration = Duration::from_mins(1);

/// How late the timers of single peers may run when there are many: invisible beside the jitter of every wait.
pub const TIMER_SLACK: Duration = Duration::from_millis(25);

/// With many peers, regular dials begin in steps of this: the few that fall into one step share their wake-ups, which cost
/// more than what is done in them. At a hundred peers and the default interval that is five dials a step.
pub const DIAL_STEP: Duration = Duration::from_millis(500);
