//! How the engine makes its diagnosis: takes the view of it from peers and rows, has it judged in slices, and publishes what the
//! tracker of findings says. The parts of `diagnosis` hold all the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::address::{Endpoint, is_link_local};
use crate::engine::api::Output;
use crate::engine::context::fresh_for;
use crate::engine::diagnosis::debounce::Circumstances;
use crate::engine::diagnosis::foreign_nodes::{Mismatch, Noted};
use crate::engine::diagnosis::judging::{Judging, Underway};
use crate::engine::diagnosis::network_view::{
    JudgedNode, Mask, NetworkView, OwnRival, Setting, SplitNetwork, ToldRow,
};
use crate::engine::diagnosis::schedule::Outlook;
use crate::engine::diagnosis::{Diagnosis, DiagnosisRun, Progress};
use crate::engine::event::Event;
use crate::engine::gossip::remote_rows::RemoteRow;
use crate::engine::gossip::rivals::Rival;
use crate::engine::gossip::told_nodes;
use crate::engine::limits::{
    DIAGNOSIS_PAUSE, DIAGNOSIS_SLICE, MAX_JUDGED, MEASURED_BESIDE, PERIOD_JITTER, VERDICT_SETTLES,
    WIDE_EVERY, WIRES_HEARD_FOR,
};
use crate::engine::moment::Moment;
use crate::engine::network::Network;
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
use crate::engine::probing::prober::{echo_period, notices_within};
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

    /// The rules of this machine's own packet filter were read.
    pub(in crate::engine) fn handle_filter_rules(&mut self, rules: Vec<BlockingRule>, now: Instant) {
        self.judging.own_filter.note(rules, now);
        self.judge_soon(now);
    }

    /// This machine suspects itself first: what fails with others may be stopped by its own packet filter.
    fn suspect_own_filter(&mut self, now: Instant) {
        let me = self.shared.config().id;
        let fails = |row: &&RemoteRow| row.observations().get(&me).is_some_and(|seen| !seen.is_fine());
        let wrong = self.peers.unwell().len() + self.remote_rows.iter().filter(fails).count();
        if self.judging.own_filter.ask(wrong, now) {
            let (config, interfaces) = (self.shared.config(), Arc::clone(self.shared.links().all()));
            let (udp, tcp) = (config.port, config.tcp_port);
            self.shared.out().push(Output::ReadFilter { interfaces, udp, tcp });
        }
    }

    /// Looks for what is wrong, a slice of it at a time; at the end publishes what is new and withdraws what is over.
    pub(in crate::engine) fn judge(&mut self, now: Instant) {
        if let Some(at) = self.wires_known_at().filter(|at| *at > now) {
            return self.judging.schedule.pause_until(at);
        }
        let mut underway = match self.judging.underway.take() {
            Some(underway) => underway,
            None => self.begin_to_judge(now),
        };
        match underway.run.advance(DIAGNOSIS_SLICE) {
            Progress::Finished => self.conclude(*underway, now),
            Progress::Paused => {
                self.judging.underway = Some(underway);
                self.judging.schedule.pause_until(now + DIAGNOSIS_PAUSE);
            }
        }
    }

    /// While it is not known whether links in one network are on one wire, whoever is on the other wire would be accused.
    fn wires_known_at(&self) -> Option<Instant> {
        let patience = self.wires_patience() + self.patience();
        self.judging.wires.known_at(patience).filter(|_| self.shared.links().share_a_network())
    }

    fn wires_patience(&self) -> Duration {
        self.shared.config().interval * WIRES_HEARD_FOR
    }

    /// Finds out whether links in one network are on two wires; as soon as they seem to be, each peer is dialed by its own.
    pub(in crate::engine) fn tell_wires_apart(&mut self, now: Instant) -> Option<SplitNetwork> {
        if !self.shared.links().share_a_network() {
            return None;
        }
        let patience = self.wires_patience();
        let links = self.shared.links();
        let is_routed = |link| links.is_routed(link);
        let is_there = |id| self.peers.is_there(id);
        let wires = &mut self.judging.wires;
        let split = wires.split(links.in_one_network(), is_routed, is_there, patience, now);
        let seem_split = || wires.seem_split(links.in_one_network(), is_routed, is_there, patience, now);
        let apart = split.clone().or_else(seem_split);
        self.shared.links_mut().set_split(apart.map(|split| split.links));
        split
    }

    /// Something that began then has come or ended now, and may say that a peer is slow. Whoever was late itself since then does not know
    /// who else was.
    pub(super) fn note_lateness(
        &mut self,
        key: PeerKey,
        began: Instant,
        note: impl FnOnce(&mut Peer) -> bool,
        now: Instant,
    ) {
        let in_time = self.punctuality.is_in_time_since(began);
        if in_time && self.peers.get_mut(key).is_some_and(note) {
            self.judge_soon(now);
        }
    }

    /// Takes the view.
    fn begin_to_judge(&mut self, now: Instant) -> Box<Underway> {
        self.prepare_to_judge(now);
        let mut ctx = self.shared.context(self.peers.len(), now);
        told_nodes::vouch(&self.remote_rows, &mut self.peers, &mut ctx);
        self.judging.schedule.begin(now);
        self.suspect_own_filter(now);
        self.compare_losses(now);
        let split = self.tell_wires_apart(now);
        let judged = self.judged_peers();
        let peers = judged.iter().map(|peer| peer.key()).collect();
        let run = DiagnosisRun::new(self.network_view(&judged, split, now));
        Box::new(Underway { run, peers })
    }

    /// Where packets are lost with one peer, others are measured as well, by which it can be told at which end.
    fn compare_losses(&mut self, now: Instant) {
        let lossy = self.peers.unwell().iter().filter_map(|key| self.peers.get(*key));
        let lossy = lossy.filter(|peer| peer.probes.is_lossy() || peer.observation().large.is_failing());
        let lossy = lossy.filter_map(|peer| Some((peer.key(), peer.ip().ip(), peer.health.trouble()?)));
        // The one that was compared until now, if there are several.
        let until_now = self.judging.loss.with();
        let with = lossy.min_by_key(|(key, ..)| (Some(*key) != until_now, *key));
        let Some((key, at, trouble)) = with else { return self.judging.loss.end() };
        self.judging.loss.begin(key, at, trouble);
        let links = self.shared.links();
        let comparable = |peer: &Peer| {
            peer.key() != key && peer.state() == PeerState::Up && !links.tell_apart(peer.ip().ip(), at)
        };
        let others = self.peers.own_choice(self.shared.config().id, MEASURED_BESIDE, comparable);
        let known = self.peers.len();
        for key in others {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if let Some(measured) = peer.probes.measured() {
                self.judging.loss.count(key, measured);
            }
            if self.judging.loss.wants_more() {
                self.prober.begin_burst(peer, &self.shared.context(known, now));
            }
        }
    }

    fn conclude(&mut self, Underway { run, peers }: Underway, now: Instant) {
        let (circumstances, steps) = (self.circumstances(peers.len() > 1), run.steps());
        let Diagnosis { findings, verdicts, open } = run.conclude();
        let is_open = |from: NodeId, to: NodeId| open.contains(from, to);
        let news = self.judging.findings.update(findings, is_open, &circumstances, now);
        self.note_verdicts(&peers, &verdicts);
        for finding in news {
            self.shared.out().publish(Event::Diagnosis(finding));
        }
        let outlook = self.outlook(open.any());
        self.judging.schedule.end(outlook, steps, self.shared.dial_interval(), now);
    }

    /// What is too old goes.
    fn prepare_to_judge(&mut self, now: Instant) {
        self.remote_rows.expire(self.shared.config(), now);
        let peers = &self.peers;
        let is_up = |peer: &Peer| peer.state() == PeerState::Up;
        let is_peer = |info: &PeerInfo| {
            let known = info.id.and_then(|id| peers.get(peers.by_id(id)?));
            peers.at(info.addr.zoned_ip()).any(is_up) || known.is_some_and(is_up)
        };
        let foreign = &mut self.judging.foreign;
        foreign.expire(is_peer, now);
        if !foreign.is_empty() {
            let homes = peers.iter().filter(|peer| is_up(peer)).flat_map(|peer| peer.paths.ips());
            homes.for_each(|ip| foreign.forget_at(ip));
        }
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
            settle: VERDICT_SETTLES.min(self.shared.dial_interval() / 4),
            notice: self.notice(),
            patience: self.patience(),
            dial_interval: self.shared.dial_interval(),
        }
    }

    fn notice(&self) -> Duration {
        self.notice_of(self.shared.dial_interval())
    }

    /// How long one may need to notice that UDP fails who dials every so often.
    fn notice_of(&self, dial_interval: Duration) -> Duration {
        notices_within(self.shared.pace(self.peers.len()).of_a_node_that_dials_every(dial_interval))
    }

    /// By then everybody has dialed everybody.
    pub(super) fn patience(&self) -> Duration {
        self.patience_with(self.shared.dial_interval())
    }

    /// By then one has dialed everybody who dials every so often.
    fn patience_with(&self, dial_interval: Duration) -> Duration {
        dial_interval + self.shared.config().retry.timeout
    }

    /// The network as it is now.
    fn network_view(&self, judged: &[&Peer], split: Option<SplitNetwork>, now: Instant) -> NetworkView {
        let config = self.shared.config();
        let all_heard = self.shared.runs_longer_than(WIDE_EVERY + config.interval * 5 / 4, now);
        let peers = judged.iter().map(|peer| self.node(peer, now));
        let mut nodes: Vec<JudgedNode> = std::iter::once(self.own_node(now)).chain(peers).collect();
        let rivals = self.add_rivals(&mut nodes, now);
        let setting = Setting {
            notice: self.notice(),
            echo_period: echo_period(self.shared.pace(self.peers.len())),
            patience: self.patience(),
            dial_timeout: config.retry.timeout,
            margin: config.interval * 3 / 2 + Duration::from_millis(500),
            broadcast_gap: config.interval.mul_f64(1.0 + PERIOD_JITTER),
            group: config.group.clone(),
            presence_port: config.port,
            loss_of_others: self.judging.loss.others(),
            blocking: self.judging.own_filter.rules(now),
            hesitation: self.punctuality.hesitation(now),
            split,
            rivals,
            links: self.shared.links().clone(),
            now,
        };
        NetworkView::new(nodes, self.judging.foreign.wrong(all_heard).cloned().collect(), setting)
    }

    /// Others that a peer with which all is well hears from an address of this machine; to the nodes that are judged are added those of them
    /// that are no peers. This machine's own former life is known to others no longer when everybody was dialed once.
    fn add_rivals(&self, nodes: &mut Vec<JudgedNode>, now: Instant) -> Vec<OwnRival> {
        let config = self.shared.config();
        let mut rivals: Vec<OwnRival> = Vec::new();
        if !self.shared.runs_longer_than_an_interval(now) {
            return rivals;
        }
        for Rival { id, name, addr, told_by } in self.remote_rows.rivals() {
            let teller = self.peers.by_id(told_by).and_then(|key| self.peers.get(key));
            let teller = teller.filter(|peer| peer.is_proven() && !peer.has_left());
            let row = self.remote_rows.of(told_by);
            let row = row.filter(|row| row.is_fresh(config, now));
            let hears =
                row.is_some_and(|row| row.observations().get(&id).is_some_and(|seen| seen.broadcast.is_ok()));
            let told = rivals.iter().any(|rival| rival.id == id);
            let Some(teller) = teller.filter(|_| hears && !told && self.shared.links().holds(addr.into()))
            else {
                continue;
            };
            let addr = self.shared.links().told(addr);
            if nodes.iter().all(|node| node.info.id != Some(id)) {
                let info = PeerInfo { key: PeerKey::default(), id: Some(id), name, addr, incarnation: None };
                nodes.push(JudgedNode::new(Arc::new(info), now));
            }
            rivals.push(OwnRival { id, addr, told_by: Arc::clone(teller.info()) });
        }
        rivals
    }

    /// The peers that are judged, in order of discovery. Of too many, those with trouble first: the others are what they are
    /// compared with.
    fn judged_peers(&self) -> Vec<&Peer> {
        // Whoever was left behind in another network is not at fault, and neither is this machine.
        let links = self.shared.links();
        let left_behind = |peer: &Peer| {
            !peer.is_named() && peer.interface().is_some_and(|link| links.have_left(link, peer.ip()))
        };
        let here = |peer: &&Peer| !peer.has_left() && peer.info().has_address() && !left_behind(peer);
        if self.peers.len() < MAX_JUDGED {
            return self.peers.iter().filter(here).collect();
        }
        let unwell = self.peers.unwell();
        let first = unwell.iter().filter_map(|key| self.peers.get(*key)).filter(here);
        let others = self.peers.iter().filter(here).filter(|peer| !unwell.contains(&peer.key()));
        first.chain(others).take(MAX_JUDGED - 1).collect()
    }

    /// A peer, as one that is judged.
    fn node(&self, peer: &Peer, now: Instant) -> JudgedNode {
        let config = self.shared.config();
        let row = peer.id().and_then(|id| self.remote_rows.of(id));
        // A dead one's last word is no witness: it was confirmed before the trouble with it began, and there was no sign of life since.
        let stands = |row: &&RemoteRow| {
            let lives = |began: Moment| peer.last_alive().is_some_and(|at| at >= began);
            let said = |began: Moment| row.confirmed() >= Instant::from(began);
            peer.health.trouble().is_none_or(|began| lives(began) || said(began))
        };
        let row = row.filter(|row| row.is_fresh(config, now)).filter(stands);
        let sees_me_translated = row.is_some_and(RemoteRow::sees_me_translated);
        JudgedNode {
            info: Arc::clone(peer.info()),
            observation: Some(peer.observation()),
            row: row.map(|row| ToldRow {
                observations: Arc::clone(row.observations()),
                confirmed: row.confirmed(),
                changed: row.changed(),
                notice: self.notice_of(row.dial_interval()),
                patience: self.patience_with(row.dial_interval()),
            }),
            mask: self.mask(peer),
            trouble: peer.health.trouble().map(Instant::from),
            icmp: peer.health.icmp(
                peer.probes.last_echo(),
                fresh_for(self.shared.dial_interval(), config),
                now,
            ),
            heard_elsewhere: self.heard_elsewhere(peer),
            since: peer.health.since().into(),
            second_hand: peer.is_second_hand(),
            sees_me_translated,
            at_home: peer.observation().broadcast.is_ok() && peer.paths.claimed().is_none(),
            hardware: peer.health.hardware(),
            flaps: peer.flaps_within(now),
            went: peer.went(),
            tardiness: peer.tardiness(now),
            echoed: peer.probes.last_echo().map(Instant::from),
            outcomes: peer.probes.outcomes(),
            share_lost: peer.probes.share_lost(),
            served: peer.last_seen.served().map(Instant::from),
            broadcast: peer.last_seen.broadcast().map(Instant::from),
            network: self.network_of(peer),
        }
    }

    /// The network of a peer: on a link of ours that of the link, whatever mask it has; beyond, what it says.
    pub(in crate::engine) fn network_of(&self, peer: &Peer) -> Option<Network> {
        let (ip, links) = (peer.ip(), self.shared.links());
        let prefix = match peer.interface() {
            Some(link) => links.prefix_on(link, ip)?,
            None => peer.paths.prefix(ip)?,
        };
        (!is_link_local(ip.ip())).then(|| Network::of(ip.ip(), prefix))
    }

    /// What fails may be the way to one address only.
    fn heard_elsewhere(&self, peer: &Peer) -> Option<Endpoint> {
        let ip = peer.paths.heard_elsewhere(peer.ip(), peer.health.trouble()?)?;
        Some(self.shared.links().told(ip.at_port(peer.addr().port())))
    }

    /// A mask is compared on the link by which the peer is heard, and only where both speak of their IPv4 networks: in IPv6 a prefix
    /// says nothing of who is on the link (RFC 5942). What a peer said that is gone says nothing of those that are there.
    fn mask(&self, peer: &Peer) -> Option<Mask> {
        if peer.ip().ip().is_ipv6() || peer.untimed_observation().hears().is_failing() {
            return None;
        }
        let (theirs, link) = (peer.paths.prefix(peer.ip())?, peer.interface()?);
        let ours = self.shared.links().prefix_on(link, peer.ip())?;
        Some(Mask { theirs, ours, link: Arc::clone(link) })
    }

    /// This node, as one that is judged.
    fn own_node(&self, now: Instant) -> JudgedNode {
        let (config, links) = (self.shared.config(), self.shared.links());
        let info = PeerInfo {
            key: PeerKey::default(),
            id: Some(config.id),
            name: config.name.clone(),
            addr: links.told(links.own_address().at_port(config.tcp_port)),
            incarnation: Some(config.incarnation),
        };
        let here = links.own_address();
        let network = links.prefix_towards(here).filter(|_| !is_link_local(here.ip()));
        let network = network.map(|prefix| Network::of(here.ip(), prefix));
        JudgedNode { network, ..JudgedNode::new(Arc::new(info), now) }
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
