//! All that a diagnosis looks at, as it is at one moment.
//!
//! A view is taken at once and looked at later, piece by piece: until a row has been read, it is shared with whoever holds it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::address::Endpoint;
use crate::engine::api::Icmp;
use crate::engine::hardware::HardwareAddr;
use crate::engine::links::Links;
use crate::engine::network::Network;
use crate::engine::observation::{FEWEST_MISSING, MOST_MISSING, Observation};
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::{PeerInfo, Tardiness};

use super::foreign_nodes::ForeignNode;
use super::grid::{Grid, NodeIdx};
use super::loss_comparison::Others;

/// A node that is judged.
#[derive(Debug, Clone)]
pub struct JudgedNode {
    /// Who it is.
    pub info: Arc<PeerInfo>,
    /// What this node sees of it; none if the node is this one.
    pub observation: Option<Observation>,
    /// What it told; none if it has told nothing, or nothing lately, or is this node.
    pub row: Option<ToldRow>,
    /// How its network's mask compares with ours; none if it has not said, is on no link of ours, or is this node.
    pub mask: Option<Mask>,
    /// When the trouble between this node and it began; none if there is none, or the node is this one.
    pub trouble: Option<Instant>,
    /// What ICMP says of this node's datagrams to it since then; it can be forged.
    pub icmp: Option<Icmp>,
    /// Only rows of others tell of it: nothing ever came from it to this node.
    pub second_hand: bool,
    /// It finds this node behind the address of another host: what this node did not ask for does not pass there.
    pub sees_me_translated: bool,
    /// It is heard by broadcasts from the address that it says is its own.
    pub at_home: bool,
    /// Its hardware address, where that was asked for and is known.
    pub hardware: Option<HardwareAddr>,
    /// Within which time it went out of `up` several times lately; none if it did not, or is this one.
    pub flaps: Option<Duration>,
    /// When it last went out of `up`; none if it never did, or is this one.
    pub went: Option<Instant>,
    /// Whether it answers this node late.
    pub tardiness: Tardiness,
    /// Since when it is observed there.
    pub since: Instant,
    /// When an echo of it last came; none if none did, or the node is this one.
    pub echoed: Option<Instant>,
    /// Another of its addresses, from which it was heard since the trouble began; none if it was not, or the node is this one.
    pub heard_elsewhere: Option<Endpoint>,
    /// Of how many of its latest echoes it is known whether they came; 0 if the node is this one.
    pub outcomes: u8,
    /// Share of these that did not come, in percent, whether it is more than by chance or not.
    pub share_lost: u8,
    /// When an exchange of it was last answered; none if none was, or the node is this one.
    pub served: Option<Instant>,
    /// When a broadcast of it was last heard; none if none was, or the node is this one.
    pub broadcast: Option<Instant>,
    /// The network that it is in; none where that is not known, or means nothing to people.
    pub network: Option<Network>,
}

impl JudgedNode {
    /// A node that is at home, and of which nothing else is known: this one, as it judges.
    pub fn new(info: Arc<PeerInfo>, since: Instant) -> Self {
        Self {
            info,
            observation: None,
            row: None,
            mask: None,
            trouble: None,
            icmp: None,
            second_hand: false,
            sees_me_translated: false,
            at_home: true,
            hardware: None,
            flaps: None,
            went: None,
            tardiness: Tardiness::InTime,
            since,
            echoed: None,
            outcomes: 0,
            share_lost: 0,
            heard_elsewhere: None,
            served: None,
            broadcast: None,
            network: None,
        }
    }
}

/// The mask of a node's network, and ours on the link that it is on.
#[derive(Debug, Clone)]
pub struct Mask {
    /// Length of its network's prefix, in bits, as it says.
    pub theirs: u8,
    /// Length of ours on that link.
    pub ours: u8,
    /// The name of that link.
    pub link: Arc<str>,
}

/// What another node told.
#[derive(Debug, Clone)]
pub struct ToldRow {
    /// What it sees of each.
    pub observations: Arc<HashMap<NodeId, Observation>>,
    /// When it was last known to be so.
    pub confirmed: Instant,
    /// When it last changed.
    pub changed: Instant,
    /// How long its owner may need to notice that UDP fails.
    pub notice: Duration,
    /// Within which time its owner dials everybody.
    pub patience: Duration,
}

/// What is the same for all pairs.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How long a node may need to notice that UDP fails.
    pub notice: Duration,
    /// How often a peer is regularly asked for an echo.
    pub echo_period: Duration,
    /// How long others are waited for before a host is called down.
    pub patience: Duration,
    /// How long an attempt of a dial may take.
    pub dial_timeout: Duration,
    /// How long after the last sign of life that one node had, one that another had counts as news: somewhat more than the
    /// period of the presences, which everybody hears.
    pub margin: Duration,
    /// The longest time between two broadcasts of a peer.
    pub broadcast_gap: Duration,
    /// The group of this node.
    pub group: String,
    /// The UDP presence port.
    pub presence_port: u16,
    /// While packets are lost with a peer: its address, and how echoes of others by the same way fared since.
    pub loss_of_others: Option<(IpAddr, Others)>,
    /// Rules of this machine's own packet filter that stop packets of this node.
    pub blocking: Vec<Arc<BlockingRule>>,
    /// How late this node does what is due, if it often is.
    pub hesitation: Option<Duration>,
    /// Two links of this machine in one network that are on two wires.
    pub split: Option<SplitNetwork>,
    /// Nodes of the view that others find at an address of this machine.
    pub rivals: Vec<OwnRival>,
    /// The links of this node: zones are told by their names.
    pub(crate) links: Links,
    /// When the view is taken.
    pub now: Instant,
}

/// Another node that has an address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRival {
    /// Its id.
    pub id: NodeId,
    /// That address.
    pub addr: Endpoint,
    /// Who finds it there.
    pub told_by: Arc<PeerInfo>,
}

/// Two links of this machine in one network that are on two wires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitNetwork {
    /// Their names; first the one by which the system sends there.
    pub links: [Arc<str>; 2],
    /// This machine's address on the first, and the length of the prefix, in bits.
    pub network: (IpAddr, u8),
    /// All hosts are heard by the second, and none by the first.
    pub all_by_the_unrouted: bool,
}

/// What is known of a network at one moment.
#[derive(Debug)]
pub struct NetworkView {
    nodes: Vec<JudgedNode>,
    foreign: Vec<ForeignNode>,
    setting: Setting,
    index: HashMap<NodeId, NodeIdx>,
    row_ages: Vec<RowAge>,
    /// What each sees of each, as far as rows have been read.
    observations: Grid<Option<Observation>>,
}

/// How old what a node told is, reckoned once for all its pairs.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowAge {
    /// When what it tells was last known to be so.
    pub(super) confirmed: Option<Instant>,
    /// When what it tells last changed.
    changed: Option<Instant>,
    /// How long its owner may need to notice that UDP fails.
    notice: Duration,
    /// Trouble that began until then is told in its row, if its owner could notice it at all.
    pub(super) noticed_until: Option<Instant>,
    /// Everybody dials everybody once in an interval: until then, its owner has dialed everybody.
    pub(super) dialed_until: Option<Instant>,
}

impl NetworkView {
    /// A view of these nodes, this one first.
    pub fn new(nodes: Vec<JudgedNode>, foreign: Vec<ForeignNode>, setting: Setting) -> Self {
        let ids = nodes.iter().enumerate().filter_map(|(nth, node)| Some((node.info.id?, NodeIdx::new(nth))));
        Self {
            index: ids.collect(),
            row_ages: nodes.iter().enumerate().map(|(nth, node)| RowAge::of(nth, node, &setting)).collect(),
            observations: Grid::new(nodes.len(), None),
            nodes,
            foreign,
            setting,
        }
    }

    /// How many nodes are judged.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Reads what one node sees of all, and lets go of its row; how many entries that took.
    pub(super) fn read_row(&mut self, from: NodeIdx) -> usize {
        let Self { nodes, index, observations, .. } = self;
        let cells = observations.row_mut(from);
        if from.is_self() {
            cells.iter_mut().zip(nodes.iter()).for_each(|(cell, node)| *cell = node.observation);
            return nodes.len();
        }
        let Some(row) = nodes[from.index()].row.take() else { return 1 };
        for (id, observation) in row.observations.iter() {
            if let Some(to) = index.get(id) {
                cells[to.index()] = Some(*observation);
            }
        }
        // Nobody has anything to tell of itself.
        cells[from.index()] = None;
        row.observations.len().max(1)
    }

    /// The positions of all nodes.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + ExactSizeIterator + Clone + use<> {
        NodeIdx::all(self.nodes.len())
    }

    /// The nodes other than this one.
    pub(super) fn others(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + Clone + use<> {
        self.all().skip(1)
    }

    /// Where a node stands.
    pub(super) fn position(&self, id: NodeId) -> Option<NodeIdx> {
        self.index.get(&id).copied()
    }

    pub(super) fn node(&self, nth: NodeIdx) -> &JudgedNode {
        &self.nodes[nth.index()]
    }

    pub(super) fn row_age(&self, nth: NodeIdx) -> &RowAge {
        &self.row_ages[nth.index()]
    }

    pub(super) fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Nodes that are no peers.
    pub(super) fn foreign(&self) -> &[ForeignNode] {
        &self.foreign
    }

    /// What one node sees of another; none where that is not known, or too old.
    pub(super) fn observation(&self, from: NodeIdx, to: NodeIdx) -> Option<&Observation> {
        self.observations[(from, to)].as_ref()
    }

    /// Whether two observations are of one way, as far as is known. A link or a family may fail while another one does
    /// not: what is seen of the one says nothing of the other.
    pub(super) fn is_one_way(&self, one: &Observation, other: &Observation) -> bool {
        let both = one.at.zip(other.at);
        both.is_none_or(|(one, other)| !self.setting.links.tell_apart(one, other))
    }

    /// Whether what one node saw of another is older than the last change of either, as this node has seen it: a recovery, a new life,
    /// another address. It says nothing of them as they are now. Neither does a dial so long ago that another one has ended since.
    pub(super) fn is_outdated(&self, from: NodeIdx, to: NodeIdx, seen: &Observation) -> bool {
        let said = if seen.tcp.is_failing() { seen.checked } else { self.row_age(from).confirmed };
        let Some(said) = said.filter(|_| !from.is_self()) else { return false };
        let changed = [from, to].into_iter().filter(|node| !node.is_self()).map(|node| self.node(node).since);
        // This node has seen itself how a later dial of it went.
        let reached = to.is_self() && self.node(from).served.is_some_and(|at| at > said);
        reached
            || changed.max().is_some_and(|changed| said < changed)
            || self.ago(said) > self.setting.patience + self.setting.notice
    }

    /// Whether what the two tell of each other has stood for so long that each has noticed by now whatever it can notice. Of whom
    /// nothing is heard any more no row is known: that one has no more to tell.
    pub(super) fn is_settled(&self, from: NodeIdx, to: NodeIdx) -> bool {
        let has_row = !to.is_self() && self.row_age(to).changed.is_some();
        from.is_self() || self.stands(from, to) && (!has_row || self.stands(to, from))
    }

    /// Whether what another node tells of one has stood for as long as it may need to notice that UDP fails. Where it tells nothing of
    /// that one, all that it tells.
    fn stands(&self, from: NodeIdx, to: NodeIdx) -> bool {
        let RowAge { changed, notice, .. } = *self.row_age(from);
        let since = self.observation(from, to).and_then(|seen| seen.told_since).or(changed);
        since.is_some_and(|since| self.ago(since) >= notice)
    }

    /// Since when there is trouble between this node and another one; none if there is none.
    pub(super) fn trouble(&self, a: NodeIdx, b: NodeIdx) -> Option<Instant> {
        [self.node(a).trouble, self.node(b).trouble].into_iter().flatten().min()
    }

    /// Whether this node reaches a peer.
    pub(super) fn is_reached(&self, peer: NodeIdx) -> bool {
        self.observation(NodeIdx::SELF, peer).is_some_and(Observation::is_reached)
    }

    /// Whether anything comes in from any peer.
    pub(super) fn hears_anybody(&self) -> bool {
        let heard =
            |node: NodeIdx| self.observation(NodeIdx::SELF, node).is_some_and(|seen| seen.hears().is_ok());
        self.others().any(heard)
    }

    /// The peers other than this one that this node looks at by the same way.
    fn others_that_way(&self, peer: NodeIdx) -> impl Iterator<Item = &JudgedNode> {
        let seen = |node: NodeIdx| self.node(node).observation.as_ref();
        let is_one_way = move |other: &NodeIdx| {
            seen(peer).zip(seen(*other)).is_none_or(|(peer, other)| self.is_one_way(peer, other))
        };
        self.others().filter(move |other| *other != peer && is_one_way(other)).map(|other| self.node(other))
    }

    /// Whether UDP passes at this node's own end: an echo of a peer other than this one came after a moment.
    pub(super) fn others_echo_since(&self, peer: NodeIdx, moment: Instant) -> bool {
        self.others_that_way(peer).any(|other| other.echoed.is_some_and(|at| at >= moment))
    }

    /// Whether TCP leaves this node: it reached a peer other than this one after a moment.
    pub(super) fn others_reached_since(&self, peer: NodeIdx, moment: Instant) -> bool {
        let reached = |seen: &Observation| seen.tcp.is_ok() && seen.checked.is_some_and(|at| at >= moment);
        self.others_that_way(peer).any(|other| other.observation.as_ref().is_some_and(reached))
    }

    /// Whether trouble with a peer other than this one ended while a dial of this one was under way that failed at this moment: its
    /// cause may have ended with it.
    pub(super) fn others_recovered_since(&self, peer: NodeIdx, failed: Instant) -> bool {
        self.others_that_way(peer).any(|other| other.since + self.setting.dial_timeout >= failed)
    }

    /// How echoes of others fared since packets are lost between this node and this peer; none if others are not measured.
    pub(super) fn loss_of_others(&self, peer: NodeIdx) -> Option<Others> {
        let (at, others) = self.setting.loss_of_others?;
        let that_way = !self.setting.links.tell_apart(at, self.node(peer).info.addr.ip());
        (that_way && others.were_measured()).then_some(others)
    }

    /// Whether there are peers other than this one whose echoes could be compared with those of this one.
    pub(super) fn has_others_to_compare(&self, peer: NodeIdx) -> bool {
        let is_reached = |seen: &Observation| seen.tcp.is_ok();
        self.others_that_way(peer).any(|other| other.observation.as_ref().is_some_and(is_reached))
    }

    /// Whether broadcasts arrive at this node's own end: one of another peer was heard when those of this peer had been missing for
    /// long already. One that is a little younger would only say that its own end failed last, or that this peer stood still.
    pub(super) fn others_broadcast_since(&self, peer: NodeIdx) -> bool {
        let due = self.node(peer).broadcast.map(|last| last + self.setting.broadcast_gap * FEWEST_MISSING);
        self.others_that_way(peer).any(|other| other.broadcast > due)
    }

    /// How many broadcasts of a peer this node misses in a row, up to [`MOST_MISSING`].
    pub(super) fn missing_broadcasts(&self, peer: NodeIdx) -> u32 {
        let node = self.node(peer);
        let since = self.ago(node.broadcast.unwrap_or(node.since));
        let missing = since.as_nanos() / self.setting.broadcast_gap.as_nanos().max(1);
        u32::try_from(missing).unwrap_or(MOST_MISSING).min(MOST_MISSING)
    }

    /// How long ago something was.
    pub(super) fn ago(&self, at: Instant) -> Duration {
        self.setting.now.saturating_duration_since(at)
    }

    /// What ICMP says of datagrams of one node to another: it is known of this node's only.
    pub(super) fn icmp(&self, from: NodeIdx, to: NodeIdx) -> Option<Icmp> {
        self.node(to).icmp.filter(|_| from.is_self())
    }

    /// Whether the node that the datagram was for sent this error itself.
    pub(super) fn is_from_itself(&self, icmp: Icmp, to: NodeIdx) -> bool {
        icmp.from == Some(self.node(to).info.addr.zoned_ip())
    }

    /// Whether two nodes on one link say that their networks have masks that differ.
    pub(super) fn masks_differ(&self, a: NodeIdx, b: NodeIdx) -> bool {
        self.masks(a, b).is_some_and(|(a, b)| a != b)
    }

    /// The masks of two nodes on one link of ours, as lengths of prefixes in bits.
    pub(super) fn masks(&self, a: NodeIdx, b: NodeIdx) -> Option<(u8, u8)> {
        match (&self.node(a).mask, &self.node(b).mask) {
            (Some(a), Some(b)) => (a.link == b.link).then_some((a.theirs, b.theirs)),
            (None, Some(b)) if a.is_self() => Some((b.ours, b.theirs)),
            (Some(a), None) if b.is_self() => Some((a.theirs, a.ours)),
            _ => None,
        }
    }
}

impl RowAge {
    fn of(nth: usize, node: &JudgedNode, setting: &Setting) -> Self {
        let own = (nth == NodeIdx::SELF.index()).then_some(setting.now);
        let confirmed = own.or(node.row.as_ref().map(|row| row.confirmed));
        let changed = node.row.as_ref().map(|row| row.changed);
        let (notice, patience) =
            node.row.as_ref().map_or((setting.notice, setting.patience), |row| (row.notice, row.patience));
        Self {
            confirmed,
            changed,
            notice,
            noticed_until: confirmed.and_then(|at| at.checked_sub(notice)),
            dialed_until: confirmed.and_then(|at| at.checked_sub(patience)),
        }
    }
}
