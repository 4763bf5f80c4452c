//! A network of addresses: what nodes that hear each other's broadcasts share, and what people call it by.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bits of a network of which nothing is known but an address in it: the usual sizes of one link.
const USUAL: (u8, u8) = (24, 64);

/// An address with the bits behind the prefix cleared, and the prefix's length: `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of an address; one of which the prefix is not known, or impossible, is one of its own.
    pub fn of(ip: IpAddr, prefix: u8) -> Self {
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = if (1..=bits).contains(&prefix) { prefix } else { bits };
        let address = match ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4((ip.to_bits() & mask).into())
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6((ip.to_bits() & mask).into())
            }
        };
        Self { address, prefix }
    }

    /// The network of the usual size that an address is in.
    pub fn usual(ip: IpAddr) -> Self {
        Self::of(ip, if ip.is_ipv4() { USUAL.0 } else { USUAL.1 })
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits its addresses have in common.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether it holds hosts beside each other, not one, nor the two ends of a line.
    pub fn holds_some(self) -> bool {
        self.prefix < if self.address.is_ipv4() { 31 } else { 127 }
    }
}

/// Networks, of which an address is in the narrowest that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    all: BTreeSet<Network>,
    prefixes: BTreeSet<u8>,
}

impl Networks {
    /// The narrowest that holds an address; none if none does.
    pub fn narrowest(&self, ip: IpAddr) -> Option<Network> {
        let longest_first = self.prefixes.iter().rev();
        longest_first.map(|prefix| Network::of(ip, *prefix)).find(|network| self.all.contains(network))
    }

    /// The same, or that of the usual size.
    pub fn narrowest_or_usual(&self, ip: IpAddr) -> Network {
        self.narrowest(ip).unwrap_or_else(|| Network::usual(ip))
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<T: IntoIterator<Item = Network>>(all: T) -> Self {
        let all: BTreeSet<Network> = all.into_iter().collect();
        Self { prefixes: all.iter().map(|network| network.prefix).collect(), all }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNetwork {
    /// There is no `/` in it.
    #[error("no length of the prefix")]
    NoPrefix,
    /// What stands before that is no address.
    #[error(transparent)]
    Address(#[from] AddrParseError),
    /// What stands behind it is no number.
    #[error(transparent)]
    Prefix(#[from] ParseIntError),
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (ip, prefix) = text.split_once('/').ok_or(NoNetwork::NoPrefix)?;
        Ok(Self::of(ip.parse()?, prefix.parse()?))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_narrowest_network_that_holds_it_and_else_in_one_of_the_usual_size() {
        let networks: Networks =
            ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/48"].iter().map(|text| text.parse().unwrap()).collect();
        let of = |ip: &str| networks.narrowest_or_usual(ip.parse().unwrap()).to_string();
        assert_eq!(of("10.1.2.3"), "10.1.0.0/16");
        assert_eq!(of("10.2.2.3"), "10.0.0.0/8");
        assert_eq!(of("192.0.2.7"), "192.0.2.0/24");
        assert_eq!(of("2001:db8:0:7::1"), "2001:db8::/48");
        assert_eq!(of("2001:db9:0:7::1"), "2001:db9:0:7::/64");
    }

    #[test]
    fn a_network_is_read_as_it_is_written() {
        for text in ["10.1.0.0/16", "2001:db8::/64", "10.1.2.3/32"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("10.1.0.0".parse::<Network>(), Err(NoNetwork::NoPrefix));
        assert!("10.1.0/16".parse::<Network>().is_err() && "10.1.0.0/300".parse::<Network>().is_err());
    }

    #[test]
    fn a_network_is_named_by_its_first_address_and_who_says_no_prefix_is_alone() {
        let told = |ip: &str, prefix| Network::of(ip.parse().unwrap(), prefix).to_string();
        assert_eq!(told("10.1.2.3", 16), "10.1.0.0/16");
        assert_eq!(told("10.1.2.3", 32), "10.1.2.3/32");
        assert_eq!(told("10.1.2.3", 0), "10.1.2.3/32");
        assert_eq!(told("2001:db8::7", 64), "2001:db8::/64");
        assert_eq!(told("2001:db8::7", 200), "2001:db8::7/128");
    }
}
