//! Reads this machine and tries its sockets: the one part of the doctor that touches them.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use crate::cli::args::NodeArgs;
use crate::engine::interface::{Interface, Kind};
use crate::net::interfaces::{self, Address};
use crate::net::trials::{self, Outcome, Sender};

use super::facts::{Asked, Facts, Link, Port, State, System, link_of};
use super::system;

/// Looks at everything, which takes a few seconds where much is wrong.
///
/// # Errors
/// When not even the interfaces can be read.
pub(super) fn read(node: &NodeArgs) -> io::Result<Facts> {
    let selection = node.selection();
    let asked = asked(node)?;
    let used = interfaces::usable(&selection)?;
    let mut links = system::links().unwrap_or_default();
    add_addresses(&mut links, interfaces::addresses()?);
    let trials = Trials::of(node, &asked, &used);
    Ok(Facts {
        system: System::OURS,
        root: is_root(),
        default_route: system::default_route(),
        ephemeral: system::ephemeral_ports(),
        reserved: system::is_reserved(asked.port),
        open_files: open_files(),
        neighbours: system::neighbours(),
        firewall: system::firewall(&used, asked.port, asked.tcp()),
        udp_port: trials.udp_port,
        tcp_port: trials.tcp_port,
        udp_loopback: trials.udp_loopback,
        tcp_loopback: trials.tcp_loopback,
        broadcasts: trials.broadcasts,
        asked,
        links,
        used,
    })
}

fn asked(node: &NodeArgs) -> io::Result<Asked> {
    let words = |option: &str, globs: &[glob::Pattern]| -> Vec<String> {
        globs.iter().map(|glob| format!("{option} '{glob}'")).collect()
    };
    let selection =
        [words("--interface", &node.interface), words("--exclude-interface", &node.exclude_interface)]
            .concat();
    Ok(Asked {
        port: node.port,
        tcp_port: node.tcp_port,
        bind: node.bind.filter(|addr| !addr.is_unspecified()),
        bind_is_ours: node.bind.map_or(Ok(true), |addr| interfaces::holds(addr.into()))?,
        selection: selection.join(" "),
    })
}

/// What the sockets of a node can do.
struct Trials {
    udp_port: Port,
    tcp_port: Port,
    udp_loopback: Outcome,
    tcp_loopback: Outcome,
    broadcasts: Vec<Outcome>,
}

impl Trials {
    fn of(node: &NodeArgs, asked: &Asked, used: &[Interface]) -> Self {
        let any = Ipv4Addr::UNSPECIFIED;
        // An address that is not ours is a finding of its own: the rest is tried without it.
        let bind = asked.bind.filter(|_| asked.bind_is_ours);
        let own = IpAddr::V4(bind.unwrap_or(Ipv4Addr::LOCALHOST));
        let name = node.name();
        let sender = Sender { name: &name, group: &node.group };

        let presence = trials::take_presence_port(asked.port);
        let udp_holders = system::holders(false, asked.port);
        // Of several sockets on one port, one alone gets what is not a broadcast; it need not be ours.
        let alone = udp_holders.is_empty().then_some(()).and(presence.as_ref().ok());
        let udp_loopback = match alone {
            Some(presence) => trials::udp_by_way_of(own, presence, sender),
            None => trials::take_any_udp_port().and_then(|any| trials::udp_by_way_of(own, &any, sender)),
        };
        let broadcasts = match &presence {
            Ok(presence) => trials::broadcasts(used, presence, sender),
            Err(_) => match trials::take_any_udp_port() {
                Ok(any) => trials::broadcasts(used, &any, sender),
                Err(failure) => vec![Err(failure); used.len()],
            },
        };
        let udp_port = Port { refused: presence.err(), holders: udp_holders };

        let listener = trials::take_tcp_port(bind.unwrap_or(any).into(), asked.tcp());
        let tcp_holders = if listener.is_err() { system::holders(true, asked.tcp()) } else { Vec::new() };
        let (refused, listener) = match listener {
            Ok(listener) => (None, Ok(listener)),
            Err(failure) => (Some(failure), trials::take_tcp_port(own, 0)),
        };
        let tcp_loopback = listener.and_then(|listener| trials::tcp_by_way_of(own, &listener));
        Self {
            udp_port,
            tcp_port: Port { refused, holders: tcp_holders },
            udp_loopback,
            tcp_loopback,
            broadcasts,
        }
    }
}

/// Gives the links their addresses; where the links are not known, those with addresses are all there are.
fn add_addresses(links: &mut Vec<Link>, addresses: Vec<Address>) {
    for Address { interface, ip, prefix, running, point_to_point } in addresses {
        let name = link_of(&interface);
        let nth = links.iter().position(|link| *link.name == *name).unwrap_or_else(|| {
            links.push(Link {
                name: name.into(),
                kind: Kind::of(name),
                state: if running { State::Up } else { State::NotRunning },
                mtu: None,
                point_to_point,
                v4: Vec::new(),
                v6: Vec::new(),
                rp_filter: None,
            });
            links.len() - 1
        });
        match ip {
            IpAddr::V4(v4) => links[nth].v4.push((v4, prefix)),
            IpAddr::V6(v6) => links[nth].v6.push(v6),
        }
    }
}

/// Files and sockets that we may have open; without a limit, as many as can be counted.
#[cfg(unix)]
fn open_files() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// There is no such limit.
#[cfg(not(unix))]
fn open_files() -> u64 {
    u64::MAX
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// It is not asked: what is said for Windows is for an administrator's console.
#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
