//! The rules of iptables and ip6tables, from `iptables-save(8)`: exact where nftables shows its rules as opaque, and the only source of
//! those of the legacy kernel interface.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use crate::doctor::facts::{Direction, InsertionPoint, IpVersion};

use super::{Base, Matched, ProbePacket, RuleAction, RuleStep, Rules, Span};

/// All tables of one version of IP.
#[derive(Debug)]
pub(in crate::doctor) struct Iptables {
    ip: IpVersion,
    bases: Vec<Base>,
    chains: HashMap<String, Vec<IptablesRule>>,
    tables: HashSet<String>,
    /// nftables holds them, and shows them, too.
    in_nftables: bool,
}

/// A rule of one table.
#[derive(Debug)]
pub(in crate::doctor) struct IptablesRule {
    table: String,
    line: String,
    words: Vec<String>,
}

impl Iptables {
    /// Reads what iptables-save prints, or ip6tables-save.
    pub(in crate::doctor) fn read(ip: IpVersion, saved: &str) -> Self {
        let (bases, chains) = (Vec::new(), HashMap::new());
        let mut all = Self { ip, bases, chains, tables: HashSet::new(), in_nftables: false };
        let mut table = String::new();
        for line in saved.lines().map(str::trim) {
            if line.starts_with('#') {
                all.in_nftables |= line.contains("(nf_tables)");
            } else if let Some(name) = line.strip_prefix('*') {
                name.clone_into(&mut table);
                all.tables.insert(table.clone());
            } else if let Some(chain) = line.strip_prefix(':') {
                all.bases.extend(base(ip, chain, &table));
            } else if let Some((chain, rest)) = appended(line) {
                let rule = IptablesRule { table: table.clone(), line: line.to_owned(), words: words(rest) };
                all.chains.entry(format!("{table} {chain}")).or_default().push(rule);
            }
        }
        all
    }

    /// The tables that `nft` shows, too, with less detail: family and name.
    pub(in crate::doctor) fn shown_by_nft(&self) -> HashSet<String> {
        let family = if self.ip == IpVersion::V4 { "ip" } else { "ip6" };
        let shown = self.tables.iter().filter(|_| self.in_nftables);
        shown.map(|table| format!("{family} {table}")).collect()
    }

    /// How many rules there are.
    pub(in crate::doctor) fn rules(&self) -> usize {
        self.chains.values().map(Vec::len).sum()
    }

    /// Whether chains are those of a program that manages the rules: they begin with this.
    pub(in crate::doctor) fn has_chains_of(&self, program: &str) -> bool {
        let begins = |chain: &String| chain.split(' ').nth(1).is_some_and(|name| name.starts_with(program));
        self.chains.keys().any(begins)
    }
}

impl Rules for Iptables {
    type FilterRule = IptablesRule;

    fn bases(&self) -> &[Base] {
        &self.bases
    }

    fn chain(&self, chain: &str) -> &[IptablesRule] {
        self.chains.get(chain).map(Vec::as_slice).unwrap_or_default()
    }

    fn steps(&self, rule: &IptablesRule, probe: &ProbePacket) -> Vec<RuleStep> {
        judge(rule, probe).into_iter().collect()
    }

    fn text(&self, rule: &IptablesRule, _chain: &str) -> String {
        format!("table {} has the rule '{}'", rule.table, rule.line)
    }
}

fn base(ip: IpVersion, chain: &str, table: &str) -> Option<Base> {
    let mut words = chain.split_whitespace();
    let (name, policy) = (words.next()?, words.next()?);
    let direction = match name {
        "PREROUTING" | "INPUT" => Direction::In,
        "OUTPUT" | "POSTROUTING" => Direction::Out,
        _ => return None,
    };
    let insert_at = InsertionPoint::Iptables { ip, table: table.to_owned(), chain: name.to_owned() };
    let chain = format!("{table} {name}");
    let (ip, drops) = (Some(ip), policy == "DROP");
    Some(Base { ip, chain, insert_at, direction, drops, interfaces: Vec::new() })
}

/// The chain and the rest of `-A CHAIN …`, with or without counters before it.
fn appended(line: &str) -> Option<(&str, &str)> {
    let line = match line.strip_prefix('[') {
        Some(counted) => counted.split_once("] ")?.1,
        None => line,
    };
    let rest = line.strip_prefix("-A ")?;
    Some(rest.split_once(' ').unwrap_or((rest, "")))
}

/// The words of a rule; those in quotes are one.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut begun) = (false, false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            ' ' if !quoted => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What a rule does with a packet; nothing if it only counts or marks.
fn judge(rule: &IptablesRule, probe: &ProbePacket) -> Option<RuleStep> {
    let (mut answer, mut named) = (Matched::Yes, false);
    let mut words = rule.words.iter().map(String::as_str).peekable();
    let mut inverted = false;
    while let Some(word) = words.next() {
        if word == "!" {
            inverted = true;
            continue;
        }
        // Options have their values behind them, up to the next option.
        let mut values = Vec::new();
        while let Some(value) = words.next_if(|next| *next != "!" && !is_option(next)) {
            values.push(value);
        }
        let value = values.first().copied().unwrap_or_default();
        match word {
            "-j" | "-g" => {
                let action = target(value, word == "-g", &rule.table)?;
                let answer = if action.1 { answer.min(Matched::Maybe) } else { answer };
                return Some(RuleStep { answer, named, action: action.0 });
            }
            "-m" | "--comment" | "--limit" | "--limit-burst" => continue,
            _ => {}
        }
        let holds = condition(word, &values, probe);
        let holds = if inverted { holds.not() } else { holds };
        named |= holds == Matched::Yes
            && !inverted
            && (matches!(word, "--dport" | "--dports" | "--ports")
                || probe.to_all && matches!(word, "--pkt-type" | "--dst-type" | "-d"));
        answer = answer.min(holds);
        inverted = false;
    }
    None
}

/// A word that begins an option: not a negative number, of which there are none here.
fn is_option(word: &str) -> bool {
    word.starts_with("--") || word.len() == 2 && word.starts_with('-')
}

/// Where a target leads, and whether another program decides there.
fn target(name: &str, goto: bool, table: &str) -> Option<(RuleAction, bool)> {
    Some(match name {
        "ACCEPT" | "DNAT" | "SNAT" | "REDIRECT" | "MASQUERADE" | "TPROXY" => (RuleAction::Accept, false),
        "DROP" | "REJECT" | "TARPIT" => (RuleAction::Drop, false),
        "RETURN" => (RuleAction::Return, false),
        "QUEUE" | "NFQUEUE" => (RuleAction::Accept, true),
        "LOG" | "NFLOG" | "ULOG" | "MARK" | "CONNMARK" | "CT" | "NOTRACK" | "TRACE" | "TCPMSS" | "TOS"
        | "DSCP" | "CLASSIFY" | "SET" | "AUDIT" | "CHECKSUM" | "TTL" | "TEE" | "SECMARK" | "CONNSECMARK"
        | "IDLETIMER" | "" => return None,
        chain if goto => (RuleAction::Goto(format!("{table} {chain}")), false),
        chain => (RuleAction::Jump(format!("{table} {chain}")), false),
    })
}

fn condition(option: &str, values: &[&str], probe: &ProbePacket) -> Matched {
    let value = values.first().copied().unwrap_or_default();
    let one_of = |word: &str| Matched::from(value.split(',').any(|v| v.eq_ignore_ascii_case(word)));
    let (came_by, goes_by) = match probe.direction {
        Direction::In => (&*probe.interface, ""),
        Direction::Out => ("", &*probe.interface),
    };
    match option {
        "-p" => {
            let transport = probe.transport;
            let same = value == transport.name() || value == "all" || value.parse() == Ok(transport.number());
            same.into()
        }
        "-i" => is_interface(value, came_by),
        "-o" => is_interface(value, goes_by),
        "-s" => network(value).map_or(Matched::Maybe, |span| Matched::within(probe.from, span)),
        "-d" => network(value).map_or(Matched::Maybe, |span| Matched::within(probe.to, span)),
        "--dport" | "--dports" => ports(value, (probe.port.into(), probe.port.into())),
        "--sport" | "--sports" => ports(value, (1_024, 65_535)),
        "--ports" => ports(value, (probe.port.into(), probe.port.into())).max(Matched::Maybe),
        "--ctstate" | "--state" => one_of("NEW"),
        "--pkt-type" => match (probe.direction, probe.to_all) {
            (Direction::In, true) => one_of(probe.kind_of_all()),
            _ => one_of("unicast"),
        },
        "--dst-type" => match (probe.to_all, probe.direction) {
            (true, _) => one_of(probe.kind_of_all()),
            (false, Direction::In) => one_of("LOCAL"),
            (false, Direction::Out) => one_of("UNICAST"),
        },
        "--src-type" => match probe.direction {
            Direction::In => one_of("UNICAST"),
            Direction::Out => one_of("LOCAL"),
        },
        "--syn" => Matched::Yes,
        "--tcp-flags" => {
            let masked = value.split(',').any(|flag| flag == "SYN" || flag == "ALL");
            let wanted = values.get(1).copied().unwrap_or_default();
            // Of our packet, SYN alone is set.
            (wanted == if masked { "SYN" } else { "NONE" }).into()
        }
        // Fragments, of which ours are none.
        "-f" => Matched::No,
        _ => Matched::Maybe,
    }
}

fn is_interface(pattern: &str, interface: &str) -> Matched {
    match pattern.strip_suffix('+') {
        Some(start) => interface.starts_with(start).into(),
        None => (pattern == interface).into(),
    }
}

/// The addresses of `10.0.0.0/8`, also with a mask of dots.
fn network(value: &str) -> Option<Span> {
    let (addr, mask) = value.split_once('/').unwrap_or((value, "128"));
    let addr: IpAddr = addr.parse().ok()?;
    let of_dots = || mask.parse::<Ipv4Addr>().ok().map(|mask| mask.to_bits().leading_ones());
    let bits = mask.parse().ok().or_else(of_dots)?;
    Some(super::network(addr, bits))
}

/// Whether a port is in a list like `22,1000:2000`.
fn ports(all: &str, known: Span) -> Matched {
    Matched::any(all.split(',').map(|part| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Matched::within(known, (first, last)),
            _ => Matched::Maybe,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{all_stopped, signs, signs_of_ipv6};
    use super::*;

    fn read(saved: &str) -> Iptables {
        Iptables::read(IpVersion::V4, saved)
    }

    fn with(policy: &str, rules: &[&str]) -> Iptables {
        let rules = rules.join("\n");
        read(&format!(
            "# Generated by iptables-save v1.8.9 on Mon Nov 23 10:00:00 2026\n*filter\n:INPUT {policy} [0:0]\n\
             :FORWARD DROP [0:0]\n:OUTPUT ACCEPT [12:1044]\n{rules}\nCOMMIT\n# Completed on Mon Nov 23\n"
        ))
    }

    #[test]
    fn a_rule_that_drops_is_found_for_the_packets_that_it_meets_and_no_others() {
        // In: broadcast, unicast, TCP; out: the same.
        for (rule, expected) in [
            ("-A INPUT -p udp -m udp --dport 17474 -j DROP", "--++++"),
            ("-A INPUT -p tcp -m tcp --dport 17474 -j REJECT --reject-with tcp-reset", "++-+++"),
            ("-A INPUT -p udp -m udp --dport 17000:18000 -j DROP", "--++++"),
            ("-A INPUT -p tcp -m multiport --dports 22,80 -j DROP", "++++++"),
            ("-A INPUT -p tcp -m multiport ! --dports 22,80 -j DROP", "++-+++"),
            ("-A INPUT -p udp -j DROP", "--++++"),
            ("-A INPUT ! -i lo -j DROP", "---+++"),
            ("-A INPUT -i eth+ -m pkttype --pkt-type broadcast -j DROP", "-+++++"),
            ("-A INPUT -m addrtype --dst-type BROADCAST -j DROP", "-+++++"),
            ("-A INPUT -s 10.0.0.0/8 -j DROP", "---+++"),
            ("-A INPUT -s 192.168.0.0/255.255.0.0 -j DROP", "++++++"),
            ("-A INPUT -m conntrack --ctstate INVALID -j DROP", "++++++"),
            ("-A INPUT -m state --state NEW -j DROP", "---+++"),
            ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "++-+++"),
            ("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "++++++"),
            ("-A OUTPUT -o eth0 -p udp -j DROP", "+++--+"),
            ("-A INPUT -m set --match-set blocked src -j DROP", "++++++"),
            ("-A INPUT -p udp -m set --match-set blocked src -m udp --dport 17474 -j DROP", "??++++"),
            ("-A INPUT -m comment --comment \"a -j DROP b\" -j ACCEPT", "++++++"),
            ("-A INPUT -j LOG --log-prefix \"[x] \"", "++++++"),
            ("[3:180] -A INPUT -p udp -j DROP", "--++++"),
        ] {
            assert_eq!(signs(&with("ACCEPT", &[rule])), expected, "{rule}");
        }
    }

    #[test]
    fn a_policy_that_drops_is_found_unless_a_rule_accepts() {
        let established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        for (rules, expected) in [
            (vec![established, "-A INPUT -i lo -j ACCEPT"], "---+++"),
            (vec![established, "-A INPUT -p udp -m udp --dport 17474 -j ACCEPT"], "++-+++"),
            (vec!["-A INPUT -m mark --mark 0x1 -j ACCEPT"], "???+++"),
            (vec!["-A INPUT -j NFQUEUE --queue-num 0"], "???+++"),
        ] {
            assert_eq!(signs(&with("DROP", &rules)), expected, "{rules:?}");
        }
    }

    #[test]
    fn the_rules_of_ip6tables_stop_packets_of_ipv6_and_no_others() {
        for (rule, expected) in [
            ("-A INPUT -p udp -m udp --dport 17474 -j DROP", "--++++"),
            ("-A INPUT -p tcp -m tcp --dport 17474 -j REJECT --reject-with icmp6-port-unreachable", "++-+++"),
            ("-A INPUT -s fe80::/10 -j DROP", "---+++"),
            ("-A INPUT -s 2001:db8::/32 -j DROP", "++++++"),
            ("-A INPUT -d ff12::8a9e:4442/128 -j DROP", "-+++++"),
            ("-A OUTPUT -d ff00::/8 -j DROP", "+++-++"),
            ("-A INPUT -m pkttype --pkt-type multicast -j DROP", "-+++++"),
            ("-A INPUT -m addrtype --dst-type BROADCAST -j DROP", "++++++"),
            ("-A INPUT -p ipv6-icmp -j DROP", "++++++"),
            ("-A INPUT -m rt --rt-type 0 -j DROP", "++++++"),
        ] {
            let saved = format!("*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT");
            let rules = Iptables::read(IpVersion::V6, &saved);
            assert_eq!(
                (signs_of_ipv6(&rules).as_str(), signs(&rules).as_str()),
                (expected, "++++++"),
                "{rule}"
            );
        }
    }

    /// What ufw 0.36 makes of `ufw enable`, shortened to the chains on our way.
    const UFW: &str = "\
# Generated by iptables-save v1.8.9 (nf_tables) on Mon Nov 23 10:00:00 2026
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-after-input - [0:0]
:ufw-not-local - [0:0]
:ufw-skip-to-policy-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix \"[UFW BLOCK] \"
-A ufw-not-local -j DROP
-A ufw-skip-to-policy-input -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
";

    #[test]
    fn the_rules_of_ufw_are_followed_to_their_end() {
        let ufw = read(UFW);
        assert_eq!(signs(&ufw), "---+++");
        let all = all_stopped(&ufw);
        assert_eq!(
            all[0].as_ref().unwrap().rule,
            "table filter has the rule '-A ufw-skip-to-policy-input -j DROP'"
        );
        assert_eq!(
            all[2].as_ref().unwrap().rule,
            "chain filter INPUT drops what no rule accepts (policy drop)"
        );
        assert!(ufw.has_chains_of("ufw-") && ufw.shown_by_nft().contains("ip filter"));
        let allowed = UFW
            .replace("--dport 22 -j", "--dport 17474 -j")
            .replace("COMMIT", "-A ufw-user-input -p udp -m udp --dport 17474 -j ACCEPT\nCOMMIT");
        assert_eq!(signs(&read(&allowed)), "++++++");
    }
}
