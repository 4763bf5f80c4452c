//! Members that are asked, once each for a while, whether they are where others say: only an answer from there makes a peer of one.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::engine::context::Context;
use crate::engine::limits::{
    MEMBER_ANSWERS_WITHIN, MEMBER_ASKED_AGAIN, MEMBER_ASKED_RARELY, MEMBERS_ASKED_AT_ONCE,
    MEMBERS_ASKED_PER_ADDRESS, MEMBERS_ASKED_PER_SECOND,
};
use crate::engine::moment::Moment;
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{NodeId, Nonce};
use crate::proto::membership::Member;
use crate::proto::presence::Kind;

/// Questions to members.
#[derive(Debug)]
pub(super) struct Asks {
    /// Those that are to be asked, the next one last.
    waiting: Vec<Member>,
    /// Where was asked lately. A member may name any address: each has few questions.
    asked: BTreeMap<(IpAddr, u16), Asked>,
    /// What was asked and may be answered still.
    awaited: VecDeque<Awaited>,
    rate: RateLimiter,
}

/// How often a place was asked, and when last.
#[derive(Debug, Clone, Copy)]
struct Asked {
    times: u32,
    at: Moment,
}

impl Asked {
    /// Whether it is to be asked again: soon at first, for packets are lost; ever more rarely if it does not answer.
    fn is_due(self, ctx: &Context<'_>) -> bool {
        let wait = MEMBER_ASKED_AGAIN.saturating_mul(1 << self.times.min(10)) / 2;
        !ctx.is_within(self.at.into(), wait.min(MEMBER_ASKED_RARELY))
    }
}

#[derive(Debug, Clone, Copy)]
struct Awaited {
    nonce: Nonce,
    id: NodeId,
    ip: IpAddr,
    at: Moment,
}

impl Default for Asks {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            asked: BTreeMap::new(),
            awaited: VecDeque::new(),
            rate: RateLimiter::per_second(MEMBERS_ASKED_PER_SECOND, MEMBERS_ASKED_PER_SECOND),
        }
    }
}

impl Asks {
    /// These are to be asked from now on, and no others.
    pub(super) fn set(&mut self, members: Vec<Member>, ctx: &Context<'_>) {
        self.asked.retain(|_, asked| ctx.is_within(asked.at.into(), MEMBER_ASKED_RARELY * 2));
        self.waiting = members;
        self.waiting.retain(|member| may_ask(&self.asked, member, ctx));
    }

    /// When the next one is asked.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| self.rate.ready_at().map_or(now, |at| at.max(now)))
    }

    /// Asks as many as may be asked now.
    pub(super) fn ask(&mut self, ctx: &mut Context<'_>) {
        while !self.waiting.is_empty() && self.rate.take(ctx.now) {
            let Some(member) = self.waiting.pop() else { return };
            if !may_ask(&self.asked, &member, ctx) {
                continue;
            }
            let asked = self.asked.entry((member.ip, member.udp_port));
            let asked = asked.or_insert(Asked { times: 0, at: ctx.now.into() });
            *asked = Asked { times: asked.times + 1, at: ctx.now.into() };
            let nonce = ctx.random_nonce();
            while self.awaited.len() >= MEMBERS_ASKED_AT_ONCE {
                self.awaited.pop_front();
            }
            self.awaited.push_back(Awaited { nonce, id: member.id, ip: member.ip, at: ctx.now.into() });
            ctx.send(SocketAddr::new(member.ip, member.udp_port), Kind::Heartbeat, Some(nonce), None);
        }
    }

    /// Whether this node asked just this one, at the address from which the answer comes; it is told once.
    pub(super) fn take_answer(&mut self, id: NodeId, ip: IpAddr, echo: Nonce, ctx: &Context<'_>) -> bool {
        self.awaited.retain(|awaited| ctx.is_within(awaited.at.into(), MEMBER_ANSWERS_WITHIN));
        let place =
            self.awaited.iter().position(|awaited| (awaited.nonce, awaited.id, awaited.ip) == (echo, id, ip));
        place.and_then(|place| self.awaited.remove(place)).is_some()
    }
}

fn may_ask(asked: &BTreeMap<(IpAddr, u16), Asked>, member: &Member, ctx: &Context<'_>) -> bool {
    match asked.get(&(member.ip, member.udp_port)) {
        Some(asked) => asked.is_due(ctx),
        None => asked.range((member.ip, 0)..=(member.ip, u16::MAX)).count() < MEMBERS_ASKED_PER_ADDRESS,
    }
}
