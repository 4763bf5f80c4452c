//! What the journal writes down.

use super::*;
use crate::app::model::{EntryId, MAX_ENTRIES, Model, What};

use PeerState::{New, Retrying, Silent, Unreachable, Up};

fn said(model: &Model, peer: &Arc<PeerInfo>) -> Vec<What> {
    model.journal().of_peer(peer.key).map(|(_, entry)| entry.what.clone()).collect()
}

impl Bench {
    pub(super) fn gives_up(&mut self, peer: &Arc<PeerInfo>, cause: Cause) -> &mut Self {
        let (peer, addr) = (Arc::clone(peer), peer.addr);
        self.fold(Event::DialGaveUp { peer, addr, attempts: 5, cause })
    }
}

#[test]
fn what_happens_to_a_peer_is_written_down_and_single_dials_are_not() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.started(&[("eth0", 0)]).discovered(&host).dials(&host, 1).answers(&host, 1, 840);
    bench.state(&host, New, Up).dials(&host, 1).fails(&host, 1, None);
    bench.fold(Event::PeerRestarted { peer: Arc::clone(&host), previous_incarnation: Incarnation(7) });
    bench.fold(Event::PeerMoved {
        peer: Arc::clone(&host),
        from: "10.9.9.9:1".parse().unwrap(),
        to: host.addr,
        path_only: false,
    });
    bench.state(&host, Up, PeerState::Left).left(&host, LeaveReason::Goodbye);
    let expected = [
        What::Left { reason: LeaveReason::Goodbye },
        What::Moved { from: Box::new("10.9.9.9:1".parse().unwrap()), path_only: false },
        What::Restarted { previous: Incarnation(7) },
        What::State { from: New, to: Up },
        What::Discovered { via: Via::Broadcast },
    ];
    assert_eq!(said(bench.app.models.live(), &host), expected);
    assert!(size_of::<crate::app::model::JournalEntry>() <= 64, "thousands are held");
}

#[test]
fn giving_up_is_said_again_only_for_another_cause_or_after_the_peer_was_reached() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    let told = |bench: &Bench| {
        let causes = said(bench.app.models.live(), &host).into_iter().filter_map(|what| match what {
            What::GaveUp { cause, .. } => Some(cause),
            _ => None,
        });
        causes.collect::<Vec<_>>()
    };
    bench.state(&host, Up, Retrying).gives_up(&host, Cause::Refused).state(&host, Retrying, Unreachable);
    bench.gives_up(&host, Cause::Refused).state(&host, Unreachable, Silent).gives_up(&host, Cause::Refused);
    assert_eq!(told(&bench), [Cause::Refused]);
    bench.gives_up(&host, Cause::TimedOut).gives_up(&host, Cause::TimedOut);
    assert_eq!(told(&bench), [Cause::TimedOut, Cause::Refused]);
    bench.state(&host, Silent, Up).gives_up(&host, Cause::TimedOut);
    assert_eq!(told(&bench), [Cause::TimedOut, Cause::TimedOut, Cause::Refused]);
}

#[test]
fn the_journal_of_all_is_read_back_from_an_instant() {
    let mut bench = Bench::new();
    let [a, b] = [peer(1, "a"), peer(2, "b")];
    let before = bench.now();
    bench.wait(10).discovered(&a).wait(10).discovered(&b);
    let between = bench.now();
    bench.fold(Event::Lagged { missed: 3 }).wait(10).state(&a, New, Up);
    let journal = bench.app.models.live().journal();
    assert_eq!(journal.at(before), None, "nothing was said yet");
    assert_eq!(journal.at(between), Some(EntryId(2)));
    assert_eq!(journal.at(bench.now()), journal.newest());
    let named: Vec<_> = journal.back_from(EntryId(2)).map(|(id, entry)| (id.0, entry.key())).collect();
    assert_eq!(named, [(2, None), (1, Some(b.key)), (0, Some(a.key))]);
}

#[test]
fn a_snapshot_that_tells_another_state_is_written_down_as_a_change() {
    let mut bench = Bench::new();
    let [a, b] = [peer(1, "a"), peer(2, "b")];
    bench.discovered(&a).discovered(&b).state(&b, New, Up);
    bench.fold(snapshot(vec![row(&a, Silent), row(&b, Up)]));
    assert_eq!(said(bench.app.models.live(), &a)[0], What::State { from: New, to: Silent });
    assert_eq!(said(bench.app.models.live(), &b).len(), 2);
}

#[test]
fn a_full_journal_says_until_when_it_has_forgotten() {
    let mut bench = Bench::new();
    let [a, b] = [peer(1, "a"), peer(2, "b")];
    bench.discovered(&a).wait(1).discovered(&b);
    for _ in 0..MAX_ENTRIES / 2 - 1 {
        bench.wait(1).state(&b, New, Up).state(&b, Up, New);
    }
    assert_eq!(bench.app.models.live().journal().dropped_until(), None);
    let when = bench.t0;
    bench.state(&b, New, Up);
    let journal = bench.app.models.live().journal();
    assert_eq!((journal.len(), journal.dropped_until()), (MAX_ENTRIES, Some(when)));
    assert_eq!((journal.oldest(), journal.of_peer(a.key).count()), (EntryId(1), 0));
    assert_eq!(journal.of_peer(b.key).count(), MAX_ENTRIES);
}
