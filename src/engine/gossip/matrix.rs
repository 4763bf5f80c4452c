//! The matrix as it is shown: who reaches whom, as seen from one node at one moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use crate::engine::NodeId;
use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::network::{Network, Networks};
use crate::engine::observation::{Observation, PathStatus, udp_status};
use crate::engine::segments::Segment;
use crate::engine::verdict::Finding;

/// A node of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixNode {
    /// Its identity.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Where it is dialed.
    pub addr: Endpoint,
    /// It is no peer of this node: only others told of it.
    #[serde(skip)]
    pub second_hand: bool,
}

/// What one node said of all others.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixRow {
    /// What it sees of each, by id. Shared: a row that has not changed costs nothing in the next view.
    pub observations: Arc<HashMap<NodeId, Observation>>,
    /// When it was last known to be as it is here.
    pub confirmed: Instant,
    /// How old it may be to be believed: two periods of its owner's regular dials, and the time that one may take.
    pub fresh_for: Duration,
}

impl MatrixRow {
    /// Whether it is so young that it is believed.
    pub fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.confirmed) <= self.fresh_for
    }
}

/// Who reaches whom at one moment. Cheap to keep: what does not change from one to the next is shared.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixView {
    /// When it was taken.
    pub at: Instant,
    /// All nodes: this one first, the others by name.
    pub nodes: Arc<[MatrixNode]>,
    /// Their rows, in the same order; none of a node that has told nothing, or nothing lately enough to be kept.
    pub rows: Vec<Option<MatrixRow>>,
    /// What is wrong, the gravest first.
    pub findings: Vec<Arc<Finding>>,
    /// Rows or cells that were left out for want of room.
    pub left_out: usize,
    /// The networks of all nodes that are known, members that this node does not dial included.
    pub segments: Vec<Segment>,
}

/// One cell: what is known of one direction between two nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Whether UDP of the one arrives at the other.
    pub udp: PathStatus,
    /// Whether the one's dials of the other get their reply.
    pub tcp: PathStatus,
    /// Round trip of the last dial that succeeded.
    pub rtt: Option<Duration>,
    /// Why the last dial failed.
    pub cause: Option<Cause>,
    /// How long ago this was known to be so; none when nothing is known.
    pub age: Option<Duration>,
}

impl Cell {
    /// The worse of UDP and TCP: failing if either fails, ok if both are.
    pub fn worse(&self) -> PathStatus {
        match (self.udp, self.tcp) {
            (PathStatus::Failing, _) | (_, PathStatus::Failing) => PathStatus::Failing,
            (PathStatus::Ok, PathStatus::Ok) => PathStatus::Ok,
            _ => PathStatus::Unknown,
        }
    }
}

impl MatrixView {
    /// What the node at position `from` sees of the one at position `to`; none when it has not said, or too long ago.
    pub fn observation(&self, from: usize, to: usize, now: Instant) -> Option<&Observation> {
        let row = self.rows.get(from)?.as_ref()?;
        row.observations.get(&self.nodes.get(to)?.id).filter(|_| row.is_fresh(now))
    }

    /// What is known of the direction between two nodes, told by both ends. What is too old is unknown.
    pub fn cell(&self, from: usize, to: usize, now: Instant) -> Cell {
        let (mine, theirs) = (self.observation(from, to, now), self.observation(to, from, now));
        let confirmed = |nth: usize| self.rows.get(nth).and_then(Option::as_ref).map(|row| row.confirmed);
        let age = mine.and_then(|_| confirmed(from)).or_else(|| theirs.and_then(|_| confirmed(to)));
        let seen = mine.copied().unwrap_or_default();
        // An exchange that the other one answered is a dial that succeeded, even if the dialer has not said so yet.
        let tcp = match (seen.tcp, theirs.map(|observation| observation.served)) {
            (PathStatus::Unknown, Some(PathStatus::Ok)) => PathStatus::Ok,
            (known, _) => known,
        };
        Cell {
            udp: udp_status(&seen, theirs),
            tcp,
            rtt: seen.rtt,
            cause: seen.cause,
            age: age.map(|at| now.saturating_duration_since(at)),
        }
    }

    /// The network of each node, where they are known to lie in more than one.
    pub fn networks(&self) -> Option<Vec<Network>> {
        if self.segments.len() < 2 {
            return None;
        }
        let known: Networks = self.segments.iter().map(|segment| segment.network).collect();
        let networks: Vec<Network> =
            self.nodes.iter().map(|node| known.narrowest_or_usual(node.addr.ip().to_canonical())).collect();
        networks.iter().any(|network| Some(network) != networks.first()).then_some(networks)
    }

    /// Where a node stands.
    pub fn position(&self, id: NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }
}

/// The contract's form, of the moment at which it was taken.
impl Serialize for MatrixView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            nodes: &'a [MatrixNode],
            cells: Cells<'a>,
            findings: &'a [Arc<Finding>],
        }
        Document { nodes: &self.nodes, cells: Cells(self), findings: &self.findings }.serialize(serializer)
    }
}

/// All cells of a matrix, one after the other: a million of them are never in memory together.
struct Cells<'a>(&'a MatrixView);

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Directed {
            from: NodeId,
            to: NodeId,
            udp: PathStatus,
            tcp: PathStatus,
            rtt_us: Option<u64>,
            cause: Option<Cause>,
            age_ms: Option<u64>,
        }
        let cell = |from: usize, to: usize| {
            let Cell { udp, tcp, rtt, cause, age } = self.0.cell(from, to, self.0.at);
            Directed {
                from: self.0.nodes[from].id,
                to: self.0.nodes[to].id,
                udp,
                tcp,
                rtt_us: rtt.map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
                cause,
                age_ms: age.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            }
        };
        let all = 0..self.0.nodes.len();
        let cells = all.clone().flat_map(|from| all.clone().map(move |to| (from, to)));
        serializer.collect_seq(cells.filter(|(from, to)| from != to).map(|(from, to)| cell(from, to)))
    }
}
