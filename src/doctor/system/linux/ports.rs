//! Who holds a port: the kernel's tables of sockets, and the programs whose descriptors they are.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::doctor::facts::{PortHolder, Program, Transport};

/// The tables of UDP sockets.
const UDP_TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];
/// The tables of TCP sockets.
const TCP_TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// States of a socket that holds its port: a UDP socket, and a TCP socket that listens.
const UNCONNECTED: u8 = 0x07;
const LISTENING: u8 = 0x0A;

/// A line of a table.
#[derive(Debug, PartialEq, Eq)]
struct SocketEntry {
    addr: IpAddr,
    port: u16,
    state: u8,
    user: u32,
    inode: u64,
}

/// Who holds a port, apart from this process.
pub(in crate::doctor) fn holders(transport: Transport, port: u16) -> Vec<PortHolder> {
    let tables = match transport {
        Transport::Udp => UDP_TABLES,
        Transport::Tcp => TCP_TABLES,
    };
    let mut found = Vec::new();
    for table in tables {
        let text = fs::read_to_string(table).unwrap_or_default();
        let sockets = text.lines().skip(1).filter_map(socket);
        let holding = |s: &SocketEntry| s.port == port && matches!(s.state, UNCONNECTED | LISTENING);
        found.extend(sockets.filter(holding).map(|socket| (socket, table)));
    }
    if found.is_empty() {
        return Vec::new();
    }
    let owners = owners(&found.iter().map(|(socket, _)| socket.inode).collect::<Vec<_>>());
    let holders = found.into_iter().map(|(socket, source)| PortHolder {
        program: owners.get(&socket.inode).cloned(),
        addr: socket.addr,
        user: socket.user,
        source,
    });
    let own = std::process::id();
    holders.filter(|holder| holder.program.as_ref().is_none_or(|program| program.pid != own)).collect()
}

/// Columns: number, local address, remote address, state, queues, timer, retransmissions, user, time-outs, inode …
fn socket(line: &str) -> Option<SocketEntry> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let (addr, port) = columns.get(1)?.split_once(':')?;
    Some(SocketEntry {
        addr: address(addr)?,
        port: u16::from_str_radix(port, 16).ok()?,
        state: u8::from_str_radix(columns.get(3)?, 16).ok()?,
        user: columns.get(7)?.parse().ok()?,
        inode: columns.get(9)?.parse().ok()?,
    })
}

/// Words of 32 bits in hexadecimal, each in the byte order of the machine.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |nth: usize| {
        let digits = hex.get(8 * nth..8 * nth + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let bytes: Vec<u8> = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
        }
        _ => None,
    }
}

/// The programs that have these sockets open, as far as we may look.
fn owners(inodes: &[u64]) -> HashMap<u64, Program> {
    let mut owners = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    for process in processes {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let descriptors =
            fs::read_dir(process.path().join("fd")).into_iter().flatten().filter_map(Result::ok);
        for target in descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok()) {
            let inode =
                target.to_str().and_then(|t| t.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                owners.insert(inode, Program { name: name.trim().to_owned(), pid });
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_lines_of_the_kernel_s_tables_are_read() {
        let udp = "  529: 00000000:4442 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 7301 2 0000000000000000 0";
        let expected = SocketEntry {
            addr: Ipv4Addr::UNSPECIFIED.into(),
            port: 17_474,
            state: UNCONNECTED,
            user: 1_000,
            inode: 7_301,
        };
        assert_eq!(socket(udp), Some(expected));
        let tcp = "   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 18313 1 0000000000000000 100 0 0 10 0";
        let read = socket(tcp).unwrap();
        assert_eq!((read.addr, read.port, read.state), (Ipv4Addr::LOCALHOST.into(), 3_306, LISTENING));
        let tcp6 = "   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100 0 0 10 0";
        assert_eq!(socket(tcp6).unwrap().addr, "::ffff:127.0.0.1".parse::<IpAddr>().unwrap());
        for bad in
            ["", "  sl  local_address rem_address   st", "0: 01:02 3", "0: XX000000:4442 0 07 0 0 0 0 0 0"]
        {
            assert_eq!(socket(bad), None, "{bad}");
        }
    }

    #[test]
    fn our_own_sockets_are_no_others_holders() {
        let socket = std::net::UdpSocket::bind("127.77.9.2:0").unwrap();
        assert_eq!(holders(Transport::Udp, socket.local_addr().unwrap().port()), []);
    }
}
