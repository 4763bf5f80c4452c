//! What was observed, as data: a finding carries it, and `text` makes sentences of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::address::Endpoint;
use crate::engine::cause::{Cause, OtherSecret};
use crate::engine::hardware::HardwareAddr;
use crate::engine::network::Network;
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::PeerInfo;

/// Nodes of a [`Several`] that are named: more make no sentence.
const MAX_NAMED: usize = 4;

/// A node that evidence or advice speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The node that makes the diagnosis.
    ThisNode,
    /// Any other.
    Peer(Arc<PeerInfo>),
}

/// A number of nodes, of which the first few are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    /// The first of them.
    pub named: Vec<Who>,
    /// How many there are in all.
    pub count: usize,
}

impl Several {
    /// Counts these nodes, and keeps the first few.
    pub fn of(nodes: impl Iterator<Item = Who>) -> Self {
        let mut several = Self { named: Vec::new(), count: 0 };
        for who in nodes {
            if several.count < MAX_NAMED {
                several.named.push(who);
            }
            several.count += 1;
        }
        several
    }

    /// How many are not named.
    pub fn unnamed(&self) -> usize {
        self.count - self.named.len()
    }
}

/// Who sent an ICMP error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpSender {
    /// The host that the datagram was for.
    Target,
    /// A host between.
    Router(Endpoint),
    /// The system does not say.
    Unknown,
}

/// How UDP echoes fare that one node asks of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// They come back.
    Returned {
        /// Share of them that does not, in percent.
        lost: u8,
        /// Datagrams that fill a whole Ethernet packet do not.
        large_lost: bool,
    },
    /// They no longer come back.
    Lost,
}

/// What a node hears of another by UDP, without having asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Its broadcasts.
    Broadcasts,
    /// Its unicast; whether its broadcasts come is not known.
    Unicast,
    /// Its unicast and none of its broadcasts.
    UnicastOnly,
    /// Nothing.
    Nothing,
}

/// One observation that a finding rests on. Each time is how long before the diagnosis it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// As the node that observed it told it, in its words: of a finding that was read, and not made here.
    Told(Arc<str>),
    /// Hosts use the same name.
    SharedName {
        /// Where they are.
        addrs: Vec<Endpoint>,
    },
    /// Hosts use the same address.
    SharedAddress {
        /// That address.
        addr: Endpoint,
        /// Each of them, with its hardware address where that is known for certain.
        holders: Vec<(Who, Option<HardwareAddr>)>,
        /// Who hears the other one from it, where that address is this machine's: its own system takes nothing from there.
        told_by: Option<Who>,
    },
    /// Paths between two networks fail, all that are known, while the hosts work with others.
    AcrossNetworks {
        /// Which networks.
        networks: [Network; 2],
        /// How many paths.
        paths: usize,
        /// Between which hosts.
        hosts: Several,
    },
    /// Paths between one network and others fail, all that are known.
    NetworkCutOff {
        /// Which network.
        network: Network,
        /// How many paths.
        paths: usize,
    },
    /// One went out of reach several times.
    CameAndWent {
        /// Which.
        who: Who,
        /// How often.
        times: usize,
        /// From the first of these times to the last.
        within: Duration,
    },
    /// Its system answers this node at once, and its program late.
    AnswersLate {
        /// Whose.
        who: Who,
        /// The longest that an answer took lately.
        longest: Duration,
        /// How long a connection took to stand.
        connect: Duration,
    },
    /// This machine, or vigie on it, stood still again and again.
    StoodStill {
        /// How often, at least.
        times: usize,
        /// For how long at most.
        longest: Duration,
    },
    /// No other node answers this one any more.
    AllSilent {
        /// How many do not.
        count: usize,
    },
    /// Some disappeared at the same time, while the others still reach each other.
    VanishedTogether {
        /// Those that did.
        hosts: Several,
    },
    /// The last dial of one by the other failed.
    DialFailed {
        /// Who dialed.
        from: Who,
        /// Whom.
        to: Who,
        /// Why it failed.
        cause: Cause,
        /// When it ended.
        ago: Duration,
    },
    /// The last dial of one by the other got its reply.
    DialAnswered {
        /// Who dialed.
        from: Who,
        /// Whom.
        to: Who,
        /// When it ended.
        ago: Duration,
    },
    /// An ICMP error came for a datagram of this node. It may be forged.
    IcmpError {
        /// Where the datagram went.
        target: Endpoint,
        /// The code of the error, which is of type 3.
        code: u8,
        /// Who sent the error.
        sender: IcmpSender,
    },
    /// How UDP fares between two nodes, as one of them sees it. One of the two parts is there.
    Udp {
        /// Who sees it.
        from: Who,
        /// Of whom.
        to: Who,
        /// What comes back of what it sends.
        echo: Option<Echo>,
        /// What it hears of the other.
        heard: Option<Heard>,
    },
    /// A node tells whether it hears another one by UDP.
    Hearing {
        /// Who tells it.
        by: Who,
        /// Of whom.
        from: Who,
        /// Whether it hears it.
        hears: bool,
    },
    /// Dials in this direction are answered, while those in the other one fail.
    DialsArrive {
        /// Who dials.
        from: Who,
        /// Whom.
        to: Who,
    },
    /// Two links of this machine are in one network, and on two wires: each hears hosts that the other does not.
    SplitNetwork {
        /// Their names; first the one by which the system sends there.
        links: [Arc<str>; 2],
        /// This machine's address on the first, and the length of the prefix, in bits.
        network: (IpAddr, u8),
        /// The first hears none at all.
        all_by_the_unrouted: bool,
    },
    /// A rule of this machine's own packet filter stops packets of this node.
    OwnFilter {
        /// Which.
        rule: Arc<BlockingRule>,
    },
    /// A peer is still heard from another of its addresses: what fails is the way to one of them.
    HeardElsewhere {
        /// Which peer.
        of: Who,
        /// The address that it is heard from.
        at: Endpoint,
        /// The one that fails.
        failing: Endpoint,
    },
    /// When a node last had a sign of life of another, by any path.
    LastAlive {
        /// Of whom.
        of: Who,
        /// Who had it.
        by: Who,
        /// How long ago.
        ago: Duration,
    },
    /// Two nodes say that their networks have different masks.
    Masks {
        /// One of them: its address and the length of its network's prefix.
        one: (Who, IpAddr, u8),
        /// The other one.
        other: (Who, IpAddr, u8),
    },
    /// Others reach the node by TCP.
    OthersReach {
        /// Those that do.
        others: Several,
        /// Whom.
        to: Who,
    },
    /// Others fail to reach the node as well.
    OthersFail {
        /// Those that do.
        others: Several,
        /// Whom.
        to: Who,
    },
    /// All failing pairs have one node in common.
    Common {
        /// Which.
        node: Who,
        /// How many directions of pairs fail.
        pairs: usize,
    },
    /// A node of another group was heard.
    OtherGroup {
        /// Which.
        who: Who,
        /// Its group.
        theirs: String,
        /// This node's.
        ours: String,
        /// When it was last heard.
        ago: Duration,
    },
    /// A node that speaks another version of the protocol was heard.
    OtherVersion {
        /// Which.
        who: Who,
        /// Its version.
        theirs: u8,
        /// This node's.
        ours: u8,
        /// When it was last heard.
        ago: Duration,
    },
    /// A node of this group was heard that does not have this node's secret.
    OtherSecret {
        /// Which.
        who: Who,
        /// What it has instead.
        theirs: OtherSecret,
        /// When it was last heard.
        ago: Duration,
    },
    /// A node was heard on this link whose address is of another network.
    OtherNetwork {
        /// Which.
        who: Who,
        /// Its address, with the length of the prefix where it says that.
        theirs: (IpAddr, Option<u8>),
        /// This node's, where it was heard.
        ours: (IpAddr, u8),
        /// When it was last heard.
        ago: Duration,
    },
}
