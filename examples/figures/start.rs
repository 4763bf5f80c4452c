//! What a host with many links takes to start, and what it sends on them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use vigie::proto::presence::Presence;

use crate::support::lab::{Families, Host, Lab, feed};
use crate::support::node::{Node, clean};
use crate::support::seen::kind;
use crate::support::{SOON, now, poll};

const TIMES: usize = 25;
/// As on a machine with many networks of containers. Their ports have no address: each bridge is one link.
const BRIDGES: usize = 24;
/// As of VPNs: with an address that has a peer, and no network.
const POINT_TO_POINT: usize = 3;
/// The port of presences.
const PORT: u16 = 17_474;
/// How long a host with many links is listened to: of the period's default, five rounds and those of the start.
const LISTEN: Duration = Duration::from_secs(30);

/// Counts what is sent to all on each link, by family.
const COUNTERS: &str = "
    table inet figures {
        set directed { typeof oifname; flags dynamic; }
        set wide { typeof oifname; flags dynamic; }
        set multicast { typeof oifname; flags dynamic; }
        chain out {
            type filter hook output priority 0;
            ip daddr 255.255.255.255 udp dport 17474 update @wide { oifname counter } accept
            meta nfproto ipv4 udp dport 17474 update @directed { oifname counter } accept
            meta nfproto ipv6 udp dport 17474 update @multicast { oifname counter } accept
        }
    }";

/// Milliseconds from the start of the process to its `started`: of a host with one link, and of one with many, in turns.
pub(crate) fn times(vigie: &Path) -> Vec<f64> {
    let lab = Lab::on_one_link(2_u8, Families::Both);
    add_links(lab.host(2));
    let turns = (0..TIMES).flat_map(|_| [(1, 1), (2, 1 + BRIDGES + POINT_TO_POINT)]);
    turns.map(|(host, links)| start(&lab, host, links, vigie)).collect()
}

/// How many rounds such a host had; on how many links it sent directed broadcasts, and on the one with most of them how many; the
/// same of multicasts; the most limited broadcasts on one link.
pub(crate) fn datagrams(vigie: &Path) -> Vec<f64> {
    let lab = Lab::on_one_link(2_u8, Families::Both);
    let host = lab.host(2);
    add_links(host);
    host.nft(COUNTERS);
    let ear =
        lab.host(1).inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))).expect("the port is free");
    ear.set_read_timeout(Some(SOON)).expect("a timeout");
    let mut node = watch(&lab, host, vigie);
    let mut rounds = 0;
    let end = now() + LISTEN;
    while now() < end {
        rounds = rounds.max(heard(&ear));
    }
    node.kill9();
    ear.set_nonblocking(true).expect("it can be");
    rounds = rounds.max(heard(&ear));
    let [directed, wide, multicast] = ["directed", "wide", "multicast"].map(|set| counted(host, set));
    eprintln!("on each link: {directed:?} directed, {wide:?} wide, {multicast:?} multicast");
    let most = |counts: &BTreeMap<String, u64>| counts.values().copied().max().unwrap_or_default();
    let links = |counts: &BTreeMap<String, u64>| counts.len() as u64;
    let counts =
        [rounds, links(&directed), most(&directed), links(&multicast), most(&multicast), most(&wide)];
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    counts.map(|count| count as f64).to_vec()
}

/// The sequence of a presence, which is the number of the node's round; 0 if none came.
fn heard(ear: &UdpSocket) -> u64 {
    let mut bytes = [0; 1_500];
    let Ok(length) = ear.recv(&mut bytes) else { return 0 };
    Presence::decode(&bytes[..length]).map_or(0, |presence| presence.sequence)
}

fn start(lab: &Lab, host: usize, links: usize, vigie: &Path) -> f64 {
    let begun = now();
    let node = watch(lab, lab.host(host), vigie);
    let started = node.wait_for(SOON, kind("started"));
    let used: BTreeSet<_> =
        started["interfaces"].as_array().into_iter().flatten().map(|i| i["name"].as_str()).collect();
    assert!(used.len() >= links, "it uses all links, not these alone: {used:?}");
    started.at.saturating_duration_since(begun).as_secs_f64() * 1e3
}

fn watch(lab: &Lab, host: Host<'_>, vigie: &Path) -> Node {
    let mut command = Command::new(vigie);
    clean(&mut command);
    command.args(["watch", "--json", "--name", &host.name()]);
    host.inside(|| lab.stage.spawn(&host.name(), command))
}

fn add_links(host: Host<'_>) {
    let mut links = String::new();
    for n in 1..=BRIDGES {
        let _ = write!(
            links,
            "link add docker{n} type bridge\nlink add port{n} type veth peer name container{n} netns 1\n\
             link set port{n} addrgenmode none\n\
             link set port{n} master docker{n} up\naddr add 10.80.{n}.1/24 brd + dev docker{n}\nlink set docker{n} up\n"
        );
    }
    for n in 1..=POINT_TO_POINT {
        let _ = write!(
            links,
            "link add vpn{n} type veth peer name server{n} netns 1\n\
             addr add 10.90.{n}.1 peer 10.90.{n}.2 dev vpn{n}\nlink set vpn{n} arp off up\n"
        );
    }
    feed(host.command("ip").args(["-batch", "-"]), &links);
    let ready = || {
        let output =
            host.command("ip").args(["-6", "-o", "addr", "show", "tentative"]).output().expect("ip runs");
        output.stdout.is_empty().then_some(())
    };
    let others = (1..=BRIDGES)
        .map(|n| format!("container{n}"))
        .chain((1..=POINT_TO_POINT).map(|n| format!("server{n}")));
    let up = others.fold(String::new(), |up, link| up + &format!("link set {link} up\n"));
    feed(Command::new("ip").args(["-batch", "-"]), &up);
    // An address is made as its link comes up, which may take a moment.
    std::thread::sleep(Duration::from_secs(3));
    assert!(poll(SOON, ready).is_some(), "the links have no addresses yet");
}

/// The counters of a set, by link.
fn counted(host: Host<'_>, set: &str) -> BTreeMap<String, u64> {
    let list = ["-j", "list", "set", "inet", "figures", set];
    let output = host.command("nft").args(list).output().expect("nft runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("nft prints JSON");
    let sets = document["nftables"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["set"]["elem"].as_array());
    let elements = sets.flatten().map(|element| &element["elem"]);
    elements
        .filter_map(|e| Some((e["val"].as_str()?.to_owned(), e["counter"]["packets"].as_u64()?)))
        .collect()
}
