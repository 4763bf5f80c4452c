//! Two clicks in short order at the same thing: they show all about it.

use std::time::Instant;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::App;
use super::clicks::Clicked;
use crate::app::keymap::Action;
use crate::app::model::LineId;
use crate::app::ui::Pane;

impl App {
    /// Shows what is clicked for the second time, once the click itself was taken in.
    pub fn click_again(&mut self, event: MouseEvent, now: Instant) {
        if event.kind != MouseEventKind::Down(MouseButton::Left) || self.ui.overlay.is_some() {
            return;
        }
        let clicked = self.clicked_at(Position { x: event.column, y: event.row });
        if self.clicks.is_second(clicked, now) {
            // It opens a view, and asks nothing of a node.
            let _ = self.act(Action::Details, now);
        }
    }

    fn clicked_at(&self, at: Position) -> Option<Clicked> {
        let places = &self.ui.hit_map;
        if places.pane_at(at) != Some(Pane::Main) {
            return None;
        }
        let finding = places.findings.iter().find(|(place, _)| place.contains(at));
        let pair = || match places.pair_at(at) {
            (Some(row), Some(column)) => Some(Clicked::Pair(row, column)),
            _ => None,
        };
        let peer = || match places.line_at(at) {
            Some(LineId::Peer(peer)) => Some(Clicked::Peer(peer)),
            _ => None,
        };
        finding.map(|(_, row)| Clicked::Finding(*row)).or_else(peer).or_else(pair)
    }
}
