//! Brings together what `net` finds out about this machine and what the doctor reads itself.

use std::io;
use std::net::IpAddr;

use crate::cli::args::NodeArgs;
use crate::doctor::{
    DoctorRequest, LinkState, MachineFacts, MachineLink, Observed, PortHolder, Transport, TrialFailure,
    TrialStep, Trials, holders, read,
};
use crate::engine::interface::Interface;
use crate::net::addresses::{self, Address, Usability};
use crate::net::interfaces;
use crate::net::selftest::{self, Plan, SelfTest, SelfTestFailure, SelfTestSender, SelfTestStep};

/// The ports of a node that runs here already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    /// That of its presence.
    pub(super) port: u16,
    /// That on which it accepts connections.
    pub(super) tcp_port: u16,
}

/// Finds out everything, which takes a few seconds where much is wrong, and tells what it is about to do. It is about the node that runs,
/// or about one that would be started so.
///
/// # Errors
/// When not even the interfaces can be read.
pub(super) fn look_at(
    node: &NodeArgs,
    running: Option<Running>,
    tell: impl Fn(&'static str),
) -> io::Result<MachineFacts> {
    tell("reading the interfaces");
    let mut request = request(node)?;
    if let Some(Running { port, tcp_port }) = running {
        request = DoctorRequest { port, tcp_port: Some(tcp_port), is_running: true, ..request };
    }
    let usable = interfaces::usable(&node.selection())?;
    let (of_ipv6, mut used): (Vec<_>, Vec<_>) = usable.into_iter().partition(|i| i.addr.is_ipv6());
    used.retain(|interface| interface.broadcast.is_some());
    let mut links = links();
    add_addresses(&mut links, addresses::all()?);
    let udp_holders = holders(Transport::Udp, request.port);
    tell("trying ports and broadcasts");
    let trials = try_sockets(node, &request, &used, &udp_holders);
    tell("reading firewall rules and limits");
    Ok(read(Observed { request, links, used, of_ipv6, udp_holders, trials }))
}

fn request(node: &NodeArgs) -> io::Result<DoctorRequest> {
    let given = |option: &str, globs: &[glob::Pattern]| -> Vec<String> {
        globs.iter().map(|glob| format!("{option} '{glob}'")).collect()
    };
    let include = given("--interface", &node.interface);
    let exclude = given("--exclude-interface", &node.exclude_interface);
    Ok(DoctorRequest {
        port: node.port,
        tcp_port: node.tcp_port,
        bind: node.bind.filter(|addr| !addr.ip().is_unspecified()),
        bind_is_ours: node.bind.map_or(Ok(true), interfaces::holds)?,
        selection: [include, exclude].concat().join(" "),
        is_running: false,
    })
}

/// All links as the kernel describes them, without their addresses; none where it does not.
#[cfg(target_os = "linux")]
fn links() -> Vec<MachineLink> {
    use crate::net::rtnetlink::{self, KernelLink, KernelLinkState};
    let described = |link: KernelLink| {
        let state = match link.state {
            KernelLinkState::Down => LinkState::Down,
            KernelLinkState::NoCarrier => LinkState::NoCarrier,
            KernelLinkState::Up => LinkState::Up,
        };
        MachineLink {
            mtu: Some(link.mtu),
            point_to_point: link.point_to_point,
            hardware: Some(link.hardware).filter(|addr| !addr.is_empty()),
            made_by: link.made_by,
            ..MachineLink::new(&link.name, state)
        }
    };
    rtnetlink::links().unwrap_or_default().into_iter().map(described).collect()
}

/// Links are known by their addresses only.
#[cfg(not(target_os = "linux"))]
fn links() -> Vec<MachineLink> {
    Vec::new()
}

/// Gives the links their addresses, and adds those that are known by their addresses only.
fn add_addresses(links: &mut Vec<MachineLink>, addresses: Vec<Address>) {
    for Address { link: name, ip, prefix, running, point_to_point, usability, .. } in addresses {
        let nth = links.iter().position(|link| *link.name == name).unwrap_or_else(|| {
            let state = if running { LinkState::Up } else { LinkState::NotRunning };
            links.push(MachineLink { point_to_point, ..MachineLink::new(&name, state) });
            links.len() - 1
        });
        links[nth].add_address(ip, prefix);
        if let (IpAddr::V6(ip), Usability::Duplicate) = (ip, usability) {
            links[nth].duplicates.push(ip);
        }
    }
}

/// Tries what the sockets of a node can do.
fn try_sockets(
    node: &NodeArgs,
    request: &DoctorRequest,
    used: &[Interface],
    udp_holders: &[PortHolder],
) -> Trials {
    let name = node.name();
    let tested = selftest::run(&Plan {
        sender: SelfTestSender { name: &name, group: &node.group },
        port: request.port,
        tcp_port: request.tcp(),
        // An address that this machine does not have is a finding of its own: the rest is tried without it.
        bind: request.bind.filter(|_| request.bind_is_ours),
        used,
        port_is_shared: !udp_holders.is_empty(),
    });
    let SelfTest { udp_port, tcp_port, udp_loopback, tcp_loopback, broadcasts } = tested;
    Trials {
        udp_port: udp_port.map_err(failure),
        tcp_port: tcp_port.map_err(failure),
        udp_loopback: udp_loopback.map_err(failure),
        tcp_loopback: tcp_loopback.map_err(failure),
        broadcasts: broadcasts.into_iter().map(|outcome| outcome.map_err(failure)).collect(),
    }
}

/// A failure in the doctor's terms, which knows nothing of `net`.
fn failure(SelfTestFailure { step, kind, error }: SelfTestFailure) -> TrialFailure {
    let step = match step {
        SelfTestStep::Bind => TrialStep::Bind,
        SelfTestStep::Send => TrialStep::Send,
        SelfTestStep::Hear => TrialStep::Hear,
        SelfTestStep::Connect => TrialStep::Connect,
        SelfTestStep::Exchange => TrialStep::Exchange,
    };
    TrialFailure { step, kind, error }
}
