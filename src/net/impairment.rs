//! What is wrong with a node's network on purpose. The nodes of a demo share the loopback network of one machine, where no netmask can be
//! changed and no broadcast be kept from one of them: so their sockets behave as if.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::sync::watch;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::interface::Interface;

/// What is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impairment {
    /// What others send to everybody does not arrive.
    pub misses_broadcasts: bool,
    /// Its network has a prefix of this length, in bits, and none of the others is in it, nor a router. What it broadcasts arrives, as
    /// from a host in the upper half of a network; nothing else does that it sends.
    pub prefix: Option<u8>,
}

/// What is wrong now, and who says so.
#[derive(Debug, Default)]
pub(super) struct Impaired {
    told: Option<watch::Receiver<Impairment>>,
    now: Impairment,
    broadcasts: Vec<Ipv4Addr>,
}

impl Impaired {
    /// As somebody says; in nothing where nobody does.
    pub(super) fn by(told: Option<watch::Receiver<Impairment>>) -> Self {
        let now = told.as_ref().map(|told| *told.borrow()).unwrap_or_default();
        Self { told, now, broadcasts: Vec::new() }
    }

    /// Waits for a change; for ever where nobody makes one.
    pub(super) async fn changed(&mut self) {
        let Some(told) = &mut self.told else { return std::future::pending().await };
        match told.changed().await {
            Ok(()) => self.now = *told.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn misses_broadcasts(&self) -> bool {
        self.now.misses_broadcasts
    }

    /// The interfaces of the machine, as this node has them from now on.
    pub(super) fn interfaces(&mut self, mut all: Vec<Interface>) -> Vec<Interface> {
        self.broadcasts = all.iter().filter_map(|interface| interface.broadcast).collect();
        if let Some(prefix) = self.now.prefix {
            for interface in &mut all {
                interface.prefix = prefix;
            }
        }
        all
    }

    /// Whether there is a way to an address.
    pub(super) fn reaches(&self, to: SocketAddr) -> bool {
        let is_broadcast = matches!(to.ip(), IpAddr::V4(v4) if self.broadcasts.contains(&v4));
        self.now.prefix.is_none() || is_broadcast
    }

    /// How a dial of an address ends at once, if there is no way there.
    pub(super) fn dial_failure(&self, to: SocketAddr) -> Option<Failure> {
        (!self.reaches(to)).then(|| Failure {
            cause: Cause::NoRoute,
            detail: Detail::system("connect: no route"),
            errno: None,
            retry: Retry::OnLinkChange,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_with_the_netmask_of_another_network_broadcasts_and_reaches_nobody() {
        let interface = Interface::new("lo", Ipv4Addr::new(127, 82, 1, 3), 8).unwrap();
        let (say, told) = watch::channel(Impairment::default());
        let mut impaired = Impaired::by(Some(told));
        let (peer, all): (SocketAddr, SocketAddr) =
            ("127.82.1.2:5".parse().unwrap(), "127.255.255.255:5".parse().unwrap());
        let seen = impaired.interfaces(vec![interface.clone()]);
        assert_eq!((seen, impaired.dial_failure(peer)), (vec![interface.clone()], None), "nothing is wrong");
        say.send_replace(Impairment { prefix: Some(25), ..Impairment::default() });
        impaired.changed().await;
        let seen = impaired.interfaces(vec![interface.clone()]);
        assert_eq!((seen[0].prefix, seen[0].broadcast), (25, interface.broadcast));
        assert_eq!((impaired.reaches(peer), impaired.reaches(all)), (false, true));
        assert_eq!(impaired.dial_failure(peer).map(|failure| failure.cause), Some(Cause::NoRoute));
    }
}
