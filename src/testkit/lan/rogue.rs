//! Machines without a node of ours that answer whoever dials them with what a test says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::engine::cause::Failure;
use crate::proto::exchange::{HEADER, Reply, Request};
use crate::testkit::ms;

use super::schedule::Replied;
use super::{HostId, Lan};

/// What such a machine says.
#[derive(Debug, Clone)]
pub struct Rogue {
    /// The body of its reply.
    pub body: Vec<u8>,
    /// It sends the nonce of the request back, as it must to be believed; it can, for it was dialed.
    pub echoes: bool,
}

impl Lan {
    /// How a dial of this address ends, if one of them is there.
    pub(super) fn rogue_reply(
        &self,
        id: HostId,
        addr: SocketAddr,
        request: &[u8],
    ) -> Option<Result<Replied, Failure>> {
        let body = self.rogue_body(id, addr.ip(), request)?;
        Some(Ok(Replied { from_standby: None, body, connected: (self.now, ms(1)), round_trip: ms(1) }))
    }

    /// What it says to this request of a host.
    pub(super) fn rogue_body(&self, id: HostId, ip: IpAddr, request: &[u8]) -> Option<Arc<[u8]>> {
        let rogue = self.rogues.get(&ip)?;
        self.hosts[id.0].source(ip)?;
        let reply = Reply::decode(&rogue.body).ok().filter(|_| rogue.echoes);
        let asked = Request::decode(request.get(HEADER..)?).ok();
        let body = match (reply, asked) {
            (Some(reply), Some(asked)) => {
                Reply { nonce: Some(asked.nonce), ..reply }.encode().split_off(HEADER)
            }
            _ => rogue.body.clone(),
        };
        Some(body.into())
    }
}
