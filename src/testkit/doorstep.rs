//! A node that newcomers come to, a few at a time: each is heard for the first time, told of, given a row, answered, and then
//! forgotten, so that the next ones find the table as they did.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::api::{Command, Input, Output, Socket};
use crate::engine::config::Config;
use crate::engine::event::Event;
use crate::engine::peers::PeerKey;
use crate::proto::presence::{Kind, Presence};

use super::crowd::{Told, Watch};
use super::{config, interface, presence, secs, t0};

/// Newcomers at one moment: so few are answered at once, and within the rate of answers.
const AT_ONCE: usize = 10;

/// The node, and how many have come.
#[derive(Debug)]
pub struct Doorstep {
    engine: Engine,
    now: Instant,
    newcomers: u32,
    outputs: Vec<Output>,
}

impl Default for Doorstep {
    fn default() -> Self {
        let mut doorstep = Self {
            engine: Engine::new(Config { interval: secs(3_600), ..config(0) }),
            now: t0(),
            newcomers: 0,
            outputs: Vec::new(),
        };
        doorstep.tell(Input::Interfaces(vec![interface("10.0.0.1/8")]));
        doorstep
    }
}

impl Doorstep {
    /// The hello that the next newcomer says, and from where.
    pub fn next_hello(&mut self) -> (SocketAddr, Vec<u8>) {
        self.newcomers += 1;
        let ip = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0100 + self.newcomers % (1 << 22)));
        let name = format!("workstation-{}.lab.example", self.newcomers);
        let hello = presence(Kind::Hello, u128::from(self.newcomers) | 7 << 100, 1);
        (
            SocketAddr::new(ip, 30_000),
            Presence { name: &name, claimed: ip, prefix: Some(8), ..hello }.encode(),
        )
    }

    /// Some newcomers say hello; returns how many. Panics unless each gets its event, its row and its answer.
    pub fn welcome(&mut self, watch: &mut impl Watch) -> usize {
        let hellos: Vec<_> = (0..AT_ONCE).map(|_| self.next_hello()).collect();
        let Self { engine, outputs, now, .. } = self;
        for (from, bytes) in &hellos {
            watch.around(Told::Presence, || {
                engine
                    .handle(Input::Datagram { from: *from, link: None, socket: Socket::Shared, bytes }, *now);
                while let Some(output) = engine.poll_output() {
                    outputs.push(output);
                }
            });
        }
        let hosts = hellos.iter().map(|(from, _)| *from);
        let answered = hosts
            .filter(|host| self.outputs.iter().any(|o| matches!(o, Output::Send { to, .. } if to == host)));
        assert_eq!(answered.count(), AT_ONCE, "each is answered");
        assert_eq!(self.engine.snapshot(self.now).peers.len(), AT_ONCE, "each has a row");
        let discovered: Vec<PeerKey> = self
            .outputs
            .drain(..)
            .filter_map(|output| match output {
                Output::Publish(Event::PeerDiscovered { peer, .. }) => Some(peer.key),
                _ => None,
            })
            .collect();
        assert_eq!(discovered.len(), AT_ONCE, "each is told of");
        for key in discovered {
            self.tell(Input::Command(Command::Forget(key)));
        }
        self.now += secs(1);
        self.tell(Input::Tick);
        AT_ONCE
    }

    fn tell(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        while self.engine.poll_output().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_welcomed_again_and_again() {
        let mut doorstep = Doorstep::default();
        let welcomed: usize = (0..50).map(|_| doorstep.welcome(&mut ())).sum();
        assert_eq!(welcomed, 50 * AT_ONCE);
    }
}
