//! Why a dial fails, and whether trying again can help.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::proto::DecodeError;

/// Why a dial failed, as the contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The host answers, and nothing listens on the port (or a firewall answers so).
    Refused,
    /// No answer within the dial's deadline.
    TimedOut,
    /// A router or this host's neighbour discovery says that the host is not there.
    HostUnreachable,
    /// A router says that the network is not there.
    NetworkUnreachable,
    /// This machine has no route to it.
    NoRoute,
    /// This machine does not let us.
    PermissionDenied,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the reply.
    ClosedEarly,
    /// The connection stood, and no reply came in time.
    NoReply,
    /// Something replied, and it is no vigie, or not the one that was dialed.
    BadReply,
    /// The shared secrets differ.
    WrongSecret,
    /// The peer belongs to another group.
    WrongGroup,
    /// The peer speaks another major version of the protocol.
    VersionMismatch,
    /// The address cannot be dialed from here: not a host's, or our own source address is gone.
    AddressNotAvailable,
    /// This machine is out of descriptors, memory or ports.
    LocalResources,
    /// The interface towards the peer is down.
    InterfaceDown,
    /// Anything else; the detail says what.
    Other,
}

/// How a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Trying again cannot help.
    Never,
    /// The usual backoff.
    Usual,
    /// The usual backoff, and at once when an interface comes or changes.
    OnLinkChange,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 17] = [
        Self::Refused,
        Self::TimedOut,
        Self::HostUnreachable,
        Self::NetworkUnreachable,
        Self::NoRoute,
        Self::PermissionDenied,
        Self::Reset,
        Self::ClosedEarly,
        Self::NoReply,
        Self::BadReply,
        Self::WrongSecret,
        Self::WrongGroup,
        Self::VersionMismatch,
        Self::AddressNotAvailable,
        Self::LocalResources,
        Self::InterfaceDown,
        Self::Other,
    ];

    /// Nothing came in time, which lost packets explain as well.
    pub(crate) fn is_silence(self) -> bool {
        matches!(self, Self::TimedOut | Self::NoReply)
    }

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::HostUnreachable => "host_unreachable",
            Self::NetworkUnreachable => "network_unreachable",
            Self::NoRoute => "no_route",
            Self::PermissionDenied => "permission_denied",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed_early",
            Self::NoReply => "no_reply",
            Self::BadReply => "bad_reply",
            Self::WrongSecret => "wrong_secret",
            Self::WrongGroup => "wrong_group",
            Self::VersionMismatch => "version_mismatch",
            Self::AddressNotAvailable => "address_not_available",
            Self::LocalResources => "local_resources",
            Self::InterfaceDown => "interface_down",
            Self::Other => "other",
        }
    }
}

/// How the secret of another node differs from this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSecret {
    /// It has none, and we have one.
    None,
    /// It has one, and we have none.
    Only,
    /// It has another one.
    Another,
}

/// What failed exactly. Its sentence stands in `text`, like that of every cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// The operation and what the system said of it, as the net tells.
    System(Arc<str>),
    /// The node that answered belongs to another group.
    WrongGroup {
        /// That node's name.
        name: Arc<str>,
        /// Its group.
        group: Arc<str>,
    },
    /// The node of this name does not have our secret.
    WrongSecret {
        /// That node's name.
        name: Arc<str>,
        /// What it has instead.
        theirs: OtherSecret,
    },
    /// What answers does not show that it has our secret.
    Unproven,
    /// It closed the connection at the first message of the handshake, without a word.
    ShutOut,
    /// The node of this name could not read our request.
    RequestUnreadable {
        /// That node's name.
        name: Arc<str>,
    },
    /// The reply carries the nonce of another request.
    OtherRequest,
    /// This node itself answered.
    ThisNode,
    /// A visitor of this name answers, and no node.
    Visitor {
        /// The name of who answers.
        name: Arc<str>,
    },
    /// Another node than the one that was dialed answers at this address.
    OtherNode {
        /// The name of who answers.
        name: Arc<str>,
    },
    /// The bytes that came back are no reply.
    ReplyUnreadable(DecodeError),
    /// The link towards the peer was this machine's until lately and is no more.
    InterfaceDown {
        /// The interface of that link.
        interface: Arc<str>,
        /// What failed because of that.
        failed: Arc<Detail>,
    },
}

impl Detail {
    /// What the system said of an operation.
    pub fn system(said: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self::System(said.into()))
    }
}

/// In a record it is its sentence.
impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A failed attempt: the cause, and what a person needs beyond it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// In the contract's words.
    pub cause: Cause,
    /// What failed exactly, for people.
    pub detail: Arc<Detail>,
    /// The system's error number, if there was one.
    pub errno: Option<i32>,
    /// Whether and how a retry can help.
    pub retry: Retry,
}
