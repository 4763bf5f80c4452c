//! The rules of nftables, from `nft -j list ruleset` (`libnftables-json(5)`).

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use serde_json::Value;

use super::{Answer, Base, Direction, Place, Probe, Rules, Span, Step, Transport, Verdict};

/// Ports from which a packet may come.
const ANY_SENDER: Span = (1_024, 65_535);
/// The bits of the TCP flags, by name; the first one is the lowest.
const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
/// Of the packet that opens a connection.
const SYN: u64 = 2;

/// All tables that concern IPv4.
#[derive(Debug, Default)]
pub(in crate::cli::doctor) struct Nft {
    bases: Vec<Base>,
    chains: HashMap<String, Vec<Rule>>,
    /// Elements of named sets and maps.
    sets: HashMap<String, Vec<Value>>,
    /// The words of the rules, by table and handle.
    words: HashMap<(String, u64), String>,
}

/// A rule of one table.
#[derive(Debug)]
pub(in crate::cli::doctor) struct Rule {
    /// Family and name.
    table: String,
    handle: u64,
    expressions: Vec<Value>,
}

impl Nft {
    /// Reads what nft prints, without the tables of family `ip` that are known from elsewhere.
    ///
    /// # Errors
    /// When it is not what nft prints.
    pub(in crate::cli::doctor) fn read(json: &str, known: &HashSet<String>) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(json).map_err(|e| format!("nft: unexpected output: {e}"))?;
        let objects = document["nftables"].as_array().ok_or("nft: unexpected output")?;
        let mut nft = Self::default();
        for object in objects.iter().filter_map(Value::as_object) {
            for (kind, object) in object {
                let text = |field: &str| object[field].as_str().unwrap_or_default();
                let family = text("family");
                let skipped = family == "ip" && known.contains(text("table"));
                if matches!(family, "ip" | "inet" | "netdev") && !skipped {
                    nft.add(kind, object, &format!("{family} {}", text("table")));
                }
            }
        }
        Ok(nft)
    }

    fn add(&mut self, kind: &str, object: &Value, table: &str) {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        match kind {
            "chain" => self.bases.extend(base(object, table)),
            "set" | "map" => {
                let elements = object["elem"].as_array().cloned().unwrap_or_default();
                self.sets.insert(format!("{table} {}", text("name")), elements);
            }
            "rule" => {
                let rule = Rule {
                    table: table.to_owned(),
                    handle: object["handle"].as_u64().unwrap_or_default(),
                    expressions: object["expr"].as_array().cloned().unwrap_or_default(),
                };
                self.chains.entry(format!("{table} {}", text("chain"))).or_default().push(rule);
            }
            _ => {}
        }
    }

    /// Takes the words of the rules from `nft -a list ruleset`: as the person wrote them.
    pub(in crate::cli::doctor) fn with_words(mut self, listing: &str) -> Self {
        let mut table = String::new();
        for line in listing.lines() {
            let Some((words, handle)) = line.rsplit_once("# handle ") else { continue };
            let words = words.trim();
            if let Some(named) = words.strip_prefix("table ") {
                named.trim_end_matches(['{', ' ']).clone_into(&mut table);
            } else if let Ok(handle) = handle.trim().parse() {
                self.words.insert((table.clone(), handle), words.to_owned());
            }
        }
        self
    }

    /// How many rules there are.
    pub(in crate::cli::doctor) fn rules(&self) -> usize {
        self.chains.values().map(Vec::len).sum()
    }

    fn elements(&self, table: &str, name: &str) -> &[Value] {
        self.sets.get(&format!("{table} {name}")).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether what is known of a packet is one of these values.
    fn is_one_of(&self, seen: &Seen<'_>, values: &Value, table: &str) -> Answer {
        match (values, seen) {
            (_, Seen::Absent) => Answer::No,
            (_, Seen::Unknown) => Answer::Maybe,
            (Value::String(name), _) if name.starts_with('@') => {
                Answer::any(self.elements(table, &name[1..]).iter().map(|v| self.is_one_of(seen, v, table)))
            }
            (Value::Array(_), Seen::Flags(_)) => seen.is(values),
            (Value::Array(all), _) => Answer::any(all.iter().map(|v| self.is_one_of(seen, v, table))),
            (Value::Object(object), _) => {
                if let Some(set) = object.get("set") {
                    let all = set.as_array().map_or(std::slice::from_ref(set), Vec::as_slice);
                    return Answer::any(all.iter().map(|v| self.is_one_of(seen, v, table)));
                }
                match (object.get("elem"), object.get("concat"), seen) {
                    (Some(element), ..) => self.is_one_of(seen, &element["val"], table),
                    (_, Some(parts), Seen::All(all)) => {
                        let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
                        let pairs = all.iter().zip(parts);
                        pairs.map(|(s, v)| self.is_one_of(s, v, table)).min().unwrap_or(Answer::Maybe)
                    }
                    _ => seen.is(values),
                }
            }
            _ => seen.is(values),
        }
    }

    fn condition(&self, condition: &Value, probe: &Probe, table: &str) -> Answer {
        let seen = Seen::of(&condition["left"], probe);
        let right = &condition["right"];
        if matches!(seen, Seen::Absent) {
            return Answer::No;
        }
        match condition["op"].as_str().unwrap_or_default() {
            "in" => match seen {
                Seen::Flags(flags) => flags_of(right).map_or(Answer::Maybe, |f| (flags & f != 0).into()),
                _ => self.is_one_of(&seen, right, table),
            },
            "==" => self.is_one_of(&seen, right, table),
            "!=" => self.is_one_of(&seen, right, table).not(),
            comparison => match (&seen, number(right)) {
                (Seen::Number(known), Some(n)) => match comparison {
                    "<" => Answer::within(*known, (0, n)).min(Answer::from(known.1 != n)),
                    ">" => Answer::within(*known, (n, u64::MAX)).min(Answer::from(known.0 != n)),
                    "<=" => Answer::within(*known, (0, n)),
                    ">=" => Answer::within(*known, (n, u64::MAX)),
                    _ => Answer::Maybe,
                },
                _ => Answer::Maybe,
            },
        }
    }

    /// The steps of a map of verdicts; what is not in it goes on to the next rule.
    fn mapped(&self, map: &Value, so_far: Answer, probe: &Probe, rule: &Rule) -> Vec<Step> {
        let seen = Seen::of(&map["key"], probe);
        let data = &map["data"];
        let entries = match data.as_str().and_then(|name| name.strip_prefix('@')) {
            Some(name) => self.elements(&rule.table, name),
            None => data["set"].as_array().map(Vec::as_slice).unwrap_or_default(),
        };
        let steps = entries.iter().filter_map(|entry| {
            // "*" stands for all that the others leave.
            let answer = match &entry[0] {
                Value::String(any) if any == "*" => Answer::Yes,
                key => self.is_one_of(&seen, key, &rule.table),
            };
            let (kind, object) = entry[1].as_object()?.iter().next()?;
            let verdict = verdict(kind, object, &rule.table)?;
            Some(Step { answer: answer.min(so_far), named: names(&map["key"], probe), verdict })
        });
        steps.collect()
    }
}

impl Rules for Nft {
    type Rule = Rule;

    fn bases(&self) -> &[Base] {
        &self.bases
    }

    fn chain(&self, chain: &str) -> &[Rule] {
        self.chains.get(chain).map(Vec::as_slice).unwrap_or_default()
    }

    fn steps(&self, rule: &Rule, probe: &Probe) -> Vec<Step> {
        let (mut answer, mut named) = (Answer::Yes, false);
        let statements = rule.expressions.iter().filter_map(Value::as_object).flatten();
        for (kind, object) in statements {
            match kind.as_str() {
                "match" => {
                    let holds = self.condition(object, probe, &rule.table);
                    named |= holds == Answer::Yes && object["op"] != "!=" && names(&object["left"], probe);
                    answer = answer.min(holds);
                }
                // So few packets as ours stay below every rate.
                "limit" if object["inv"] == true => answer = Answer::No,
                "ct count" | "meter" | "quota" | "set" | "map" => answer = answer.min(Answer::Maybe),
                "xt" if object["name"] == "comment" => {}
                "xt" => match opaque(object) {
                    Some(verdict) => return vec![Step { answer, named, verdict }],
                    None => answer = answer.min(Answer::Maybe),
                },
                "vmap" => return self.mapped(object, answer, probe, rule),
                "queue" => {
                    let answer = answer.min(Answer::Maybe);
                    return vec![Step { answer, named, verdict: Verdict::Accept }];
                }
                _ => {
                    if let Some(verdict) = verdict(kind, object, &rule.table) {
                        return vec![Step { answer, named, verdict }];
                    }
                }
            }
            if answer == Answer::No {
                break;
            }
        }
        Vec::new()
    }

    fn text(&self, rule: &Rule, chain: &str) -> String {
        match self.words.get(&(rule.table.clone(), rule.handle)) {
            Some(words) => format!("chain {chain} has the rule '{words}'"),
            None => format!("chain {chain}, rule with handle {}", rule.handle),
        }
    }
}

fn base(chain: &Value, table: &str) -> Option<Base> {
    let direction = match chain["hook"].as_str()? {
        "ingress" | "prerouting" | "input" => Direction::In,
        "output" | "postrouting" | "egress" => Direction::Out,
        _ => return None,
    };
    let text = |field: &str| chain[field].as_str().unwrap_or_default().to_owned();
    let interfaces = match &chain["dev"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(|dev| dev.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let place = Place::Nft { family: text("family"), table: text("table"), chain: text("name") };
    let drops = chain["policy"] == "drop";
    Some(Base { chain: format!("{table} {}", text("name")), place, direction, drops, interfaces })
}

fn verdict(kind: &str, object: &Value, table: &str) -> Option<Verdict> {
    let target = || format!("{table} {}", object["target"].as_str().unwrap_or_default());
    Some(match kind {
        "accept" | "dnat" | "snat" | "redirect" | "masquerade" | "tproxy" => Verdict::Accept,
        "drop" | "reject" => Verdict::Drop,
        "return" => Verdict::Return,
        "jump" => Verdict::Jump(target()),
        "goto" => Verdict::Goto(target()),
        _ => return None,
    })
}

/// The verdict of a target that iptables put here; its conditions cannot be read here.
fn opaque(object: &Value) -> Option<Verdict> {
    (object["type"] == "target" && object["name"] == "REJECT").then_some(Verdict::Drop)
}

/// Whether a condition on this picks our packet out by its port, or as a broadcast.
fn names(left: &Value, probe: &Probe) -> bool {
    let is = |kind: &str, field: &str, name: &str| left[kind][field] == name;
    let broadcast =
        is("meta", "key", "pkttype") || is("fib", "result", "type") || is("payload", "field", "daddr");
    is("payload", "field", "dport")
        || probe.broadcast && broadcast
        || left["concat"].as_array().is_some_and(|parts| parts.iter().any(|part| names(part, probe)))
}

/// What is known of one field of a packet.
#[derive(Debug, PartialEq, Eq)]
enum Seen<'p> {
    /// It lies between these, themselves included.
    Number(Span),
    /// It has this name, or one of these.
    Word(&'p str, &'p str),
    /// Bits that have names.
    Flags(u64),
    All(Vec<Self>),
    /// The packet has it, we do not know what.
    Unknown,
    /// The packet has no such field: no condition on it holds.
    Absent,
}

impl<'p> Seen<'p> {
    fn word(word: &'p str) -> Self {
        Self::Word(word, word)
    }

    fn of(left: &Value, probe: &'p Probe) -> Self {
        let Some((kind, object)) = left.as_object().and_then(|object| object.iter().next()) else {
            return Self::Unknown;
        };
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        match kind.as_str() {
            "payload" => Self::of_payload(text("protocol"), text("field"), probe),
            "meta" => Self::of_meta(text("key"), probe),
            "ct" if text("key") == "state" => Self::word("new"),
            "ct" if text("key") == "direction" => Self::word("original"),
            "fib" if text("result") == "type" => {
                let flags = object["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
                let of_receiver = flags.iter().any(|flag| flag == "daddr");
                // Ours is the receiver of what comes in, and the sender of what goes out.
                let ours = of_receiver == (probe.direction == Direction::In);
                match (of_receiver && probe.broadcast, ours) {
                    (true, _) => Self::word("broadcast"),
                    (false, true) => Self::word("local"),
                    (false, false) => Self::word("unicast"),
                }
            }
            "&" => match (Self::of(&object[0], probe), flags_of(&object[1]), number(&object[1])) {
                (Self::Flags(flags), Some(mask), _) => Self::Flags(flags & mask),
                (Self::Number((a, b)), _, Some(mask)) if a == b => Self::Number((a & mask, a & mask)),
                (Self::Absent, ..) => Self::Absent,
                _ => Self::Unknown,
            },
            "concat" => {
                let parts = object.as_array().map(Vec::as_slice).unwrap_or_default();
                let all: Vec<_> = parts.iter().map(|part| Self::of(part, probe)).collect();
                if all.contains(&Self::Absent) { Self::Absent } else { Self::All(all) }
            }
            _ => Self::Unknown,
        }
    }

    fn of_payload(protocol: &str, field: &str, probe: &'p Probe) -> Self {
        match (protocol, field) {
            ("ip", "saddr") => Self::Number(probe.from),
            ("ip", "daddr") => Self::Number(probe.to),
            ("ip", "protocol") => Self::word(probe.transport.name()),
            ("ip" | "ether" | "vlan", _) => Self::Unknown,
            ("udp" | "tcp" | "th", _) if protocol != "th" && protocol != probe.transport.name() => {
                Self::Absent
            }
            (_, "dport") if matches!(protocol, "udp" | "tcp" | "th") => {
                Self::Number((probe.port.into(), probe.port.into()))
            }
            (_, "sport") if matches!(protocol, "udp" | "tcp" | "th") => Self::Number(ANY_SENDER),
            ("tcp", "flags") => Self::Flags(SYN),
            ("udp" | "tcp" | "th", _) => Self::Unknown,
            // Other protocols than ours.
            _ => Self::Absent,
        }
    }

    fn of_meta(key: &str, probe: &'p Probe) -> Self {
        match (key, probe.direction) {
            ("iif" | "iifname", Direction::In) | ("oif" | "oifname", Direction::Out) => {
                Self::word(&probe.interface)
            }
            ("iif" | "iifname" | "oif" | "oifname", _) => Self::word(""),
            ("l4proto", _) => Self::word(probe.transport.name()),
            ("nfproto", _) => Self::word("ipv4"),
            ("protocol", _) => Self::word("ip"),
            ("pkttype", Direction::In) if probe.broadcast => Self::word("broadcast"),
            ("pkttype", _) => Self::Word("host", "unicast"),
            _ => Self::Unknown,
        }
    }

    /// Whether it is this single value.
    fn is(&self, value: &Value) -> Answer {
        match self {
            Self::Number(known) => match span(value) {
                Some(wanted) => Answer::within(*known, wanted),
                None => Answer::Maybe,
            },
            Self::Word(word, other) => match value {
                Value::String(wanted) => match wanted.strip_suffix('*') {
                    Some(start) => word.starts_with(start).into(),
                    None => (wanted == word || wanted == other).into(),
                },
                Value::Number(n) => {
                    let ours = [Transport::Udp, Transport::Tcp].into_iter().find(|t| t.name() == *word);
                    ours.map_or(Answer::Maybe, |t| (n.as_u64() == Some(t.number())).into())
                }
                _ => Answer::Maybe,
            },
            Self::Flags(flags) => flags_of(value).map_or(Answer::Maybe, |wanted| (*flags == wanted).into()),
            Self::All(_) | Self::Unknown => Answer::Maybe,
            Self::Absent => Answer::No,
        }
    }
}

/// A number, a port or an address, or a span of them.
fn span(value: &Value) -> Option<Span> {
    if let Some(range) = value.get("range") {
        return Some((number(&range[0])?, number(&range[1])?));
    }
    if let Some(prefix) = value.get("prefix") {
        let bits = u32::try_from(prefix["len"].as_u64()?).ok()?;
        let host_bits = u64::from(u32::MAX.checked_shr(bits).unwrap_or_default());
        let first = number(&prefix["addr"])? & !host_bits;
        return Some((first, first | host_bits));
    }
    let one = number(value)?;
    Some((one, one))
}

fn number(value: &Value) -> Option<u64> {
    let address = || value.as_str()?.parse::<Ipv4Addr>().ok().map(|addr| u64::from(u32::from(addr)));
    value.as_u64().or_else(address)
}

/// The bits that names stand for, as one name, several, or several joined.
fn flags_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64(),
        Value::String(name) => FLAGS.iter().position(|flag| flag == name).map(|nth| 1 << nth),
        Value::Array(all) => all.iter().try_fold(0, |bits, flag| Some(bits | flags_of(flag)?)),
        Value::Object(object) => flags_of(object.get("|")?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{all_stopped, signs};
    use super::*;

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

    fn matching(left: &str, op: &str, right: &str, verdict: &str) -> String {
        format!(r#"{{"match": {{"op": "{op}", "left": {left}, "right": {right}}}}}, {verdict}"#)
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
    fn a_policy_that_drops_is_found_unless_a_rule_accepts() {
        let established = matching(STATE, "in", r#"["established", "related"]"#, ACCEPT);
        let ssh = matching(TCP_DPORT, "==", "22", ACCEPT);
        let ours = matching(UDP_DPORT, "==", "17474", ACCEPT);
        let limited = matching(
            TCP_DPORT,
            "==",
            "17474",
            r#"{"limit": {"rate": 10, "per": "second"}}, {"accept": null}"#,
        );
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
        let by_port =
            r#"{"vmap": {"key": {"payload": {"protocol": "udp", "field": "dport"}}, "data": "@vm"}}"#;
        let in_set = matching(TCP_DPORT, "==", r#""@ports""#, r#"{"jump": {"target": "user"}}"#);
        let pair = r#"{"concat": [{"payload": {"protocol": "ip", "field": "saddr"}}, {"payload": {"protocol": "udp", "field": "dport"}}]}"#;
        let rule = |chain: &str, handle: u8, expr: &str| {
            format!(
                r#"{{"rule": {{"family": "inet", "table": "filter", "chain": "{chain}", "handle": {handle}, "expr": [{expr}]}}}}"#
            )
        };
        let objects = [
            r#"{"set": {"family": "inet", "name": "ports", "table": "filter", "type": "inet_service", "handle": 3, "flags": ["interval"], "elem": [22, {"range": [17000, 18000]}]}}"#.to_owned(),
            r#"{"map": {"family": "inet", "name": "vm", "table": "filter", "type": "inet_service", "handle": 4, "map": "verdict", "elem": [[17474, {"drop": null}]]}}"#.to_owned(),
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
        let place = &all[2].as_ref().unwrap().place;
        assert!(matches!(place, Place::Nft { chain, .. } if chain == "input"), "where it begins: {place:?}");
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
        assert_eq!(read(&["filter"]), "++++++");
    }

    #[test]
    fn a_loop_of_jumps_and_what_is_no_ruleset_are_survived() {
        let jump = r#"{"jump": {"target": "c"}}"#;
        assert_eq!(signs(&with("input", "accept", &[jump, jump, jump])), "++++++");
        assert!(Nft::read("", &HashSet::new()).is_err());
        assert!(Nft::read("{}", &HashSet::new()).is_err());
        assert!(Nft::read(r#"{"nftables": [1, null, {"rule": 3}]}"#, &HashSet::new()).is_ok());
    }
}
