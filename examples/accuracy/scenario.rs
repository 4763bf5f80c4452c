//! A scenario: a network, its faults and when each begins and ends, all drawn from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use vigie::testkit::{HostId, ms, secs};

use super::kinds::{About, KINDS, Kind};

/// Background loss, in percent of the datagrams of every link.
pub(crate) const LOSSES: [u32; 3] = [0, 5, 20];
/// Faults at a time, at most.
pub(crate) const MAX_FAULTS: u32 = 5;
/// After so long a healthy network has settled.
const SETTLED: Duration = secs(30);
/// After its end a fault may be told for so long.
pub(crate) const WITHDRAWAL: Duration = secs(30);
/// So long after that a run goes on: then nothing may be told any more.
const AFTERWARDS: Duration = secs(20);

/// A fault in a network.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Of which kind.
    pub(crate) kind: &'static Kind,
    /// The host; the two of a pair; all on one side.
    pub(crate) hosts: Vec<HostId>,
    /// When it begins; 0 is before the first node starts.
    pub(crate) begins: Duration,
    /// When it ends, if it does before the run does.
    pub(crate) ends: Option<Duration>,
    /// The share of packets that is lost, of what loses packets.
    pub(crate) share: f64,
}

/// What happens to a network that is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A node says goodbye.
    Quits,
    /// A node is killed and runs again at once.
    Restarts,
    /// A person dials all.
    DialsAll,
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// From which all is drawn.
    pub(crate) seed: u64,
    /// How many hosts there are.
    pub(crate) hosts: usize,
    /// Background loss in percent.
    pub(crate) loss: u32,
    /// What is wrong.
    pub(crate) faults: Vec<Fault>,
    /// What is not.
    pub(crate) deeds: Vec<(Duration, HostId, Deed)>,
    /// How long it goes on.
    pub(crate) lasts: Duration,
    /// One fault befell half of the hosts or more.
    pub(crate) of_many: bool,
    /// The nodes that are asked what they hold.
    pub(crate) asked: Vec<HostId>,
}

/// Nodes that are asked in each run, so that large networks do not outweigh small ones.
const ASKED: usize = 8;

impl Scenario {
    /// The one with this seed, of this many hosts, with this background loss.
    pub(crate) fn drawn(seed: u64, hosts: usize, loss: u32) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ ((hosts as u64) << 32) ^ (u64::from(loss) << 48));
        let mut scenario = Self {
            seed,
            hosts,
            loss,
            faults: Vec::new(),
            deeds: Vec::new(),
            lasts: Duration::ZERO,
            of_many: false,
            asked: Vec::new(),
        };
        let mut cast = Cast::drawn(&mut rng, hosts);
        match rng.random_range(0..100_u32) {
            0..20 => scenario.draw_deeds(&mut rng),
            20..30 => scenario.draw_fault_of_many(&mut rng, &mut cast),
            _ => scenario.draw_faults(&mut rng, &mut cast),
        }
        let ended = |fault: &Fault| fault.ends.unwrap_or(fault.begins + fault.kind.notice + AFTERWARDS);
        let last = scenario.faults.iter().map(ended).max().unwrap_or(SETTLED * 2);
        scenario.lasts = last + WITHDRAWAL + AFTERWARDS;
        scenario.asked = scenario.draw_asked(&mut rng, &cast);
        scenario
    }

    fn draw_deeds(&mut self, rng: &mut StdRng) {
        for nth in 0..rng.random_range(0..=2_u32) {
            let deed = [Deed::Quits, Deed::Restarts, Deed::DialsAll][rng.random_range(0..3_u32) as usize];
            let at = SETTLED + ms(rng.random_range(0..20_000));
            self.deeds.push((at, HostId(nth as usize), deed));
        }
    }

    fn draw_faults(&mut self, rng: &mut StdRng, cast: &mut Cast) {
        let wanted = [1, 1, 1, 2, 2, 2, 3, 3, 4, MAX_FAULTS][rng.random_range(0..10_u32) as usize];
        let from_start = rng.random_bool(0.2);
        let mut tries = 0;
        while self.faults.len() < wanted as usize && tries < 40 {
            tries += 1;
            let kind = drawn_kind(rng);
            let early = kind.must_be_first() || from_start && kind.may_be_first();
            let told_apart = self.loss < 20 || kind.name != "packets lost";
            let twice = kind.about == About::Sides && self.splits().next().is_some();
            if !told_apart || twice {
                continue;
            }
            let Some(hosts) = cast.take(rng, kind) else { continue };
            let begins = if early { Duration::ZERO } else { SETTLED + ms(rng.random_range(0..20_000)) };
            self.faults.push(drawn_fault(rng, kind, hosts, begins));
        }
    }

    /// The same befalls half of the hosts or more within a second.
    fn draw_fault_of_many(&mut self, rng: &mut StdRng, cast: &mut Cast) {
        let many: Vec<&'static Kind> = KINDS.iter().filter(|kind| kind.may_be_of_many()).collect();
        let kind = many[below(rng, many.len())];
        let count = self.hosts.div_ceil(2) + below(rng, cast.free.len() + 1 - self.hosts.div_ceil(2));
        let begins = SETTLED + ms(rng.random_range(0..20_000));
        let like = drawn_fault(rng, kind, Vec::new(), begins);
        for _ in 0..count {
            let Some(hosts) = cast.take(rng, kind) else { return };
            let later = ms(rng.random_range(0..1_000));
            let ends = like.ends.map(|ends| ends + later);
            self.faults.push(Fault { hosts, begins: begins + later, ends, ..like.clone() });
        }
        self.of_many = true;
    }

    /// Those that stay healthy, those of the faults, then others.
    fn draw_asked(&self, rng: &mut StdRng, cast: &Cast) -> Vec<HostId> {
        let mut asked = cast.steady.clone();
        asked.extend(self.faults.iter().flat_map(Fault::ends_of_it));
        let mut all: Vec<HostId> = (0..self.hosts).map(HostId).collect();
        all.shuffle(rng);
        asked.extend(all);
        let mut seen = vec![false; self.hosts];
        asked.retain(|host| !std::mem::replace(&mut seen[host.0], true));
        asked.truncate(ASKED);
        asked
    }

    /// The faults that divide the network.
    pub(crate) fn splits(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| fault.kind.about == About::Sides)
    }
}

/// A number below this one, the same on every machine.
fn below(rng: &mut StdRng, most: usize) -> usize {
    let most = u32::try_from(most).expect("there are fewer hosts and kinds");
    rng.random_range(0..most) as usize
}

fn drawn_kind(rng: &mut StdRng) -> &'static Kind {
    let all: u32 = KINDS.iter().map(Kind::weight).sum();
    let mut left = rng.random_range(0..all);
    let drawn = KINDS.iter().find(|kind| {
        let is_it = left < kind.weight();
        left = left.saturating_sub(kind.weight());
        is_it
    });
    drawn.expect("one has what is left")
}

fn drawn_fault(rng: &mut StdRng, kind: &'static Kind, hosts: Vec<HostId>, begins: Duration) -> Fault {
    let stands = kind.notice + secs(10) + ms(rng.random_range(0..30_000));
    let told_from = begins.max(SETTLED);
    let ends = rng.random_bool(0.8).then_some(told_from + stands);
    let share = f64::from(rng.random_range(20..=40_u32)) / 100.0;
    Fault { kind, hosts, begins, ends, share }
}

impl Fault {
    /// What it is and where.
    pub(crate) fn place(&self) -> String {
        let at: Vec<String> = self.hosts.iter().map(|host| format!("h{}", host.0)).collect();
        format!("{} at {}", self.kind.name, at.join(" "))
    }

    /// The hosts at which it can be seen from both ends.
    fn ends_of_it(&self) -> impl Iterator<Item = HostId> {
        let of_one_or_two = self.kind.about != About::Sides;
        self.hosts.iter().copied().filter(move |_| of_one_or_two)
    }
}

/// Who may be cast for what: faults that are under way together have hosts of their own.
struct Cast {
    /// Nothing befalls them: two on each side.
    steady: Vec<HostId>,
    free: Vec<HostId>,
    hosts: usize,
}

impl Cast {
    fn drawn(rng: &mut StdRng, hosts: usize) -> Self {
        let mut free: Vec<HostId> = (0..hosts).map(HostId).collect();
        free.shuffle(rng);
        let steady = free.split_off(hosts - if hosts < 8 { 2 } else { 4 });
        Self { steady, free, hosts }
    }

    fn take(&mut self, rng: &mut StdRng, kind: &Kind) -> Option<Vec<HostId>> {
        match kind.about {
            About::Host => Some(vec![self.free.pop()?]),
            About::Pair => {
                let (one, other) = (self.free.pop()?, self.free.pop()?);
                Some(vec![one, other])
            }
            About::Sides => self.side(rng),
        }
    }

    /// One side of a network that falls apart, with two steady nodes at least on each.
    fn side(&mut self, rng: &mut StdRng) -> Option<Vec<HostId>> {
        while self.steady.len() < 4 {
            self.steady.push(self.free.pop()?);
        }
        let count = below(rng, self.hosts - 3);
        let mut others: Vec<HostId> = (0..self.hosts).map(HostId).collect();
        others.retain(|host| !self.steady.contains(host));
        others.shuffle(rng);
        let mut side = [&self.steady[..2], &others[..count]].concat();
        side.sort_unstable();
        Some(side)
    }
}

#[cfg(test)]
mod tests {
    use super::super::whole::{SHORT, drawn};
    use super::*;

    #[test]
    fn a_seed_draws_the_same_network_each_time_and_faults_of_one_time_have_hosts_of_their_own() {
        let networks = drawn(SHORT, 100);
        assert_eq!(format!("{networks:?}"), format!("{:?}", drawn(SHORT, 100)));
        for network in networks {
            let of_hosts = network.faults.iter().filter(|fault| fault.kind.about != About::Sides);
            let mut hosts: Vec<HostId> = of_hosts.flat_map(|fault| fault.hosts.clone()).collect();
            let all = hosts.len();
            hosts.sort_unstable();
            hosts.dedup();
            assert_eq!(hosts.len(), all, "{network:?}");
            assert!(hosts.len() + 2 <= network.hosts, "two stay healthy: {network:?}");
            assert!(network.faults.iter().all(|fault| fault.ends.is_none_or(|ends| ends < network.lasts)));
        }
    }
}
