//! One row of the table: what its peer's events have told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bands::Bands;
use super::history::History;
use super::notes::Noted;
use super::order::Rank;
use crate::engine::cause::{Cause, Detail};
use crate::engine::micros::Micros;
use crate::engine::moment::Moment;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::peers::{DialPhase, Elsewhere, PeerInfo, PeerSnapshot, PeerState, Via};
use crate::engine::verdict::Verdict;
use crate::text::Reason;

/// What we see of a peer by each path: what the screen tells of an [`Observation`], in an eighth of its room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PathSummary {
    /// TCP, echo, broadcast, unicast, served, large.
    pub status: [PathStatus; 6],
    /// Share of the latest echoes that did not come back, in percent; none before there are enough.
    pub loss: Option<u8>,
}

impl PathSummary {
    fn of(observation: &Observation) -> Self {
        Self { status: observation.paths(), loss: observation.loss }
    }
}

/// Where a dial stands. Most rest, so that the others are boxed.
#[derive(Debug, Clone)]
enum DialProgress {
    /// Between two regular dials; when the next one is due.
    Resting(Option<Instant>),
    /// Something goes on.
    Busy(Box<DialPhase>),
}

impl From<DialPhase> for DialProgress {
    fn from(phase: DialPhase) -> Self {
        match phase {
            DialPhase::Resting { next } => Self::Resting(next),
            phase => Self::Busy(Box::new(phase)),
        }
    }
}

/// One peer as the screen knows it.
#[derive(Debug, Clone)]
pub struct PeerRow {
    /// Who.
    pub info: Arc<PeerInfo>,
    /// What the node thinks of it.
    pub state: PeerState,
    since: Moment,
    /// How it entered the table; unknown when that event was missed.
    pub via: Option<Via>,
    dial: DialProgress,
    /// Connect time of the last dial that got its reply.
    pub connect: Option<Micros>,
    /// Round trip of the last dial that got its reply.
    pub rtt: Option<Micros>,
    /// The last attempts.
    pub history: History,
    /// The states of the last hour.
    pub bands: Bands,
    last_heard: Option<Moment>,
    /// Why the last dial failed; none after a success.
    pub cause: Option<Cause>,
    /// What failed exactly then.
    pub detail: Option<Arc<Detail>>,
    /// What the diagnosis says of it.
    pub verdict: Verdict,
    /// What we see of it, by each path.
    pub paths: PathSummary,
    /// The interface towards it.
    pub interface: Option<Arc<str>>,
    /// How it stands out, by the person's notes.
    pub noted: Noted,
    /// Where it stands in the list, if it is listed.
    pub(super) placed: Option<Rank>,
    /// Other addresses than that of `info`, if there is anything to tell of any.
    pub elsewhere: Option<Arc<Elsewhere>>,
}

impl PeerRow {
    /// A row of which nothing is known yet.
    pub(super) fn new(info: Arc<PeerInfo>, at: Instant) -> Self {
        Self {
            info,
            state: PeerState::New,
            since: at.into(),
            via: None,
            dial: DialProgress::Resting(None),
            connect: None,
            rtt: None,
            history: History::default(),
            bands: Bands::default(),
            last_heard: None,
            cause: None,
            detail: None,
            verdict: Verdict::Unknown,
            paths: PathSummary::default(),
            interface: None,
            noted: Noted::default(),
            placed: None,
            elsewhere: None,
        }
    }

    /// What is wrong with it, if the diagnosis says so of one that is to be reached.
    pub fn wrong(&self) -> Option<Verdict> {
        let says = !matches!(self.verdict, Verdict::Ok | Verdict::Unknown) && self.state != PeerState::Left;
        says.then_some(self.verdict)
    }

    /// Since when it is in its state.
    pub fn since(&self) -> Instant {
        self.since.into()
    }

    /// When anything was last received from it.
    pub fn last_heard(&self) -> Option<Instant> {
        self.last_heard.map(Instant::from)
    }

    /// Why it is not reached, as far as this node alone can tell.
    pub fn reason(&self) -> Option<Reason> {
        Reason::of(&self.info, self.cause)
    }

    /// Where its dial stands.
    pub fn dial(&self) -> DialPhase {
        match &self.dial {
            DialProgress::Resting(next) => DialPhase::Resting { next: *next },
            DialProgress::Busy(phase) => **phase,
        }
    }

    /// Whether it said goodbye and is not dialed any longer, as one that a person named is.
    pub(super) fn has_gone(&self) -> bool {
        self.state == PeerState::Left && matches!(self.dial, DialProgress::Resting(None))
    }

    /// It is in this state now.
    pub(super) fn enter(&mut self, state: PeerState, at: Instant) {
        if self.state != state {
            self.state = state;
            self.since = at.into();
        }
        if state == PeerState::Left {
            self.dial = DialProgress::Resting(None);
        }
    }

    /// Something came from it; what a person or another peer says of it is not from it.
    pub(super) fn heard(&mut self, at: Instant, via: Via) {
        if matches!(via, Via::Broadcast | Via::Multicast | Via::Reply) {
            self.last_heard = Some(at.into());
        }
    }

    /// An attempt begins.
    pub(super) fn dial_started(&mut self, attempt: u32, max: u32, at: Instant) {
        self.dial = DialPhase::InFlight { attempt, max, since: at }.into();
    }

    /// An attempt got its reply.
    pub(super) fn dial_succeeded(&mut self, connect: Duration, rtt: Duration, at: Instant) {
        self.dial = DialProgress::Resting(None);
        self.connect = Some(connect.into());
        self.rtt = Some(rtt.into());
        self.history.answered(rtt);
        self.last_heard = Some(at.into());
        self.cause = None;
        self.detail = None;
    }

    /// An attempt failed, and another follows at `retry`, if any does.
    pub(super) fn dial_failed(
        &mut self,
        attempt: u32,
        max: u32,
        cause: Cause,
        detail: &Arc<Detail>,
        at: Instant,
        retry: Option<Instant>,
    ) {
        self.dial = match retry {
            Some(until) => {
                DialPhase::Waiting { attempt: attempt.saturating_add(1), max, since: at, until }.into()
            }
            None => DialProgress::Resting(None),
        };
        self.history.failed(cause);
        self.cause = Some(cause);
        self.detail = Some(Arc::clone(detail));
    }

    /// No further attempt follows.
    pub(super) fn dial_gave_up(&mut self, cause: Cause) {
        self.dial = DialProgress::Resting(None);
        self.cause = Some(cause);
    }

    /// The node says how it is: that is right, whatever was missed.
    pub(super) fn replace(&mut self, peer: &PeerSnapshot, at: Instant) {
        self.enter(peer.state, at);
        self.via = Some(peer.via);
        self.dial = peer.dial.into();
        self.rtt = peer.rtt_us.map(|us| Duration::from_micros(us).into());
        self.connect = peer.connect.map(Micros::from);
        let ago = |age| at.checked_sub(Duration::from_millis(age));
        self.last_heard = peer.last_heard.or_else(|| peer.last_heard_ms.and_then(ago)).map(Moment::from);
        if self.cause != peer.cause {
            self.cause = peer.cause;
            self.detail = None;
        }
        self.verdict = peer.verdict;
        self.paths = PathSummary::of(&peer.observation);
        self.interface.clone_from(&peer.interface);
        self.elsewhere.clone_from(&peer.elsewhere);
    }
}
