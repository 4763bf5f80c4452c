//! Visitors: one-shot commands that join for a moment to answer a question of a person. They are answered like a node, and dialed, so that
//! they learn who reaches them. Nothing else is known of them: no peer, no row, no finding.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::address::{self, ZonedIp};
use crate::engine::api::{Asked, DialId, Output};
use crate::engine::context::Context;
use crate::engine::event::Event;
use crate::engine::limits::{
    ANSWER_AT_ONCE, ANSWER_SPREAD, ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND, MAX_ANSWER_WAIT,
    MAX_VISITORS, STRANGER_ANSWERS_WITHIN, VISIT_ENDS, VISITED_WINDOW, VISITOR_DIALED_AGAIN,
    VISITOR_DIALS_PER_SECOND,
};
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{NodeId, Nonce};
use crate::proto::exchange::Request;
use crate::proto::presence::Kind;

use super::receive::Datagram;
use super::strangers::Strangers;

/// Who visits, and what is owed to them.
#[derive(Debug)]
pub(crate) struct Visitors {
    here: Vec<Visitor>,
    visits: Visits,
    answers: RateLimiter,
    /// Those that have proved nothing: anybody can send in their names.
    strangers: Strangers,
    /// To those whose address is proven.
    echoes: RateLimiter,
    dials: RateLimiter,
    last_dial: u64,
}

/// One that was heard lately.
#[derive(Debug)]
struct Visitor {
    id: NodeId,
    name: Arc<str>,
    /// Where it listens for exchanges.
    server: SocketAddr,
    /// Where it is answered; none before a datagram of it came.
    unicast: Option<SocketAddr>,
    /// What it is to echo to prove that it holds its address.
    nonce: Nonce,
    is_proven: bool,
    /// When it is forgotten if nothing more is heard.
    leaves: Instant,
    answer_at: Option<Instant>,
    answered: Option<Instant>,
    dial: VisitorDial,
}

/// What this node can do for visitors besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Besides {
    Nothing,
    /// One that was answered asks again, and may not be answered for now: it is to hear this node's next round soon.
    Announce,
}

/// Where the dial of a visitor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VisitorDial {
    /// It waits for the proof of the address.
    Unproven,
    /// It is due then.
    At(Instant),
    /// It is in flight.
    InFlight(DialId),
    /// It has succeeded; the next one is due then.
    Done(Instant),
}

impl VisitorDial {
    fn due(self) -> Option<Instant> {
        match self {
            Self::At(at) | Self::Done(at) => Some(at),
            Self::Unproven | Self::InFlight(_) => None,
        }
    }
}

/// Visits that are to be told.
#[derive(Debug, Default)]
struct Visits {
    count: u64,
    latest: Option<(Arc<str>, SocketAddr)>,
    /// When they are told.
    due: Option<Instant>,
    /// When the last were.
    told: Option<Instant>,
}

impl Visits {
    fn note(&mut self, name: Arc<str>, from: SocketAddr, now: Instant) {
        self.count += 1;
        self.latest = Some((name, from));
        self.due = self.due.or_else(|| Some(self.told.map_or(now, |at| now.max(at + VISITED_WINDOW))));
    }

    fn tell(&mut self, ctx: &mut Context<'_>) {
        if self.due.is_none_or(|due| due > ctx.now) {
            return;
        }
        let Some((name, from)) = self.latest.take() else { return };
        (self.due, self.told) = (None, Some(ctx.now));
        let (addr, count) = (ctx.links.told(from), std::mem::take(&mut self.count));
        ctx.out.publish(Event::Visited { name, addr, count });
    }
}

impl Default for Visitors {
    fn default() -> Self {
        let (answers, dials) = (ANSWERS_PER_SECOND, VISITOR_DIALS_PER_SECOND);
        Self {
            here: Vec::new(),
            visits: Visits::default(),
            answers: RateLimiter::per_second(answers, answers / 2),
            strangers: Strangers::default(),
            echoes: RateLimiter::per_second(ECHO_ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND / 2),
            dials: RateLimiter::per_second(dials, dials),
            last_dial: DialId::OF_VISITORS,
        }
    }
}

impl Visitors {
    /// A presence of a visitor on a link of this node. Where there is no room for it, its next one is heard.
    pub(crate) fn hear(&mut self, datagram: &Datagram<'_>, ctx: &mut Context<'_>) {
        let (presence, from) = (&datagram.presence, datagram.from);
        if presence.kind == Kind::Goodbye {
            return self.here.retain(|visitor| visitor.id != presence.id || visitor.ip() != from.into());
        }
        let server = address::with_port(from, presence.tcp_port);
        let Some(nth) = self.place(presence.id, presence.name, server, ctx) else { return };
        let visitor = &mut self.here[nth];
        visitor.leaves = ctx.now + (presence.period() * 3).min(VISIT_ENDS);
        if visitor.ip() != from.into() {
            // Another address of it: what it asks there is answered there, and no more.
            let may = |_: &Nonce| {
                self.strangers.take(from.into(), datagram.asked, ctx.now) && self.answers.take(ctx.now)
            };
            if let Some(nonce) = presence.nonce.filter(may) {
                send(from, Some(nonce), None, ctx);
            }
            return;
        }
        visitor.unicast = Some(address::with_port(from, presence.udp_port));
        if presence.echo == Some(visitor.nonce) {
            self.prove(nth, from, ctx);
        }
        self.respond(nth, datagram, ctx);
    }

    /// An exchange of a visitor: it holds the address from which it comes.
    pub(crate) fn note_request(&mut self, request: &Request<'_>, from: SocketAddr, ctx: &mut Context<'_>) {
        let server = address::with_port(from, request.tcp_port);
        // A visitor helps no other one, and one without a server asks for no help.
        if request.tcp_port == 0 || ctx.config.visitor {
            return self.visits.note(request.name.into(), from, ctx.now);
        }
        if let Some(nth) = self.place(request.id, request.name, server, ctx)
            && self.here[nth].ip() == from.into()
        {
            self.prove(nth, from, ctx);
        }
    }

    /// Where a visitor stands, a new one perhaps. Where there are too many, one that has what it came for makes room.
    fn place(&mut self, id: NodeId, name: &str, server: SocketAddr, ctx: &mut Context<'_>) -> Option<usize> {
        if let Some(nth) = self.here.iter().position(|visitor| visitor.id == id) {
            return Some(nth);
        }
        if self.here.len() >= MAX_VISITORS {
            let reached = self.here.iter().position(|visitor| matches!(visitor.dial, VisitorDial::Done(_)));
            self.here.remove(reached?);
        }
        self.here.push(Visitor {
            id,
            name: name.into(),
            server,
            unicast: None,
            nonce: ctx.random_nonce(),
            is_proven: false,
            leaves: ctx.now + VISIT_ENDS,
            answer_at: None,
            answered: None,
            dial: VisitorDial::Unproven,
        });
        Some(self.here.len() - 1)
    }

    fn prove(&mut self, nth: usize, from: SocketAddr, ctx: &mut Context<'_>) {
        let visitor = &mut self.here[nth];
        if !visitor.is_proven {
            visitor.is_proven = true;
            if visitor.server.port() != 0 {
                visitor.dial = VisitorDial::At(ctx.now);
            }
            self.visits.note(Arc::clone(&visitor.name), from, ctx.now);
            if self.strangers.note_proof(from.into()) {
                let here = self.here.iter_mut().filter(|visitor| visitor.ip() == from.into());
                here.filter_map(|visitor| visitor.answer_at.as_mut()).for_each(|at| *at = ctx.now);
            }
        }
    }

    /// Answers what a presence asks for, as it would a node's.
    fn respond(&mut self, nth: usize, datagram: &Datagram<'_>, ctx: &mut Context<'_>) {
        let (visitor, presence, from) = (&mut self.here[nth], &datagram.presence, datagram.from);
        if let Some(nonce) = presence.nonce {
            let may = visitor.is_proven || self.strangers.take(from.into(), datagram.asked, ctx.now);
            let limit = if visitor.is_proven { &mut self.echoes } else { &mut self.answers };
            if may && limit.take(ctx.now) {
                send(from, Some(nonce), visitor.question(), ctx);
            }
        } else if presence.echo.is_none() && (presence.kind == Kind::Hello || !visitor.is_proven) {
            let most = if ctx.pace.known() <= ANSWER_AT_ONCE {
                Duration::ZERO
            } else {
                ctx.pace.for_each_peer(ANSWER_SPREAD, MAX_ANSWER_WAIT)
            };
            let wait = ctx.rng.random_range(Duration::ZERO..=most);
            visitor.answer_at.get_or_insert(ctx.now + wait);
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let ready = self.dials.ready_at();
        let of = |visitor: &Visitor| {
            let dial = visitor.dial.due().map(|at| ready.map_or(at, |ready| at.max(ready)));
            [visitor.answer_at, dial].into_iter().flatten().fold(visitor.leaves, Instant::min)
        };
        [self.here.iter().map(of).min(), self.visits.due].into_iter().flatten().min()
    }

    /// Does what is due; dials send this frame.
    pub(crate) fn wake(
        &mut self,
        frame: impl Fn(ZonedIp, &Context<'_>) -> Arc<[u8]>,
        ctx: &mut Context<'_>,
    ) -> Besides {
        let mut besides = Besides::Nothing;
        self.here.retain(|visitor| visitor.leaves > ctx.now);
        for visitor in &mut self.here {
            if visitor.answer_at.is_some_and(|at| at <= ctx.now) {
                visitor.answer_at = None;
                let may = visitor.is_proven || self.strangers.take(visitor.ip(), Asked::Everybody, ctx.now);
                let lately = visitor.answered.is_some_and(|at| ctx.is_within(at, STRANGER_ANSWERS_WITHIN));
                if !may && lately {
                    besides = Besides::Announce;
                } else if !may {
                    // Others are at that address, or are said to be: once one of them proves it, all are answered.
                    visitor.answer_at = Some(ctx.now + STRANGER_ANSWERS_WITHIN);
                } else if let Some(to) = visitor.unicast.filter(|_| self.answers.take(ctx.now)) {
                    visitor.answered = Some(ctx.now);
                    send(to, None, visitor.question(), ctx);
                }
            }
            if visitor.dial.due().is_some_and(|at| at <= ctx.now) && self.dials.take(ctx.now) {
                self.last_dial += 1;
                let dial = DialId(self.last_dial);
                visitor.dial = VisitorDial::InFlight(dial);
                let link = ctx.links.chosen(ctx.links.name_of(visitor.ip()).as_ref(), visitor.ip());
                ctx.out.push(Output::Dial {
                    dial,
                    addr: visitor.server,
                    standby: Vec::new(),
                    link: link.map(|link| Arc::clone(&link.name)),
                    request: frame(visitor.ip(), ctx),
                    timeout: ctx.config.retry.timeout,
                    is_sparing: false,
                });
            }
        }
        self.visits.tell(ctx);
        besides
    }

    /// A dial has ended. Says whether it was one of these.
    pub(crate) fn end_dial(&mut self, dial: DialId, succeeded: bool, ctx: &Context<'_>) -> bool {
        let of = self.here.iter_mut().find(|visitor| visitor.dial == VisitorDial::InFlight(dial));
        if let Some(visitor) = of {
            visitor.dial = if succeeded {
                VisitorDial::Done(ctx.now + ctx.pace.dial_interval())
            } else {
                VisitorDial::At(ctx.now + VISITOR_DIALED_AGAIN)
            };
        }
        dial.is_of_visitor()
    }
}

impl Visitor {
    fn ip(&self) -> ZonedIp {
        self.server.into()
    }

    /// What it is asked for.
    fn question(&self) -> Option<Nonce> {
        (!self.is_proven).then_some(self.nonce)
    }
}

fn send(to: SocketAddr, echo: Option<Nonce>, ask: Option<Nonce>, ctx: &mut Context<'_>) {
    let link = ctx.links.name_of(to.into());
    ctx.send_by(link.as_ref(), to, Kind::Heartbeat, ask, echo);
}

#[cfg(test)]
mod tests {
    use super::super::samples::{addr, heard};
    use super::*;
    use crate::engine::context::TestContext;
    use crate::proto::presence::Presence;
    use crate::testkit::{presence, request, secs};

    fn hello(id: u128) -> Presence<'static> {
        Presence { visitor: Some(true), ..presence(Kind::Hello, id, 1) }
    }

    fn wake(visitors: &mut Visitors, test: &mut TestContext) -> Vec<Output> {
        let _ = visitors.wake(|_, _| Arc::from([]), &mut test.context());
        test.outputs()
    }

    fn dials(outputs: &[Output]) -> Vec<(DialId, SocketAddr)> {
        let of = |output: &Output| {
            if let Output::Dial { dial, addr, .. } = output { Some((*dial, *addr)) } else { None }
        };
        outputs.iter().filter_map(of).collect()
    }

    fn visits(outputs: &[Output]) -> Vec<u64> {
        let of = |output: &Output| match output {
            Output::Publish(Event::Visited { count, .. }) => Some(*count),
            _ => None,
        };
        outputs.iter().filter_map(of).collect()
    }

    #[test]
    fn a_visitor_is_dialed_and_told_of_when_it_has_proved_its_address_and_not_before() {
        let (mut test, mut visitors) = (TestContext::new(|_| {}), Visitors::default());
        visitors.hear(&heard("10.0.0.9", hello(9)), &mut test.context());
        assert_eq!(visitors.deadline(), Some(test.now), "it is answered at once");
        let outputs = wake(&mut visitors, &mut test);
        let [Output::Send { bytes, to, .. }] = &outputs[..] else { panic!("{outputs:?}") };
        let asked = Presence::decode(bytes).unwrap().nonce.unwrap();
        assert_eq!(*to, SocketAddr::from(([10, 0, 0, 9], 30_000)));
        let echo = |from, nonce| heard(from, Presence { echo: Some(nonce), ..hello(9) });
        visitors.hear(&echo("10.0.0.9", Nonce(1)), &mut test.context());
        visitors.hear(&echo("10.0.0.8", asked), &mut test.context());
        assert!(wake(&mut visitors, &mut test).is_empty(), "another number, or from elsewhere");
        visitors.hear(&echo("10.0.0.9", asked), &mut test.context());
        let outputs = wake(&mut visitors, &mut test);
        let [(dial, to)] = dials(&outputs)[..] else { panic!("{outputs:?}") };
        assert_eq!((to, visits(&outputs)), (addr("10.0.0.9"), vec![1]));
        assert!(!visitors.end_dial(DialId(1), true, &test.context()), "that is a peer's");
        assert!(visitors.end_dial(dial, false, &test.context()));
        test.now += VISITOR_DIALED_AGAIN;
        let [(dial, _)] = dials(&wake(&mut visitors, &mut test))[..] else { panic!("once more") };
        assert!(visitors.end_dial(dial, true, &test.context()));
        test.now += VISITOR_DIALED_AGAIN;
        assert!(wake(&mut visitors, &mut test).is_empty(), "it knows");
    }

    #[test]
    fn in_whose_name_a_visitor_comes_again_and_again_that_one_is_answered_once() {
        let (mut test, mut visitors) = (TestContext::new(|_| {}), Visitors::default());
        let mut sent = 0;
        let mut besides = Vec::new();
        for nth in 0..20 {
            visitors.hear(&heard("10.0.0.9", hello(9)), &mut test.context());
            visitors.hear(&heard("10.0.0.9", hello(100 + nth)), &mut test.context());
            besides.push(visitors.wake(|_, _| Arc::from([]), &mut test.context()));
            sent += test.sent().len();
        }
        assert_eq!((sent, besides[0], besides[1]), (1, Besides::Nothing, Besides::Announce));
        let asked = visitors.here[0].nonce;
        let echo = Presence { echo: Some(asked), ..hello(9) };
        visitors.hear(&heard("10.0.0.9", echo), &mut test.context());
        let _ = visitors.wake(|_, _| Arc::from([]), &mut test.context());
        assert_eq!(test.sent().len(), 1, "it is there, and so may another be");
    }

    #[test]
    fn an_exchange_is_a_proof_and_one_without_a_server_is_but_counted() {
        let (mut test, mut visitors) = (TestContext::new(|_| {}), Visitors::default());
        for (nth, port) in [(1, 0), (2, 7)] {
            let request = Request { tcp_port: port, ..request(nth) };
            visitors.note_request(&request, addr("10.0.0.9"), &mut test.context());
        }
        let outputs = wake(&mut visitors, &mut test);
        let [(_, to)] = dials(&outputs)[..] else { panic!("{outputs:?}") };
        assert_eq!((to.port(), visits(&outputs)), (7, vec![2]));
        visitors.note_request(&Request { tcp_port: 0, ..request(3) }, addr("10.0.0.9"), &mut test.context());
        assert_eq!(visits(&wake(&mut visitors, &mut test)), [0; 0], "at most one a window");
        test.now += VISITED_WINDOW;
        assert_eq!(visits(&wake(&mut visitors, &mut test)), [1]);
    }

    #[test]
    fn of_too_many_those_make_room_that_were_reached_and_who_leaves_is_forgotten() {
        let (mut test, mut visitors) = (TestContext::new(|_| {}), Visitors::default());
        let many = u128::try_from(MAX_VISITORS).unwrap();
        let come = |visitors: &mut Visitors, test: &mut TestContext, id: u128| {
            let request = Request { tcp_port: 7, ..request(id) };
            visitors.note_request(&request, addr("10.0.0.9"), &mut test.context());
            visitors.here.iter().any(|visitor| visitor.id == NodeId(id))
        };
        assert!((2..many + 2).all(|id| come(&mut visitors, &mut test, id)));
        assert!(!come(&mut visitors, &mut test, 1_000));
        let first = dials(&wake(&mut visitors, &mut test))[0].0;
        visitors.end_dial(first, true, &test.context());
        assert!(come(&mut visitors, &mut test, 1_000));
        assert!(!come(&mut visitors, &mut test, 1_001));
        let bye = |from| heard(from, Presence { visitor: Some(true), ..presence(Kind::Goodbye, 1_000, 2) });
        visitors.hear(&bye("10.0.0.8"), &mut test.context());
        assert_eq!(visitors.here.len(), MAX_VISITORS, "not in another's name");
        visitors.hear(&bye("10.0.0.9"), &mut test.context());
        assert_eq!(visitors.here.len(), MAX_VISITORS - 1);
        test.now += VISIT_ENDS + secs(1);
        wake(&mut visitors, &mut test);
        assert_eq!((visitors.here.len(), visitors.deadline()), (0, None));
    }
}
