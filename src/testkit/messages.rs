//! What goes over the wire, and how a dial fails.

use std::net::{IpAddr, Ipv4Addr};

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::config::DEFAULT_PORT;
use crate::engine::{Incarnation, NodeId, Nonce};
use crate::proto::exchange::{Reply, Request, Status};
use crate::proto::presence::{Kind, Presence};

/// The name of whoever sends one of these.
const NAME: &str = "stranger";

/// A presence of the node with this id.
pub fn presence(kind: Kind, id: u128, sequence: u64) -> Presence<'static> {
    Presence {
        kind,
        group: "default",
        id: NodeId(id),
        incarnation: Incarnation(1_000),
        sequence,
        name: NAME,
        tcp_port: DEFAULT_PORT,
        udp_port: 30_000,
        period_ms: 5_000,
        claimed: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        nonce: None,
        echo: None,
        prefix: Some(16),
        wide: None,
        suspicion: None,
        rows: None,
        visitor: None,
        tag: None,
        membership: None,
    }
}

/// A request of the node with this id, which tells nothing and asks for nothing.
pub fn request(id: u128) -> Request<'static> {
    Request {
        group: "default",
        id: NodeId(id),
        incarnation: Incarnation(1_000),
        name: NAME,
        tcp_port: DEFAULT_PORT,
        nonce: Nonce(1),
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    }
}

/// The reply of the node with this id to a request with this nonce.
pub fn reply(id: u128, nonce: Nonce) -> Reply<'static> {
    Reply {
        status: Status::Ok,
        id: NodeId(id),
        incarnation: Incarnation(1_000),
        name: NAME,
        nonce: Some(nonce),
        group: "default",
        rows: None,
        have: None,
        prefix: None,
        tether: None,
        visitor: None,
        secret: None,
        dial_in_ms: None,
        seen_at: None,
        udp_port: None,
    }
}

/// A dial that failed for this cause, as the network tells it.
pub fn failure(cause: Cause) -> Failure {
    let retry = match cause {
        Cause::HostUnreachable | Cause::NetworkUnreachable | Cause::NoRoute => Retry::OnLinkChange,
        _ => Retry::Usual,
    };
    Failure { cause, detail: Detail::system(cause.as_str()), errno: None, retry }
}
