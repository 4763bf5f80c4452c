//! A network of addresses: what nodes that hear each other's broadcasts share, and what people call it by.

use std::fmt;
use std::net::IpAddr;

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

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
