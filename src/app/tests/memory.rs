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

#[test]
fn what_a_node_remembers_of_a_day_of_a_thousand_peers_takes_less_than_four_megabytes() {
    let peers: Vec<_> = (1..=1_000).map(|nth| peer(nth, &format!("host{nth}.lab.example"))).collect();
    let mut bench = Bench::new();
    let held = allocation_counter::measure(|| {
        for peer in &peers {
            bench.discovered(peer).state(peer, PeerState::New, PeerState::Up);
        }
        for nth in 0..24 * 6 {
            // Each of them a few times a day.
            for peer in peers.iter().skip(nth % 10).step_by(10) {
                bench.dials(peer, 1).fails(peer, 1, None).state(peer, PeerState::Up, PeerState::Unreachable);
                bench.dials(peer, 1).answers(peer, 1, 840).state(peer, PeerState::Unreachable, PeerState::Up);
            }
            bench.wait(600_000);
        }
    });
    let (attempts, journal) = (bench.app.models.live().attempts(), bench.app.models.live().journal());
    assert_eq!(
        (attempts.len(), journal.len()),
        (crate::app::model::MAX_ATTEMPTS, crate::app::model::MAX_ENTRIES)
    );
    assert!(held.bytes_current < 4_000_000, "{} bytes", held.bytes_current);
}
