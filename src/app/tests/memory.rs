//! What the model takes.

use super::*;
use crate::app::model::{Attempt, JournalEntry, PeerRow};

#[test]
fn what_there_are_many_of_is_small() {
    let sizes = [size_of::<PeerRow>(), size_of::<Attempt>(), size_of::<JournalEntry>()];
    assert!(sizes[0] <= 264 && sizes[1] <= 56 && sizes[2] <= 56, "{sizes:?}");
}

#[test]
fn ten_thousand_peers_with_all_that_is_kept_of_them_take_less_than_five_megabytes() {
    let peers: Vec<_> = (1..=10_000).map(|nth| peer(nth, &format!("host{nth}.lab.example"))).collect();
    let mut bench = Bench::new();
    let held = allocation_counter::measure(|| {
        for peer in &peers {
            bench.discovered(peer).dials(peer, 1).answers(peer, 1, 840);
            bench.state(peer, PeerState::New, PeerState::Up);
        }
    });
    assert_eq!(bench.app.models.live().attempts().len(), crate::app::model::MAX_ATTEMPTS);
    let megabytes = 5 * 1_000_000;
    assert!(held.bytes_current < megabytes, "{} bytes", held.bytes_current);
}
