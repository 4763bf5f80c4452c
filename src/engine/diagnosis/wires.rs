//! Whether two links of this machine that are in one network are on two wires: some peers are heard by the one alone, others by the
//! other alone. The system answers them all by one of the two, so that half of them never get an answer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::NodeId;
use crate::engine::hashing::Keyed;
use crate::engine::interface::{Interface, LinkIndex};
use crate::engine::limits::MAX_HEARD_BY_LINK;

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

    /// Whether for long enough to tell it was heard by one link and not by the other.
    fn is_only_on(&self, link: LinkIndex, other: LinkIndex, patience: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > patience
            && self.lately(link, patience, now)
            && !self.lately(other, patience, now)
    }
}

impl Wires {
    /// A presence that went to all came from a node by a link.
    pub(crate) fn note(&mut self, from: NodeId, link: LinkIndex, now: Instant) {
        if self.heard.len() >= MAX_HEARD_BY_LINK && !self.heard.contains_key(&from) {
            return;
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
    /// presences.
    pub(crate) fn split<'l>(
        &mut self,
        mut pairs: impl Iterator<Item = (&'l Interface, &'l Interface)>,
        patience: Duration,
        now: Instant,
    ) -> Option<SplitNetwork> {
        self.heard.retain(|_, heard| {
            heard.by.retain(|(_, at)| now.saturating_duration_since(*at) <= patience);
            !heard.by.is_empty()
        });
        let (one, other) = pairs.find(|(one, other)| {
            let Some((a, b)) = one.index.zip(other.index) else { return false };
            let some_only_on =
                |link, other| self.heard.values().any(|heard| heard.is_only_on(link, other, patience, now));
            some_only_on(a, b) && some_only_on(b, a)
        })?;
        let name = |interface: &Interface| interface.name.clone();
        Some(SplitNetwork { links: [name(one), name(other)], network: (one.addr, one.prefix) })
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
    fn told(links: &Links, heard: &[&[LinkIndex]]) -> Option<SplitNetwork> {
        let (mut wires, start) = (Wires::default(), t0());
        for at in (0..=40).step_by(5).map(|seconds| start + secs(seconds)) {
            for (id, by) in (2..).map(NodeId).zip(heard) {
                by.iter().for_each(|link| wires.note(id, *link, at));
            }
        }
        wires.split(links.in_one_network(), PATIENCE, start + secs(41))
    }

    #[test]
    fn two_wires_are_told_when_each_has_a_node_that_the_other_has_not() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        let split = SplitNetwork {
            links: ["eth0".into(), "eth1".into()],
            network: (Ipv4Addr::new(10, 0, 0, 1).into(), 24),
        };
        assert_eq!(told(&links, &[&[ONE], &[OTHER]]), Some(split));
        let cases: [(&str, &[&[LinkIndex]]); 3] = [
            ("both hear all", &[&[ONE, OTHER], &[ONE, OTHER]]),
            ("nobody is on the first alone", &[&[ONE, OTHER], &[OTHER]]),
            ("one hears nothing, as where a switch filters", &[&[ONE], &[ONE]]),
        ];
        for (what, heard) in cases {
            assert_eq!(told(&links, heard), None, "{what}");
        }
    }

    #[test]
    fn of_two_networks_nothing_is_told() {
        assert_eq!(told(&links(Ipv4Addr::new(10, 0, 1, 2)), &[&[ONE], &[OTHER]]), None);
    }

    #[test]
    fn it_takes_the_patience_and_is_over_when_the_links_changed() {
        let links = links(Ipv4Addr::new(10, 0, 0, 2));
        let (mut wires, start) = (Wires::default(), t0());
        let note = |wires: &mut Wires, at| {
            [(NodeId(2), ONE), (NodeId(3), OTHER)].map(|(id, by)| wires.note(id, by, at))
        };
        note(&mut wires, start);
        note(&mut wires, start + PATIENCE);
        assert_eq!(
            wires.split(links.in_one_network(), PATIENCE, start + PATIENCE),
            None,
            "the other link had no time to hear it"
        );
        assert!(wires.split(links.in_one_network(), PATIENCE, start + PATIENCE + secs(1)).is_some());
        wires.begin_again(start + PATIENCE);
        assert_eq!(wires.split(links.in_one_network(), PATIENCE, start + PATIENCE + secs(2)), None);
    }
}
