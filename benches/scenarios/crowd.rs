//! A node among many, in steady life: what a presence, a request and a dial cost it, and the diagnosis when everybody says that
//! everybody is out of reach.

use std::time::Duration;

use vigie::testkit::clock::now;
use vigie::testkit::crowd::{Crowd, Rows, Told, Watch};
use vigie::testkit::secs;

use super::Cap;

/// By then everybody has been met, dialed and heard several times.
const SETTLES: Duration = secs(30);

/// A crowd in steady life; none if it does not come to that in time.
pub(crate) fn settled(peers: usize, cap: Cap) -> Option<Crowd> {
    let mut crowd = Crowd::new(peers, |_| {});
    live(&mut crowd, SETTLES, &mut (), cap)?;
    Some(crowd)
}

/// Lives on for so long of its own time; none if that takes too long.
pub(crate) fn live(crowd: &mut Crowd, time: Duration, watch: &mut impl Watch, cap: Cap) -> Option<()> {
    let (begun, end) = (crowd.steps, crowd.now + time);
    while crowd.now < end {
        if cap.is_over(crowd.steps - begun) {
            return None;
        }
        crowd.step(watch);
    }
    Some(())
}

/// Times the latest thing that the engine was told.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    /// What it was, and the nanoseconds that it took.
    pub(crate) latest: (Told, f64),
    /// What measuring nothing takes, to be taken off.
    own: f64,
}

impl Default for Stopwatch {
    fn default() -> Self {
        let mut stopwatch = Self { latest: (Told::Tick, 0.0), own: 0.0 };
        let mut nothing = || {
            stopwatch.around(Told::Tick, || {});
            stopwatch.latest.1
        };
        let mut samples: Vec<f64> = (0..1_001).map(|_| nothing()).collect();
        samples.sort_by(f64::total_cmp);
        stopwatch.own = samples[500];
        stopwatch
    }
}

impl Watch for Stopwatch {
    fn around(&mut self, told: Told, work: impl FnOnce()) {
        let begun = now();
        work();
        let took = begun.elapsed().as_secs_f64() * 1e9;
        self.latest = (told, (took - self.own).max(0.0));
    }
}

/// Nanoseconds that one of a kind took, on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// From the tick that starts a dial to its reply handled and its events taken.
    pub(crate) dial_cycle: f64,
    /// A regular presence of a known peer.
    pub(crate) presence: f64,
    /// A request of a known peer to whom there is nothing new to tell, served.
    pub(crate) request: f64,
}

/// Lives until so many dials have ended, and says what each thing cost; none if that takes too long.
pub(crate) fn costs(crowd: &mut Crowd, dials: u32, cap: Cap) -> Option<Costs> {
    let mut stopwatch = Stopwatch::default();
    let (first, mut cycles, mut ended) = (crowd.steps, 0.0, 0_u32);
    let (mut presence, mut request) = ((0.0, 0.0), (0.0, 0.0));
    while ended < dials {
        if cap.is_over(crowd.steps - first) {
            return None;
        }
        let begun = crowd.dials;
        crowd.step(&mut stopwatch);
        let (told, took) = stopwatch.latest;
        match told {
            Told::Reply => (cycles, ended) = (cycles + took, ended + 1),
            Told::Presence => presence = (presence.0 + took, presence.1 + 1.0),
            Told::Request => request = (request.0 + took, request.1 + 1.0),
            Told::Tick if crowd.dials > begun => cycles += took,
            Told::Tick | Told::Echo => {}
        }
    }
    let mean = |(sum, count): (f64, f64)| sum / count;
    Some(Costs { dial_cycle: cycles / f64::from(ended), presence: mean(presence), request: mean(request) })
}

/// Lives for so long and returns the longest tick, in milliseconds: the step in which the diagnosis is made.
pub(crate) fn longest_tick(crowd: &mut Crowd, time: Duration, cap: Cap) -> Option<f64> {
    let mut stopwatch = Stopwatch::default();
    let (begun, end, mut longest) = (crowd.steps, crowd.now + time, 0.0);
    while crowd.now < end {
        if cap.is_over(crowd.steps - begun) {
            return None;
        }
        crowd.step(&mut stopwatch);
        if let (Told::Tick, took) = stopwatch.latest {
            longest = f64::max(longest, took / 1e6);
        }
    }
    Some(longest)
}

/// A settled crowd in which everybody has told that everybody else is out of reach.
pub(crate) fn accusing(peers: usize, cap: Cap) -> Option<Crowd> {
    let mut crowd = settled(peers, cap)?;
    crowd.tell_rows(Rows::Bad);
    live(&mut crowd, secs(25), &mut (), cap)?;
    Some(crowd)
}
