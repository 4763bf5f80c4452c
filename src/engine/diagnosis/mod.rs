//! The diagnosis: from what all nodes see of each other to what is wrong, with whom, and what to do.
//!
//! Pure: a [`Picture`] goes in, [`Finding`]s come out; when they are told and withdrawn is the engine's business.
//!
//! - `rules`: one direction of one pair: from the evidence of both ends and of third ones to a verdict, by a table
//! - `patterns`: the pairs that fail together: a column, a row, a block, or here and there
//! - `words`: the evidence in sentences, and the advice

pub(crate) mod judge;
pub mod observation;
mod patterns;
mod rules;
pub mod verdict;
mod words;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use rules::{Case, Third, verdict};

use crate::engine::NodeId;
use crate::engine::event::Icmp;
use crate::engine::observation::Sight;
use crate::engine::peers::PeerInfo;
use crate::engine::verdict::{Finding, Verdict};

/// Third ones that are heard about one node: more would not change the verdict, and all of them would take the cube of their
/// number.
const MAX_WITNESSES: usize = 16;

/// A node, as the diagnosis knows it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Who it is.
    pub info: Arc<PeerInfo>,
    /// Length of its network's prefix, in bits, as it says; none if it has not said, or is on no link of ours.
    pub prefix: Option<u8>,
    /// When the trouble between this node and us began; none if there is none, or the node is this one.
    pub trouble: Option<Instant>,
    /// What ICMP says of our datagrams to it since then; it can be forged.
    pub icmp: Option<Icmp>,
}

/// A node that is no peer: of another group, version or network.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// Who it seems to be.
    pub info: Arc<PeerInfo>,
    /// Why it is none.
    pub why: Estranged,
    /// When it was heard last.
    pub heard: Instant,
    /// When it was heard first.
    pub since: Instant,
}

/// Why a node is no peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Estranged {
    /// It belongs to this group.
    Group(String),
    /// It speaks this version of the protocol.
    Version(u8),
    /// It is on our link and in another network: its address with the length of its prefix, and ours.
    Network {
        /// Its own.
        theirs: (IpAddr, Option<u8>),
        /// Ours, where it was heard.
        ours: (IpAddr, u8),
    },
}

/// All that the diagnosis looks at.
#[derive(Debug)]
pub struct Picture<'a> {
    /// All nodes, this one first.
    pub nodes: Vec<Node>,
    /// What each sees of each, by position; none where that is not known, or too old.
    pub sights: Vec<Option<&'a Sight>>,
    /// When each node's row was last known to be as it is, by position.
    pub confirmed: Vec<Option<Instant>>,
    /// When each node's row last changed, by position; none for this one.
    pub changed: Vec<Option<Instant>>,
    /// How long a node may need to notice that UDP fails.
    pub notice: Duration,
    /// Nodes that are no peers.
    pub strangers: Vec<&'a Stranger>,
    /// The group of this node.
    pub group: &'a str,
    /// The UDP presence port.
    pub presence_port: u16,
    /// How long after the last sign of life that one node had, one that another had counts as news: somewhat more than the
    /// period of the presences, which everybody hears.
    pub margin: Duration,
    /// How long third ones are waited for before a host is called down.
    pub patience: Duration,
    /// Now.
    pub now: Instant,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// One for each incident, the gravest first.
    pub findings: Vec<Finding>,
    /// What each node is to this one, by position: none where it is not known yet, or not settled.
    pub verdicts: Vec<Option<Verdict>>,
    /// Directions of pairs on which the evidence is not settled.
    pub open: HashSet<(NodeId, NodeId)>,
}

impl Picture<'_> {
    fn sight(&self, from: usize, to: usize) -> Option<&Sight> {
        self.sights.get(from * self.nodes.len() + to).copied().flatten()
    }

    /// What ICMP says of datagrams on this way; only known of our own.
    fn icmp(&self, from: usize, to: usize) -> Option<Icmp> {
        self.nodes[to].icmp.filter(|_| from == 0)
    }

    fn is_from_itself(&self, icmp: Icmp, to: usize) -> bool {
        icmp.from == Some(self.nodes[to].info.addr.ip())
    }

    /// Whether ICMP says the same as this verdict on what we send to a node.
    fn icmp_confirms(&self, to: usize, verdict: Verdict) -> bool {
        let Some(icmp) = self.icmp(0, to) else { return false };
        rules::icmp_confirms(verdict, icmp.code, self.is_from_itself(icmp, to))
    }

    /// Whether two nodes say that their networks have masks that differ.
    fn masks_differ(&self, a: usize, b: usize) -> bool {
        match (self.nodes[a].prefix, self.nodes[b].prefix) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        }
    }

    /// Whether a row has not changed for so long that it tells all that its owner can have noticed by now.
    fn is_settled(&self, nth: usize) -> bool {
        self.changed[nth].is_some_and(|at| self.now.saturating_duration_since(at) >= self.notice)
    }

    /// Some of those who say anything of a node: the ones who had the latest signs of life from it.
    fn witnesses(&self, to: usize) -> Vec<usize> {
        let mut all: Vec<_> =
            (0..self.nodes.len()).filter_map(|by| Some((self.sight(by, to)?.alive, by))).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().take(MAX_WITNESSES).map(|(_, by)| by).collect()
    }

    /// What third ones see of `to`, compared with what `from` sees.
    fn third(&self, from: usize, to: usize, since: Option<Instant>, witnesses: &[usize]) -> Third {
        let last_here = self.sight(from, to).and_then(|sight| sight.alive);
        let mut third = Third::default();
        let witnesses = witnesses.iter().filter(|by| **by != from && **by != to);
        for (by, sight) in witnesses.filter_map(|by| Some((*by, self.sight(*by, to)?))) {
            // Everybody dials everybody once in an interval: by then a row that still stands tells of a dial since.
            let since_then = |sight: &Sight, teller: usize| {
                since.is_none_or(|since| {
                    sight.checked.is_some_and(|at| at >= since)
                        || self.confirmed[teller].is_some_and(|at| at >= since + self.patience)
                })
            };
            let looked = since_then(sight, by);
            third.tcp_ok += usize::from(looked && sight.tcp.is_ok());
            third.looked += usize::from(looked);
            third.known += 1;
            let out = self.sight(from, by).filter(|sight| sight.tcp.is_ok());
            third.reached += usize::from(out.is_some_and(|sight| since_then(sight, from)));
            let later = |here: Instant, there: Instant| there.saturating_duration_since(here) > self.margin;
            let news = match (last_here, sight.alive) {
                (Some(here), Some(there)) => later(here, there),
                (None, Some(there)) => self.now.saturating_duration_since(there) < self.margin,
                (_, None) => false,
            };
            if news && third.alive.is_none() {
                third.alive = Some(by);
            }
        }
        third
    }

    /// The evidence on one direction of a pair.
    fn case(&self, from: usize, to: usize, witnesses: &[usize]) -> Option<Case> {
        let mine = *self.sight(from, to)?;
        // Of other pairs it is not told when their trouble began: at the latest with the dial that failed.
        let ours = [self.nodes[from].trouble, self.nodes[to].trouble].into_iter().flatten().min();
        let since = ours.or(mine.checked.filter(|_| mine.tcp.is_failing()));
        let waited_for = |long| since.is_some_and(|at| self.now.saturating_duration_since(at) > long);
        let (waited, waited_long) = (waited_for(self.patience), waited_for(self.patience + self.notice));
        // By then it has noticed, too, that it no longer hears the other one.
        let believed =
            self.confirmed[to].is_some_and(|at| since.is_none_or(|since| at >= since + self.notice));
        Some(Case {
            mine,
            theirs: self.sight(to, from).copied().filter(|_| believed),
            doubt: !believed && self.sight(to, from).is_some_and(|theirs| theirs.hears_udp().is_ok()),
            settled: from == 0 || self.is_settled(from) && (to == 0 || self.is_settled(to)),
            third: self.third(from, to, since, witnesses),
            masks_differ: self.masks_differ(from, to),
            ours: from == 0,
            icmp_code: self.icmp(from, to).map(|icmp| icmp.code),
            icmp_from_itself: self.icmp(from, to).is_some_and(|icmp| self.is_from_itself(icmp, to)),
            since,
            waited,
            waited_long,
        })
    }

    /// Finds what is wrong.
    pub fn diagnose(&self) -> Diagnosis {
        let n = self.nodes.len();
        let mut verdicts = vec![None; n * n];
        for to in 0..n {
            let witnesses = self.witnesses(to);
            for from in (0..n).filter(|from| *from != to) {
                let untroubled =
                    self.sight(from, to).is_none_or(|sight| sight.is_fine() && sight.tcp.is_ok());
                verdicts[from * n + to] = if untroubled && !self.masks_differ(from, to) {
                    self.sight(from, to).map(|_| Verdict::Ok)
                } else {
                    self.case(from, to, &witnesses).and_then(|case| verdict(&case))
                };
            }
        }
        let findings = patterns::group(self, &verdicts);
        let id = |nth: usize| self.nodes[nth].info.id;
        let pairs = (0..n).flat_map(|from| (0..n).map(move |to| (from, to)));
        let open =
            pairs.filter(|(from, to)| verdicts[from * n + to].is_none() && self.sight(*from, *to).is_some());
        let open = open.filter_map(|(from, to)| Some((id(from)?, id(to)?))).collect();
        verdicts.truncate(n);
        Diagnosis { findings, verdicts, open }
    }
}
