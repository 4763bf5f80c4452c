//! The past of a network, as a node hands it to an app that comes late.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::engine::cause::{Cause, Detail};
use crate::engine::event::Stamped;
use crate::engine::peers::{PeerInfo, PeerState};

use super::epoch::Epoch;
use super::forms::PeerForm;
use super::keys::{key_of, row_of};
use super::read::{Reader, Unreadable};

/// What an app that was open all the time knows beyond a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// When the first event was.
    pub since: Instant,
    /// The peers that are known.
    pub peers: Vec<PeerPast>,
    /// The events of the dials, the oldest first. That of a dial's end may have the time of its beginning.
    pub attempts: Vec<Stamped>,
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

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attempted {
    /// A reply came, after so many microseconds.
    Answered(u32),
    /// None did.
    Failed(Cause),
}

/// The first line of a past: what of it is no event.
#[derive(Debug, Serialize, Deserialize)]
struct Head<P> {
    /// When it is written.
    now: i64,
    since: i64,
    /// How many lines of each follow.
    attempts: usize,
    journal: usize,
    peers: Vec<PeerHead<P>>,
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
struct Line<P> {
    past: Head<P>,
}

impl Past {
    /// Its events, in the order in which they are written.
    pub fn events(&self) -> impl Iterator<Item = &Stamped> {
        self.attempts.iter().chain(&self.journal)
    }

    /// The first line, of which the others are counted from the same epoch.
    pub(super) fn head(&self, epoch: Epoch, now: Instant) -> impl Serialize {
        let number = |at: Instant| epoch.number(at);
        let peer = |past: &PeerPast| PeerHead {
            peer: Arc::clone(&past.peer),
            row: row_of(past.peer.key),
            since: number(past.since),
            failed: past.failed.as_ref().map(|(cause, detail)| (*cause, detail.to_string())),
            attempts: past.attempts.clone(),
            states: past.states.iter().map(|(at, worst, last)| (number(*at), *worst, *last)).collect(),
        };
        Line {
            past: Head {
                now: number(now),
                since: number(self.since),
                attempts: self.attempts.len(),
                journal: self.journal.len(),
                peers: self.peers.iter().map(peer).collect(),
            },
        }
    }
}

/// A past of which not all lines have been read.
#[derive(Debug)]
pub struct Unfinished {
    past: Past,
    attempts: usize,
    journal: usize,
}

impl Unfinished {
    /// Of the first line, which was written `now`. It begins what the reader reads.
    ///
    /// # Errors
    /// [`Unreadable`], if it is none.
    pub fn begin(reader: &mut Reader, line: &[u8], now: Instant) -> Result<Self, Unreadable> {
        let Line { past: head } = serde_json::from_slice::<Line<PeerForm>>(line).map_err(Unreadable::of)?;
        let epoch = reader.begin(Epoch::of(head.now, now));
        let peers = head.peers.into_iter().map(|head| {
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
        });
        let peers = peers.collect::<Result<_, _>>()?;
        let past =
            Past { since: epoch.instant(head.since), peers, attempts: Vec::new(), journal: Vec::new() };
        Ok(Self { past, attempts: head.attempts, journal: head.journal })
    }

    /// Whether no more lines belong to it.
    pub fn is_whole(&self) -> bool {
        self.attempts + self.journal == 0
    }

    /// Takes the next line in.
    ///
    /// # Errors
    /// [`Unreadable`], if it is no event.
    pub fn line(&mut self, reader: &mut Reader, line: &[u8], now: Instant) -> Result<(), Unreadable> {
        let event = reader.line(line, now)?;
        let (left, events) = if self.attempts > 0 {
            (&mut self.attempts, &mut self.past.attempts)
        } else {
            (&mut self.journal, &mut self.past.journal)
        };
        *left = left.saturating_sub(1);
        events.extend(event);
        Ok(())
    }

    /// All that was read.
    pub fn past(self) -> Past {
        self.past
    }
}
