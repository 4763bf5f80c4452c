//! What Linux tells of its IPv6 addresses beside the addresses themselves (`/proc/net/if_inet6`); elsewhere it is not told.

use std::net::Ipv6Addr;

use crate::engine::interface::LinkIndex;

/// Where the kernel tells it, in the network namespace of this thread.
const FILE: &str = "/proc/thread-self/net/if_inet6";

/// Flags of an address (`linux/if_addr.h`).
const TEMPORARY: u8 = 0x01;
const OPTIMISTIC: u8 = 0x04;
const DUPLICATE: u8 = 0x08;
const TENTATIVE: u8 = 0x40;

/// Addresses that presence leaves alone: those that nothing can be sent from, for duplicate address detection (RFC 4862 §5.4) has
/// not ended or has found another holder; and temporary ones (RFC 8981), which come and go beside one that stays.
pub(super) fn unused() -> Vec<(LinkIndex, Ipv6Addr)> {
    let text = read();
    let unused = text.lines().filter_map(address).filter(|(.., flags)| is_unused(*flags));
    unused.map(|(link, ip, _)| (link, ip)).collect()
}

/// Whether a link is so new that nothing can be sent from its link-local address yet.
pub(super) fn is_new(link: LinkIndex) -> bool {
    is_new_by(link, &read())
}

fn is_new_by(link: LinkIndex, text: &str) -> bool {
    let local = |(on, ip, _): &(LinkIndex, Ipv6Addr, u8)| *on == link && ip.is_unicast_link_local();
    let local: Vec<_> = text.lines().filter_map(address).filter(local).collect();
    !local.is_empty() && !local.iter().any(|(.., flags)| is_ready(*flags))
}

fn read() -> String {
    std::fs::read_to_string(FILE).unwrap_or_default()
}

/// Whether something can be sent from an address with these flags: as it is told in a message of the kernel's.
pub(super) fn is_ready(flags: u8) -> bool {
    flags & DUPLICATE == 0 && (flags & TENTATIVE == 0 || flags & OPTIMISTIC != 0)
}

fn is_unused(flags: u8) -> bool {
    !is_ready(flags) || flags & TEMPORARY != 0
}

/// A line: the address, then the number of the link, the prefix, the scope and the flags, all hexadecimal, then the link's name.
fn address(line: &str) -> Option<(LinkIndex, Ipv6Addr, u8)> {
    let mut words = line.split_whitespace();
    let ip = u128::from_str_radix(words.next()?, 16).ok()?;
    let index = u32::from_str_radix(words.next()?, 16).ok()?;
    let flags = u8::from_str_radix(words.nth(2)?, 16).ok()?;
    Some((LinkIndex(index), ip.into(), flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_new_until_its_link_local_address_can_be_used() {
        let line =
            |link, flags| format!("fe800000000000005054fffffe12345{link} 0{link} 40 20 {flags}    eth0\n");
        for (text, new) in [
            (line(2, "c0"), true),
            (line(2, "80"), false),
            (line(3, "c0") + &line(2, "80"), false),
            (line(3, "80") + &line(2, "c0"), true),
            (line(3, "80"), false),
            (String::new(), false),
        ] {
            assert_eq!(is_new_by(LinkIndex(2), &text), new, "{text}");
        }
    }

    #[test]
    fn an_address_is_used_once_it_is_known_to_be_the_only_one_and_stays() {
        let line = "fe800000000000005054fffffe123456 02 40 20 80    eth0";
        let read = (LinkIndex(2), "fe80::5054:ffff:fe12:3456".parse().unwrap(), 0x80);
        assert_eq!(address(line), Some(read));
        assert_eq!((address(""), address("fe80 zz")), (None, None));
        for (flags, unused, what) in [
            (0x80, false, "permanent"),
            (0x20, false, "deprecated, and still valid"),
            (0xC0, true, "tentative"),
            (0xC4, false, "tentative and optimistic: it may be used"),
            (0xC8, true, "another host has it"),
            (0x01, true, "temporary"),
        ] {
            assert_eq!(is_unused(flags), unused, "{what}");
        }
    }
}
