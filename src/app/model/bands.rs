//! What states a peer was in during the last day, the finer the younger: what the timeline draws.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::peers::PeerState;

/// The finest step of the timeline: a cell of its last minute.
pub const STEP: Duration = Duration::from_secs(1);

/// Until which age, in steps, so many steps are remembered one by one: a second for five minutes, a quarter of a minute for an hour, three
/// minutes for six hours, and a quarter of an hour for the day. Each is a whole number of the one before. An entry is kept only where
/// the state changed, so that this bounds a peer that flaps all the time to about 700 entries of 8 bytes; one that is stable has one or two.
const GRAINS: [(u32, u32); 4] = [(5 * 60, 1), (60 * 60, 15), (6 * 60 * 60, 180), (DAY, COARSEST)];

/// Steps that are remembered as one when they are a day old: a day of them is as wide as a terminal.
const COARSEST: u32 = 900;

/// Steps that are remembered at all: a day.
pub const DAY: u32 = 24 * 60 * 60;

/// How many steps are remembered as one of those around a step, when it is this step now.
fn grain(step: u32, now: u32) -> u32 {
    let finer = GRAINS.array_windows().find(|[(age, _), (_, coarser)]| {
        // What is coarser is so in whole.
        step >= (now + 1).saturating_sub(*age) / coarser * coarser
    });
    finer.map_or(COARSEST, |[(_, steps), _]| *steps)
}

/// How bad a state is to see in a column, from the least: that of a column is the worst seen in it.
///
/// One that left said so. One that is up needs no eye; one that is new is about to tell. Then trouble as it grows on the
/// reader: a retry may still cure it; one that is silent may merely be switched off; one that speaks and cannot be
/// reached is a fault of the network, what this program is there to show.
pub fn badness(state: PeerState) -> u8 {
    match state {
        PeerState::Left => 0,
        PeerState::Up => 1,
        PeerState::New => 2,
        PeerState::Retrying => 3,
        PeerState::Silent => 4,
        PeerState::Unreachable => 5,
    }
}

/// A step in which the state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BandEntry {
    /// From the first event on.
    step: u32,
    /// The worst state seen in it, the one that it began with included.
    worst: PeerState,
    /// The state at its end, and until the next entry.
    last: PeerState,
}

/// The states of one peer in the last day.
#[derive(Debug, Clone, Default)]
pub struct Bands(
    /// By step. Two stand in the row itself: most peers need no more.
    SmallVec<[BandEntry; 2]>,
);

impl Bands {
    /// It is in this state in this step. Steps never run backwards.
    pub(super) fn note(&mut self, state: PeerState, step: u32) {
        let fresh = BandEntry { step, worst: state, last: state };
        match self.0.last_mut() {
            Some(entry) if entry.last == state => return,
            Some(entry) if entry.step >= step => {
                entry.worst = worse(entry.worst, state);
                entry.last = state;
                return;
            }
            Some(entry) => {
                let worst = worse(entry.last, state);
                self.0.push(BandEntry { worst, ..fresh });
            }
            None => self.0.push(fresh),
        }
        self.coarsen(step);
        self.forget_before((step + 1).saturating_sub(DAY));
    }

    /// The worst state of each column, from the left; none where the peer was not known yet, or no longer
    /// remembered. Costs the columns and the entries in them, and allocates nothing.
    pub fn worst<'a>(&'a self, columns: &Columns) -> impl Iterator<Item = Option<PeerState>> + 'a {
        let mut begin = 0;
        columns.steps().map(move |steps| {
            let (first, last) = steps?;
            // No column begins before the one on its left, but where they are finer than what is remembered, with it.
            while self.0.get(begin).is_some_and(|entry| entry.step < first) {
                begin += 1;
            }
            let seen = self.0[begin..].iter().take_while(|entry| entry.step <= last);
            let before = || begin.checked_sub(1).map(|before| self.0[before].last);
            // The first entry of a column counts the state that it began with.
            seen.map(|entry| entry.worst).reduce(worse).or_else(before)
        })
    }

    /// From when on it was in which state: the worst of that step, and that at its end. The steps are counted from `origin`.
    pub(super) fn states(&self, origin: Instant) -> impl Iterator<Item = (Instant, PeerState, PeerState)> {
        self.0.iter().map(move |entry| {
            let at = origin.checked_add(STEP * entry.step).unwrap_or(origin);
            (at, entry.worst, entry.last)
        })
    }

    /// Those of which this is told.
    pub(super) fn remembered(states: &[(Instant, PeerState, PeerState)], origin: Instant) -> Self {
        // In a record a step may begin a microsecond early.
        const ROUNDED: Duration = Duration::from_millis(1);
        let mut clock = Clock { origin: Some(origin), latest: 0 };
        let entry = |(at, worst, last): &(Instant, PeerState, PeerState)| {
            let step = clock.step(at.checked_add(ROUNDED).unwrap_or(*at));
            BandEntry { step, worst: *worst, last: *last }
        };
        Self(states.iter().map(entry).collect())
    }

    /// Takes together what is remembered as one, when it is this step now.
    fn coarsen(&mut self, now: u32) {
        let mut kept = 0_usize;
        for nth in 0..self.0.len() {
            let BandEntry { step, worst, last } = self.0[nth];
            let begin = step - step % grain(step, now);
            match kept.checked_sub(1).map(|before| &mut self.0[before]) {
                Some(before) if before.step == begin => {
                    *before = BandEntry { step: begin, worst: worse(before.worst, worst), last };
                }
                _ => {
                    self.0[kept] = BandEntry { step: begin, worst, last };
                    kept += 1;
                }
            }
        }
        self.0.truncate(kept);
    }

    /// Drops what is older than a step, but for the entry that says how that step began.
    fn forget_before(&mut self, oldest: u32) {
        let later = self.0.partition_point(|entry| entry.step <= oldest);
        self.0.drain(..later.saturating_sub(1));
    }
}

fn worse(a: PeerState, b: PeerState) -> PeerState {
    if badness(b) > badness(a) { b } else { a }
}

/// Counts the steps from the first event on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    origin: Option<Instant>,
    /// The latest of them: what is older is remembered the more coarsely.
    latest: u32,
}

impl Clock {
    /// The step of an event's time; the first event starts the count.
    pub(super) fn step(&mut self, at: Instant) -> u32 {
        let origin = *self.origin.get_or_insert(at);
        let steps = at.saturating_duration_since(origin).as_secs() / STEP.as_secs();
        let step = u32::try_from(steps).unwrap_or(u32::MAX - 1);
        self.latest = self.latest.max(step);
        step
    }

    /// The time until `end`, in columns. It may begin before any [`Instant`] that the system can tell.
    pub(super) fn columns(self, end: Instant, width: Duration, count: u32) -> Columns {
        let to = since(self.origin.unwrap_or(end), end);
        let span = i64::try_from(width.saturating_mul(count).as_millis()).unwrap_or(i64::MAX);
        Columns { from: to.saturating_sub(span), to, count, now: self.latest }
    }

    /// The end of the column of this width that an instant falls into, counted from the first event.
    pub(super) fn end_of_column(self, at: Instant, width: Duration) -> Instant {
        let Some(origin) = self.origin else { return at };
        let width = width.max(Duration::from_millis(1));
        let passed = at.saturating_duration_since(origin).as_millis();
        let ends = (passed / width.as_millis() + 1) * width.as_millis();
        origin + Duration::from_millis(u64::try_from(ends).unwrap_or(u64::MAX))
    }
}

/// Milliseconds from one instant to another, negative when it is earlier.
fn since(origin: Instant, at: Instant) -> i64 {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match at.checked_duration_since(origin) {
        Some(later) => millis(later),
        None => -millis(origin.saturating_duration_since(at)),
    }
}

/// A window of time cut into columns of equal width: made once a frame, asked for each peer.
///
/// A column counts the whole of each step that it touches, and of all those that are remembered as one with it: a state of less than
/// [`STEP`] is never lost between two. A window that slides with the clock therefore flickers where columns and steps do not fall together;
/// one that ends at [`Model::end_of_column`](super::Model::end_of_column), with columns of whole steps, does not.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Milliseconds since the first event.
    from: i64,
    to: i64,
    count: u32,
    /// The step of now.
    now: u32,
}

impl Columns {
    /// How much of the time is told by one state where it is told most coarsely, whatever a column's width.
    pub fn grain(self) -> Duration {
        let first = self.steps().flatten().next();
        STEP * first.map_or(1, |(first, _)| grain(first, self.now))
    }

    /// First and last step of each column; none for one that ends before the first event.
    fn steps(self) -> impl Iterator<Item = Option<(u32, u32)>> {
        const STEP_MS: i128 = STEP.as_millis().cast_signed();
        let span = i128::from(self.to) - i128::from(self.from);
        let edge = move |i: u32| i128::from(self.from) + span * i128::from(i) / i128::from(self.count.max(1));
        let step = |ms: i128| u32::try_from(ms.div_euclid(STEP_MS)).ok();
        (0..self.count).map(move |i| {
            let (begin, end) = (edge(i), edge(i + 1));
            // Its end belongs to the next column.
            let last = step((end - 1).max(begin))?;
            let first = step(begin).unwrap_or(0);
            let begin_of = |step: u32| step - step % grain(step, self.now);
            Some((begin_of(first), begin_of(last).saturating_add(grain(last, self.now) - 1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Columns of one step each, from the first step on.
    fn one_each(count: u32) -> Columns {
        Columns { from: 0, to: i64::from(count) * 1_000, count, now: 0 }
    }

    fn noted(notes: &[(PeerState, u32)]) -> Bands {
        let mut bands = Bands::default();
        for (state, step) in notes {
            bands.note(*state, *step);
        }
        bands
    }

    use PeerState::{Left, New, Retrying, Silent, Unreachable, Up};

    #[test]
    fn a_column_shows_the_worst_of_its_steps_and_nothing_before_the_peer_was_known() {
        let bands = noted(&[(New, 2), (Up, 2), (Retrying, 4), (Up, 4), (Left, 7)]);
        let seen: Vec<_> = bands.worst(&one_each(9)).collect();
        let (up, left) = (Some(Up), Some(Left));
        assert_eq!(seen, [None, None, Some(New), up, Some(Retrying), up, up, up, left]);
        let halves: Vec<_> = bands.worst(&Columns { from: 0, to: 8_000, count: 2, now: 8 }).collect();
        assert_eq!(halves, [Some(New), Some(Retrying)]);
    }

    #[test]
    fn columns_finer_than_a_step_show_the_step_that_they_are_in() {
        let bands = noted(&[(Up, 0), (Silent, 1)]);
        let columns = Columns { from: 0, to: 2_000, count: 6, now: 2 };
        let seen: Vec<_> = bands.worst(&columns).collect();
        assert_eq!(seen, [Some(Up), Some(Up), Some(Up), Some(Silent), Some(Silent), Some(Silent)]);
    }

    #[test]
    fn before_the_first_event_nothing_is_known() {
        let bands = noted(&[(Up, 0)]);
        let seen: Vec<_> = bands.worst(&Columns { from: -4_000, to: 4_000, count: 4, now: 4 }).collect();
        assert_eq!(seen, [None, None, Some(Up), Some(Up)]);
    }

    #[test]
    fn a_window_of_no_width_or_no_columns_is_harmless() {
        let bands = noted(&[(Up, 0)]);
        assert_eq!(
            bands.worst(&Columns { from: 5, to: 5, count: 2, now: 0 }).collect::<Vec<_>>(),
            [Some(Up); 2]
        );
        assert_eq!(bands.worst(&Columns { from: 5, to: 50, count: 0, now: 0 }).count(), 0);
    }

    #[test]
    fn a_peer_that_flaps_for_days_is_held_for_one_and_a_stable_one_in_its_row() {
        let mut bands = Bands::default();
        let mut most = 0;
        for step in 0..100_000 {
            bands.note(Up, step);
            bands.note(Unreachable, step);
            most = most.max(bands.0.len());
        }
        assert!(most > 600 && most <= 730, "{most}");
        assert_eq!(size_of::<BandEntry>(), 8);
        let mut stable = noted(&[(New, 0), (Up, 0), (Silent, 300), (Up, 301)]);
        assert_eq!(stable.0.len(), 3);
        stable.note(Silent, 100_000);
        assert_eq!(stable.0.len(), 2, "what is older than a day goes but for the state that it ended in");
        assert_eq!(stable.worst(&one_each(100_001)).last(), Some(Some(Silent)));
        assert!(!noted(&[(New, 0), (Up, 0), (Silent, 2)]).0.spilled());
    }

    #[test]
    fn the_end_of_a_column_stays_until_the_column_is_over() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let origin = Instant::now();
        let mut clock = Clock::default();
        assert_eq!(clock.step(origin), 0);
        assert_eq!(clock.step(origin + Duration::from_millis(44_900)), 44);
        let width = Duration::from_secs(30);
        for (now, end) in [(0, 30), (29, 30), (30, 60), (61, 90)] {
            let end = origin + Duration::from_secs(end);
            assert_eq!(clock.end_of_column(origin + Duration::from_secs(now), width), end);
        }
    }

    #[test]
    fn what_is_older_is_remembered_more_coarsely_and_in_whole() {
        let now = 2 * DAY;
        let grains: Vec<_> =
            [0, 290, 400, 3_590, 4_000, 21_000, 23_000, DAY - 1_000].map(|age| grain(now - age, now)).into();
        assert_eq!(grains, [1, 1, 15, 15, 180, 180, 900, 900]);
        for step in now - DAY..now {
            let (here, next) = (grain(step, now), grain(step + 1, now));
            assert!(here == next || (here > next && (step + 1) % here == 0), "{step}");
        }
    }

    fn states() -> impl Strategy<Value = Vec<(u32, PeerState)>> {
        let state = (0..PeerState::ALL.len()).prop_map(|i| PeerState::ALL[i]);
        let gap = prop_oneof![6 => 0..4_u32, 3 => 0..60_u32, 1 => 0..4_000_u32];
        proptest::collection::vec((gap, state), 0..300)
    }

    proptest! {
        #[test]
        fn columns_agree_with_a_list_of_all_that_was_seen_in_what_is_remembered_as_one(
            changes in states(), back in 0..80_000_000_i64, span in 0..90_000_000_i64, count in 0..100_u32,
        ) {
            let (mut bands, mut step) = (Bands::default(), 0);
            // All states seen in each step.
            let mut all: Vec<Vec<PeerState>> = vec![Vec::new()];
            for (gap, state) in changes {
                for _ in 0..gap {
                    let carried = all.last().and_then(|seen| seen.last().copied());
                    all.push(carried.into_iter().collect());
                }
                step += gap;
                bands.note(state, step);
                all[step as usize].push(state);
                prop_assert!(bands.0.len() <= 730);
            }
            let last = all.last().and_then(|seen| seen.last().copied());
            let to = i64::from(step) * 1_000 - back % (i64::from(step) * 1_000 + 1);
            // A day before the last change all is remembered, but for the one step that it began in.
            let oldest = (i64::from(step) - i64::from(DAY - COARSEST)).max(-1_000) * 1_000;
            let from = (to - span).max(oldest).min(to);
            let columns = Columns { from, to, count, now: step };
            let expected = columns.steps().map(|steps| {
                let (first, end) = steps?;
                let seen = (first..=end).flat_map(|s| match all.get(s as usize) {
                    Some(seen) => seen.clone(),
                    None => last.into_iter().collect(),
                });
                seen.max_by_key(|state| badness(*state))
            });
            prop_assert_eq!(bands.worst(&columns).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
