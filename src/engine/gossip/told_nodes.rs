//! Nodes that only rows tell of, and that should be heard: each is asked once in a while whether it answers this node, too.
//!
//! Two machines that an access point keeps apart from the start (client isolation) never hear of each other but by a third. This is
//! the one exception to the rule that an address in a row is neither dialed nor sent to. It is narrow: the address is on a link of
//! ours, a proven peer on the same link reaches the node there, one address is asked a second, and each once in five minutes; and of all
//! that do not reach the node, a few ask it, as with any address at which nobody proved to be. The others hear from them in rows.
//!
//! One that is heard and proves nothing, as it hears nothing of this node, is *vouched* for in the same way: it is measured as a proven peer
//! is. Dialed it is not more often for that.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::engine::NodeId;
use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::hashing::Keyed;
use crate::engine::limits::{
    ASK_TOLD_AGAIN, ASK_TOLD_GAP, LOOK_AT_TOLD_GAP, MAX_TOLD, MAX_TOLD_ADDRESSES, TOLD_LOOKED_AT,
    UNPROVEN_DIALERS,
};
use crate::engine::moment::Moment;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState, PeerTable};
use crate::proto::rendezvous::{of_address, weight};

use super::relay::in_turn;
use super::remote_rows::{RemoteRow, RemoteRows};

/// Which of them were asked.
#[derive(Debug, Default)]
pub(crate) struct ToldNodes {
    next: Option<Instant>,
    /// The node that was looked at last to find one that should be a peer.
    last_looked_at: Option<NodeId>,
    asked: HashMap<IpAddr, Moment, Keyed>,
    /// Their rows in the table, at most [`MAX_TOLD`]; some are ordinary peers meanwhile, or gone.
    rows: Vec<PeerKey>,
}

impl ToldNodes {
    /// When the next look at them is due; never while there are none.
    pub(crate) fn deadline(&self, rows: &RemoteRows) -> Option<Instant> {
        self.next.filter(|_| rows.any_unmet() || !self.rows.is_empty())
    }

    /// They are looked at from then on, when whoever can be heard was heard.
    pub(crate) fn begin(&mut self, at: Instant) {
        self.next = Some(at);
    }

    /// Asks the next of them, and forgets those that nobody reaches any longer.
    pub(crate) fn look(&mut self, rows: &RemoteRows, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        self.drop_forgotten(rows, peers, ctx);
        let asks = self.rows.len() < MAX_TOLD && self.ask_next(rows, peers, ctx);
        self.next = Some(ctx.now + if asks { ASK_TOLD_GAP } else { LOOK_AT_TOLD_GAP });
    }

    fn drop_forgotten(&mut self, rows: &RemoteRows, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let mut gone = Vec::new();
        self.rows.retain(|key| {
            let Some(peer) = peers.get(*key).filter(|peer| peer.is_second_hand()) else { return false };
            let told = peer.id().is_some_and(|id| reaching(id, rows, peers).next().is_some());
            if !told {
                gone.push(*key);
            }
            told
        });
        for key in gone {
            peers.expire(key, ctx);
        }
    }

    fn ask_next(&mut self, rows: &RemoteRows, peers: &mut PeerTable, ctx: &mut Context<'_>) -> bool {
        self.asked.retain(|_, at| ctx.is_within((*at).into(), ASK_TOLD_AGAIN));
        let Some((id, name, addr)) = self.next_to_ask(rows, peers, ctx) else { return false };
        self.asked.insert(addr.ip(), ctx.now.into());
        if let Ok(key) = peers.discover_told(addr, id, &name, ctx) {
            self.rows.push(key);
            if let Some(peer) = peers.get_mut(key) {
                peer.probes.begin_regular(ctx);
            }
        }
        true
    }

    /// The next node that is no peer and should be one: it has an address on a link of ours, at which it may be asked, and a peer on
    /// the same link, with which all is well, reaches it.
    fn next_to_ask(
        &mut self,
        rows: &RemoteRows,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> Option<(NodeId, String, SocketAddr)> {
        for id in in_turn(rows.unmet(), self.last_looked_at).take(TOLD_LOOKED_AT) {
            self.last_looked_at = Some(id);
            let told = reaching(id, rows, peers).filter_map(|(owner, teller, row)| {
                let (name, addr) = row.second_hand().get(&id)?;
                // A row tells no zone: on the teller's link that is where it is heard.
                let zone = ctx.links.iter().find(|link| Some(&link.name) == teller.interface())?.index;
                let addr = ZonedIp::on_link(addr.ip(), zone).at_port(addr.port());
                let link = ctx.links.name_of(addr.into())?;
                let here = teller.interface() == Some(&link) && !ctx.links.holds(addr.into());
                let free = addr.port() != 0 && peers.by_addr(addr).is_none() && self.may_ask(&addr.ip());
                (here && free).then_some((owner, name, addr))
            });
            let first = told.min_by_key(|(owner, ..)| *owner);
            let first = first.filter(|(.., addr)| has_turn((id, addr.ip()), ctx.config.id, rows, peers));
            if let Some((_, name, addr)) = first {
                return Some((id, name.clone(), addr));
            }
        }
        None
    }

    fn may_ask(&self, ip: &IpAddr) -> bool {
        !self.asked.contains_key(ip) && self.asked.len() < MAX_TOLD_ADDRESSES
    }
}

/// Whether this node is among those who ask a node at an address: the heaviest of all that do not say that they reach it. Where an access
/// point keeps stations apart they reach few others, and each has a turn.
fn has_turn((id, ip): (NodeId, IpAddr), own: NodeId, rows: &RemoteRows, peers: &PeerTable) -> bool {
    let of = of_address(ip);
    let mine = weight(of, own);
    let reaches = |other: &NodeId| {
        let seen = rows.of(*other).and_then(|row| row.observations().get(&id));
        seen.is_some_and(|seen| seen.tcp.is_ok() && seen.echo.is_ok())
    };
    let heavier = peers.reachable().filter_map(Peer::id).filter(|other| weight(of, *other) > mine);
    heavier.filter(|other| !reaches(other)).take(UNPROVEN_DIALERS).count() < UNPROVEN_DIALERS
}

/// Sees which of those that are heard, and proved nothing, are reached by others at the very address at which they are dialed, and are to be
/// measured by this node: who lies in its row sends in somebody's name as well.
pub(crate) fn vouch(rows: &RemoteRows, peers: &mut PeerTable, ctx: &mut Context<'_>) {
    let is_unproven = |peer: &&Peer| !peer.is_proven() && !peer.is_second_hand();
    let unproven = peers.unwell().iter().filter_map(|key| peers.get(*key)).filter(is_unproven);
    let vouched_for = |peer: &Peer| {
        let (id, ip) = (peer.id()?, peer.ip());
        let here = |teller: &Peer, row: &RemoteRow| {
            let at = row.observations().get(&id).and_then(|seen| seen.at);
            at == Some(ip.ip()) && peer.interface().is_some() && teller.interface() == peer.interface()
        };
        let said = reaching(id, rows, peers).any(|(_, teller, row)| here(teller, row));
        (said && has_turn((id, ip.ip()), ctx.config.id, rows, peers)).then_some(())
    };
    let found: Vec<(PeerKey, bool)> =
        unproven.take(MAX_TOLD).map(|peer| (peer.key(), vouched_for(peer).is_some())).collect();
    for (key, vouched) in found {
        let is_news = peers.get(key).is_some_and(|peer| peer.is_measured() != vouched);
        if is_news && let Some(peer) = peers.get_mut(key) {
            peer.set_vouched(vouched, ctx);
        }
    }
}

/// The peers with which all is well, in both directions, and that say that they reach this node by TCP and UDP, with their rows.
fn reaching<'a>(
    id: NodeId,
    rows: &'a RemoteRows,
    peers: &'a PeerTable,
) -> impl Iterator<Item = (NodeId, &'a Peer, &'a RemoteRow)> {
    rows.by_owner().filter_map(move |(owner, row)| {
        let seen = row.observations().get(&id).is_some_and(|seen| seen.tcp.is_ok() && seen.echo.is_ok());
        let peer = peers.get(peers.by_id(owner)?).filter(|peer| seen && peer.state() == PeerState::Up)?;
        let mine = peer.observation();
        let both_ways = mine.tcp.is_ok() && (mine.broadcast.is_ok() || mine.served.is_ok());
        (both_ways && peer.is_proven()).then_some((owner, peer, row))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::page::{entry, page};
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::context::TestContext;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::Via;
    use crate::proto::presence::Kind;
    use crate::proto::rows::{PageHead, append};
    use crate::testkit::{interface, presence, secs};

    fn well() -> Observation {
        let ok = PathStatus::Ok;
        Observation { tcp: ok, echo: ok, broadcast: ok, ..Observation::default() }
    }

    /// A table with one peer, node 2 at 10.0.0.2, with which all is well, and which tells of these nodes at these addresses.
    struct Bed {
        test: TestContext,
        peers: PeerTable,
        rows: RemoteRows,
        told: ToldNodes,
        version: u64,
    }

    impl Bed {
        fn new(told: &[(u128, &str, Observation)]) -> Self {
            Self::of(1, told)
        }

        /// That of another node.
        fn of(own: u128, told: &[(u128, &str, Observation)]) -> Self {
            let mut test = TestContext::new(|config| config.id = NodeId(own));
            let _ = test
                .shared
                .links_mut()
                .replace(["eth0=10.0.0.1/16", "docker0=172.17.0.1/16"].map(interface).into());
            let mut bed = Self {
                test,
                peers: PeerTable::default(),
                rows: RemoteRows::default(),
                told: ToldNodes::default(),
                version: 0,
            };
            bed.meet(2, "10.0.0.2:17474");
            bed.tell(told);
            bed
        }

        fn meet(&mut self, id: u128, addr: &str) {
            let (addr, ctx) = (addr.parse().unwrap(), &mut self.test.context());
            let identity = Some((NodeId(id), Incarnation(1_000)));
            let key = self.peers.discover(addr, identity, "host", Via::Broadcast, ctx).unwrap();
            let peer = self.peers.get_mut(key).unwrap();
            peer.paths.note_claims(addr.into(), &presence(Kind::Heartbeat, id, 1));
            peer.prove(addr.into(), ctx);
            peer.set_state(PeerState::Up, ctx);
            peer.set_observation(well());
            self.peers.index_condition(key);
        }

        fn vouch(&mut self) {
            vouch(&self.rows, &mut self.peers, &mut self.test.context());
        }

        /// A node is heard, which does not answer: its dials fail.
        fn hear(&mut self, id: u128, addr: &str) -> PeerKey {
            let ctx = &mut self.test.context();
            let identity = Some((NodeId(id), Incarnation(1_000)));
            let key =
                self.peers.discover(addr.parse().unwrap(), identity, "host", Via::Broadcast, ctx).unwrap();
            let peer = self.peers.get_mut(key).unwrap();
            peer.last_seen.note_broadcast(ctx.now);
            peer.health.note_trouble(ctx.now);
            self.peers.index_condition(key);
            key
        }

        /// Node 2 tells its whole row.
        fn tell(&mut self, told: &[(u128, &str, Observation)]) {
            self.tell_of(2, told);
        }

        /// A node tells its whole row.
        fn tell_of(&mut self, owner: u128, told: &[(u128, &str, Observation)]) {
            let mut entries = Vec::new();
            for (id, addr, seen) in told {
                append(&entry(NodeId(*id), seen, "told", addr.parse().unwrap(), self.test.now), &mut entries);
            }
            self.version += 1;
            let (owner, incarnation, upto) = (NodeId(owner), Incarnation(1_000), self.version);
            let count = u16::try_from(told.len()).unwrap();
            let head = PageHead {
                owner,
                incarnation,
                from: 0,
                upto,
                latest: upto,
                age_ms: 0,
                dial_interval_ms: None,
                proof: None,
                count,
            };
            let page = page(&head, &entries);
            let ctx = self.test.context();
            let _ = self.rows.handle_pages(&page, owner, |_, _| true, &self.peers, &ctx);
        }

        /// The addresses that are asked within so long.
        fn asked_within(&mut self, within: Duration) -> Vec<String> {
            let end = self.test.now + within;
            self.told.begin(self.test.now);
            let mut asked = Vec::new();
            while let Some(at) = self.told.deadline(&self.rows).filter(|at| *at <= end) {
                self.test.now = at;
                let before = self.peers.keys();
                self.told.look(&self.rows, &mut self.peers, &mut self.test.context());
                let new = self.peers.keys().into_iter().filter(|key| !before.contains(key));
                asked.extend(new.map(|key| self.peers.get(key).unwrap().addr().to_string()));
            }
            asked
        }
    }
    #[test]
    fn who_is_told_of_on_the_tellers_link_is_asked_once_in_five_minutes_one_a_second() {
        let mut bed = Bed::new(&[(3, "10.0.0.3:17474", well()), (4, "10.0.0.4:17474", well())]);
        assert_eq!(bed.asked_within(Duration::ZERO).len(), 1);
        assert_eq!(bed.asked_within(secs(1)).len(), 1);
        assert_eq!(bed.asked_within(secs(290)), [""; 0]);
    }

    #[test]
    fn of_all_that_do_not_reach_a_node_five_ask_it() {
        let nodes = 3..=40_u8;
        let askers = |reaching: std::ops::RangeInclusive<u8>| {
            let asks = |own: &u8| {
                let mut bed = Bed::of((*own).into(), &[(99, "10.0.0.99:17474", well())]);
                for id in nodes.clone().filter(|id| id != own) {
                    bed.meet(id.into(), &format!("10.0.0.{id}:17474"));
                    let seen = if reaching.contains(&id) { well() } else { Observation::default() };
                    bed.tell_of(id.into(), &[(99, "10.0.0.99:17474", seen)]);
                }
                bed.asked_within(secs(60)).len()
            };
            nodes.clone().filter(|own| !reaching.contains(own)).map(|own| asks(&own)).sum::<usize>()
        };
        #[expect(clippy::reversed_empty_ranges, reason = "nobody does")]
        let nobody = 1..=0;
        assert_eq!(askers(nobody), UNPROVEN_DIALERS);
        assert_eq!(askers(3..=30), UNPROVEN_DIALERS, "those need not");
        assert_eq!(askers(3..=37), 3);
    }

    #[test]
    fn nobody_is_asked_who_cannot_be_expected_to_be_heard() {
        let failing = Observation { echo: PathStatus::Failing, ..well() };
        for (what, addr, seen) in [
            ("beyond our links", "192.0.2.3:17474", well()),
            ("in a network of the same name on the teller's machine", "172.17.0.3:17474", well()),
            ("this machine", "10.0.0.1:17475", well()),
            ("the place of a peer", "10.0.0.2:17474", well()),
            ("one without a server", "10.0.0.3:0", well()),
            ("whom the teller does not reach", "10.0.0.3:17474", failing),
        ] {
            assert_eq!(Bed::new(&[(3, addr, seen)]).asked_within(secs(60)), [""; 0], "{what}");
        }
    }

    #[test]
    fn who_is_heard_and_proves_nothing_is_measured_while_others_reach_it_at_that_address() {
        let elsewhere = Observation { echo: PathStatus::Failing, ..well() };
        for (what, told, measured) in [
            ("at its address", Some(("10.0.0.3:17474", well())), true),
            ("at another one", Some(("10.0.0.4:17474", well())), false),
            ("not at all", Some(("10.0.0.3:17474", elsewhere)), false),
            ("nobody tells of it", None, false),
        ] {
            let mut bed = Bed::new(&[]);
            let key = bed.hear(3, "10.0.0.3:17474");
            bed.tell(&told.map(|(addr, seen)| (3, addr, seen)).into_iter().collect::<Vec<_>>());
            bed.vouch();
            let asked = bed.peers.get(key).unwrap().probes.deadline().is_some();
            assert_eq!(asked, measured, "{what}");
            bed.tell(&[]);
            bed.vouch();
            assert!(!bed.peers.get(key).unwrap().is_measured(), "{what}: nobody reaches it any longer");
        }
    }

    #[test]
    fn a_liar_makes_a_few_rows_only_and_they_go_when_nobody_tells_of_them() {
        let addrs: Vec<String> = (0..99).map(|nth| format!("10.0.1.{nth}:17474")).collect();
        let lies: Vec<_> = addrs.iter().zip(3..).map(|(addr, id)| (id, addr.as_str(), well())).collect();
        let mut bed = Bed::new(&lies);
        assert_eq!(bed.asked_within(secs(200)).len(), MAX_TOLD);
        bed.tell(&[]);
        bed.asked_within(secs(20));
        assert_eq!(bed.peers.len(), 1, "the teller is left");
    }
}
