//! All addresses of this machine, as the system tells them; chosen from in [`interfaces`](super::interfaces).

mod address;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use std::io;
use std::net::IpAddr;

use crate::engine::interface::LinkIndex;

pub use address::{Address, Usability};
#[cfg(target_os = "linux")]
pub(super) use linux::is_ready;

/// All addresses of this machine, in the system's order.
///
/// # Errors
/// What the system says.
pub fn all() -> io::Result<Vec<Address>> {
    #[cfg(target_os = "linux")]
    return linux::all();
    #[cfg(not(target_os = "linux"))]
    return elsewhere::all();
}

/// Whether a link is so new that nothing can be sent from its link-local address yet.
pub(super) fn is_new(link: LinkIndex) -> bool {
    all().is_ok_and(|all| is_new_by(link, &all))
}

fn is_new_by(link: LinkIndex, all: &[Address]) -> bool {
    let local = |address: &&Address| match address.ip {
        IpAddr::V6(ip) => address.index == Some(link) && ip.is_unicast_link_local(),
        IpAddr::V4(_) => false,
    };
    let mut local = all.iter().filter(local).peekable();
    local.peek().is_some() && local.all(|address| address.usability == Usability::NotReady)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_local(link: u32, usability: Usability) -> Address {
        Address {
            link: format!("eth{link}"),
            index: Some(LinkIndex(link)),
            hardware: None,
            ip: "fe80::1".parse().unwrap(),
            prefix: 64,
            running: true,
            point_to_point: false,
            usability,
        }
    }

    #[test]
    fn a_link_is_new_until_its_link_local_address_can_be_used() {
        use Usability::{NotReady, Ready};
        let here = |usability| link_local(2, usability);
        let beside = |usability| link_local(3, usability);
        for (all, new) in [
            (vec![here(NotReady)], true),
            (vec![here(Ready)], false),
            (vec![beside(NotReady), here(Ready)], false),
            (vec![beside(Ready), here(NotReady)], true),
            (vec![here(NotReady), here(Ready)], false),
            (vec![beside(Ready)], false),
            (vec![], false),
        ] {
            assert_eq!(is_new_by(LinkIndex(2), &all), new, "{all:?}");
        }
    }

    #[test]
    fn loopback_is_told_with_its_link_and_network() {
        let all = all().unwrap();
        let lo = all.iter().find(|address| address.ip == IpAddr::from([127, 0, 0, 1])).unwrap();
        assert!(lo.is_loopback() && lo.stays() && lo.running, "{lo:?}");
        assert_eq!((lo.prefix, lo.point_to_point), (8, false));
        assert!(lo.index.is_some(), "{lo:?}");
    }
}
