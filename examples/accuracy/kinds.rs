//! The kinds of faults, as one table: how each is made, what is right to say of it, and who has to say it.

use std::time::Duration;

use vigie::engine::verdict::Verdict;
use vigie::testkit::{HostId, Lan, Link, Tcp};

use super::scenario::Fault;

/// By then each fault of a host must be told: two dial intervals, the dial timeout, and what others need to hear of it.
const NOTICE: Duration = Duration::from_secs(30);
/// The same of faults that show by missing broadcasts alone: three of them, and what the other end says of it.
const NOTICE_BROADCASTS: Duration = Duration::from_secs(45);

/// One kind of fault.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What it is called on the page.
    pub(crate) name: &'static str,
    /// The one right word for it.
    pub(crate) verdict: Verdict,
    /// What a finding must name.
    pub(crate) about: About,
    /// Who must tell it; all others may.
    pub(crate) told_by: Tellers,
    /// How it is made.
    pub(crate) makes: Makes,
    /// By then it must be told.
    pub(crate) notice: Duration,
}

/// What a fault is a fault of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// One host: a finding names it first.
    Host,
    /// A pair: a finding names the two.
    Pair,
    /// Two groups: a finding names all of the one or all of the other.
    Sides,
}

/// Who sees enough to tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tellers {
    /// Every healthy node.
    All,
    /// The two ends: others have it by hearsay.
    Ends,
    /// The first end alone: only its packets are lost.
    First,
}

/// How a fault is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Makes {
    /// The process ends or stops.
    Process(fn(&mut Lan, HostId)),
    /// Packets are lost; of all faults that are under way the links are made together.
    Links(fn(&mut Place<'_>)),
    /// The node runs with another configuration, or its machine has another address.
    Setup(Setup),
}

/// What is set otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The netmask.
    Mask,
    /// The network of its address.
    Network,
    /// The group.
    Group,
    /// The name: it is that of another host.
    Name,
}

/// Where links are changed for a fault.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The network.
    pub(crate) lan: &'a mut Lan,
    /// The fault.
    pub(crate) fault: &'a Fault,
    /// How many hosts there are.
    pub(crate) hosts: usize,
}

impl Place<'_> {
    fn first(&self) -> HostId {
        self.fault.hosts[0]
    }

    fn others(&self) -> impl Iterator<Item = HostId> + use<> {
        let first = self.first();
        (0..self.hosts).map(HostId).filter(move |host| *host != first)
    }

    /// Changes what goes to the host.
    fn inbound(&mut self, change: impl Fn(&mut Link)) {
        let first = self.first();
        self.others().for_each(|from| self.lan.towards(from, first, &change));
    }

    /// Changes what comes from the host.
    fn outbound(&mut self, change: impl Fn(&mut Link)) {
        let first = self.first();
        self.others().for_each(|to| self.lan.towards(first, to, &change));
    }

    /// Changes what goes between the hosts of the fault and all others.
    fn around(&mut self, change: impl Fn(&mut Link)) {
        for inside in &self.fault.hosts {
            for outside in (0..self.hosts).map(HostId).filter(|host| !self.fault.hosts.contains(host)) {
                self.lan.between(*inside, outside, &change);
            }
        }
    }

    /// Changes what goes from the first host of a pair to the second.
    fn there(&mut self, change: impl Fn(&mut Link)) {
        self.lan.towards(self.fault.hosts[0], self.fault.hosts[1], change);
    }

    /// Changes what goes from the second host of a pair to the first.
    fn back(&mut self, change: impl Fn(&mut Link)) {
        self.lan.towards(self.fault.hosts[1], self.fault.hosts[0], change);
    }
}

/// Of several things that happen to TCP on one link, what happens first or hides the others.
fn block(link: &mut Link, tcp: Tcp) {
    let rank = |tcp: Tcp| match tcp {
        Tcp::Open => 0,
        Tcp::Rejected | Tcp::Prohibited => 1,
        Tcp::DroppedSyn => 2,
        Tcp::Dropped => 3,
    };
    if rank(tcp) > rank(link.tcp) {
        link.tcp = tcp;
    }
}

fn cut(link: &mut Link) {
    link.udp = false;
    block(link, Tcp::Dropped);
}

/// As a switch does without a cable: the system finds no neighbour there.
fn unreachable(link: &mut Link) {
    link.udp = false;
    block(link, Tcp::Prohibited);
}

fn no_udp(link: &mut Link) {
    link.udp = false;
}

fn no_broadcast(link: &mut Link) {
    link.broadcast = false;
}

const fn host(name: &'static str, verdict: Verdict, makes: Makes) -> Kind {
    Kind { name, verdict, about: About::Host, told_by: Tellers::All, makes, notice: NOTICE }
}

const fn broadcasts(name: &'static str, makes: Makes) -> Kind {
    Kind { notice: NOTICE_BROADCASTS, ..host(name, Verdict::BroadcastBlocked, makes) }
}

const fn pair(name: &'static str, verdict: Verdict, told_by: Tellers, makes: Makes) -> Kind {
    Kind { about: About::Pair, told_by, ..host(name, verdict, makes) }
}

const fn sides(name: &'static str, makes: Makes) -> Kind {
    Kind { about: About::Sides, ..host(name, Verdict::Isolated, makes) }
}

/// All of them.
pub(crate) static KINDS: [Kind; 27] = {
    use Makes::{Links, Process, Setup as Set};
    use Tellers::{All, Ends, First};
    use Verdict as V;
    [
        host("process killed", V::ClosedPort, Process(Lan::kill)),
        host("machine switched off", V::HostDown, Process(Lan::switch_off)),
        host("process stopped", V::HungPeer, Process(Lan::pause)),
        host("TCP dropped in", V::FirewallDrop, Links(|p| p.inbound(|l| block(l, Tcp::DroppedSyn)))),
        host("TCP dropped out", V::FirewallDrop, Links(|p| p.outbound(|l| block(l, Tcp::DroppedSyn)))),
        host("all TCP dropped", V::FirewallDrop, Links(|p| p.around(|l| block(l, Tcp::Dropped)))),
        host("TCP reset", V::FirewallReject, Links(|p| p.inbound(|l| block(l, Tcp::Rejected)))),
        host("TCP prohibited", V::FirewallReject, Links(|p| p.inbound(|l| block(l, Tcp::Prohibited)))),
        host("UDP dropped in", V::OneWayUdp, Links(|p| p.inbound(no_udp))),
        host("UDP dropped out", V::OneWayUdp, Links(|p| p.outbound(no_udp))),
        host("UDP dropped both ways", V::UdpBlocked, Links(|p| p.around(no_udp))),
        broadcasts("broadcasts dropped in", Links(|p| p.inbound(no_broadcast))),
        broadcasts("broadcasts dropped out", Links(|p| p.outbound(no_broadcast))),
        host("packets lost", V::PacketLoss, Links(lossy)),
        host("small MTU", V::Mtu, Links(|p| p.inbound(|l| l.large = false))),
        host("switch port dead", V::HostDown, Links(|p| p.around(cut))),
        host("cable pulled", V::HostDown, Links(|p| p.around(unreachable))),
        Kind { notice: NOTICE_BROADCASTS, ..host("wrong mask", V::WrongSubnet, Set(Setup::Mask)) },
        host("address of another network", V::WrongSubnet, Set(Setup::Network)),
        host("wrong group", V::WrongGroup, Set(Setup::Group)),
        pair("two of one name", V::DuplicateName, All, Set(Setup::Name)),
        pair("pair cut off from each other", V::Isolated, Ends, Links(|p| p.around_pair(cut))),
        pair(
            "pair: TCP dropped one way",
            V::OneWayTcp,
            First,
            Links(|p| p.there(|l| block(l, Tcp::DroppedSyn))),
        ),
        pair("pair: all dropped one way", V::OneWayUdp, Ends, Links(|p| p.there(cut))),
        pair("pair: UDP dropped", V::UdpBlocked, Ends, Links(|p| p.around_pair(no_udp))),
        sides("islands", Links(|p| p.around(cut))),
        sides("switches apart", Links(|p| p.around(unreachable))),
    ]
};

impl Place<'_> {
    fn around_pair(&mut self, change: impl Fn(&mut Link)) {
        self.there(&change);
        self.back(&change);
    }
}

/// Packets to the host are lost, beside what is lost anyway.
fn lossy(place: &mut Place<'_>) {
    let passes = 1.0 - place.fault.share;
    place.inbound(|link| link.loss = 1.0 - (1.0 - link.loss) * passes);
}

impl Kind {
    /// Nobody hears anything of the host any longer: several that fall silent together may as well be apart from the others.
    pub(crate) fn is_silent(&self) -> bool {
        self.verdict == Verdict::HostDown
    }

    /// Who is gone is not heard: only who has heard it before can miss it.
    pub(crate) fn hides(&self) -> bool {
        self.is_silent() || matches!(self.makes, Makes::Process(_)) || self.about == About::Sides
    }

    /// Nothing of it is heard, and it hears nothing: from the very start on, nobody knows that it is there.
    pub(crate) fn mutes(&self) -> bool {
        self.verdict == Verdict::UdpBlocked && self.about == About::Host
    }

    /// It can be there before anybody has heard the host: what remains of it then can be seen.
    pub(crate) fn may_be_first(&self) -> bool {
        !self.is_silent() && !matches!(self.makes, Makes::Process(_)) && self.about != About::Sides
    }

    /// It is there from the start: whoever was a peer before leaves traces that have other names.
    pub(crate) fn must_be_first(&self) -> bool {
        matches!(self.makes, Makes::Setup(Setup::Network | Setup::Group))
    }

    /// How often it is drawn: those for which there is seldom room, or that never befall many, more often, so that there are enough of all.
    pub(crate) fn weight(&self) -> u32 {
        match self.about {
            About::Sides => 6,
            About::Pair => 5,
            About::Host if self.verdict == Verdict::PacketLoss => 6,
            About::Host if self.may_be_of_many() => 2,
            About::Host => 4,
        }
    }

    /// It can befall half of the hosts or more at once, and each of them can be told.
    pub(crate) fn may_be_of_many(&self) -> bool {
        matches!(self.makes, Makes::Process(_))
            || self.is_silent()
            || matches!(self.verdict, Verdict::FirewallDrop | Verdict::FirewallReject | Verdict::UdpBlocked)
    }
}
