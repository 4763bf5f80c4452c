//! With many peers a node does things together: what it knows stays right.

use crate::support::node::{Node, Stage};
use crate::support::seen::{about, becomes};
use crate::support::{QUICK, SOON, free_port};

/// More than the sixteen up to which each datagram wakes a node.
const CROWD: u8 = 20;

#[test]
fn in_a_crowd_a_newcomer_is_known_to_all_and_its_goodbye_is_heard_by_all() {
    let (stage, port) = (Stage::new(), free_port().to_string());
    let node = |n: u8| -> Node {
        let (name, addr) = (format!("n{n}"), format!("127.77.200.{n}"));
        let own = ["watch", "--json", "--name", &name, "--bind", &addr, "--port", &port];
        stage.vigie(&name, &[&own, &QUICK[..]].concat())
    };
    let crowd: Vec<Node> = (1..=CROWD).map(node).collect();
    for (i, node) in crowd.iter().enumerate() {
        for other in (1..=usize::from(CROWD)).filter(|other| *other != i + 1) {
            node.wait_for(SOON * 2, becomes(&format!("n{other}"), "up"));
        }
    }
    let newcomer = node(CROWD + 1);
    let name = format!("n{}", CROWD + 1);
    for (i, old) in crowd.iter().enumerate() {
        old.wait_for(SOON, becomes(&name, "up"));
        newcomer.wait_for(SOON, becomes(&format!("n{}", i + 1), "up"));
    }
    newcomer.sigterm();
    for old in &crowd {
        assert_eq!(old.wait_for(SOON, about("peer_left", &name))["reason"], "goodbye");
        // Nobody else is accused of anything; the newcomer may have been dialed just as it left.
        let accused = |e: &serde_json::Value| e["event"] == "peer_state" && e["from"] == "up";
        assert_eq!(old.count(|e| accused(e) && e["peer"]["name"] != name.as_str()), 0);
    }
}
