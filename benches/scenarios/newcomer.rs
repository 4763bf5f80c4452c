//! The first hello of a node, to its event, its row and its answer; against the least that anybody would do.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::SocketAddr;

use vigie::engine::NodeId;
use vigie::proto::presence::{Kind, Presence};
use vigie::testkit::{Doorstep, presence};

use super::crowd::Stopwatch;
use vigie::testkit::crowd::{Told, Watch};

/// Welcomes at least so many; the nanoseconds of one, on average.
pub(crate) fn welcome(doorstep: &mut Doorstep, newcomers: usize) -> f64 {
    let mut sum = Sum::default();
    let mut welcomed = 0;
    while welcomed < newcomers {
        welcomed += doorstep.welcome(&mut sum);
    }
    sum.took / sum.count
}

#[derive(Default)]
struct Sum {
    stopwatch: Stopwatch,
    took: f64,
    count: f64,
}

impl Watch for Sum {
    fn around(&mut self, told: Told, work: impl FnOnce()) {
        self.stopwatch.around(told, work);
        self.took += self.stopwatch.latest.1;
        self.count += 1.0;
    }
}

/// The same bare: the hello decoded, its sender put into a table with its name, an answer encoded; nobody is told.
pub(crate) fn bare(doorstep: &mut Doorstep, newcomers: usize) -> f64 {
    let mut sum = Sum::default();
    let mut table: HashMap<NodeId, (SocketAddr, String)> = HashMap::new();
    for _ in 0..newcomers {
        let (from, bytes) = doorstep.next_hello();
        sum.around(Told::Presence, || {
            let hello = Presence::decode(&bytes).expect("a hello");
            table.insert(hello.id, (from, hello.name.to_owned()));
            black_box(presence(Kind::Heartbeat, 1, 1).encode());
        });
        if table.len() == 10 {
            table.clear();
        }
    }
    sum.took / sum.count
}
