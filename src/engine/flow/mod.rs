//! Who is next: how each input goes from part to part, one way. What follows for a peer that is touched here is settled by the
//! engine afterwards.
//!
//! - `datagrams`: presence and echoes
//! - `exchanges`: requests, replies and dials
//! - `identity`: who this node is: its id and its name
//! - `membership`: members of several broadcast domains
//! - `names`: peers that a person named, and their look-ups
//! - `news`: news of rows, told to everybody
//! - `node`: interfaces, commands, timers, goodbyes
//! - `suspicions`: tethers, and peers that may be gone

mod datagrams;
mod exchanges;
mod identity;
mod judging;
mod membership;
mod names;
mod news;
mod node;
mod suspicions;
mod telling;
mod visits;

use std::time::Instant;

use crate::engine::Engine;
use crate::engine::api::Input;
use crate::engine::presence::receive::Arrival;

impl Engine {
    pub(in crate::engine) fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Interfaces(interfaces) => self.handle_interfaces(interfaces, now),
            Input::Routed(links) => self.shared.links_mut().set_routed(links),
            Input::Datagram { from, link, socket, bytes } => {
                self.handle_datagram(Arrival::new(from, link, socket), bytes, now);
            }
            Input::Hardware { peer, hardware } => self.handle_hardware(peer, hardware, now),
            Input::FilterRules(rules) => self.handle_filter_rules(rules, now),
            Input::Unreachable { to, icmp } => self.handle_unreachable(to, icmp, now),
            Input::DialEnded { dial, result } => self.handle_dial_end(dial, result, now),
            Input::TetherAnswered { tether, result } => self.handle_tether_answer(tether, result, now),
            Input::TetherEnded { tether, end } => self.handle_tether_end(tether, end, now),
            Input::Request { conn, from, link, body, sealed } => {
                self.handle_request(conn, (from, link), (body, sealed), now);
            }
            Input::Refused { from, reason } => self.reject(reason, from, now),
            Input::Resolved { target, addrs } => self.handle_resolved(&target, addrs, now),
            Input::Command(command) => self.handle_command(command, now),
            Input::Renamed(name) => self.rename(name, now),
            Input::Woke => self.reset_after_stall(now),
            Input::Tick => {}
        }
    }
}
