//! Asks peers for unicast echoes, regularly and in bursts.
//!
//! Owns how many bursts are under way; what a peer's echoes tell is in its [`super::stats`].

use std::collections::HashSet;
use std::time::Duration;

use crate::engine::config::Config;
use crate::engine::context::{Context, Pace};
use crate::engine::limits::{
    BURST, BURST_GAP, ECHO_AGAIN, ECHO_TIMEOUT, ECHOES_PER_INTERVAL, LARGE_IN_A_CROWD, LARGE_ONE_IN,
    MAX_BURSTS,
};
use crate::engine::peers::PeerKey;
use crate::engine::peers::peer::Peer;
use crate::engine::{Nonce, peers::PeerState};
use crate::proto::presence::Kind;

use super::stats::Counted;

/// What the probes of a peer say, after one of its echoes came or time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum ProbeOutcome {
    /// Nothing new.
    Nothing,
    /// A burst is under way, or its last echoes are awaited.
    Measuring,
    /// The outcome of the latest probes is known.
    Concluded,
}

/// Counts the bursts under way: when a switch dies, all behind it are measured together, but no more than [`MAX_BURSTS`].
#[derive(Debug, Default)]
pub(crate) struct Prober {
    bursting: HashSet<PeerKey>,
}

impl Prober {
    /// Does what is due for a peer's echoes: gives up those that did not come, asks for the next.
    pub(crate) fn wake(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) -> ProbeOutcome {
        if peer.probes.deadline().is_none_or(|due| due > ctx.now) {
            return ProbeOutcome::Nothing;
        }
        let counted = peer.probes.count_outcomes(ctx.now);
        self.note_losses(peer, counted, ctx);
        if peer.probes.is_next_due(ctx.now) {
            self.send_regular(peer, ctx);
        }
        if let Some(large) = peer.probes.next_of_burst(ctx.now) {
            send_probe(peer, false, ctx);
            if large {
                send_probe(peer, true, ctx);
            }
        }
        outcome(peer)
    }

    /// An echo came, from the address that is dialed.
    pub(crate) fn handle_echo(
        &mut self,
        peer: &mut Peer,
        echo: Nonce,
        ctx: &mut Context<'_>,
    ) -> ProbeOutcome {
        let Some(counted) = peer.probes.note_echo(echo, ctx.now) else { return ProbeOutcome::Nothing };
        self.note_losses(peer, counted, ctx);
        outcome(peer)
    }

    /// Something failed: several probes tell whether some or all are lost. Where packets are lost all the time, they are counted
    /// now and then. Whether a burst begins.
    pub(crate) fn begin_burst(&mut self, peer: &mut Peer, ctx: &Context<'_>) -> bool {
        let rest = ctx.config.dial_interval / 2;
        let begins = self.bursting.len() < MAX_BURSTS && peer.probes.begin_burst(rest, ctx.now);
        if begins {
            self.bursting.insert(peer.key());
        }
        begins
    }

    /// A burst that ended, or whose peer is another one now, takes no place any longer.
    pub(crate) fn reconcile(&mut self, key: PeerKey, in_burst: bool) {
        if !in_burst && !self.bursting.is_empty() {
            self.bursting.remove(&key);
        }
    }

    /// How many bursts are under way.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn bursts(&self) -> usize {
        self.bursting.len()
    }

    fn note_losses(&mut self, peer: &mut Peer, counted: Counted, ctx: &mut Context<'_>) {
        if let Some(since) = counted.lost_since {
            peer.health.note_trouble(since);
        }
        if counted.measure {
            self.begin_burst(peer, ctx);
        }
    }

    fn send_regular(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        let crowded = ctx.pace.is_crowded();
        let next = ctx.now + echo_period(ctx.config, ctx.pace);
        let next = if crowded { ctx.pace.in_step(next) } else { next };
        if peer.state() == PeerState::Left || !peer.is_proven() {
            return peer.probes.set_next(None);
        }
        peer.probes.set_next(Some(next.max(ctx.now + BURST_GAP)));
        let large = peer.probes.count_regular(if crowded { LARGE_IN_A_CROWD } else { LARGE_ONE_IN });
        if peer.probes.is_lossy() {
            // Whether it is over is to be known soon, too.
            self.begin_burst(peer, ctx);
        }
        send_probe(peer, false, ctx);
        if large {
            send_probe(peer, true, ctx);
        }
    }
}

/// How often a peer is regularly asked for an echo.
pub(crate) fn echo_period(config: &Config, pace: Pace) -> Duration {
    let often = if pace.is_crowded() { 1 } else { ECHOES_PER_INTERVAL };
    (config.dial_interval / often).max(ECHO_AGAIN)
}

/// How long a node may need to notice that UDP fails: to the next regular echo, and then a burst.
pub(crate) fn notices_within(config: &Config, pace: Pace) -> Duration {
    echo_period(config, pace) * 2 + ECHO_TIMEOUT * 2 + BURST_GAP * u32::from(BURST)
}

fn outcome(peer: &Peer) -> ProbeOutcome {
    if peer.probes.is_measuring() { ProbeOutcome::Measuring } else { ProbeOutcome::Concluded }
}

fn send_probe(peer: &mut Peer, large: bool, ctx: &mut Context<'_>) {
    let nonce = ctx.random_nonce();
    peer.probes.note_sent(nonce, large, ctx.now);
    let kind = if large { Kind::Probe } else { Kind::Here };
    ctx.send(peer.unicast(), kind, Some(nonce), None);
}
