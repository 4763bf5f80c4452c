//! What only Linux tells: the files of `/proc` and `/sys`, and the rules of its packet filters.

mod filters;
mod ports;
mod tools;

use std::fs;
use std::path::Path;

use crate::engine::interface::InterfaceKind;

use super::facts::{MachineLink, Neighbours};

pub(super) use filters::firewall;
pub(super) use ports::holders;

/// Adds what the files of the kernel say of a link.
pub(super) fn refine(link: &mut MachineLink) {
    link.kind = kind(link);
    // The stricter one holds (ip-sysctl).
    link.rp_filter = rp_filter(&link.name).max(rp_filter("all"));
}

/// What the name tells, or the kernel where it knows more.
fn kind(link: &MachineLink) -> InterfaceKind {
    let tunnel = ["wireguard", "tun", "ipip", "sit", "gre", "vti", "xfrm", "ppp", "ovpn"];
    match (link.kind, link.made_by.as_deref()) {
        (InterfaceKind::Lan, Some(made_by)) if tunnel.contains(&made_by) => InterfaceKind::Vpn,
        (InterfaceKind::Lan, _) if is_wireless(link) => InterfaceKind::Wifi,
        (by_name, _) => by_name,
    }
}

/// The files may be those of another network namespace: then the link of that name has another hardware address.
fn is_wireless(link: &MachineLink) -> bool {
    let folder = Path::new("/sys/class/net").join(&*link.name);
    let addr = fs::read_to_string(folder.join("address")).ok();
    let ours = addr.as_deref().map(str::trim) == Some(link.hardware.as_deref().unwrap_or_default());
    ours && folder.join("phy80211").exists()
}

fn rp_filter(interface: &str) -> Option<u8> {
    number(&Path::new("/proc/sys/net/ipv4/conf").join(interface).join("rp_filter"))
}

/// Whether there is a default route for IPv4.
pub(super) fn default_route() -> Option<bool> {
    fs::read_to_string("/proc/net/route").ok().map(|table| has_default_route(&table))
}

/// Columns: interface, destination, gateway, flags, references, uses, metric, mask …
fn has_default_route(table: &str) -> bool {
    /// It can be used, and is no refusal (`RTF_UP`, `RTF_REJECT`).
    const UP_AND_NOT_REJECT: (u32, u32) = (0x201, 0x001);
    table.lines().skip(1).any(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let flags = columns.get(3).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or_default();
        let (mask, value) = UP_AND_NOT_REJECT;
        columns.get(1) == Some(&"00000000") && columns.get(7) == Some(&"00000000") && flags & mask == value
    })
}

/// The ports that the kernel gives to whoever asks for any.
pub(super) fn ephemeral_ports() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some((ports.next()?.ok()?, ports.next()?.ok()?))
}

/// Whether a port is kept out of those.
pub(super) fn is_reserved(port: u16) -> bool {
    let list = fs::read_to_string("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default();
    lists(&list, port)
}

/// Whether a list like `8080,9000-9100` holds a port.
fn lists(all: &str, port: u16) -> bool {
    all.trim().split(',').any(|ports| {
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
    })
}

/// The neighbours that the kernel knows, and how many it can know.
pub(super) fn neighbours() -> Option<Neighbours> {
    let known = fs::read_to_string("/proc/net/arp").ok()?.lines().count().saturating_sub(1);
    Some(Neighbours { known, most: number(Path::new("/proc/sys/net/ipv4/neigh/default/gc_thresh3")) })
}

fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn a_default_route_is_told_from_routes_to_networks_and_refusals() {
        let has = |lines: &str| has_default_route(&format!("{HEAD}{lines}"));
        assert!(has("eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"));
        assert!(!has("eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"));
        assert!(!has("*\t00000000\t00000000\t0201\t0\t0\t100\t00000000\t0\t0\t0\n"), "unreachable default");
        assert!(!has(""));
    }

    #[test]
    fn reserved_ports_are_found_in_their_list() {
        assert!(lists("8080,17000-18000\n", 17_474) && lists("17474", 17_474));
        assert!(!lists("\n", 17_474) && !lists("8080,17475-18000", 17_474));
    }
}
