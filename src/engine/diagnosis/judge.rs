//! When a verdict is told, and when it is withdrawn.
//!
//! A verdict must stand for [`VERDICT_SETTLES`] before it is told, and its reason must be gone as long before it is
//! withdrawn (both at most a quarter of the dial interval), so that what changes from moment to moment is not told at all.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::diagnosis::foreign_nodes::{ForeignNode, Mismatch};
use crate::engine::diagnosis::grid::{Grid, NodeIdx};
use crate::engine::diagnosis::network_view::{NetworkView, Node};
use crate::engine::diagnosis::{Diagnosis, diagnose};
use crate::engine::event::Event;
use crate::engine::observation::Sight;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
use crate::engine::verdict::{Finding, Pattern, Verdict};

use crate::engine::Engine;
use crate::engine::limits::{
    BURST, BURST_GAP, ECHO_TIMEOUT, JUDGE_AGAIN, MAX_JUDGED, MAX_STRANGERS, STRANGER_KEPT, VERDICT_SETTLES,
};
use crate::engine::peers::row::Peer;

/// An incident, told or about to be.
#[derive(Debug)]
struct Standing {
    /// The latest that was found; its `since` is when it began to stand.
    found: Arc<Finding>,
    told: Option<Arc<Finding>>,
    /// When it was first missing, if it is.
    missing: Option<Instant>,
    /// When it last lost a pair, if it did: it may be ending.
    shrank: Option<Instant>,
}

/// The diagnosis of this node.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    standing: Vec<Standing>,
    /// When it is looked at next, if there is anything to look at.
    pub(crate) due: Option<Instant>,
    last: Option<Instant>,
    /// Peers that a finding which was told is about.
    against: HashSet<PeerKey>,
}

impl Judge {
    /// What was told and is not withdrawn.
    pub(crate) fn told(&self) -> Vec<Arc<Finding>> {
        self.standing.iter().filter_map(|standing| standing.told.clone()).collect()
    }

    /// Whether a finding that was told is about this peer.
    pub(crate) fn stands_against(&self, key: PeerKey) -> bool {
        self.against.contains(&key)
    }
}

impl Engine {
    /// Something changed that a verdict may hang on.
    pub(crate) fn judge_soon(&mut self, now: Instant) {
        let at = self.judge.last.map_or(now, |last| (last + JUDGE_AGAIN).max(now));
        self.judge.due = Some(self.judge.due.map_or(at, |due| due.min(at)));
    }

    /// Others have told something: worth a look if anything is wrong anywhere.
    pub(crate) fn judge_if_needed(&mut self, now: Instant) {
        if !self.judge.standing.is_empty() || self.rows.of.values().any(|known| known.troubled) {
            self.judge_soon(now);
        }
    }

    /// Looks for what is wrong, tells what is new and withdraws what is over.
    pub(crate) fn judge(&mut self, now: Instant) {
        self.judge.last = Some(now);
        self.judge.due = None;
        self.expire_rows(now);
        let up = self.peers.values().filter(|peer| peer.state == PeerState::Up);
        let (ips, ids): (HashSet<IpAddr>, HashSet<_>) =
            up.map(|peer| (peer.info.addr.ip(), peer.info.id)).filter(|_| !self.strangers.is_empty()).unzip();
        self.strangers.retain(|ip, stranger| {
            let met = ips.contains(ip) || stranger.info.id.is_some() && ids.contains(&stranger.info.id);
            !met && now.saturating_duration_since(stranger.heard) <= STRANGER_KEPT
        });
        let troubled = |peer: &Peer| peer.evidence.trouble.is_some() || !peer.sight.is_fine();
        let peers = self.peers.values().map(|peer| &**peer);
        let keys: Vec<PeerKey> = peers.filter(|peer| troubled(peer)).map(|peer| peer.info.key).collect();
        for key in keys {
            self.look(key, now);
        }
        let (keys, Diagnosis { findings, verdicts, open }) = self.diagnose(now);
        let settles = VERDICT_SETTLES.min(self.config.dial_interval / 4);
        // What only others say of one pair is told when there has been time to see whether it is part of something larger.
        let (me, patience) = (self.config.id, self.config.dial_interval + self.config.retry.timeout);
        let longer = patience + self.config.dial_interval;
        let theirs = |finding: &Finding| {
            let observed = finding.pairs.iter().any(|(from, _)| *from == me);
            finding.pattern == Pattern::Pair && !finding.pairs.is_empty() && !observed
        };
        // Loss shows here first and there a moment later.
        let notice = self.notices_within();
        let lossy = |finding: &Finding| {
            finding.pattern == Pattern::Pair && finding.verdict == Verdict::PacketLoss && keys.len() > 2
        };
        let settles = |finding: &Finding| match finding {
            finding if theirs(finding) => longer,
            finding if lossy(finding) => settles.max(notice),
            // Are others gone with it? Their dials may end a moment later.
            finding if finding.verdict == Verdict::HostDown && keys.len() > 2 => {
                settles.max(ECHO_TIMEOUT * 2)
            }
            _ => settles,
        };
        let told = settle(&mut self.judge.standing, findings, &open, settles, (patience, notice), now);
        self.note_verdicts(&keys, &verdicts);
        for finding in told {
            self.publish(Event::Diagnosis(finding));
        }
        let troubled = self.peers.values().any(|peer| peer.evidence.trouble.is_some());
        let unsettled =
            self.judge.standing.iter().any(|known| known.told.is_none() || known.missing.is_some());
        self.judge.due = if unsettled || !open.is_empty() {
            Some(now + JUDGE_AGAIN)
        } else if troubled || !self.judge.standing.is_empty() || !self.strangers.is_empty() {
            Some(now + JUDGE_AGAIN.max(self.config.dial_interval / 4))
        } else {
            None
        };
    }

    /// How long a node may need to notice that UDP fails: to the next regular echo, and then a burst.
    fn notices_within(&self) -> Duration {
        self.echo_period() * 2 + ECHO_TIMEOUT * 2 + BURST_GAP * u32::from(BURST)
    }

    /// Everybody's verdict, and the row of each node that was judged; the first one is this node and has none.
    fn diagnose(&self, now: Instant) -> (Vec<Option<PeerKey>>, Diagnosis) {
        let me = PeerInfo {
            key: PeerKey::default(),
            id: Some(self.config.id),
            name: self.config.name.clone(),
            addr: SocketAddr::new(self.own_address(), self.config.tcp_port),
            incarnation: Some(self.config.incarnation),
        };
        let prefix = self.interfaces.first().map(|interface| interface.prefix);
        let me = Arc::new(me);
        let mut nodes =
            vec![Node { info: me, prefix, trouble: None, icmp: None, confirmed: Some(now), changed: None }];
        let mut keys = vec![None];
        let mut peers: Vec<_> = self.peers.values().filter(|peer| peer.state != PeerState::Left).collect();
        if peers.len() >= MAX_JUDGED {
            // Those with trouble first: the others are what they are compared with.
            peers.sort_by_key(|peer| peer.evidence.trouble.is_none() && peer.sight.is_fine());
            peers.truncate(MAX_JUDGED - 1);
        }
        let fresh_for = self.fresh_for();
        let row_of = |peer: &Peer| {
            let known = peer.info.id.and_then(|id| self.rows.of.get(&id));
            known.filter(|known| now.saturating_duration_since(known.confirmed) <= fresh_for)
        };
        for peer in &peers {
            // A mask is compared on the link that presence shares.
            let prefix =
                peer.evidence.prefix.filter(|_| peer.interface.is_some() && self.interfaces.len() == 1);
            let row = row_of(peer);
            nodes.push(Node {
                info: Arc::clone(&peer.info),
                prefix,
                trouble: peer.evidence.trouble,
                icmp: peer.evidence.icmp(fresh_for, now),
                confirmed: row.map(|row| row.confirmed),
                changed: row.map(|row| row.changed),
            });
            keys.push(Some(peer.info.key));
        }
        let mut observations: Grid<Option<&Sight>> = Grid::new(nodes.len(), None);
        let own = observations.row_mut(NodeIdx::SELF).iter_mut().skip(1);
        own.zip(&peers).for_each(|(cell, peer)| *cell = Some(&peer.sight));
        for (nth, row) in peers.iter().enumerate().filter_map(|(nth, peer)| Some((nth + 1, row_of(peer)?))) {
            for (cell, of) in observations.row_mut(NodeIdx::new(nth)).iter_mut().zip(&nodes) {
                *cell = of.info.id.and_then(|id| row.sights.get(&id));
            }
            // Nobody has anything to tell of itself.
            observations[(NodeIdx::new(nth), NodeIdx::new(nth))] = None;
        }
        let view = NetworkView {
            nodes,
            observations,
            notice: self.notices_within(),
            foreign: self.strangers.values().collect(),
            group: &self.config.group,
            presence_port: self.config.port,
            margin: self.config.interval * 3 / 2 + Duration::from_millis(500),
            patience: self.config.dial_interval + self.config.retry.timeout,
            now,
        };
        (keys, diagnose(&view))
    }

    /// What the table says of each peer: the verdict of the finding that was told of it; without one, whether all is well.
    fn note_verdicts(&mut self, keys: &[Option<PeerKey>], verdicts: &[Option<Verdict>]) {
        let told = self.judge.told();
        let me = self.config.id;
        self.judge.against.clear();
        for (key, verdict) in keys.iter().zip(verdicts) {
            let Some(peer) = key.and_then(|key| self.peers.get_mut(key)) else { continue };
            let Some(id) = peer.info.id else {
                let about = told.iter().find(|finding| finding.peer.key == peer.info.key);
                peer.verdict = about.map_or(Verdict::Unknown, |finding| finding.verdict);
                continue;
            };
            let ours = |finding: &&Arc<Finding>| {
                finding.nodes.first() == Some(&id)
                    || finding.pattern == crate::engine::verdict::Pattern::Islands
                        && finding.nodes.contains(&id)
                    || finding.verdict == Verdict::DuplicateName && finding.nodes.contains(&id)
                    || finding.pairs.contains(&(me, id))
                    || finding.pairs.contains(&(id, me))
            };
            let about = told.iter().find(ours);
            peer.verdict = match (about, verdict) {
                (Some(finding), _) => finding.verdict,
                (None, Some(Verdict::Ok)) => Verdict::Ok,
                _ => Verdict::Unknown,
            };
            if about.is_some() {
                self.judge.against.insert(peer.info.key);
            }
        }
    }

    /// A node that is no peer of ours was heard.
    pub(crate) fn note_stranger(&mut self, ip: IpAddr, info: PeerInfo, why: Mismatch, now: Instant) {
        let room = self.strangers.len() < MAX_STRANGERS;
        match self.strangers.get_mut(&ip) {
            Some(known) => {
                known.heard = now;
                if known.mismatch != why || *known.info != info {
                    (known.mismatch, known.info) = (why, Arc::new(info));
                }
            }
            None if room => {
                self.strangers
                    .insert(ip, ForeignNode { info: Arc::new(info), mismatch: why, heard: now, since: now });
            }
            None => return,
        }
        self.judge_soon(now);
    }
}

/// The nodes that a finding says something of.
fn concerns(finding: &Finding) -> impl Iterator<Item = NodeId> {
    let pairs = finding.pairs.iter().flat_map(|(from, to)| [*from, *to]);
    finding.nodes.iter().copied().chain(pairs)
}

/// Compares what is found now with what stands; returns what is to be told.
fn settle(
    standing: &mut Vec<Standing>,
    findings: Vec<Finding>,
    open: &HashSet<(NodeId, NodeId)>,
    settles: impl Fn(&Finding) -> Duration,
    (patience, notice): (Duration, Duration),
    now: Instant,
) -> Vec<Arc<Finding>> {
    let mut tell = Vec::new();
    // While an incident begins or ends, what is seen of those concerned changes way by way: another verdict on them must
    // stand until everything can have been noticed.
    let concerned: HashSet<NodeId> =
        standing.iter().filter_map(|known| known.told.as_deref()).flat_map(concerns).collect();
    let told_verdicts: HashSet<(Option<NodeId>, Verdict)> = standing
        .iter()
        .filter_map(|known| known.told.as_deref())
        .map(|told| (told.peer.id, told.verdict))
        .collect();
    let settles = |finding: &Finding| {
        let same = told_verdicts.contains(&(finding.peer.id, finding.verdict));
        let another = !same && concerns(finding).any(|id| concerned.contains(&id));
        settles(finding).max(if another { notice } else { Duration::ZERO })
    };
    let about = |a: &Finding, b: &Finding| {
        // The same node may meanwhile have another address, this one when its interface goes and comes.
        let same = match (a.peer.id, b.peer.id) {
            (Some(a), Some(b)) => a == b,
            _ => (a.peer.id, a.peer.key, a.peer.addr) == (b.peer.id, b.peer.key, b.peer.addr),
        };
        same && (a.verdict == Verdict::DuplicateName) == (b.verdict == Verdict::DuplicateName)
    };
    let mut seen = vec![false; standing.len()];
    for finding in findings {
        let known = standing.iter().position(|known| about(&known.found, &finding));
        let Some(nth) = known.filter(|nth| !seen.get(*nth).copied().unwrap_or(true)) else {
            if known.is_none() {
                let found = Arc::new(finding);
                standing.push(Standing { found, told: None, missing: None, shrank: None });
                seen.push(true);
            }
            continue;
        };
        seen[nth] = true;
        let known = &mut standing[nth];
        known.missing = None;
        let since = if known.found.same(&finding) { known.found.since } else { now };
        if finding.pair_count < known.found.pair_count {
            known.shrank = Some(now);
        } else if finding.pair_count > known.found.pair_count {
            known.shrank = None;
        }
        // What remains of an incident that is ending looks like another one for a moment.
        let ending = known.told.is_some()
            && known.shrank.is_some_and(|at| now.saturating_duration_since(at) < patience);
        known.found = Arc::new(Finding { since, ..finding });
        let news = known.told.as_ref().is_none_or(|told| !told.same(&known.found));
        if news && !ending && now.saturating_duration_since(since) >= settles(&known.found) {
            known.told = Some(Arc::clone(&known.found));
            tell.push(Arc::clone(&known.found));
        } else if !news {
            // The same incident, with fresher evidence.
            known.told = Some(Arc::clone(&known.found));
        }
    }
    let covered: HashSet<NodeId> = standing
        .iter()
        .zip(&seen)
        .filter(|(known, seen)| **seen && known.told.is_some())
        .flat_map(|(known, _)| match known.found.pattern {
            Pattern::Islands => known.found.nodes.clone(),
            _ => known.found.nodes.first().copied().into_iter().collect(),
        })
        .collect();
    let mut nth = 0;
    standing.retain_mut(|known| {
        let there = seen[nth];
        nth += 1;
        if there {
            return true;
        }
        // As long as the evidence on it is not settled, it is not gone.
        let unsettled = known.found.pairs.iter().any(|pair| open.contains(pair));
        if unsettled && known.told.is_some() {
            known.missing = None;
            return true;
        }
        let missing = *known.missing.get_or_insert(now);
        if known.told.is_some()
            && now.saturating_duration_since(missing) < settles(&known.found).min(patience)
        {
            return true;
        }
        // One that became part of another incident is not over.
        let elsewhere = known.found.peer.id.is_some_and(|id| covered.contains(&id));
        if let Some(told) = known.told.take().filter(|_| !elsewhere) {
            tell.push(Arc::new(told.resolved(now)));
        }
        false
    });
    tell
}
