//! The numbers of an entry of a row and of a suspicion, as `docs/protocol.md` lists them: what is on the wire stays, whatever the order
//! of a list.

/// Why a dial failed.
pub mod cause {
    /// The last dial did not fail.
    pub const NONE: u8 = 0;
    /// `refused`
    pub const REFUSED: u8 = 1;
    /// `timed_out`
    pub const TIMED_OUT: u8 = 2;
    /// `host_unreachable`
    pub const HOST_UNREACHABLE: u8 = 3;
    /// `network_unreachable`
    pub const NETWORK_UNREACHABLE: u8 = 4;
    /// `no_route`
    pub const NO_ROUTE: u8 = 5;
    /// `permission_denied`
    pub const PERMISSION_DENIED: u8 = 6;
    /// `reset`
    pub const RESET: u8 = 7;
    /// `closed_early`
    pub const CLOSED_EARLY: u8 = 8;
    /// `no_reply`
    pub const NO_REPLY: u8 = 9;
    /// `bad_reply`
    pub const BAD_REPLY: u8 = 10;
    /// `wrong_secret`
    pub const WRONG_SECRET: u8 = 11;
    /// `wrong_group`
    pub const WRONG_GROUP: u8 = 12;
    /// `version_mismatch`
    pub const VERSION_MISMATCH: u8 = 13;
    /// `address_not_available`
    pub const ADDRESS_NOT_AVAILABLE: u8 = 14;
    /// `local_resources`
    pub const LOCAL_RESOURCES: u8 = 15;
    /// `interface_down`
    pub const INTERFACE_DOWN: u8 = 16;
    /// `other`, and what a reader does not know
    pub const OTHER: u8 = 17;
}

/// Where the two bits of each path begin.
pub mod path {
    /// Dials of the row's owner.
    pub const TCP: u16 = 0;
    /// Its echoes.
    pub const ECHO: u16 = 2;
    /// Broadcasts that it heard.
    pub const BROADCAST: u16 = 4;
    /// Unicast that it heard.
    pub const UNICAST: u16 = 6;
    /// Exchanges that it answered.
    pub const SERVED: u16 = 8;
    /// Large datagrams that it sent.
    pub const LARGE: u16 = 10;
    /// All bits of all paths.
    pub const ALL: u16 = 0xfff;
}

/// What is known of one path.
pub mod status {
    /// Not looked at, or too long ago.
    pub const UNKNOWN: u16 = 0;
    /// It worked lately.
    pub const OK: u16 = 1;
    /// It failed lately.
    pub const FAILING: u16 = 2;
    /// The two bits of one path.
    pub const MASK: u16 = 3;
}

/// What whoever suspects a node saw.
pub mod suspicion {
    /// A tether to it ended without a farewell; what a reader does not know is this, too.
    pub const TETHER_ENDED: u8 = 0;
    /// Its host refused a dial.
    pub const REFUSED: u8 = 1;
    /// Echoes that it was asked for do not come.
    pub const ECHOES_MISSED: u8 = 2;
    /// It answers neither a dial nor echoes.
    pub const UNANSWERED: u8 = 3;
}
