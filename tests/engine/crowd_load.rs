//! What a crowd says when much goes wrong: that must not be what keeps it wrong, on a shared medium or a machine of many nodes.

use std::time::Duration;

use vigie::engine::limits::{BURST, BURSTS_OF_ALL_PER_SECOND, NEWS_OF_ALL_PER_SECOND, WATCH_AGAIN};
use vigie::testkit::{Lan, secs};

const NODES: u8 = 60;
/// How long it is counted.
const WINDOW: Duration = secs(30);
/// Neighbours that a node watches, and that watch it.
const WATCHED: f64 = 6.0;

#[test]
fn a_crowd_that_loses_many_packets_measures_that_within_the_share_of_each_node() {
    let mut lan = Lan::new(3);
    lan.record = false;
    lan.hosts(NODES.into());
    lan.run_for(secs(60));
    lan.link.loss = 0.3;
    // What may be done at once is done.
    lan.run_for(secs(40));
    lan.record = true;
    lan.run_for(WINDOW);
    let broadcasts = lan.sent.iter().filter(|sent| sent.to.ip().to_string().ends_with(".255")).count();
    let each =
        |count: usize| f64::from(u32::try_from(count).unwrap()) / f64::from(NODES) / WINDOW.as_secs_f64();
    let (told, asked) = (each(broadcasts), each(lan.sent.len() - broadcasts));
    let share = f64::from(BURSTS_OF_ALL_PER_SECOND) * f64::from(BURST) / f64::from(NODES);
    // What is asked and what is answered; as much again for the regular echoes, the answers and what is asked for others.
    let most = (share + WATCHED / WATCH_AGAIN.as_secs_f64()) * 2.0;
    assert!(asked < most, "{asked} datagrams a second by each node, and {most} are its share");
    let most = f64::from(NEWS_OF_ALL_PER_SECOND) / f64::from(NODES) + 2.0;
    assert!(told < most, "{told} broadcasts a second by each node, and {most} are its share");
}
