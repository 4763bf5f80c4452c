//! The table as one JSON document.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::app::model::{Model, PeerRow, Sample};
use crate::engine::cause::{Cause, Detail};
use crate::engine::interface::Interface;
use crate::engine::matrix::MatrixView;
use crate::engine::peers::{NodeInfo, PeerInfo, PeerState, Via};
use crate::engine::verdict::{Finding, Verdict};

/// Who sees what. The names are those of `vigie list --json`.
#[derive(Serialize)]
struct Document<'a> {
    v: u32,
    ts: Option<String>,
    node: Option<&'a NodeInfo>,
    interfaces: &'a [Interface],
    peers: Vec<ExportedPeer<'a>>,
    /// What is wrong, the gravest first.
    findings: &'a [Arc<Finding>],
    /// Who reaches whom, in the form of `vigie matrix --json`; null before the node has told.
    matrix: Option<&'a MatrixView>,
}

#[derive(Serialize)]
struct ExportedPeer<'a> {
    #[serde(flatten)]
    info: &'a PeerInfo,
    state: PeerState,
    state_ms: u128,
    via: Option<Via>,
    interface: Option<&'a str>,
    rtt_us: Option<u128>,
    connect_us: Option<u128>,
    loss: Option<f32>,
    last_heard_ms: Option<u128>,
    cause: Option<Cause>,
    verdict: Verdict,
    detail: Option<&'a Detail>,
    /// Round trips of the last dials in microseconds, oldest first; null for one that failed.
    history_us: Vec<Option<u32>>,
}

/// All peers, in the order of the table; those that the filter hides are left out, and those of folded groups are not.
pub(super) fn document(model: &Model, now: Instant) -> io::Result<String> {
    let document = Document {
        v: 1,
        ts: model.wall(now).map(|wall| humantime::format_rfc3339_millis(wall).to_string()),
        node: model.node(),
        interfaces: model.interfaces(),
        peers: model.rows(0..usize::MAX).map(|peer| row(peer, now)).collect(),
        findings: model.matrix().findings(),
        matrix: model.matrix().latest().map(Arc::as_ref),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn row(peer: &PeerRow, now: Instant) -> ExportedPeer<'_> {
    ExportedPeer {
        info: &peer.info,
        state: peer.state,
        state_ms: now.saturating_duration_since(peer.since()).as_millis(),
        via: peer.via,
        interface: peer.interface.as_deref(),
        rtt_us: peer.rtt.map(|rtt| Duration::from(rtt).as_micros()),
        connect_us: peer.connect.map(|connect| Duration::from(connect).as_micros()),
        loss: peer.history.loss(),
        last_heard_ms: peer.last_heard().map(|at| now.saturating_duration_since(at).as_millis()),
        cause: peer.cause,
        verdict: peer.verdict,
        detail: peer.detail.as_deref(),
        history_us: peer.history.last(usize::MAX).map(answered).collect(),
    }
}

fn answered(sample: Sample) -> Option<u32> {
    match sample {
        Sample::Answered(us) => Some(us),
        Sample::Failed(_) => None,
    }
}
