//! Several broadcast domains, joined by routers: who is found, and what is told of whom.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use vigie::engine::Incarnation;
use vigie::engine::NodeId;
use vigie::engine::api::{Command, Socket};
use vigie::engine::config::Config;
use vigie::engine::event::{Event, RejectReason};
use vigie::engine::peers::{PeerState, Via};
use vigie::engine::verdict::Verdict;
use vigie::proto::membership::{self, Head, Item, Member, State, Update};
use vigie::proto::presence::{Kind, Presence};

use vigie::testkit::{HostId, Lan, Link, Logged, Solo, Tcp, presence, secs};

use crate::secret::secret;

/// The host that the first of each other segment joins.
const JOINED: &str = "10.1.0.1";

/// A host of a segment behind the router: 10.1.0.0/16, 10.2.0.0/16 and so on, numbered from 0.
fn host(lan: &mut Lan, segment: usize, nth: usize, change: impl FnOnce(&mut Config)) -> HostId {
    lan.routed = true;
    lan.host_with(&[&format!("10.{}.0.{}/16", segment + 1, nth + 1)], change)
}

/// Segments of so many hosts each; the first host of each but the first joins the first of all.
fn joined(lan: &mut Lan, segments: usize, hosts: usize, change: impl Fn(&mut Config)) -> Vec<Vec<HostId>> {
    let mut add = |segment, nth| {
        host(lan, segment, nth, |config| {
            change(config);
            if segment > 0 && nth == 0 {
                config.join = vec![JOINED.parse().unwrap()];
            }
        })
    };
    (0..segments).map(|segment| (0..hosts).map(|nth| add(segment, nth)).collect()).collect()
}

/// All that was told of somebody since the log was forgotten: of whom, and what.
fn accused(lan: &Lan) -> BTreeSet<(String, Verdict)> {
    let told = lan.log.iter().filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) if finding.verdict != Verdict::Ok => {
            Some((finding.peer.name.clone(), finding.verdict))
        }
        _ => None,
    });
    told.collect()
}

/// So many segments of four hosts each, among which all is well: when what is to happen happens.
fn settled(seed: u64, segments: usize) -> (Lan, Vec<Vec<HostId>>, std::time::Duration) {
    let mut lan = Lan::new(seed);
    let segments = joined(&mut lan, segments, 4, |_| {});
    all_up(&mut lan, 15);
    lan.run_for(secs(30));
    lan.forget_the_log();
    let begun = lan.elapsed();
    (lan, segments, begun)
}

fn all_up(lan: &mut Lan, within: u64) -> std::time::Duration {
    lan.run_until(secs(within), |lan| lan.everybody_is(PeerState::Up)).expect("everybody reaches everybody")
}

#[test]
fn one_node_of_each_domain_that_joins_is_enough_for_all_to_find_each_other() {
    for seed in 0..5 {
        let mut lan = Lan::new(seed);
        let segments = joined(&mut lan, 4, 5, |_| {});
        all_up(&mut lan, 8);
        let of = lan.hosts[segments[1][4].0].config.id;
        let found = lan.log.iter().find_map(|logged| match &logged.event {
            Event::PeerDiscovered { peer, via } if logged.host == segments[2][3] && peer.id == Some(of) => {
                Some(*via)
            }
            _ => None,
        });
        assert!(matches!(found, Some(Via::Membership | Via::Reply)), "seed {seed}: {found:?}");
        let by_membership =
            |logged: &&Logged| matches!(logged.event, Event::PeerDiscovered { via: Via::Membership, .. });
        assert!(lan.log.iter().any(|logged| by_membership(&logged)), "seed {seed}");
        lan.run_for(secs(200));
        assert_eq!(accused(&lan), BTreeSet::new(), "seed {seed}");
        assert!(lan.everybody_is(PeerState::Up), "seed {seed}");
        let refused = lan.log.iter().filter(|logged| {
            logged.at > secs(10)
                && matches!(logged.event, Event::Rejected { reason: RejectReason::OffLink, .. })
        });
        assert_eq!(refused.count(), 0, "seed {seed}: members that ask each other are no news");
        lan.invariants();
    }
}

#[test]
fn who_joins_later_by_a_command_is_found_by_all_and_a_node_that_starts_later_needs_no_option() {
    let mut lan = Lan::new(1);
    let segments: Vec<Vec<HostId>> =
        (0..2).map(|s| (0..3).map(|n| host(&mut lan, s, n, |_| {})).collect()).collect();
    lan.run_for(secs(20));
    assert!(!lan.knows(segments[0][0], segments[1][0]), "nobody joined");
    lan.command(segments[1][2], Command::Join(JOINED.parse().unwrap()));
    all_up(&mut lan, 15);
    let late = host(&mut lan, 0, 7, |_| {});
    all_up(&mut lan, 30);
    assert!(lan.knows(late, segments[1][1]) && lan.knows(segments[1][1], late));
}

#[test]
fn under_a_secret_and_where_packets_are_lost_it_is_the_same() {
    for (what, secret, loss) in [
        ("a secret", Some(secret(&[1], false)), 0.0),
        ("a secret that hides", Some(secret(&[1], true)), 0.0),
        ("loss", None, 0.1),
    ] {
        let mut lan = Lan::new(3);
        lan.link.loss = loss;
        joined(&mut lan, 3, 4, |config| config.secret.clone_from(&secret));
        lan.run_until(secs(30), |lan| {
            (0..12).all(|of| (0..12).all(|other| of == other || lan.knows(HostId(of), HostId(other))))
        })
        .unwrap_or_else(|| panic!("{what}: all are found"));
        lan.run_for(secs(120));
        let told = accused(&lan).into_iter().filter(|(_, verdict)| *verdict != Verdict::PacketLoss);
        assert_eq!(told.collect::<Vec<_>>(), [], "{what}");
    }
}

#[test]
fn nodes_of_another_group_are_not_joined() {
    let mut lan = Lan::new(1);
    let here = host(&mut lan, 0, 0, |_| {});
    let there = host(&mut lan, 1, 0, |config| {
        config.group = "other".into();
        config.join = vec![JOINED.parse().unwrap()];
    });
    let mate = host(&mut lan, 1, 1, |config| config.group = "other".into());
    lan.run_for(secs(60));
    assert!(!lan.knows(here, there) && !lan.knows(here, mate) && lan.knows(there, mate));
}

#[test]
fn a_segment_that_is_cut_off_comes_back_by_itself_however_long_that_was() {
    for (seed, minutes) in [(0, 1), (1, 10), (2, 30)] {
        let mut lan = Lan::new(seed);
        let segments = joined(&mut lan, 3, 4, |_| {});
        all_up(&mut lan, 15);
        lan.run_for(secs(20));
        lan.record = false;
        lan.partition(&segments[2], &segments[..2].concat());
        lan.run_for(secs(60 * minutes));
        lan.heal();
        // Who was forgotten meanwhile is announced to now and then.
        all_up(&mut lan, 60);
        lan.invariants();
    }
}

#[test]
fn a_node_that_crashes_is_told_everywhere_and_nobody_else_and_who_leaves_is_not() {
    for seed in 0..3 {
        let mut lan = Lan::new(seed);
        let segments = joined(&mut lan, 3, 4, |_| {});
        all_up(&mut lan, 15);
        lan.run_for(secs(30));
        lan.forget_the_log();
        let victim = segments[1][2];
        lan.kill(victim);
        lan.run_for(secs(30));
        let name = lan.hosts[victim.0].config.name.clone();
        assert_eq!(accused(&lan), BTreeSet::from([(name, Verdict::ClosedPort)]), "seed {seed}");
        lan.restart(victim, |_| {});
        all_up(&mut lan, 30);
        lan.run_for(secs(30));
        lan.forget_the_log();
        segments[2].iter().for_each(|host| lan.quit(*host));
        lan.run_for(secs(60));
        assert_eq!(accused(&lan), BTreeSet::new(), "seed {seed}: a whole segment left");
    }
}

#[test]
fn the_cost_of_membership_is_a_few_datagrams_a_second_and_none_without_it() {
    let told = |lan: &Lan| {
        let is_told =
            |bytes: &[u8]| Presence::decode(bytes).is_ok_and(|presence| presence.membership.is_some());
        lan.sent.iter().filter(|sent| is_told(&sent.bytes)).count()
    };
    let mut lan = Lan::new(1);
    joined(&mut lan, 4, 5, |_| {});
    all_up(&mut lan, 15);
    lan.run_for(secs(60));
    lan.forget_the_log();
    lan.run_for(secs(100));
    let told_at_rest = told(&lan);
    assert!(told_at_rest < 20 * 100, "{told_at_rest} of twenty nodes in 100 s: more than one a second each");
    let mut alone = Lan::new(1);
    alone.hosts(5);
    alone.run_for(secs(60));
    assert_eq!(told(&alone), 0);
}

/// A member that does not exist, at an address of somebody else.
fn invented(nth: u32, port: u16) -> Member {
    let ip = IpAddr::V4(Ipv4Addr::from(0xc633_6400 + nth % 200));
    Member {
        id: NodeId(u128::from(nth) << 32 | 0xabc),
        incarnation: Incarnation(1),
        renewal: 0,
        ip,
        tcp_port: 17_474,
        udp_port: port,
        prefix: 24,
    }
}

fn gossip(from: Member, to: Member, updates: &[Update]) -> Vec<u8> {
    let head = Head { from, objections: 0, to, kind: membership::Kind::Gossip, probe: None, third: None };
    let mut bytes = Item::of(&head).bytes().to_vec();
    bytes.extend_from_slice(&u16::try_from(updates.len()).unwrap().to_be_bytes());
    for update in updates {
        bytes.extend_from_slice(Item::of(update).bytes());
    }
    bytes
}

/// Where the peer sends from that is a member.
const MEMBER: &str = "10.0.0.2:30000";

/// A node alone with a peer that proved its address, and both as members.
fn beside_a_member() -> (Solo, Member, Member) {
    let mut solo = Solo::new(|_| {});
    solo.request(MEMBER, 2);
    let own = solo.engine.snapshot(solo.now).node.id;
    let ip = |nth| Ipv4Addr::new(10, 0, 0, nth).into();
    let incarnation = Incarnation(1_000);
    let peer = Member { id: NodeId(2), incarnation, ip: ip(2), ..invented(2, 30_000) };
    let me = Member { id: own, ip: ip(1), ..peer };
    (solo, me, peer)
}

#[test]
fn nodes_are_counted_by_network_with_the_members_that_are_not_dialed() {
    let (mut solo, me, peer) = beside_a_member();
    let far =
        (10..17).map(|nth| Update { member: invented(nth, 30_000), objections: 0, state: State::Alive });
    let told = gossip(peer, me, &far.collect::<Vec<_>>());
    let presence = Presence { membership: Some(told[..].into()), ..presence(Kind::Heartbeat, 2, 2) };
    solo.hear_at(Socket::Private, MEMBER, &presence);
    let view = solo.engine.matrix(solo.now);
    let told: Vec<(String, usize, usize)> =
        view.segments.iter().map(|it| (it.network.to_string(), it.known, it.dialed)).collect();
    let expected = [("10.0.0.0/16".to_owned(), 1, 1), ("198.51.100.0/24".to_owned(), 7, 0)];
    assert_eq!(told, expected);
    assert_eq!(view.networks(), None, "no node of the matrix is in the other one");
}

#[test]
fn who_invents_members_makes_a_node_send_few_datagrams_to_each_address_and_dial_none() {
    let (mut solo, me, liar) = beside_a_member();
    solo.sent.clear();
    solo.dials.clear();
    let mut sequence = 1;
    for _ in 0..60 {
        for _ in 0..50_u32 {
            sequence += 1;
            let first = u32::try_from(sequence).unwrap() * 10;
            let member = |nth| invented(nth, u16::try_from(1_000 + nth % 30_000).unwrap());
            let updates: Vec<Update> = (first..first + 10)
                .map(|nth| Update { member: member(nth), objections: 0, state: State::Alive })
                .collect();
            let told = gossip(liar, me, &updates);
            let presence =
                Presence { membership: Some(told[..].into()), ..presence(Kind::Heartbeat, 2, sequence) };
            solo.hear_at(Socket::Private, MEMBER, &presence);
        }
        solo.run_for(secs(1));
    }
    let victim = |to: &IpAddr| to.to_string().starts_with("198.51.100.");
    let mut asked: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for to in solo.sent.iter().map(|(_, to, _)| to.ip()).filter(victim) {
        *asked.entry(to).or_default() += 1;
    }
    assert!(asked.len() > 10, "members are asked: {}", asked.len());
    let (all, most): (usize, usize) = (asked.values().sum(), *asked.values().max().unwrap());
    assert!(most <= 48, "{most} datagrams to one address in a minute");
    assert!(all <= 20 * 61, "{all} in all");
    let elsewhere = solo.dials.iter().filter(|(_, _, to)| victim(&to.ip()));
    assert_eq!(elsewhere.count(), 0, "who did not answer is not dialed");
    assert!(solo.rows().iter().all(|row| row.info.id == Some(NodeId(2))), "nor has it a row");
}

/// What was told in the last seconds, each once: of whom, what, and how it lies.
fn told(lan: &Lan, since: std::time::Duration) -> BTreeMap<(String, Verdict), BTreeSet<HostId>> {
    let mut told: BTreeMap<(String, Verdict), BTreeSet<HostId>> = BTreeMap::new();
    for logged in lan.log.iter().filter(|logged| logged.at >= since) {
        if let Event::Diagnosis(finding) = &logged.event
            && finding.verdict != Verdict::Ok
        {
            told.entry((finding.subject(), finding.verdict)).or_default().insert(logged.host);
        }
    }
    told
}

/// What a filter of the router does to what goes from one segment to another.
fn filter(lan: &mut Lan, from: &[HostId], to: &[HostId], change: impl Fn(&mut Link)) {
    for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
        lan.towards(from, to, &change);
    }
}

#[test]
fn a_router_that_lets_nothing_pass_between_two_segments_is_told_everywhere_and_no_host_is_accused() {
    let all = |link: &mut Link| (link.udp, link.tcp) = (false, Tcp::Dropped);
    let udp = |link: &mut Link| link.udp = false;
    let tcp = |link: &mut Link| link.tcp = Tcp::Dropped;
    let cases = [
        ("all", all as fn(&mut Link), true, Verdict::Isolated),
        ("all, one way", all, false, Verdict::Isolated),
        ("UDP", udp, true, Verdict::UdpBlocked),
        ("TCP", tcp, true, Verdict::FirewallDrop),
    ];
    for (what, change, both, verdict) in cases {
        for seed in 0..3 {
            let mut lan = Lan::new(seed);
            let segments = joined(&mut lan, 3, 4, |_| {});
            all_up(&mut lan, 15);
            lan.run_for(secs(30));
            lan.forget_the_log();
            let begun = lan.elapsed();
            filter(&mut lan, &segments[0], &segments[2], change);
            if both {
                filter(&mut lan, &segments[2], &segments[0], change);
            }
            let only = (String::from("10.1.0.0/16 ↔ 10.3.0.0/16"), verdict);
            let by_all = |lan: &Lan| told(lan, begun).get(&only).is_some_and(|by| by.len() == 12);
            let took = lan.run_until(secs(15), by_all);
            assert!(took.is_some(), "{what}, seed {seed}: {:?}", told(&lan, begun));
            lan.run_for(secs(40));
            assert_eq!(told(&lan, begun).keys().collect::<Vec<_>>(), [&only], "{what}, seed {seed}");
            lan.forget_the_log();
            lan.heal();
            lan.mend();
            let withdrawn = |lan: &Lan| {
                let over =
                    |l: &&Logged| matches!(&l.event, Event::Diagnosis(found) if found.verdict == Verdict::Ok);
                lan.log.iter().filter(over).map(|logged| logged.host).collect::<BTreeSet<_>>().len() == 12
            };
            assert!(lan.run_until(secs(20), withdrawn).is_some(), "{what}, seed {seed}");
            lan.run_for(secs(40));
            assert_eq!(told(&lan, begun), BTreeMap::new(), "{what}, seed {seed}: afterwards");
        }
    }
}

#[test]
fn a_network_that_is_cut_off_is_named_on_both_sides_and_nobody_else_while_it_comes_back() {
    for seed in 0..8 {
        let (mut lan, segments, begun) = settled(seed, 3);
        lan.partition(&segments[2], &segments[..2].concat());
        let only = ("10.3.0.0/16".to_owned(), Verdict::Isolated);
        let by_all = |lan: &Lan| told(lan, begun).get(&only).is_some_and(|by| by.len() == 12);
        assert!(lan.run_until(secs(15), by_all).is_some(), "seed {seed}: {:?}", told(&lan, begun));
        lan.run_for(secs(60));
        assert_eq!(told(&lan, begun).keys().collect::<Vec<_>>(), [&only], "seed {seed}");
        lan.forget_the_log();
        lan.heal();
        lan.run_for(secs(60));
        assert_eq!(told(&lan, begun), BTreeMap::new(), "seed {seed}: afterwards");
        assert!(lan.everybody_is(PeerState::Up), "seed {seed}");
    }
}

#[test]
fn of_two_networks_each_tells_that_the_other_one_is_cut_off() {
    let (mut lan, segments, begun) = settled(1, 2);
    lan.partition(&segments[0], &segments[1]);
    lan.run_for(secs(60));
    let (one, other) = ("10.1.0.0/16".to_owned(), "10.2.0.0/16".to_owned());
    let expected = [(other, &segments[0]), (one, &segments[1])]
        .map(|(network, by)| ((network, Verdict::Isolated), by.iter().copied().collect::<BTreeSet<_>>()));
    assert_eq!(told(&lan, begun), BTreeMap::from(expected));
}

#[test]
fn the_firewall_of_one_host_is_that_hosts_and_not_the_routers() {
    for seed in 0..3 {
        let (mut lan, segments, begun) = settled(seed, 3);
        let victim = segments[2][1];
        let others: Vec<HostId> = segments.concat().into_iter().filter(|host| *host != victim).collect();
        filter(&mut lan, &others, &[victim], |link| link.tcp = Tcp::DroppedSyn);
        lan.run_for(secs(60));
        let name = lan.hosts[victim.0].config.name.clone();
        let mut last: BTreeMap<HostId, String> = BTreeMap::new();
        for logged in &lan.log {
            if let Event::Diagnosis(finding) = &logged.event
                && finding.verdict != Verdict::Ok
            {
                last.insert(logged.host, finding.peer.name.clone());
            }
        }
        assert!(last.len() == 12 && last.values().all(|accused| *accused == name), "seed {seed}: {last:?}");
        assert!(told(&lan, begun).keys().all(|(subject, _)| !subject.contains('/')), "seed {seed}");
    }
}
