//! One fault among four hosts: a healthy network, the fault, what is told of it, its end, a healthy network.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::faults::{Fault, Form};
use crate::outcome::Outcome;
use crate::support::lab::Lab;
use crate::support::node::{Node, Seen};
use crate::support::seen::{about, becomes, kind, last_state};
use crate::support::{QUICK, SOON, now, poll};

/// Which program runs on the hosts, and how.
#[derive(Clone, Copy)]
pub(crate) struct Program<'p> {
    /// Its path.
    pub(crate) path: &'p str,
    /// Options of every node.
    pub(crate) options: &'static [&'static str],
    /// How long what comes with a regular dial may take.
    pub(crate) soon: Duration,
}

impl<'p> Program<'p> {
    /// With times that make a scenario quick.
    pub(crate) fn quick(path: &'p str) -> Self {
        Self { path, options: &QUICK, soon: SOON * 2 }
    }
}

const DIAL_INTERVAL: Duration = Duration::from_secs(1);
const DIAL_TIMEOUT: Duration = Duration::from_secs(4);
const MAX_RETRIES: u32 = 3;
/// Two dial intervals and the timeouts of a whole retrying dial: by then everybody must have told.
pub(crate) const IN_TIME: Duration =
    Duration::from_secs(2 * DIAL_INTERVAL.as_secs() + MAX_RETRIES as u64 * DIAL_TIMEOUT.as_secs());
/// When the fault is over, so must be what was told of it.
pub(crate) const OVER_IN_TIME: Duration =
    Duration::from_secs(3 * DIAL_INTERVAL.as_secs() + MAX_RETRIES as u64 * DIAL_TIMEOUT.as_secs());
/// How long all must go on to say the same, for it to be what they say.
const STANDS: Duration = Duration::from_secs(4);

/// The hosts and the nodes on them.
pub(crate) struct Scene<'l> {
    pub(crate) lab: &'l Lab,
    program: Program<'l>,
    /// In which families its rules are.
    form: Form,
    nodes: BTreeMap<usize, Node>,
    /// Nodes that are no more, with their hosts: what they told still counts.
    past: Vec<(usize, Node)>,
}

impl<'l> Scene<'l> {
    fn new(lab: &'l Lab, program: Program<'l>, form: Form) -> Self {
        Self { lab, program, form, nodes: BTreeMap::new(), past: Vec::new() }
    }

    /// Starts a node under its host's name.
    pub(crate) fn start(&mut self, host: usize) {
        self.start_with(host, &[]);
    }

    /// Starts a node with more options, which may name it.
    pub(crate) fn start_with(&mut self, host: usize, more: &[&str]) {
        let named = [&["watch", "--json"], self.program.options, more].concat();
        let name = match more {
            [.., "--name", name] => (*name).to_owned(),
            _ => self.lab.host(host).name(),
        };
        let args = if more.contains(&"--name") { &named[..named.len() - 2] } else { &named[..] };
        let node = self.lab.host(host).start(self.program.path, &name, args);
        self.nodes.insert(host, node);
    }

    /// Kills a node without a goodbye.
    pub(crate) fn kill(&mut self, host: usize) {
        if let Some(mut node) = self.nodes.remove(&host) {
            node.kill9();
            self.past.push((host, node));
        }
    }

    /// Lets a node end in order.
    pub(crate) fn end(&mut self, host: usize) {
        if let Some(mut node) = self.nodes.remove(&host) {
            node.sigterm();
            node.wait_exit(SOON);
            self.past.push((host, node));
        }
    }

    pub(crate) fn node(&self, host: usize) -> &Node {
        &self.nodes[&host]
    }

    /// Adds rules at a hook of a host; the second one says the same of IPv6.
    fn rules(&self, host: usize, hook: &str, ipv4: &str, ipv6: Option<&str>) {
        let (table, second) = match self.form {
            Form::Both => ("inet", ipv6.map(|rule| format!("{rule}; ")).unwrap_or_default()),
            Form::Ipv4Alone | Form::Ipv4OfBoth => ("ip", String::new()),
        };
        self.lab.host(host).nft(&format!(
            "table {table} lab {{ chain {hook} {{ type filter hook {hook} priority 0; {ipv4}; {second}}}; }}"
        ));
    }

    /// Adds a rule for what comes in to a host.
    pub(crate) fn rule_in(&self, host: usize, rule: &str) {
        self.rules(host, "input", rule, None);
    }

    /// Adds a rule for what a host sends.
    pub(crate) fn rule_out(&self, host: usize, rule: &str) {
        self.rules(host, "output", rule, None);
    }

    /// Adds a rule for what comes in to a host, in the words of each family.
    pub(crate) fn rules_in(&self, host: usize, ipv4: &str, ipv6: &str) {
        self.rules(host, "input", ipv4, Some(ipv6));
    }

    /// Adds a rule for what a host sends, in the words of each family.
    pub(crate) fn rules_out(&self, host: usize, ipv4: &str, ipv6: &str) {
        self.rules(host, "output", ipv4, Some(ipv6));
    }

    /// Adds a rule for what comes in to a host from another one.
    pub(crate) fn rule_from(&self, from: usize, to: usize, rule: &str) {
        let ipv6 = if self.form == Form::Both { self.lab.host(from).link_local() } else { String::new() };
        self.rules_in(
            to,
            &format!("ip saddr {} {rule}", self.lab.host(from).addr()),
            &format!("ip6 saddr {ipv6} {rule}"),
        );
    }

    /// Connections to a host are answered so.
    pub(crate) fn reject_in(&self, host: usize, with: &str) {
        let syn = "tcp flags & (syn|ack) == syn reject with";
        let Some(code) = with.strip_prefix("icmp type ") else {
            return self.rule_in(host, &format!("{syn} {with}"));
        };
        let ipv6 = match code {
            "net-unreachable" => "no-route",
            "host-unreachable" => "addr-unreachable",
            "prot-unreachable" | "port-unreachable" => "port-unreachable",
            _ => "admin-prohibited",
        };
        self.rules_in(host, &format!("{syn} {with}"), &format!("{syn} icmpv6 type {ipv6}"));
    }

    /// Takes every firewall rule away.
    pub(crate) fn heal(&mut self) {
        for host in 1..=usize::from(crate::HOSTS) {
            self.lab.host(host).heal();
        }
    }

    /// What a host holds to be wrong now.
    fn standing(&self, host: usize) -> Vec<Value> {
        let mut standing: BTreeMap<u64, Value> = BTreeMap::new();
        for event in
            self.nodes.get(&host).map(|node| node.always().events(kind("diagnosis"))).unwrap_or_default()
        {
            event["replaces"].as_u64().and_then(|corrected| standing.remove(&corrected));
            let id = event["id"].as_u64().expect("a finding has a number");
            if event["verdict"] == "ok" {
                standing.remove(&id);
            } else {
                standing.insert(id, (*event).clone());
            }
        }
        standing.into_values().collect()
    }

    /// All that was ever told on a host.
    fn ever(&self, host: usize) -> Vec<Seen> {
        let past = self.past.iter().filter(|(at, _)| *at == host).map(|(_, node)| node);
        past.chain(self.nodes.get(&host)).flat_map(|node| node.always().events(kind("diagnosis"))).collect()
    }

    /// Waits until all know and reach all others, and have heard how the others fare.
    #[track_caller]
    fn meet(&self) {
        for (host, node) in &self.nodes {
            for other in self.nodes.keys().filter(|other| *other != host) {
                let name = self.lab.host(*other).name();
                let up = node.wait_for(self.program.soon, becomes(&name, "up"));
                let mut mark = up.mark;
                for _ in 0..2 {
                    mark = node.since(mark).wait_for(self.program.soon, about("dial_succeeded", &name)).mark;
                }
                if self.form != Form::Ipv4Alone {
                    let stands_by = |e: &Value| {
                        let addr = e["addr"].as_str().unwrap_or_default();
                        e["event"] == "peer_path"
                            && e["peer"]["name"] == name.as_str()
                            && e["to"] == "up"
                            && addr.contains("fe80")
                    };
                    node.wait_for(self.program.soon, stands_by);
                }
            }
        }
    }

    /// Peers that are not up, as the names of both ends.
    fn not_up(&self) -> Vec<String> {
        let hosts: Vec<usize> = self.nodes.keys().copied().collect();
        let pairs = hosts.iter().flat_map(|host| hosts.iter().map(move |other| (*host, *other)));
        pairs
            .filter(|(host, other)| host != other)
            .filter_map(|(host, other)| {
                let name = self.lab.host(other).name();
                let state = last_state(&self.nodes[&host], &name);
                (state.as_deref() != Some("up")).then(|| format!("h{host}: {name} is {state:?}"))
            })
            .collect()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a test does not last for ever")
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Of whom and what a finding is.
fn said(finding: &Value) -> (String, String) {
    (word(&finding["peer"]["name"]).to_owned(), word(&finding["verdict"]).to_owned())
}

/// Plays a fault from beginning to end.
pub(crate) fn play(lab: &Lab, program: Program<'_>, form: Form, fault: &Fault) -> Outcome {
    let mut scene = Scene::new(lab, program, form);
    for host in (1..=usize::from(crate::HOSTS)).filter(|host| !fault.absent.contains(host)) {
        scene.start(host);
    }
    scene.meet();
    let mut outcome =
        Outcome { fault: fault.name.clone(), expected: fault.verdict.to_owned(), ..Outcome::default() };
    let begun = now();
    (fault.inject)(&mut scene);
    let told = watch_it_told(&scene, fault, begun);
    outcome.told_ms = told.map(millis);
    judge_observers(&scene, fault, &mut outcome);
    let healed = now();
    (fault.heal)(&mut scene);
    let well = || {
        let quiet = scene.nodes.keys().all(|host| scene.standing(*host).is_empty());
        (quiet && scene.not_up().is_empty()).then(now)
    };
    let over = poll(fault.over_in_time, well);
    outcome.over_ms = over.map(|at| millis(at - healed));
    if over.is_none() {
        for host in scene.nodes.keys() {
            for (who, what) in scene.standing(*host).iter().map(said) {
                outcome.complaints.push(format!("h{host} does not withdraw that {who} is {what}"));
            }
        }
        outcome.complaints.extend(scene.not_up().into_iter().map(|pair| format!("after the fault, {pair}")));
    }
    judge_accusations(&scene, fault, begun, &mut outcome);
    outcome
}

/// Waits until all say what they must and have done so for a while; how long after the fault that began.
fn watch_it_told(scene: &Scene<'_>, fault: &Fault, begun: Instant) -> Option<Duration> {
    let mut right_since = None;
    // That nobody says anything is seen when the time is over.
    let stands = if fault.must.is_empty() { fault.in_time } else { STANDS };
    let stood = poll(fault.in_time + STANDS, || {
        if complaints(scene, fault).is_empty() {
            let since: Instant = *right_since.get_or_insert_with(now);
            return (now() - since >= stands).then_some(since);
        }
        right_since = None;
        None
    });
    stood.filter(|since| *since - begun <= fault.in_time).map(|since| since - begun)
}

/// What is not as it must be now.
fn complaints(scene: &Scene<'_>, fault: &Fault) -> Vec<String> {
    let mut complaints = Vec::new();
    for host in scene.nodes.keys() {
        let standing = scene.standing(*host);
        let said: Vec<_> = standing.iter().map(said).collect();
        for (_, who, what) in fault.must.iter().filter(|(by, ..)| by == host) {
            if !said.iter().any(|said| (said.0.as_str(), said.1.as_str()) == (*who, *what)) {
                complaints.push(format!("h{host} does not say that {who} is {what}; it says {said:?}"));
            }
        }
        for finding in standing.iter().filter(|finding| fault.is_required(*host, finding)) {
            if let Some(complaint) = (fault.details)(finding) {
                complaints.push(format!("h{host}: {complaint}: {finding}"));
            }
            let of_itself = finding["peer"]["name"] == format!("h{host}");
            if fault.by_own_rule && of_itself && !word(&finding["advice"]).contains("nft insert rule") {
                complaints.push(format!("h{host} does not say which rule to add: {finding}"));
            }
        }
        for (finding, (who, what)) in standing.iter().zip(&said) {
            if !fault.is_allowed(*host, finding) {
                complaints.push(format!("h{host} says that {who} is {what}"));
            }
        }
    }
    complaints
}

/// What the observers say at the deadline, compared with what they must say.
fn judge_observers(scene: &Scene<'_>, fault: &Fault, outcome: &mut Outcome) {
    outcome.complaints.extend(complaints(scene, fault));
    for (host, who, what) in &fault.must {
        let said: Vec<_> = scene.standing(*host).iter().map(said).collect();
        let of_it = said.iter().find(|said| said.0 == *who && said.1 == *what);
        let of_it = of_it.or_else(|| said.iter().find(|said| said.0 == *who));
        outcome.told.push(of_it.map_or("-".to_owned(), |said| said.1.clone()));
    }
    if outcome.told_ms.is_none() && outcome.complaints.is_empty() {
        outcome.complaints.push(format!("it is told, and not within {:?}", fault.in_time));
    }
}

/// What was ever told of others, or of the right one for the wrong reason.
fn judge_accusations(scene: &Scene<'_>, fault: &Fault, begun: Instant, outcome: &mut Outcome) {
    let mut seen = BTreeSet::new();
    for host in 1..=usize::from(crate::HOSTS) {
        for event in scene.ever(host) {
            let (who, what) = said(&event);
            let at = if event.at >= begun {
                format!("{:+.1} s", (event.at - begun).as_secs_f64())
            } else {
                format!("{:.1} s before", (begun - event.at).as_secs_f64())
            };
            if what != "ok" && (event.at < begun || !fault.is_allowed(host, &event)) {
                outcome.complaints.push(format!("{at}: h{host} said that {who} was {what}"));
                if seen.insert((host, who.clone(), what.clone())) {
                    outcome.told.push(format!("{what} (wrongly)"));
                }
            }
            outcome.log.push(format!(
                "{at} h{host}: {who} {what} {} {} {} {}; {}",
                word(&event["pattern"]),
                word(&event["confidence"]),
                event["names"],
                event["evidence"],
                word(&event["advice"]),
            ));
        }
    }
}
