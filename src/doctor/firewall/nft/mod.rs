//! The rules of nftables, from `nft -j list ruleset` (`libnftables-json(5)`).
//!
//! They are read field by field and not by types for all of that schema (the crate `nftables`): those refuse a whole ruleset for one
//! statement, or one form of a flag, that they do not know (nftables-rs issues 70, 183 and 243), and a firewall that cannot be read at all
//! is worse than one rule that is not understood.

mod field;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::doctor::facts::{Direction, InsertionPoint, IpVersion};

use super::{Base, Matched, ProbePacket, RuleAction, RuleStep, Rules};

use field::{FieldValue, flags_of, number};

/// All tables that concern IP.
#[derive(Debug, Default)]
pub(in crate::doctor) struct Nft {
    bases: Vec<Base>,
    chains: HashMap<String, Vec<NftRule>>,
    /// Elements of named sets and maps.
    sets: HashMap<String, Vec<Value>>,
    /// The words of the rules, by table and handle.
    words: HashMap<(String, u64), String>,
}

/// A rule of one table.
#[derive(Debug)]
pub(in crate::doctor) struct NftRule {
    /// Family and name.
    table: String,
    handle: u64,
    expressions: Vec<Value>,
}

impl Nft {
    /// Reads what nft prints, without the tables that are known from elsewhere: family and name.
    ///
    /// # Errors
    /// When it is not what nft prints.
    pub(in crate::doctor) fn read(json: &str, known: &HashSet<String>) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(json).map_err(|e| format!("nft: unexpected output: {e}"))?;
        let objects = document["nftables"].as_array().ok_or("nft: unexpected output")?;
        let mut nft = Self::default();
        for object in objects.iter().filter_map(Value::as_object) {
            for (kind, object) in object {
                let text = |field: &str| object[field].as_str().unwrap_or_default();
                let family = text("family");
                let table = format!("{family} {}", text("table"));
                if matches!(family, "ip" | "ip6" | "inet" | "netdev") && !known.contains(&table) {
                    nft.add(kind, object, &table);
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
                let rule = NftRule {
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
    pub(in crate::doctor) fn with_words(mut self, listing: &str) -> Self {
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
    pub(in crate::doctor) fn rules(&self) -> usize {
        self.chains.values().map(Vec::len).sum()
    }

    fn elements(&self, table: &str, name: &str) -> &[Value] {
        self.sets.get(&format!("{table} {name}")).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether what is known of a packet is one of these values.
    fn is_one_of(&self, seen: &FieldValue<'_>, values: &Value, table: &str) -> Matched {
        match (values, seen) {
            (_, FieldValue::Absent) => Matched::No,
            (_, FieldValue::Unknown) => Matched::Maybe,
            (Value::String(name), _) if name.starts_with('@') => {
                Matched::any(self.elements(table, &name[1..]).iter().map(|v| self.is_one_of(seen, v, table)))
            }
            (Value::Array(_), FieldValue::Flags(_)) => seen.is(values),
            (Value::Array(all), _) => Matched::any(all.iter().map(|v| self.is_one_of(seen, v, table))),
            (Value::Object(object), _) => {
                if let Some(set) = object.get("set") {
                    let all = set.as_array().map_or(std::slice::from_ref(set), Vec::as_slice);
                    return Matched::any(all.iter().map(|v| self.is_one_of(seen, v, table)));
                }
                match (object.get("elem"), object.get("concat"), seen) {
                    (Some(element), ..) => self.is_one_of(seen, &element["val"], table),
                    (_, Some(parts), FieldValue::All(all)) => {
                        let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
                        let pairs = all.iter().zip(parts);
                        pairs.map(|(s, v)| self.is_one_of(s, v, table)).min().unwrap_or(Matched::Maybe)
                    }
                    _ => seen.is(values),
                }
            }
            _ => seen.is(values),
        }
    }

    fn condition(&self, condition: &Value, probe: &ProbePacket, table: &str) -> Matched {
        let seen = FieldValue::of(&condition["left"], probe);
        let right = &condition["right"];
        if matches!(seen, FieldValue::Absent) {
            return Matched::No;
        }
        match condition["op"].as_str().unwrap_or_default() {
            "in" => match seen {
                FieldValue::Flags(flags) => {
                    flags_of(right).map_or(Matched::Maybe, |f| (flags & f != 0).into())
                }
                _ => self.is_one_of(&seen, right, table),
            },
            "==" => self.is_one_of(&seen, right, table),
            "!=" => self.is_one_of(&seen, right, table).not(),
            comparison => match (&seen, number(right)) {
                (FieldValue::Number(known), Some(n)) => match comparison {
                    "<" => Matched::within(*known, (0, n)).min(Matched::from(known.1 != n)),
                    ">" => Matched::within(*known, (n, u128::MAX)).min(Matched::from(known.0 != n)),
                    "<=" => Matched::within(*known, (0, n)),
                    ">=" => Matched::within(*known, (n, u128::MAX)),
                    _ => Matched::Maybe,
                },
                _ => Matched::Maybe,
            },
        }
    }

    /// The steps of a map of verdicts; what is not in it goes on to the next rule.
    fn mapped(&self, map: &Value, so_far: Matched, probe: &ProbePacket, rule: &NftRule) -> Vec<RuleStep> {
        let seen = FieldValue::of(&map["key"], probe);
        let data = &map["data"];
        let entries = match data.as_str().and_then(|name| name.strip_prefix('@')) {
            Some(name) => self.elements(&rule.table, name),
            None => data["set"].as_array().map(Vec::as_slice).unwrap_or_default(),
        };
        let steps = entries.iter().filter_map(|entry| {
            // "*" stands for all that the others leave.
            let answer = match &entry[0] {
                Value::String(any) if any == "*" => Matched::Yes,
                key => self.is_one_of(&seen, key, &rule.table),
            };
            let (kind, object) = entry[1].as_object()?.iter().next()?;
            let action = action(kind, object, &rule.table)?;
            Some(RuleStep { answer: answer.min(so_far), named: names(&map["key"], probe), action })
        });
        steps.collect()
    }
}

impl Rules for Nft {
    type FilterRule = NftRule;

    fn bases(&self) -> &[Base] {
        &self.bases
    }

    fn chain(&self, chain: &str) -> &[NftRule] {
        self.chains.get(chain).map(Vec::as_slice).unwrap_or_default()
    }

    fn steps(&self, rule: &NftRule, probe: &ProbePacket) -> Vec<RuleStep> {
        let (mut answer, mut named) = (Matched::Yes, false);
        let statements = rule.expressions.iter().filter_map(Value::as_object).flatten();
        for (kind, object) in statements {
            match kind.as_str() {
                "match" => {
                    let holds = self.condition(object, probe, &rule.table);
                    named |= holds == Matched::Yes && object["op"] != "!=" && names(&object["left"], probe);
                    answer = answer.min(holds);
                }
                // So few packets as ours stay below every rate.
                "limit" if object["inv"] == true => answer = Matched::No,
                "ct count" | "meter" | "quota" | "set" | "map" => answer = answer.min(Matched::Maybe),
                "xt" if object["name"] == "comment" => {}
                "xt" => match opaque(object) {
                    Some(action) => return vec![RuleStep { answer, named, action }],
                    None => answer = answer.min(Matched::Maybe),
                },
                "vmap" => return self.mapped(object, answer, probe, rule),
                "queue" => {
                    let answer = answer.min(Matched::Maybe);
                    return vec![RuleStep { answer, named, action: RuleAction::Accept }];
                }
                _ => {
                    if let Some(action) = action(kind, object, &rule.table) {
                        return vec![RuleStep { answer, named, action }];
                    }
                }
            }
            if answer == Matched::No {
                break;
            }
        }
        Vec::new()
    }

    fn text(&self, rule: &NftRule, chain: &str) -> String {
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
    let insert_at = InsertionPoint::Nft { family: text("family"), table: text("table"), chain: text("name") };
    let drops = chain["policy"] == "drop";
    let ip = match chain["family"].as_str() {
        Some("ip") => Some(IpVersion::V4),
        Some("ip6") => Some(IpVersion::V6),
        _ => None,
    };
    Some(Base { ip, chain: format!("{table} {}", text("name")), insert_at, direction, drops, interfaces })
}

fn action(kind: &str, object: &Value, table: &str) -> Option<RuleAction> {
    let target = || format!("{table} {}", object["target"].as_str().unwrap_or_default());
    Some(match kind {
        "accept" | "dnat" | "snat" | "redirect" | "masquerade" | "tproxy" => RuleAction::Accept,
        "drop" | "reject" => RuleAction::Drop,
        "return" => RuleAction::Return,
        "jump" => RuleAction::Jump(target()),
        "goto" => RuleAction::Goto(target()),
        _ => return None,
    })
}

/// The action of a target that iptables put here; its conditions cannot be read here.
fn opaque(object: &Value) -> Option<RuleAction> {
    (object["type"] == "target" && object["name"] == "REJECT").then_some(RuleAction::Drop)
}

/// Whether a condition on this picks our packet out by its port, or as a broadcast.
fn names(left: &Value, probe: &ProbePacket) -> bool {
    let is = |kind: &str, field: &str, name: &str| left[kind][field] == name;
    let broadcast =
        is("meta", "key", "pkttype") || is("fib", "result", "type") || is("payload", "field", "daddr");
    is("payload", "field", "dport")
        || probe.to_all && broadcast
        || left["concat"].as_array().is_some_and(|parts| parts.iter().any(|part| names(part, probe)))
}

#[cfg(test)]
mod tests;
