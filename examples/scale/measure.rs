//! One network of a size, from its start to the crash of a third of it.

use std::collections::BTreeSet;
use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::peers::PeerState;
use vigie::engine::verdict::Verdict;
use vigie::testkit::{HostId, Lan, secs};

/// All of them start within this.
const STARTS_WITHIN: Duration = secs(10);
/// By then what comes with the start is over: every pair has been dialed.
const SETTLES: Duration = secs(60);
/// How long it is counted.
const WINDOW: Duration = secs(20);
/// What comes to the victim of a crash because of it comes within this.
const COUNTED_AT_THE_VICTIM: Duration = secs(1);
/// How long a crash is watched.
const WATCHED: Duration = secs(12);
/// What a datagram has besides its payload: Ethernet, IPv4, UDP.
pub(crate) const DATAGRAM_HEADERS: usize = 14 + 20 + 8;
/// What a packet of TCP has besides its payload: Ethernet, IPv4, TCP with timestamps.
pub(crate) const TCP_HEADERS: usize = 14 + 20 + 32;
/// Packets that each end of an exchange sends: SYN or its answer, request or reply, acknowledgements, FIN.
pub(crate) const PACKETS_OF_AN_EXCHANGE: usize = 4;

/// What was measured; rates are those of one node in a second, on average.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) nodes: usize,
    /// After the last start, until everybody knew everybody.
    pub(crate) all_known: Option<Duration>,
    pub(crate) datagrams_out: f64,
    pub(crate) dials: f64,
    /// Datagrams and packets of TCP.
    pub(crate) packets_out: f64,
    pub(crate) packets_in: f64,
    pub(crate) bytes_out: f64,
    /// Entries of the table of peers that were looked at.
    pub(crate) entries: f64,
    /// Of one node, in bytes.
    pub(crate) memory: u64,
    /// Until a crash was known to all others.
    pub(crate) one_crash: Option<Duration>,
    /// Connections and datagrams that came to the victim's host for it.
    pub(crate) dials_of_the_victim: usize,
    pub(crate) datagrams_to_the_victim: usize,
    /// Until the crash of three in ten was known to all others.
    pub(crate) many_crashes: Option<Duration>,
    /// Findings about healthy nodes, in all of that.
    pub(crate) accusations: usize,
}

impl Figures {
    pub(crate) fn of(nodes: usize) -> Self {
        let mut lan = Lan::new(1);
        lan.record = false;
        let hosts = start(&mut lan, nodes);
        let all_known = lan.run_until(secs(30), |lan| knows_all(lan, &hosts));
        lan.run_for(SETTLES);
        let Rest { datagrams_out, datagrams_in, dials, bytes_out, tcp_packets, entries } = rest(&mut lan);
        let mut accusations = accused(&lan, &[]);
        let victim = hosts[nodes / 2];
        let one_crash = crash(&mut lan, &[victim], &[]);
        accusations += accused(&lan, &[victim]);
        let at = lan.hosts[victim.0].interfaces[0].addr;
        let soon = lan.elapsed().saturating_sub(WATCHED) + COUNTED_AT_THE_VICTIM;
        let sent = lan.sent.iter().filter(|sent| sent.to.ip() == at && sent.at < soon);
        let datagrams_to_the_victim = sent.count();
        let dialed = lan.dialed.iter().filter(|(dialed, _, to)| to.ip() == at && *dialed < soon);
        let dials_of_the_victim = dialed.count();
        let many: Vec<HostId> =
            hosts.iter().copied().filter(|host| host.0 % 10 < 3 && *host != victim).collect();
        let many_crashes = crash(&mut lan, &many, &[victim]);
        accusations += accused(&lan, &[&[victim], &many[..]].concat());
        Self {
            nodes,
            all_known,
            datagrams_out,
            dials,
            packets_out: datagrams_out + tcp_packets,
            packets_in: datagrams_in + tcp_packets,
            bytes_out,
            entries,
            one_crash,
            dials_of_the_victim,
            datagrams_to_the_victim,
            many_crashes,
            accusations,
            memory: memory(lan, hosts[0]),
        }
    }
}

fn start(lan: &mut Lan, nodes: usize) -> Vec<HostId> {
    let gap = STARTS_WITHIN / u32::try_from(nodes).expect("so many are not simulated");
    let one = |nth: usize| {
        lan.run_for(gap);
        lan.host(&format!("10.0.{}.{}/16", nth / 250, nth % 250 + 1))
    };
    (0..nodes).map(one).collect()
}

fn knows_all(lan: &Lan, hosts: &[HostId]) -> bool {
    // Looking costs more than the network does: ten times a second is often enough.
    lan.elapsed().as_millis().is_multiple_of(100)
        && hosts.iter().all(|host| lan.hosts[host.0].engine.snapshot(lan.now).peers.len() + 1 == hosts.len())
}

struct Rest {
    datagrams_out: f64,
    datagrams_in: f64,
    dials: f64,
    bytes_out: f64,
    tcp_packets: f64,
    entries: f64,
}

#[expect(clippy::cast_precision_loss, reason = "to be printed with three digits")]
fn rest(lan: &mut Lan) -> Rest {
    forget(lan);
    let steps = |lan: &Lan| lan.hosts.iter().map(|host| host.engine.steps()).sum::<u64>();
    let (before, tcp_before) = (steps(lan), lan.tcp_bytes);
    lan.run_for(WINDOW);
    let nodes = lan.hosts.len();
    let rate = |count: usize| count as f64 / nodes as f64 / WINDOW.as_secs_f64();
    let is_broadcast = |ip: std::net::IpAddr| lan.hosts.iter().all(|host| host.interfaces[0].addr != ip);
    let everybody: BTreeSet<_> =
        lan.sent.iter().map(|sent| sent.to.ip()).filter(|ip| is_broadcast(*ip)).collect();
    let broadcasts = lan.sent.iter().filter(|sent| everybody.contains(&sent.to.ip())).count();
    // Each exchange is of two nodes.
    let tcp_packets = lan.dialed.len() * 2 * PACKETS_OF_AN_EXCHANGE;
    let payload: usize = lan.sent.iter().map(|sent| sent.bytes.len() + DATAGRAM_HEADERS).sum();
    Rest {
        datagrams_out: rate(lan.sent.len()),
        datagrams_in: rate(lan.sent.len() - broadcasts + broadcasts * (nodes - 1)),
        dials: rate(lan.dialed.len()),
        bytes_out: rate(payload + lan.tcp_bytes - tcp_before + tcp_packets * TCP_HEADERS),
        tcp_packets: rate(tcp_packets),
        entries: (steps(lan) - before) as f64 / nodes as f64 / WINDOW.as_secs_f64(),
    }
}

/// From now on everything is written down.
fn forget(lan: &mut Lan) {
    lan.log.clear();
    lan.sent.clear();
    lan.dialed.clear();
    lan.record = true;
}

/// Kills them at once, where these are killed before; the time until all others know it of all.
fn crash(lan: &mut Lan, victims: &[HostId], before: &[HostId]) -> Option<Duration> {
    forget(lan);
    let began = lan.elapsed();
    for victim in victims {
        lan.kill(*victim);
    }
    lan.run_for(WATCHED);
    let gone: BTreeSet<_> = victims.iter().map(|host| lan.hosts[host.0].config.id).collect();
    let mut known = BTreeSet::new();
    let mut last = Duration::ZERO;
    for logged in &lan.log {
        if let Event::PeerState { peer, to, .. } = &logged.event
            && *to != PeerState::Up
            && let Some(id) = peer.id.filter(|id| gone.contains(id))
            && known.insert((logged.host.0, id))
        {
            last = logged.at.saturating_sub(began);
        }
    }
    let living = lan.hosts.len() - before.len() - victims.len();
    (known.len() == living * victims.len()).then_some(last)
}

/// Findings about others than these.
fn accused(lan: &Lan, guilty: &[HostId]) -> usize {
    let guilty: BTreeSet<_> = guilty.iter().map(|host| lan.hosts[host.0].config.id).collect();
    let of_healthy = |event: &Event| match event {
        Event::Diagnosis(finding) => {
            finding.verdict != Verdict::Ok && !finding.peer.id.is_some_and(|id| guilty.contains(&id))
        }
        _ => false,
    };
    lan.log.iter().filter(|logged| of_healthy(&logged.event)).count()
}

/// The bytes that are free once this node is gone.
fn memory(lan: Lan, of: HostId) -> u64 {
    let host = lan.hosts.into_iter().nth(of.0).expect("it was started");
    allocation_counter::measure(|| drop(host.engine)).bytes_current.unsigned_abs()
}
