//! Faults at one host: what goes to it or comes from it, whoever is at the other end.

use vigie::testkit::{HostId, Lan, Link};

/// Changes all links towards a host.
pub(crate) fn inbound(lan: &mut Lan, to: HostId, change: impl Fn(&mut Link)) {
    for from in others(lan, to) {
        lan.towards(from, to, &change);
    }
}

/// Changes all links from a host.
pub(crate) fn outbound(lan: &mut Lan, from: HostId, change: impl Fn(&mut Link)) {
    for to in others(lan, from) {
        lan.towards(from, to, &change);
    }
}

fn others(lan: &Lan, host: HostId) -> Vec<HostId> {
    (0..lan.hosts.len()).map(HostId).filter(|other| *other != host).collect()
}
