//! What there is to tell of a peer, in words: the same in its details on the screen and in the copied report.
//!
//! Each fact is written straight to where it is wanted, and looked up only then.

pub(super) mod report;

use std::fmt::{self, Display as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::model::{HISTORY, JournalEntry, Model, Outcome, PathSummary, PeerRow, Sample, Stats, What};
use crate::app::appearance::Appearance;
use crate::engine::cause::Cause;
use crate::engine::observation::PathStatus;
use crate::engine::peers::{HeardFrom, PathState, PeerState};
use crate::engine::verdict::{Confidence, Evidence, Finding, Verdict};
use crate::text::{self, Age, Measured};

/// Attempts and entries of a peer that are searched for its last reply: at the usual pace more than an hour of failures,
/// and a few microseconds.
const SEARCHED: usize = 512;

/// The figures of the round trips that are told, with their percentiles.
const FIGURES: [(&str, usize); 4] = [("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)];

/// The paths of [`PathSummary`], as they are called; those that are its own doing come in.
const PATHS: [&str; 6] = ["TCP", "echo", "broadcasts in", "unicast in", "dials in", "large packets"];

/// A peer, with what is needed to tell of it.
#[derive(Clone, Copy)]
pub(super) struct PeerText<'a> {
    pub(super) model: &'a Model,
    pub(super) peer: &'a PeerRow,
    pub(super) appearance: &'a Appearance,
    pub(super) now: Instant,
}

/// When a peer last answered a dial, as far as that is remembered.
enum LastAnswer {
    Answered {
        wall: SystemTime,
        connect: Duration,
        rtt: Duration,
    },
    /// It was up until then.
    Until(SystemTime),
    /// It never was since it was found.
    NeverSince(SystemTime),
    Unknown,
}

impl<'a> PeerText<'a> {
    /// How long it has been in its state, and since when.
    pub(super) fn lasting(self) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| {
            let lasted = self.now.saturating_duration_since(self.peer.since());
            match lasted.as_secs() {
                0 => f.write_str("just now")?,
                _ => write!(f, "for {}", Age(lasted))?,
            }
            match self.model.wall(self.peer.since()) {
                Some(wall) => write!(f, ", since {}", self.moment(wall)),
                None => Ok(()),
            }
        })
    }

    /// Why it is not up: in the words of its last failure, else of its state. None of one that is up.
    pub(super) fn why(self) -> Option<impl fmt::Display + use<'a>> {
        let (reason, state) = (self.peer.reason(), self.peer.state);
        let says_why = matches!(state, PeerState::Silent | PeerState::Left | PeerState::New);
        (reason.is_some() || says_why).then(|| {
            fmt::from_fn(move |f| match reason {
                Some(reason) => write!(f, "{}: {}", reason.label(), reason.description()),
                None => f.write_str(state.description()),
            })
        })
    }

    /// What the diagnosis has found about it: of an incident that it is only part of, if something is wrong with it, too.
    pub(super) fn finding(self) -> Option<&'a Arc<Finding>> {
        let finding = self.model.matrix().finding_about(&self.peer.info)?;
        let about_it = finding.peer.id == self.peer.info.id;
        (about_it || self.peer.wrong().is_some()).then_some(finding)
    }

    /// What the diagnosis says is wrong with it, and how sure that is.
    pub(super) fn verdict(self) -> Option<impl fmt::Display + use<'a>> {
        let finding = self.finding();
        let verdict = finding.map(|finding| finding.verdict).or(self.peer.wrong())?;
        Some(fmt::from_fn(move |f| {
            f.write_str(verdict.description())?;
            match finding {
                Some(finding) => {
                    write!(f, " ({}", sure(finding.confidence))?;
                    finding.paths().map_or(Ok(()), |paths| write!(f, "; {paths}"))?;
                    f.write_str(")")
                }
                None => Ok(()),
            }
        }))
    }

    /// What was observed that says so.
    pub(super) fn evidence(self) -> impl Iterator<Item = &'a Evidence> {
        self.finding().into_iter().flat_map(|finding| &finding.evidence)
    }

    /// What we see of it by each path, those of which something is known; none when nothing is.
    pub(super) fn paths(self) -> Option<impl fmt::Display + use<'a>> {
        let PathSummary { status, loss } = self.peer.paths;
        let are = move |state| PATHS.into_iter().zip(status).filter(move |(_, status)| *status == state);
        let known = [PathStatus::Failing, PathStatus::Ok]
            .into_iter()
            .filter(move |state| are(*state).next().is_some());
        known.clone().next()?;
        Some(fmt::from_fn(move |f| {
            for (nth, state) in known.clone().enumerate() {
                f.write_str(if nth > 0 { "; " } else { "" })?;
                for (nth, (path, _)) in are(state).enumerate() {
                    write!(f, "{}{path}", if nth > 0 { ", " } else { "" })?;
                }
                write!(f, ": {}", state.as_str())?;
            }
            match loss {
                Some(loss) if loss > 0 => write!(f, "; {loss} % of echoes lost"),
                _ => Ok(()),
            }
        }))
    }

    /// What to try next: what the diagnosis says, else what the reason why it is not reached suggests.
    pub(super) fn advice(self) -> Option<String> {
        let found = self.finding().map(|finding| finding.advice.to_string());
        found.or_else(|| self.peer.reason().map(|reason| reason.advice().to_owned()))
    }

    /// Where it is dialed.
    pub(super) fn address(self) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| {
            write!(f, "{}", self.peer.info.place())?;
            if !self.peer.info.has_address() {
                return Ok(());
            }
            f.write_str(", ")?;
            // Until the node has told the interface, it is the one whose link the address is on.
            let on_link =
                || self.model.interfaces().iter().find(|i| i.reaches(self.peer.info.addr.zoned_ip()));
            on(f, self.peer.interface.as_deref().or_else(|| Some(&*on_link()?.name)))
        })
    }

    /// When it last answered a dial.
    pub(super) fn reached(self) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| match self.last_reply() {
            LastAnswer::Answered { wall, connect, rtt } => {
                let (rtt, connect) = (Measured(rtt), Measured(connect));
                write!(f, "{}: round trip {rtt}, connect {connect}", self.past(wall))
            }
            LastAnswer::Until(wall) => write!(f, "not since {}", self.moment(wall)),
            LastAnswer::NeverSince(wall) => {
                write!(f, "never since it was discovered at {}", self.moment(wall))
            }
            LastAnswer::Unknown => f.write_str("not in the recorded attempts"),
        })
    }

    /// When anything was last received from it.
    pub(super) fn heard(self) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| match self.peer.last_heard().map(|at| (at, self.model.wall(at))) {
            Some((_, Some(wall))) => write!(f, "{}", self.past(wall)),
            Some((at, None)) => ago(f, self.now.saturating_duration_since(at)),
            None => f.write_str("never"),
        })
    }

    /// How it was found.
    pub(super) fn found(self) -> &'static str {
        self.peer.via.map_or("not known: the event was missed", |via| via.description())
    }

    /// When it started and for how long it runs, by its own clock; none before that is known.
    pub(super) fn life(self) -> Option<impl fmt::Display + use<'a>> {
        let incarnation = self.peer.info.incarnation?;
        Some(fmt::from_fn(move |f| {
            let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(incarnation.0));
            let since = since.filter(|since| Timestamp::try_from(*since).is_ok());
            let (Some(since), Some(now)) = (since, self.wall()) else {
                return write!(f, "start time unreadable: its clock is wrong ({})", incarnation.0);
            };
            write!(f, "started {} by its clock, ", self.moment(since))?;
            match now.duration_since(since) {
                Ok(up) if up.as_secs() == 0 => write!(f, "just now"),
                Ok(up) => write!(f, "up for {}", Age(up)),
                Err(ahead) => {
                    let ahead = ahead.duration().max(Duration::from_secs(1));
                    write!(f, "which is at least {} ahead of ours", Age(ahead))
                }
            }
        }))
    }

    /// The addresses that it was heard from beside the one that is dialed, the latest first.
    pub(super) fn other_addresses(self) -> impl Iterator<Item = impl fmt::Display + use<'a>> + use<'a> {
        let dialed = self.peer.info.addr;
        let all = self.peer.elsewhere.iter().flat_map(|elsewhere| &elsewhere.heard);
        all.filter(move |heard| heard.addr != dialed).map(move |heard: &HeardFrom| {
            fmt::from_fn(move |f| {
                write!(f, "{}, ", heard.addr.host())?;
                on(f, heard.interface.as_deref())?;
                match (heard.state, heard.rtt_us) {
                    (PathState::Up, Some(us)) => {
                        write!(f, ", answers in {}", Measured(Duration::from_micros(us)))?;
                    }
                    (PathState::Up, None) => f.write_str(", answers")?,
                    (PathState::Failing, _) => f.write_str(", does not answer")?,
                    (PathState::Unknown, _) => {}
                }
                f.write_str(", heard ")?;
                ago(f, self.now.saturating_duration_since(heard.last))?;
                f.write_str(if heard.proven { "" } else { ", unproven" })
            })
        })
    }

    /// The address that it believes to have, if that is not the one it is seen at.
    pub(super) fn claimed(self) -> Option<impl fmt::Display + use<'a>> {
        let claimed = self.peer.elsewhere.as_ref()?.claimed?;
        Some(fmt::from_fn(move |f| {
            write!(f, "{claimed}: NAT in between, or it uses another of its interfaces")
        }))
    }

    /// How its last dials went: how many were answered, and why the others were not.
    pub(super) fn dials(self, stats: &Stats) -> impl fmt::Display + use<'a> {
        let (answered, failed) = (stats.answered(), stats.failed());
        fmt::from_fn(move |f| {
            if answered + failed == 0 {
                return f.write_str("none finished yet");
            }
            write!(f, "{answered} answered, {failed} failed of the last {}", answered + failed)?;
            let mut sign = ": ";
            for cause in Cause::ALL {
                let times = self.peer.history.last(HISTORY).filter(|s| *s == Sample::Failed(cause)).count();
                // Alone, it needs no number.
                match times {
                    0 => continue,
                    _ if times == failed => write!(f, "{sign}{}", cause.label())?,
                    _ => write!(f, "{sign}{times} {}", cause.label())?,
                }
                sign = ", ";
            }
            Ok(())
        })
    }

    /// What an entry of the journal says of it.
    pub(super) fn happened(entry: &'a JournalEntry) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| match &entry.what {
            What::Discovered { via } => text::discovered(*via).fmt(f),
            What::State { from, to } => text::changed(*from, *to).fmt(f),
            What::Restarted { .. } => f.write_str(text::RESTARTED),
            What::Moved { from, path_only } => {
                entry.peer.as_ref().map_or(Ok(()), |peer| text::moved(**from, peer.addr, *path_only).fmt(f))
            }
            What::Path { addr, to } => text::path(**addr, *to).fmt(f),
            What::Left { reason } => f.write_str(reason.description()),
            What::GaveUp { attempts, cause } => text::gave_up(*attempts, *cause).fmt(f),
            What::Diagnosed { finding } if finding.verdict == Verdict::Ok => f.write_str("resolved"),
            What::Diagnosed { finding } => write!(f, "diagnosed: {}", finding.verdict.description()),
            What::InterfaceUp { interface } => text::interface_up(interface).fmt(f),
            What::InterfaceDown { interface } => text::interface_gone(interface).fmt(f),
            What::IdChanged { twin } => text::id_changed(**twin).fmt(f),
            What::Lagged { missed } => text::missed(*missed).fmt(f),
        })
    }

    /// How an attempt went, in full.
    pub(super) fn went(outcome: &'a Outcome) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| match outcome {
            Outcome::InFlight { .. } => f.write_str("in progress"),
            Outcome::Answered { connect, rtt } => {
                write!(
                    f,
                    "answered: round trip {}, connect {}",
                    Measured((*rtt).into()),
                    Measured((*connect).into())
                )
            }
            Outcome::Failed { cause, detail, .. } => write!(f, "failed: {} ({detail})", cause.label()),
            Outcome::Abandoned => f.write_str("abandoned"),
        })
    }

    /// A moment: the time of day, and the date if it is not today's.
    pub(super) fn moment(self, wall: SystemTime) -> impl fmt::Display + use<> {
        self.appearance.moment(wall, self.wall().unwrap_or(wall))
    }

    /// What time it is.
    pub(super) fn wall(self) -> Option<SystemTime> {
        self.model.wall(self.now)
    }

    /// How long ago a moment was, and when.
    fn past(self, wall: SystemTime) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| {
            let since = self.wall().and_then(|now| now.duration_since(wall).ok());
            ago(f, since.unwrap_or_default())?;
            write!(f, ", at {}", self.moment(wall))
        })
    }

    fn last_reply(self) -> LastAnswer {
        let key = self.peer.info.key;
        let mut attempts = self.model.attempts().of_peer(key).take(SEARCHED);
        let answered = attempts.find_map(|(_, attempt)| match attempt.outcome {
            Outcome::Answered { connect, rtt } => {
                Some(LastAnswer::Answered { wall: attempt.wall, connect: connect.into(), rtt: rtt.into() })
            }
            _ => None,
        });
        let mut entries = self.model.journal().of_peer(key).take(SEARCHED);
        let said = || {
            entries.find_map(|(_, entry)| match entry.what {
                What::State { from: PeerState::Up, .. } => Some(LastAnswer::Until(entry.wall)),
                What::State { to: PeerState::Up, .. } => Some(LastAnswer::Unknown),
                What::Discovered { .. } => Some(LastAnswer::NeverSince(entry.wall)),
                _ => None,
            })
        };
        answered.or_else(said).unwrap_or(LastAnswer::Unknown)
    }
}

/// The figures of the round trips with their names; none before the first reply.
pub(super) fn figures(stats: &Stats) -> impl Iterator<Item = (&'static str, Measured)> {
    FIGURES.into_iter().filter_map(|(name, percent)| {
        let us = stats.percentile(percent)?;
        Some((name, Measured(Duration::from_micros(us.into()))))
    })
}

/// How sure a verdict is, in a word or two.
fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
    }
}

fn ago(f: &mut fmt::Formatter<'_>, age: Duration) -> fmt::Result {
    match age.as_secs() {
        0 => f.write_str("just now"),
        _ => write!(f, "{} ago", Age(age)),
    }
}

fn on(f: &mut fmt::Formatter<'_>, interface: Option<&str>) -> fmt::Result {
    match interface {
        Some(interface) => write!(f, "on {interface}"),
        None => f.write_str("off-link"),
    }
}
