//! What clicks and turns of the wheel do.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::App;
use crate::app::model::LineId;
use crate::app::ui::{Border, Move};

/// Lines that one notch of the wheel moves.
const WHEEL_LINES: usize = 3;

impl App {
    /// Takes a click or a turn of the wheel in.
    pub fn mouse(&mut self, event: MouseEvent) {
        let at = Position { x: event.column, y: event.row };
        match (event.kind, &self.ui.overlay) {
            (MouseEventKind::ScrollUp, _) => self.wheel(Move::Up, at),
            (MouseEventKind::ScrollDown, _) => self.wheel(Move::Down, at),
            (MouseEventKind::Down(MouseButton::Left), None) => self.press(at),
            (MouseEventKind::Drag(MouseButton::Left), None) => self.ui.drag_to(at),
            (MouseEventKind::Up(MouseButton::Left), _) => self.ui.let_border_go(),
            _ => {}
        }
    }

    fn wheel(&mut self, to: Move, at: Position) {
        for _ in 0..WHEEL_LINES {
            match (&self.ui.overlay, self.ui.hit_map.pane_at(at)) {
                (None, Some(pane)) => self.go(to, pane),
                (None, None) => {}
                (Some(_), _) => self.go(to, self.ui.focus),
            }
        }
    }

    /// A border is taken; all else, and the title of a pane, is clicked.
    fn press(&mut self, at: Position) {
        if !matches!(self.ui.take_border(at), Some(Border::Column(_))) {
            self.click(at);
        }
    }

    fn click(&mut self, at: Position) {
        let heading =
            self.ui.hit_map.headings.iter().find(|(place, _)| place.contains(at)).map(|(_, column)| *column);
        let tab = self.ui.hit_map.tabs.iter().find(|(place, _)| place.contains(at)).map(|(_, pane)| *pane);
        let finding = self.ui.hit_map.findings.iter().find(|(place, _)| place.contains(at));
        if let Some((_, finding)) = finding {
            self.show_finding(*finding);
        } else if let Some(column) = heading {
            self.sort_by(column);
        } else if let Some(line) = self.ui.hit_map.line_at(at) {
            self.ui.peers.click(line, self.models.shown());
            if let LineId::Heading(group) = line {
                self.turn_group(group);
            }
        }
        if let Some(column) = self.ui.hit_map.column_at(at) {
            self.ui.timeline.go_to(column);
        }
        if let pair @ ((Some(_), _) | (_, Some(_))) = self.ui.hit_map.pair_at(at) {
            self.ui.matrix.click(pair.0, pair.1);
        }
        if let Some(pane) = tab.or_else(|| self.ui.hit_map.pane_at(at)) {
            self.ui.focus = pane;
        }
    }
}
