//! Which rows of others are asked for, and which are passed on: those of nodes with which the one that asks has no exchange.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Bound;

use crate::engine::context::Context;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::engine::{Incarnation, NodeId};
use crate::proto::rows::{Entry, MAX_PAGES, MAX_WANTS, PageHead, RowRequest, append};

use super::page::{SMALLEST_ENTRY, entry, page, to_ms, with_ages};
use super::remote_rows::{RemoteRow, RemoteRows};

/// Bytes of the request for one row, at most.
const WANT_ROOM: usize = 36;

/// Whose row is asked for next.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    /// The peer and the unmet node that the last request asked for last: the next one asks for the next.
    last_asked: (Option<PeerKey>, Option<NodeId>),
}

impl Relay {
    /// The rows that a request to a peer asks for: its own, then those of the nodes that we have no exchange with, a part of them
    /// each time.
    pub(crate) fn wants(
        &mut self,
        to: PeerKey,
        rows: &RemoteRows,
        peers: &PeerTable,
        settled: bool,
    ) -> Vec<u8> {
        // Most ask for one row, and need no more room than that.
        let mut wants = Vec::with_capacity(WANT_ROOM);
        let mut room = MAX_WANTS;
        let mut want = |owner: NodeId, incarnation: Incarnation| {
            let version = rows.version_of(owner, incarnation);
            append(&RowRequest { owner, incarnation, version }, &mut wants);
        };
        // Of whom only others tell it is not known which life this is.
        let life = |id: NodeId| rows.of(id).map_or(Incarnation(0), RemoteRow::incarnation);
        let identity = |key: PeerKey| {
            let info = peers.get(key)?.info();
            info.id.map(|id| (id, info.incarnation.unwrap_or_else(|| life(id))))
        };
        if let Some((id, incarnation)) = identity(to) {
            want(id, incarnation);
        }
        room -= 1;
        let (mut last_peer, mut last_unmet) = (None, None);
        for key in in_turn(peers.far(), self.last_asked.0).filter(|key| *key != to).take(room) {
            if let Some((id, incarnation)) = identity(key) {
                want(id, incarnation);
                room -= 1;
                last_peer = Some(key);
            }
        }
        // At first everybody is told of nodes that it will meet in a moment.
        for id in in_turn(rows.unmet(), self.last_asked.1).take(if settled { room } else { 0 }) {
            want(id, life(id));
            last_unmet = Some(id);
        }
        self.last_asked = (last_peer, last_unmet);
        wants
    }
}

/// The wanted rows of others as they were told to us, behind `bytes`, as far as there is room.
pub(crate) fn append_wanted(
    bytes: &mut Vec<u8>,
    rows: &RemoteRows,
    wants: &[RowRequest],
    asker: NodeId,
    peers: &PeerTable,
    ctx: &Context<'_>,
) {
    for want in wants.iter().filter(|want| want.owner != ctx.config.id && want.owner != asker) {
        let Some(row) = rows.of(want.owner) else { continue };
        let same = want.incarnation == row.incarnation() && want.version == row.version();
        if !same && bytes.len() + row.observations().len() * SMALLEST_ENTRY > MAX_PAGES {
            continue;
        }
        let Some(page) = relayed(want, row, same, peers, ctx) else { continue };
        if bytes.len() + page.len() <= MAX_PAGES {
            bytes.extend_from_slice(&page);
        }
    }
}

/// The row of another as it was told to us: as a whole, or only that it still stands. None under a secret if it is not known as a whole, as
/// its owner signed it.
fn relayed(
    want: &RowRequest,
    row: &RemoteRow,
    same: bool,
    peers: &PeerTable,
    ctx: &Context<'_>,
) -> Option<Vec<u8>> {
    let proof = if ctx.config.secret.is_some() && !same { Some(row.proof_for_others()?) } else { None };
    let (mut entries, mut count) = (Vec::new(), 0);
    let mut tell = |entry: Entry<'_>| {
        append(&entry, &mut entries);
        count += 1;
    };
    match proof {
        _ if same => {}
        Some(_) => signed_entries(row).for_each(&mut tell),
        None => entries_of(row, peers, ctx).for_each(&mut tell),
    }
    // Rounded up: it may not look younger than it is.
    let age = ctx.now.saturating_duration_since(row.confirmed()).as_micros().div_ceil(1_000);
    let head = PageHead {
        owner: want.owner,
        incarnation: row.incarnation(),
        from: if same { row.version() } else { 0 },
        upto: row.version(),
        latest: row.version(),
        age_ms: u32::try_from(age).unwrap_or(u32::MAX),
        dial_interval_ms: Some(to_ms(row.dial_interval())),
        count,
        proof,
    };
    Some(page(&head, &entries))
}

/// What a row tells, as it is known here. Ages count from when the row was confirmed, as in a page of its owner.
fn entries_of<'a>(
    row: &'a RemoteRow,
    peers: &'a PeerTable,
    ctx: &Context<'a>,
) -> impl Iterator<Item = Entry<'a>> {
    let (config, own) = (ctx.config, ctx.links.own_address().at_port(ctx.config.tcp_port));
    row.observations().iter().filter_map(move |(id, observation)| {
        let peer = peers.by_id(*id).and_then(|key| peers.get(key));
        let (name, addr) = match (peer, row.second_hand().get(id)) {
            _ if *id == config.id => (config.name.as_str(), own),
            (Some(peer), _) => (peer.info().name.as_str(), peer.addr()),
            (None, Some((name, addr))) => (name.as_str(), *addr),
            (None, None) => return None,
        };
        let addr = SocketAddr::new(observation.at.unwrap_or(addr.ip()), addr.port());
        Some(entry(*id, observation, name, addr, row.confirmed()))
    })
}

/// The same as its owner signed it.
fn signed_entries(row: &RemoteRow) -> impl Iterator<Item = Entry<'_>> {
    row.told().iter().map(|told| {
        let seen = row.observations().get(&told.id);
        let at = (seen.and_then(|seen| seen.checked), seen.and_then(|seen| seen.alive));
        with_ages(told, at, row.confirmed())
    })
}

/// Each of a set once, beginning behind the one that had the last turn.
pub(super) fn in_turn<T: Ord + Copy>(of: &BTreeSet<T>, last: Option<T>) -> impl Iterator<Item = T> {
    let (after, until) = match last {
        Some(last) => (Bound::Excluded(last), Bound::Included(last)),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    let wrapped = last.is_some().then(|| of.range((Bound::Unbounded, until)));
    of.range((after, Bound::Unbounded)).chain(wrapped.into_iter().flatten()).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::observation::Observation;
    use crate::proto::rows::{pages, wants};
    use crate::testkit::ms;

    use super::super::bed::{Bed, FAILING, FINE, Told};

    /// Whose rows a request to a node asks for, and from which version on.
    fn wanted(bed: &Bed, relay: &mut Relay, to: u128, settled: bool) -> Vec<(u128, u64)> {
        let bytes = relay.wants(bed.key(to), &bed.rows, &bed.peers, settled);
        wants(&bytes).map(|want| (want.owner.0, want.version)).collect()
    }

    #[test]
    fn a_request_asks_for_the_row_of_its_reader_then_for_those_we_do_not_get_ourselves() {
        let (mut bed, mut relay) = (Bed::new(&[2, 3, 4]), Relay::default());
        bed.tell(2, 1, [0, 5, 5], &[(7, Some(FINE)), (8, Some(FINE))]);
        assert_eq!(
            wanted(&bed, &mut relay, 2, false),
            [(2, 5)],
            "at first everybody tells of those we will meet in a moment"
        );
        for id in [2, 4] {
            let key = bed.key(id);
            bed.peers.get_mut(key).unwrap().health.note_trouble(bed.test.now);
            bed.peers.index_condition(key);
        }
        assert_eq!(wanted(&bed, &mut relay, 2, true), [(2, 5), (4, 0), (7, 0), (8, 0)], "each once");
        assert_eq!(wanted(&bed, &mut relay, 3, false), [(3, 0), (2, 5), (4, 0)]);
    }

    #[test]
    fn more_rows_than_one_request_may_ask_for_have_their_turns() {
        let (mut bed, mut relay) = (Bed::new(&[2]), Relay::default());
        let told: Vec<Told> = (10..60).map(|id| (id, Some(FINE as fn() -> Observation))).collect();
        bed.tell(2, 1, [0, 1, 1], &told);
        let mut asked = Vec::new();
        for _ in 0..2 {
            let wants = wanted(&bed, &mut relay, 2, true);
            assert_eq!((wants.len(), wants[0]), (MAX_WANTS, (2, 1)));
            asked.extend(wants[1..].iter().map(|(id, _)| *id));
        }
        let expected: Vec<u128> = (10..60).chain(10..22).collect();
        assert_eq!(asked, expected);
    }

    /// What is passed on to `asker`, who wants this version of a row.
    fn passed_on(
        bed: &mut Bed,
        asker: u128,
        owner: u128,
        life: u64,
        version: u64,
    ) -> Vec<(PageHead, Vec<u128>)> {
        let want = RowRequest { owner: NodeId(owner), incarnation: Incarnation(life), version };
        let mut bytes = Vec::new();
        append_wanted(&mut bytes, &bed.rows, &[want], NodeId(asker), &bed.peers, &bed.test.context());
        let mut told: Vec<(PageHead, Vec<u128>)> =
            pages(&bytes).map(|(head, entries)| (head, entries.map(|entry| entry.id.0).collect())).collect();
        for (_, ids) in &mut told {
            ids.sort_unstable();
        }
        told
    }

    #[test]
    fn a_wanted_row_is_passed_on_whole_or_only_that_it_still_stands() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 1, [0, 5, 5], &[(1, Some(FINE)), (3, Some(FAILING)), (7, Some(FINE))]);
        bed.test.now += ms(700);
        let head = |from, count| PageHead {
            owner: NodeId(2),
            incarnation: Incarnation(1),
            from,
            upto: 5,
            latest: 5,
            age_ms: 700,
            count,
            dial_interval_ms: Some(10_000),
            proof: None,
        };
        assert_eq!(passed_on(&mut bed, 3, 2, 1, 5), [(head(5, 0), vec![])]);
        for (life, version) in [(1, 4), (1, 6), (2, 5)] {
            assert_eq!(
                passed_on(&mut bed, 3, 2, life, version),
                [(head(0, 3), vec![1, 3, 7])],
                "{life} {version}"
            );
        }
        assert_eq!(passed_on(&mut bed, 2, 2, 1, 4), [], "nobody is told its own row");
        assert_eq!(passed_on(&mut bed, 3, 1, 1, 0), [], "ours goes another way");
        assert_eq!(passed_on(&mut bed, 3, 9, 1, 0), [], "nothing is known of it");
    }

    #[test]
    fn a_row_that_is_passed_on_to_and_fro_never_gets_younger_by_that() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 1, [0, 5, 5], &[(7, Some(FINE))]);
        let confirmed = bed.rows.of(NodeId(2)).unwrap().confirmed();
        for version in [5, 0] {
            for _ in 0..200 {
                bed.test.now += Duration::from_micros(12_345);
                let want = RowRequest { owner: NodeId(2), incarnation: Incarnation(1), version };
                let (mut bytes, ctx) = (Vec::new(), bed.test.context());
                append_wanted(&mut bytes, &bed.rows, &[want], NodeId(9), &bed.peers, &ctx);
                // So long it travels.
                bed.test.now += ms(40);
                bed.take(&bytes, 3);
                assert_eq!(bed.rows.of(NodeId(2)).unwrap().confirmed(), confirmed);
            }
        }
    }

    #[test]
    fn a_row_is_not_passed_on_where_there_is_no_room_for_all_of_it() {
        let mut bed = Bed::new(&[2]);
        bed.tell(2, 1, [0, 5, 5], &[(7, Some(FINE))]);
        let want = RowRequest { owner: NodeId(2), incarnation: Incarnation(1), version: 0 };
        let mut bytes = vec![0; MAX_PAGES - 40];
        append_wanted(&mut bytes, &bed.rows, &[want], NodeId(3), &bed.peers, &bed.test.context());
        assert_eq!(bytes.len(), MAX_PAGES - 40);
    }

    #[test]
    fn everybody_in_a_set_has_its_turn() {
        let of = BTreeSet::from([1, 3, 5, 7]);
        let turn = |last| in_turn(&of, last).collect::<Vec<_>>();
        assert_eq!(turn(None), [1, 3, 5, 7]);
        assert_eq!(turn(Some(3)), [5, 7, 1, 3]);
        assert_eq!(turn(Some(4)), [5, 7, 1, 3], "also when the last one is gone");
        assert_eq!(turn(Some(7)), [1, 3, 5, 7]);
    }
}
