//! The program as its users have it: commands, terminals, hosts in network namespaces, attackers; and the sockets of its engine.
//!
//! One binary holds them all, for each costs its linking, and most of these tests wait: side by side they wait at once.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../../examples/soak/scenario.rs"]
mod scenario;
#[path = "../../examples/soak/trouble.rs"]
mod trouble;

mod commands;
mod control;
mod crowd;
mod demo;
mod dials;
mod doctor;
mod endings;
mod harness;
mod hostile;
#[cfg(target_os = "linux")]
mod icmp;
mod identity;
mod install;
mod ipv6;
mod links;
mod names;
mod namespaces;
mod output;
mod prometheus;
mod reachability;
#[cfg(unix)]
mod secret;
mod segments;
mod session;
mod terminal;
mod visits;
