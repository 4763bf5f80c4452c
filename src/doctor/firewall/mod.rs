//! What the rules of a packet filter do with vigie's packets: the walk through the chains, and what stops a packet there.
//! [`nft`] and [`iptables`] know how to read a rule. Nothing here asks the system.
//!
//! It is careful: a condition that cannot be judged from here (a mark, a user, a set that is filled by packets) is answered
//! [`Matched::Maybe`], and what depends on it is never called certain.

pub(super) mod iptables;
pub(super) mod nft;

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::interface::Interface;

use super::facts::{Direction, InsertionPoint, Transport, link_of};

/// Jumps within jumps that the kernel allows (`NFT_JUMP_STACK_SIZE`).
const DEEPEST: usize = 16;
/// Rules looked at for one packet: more than any table has on the way of one packet, and soon done.
const MOST_RULES: usize = 100_000;

impl Transport {
    /// As the packet filters name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    /// Its number in an IP header.
    fn number(self) -> u64 {
        match self {
            Self::Udp => 17,
            Self::Tcp => 6,
        }
    }
}

/// Addresses from the first to the last.
pub(super) type Span = (u64, u64);

/// The first packet of what vigie sends or is sent: no connection is known of it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbePacket {
    pub(super) direction: Direction,
    pub(super) transport: Transport,
    /// To which it goes.
    pub(super) port: u16,
    /// By which it comes or goes.
    pub(super) interface: Arc<str>,
    pub(super) from: Span,
    pub(super) to: Span,
    pub(super) broadcast: bool,
}

impl ProbePacket {
    /// All packets of one interface: presences as broadcasts and to one host, and a dial, each in both directions.
    pub(super) fn all_of(interface: &Interface, udp: u16, tcp: u16) -> Vec<Self> {
        let (Some(addr), Some(broadcast)) = (interface.ipv4(), interface.broadcast) else {
            return Vec::new();
        };
        let one = |addr: Ipv4Addr| (u64::from(u32::from(addr)), u64::from(u32::from(addr)));
        let host_bits = u64::from(u32::MAX.checked_shr(interface.prefix.into()).unwrap_or_default());
        let (own, everyone) = (one(addr), one(broadcast));
        let network = (everyone.0 & !host_bits, everyone.0);
        let mut probes = Vec::new();
        for direction in [Direction::In, Direction::Out] {
            for (transport, port, broadcast) in
                [(Transport::Udp, udp, true), (Transport::Udp, udp, false), (Transport::Tcp, tcp, false)]
            {
                let (from, to) = match direction {
                    Direction::In => (network, if broadcast { everyone } else { own }),
                    Direction::Out => (own, if broadcast { everyone } else { network }),
                };
                let interface = link_of(&interface.name).into();
                probes.push(Self { direction, transport, port, interface, from, to, broadcast });
            }
        }
        probes
    }
}

/// Whether a condition holds for a packet, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Matched {
    No,
    Maybe,
    Yes,
}

impl Matched {
    /// The opposite.
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }

    /// Whether what is known to lie within one span lies within another.
    fn within(known: Span, wanted: Span) -> Self {
        if wanted.0 <= known.0 && known.1 <= wanted.1 {
            Self::Yes
        } else if wanted.1 < known.0 || known.1 < wanted.0 {
            Self::No
        } else {
            Self::Maybe
        }
    }

    /// Whether any of several holds.
    fn any(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::No)
    }
}

impl From<bool> for Matched {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RuleAction {
    Accept,
    /// Drops or rejects it.
    Drop,
    Return,
    Jump(String),
    Goto(String),
}

/// An action, and whether it meets the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleStep {
    pub(super) answer: Matched,
    /// Its conditions name our port, or broadcasts.
    pub(super) named: bool,
    pub(super) action: RuleAction,
}

/// A chain into which the kernel itself sends packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// Its name within the rules.
    pub(super) chain: String,
    pub(super) insert_at: InsertionPoint,
    pub(super) direction: Direction,
    /// Drops what no rule decides.
    pub(super) drops: bool,
    /// Only packets of these interfaces, if any are named.
    pub(super) interfaces: Vec<String>,
}

/// The rules of one packet filter.
pub(super) trait Rules {
    type FilterRule;

    fn bases(&self) -> &[Base];
    /// None where there is no such chain.
    fn chain(&self, chain: &str) -> &[Self::FilterRule];
    /// What a rule may do with a packet, the first that meets it first.
    fn steps(&self, rule: &Self::FilterRule, probe: &ProbePacket) -> Vec<RuleStep>;
    /// A rule in the words of its packet filter, with its chain.
    fn text(&self, rule: &Self::FilterRule, chain: &str) -> String;
}

/// A packet that does not get through, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stopped {
    /// In the words of the packet filter.
    pub(super) rule: String,
    pub(super) insert_at: InsertionPoint,
    /// It hangs on no condition that cannot be judged.
    pub(super) certain: bool,
}

/// What stops a packet, if anything does.
pub(super) fn stopped<R: Rules>(rules: &R, probe: &ProbePacket) -> Option<Stopped> {
    let mut doubtful = None;
    for base in rules.bases() {
        let elsewhere =
            !base.interfaces.is_empty() && !base.interfaces.iter().any(|i| **i == *probe.interface);
        if base.direction != probe.direction || elsewhere {
            continue;
        }
        let mut walk = Walk { rules, probe, doubt: false, suspect: None, left: MOST_RULES };
        let (rule, certain) = match (walk.through(&base.chain, 0), base.drops) {
            (WalkEnd::Dropped(rule), _) => (rule, !walk.doubt),
            (WalkEnd::Fell, true) => {
                (format!("chain {} drops what no rule accepts (policy drop)", base.chain), !walk.doubt)
            }
            (WalkEnd::Accepted | WalkEnd::Fell, _) => match walk.suspect {
                Some(rule) => (rule, false),
                None => continue,
            },
        };
        let stopped = Stopped { rule, insert_at: base.insert_at.clone(), certain };
        if certain {
            return Some(stopped);
        }
        doubtful.get_or_insert(stopped);
    }
    doubtful
}

/// Where a way through a chain ends.
enum WalkEnd {
    Accepted,
    /// By this rule.
    Dropped(String),
    /// Nothing decided.
    Fell,
}

/// One packet on its way.
struct Walk<'r, R> {
    rules: &'r R,
    probe: &'r ProbePacket,
    /// It may have been accepted, or spared, before.
    doubt: bool,
    /// A rule that names it and may have dropped it.
    suspect: Option<String>,
    /// Rules that may still be looked at.
    left: usize,
}

impl<R: Rules> Walk<'_, R> {
    fn through(&mut self, chain: &str, depth: usize) -> WalkEnd {
        if depth > DEEPEST {
            return WalkEnd::Accepted;
        }
        let rules = self.rules;
        for rule in rules.chain(chain) {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return WalkEnd::Accepted;
            }
            for step in rules.steps(rule, self.probe) {
                let met = match step.answer {
                    Matched::No => continue,
                    Matched::Maybe => {
                        self.suppose(&step, || rules.text(rule, chain), depth);
                        continue;
                    }
                    Matched::Yes => match step.action {
                        RuleAction::Accept => WalkEnd::Accepted,
                        RuleAction::Drop => WalkEnd::Dropped(rules.text(rule, chain)),
                        RuleAction::Return => return WalkEnd::Fell,
                        RuleAction::Goto(to) => return self.through(&to, depth + 1),
                        RuleAction::Jump(to) => self.through(&to, depth + 1),
                    },
                };
                match met {
                    // The rest of a rule that jumped is passed over, too.
                    WalkEnd::Fell => break,
                    decided => return decided,
                }
            }
        }
        WalkEnd::Fell
    }

    /// Takes into account what a rule would do if it met the packet.
    fn suppose(&mut self, step: &RuleStep, text: impl FnOnce() -> String, depth: usize) {
        let end = match &step.action {
            RuleAction::Accept | RuleAction::Return => WalkEnd::Accepted,
            RuleAction::Drop => WalkEnd::Dropped(text()),
            RuleAction::Jump(to) | RuleAction::Goto(to) => self.through(to, depth + 1),
        };
        match end {
            WalkEnd::Accepted => self.doubt = true,
            // One that concerns some packets only, we do not know which: most firewalls have such rules.
            WalkEnd::Dropped(rule) if step.named => drop(self.suspect.get_or_insert(rule)),
            WalkEnd::Dropped(_) | WalkEnd::Fell => {}
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Packets for the tests of the readers.

    use super::*;

    pub(crate) fn eth0() -> Interface {
        Interface::new("eth0", Ipv4Addr::new(10, 77, 0, 1), 24).unwrap()
    }

    /// What stops each of: broadcast in, unicast in, TCP in, and the same out.
    pub(crate) fn all_stopped<R: Rules>(rules: &R) -> Vec<Option<Stopped>> {
        ProbePacket::all_of(&eth0(), 17_474, 17_474).iter().map(|probe| stopped(rules, probe)).collect()
    }

    /// The same in short: `+` gets through, `?` may not, `-` does not.
    pub(crate) fn signs<R: Rules>(rules: &R) -> String {
        let sign = |s: &Option<Stopped>| match s {
            None => '+',
            Some(Stopped { certain: false, .. }) => '?',
            Some(Stopped { certain: true, .. }) => '-',
        };
        all_stopped(rules).iter().map(sign).collect()
    }
}
