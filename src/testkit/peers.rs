//! Peers as they are told to others, and what else events carry.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slotmap::KeyData;

use crate::engine::config::{DEFAULT_PORT, DialInterval};
use crate::engine::matrix::{MatrixNode, MatrixRow, MatrixView};
use crate::engine::observation::Observation;
use crate::engine::packet_filter::{BlockingRule, Direction, IpVersion, Traffic};
use crate::engine::peers::{DialPhase, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, PeerState, Via};
use crate::engine::verdict::{Advice, Confidence, Finding, FindingId, Pattern, Verdict};
use crate::engine::{Incarnation, NodeId};

/// The peer with this number, which is its id and the row that it has in a table: at 10.0.x.y, by its lowest two bytes.
pub fn peer(number: u64, name: &str) -> Arc<PeerInfo> {
    let [.., high, low] = number.to_be_bytes();
    peer_at(number, name, ([10, 0, high, low], DEFAULT_PORT))
}

/// The same at another address.
pub fn peer_at(number: u64, name: &str, addr: impl Into<SocketAddr>) -> Arc<PeerInfo> {
    Arc::new(PeerInfo {
        key: PeerKey::from(KeyData::from_ffi(number | 1 << 32)),
        id: Some(NodeId(u128::from(number))),
        name: name.into(),
        addr: addr.into().into(),
        incarnation: Some(Incarnation(1)),
    })
}

/// A peer that a person named and that has not answered yet.
pub fn named_peer(number: u64, name: &str) -> Arc<PeerInfo> {
    Arc::new(PeerInfo { id: None, incarnation: None, ..PeerInfo::clone(&peer(number, name)) })
}

/// What a table tells of a peer of which nothing is known but its state.
pub fn row(info: &Arc<PeerInfo>, state: PeerState) -> PeerSnapshot {
    PeerSnapshot {
        info: Arc::clone(info),
        state,
        via: Via::Broadcast,
        rtt_us: None,
        connect: None,
        loss: None,
        last_heard_ms: None,
        last_heard: None,
        cause: None,
        verdict: Verdict::Unknown,
        observation: Observation::default(),
        dial: DialPhase::Resting { next: None },
        interface: None,
        elsewhere: None,
    }
}

/// This node, as it introduces itself.
pub fn node(id: u128, name: &str) -> NodeInfo {
    NodeInfo {
        id: NodeId(id),
        name: name.into(),
        group: "default".into(),
        incarnation: Incarnation(1),
        port: DEFAULT_PORT,
        tcp_port: DEFAULT_PORT,
        version: "0.1.0".into(),
        dial_interval: DialInterval::Auto,
    }
}

/// What is wrong with one peer, with nothing said of how that is known or what to do.
pub fn finding(peer: &Arc<PeerInfo>, verdict: Verdict, since: Instant) -> Finding {
    Finding {
        id: FindingId(peer.id.map_or(0, |NodeId(id)| u64::try_from(id).unwrap_or(u64::MAX))),
        peer: Arc::clone(peer),
        verdict,
        evidence: Vec::new(),
        advice: Advice::Nothing,
        pattern: Pattern::Pair,
        confidence: Confidence::Certain,
        nodes: peer.id.into_iter().collect(),
        names: vec![peer.name.clone()],
        pairs: Vec::new(),
        pair_count: 0,
        since,
        replaces: None,
    }
}

/// How long what was told counts in [`matrix`].
pub const TOLD_FRESH_FOR: Duration = Duration::from_secs(30);

/// The matrix of these nodes, with the row that each has told.
pub fn matrix(at: Instant, nodes: &[Arc<PeerInfo>], told: impl Fn(usize) -> Option<MatrixRow>) -> MatrixView {
    let node = |info: &Arc<PeerInfo>| MatrixNode {
        id: info.id.expect("a node of a matrix has an id"),
        name: info.name.clone(),
        addr: info.addr,
        second_hand: false,
    };
    MatrixView {
        at,
        nodes: nodes.iter().map(node).collect(),
        rows: (0..nodes.len()).map(told).collect(),
        findings: Vec::new(),
        left_out: 0,
        segments: Vec::new(),
    }
}

/// What one node told of others, confirmed at a moment.
pub fn told(confirmed: Instant, observations: impl IntoIterator<Item = (NodeId, Observation)>) -> MatrixRow {
    let observations = Arc::new(observations.into_iter().collect());
    MatrixRow { observations, confirmed, fresh_for: TOLD_FRESH_FOR }
}

/// A rule of this machine's packet filter that drops all TCP connections that come in.
pub fn blocking_rule() -> BlockingRule {
    BlockingRule {
        ip: IpVersion::V4,
        direction: Direction::In,
        stops: vec![Traffic::Tcp],
        interfaces: vec!["eth0".into()],
        rule: "chain inet filter input has the rule 'tcp dport 17474 drop'".into(),
        remedy: "nft insert rule inet filter input tcp dport 17474 accept".into(),
    }
}
