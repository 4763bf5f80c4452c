//! What the tests of the parts share that keep rows: some rows, and the table they are read with.

use std::time::Instant;

use crate::engine::context::TestContext;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::peers::{PeerKey, PeerTable, Via};
use crate::engine::{Incarnation, NodeId};
use crate::proto::rows::{PageHead, append};

use super::page::{entry, gone, page};
use super::remote_rows::RemoteRows;

/// Sees something that is fine.
pub(super) const FINE: fn() -> Observation = || Observation { tcp: PathStatus::Ok, ..Observation::default() };
/// Sees something that fails.
pub(super) const FAILING: fn() -> Observation =
    || Observation { tcp: PathStatus::Failing, ..Observation::default() };

/// What a row tells of a node: fine, failing or gone.
pub(super) type Told = (u128, Option<fn() -> Observation>);

/// A page of the row of node `owner`.
pub(super) fn row_page(
    owner: u128,
    life: u64,
    [from, upto, latest]: [u64; 3],
    told: &[Told],
    now: Instant,
) -> Vec<u8> {
    let mut entries = Vec::new();
    for (id, observation) in told {
        let addr = ([10, 0, 0, 99], 1).into();
        match observation {
            Some(observation) => {
                append(&entry(NodeId(*id), &observation(), "told", addr, now), &mut entries);
            }
            None => append(&gone(NodeId(*id)), &mut entries),
        }
    }
    let (owner, incarnation) = (NodeId(owner), Incarnation(life));
    let count = u16::try_from(told.len()).unwrap();
    page(
        &PageHead {
            owner,
            incarnation,
            from,
            upto,
            latest,
            age_ms: 0,
            dial_interval_ms: None,
            count,
            proof: None,
        },
        &entries,
    )
}

/// Rows, the table they are read with, and a node that nobody hears of: number 1, at 10.0.0.1.
pub(super) struct Bed {
    pub(super) test: TestContext,
    pub(super) peers: PeerTable,
    pub(super) rows: RemoteRows,
}

impl Bed {
    /// With the nodes of these ids in the table.
    pub(super) fn new(ids: &[u8]) -> Self {
        let (mut test, mut peers) = (TestContext::new(|_| {}), PeerTable::default());
        for id in ids {
            let identity = Some((NodeId(u128::from(*id)), Incarnation(1)));
            let addr = ([10, 0, 0, *id], 17_474).into();
            peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap();
        }
        while let Some(key) = peers.next_touched() {
            peers.index_condition(key);
        }
        Self { test, peers, rows: RemoteRows::default() }
    }

    /// `teller` tells a page of the row of `owner`; afterwards all counts agree.
    pub(super) fn tell_by(
        &mut self,
        teller: u128,
        owner: u128,
        life: u64,
        versions: [u64; 3],
        told: &[Told],
    ) {
        self.take(&row_page(owner, life, versions, told, self.test.now), teller);
    }

    /// `teller` tells these pages.
    pub(super) fn take(&mut self, bytes: &[u8], teller: u128) {
        let ctx = self.test.context();
        let _ = self.rows.handle_pages(bytes, NodeId(teller), |_, _| true, &self.peers, &ctx);
        self.rows.check(&self.peers);
    }

    /// A node tells a page of its own row.
    pub(super) fn tell(&mut self, owner: u128, life: u64, versions: [u64; 3], told: &[Told]) {
        self.tell_by(owner, owner, life, versions, told);
    }

    /// A node tells a page of its own row to everybody.
    pub(super) fn news(&mut self, owner: u128, life: u64, versions: [u64; 3], told: &[Told]) {
        let bytes = row_page(owner, life, versions, told, self.test.now);
        let ctx = self.test.context();
        let _ = self.rows.handle_news(&bytes, NodeId(owner), &self.peers, &ctx);
        self.rows.check(&self.peers);
    }

    /// The version that is known of the row of node 2, and of whom it tells.
    pub(super) fn row(&self) -> Option<(u64, Vec<u128>)> {
        let row = self.rows.of(NodeId(2))?;
        let mut ids: Vec<u128> = row.observations().keys().map(|id| id.0).collect();
        ids.sort_unstable();
        Some((row.version(), ids))
    }

    /// The row of a node in the table.
    pub(super) fn key(&self, id: u128) -> PeerKey {
        self.peers.by_id(NodeId(id)).unwrap()
    }
}
