//! The one thing to do about an incident.

use std::sync::Arc;

use crate::engine::cause::Cause;
use crate::engine::observation::Observation;
use crate::engine::packet_filter::BlockingRule;

use super::advice::Advice;
use super::grid::NodeIdx;
use super::incident::Incident;
use super::network_view::NetworkView;
use super::verdict::{Pattern, Verdict};
use super::whom::{networks, several, shared_address, who};

/// What to do: to let through what these rules of this machine's own packet filter stop, if there are any.
pub(super) fn advice(view: &NetworkView, incident: &Incident, rules: &[Arc<BlockingRule>]) -> Advice {
    let mut remedies: Vec<Arc<str>> = Vec::new();
    for rule in rules {
        if !remedies.contains(&rule.remedy) {
            remedies.push(Arc::clone(&rule.remedy));
        }
    }
    if remedies.is_empty() { by_verdict(view, incident) } else { Advice::LetThrough { remedies } }
}

/// What to do, by what is wrong.
fn by_verdict(view: &NetworkView, incident: &Incident) -> Advice {
    let on = who(view, incident.accused());
    let port = view.node(incident.accused()).info.addr.port();
    let presence = view.setting().presence_port;
    let other = incident.nodes.get(1).map(|node| who(view, *node));
    match networks(view, incident)[..] {
        [] => {}
        [network] => return Advice::CheckUplinkOf { network },
        [one, other, ..] => return Advice::CheckRouter { networks: [one, other], port },
    }
    match incident.verdict {
        Verdict::Ok => Advice::Nothing,
        Verdict::ClosedPort => Advice::Start { on },
        Verdict::FirewallReject | Verdict::FirewallDrop | Verdict::OneWayTcp => of_tcp(view, incident),
        Verdict::HostDown => Advice::CheckPower { host: on },
        Verdict::Isolated if incident.pattern == Pattern::Islands => {
            Advice::CheckUplink { hosts: several(view, incident.nodes.iter().copied()) }
        }
        Verdict::Isolated => Advice::CheckIsolation { host: on, other },
        Verdict::OneWayUdp if is_deaf(view, incident) && fails_by_tcp(view, incident) => {
            Advice::AllowTcpIn { on, port, udp: Some(presence) }
        }
        Verdict::OneWayUdp if is_deaf(view, incident) => Advice::AllowUdpIn { on, port: presence },
        Verdict::OneWayUdp => Advice::AllowUdpOut { on, port: presence },
        Verdict::BroadcastBlocked => Advice::AllowBroadcasts { on, port: presence },
        Verdict::UdpBlocked => Advice::AllowUdp { on, port: presence },
        Verdict::HungPeer => Advice::Restart { on },
        Verdict::PacketLoss if incident.pattern == Pattern::Scattered => Advice::CheckShared,
        Verdict::PacketLoss => Advice::CheckCable { host: on },
        Verdict::Mtu => Advice::LowerMtu { of: on },
        Verdict::WrongSubnet if incident.pattern == Pattern::Host => Advice::CorrectNetmask { on },
        Verdict::WrongSubnet => {
            Advice::AgreeOnNetmask { hosts: several(view, incident.nodes.iter().copied()) }
        }
        Verdict::NoRoute => {
            let pair = incident.pairs.first().map(|pair| (pair.from, pair.to));
            let (from, to) = pair.unwrap_or((NodeIdx::SELF, incident.accused()));
            Advice::CheckRoute { on: who(view, from), to: who(view, to) }
        }
        Verdict::LocalProblem => of_own_fault(view, incident),
        Verdict::WrongSecret => Advice::ShareSecret,
        Verdict::WrongGroup => Advice::JoinGroup { on, group: view.setting().group.clone() },
        Verdict::VersionMismatch => Advice::Update,
        Verdict::DuplicateName => Advice::Rename,
        Verdict::Flapping => Advice::CheckStability { of: on },
        Verdict::SlowHost => Advice::CheckLoad { of: on },
        Verdict::AddressConflict => Advice::Readdress { addr: shared_address(view, &incident.nodes) },
        Verdict::Unknown => Advice::ReadLog { on },
    }
}

/// What to do where connections are stopped.
fn of_tcp(view: &NetworkView, incident: &Incident) -> Advice {
    let on = who(view, incident.accused());
    let port = view.node(incident.accused()).info.addr.port();
    if incident.pattern == Pattern::Row {
        return Advice::AllowTcpOut { on, port };
    }
    match incident.nodes.get(1) {
        Some(about) if incident.verdict == Verdict::OneWayTcp && incident.pattern == Pattern::Pair => {
            Advice::CheckRule { on, about: who(view, *about), port }
        }
        _ => {
            let no_udp = incident.verdict != Verdict::OneWayTcp && no_echo_returns(view, incident);
            Advice::AllowTcpIn { on, port, udp: no_udp.then_some(view.setting().presence_port) }
        }
    }
}

/// Where UDP passes one way: whether it is the accused one that nothing arrives at.
fn is_deaf(view: &NetworkView, incident: &Incident) -> bool {
    let accused = incident.accused();
    let hears = |by: NodeIdx, of: NodeIdx| {
        view.observation(by, of).map(|seen| seen.broadcast.is_ok() || seen.unicast.is_ok())
    };
    incident.pairs.iter().any(|pair| {
        let partner = if pair.from == accused { pair.to } else { pair.from };
        hears(accused, partner) == Some(false) || hears(partner, accused) == Some(true)
    })
}

/// Whether no echo of the accused one comes back to those whose dials of it fail.
fn no_echo_returns(view: &NetworkView, incident: &Incident) -> bool {
    let mut dials = dials_of_accused(view, incident).filter(|seen| seen.tcp.is_failing()).peekable();
    dials.peek().is_some() && dials.all(|seen| seen.echo.is_failing())
}

/// Whether dials of the accused one fail.
fn fails_by_tcp(view: &NetworkView, incident: &Incident) -> bool {
    dials_of_accused(view, incident).any(|seen| seen.tcp.is_failing())
}

/// What others see of the accused one, where that fails.
fn dials_of_accused<'v>(
    view: &'v NetworkView,
    incident: &'v Incident,
) -> impl Iterator<Item = &'v Observation> {
    let inbound = incident.pairs.iter().filter(|pair| pair.to == incident.accused());
    inbound.filter_map(|pair| view.observation(pair.from, pair.to))
}

fn of_own_fault(view: &NetworkView, incident: &Incident) -> Advice {
    if let (Some(split), Pattern::Host) = (&view.setting().split, incident.pattern) {
        return Advice::SeparateNetworks { links: split.links.clone() };
    }
    let on = who(view, incident.accused());
    let cause = incident.pairs.iter().find_map(|pair| view.observation(pair.from, pair.to)?.cause);
    match cause {
        Some(cause @ (Cause::PermissionDenied | Cause::LocalResources | Cause::AddressNotAvailable)) => {
            Advice::Against { cause, on }
        }
        _ => Advice::CheckLink { of: on },
    }
}
