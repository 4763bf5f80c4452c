//! The doctor in the app: what it says of this machine.

use super::*;
use crate::app::ShownNode;
use crate::app::checkup::{Check, Checkup, Examination, Grade, Remark};
use crate::app::ui::View;

const FIX: &str = "sudo nft insert rule inet filter input udp dport 17474 accept";

pub(super) fn examination(bench: &Bench) -> Checkup {
    let check = |name, grade, saw: &str| Check { name, grade, saw: saw.to_owned() };
    Checkup::Done(Arc::new(Examination {
        at: bench.now(),
        checks: vec![
            check("interfaces", Grade::Fine, "eth0 can be used"),
            check("firewall", Grade::Error, "a firewall rule drops incoming broadcasts to UDP port 17474"),
            check("routes", Grade::Note, "this system does not tell"),
        ],
        remarks: vec![
            Remark {
                grade: Grade::Error,
                what: "a firewall rule drops incoming broadcasts to UDP port 17474".into(),
                evidence: "nft list ruleset: table inet filter, chain input: drop".into(),
                fix: FIX.into(),
            },
            Remark {
                grade: Grade::Note,
                what: "UDP port 17474 is shared with foo, which is not vigie".into(),
                evidence: "/proc/net/udp lists its socket".into(),
                fix: "vigie --port 17473".into(),
            },
        ],
    }))
}

/// A node that runs, in whose app the doctor is asked for; and what is to be done then.
fn asked(node: ShownNode) -> (Bench, Option<Effect>) {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    bench.app.options.node = node;
    bench.key(KeyCode::Char(':'));
    bench.typed("doctor");
    let effect = bench.key(KeyCode::Enter);
    (bench, effect)
}

#[test]
fn while_the_machine_is_examined_the_app_goes_on_and_says_how_far_that_is() {
    let (mut bench, effect) = asked(ShownNode::Own);
    let node = bench.app.shown().node().unwrap();
    assert_eq!(effect, Some(Effect::Examine { port: node.port, tcp_port: node.tcp_port }));
    bench.app.ui.checkup = Checkup::Runs("trying ports and broadcasts");
    assert!(bench.text(80, 24).contains("trying ports and broadcasts …"));
    bench.key(KeyCode::Esc);
    assert!(!bench.text(80, 24).contains("trying ports"));
    bench.key(KeyCode::Char(':'));
    bench.typed("doctor");
    assert_eq!(bench.key(KeyCode::Enter), None, "one at a time");
    bench.app.ui.checkup = examination(&bench);
    let sizes = [(80, 24), (120, 40), (40, 12)];
    insta::assert_snapshot!(sizes.map(|(width, height)| bench.text(width, height)).join("\n\n"));
}

#[test]
fn what_the_doctor_says_stands_below_the_other_findings_and_its_fix_is_copied() {
    let mut bench = super::findings::shown();
    bench.app.ui.checkup = examination(&bench);
    insta::assert_snapshot!(bench.text(80, 24) + "\n\n" + &bench.text(120, 40));
    bench.key(KeyCode::End);
    bench.key(KeyCode::Up);
    let Some(Effect::Copy { text, .. }) = bench.key(KeyCode::Char('y')) else { panic!("nothing is copied") };
    assert_eq!(text, FIX);
    let screen = bench.text(120, 40);
    assert!(
        screen.contains("▸ ! a firewall rule drops") && screen.contains(&format!("try      {FIX}")),
        "{screen}"
    );
    bench.key(KeyCode::Enter);
    assert!(bench.text(80, 24).contains(FIX));
    bench.key(KeyCode::Char('u'));
    assert!(bench.text(80, 24).contains("is not told again"));
}

#[test]
fn every_size_and_every_line_of_both_kinds_can_be_drawn_and_clicked() {
    let mut bench = super::findings::shown();
    bench.app.ui.checkup = examination(&bench);
    for (width, height) in [(20, 5), (40, 6), (79, 9), (80, 12), (100, 30)] {
        for _ in 0..6 {
            bench.screen(width, height);
            bench.key(KeyCode::Down);
        }
    }
    bench.screen(100, 30);
    let (place, row) = *bench.app.ui.hit_map.findings.last().unwrap();
    let kind = crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left);
    bench.app.mouse(crossterm::event::MouseEvent {
        kind,
        column: place.x,
        row: place.y,
        modifiers: KeyModifiers::NONE,
    });
    assert_eq!(bench.app.ui.findings.selected(), Some(row));
}

#[test]
fn of_a_recording_no_machine_is_examined_and_attached_it_is_said_whose_rights_count() {
    let (mut bench, effect) = asked(ShownNode::Recorded);
    assert_eq!(effect, None);
    assert!(bench.text(120, 24).contains("run vigie doctor there"), "{}", bench.text(120, 24));
    let (mut bench, effect) = asked(ShownNode::Attached);
    assert!(effect.is_some() && bench.text(80, 24).contains("rights of this process"));
}

#[test]
fn a_finding_that_is_longer_than_a_line_is_read_whole() {
    let (mut bench, _) = asked(ShownNode::Own);
    let what = "a firewall rule drops what comes in ".repeat(3) + "and that is all";
    let remark = Remark { grade: Grade::Error, what, evidence: "seen".into(), fix: FIX.into() };
    let saw = "it is used by the node that runs here and receives broadcasts ".repeat(2) + "and nothing else";
    let (at, checks) = (bench.now(), vec![Check { name: "UDP port", grade: Grade::Fine, saw }]);
    bench.app.ui.checkup = Checkup::Done(Arc::new(Examination { at, checks, remarks: vec![remark] }));
    for (width, height) in [(80, 24), (60, 30), (200, 60)] {
        let screen = bench.text(width, height);
        assert!(screen.contains("that is all") && screen.contains("nothing else"), "{screen}");
    }
}

#[test]
fn a_machine_that_is_fine_is_told_as_such() {
    let (mut bench, _) = asked(ShownNode::Own);
    let at = bench.now();
    bench.app.ui.checkup =
        Checkup::Done(Arc::new(Examination { at, checks: Vec::new(), remarks: Vec::new() }));
    assert!(bench.text(80, 24).contains("nothing is wrong with this machine"));
    bench.key(KeyCode::Esc);
    bench.key(KeyCode::Char('!'));
    assert!(
        bench.text(80, 24).contains("The doctor found nothing wrong") && bench.app.ui.view == View::Findings
    );
    bench.app.ui.checkup = Checkup::Failed("cannot read this machine's interfaces: no".into());
    bench.key(KeyCode::Char(':'));
    bench.typed("doctor");
    bench.key(KeyCode::Enter);
    bench.app.ui.checkup = Checkup::Failed("cannot read this machine's interfaces: no".into());
    assert!(bench.text(80, 24).contains("cannot read this machine's interfaces"));
}
