//! Another node with this node's identity: a machine that was cloned while it ran, or a snapshot restored beside its original.
//!
//! Identities are random, so that two nodes draw the same one never. A copy of a whole machine has the same one all the same, and
//! the same next random numbers. So what tells the two apart, and the new identity, is made with the own address, too.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rand::RngExt;

use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::limits::{RENEWAL_GAP, TWIN_GAP};
use crate::engine::{NodeId, Nonce};
use crate::proto::presence::{Kind, Presence};

/// What is known of a twin.
#[derive(Debug, Default)]
pub(crate) struct TwinWatch {
    asked: Option<Question>,
    /// When this node last took another identity.
    renewed: Option<Instant>,
}

/// Whoever speaks in this node's name at an address is asked who it is.
#[derive(Debug, Clone, Copy)]
struct Question {
    at: ZonedIp,
    nonce: Nonce,
    asked: Instant,
    /// The question came back to this node itself: that is its own address as others see it.
    came_back: bool,
}

/// What follows from a presence in this node's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum TwinCheck {
    /// Nothing.
    Settled,
    /// It asks who is here: it is to be answered with its nonce.
    Asks(Nonce),
    /// Another node holds that address and has this node's identity.
    IsTwin,
}

impl TwinWatch {
    /// Takes a presence of this node's own identity and group.
    pub(crate) fn handle(
        &mut self,
        from: SocketAddr,
        presence: &Presence<'_>,
        ctx: &mut Context<'_>,
    ) -> TwinCheck {
        let at = ZonedIp::from(from);
        if ctx.links.holds(at) || !ctx.links.reaches(at) || presence.kind == Kind::Goodbye {
            return TwinCheck::Settled;
        }
        let asked = self.asked.as_mut().filter(|asked| asked.at == at);
        match (asked, presence.nonce, presence.echo) {
            (Some(asked), Some(nonce), _) if nonce == asked.nonce => asked.came_back = true,
            (Some(asked), _, Some(echo)) if echo == asked.nonce && !asked.came_back => {
                return self.renew(ctx.now);
            }
            (_, _, Some(_)) => {}
            (_, Some(nonce), None) => return TwinCheck::Asks(nonce),
            (_, None, None) => self.ask(at.at_port(presence.udp_port), ctx),
        }
        TwinCheck::Settled
    }

    fn ask(&mut self, to: SocketAddr, ctx: &mut Context<'_>) {
        let lately = self.asked.is_some_and(|question| ctx.is_within(question.asked, TWIN_GAP));
        if lately || to.port() == 0 {
            return;
        }
        // In the last bits the addresses of one network differ.
        let own = address_bits(ctx.links.own_address_towards(to.into())) & u128::from(u64::MAX);
        let nonce = Nonce(ctx.random_nonce().0 ^ u64::try_from(own).unwrap_or(0));
        self.asked = Some(Question { at: to.into(), nonce, asked: ctx.now, came_back: false });
        ctx.send(to, Kind::Heartbeat, Some(nonce), None);
    }

    fn renew(&mut self, now: Instant) -> TwinCheck {
        let lately = self.renewed.is_some_and(|at| now.saturating_duration_since(at) < RENEWAL_GAP);
        self.asked = None;
        if lately {
            return TwinCheck::Settled;
        }
        self.renewed = Some(now);
        TwinCheck::IsTwin
    }
}

/// A new identity, another one than a twin draws.
pub(crate) fn another_id(ctx: &mut Context<'_>) -> NodeId {
    NodeId(ctx.rng.random::<u128>() ^ address_bits(ctx.links.own_address()))
}

fn address_bits(ip: ZonedIp) -> u128 {
    match ip.ip() {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::{TestContext, TestSent};
    use crate::testkit::{presence, secs};

    fn twin() -> SocketAddr {
        "10.0.0.9:30000".parse().unwrap()
    }

    fn hear(watch: &mut TwinWatch, presence: Presence<'_>, test: &mut TestContext) -> TwinCheck {
        watch.handle(twin(), &presence, &mut test.context())
    }

    fn mine() -> Presence<'static> {
        presence(Kind::Heartbeat, 1, 5)
    }

    /// The nonce of the question that a heartbeat in this node's name leads to.
    fn question(watch: &mut TwinWatch, test: &mut TestContext) -> Option<Nonce> {
        assert_eq!(hear(watch, mine(), test), TwinCheck::Settled);
        test.sent().first().map(|sent: &TestSent| {
            assert_eq!(sent.to, twin());
            sent.nonce.expect("a question")
        })
    }

    #[test]
    fn who_has_this_nodes_identity_and_answers_elsewhere_is_a_twin() {
        let mut test = TestContext::new(|_| {});
        let mut watch = TwinWatch::default();
        let nonce = question(&mut watch, &mut test);
        let echo = |echo| Presence { echo, ..mine() };
        assert_eq!(hear(&mut watch, echo(Some(Nonce(1))), &mut test), TwinCheck::Settled, "a wrong echo");
        assert_eq!(hear(&mut watch, echo(nonce), &mut test), TwinCheck::IsTwin);
        assert_eq!(hear(&mut watch, echo(nonce), &mut test), TwinCheck::Settled, "each question counts once");
    }

    #[test]
    fn a_question_that_comes_back_is_no_twin() {
        let mut test = TestContext::new(|_| {});
        let mut watch = TwinWatch::default();
        let nonce = question(&mut watch, &mut test);
        assert_eq!(hear(&mut watch, Presence { nonce, ..mine() }, &mut test), TwinCheck::Settled);
        assert!(test.sent().is_empty(), "its own question is not answered");
        assert_eq!(hear(&mut watch, Presence { echo: nonce, ..mine() }, &mut test), TwinCheck::Settled);
    }

    #[test]
    fn a_twin_that_asks_is_answered_or_neither_would_know() {
        let mut test = TestContext::new(|_| {});
        let asks = Presence { nonce: Some(Nonce(7)), ..mine() };
        assert_eq!(hear(&mut TwinWatch::default(), asks, &mut test), TwinCheck::Asks(Nonce(7)));
    }

    #[test]
    fn it_is_asked_once_a_second_and_the_identity_changes_once_a_minute() {
        let mut test = TestContext::new(|_| {});
        let mut watch = TwinWatch::default();
        let mut renewals = 0;
        for _ in 0..120 {
            let nonce = question(&mut watch, &mut test);
            assert!(nonce.is_some() && question(&mut watch, &mut test).is_none());
            renewals += u32::from(
                hear(&mut watch, Presence { echo: nonce, ..mine() }, &mut test) == TwinCheck::IsTwin,
            );
            test.now += secs(1);
        }
        assert_eq!(renewals, 2);
    }

    #[test]
    fn what_comes_from_this_machine_or_from_beyond_its_links_is_nobodys() {
        let mut test = TestContext::new(|_| {});
        let mut watch = TwinWatch::default();
        for from in ["10.0.0.1:30000", "192.0.2.9:30000"] {
            let found = watch.handle(from.parse().unwrap(), &mine(), &mut test.context());
            assert_eq!((found, test.sent().len()), (TwinCheck::Settled, 0), "{from}");
        }
        assert_eq!(
            hear(&mut watch, Presence { kind: Kind::Goodbye, ..mine() }, &mut test),
            TwinCheck::Settled
        );
        assert!(test.sent().is_empty());
    }

    #[test]
    fn two_copies_of_a_node_draw_different_numbers() {
        let drawn = |ip: &str| {
            let mut test = TestContext::new(|_| {});
            let _ = test.shared.links_mut().replace(vec![crate::testkit::interface(ip)]);
            (another_id(&mut test.context()), question(&mut TwinWatch::default(), &mut test))
        };
        let (one, other) = (drawn("10.0.0.1/16"), drawn("10.0.0.2/16"));
        assert!(one.0 != other.0 && one.1 != other.1);
    }
}
