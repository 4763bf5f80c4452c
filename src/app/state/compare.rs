//! What a person asks of two peers: to see them side by side.

use std::time::Instant;

use super::App;
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::ui::View;
use crate::engine::peers::PeerKey;

impl App {
    /// Shows two peers: the selected one beside the marked one, or the two that are marked.
    pub(super) fn compare(&mut self, now: Instant) {
        let model = self.models.shown();
        let marked = marked(model);
        let selected = self.ui.peers.choose(model).map(|peer| peer.info.key);
        self.ui.compared = match (selected, &*marked) {
            (_, [one, other]) => Some([*one, *other]),
            (Some(selected), [one]) if selected != *one => Some([*one, selected]),
            _ => {
                let mark = self.ui.keymap.key_for(Action::Mark);
                let said = match marked.len() {
                    0 => format!("{mark} marks a peer to compare the selected one with"),
                    1 => "select a peer to compare the marked one with".to_owned(),
                    more => format!("{more} peers are marked: one or two can be compared"),
                };
                return self.ui.say(said, false, now);
            }
        };
        self.ui.show(View::Compare);
    }
}

/// The peers that are marked, in the order of the table; those that are not listed last.
fn marked(model: &Model) -> Vec<PeerKey> {
    let mut marked: Vec<PeerKey> =
        model.all().filter(|peer| peer.noted.is_marked).map(|peer| peer.info.key).collect();
    marked.sort_by_key(|key| model.position(*key).unwrap_or(usize::MAX));
    marked
}
