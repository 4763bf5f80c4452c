//! Findings as people read them: who is concerned and what is wrong; and their form in JSON, which has the same sentences.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::packet_filter::Traffic;
use crate::engine::peers::PeerInfo;
use crate::engine::verdict::{Advice, Confidence, Evidence, Finding, FindingId, Pattern, Verdict};

use super::Label;
use super::evidence::joined;

/// Names in a headline before the rest is counted.
const NAMED: usize = 3;

impl Verdict {
    /// Its word as people write it: `host down`.
    pub fn label(self) -> Label {
        Label(self.as_str())
    }

    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Ok => "all is well",
            Self::ClosedPort => Cause::Refused.description(),
            Self::FirewallReject => "a firewall rejects TCP connections",
            Self::FirewallDrop => "a firewall drops TCP connections",
            Self::HostDown => "the host does not respond at all",
            Self::Isolated => "cut off from this host, but others can hear it",
            Self::OneWayUdp => "UDP works in one direction only",
            Self::BroadcastBlocked => "broadcasts are not arriving",
            Self::UdpBlocked => "TCP works, UDP does not",
            Self::OneWayTcp => "TCP works in one direction only",
            Self::HungPeer => Cause::NoReply.description(),
            Self::PacketLoss => "packets are lost",
            Self::Mtu => "large packets are lost, small ones pass",
            Self::WrongSubnet => "address or netmask does not match the network",
            Self::NoRoute => "there is no route to it",
            Self::LocalProblem => "the problem is on the machine itself",
            Self::WrongSecret => Cause::WrongSecret.description(),
            Self::WrongGroup => Cause::WrongGroup.description(),
            Self::VersionMismatch => Cause::VersionMismatch.description(),
            Self::DuplicateName => "another host has the same name",
            Self::AddressConflict => "another host has the same address",
            Self::Flapping => "it comes and goes",
            Self::SlowHost => "it answers late or in bursts",
            Self::Unknown => "it fails; the cause is unclear",
        }
    }
}

/// A finding as one sentence: what is wrong and what to do, or that it is resolved.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Ok => write!(f, "{}: resolved", self.peer.name),
            _ if self.replaces.is_some() => write!(f, "corrected: {}; {}", self.headline(), self.advice),
            _ => write!(f, "{}; {}", self.headline(), self.advice),
        }
    }
}

impl Finding {
    /// The incident in a few words: `h1 → h2: a firewall drops TCP connections`.
    pub fn headline(&self) -> String {
        match self.verdict {
            Verdict::DuplicateName => format!("{} share a name", self.subject()),
            Verdict::AddressConflict => format!("{} have the same address", self.subject()),
            _ => {
                let likely = if self.is_likely() { " (likely)" } else { "" };
                format!("{}: {}{likely}", self.subject(), self.what())
            }
        }
    }

    /// What is wrong.
    fn what(&self) -> &'static str {
        match (self.verdict, self.pattern) {
            // Nobody on this side hears them.
            (Verdict::Isolated, Pattern::Segments) if self.names.len() == 1 => {
                "cut off from the other networks"
            }
            (Verdict::Isolated, Pattern::Segments) => "nothing passes between these networks",
            (Verdict::FirewallDrop, Pattern::Segments) => "TCP does not pass between these networks",
            (Verdict::FirewallReject, Pattern::Segments) => "TCP is rejected between these networks",
            (Verdict::UdpBlocked, Pattern::Segments) => "UDP does not pass between these networks",
            (Verdict::Mtu, Pattern::Segments) => "large packets do not pass between these networks",
            (Verdict::NoRoute, Pattern::Segments) => "there is no route between these networks",
            (Verdict::Isolated, Pattern::Islands) => "cut off from this side of the network",
            (Verdict::FirewallDrop, _) if self.blocks_udp() => "a firewall drops TCP and UDP",
            (Verdict::FirewallReject, _) if self.blocks_udp() => "a firewall rejects TCP and blocks UDP",
            (Verdict::OneWayUdp, _) if self.fails_by_tcp() => "UDP works in one direction only, TCP fails",
            (verdict, _) => verdict.description(),
        }
    }

    /// Whether what blocks TCP blocks UDP, too: by its rules, or as no echo comes back.
    fn blocks_udp(&self) -> bool {
        let mut rules = self.evidence.iter().filter_map(|seen| match seen {
            Evidence::OwnFilter { rule } => Some(rule),
            _ => None,
        });
        match rules.next() {
            Some(rule) => {
                rules.chain([rule]).any(|rule| rule.stops.iter().any(|stops| *stops != Traffic::Tcp))
            }
            None => matches!(self.advice, Advice::AllowTcpIn { udp: Some(_), .. }),
        }
    }

    /// Whether a dial failed, too.
    fn fails_by_tcp(&self) -> bool {
        self.evidence.iter().any(|seen| matches!(seen, Evidence::DialFailed { .. }))
    }

    /// Whether another cause fits the evidence, too. Where no cause is named there is nothing to be sure of.
    pub fn is_likely(&self) -> bool {
        self.confidence == Confidence::Likely && self.verdict != Verdict::Unknown
    }

    /// Whom it is about: `h1 → h2` if one direction fails, `h1 ↔ h2` if both do, else the names.
    pub fn subject(&self) -> String {
        match self.names.as_slice() {
            [] => self.peer.name.clone(),
            names if self.is_background() => format!("between {} hosts", names.len()),
            _ if self.verdict == Verdict::DuplicateName => joined(&self.namesakes()),
            [accused, other] if self.pattern == Pattern::Pair => self.direction(accused, other),
            [one, other] if self.pattern == Pattern::Segments => format!("{one} ↔ {other}"),
            names if names.len() <= NAMED => joined(names),
            names => {
                let (first, rest) = names.split_at(NAMED - 1);
                format!("{} and {} others", first.join(", "), rest.len())
            }
        }
    }

    /// Which paths fail, and how many: `to this host, 3 paths`. None if it is not about paths.
    pub fn paths(&self) -> Option<String> {
        let which = match self.pattern {
            Pattern::Pair | Pattern::Scattered => None,
            Pattern::Column => Some("to this host"),
            Pattern::Row => Some("from this host"),
            Pattern::Host => Some("to and from this host"),
            Pattern::Islands => Some("between two groups"),
            Pattern::Segments => Some("between two networks"),
            Pattern::ForeignNode => Some("unknown node"),
        };
        let count = match self.pair_count {
            0 => None,
            1 => Some("1 path".to_owned()),
            count => Some(format!("{count} paths")),
        };
        let told: Vec<String> = which.map(str::to_owned).into_iter().chain(count).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// Which direction between two nodes fails.
    fn direction(&self, accused: &str, other: &str) -> String {
        let fails = |from: usize, to: usize| {
            let pair = self.nodes.get(from).zip(self.nodes.get(to));
            pair.is_some_and(|(from, to)| self.pairs.contains(&(*from, *to)))
        };
        match (fails(1, 0), fails(0, 1)) {
            (true, false) => format!("{other} → {accused}"),
            (false, true) => format!("{accused} → {other}"),
            (true, true) => format!("{other} ↔ {accused}"),
            // A node of which no id is known has told nothing: only this node's own paths to it can fail.
            (false, false) if self.nodes.len() < 2 && self.peer.id.is_none() => {
                format!("{other} → {accused}")
            }
            (false, false) if self.nodes.len() < 2 => format!("{accused} → {other}"),
            (false, false) => format!("{accused} and {other}"),
        }
    }

    /// Those that share a name, with their addresses.
    fn namesakes(&self) -> Vec<String> {
        let addrs = self.evidence.iter().find_map(|seen| match seen {
            Evidence::SharedName { addrs } if addrs.len() == self.names.len() => Some(addrs),
            _ => None,
        });
        let Some(addrs) = addrs else { return self.names.clone() };
        self.names.iter().zip(addrs).map(|(name, addr)| format!("{name} ({})", addr.ip())).collect()
    }
}

/// The contract's form.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            id: FindingId,
            peer: &'a PeerInfo,
            verdict: Verdict,
            evidence: Vec<String>,
            advice: String,
            pattern: Pattern,
            confidence: Confidence,
            nodes: &'a [NodeId],
            names: &'a [String],
            pairs: &'a [(NodeId, NodeId)],
            pair_count: usize,
            replaces: Option<FindingId>,
        }
        let Self {
            id,
            peer,
            verdict,
            evidence,
            advice,
            pattern,
            confidence,
            nodes,
            names,
            pairs,
            pair_count,
            replaces,
            ..
        } = self;
        let document = Document {
            id: *id,
            peer,
            verdict: *verdict,
            evidence: evidence.iter().map(Evidence::to_string).collect(),
            advice: advice.to_string(),
            pattern: *pattern,
            confidence: *confidence,
            nodes,
            names,
            pairs,
            pair_count: *pair_count,
            replaces: *replaces,
        };
        document.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::packet_filter::BlockingRule;
    use crate::engine::verdict::evidence::Who;
    use crate::testkit::{blocking_rule, finding, peer, t0};

    /// A finding about these, the accused one first, with failing pairs by position.
    fn about(names: &[&str], verdict: Verdict, pattern: Pattern, pairs: &[(usize, usize)]) -> Finding {
        let peers: Vec<_> = names.iter().zip(1..).map(|(name, number)| peer(number, name)).collect();
        let id = |nth: usize| peers[nth].id.unwrap();
        Finding {
            pattern,
            nodes: (0..peers.len()).map(id).collect(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            pairs: pairs.iter().map(|(from, to)| (id(*from), id(*to))).collect(),
            pair_count: pairs.len(),
            ..finding(&peers[0], verdict, t0())
        }
    }

    #[test]
    fn a_headline_tells_the_direction_of_a_pair_and_names_a_few() {
        let told = |names: &[&str], pattern, pairs: &[(usize, usize)]| {
            about(names, Verdict::OneWayTcp, pattern, pairs).subject()
        };
        let pair = |pairs: &[(usize, usize)]| told(&["h2", "h1"], Pattern::Pair, pairs);
        assert_eq!(pair(&[(1, 0)]), "h1 → h2");
        assert_eq!(pair(&[(0, 1)]), "h2 → h1");
        assert_eq!(pair(&[(0, 1), (1, 0)]), "h1 ↔ h2");
        assert_eq!(pair(&[]), "h2 and h1");
        let mut unmet = about(&["10.0.0.2", "h1"], Verdict::Unknown, Pattern::Pair, &[]);
        unmet.nodes.remove(0);
        assert_eq!(unmet.subject(), "10.0.0.2 → h1");
        unmet.peer = Arc::new(PeerInfo { id: None, ..PeerInfo::clone(&unmet.peer) });
        assert_eq!(unmet.subject(), "h1 → 10.0.0.2");
        assert_eq!(told(&["h2"], Pattern::Column, &[]), "h2");
        assert_eq!(told(&["h1", "h2", "h3"], Pattern::Islands, &[]), "h1, h2 and h3");
        assert_eq!(told(&["h1", "h2", "h3", "h4"], Pattern::Islands, &[]), "h1, h2 and 2 others");
        let apart = about(&["h1", "h2"], Verdict::Isolated, Pattern::Islands, &[]);
        assert_eq!(apart.headline(), "h1 and h2: cut off from this side of the network");
        let networks = ["10.1.0.0/16", "10.3.0.0/16"];
        let cut = about(&networks, Verdict::Isolated, Pattern::Segments, &[]);
        assert_eq!(cut.headline(), "10.1.0.0/16 ↔ 10.3.0.0/16: nothing passes between these networks");
        let alone = about(&networks[..1], Verdict::Isolated, Pattern::Segments, &[]);
        assert_eq!(alone.headline(), "10.1.0.0/16: cut off from the other networks");
        let lossy = about(&["h1", "h2", "h3"], Verdict::PacketLoss, Pattern::Scattered, &[]);
        assert_eq!(lossy.headline(), "between 3 hosts: packets are lost", "no host is at fault");
    }

    #[test]
    fn what_is_wrong_speaks_of_tcp_and_udp_where_both_are_stopped() {
        let told = |verdict, advice, evidence| {
            let finding = about(&["h2"], verdict, Pattern::Column, &[]);
            Finding { evidence, advice, ..finding }.headline()
        };
        let on = || Who::Peer(peer(2, "h2"));
        let open = |udp| Advice::AllowTcpIn { on: on(), port: 1, udp };
        let rule = |stops: &[Traffic]| Evidence::OwnFilter {
            rule: Arc::new(BlockingRule { stops: stops.to_vec(), ..blocking_rule() }),
        };
        let failed = Evidence::DialFailed {
            from: Who::ThisNode,
            to: on(),
            cause: Cause::TimedOut,
            ago: Duration::ZERO,
        };
        let (tcp, udp) = (rule(&[Traffic::Tcp]), rule(&[Traffic::Unicast]));
        let table = [
            (Verdict::FirewallDrop, open(None), vec![], "h2: a firewall drops TCP connections"),
            (Verdict::FirewallDrop, open(Some(1)), vec![], "h2: a firewall drops TCP and UDP"),
            (Verdict::FirewallReject, open(Some(1)), vec![], "h2: a firewall rejects TCP and blocks UDP"),
            (Verdict::FirewallDrop, open(Some(1)), vec![tcp.clone()], "h2: a firewall drops TCP connections"),
            (Verdict::FirewallDrop, open(None), vec![tcp, udp], "h2: a firewall drops TCP and UDP"),
            (Verdict::OneWayUdp, open(None), vec![], "h2: UDP works in one direction only"),
            (Verdict::OneWayUdp, open(None), vec![failed], "h2: UDP works in one direction only, TCP fails"),
        ];
        for (verdict, advice, evidence, headline) in table {
            assert_eq!(told(verdict, advice, evidence), headline);
        }
    }

    #[test]
    fn those_that_share_a_name_are_told_apart_by_their_addresses() {
        let mut twins = about(&["twin", "twin"], Verdict::DuplicateName, Pattern::Pair, &[]);
        let addrs = [3, 5].map(|host| ([10, 77, 0, host], 17_474).into()).to_vec();
        twins.evidence = vec![Evidence::SharedName { addrs }];
        assert_eq!(twins.headline(), "twin (10.77.0.3) and twin (10.77.0.5) share a name");
        assert_eq!(twins.evidence[0].to_string(), "this name is used at 10.77.0.3:17474 and 10.77.0.5:17474");
        assert_eq!(twins.paths(), None);
    }

    #[test]
    fn which_paths_fail_is_told_by_direction_and_number() {
        let paths = |pattern, count| {
            let finding = about(&["h1"], Verdict::FirewallDrop, pattern, &[]);
            Finding { pair_count: count, ..finding }.paths()
        };
        assert_eq!(paths(Pattern::Row, 1).as_deref(), Some("from this host, 1 path"));
        assert_eq!(paths(Pattern::Column, 3).as_deref(), Some("to this host, 3 paths"));
        assert_eq!(paths(Pattern::ForeignNode, 0).as_deref(), Some("unknown node"));
        assert_eq!(paths(Pattern::Scattered, 12).as_deref(), Some("12 paths"));
    }

    #[test]
    fn a_finding_says_whether_it_is_sure_corrects_another_one_or_is_over() {
        let told = about(&["h2"], Verdict::FirewallDrop, Pattern::Column, &[]);
        let told = Finding { advice: Advice::Rename, ..told };
        let likely = Finding { confidence: Confidence::Likely, ..told.clone() };
        let unclear = Finding { verdict: Verdict::Unknown, ..likely.clone() };
        let corrects = Finding { replaces: Some(FindingId(7)), ..told.clone() };
        let over = Finding { verdict: Verdict::Ok, ..told.clone() };
        let sentences = [told, likely, unclear, corrects, over].map(|finding| finding.to_string());
        assert_eq!(
            sentences,
            [
                "h2: a firewall drops TCP connections; give one of them another --name",
                "h2: a firewall drops TCP connections (likely); give one of them another --name",
                "h2: it fails; the cause is unclear; give one of them another --name",
                "corrected: h2: a firewall drops TCP connections; give one of them another --name",
                "h2: resolved",
            ]
        );
    }

    #[test]
    fn in_json_evidence_and_advice_are_sentences() {
        let finding = Finding {
            evidence: vec![Evidence::AllSilent { count: 3 }],
            advice: Advice::Update,
            ..about(&["h2", "h1"], Verdict::ClosedPort, Pattern::ForeignNode, &[(1, 0)])
        };
        let json = serde_json::to_string(&Arc::new(finding)).unwrap();
        let ids = [1, 2].map(|n| serde_json::to_string(&NodeId(n)).unwrap());
        let [one, other] = &ids;
        let expected = format!(
            r#"{{"id":1,"peer":{{"id":{one},"name":"h2","addr":"10.0.0.1:17474","incarnation":1}},"verdict":"closed_port","evidence":["all 3 other hosts stopped responding to this machine, by every route"],"advice":"update the older vigie","pattern":"stranger","confidence":"certain","nodes":[{one},{other}],"names":["h2","h1"],"pairs":[[{other},{one}]],"pair_count":1,"replaces":null}}"#
        );
        assert_eq!(json, expected);
    }
}
