//! How often peers are dialed is typed.

use super::*;
use crate::app::ShownNode;
use crate::engine::api::Command;
use crate::engine::config::DialInterval;

/// What is done, and the screen then, when an interval is typed in the app of such a node.
fn typed(node: ShownNode, words: &str) -> (Option<Effect>, String) {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    bench.app.options.node = node;
    bench.key(KeyCode::Char(':'));
    bench.typed(&format!("interval {words}"));
    let effect = bench.key(KeyCode::Enter);
    (effect, bench.text(120, 24))
}

#[test]
fn the_node_of_the_app_takes_it_and_what_is_no_interval_stays_in_the_prompt() {
    let sent = |words| match typed(ShownNode::Own, words).0 {
        Some(Effect::Send { command, said }) => (command, said),
        effect => panic!("{effect:?}"),
    };
    let every = |seconds| Command::SetDialInterval(DialInterval::Every(Duration::from_secs(seconds)));
    assert_eq!(sent("30"), (every(30), "each peer is dialed every 30s".to_owned()));
    assert_eq!(sent("2m").0, every(120));
    assert_eq!(sent("auto").0, Command::SetDialInterval(DialInterval::Auto));
    let (effect, screen) = typed(ShownNode::Own, "5 days");
    assert!(effect.is_none() && screen.contains("a time from 100ms to 1h is expected, or auto"), "{screen}");
}

#[test]
fn where_the_node_is_not_the_apps_it_is_said_why_nothing_is_set() {
    for (node, why) in
        [(ShownNode::Attached, "start it with --dial-interval"), (ShownNode::Recorded, "this is a recording")]
    {
        let (effect, screen) = typed(node, "30");
        assert!(effect.is_none() && screen.contains(why), "{screen}");
    }
}

#[test]
fn the_header_says_what_was_set() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    assert!(!bench.text(120, 24).contains("each dialed every"));
    let node = bench.app.shown().node().unwrap().clone();
    let node =
        Arc::new(NodeInfo { dial_interval: DialInterval::Every(Duration::from_millis(1_500)), ..node });
    bench.fold(Event::Started { node, interfaces: Arc::new([]) });
    assert!(bench.text(120, 24).contains("each dialed every 1s 500ms"));
}
