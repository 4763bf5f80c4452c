//! What a person asks of peers: to be dialed, forgotten, copied.

use std::time::Instant;

use super::{App, Effect};
use crate::app::peer_text::{PeerText, report};
use crate::app::ui::Overlay;
use crate::engine::api::Command;
use crate::engine::peers::{PeerKey, PeerState};
use crate::text::Count;

impl App {
    /// The selected peer, as it was drawn: the list may have changed since. Says so if there is none.
    pub(super) fn selected(&mut self, now: Instant) -> Option<PeerKey> {
        let peer = self.ui.peers.choose(self.models.shown()).map(|peer| peer.info.key);
        if peer.is_none() {
            let is_group = self.ui.peers.heading().is_some();
            let said = if is_group { "a group is selected, no peer" } else { "no peer is selected" };
            self.ui.say(said, false, now);
        }
        peer
    }

    /// Dials the selected peer.
    pub(super) fn dial(&mut self, now: Instant) -> Option<Effect> {
        let key = self.selected(now)?;
        self.models.shown().peer(key).map(|peer| Effect::dial(&peer.info))
    }

    /// Dials every peer.
    pub(super) fn dial_all(&self) -> Effect {
        let count = self.models.shown().len() - self.models.shown().count(PeerState::Left);
        let said = match count {
            0 => "no peers to dial yet".to_owned(),
            1 => "dialing 1 peer".to_owned(),
            _ => format!("dialing all {count} peers"),
        };
        Effect::Send { command: Command::DialAll, said }
    }

    /// Dials every peer that should be reached and is not.
    pub(super) fn dial_failing(&mut self, now: Instant) -> Option<Effect> {
        let failing = PeerState::ALL.into_iter().filter(|state| state.is_failing());
        let failing: usize = failing.map(|state| self.models.shown().count(state)).sum();
        if failing == 0 {
            self.ui.say("no failing peers", true, now);
            return None;
        }
        let said = format!("dialing {}", Count(failing, "peer"));
        Some(Effect::Send { command: Command::DialFailing, said })
    }

    /// Copies what is known of the selected peer.
    pub(super) fn copy(&mut self, now: Instant) -> Option<Effect> {
        let key = self.selected(now)?;
        let (model, now) = (self.models.shown(), self.models.shown_at(now));
        let peer = model.peer(key)?;
        let text = report::of(PeerText { model, peer, appearance: &self.appearance, now });
        let said = format!("details of {}:", peer.info.name);
        Some(Effect::Copy { text, said })
    }

    /// Forgets the selected peer; one that is up only after a question.
    pub(super) fn forget(&mut self, now: Instant) -> Option<Effect> {
        let key = self.selected(now)?;
        let peer = self.models.shown().peer(key)?;
        if peer.state == PeerState::Up {
            self.ui.overlay = Some(Overlay::Forget { key, name: peer.info.name.clone() });
            return None;
        }
        Some(Effect::forget(key, &peer.info.name))
    }
}
