//! All that a part of the engine may use besides itself: the time, what a person set, chance, the links, and the way out.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::proto::presence::{Kind, Presence};

use super::address::ZonedIp;
use super::api::Output;
use super::config::{Config, Target};
use super::dialing::dial_interval::{DialInterval, HeldDialInterval};
use super::event::Event;
use super::interface::Interface;
use super::limits::{ANSWER_AT_ONCE, COPIES_COME_WITHIN, DIAL_SPREAD, DIAL_STEP};
use super::links::Links;
use super::presence::wrapping::Wrapping;
use super::{NodeId, Nonce};

/// Outputs whose room is kept once all are taken: what a step of ten thousand peers needs at the usual interval. When all of them
/// are dialed at once there are twenty times as many, and their room is given back.
const OUTPUTS_KEPT: usize = 2_048;

/// What all parts share, owned by the engine.
#[derive(Debug)]
pub(crate) struct Shared {
    config: Config,
    rng: StdRng,
    links: Links,
    out: Outbox,
    dial_interval: HeldDialInterval,
    /// Where the steps of [`DIAL_STEP`] begin: at random, so that nodes do not step together.
    steps_from: Option<Instant>,
    /// What comes in now may have waited to be read since then.
    waited_since: Option<Instant>,
    /// Where a peer saw this node last that saw it behind a NAT.
    outside: Option<IpAddr>,
}

/// Lent to a part for one call.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    /// When what comes in now was there at the earliest: before now if this node stood still.
    pub(crate) came: Instant,
    pub(crate) config: &'a Config,
    pub(crate) rng: &'a mut StdRng,
    pub(crate) links: &'a Links,
    pub(crate) out: &'a mut Outbox,
    pub(crate) pace: Pace,
    /// Where a peer saw this node last that saw it behind a NAT.
    pub(crate) outside: Option<IpAddr>,
}

/// What is to be done and told, in order; and the number of the last datagram sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: VecDeque<Output>,
    sequence: u64,
}

/// How many nodes there are decides whether things are done at once or together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    known: usize,
    dial_interval: Duration,
    steps_from: Option<Instant>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            rng: StdRng::from_seed(config.seed),
            links: Links::default(),
            out: Outbox::default(),
            dial_interval: HeldDialInterval::new(config.dial_interval),
            steps_from: None,
            waited_since: None,
            outside: None,
            config,
        }
    }

    /// The context of one call; `known` peers are in the table.
    pub(crate) fn context(&mut self, known: usize, now: Instant) -> Context<'_> {
        let pace = self.pace(known);
        let came = self.waited_since.unwrap_or(now);
        let Self { config, rng, links, out, outside, .. } = self;
        Context { now, came, config, rng, links, out, pace, outside: *outside }
    }

    /// A peer sees this node at an address that is none of its own.
    pub(crate) fn note_outside(&mut self, ip: IpAddr) {
        self.outside = Some(ip);
    }

    /// What comes in from now on may have waited to be read since then, for this node stood still; none: it is read as it comes.
    pub(crate) fn note_waited_since(&mut self, since: Option<Instant>) {
        self.waited_since = since;
    }

    /// How many nodes there are, and what follows from that.
    pub(crate) fn pace(&self, known: usize) -> Pace {
        Pace { known, dial_interval: self.dial_interval(), steps_from: self.steps_from }
    }

    /// Period of the regular dial of each peer.
    pub(crate) fn dial_interval(&self) -> Duration {
        self.dial_interval.get()
    }

    /// So many peers are known now. Whether the period of the regular dials is another one from now on.
    pub(crate) fn adapt_dial_interval(&mut self, known: usize, now: Instant) -> bool {
        self.dial_interval.adapt(known, now)
    }

    /// A person sets how often each peer is dialed.
    pub(crate) fn set_dial_interval(&mut self, setting: DialInterval, known: usize, now: Instant) {
        self.config.dial_interval = setting;
        self.dial_interval.set(setting, known, now);
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// This node is called so from now on; returns how it was called.
    pub(crate) fn rename(&mut self, name: String) -> String {
        std::mem::replace(&mut self.config.name, name)
    }

    /// The peers that a person named before the start, once.
    pub(crate) fn take_named(&mut self) -> Vec<Target> {
        std::mem::take(&mut self.config.peers)
    }

    /// The hosts that a person wants to join before the start, once.
    pub(crate) fn take_joined(&mut self) -> Vec<Target> {
        std::mem::take(&mut self.config.join)
    }

    /// Another identity of this node from now on: this one, or one that is made of it.
    pub(crate) fn change_id(&mut self, id: NodeId) {
        match self.config.key.as_ref().map(|key| key.next(&id.0.to_be_bytes())) {
            Some(key) => self.config.take_key(key),
            None => self.config.id = id,
        }
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    pub(crate) fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }

    pub(crate) fn out(&mut self) -> &mut Outbox {
        &mut self.out
    }

    pub(crate) fn random_nonce(&mut self) -> Nonce {
        Nonce(rand::Rng::next_u64(&mut self.rng))
    }

    /// The node runs from now on.
    pub(crate) fn begin_steps(&mut self, now: Instant) {
        self.steps_from = Some(now + self.rng.random_range(Duration::ZERO..DIAL_STEP));
    }

    /// Whether the node has run so long that it dialed everybody once.
    pub(crate) fn runs_longer_than_an_interval(&self, now: Instant) -> bool {
        self.runs_longer_than(self.dial_interval(), now)
    }

    /// Whether the node has run for so long.
    pub(crate) fn runs_longer_than(&self, time: Duration, now: Instant) -> bool {
        self.steps_from.is_some_and(|at| now > at + time)
    }
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.push(Output::Publish(event));
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() {
            // The next ones begin at the front again, whose room is in the caches still: not behind the last ones, all around the ring.
            self.outputs.clear();
            self.outputs.shrink_to(OUTPUTS_KEPT);
        }
        output
    }

    /// Begins the next round or unicast datagram: all copies of a round carry one number.
    pub(crate) fn next_sequence(&mut self) {
        self.sequence += 1;
    }
}

impl Pace {
    /// Whether there are so many peers that doing things together matters more than doing each at once.
    pub(crate) fn is_crowded(self) -> bool {
        is_crowd(self.known)
    }

    /// Period of the regular dial of each peer.
    pub(crate) fn dial_interval(self) -> Duration {
        self.dial_interval
    }

    /// The pace of a node that dials every so often.
    pub(crate) fn of_a_node_that_dials_every(self, dial_interval: Duration) -> Self {
        Self { dial_interval, ..self }
    }

    /// How many nodes there are, this one among them.
    pub(crate) fn nodes(self) -> u32 {
        u32::try_from(self.known).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How many peers are known.
    pub(crate) fn known(self) -> usize {
        self.known
    }

    /// With many peers, the step of [`DIAL_STEP`] that is nearest.
    pub(crate) fn in_step(self, at: Instant) -> Instant {
        let Some(from) = self.steps_from.filter(|_| self.is_crowded()) else { return at };
        let step = DIAL_STEP.as_millis();
        let steps = (at.saturating_duration_since(from).as_millis() + step / 2) / step;
        from + DIAL_STEP * u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// `each` for every known peer, at most `longest`.
    pub(crate) fn for_each_peer(self, each: Duration, longest: Duration) -> Duration {
        each.saturating_mul(u32::try_from(self.known).unwrap_or(u32::MAX)).min(longest)
    }
}

impl Context<'_> {
    /// Whether less than `within` has passed since `at`.
    pub(crate) fn is_within(&self, at: Instant, within: Duration) -> bool {
        self.now.saturating_duration_since(at) < within
    }

    /// A random wait before a dial that grows with the number of peers. Where it is to be seen by which of several links the peer is
    /// heard, it has that time.
    pub(crate) fn dial_spread(&mut self) -> Duration {
        let most = self.pace.for_each_peer(DIAL_SPREAD, self.pace.dial_interval);
        let least = if self.links.share_a_network() { COPIES_COME_WITHIN * 2 } else { Duration::ZERO };
        least + self.rng.random_range(Duration::ZERO..=most)
    }

    pub(crate) fn random_nonce(&mut self) -> Nonce {
        Nonce(rand::Rng::next_u64(self.rng))
    }

    /// Queues one unicast datagram with a number of its own.
    pub(crate) fn send(&mut self, to: SocketAddr, kind: Kind, nonce: Option<Nonce>, echo: Option<Nonce>) {
        self.send_by(None, to, kind, nonce, echo);
    }

    /// The same, by the link of this name if several are in that network.
    pub(crate) fn send_by(
        &mut self,
        link: Option<&Arc<str>>,
        to: SocketAddr,
        kind: Kind,
        nonce: Option<Nonce>,
        echo: Option<Nonce>,
    ) {
        self.unicast(link, to, kind, |presence, wrap| wrap.encode(&Presence { nonce, echo, ..presence }));
    }

    /// Queues one unicast datagram, written as its sender wants, by the link of this name if several are in that network.
    pub(crate) fn unicast(
        &mut self,
        link: Option<&Arc<str>>,
        to: SocketAddr,
        kind: Kind,
        encode: impl FnOnce(Presence<'_>, Wrapping<'_>) -> Vec<u8>,
    ) {
        self.out.next_sequence();
        let chosen = self.links.chosen(link, to.into());
        let claimed = chosen.map_or_else(|| self.links.own_address_towards(to.into()), Interface::zoned_ip);
        let link = chosen.and_then(|interface| interface.index);
        let bytes = encode(self.presence(kind, claimed), self.wrapping());
        self.out.push(Output::Send { link, to, bytes });
    }

    /// How what is sent is written.
    pub(crate) fn wrapping(&self) -> Wrapping<'_> {
        Wrapping(self.config.secret.as_deref())
    }

    /// What this node says of itself, as the address `claimed` of one of its links.
    pub(crate) fn presence(&self, kind: Kind, claimed: ZonedIp) -> Presence<'_> {
        let mut masks = self.links.iter().filter(|interface| interface.addr.is_ipv4());
        let link = masks.find(|interface| interface.zoned_ip() == claimed);
        Presence {
            kind,
            group: &self.config.group,
            id: self.config.id,
            incarnation: self.config.incarnation,
            sequence: self.out.sequence,
            name: &self.config.name,
            tcp_port: self.config.tcp_port,
            udp_port: self.config.udp_port,
            period_ms: u32::try_from(self.config.interval.as_millis()).unwrap_or(u32::MAX),
            claimed: claimed.ip(),
            nonce: None,
            echo: None,
            prefix: link.map(|interface| interface.prefix),
            wide: None,
            suspicion: None,
            rows: None,
            visitor: self.config.visitor.then_some(true),
            tag: None,
            membership: None,
        }
    }
}

/// Whether so many peers are a crowd.
pub(crate) fn is_crowd(known: usize) -> bool {
    known > ANSWER_AT_ONCE
}

/// How old what one learned may be to be believed who dials every so often: two regular exchanges may be missed, one of which hangs.
pub(crate) fn fresh_for(dial_interval: Duration, config: &Config) -> Duration {
    dial_interval * 2 + config.retry.timeout
}

/// What a unit test lends to a part: the context of the first node of [`crate::testkit::config`], at 10.0.0.1/16.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct TestContext {
    pub(crate) shared: Shared,
    pub(crate) now: Instant,
    /// How many peers are in the table.
    pub(crate) known: usize,
}

/// A datagram that a part under test sent.
#[cfg(test)]
#[derive(Debug, PartialEq)]
pub(crate) struct TestSent {
    pub(crate) to: SocketAddr,
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) nonce: Option<Nonce>,
    pub(crate) echo: Option<Nonce>,
}

#[cfg(test)]
impl TestContext {
    pub(crate) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = crate::testkit::config(0);
        change(&mut config);
        let mut shared = Shared::new(config);
        let _ = shared.links.replace(vec![crate::testkit::interface("10.0.0.1/16")]);
        Self { shared, now: crate::testkit::t0(), known: 0 }
    }

    pub(crate) fn context(&mut self) -> Context<'_> {
        self.shared.context(self.known, self.now)
    }

    /// A peer that is in no table: number `n` of [`crate::testkit::peer`], on our link, with an own UDP port.
    pub(crate) fn peer(&self, n: u64) -> super::peers::peer::Peer {
        let info = super::peers::PeerInfo::clone(&crate::testkit::peer(n, "host"));
        let mut peer = super::peers::peer::Peer::new(info, super::peers::Via::Broadcast, self.now);
        let dialed = peer.ip();
        peer.set_interface(self.shared.links.name_of(dialed));
        peer.paths.note_claims(dialed, &crate::testkit::presence(Kind::Heartbeat, u128::from(n), 1));
        peer
    }

    /// The same with a proven address.
    pub(crate) fn proven_peer(&mut self, n: u64) -> super::peers::peer::Peer {
        let mut peer = self.peer(n);
        peer.prove(peer.ip(), &mut self.context());
        peer
    }

    /// All that was asked for since this was last called.
    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.shared.out.pop()).collect()
    }

    /// All that was published since.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let published = |output| if let Output::Publish(event) = output { Some(event) } else { None };
        self.outputs().into_iter().filter_map(published).collect()
    }

    /// All datagrams that were sent since.
    pub(crate) fn sent(&mut self) -> Vec<TestSent> {
        let read = |output| {
            let (Output::Send { to, bytes, .. } | Output::SendFrom { to, bytes, .. }) = output else {
                return None;
            };
            let Presence { kind, sequence, nonce, echo, .. } = Presence::decode(&bytes).unwrap();
            Some(TestSent { to, kind, sequence, nonce, echo })
        };
        self.outputs().into_iter().filter_map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    /// The pace of a node that runs, but knows no steps yet.
    fn pace(known: usize) -> Pace {
        Pace { known, dial_interval: secs(10), steps_from: None }
    }

    #[test]
    fn with_many_peers_things_are_done_in_the_nearest_step() {
        let (from, crowd) = (t0(), ANSWER_AT_ONCE + 1);
        let at =
            |known, after| Pace { steps_from: Some(from), ..pace(known) }.in_step(from + ms(after)) - from;
        for (after, step) in [(0, 0), (249, 0), (250, 500), (749, 500), (750, 1_000), (60_001, 60_000)] {
            assert_eq!(at(crowd, after), ms(step), "{after} ms");
            assert_eq!(at(ANSWER_AT_ONCE, after), ms(after), "with few peers everything has its own time");
        }
        let pace = pace(crowd);
        assert_eq!(pace.in_step(from + ms(7)), from + ms(7), "before the node runs there are no steps");
    }

    #[test]
    fn a_wait_grows_with_the_peers_up_to_its_longest() {
        let wait = |known| pace(known).for_each_peer(ms(10), secs(1));
        assert_eq!(
            [wait(0), wait(7), wait(100), wait(101), wait(usize::MAX)].map(|wait| wait.as_millis()),
            [0, 70, 1_000, 1_000, 1_000]
        );
    }

    #[test]
    fn every_unicast_has_its_own_number_whatever_its_family() {
        let mut test = TestContext::new(|_| {});
        let ctx = &mut test.context();
        for to in ["10.0.0.2:1", "[fe80::2%3]:1"] {
            ctx.send(to.parse().unwrap(), Kind::Heartbeat, None, Some(Nonce(7)));
        }
        let sent: Vec<_> = test.sent().into_iter().map(|sent| (sent.to.to_string(), sent.sequence)).collect();
        assert_eq!(sent, [("10.0.0.2:1".to_owned(), 1), ("[fe80::2%3]:1".to_owned(), 2)]);
    }

    #[test]
    fn the_node_has_dialed_everybody_once_after_an_interval_behind_its_first_step() {
        let mut test = TestContext::new(|_| {});
        let start = test.now;
        assert!(!test.shared.runs_longer_than_an_interval(start + secs(99)), "it does not run yet");
        test.shared.begin_steps(start);
        assert!(!test.shared.runs_longer_than_an_interval(start + secs(10)));
        assert!(test.shared.runs_longer_than_an_interval(start + secs(10) + DIAL_STEP));
    }
}
