//! When what is due next: one time for each thing that the node does, and a queue of the peers that want to be woken.
//!
//! A peer has one entry, which moves when its deadline does. A stale one would wake it for nothing, and of many peers the one that
//! is woken is in no cache: that costs more than what is done then.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::limits::{BACKLOG_READ_WITHIN, LATE_ECHO, LATE_TIMER, LATE_TIMES, LATE_WITHIN, SLOW_LASTS, STALL};
use super::moment::Moment;
use super::peers::PeerKey;
use super::peers::peer::Rearm;

/// What the node does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The next announcement to everybody is due.
    Announce,
    /// One of the goodbyes is due.
    Goodbye,
    /// The dial rate allows the next queued dial.
    Dial,
    /// The diagnosis is due.
    Diagnose,
    /// Rejections that were counted are due to be told.
    TellRejected,
    /// A host name that had no address is to be looked up again.
    Resolve,
    /// A node that only rows tell of may be asked.
    AskTold,
    /// Everybody is to be told what is new in our row.
    TellNews,
    /// It is to be looked whether the trouble with peers is over.
    Look,
    /// An attempt had no answer for long.
    LateDial,
    /// Those that are watched are to be asked for an echo; or that of a suspect is not there in time, or no answer to a dial of it.
    Watch,
    /// A visitor is to be answered or dialed, or has left without a word; or visits are to be told.
    Visit,
    /// Rows that were passed on are to be checked.
    CheckRows,
    /// Something of the membership of several broadcast domains is due.
    Membership,
}

impl Timer {
    const ALL: [Self; 14] = [
        Self::Announce,
        Self::Goodbye,
        Self::Dial,
        Self::Diagnose,
        Self::TellRejected,
        Self::Resolve,
        Self::AskTold,
        Self::TellNews,
        Self::Look,
        Self::LateDial,
        Self::Watch,
        Self::Visit,
        Self::CheckRows,
        Self::Membership,
    ];
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: [Option<Instant>; Timer::ALL.len()],
    peers: BTreeSet<(Moment, PeerKey)>,
}

impl Timers {
    /// Sets the time of one thing; none when it is not due at all.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        self.at[timer as usize] = at;
    }

    /// Whether one thing is due.
    pub(crate) fn is_due(&self, timer: Timer, now: Instant) -> bool {
        self.at[timer as usize].is_some_and(|at| at <= now)
    }

    /// Nothing is due any longer.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves the entry of a peer.
    pub(crate) fn rearm(&mut self, peer: PeerKey, Rearm { from, to }: Rearm) {
        if let Some(from) = from {
            self.peers.remove(&(from, peer));
        }
        if let Some(to) = to {
            self.peers.insert((to, peer));
        }
    }

    /// Takes the next entry of a peer that is due.
    pub(crate) fn next_peer(&mut self, now: Instant) -> Option<PeerKey> {
        let (at, _) = *self.peers.first()?;
        if at > now.into() {
            return None;
        }
        self.peers.pop_first().map(|(_, peer)| peer)
    }

    /// When anything is due next. Peers may wait `slack` longer.
    pub(crate) fn next_timeout(&self, slack: Duration) -> Option<Instant> {
        let peer = self.peers.first().map(|(at, _)| Instant::from(*at) + slack);
        self.at.iter().copied().chain([peer]).flatten().min()
    }

    /// Panics unless these peers have an entry at these times, and no others have one.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, armed: impl Iterator<Item = (PeerKey, Moment)>) {
        let armed: BTreeSet<_> = armed.map(|(peer, at)| (at, peer)).collect();
        assert_eq!(self.peers, armed, "each peer has one entry, at its deadline");
    }
}

/// What a time at which something was due says of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Wakefulness {
    /// It runs, perhaps a little late.
    Awake,
    /// The process or its machine stood still.
    StoodStill,
}

/// Whether this node did in time what was due: one that is short of time itself does not tell how late others are.
#[derive(Debug, Default)]
pub(super) struct Punctuality {
    /// Since when this process has run without standing still.
    awake_since: Option<Instant>,
    /// When it last did anything, and when it did before it stood still.
    ran: Option<Instant>,
    ran_before: Option<Instant>,
    /// When it was last late.
    late: Option<Instant>,
    /// When it was so late that answers of this node are, the last time last; the first entries are those before there were so many.
    hesitated: [Option<Instant>; LATE_TIMES],
    /// How late it was at most, since it hesitates so often.
    longest: Duration,
}

impl Punctuality {
    /// Something is done now, and this is when something was due.
    pub(super) fn note(&mut self, due: Option<Instant>, now: Instant) -> Wakefulness {
        let late = due.map_or(Duration::ZERO, |due| now.saturating_duration_since(due));
        if late > LATE_TIMER {
            self.late = Some(now);
        }
        if late > LATE_ECHO {
            if self.hesitated[LATE_TIMES - 1].is_none_or(|at| now.saturating_duration_since(at) > SLOW_LASTS)
            {
                self.longest = Duration::ZERO;
            }
            self.longest = self.longest.max(late);
            self.hesitated.rotate_left(1);
            self.hesitated[LATE_TIMES - 1] = Some(now);
        }
        let ran_before = self.ran.replace(now);
        if late <= STALL {
            let reads = |since| now.saturating_duration_since(since) < BACKLOG_READ_WITHIN;
            self.ran_before = self.ran_before.filter(|_| self.awake_since.is_some_and(reads));
            return Wakefulness::Awake;
        }
        self.ran_before = ran_before;
        Wakefulness::StoodStill
    }

    /// It stood still until now.
    pub(super) fn wake_up(&mut self, now: Instant) {
        (self.awake_since, self.late) = (Some(now), Some(now));
    }

    /// Since when it has run without standing still; none if it never did.
    pub(super) fn awake_since(&self) -> Option<Instant> {
        self.awake_since
    }

    /// When it last ran before it stood still, if it has run again for so short a time only that what it reads may be from then, and was
    /// not `asked` for since.
    pub(super) fn reads_what_came_since(&self, asked: Option<Instant>, now: Instant) -> Option<Instant> {
        let awake_since = self.awake_since?;
        let reads = now.saturating_duration_since(awake_since) < BACKLOG_READ_WITHIN;
        self.ran_before.filter(|_| reads && asked.is_none_or(|asked| asked < awake_since))
    }

    /// How late this node does what is due, if it often is.
    pub(super) fn hesitation(&self, now: Instant) -> Option<Duration> {
        let (first, last) = (self.hesitated[0]?, self.hesitated[LATE_TIMES - 1]?);
        let often = last.saturating_duration_since(first) <= LATE_WITHIN;
        (often && now.saturating_duration_since(last) <= SLOW_LASTS).then_some(self.longest)
    }

    /// When something was last done late.
    pub(super) fn last_late(&self) -> Option<Instant> {
        self.late
    }

    /// Whether all was done in time since then.
    pub(super) fn is_in_time_since(&self, then: Instant) -> bool {
        self.late.is_none_or(|late| late < then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    #[test]
    fn a_peer_that_waits_for_nothing_any_longer_is_not_woken() {
        let (mut timers, key, at) = (Timers::default(), PeerKey::default(), Some(t0().into()));
        timers.rearm(key, Rearm { from: None, to: at });
        timers.rearm(key, Rearm { from: at, to: None });
        assert_eq!(timers.next_peer(t0()), None);
    }

    #[test]
    fn every_timer_has_a_place_of_its_own() {
        for (nth, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, nth);
        }
    }

    #[test]
    fn the_earliest_time_counts_and_peers_may_wait_a_little_longer() {
        let t0 = t0();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut timers = Timers::default();
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
        timers.set(Timer::Announce, Some(at(50)));
        let key = PeerKey::default();
        timers.rearm(key, Rearm { from: None, to: Some(at(20).into()) });
        timers.rearm(key, Rearm { from: Some(at(20).into()), to: Some(at(30).into()) });
        assert_eq!(timers.next_timeout(Duration::ZERO), Some(at(30)));
        assert_eq!(timers.next_timeout(Duration::from_millis(25)), Some(at(50)));
        assert_eq!(timers.next_peer(at(29)), None);
        assert_eq!(timers.next_peer(at(30)), Some(key));
        assert_eq!(timers.next_peer(at(99)), None, "each entry comes once");
        assert!(timers.is_due(Timer::Announce, at(50)) && !timers.is_due(Timer::Announce, at(49)));
        timers.set(Timer::Announce, None);
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
    }

    #[test]
    fn what_is_read_just_after_a_standstill_may_have_come_during_it_unless_it_was_asked_for_since() {
        let (mut punctuality, now) = (Punctuality::default(), t0());
        let _ = punctuality.note(None, now);
        let woke = now + secs(60);
        assert_eq!(punctuality.note(Some(now + secs(2)), woke), Wakefulness::StoodStill);
        punctuality.wake_up(woke);
        let _ = punctuality.note(None, woke + ms(1));
        let last = woke + BACKLOG_READ_WITHIN;
        for (asked, at, since) in [
            (None, woke + ms(1), Some(now)),
            (Some(now + secs(1)), woke + ms(1), Some(now)),
            (Some(woke), woke + ms(1), None),
            (None, last, None),
        ] {
            assert_eq!(punctuality.reads_what_came_since(asked, at), since);
        }
        let _ = punctuality.note(None, last);
        punctuality.wake_up(last);
        assert_eq!(punctuality.reads_what_came_since(None, last), None, "that was another standstill");
    }

    #[test]
    fn whoever_was_late_itself_does_not_know_who_else_was_and_hesitates_if_it_often_is() {
        let (mut punctuality, now) = (Punctuality::default(), t0());
        let due_before = |late: Duration, at: Duration| ((now + at).checked_sub(late), now + at);
        for (late, at, pace) in [
            (LATE_TIMER, secs(10), Wakefulness::Awake),
            (LATE_ECHO + ms(1), secs(20), Wakefulness::Awake),
            (STALL + ms(1), secs(30), Wakefulness::StoodStill),
        ] {
            let (due, now) = due_before(late, at);
            assert_eq!(punctuality.note(due, now), pace);
        }
        assert_eq!(punctuality.note(None, now + secs(31)), Wakefulness::Awake, "nothing was due");
        assert_eq!(punctuality.reads_what_came_since(None, now + secs(31)), None, "nobody woke it up");
        assert!(punctuality.is_in_time_since(now + secs(30) + ms(1)));
        assert!(!punctuality.is_in_time_since(now + secs(30)));
        assert_eq!(punctuality.hesitation(now + secs(31)), None, "twice is not often");
        let (due, third) = due_before(secs(2), secs(40));
        let _ = punctuality.note(due, third);
        assert_eq!(punctuality.hesitation(third + SLOW_LASTS), Some(secs(2)));
        assert_eq!(punctuality.hesitation(third + SLOW_LASTS + ms(1)), None);
    }
}
