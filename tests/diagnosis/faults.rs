//! The table: each fault, how it is made and taken away, and what each observer must say of it.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use vigie::engine::limits::SLOW_LASTS;

use crate::scene::{IN_TIME, OVER_IN_TIME, Scene};
use crate::starved::Starved;

/// An observer, of whom it speaks, its verdict.
pub(crate) type Told = (usize, &'static str, &'static str);
type Deed = Box<dyn Fn(&mut Scene<'_>) + Send + Sync>;

/// A fault whose truth is known.
pub(crate) struct Fault {
    pub(crate) name: String,
    /// The verdict that it is made for.
    pub(crate) verdict: &'static str,
    /// Hosts on which no node runs before it.
    pub(crate) absent: &'static [usize],
    pub(crate) inject: Deed,
    pub(crate) heal: Deed,
    pub(crate) must: Vec<Told>,
    /// What may be told, too.
    pub(crate) may: Vec<Told>,
    /// When all must have told it.
    pub(crate) in_time: Duration,
    /// By then all must be well again after it.
    pub(crate) over_in_time: Duration,
    /// The second host itself must say which rule to add to its packet filter.
    pub(crate) by_own_rule: bool,
    /// What is wrong with a finding that must be there, beyond its verdict.
    pub(crate) details: fn(&Value) -> Option<String>,
}

impl Fault {
    /// A fault at the second host; the others must tell it of that one.
    fn new(
        name: impl Into<String>,
        verdict: &'static str,
        inject: impl Fn(&mut Scene<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            verdict,
            absent: &[],
            inject: Box::new(inject),
            heal: Box::new(|s| {
                s.heal();
            }),
            must: [1, 3, 4].map(|by| (by, "h2", verdict)).to_vec(),
            may: Vec::new(),
            in_time: IN_TIME,
            over_in_time: OVER_IN_TIME,
            by_own_rule: false,
            details: |_| None,
        }
    }

    fn healed_by(self, heal: impl Fn(&mut Scene<'_>) + Send + Sync + 'static) -> Self {
        Self { heal: Box::new(heal), ..self }
    }

    /// The second host itself must say this of itself, too.
    fn and_of_itself(mut self, verdict: &'static str) -> Self {
        self.must.push((2, "h2", verdict));
        self
    }

    /// The same, and which rule to add to its packet filter.
    fn by_own_rule(self, verdict: &'static str) -> Self {
        Self { by_own_rule: true, ..self.and_of_itself(verdict) }
    }

    /// Only these must tell it, as it says here.
    fn told_by(self, must: &[Told]) -> Self {
        Self { must: must.to_vec(), ..self }
    }

    /// This may be said, too.
    fn perhaps(mut self, may: &[Told]) -> Self {
        self.may.extend(may);
        self
    }

    fn without_before(self, absent: &'static [usize]) -> Self {
        Self { absent, ..self }
    }

    fn with_details(self, details: fn(&Value) -> Option<String>) -> Self {
        Self { details, ..self }
    }

    /// Where the other family works nobody must say anything of it: of TCP there is nothing to say, for that goes by the other one.
    fn of_one_family(mut self) -> Self {
        let must = std::mem::take(&mut self.must);
        if !matches!(self.verdict, "firewall_drop" | "firewall_reject") {
            self.may.extend(must);
        }
        self
    }

    /// Whether this host must say this.
    pub(crate) fn is_required(&self, host: usize, finding: &Value) -> bool {
        self.must.iter().any(|told| is(host, finding, told))
    }

    /// Whether this host may say this.
    pub(crate) fn is_allowed(&self, host: usize, finding: &Value) -> bool {
        self.must.iter().chain(&self.may).any(|told| is(host, finding, told))
    }
}

fn is(host: usize, finding: &Value, told: &Told) -> bool {
    host == told.0 && finding["peer"]["name"] == told.1 && finding["verdict"] == told.2
}

/// All of them.
pub(crate) fn all() -> Vec<Fault> {
    let groups =
        [tcp(), udp(), pairs(), hosts(), loss(), addresses(), strangers(), names(), links(), routes()];
    groups.into_iter().flatten().collect()
}

/// Those that tell most among hosts of both families, each as it is told there: in both at once, or in IPv4 alone.
pub(crate) fn of_both_families() -> Vec<(Form, Fault)> {
    let named =
        |name: &str| all().into_iter().find(|fault| fault.name == name).expect("there is such a fault");
    let in_both = [
        "process killed",
        "TCP dropped in",
        "TCP rejected with tcp reset",
        "UDP dropped in",
        "UDP dropped both ways",
        "a pair cut off from each other",
        "dead switch port",
        "cable pulled",
        "process stopped",
        "20 % of packets lost",
        "wrong group",
    ];
    let in_ipv4 = [
        "TCP dropped in",
        "TCP rejected with icmp type port-unreachable",
        "UDP dropped in",
        "UDP dropped out",
        "UDP dropped both ways",
        "broadcasts dropped in, by type",
        "broadcasts dropped out",
        "a pair cut off from each other",
        "all of one to one dropped",
        "20 % of packets lost",
        "mask changed",
    ];
    let both = in_both.map(|name| (Form::Both, named(name)));
    let ipv4 = in_ipv4.map(|name| (Form::Ipv4OfBoth, named(name).of_one_family()));
    both.into_iter().chain(ipv4).collect()
}

/// In which families the hosts of a lab speak, and a fault that firewall rules make is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// The hosts have no other.
    Ipv4Alone,
    /// The hosts have both, and it is in both.
    Both,
    /// The hosts have both, and it is in one.
    Ipv4OfBoth,
}

fn tcp() -> Vec<Fault> {
    let mut faults = vec![
        Fault::new("process killed", "closed_port", |s| s.kill(2)).healed_by(|s| s.start(2)),
        Fault::new("TCP dropped in", "firewall_drop", |s| s.rule_in(2, "tcp flags & (syn|ack) == syn drop"))
            .by_own_rule("firewall_drop"),
        Fault::new("all TCP dropped in", "firewall_drop", |s| s.rule_in(2, "meta l4proto tcp drop"))
            .by_own_rule("firewall_drop"),
        Fault::new("TCP dropped out", "firewall_drop", |s| {
            s.rule_out(2, "tcp flags & (syn|ack) == syn drop");
        })
        .by_own_rule("firewall_drop"),
        Fault::new("all TCP dropped out", "firewall_drop", |s| {
            s.rule_out(2, "meta l4proto tcp drop");
        })
        .by_own_rule("firewall_drop"),
    ];
    let codes = ["net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable"];
    let prohibited = ["net-prohibited", "host-prohibited", "admin-prohibited"];
    let icmp = codes.iter().chain(&prohibited).map(|code| format!("icmp type {code}"));
    faults.extend(std::iter::once("tcp reset".to_owned()).chain(icmp).map(|with| {
        Fault::new(format!("TCP rejected with {with}"), "firewall_reject", move |s| {
            s.reject_in(2, &with);
        })
        .by_own_rule("firewall_reject")
    }));
    faults
}

fn udp() -> Vec<Fault> {
    vec![
        Fault::new("UDP dropped in", "one_way_udp", |s| s.rule_in(2, "meta l4proto udp drop"))
            .by_own_rule("one_way_udp"),
        Fault::new("UDP dropped out", "one_way_udp", |s| s.rule_out(2, "meta l4proto udp drop"))
            .by_own_rule("one_way_udp"),
        Fault::new("UDP dropped both ways", "udp_blocked", |s| {
            s.rule_in(2, "meta l4proto udp drop");
            s.rule_out(2, "meta l4proto udp drop");
        })
        .by_own_rule("udp_blocked"),
        Fault::new("broadcasts dropped in, by type", "broadcast_blocked", |s| {
            s.rule_in(2, "meta pkttype { broadcast, multicast } drop");
        })
        .by_own_rule("broadcast_blocked"),
        Fault::new("broadcasts dropped in, by address", "broadcast_blocked", |s| {
            s.rules_in(2, "ip daddr 10.77.0.255 drop", "ip6 daddr ff12::/16 drop");
        })
        .by_own_rule("broadcast_blocked"),
        Fault::new("broadcasts dropped out", "broadcast_blocked", |s| {
            s.rules_out(2, "ip daddr { 10.77.0.255, 255.255.255.255 } drop", "ip6 daddr ff12::/16 drop");
        })
        .by_own_rule("broadcast_blocked"),
    ]
}

/// Of the pair h1 and h2 only.
fn pairs() -> Vec<Fault> {
    // The others may learn of it, and tell it of one of the two.
    let of_the_pair =
        |verdict| [(3, "h1", verdict), (3, "h2", verdict), (4, "h1", verdict), (4, "h2", verdict)];
    let both = |verdict| [(1, "h2", verdict), (2, "h1", verdict)];
    vec![
        Fault::new("a pair cut off from each other", "isolated", |s| {
            s.rule_from(1, 2, "drop");
            s.rule_from(2, 1, "drop");
        })
        .told_by(&both("isolated"))
        .perhaps(&of_the_pair("isolated")),
        Fault::new("connections of one to one dropped", "one_way_tcp", |s| {
            s.rule_from(1, 2, "tcp flags & (syn|ack) == syn drop");
        })
        // Only h1 has seen it; the others wait whether it is part of something larger.
        .told_by(&[(1, "h2", "one_way_tcp")])
        .perhaps(&[(2, "h1", "one_way_tcp")])
        .perhaps(&of_the_pair("one_way_tcp")),
        Fault::new("all of one to one dropped", "one_way_udp", |s| {
            s.rule_from(1, 2, "drop");
        })
        .told_by(&both("one_way_udp"))
        .perhaps(&of_the_pair("one_way_udp")),
    ]
}

fn hosts() -> Vec<Fault> {
    vec![
        Fault::new("dead switch port", "host_down", |s| s.lab.host(2).isolate())
            .and_of_itself("local_problem")
            .healed_by(|s| s.lab.host(2).rejoin()),
        Fault::new("cable pulled", "host_down", |s| s.lab.host(2).unplug())
            .and_of_itself("local_problem")
            .healed_by(|s| s.lab.host(2).plug()),
        Fault::new("process stopped", "hung_peer", |s| s.node(2).sigstop())
            .healed_by(|s| s.node(2).sigcont()),
        stopped_and_going(),
    ]
}

/// A host that stands still most of the time, as one that swaps or whose processor is taken away: its system answers all the time.
fn stopped_and_going() -> Fault {
    let starved = Arc::new(Starved::default());
    let same = Arc::clone(&starved);
    let fault = Fault::new("process stopped and going", "slow_host", move |s| starved.begin(s.node(2).pid()))
        .and_of_itself("slow_host")
        .healed_by(move |_| same.end());
    Fault { over_in_time: OVER_IN_TIME + SLOW_LASTS, ..fault }
}

/// How much longer it may take until so many echoes are counted that a small share of lost ones is no chance, at every host.
const LOSS_IS_COUNTED: Duration = Duration::from_secs(20);

fn loss() -> Vec<Fault> {
    let lossy = |share: u32| {
        Fault::new(format!("{share} % of packets lost"), "packet_loss", move |s| {
            s.rule_in(2, &format!("numgen random mod 100 < {share} drop"));
        })
        .and_of_itself("packet_loss")
    };
    vec![
        Fault { in_time: IN_TIME + LOSS_IS_COUNTED, ..lossy(20) },
        lossy(40),
        Fault::new("MTU black hole", "mtu", |s| s.lab.host(2).port_mtu(1280))
            .and_of_itself("mtu")
            .healed_by(|s| s.lab.host(2).port_mtu(1500))
            .with_details(|finding| {
                let mentioned = finding["evidence"].to_string().contains("MTU");
                (!mentioned).then(|| "no word of the MTU".to_owned())
            }),
    ]
}

fn addresses() -> Vec<Fault> {
    let right = |s: &mut Scene<'_>| s.lab.host(2).change_address("10.77.0.2/24");
    let others = [(2, "h1", "wrong_subnet"), (2, "h3", "wrong_subnet"), (2, "h4", "wrong_subnet")];
    vec![
        Fault::new("wrong mask from the start", "wrong_subnet", |s| {
            s.lab.host(2).change_address("10.77.0.2/16");
            s.start(2);
        })
        .without_before(&[2])
        .and_of_itself("wrong_subnet")
        .healed_by(right),
        Fault::new("mask changed", "wrong_subnet", |s| s.lab.host(2).change_address("10.77.0.2/16"))
            .and_of_itself("wrong_subnet")
            .healed_by(right),
        Fault::new("address of another network", "wrong_subnet", |s| {
            s.lab.host(2).change_address("10.78.0.2/24");
            s.start(2);
        })
        .without_before(&[2])
        .perhaps(&others)
        .healed_by(right)
        .with_details(is_a_stranger),
    ]
}

fn is_a_stranger(finding: &Value) -> Option<String> {
    (finding["pattern"] != "stranger").then(|| "it is no peer".to_owned())
}

fn strangers() -> Vec<Fault> {
    let others = [(2, "h1", "wrong_group"), (2, "h3", "wrong_group"), (2, "h4", "wrong_group")];
    let newer = Arc::new(Newer::default());
    let same = Arc::clone(&newer);
    vec![
        Fault::new("wrong group", "wrong_group", |s| s.start_with(2, &["--group", "other"]))
            .without_before(&[2])
            .perhaps(&others)
            .healed_by(|s| {
                s.end(2);
                s.start(2);
            })
            .with_details(is_a_stranger),
        Fault::new("wrong version", "version_mismatch", move |s| {
            newer.talk(s);
        })
        .without_before(&[2])
        .told_by(&[1, 3, 4].map(|by| (by, "10.77.0.2", "version_mismatch")))
        .healed_by(move |s| {
            same.be_silent();
            s.start(2);
        })
        .with_details(is_a_stranger),
    ]
}

/// A node of a later version of the protocol: of it only the first bytes can be read.
#[derive(Default)]
struct Newer {
    silent: AtomicBool,
    talker: Mutex<Option<JoinHandle<()>>>,
}

impl Newer {
    fn talk(self: &Arc<Self>, scene: &Scene<'_>) {
        let socket =
            scene.lab.host(2).inside(|| UdpSocket::bind("10.77.0.2:17474").expect("the port is free"));
        socket.set_broadcast(true).expect("broadcasts are allowed");
        let newer = Arc::clone(self);
        let talk = move || {
            while !newer.silent.load(Ordering::Relaxed) {
                let sent = socket.send_to(b"VIGI\x02and what comes then", "10.77.0.255:17474");
                sent.expect("a broadcast is sent");
                std::thread::sleep(Duration::from_millis(200));
            }
        };
        *self.talker.lock().expect("nobody panics") = Some(std::thread::spawn(talk));
    }

    /// Ends it; its port is free then.
    fn be_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
        let talker = self.talker.lock().expect("nobody panics").take().expect("it talks");
        talker.join().expect("it ends in peace");
    }
}

fn names() -> Vec<Fault> {
    vec![
        Fault::new("two of one name", "duplicate_name", |s| {
            s.start_with(2, &["--name", "twin"]);
            s.start_with(3, &["--name", "twin"]);
        })
        .without_before(&[2, 3])
        .told_by(&[1, 2, 3, 4].map(|by| (by, "twin", "duplicate_name")))
        .healed_by(|s| {
            for host in [2, 3] {
                s.end(host);
                s.start(host);
            }
        }),
    ]
}

fn links() -> Vec<Fault> {
    vec![
        Fault::new("two islands", "isolated", |s| {
            s.lab.host(3).join_second_link();
            s.lab.host(4).join_second_link();
        })
        .told_by(&[
            (1, "h3", "isolated"),
            (2, "h3", "isolated"),
            (3, "h1", "isolated"),
            (4, "h1", "isolated"),
        ])
        .healed_by(|s| {
            s.lab.host(3).rejoin();
            s.lab.host(4).rejoin();
        })
        .with_details(|finding| {
            let both = finding["names"].as_array().is_some_and(|names| names.len() == 2);
            (finding["pattern"] != "islands" || !both).then(|| "no islands of two".to_owned())
        }),
    ]
}

/// On h1, towards h2.
fn routes() -> Vec<Fault> {
    [("prohibit", "local_problem"), ("blackhole", "local_problem"), ("throw", "no_route")]
        .map(|(kind, verdict)| {
            let of_the_pair =
                [(3, "h1", verdict), (3, "h2", verdict), (4, "h1", verdict), (4, "h2", verdict)];
            Fault::new(format!("{kind} route"), verdict, move |s| s.lab.host(1).bad_route(kind, "10.77.0.2"))
                .told_by(&[(1, if verdict == "no_route" { "h2" } else { "h1" }, verdict)])
                .perhaps(&[(2, "h1", verdict), (2, "h2", verdict)])
                .perhaps(&of_the_pair)
                .healed_by(move |s| s.lab.host(1).heal_route(kind, "10.77.0.2"))
        })
        .into()
}
