//! The links of this machine as the kernel itself describes them (`rtnetlink(7)`): including those without an address, and
//! always those of the own network namespace, unlike the files of `/sys/class/net` in a container that shares them. And how the kernel
//! is asked for a dump of anything else.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// A link, with or without addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLink {
    /// Its number.
    pub index: u32,
    /// As the kernel names it.
    pub name: String,
    /// Whether it is switched on, and something at its other end.
    pub state: KernelLinkState,
    /// Packets pass: it is switched on, has its carrier, and its protocols say so (RFC 2863 §3.1.12).
    pub running: bool,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// It has one other end and no broadcast.
    pub point_to_point: bool,
    /// Its hardware address, as the kernel prints it; empty if it has none.
    pub hardware: String,
    /// What makes it, if it is a virtual one: `veth`, `bridge`, `wireguard`, `tun` …
    pub made_by: Option<String>,
}

/// Whether a link is switched on, and something at its other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelLinkState {
    /// It is switched off.
    Down,
    /// It is on; nothing is at the other end of its cable, or it is not associated.
    NoCarrier,
    /// It is on, and has its carrier.
    Up,
}

/// The kernel answers at once.
const PATIENCE: Duration = Duration::from_secs(1);
/// Larger than any part of a dump, which the kernel sends in parts of at most 32 KiB.
const PART: usize = 64 * 1024;

/// Header of a message: length, type, flags, sequence number, port.
const HEADER: usize = 16;
/// Asks for all there is (`NLM_F_REQUEST | NLM_F_DUMP`).
const DUMP: u16 = 0x301;
/// The link's own part of a message (`struct ifinfomsg`).
const LINK: usize = 16;
/// Of whose links a dump of links tells (`AF_UNSPEC`, `AF_INET6`).
const ANY_FAMILY: u8 = 0;
const IPV6: u8 = 10;
/// An attribute of the request that leaves counters out, most of what there is to tell (`IFLA_EXT_MASK`,
/// `RTEXT_FILTER_SKIP_STATS`). Kernels that do not know it tell them.
const WITHOUT_COUNTERS: (u16, u32) = (29, 8);

impl KernelLinkState {
    fn with(up: bool, carrier: bool) -> Self {
        match (up, carrier) {
            (false, _) => Self::Down,
            (true, false) => Self::NoCarrier,
            (true, true) => Self::Up,
        }
    }
}

/// All links, in the kernel's order.
///
/// # Errors
/// When the kernel does not answer, or says what vigie cannot read.
pub fn links() -> io::Result<Vec<KernelLink>> {
    links_of(ANY_FAMILY)
}

/// The links that IPv6 knows, in the kernel's order: in a fourth of the time. What makes them and whether they have a carrier is not
/// told, and links that IPv6 cannot use are missing; of a kernel without it all links are.
///
/// # Errors
/// When the kernel does not answer, or says what vigie cannot read.
pub(super) fn links_of_ipv6() -> io::Result<Vec<KernelLink>> {
    links_of(IPV6)
}

fn links_of(family: u8) -> io::Result<Vec<KernelLink>> {
    let mut links = Vec::new();
    let (kind, mask) = WITHOUT_COUNTERS;
    let mut body = vec![0; LINK];
    body[0] = family;
    body.extend([8_u16.to_ne_bytes(), kind.to_ne_bytes()].concat());
    body.extend(mask.to_ne_bytes());
    dump(libc::RTM_GETLINK, &body, |message| links.extend(link(message)))?;
    Ok(links)
}

/// Asks for a dump of one kind, with the part of the request that is peculiar to that kind, and reads each message without its header.
///
/// # Errors
/// When the kernel does not answer, or not with messages.
pub(super) fn dump(kind: u16, body: &[u8], read: impl FnMut(&[u8])) -> io::Result<()> {
    // A sandbox may forbid it, and what the system says then is as well about anything else.
    let named = |error: io::Error| io::Error::new(error.kind(), format!("no answer by netlink: {error}"));
    ask(kind, body, read).map_err(named)
}

fn ask(kind: u16, body: &[u8], mut read: impl FnMut(&[u8])) -> io::Result<()> {
    let mut socket =
        Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&request(kind, body))?;
    let mut part = vec![0; PART];
    loop {
        let n = socket.read(&mut part)?;
        if read_part(&part[..n], &mut read)? {
            return Ok(());
        }
    }
}

fn request(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes.extend(body);
    bytes
}

/// Reads the messages of one part; true when it held the end of the dump.
fn read_part(mut part: &[u8], read: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    const DONE: u16 = 3;
    const ERROR: u16 = 2;
    while let (Some(length), Some(kind)) = (u32_at(part, 0), u16_at(part, 4)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let message = part.get(HEADER..length).ok_or(ErrorKind::InvalidData)?;
        match kind {
            DONE => return Ok(true),
            ERROR => return Err(errno(message)),
            _ => read(message),
        }
        part = part.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The error that the kernel answers with.
fn errno(message: &[u8]) -> io::Error {
    let negative = u32_at(message, 0).unwrap_or_default().cast_signed();
    io::Error::from_raw_os_error(-negative)
}

/// One link; none for a message without a name.
fn link(message: &[u8]) -> Option<KernelLink> {
    const ADDRESS: u16 = 1;
    const NAME: u16 = 3;
    const MTU: u16 = 4;
    const INFO: u16 = 18;
    const INFO_KIND: u16 = 1;
    const CARRIER: u16 = 33;
    let flags = u32_at(message, 8)?;
    let is = |flag: libc::c_int| flags & flag.cast_unsigned() != 0;
    let mut link = KernelLink {
        index: u32_at(message, 4)?,
        name: String::new(),
        state: KernelLinkState::with(is(libc::IFF_UP), is(libc::IFF_RUNNING)),
        running: is(libc::IFF_RUNNING),
        mtu: 0,
        point_to_point: is(libc::IFF_POINTOPOINT),
        hardware: String::new(),
        made_by: None,
    };
    for (kind, value) in attributes(message.get(LINK..)?) {
        match kind {
            ADDRESS => {
                let bytes: Vec<String> = value.iter().map(|byte| format!("{byte:02x}")).collect();
                link.hardware = bytes.join(":");
            }
            NAME => link.name = text(value),
            MTU => link.mtu = u32_at(value, 0).unwrap_or_default(),
            // Only a link that is up has one to tell of.
            CARRIER if is(libc::IFF_UP) => {
                link.state = KernelLinkState::with(true, value.first() == Some(&1));
            }
            INFO => {
                let kind = attributes(value).find(|(kind, _)| *kind == INFO_KIND);
                link.made_by = kind.map(|(_, value)| text(value));
            }
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// The attributes of a message, or of an attribute; what is cut off is left out.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The two highest bits tell how the value is to be read, which we know.
    const KIND: u16 = 0x3FFF;
    std::iter::from_fn(move || {
        let (length, kind) = (usize::from(u16_at(bytes, 0)?), u16_at(bytes, 2)?);
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & KIND, value))
    })
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// An address of either family.
pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|v4| Ipv4Addr::from(v4).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|v6| Ipv6Addr::from(v6).into())).ok()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_loopback() {
        let all = links().unwrap();
        let lo = all.iter().find(|link| link.name == "lo").unwrap();
        assert!(lo.mtu >= 1_280 && !lo.point_to_point && lo.made_by.is_none(), "{lo:?}");
    }

    #[test]
    fn of_a_link_ipv6_tells_what_all_tell() {
        let all = links().unwrap();
        let told = |link: &KernelLink| (link.index, link.name.clone(), link.running, link.point_to_point);
        let known: Vec<_> = all.iter().map(told).collect();
        assert!(links_of_ipv6().unwrap().iter().all(|link| known.contains(&told(link))), "{all:?}");
    }

    #[test]
    fn bytes_that_are_no_dump_are_survived() {
        let mut links = Vec::new();
        for n in 0..64 {
            let mut read = |message: &[u8]| links.extend(link(message));
            let _ = read_part(&vec![0xFF; n], &mut read);
            let _ = read_part(&vec![0; n], &mut read).is_ok();
            let _ = link(&vec![0xFF; n]);
        }
        assert_eq!(links, []);
    }
}
