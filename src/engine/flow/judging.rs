//! How the engine makes its diagnosis: takes the view of it from peers and rows, has it judged, and publishes what the tracker
//! of findings says. The parts of `diagnosis` hold all the rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::context::fresh_for;
use crate::engine::diagnosis::finding_tracker::Circumstances;
use crate::engine::diagnosis::foreign_nodes::{Mismatch, Noted};
use crate::engine::diagnosis::grid::{Grid, NodeIdx};
use crate::engine::diagnosis::judging::Judging;
use crate::engine::diagnosis::network_view::{NetworkView, Node};
use crate::engine::diagnosis::schedule::Outlook;
use crate::engine::diagnosis::{Diagnosis, diagnose};
use crate::engine::event::Event;
use crate::engine::gossip::remote_rows::RemoteRow;
use crate::engine::limits::{MAX_JUDGED, VERDICT_SETTLES};
use crate::engine::observation::Observation;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
use crate::engine::probing::prober::notices_within;
use crate::engine::verdict::Verdict;
use crate::engine::{Engine, NodeId};

impl Engine {
    /// Something changed that a verdict may hang on.
    pub(in crate::engine) fn judge_soon(&mut self, now: Instant) {
        self.judging.schedule.request(now);
    }

    /// Others have told something: worth a look if anything is wrong anywhere.
    pub(in crate::engine) fn judge_if_needed(&mut self, now: Instant) {
        if !self.judging.findings.is_empty() || self.remote_rows.is_any_troubled() {
            self.judge_soon(now);
        }
    }

    /// A node that is no peer was heard.
    pub(in crate::engine) fn note_foreign_node(&mut self, info: PeerInfo, mismatch: Mismatch, now: Instant) {
        match self.judging.foreign.note(info, mismatch, now) {
            Noted::Known => self.judge_soon(now),
            Noted::NoRoom => {}
        }
    }

    /// Looks for what is wrong, publishes what is new and withdraws what is over.
    pub(in crate::engine) fn judge(&mut self, now: Instant) {
        self.prepare_to_judge(now);
        self.judging.schedule.begin(now);
        let (keys, Diagnosis { findings, verdicts, open }) = self.diagnose(now);
        let circumstances = self.circumstances(keys.len() > 1);
        let is_open = |from: NodeId, to: NodeId| open.contains(&(from, to));
        let news = self.judging.findings.update(findings, is_open, &circumstances, now);
        self.note_verdicts(&keys, &verdicts);
        for finding in news {
            self.shared.out().publish(Event::Diagnosis(finding));
        }
        let outlook = self.outlook(!open.is_empty());
        self.judging.schedule.end(outlook, self.shared.config().dial_interval, now);
    }

    /// What is too old goes.
    fn prepare_to_judge(&mut self, now: Instant) {
        self.remote_rows.expire(now);
        let peers = &self.peers;
        let is_up = |peer: &Peer| peer.state() == PeerState::Up;
        let is_peer = |info: &PeerInfo| {
            let known = info.id.and_then(|id| peers.get(peers.by_id(id)?));
            peers.at(info.addr.ip()).any(is_up) || known.is_some_and(is_up)
        };
        self.judging.foreign.expire(is_peer, now);
    }

    /// How soon to judge again.
    fn outlook(&self, open: bool) -> Outlook {
        let Judging { findings, foreign, .. } = &self.judging;
        if open || findings.is_settling() {
            Outlook::Settling
        } else if !findings.is_empty() || !foreign.is_empty() || !self.peers.troubled().is_empty() {
            Outlook::Wrong
        } else {
            Outlook::Well
        }
    }

    fn circumstances(&self, several: bool) -> Circumstances {
        let config = self.shared.config();
        Circumstances {
            me: config.id,
            several,
            settle: VERDICT_SETTLES.min(config.dial_interval / 4),
            notice: self.notice(),
            patience: self.patience(),
            dial_interval: config.dial_interval,
        }
    }

    fn notice(&self) -> Duration {
        notices_within(self.shared.config(), self.shared.pace(self.peers.len()))
    }

    /// By then everybody has dialed everybody.
    fn patience(&self) -> Duration {
        let config = self.shared.config();
        config.dial_interval + config.retry.timeout
    }

    /// Judges the network as it is now; also the peers that were judged, in the order of the verdicts without this node's.
    fn diagnose(&self, now: Instant) -> (Vec<PeerKey>, Diagnosis) {
        let config = self.shared.config();
        let peers = self.judged_peers();
        let nodes = peers.iter().map(|peer| self.node(peer, now));
        let nodes: Vec<Node> = std::iter::once(self.own_node(now)).chain(nodes).collect();
        let mut observations: Grid<Option<&Observation>> = Grid::new(nodes.len(), None);
        let own = observations.row_mut(NodeIdx::SELF).iter_mut().skip(1);
        own.zip(&peers).for_each(|(cell, peer)| *cell = Some(peer.observation()));
        for (nth, peer) in peers.iter().enumerate() {
            let (owner, Some(row)) = (NodeIdx::new(nth + 1), self.fresh_row(peer, now)) else { continue };
            for (cell, of) in observations.row_mut(owner).iter_mut().zip(&nodes) {
                *cell = of.info.id.and_then(|id| row.observations().get(&id));
            }
            // Nobody has anything to tell of itself.
            observations[(owner, owner)] = None;
        }
        let view = NetworkView {
            nodes,
            observations,
            notice: self.notice(),
            foreign: self.judging.foreign.iter().collect(),
            group: &config.group,
            presence_port: config.port,
            margin: config.interval * 3 / 2 + Duration::from_millis(500),
            patience: self.patience(),
            now,
        };
        (peers.iter().map(|peer| peer.key()).collect(), diagnose(&view))
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

    /// A peer, as one that is judged.
    fn node(&self, peer: &Peer, now: Instant) -> Node {
        let row = self.fresh_row(peer, now);
        // A mask is compared on the link that presence shares.
        let one_link = self.shared.links().all().len() == 1;
        Node {
            info: Arc::clone(peer.info()),
            prefix: peer.paths.prefix().filter(|_| peer.interface().is_some() && one_link),
            trouble: peer.health.trouble(),
            icmp: peer.health.icmp(peer.probes.last_echo(), fresh_for(self.shared.config()), now),
            confirmed: row.map(RemoteRow::confirmed),
            changed: row.map(RemoteRow::changed),
        }
    }

    /// This node, as one that is judged.
    fn own_node(&self, now: Instant) -> Node {
        let (config, links) = (self.shared.config(), self.shared.links());
        let info = PeerInfo {
            key: PeerKey::default(),
            id: Some(config.id),
            name: config.name.clone(),
            addr: SocketAddr::new(links.own_address(), config.tcp_port),
            incarnation: Some(config.incarnation),
        };
        Node {
            info: Arc::new(info),
            prefix: links.first_prefix(),
            trouble: None,
            icmp: None,
            confirmed: Some(now),
            changed: None,
        }
    }

    /// The row that a peer told, if it is not too old to be believed.
    fn fresh_row(&self, peer: &Peer, now: Instant) -> Option<&RemoteRow> {
        let fresh_for = fresh_for(self.shared.config());
        let row = self.remote_rows.of(peer.id()?)?;
        (now.saturating_duration_since(row.confirmed()) <= fresh_for).then_some(row)
    }

    /// What the table says of each peer: the verdict of the finding that was published of it; without one, whether all is well.
    fn note_verdicts(&mut self, keys: &[PeerKey], verdicts: &[Option<Verdict>]) {
        let judged = keys.iter().zip(verdicts.iter().skip(1));
        let judged = judged.filter_map(|(key, seen)| Some((*key, self.peers.get(*key)?.id(), *seen)));
        let judged: Vec<_> = judged.collect();
        let peers = judged.iter().map(|(key, id, _)| (*key, *id));
        let accusations = self.judging.findings.accuse(peers, self.shared.config().id);
        for ((key, id, seen), said) in judged.into_iter().zip(accusations) {
            let well = id.is_some() && seen == Some(Verdict::Ok);
            let unaccused = if well { Verdict::Ok } else { Verdict::Unknown };
            if let Some(peer) = self.peers.settle(key) {
                peer.set_verdict(said.unwrap_or(unaccused));
            }
        }
    }
}
