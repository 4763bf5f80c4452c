//! Any pages and wants, by exchanges of a peer that proved itself: what is kept of them stays within its bounds, is told on and judged,
//! and changes nothing of what the node sees itself.

use crate::engine::api::{Command, ConnId, Input};
use crate::engine::peers::PeerState;
use crate::proto::exchange::{HEADER, Request};
use crate::proto::rows::MAX_PAGES;
use crate::testkit::{Solo, request, secs};

/// Has a peer tell them, three times, and the diagnosis look at them.
pub fn pages(bytes: &[u8]) {
    let mut solo = Solo::new(|_| {});
    solo.request("10.0.0.2:40000", 2);
    solo.run_for(secs(2));
    for (_, dial, _) in solo.dials.split_off(0) {
        solo.answer(dial, 2, 1_000);
    }
    assert_eq!(solo.rows()[0].state, PeerState::Up);
    let cut = bytes.first().map_or(0, |at| usize::from(*at) * bytes.len() / 256);
    let (rows, wants) = bytes.split_at(cut);
    let rows = &rows[..rows.len().min(MAX_PAGES)];
    for (rows, wants) in [(rows, None), (rows, Some(wants)), (wants, None)] {
        let request = Request { rows: Some(rows.into()), wants: wants.map(Into::into), ..request(2) };
        let (conn, from) = (ConnId(7), ([10, 0, 0, 2], 40_000).into());
        let body = &request.encode()[HEADER..];
        let before = solo.replies.len();
        solo.tell(Input::Request { conn, from, link: None, body: Ok(body), sealed: false });
        assert_eq!(solo.replies.len(), before + 1);
        solo.tell(Input::Command(Command::RequestMatrix));
        solo.run_for(secs(1));
        solo.engine.check_invariants();
    }
    solo.run_for(secs(3));
    let rows = solo.rows();
    assert!(rows.iter().any(|row| row.info.id.is_some_and(|id| id.0 == 2) && row.state == PeerState::Up));
}
