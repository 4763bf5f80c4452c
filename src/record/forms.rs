//! The contract's forms of what events carry, as they are read.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;

use crate::engine::cause::Cause;
use crate::engine::event::{RejectReason, StopReason};
use crate::engine::interface::Interface;
use crate::engine::peers::{LeaveReason, NodeInfo, PathState, PeerState, Via};
use crate::engine::verdict::{Confidence, FindingId, Pattern, Verdict};
use crate::engine::{Incarnation, NodeId};

/// A peer.
#[derive(Debug, Deserialize)]
pub(super) struct PeerForm {
    pub(super) id: Option<NodeId>,
    pub(super) name: String,
    pub(super) addr: String,
    pub(super) incarnation: Option<Incarnation>,
}

/// A finding.
#[derive(Debug, Deserialize)]
pub(super) struct FindingForm {
    pub(super) id: FindingId,
    pub(super) peer: PeerForm,
    pub(super) verdict: Verdict,
    pub(super) evidence: Vec<Arc<str>>,
    pub(super) advice: String,
    pub(super) pattern: Pattern,
    pub(super) confidence: Confidence,
    pub(super) nodes: Vec<NodeId>,
    pub(super) names: Vec<String>,
    pub(super) pairs: Vec<(NodeId, NodeId)>,
    pub(super) pair_count: usize,
    pub(super) replaces: Option<FindingId>,
}

/// A row of the table.
#[derive(Debug, Deserialize)]
pub(super) struct RowForm {
    #[serde(flatten)]
    pub(super) peer: PeerForm,
    pub(super) state: PeerState,
    pub(super) via: Via,
    pub(super) rtt_us: Option<u64>,
    pub(super) loss: Option<f32>,
    pub(super) last_heard_ms: Option<u64>,
    pub(super) cause: Option<Cause>,
    pub(super) verdict: Verdict,
    pub(super) paths: Vec<HeardForm>,
}

/// An address that a peer was heard from.
#[derive(Debug, Deserialize)]
pub(super) struct HeardForm {
    pub(super) addr: String,
    pub(super) last_heard_ms: u64,
    pub(super) interface: Option<Arc<str>>,
    pub(super) state: PathState,
    pub(super) rtt_us: Option<u64>,
}

/// A node of the matrix.
#[derive(Debug, Deserialize)]
pub(super) struct MatrixNodeForm {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) addr: String,
}

/// An event. Where it has no fields but those of the contract that are of no type of ours, they are as they stand there.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum EventForm {
    Started {
        node: NodeInfo,
        interfaces: Vec<Interface>,
    },
    NodeRenamed {
        node: NodeInfo,
        from: String,
    },
    InterfaceUp {
        interface: Interface,
    },
    InterfaceDown {
        interface: Interface,
    },
    IdChanged {
        node: NodeInfo,
        previous_id: NodeId,
        addr: String,
    },
    PeerDiscovered {
        peer: PeerForm,
        via: Via,
    },
    PeerState {
        peer: PeerForm,
        from: PeerState,
        to: PeerState,
    },
    PeerRestarted {
        peer: PeerForm,
        previous_incarnation: Incarnation,
    },
    PeerMoved {
        peer: PeerForm,
        from: Option<String>,
        to: String,
    },
    PeerPath {
        peer: PeerForm,
        addr: String,
        interface: Option<Arc<str>>,
        from: PathState,
        to: PathState,
    },
    Visited {
        name: Arc<str>,
        addr: String,
        count: u64,
    },
    PeerLeft {
        peer: PeerForm,
        reason: LeaveReason,
    },
    DialStarted {
        peer: PeerForm,
        addr: String,
        attempt: u32,
        max: u32,
        forced: bool,
    },
    DialSucceeded {
        peer: PeerForm,
        addr: String,
        attempt: u32,
        connect_us: u64,
        rtt_us: u64,
    },
    DialFailed {
        peer: PeerForm,
        addr: String,
        attempt: u32,
        max: u32,
        cause: Cause,
        detail: Arc<str>,
        errno: Option<i32>,
        retryable: bool,
        retry_in_ms: Option<u64>,
    },
    DialGaveUp {
        peer: PeerForm,
        addr: String,
        attempts: u32,
        cause: Cause,
    },
    ExchangeServed {
        peer: Option<PeerForm>,
        addr: Option<String>,
    },
    Diagnosis(FindingForm),
    Rejected {
        from: String,
        reason: RejectReason,
        count: u64,
    },
    Lagged {
        missed: u64,
    },
    Snapshot {
        node: NodeInfo,
        interfaces: Vec<Interface>,
        peers: Vec<RowForm>,
    },
    Matrix {
        nodes: Vec<MatrixNodeForm>,
        findings: Vec<FindingForm>,
    },
    Stopped {
        reason: StopReason,
    },
    /// One that a later version has.
    #[serde(other)]
    Later,
}

/// What a peer believes to be its address.
pub(super) type Claimed = Option<IpAddr>;
