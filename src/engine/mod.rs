//! Meaning: peers, liveness, retries, rates and causes, as one deterministic state machine.
//!
//! The [`Engine`] is told what happened and when ([`Engine::handle`]), says what is to be done
//! ([`Engine::poll_output`]) and when it wants to be woken ([`Engine::poll_timeout`]). It touches no socket, no
//! clock and no task; its randomness comes from a seed. So a whole network of engines runs in memory
//! in a test, and a failing seed replays. Two numbers belong to the process and not to an engine, and no outcome hangs on them:
//! what moments are counted from, and the secret of the hash tables.
//!
//! The engine is a conductor: each part owns its state, takes a peer or the table and a `Context`, returns
//! values, and knows no other part. Only this module and the flow say who is next. What follows from a change of a peer
//! (observation, row, queues, timers, diagnosis) is settled once, after each input.

pub mod address;
pub mod api;
pub mod config;
mod context;
pub mod diagnosis;
mod dialing;
pub mod event;
mod exchange;
mod flow;
mod gossip;
pub mod hardware;
mod hashing;
pub mod interface;
#[cfg(any(test, feature = "testkit"))]
mod invariants;
mod lifecycle;
pub mod limits;
pub(crate) mod links;
mod membership;
pub mod micros;
pub mod moment;
mod named_peers;
pub mod network;
pub mod packet_filter;
pub mod peers;
mod presence;
mod probing;
pub mod rate_limiter;
pub mod segments;
mod settle;
mod tethers;
mod timers;
pub mod verdict;
mod views;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::proto::{Incarnation, NodeId, Nonce};
pub use diagnosis::observation;
pub use dialing::{cause, retry};
pub use exchange::{check_refusal, check_reply, shut_out, unproven, unreadable};
pub use gossip::matrix;

use api::{Input, Output};
use config::Config;
use context::Shared;
use diagnosis::judging::Judging;
use dialing::{dialer::Dialer, inbound::InboundDials, looks::Looks};
use gossip::{own_row::OwnRow, relay::Relay, remote_rows::RemoteRows, told_nodes::ToldNodes};
use lifecycle::Lifecycle;
use limits::{CHECKS_FOR_OTHERS_PER_SECOND, HARDWARE_READS_PER_SECOND, TIMER_SLACK};
use membership::Membership;
use named_peers::NamedPeers;
use peers::{NodeInfo, PeerTable, hearing::Hearing, observe::Times};
use presence::{
    announce::Announcer, receive::Arrival, rejects::Rejects, twin::TwinWatch, visitors::Visitors,
};
use probing::prober::Prober;
use rate_limiter::RateLimiter;
use tethers::Watch;
use timers::{Punctuality, Timer, Timers};

/// The state of one node. See the [module documentation](self) for how it is driven.
#[derive(Debug)]
pub struct Engine {
    shared: Shared,
    node: Arc<NodeInfo>,
    lifecycle: Lifecycle,
    timers: Timers,
    peers: PeerTable,
    hearing: Hearing,
    named_peers: NamedPeers,
    announcer: Announcer,
    twin_watch: TwinWatch,
    visitors: Visitors,
    rejects: Rejects,
    dialer: Dialer,
    inbound: InboundDials,
    /// The nonce that every dial sends: a TCP reply needs no fresh proof.
    request_nonce: Nonce,
    looks: Looks,
    prober: Prober,
    own_row: OwnRow,
    remote_rows: RemoteRows,
    relay: Relay,
    told_nodes: ToldNodes,
    membership: Membership,
    checks_for_others: RateLimiter,
    hardware_reads: RateLimiter,
    judging: Judging,
    watch: Watch,
    times: Times,
    punctuality: Punctuality,
}

impl Engine {
    /// An engine that starts with its first [`Input::Interfaces`].
    pub fn new(config: Config) -> Self {
        let (checks, config) = (CHECKS_FOR_OTHERS_PER_SECOND, config.signing());
        let node = Arc::new(NodeInfo::of(&config));
        let (dialer, times) =
            (Dialer::new(config.dial_rate), Times::of(config.dial_interval.with_peers(0), &config));
        let mut shared = Shared::new(config);
        Self {
            request_nonce: shared.random_nonce(),
            shared,
            node,
            lifecycle: Lifecycle::Idle,
            timers: Timers::default(),
            peers: PeerTable::default(),
            hearing: Hearing::default(),
            named_peers: NamedPeers::default(),
            announcer: Announcer::default(),
            twin_watch: TwinWatch::default(),
            visitors: Visitors::default(),
            rejects: Rejects::default(),
            dialer,
            inbound: InboundDials::default(),
            looks: Looks::default(),
            prober: Prober::default(),
            own_row: OwnRow::default(),
            remote_rows: RemoteRows::default(),
            relay: Relay::default(),
            told_nodes: ToldNodes::default(),
            membership: Membership::default(),
            checks_for_others: RateLimiter::per_second(checks, checks),
            hardware_reads: RateLimiter::per_second(HARDWARE_READS_PER_SECOND, HARDWARE_READS_PER_SECOND),
            judging: Judging::default(),
            watch: Watch::default(),
            times,
            punctuality: Punctuality::default(),
        }
    }

    /// Takes in one thing that happened at `now`, which never runs backwards. Afterwards, take all of
    /// [`Engine::poll_output`] and wait no longer than [`Engine::poll_timeout`].
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.notice_a_stall(now);
        match (self.lifecycle, input) {
            (Lifecycle::Leaving { .. } | Lifecycle::Idle, Input::Request { conn, .. }) => {
                self.shared.out().push(Output::Reply { conn, frame: None, tether: None });
            }
            (Lifecycle::Leaving { .. }, Input::Datagram { from, link, socket, bytes }) => {
                self.confirm_goodbye(Arrival::new(from, link, socket), bytes, now);
            }
            (Lifecycle::Leaving { .. } | Lifecycle::Closed, _) => {}
            (_, input) => self.handle_input(input, now),
        }
        match self.lifecycle {
            Lifecycle::Running => {
                self.settle(now);
                self.set_timers(now);
                self.run_timers(now);
                self.settle(now);
                self.start_dials(now);
                self.settle(now);
            }
            Lifecycle::Leaving { .. } => self.say_goodbye(now),
            Lifecycle::Idle | Lifecycle::Closed => {}
        }
        self.set_timers(now);
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.shared.out().pop()
    }

    /// When [`Input::Tick`] is due at the latest; none when nothing is planned.
    pub fn poll_timeout(&self) -> Option<Instant> {
        // With many peers, most of their timers then run when something else wakes the node, and a wake-up costs more than what is
        // done in it.
        let slack = if self.is_crowded() { TIMER_SLACK } else { Duration::ZERO };
        self.timers.next_timeout(slack)
    }

    /// Whether there are so many peers that doing things together matters more than doing each at once.
    pub fn is_crowded(&self) -> bool {
        context::is_crowd(self.peers.len())
    }

    /// Does what is due by the clock.
    fn run_timers(&mut self, now: Instant) {
        if self.timers.is_due(Timer::Announce, now) {
            self.announce(now);
        }
        if self.timers.is_due(Timer::TellNews, now) {
            self.tell_news(now);
        }
        self.note_late_dials(now);
        if self.timers.is_due(Timer::Look, now) {
            self.look_again(now);
        }
        self.settle(now);
        while let Some(key) = self.timers.next_peer(now) {
            self.wake(key, now);
            self.settle(now);
        }
        self.keep_watch(now);
        if self.judging.due().is_some_and(|at| at <= now) {
            if !self.judging.is_underway() {
                self.settle_unwell(now);
            }
            self.judge(now);
        }
        self.run_errands(now);
    }

    /// Every timer says when its part needs attention next.
    fn set_timers(&mut self, now: Instant) {
        match self.lifecycle {
            Lifecycle::Running => {
                self.timers.set(Timer::Announce, self.announcer.deadline());
                self.timers.set(Timer::Dial, self.dialer.deadline());
                self.timers.set(Timer::Diagnose, self.judging.due());
                self.timers.set(Timer::Watch, self.watch.deadline());
                self.timers.set(Timer::TellRejected, self.rejects.due());
                self.timers.set(Timer::Resolve, self.named_peers.deadline());
                self.timers.set(Timer::TellNews, self.own_row.news_due());
                self.timers.set(Timer::LateDial, self.dialer.late_at());
                self.timers.set(Timer::Look, self.looks.due());
                self.timers.set(Timer::Visit, self.visitors.deadline());
                self.timers.set(Timer::CheckRows, self.remote_rows.checks_due());
                // The first may come long after it was begun to look for them.
                let told = self.told_nodes.deadline(&self.remote_rows).map(|at| at.max(now));
                self.timers.set(Timer::AskTold, told);
                self.timers.set(Timer::Membership, self.membership.deadline(now));
            }
            Lifecycle::Leaving { .. } => {
                self.timers.clear();
                self.timers.set(Timer::Goodbye, self.lifecycle.next_goodbye());
            }
            Lifecycle::Idle | Lifecycle::Closed => self.timers.clear(),
        }
    }
}
