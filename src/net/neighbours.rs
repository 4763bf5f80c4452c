//! The hardware addresses of hosts on a link, from the kernel's neighbour table: on Linux by `rtnetlink(7)`; elsewhere they are not known.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::hardware_of;
#[cfg(target_os = "linux")]
pub(super) use linux::hardware_of;

#[cfg(target_os = "linux")]
mod linux {
    use nix::libc;

    use crate::engine::address::ZonedIp;
    use crate::engine::hardware::HardwareAddr;
    use crate::engine::interface::LinkIndex;
    use crate::net::rtnetlink::{self, attributes, dump, u16_at, u32_at};

    /// A neighbour's own part of a message (`struct ndmsg`).
    const NEIGHBOUR: usize = 12;

    /// Where what is sent to an address goes now; none if it goes to no neighbour, or if two links have different ones.
    pub(in crate::net) fn hardware_of(ip: ZonedIp) -> Option<HardwareAddr> {
        let mut request = [0; NEIGHBOUR];
        let family = if ip.ip().is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        request[0] = u8::try_from(family).unwrap_or_default();
        let mut found = Vec::new();
        let asked = dump(libc::RTM_GETNEIGH, &request, |message| {
            found.extend(neighbour(message).filter(|(at, _)| *at == ip).map(|(_, hardware)| hardware));
        });
        if let Err(error) = asked {
            tracing::debug!(%error, "cannot read the neighbour table");
        }
        let first = found.first().copied()?;
        found.iter().all(|other| *other == first).then_some(first)
    }

    /// One entry; none if it does not say for certain who is there.
    fn neighbour(message: &[u8]) -> Option<(ZonedIp, HardwareAddr)> {
        const IP: u16 = 1;
        const HARDWARE: u16 = 2;
        /// `NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP`.
        const NOBODY: u16 = 0x01 | 0x20 | 0x40;
        let (link, state) = (u32_at(message, 4)?, u16_at(message, 8)?);
        let (mut ip, mut hardware) = (None, None);
        for (kind, value) in attributes(message.get(NEIGHBOUR..)?) {
            match kind {
                IP => ip = rtnetlink::ip(value),
                HARDWARE => hardware = value.try_into().ok().map(HardwareAddr),
                _ => {}
            }
        }
        let known = (ZonedIp::on_link(ip?, Some(LinkIndex(link))), hardware?);
        (state & NOBODY == 0).then_some(known)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// An entry for 10.0.0.7 by link 3, in this state.
        fn entry(state: u16) -> Vec<u8> {
            let mut message = vec![0; NEIGHBOUR];
            message[4..8].copy_from_slice(&3_u32.to_ne_bytes());
            message[8..10].copy_from_slice(&state.to_ne_bytes());
            for (kind, value) in [(1_u16, &[10, 0, 0, 7][..]), (2, &[2, 0, 0, 0, 0xAB, 1])] {
                let length = u16::try_from(4 + value.len()).unwrap();
                message.extend([length.to_ne_bytes(), kind.to_ne_bytes()].concat());
                message.extend(value);
                message.resize(message.len().next_multiple_of(4), 0);
            }
            message
        }

        #[test]
        fn an_entry_tells_who_is_there_unless_nobody_answered() {
            let told = |state| neighbour(&entry(state)).map(|(ip, hardware)| format!("{ip} {hardware}"));
            for there in [0x02, 0x04, 0x80] {
                assert_eq!(told(there).as_deref(), Some("10.0.0.7 02:00:00:00:ab:01"), "{there:#x}");
            }
            for nobody in [0x01, 0x20, 0x40] {
                assert_eq!(told(nobody), None, "{nobody:#x}");
            }
            for n in 0..64 {
                let _ = neighbour(&vec![0xFF; n]);
                let _ = neighbour(&entry(2)[..n.min(28)]);
            }
        }

        #[test]
        fn this_machine_is_no_neighbour_of_its_own() {
            assert_eq!(hardware_of("127.0.0.1".parse().unwrap()), None);
            assert_eq!(hardware_of("::1".parse().unwrap()), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use crate::engine::address::ZonedIp;
    use crate::engine::hardware::HardwareAddr;

    /// It is not known here.
    pub(in crate::net) fn hardware_of(_: ZonedIp) -> Option<HardwareAddr> {
        None
    }
}
