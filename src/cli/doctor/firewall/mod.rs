//! What the rules of a packet filter do with vigie's packets: the walk through the chains, and what stops a packet there.
//! How a rule is read is up to [`nft`] and [`iptables`].
//!
//! It is careful: a condition that cannot be judged from here (a mark, a user, a set that is filled as packets come) is
//! answered [`Answer::Maybe`], and what hangs on it is never said to be certain.

pub(super) mod iptables;
pub(super) mod nft;

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::engine::interface::Interface;

use super::facts::link_of;

/// Jumps within jumps that the kernel allows (`NFT_JUMP_STACK_SIZE`).
const DEEPEST: usize = 16;
/// Rules looked at for one packet: more than any table has on the way of one packet, and soon done.
const MOST_RULES: usize = 100_000;

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
}

/// What carries a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

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
pub(super) struct Probe {
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

impl Probe {
    /// All packets of one interface: presences as broadcasts and to one host, and a dial, each in both directions.
    pub(super) fn all_of(interface: &Interface, udp: u16, tcp: u16) -> Vec<Self> {
        let one = |addr: Ipv4Addr| (u64::from(u32::from(addr)), u64::from(u32::from(addr)));
        let host_bits = u64::from(u32::MAX.checked_shr(interface.prefix.into()).unwrap_or_default());
        let (own, everyone) = (one(interface.addr), one(interface.broadcast));
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
pub(super) enum Answer {
    No,
    Maybe,
    Yes,
}

impl Answer {
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

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    /// Drops or rejects it.
    Drop,
    Return,
    Jump(String),
    Goto(String),
}

/// A verdict, and whether it meets the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) answer: Answer,
    /// Its conditions name our port, or broadcasts.
    pub(super) named: bool,
    pub(super) verdict: Verdict,
}

/// Where a rule is to be added so that it comes before all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Nft { family: String, table: String, chain: String },
    Iptables { table: String, chain: String },
}

/// A chain into which the kernel itself sends packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// Its name within the rules.
    pub(super) chain: String,
    pub(super) place: Place,
    pub(super) direction: Direction,
    /// Drops what no rule decides.
    pub(super) drops: bool,
    /// Only packets of these interfaces, if any are named.
    pub(super) interfaces: Vec<String>,
}

/// The rules of one packet filter.
pub(super) trait Rules {
    type Rule;

    fn bases(&self) -> &[Base];
    /// None where there is no such chain.
    fn chain(&self, chain: &str) -> &[Self::Rule];
    /// What a rule may do with a packet, the first that meets it first.
    fn steps(&self, rule: &Self::Rule, probe: &Probe) -> Vec<Step>;
    /// A rule in the words of its packet filter, with its chain.
    fn text(&self, rule: &Self::Rule, chain: &str) -> String;
}

/// A packet that does not get through, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stopped {
    /// In the words of the packet filter.
    pub(super) rule: String,
    pub(super) place: Place,
    /// It hangs on no condition that cannot be judged.
    pub(super) certain: bool,
}

/// What stops a packet, if anything does.
pub(super) fn stopped<R: Rules>(rules: &R, probe: &Probe) -> Option<Stopped> {
    let mut doubtful = None;
    for base in rules.bases() {
        let elsewhere =
            !base.interfaces.is_empty() && !base.interfaces.iter().any(|i| **i == *probe.interface);
        if base.direction != probe.direction || elsewhere {
            continue;
        }
        let mut walk = Walk { rules, probe, doubt: false, suspect: None, left: MOST_RULES };
        let (rule, certain) = match (walk.through(&base.chain, 0), base.drops) {
            (End::Dropped(rule), _) => (rule, !walk.doubt),
            (End::Fell, true) => {
                (format!("chain {} drops what no rule accepts (policy drop)", base.chain), !walk.doubt)
            }
            (End::Accepted | End::Fell, _) => match walk.suspect {
                Some(rule) => (rule, false),
                None => continue,
            },
        };
        let stopped = Stopped { rule, place: base.place.clone(), certain };
        if certain {
            return Some(stopped);
        }
        doubtful.get_or_insert(stopped);
    }
    doubtful
}

/// Where a way through a chain ends.
enum End {
    Accepted,
    /// By this rule.
    Dropped(String),
    /// Nothing decided.
    Fell,
}

/// One packet on its way.
struct Walk<'r, R> {
    rules: &'r R,
    probe: &'r Probe,
    /// It may have been accepted, or spared, before.
    doubt: bool,
    /// A rule that names it and may have dropped it.
    suspect: Option<String>,
    /// Rules that may still be looked at.
    left: usize,
}

impl<R: Rules> Walk<'_, R> {
    fn through(&mut self, chain: &str, depth: usize) -> End {
        if depth > DEEPEST {
            return End::Accepted;
        }
        let rules = self.rules;
        for rule in rules.chain(chain) {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return End::Accepted;
            }
            for step in rules.steps(rule, self.probe) {
                let met = match step.answer {
                    Answer::No => continue,
                    Answer::Maybe => {
                        self.suppose(&step, || rules.text(rule, chain), depth);
                        continue;
                    }
                    Answer::Yes => match step.verdict {
                        Verdict::Accept => End::Accepted,
                        Verdict::Drop => End::Dropped(rules.text(rule, chain)),
                        Verdict::Return => return End::Fell,
                        Verdict::Goto(to) => return self.through(&to, depth + 1),
                        Verdict::Jump(to) => self.through(&to, depth + 1),
                    },
                };
                match met {
                    // The rest of a rule that jumped is passed over, too.
                    End::Fell => break,
                    decided => return decided,
                }
            }
        }
        End::Fell
    }

    /// Takes into account what a rule would do if it met the packet.
    fn suppose(&mut self, step: &Step, text: impl FnOnce() -> String, depth: usize) {
        let end = match &step.verdict {
            Verdict::Accept | Verdict::Return => End::Accepted,
            Verdict::Drop => End::Dropped(text()),
            Verdict::Jump(to) | Verdict::Goto(to) => self.through(to, depth + 1),
        };
        match end {
            End::Accepted => self.doubt = true,
            // One that concerns some packets only, we do not know which: most firewalls have such rules.
            End::Dropped(rule) if step.named => drop(self.suspect.get_or_insert(rule)),
            End::Dropped(_) | End::Fell => {}
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
        Probe::all_of(&eth0(), 17_474, 17_474).iter().map(|probe| stopped(rules, probe)).collect()
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
