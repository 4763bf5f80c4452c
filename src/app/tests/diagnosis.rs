//! What is wrong, wherever it is told: above the table, in it, in the header, the details, the journal and the export.

use ratatui::layout::Rect;
use ratatui::style::Color;
use serde_json::Value;

use super::network::{Network, eight};
use super::*;
use crate::app::export;
use crate::app::export::Form;
use crate::app::model::{Column, MOMENTS, Mark, Sort, What};
use crate::engine::observation::PathStatus;
use crate::engine::verdict::{Advice, Finding, Pattern};

/// The network of eight in the peers view, with what the node says of its peers.
pub(super) fn diagnosed() -> (Bench, Network) {
    let (mut bench, network) = Bench::of(eight);
    bench.key(KeyCode::Char('m'));
    let told = |nth: usize, state, verdict, cause| {
        let told = row(network.peer(nth), state);
        let observation = Observation {
            tcp: PathStatus::Failing,
            broadcast: PathStatus::Ok,
            loss: Some(3),
            ..Observation::default()
        };
        let observation = if verdict == Verdict::FirewallDrop { observation } else { Observation::default() };
        PeerSnapshot { cause, verdict, observation, ..told }
    };
    let peers = vec![
        told(1, PeerState::Unreachable, Verdict::FirewallDrop, Some(Cause::TimedOut)),
        told(2, PeerState::Up, Verdict::PacketLoss, None),
        told(3, PeerState::Up, Verdict::Ok, None),
        told(4, PeerState::Up, Verdict::OneWayUdp, None),
        told(5, PeerState::Retrying, Verdict::Unknown, Some(Cause::Refused)),
        told(6, PeerState::Silent, Verdict::HostDown, Some(Cause::HostUnreachable)),
        told(7, PeerState::Up, Verdict::BroadcastBlocked, None),
    ];
    bench.fold(snapshot(peers)).wait(2_000);
    (bench, network)
}

pub(super) fn withdrawn(finding: &Finding) -> Event {
    Event::Diagnosis(Arc::new(Finding { verdict: Verdict::Ok, ..finding.clone() }))
}

fn headlines(bench: &Bench) -> Vec<String> {
    bench.app.models.live().matrix().findings().iter().map(|finding| finding.headline()).collect()
}

#[test]
fn what_is_wrong_stands_above_the_table_and_in_the_cause() {
    let (mut bench, _) = diagnosed();
    insta::assert_snapshot!(format!("{}\n\n{}", bench.text(80, 24), bench.text(120, 40)));
}

#[test]
fn the_command_of_an_advice_is_not_cut_where_it_is_long_or_the_screen_narrow() {
    let (mut bench, mut network) = diagnosed();
    network.findings().iter().for_each(|finding| _ = bench.fold(withdrawn(finding)));
    let (now, old) = (bench.now(), network.findings().len());
    let rule = |protocol| format!("nft insert rule inet filter input {protocol} dport 17474 accept");
    let remedies = ["udp", "tcp"].map(|protocol| rule(protocol).into()).to_vec();
    let pairs = [(0, 1)];
    network.finds(Verdict::FirewallDrop, Pattern::Column, &[1], &pairs, Advice::LetThrough { remedies }, now);
    bench.fold(Event::Diagnosis(Arc::clone(&network.findings()[old])));
    let text = bench.text(80, 24);
    let banner = text.lines().skip_while(|line| !line.starts_with("! ")).take(4);
    insta::assert_snapshot!(banner.collect::<Vec<_>>().join("\n"));
    // Where several share the room, each has its line, and the command comes first.
    for nth in 2..5 {
        let advice = Advice::AllowTcpIn { on: network.who(nth), port: 17_474, udp: None };
        network.finds(Verdict::FirewallDrop, Pattern::Row, &[nth], &[(nth, 0), (nth, 1)], advice, now);
    }
    for finding in network.findings().iter().skip(old + 1) {
        bench.fold(Event::Diagnosis(Arc::clone(finding)));
    }
    let text = bench.text(80, 24);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("! ")).collect();
    assert!(lines.len() > 2 && lines[1].contains("`sudo ufw allow 17474/tcp`"), "{text}");
}

#[test]
fn more_findings_than_there_is_room_for_are_counted() {
    let (mut bench, mut network) = Bench::of(eight);
    bench.key(KeyCode::Char('m'));
    let now = bench.now();
    for nth in 2..5 {
        network.finds(
            Verdict::PacketLoss,
            Pattern::Row,
            &[nth],
            &[(nth, 0), (nth, 1)],
            Advice::CheckCable { host: network.who(nth) },
            now,
        );
    }
    let text = bench.told(&network).text(80, 24);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("! ")).collect();
    assert!(lines.len() == 3 && lines[2].ends_with("+2 more"), "{text}");
    assert!(text.contains("! 5 findings"), "{text}");
    assert!(bench.text(30, 4).contains("! 5"), "in the summary, too");
}

#[test]
fn the_sign_of_a_finding_has_its_colour_and_without_any_there_is_no_banner() {
    let (mut bench, network) = diagnosed();
    let buffer = bench.screen(80, 24);
    let line = lines(&buffer).iter().position(|line| line.starts_with("! h2")).unwrap();
    assert_eq!(buffer[(0, u16::try_from(line).unwrap())].fg, Color::Red);
    network.findings().iter().for_each(|finding| _ = bench.fold(withdrawn(finding)));
    let text = bench.text(80, 24);
    let (above, _keys) = text.rsplit_once('\n').unwrap();
    assert!(!above.contains("! ") && !above.contains("finding"), "{text}");
}

#[test]
fn the_details_begin_with_the_verdict_its_evidence_and_what_to_do() {
    let (mut bench, _) = diagnosed();
    bench.screen(80, 24);
    bench.select("h2").key(KeyCode::Enter);
    insta::assert_snapshot!(bench.text(80, 24));
    bench.key(KeyCode::Esc);
    let Some(Effect::Copy { text, .. }) = bench.select("h2").key(KeyCode::Char('y')) else { panic!() };
    let has = [
        "verdict  a firewall drops TCP connections (certain; to this host, 5 paths)",
        "seen     5 paths fail, all to or from h2",
        "try      look for a firewall that drops TCP on that host or in between",
        "paths    TCP: failing; broadcasts in: ok; 3 % of echoes lost",
    ];
    assert!(has.iter().all(|line| text.lines().any(|other| other == *line)), "{text}");
}

#[test]
fn without_a_finding_the_advice_is_that_of_the_cause() {
    let (mut bench, _) = diagnosed();
    bench.screen(80, 24);
    bench.select("h7").key(KeyCode::Enter);
    let text = bench.text(80, 24);
    assert!(text.contains("verdict  the host does not respond at all"), "{text}");
    assert!(text.contains(&format!("try      {}", Cause::HostUnreachable.advice())), "{text}");
}

#[test]
fn a_withdrawal_takes_the_finding_of_its_peer_and_a_view_replaces_them_all() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).wait(120_000);
    let mut network = eight(bench.now());
    let findings = network.findings().to_vec();
    for finding in findings.iter().rev() {
        bench.fold(Event::Diagnosis(Arc::clone(finding)));
    }
    let [drop, one_way] = [findings[0].headline(), findings[1].headline()];
    assert_eq!(headlines(&bench), [drop.clone(), one_way.clone()], "the one that explains more pairs first");
    let other = Finding { verdict: Verdict::ClosedPort, ..Finding::clone(&findings[0]) };
    bench.fold(Event::Diagnosis(Arc::new(other.clone())));
    assert_eq!(headlines(&bench), [other.headline(), one_way.clone()], "one incident is one line");
    bench.fold(withdrawn(&other));
    assert_eq!(headlines(&bench), [one_way]);
    let now = bench.now();
    network.finds(Verdict::HungPeer, Pattern::Pair, &[3], &[], Advice::Restart { on: network.who(3) }, now);
    bench.told(&network);
    assert_eq!(headlines(&bench).len(), 3);
}

#[test]
fn a_diagnosis_is_the_verdict_of_its_peer_and_makes_no_row_of_a_stranger() {
    let (mut bench, network) = Bench::of(eight);
    let finding = &network.findings()[0];
    bench.fold(Event::Diagnosis(Arc::clone(finding)));
    let verdict = |bench: &Bench| bench.app.models.live().peer(network.peer(1).key).unwrap().verdict;
    assert_eq!(verdict(&bench), Verdict::FirewallDrop);
    bench.fold(withdrawn(finding));
    assert_eq!(verdict(&bench), Verdict::Ok);
    let count = bench.app.models.live().len();
    let stranger = Finding { peer: peer(99, "stranger"), ..Finding::clone(finding) };
    bench.fold(Event::Diagnosis(Arc::new(stranger)));
    assert_eq!(bench.app.models.live().len(), count);
}

#[test]
fn a_diagnosis_and_its_withdrawal_are_written_down_and_what_is_said_twice_is_not() {
    let (mut bench, network) = Bench::of(eight);
    let finding = &network.findings()[0];
    bench.fold(withdrawn(finding));
    let again = Finding { evidence: Vec::new(), ..Finding::clone(finding) };
    bench.fold(Event::Diagnosis(Arc::clone(finding))).fold(Event::Diagnosis(Arc::new(again)));
    bench.fold(withdrawn(finding)).fold(withdrawn(finding));
    let journal = bench.app.models.live().journal();
    let said = journal.of_peer(network.peer(1).key).filter_map(|(_, entry)| match &entry.what {
        What::Diagnosed { finding } => Some(finding.verdict),
        _ => None,
    });
    assert_eq!(said.collect::<Vec<_>>(), [Verdict::Ok, Verdict::FirewallDrop]);
    bench.pressed_keys(&[KeyCode::Char('t')]);
    let text = bench.text(200, 40);
    assert!(text.contains("h2: diagnosed: a firewall drops TCP connections; look for a firewall"), "{text}");
    assert!(text.contains("h2: resolved"), "{text}");
}

#[test]
fn the_filter_finds_a_verdict_and_the_cause_sorts_by_it() {
    let (mut bench, _) = diagnosed();
    let mut sorted = bench.app.models.live().clone();
    sorted.set_sort(Sort { by: Column::Cause, reversed: false });
    let names: Vec<_> = sorted.rows(0..usize::MAX).map(|peer| &*peer.info.name).collect();
    assert_eq!(names, ["h2", "h7", "h5", "h8", "h3", "h6", "h4"], "verdicts, then bare causes, then nothing");
    bench.pressed_keys(&[KeyCode::Char('/')]);
    bench.typed("packets lost");
    bench.key(KeyCode::Enter);
    let names: Vec<_> = bench.app.shown().rows(0..usize::MAX).map(|peer| peer.info.name.clone()).collect();
    assert_eq!(names, ["h3"]);
}

#[test]
fn the_export_has_the_verdicts_the_findings_and_the_matrix() {
    let (mut bench, _) = diagnosed();
    let folder = std::env::temp_dir().join(format!("vigie-matrix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let now = bench.now();
    let said = export::write(&mut bench.app, Form::Json, &folder, Rect::new(0, 0, 80, 24), now).unwrap();
    let text = std::fs::read_to_string(said.strip_prefix("wrote ").unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["peers"][0]["verdict"], "firewall_drop");
    let advice = "look for a firewall that drops TCP on that host or in between";
    assert_eq!(document["findings"][0]["advice"], advice);
    let matrix = &document["matrix"];
    assert_eq!(
        (matrix["nodes"].as_array().unwrap().len(), matrix["cells"].as_array().unwrap().len()),
        (8, 56)
    );
    let cell = matrix["cells"].as_array().unwrap().iter().find(|cell| cell["tcp"] == "failing").unwrap();
    assert_eq!((&cell["udp"], &cell["cause"]), (&"ok".into(), &"timed_out".into()));
}

#[test]
fn an_hour_of_views_is_kept_one_a_minute_and_no_more() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).wait(120_000);
    let network = Network::new(&[("alice", 5), ("h2", 6)], bench.now());
    for _ in 0..MOMENTS * 3 + 40 {
        bench.wait(30_000).told(&network);
    }
    let (matrix, now) = (bench.app.models.live().matrix(), bench.now());
    let age = |minutes| now - matrix.before(now, Duration::from_mins(minutes)).unwrap().at;
    for minutes in [1, 5, 15, 59] {
        assert!((minutes..=minutes + 1).contains(&(age(minutes).as_secs() / 60)), "{:?}", age(minutes));
    }
    assert!(age(10_000) <= Duration::from_mins(62), "the oldest: {:?}", age(10_000));
}

#[test]
fn the_marks_of_a_view_are_those_of_its_cells_however_it_came() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).wait(120_000);
    let mut network = eight(bench.now());
    let steps: [fn(&mut Network); 6] = [
        |network| _ = network.tcp_fails(3, 2, Cause::Refused),
        |network| _ = network.said(2, 90_000),
        |network| _ = network.said(2, 0).said(6, 0),
        |network| _ = network.silent(4),
        |network| *network = network.without(3),
        |network| _ = network.cut(1, 2),
    ];
    for step in steps {
        step(&mut network);
        bench.wait(900).told(&network);
        let matrix = bench.app.models.live().matrix();
        let (view, size) = (matrix.latest().unwrap(), matrix.marks().size());
        assert_eq!(size, view.nodes.len());
        for (from, to) in (0..size).flat_map(|from| (0..size).map(move |to| (from, to))) {
            use crate::engine::observation::PathStatus;
            let expected = match view.cell(from, to, view.at).worse() {
                _ if from == to => None,
                PathStatus::Ok => Some(Mark::Fine),
                PathStatus::Failing => Some(Mark::Failing),
                PathStatus::Unknown => Some(Mark::Unknown),
            };
            let mark = matrix.marks().at(from, to);
            let mark = mark.map(|mark| if mark == Mark::Stale { Mark::Unknown } else { mark });
            assert_eq!(mark, expected, "{from} to {to}");
        }
    }
}

impl Bench {
    /// Presses keys, with a usual frame before each.
    fn pressed_keys(&mut self, keys: &[KeyCode]) -> &mut Self {
        for key in keys {
            self.screen(80, 24);
            self.key(*key);
        }
        self
    }
}
