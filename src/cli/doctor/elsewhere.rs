//! Where only the portable looks are possible, the rest is not known.

use crate::engine::interface::Interface;

use super::facts::{Firewall, Holder, Link, Neighbours};

/// The links with addresses are known otherwise.
pub(super) fn links() -> Option<Vec<Link>> {
    None
}

pub(super) fn holders(_tcp: bool, _port: u16) -> Vec<Holder> {
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
