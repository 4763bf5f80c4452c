//! Addresses with their zone (RFC 4007): a link-local IPv6 address names a host only together with the link that it is on.
//!
//! The engine compares addresses by the *number* of the link; people and programs are told its *name*.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;

use serde::{Serialize, Serializer};

/// The system's number of a link. A link that is made again under the same name has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkIndex(pub u32);

/// The address of a host, with its zone where it means nothing without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZonedIp {
    ip: IpAddr,
    zone: Option<NonZeroU32>,
}

impl ZonedIp {
    /// An address that is seen by a link: the link is its zone if it is link-local, and nothing to it otherwise.
    pub fn on_link(ip: IpAddr, link: Option<LinkIndex>) -> Self {
        let ip = ip.to_canonical();
        let zone = link.filter(|_| is_link_local(ip)).and_then(|LinkIndex(index)| NonZeroU32::new(index));
        Self { ip, zone }
    }

    /// The address without its zone.
    pub fn ip(self) -> IpAddr {
        self.ip
    }

    /// The link that is its zone; none for an address that needs none, and where the zone is not known.
    pub fn link(self) -> Option<LinkIndex> {
        self.zone.map(|zone| LinkIndex(zone.get()))
    }

    /// A port there.
    pub fn at_port(self, port: u16) -> SocketAddr {
        match (self.ip, self.zone) {
            (IpAddr::V6(ip), Some(zone)) => SocketAddrV6::new(ip, port, 0, zone.get()).into(),
            (ip, _) => SocketAddr::new(ip, port),
        }
    }
}

impl fmt::Display for ZonedIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.zone {
            None => write!(f, "{}", self.ip),
            Some(zone) => write!(f, "{}%{zone}", self.ip),
        }
    }
}

impl From<SocketAddr> for ZonedIp {
    #[inline]
    fn from(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(v4) => Self::from(*v4.ip()),
            SocketAddr::V6(v6) => Self::on_link((*v6.ip()).into(), Some(LinkIndex(v6.scope_id()))),
        }
    }
}

impl From<Ipv4Addr> for ZonedIp {
    fn from(ip: Ipv4Addr) -> Self {
        Self { ip: ip.into(), zone: None }
    }
}

impl From<IpAddr> for ZonedIp {
    fn from(ip: IpAddr) -> Self {
        Self::on_link(ip, None)
    }
}

/// The same address in the one form in which addresses are compared: an IPv4 address is one, however it is written (RFC 4291
/// §2.5.5.2), and only a link-local address has a zone.
pub fn canonical(addr: SocketAddr) -> SocketAddr {
    ZonedIp::from(addr).at_port(addr.port())
}

/// Another port at the same address.
pub fn with_port(addr: SocketAddr, port: u16) -> SocketAddr {
    ZonedIp::from(addr).at_port(port)
}

/// Whether an address means nothing without its zone, which is a link: of a host, or of a group (RFC 4291 §2.7).
pub fn is_link_local(ip: IpAddr) -> bool {
    const LINK_SCOPE: u16 = 2;
    let IpAddr::V6(v6) = ip else { return false };
    v6.is_unicast_link_local() || v6.is_multicast() && v6.segments()[0] & 0xF == LINK_SCOPE
}

/// An address as people write it, with the zone behind it, if there is one: `fe80::7%eth0`.
pub fn split_zone(text: &str) -> Option<(IpAddr, Option<&str>)> {
    let (ip, zone) = text.split_once('%').map_or((text, None), |(ip, zone)| (ip, Some(zone)));
    let is_name =
        |zone: &str| !zone.is_empty() && !zone.contains(|c: char| c.is_whitespace() || "%/:[]".contains(c));
    let ip: IpAddr = ip.parse().ok()?;
    (zone.is_none_or(is_name) && (zone.is_none() || ip.is_ipv6())).then_some((ip, zone))
}

/// Where a node is dialed or heard, as it is told to people and programs: `10.0.0.7:17474`, `[fe80::7%eth0]:17474`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    // Apart, they take less room than as an address of a socket.
    ip: IpAddr,
    port: u16,
    zone: Option<NonZeroU32>,
    zone_name: ZoneName,
}

impl Endpoint {
    /// An address whose zone has this name; without a name its number is told.
    pub fn named(addr: SocketAddr, zone: Option<&str>) -> Self {
        let ZonedIp { ip, zone: number } = addr.into();
        let name = zone.filter(|_| number.is_some());
        Self {
            ip,
            port: addr.port(),
            zone: number,
            zone_name: name.map_or_else(ZoneName::default, ZoneName::of),
        }
    }

    /// As it is dialed.
    pub fn socket_addr(&self) -> SocketAddr {
        self.zoned_ip().at_port(self.port)
    }

    /// Without the port.
    pub fn zoned_ip(&self) -> ZonedIp {
        ZonedIp { ip: self.ip, zone: self.zone }
    }

    /// Without zone and port.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Without the port, with its zone: `fe80::7%eth0`.
    pub fn host(&self) -> impl fmt::Display {
        let Self { ip, zone_name, .. } = *self;
        let zoned = self.zoned_ip();
        fmt::from_fn(move |f| match zone_name.as_str() {
            "" => write!(f, "{zoned}"),
            name => write!(f, "{ip}%{name}"),
        })
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self::named(addr, None)
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for Endpoint {
    fn from((ip, port): (I, u16)) -> Self {
        SocketAddr::new(ip.into(), port).into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(v4) => write!(f, "{v4}:{}", self.port),
            IpAddr::V6(_) => write!(f, "[{}]:{}", self.host(), self.port),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of a zone, in place: an endpoint is copied into many events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ZoneName([u8; Self::MOST]);

impl ZoneName {
    /// Longest name of a link on Linux, macOS and the BSDs, in bytes (`IFNAMSIZ` without its end). A longer one, as Windows gives
    /// them, is no name of a zone there, either: the number is told.
    const MOST: usize = 15;

    fn of(name: &str) -> Self {
        let mut bytes = [0; Self::MOST];
        if let Some(place) = bytes.get_mut(..name.len()) {
            place.copy_from_slice(name.as_bytes());
        }
        Self(bytes)
    }

    fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::MOST);
        str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

/// Tests write addresses as text.
/// Whether two addresses are in one network with a prefix of this length, in bits.
pub fn share_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let differ =
        |bits: u128, width: u32| bits.checked_shr(width.saturating_sub(prefix.into())).unwrap_or(0) != 0;
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => !differ((one.to_bits() ^ other.to_bits()).into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => !differ(one.to_bits() ^ other.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod from_text {
    use std::net::AddrParseError;
    use std::str::FromStr;

    use super::{Endpoint, IpAddr, SocketAddr, ZonedIp};

    impl FromStr for ZonedIp {
        type Err = AddrParseError;

        fn from_str(text: &str) -> Result<Self, AddrParseError> {
            let plain = text.parse::<IpAddr>().map(Self::from);
            plain.or_else(|_| format!("[{text}]:0").parse::<SocketAddr>().map(Self::from))
        }
    }

    impl FromStr for Endpoint {
        type Err = AddrParseError;

        fn from_str(text: &str) -> Result<Self, AddrParseError> {
            text.parse::<SocketAddr>().map(Self::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_link_local_address_has_a_zone() {
        let zoned = ZonedIp::from(addr("[fe80::1%3]:5"));
        assert_eq!((zoned.link(), zoned.at_port(7)), (Some(LinkIndex(3)), addr("[fe80::1%3]:7")));
        assert_ne!(zoned, ZonedIp::from(addr("[fe80::1%4]:5")), "on another link it is another host");
        for plain in ["[2001:db8::1%3]:5", "10.0.0.1:5", "[::1]:5"] {
            assert_eq!(ZonedIp::from(addr(plain)).link(), None, "{plain}");
        }
        assert_eq!(ZonedIp::from(addr("[2001:db8::1%3]:5")), ZonedIp::from(addr("[2001:db8::1]:5")));
        assert_eq!(canonical(addr("[::ffff:10.0.0.1]:5")), addr("10.0.0.1:5"));
    }

    #[test]
    fn a_zone_is_what_stands_behind_an_ipv6_address() {
        let fe80 = "fe80::1".parse().unwrap();
        assert_eq!(split_zone("fe80::1%eth0"), Some((fe80, Some("eth0"))));
        assert_eq!(split_zone("fe80::1"), Some((fe80, None)));
        for text in ["fe80::1%", "fe80::1%eth0%1", "fe80::1%a b", "10.0.0.1%eth0", "host%eth0", ""] {
            assert_eq!(split_zone(text), None, "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_told_with_the_name_of_its_zone_or_its_number() {
        let told = |text: &str, zone| Endpoint::named(addr(text), zone).to_string();
        assert_eq!(told("[fe80::1%3]:5", Some("eth0")), "[fe80::1%eth0]:5");
        assert_eq!(told("[fe80::1%3]:5", None), "[fe80::1%3]:5");
        assert_eq!(told("[fe80::1%3]:5", Some("Ethernet adapter 2")), "[fe80::1%3]:5", "too long a name");
        assert_eq!(told("[2001:db8::1]:5", Some("eth0")), "[2001:db8::1]:5");
        assert_eq!(told("10.0.0.1:5", Some("eth0")), "10.0.0.1:5");
        let json = serde_json::to_string(&Endpoint::named(addr("[fe80::1%3]:5"), Some("eth0"))).unwrap();
        assert_eq!(json, "\"[fe80::1%eth0]:5\"");
        assert_eq!(Endpoint::named(addr("[fe80::1%3]:5"), Some("eth0")).host().to_string(), "fe80::1%eth0");
    }
}
