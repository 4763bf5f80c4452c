//! Configurations and interfaces.

use crate::engine::config::{Config, DEFAULT_PORT, DialInterval};
use crate::engine::interface::Interface;
use crate::engine::retry::RetryPolicy;
use crate::engine::{Incarnation, NodeId};

use super::secs;

/// The contract's defaults, for the `n`th node: its name is `h0`, `h1` …, its id is `n` + 1, and `n` seeds it.
pub fn config(n: u64) -> Config {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&n.to_le_bytes());
    Config {
        id: NodeId(u128::from(n) + 1),
        incarnation: Incarnation(1_000),
        name: format!("h{n}"),
        group: "default".into(),
        port: DEFAULT_PORT,
        tcp_port: DEFAULT_PORT,
        udp_port: 30_000,
        interval: secs(5),
        silent_after: 3,
        visitor: false,
        dial_interval: DialInterval::Auto,
        retry: RetryPolicy { max_attempts: 5, delay: secs(2), backoff: 1.5, timeout: secs(4) },
        dial_rate: 50,
        peers: Vec::new(),
        join: Vec::new(),
        secret: None,
        key: None,
        seed,
    }
}

/// `10.0.0.1/24` as `eth0`, or `wlan0=10.0.0.1/24`.
pub fn interface(text: &str) -> Interface {
    let (name, net) = text.split_once('=').unwrap_or(("eth0", text));
    let (addr, prefix) = net.split_once('/').expect("an address and a prefix length");
    let (addr, prefix) = (addr.parse().expect("an IPv4 address"), prefix.parse().expect("a prefix length"));
    Interface::new(name, addr, prefix).expect("a network that can broadcast")
}
