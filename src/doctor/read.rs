//! Puts together what is known of this machine: what the caller observed with its sockets, and what the system's files and
//! tools say.

use crate::engine::interface::Interface;
use crate::engine::packet_filter::BlockingRule;
use crate::text::plain;

use super::facts::{
    DoctorRequest, MachineFacts, MachineLink, Port, PortHolder, System, Transport, TrialFailure, TrialResult,
};
use super::{remedy, system};

/// What the caller has to find out, because it takes sockets.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What the user asked for.
    pub request: DoctorRequest,
    /// All links with their addresses.
    pub links: Vec<MachineLink>,
    /// The interfaces that a node would broadcast on.
    pub used: Vec<Interface>,
    /// Those from which it would speak IPv6.
    pub of_ipv6: Vec<Interface>,
    /// Who else held the presence port before it was tried: the answer of [`holders`].
    pub udp_holders: Vec<PortHolder>,
    /// What the sockets of a node can do.
    pub trials: Trials,
}

/// What the sockets of a node can do on this machine.
#[derive(Debug, Clone)]
pub struct Trials {
    /// Taking the presence port.
    pub udp_port: Result<(), TrialFailure>,
    /// Taking the TCP port.
    pub tcp_port: Result<(), TrialFailure>,
    /// A datagram from this machine to itself.
    pub udp_loopback: TrialResult,
    /// A connection from this machine to itself.
    pub tcp_loopback: TrialResult,
    /// One broadcast on each of the used interfaces, in their order.
    pub broadcasts: Vec<TrialResult>,
}

/// Who holds a port, apart from this process; nobody where the system does not tell.
pub fn holders(transport: Transport, port: u16) -> Vec<PortHolder> {
    system::holders(transport, port)
}

/// Reads the rest of the facts, which takes a few seconds where a tool hangs.
pub fn read(observed: Observed) -> MachineFacts {
    let Observed { request, mut links, used, of_ipv6, udp_holders, trials } = observed;
    for link in &mut links {
        system::refine(link);
    }
    let tcp_holders = match &trials.tcp_port {
        Ok(()) => Vec::new(),
        Err(_) => holders(Transport::Tcp, request.tcp()),
    };
    MachineFacts {
        system: System::OURS,
        root: is_root(),
        default_route: system::default_route(),
        ephemeral: system::ephemeral_ports(),
        reserved: system::is_reserved(request.port),
        open_files: open_files(),
        neighbours: system::neighbours(),
        firewall: system::firewall(&[&used[..], &of_ipv6].concat(), request.port, request.tcp()),
        udp_port: Port { refused: trials.udp_port.err(), holders: udp_holders },
        tcp_port: Port { refused: trials.tcp_port.err(), holders: tcp_holders },
        udp_loopback: trials.udp_loopback,
        tcp_loopback: trials.tcp_loopback,
        broadcasts: trials.broadcasts,
        request,
        links,
        used,
        of_ipv6,
    }
}

/// The rules of this machine that are known to stop packets of a node on these interfaces, at its UDP and its TCP port. None where they
/// may not be read, as mostly for whoever is not an administrator. Takes as long as the tools of the packet filters.
pub fn blocking_rules(interfaces: &[Interface], udp: u16, tcp: u16) -> Vec<BlockingRule> {
    let obstacles = system::firewall(interfaces, udp, tcp).obstacles;
    let certain = obstacles.into_iter().filter(|obstacle| obstacle.certain);
    let root = is_root();
    let rules = certain.map(|obstacle| BlockingRule {
        remedy: remedy::let_through_here(root, &obstacle, udp, tcp).into(),
        ip: obstacle.ip,
        direction: obstacle.direction,
        stops: obstacle.stops,
        interfaces: obstacle.interfaces,
        rule: plain(&obstacle.rule).into(),
    });
    rules.collect()
}

/// How many files and sockets this process may have open; without a limit, as many as can be counted.
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
