//! What is so in a scenario at a time: which faults a node may tell and which it must, and which of them a claim tells rightly.
//! Pure: nothing here looks at a network.

use std::time::Duration;

use vigie::engine::verdict::{Pattern, Verdict};
use vigie::testkit::HostId;

use super::kinds::{About, Makes, Setup, Tellers};
use super::scenario::{Deed, Fault, Scenario, WITHDRAWAL};

/// Nodes that start together have heard each other by then.
const STARTED: Duration = Duration::from_secs(15);

/// What a finding says, as far as it can be right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The cause that it names; two where it says that it may be either.
    pub(crate) causes: Vec<Verdict>,
    /// How the failing pairs lie.
    pub(crate) pattern: Pattern,
    /// Whom it names, the accused first; of several findings nobody is known by an index that no host has.
    pub(crate) nodes: Vec<HostId>,
}

impl Scenario {
    /// Since when nothing is wrong with a host itself, if nothing is; its process has run all the time since then.
    pub(crate) fn well_since(&self, host: HostId, at: Duration) -> Option<Duration> {
        let mut since = Duration::ZERO;
        for fault in self.faults.iter().filter(|fault| fault.begins <= at && fault.hosts[0] == host) {
            let renamed = matches!(fault.kind.makes, Makes::Setup(Setup::Name));
            if !renamed && fault.kind.about != About::Host {
                continue;
            }
            match fault.ends.filter(|ends| *ends <= at) {
                Some(ends) => since = since.max(ends),
                None if renamed => since = since.max(fault.begins),
                None => return None,
            }
        }
        for (when, _, deed) in self.deeds.iter().filter(|(when, by, _)| *by == host && *when <= at) {
            match deed {
                Deed::Quits => return None,
                Deed::Restarts => since = since.max(*when),
                Deed::DialsAll => {}
            }
        }
        Some(since)
    }

    /// Since when no wall stands between a node and any of these hosts, if none does.
    fn together_since(&self, node: HostId, hosts: &[HostId], at: Duration) -> Option<Duration> {
        let mut since = Duration::ZERO;
        for split in self.splits().filter(|split| split.begins <= at) {
            let inside = |host: HostId| split.hosts.contains(&host);
            if hosts.iter().all(|host| inside(*host) == inside(node)) {
                continue;
            }
            since = since.max(split.ends.filter(|ends| *ends <= at)?);
        }
        Some(since)
    }

    /// Since when a node can know that a fault is over, if it can.
    fn over_since(&self, node: HostId, fault: &Fault, at: Duration) -> Option<Duration> {
        let ended = fault.ends.filter(|ends| *ends <= at)?;
        let together = match fault.kind.about {
            About::Sides => ended,
            About::Host | About::Pair => self.together_since(node, &fault.hosts, at)?,
        };
        Some(ended.max(together).max(self.well_since(node, at)?))
    }

    /// Whether it is right to tell a fault: it is there, or was until a moment ago.
    pub(crate) fn may_tell(&self, node: HostId, fault: &Fault, at: Duration) -> bool {
        let just_over = |since| at < since + WITHDRAWAL;
        fault.begins <= at && self.over_since(node, fault, at).is_none_or(just_over)
    }

    /// Whether a healthy node must tell a fault by now.
    pub(crate) fn must_tell(&self, node: HostId, fault: &Fault, at: Duration) -> bool {
        self.seen_since(node, fault, at).is_some_and(|since| at >= since + fault.kind.notice)
    }

    /// Since when a node that must tell a fault can see it; none where it need not.
    pub(crate) fn seen_since(&self, node: HostId, fault: &Fault, at: Duration) -> Option<Duration> {
        let under_way = fault.begins <= at && fault.ends.is_none_or(|ends| at < ends);
        let called = match (fault.kind.about, fault.kind.told_by) {
            (_, Tellers::All) => true,
            (_, Tellers::Ends) => fault.hosts.contains(&node),
            (_, Tellers::First) => fault.hosts.first() == Some(&node),
        };
        if !under_way || !called {
            return None;
        }
        let together = match fault.kind.about {
            About::Sides => Duration::ZERO,
            About::Host | About::Pair => self.together_since(node, &fault.hosts, at)?,
        };
        let well = self.well_since(node, at)?;
        // Whoever starts later has never heard who is gone.
        let ever_heard = !fault.kind.mutes() || fault.begins > Duration::ZERO;
        let heard_before = ever_heard && (!fault.kind.hides() || well <= fault.begins);
        heard_before.then(|| fault.begins.max(STARTED).max(together).max(well))
    }

    /// The faults, by their places, that a claim of a node tells rightly.
    pub(crate) fn told_by(&self, node: HostId, claim: &Claim, at: Duration) -> Vec<usize> {
        let told = |fault: &Fault| self.may_tell(node, fault, at) && self.tells(node, claim, fault, at);
        (0..self.faults.len()).filter(|nth| told(&self.faults[*nth])).collect()
    }

    /// Whether a claim is neither right nor wrong: where every link loses packets, that some are lost is true of each; but not that a
    /// host is at fault.
    pub(crate) fn is_moot(&self, claim: &Claim) -> bool {
        let of_a_host = !matches!(claim.pattern, Pattern::Pair | Pattern::Scattered);
        self.loss > 0 && claim.causes == [Verdict::PacketLoss] && !of_a_host
    }

    fn tells(&self, node: HostId, claim: &Claim, fault: &Fault, at: Duration) -> bool {
        let Fault { kind, hosts, .. } = fault;
        let word = claim.causes.contains(&kind.verdict);
        let of_several = matches!(claim.pattern, Pattern::Islands | Pattern::Scattered);
        match kind.about {
            About::Host if kind.is_silent() && claim.pattern == Pattern::Islands => {
                claim.causes.contains(&Verdict::Isolated)
                    && claim.nodes.contains(&hosts[0])
                    && self.are_all_of(node, claim, at, |fault| fault.kind.is_silent() || is_split(fault))
            }
            // Of what is behind a wall nobody can tell whether it runs.
            About::Host if self.is_gone_behind_a_wall(node, fault, at) => {
                claim.causes.contains(&Verdict::HostDown) && claim.nodes.first() == Some(&hosts[0])
            }
            // Whoever is cut off sees of all others what they see of it.
            About::Host if kind.is_silent() && node == hosts[0] => {
                let gone = [Verdict::LocalProblem, Verdict::HostDown, Verdict::Isolated];
                claim.causes.iter().all(|cause| gone.contains(cause))
            }
            About::Host => word && !of_several && claim.nodes.first() == Some(&hosts[0]),
            About::Pair if claim.pattern == Pattern::Scattered => {
                word && hosts.iter().all(|host| claim.nodes.contains(host))
                    && self.are_all_of(node, claim, at, |other| other.kind.verdict == kind.verdict)
            }
            About::Pair => {
                word && claim.nodes.len() == 2 && hosts.iter().all(|host| claim.nodes.contains(host))
            }
            About::Sides => {
                word && claim.pattern == Pattern::Islands && self.is_a_side(node, claim, fault, at)
            }
        }
    }

    fn is_gone_behind_a_wall(&self, node: HostId, fault: &Fault, at: Duration) -> bool {
        matches!(fault.kind.makes, Makes::Process(_)) && self.together_since(node, &fault.hosts, at).is_none()
    }

    /// Whether all whom a claim names have a fault like this.
    fn are_all_of(&self, node: HostId, claim: &Claim, at: Duration, like: impl Fn(&Fault) -> bool) -> bool {
        let faults = || self.faults.iter().filter(|fault| like(fault) && self.may_tell(node, fault, at));
        claim.nodes.iter().all(|named| faults().any(|fault| fault.hosts.contains(named)))
    }

    /// Whether a claim names one side of a split: all on it who were well all the time, and nobody of the other side but hosts
    /// that are silent for another reason.
    fn is_a_side(&self, node: HostId, claim: &Claim, split: &Fault, at: Duration) -> bool {
        let inside = |host: &HostId| split.hosts.contains(host);
        let silent = |host: &HostId| {
            let mut faults =
                self.faults.iter().filter(|fault| fault.kind.is_silent() && fault.hosts[0] == *host);
            faults.any(|fault| self.may_tell(node, fault, at))
        };
        let well = |host: &HostId| self.well_since(*host, at).is_some_and(|since| since <= split.begins);
        let is_side = |side: bool| {
            let on_it = |host: &HostId| host.0 < self.hosts && inside(host) == side;
            let mut members = (0..self.hosts).map(HostId).filter(|host| on_it(host) && well(host));
            claim.nodes.iter().any(on_it)
                && claim.nodes.iter().all(|host| on_it(host) || silent(host))
                && members.all(|host| claim.nodes.contains(&host))
        };
        is_side(true) || is_side(false)
    }
}

fn is_split(fault: &Fault) -> bool {
    fault.kind.about == About::Sides
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vigie::testkit::secs;

    use super::super::kinds::KINDS;
    use super::*;

    const NEVER: Option<Duration> = None;

    fn fault(kind: &str, hosts: &[usize], begins: u64, ends: Option<Duration>) -> Fault {
        let kind = KINDS.iter().find(|known| known.name == kind).expect("there is such a kind");
        let hosts = hosts.iter().copied().map(HostId).collect();
        Fault { kind, hosts, begins: secs(begins), ends, share: 0.3 }
    }

    fn scenario(faults: Vec<Fault>) -> Scenario {
        Scenario { faults, hosts: 5, ..Scenario::drawn(0, 5, 0) }
    }

    fn claim(cause: Verdict, pattern: Pattern, nodes: &[usize]) -> Claim {
        Claim { causes: vec![cause], pattern, nodes: nodes.iter().copied().map(HostId).collect() }
    }

    #[test]
    fn the_right_host_with_the_right_word_is_right_while_the_fault_is_there_and_for_a_while_after() {
        let network = scenario(vec![fault("process killed", &[1], 40, Some(secs(80)))]);
        let told = |cause, node, at| {
            let claim = claim(cause, Pattern::Column, &[node]);
            !network.told_by(HostId(0), &claim, secs(at)).is_empty()
        };
        assert!(told(Verdict::ClosedPort, 1, 50));
        assert!(!told(Verdict::HostDown, 1, 50), "another word");
        assert!(!told(Verdict::ClosedPort, 2, 50), "another host");
        assert!(!told(Verdict::ClosedPort, 1, 39), "not yet");
        assert!(told(Verdict::ClosedPort, 1, 109));
        assert!(!told(Verdict::ClosedPort, 1, 110), "no longer");
    }

    #[test]
    fn a_fault_is_due_to_those_who_can_see_it_after_the_time_to_notice() {
        let network = scenario(vec![
            fault("pair: TCP dropped one way", &[1, 2], 40, NEVER),
            fault("machine switched off", &[3], 40, Some(secs(80))),
        ]);
        let [pair, off] = [&network.faults[0], &network.faults[1]];
        let due = |node, fault, at| network.must_tell(HostId(node), fault, secs(at));
        assert!(due(1, pair, 70) && !due(1, pair, 69));
        assert!(!due(2, pair, 70) && !due(0, pair, 70), "only the sender sees it");
        assert!(due(0, off, 70) && !due(0, off, 80), "it is over");
        assert_eq!(network.well_since(HostId(3), secs(50)), None);
        assert_eq!(network.well_since(HostId(3), secs(90)), Some(secs(80)));
    }

    #[test]
    fn who_neither_hears_nor_is_heard_from_the_very_start_is_known_to_nobody() {
        for (kind, begins, due) in [
            ("UDP dropped both ways", 0, false),
            ("UDP dropped both ways", 40, true),
            ("UDP dropped in", 0, true),
        ] {
            let network = scenario(vec![fault(kind, &[1], begins, NEVER)]);
            assert_eq!(
                network.must_tell(HostId(0), &network.faults[0], secs(100)),
                due,
                "{kind} at {begins} s"
            );
        }
    }

    #[test]
    fn of_a_split_either_side_is_named_whole_and_what_lies_beyond_is_not_due() {
        let faults = vec![fault("islands", &[0, 1], 40, NEVER), fault("TCP reset", &[4], 50, NEVER)];
        let network = scenario(faults);
        let told = |nodes: &[usize]| {
            let claim = claim(Verdict::Isolated, Pattern::Islands, nodes);
            network.told_by(HostId(0), &claim, secs(100)) == [0]
        };
        assert!(told(&[0, 1]) && told(&[2, 3, 4]) && told(&[3, 2]), "the one at fault may be left out");
        assert!(!told(&[2]) && !told(&[1, 2, 3]));
        assert!(network.must_tell(HostId(2), &network.faults[1], secs(80)));
        assert!(!network.must_tell(HostId(0), &network.faults[1], secs(100)), "it is on the other side");
    }

    #[test]
    fn hosts_that_fall_silent_together_are_down_or_apart_but_nobody_else_is_with_them() {
        let off = |host| fault("machine switched off", &[host], 40, NEVER);
        let network = scenario(vec![off(1), off(2)]);
        let told = |nodes: &[usize]| {
            network.told_by(HostId(0), &claim(Verdict::Isolated, Pattern::Islands, nodes), secs(60))
        };
        assert_eq!(told(&[1, 2]), [0, 1]);
        assert!(told(&[1, 2, 3]).is_empty());
        let down = claim(Verdict::HostDown, Pattern::Column, &[2]);
        assert_eq!(network.told_by(HostId(0), &down, secs(60)), [1]);
    }

    #[test]
    fn packet_loss_is_moot_where_every_link_loses_packets() {
        let loss = claim(Verdict::PacketLoss, Pattern::Pair, &[1, 2]);
        let network = scenario(Vec::new());
        assert!(!network.is_moot(&loss));
        assert!(Scenario { loss: 5, ..network }.is_moot(&loss));
    }
}
