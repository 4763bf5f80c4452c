//! What the contract's fields of an event leave out: the field `more` of a whole line.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::address::{Endpoint, LinkIndex};
use crate::engine::config::DialInterval;
use crate::engine::event::{Event, Stamped};
use crate::engine::interface::Interface;
use crate::engine::peers::{NodeInfo, PeerInfo};
use crate::engine::verdict::{Evidence, Finding};

use super::epoch::Epoch;
use super::keys::row_of;
use super::matrix::{MatrixMore, ToldRows};
use super::peers::PeerMore;

/// All of it: an event has what belongs to it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct More {
    /// When it was, in microseconds of the node's own clock, which never jumps.
    pub(super) at: i64,
    /// The row of its peer in the node's table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) row: Option<u64>,
    /// Period of the node's regular dials; none if that goes by the number of peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dial_interval_ms: Option<u64>,
    /// The links of its interfaces, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<LinkMore>,
    /// The peer has both addresses, and did not move.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) path_only: bool,
    /// Of its findings, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<FindingMore>,
    /// Of its peers, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) peers: Vec<PeerMore>,
    /// Of the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) matrix: Option<MatrixMore>,
}

/// Of an interface.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LinkMore {
    pub(super) index: Option<u32>,
    /// As `02:00:00:00:00:07`.
    pub(super) hardware: Option<String>,
}

/// Of a finding.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FindingMore {
    /// The row of its peer.
    pub(super) row: u64,
    /// When it began to hold.
    pub(super) since: i64,
    /// Where those are that share a name, and which piece of evidence says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shared_name: Option<(usize, Vec<String>)>,
}

impl More {
    /// What a line leaves out of this event.
    pub(super) fn of(stamped: &Stamped, epoch: Epoch, told: &mut ToldRows) -> Self {
        let plain = Self { at: epoch.number(stamped.at), ..Self::default() };
        let of_peer = |peer: &Arc<PeerInfo>| Some(row_of(peer.key));
        // Every field is named, so that one that is new is not forgotten here.
        let row = match &stamped.event {
            Event::Started { node, interfaces } => {
                return Self { dial_interval_ms: period(node), links: links(&**interfaces), ..plain };
            }
            Event::NodeRenamed { node, from: _ } | Event::IdChanged { node, previous_id: _, twin: _ } => {
                return Self { dial_interval_ms: period(node), ..plain };
            }
            Event::InterfaceUp { interface } | Event::InterfaceDown { interface } => {
                return Self { links: links([&**interface]), ..plain };
            }
            Event::PeerMoved { peer, from: _, to: _, path_only } => {
                return Self { row: of_peer(peer), path_only: *path_only, ..plain };
            }
            Event::Diagnosis(finding) => return Self { findings: vec![of_finding(finding, epoch)], ..plain },
            Event::Snapshot(table) => {
                let peers = table.peers.iter().map(|peer| PeerMore::of(peer, epoch)).collect();
                let (dial_interval_ms, links) = (period(&table.node), links(&*table.interfaces));
                return Self { dial_interval_ms, links, peers, ..plain };
            }
            Event::Matrix(view) => {
                let findings = view.findings.iter().map(|finding| of_finding(finding, epoch)).collect();
                return Self { findings, matrix: Some(MatrixMore::of(view, epoch, told)), ..plain };
            }
            Event::PeerDiscovered { peer, via: _ }
            | Event::PeerState { peer, from: _, to: _ }
            | Event::PeerRestarted { peer, previous_incarnation: _ }
            | Event::BehindNat { peer, seen_at: _, this_node: _ }
            | Event::PeerPath { peer, addr: _, interface: _, from: _, to: _ }
            | Event::PeerLeft { peer, reason: _ }
            | Event::DialStarted { peer, addr: _, attempt: _, max: _, forced: _ }
            | Event::DialSucceeded { peer, addr: _, attempt: _, connect: _, rtt: _ }
            | Event::DialGaveUp { peer, addr: _, attempts: _, cause: _ }
            | Event::DialFailed {
                peer,
                addr: _,
                attempt: _,
                max: _,
                cause: _,
                detail: _,
                errno: _,
                retryable: _,
                retry_in: _,
            } => of_peer(peer),
            Event::ExchangeServed { peer, addr: _ } => peer.as_ref().and_then(of_peer),
            Event::Visited { name: _, addr: _, count: _ }
            | Event::Rejected { from: _, reason: _, count: _ }
            | Event::Lagged { missed: _ }
            | Event::Stopped { reason: _ } => None,
        };
        Self { row, ..plain }
    }
}

fn period(node: &NodeInfo) -> Option<u64> {
    match node.dial_interval {
        DialInterval::Auto => None,
        DialInterval::Every(period) => Some(u64::try_from(period.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// The dial interval of a node of which this is told.
pub(super) fn dial_interval(period_ms: Option<u64>) -> DialInterval {
    period_ms.map_or(DialInterval::Auto, |ms| DialInterval::Every(Duration::from_millis(ms)))
}

fn links<'a>(interfaces: impl IntoIterator<Item = &'a Interface>) -> Vec<LinkMore> {
    let link = |interface: &Interface| LinkMore {
        index: interface.index.map(|LinkIndex(index)| index),
        hardware: interface.hardware.map(|hardware| hardware.to_string()),
    };
    interfaces.into_iter().map(link).collect()
}

fn of_finding(finding: &Finding, epoch: Epoch) -> FindingMore {
    let shared = finding.evidence.iter().enumerate().find_map(|(nth, evidence)| match evidence {
        Evidence::SharedName { addrs } => Some((nth, addrs.iter().map(Endpoint::to_string).collect())),
        _ => None,
    });
    FindingMore { row: row_of(finding.peer.key), since: epoch.number(finding.since), shared_name: shared }
}
