//! What the rules of a packet filter do with vigie's packets: the walk through the chains, and what stops a packet there.
//! [`nft`] and [`iptables`] know how to read a rule. Nothing here asks the system.
//!
//! It is careful: a condition that cannot be judged from here (a mark, a user, a set that is filled by packets) is answered
//! [`Matched::Maybe`], and what depends on it is never called certain.

pub(super) mod iptables;
pub(super) mod nft;

use std::net::IpAddr;
use std::sync::Arc;

use crate::engine::interface::Interface;
use crate::proto::presence::MULTICAST_GROUP;

use super::facts::{Direction, InsertionPoint, IpVersion, Transport};

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
    fn number(self) -> u128 {
        match self {
            Self::Udp => 17,
            Self::Tcp => 6,
        }
    }
}

/// Addresses, or ports, from the first to the last.
pub(super) type Span = (u128, u128);

/// The addresses of a network, of which so many bits are fixed.
pub(super) fn network(addr: IpAddr, bits: u32) -> Span {
    let (addr, host_bits) = match addr {
        IpAddr::V4(v4) => (v4.to_bits().into(), u32::MAX.checked_shr(bits).unwrap_or_default().into()),
        IpAddr::V6(v6) => (v6.to_bits(), u128::MAX.checked_shr(bits).unwrap_or_default()),
    };
    (addr & !host_bits, addr | host_bits)
}

/// The first packet of what vigie sends or is sent: no connection is known of it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbePacket {
    pub(super) ip: IpVersion,
    pub(super) direction: Direction,
    pub(super) transport: Transport,
    /// To which it goes.
    pub(super) port: u16,
    /// By which it comes or goes.
    pub(super) interface: Arc<str>,
    pub(super) from: Span,
    pub(super) to: Span,
    /// It goes to everyone on the link: as a broadcast, in IPv6 as a multicast.
    pub(super) to_all: bool,
}

impl ProbePacket {
    /// All packets of one interface: presences to all and to one host, and a dial, each in both directions. Of IPv6 those of
    /// a link-local address, at which peers are found.
    pub(super) fn all_of(interface: &Interface, udp: u16, tcp: u16) -> Vec<Self> {
        let Some(Ends { ip, own, everyone, network }) = Ends::of(interface) else { return Vec::new() };
        let mut probes = Vec::new();
        for direction in [Direction::In, Direction::Out] {
            for (transport, port, to_all) in
                [(Transport::Udp, udp, true), (Transport::Udp, udp, false), (Transport::Tcp, tcp, false)]
            {
                let (from, to) = match direction {
                    Direction::In => (network, if to_all { everyone } else { own }),
                    Direction::Out => (own, if to_all { everyone } else { network }),
                };
                let interface = Arc::clone(&interface.name);
                probes.push(Self { ip, direction, transport, port, interface, from, to, to_all });
            }
        }
        probes
    }

    /// How packet filters call what goes to all.
    pub(super) fn kind_of_all(&self) -> &'static str {
        match self.ip {
            IpVersion::V4 => "broadcast",
            IpVersion::V6 => "multicast",
        }
    }
}

/// The addresses between which the packets of one interface go.
struct Ends {
    ip: IpVersion,
    own: Span,
    everyone: Span,
    network: Span,
}

impl Ends {
    /// None for an interface by which nothing goes to all.
    fn of(interface: &Interface) -> Option<Self> {
        /// Of the addresses `fe80::` on a link (RFC 4291 §2.5.6).
        const LINK_LOCAL_PREFIX: u32 = 64;
        let one = |addr| network(addr, u32::MAX);
        match (interface.addr, interface.broadcast) {
            (IpAddr::V4(_), Some(broadcast)) => Some(Self {
                ip: IpVersion::V4,
                own: one(interface.addr),
                everyone: one(broadcast.into()),
                network: network(broadcast.into(), interface.prefix.into()),
            }),
            (IpAddr::V6(_), _) => interface.multicasts().map(|_| Self {
                ip: IpVersion::V6,
                own: one(interface.addr),
                everyone: one(MULTICAST_GROUP.into()),
                network: network(interface.addr, LINK_LOCAL_PREFIX),
            }),
            (IpAddr::V4(_), None) => None,
        }
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
    /// Packets of this version of IP alone, or of both.
    pub(super) ip: Option<IpVersion>,
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
        let of_another = base.ip.is_some_and(|ip| ip != probe.ip);
        if base.direction != probe.direction || elsewhere || of_another {
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

    use std::net::Ipv4Addr;

    use crate::engine::interface::LinkIndex;

    use super::*;

    pub(crate) fn eth0() -> Interface {
        Interface::new("eth0", Ipv4Addr::new(10, 77, 0, 1), 24).unwrap()
    }

    /// Its link-local address.
    pub(crate) fn eth0_by_ipv6() -> Interface {
        let address = Interface::ipv6("eth0", "fe80::1".parse().unwrap(), 64);
        Interface { index: Some(LinkIndex(2)), ..address }
    }

    /// What stops each of: broadcast in, unicast in, TCP in, and the same out.
    pub(crate) fn all_stopped<R: Rules>(rules: &R) -> Vec<Option<Stopped>> {
        stopped_on(&eth0(), rules)
    }

    fn stopped_on<R: Rules>(interface: &Interface, rules: &R) -> Vec<Option<Stopped>> {
        ProbePacket::all_of(interface, 17_474, 17_474).iter().map(|probe| stopped(rules, probe)).collect()
    }

    /// The same in short: `+` gets through, `?` may not, `-` does not.
    pub(crate) fn signs<R: Rules>(rules: &R) -> String {
        in_short(&all_stopped(rules))
    }

    /// The same of IPv6.
    pub(crate) fn signs_of_ipv6<R: Rules>(rules: &R) -> String {
        in_short(&stopped_on(&eth0_by_ipv6(), rules))
    }

    fn in_short(all: &[Option<Stopped>]) -> String {
        let sign = |s: &Option<Stopped>| match s {
            None => '+',
            Some(Stopped { certain: false, .. }) => '?',
            Some(Stopped { certain: true, .. }) => '-',
        };
        all.iter().map(sign).collect()
    }
}
