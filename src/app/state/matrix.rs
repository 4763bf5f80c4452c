//! What a person asks of the matrix.

use std::time::Instant;

use super::{App, Effect};
use crate::app::keymap::{Action, Section};
use crate::app::model::PeerRow;
use crate::app::ui::View;
use crate::app::ui::matrix::BlockId;

impl App {
    /// Moves the cursor to the next pair that fails.
    pub(super) fn next_failing(&mut self, now: Instant) {
        if !self.ui.matrix.next_failing(self.models.shown().matrix()) {
            self.ui.say("no failing pairs here", true, now);
        }
    }

    /// Takes the next arrangement.
    pub(super) fn arrange(&mut self, now: Instant) {
        self.ui.matrix.arrange();
        let order = self.ui.matrix.arrangement().description();
        self.ui.say(format!("nodes {order}"), true, now);
    }

    /// The peer in the column under the matrix's cursor, or why there is none.
    fn column_peer(&self) -> Result<&PeerRow, String> {
        let model = self.models.shown();
        let Some((_, column)) = self.ui.matrix.pair() else { return Err("no pair is selected".into()) };
        let node = column.node().and_then(|node| model.matrix().latest()?.nodes.get(node));
        let Some(node) = node else {
            let open = self.ui.keymap.key_in(Section::Matrix, Action::Details);
            return Err(format!("that is a subnet: {open} shows its nodes"));
        };
        if model.node().is_some_and(|own| own.id == node.id) {
            return Err(format!("{} is this node itself", node.name));
        }
        model.peer_with_id(node.id).ok_or_else(|| format!("only other nodes know {}", node.name))
    }

    /// Dials what the column under the cursor names. That says something of our own row alone.
    pub(super) fn dial_column(&mut self, now: Instant) -> Option<Effect> {
        let own = self.models.shown().node().map(|node| BlockId::Node(node.id));
        let ours = self.ui.matrix.pair().is_some_and(|(row, _)| own == Some(row.id));
        let peer = self.column_peer().map(|peer| Effect::dial(&peer.info));
        let why = match peer {
            Ok(dial) if ours => return Some(dial),
            Ok(_) => "only pairs in this node's own row can be dialed from here".to_owned(),
            Err(why) => why,
        };
        self.ui.say(why, false, now);
        None
    }

    /// The details of the column's peer; of two subnets, their nodes.
    pub(super) fn column_details(&mut self, now: Instant) {
        if self.ui.matrix.open() {
            return;
        }
        match self.column_peer().map(|peer| peer.info.key) {
            Ok(key) => {
                self.ui.peers.pick(key, self.models.shown());
                self.ui.show(View::Details);
            }
            Err(why) => self.ui.say(why, false, now),
        }
    }
}
