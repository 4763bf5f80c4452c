//! Network address translation between two nodes: what a router does is not laid at the door of a host.

use std::net::IpAddr;

use vigie::engine::cause::Cause;
use vigie::engine::event::Event;
use vigie::engine::peers::PeerState;
use vigie::engine::verdict::Verdict;
use vigie::engine::{NodeId, Nonce};
use vigie::proto::address::Address;
use vigie::proto::exchange::{Reply, Request};
use vigie::proto::presence::{Kind, Presence};
use vigie::testkit::{Solo, presence, reply, request, secs};

/// The router, as the network of the node sees it: it is on its link.
const ROUTER: &str = "10.0.0.254";

fn router() -> IpAddr {
    ROUTER.parse().unwrap()
}

/// A request of a node that knows that others see it at the router's address.
fn from_behind(id: u128) -> Request<'static> {
    Request { outside: Some(Address(router())), ..request(id) }
}

fn told(solo: &Solo) -> Vec<Verdict> {
    let told = solo.events.iter().filter_map(|(_, event)| match event {
        Event::Diagnosis(finding) => Some(finding.verdict),
        _ => None,
    });
    told.collect()
}

/// Whom the node was told to be behind a NAT; itself as none.
fn behind(solo: &Solo) -> Vec<Option<String>> {
    let told = solo.events.iter().filter_map(|(_, event)| match event {
        Event::BehindNat { peer, seen_at, this_node } => {
            assert_eq!(*seen_at, router());
            let id = peer.id.expect("it is known");
            Some((!this_node).then(|| id.to_string()))
        }
        _ => None,
    });
    told.collect()
}

/// Lets so many steps of a second pass in each of which what is dialed answers as this says.
fn run(solo: &mut Solo, seconds: u64, mut each: impl FnMut(&mut Solo, u64)) {
    for second in 0..seconds {
        each(solo, second);
        solo.run_for(secs(1));
    }
}

#[test]
fn nodes_that_dial_in_through_a_nat_are_told_so_once_and_neither_dialed_nor_accused() {
    let mut solo = Solo::new(|_| {});
    run(&mut solo, 90, |solo, second| {
        for id in [2, 3] {
            if second % 10 == 0 {
                solo.request_with(&format!("{ROUTER}:5000{id}"), &from_behind(id));
            }
            let beat = presence(Kind::Heartbeat, id, second + 1);
            solo.hear(&format!("{ROUTER}:4000{id}"), &Presence { udp_port: 40_000, ..beat });
        }
    });
    assert!(solo.dials.is_empty(), "{:?}", solo.dials);
    assert_eq!(behind(&solo), [2, 3].map(|id| Some(NodeId(id).to_string())));
    assert_eq!(told(&solo), []);
    assert_eq!(solo.rows().len(), 2);
}

#[test]
fn who_says_that_others_see_it_elsewhere_than_here_is_dialed_as_any_other() {
    let mut solo = Solo::new(|_| {});
    solo.request_with("10.0.0.2:50000", &from_behind(2));
    solo.run_for(secs(1));
    assert_eq!(solo.dials[0].2, "10.0.0.2:17474".parse().unwrap());
    assert!(behind(&solo).is_empty());
}

#[test]
fn a_node_that_turns_out_to_be_behind_a_nat_is_dialed_no_longer_and_one_that_is_no_more_is_again() {
    let mut solo = Solo::new(|_| {});
    solo.request(&format!("{ROUTER}:50000"), 2);
    solo.run_for(secs(1));
    let (_, dial, _) = solo.dials.pop().expect("it is dialed where it comes from");
    solo.fail(dial, Cause::Refused);
    solo.request_with(&format!("{ROUTER}:50001"), &from_behind(2));
    solo.dials.clear();
    solo.run_for(secs(60));
    assert!(solo.dials.is_empty() && told(&solo).is_empty());
    assert_eq!(solo.rows()[0].state, PeerState::New, "nothing is retried any more");
    solo.request(&format!("{ROUTER}:50002"), 2);
    solo.run_for(secs(1));
    assert_eq!(solo.dials[0].2, format!("{ROUTER}:17474").parse().unwrap());
}

#[test]
fn a_node_whose_router_passes_its_port_on_is_dialed_there() {
    let mut solo = Solo::new(|_| {});
    solo.request(&format!("{ROUTER}:50000"), 2);
    run(&mut solo, 40, |solo, second| {
        for (_, dial, _) in std::mem::take(&mut solo.dials) {
            solo.answer(dial, 2, 1_000);
        }
        if second % 10 == 5 {
            solo.request_with(&format!("{ROUTER}:50001"), &from_behind(2));
        }
    });
    assert!(behind(&solo).is_empty());
    assert!(solo.count(|event| matches!(event, Event::DialSucceeded { .. })) > 3);
}

/// What is told of a peer that a person named and whose UDP never comes, where it sees this node at `seen_at`.
fn with_replies_that_see(seen_at: IpAddr) -> Solo {
    let mut solo = Solo::new(|config| config.peers = vec!["192.0.2.2".parse().unwrap()]);
    let local = "10.0.0.1".parse().ok();
    let seen = Reply { seen_at: Some(Address(seen_at)), udp_port: Some(40_000), ..reply(2, Nonce(0)) };
    run(&mut solo, 90, |solo, _| {
        for (_, dial, _) in std::mem::take(&mut solo.dials) {
            solo.answer_with(dial, &seen, local);
        }
    });
    solo
}

#[test]
fn a_node_behind_a_nat_says_so_once_tells_whom_it_dials_and_accuses_nobody_of_the_udp_that_does_not_come() {
    let open = with_replies_that_see("10.0.0.1".parse().unwrap());
    assert!(behind(&open).is_empty() && open.outside.is_none());
    assert!(told(&open).contains(&Verdict::UdpBlocked), "{:?}", told(&open));
    let behind_nat = with_replies_that_see(router());
    assert_eq!(behind(&behind_nat), [None]);
    assert_eq!(behind_nat.outside, Some(router()));
    assert_eq!(told(&behind_nat), []);
    let to_its_own_port = behind_nat.sent.iter().filter(|(_, to, _)| to.port() == 40_000).count();
    assert!(to_its_own_port > 3, "a NAT passes on what comes from where was sent to");
}

#[test]
fn a_peer_that_sees_this_node_at_an_address_of_its_own_does_not_have_others_dial_it_no_longer() {
    let mut solo = Solo::new(|config| config.peers = vec!["192.0.2.2".parse().unwrap()]);
    let seen = Reply { seen_at: "10.0.0.1".parse().ok().map(Address), ..reply(2, Nonce(0)) };
    run(&mut solo, 30, |solo, _| {
        for (_, dial, _) in std::mem::take(&mut solo.dials) {
            solo.answer_with(dial, &seen, "10.0.0.9".parse().ok());
            assert_eq!(solo.outside, None);
        }
    });
    assert!(behind(&solo).is_empty());
}
