//! A row of the peer table, with all that the engine keeps of a peer.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::cause::{Cause, Retry};
use crate::engine::event::{DialId, Socket};
use crate::engine::observation::Sight;
use crate::engine::peers::{DialPhase, Elsewhere, HeardFrom, PeerInfo, PeerSnapshot, PeerState, Via};
use crate::engine::verdict::Verdict;
use crate::engine::{NodeId, Nonce};

use crate::engine::limits::MAX_PATHS;
use crate::engine::probing::evidence::Evidence;

/// An address that a peer was heard from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    pub(crate) ip: IpAddr,
    /// Greatest sequence numbers heard from it on the shared and on the private port. The two are read one after the
    /// other, so that what was sent first may be read last.
    pub(crate) sequences: [u64; 2],
    /// Which of the 64 numbers before those were taken, a bit each: what only asks for an echo, or is one, may be late.
    pub(crate) taken: [u64; 2],
    /// Rounds heard from other addresses since one was heard from this one.
    pub(crate) missed: u8,
    /// The peer receives at this address: it echoed a nonce, or a TCP connection stood.
    pub(crate) proven: bool,
    pub(crate) heard: Instant,
    /// When it was first heard, at all or after a long silence there.
    pub(crate) since: Instant,
}

impl Path {
    pub(crate) fn sequence(&self, socket: Socket) -> u64 {
        self.sequences[usize::from(socket == Socket::Private)]
    }

    fn heard_from(&self, interface: Option<Arc<str>>) -> HeardFrom {
        HeardFrom { ip: self.ip, last: self.heard, interface, proven: self.proven }
    }

    pub(crate) fn newest(&self) -> u64 {
        self.sequences[0].max(self.sequences[1])
    }

    pub(crate) fn heard(&mut self, socket: Socket, sequence: u64, now: Instant) {
        let of = usize::from(socket == Socket::Private);
        let step = sequence.saturating_sub(self.sequences[of]);
        // The number that was the greatest is the first of those before the new one.
        let shifted = u32::try_from(step).ok().and_then(|step| self.taken[of].checked_shl(step)).unwrap_or(0);
        let last =
            u32::try_from(step).ok().and_then(|step| 1_u64.checked_shl(step.saturating_sub(1))).unwrap_or(0);
        self.taken[of] = if sequence > self.sequences[of] { shifted | last } else { 0 };
        self.sequences[of] = sequence;
        self.heard = now;
    }

    /// Takes a number below the greatest, if it was not taken before and is not long past: the anti-replay window of
    /// RFC 4303 §3.4.3.
    pub(crate) fn take_late(&mut self, socket: Socket, sequence: u64) -> bool {
        let of = usize::from(socket == Socket::Private);
        let behind = self.sequences[of].checked_sub(sequence).and_then(|behind| behind.checked_sub(1));
        let Some(bit) =
            behind.and_then(|behind| u32::try_from(behind).ok()).and_then(|n| 1_u64.checked_shl(n))
        else {
            return false;
        };
        let new = self.taken[of] & bit == 0;
        self.taken[of] |= bit;
        new
    }
}

/// Where the dial of a peer stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dial {
    /// Not dialed: it left, has no server, or is on no link of ours.
    Off,
    Resting {
        next: Instant,
    },
    Queued {
        attempt: u32,
        urgent: bool,
    },
    InFlight {
        id: DialId,
        attempt: u32,
        since: Instant,
    },
    Waiting {
        attempt: u32,
        since: Instant,
        until: Instant,
    },
}

/// The last 64 attempts, a bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcomes {
    failed: u64,
    count: u8,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) info: Arc<PeerInfo>,
    pub(crate) via: Via,
    pub(crate) state: PeerState,
    /// A person named it by this address: there it is dialed without proof, and it never expires.
    pub(crate) named: Option<IpAddr>,
    /// Identity that this row had before its last restart; late datagrams of it are refused. Boxed: few rows have one.
    pub(crate) retired: Option<Box<NodeId>>,

    /// At most [`MAX_PATHS`]. Nearly every peer has one: that one stands in the row itself.
    pub(crate) paths: SmallVec<[Path; 1]>,
    /// Its own UDP port, where it receives unicast.
    pub(crate) udp_port: u16,
    /// Greatest sequence number heard on the presence port.
    pub(crate) round: u64,
    /// Mean time between its presences, once one was heard.
    pub(crate) period: Option<Duration>,
    /// The address that it believes to have, where that is not the one it is heard from.
    pub(crate) claimed: Option<IpAddr>,
    /// The link it is on.
    pub(crate) interface: Option<Arc<str>>,
    /// Sent to it and not echoed yet, with where it was sent.
    pub(crate) nonce: Option<(Nonce, IpAddr)>,
    pub(crate) introductions: u8,
    /// Since when it seems to have moved, and the old address was asked.
    pub(crate) move_asked: Option<Instant>,
    /// It stands in the queue of those that have not proved their address.
    pub(crate) awaits_proof: bool,
    pub(crate) answered: Option<Instant>,

    /// When anything at all was last received from it.
    pub(crate) heard: Option<Instant>,
    pub(crate) answer_due: Option<Instant>,
    pub(crate) silence_due: Option<Instant>,
    pub(crate) expiry: Option<Instant>,

    pub(crate) dial: Dial,
    /// Attempts that the running dial may make.
    pub(crate) max: u32,
    /// When the running dial began: the regular dials keep this phase.
    pub(crate) began: Option<Instant>,
    /// The next attempt was asked for by a person.
    pub(crate) forced: bool,
    /// The running dial decides whether the peer is silent.
    pub(crate) confirming: bool,
    pub(crate) outcomes: Outcomes,
    pub(crate) connect: Option<Duration>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) cause: Option<Cause>,
    pub(crate) retry: Option<Retry>,

    /// What is seen of it by each way, as our row tells it.
    pub(crate) sight: Sight,
    pub(crate) verdict: Verdict,
    pub(crate) evidence: Box<Evidence>,

    /// The timer entry that will wake this peer; entries at other times are stale.
    pub(crate) armed: Option<Instant>,
}

impl Peer {
    pub(crate) fn new(info: Arc<PeerInfo>, via: Via, now: Instant) -> Self {
        Self {
            named: (via == Via::Static).then(|| info.addr.ip()),
            info,
            via,
            state: PeerState::New,
            retired: None,
            paths: SmallVec::new(),
            udp_port: 0,
            round: 0,
            period: None,
            claimed: None,
            interface: None,
            nonce: None,
            introductions: 0,
            move_asked: None,
            awaits_proof: false,
            answered: None,
            heard: None,
            answer_due: None,
            silence_due: None,
            expiry: None,
            dial: Dial::Off,
            max: 1,
            began: None,
            forced: false,
            confirming: false,
            outcomes: Outcomes::default(),
            connect: None,
            rtt: None,
            cause: None,
            retry: None,
            sight: Sight::default(),
            verdict: Verdict::Unknown,
            evidence: Box::new(Evidence::new(now)),
            armed: None,
        }
    }

    /// The path to an address, if the peer was ever heard from it.
    pub(crate) fn path(&self, ip: IpAddr) -> Option<&Path> {
        self.paths.iter().find(|p| p.ip == ip)
    }

    /// The path to an address; a new one takes the place of the one unheard for longest, never of the one dialed.
    pub(crate) fn path_mut(&mut self, ip: IpAddr, now: Instant) -> &mut Path {
        let dialed = self.info.addr.ip();
        let known = self.paths.iter().position(|path| path.ip == ip);
        let index = known.unwrap_or_else(|| {
            let new = Path {
                ip,
                sequences: [0; 2],
                taken: [0; 2],
                missed: 0,
                proven: false,
                heard: now,
                since: now,
            };
            if self.paths.len() < MAX_PATHS {
                self.paths.push(new);
                return self.paths.len() - 1;
            }
            let others = self.paths.iter().enumerate().filter(|(_, path)| path.ip != dialed);
            let index = others.min_by_key(|(_, path)| path.heard).map_or(0, |(index, _)| index);
            self.paths[index] = new;
            index
        });
        &mut self.paths[index]
    }

    /// Whether the address that is dialed is known to be the peer's: by proof, or by a person's word.
    pub(crate) fn is_proven(&self) -> bool {
        let ip = self.info.addr.ip();
        self.named == Some(ip) || self.path(ip).is_some_and(|p| p.proven)
    }

    /// Where it receives unicast presences.
    pub(crate) fn unicast(&self) -> SocketAddr {
        let port = if self.udp_port == 0 { self.info.addr.port() } else { self.udp_port };
        SocketAddr::new(self.info.addr.ip(), port)
    }

    /// It is dialed again at this time, unless it has no server.
    pub(crate) fn rest_until(&mut self, next: Instant) {
        self.dial = if self.info.addr.port() == 0 { Dial::Off } else { Dial::Resting { next } };
    }

    /// When this peer wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let dial = match self.dial {
            Dial::Resting { next } => Some(next),
            Dial::Waiting { until, .. } => Some(until),
            Dial::Off | Dial::Queued { .. } | Dial::InFlight { .. } => None,
        };
        [dial, self.answer_due, self.silence_due, self.expiry, self.evidence.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Changes its identity or address, for all later events.
    pub(crate) fn change_info(&mut self, change: impl FnOnce(&mut PeerInfo)) {
        change(Arc::make_mut(&mut self.info));
    }

    /// What others are told; `link` names the interface on whose link an address is.
    pub(crate) fn snapshot(&self, now: Instant, link: impl Fn(IpAddr) -> Option<Arc<str>>) -> PeerSnapshot {
        PeerSnapshot {
            info: Arc::clone(&self.info),
            state: self.state,
            via: self.via,
            rtt_us: self.rtt.map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
            connect: self.connect,
            loss: self.outcomes.loss(),
            last_heard_ms: self
                .heard
                .map(|t| u64::try_from(now.saturating_duration_since(t).as_millis()).unwrap_or(u64::MAX)),
            last_heard: self.heard,
            cause: self.cause,
            verdict: self.verdict,
            sight: self.sight,
            dial: match self.dial {
                Dial::Off => DialPhase::Resting { next: None },
                Dial::Resting { next } => DialPhase::Resting { next: Some(next) },
                Dial::Queued { attempt, .. } => DialPhase::Queued { attempt },
                Dial::InFlight { attempt, since, .. } => {
                    DialPhase::InFlight { attempt, max: self.max, since }
                }
                Dial::Waiting { attempt, since, until } => {
                    DialPhase::Waiting { attempt, max: self.max, since, until }
                }
            },
            interface: self.interface.clone(),
            elsewhere: self.elsewhere(link),
        }
    }

    fn elsewhere(&self, link: impl Fn(IpAddr) -> Option<Arc<str>>) -> Option<Arc<Elsewhere>> {
        let dialed = self.info.addr.ip();
        let others = self.paths.iter().any(|path| path.ip != dialed);
        if !others && self.claimed.is_none() {
            return None;
        }
        let mut heard = Vec::new();
        if others {
            heard.extend(self.paths.iter().map(|path| path.heard_from(link(path.ip))));
            heard.sort_by_key(|from| Reverse(from.last));
        }
        Some(Arc::new(Elsewhere { heard, claimed: self.claimed }))
    }
}

impl Outcomes {
    pub(crate) fn push(&mut self, failed: bool) {
        self.failed = self.failed << 1 | u64::from(failed);
        self.count = (self.count + 1).min(64);
    }

    fn loss(self) -> Option<f32> {
        let failed = self.failed & u64::MAX.checked_shr(64 - u32::from(self.count)).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "at most 64")]
        (self.count > 0).then(|| failed.count_ones() as f32 / f32::from(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_small_enough_for_ten_thousand() {
        assert!(size_of::<Peer>() <= 560, "{}", size_of::<Peer>());
        assert!(size_of::<Path>() <= 88);
    }
}
