//! The past of a network, as a node hands it to an app that comes late.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::engine::cause::{Cause, Detail};
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{LeaveReason, PeerInfo, PeerState, Via};

use super::epoch::Epoch;
use super::forms::PeerForm;
use super::keys::{key_of, row_of};
use super::peers::micros;
use super::read::{Reader, Unreadable, WholeLine};

/// What an app that was open all the time knows beyond a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// When the first event was.
    pub since: Instant,
    /// The peers that are known.
    pub peers: Vec<PeerPast>,
    /// The last dials, the oldest first.
    pub attempts: Vec<PastAttempt>,
    /// The notable events, the oldest first.
    pub journal: Vec<Stamped>,
}

/// The past of one peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerPast {
    /// Who.
    pub peer: Arc<PeerInfo>,
    /// Since when it is in its state.
    pub since: Instant,
    /// Why its last dial failed, and what failed exactly; none after a success.
    pub failed: Option<(Cause, Arc<Detail>)>,
    /// Its last attempts, the oldest first.
    pub attempts: Vec<Attempted>,
    /// From when on it was in which state, the worst in that step of time and that at its end.
    pub states: Vec<(Instant, PeerState, PeerState)>,
}

/// An attempt to dial a peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PastAttempt {
    /// The peer as it was then.
    pub peer: Arc<PeerInfo>,
    /// When it began, for people: a millisecond is told apart.
    pub wall: SystemTime,
    /// From 1.
    pub attempt: u16,
    /// Of at most; 0 when the event that tells was missed.
    pub max: u16,
    /// By hand.
    pub forced: bool,
    /// How it went.
    pub outcome: PastOutcome,
}

/// How a dial went.
#[derive(Debug, Clone, PartialEq)]
pub enum PastOutcome {
    /// Not ended yet.
    InFlight {
        /// When it began.
        since: Instant,
    },
    /// It got its reply.
    Answered {
        /// Time to connect.
        connect: Duration,
        /// Round trip.
        rtt: Duration,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
        /// What failed exactly.
        detail: Arc<Detail>,
        /// From when until when the next attempt waits; none if none follows or it has begun.
        retry: Option<(Instant, Instant)>,
    },
    /// Nothing was told of its end.
    Abandoned,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attempted {
    /// A reply came, after so many microseconds.
    Answered(u32),
    /// None did.
    Failed(Cause),
}

/// A past as a line. Thousands of attempts and of notable events are read in it four times as fast as in whole lines of their own.
#[derive(Debug, Serialize, Deserialize)]
struct Head<P, E> {
    /// When it is written.
    now: i64,
    since: i64,
    peers: Vec<PeerHead<P>>,
    /// Those whom attempts and events are about, each as it was then.
    told: Vec<ToldHead<P>>,
    attempts: Vec<AttemptHead>,
    journal: Vec<EntryHead<E>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ToldHead<P> {
    peer: P,
    row: u64,
}

/// A notable event: the most frequent ones in short, others as whole lines.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryHead<E> {
    Discovered(Moment, Via),
    State(Moment, PeerState, PeerState),
    Left(Moment, LeaveReason),
    GaveUp(Moment, u32, Cause),
    Event(E),
}

/// The position of a peer among those who are told of, when it was, and milliseconds since 1970.
type Moment = (usize, i64, u64);

/// An attempt: how it went is told by what is there.
#[derive(Debug, Serialize, Deserialize)]
struct AttemptHead {
    /// The position of its peer among those who are told of.
    of: usize,
    /// Milliseconds since 1970.
    ts: u64,
    attempt: u16,
    max: u16,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    /// To connect, and the round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered_us: Option<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<(Cause, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<(i64, i64)>,
}

impl AttemptHead {
    fn of(past: &PastAttempt, of: usize, epoch: Epoch) -> Self {
        let PastAttempt { peer: _, wall, attempt, max, forced, outcome } = past;
        let (ts, attempt, max, forced) = (millis(*wall), *attempt, *max, *forced);
        let abandoned =
            Self { of, ts, attempt, max, forced, since: None, answered_us: None, failed: None, retry: None };
        match outcome {
            PastOutcome::InFlight { since } => Self { since: Some(epoch.number(*since)), ..abandoned },
            PastOutcome::Answered { connect, rtt } => {
                Self { answered_us: Some((micros(*connect), micros(*rtt))), ..abandoned }
            }
            PastOutcome::Failed { cause, detail, retry } => Self {
                failed: Some((*cause, detail.to_string())),
                retry: retry.map(|(from, until)| (epoch.number(from), epoch.number(until))),
                ..abandoned
            },
            PastOutcome::Abandoned => abandoned,
        }
    }

    fn attempt(self, told: &[Arc<PeerInfo>], epoch: Epoch) -> Result<PastAttempt, Unreadable> {
        let Self { of, ts, attempt, max, forced, since, answered_us, failed, retry } = self;
        let (peer, wall) = (peer_at(told, of)?, wall(ts)?);
        let retry = retry.map(|(from, until)| (epoch.instant(from), epoch.instant(until)));
        let outcome = match (since, answered_us, failed) {
            (Some(since), ..) => PastOutcome::InFlight { since: epoch.instant(since) },
            (_, Some((connect, rtt)), _) => PastOutcome::Answered {
                connect: Duration::from_micros(connect),
                rtt: Duration::from_micros(rtt),
            },
            (.., Some((cause, detail))) => {
                PastOutcome::Failed { cause, detail: Detail::system(detail), retry }
            }
            (None, None, None) => PastOutcome::Abandoned,
        };
        Ok(PastAttempt { peer, wall, attempt, max, forced, outcome })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct PeerHead<P> {
    peer: P,
    row: u64,
    since: i64,
    failed: Option<(Cause, String)>,
    attempts: Vec<Attempted>,
    states: Vec<(i64, PeerState, PeerState)>,
}

#[derive(Serialize, Deserialize)]
struct PastLine<P, E> {
    past: Head<P, E>,
}

/// Those who are told of, each of them once as long as nothing of it has changed.
#[derive(Default)]
struct Told {
    positions: HashMap<*const PeerInfo, usize>,
    peers: Vec<ToldHead<Arc<PeerInfo>>>,
}

impl Told {
    fn position(&mut self, peer: &Arc<PeerInfo>) -> usize {
        *self.positions.entry(Arc::as_ptr(peer)).or_insert_with(|| {
            self.peers.push(ToldHead { peer: Arc::clone(peer), row: row_of(peer.key) });
            self.peers.len() - 1
        })
    }
}

impl Past {
    /// Its line; times are counted from this epoch. The events for which there is no short form are in it as `whole` makes them.
    pub(super) fn line<E: Serialize>(
        &self,
        epoch: Epoch,
        now: Instant,
        whole: impl Fn(&Stamped) -> E,
    ) -> impl Serialize {
        let number = |at: Instant| epoch.number(at);
        let peer = |past: &PeerPast| PeerHead {
            peer: Arc::clone(&past.peer),
            row: row_of(past.peer.key),
            since: number(past.since),
            failed: past.failed.as_ref().map(|(cause, detail)| (*cause, detail.to_string())),
            attempts: past.attempts.clone(),
            states: past.states.iter().map(|(at, worst, last)| (number(*at), *worst, *last)).collect(),
        };
        let mut told = Told::default();
        let peers = self.peers.iter().map(peer).collect();
        let attempts = self
            .attempts
            .iter()
            .map(|past| AttemptHead::of(past, told.position(&past.peer), epoch))
            .collect();
        let journal = self.journal.iter().map(|stamped| entry(stamped, &mut told, epoch, &whole)).collect();
        let (now, since) = (number(now), number(self.since));
        PastLine { past: Head { now, since, peers, told: told.peers, attempts, journal } }
    }

    /// What a line says that was written `now`. It begins what the reader reads.
    ///
    /// # Errors
    /// [`Unreadable`], if it is none.
    pub fn read(reader: &mut Reader, line: &[u8], now: Instant) -> Result<Self, Unreadable> {
        let line = serde_json::from_slice::<PastLine<PeerForm, WholeLine>>(line).map_err(Unreadable::of)?;
        let Head { now: written, since, peers, told, attempts, journal } = line.past;
        let epoch = reader.begin(Epoch::of(written, now));
        let peer = |head: PeerHead<PeerForm>| {
            Ok(PeerPast {
                peer: reader.peer(head.peer, Some(key_of(head.row)))?,
                since: epoch.instant(head.since),
                failed: head.failed.map(|(cause, detail)| (cause, Detail::system(detail))),
                attempts: head.attempts,
                states: head
                    .states
                    .into_iter()
                    .map(|(at, worst, last)| (epoch.instant(at), worst, last))
                    .collect(),
            })
        };
        let peers = peers.into_iter().map(peer).collect::<Result<_, _>>()?;
        let told = told.into_iter().map(|head| reader.peer(head.peer, Some(key_of(head.row))));
        let told = told.collect::<Result<Vec<_>, _>>()?;
        let attempts = attempts.into_iter().map(|head| head.attempt(&told, epoch));
        let attempts = attempts.collect::<Result<_, _>>()?;
        let mut read = Vec::with_capacity(journal.len());
        for head in journal {
            read.extend(event(head, &told, epoch, reader)?);
        }
        Ok(Self { since: epoch.instant(since), peers, attempts, journal: read })
    }
}

/// A notable event as it is written.
fn entry<E>(stamped: &Stamped, told: &mut Told, epoch: Epoch, whole: impl Fn(&Stamped) -> E) -> EntryHead<E> {
    let Stamped { at, wall, event } = stamped;
    let mut moment = |peer| (told.position(peer), epoch.number(*at), millis(*wall));
    match event {
        Event::PeerDiscovered { peer, via } => EntryHead::Discovered(moment(peer), *via),
        Event::PeerState { peer, from, to } => EntryHead::State(moment(peer), *from, *to),
        Event::PeerLeft { peer, reason } => EntryHead::Left(moment(peer), *reason),
        Event::DialGaveUp { peer, addr, attempts, cause } if *addr == peer.addr => {
            EntryHead::GaveUp(moment(peer), *attempts, *cause)
        }
        _ => EntryHead::Event(whole(stamped)),
    }
}

/// The event of an entry; none of one that only a later version knows.
fn event(
    head: EntryHead<WholeLine>,
    told: &[Arc<PeerInfo>],
    epoch: Epoch,
    reader: &mut Reader,
) -> Result<Option<Stamped>, Unreadable> {
    let (EntryHead::Discovered((of, at, ts), _)
    | EntryHead::State((of, at, ts), ..)
    | EntryHead::Left((of, at, ts), _)
    | EntryHead::GaveUp((of, at, ts), ..)) = head
    else {
        let EntryHead::Event(line) = head else { return Ok(None) };
        return reader.whole(line, epoch);
    };
    let peer = peer_at(told, of)?;
    let event = match head {
        EntryHead::Discovered(_, via) => Event::PeerDiscovered { peer, via },
        EntryHead::State(_, from, to) => Event::PeerState { peer, from, to },
        EntryHead::Left(_, reason) => Event::PeerLeft { peer, reason },
        EntryHead::GaveUp(_, attempts, cause) => Event::DialGaveUp { addr: peer.addr, peer, attempts, cause },
        EntryHead::Event(_) => return Ok(None),
    };
    Ok(Some(Stamped { at: epoch.instant(at), wall: wall(ts)?, event }))
}

fn peer_at(told: &[Arc<PeerInfo>], of: usize) -> Result<Arc<PeerInfo>, Unreadable> {
    told.get(of).cloned().ok_or_else(|| Unreadable::new("it is about nobody that is told of"))
}

/// Milliseconds since 1970.
fn millis(wall: SystemTime) -> u64 {
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn wall(ts: u64) -> Result<SystemTime, Unreadable> {
    let wall = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ts));
    wall.ok_or_else(|| Unreadable::new("that is no time"))
}
