//! Hardware addresses: what tells two hosts apart that have one IP address.

use std::fmt;
use std::str::FromStr;

/// The address of a network adapter (EUI-48), as Ethernet and Wi-Fi have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddr(pub [u8; 6]);

impl fmt::Display for HardwareAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, byte) in self.0.iter().enumerate() {
            let colon = if nth == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for HardwareAddr {
    type Err = NotAHardwareAddr;

    fn from_str(text: &str) -> Result<Self, NotAHardwareAddr> {
        let bytes: Result<Vec<u8>, _> = text.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect();
        bytes.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NotAHardwareAddr)
    }
}

/// It is not six bytes with colons between them: a tunnel has none, and that of InfiniBand is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hardware address of six bytes, as 02:00:00:00:00:07")]
pub struct NotAHardwareAddr;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written_and_nothing_else_is_one() {
        let addr = HardwareAddr([2, 0, 0xAB, 0, 0, 7]);
        assert_eq!(addr.to_string().parse(), Ok(addr));
        for other in ["", "02", "02:00:ab:00:00", "02:00:ab:00:00:07:08", "02:00:ab:00:00:x7"] {
            assert_eq!(other.parse::<HardwareAddr>(), Err(NotAHardwareAddr), "{other:?}");
        }
    }
}
