//! Which peers are taken where not all are: at random, by weight, or those that all nodes agree on.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rand::RngExt;
use rand::seq::SliceRandom;
use smallvec::SmallVec;

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::limits::ABLE_TRIED;
use crate::engine::peers::PeerKey;
use crate::engine::peers::peer::Peer;
use crate::proto::rendezvous::weight;

use super::PeerTable;

impl PeerTable {
    /// Up to `most` peers other than `but` that can be asked at once, at random. In a large table it gives up after
    /// [`ABLE_TRIED`] tries.
    pub(crate) fn pick_idle(&self, most: usize, but: PeerKey, ctx: &mut Context<'_>) -> Vec<PeerKey> {
        let n = self.keys.len();
        let tried: Vec<PeerKey> = if n <= ABLE_TRIED {
            self.keys.clone()
        } else {
            let tries: BTreeSet<usize> = (0..ABLE_TRIED).map(|_| ctx.rng.random_range(0..n)).collect();
            tries.into_iter().map(|nth| self.keys[nth]).collect()
        };
        let idle = |key: &PeerKey| *key != but && self.get(*key).is_some_and(Peer::is_idle_and_well);
        let mut idle: Vec<PeerKey> = tried.into_iter().filter(idle).collect();
        idle.partial_shuffle(ctx.rng, most).0.to_vec()
    }

    /// Up to `most` peers that are apt, always the same as long as they are, and others than those of other nodes: if all nodes took the
    /// first ones, a few would have all the load.
    pub(crate) fn own_choice(
        &self,
        own: NodeId,
        most: usize,
        is_apt: impl Fn(&Peer) -> bool,
    ) -> SmallVec<[PeerKey; 4]> {
        let apt = self.iter().filter(|peer| is_apt(peer));
        let mut apt: Vec<_> =
            apt.filter_map(|peer| Some((Reverse(weight(own, peer.id()?)), peer.key()))).collect();
        if apt.len() > most {
            apt.select_nth_unstable(most);
            apt.truncate(most);
        }
        apt.into_iter().map(|(_, key)| key).collect()
    }

    /// Whether this node is among so many who are to look at a suspect: of all that are known and reached, the heaviest ones.
    pub(crate) fn is_chosen(&self, own: NodeId, suspect: &Peer, most: usize) -> bool {
        let Some(id) = suspect.id() else { return false };
        let mine = weight(id, own);
        // Of the table only those: a forger fills the rest of it.
        let others = self.reachable().filter(|peer| peer.key() != suspect.key());
        let heavier = others.filter_map(Peer::id).filter(|other| weight(id, *other) > mine);
        heavier.take(most).count() < most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::context::TestContext;
    use crate::engine::limits::SUSPECT_DIALERS;
    use crate::engine::peers::{PeerState, Via};

    fn discover(
        peers: &mut PeerTable,
        test: &mut TestContext,
        [high, low]: [u8; 2],
        identity: Option<(NodeId, Incarnation)>,
    ) -> PeerKey {
        let addr = ([10, 0, high, low], 17_474).into();
        peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap()
    }

    /// So many peers, numbered from 1.
    fn table(test: &mut TestContext, ids: std::ops::Range<u16>) -> (PeerTable, Vec<PeerKey>) {
        let mut peers = PeerTable::default();
        let identity = |id: u16| Some((NodeId(id.into()), Incarnation(1)));
        let keys = ids.map(|id| discover(&mut peers, test, id.to_be_bytes(), identity(id))).collect();
        (peers, keys)
    }

    /// Idle and well.
    fn raise(peers: &mut PeerTable, test: &mut TestContext, key: PeerKey) {
        peers.get_mut(key).unwrap().set_state(PeerState::Up, &mut test.context());
    }

    #[test]
    fn only_idle_and_well_peers_are_picked_and_never_the_one_in_question() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..7);
        keys[..5].iter().for_each(|key| raise(&mut peers, &mut test, *key));
        peers.get_mut(keys[1]).unwrap().health.note_trouble(test.now);
        peers.get_mut(keys[2]).unwrap().dial.hurry();
        let pick = |most, but, test: &mut TestContext| {
            let mut picked = peers.pick_idle(most, but, &mut test.context());
            picked.sort_unstable();
            picked
        };
        assert_eq!(pick(9, keys[0], &mut test), [keys[3], keys[4]]);
        assert_eq!(
            pick(9, keys[5], &mut test),
            [keys[0], keys[3], keys[4]],
            "one that is not up is not asked"
        );
        assert_eq!(pick(2, keys[5], &mut test).len(), 2);
        let first: BTreeSet<PeerKey> = (0..64).flat_map(|_| pick(1, keys[5], &mut test)).collect();
        assert_eq!(first.len(), 3, "each has its chance");
    }

    #[test]
    fn picking_from_a_large_table_does_not_walk_it() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1..1_001);
        for key in &keys {
            raise(&mut peers, &mut test, *key);
        }
        let before = peers.steps();
        let picked = peers.pick_idle(3, keys[0], &mut test.context());
        assert_eq!(picked.into_iter().collect::<BTreeSet<_>>().len(), 3);
        assert!(peers.steps() - before <= u64::try_from(ABLE_TRIED).unwrap());
    }

    #[test]
    fn each_node_has_its_own_choice_of_peers_and_keeps_it() {
        let mut test = TestContext::new(|_| {});
        let (peers, keys) = table(&mut test, 1..41);
        let choice = |own: u128, most| peers.own_choice(NodeId(own), most, |peer| peer.key() != keys[0]);
        let mut chosen = BTreeSet::new();
        for own in 100..140 {
            let three = choice(own, 3);
            assert_eq!((three.len(), &three), (3, &choice(own, 3)));
            assert!(!three.contains(&keys[0]), "it is not apt");
            chosen.extend(three);
        }
        assert!(chosen.len() > 30, "{} of 39 share the load", chosen.len());
        assert_eq!((choice(100, 0).len(), choice(100, 64).len()), (0, 39));
    }

    #[test]
    fn of_many_eight_dial_a_suspect_and_all_agree_who() {
        let mut test = TestContext::new(|_| {});
        let nodes: Vec<u8> = (1..40).collect();
        let chosen = nodes.iter().filter(|own| {
            let mut peers = PeerTable::default();
            let mut suspect = None;
            for id in nodes.iter().chain(&[99]).filter(|id| id != own) {
                let identity = Some((NodeId((*id).into()), Incarnation(1)));
                let key = discover(&mut peers, &mut test, [1, *id], identity);
                let peer = peers.get_mut(key).unwrap();
                peer.prove(peer.ip(), &mut test.context());
                raise(&mut peers, &mut test, key);
                suspect = Some(key);
            }
            for stranger in 0..500_u16 {
                let identity = Some((NodeId(1_000 + u128::from(stranger)), Incarnation(1)));
                let [high, low] = stranger.to_be_bytes();
                discover(&mut peers, &mut test, [2 + high, low], identity);
            }
            while let Some(key) = peers.next_touched() {
                peers.index_condition(key);
            }
            let suspect = peers.get(suspect.unwrap()).unwrap();
            let before = peers.steps();
            let is_chosen = peers.is_chosen(NodeId((**own).into()), suspect, SUSPECT_DIALERS);
            assert!(peers.steps() - before < 50, "those that were never reached are not looked at");
            is_chosen
        });
        assert_eq!(chosen.count(), SUSPECT_DIALERS);
    }
}
