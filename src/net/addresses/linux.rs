//! Linux: two answers of the kernel's (`rtnetlink(7)`) tell all, with what it knows of each address. The C library asks for the
//! same in smaller parts, and for the number of each address's link once more: with thirty links that is two milliseconds.

use std::io;

use nix::libc;

use super::address::{Address, Usability};
use crate::engine::interface::LinkIndex;
use crate::net::rtnetlink::{self, KernelLink, attributes, dump, u32_at};

/// The address's own part of a message (`struct ifaddrmsg`).
const ADDRESS: usize = 8;

/// Flags of an address (`linux/if_addr.h`).
const TEMPORARY: u32 = 0x01;
const OPTIMISTIC: u32 = 0x04;
const DUPLICATE: u32 = 0x08;
const TENTATIVE: u32 = 0x40;

pub(super) fn all() -> io::Result<Vec<Address>> {
    let of = |links: &[KernelLink]| {
        let (mut all, mut complete) = (Vec::new(), true);
        // A link that came since is told at the next look.
        dump(libc::RTM_GETADDR, &[0; ADDRESS], |message| match link_of(message, links) {
            Some(link) => all.extend(address(message, link)),
            None => complete = false,
        })?;
        Ok((all, complete))
    };
    match of(&rtnetlink::links_of_ipv6()?)? {
        (all, true) => Ok(all),
        // There are links that IPv6 cannot use, with packets of less than 1 280 bytes: all of them are asked for.
        _ => of(&rtnetlink::links()?).map(|(all, _)| all),
    }
}

/// The link of an address.
fn link_of<'l>(message: &[u8], links: &'l [KernelLink]) -> Option<&'l KernelLink> {
    let index = u32_at(message, 4)?;
    links.iter().find(|link| link.index == index)
}

/// One address of a link; none of a family that vigie does not speak.
fn address(message: &[u8], link: &KernelLink) -> Option<Address> {
    /// With a peer's address, that is told under the first, and the own one under the second.
    const OF_THE_NETWORK: u16 = 1;
    const OWN: u16 = 2;
    /// All flags; those before have room for eight only.
    const FLAGS: u16 = 8;
    let prefix = *message.get(1)?;
    let mut flags = u32::from(*message.get(2)?);
    let (mut ip, mut own) = (None, None);
    for (kind, value) in attributes(message.get(ADDRESS..)?) {
        match kind {
            OF_THE_NETWORK => ip = rtnetlink::ip(value),
            OWN => own = rtnetlink::ip(value),
            FLAGS => flags = u32_at(value, 0)?,
            _ => {}
        }
    }
    Some(Address {
        link: link.name.clone(),
        index: Some(LinkIndex(link.index)),
        hardware: link.hardware.parse().ok(),
        ip: own.or(ip)?,
        prefix,
        running: link.running,
        point_to_point: link.point_to_point,
        usability: if own.or(ip)?.is_ipv6() { usability(flags) } else { Usability::Ready },
    })
}

/// What an IPv6 address is good for. (Of IPv4 the same bits say other things: the first, that its network has another on the link.)
fn usability(flags: u32) -> Usability {
    if flags & DUPLICATE != 0 {
        Usability::Duplicate
    } else if !is_ready(flags) {
        Usability::NotReady
    } else if flags & TEMPORARY != 0 {
        Usability::Temporary
    } else {
        Usability::Ready
    }
}

/// Whether something can be sent from an IPv6 address with these flags.
pub(in crate::net) fn is_ready(flags: u32) -> bool {
    flags & DUPLICATE == 0 && (flags & TENTATIVE == 0 || flags & OPTIMISTIC != 0)
}

#[cfg(test)]
mod tests {
    use crate::net::rtnetlink::KernelLinkState;

    use super::*;

    fn eth0() -> KernelLink {
        KernelLink {
            index: 3,
            name: "eth0".into(),
            state: KernelLinkState::Up,
            running: true,
            mtu: 1_500,
            point_to_point: false,
            hardware: String::new(),
            made_by: None,
        }
    }

    /// A message about an address of link 3.
    fn message(prefix: u8, flags: u8, told: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = vec![0, prefix, flags, 0, 3, 0, 0, 0];
        message[4..].copy_from_slice(&3_u32.to_ne_bytes());
        for (kind, value) in told {
            let length = u16::try_from(4 + value.len()).unwrap();
            message.extend([length.to_ne_bytes(), kind.to_ne_bytes()].concat());
            message.extend(*value);
            message.resize(message.len().next_multiple_of(4), 0);
        }
        message
    }

    #[test]
    fn an_address_is_the_own_one_of_a_pair_on_the_link_whatever_its_label() {
        let (own, peer) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let label = (3, &b"eth0:lan\0"[..]);
        let told = address(&message(32, 0x81, &[(1, &peer), (2, &own), label]), &eth0()).unwrap();
        assert_eq!((told.ip, &*told.link, told.prefix), (own.into(), "eth0", 32));
        assert!(told.stays(), "a second IPv4 address of a network is not temporary: {told:?}");
        assert_eq!(link_of(&message(24, 0, &[(1, &own)]), &[]), None, "its link is not known yet");
        for n in 0..64 {
            let _ = address(&vec![0xFF; n], &eth0());
            let _ = address(&message(32, 0, &[(1, &peer), (2, &own)])[..n.min(24)], &eth0());
        }
    }

    #[test]
    fn an_address_is_used_once_it_is_known_to_be_the_only_one_and_stays() {
        use Usability::{Duplicate, NotReady, Ready, Temporary};
        for (flags, expected, what) in [
            (0x80_u32, Ready, "permanent"),
            (0x20, Ready, "deprecated, and still valid"),
            (0xC0, NotReady, "tentative"),
            (0xC4, Ready, "tentative and optimistic: it may be used"),
            (0xC8, Duplicate, "another host has it"),
            (0x01, Temporary, "temporary"),
        ] {
            let told = [(1, &[0xFE; 16][..]), (8, &flags.to_ne_bytes()[..])];
            assert_eq!(address(&message(64, 0, &told), &eth0()).unwrap().usability, expected, "{what}");
        }
    }
}
