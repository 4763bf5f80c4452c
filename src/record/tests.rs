//! Every event, written and read again.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::engine::address::{Endpoint, LinkIndex};
use crate::engine::cause::{Cause, Detail};
use crate::engine::config::DialInterval;
use crate::engine::event::{Event, RejectReason, Stamped, StopReason};
use crate::engine::hardware::HardwareAddr;
use crate::engine::interface::Interface;
use crate::engine::matrix::MatrixView;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::peers::{
    DialPhase, Elsewhere, HeardFrom, LeaveReason, NodeInfo, PathState, PeerInfo, PeerSnapshot, PeerState,
    Snapshot, Via,
};
use crate::engine::segments::Segment;
use crate::engine::verdict::{Advice, Evidence, Finding, FindingId, Verdict};
use crate::engine::{Incarnation, NodeId};
use crate::testkit::{self, peer};

fn t(us: u64) -> Instant {
    static T0: OnceLock<Instant> = OnceLock::new();
    *T0.get_or_init(testkit::t0) + Duration::from_micros(us)
}

fn zoned(zone: &str) -> Endpoint {
    Endpoint::named("[fe80::7%3]:17474".parse().unwrap(), Some(zone))
}

fn node() -> Arc<NodeInfo> {
    let dial_interval = DialInterval::Every(Duration::from_secs(7));
    Arc::new(NodeInfo { dial_interval, ..testkit::node(1, "here") })
}

fn interface() -> Interface {
    let hardware = Some(HardwareAddr([2, 0, 0, 0, 0, 7]));
    let eth0 = Interface::new("eth0", Ipv4Addr::new(10, 0, 0, 1), 24).unwrap();
    Interface { index: Some(LinkIndex(3)), hardware, ..eth0 }
}

fn observation() -> Observation {
    Observation {
        tcp: PathStatus::Failing,
        echo: PathStatus::Ok,
        large: PathStatus::Failing,
        loss: Some(12),
        cause: Some(Cause::Refused),
        rtt: Some(Duration::from_micros(840)),
        checked: Some(t(7)),
        alive: Some(t(8)),
        at: Some(Ipv4Addr::new(10, 0, 0, 7).into()),
        ..Observation::default()
    }
}

fn rows() -> Vec<PeerSnapshot> {
    let plain = testkit::row(&peer(1, "plain"), PeerState::Up);
    let heard = HeardFrom {
        addr: zoned("eth0"),
        last: t(5),
        last_heard_ms: 2,
        interface: Some("eth0".into()),
        proven: true,
        state: PathState::Failing,
        rtt_us: Some(9),
    };
    let claimed = Some(Ipv4Addr::new(192, 168, 0, 1).into());
    let full = PeerSnapshot {
        rtt_us: Some(840),
        connect: Some(Duration::from_micros(84)),
        loss: Some(0.25),
        last_heard_ms: Some(12),
        last_heard: Some(t(3)),
        cause: Some(Cause::NoReply),
        verdict: Verdict::HungPeer,
        observation: observation(),
        dial: DialPhase::Waiting { attempt: 2, max: 5, since: t(6), until: t(9_000) },
        interface: Some("eth0".into()),
        elsewhere: Some(Arc::new(Elsewhere { heard: vec![heard], claimed })),
        ..testkit::row(&peer(2, "full"), PeerState::Unreachable)
    };
    let with = |nth: u64, dial| PeerSnapshot { dial, ..testkit::row(&peer(nth, "x"), PeerState::New) };
    let queued = with(3, DialPhase::Queued { attempt: 1 });
    let dialing = with(4, DialPhase::InFlight { attempt: 1, max: 5, since: t(4) });
    let resting = with(5, DialPhase::Resting { next: Some(t(5_000)) });
    vec![plain, full, queued, dialing, resting]
}

/// A finding as it is read: in words, but for the addresses of those that share a name.
fn finding() -> Arc<Finding> {
    let addrs = vec![peer(1, "a").addr, zoned("eth0")];
    Arc::new(Finding {
        id: FindingId(7),
        evidence: vec![Evidence::Told("seen".into()), Evidence::SharedName { addrs }],
        advice: Advice::Told("do this".into()),
        pairs: vec![(NodeId(1), NodeId(2))],
        pair_count: 3,
        since: t(2),
        replaces: Some(FindingId(6)),
        ..testkit::finding(&peer(2, "twin"), Verdict::DuplicateName, t(2))
    })
}

fn view() -> MatrixView {
    let nodes = [peer(1, "here"), peer(2, "h2"), peer(3, "h3")];
    let told = |nth| (nth < 2).then(|| testkit::told(t(4), [(NodeId(9), observation())]));
    let mut view = testkit::matrix(t(11), &nodes, told);
    let mut nodes = view.nodes.to_vec();
    nodes[2].second_hand = true;
    view.nodes = nodes.into();
    let network = "10.2.0.0/16".parse().unwrap();
    let segments = vec![Segment { network, known: 9, dialed: 4 }];
    MatrixView { findings: vec![finding()], left_out: 4, segments, ..view }
}

/// An event of each kind; of some more than one.
fn all() -> Vec<Event> {
    let h7 = || peer(7, "host7");
    let addr = h7().addr;
    let unmet = Arc::new(PeerInfo {
        addr: (Ipv4Addr::UNSPECIFIED, 17_474).into(),
        ..PeerInfo::clone(&testkit::named_peer(8, "host8"))
    });
    vec![
        Event::Started { node: node(), interfaces: [interface()].into() },
        Event::NodeRenamed { node: node(), from: "before".into() },
        Event::InterfaceUp { interface: Arc::new(interface()) },
        Event::InterfaceDown { interface: Arc::new(interface()) },
        Event::IdChanged { node: node(), previous_id: NodeId(5), twin: addr },
        Event::PeerDiscovered { peer: h7(), via: Via::Multicast },
        Event::PeerDiscovered { peer: unmet, via: Via::Static },
        Event::PeerState { peer: h7(), from: PeerState::New, to: PeerState::Silent },
        Event::PeerRestarted { peer: h7(), previous_incarnation: Incarnation(3) },
        Event::PeerMoved { peer: h7(), from: zoned("eth0"), to: addr, path_only: true },
        Event::PeerMoved {
            peer: h7(),
            from: (Ipv4Addr::UNSPECIFIED, 17_474).into(),
            to: addr,
            path_only: false,
        },
        Event::BehindNat { peer: h7(), seen_at: addr.ip(), this_node: false },
        Event::PeerPath {
            peer: h7(),
            addr: zoned("eth0"),
            interface: Some("eth0".into()),
            from: PathState::Up,
            to: PathState::Failing,
        },
        Event::Visited { name: "cron".into(), addr, count: 3 },
        Event::PeerLeft { peer: h7(), reason: LeaveReason::Expired },
        Event::DialStarted { peer: h7(), addr, attempt: 1, max: 5, forced: true },
        Event::DialSucceeded {
            peer: h7(),
            addr,
            attempt: 2,
            connect: Duration::from_micros(84),
            rtt: Duration::from_micros(840),
        },
        Event::DialFailed {
            peer: h7(),
            addr,
            attempt: 1,
            max: 5,
            cause: Cause::TimedOut,
            detail: Detail::system("connect: timed out"),
            errno: Some(110),
            retryable: true,
            retry_in: Some(Duration::from_millis(2_100)),
        },
        Event::DialGaveUp { peer: h7(), addr, attempts: 5, cause: Cause::TimedOut },
        Event::ExchangeServed { peer: Some(h7()), addr: None },
        Event::ExchangeServed { peer: None, addr: Some(addr) },
        Event::Diagnosis(finding()),
        Event::Rejected { from: addr, reason: RejectReason::TooManyNodes, count: 9 },
        Event::Lagged { missed: 12 },
        Event::Snapshot(Arc::new(Snapshot { node: node(), interfaces: [interface()].into(), peers: rows() })),
        Event::Matrix(Arc::new(view())),
        Event::Stopped { reason: StopReason::Elapsed },
    ]
}

/// Its place among the kinds. One that is new has none: give it the next, and an example in [`all`].
fn kind(event: &Event) -> usize {
    match event {
        Event::Started { .. } => 0,
        Event::NodeRenamed { .. } => 1,
        Event::InterfaceUp { .. } => 2,
        Event::InterfaceDown { .. } => 3,
        Event::IdChanged { .. } => 4,
        Event::PeerDiscovered { .. } => 5,
        Event::PeerState { .. } => 6,
        Event::PeerRestarted { .. } => 7,
        Event::PeerMoved { .. } => 8,
        Event::BehindNat { .. } => 23,
        Event::PeerPath { .. } => 9,
        Event::Visited { .. } => 10,
        Event::PeerLeft { .. } => 11,
        Event::DialStarted { .. } => 12,
        Event::DialSucceeded { .. } => 13,
        Event::DialFailed { .. } => 14,
        Event::DialGaveUp { .. } => 15,
        Event::ExchangeServed { .. } => 16,
        Event::Diagnosis(_) => 17,
        Event::Rejected { .. } => 18,
        Event::Lagged { .. } => 19,
        Event::Snapshot(_) => 20,
        Event::Matrix(_) => 21,
        Event::Stopped { .. } => 22,
    }
}

fn stamped(us: u64, event: Event) -> Stamped {
    Stamped { at: t(us), wall: SystemTime::UNIX_EPOCH + Duration::from_millis(us), event }
}

/// A writer and its reader, which has the same clock.
struct Wire {
    writer: Writer,
    reader: Reader,
}

impl Wire {
    fn new() -> Self {
        let mut wire = Self { writer: Writer::new(t(500)), reader: Reader::default() };
        let first = stamped(1_000, Event::Started { node: node(), interfaces: [interface()].into() });
        assert_eq!(wire.passes(&first), Some(first));
        wire
    }

    fn write(&mut self, stamped: &Stamped) -> String {
        let mut line = Vec::new();
        self.writer.line(&mut line, stamped).unwrap();
        String::from_utf8(line).unwrap()
    }

    fn passes(&mut self, stamped: &Stamped) -> Option<Stamped> {
        let line = self.write(stamped);
        self.reader.line(line.as_bytes(), t(1_000)).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let kinds: BTreeSet<_> = all().iter().map(kind).collect();
    let last = *kinds.last().unwrap();
    assert!(kinds.into_iter().eq(0..=last), "an example of a kind is missing");
    let mut wire = Wire::new();
    for (nth, event) in (0..).zip(all()) {
        let written = stamped(10 * nth, event);
        assert_eq!(wire.passes(&written), Some(written));
    }
}

#[test]
fn a_whole_line_has_all_fields_of_the_contract_but_the_cells_of_the_matrix() {
    let mut wire = Wire::new();
    for event in all() {
        let stamped = stamped(12, event);
        let mut plain = Vec::new();
        line(&mut plain, &stamped).unwrap();
        let mut plain: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        let mut whole: serde_json::Value = serde_json::from_str(&wire.write(&stamped)).unwrap();
        assert!(whole["more"]["at"].is_i64(), "{whole}");
        whole.as_object_mut().unwrap().remove("more");
        if plain["event"] == "matrix" {
            plain["cells"] = serde_json::json!([]);
        }
        assert_eq!(whole, plain);
    }
}

#[test]
fn evidence_and_advice_are_read_as_the_sentences_that_they_are() {
    let evidence = vec![Evidence::AllSilent { count: 3 }];
    let told = Finding { evidence, advice: Advice::Update, ..Finding::clone(&finding()) };
    let quiet = Finding { evidence: Vec::new(), advice: Advice::Nothing, ..told.clone() };
    let mut wire = Wire::new();
    for finding in [told, quiet] {
        let Some(Stamped { event: Event::Diagnosis(read), .. }) =
            wire.passes(&stamped(1, Event::Diagnosis(Arc::new(finding.clone()))))
        else {
            panic!("it is a diagnosis")
        };
        let words = |finding: &Finding| finding.evidence.iter().map(Evidence::to_string).collect::<Vec<_>>();
        assert_eq!(
            (words(&read), read.advice.to_string(), read.headline()),
            (words(&finding), finding.advice.to_string(), finding.headline())
        );
    }
}

#[test]
fn a_row_of_the_matrix_that_has_not_changed_is_told_once_and_read_again() {
    let mut wire = Wire::new();
    let first = view();
    let mut second = first.clone();
    let changed = testkit::told(t(9), [(NodeId(8), observation())]);
    second.rows[1] = Some(changed);
    let mut sizes = Vec::new();
    for view in [first.clone(), first, second] {
        let stamped = stamped(11, Event::Matrix(Arc::new(view)));
        let line = wire.write(&stamped);
        sizes.push(line.matches("\"paths\"").count());
        assert_eq!(wire.reader.line(line.as_bytes(), t(1_000)).unwrap(), Some(stamped));
    }
    assert_eq!(sizes, [2, 0, 1]);
}

#[test]
fn events_of_a_peer_share_what_is_told_of_it() {
    let mut wire = Wire::new();
    let mut read = |event| match wire.passes(&stamped(1, event)).map(|stamped| stamped.event) {
        Some(Event::ExchangeServed { peer: Some(peer), .. }) => peer,
        other => panic!("{other:?}"),
    };
    let served = |name: &str| Event::ExchangeServed { peer: Some(peer(7, name)), addr: None };
    let first = read(served("host7"));
    assert!(Arc::ptr_eq(&first, &read(served("host7"))));
    assert_eq!(read(served("renamed")).name, "renamed");
}

#[test]
fn a_link_that_was_not_told_of_is_known_by_its_name() {
    let mut wire = Wire::new();
    let mut read = |zone: &str| {
        let addr = Endpoint::named("[fe80::7%9]:5".parse().unwrap(), Some(zone));
        match wire.passes(&stamped(1, Event::ExchangeServed { peer: None, addr: Some(addr) })).unwrap().event
        {
            Event::ExchangeServed { addr: Some(addr), .. } => addr,
            other => panic!("{other:?}"),
        }
    };
    let (wifi, wired) = (read("wlan0"), read("eth9"));
    assert_eq!((wifi.to_string(), read("wlan0")), ("[fe80::7%wlan0]:5".to_owned(), wifi));
    assert_ne!(wifi.socket_addr(), wired.socket_addr());
    assert_eq!(read("eth0").zoned_ip().link(), Some(LinkIndex(3)), "this one was told of");
}

#[test]
fn an_event_of_a_later_version_is_passed_over_and_what_is_none_is_an_error() {
    let mut reader = Reader::default();
    let mut read = |line: &str| reader.line(line.as_bytes(), t(0));
    let ts = "1970-01-01T00:00:01.234Z";
    let later = format!(r#"{{"v":1,"ts":"{ts}","event":"aged","years":7,"more":{{"at":5,"new":[1]}}}}"#);
    assert_eq!(read(&later), Ok(None));
    let known =
        format!(r#"{{"v":1,"ts":"{ts}","event":"lagged","missed":7,"why":{{}},"more":{{"at":5,"new":1}}}}"#);
    assert_eq!(read(&known).unwrap().unwrap().event, Event::Lagged { missed: 7 });
    let peerless = format!(
        r#"{{"ts":"{ts}","event":"peer_left","reason":"goodbye","peer":{{"id":null,"name":"a","addr":"10.0.0.1:5","incarnation":null}},"more":{{"at":5}}}}"#
    );
    for (line, why) in [
        ("", "no event"),
        ("{}", "missing field `ts`"),
        (r#"{"v":1,"error":"no"}"#, "missing field"),
        (peerless.as_str(), "the row of its peer is missing"),
    ] {
        let error = read(line).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains('\n'), "{line}: {error}");
    }
}
