//! An address of this machine, as it is told by any system.

use std::net::IpAddr;

use crate::engine::hardware::HardwareAddr;
use crate::engine::interface::LinkIndex;

/// An address of this machine, whether presence can use it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The link that holds it, as the system names it.
    pub link: String,
    /// The number of the link; none where the system does not tell.
    pub index: Option<LinkIndex>,
    /// The hardware address of the link; none where it has none, or the system does not tell.
    pub hardware: Option<HardwareAddr>,
    /// The address.
    pub ip: IpAddr,
    /// Length of its network's prefix, in bits.
    pub prefix: u8,
    /// Its link is up and has its carrier. Without, what is sent there is lost in silence.
    pub running: bool,
    /// Its link has one other end and no broadcast.
    pub point_to_point: bool,
    /// What it is good for.
    pub usability: Usability,
}

/// What an address is good for. Where the system does not tell, it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usability {
    /// It can be used, and stays.
    Ready,
    /// It can be used, and goes after a while, beside one that stays (RFC 8981).
    Temporary,
    /// Nothing can be sent from it: duplicate address detection has not ended (RFC 4862 §5.4).
    NotReady,
    /// Nothing can be sent from it: duplicate address detection has found another holder.
    Duplicate,
}

impl Address {
    /// It leads to this machine only.
    pub fn is_loopback(&self) -> bool {
        self.ip.is_loopback()
    }

    /// It can be used, and stays.
    pub fn stays(&self) -> bool {
        self.usability == Usability::Ready
    }
}
