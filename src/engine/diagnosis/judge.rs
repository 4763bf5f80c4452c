//! When a verdict is told, and when it is withdrawn.
//!
//! A verdict must stand for [`VERDICT_SETTLES`] before it is told, and its reason must be gone as long before it is
//! withdrawn (both at most a quarter of the dial interval), so that what changes from moment to moment is not told at all.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::context::fresh_for;
use crate::engine::diagnosis::{Diagnosis, Estranged, Node, Picture, Stranger};
use crate::engine::event::Event;
use crate::engine::gossip::remote_rows::RemoteRow;
use crate::engine::limits::{
    ECHO_TIMEOUT, JUDGE_AGAIN, MAX_JUDGED, MAX_STRANGERS, STRANGER_KEPT, VERDICT_SETTLES,
};
use crate::engine::observation::Sight;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
use crate::engine::probing::prober::notices_within;
use crate::engine::verdict::{Finding, Pattern, Verdict};
use crate::engine::{Engine, NodeId};

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
        if !self.judge.standing.is_empty() || self.remote_rows.is_any_troubled() {
            self.judge_soon(now);
        }
    }

    /// Looks for what is wrong, tells what is new and withdraws what is over.
    pub(crate) fn judge(&mut self, now: Instant) {
        self.judge.last = Some(now);
        self.judge.due = None;
        self.remote_rows.expire(now);
        self.forget_foreign_nodes(now);
        let (keys, Diagnosis { findings, verdicts, open }) = self.diagnose(now);
        let config = self.shared.config();
        let settles = VERDICT_SETTLES.min(config.dial_interval / 4);
        // What only others say of one pair is told when there has been time to see whether it is part of something larger.
        let (me, patience) = (config.id, config.dial_interval + config.retry.timeout);
        let longer = patience + config.dial_interval;
        let theirs = |finding: &Finding| {
            let observed = finding.pairs.iter().any(|(from, _)| *from == me);
            finding.pattern == Pattern::Pair && !finding.pairs.is_empty() && !observed
        };
        // Loss shows here first and there a moment later.
        let notice = notices_within(config, self.shared.pace(self.peers.len()));
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
        let config = self.shared.config();
        let troubled = !self.peers.troubled().is_empty();
        let unsettled =
            self.judge.standing.iter().any(|known| known.told.is_none() || known.missing.is_some());
        self.judge.due = if unsettled || !open.is_empty() {
            Some(now + JUDGE_AGAIN)
        } else if troubled || !self.judge.standing.is_empty() || !self.strangers.is_empty() {
            Some(now + JUDGE_AGAIN.max(config.dial_interval / 4))
        } else {
            None
        };
    }

    /// Everybody's verdict, and the row of each node that was judged; the first one is this node and has none.
    fn diagnose(&self, now: Instant) -> (Vec<Option<PeerKey>>, Diagnosis) {
        let (config, links) = (self.shared.config(), self.shared.links());
        let me = PeerInfo {
            key: PeerKey::default(),
            id: Some(config.id),
            name: config.name.clone(),
            addr: SocketAddr::new(links.own_address(), config.tcp_port),
            incarnation: Some(config.incarnation),
        };
        let fresh_for = fresh_for(config);
        let mut nodes =
            vec![Node { info: Arc::new(me), prefix: links.first_prefix(), trouble: None, icmp: None }];
        let mut keys = vec![None];
        let peers = self.judged_peers();
        let one_link = links.all().len() == 1;
        for peer in &peers {
            // A mask is compared on the link that presence shares.
            let prefix = peer.paths.prefix().filter(|_| peer.interface().is_some() && one_link);
            nodes.push(Node {
                info: Arc::clone(peer.info()),
                prefix,
                trouble: peer.health.trouble(),
                icmp: peer.health.icmp(peer.probes.last_echo(), fresh_for, now),
            });
            keys.push(Some(peer.key()));
        }
        let n = nodes.len();
        let mut sights: Vec<Option<&Sight>> = Vec::with_capacity(n * n);
        let mut confirmed = vec![Some(now)];
        let mut changed = vec![None];
        sights.push(None);
        sights.extend(peers.iter().map(|peer| Some(peer.sight())));
        for peer in &peers {
            let row = peer.id().and_then(|id| self.remote_rows.of(id));
            let row = row.filter(|row| now.saturating_duration_since(row.confirmed()) <= fresh_for);
            confirmed.push(row.map(RemoteRow::confirmed));
            changed.push(row.map(RemoteRow::changed));
            sights.extend(nodes.iter().map(|of| row.and_then(|row| row.sights().get(&of.info.id?))));
        }
        let picture = Picture {
            nodes,
            sights,
            confirmed,
            changed,
            notice: notices_within(config, self.shared.pace(self.peers.len())),
            strangers: self.strangers.values().collect(),
            group: &config.group,
            presence_port: config.port,
            margin: config.interval * 3 / 2 + Duration::from_millis(500),
            patience: config.dial_interval + config.retry.timeout,
            now,
        };
        (keys, picture.diagnose())
    }

    /// The peers that are judged, in order of discovery. Of too many, those with trouble first: the others are what they are
    /// compared with.
    fn judged_peers(&self) -> Vec<&Peer> {
        let here = |peer: &&Peer| !peer.has_left();
        if self.peers.len() < MAX_JUDGED {
            return self.peers.iter().filter(here).collect();
        }
        let unwell = self.peers.unwell();
        let first = unwell.iter().filter_map(|key| self.peers.get(*key)).filter(here);
        let others = self.peers.iter().filter(here).filter(|peer| !unwell.contains(&peer.key()));
        first.chain(others).take(MAX_JUDGED - 1).collect()
    }

    /// What the table says of each peer: the verdict of the finding that was told of it; without one, whether all is well.
    fn note_verdicts(&mut self, keys: &[Option<PeerKey>], verdicts: &[Option<Verdict>]) {
        let told = self.judge.told();
        let me = self.shared.config().id;
        self.judge.against.clear();
        for (key, verdict) in keys.iter().zip(verdicts) {
            let Some(peer) = key.and_then(|key| self.peers.settle(key)) else { continue };
            let Some(id) = peer.id() else {
                let about = told.iter().find(|finding| finding.peer.key == peer.key());
                peer.set_verdict(about.map_or(Verdict::Unknown, |finding| finding.verdict));
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
            peer.set_verdict(match (about, verdict) {
                (Some(finding), _) => finding.verdict,
                (None, Some(Verdict::Ok)) => Verdict::Ok,
                _ => Verdict::Unknown,
            });
            if about.is_some() {
                self.judge.against.insert(peer.key());
            }
        }
    }

    /// Foreign nodes that were not heard for long, or that are peers by now.
    fn forget_foreign_nodes(&mut self, now: Instant) {
        let peers = &self.peers;
        let is_up = |peer: &Peer| peer.state() == PeerState::Up;
        self.strangers.retain(|ip, stranger| {
            let known = stranger.info.id.and_then(|id| peers.get(peers.by_id(id)?));
            let met = peers.at(*ip).any(is_up) || known.is_some_and(is_up);
            !met && now.saturating_duration_since(stranger.heard) <= STRANGER_KEPT
        });
    }

    /// A node that is no peer of ours was heard.
    pub(crate) fn note_stranger(&mut self, ip: IpAddr, info: PeerInfo, why: Estranged, now: Instant) {
        let room = self.strangers.len() < MAX_STRANGERS;
        match self.strangers.get_mut(&ip) {
            Some(known) => {
                known.heard = now;
                if known.why != why || *known.info != info {
                    (known.why, known.info) = (why, Arc::new(info));
                }
            }
            None if room => {
                self.strangers.insert(ip, Stranger { info: Arc::new(info), why, heard: now, since: now });
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
            let over = Finding {
                verdict: Verdict::Ok,
                evidence: Vec::new(),
                advice: String::new(),
                pairs: Vec::new(),
                pair_count: 0,
                since: now,
                ..(*told).clone()
            };
            tell.push(Arc::new(over));
        }
        false
    });
    tell
}
