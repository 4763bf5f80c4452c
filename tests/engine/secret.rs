//! Nodes with a shared secret among others that have another one or none, and among forgers who have none.

use std::sync::Arc;

use vigie::engine::api::{ConnId, Input, Output};
use vigie::engine::cause::Cause;
use vigie::engine::event::{Event, RejectReason};
use vigie::engine::observation::PathStatus;
use vigie::engine::peers::PeerState;
use vigie::engine::verdict::{Confidence, Verdict};
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::proto::Tag;
use vigie::proto::exchange::{HEADER, Request};
use vigie::proto::presence::{Kind, Presence, Suspicion};
use vigie::proto::rows::{Entry, PageHead, Proof, append};
use vigie::secret::text::{KEY, Key, SecretText};
use vigie::secret::{SEAL, Secret};
use vigie::testkit::{HostId, Lan, Logged, Solo, ms, presence, request, secs};

use crate::one_host::inbound;

/// A secret with these keys, each of one byte again and again.
pub(crate) fn secret(keys: &[u8], hide: bool) -> Arc<Secret> {
    let key = |fill: &u8| Key::new([*fill; KEY]);
    let text = SecretText { used: key(&keys[0]), others: keys[1..].iter().map(key).collect(), hide };
    Arc::new(Secret::new(&text, "default"))
}

fn host(lan: &mut Lan, n: u8, secret: Option<Arc<Secret>>) -> HostId {
    lan.host_with(&[&format!("10.0.0.{n}/16")], |config| config.secret = secret)
}

/// What a host was told is wrong, with whom.
fn findings(lan: &Lan, of: HostId) -> Vec<(Verdict, Confidence, String)> {
    let told = lan.log.iter().filter(|logged| logged.host == of).filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => Some((finding.verdict, finding.confidence, finding.peer.name.clone())),
        _ => None,
    });
    told.collect()
}

#[test]
fn nodes_with_one_secret_know_each_other_hidden_or_not_and_while_keys_are_replaced() {
    for secrets in [
        [Some(secret(&[1], false)), Some(secret(&[1], false)), Some(secret(&[1], false))],
        [Some(secret(&[1], true)), Some(secret(&[1], false)), Some(secret(&[1], true))],
        [Some(secret(&[1, 2], false)), Some(secret(&[2, 1], true)), Some(secret(&[1, 2], true))],
    ] {
        let mut lan = Lan::new(1);
        for (secret, n) in secrets.into_iter().zip(1..) {
            host(&mut lan, n, secret);
        }
        lan.run_for(secs(60));
        assert!(lan.everybody_is(PeerState::Up));
        let bad = |event: &Event| matches!(event, Event::DialFailed { .. } | Event::Diagnosis(_));
        assert!(lan.hosts.iter().enumerate().all(|(n, _)| lan.count(HostId(n), bad) == 0));
        lan.invariants();
    }
}

#[test]
fn nodes_of_another_secret_or_none_are_told_of_and_disturb_nobody() {
    let mut lan = Lan::new(2);
    let ours = [1, 2].map(|n| host(&mut lan, n, Some(secret(&[1], false))));
    let open = [3, 4].map(|n| host(&mut lan, n, None));
    let other = host(&mut lan, 5, Some(secret(&[2], false)));
    let hidden = [6, 7].map(|n| host(&mut lan, n, Some(secret(&[3], true))));
    lan.run_for(secs(60));
    let all = [ours[0], ours[1], open[0], open[1], other, hidden[0], hidden[1]];
    for one in all {
        for another in all {
            let together =
                [ours, open, hidden].iter().any(|pair| pair.contains(&one) && pair.contains(&another));
            let state = (together && one != another).then_some(PeerState::Up);
            assert_eq!(lan.state(one, another), state, "{one:?} {another:?}");
        }
        assert_eq!(lan.count(one, |event| matches!(event, Event::DialFailed { .. })), 0);
        let mut told = findings(&lan, one);
        told.sort_by(|a, b| a.2.cmp(&b.2));
        let strangers = all.iter().filter(|another| {
            lan.state(one, **another).is_none() && **another != one && !hidden.contains(another)
        });
        let expected: Vec<_> = strangers
            .map(|stranger| (Verdict::WrongSecret, Confidence::Likely, format!("h{}", stranger.0)))
            .collect();
        assert_eq!(told, expected, "{one:?}: each is told once, and nobody else");
    }
}

#[test]
fn one_datagram_of_another_secret_accuses_nobody_and_none_in_the_name_of_a_peer_does() {
    let mut lan = Lan::new(3);
    let ours = [1, 2].map(|n| host(&mut lan, n, Some(secret(&[1], false))));
    lan.run_for(secs(30));
    lan.forget_the_log();
    let forged = Presence { name: "stranger", ..presence(Kind::Heartbeat, 77, 1) };
    lan.forge(ours[0], "10.0.0.77:30000", &forged);
    for sequence in 1..40 {
        let id = lan.hosts[ours[1].0].config.id;
        lan.forge(ours[0], "10.0.0.2:30000", &Presence { id, sequence, ..forged });
        lan.run_for(secs(1));
    }
    assert_eq!(findings(&lan, ours[0]), []);
    assert!(lan.everybody_is(PeerState::Up));
}

#[test]
fn what_was_sent_with_the_secret_and_comes_again_from_elsewhere_moves_and_ends_nobody() {
    for hide in [false, true] {
        let mut lan = Lan::new(4);
        let ours = [1, 2, 3].map(|n| host(&mut lan, n, Some(secret(&[1], hide))));
        lan.run_for(secs(40));
        // Of an earlier life, too, whose goodbye was recorded.
        lan.quit(ours[2]);
        lan.run_for(secs(5));
        lan.restart(ours[2], |config| config.incarnation = Incarnation(2_000));
        lan.run_for(secs(40));
        assert!(lan.everybody_is(PeerState::Up), "{hide}");
        let recorded: Vec<_> = lan.sent.iter().filter(|sent| sent.host != ours[0]).cloned().collect();
        lan.forget_the_log();
        for sent in recorded.iter().step_by(2) {
            lan.hear(ours[0], "10.0.9.9:30000", &sent.bytes);
            lan.hear(ours[0], "10.0.0.3:30000", &sent.bytes);
            lan.run_for(ms(20));
        }
        lan.run_for(secs(20));
        assert!(lan.everybody_is(PeerState::Up), "{hide}");
        let harmed = |event: &Event| match event {
            Event::PeerState { to, .. } => *to != PeerState::Up,
            Event::PeerMoved { .. }
            | Event::PeerRestarted { .. }
            | Event::PeerLeft { .. }
            | Event::Diagnosis(_) => true,
            _ => false,
        };
        let told: Vec<_> = lan.log.iter().filter(|l| l.host == ours[0] && harmed(&l.event)).collect();
        assert!(told.is_empty(), "{hide}: {told:#?}");
    }
}

#[test]
fn a_dial_between_nodes_of_different_secrets_ends_with_that_and_no_harm() {
    for (what, dialer, server, says) in [
        ("none and one", None, Some(secret(&[1], false)), "h0 has a secret, and this node has none"),
        ("one and none", Some(secret(&[1], false)), None, "h0 has no secret, and this node has one"),
        ("two", Some(secret(&[1], false)), Some(secret(&[2], false)), "h0 has another secret than this node"),
    ] {
        let mut lan = Lan::new(5);
        let server = host(&mut lan, 2, server);
        // A person names it: presence makes no peer of it.
        let peers = vec!["10.0.0.2".parse().unwrap()];
        let dialer =
            lan.host_with(&["10.0.0.1/16"], |config| (config.secret, config.peers) = (dialer, peers));
        lan.run_for(secs(30));
        let failed =
            lan.log.iter().filter(|logged| logged.host == dialer).find_map(|logged| match &logged.event {
                Event::DialFailed { cause, detail, retryable, .. } => {
                    Some((*cause, detail.to_string(), *retryable))
                }
                _ => None,
            });
        assert_eq!(failed, Some((Cause::WrongSecret, says.to_owned(), false)), "{what}");
        let wrong = (Verdict::WrongSecret, "h0".to_owned());
        assert!(findings(&lan, dialer).iter().any(|(v, _, name)| (*v, name.clone()) == wrong), "{what}");
        assert_eq!(lan.count(server, |event| matches!(event, Event::ExchangeServed { .. })), 0, "{what}");
        assert!(!lan.knows(server, dialer), "{what}");
        let has_one = lan.hosts[server.0].config.secret.is_some();
        let why = if has_one { RejectReason::WrongSecret } else { RejectReason::SecretNeeded };
        let rejected = |e: &Event| matches!(e, Event::Rejected { reason, .. } if *reason == why);
        assert!(lan.count(server, rejected) > 0, "{what}");
    }
}

#[test]
fn a_node_that_hides_answers_nobody_in_the_open() {
    let mut solo = Solo::new(|config| config.secret = Some(secret(&[1], true)));
    let other_group = Request { group: "else", ..request(2) };
    for body in [&request(2).encode()[HEADER..], &other_group.encode()[HEADER..], b"noise"] {
        let from = "10.0.0.2:40000".parse().unwrap();
        solo.engine.handle(
            Input::Request { conn: ConnId(1), from, link: None, body: Ok(body), sealed: false },
            solo.now,
        );
        let outputs = std::iter::from_fn(|| solo.engine.poll_output());
        let frames: Vec<_> = outputs
            .filter_map(|output| if let Output::Reply { frame, .. } = output { Some(frame) } else { None })
            .collect();
        assert_eq!(frames, [None]);
    }
    solo.sent.clear();
    solo.hear("10.0.0.2:30000", &Presence { nonce: Some(Nonce(7)), ..presence(Kind::Hello, 2, 1) });
    assert!(solo.rows().is_empty() && solo.sent.is_empty());
}

#[test]
fn the_forgeries_of_a_stranger_are_without_effect_under_a_secret() {
    let mut lan = Lan::new(6);
    let ours: Vec<_> = (1..6).map(|n| host(&mut lan, n, Some(secret(&[1], false)))).collect();
    lan.run_for(secs(40));
    assert!(lan.everybody_is(PeerState::Up));
    lan.forget_the_log();
    let (id, incarnation) = (lan.hosts[1].config.id, lan.hosts[1].config.incarnation);
    let said = Presence { id, incarnation, name: "h1", ..presence(Kind::Heartbeat, 0, 1 << 19) };
    let suspicion = Suspicion { suspect: lan.hosts[2].config.id, incarnation: Incarnation(1_000), seen: 1 };
    let rounds = [
        Presence { kind: Kind::Goodbye, ..said },
        Presence { incarnation: Incarnation(u64::MAX), ..said },
        Presence { id: NodeId(77), ..said },
        Presence { sequence: u64::MAX, ..said },
        Presence { name: "else", tcp_port: 9, udp_port: 9, ..said },
        Presence { suspicion: Some(suspicion), ..said },
        // A tag that somebody guesses.
        Presence { tag: Some(Tag([7; Tag::LENGTH])), ..said },
    ];
    let asked = Request { id, incarnation: Incarnation(u64::MAX), name: "h1", ..request(0) };
    let frame = asked.encode();
    for _ in 0..20 {
        for (to, from) in
            ours.iter().flat_map(|to| ["10.0.0.2:30000", "10.0.9.9:30000"].map(|from| (*to, from)))
        {
            for forged in &rounds {
                lan.forge(to, from, forged);
            }
            let (conn, from) = (ConnId(u64::MAX), from.parse().unwrap());
            lan.tell(
                to,
                Input::Request { conn, from, link: None, body: Ok(&frame[HEADER..]), sealed: false },
            );
        }
        lan.run_for(ms(500));
    }
    // Nothing follows from any of them but that it is told that they came, and from where nobody of ours is.
    for Logged { event, .. } in &lan.log {
        match event {
            Event::DialStarted { .. } | Event::DialSucceeded { .. } | Event::ExchangeServed { .. } => {}
            Event::Rejected { reason, .. } => assert_eq!(*reason, RejectReason::WrongSecret),
            Event::Diagnosis(finding) => {
                let told = (finding.verdict, finding.confidence, finding.peer.addr.ip().to_string());
                assert_eq!(told, (Verdict::WrongSecret, Confidence::Likely, "10.0.9.9".to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(lan.sent.iter().all(|sent| !sent.to.to_string().starts_with("10.0.9.9")));
    assert!(lan.everybody_is(PeerState::Up));
}

/// What a host knows of how one sees another.
fn told(lan: &Lan, of: HostId, [owner, seen]: [HostId; 2]) -> Option<PathStatus> {
    let view = lan.hosts[of.0].engine.matrix(lan.now);
    let at = |host: HostId| view.position(lan.hosts[host.0].config.id);
    Some(view.observation(at(owner)?, at(seen)?, lan.now)?.tcp)
}

fn unsigned(event: &Event) -> bool {
    matches!(event, Event::Rejected { reason: RejectReason::UnsignedRow, .. })
}

#[test]
fn rows_are_known_to_all_also_of_nodes_that_only_others_reach_and_all_are_their_owners_words() {
    for secret in [None, Some(secret(&[1], false)), Some(secret(&[1], true))] {
        let mut lan = Lan::new(8);
        let hosts: Vec<_> = (1..6).map(|n| host(&mut lan, n, secret.clone())).collect();
        lan.run_for(secs(60));
        // What each tells changes, by exchanges and at once.
        lan.partition(&hosts[..1], &hosts[4..]);
        lan.run_for(secs(90));
        for owner in &hosts {
            for seen in hosts.iter().filter(|seen| *seen != owner) {
                let apart = [*owner, *seen].iter().all(|host| [hosts[0], hosts[4]].contains(host));
                let expected = if apart { PathStatus::Failing } else { PathStatus::Ok };
                for of in &hosts {
                    assert_eq!(
                        told(&lan, *of, [*owner, *seen]),
                        Some(expected),
                        "{of:?}: {owner:?} {seen:?}"
                    );
                }
            }
        }
        let is_renamed = |lan: &Lan| {
            let view = lan.hosts[hosts[0].0].engine.matrix(lan.now);
            view.nodes.iter().any(|node| node.name == "renamed")
        };
        lan.heal();
        lan.tell(hosts[4], Input::Renamed("renamed".into()));
        assert!(lan.run_until(secs(60), is_renamed).is_some());
        lan.run_for(secs(60));
        assert!(lan.everybody_is(PeerState::Up));
        for host in &hosts {
            assert_eq!(lan.count(*host, unsigned), 0);
        }
        lan.invariants();
    }
}

#[test]
fn a_holder_of_the_secret_tells_nothing_in_the_name_of_another() {
    let mut lan = Lan::new(9);
    let hosts: Vec<_> = (1..5).map(|n| host(&mut lan, n, Some(secret(&[1], false)))).collect();
    lan.run_for(secs(60));
    lan.forget_the_log();
    let (victim, other) = (lan.hosts[1].config.clone(), lan.hosts[2].config.id);
    // It even sends from the address at which the other one is dialed: a row that says that nobody is reached, signed with its own key.
    let entry = Entry {
        id: other,
        ways: 0b10_1010,
        cause: 2,
        rtt_us: 0,
        loss: 100,
        checked: 1,
        alive: u16::MAX,
        port: 17_474,
        ip: "10.0.0.3".parse().unwrap(),
        name: "h2",
    };
    let forger = lan.hosts[3].config.key.clone().unwrap();
    for version in 1_000..1_040 {
        let mut head = PageHead {
            owner: victim.id,
            incarnation: victim.incarnation,
            from: 0,
            upto: version,
            latest: version,
            age_ms: 0,
            count: 1,
            dial_interval_ms: Some(10_000),
            proof: None,
        };
        let signature = forger.sign(&version.to_be_bytes());
        head.proof = (version % 2 == 0).then(|| Proof { key: forger.public(), digest: [0; 32], signature });
        let mut rows = Vec::new();
        append(&head, &mut rows);
        append(&entry, &mut rows);
        let asked = Request {
            id: victim.id,
            incarnation: victim.incarnation,
            name: "h1",
            rows: Some(rows.as_slice().into()),
            ..request(0)
        };
        let frame = asked.encode();
        let (conn, from) = (ConnId(u64::MAX), "10.0.0.2:40000".parse().unwrap());
        let body = Ok(&frame[HEADER..]);
        lan.tell(hosts[0], Input::Request { conn, from, link: None, body, sealed: true });
        assert_eq!(told(&lan, hosts[0], [hosts[1], hosts[2]]), Some(PathStatus::Ok));
        lan.run_for(ms(500));
    }
    assert!(lan.everybody_is(PeerState::Up));
    assert!(lan.count(hosts[0], unsigned) > 0, "it is told that it came");
    assert_eq!(lan.count(hosts[0], |event| matches!(event, Event::Diagnosis(_))), 0);
    lan.invariants();
}

#[test]
fn where_a_key_is_replaced_without_a_time_in_which_all_accept_both_it_is_told_that_the_secrets_differ() {
    // The old key is taken away before the others use the new one; the new one is used before the others accept it.
    for (others, first) in [(&[1, 2][..], &[2][..]), (&[1], &[2, 1])] {
        for count in [2, 4] {
            let mut lan = Lan::new(7);
            let hosts: Vec<_> = (1..=count).map(|n| host(&mut lan, n, Some(secret(others, false)))).collect();
            lan.run_for(secs(40));
            assert!(lan.everybody_is(PeerState::Up));
            lan.forget_the_log();
            let replaced = hosts[0];
            lan.kill(replaced);
            lan.restart(replaced, |config| {
                (config.secret, config.incarnation) = (Some(secret(first, false)), Incarnation(2_000));
            });
            lan.run_for(secs(60));
            for host in hosts {
                let told: Vec<Verdict> =
                    findings(&lan, host).into_iter().map(|(verdict, ..)| verdict).collect();
                assert!(told.contains(&Verdict::WrongSecret), "{others:?} {first:?} {host:?}: {told:?}");
                let other = |verdict: &Verdict| ![Verdict::WrongSecret, Verdict::Ok].contains(verdict);
                assert!(!told.iter().any(other), "{others:?} {first:?} {host:?}: {told:?}");
            }
        }
    }
}

/// Three nodes that hide and have one key, and one that uses another one already, which they do not accept yet.
fn a_step_is_skipped(lan: &mut Lan, accepts_the_old_one: bool) -> (HostId, [HostId; 3]) {
    let others = [1, 2, 3].map(|n| host(lan, n, Some(secret(&[1], true))));
    let early = host(lan, 4, Some(secret(&[1], true)));
    lan.run_for(secs(30));
    assert!(lan.everybody_is(PeerState::Up));
    lan.forget_the_log();
    let keys: &[u8] = if accepts_the_old_one { &[2, 1] } else { &[2] };
    lan.restart(early, |config| {
        (config.incarnation, config.secret) = (Incarnation(2_000), Some(secret(keys, true)));
    });
    (early, others)
}

#[test]
fn a_step_that_is_skipped_while_keys_are_replaced_is_told_where_nodes_hide_too() {
    for seed in 0..3 {
        for accepts_the_old_one in [true, false] {
            let mut lan = Lan::new(seed);
            let (early, others) = a_step_is_skipped(&mut lan, accepts_the_old_one);
            lan.run_for(secs(120));
            let last = |of, about: HostId| {
                let name = format!("h{}", about.0);
                findings(&lan, of).into_iter().filter(|(.., who)| *who == name).map(|told| told.0).next_back()
            };
            for other in others {
                assert_eq!(last(other, early), Some(Verdict::WrongSecret), "{seed} {accepts_the_old_one}");
            }
            // It hears those with the old key only if it accepts that: then it, too, says that the secrets differ, of the others or of itself.
            let told = findings(&lan, early);
            assert!(
                told.iter().all(|(verdict, ..)| matches!(verdict, Verdict::WrongSecret | Verdict::Ok)),
                "{told:?}"
            );
            assert_eq!(!told.is_empty(), accepts_the_old_one, "{told:?}");
        }
    }
}

#[test]
fn what_strangers_send_or_a_fault_does_to_nodes_that_hide_is_never_told_as_another_secret() {
    type Fault = fn(&mut Lan, HostId);
    let faults: [(&str, Fault); 5] = [
        ("none", |_, _| {}),
        ("it hears no datagram", |lan, x| inbound(lan, x, |link| link.udp = false)),
        ("killed", Lan::kill),
        ("stopped", Lan::pause),
        ("switched off", Lan::switch_off),
    ];
    for (name, fault) in faults {
        let mut lan = Lan::new(4);
        let hosts = [1, 2, 3, 4].map(|n| host(&mut lan, n, Some(secret(&[1], true))));
        lan.run_for(secs(30));
        assert!(lan.everybody_is(PeerState::Up));
        fault(&mut lan, hosts[3]);
        // Sealed with another key, from the address of the host with the fault.
        let stranger = secret(&[7], true);
        for sequence in 1..120 {
            let presence = presence(Kind::Heartbeat, 77, sequence);
            let bytes = presence.encode_sealed(SEAL, |body| stranger.seal(body));
            (0..3).for_each(|to| lan.hear(hosts[to], "10.0.0.4:30000", &bytes));
            lan.run_for(ms(500));
        }
        for of in hosts {
            let told = findings(&lan, of);
            assert!(told.iter().all(|told| told.0 != Verdict::WrongSecret), "{name}: {told:?}");
        }
    }
}
