//! Systems whose files and tools are not read: what only they know stays unknown.

use crate::engine::interface::Interface;

use super::facts::{Firewall, MachineLink, Neighbours, PortHolder, Transport};

/// All that is known is known already.
pub(super) fn refine(_link: &mut MachineLink) {}

pub(super) fn holders(_transport: Transport, _port: u16) -> Vec<PortHolder> {
    Vec::new()
}

pub(super) fn firewall(_used: &[Interface], _udp: u16, _tcp: u16) -> Firewall {
    Firewall::default()
}

pub(super) fn default_route() -> Option<bool> {
    None
}

pub(super) fn ephemeral_ports() -> Option<(u16, u16)> {
    None
}

pub(super) fn is_reserved(_port: u16) -> bool {
    false
}

pub(super) fn neighbours() -> Option<Neighbours> {
    None
}
