//! What `nft -j list ruleset` prints, and what becomes of the packets.

use super::*;
use crate::doctor::firewall::samples::{all_stopped, signs, signs_of_ipv6};

/// What nft 1.0.6 prints for a table `inet filter` with one chain at a hook and these rules (their expressions).
fn with(hook: &str, policy: &str, rules: &[&str]) -> Nft {
    let mut objects = vec![format!(
        r#"{{"chain": {{"family": "inet", "table": "filter", "name": "c", "handle": 1, "type": "filter", "hook": "{hook}", "prio": 0, "policy": "{policy}"}}}}"#
    )];
    objects.extend(rules.iter().enumerate().map(|(n, rule)| {
        let handle = n + 5;
        format!(
            r#"{{"rule": {{"family": "inet", "table": "filter", "chain": "c", "handle": {handle}, "expr": [{rule}]}}}}"#
        )
    }));
    read(&objects)
}

fn read(objects: &[String]) -> Nft {
    let json = format!(
        r#"{{"nftables": [{{"metainfo": {{"version": "1.0.6", "json_schema_version": 1}}}}, {{"table": {{"family": "inet", "name": "filter", "handle": 1}}}}, {}]}}"#,
        objects.join(", ")
    );
    Nft::read(&json, &HashSet::new()).unwrap()
}

const ACCEPT: &str = r#"{"accept": null}"#;
const DROP: &str = r#"{"drop": null}"#;

fn matching(left: &str, op: &str, right: &str, action: &str) -> String {
    format!(r#"{{"match": {{"op": "{op}", "left": {left}, "right": {right}}}}}, {action}"#)
}

const UDP_DPORT: &str = r#"{"payload": {"protocol": "udp", "field": "dport"}}"#;
const TCP_DPORT: &str = r#"{"payload": {"protocol": "tcp", "field": "dport"}}"#;
const TCP_FLAGS: &str = r#"{"payload": {"protocol": "tcp", "field": "flags"}}"#;
const SADDR: &str = r#"{"payload": {"protocol": "ip", "field": "saddr"}}"#;
const PKTTYPE: &str = r#"{"meta": {"key": "pkttype"}}"#;
const IIFNAME: &str = r#"{"meta": {"key": "iifname"}}"#;
const STATE: &str = r#"{"ct": {"key": "state"}}"#;
const MARK: &str = r#"{"meta": {"key": "mark"}}"#;

#[test]
fn a_rule_that_drops_is_found_for_the_packets_that_it_meets_and_no_others() {
    let masked = format!(r#"{{"&": [{TCP_FLAGS}, ["syn", "ack"]]}}"#);
    let l4proto = r#"{"meta": {"key": "l4proto"}}"#;
    let fib = r#"{"fib": {"result": "type", "flags": ["daddr"]}}"#;
    // In: broadcast, unicast, TCP; out: the same.
    for (left, op, right, expected) in [
        (UDP_DPORT, "==", "17474", "--++++"),
        (TCP_DPORT, "==", "17474", "++-+++"),
        (UDP_DPORT, "==", "17475", "++++++"),
        (UDP_DPORT, "!=", "17474", "++++++"),
        (UDP_DPORT, "==", r#"{"range": [1024, 65535]}"#, "--++++"),
        (TCP_DPORT, ">=", "1024", "++-+++"),
        (TCP_DPORT, ">", "17474", "++++++"),
        (TCP_DPORT, "<", "17475", "++-+++"),
        (TCP_DPORT, "==", r#"{"set": [22, 17474]}"#, "++-+++"),
        (TCP_DPORT, "!=", r#"{"set": [22, 80]}"#, "++-+++"),
        (masked.as_str(), "==", r#""syn""#, "++-+++"),
        (masked.as_str(), "==", r#"["syn", "ack"]"#, "++++++"),
        (TCP_FLAGS, "in", r#""syn""#, "++-+++"),
        (TCP_FLAGS, "in", r#"["rst", "fin"]"#, "++++++"),
        (l4proto, "==", r#""udp""#, "--++++"),
        (l4proto, "==", r#"{"set": ["tcp", "udp"]}"#, "---+++"),
        (l4proto, "==", "6", "++-+++"),
        (PKTTYPE, "==", r#""broadcast""#, "-+++++"),
        (fib, "==", r#""broadcast""#, "-+++++"),
        (SADDR, "==", r#"{"prefix": {"addr": "10.77.0.0", "len": 16}}"#, "---+++"),
        (SADDR, "==", r#""192.168.0.1""#, "++++++"),
        (IIFNAME, "==", r#""eth*""#, "---+++"),
        (IIFNAME, "!=", r#""lo""#, "---+++"),
        (IIFNAME, "==", r#""wlan0""#, "++++++"),
        (STATE, "in", r#""invalid""#, "++++++"),
        (STATE, "in", r#"["established", "new"]"#, "---+++"),
        (r#"{"payload": {"protocol": "ip6", "field": "saddr"}}"#, "!=", r#""fe80::1""#, "++++++"),
        // A mark, or one address of many: who is met cannot be told, and no port is named.
        (MARK, "==", "1", "++++++"),
        (SADDR, "==", r#""10.77.0.9""#, "++++++"),
    ] {
        let nft = with("input", "accept", &[&matching(left, op, right, DROP)]);
        assert_eq!(signs(&nft), expected, "{left} {op} {right}");
    }
}

#[test]
fn a_rule_that_names_the_port_and_meets_some_packets_may_drop_ours() {
    let condition = matching(UDP_DPORT, "==", "17474", "");
    let rule = condition + matching(MARK, "==", "1", DROP).as_str();
    assert_eq!(signs(&with("input", "accept", &[&rule])), "??++++");
}

#[test]
fn packets_of_ipv6_are_met_by_conditions_on_ipv6() {
    let of = |protocol: &str, field: &str| {
        format!(r#"{{"payload": {{"protocol": "{protocol}", "field": "{field}"}}}}"#)
    };
    let meta = |key: &str| format!(r#"{{"meta": {{"key": "{key}"}}}}"#);
    let prefix = |addr: &str, len: u8| format!(r#"{{"prefix": {{"addr": "{addr}", "len": {len}}}}}"#);
    // In: multicast, unicast, TCP; out: the same.
    for (left, op, right, expected) in [
        (UDP_DPORT.to_owned(), "==", "17474".to_owned(), "--++++"),
        (of("ip6", "saddr"), "==", prefix("fe80::", 10), "---+++"),
        (of("ip6", "saddr"), "==", prefix("2001:db8::", 32), "++++++"),
        (of("ip6", "daddr"), "==", prefix("ff00::", 8), "-+++++"),
        (of("ip6", "daddr"), "!=", prefix("ff00::", 8), "+--+++"),
        (of("ip6", "nexthdr"), "==", r#""tcp""#.to_owned(), "++-+++"),
        (of("ip", "saddr"), "!=", r#""10.0.0.1""#.to_owned(), "++++++"),
        (of("icmpv6", "type"), "==", r#""nd-neighbor-solicit""#.to_owned(), "++++++"),
        (meta("nfproto"), "==", r#""ipv6""#.to_owned(), "---+++"),
        (meta("nfproto"), "==", r#""ipv4""#.to_owned(), "++++++"),
        (meta("protocol"), "==", r#""ip6""#.to_owned(), "---+++"),
        (meta("pkttype"), "==", r#""multicast""#.to_owned(), "-+++++"),
        (meta("pkttype"), "==", r#""broadcast""#.to_owned(), "++++++"),
    ] {
        let nft = with("input", "accept", &[&matching(&left, op, &right, DROP)]);
        assert_eq!(signs_of_ipv6(&nft), expected, "{left} {op} {right}");
    }
}

#[test]
fn a_policy_that_drops_is_found_unless_a_rule_accepts() {
    let established = matching(STATE, "in", r#"["established", "related"]"#, ACCEPT);
    let ssh = matching(TCP_DPORT, "==", "22", ACCEPT);
    let ours = matching(UDP_DPORT, "==", "17474", ACCEPT);
    let limited =
        matching(TCP_DPORT, "==", "17474", r#"{"limit": {"rate": 10, "per": "second"}}, {"accept": null}"#);
    let marked = matching(MARK, "==", "1", ACCEPT);
    for (rules, expected) in [
        (vec![], "---+++"),
        (vec![&established, &ssh], "---+++"),
        (vec![&established, &ours], "++-+++"),
        (vec![&ours, &limited], "++++++"),
        (vec![&marked], "???+++"),
    ] {
        let rules: Vec<_> = rules.into_iter().map(String::as_str).collect();
        assert_eq!(signs(&with("input", "drop", &rules)), expected, "{rules:?}");
    }
    assert_eq!(signs(&with("output", "drop", &[])), "+++---");
    assert_eq!(signs(&with("forward", "drop", &[])), "++++++");
    assert_eq!(signs(&with("prerouting", "drop", &[])), "---+++");
}

#[test]
fn maps_of_verdicts_named_sets_and_jumps_are_followed() {
    let state = r#"{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}], ["established", {"accept": null}]]}}}"#;
    let by_port = r#"{"vmap": {"key": {"payload": {"protocol": "udp", "field": "dport"}}, "data": "@vm"}}"#;
    let in_set = matching(TCP_DPORT, "==", r#""@ports""#, r#"{"jump": {"target": "user"}}"#);
    let pair = r#"{"concat": [{"payload": {"protocol": "ip", "field": "saddr"}}, {"payload": {"protocol": "udp", "field": "dport"}}]}"#;
    let rule = |chain: &str, handle: u8, expr: &str| {
        format!(
            r#"{{"rule": {{"family": "inet", "table": "filter", "chain": "{chain}", "handle": {handle}, "expr": [{expr}]}}}}"#
        )
    };
    let objects = [
        r#"{"set": {"family": "inet", "name": "ports", "table": "filter", "type": "inet_service", "handle": 3, "flags": ["interval"], "elem": [22, {"range": [17000, 18000]}]}}"#.to_owned(),
        r#"{"map": {"family": "inet", "name": "vm", "table": "filter", "type": "inet_service", "handle": 4, "map": "action", "elem": [[17474, {"drop": null}]]}}"#.to_owned(),
        r#"{"chain": {"family": "inet", "table": "filter", "name": "user", "handle": 1}}"#.to_owned(),
        r#"{"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 2, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}}"#.to_owned(),
        rule("user", 5, &matching(IIFNAME, "==", r#""wlan0""#, r#"{"return": null}"#)),
        rule("user", 6, &format!(r#"{{"counter": {{"packets": 0, "bytes": 0}}}}, {{"log": {{"prefix": "no"}}}}, {DROP}"#)),
        rule("input", 7, state),
        rule("input", 8, &matching(pair, "==", r#"{"set": [{"concat": ["192.168.0.1", 17474]}]}"#, ACCEPT)),
        rule("input", 9, by_port),
        rule("input", 10, &in_set),
    ];
    let nft = read(&objects);
    assert_eq!(signs(&nft), "---+++");
    let all = all_stopped(&nft);
    let rule = |nth: usize| all[nth].as_ref().unwrap().rule.as_str();
    assert_eq!(
        (rule(0), rule(2)),
        ("chain inet filter input, rule with handle 9", "chain inet filter user, rule with handle 6")
    );
    let insert_at = &all[2].as_ref().unwrap().insert_at;
    assert!(
        matches!(insert_at, InsertionPoint::Nft { chain, .. } if chain == "input"),
        "where it begins: {insert_at:?}"
    );
    let words = nft.with_words(
        "table inet filter { # handle 1\n\tchain user { # handle 1\n\t\tcounter log prefix \"no\" drop # handle 6\n\t}\n}\n",
    );
    let said = all_stopped(&words)[2].clone().unwrap().rule;
    assert_eq!(said, "chain inet filter user has the rule 'counter log prefix \"no\" drop'");
}

#[test]
fn rules_that_cannot_be_read_here_are_in_doubt_and_tables_known_from_elsewhere_are_left_out() {
    let chain = r#"{"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}"#;
    let rule = r#"{"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 4, "expr": [{"xt": null}, {"accept": null}]}}"#;
    let json = format!(r#"{{"nftables": [{chain}, {rule}]}}"#);
    let read = |known: &[&str]| {
        let known = known.iter().map(|table| (*table).to_owned()).collect();
        signs(&Nft::read(&json, &known).unwrap())
    };
    assert_eq!(read(&[]), "???+++");
    assert_eq!(read(&["ip filter"]), "++++++");
}

#[test]
fn a_loop_of_jumps_and_what_is_no_ruleset_are_survived() {
    let jump = r#"{"jump": {"target": "c"}}"#;
    assert_eq!(signs(&with("input", "accept", &[jump, jump, jump])), "++++++");
    assert!(Nft::read("", &HashSet::new()).is_err());
    assert!(Nft::read("{}", &HashSet::new()).is_err());
    assert!(Nft::read(r#"{"nftables": [1, null, {"rule": 3}]}"#, &HashSet::new()).is_ok());
}
