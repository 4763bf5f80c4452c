//! What every way through the engine may end with: an event, a rejection, a foreign node.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::event::{Event, RejectReason};
use crate::engine::presence::foreign::Foreign;

impl Engine {
    pub(in crate::engine) fn publish(&mut self, event: Event) {
        self.shared.out().publish(event);
    }

    pub(in crate::engine) fn reject(&mut self, reason: RejectReason, from: SocketAddr, now: Instant) {
        if let Some(event) = self.rejects.count(reason, self.shared.links().told(from), now) {
            self.publish(event);
        }
    }

    pub(in crate::engine) fn note_foreign(&mut self, foreign: Option<Box<Foreign>>, now: Instant) {
        if let Some(foreign) = foreign.filter(|foreign| foreign.is_worth_telling(&self.peers)) {
            let Foreign { info, mismatch } = *foreign;
            self.note_foreign_node(info, mismatch, now);
        }
    }
}
