//! The faults of the networks with one fault, and what may be said of each.

use rand::RngExt;
use rand::rngs::StdRng;

use vigie::engine::NodeId;
use vigie::engine::verdict::{Finding, Pattern, Verdict};
use vigie::testkit::{HostId, Lan, Link, Tcp};

/// What may be said of a fault: these verdicts, of these nodes; by everybody or by these alone.
#[derive(Debug)]
pub(super) struct Truth {
    pub(super) fault: &'static str,
    verdicts: Vec<Verdict>,
    pub(super) about: Vec<HostId>,
    /// What the host that is cut off may say beside that: of itself or of everybody.
    cut_off: Vec<(HostId, Verdict)>,
}

impl Truth {
    pub(super) fn of(fault: &'static str, verdicts: &[Verdict], about: &[HostId]) -> Self {
        Self { fault, verdicts: verdicts.to_vec(), about: about.to_vec(), cut_off: Vec::new() }
    }

    /// A host that is cut off sees the same of the others as they of it: it may take its own link, or theirs, for broken.
    fn cut_off(mut self, hosts: &[HostId]) -> Self {
        for host in hosts {
            self.cut_off
                .extend([Verdict::LocalProblem, Verdict::HostDown, Verdict::Isolated].map(|v| (*host, v)));
        }
        self
    }

    pub(super) fn allows(&self, by: HostId, finding: &Finding, ids: &[NodeId]) -> bool {
        if self.cut_off.contains(&(by, finding.verdict)) {
            return true;
        }
        let involved = |id: &NodeId| {
            ids.iter().position(|other| other == id).is_some_and(|nth| self.about.contains(&HostId(nth)))
        };
        // What is said of a pair accuses neither; else the first one is accused, and of islands all are told.
        let right = match finding.pattern {
            Pattern::Pair => finding.nodes.iter().any(involved),
            Pattern::Islands => finding.nodes.iter().all(involved),
            // That packets are lost everywhere accuses nobody, and looks so to the one that loses them.
            Pattern::Scattered if finding.verdict == Verdict::PacketLoss => self.about.contains(&by),
            _ => finding.nodes.first().is_some_and(involved),
        };
        right && self.verdicts.contains(&finding.verdict)
    }
}

fn all_to(lan: &mut Lan, hosts: &[HostId], to: HostId, change: impl Fn(&mut Link)) {
    hosts.iter().filter(|from| **from != to).for_each(|from| lan.towards(*from, to, &change));
}

fn all_from(lan: &mut Lan, hosts: &[HostId], from: HostId, change: impl Fn(&mut Link)) {
    hosts.iter().filter(|to| **to != from).for_each(|to| lan.towards(from, *to, &change));
}

fn cut(link: &mut Link) {
    link.udp = false;
    link.tcp = Tcp::Dropped;
}

/// Cuts all links between two sides as a switch does: the system finds no neighbour there.
fn unreachable(lan: &mut Lan, one: &[HostId], other: &[HostId]) {
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
        lan.between(a, b, |link| {
            link.udp = false;
            link.tcp = Tcp::Prohibited;
        });
    }
}

/// Makes one fault, and says what may be said of it.
pub(super) fn inject(lan: &mut Lan, hosts: &[HostId], rng: &mut StdRng) -> Truth {
    use Verdict as V;
    let x = hosts[rng.random_range(0..hosts.len())];
    let y = loop {
        let y = hosts[rng.random_range(0..hosts.len())];
        if y != x {
            break y;
        }
    };
    let others: Vec<HostId> = hosts.iter().copied().filter(|host| *host != x).collect();
    match rng.random_range(0..22) {
        0 => Truth::of("none", &[], &[]),
        1 => {
            lan.kill(x);
            Truth::of("killed", &[V::ClosedPort], &[x])
        }
        2 => {
            lan.switch_off(x);
            Truth::of("switched off", &[V::HostDown], &[x])
        }
        3 => {
            lan.pause(x);
            Truth::of("stopped", &[V::HungPeer], &[x])
        }
        4 => {
            all_to(lan, hosts, x, |link| link.tcp = Tcp::DroppedSyn);
            Truth::of("TCP in dropped", &[V::FirewallDrop], &[x])
        }
        5 => {
            all_from(lan, hosts, x, |link| link.tcp = Tcp::DroppedSyn);
            Truth::of("TCP out dropped", &[V::FirewallDrop], &[x])
        }
        6 => {
            all_to(lan, hosts, x, |link| link.tcp = Tcp::Rejected);
            Truth::of("TCP reset", &[V::FirewallReject], &[x])
        }
        7 => {
            all_to(lan, hosts, x, |link| link.tcp = Tcp::Prohibited);
            Truth::of("TCP prohibited", &[V::FirewallReject], &[x])
        }
        8 => {
            all_to(lan, hosts, x, |link| link.udp = false);
            Truth::of("UDP in dropped", &[V::OneWayUdp], &[x])
        }
        9 => {
            all_from(lan, hosts, x, |link| link.udp = false);
            Truth::of("UDP out dropped", &[V::OneWayUdp], &[x])
        }
        10 => {
            all_to(lan, hosts, x, |link| link.udp = false);
            all_from(lan, hosts, x, |link| link.udp = false);
            Truth::of("UDP dropped", &[V::UdpBlocked], &[x])
        }
        11 => {
            all_to(lan, hosts, x, |link| link.broadcast = false);
            Truth::of("broadcasts in dropped", &[V::BroadcastBlocked], &[x])
        }
        12 => {
            all_from(lan, hosts, x, |link| link.broadcast = false);
            Truth::of("broadcasts out dropped", &[V::BroadcastBlocked], &[x])
        }
        13 => {
            let loss = rng.random_range(0.2..0.4);
            all_to(lan, hosts, x, |link| link.loss = loss);
            Truth::of("loss", &[V::PacketLoss], &[x])
        }
        14 => {
            all_to(lan, hosts, x, |link| link.large = false);
            Truth::of("small MTU", &[V::Mtu], &[x])
        }
        15 => {
            lan.between(x, y, cut);
            Truth::of("one pair cut", &[V::Isolated], &[x, y])
        }
        16 => {
            lan.towards(x, y, |link| link.tcp = Tcp::DroppedSyn);
            Truth::of("one pair's TCP, one way", &[V::OneWayTcp], &[x, y])
        }
        17 => {
            lan.towards(x, y, cut);
            Truth::of("one pair, one way", &[V::OneWayUdp], &[x, y])
        }
        18 => {
            lan.partition(&[x], &others);
            Truth::of("cut off", &[V::HostDown], &[x]).cut_off(&[x])
        }
        19 => {
            let (one_side, other_side) = hosts.split_at(rng.random_range(1..hosts.len()));
            lan.partition(one_side, other_side);
            Truth::of("islands", &[V::Isolated], hosts).cut_off(hosts)
        }
        20 => {
            unreachable(lan, &[x], &others);
            Truth::of("cable pulled", &[V::HostDown], &[x]).cut_off(&[x])
        }
        _ => {
            let (one_side, other_side) = hosts.split_at(rng.random_range(1..hosts.len()));
            unreachable(lan, one_side, other_side);
            Truth::of("switches apart", &[V::Isolated], hosts).cut_off(hosts)
        }
    }
}
