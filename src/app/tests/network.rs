//! Networks made by hand: views of the matrix and findings, as the node would publish them.

use std::collections::HashMap;

use super::*;
use crate::engine::matrix::MatrixView;
use crate::engine::observation::PathStatus;
use crate::engine::segments::Segment;
use crate::engine::verdict::evidence::{Echo, Who};
use crate::engine::verdict::{Advice, Evidence, Finding, Pattern};

/// How old a row may be in these networks.
pub(super) const FRESH: Duration = testkit::TOLD_FRESH_FOR;

/// A network whose pairs are set one by one. All is well in it at first.
#[derive(Debug, Clone)]
pub(super) struct Network {
    peers: Vec<Arc<PeerInfo>>,
    /// What each sees of each, and when that was last confirmed, in milliseconds before now.
    rows: Vec<Option<(HashMap<NodeId, Observation>, u64)>>,
    findings: Vec<Arc<Finding>>,
    left_out: usize,
    segments: Vec<Segment>,
}

impl Network {
    /// Nodes of these names and last two bytes of their addresses, the first being this node.
    pub(super) fn new(nodes: &[(&str, u16)], now: Instant) -> Self {
        let peers: Vec<_> = nodes.iter().map(|(name, number)| peer(u64::from(*number), name)).collect();
        let mut own = PeerInfo::clone(&peers[0]);
        (own.id, own.key) = (Some(node().id), PeerKey::default());
        let peers: Vec<_> = [Arc::new(own)].into_iter().chain(peers.into_iter().skip(1)).collect();
        let mut network = Self {
            rows: vec![None; peers.len()],
            peers,
            findings: Vec::new(),
            left_out: 0,
            segments: Vec::new(),
        };
        for from in 0..network.peers.len() {
            let others = (0..network.peers.len()).filter(|to| *to != from);
            let observations = others.map(|to| (network.id(to), fine(from * 7 + to * 3, now))).collect();
            network.rows[from] = Some((observations, 1_000));
        }
        network
    }

    pub(super) fn id(&self, nth: usize) -> NodeId {
        self.peers[nth].id.unwrap()
    }

    pub(super) fn peer(&self, nth: usize) -> &Arc<PeerInfo> {
        &self.peers[nth]
    }

    /// As evidence and advice speak of it.
    pub(super) fn who(&self, nth: usize) -> Who {
        if nth == 0 { Who::ThisNode } else { Who::Peer(Arc::clone(&self.peers[nth])) }
    }

    /// Changes what one sees of another.
    pub(super) fn observation(
        &mut self,
        from: usize,
        to: usize,
        change: impl FnOnce(&mut Observation),
    ) -> &mut Self {
        let id = self.id(to);
        if let Some((observations, _)) = &mut self.rows[from] {
            change(observations.entry(id).or_default());
        }
        self
    }

    /// The one's dials of the other fail for this cause, and the other serves none.
    pub(super) fn tcp_fails(&mut self, from: usize, to: usize, cause: Cause) -> &mut Self {
        self.observation(from, to, |observation| {
            // As a node does, which keeps the last round trip.
            (observation.tcp, observation.cause) = (PathStatus::Failing, Some(cause));
        });
        self.observation(to, from, |observation| observation.served = PathStatus::Failing)
    }

    /// Nothing of the one arrives at the other.
    pub(super) fn cut(&mut self, from: usize, to: usize) -> &mut Self {
        self.tcp_fails(from, to, Cause::TimedOut);
        self.observation(from, to, |observation| {
            (observation.echo, observation.loss) = (PathStatus::Failing, Some(100));
        });
        self.observation(to, from, |observation| {
            (observation.broadcast, observation.unicast, observation.echo) =
                (PathStatus::Failing, PathStatus::Failing, PathStatus::Failing);
        })
    }

    /// All is well between the two.
    pub(super) fn mend(&mut self, from: usize, to: usize, now: Instant) -> &mut Self {
        self.observation(from, to, |observation| *observation = fine(from, now)).observation(
            to,
            from,
            |observation| *observation = fine(to, now),
        )
    }

    /// What one said was confirmed so long ago.
    pub(super) fn said(&mut self, nth: usize, milliseconds_ago: u64) -> &mut Self {
        if let Some((_, ago)) = &mut self.rows[nth] {
            *ago = milliseconds_ago;
        }
        self
    }

    /// One has told nothing.
    pub(super) fn silent(&mut self, nth: usize) -> &mut Self {
        self.rows[nth] = None;
        self
    }

    /// One goes.
    pub(super) fn without(&self, nth: usize) -> Self {
        let mut network = self.clone();
        network.peers.remove(nth);
        network.rows.remove(nth);
        network
    }

    pub(super) fn leave_out(&mut self, count: usize) -> &mut Self {
        self.left_out = count;
        self
    }

    /// So many nodes are known in networks, and so many of them dialed.
    pub(super) fn segments(&mut self, all: &[(&str, usize, usize)]) -> &mut Self {
        let segment = |(network, known, dialed): &(&str, usize, usize)| Segment {
            network: network.parse().unwrap(),
            known: *known,
            dialed: *dialed,
        };
        self.segments = all.iter().map(segment).collect();
        self
    }

    /// Something is wrong.
    pub(super) fn finds(
        &mut self,
        verdict: Verdict,
        pattern: Pattern,
        nodes: &[usize],
        pairs: &[(usize, usize)],
        advice: Advice,
        now: Instant,
    ) -> &mut Self {
        let finding = Finding {
            evidence: vec![
                Evidence::Common { node: self.who(nodes[0]), pairs: pairs.len() },
                Evidence::Udp {
                    from: Who::ThisNode,
                    to: self.who(nodes[0]),
                    echo: Some(Echo::Returned { lost: 0, large_lost: false }),
                    heard: None,
                },
            ],
            advice,
            pattern,
            nodes: nodes.iter().map(|nth| self.id(*nth)).collect(),
            names: nodes.iter().map(|nth| self.peers[*nth].name.clone()).collect(),
            pairs: pairs.iter().map(|(from, to)| (self.id(*from), self.id(*to))).collect(),
            pair_count: pairs.len(),
            ..testkit::finding(&self.peers[nodes[0]], verdict, now)
        };
        self.findings.push(Arc::new(finding));
        self
    }

    /// The findings.
    pub(super) fn findings(&self) -> &[Arc<Finding>] {
        &self.findings
    }

    /// As it is told at a moment.
    pub(super) fn view(&self, now: Instant) -> Arc<MatrixView> {
        let row = |nth: usize| {
            let (observations, ago) = self.rows[nth].clone()?;
            Some(testkit::told(now.checked_sub(Duration::from_millis(ago)).unwrap(), observations))
        };
        let view = testkit::matrix(now, &self.peers, row);
        let (findings, segments) = (self.findings.clone(), self.segments.clone());
        Arc::new(MatrixView { findings, left_out: self.left_out, segments, ..view })
    }
}

fn fine(salt: usize, now: Instant) -> Observation {
    let ok = PathStatus::Ok;
    Observation {
        tcp: ok,
        echo: ok,
        broadcast: ok,
        unicast: ok,
        served: ok,
        large: PathStatus::Unknown,
        loss: Some(0),
        cause: None,
        rtt: Some(Duration::from_micros(300 + salt as u64 * 157 % 2_500)),
        checked: now.checked_sub(Duration::from_secs(4)),
        alive: now.checked_sub(Duration::from_secs(2)),
        at: None,
        told_since: None,
    }
}

/// Eight nodes: the firewall of `h2` drops TCP, `h7` has said nothing for a minute, `h5` does not reach `h6`, and `h8` has
/// told nothing yet.
pub(super) fn eight(now: Instant) -> Network {
    let names = [
        ("alice", 5),
        ("h2", 12),
        ("h3", 13),
        ("h4", 14),
        ("h5", 0x115),
        ("h6", 0x116),
        ("h7", 17),
        ("h8", 18),
    ];
    let mut network = Network::new(&names, now);
    let column: Vec<_> = [0, 2, 3, 4, 5].map(|from| (from, 1)).to_vec();
    for (from, to) in &column {
        network.tcp_fails(*from, *to, Cause::TimedOut);
    }
    network.cut(4, 5).said(6, 75_000).silent(7);
    let advice = Advice::Against { cause: Cause::TimedOut, on: Who::ThisNode };
    network.finds(Verdict::FirewallDrop, Pattern::Column, &[1], &column, advice, now);
    let advice = Advice::CheckCable { host: network.who(5) };
    network.finds(Verdict::OneWayUdp, Pattern::Pair, &[4, 5], &[(4, 5)], advice, now);
    network
}

/// A hundred and twenty nodes in five subnets; four pairs fail, one host has told nothing, one is deaf.
pub(super) fn hundred_and_twenty(now: Instant) -> Network {
    let names: Vec<_> =
        (0..120_u16).map(|nth| (format!("node{nth:03}"), (nth / 24) << 8 | (nth % 24 + 5))).collect();
    let names: Vec<_> = names.iter().map(|(name, number)| (&**name, *number)).collect();
    let mut network = Network::new(&names, now);
    for (from, to) in [(3, 77), (77, 3), (110, 40), (41, 42)] {
        network.tcp_fails(from, to, Cause::Refused);
    }
    for from in (0..120).filter(|from| *from != 99) {
        network.tcp_fails(from, 99, Cause::TimedOut);
    }
    network.silent(60).said(61, 90_000);
    network
}

/// The same in five networks.
pub(super) fn segmented(now: Instant) -> Network {
    let mut network = hundred_and_twenty(now);
    network.segments(&[
        ("10.0.0.0/24", 23, 23),
        ("10.0.1.0/24", 24, 24),
        ("10.0.2.0/24", 24, 24),
        ("10.0.3.0/24", 262, 24),
        ("10.0.4.0/24", 24, 24),
    ]);
    network
}

/// Nine nodes in three networks: nothing passes from the second to the third one, one pair fails from the first to the second, and of two
/// nodes of the third one nobody knows whether they reach each other.
pub(super) fn nine(now: Instant) -> Network {
    let names = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"];
    let names: Vec<_> =
        (0..).zip(names).map(|(nth, name)| (name, (nth / 3 + 1) << 8 | (nth % 3 + 5))).collect();
    let mut network = Network::new(&names, now);
    for (from, to) in (3..6).flat_map(|from| (6..9).map(move |to| (from, to))).chain([(0, 4)]) {
        network.tcp_fails(from, to, Cause::TimedOut);
    }
    network.silent(7).silent(8).segments(&[
        ("10.0.1.0/24", 2, 2),
        ("10.0.2.0/24", 3, 3),
        ("10.0.3.0/24", 9, 3),
    ]);
    network
}

impl Bench {
    /// Takes a view of a network in.
    pub(super) fn told(&mut self, network: &Network) -> &mut Self {
        let view = network.view(self.now());
        self.fold(Event::Matrix(view))
    }

    /// A bench with the peers of a network, all up, and its matrix on the screen.
    pub(super) fn of(network: impl FnOnce(Instant) -> Network) -> (Self, Network) {
        let mut bench = Self::new();
        bench.started(&[("eth0", 0)]);
        bench.wait(120_000);
        let network = network(bench.now());
        for peer in &network.peers[1..] {
            bench.discovered(peer).state(peer, PeerState::New, PeerState::Up);
        }
        bench.told(&network).wait(2_000);
        bench.key(KeyCode::Char('m'));
        (bench, network)
    }
}
