//! vigie: which machines of a network see each other, in which direction, and if not, why not.
//!
//! One direction only, as the folders go:
//!
//! ```text
//! keys ──► app ──Command──► net ──Input──► engine ─Output──► net ──► sockets
//!                 ▲                          │
//!                 └────────── Event ◄────────┘
//! ```
//!
//! - [`proto`]: bytes to messages and back. No I/O, no clock.
//! - [`engine`]: the deterministic engine that decides everything. Start reading at [`engine::event`].
//! - [`net`]: the only sockets and tasks.
//! - [`doctor`]: what this machine looks like and what is wrong with it; facts are read at the edge, rules are pure.
//! - [`app`]: the terminal app, a fold over events.
//! - [`text`]: every sentence for people.
//! - [`cli`]: arguments, the headless commands, the wiring.
//!
//! # Two engines find each other
//!
//! The engine does nothing by itself: here a loop of a few lines is its network and its clock.
//!
//! ```
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::time::{Duration, Instant};
//!
//! use vigie::engine::config::{Config, DEFAULT_PORT, DialInterval};
//! use vigie::engine::api::{Input, Output, Socket};
//! use vigie::engine::event::Event;
//! use vigie::engine::interface::Interface;
//! use vigie::engine::retry::RetryPolicy;
//! use vigie::engine::{Engine, Incarnation, NodeId};
//!
//! const SECOND: Duration = Duration::from_secs(1);
//!
//! /// A node at 10.0.0.`n`.
//! fn engine(n: u8) -> Engine {
//!     Engine::new(Config {
//!         id: NodeId(n.into()),
//!         incarnation: Incarnation(1),
//!         name: format!("node{n}"),
//!         group: "default".into(),
//!         port: DEFAULT_PORT,
//!         tcp_port: DEFAULT_PORT,
//!         udp_port: 40_000,
//!         interval: 5 * SECOND,
//!         silent_after: 3,
//!         visitor: false,
//!         dial_interval: DialInterval::Auto,
//!         retry: RetryPolicy { max_attempts: 5, delay: 2 * SECOND, backoff: 1.5, timeout: 4 * SECOND },
//!         dial_rate: 50,
//!         peers: Vec::new(),
//!         join: Vec::new(),
//!         secret: None,
//!         key: None,
//!         seed: [n; 32],
//!     })
//! }
//!
//! let now = Instant::now();
//! let mut engines = [engine(1), engine(2)];
//! for (engine, n) in engines.iter_mut().zip(1..) {
//!     let eth0 = Interface::new("eth0", Ipv4Addr::new(10, 0, 0, n), 24).expect("it can broadcast");
//!     engine.handle(Input::Interfaces(vec![eth0]), now);
//! }
//!
//! let mut found = Vec::new();
//! for sender in [0, 1, 0] {
//!     let from = SocketAddr::from(([10, 0, 0, sender as u8 + 1], 40_000));
//!     while let Some(output) = engines[sender].poll_output() {
//!         match output {
//!             Output::Send { to, bytes, .. } => {
//!                 // To the shared port of everybody on the link, or to this one's own port.
//!                 let socket = if to.port() == DEFAULT_PORT { Socket::Shared } else { Socket::Private };
//!                 engines[1 - sender].handle(Input::Datagram { from, link: None, socket, bytes: &bytes }, now);
//!             }
//!             Output::Publish(Event::PeerDiscovered { peer, via }) => {
//!                 found.push(format!("node{} found {} via {via:?}", sender + 1, peer.name));
//!             }
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(found, ["node2 found node1 via Broadcast", "node1 found node2 via Broadcast"]);
//! ```
//!
//! Over real sockets, [`net::Node`] is that loop.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod app;
pub mod cli;
pub mod doctor;
pub mod engine;
pub mod net;
pub mod proto;
pub mod record;
pub mod secret;
#[cfg(any(test, feature = "testkit"))]
#[doc(hidden)]
pub mod testkit;
pub mod text;
