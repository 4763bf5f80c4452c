//! Whether two links of this machine that are in one network are on two wires: some peers are heard by the one alone, others by the
//! other alone. The system answers them all by one of the two, so that half of them never get an answer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::NodeId;
use crate::engine::hashing::Keyed;
use crate::engine::interface::{Interface, LinkIndex};
use crate::engine::limits::{COPIES_COME_WITHIN, MAX_HEARD_BY_LINK};

use super::network_view::SplitNetwork;

/// By which links each node was heard, while there are two in one network; otherwise nothing.
#[derive(Debug, Default)]
pub(crate) struct Wires {
    heard: HashMap<NodeId, HeardBy, Keyed>,
    /// Since when it is listened.
    since: Option<Instant>,
}

#[derive(Debug)]
struct HeardBy {
    since: Instant,
    /// When last by each.
    by: SmallVec<[(LinkIndex, Instant); 2]>,
}

impl HeardBy {
    fn lately(&self, link: LinkIndex, patience: Duration, now: Instant) -> bool {
        self.by.iter().any(|(by, at)| *by == link && now.saturating_duration_since(*at) <= patience)
    }

    /// Whether it was heard by one link and not by the other, since it was first heard `settled` ago or earlier.
    fn is_only_on(
        &self,
        link: LinkIndex,
        other: LinkIndex,
        (settled, patience): Waited,
        now: Instant,
    ) -> bool {
        now.saturating_duration_since(self.since) > settled
            && self.lately(link, patience, now)
            && !self.lately(other, patience, now)
    }
}

/// How long ago a node must have been heard first to tell by which links it is heard, and how long ago it may have been heard last.
type Waited = (Duration, Duration);

impl Wires {
    /// A presence that went to all came from a node by a link. Where there are too many nodes, one that may not be there makes room.
    pub(crate) fn note(
        &mut self,
        from: NodeId,
        link: LinkIndex,
        is_there: impl Fn(NodeId) -> bool,
        now: Instant,
    ) {
        if self.heard.len() >= MAX_HEARD_BY_LINK && !self.heard.contains_key(&from) {
            let Some(spare) = self.heard.keys().copied().find(|id| !is_there(*id)) else { return };
            self.heard.remove(&spare);
        }
        let heard = self.heard.entry(from).or_insert_with(|| HeardBy { since: now, by: SmallVec::new() });
        match heard.by.iter_mut().find(|(by, _)| *by == link) {
            Some((_, at)) => *at = now,
            None => heard.by.push((link, now)),
        }
    }

    /// The links changed: what was heard by those before says nothing of these.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.heard.clear();
        self.since = Some(now);
    }

    /// When it will be known whether the links are on one wire, and everybody has been dialed since.
    pub(crate) fn known_at(&self, patience: Duration) -> Option<Instant> {
        Some(self.since? + patience)
    }

    /// Of pairs of links in one network, two that are on two wires, if it was listened for at least `patience`: a few periods of
    /// presences. Either has hosts that the other has not; or all are on the one, and the system sends by the other. Only nodes that are
    /// known to be there say so: anybody can send to one of the links in the name of one that is not.
    pub(crate) fn split<'l>(
        &mut self,
        pairs: impl Iterator<Item = (&'l Interface, &'l Interface)>,
        is_routed: impl Fn(LinkIndex) -> bool,
        is_there: impl Fn(NodeId) -> bool,
        patience: Duration,
        now: Instant,
    ) -> Option<SplitNetwork> {
        self.heard.retain(|_, heard| {
            heard.by.retain(|(_, at)| now.saturating_duration_since(*at) <= patience);
            !heard.by.is_empty()
        });
        self.find(pairs, is_routed, (is_there, false), (patience, patience), now)
    }

    /// The same before it is certain, and of all who were heard: dials need not fail until then, and who is on the other wire could not prove
    /// to be there. On one wire the copies of a presence come together: where those of a node do that is known to be there, only such
    /// nodes are believed.
    pub(crate) fn seem_split<'l>(
        &self,
        pairs: impl Iterator<Item = (&'l Interface, &'l Interface)>,
        is_routed: impl Fn(LinkIndex) -> bool,
        is_there: impl Fn(NodeId) -> bool,
        patience: Duration,
        now: Instant,
    ) -> Option<SplitNetwork> {
        self.find(pairs, is_routed, (is_there, true), (COPIES_COME_WITHIN, patience), now)
    }

    /// `believes_all` who were heard, unless somebody who is there was heard by both.
    fn find<'l>(
        &self,
        pairs: impl Iterator<Item = (&'l Interface, &'l Interface)>,
        is_routed: impl Fn(LinkIndex) -> bool,
        (is_there, believes_all): (impl Fn(NodeId) -> bool, bool),
        waited: Waited,
        now: Instant,
    ) -> Option<SplitNetwork> {
        let name = |interface: &Interface| interface.name.clone();
        pairs.filter_map(|(one, other)| Some((one, one.index?, other, other.index?))).find_map(
            |(one, a, other, b)| {
                let is_joined = |by: &HeardBy| [a, b].iter().all(|link| by.lately(*link, waited.1, now));
                let believes_all =
                    believes_all && !self.heard.iter().any(|(id, by)| is_joined(by) && is_there(*id));
                let heard = |test: &dyn Fn(&HeardBy) -> bool| {
                    self.heard.iter().any(|(id, by)| test(by) && (believes_all || is_there(*id)))
                };
                let only_on = |link, other| heard(&|heard| heard.is_only_on(link, other, waited, now));
                let by_both = || heard(&is_joined);
                let all_by_the_unrouted = match (only_on(a, b), only_on(b, a)) {
                    (true, true) => Some(false),
                    (true, false) => (is_routed(b) && !by_both()).then_some(true),
                    (false, true) => (is_routed(a) && !by_both()).then_some(true),
                    (false, false) => None,
                }?;
                let (first, second) = if is_routed(b) { (other, one) } else { (one, other) };
                let (links, network) = ([name(first), name(second)], (first.addr, first.prefix));
                Some(SplitNetwork { links, network, all_by_the_unrouted })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::engine::links::Links;
    use crate::testkit::{secs, t0};

    const PATIENCE: Duration = secs(20);
    const ONE: LinkIndex = LinkIndex(1);
    const OTHER: LinkIndex = LinkIndex(2);

    fn links(second: Ipv4Addr) -> Links {
        let on = |name, link, ip| Interface { index: Some(link), ..Interface::new(name, ip, 24).unwrap() };
        let mut links = Links::default();
        let _ = links.replace(vec![on("eth0", ONE, Ipv4Addr::new(10, 0, 0, 1)), on("eth1", OTHER, second)]);
        links
    }

    /// What is said when each of these nodes was heard by these links every five seconds for 40.
    fn told(links: &Links, routed: LinkIndex, heard: &[&[LinkIndex]]) -> Option<SplitNetwork> {
        let (mut wires, start) = (Wires::default(), t0());
        for at in (0..=40).step_by(5).map(|seconds| start + secs(seconds)) {
            for (id, by) in (2..).map(NodeId).zip(heard) {
                by.iter().for_each(|link| wires.note(id, *link, |_| true, at));
            }
        }
        wires.split(links.in_one_network(), |link| link == routed, |_| true, PATIENCE, start + secs(41))
    }

    #[test]
    fn two_wires_are_told_when_each_has_a_node_that_the_other_has_not() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        let split = SplitNetwork {
            links: ["eth0".into(), "eth1".into()],
            network: (Ipv4Addr::new(10, 0, 0, 1).into(), 24),
            all_by_the_unrouted: false,
        };
        assert_eq!(told(&links, ONE, &[&[ONE], &[OTHER]]), Some(split));
        let cases: [(&str, &[&[LinkIndex]]); 3] = [
            ("both hear all", &[&[ONE, OTHER], &[ONE, OTHER]]),
            ("nobody is on the first alone", &[&[ONE, OTHER], &[OTHER]]),
            ("one hears nothing, as where a switch filters", &[&[ONE], &[ONE]]),
        ];
        for (what, heard) in cases {
            assert_eq!(told(&links, ONE, heard), None, "{what}");
        }
    }

    #[test]
    fn all_hosts_on_the_link_by_which_the_system_does_not_send_tell_two_wires() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        for (routed, link) in [(ONE, OTHER), (OTHER, ONE)] {
            let split = told(&links, routed, &[&[link], &[link]]).expect("nobody hears what is sent");
            let names = [routed, link].map(|link| if link == ONE { "eth0" } else { "eth1" });
            assert_eq!(
                (split.links.each_ref().map(|name| &**name), split.all_by_the_unrouted),
                (names, true)
            );
            assert_eq!(told(&links, routed, &[&[link], &[routed, link]]), None, "one is heard by both");
        }
    }

    #[test]
    fn before_it_is_certain_each_host_is_reached_where_its_presence_came_alone() {
        let (links, start) = (links(Ipv4Addr::new(10, 0, 0, 2)), t0());
        let seems = |heard: &[(u128, LinkIndex)], after| {
            let mut wires = Wires::default();
            for (id, link) in heard {
                wires.note(NodeId(*id), *link, |_| false, start);
            }
            let now = start + after;
            wires.seem_split(links.in_one_network(), |link| link == ONE, |_| false, PATIENCE, now).is_some()
        };
        assert!(!seems(&[(2, OTHER)], COPIES_COME_WITHIN), "the other copy may be on its way");
        let soon = COPIES_COME_WITHIN + crate::testkit::ms(1);
        assert!(seems(&[(2, OTHER)], soon) && !seems(&[(2, ONE)], soon));
        assert!(!seems(&[(2, OTHER), (3, OTHER), (3, ONE)], soon), "one copy was lost");
    }

    #[test]
    fn of_two_networks_nothing_is_told() {
        assert_eq!(told(&links(Ipv4Addr::new(10, 0, 1, 2)), ONE, &[&[ONE], &[OTHER]]), None);
    }

    #[test]
    fn nobody_is_believed_who_may_not_be_there() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        let (mut wires, start) = (Wires::default(), t0());
        for at in [start, start + PATIENCE] {
            for (id, by) in [(2, ONE), (2, OTHER), (3, ONE), (4, OTHER)] {
                wires.note(NodeId(id), by, |_| true, at);
            }
        }
        let now = start + PATIENCE + secs(1);
        let mut told = |there: &[u128]| {
            let is_there = |id: NodeId| there.contains(&{ id.0 });
            wires.split(links.in_one_network(), |_| false, is_there, PATIENCE, now).is_some()
        };
        assert!(!told(&[2]) && !told(&[2, 3]), "the others were forged");
        assert!(told(&[2, 3, 4]));
    }

    #[test]
    fn where_a_node_that_is_there_is_heard_by_both_links_no_forger_makes_them_seem_to_be_apart() {
        let (links, start) = (links(Ipv4Addr::new(10, 0, 0, 2)), t0());
        let mut wires = Wires::default();
        for (id, link) in [(2, ONE), (2, OTHER), (3, ONE), (4, OTHER)] {
            wires.note(NodeId(id), link, |_| false, start);
        }
        let seems = |there: &[u128]| {
            let (is_there, now) = (|id: NodeId| there.contains(&{ id.0 }), start + secs(1));
            wires.seem_split(links.in_one_network(), |link| link == ONE, is_there, PATIENCE, now).is_some()
        };
        assert!(seems(&[]) && !seems(&[2]) && !seems(&[2, 3]));
        assert!(seems(&[2, 3, 4]) && seems(&[3, 4]), "there are two wires, and one node is on both");
    }

    #[test]
    fn forged_nodes_make_room_for_others_and_those_that_are_there_do_not() {
        let is_there = |id: NodeId| id.0 < 10;
        let (mut wires, now) = (Wires::default(), t0());
        let many = u128::try_from(MAX_HEARD_BY_LINK).unwrap();
        for id in (0..5).chain(1_000..1_000 + many).chain(5..10) {
            wires.note(NodeId(id), ONE, is_there, now);
        }
        assert_eq!(wires.heard.len(), MAX_HEARD_BY_LINK);
        assert!((0..10).all(|id| wires.heard.contains_key(&NodeId(id))));
    }

    #[test]
    fn it_takes_the_patience_and_is_over_when_the_links_changed() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        let (mut wires, start) = (Wires::default(), t0());
        let note = |wires: &mut Wires, at| {
            [(NodeId(2), ONE), (NodeId(3), OTHER)].map(|(id, by)| wires.note(id, by, |_| true, at))
        };
        note(&mut wires, start);
        note(&mut wires, start + PATIENCE);
        assert_eq!(
            wires.split(links.in_one_network(), |_| false, |_| true, PATIENCE, start + PATIENCE),
            None,
            "the other link had no time to hear it"
        );
        assert!(
            wires
                .split(links.in_one_network(), |_| false, |_| true, PATIENCE, start + PATIENCE + secs(1))
                .is_some()
        );
        wires.begin_again(start + PATIENCE);
        assert_eq!(
            wires.split(links.in_one_network(), |_| false, |_| true, PATIENCE, start + PATIENCE + secs(2)),
            None
        );
    }
}
