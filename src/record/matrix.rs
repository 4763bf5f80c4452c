//! The rows of the matrix, of which the contract tells only what follows from them: its cells.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::NodeId;
use crate::engine::matrix::{MatrixRow, MatrixView};
use crate::engine::observation::Observation;
use crate::engine::segments::Segment;

use super::epoch::Epoch;
use super::peers::{Seen, micros};

/// The rows that were told last, by who told them: one that has not changed since is not told again.
pub(super) type ToldRows = HashMap<NodeId, Arc<HashMap<NodeId, Observation>>>;

/// Of a view.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MatrixMore {
    /// When it was taken.
    at: i64,
    /// Positions of the nodes that are no peers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    second_hand: Vec<usize>,
    /// In the order of the nodes; null where one has told nothing.
    rows: Vec<Option<RowMore>>,
    /// How many rows or cells there was no room for.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    /// The networks of all nodes that are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    segments: Vec<Segment>,
}

/// A row.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct RowMore {
    confirmed: i64,
    fresh_us: u64,
    /// What it says of each; left out where that is what was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<HashMap<NodeId, Seen>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl MatrixMore {
    pub(super) fn of(view: &MatrixView, epoch: Epoch, told: &mut ToldRows) -> Self {
        let MatrixView { at, nodes, rows, findings: _, left_out, segments } = view;
        let before = std::mem::take(told);
        let mut row = |owner: NodeId, row: &MatrixRow| {
            let MatrixRow { observations, confirmed, fresh_for } = row;
            let is_told = before.get(&owner).is_some_and(|before| Arc::ptr_eq(before, observations));
            told.insert(owner, Arc::clone(observations));
            let seen = || observations.iter().map(|(of, seen)| (*of, Seen::of(seen, epoch))).collect();
            RowMore {
                confirmed: epoch.number(*confirmed),
                fresh_us: micros(*fresh_for),
                seen: (!is_told).then(seen),
            }
        };
        let rows = nodes.iter().zip(rows).map(|(node, told)| told.as_ref().map(|told| row(node.id, told)));
        let second_hand = nodes.iter().enumerate().filter(|(_, node)| node.second_hand);
        Self {
            at: epoch.number(*at),
            rows: rows.collect(),
            second_hand: second_hand.map(|(nth, _)| nth).collect(),
            left_out: *left_out,
            segments: segments.clone(),
        }
    }

    /// The networks of all nodes that are known.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the node at a position is no peer.
    pub(super) fn is_second_hand(&self, nth: usize) -> bool {
        self.second_hand.contains(&nth)
    }

    /// When it was taken.
    pub(super) fn at(&self, epoch: Epoch) -> Instant {
        epoch.instant(self.at)
    }

    /// How many rows or cells are missing.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// The rows of these nodes.
    pub(super) fn rows(
        &self,
        nodes: impl Iterator<Item = NodeId>,
        epoch: Epoch,
        told: &mut ToldRows,
    ) -> Vec<Option<MatrixRow>> {
        let before = std::mem::take(told);
        let told_rows = self.rows.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let row = |(owner, row): (NodeId, Option<&RowMore>)| {
            let row = row?;
            let observations = match &row.seen {
                Some(seen) => {
                    Arc::new(seen.iter().map(|(of, seen)| (*of, seen.observation(epoch))).collect())
                }
                None => Arc::clone(before.get(&owner)?),
            };
            told.insert(owner, Arc::clone(&observations));
            let (confirmed, fresh_for) = (epoch.instant(row.confirmed), Duration::from_micros(row.fresh_us));
            Some(MatrixRow { observations, confirmed, fresh_for })
        };
        nodes.zip(told_rows).map(row).collect()
    }
}
