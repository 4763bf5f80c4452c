//! The peer table: who is known, by identity, by address, and by what is the matter with them.
//!
//! The indexes are private and always agree with the rows. Whoever changes a peer goes through [`PeerTable::get_mut`], which
//! remembers that it was touched: the engine settles what follows, once, after each input.

mod changes;
mod choice;
mod nat;
mod next_life;
mod room;
mod unproven;
mod words;

pub(crate) use changes::Following;
pub(crate) use words::{Speaker, Voice};

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::net::SocketAddr;

use hashbrown::HashTable;
use slotmap::SlotMap;
use smallvec::SmallVec;

use crate::engine::NodeId;
use crate::engine::address::ZonedIp;
use crate::engine::hashing::Keyed;

use super::PeerKey;
use super::peer::Peer;
use unproven::Unproven;

/// All peers.
#[derive(Debug, Default)]
pub(crate) struct PeerTable {
    /// Boxed: the spare room of a growing table is then that of pointers.
    rows: SlotMap<PeerKey, Box<Row>>,
    /// Rows by their identity; as in the other index, what is looked for stands in the row alone.
    by_id: HashTable<PeerKey>,
    /// Every row, by the address at which it is dialed without the port.
    by_ip: HashTable<PeerKey>,
    hasher: Keyed,
    /// How often a row was put at an address.
    placed: u64,
    /// Every row once, in no order: to pick some at random.
    keys: Vec<PeerKey>,
    /// Those proven, gone or named since are skipped.
    unproven: Unproven,
    named: BTreeSet<PeerKey>,
    unwell: BTreeSet<PeerKey>,
    troubled: BTreeSet<PeerKey>,
    far: BTreeSet<PeerKey>,
    reachable: BTreeSet<PeerKey>,
    /// How often a peer became reachable, somebody else, or no longer reachable.
    reachable_changes: u64,
    /// What changed since the engine settled last.
    changes: Changes,
    #[cfg(any(test, feature = "testkit"))]
    steps: std::cell::Cell<u64>,
}

/// What changed since it was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Peers that were touched, each once.
    pub(crate) touched: Vec<PeerKey>,
    /// Peers that are in the table no longer.
    pub(crate) removed: Vec<Peer>,
    /// Identities that a row has now.
    pub(crate) met: SomeIds,
    /// Identities that no row has any longer, or whose node said goodbye.
    pub(crate) gone: SomeIds,
}

/// Nearly always none or one.
pub(crate) type SomeIds = SmallVec<[NodeId; 1]>;

/// In this order: what a heartbeat reads and writes lies together, for among many peers no cache holds their rows.
#[derive(Debug)]
#[repr(C)]
struct Row {
    /// The identity by which it is found.
    id: Option<NodeId>,
    /// All is well with it, as it was settled last.
    steady: bool,
    touched: bool,
    /// It stands in the queue of those that have not proved their address.
    awaits_proof: bool,
    /// It was reachable then.
    reachable: bool,
    /// Its position among [`PeerTable::keys`].
    nth: u32,
    peer: Peer,
    /// Its turn among all rows to come to an address: of those at one, the earlier ones come first.
    placed: u64,
}

impl PeerTable {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, key: PeerKey) -> Option<&Peer> {
        self.count_steps(1);
        self.rows.get(key).map(|row| &row.peer)
    }

    /// A peer that is about to change.
    pub(crate) fn get_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        let row = self.rows.get_mut(key)?;
        row.steady = false;
        if !std::mem::replace(&mut row.touched, true) {
            self.changes.touched.push(key);
        }
        Some(&mut row.peer)
    }

    /// A peer with which all was well when it was settled, and that was not touched since: to note what changes nothing.
    pub(crate) fn steady_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        self.rows.get_mut(key).filter(|row| row.steady).map(|row| &mut row.peer)
    }

    /// The row of an identity.
    pub(crate) fn by_id(&self, id: NodeId) -> Option<PeerKey> {
        let is_of = |key: &PeerKey| self.rows.get(*key).is_some_and(|row| row.id == Some(id));
        self.by_id.find(self.hasher.hash_one(id), is_of).copied()
    }

    /// Whether a node is known to be there: anybody can send in the name of one that is not.
    pub(crate) fn is_there(&self, id: NodeId) -> bool {
        let peer = self.by_id(id).and_then(|key| self.get(key));
        peer.is_some_and(|peer| peer.has_proved() || peer.was_reached())
    }

    /// The row that is dialed at an address; of several, the last one that came there.
    pub(crate) fn by_addr(&self, addr: SocketAddr) -> Option<PeerKey> {
        let dialed = |peer: &&Peer| peer.addr() == addr && addr.port() != 0;
        self.at(addr.into()).filter(dialed).last().map(Peer::key)
    }

    /// All peers at an address, in order of arrival there.
    pub(crate) fn at(&self, ip: ZonedIp) -> impl Iterator<Item = &Peer> {
        let alike = self.by_ip.iter_hash(self.hasher.hash_one(ip)).filter_map(|key| self.rows.get(*key));
        let mut rows: SmallVec<[&Row; 1]> =
            alike.filter(|row| row.peer.ip() == ip).map(Box::as_ref).collect();
        rows.sort_unstable_by_key(|row| row.placed);
        self.count_steps(rows.len());
        rows.into_iter().map(|row| &row.peer)
    }

    /// Whether a peer is at an address at which another one is, too, that may be another host: nodes of one host have ports of their
    /// own.
    pub(crate) fn shares_address(&self, key: PeerKey, ip: ZonedIp) -> bool {
        let Some(peer) = self.get(key).filter(|peer| peer.ip() == ip) else { return false };
        let port = peer.addr().port();
        self.at(ip).any(|other| {
            let meets = port == 0 || [0, port].contains(&other.addr().port());
            other.key() != key && !other.has_left() && meets
        })
    }

    /// Every peer, in order of discovery. Walks the table: for what a person asks for, and what is rare.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.count_steps(self.rows.len());
        self.rows.values().map(|row| &row.peer)
    }

    /// Every key. Walks the table, too.
    pub(crate) fn keys(&self) -> Vec<PeerKey> {
        self.count_steps(self.rows.len());
        self.rows.keys().collect()
    }

    /// Peers that a person named.
    pub(crate) fn named(&self) -> &BTreeSet<PeerKey> {
        &self.named
    }

    /// Peers with trouble, or of which anything seen is not fine.
    pub(crate) fn unwell(&self) -> &BTreeSet<PeerKey> {
        &self.unwell
    }

    /// Peers with trouble that have not left.
    pub(crate) fn troubled(&self) -> &BTreeSet<PeerKey> {
        &self.troubled
    }

    /// Peers that we have no exchange of our own with, so that others may tell us their rows.
    pub(crate) fn far(&self) -> &BTreeSet<PeerKey> {
        &self.far
    }

    /// Peers that are up at an address that they proved to be their own.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = &Peer> {
        self.reachable.iter().filter_map(|key| self.get(*key))
    }

    /// How often a peer became reachable, somebody else, or no longer reachable: as long as this is the same, they are.
    pub(crate) fn reachable_changes(&self) -> u64 {
        self.reachable_changes
    }

    /// The next peer to settle after it was touched.
    pub(crate) fn next_touched(&mut self) -> Option<PeerKey> {
        while let Some(key) = self.changes.touched.pop() {
            if let Some(row) = self.rows.get_mut(key) {
                row.touched = false;
                return Some(key);
            }
        }
        None
    }

    /// A peer that is being settled: this touches it no more.
    pub(crate) fn settle(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        self.rows.get_mut(key).map(|row| &mut row.peer)
    }

    /// The sets follow what is the matter with a peer now: the last step of settling it.
    pub(crate) fn index_condition(&mut self, key: PeerKey) {
        let Some(row) = self.rows.get_mut(key) else { return };
        row.steady = row.peer.is_steady();
        let peer = &row.peer;
        let reachable = peer.is_reachable();
        let changes = std::mem::replace(&mut row.reachable, reachable) != reachable;
        self.reachable_changes += u64::from(changes);
        if changes && reachable {
            self.reachable.insert(key);
        } else if changes {
            self.reachable.remove(&key);
        }
        let (unwell, troubled, far) = (peer.is_unwell(), peer.is_troubled(), peer.is_far());
        for (set, belongs) in
            [(&mut self.unwell, unwell), (&mut self.troubled, troubled), (&mut self.far, far)]
        {
            if belongs {
                set.insert(key);
            } else if !set.is_empty() {
                set.remove(&key);
            }
        }
    }

    /// Whether nothing has changed since it was last settled.
    pub(crate) fn is_settled(&self) -> bool {
        let Changes { touched, removed, met, gone } = &self.changes;
        touched.is_empty() && removed.is_empty() && met.is_empty() && gone.is_empty()
    }

    /// Peers that left the table, and identities that came and went, since this was last asked.
    pub(crate) fn take_changes(&mut self) -> (Vec<Peer>, SomeIds, SomeIds) {
        let Changes { removed, met, gone, .. } = &mut self.changes;
        (std::mem::take(removed), std::mem::take(met), std::mem::take(gone))
    }

    #[cfg(any(test, feature = "testkit"))]
    fn count_steps(&self, steps: usize) {
        self.steps.set(self.steps.get() + u64::try_from(steps).unwrap_or(u64::MAX));
    }

    #[cfg(not(any(test, feature = "testkit")))]
    #[expect(clippy::unused_self, reason = "steps are counted in tests only")]
    fn count_steps(&self, _steps: usize) {}

    /// How many rows were looked at, walks included.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Panics unless all indexes agree with the rows: for tests.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self) {
        for (key, row) in &self.rows {
            let peer = &row.peer;
            assert_eq!(peer.key(), key);
            assert!(peer.id().is_none_or(|id| self.by_id(id) == Some(key)), "every id is in by_id");
            assert_eq!(self.keys[row.nth as usize], key, "every row is among the keys");
            assert_eq!(self.named.contains(&key), peer.is_named(), "named peers are in their set");
            if !row.touched {
                let (unwell, troubled, far) = (peer.is_unwell(), peer.is_troubled(), peer.is_far());
                assert_eq!(self.unwell.contains(&key), unwell, "unwell peers are in their set");
                assert_eq!(self.troubled.contains(&key), troubled, "troubled peers are in their set");
                assert_eq!(self.far.contains(&key), far, "far peers are in their set");
                let reachable = self.reachable.contains(&key);
                assert_eq!(reachable, peer.is_reachable(), "reachable peers are in their set");
            }
            assert!(self.at(peer.ip()).any(|other| other.key() == key), "every row is in by_ip");
        }
        for key in &self.by_id {
            let row = &self.rows[*key];
            assert_eq!(row.peer.id(), row.id, "by_id names the row of that id");
        }
        assert_eq!(self.by_ip.len(), self.rows.len(), "each row is in by_ip once");
        assert_eq!(self.keys.len(), self.rows.len());
        assert!(self.rows.len() <= crate::engine::limits::MAX_PEERS);
        let unproven = self.iter().filter(|peer| !peer.is_proven() && !peer.was_reached()).count();
        assert!(
            unproven <= crate::engine::limits::MAX_UNPROVEN,
            "the unproven have their part of the table only"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::api::Output;
    use crate::engine::context::TestContext;
    use crate::engine::event::{Event, RejectReason};
    use crate::engine::interface::{Interface, LinkIndex};
    use crate::engine::limits::{MAX_LEFT_PER_ADDRESS, MAX_NODES_PER_ADDRESS, MAX_PEERS, MAX_UNPROVEN};
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::{LeaveReason, PeerState, Via};
    use crate::testkit::t0;
    use smallvec::smallvec;
    use std::net::{IpAddr, SocketAddr};

    const PORT: u16 = 17_474;

    fn ip(n: u16) -> IpAddr {
        let [high, low] = n.to_be_bytes();
        [10, 0, high, low].into()
    }

    /// Node `id` is heard at an address.
    fn discover(
        peers: &mut PeerTable,
        test: &mut TestContext,
        id: u16,
        addr: impl Into<SocketAddr>,
    ) -> Result<PeerKey, RejectReason> {
        let identity = Some((NodeId(u128::from(id)), Incarnation(1)));
        peers.discover(addr.into(), identity, "host", Via::Broadcast, &mut test.context())
    }

    /// Nodes with these ids, each at the address of its number.
    fn table(test: &mut TestContext, ids: std::ops::Range<u16>) -> (PeerTable, Vec<PeerKey>) {
        let mut peers = PeerTable::default();
        let keys = ids.map(|id| discover(&mut peers, test, id, (ip(id), PORT)).unwrap()).collect();
        (peers, keys)
    }

    /// A person names a host with this address.
    fn name(
        peers: &mut PeerTable,
        test: &mut TestContext,
        host: &str,
        n: u16,
    ) -> Result<PeerKey, RejectReason> {
        peers.name_peer(&host.parse().unwrap(), &[(ip(n), PORT).into()], &mut test.context())
    }

    fn prove(peers: &mut PeerTable, test: &mut TestContext, key: PeerKey) {
        let peer = peers.get_mut(key).unwrap();
        peer.prove(peer.ip(), &mut test.context());
    }

    fn settle(peers: &mut PeerTable) {
        while let Some(key) = peers.next_touched() {
            peers.index_condition(key);
        }
    }

    /// Who left, and why, since this was last asked.
    fn left(test: &mut TestContext) -> Vec<(Option<NodeId>, LeaveReason)> {
        let left =
            |event| if let Event::PeerLeft { peer, reason } = event { Some((peer.id, reason)) } else { None };
        test.events().into_iter().filter_map(left).collect()
    }

    #[test]
    fn no_more_nodes_live_at_one_address_than_a_host_may_run_and_those_that_left_do_not_count() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let mut keys = Vec::new();
        for id in 0..MAX_NODES_PER_ADDRESS {
            keys.push(discover(&mut peers, &mut test, id, (ip(7), PORT + id)).unwrap());
        }
        keys[1..].iter().for_each(|key| prove(&mut peers, &mut test, *key));
        let one_more =
            |peers: &mut PeerTable, test: &mut TestContext, id| discover(peers, test, id, (ip(7), PORT + id));
        let new = one_more(&mut peers, &mut test, 97).expect("the one that proved nothing makes room");
        assert!(peers.get(keys[0]).is_none());
        prove(&mut peers, &mut test, new);
        assert_eq!(one_more(&mut peers, &mut test, 98), Err(RejectReason::TooManyNodes));
        assert!(
            discover(&mut peers, &mut test, 99, (ip(8), PORT)).is_ok(),
            "another address has its own room"
        );
        peers.leave(keys[3], LeaveReason::Goodbye, &mut test.context());
        assert!(one_more(&mut peers, &mut test, 98).is_ok());
        let order: Vec<PeerKey> = peers.at(ip(7).into()).map(Peer::key).collect();
        assert_eq!(order[..keys.len() - 1], keys[1..], "in order of arrival");
        peers.check();
    }

    #[test]
    fn who_is_no_longer_heard_makes_room_for_another() {
        for silent in [true, false] {
            let mut test = TestContext::new(|_| {});
            let most = u16::try_from(MAX_PEERS).unwrap();
            let mut peers = PeerTable::default();
            for id in 0..most {
                let key = discover(&mut peers, &mut test, id, (ip(id + 256), PORT)).unwrap();
                prove(&mut peers, &mut test, key);
                if silent && id % 2 == 0 {
                    peers.get_mut(key).unwrap().fall_silent(&mut test.context());
                }
            }
            let found = discover(&mut peers, &mut test, most, (ip(7), PORT));
            assert_eq!((found.is_ok(), peers.len()), (silent, MAX_PEERS));
            peers.check();
        }
    }

    #[test]
    fn a_flood_of_strangers_drives_out_only_the_oldest_that_proved_nothing() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..4);
        prove(&mut peers, &mut test, keys[0]);
        name(&mut peers, &mut test, "host", 2).unwrap();
        let most = u16::try_from(MAX_UNPROVEN).unwrap();
        for id in 4..most + 4 {
            discover(&mut peers, &mut test, 1_000 + id, (ip(1_000 + id), PORT)).unwrap();
        }
        assert_eq!(keys.iter().map(|key| peers.get(*key).is_some()).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(left(&mut test), [(Some(NodeId(3)), LeaveReason::Expired)]);
        assert_eq!(peers.len(), MAX_UNPROVEN + 2);
        peers.check();
    }

    #[test]
    fn a_full_table_takes_another_only_for_one_that_proved_nothing() {
        let mut test = TestContext::new(|_| {});
        let most = u16::try_from(MAX_PEERS).unwrap();
        let mut peers = PeerTable::default();
        let mut last = PeerKey::default();
        for id in 0..most {
            last = discover(&mut peers, &mut test, id, (ip(id + 256), PORT)).unwrap();
            if id < most - 1 {
                prove(&mut peers, &mut test, last);
            }
        }
        let new = discover(&mut peers, &mut test, most, (ip(7), PORT)).unwrap();
        assert!(peers.get(last).is_none(), "the only one that proved nothing made room");
        prove(&mut peers, &mut test, new);
        let refused = discover(&mut peers, &mut test, most + 1, (ip(8), PORT));
        assert_eq!((refused, peers.len()), (Err(RejectReason::TableFull), MAX_PEERS));
        peers.check();
    }

    #[test]
    fn of_those_that_left_an_address_the_oldest_make_room_and_are_told_of_once() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let mut keys = Vec::new();
        for id in 0..=u16::try_from(MAX_LEFT_PER_ADDRESS).unwrap() {
            let key = discover(&mut peers, &mut test, id, (ip(7), PORT + id)).unwrap();
            peers.leave(key, LeaveReason::Goodbye, &mut test.context());
            peers.leave(key, LeaveReason::Goodbye, &mut test.context());
            keys.push(key);
        }
        assert_eq!(peers.len(), MAX_LEFT_PER_ADDRESS);
        assert!(peers.get(keys[0]).is_none() && peers.get(keys[1]).is_some());
        assert_eq!(left(&mut test).len(), keys.len());
        peers.expire(keys[1], &mut test.context());
        assert_eq!(left(&mut test), [], "it was told of when it left");
        peers.check();
    }

    #[test]
    fn another_identity_at_an_address_takes_the_row_of_the_one_before() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..2);
        prove(&mut peers, &mut test, keys[0]);
        let _ = peers.take_changes();
        peers.identify(keys[0], NodeId(9), Incarnation(5), "other", &mut test.context());
        assert_eq!((peers.by_id(NodeId(1)), peers.by_id(NodeId(9))), (None, Some(keys[0])));
        let (removed, met, gone) = peers.take_changes();
        assert_eq!((removed.len(), met, gone), (0, smallvec![NodeId(9)], smallvec![NodeId(1)]));
        let peer = peers.get(keys[0]).unwrap();
        assert!(peer.has_retired(NodeId(1), test.now) && !peer.is_proven());
        assert_eq!((peer.info().incarnation, peer.info().name.as_str()), (Some(Incarnation(5)), "other"));
        peers.check();
    }

    #[test]
    fn another_life_of_the_same_node_is_neither_new_nor_gone() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..2);
        let _ = peers.take_changes();
        peers.restart(keys[0], NodeId(1), Incarnation(2), "host", &mut test.context());
        let (_, met, gone) = peers.take_changes();
        assert!(met.is_empty() && gone.is_empty());
        assert!(!peers.get(keys[0]).unwrap().has_retired(NodeId(1), test.now));
        peers.check();
    }

    #[test]
    fn a_peer_that_moves_is_found_at_its_new_address_only() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..3);
        let to = SocketAddr::from((ip(5), PORT));
        peers.readdress(keys[0], to, &mut test.context());
        assert_eq!((peers.by_addr((ip(1), PORT).into()), peers.by_addr(to)), (None, Some(keys[0])));
        assert_eq!((peers.at(ip(1).into()).count(), peers.at(ip(5).into()).count()), (0, 1));
        assert_eq!(peers.by_id(NodeId(1)), Some(keys[0]));
        peers.readdress(keys[0], (ip(5), 0).into(), &mut test.context());
        assert_eq!(peers.by_addr((ip(5), 0).into()), None, "nobody is dialed at port 0");
        peers.check();
    }

    #[test]
    fn a_named_row_goes_into_that_of_the_node_it_turned_out_to_be() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..2);
        let named = name(&mut peers, &mut test, "host7", 7).unwrap();
        let again = name(&mut peers, &mut test, "host7", 7);
        assert_eq!((again, peers.len()), (Ok(named), 2), "one row for each address");
        peers.merge(named, keys[0], ip(7).into(), &mut test.context());
        assert!(peers.get(named).is_none() && peers.get(keys[0]).unwrap().is_named());
        assert_eq!(peers.named(), &BTreeSet::from([keys[0]]));
        assert_eq!(peers.by_addr((ip(7), PORT).into()), None);
        assert_eq!(left(&mut test), [(None, LeaveReason::Expired)]);
        peers.check();
    }

    #[test]
    fn a_peer_named_in_a_zone_is_dialed_by_the_link_that_has_the_name_of_the_zone_now() {
        let on_link = |index| {
            let address = Interface::ipv6("eth0", "fe80::1".parse().unwrap(), 64);
            Interface { index: Some(LinkIndex(index)), ..address }
        };
        for lives in [false, true] {
            let mut test = TestContext::new(|_| {});
            let _ = test.shared.links_mut().replace(vec![on_link(2)]);
            let (mut peers, target) = (PeerTable::default(), "fe80::7%eth0".parse().unwrap());
            let [before, after]: [SocketAddr; 2] =
                ["[fe80::7%2]:17474", "[fe80::7%3]:17474"].map(|addr| addr.parse().unwrap());
            let row = peers.name_peer(&target, &[before], &mut test.context()).unwrap();
            if lives {
                peers.get_mut(row).unwrap().set_state(PeerState::Up, &mut test.context());
            }
            assert_eq!(peers.follow_name(row, &target, &[before], &mut test.context()), Following::Stays);
            let _ = test.shared.links_mut().replace(vec![on_link(3)]);
            assert_eq!(peers.follow_name(row, &target, &[after], &mut test.context()), Following::Moved);
            assert_eq!((peers.by_addr(before), peers.by_addr(after)), (None, Some(row)), "lives: {lives}");
            assert_eq!(peers.get(row).unwrap().info().addr.to_string(), "[fe80::7%eth0]:17474");
            peers.check();
        }
    }

    #[test]
    fn hosts_share_an_address_where_their_ports_do_not_tell_them_apart() {
        for (ports, shared) in
            [([PORT, PORT], true), ([PORT, 0], true), ([0, PORT], true), ([PORT, 17_475], false)]
        {
            let mut test = TestContext::new(|_| {});
            let mut peers = PeerTable::default();
            let [one, other] = [(1, ports[0]), (2, ports[1])]
                .map(|(id, port)| discover(&mut peers, &mut test, id, (ip(7), port)).unwrap());
            for key in [one, other] {
                assert_eq!(peers.shares_address(key, ip(7).into()), shared, "{ports:?}");
                assert!(!peers.shares_address(key, ip(8).into()), "it is not there");
            }
        }
        let mut test = TestContext::new(|_| {});
        let (peers, keys) = table(&mut test, 1..3);
        assert!(!peers.shares_address(keys[0], ip(1).into()), "it is alone there");
    }

    #[test]
    fn whoever_is_dropped_is_in_no_index_and_told_of_once() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..6);
        peers.get_mut(keys[1]).unwrap().health.note_trouble(test.now);
        settle(&mut peers);
        let _ = peers.take_changes();
        for key in [keys[1], keys[1], keys[4]] {
            peers.forget(key, &mut test.context());
            peers.check();
        }
        assert_eq!((peers.len(), peers.by_id(NodeId(2)), peers.at(ip(2).into()).count()), (3, None, 0));
        assert!(peers.unwell().is_empty() && peers.troubled().is_empty() && peers.far().is_empty());
        let (removed, met, gone) = peers.take_changes();
        assert_eq!(removed.iter().map(Peer::key).collect::<Vec<_>>(), [keys[1], keys[4]]);
        assert_eq!((met, gone), (smallvec![], smallvec![NodeId(2), NodeId(5)]));
        assert_eq!(left(&mut test).len(), 2);
    }

    #[test]
    fn who_is_touched_is_settled_once_and_settling_touches_nobody() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..3);
        settle(&mut peers);
        assert_eq!(peers.next_touched(), None);
        for key in [keys[0], keys[1], keys[0]] {
            peers.get_mut(key);
        }
        peers.settle(keys[0]);
        peers.forget(keys[1], &mut test.context());
        assert_eq!(peers.next_touched(), Some(keys[0]), "the other one is gone");
        peers.settle(keys[0]);
        assert_eq!(peers.next_touched(), None);
    }

    #[test]
    fn the_sets_follow_what_is_the_matter_with_a_peer() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..3);
        let sets = |peers: &PeerTable| [peers.unwell(), peers.troubled(), peers.far()].map(BTreeSet::len);
        let mut change = |change: &dyn Fn(&mut Peer)| {
            change(peers.get_mut(keys[0]).unwrap());
            settle(&mut peers);
            peers.check();
            sets(&peers)
        };
        assert_eq!(change(&|_| {}), [0, 0, 0]);
        assert_eq!(
            change(&|peer| peer
                .set_observation(Observation { tcp: PathStatus::Failing, ..Observation::default() })),
            [1, 0, 0]
        );
        assert_eq!(change(&|peer| peer.health.note_trouble(t0())), [1, 1, 1]);
        assert_eq!(
            change(&|peer| peer
                .set_observation(Observation { served: PathStatus::Ok, ..Observation::default() })),
            [1, 1, 0]
        );
        assert_eq!(change(&|peer| peer.health.end_trouble(t0())), [0, 0, 0]);
    }

    #[test]
    fn a_newcomer_is_told_of_and_one_that_was_named_is_dialed_at_once() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let heard = discover(&mut peers, &mut test, 1, (ip(1), PORT)).unwrap();
        let named = name(&mut peers, &mut test, "host7", 7).unwrap();
        let told = test.outputs().into_iter().filter_map(|output| match output {
            Output::Publish(Event::PeerDiscovered { peer, via }) => Some((peer.key, via)),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [(heard, Via::Broadcast), (named, Via::Static)]);
        let dial = |key| peers.get(key).unwrap().dial.queued_in(true);
        assert_eq!((dial(heard), dial(named)), (None, Some(1)));
        assert!(
            peers.get(heard).unwrap().dial.deadline() > Some(test.now.into()),
            "it may prove its address first"
        );
    }
}
