//! Network address translation (NAT, RFC 3022) between this node and a peer: a router puts its own address in place of that of whoever dials out.

/// Which of the two is behind a NAT, as far as its exchanges show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nat {
    /// Neither, or it is not known.
    #[default]
    None,
    /// This node: the peer sees it at an address that is none of its own. What the peer sends unasked does not come here.
    Here,
    /// The peer: it dials in from an address that is not its own, and cannot be dialed there.
    There,
}
