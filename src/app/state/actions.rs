//! What keys do.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{App, Effect};
use crate::app::keymap::{Action, KeyContext};
use crate::app::model::{Column, Filter, Sort};
use crate::app::ui::{Choice, HelpPage, Move, Overlay, Pane, Prompt, View, finding_rows};

impl App {
    /// Takes a key in.
    pub fn key(&mut self, key: &KeyEvent, now: Instant) -> Option<Effect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match (self.ui.keymap.action(self.ui.context(), key), key.code) {
            (Some(action), _) => {
                let effect = self.act(action, now);
                self.unless_recorded(effect, now)
            }
            (None, KeyCode::Char(c)) if plain => {
                self.typed(c.encode_utf8(&mut [0; 4]));
                None
            }
            _ => None,
        }
    }

    /// Does what a key or a person's words ask for.
    pub(super) fn act(&mut self, action: Action, now: Instant) -> Option<Effect> {
        let in_matrix = self.ui.beneath() == KeyContext::Matrix;
        let in_findings = self.ui.beneath() == KeyContext::Findings;
        match action {
            Action::Quit => return Some(Effect::Quit),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Suspend => return Some(Effect::Suspend),
            Action::ExportAs(form) => return Some(self.export(form)),
            Action::DialAll => return Some(self.dial_all()),
            Action::DialFailing => return self.dial_failing(now),
            Action::Dial if in_matrix => return self.dial_column(now),
            Action::Dial => return self.dial(now),
            Action::Forget => return self.forget(now),
            Action::Copy if in_findings => return self.copy_fix(now),
            Action::Copy => return self.copy(now),
            Action::Pause => return self.pause(now),
            Action::Record => return self.record(now),
            Action::Doctor => return self.examine(now),
            Action::Play(play) => return self.play(play, now),
            Action::Jump => self.ask_moment(now),
            Action::Mute => self.mute(now),
            Action::Accept => return self.accept(now),
            Action::Join => return self.join(),
            Action::Help => self.ui.overlay = Some(Overlay::Help(HelpPage::default())),
            Action::Palette => self.open_palette(),
            Action::Add => self.ui.overlay = Some(Overlay::Add(Prompt::default())),
            Action::Export => self.ui.overlay = Some(Overlay::Export),
            Action::Filter => self.ui.overlay = Some(Overlay::filter(self.models.shown().filter())),
            Action::Search => self.search(),
            Action::Close => self.close(),
            Action::Complete => self.complete(now),
            Action::Edit(request) => self.edit(request),
            Action::Show(view) => self.ui.show_or_leave(view),
            Action::Back => self.back(),
            Action::NextPane => self.ui.focus = self.ui.focus.step(1),
            Action::PreviousPane => self.ui.focus = self.ui.focus.step(Pane::ALL.len() - 1),
            Action::Zoom => self.zoom(now),
            Action::Grow => self.ui.grow(1),
            Action::Shrink => self.ui.grow(-1),
            Action::Move(to) => self.go(to, self.ui.focus),
            Action::Follow => self.ui.follow(),
            Action::Details if in_matrix => self.column_details(now),
            Action::Details if in_findings => self.open_finding(now),
            Action::Details => self.details(now),
            Action::Group => self.group(now),
            Action::Fold => self.fold_selected(true, now),
            Action::Unfold => self.fold_selected(false, now),
            Action::FoldAll => self.fold_all(now),
            Action::ComparePeers => self.compare(now),
            Action::NextPeer => self.next_peer(Move::Down),
            Action::PreviousPeer => self.next_peer(Move::Up),
            Action::OnlySelected => self.only_selected(now),
            Action::Sort => self.sort_by_next(),
            Action::SortBy(column) => self.sort_by(column),
            Action::ReverseSort => self.reverse_sort(),
            Action::Earlier => self.ui.timeline.earlier(),
            Action::Later => self.ui.timeline.later(),
            Action::ZoomIn => self.ui.timeline.zoom_in(),
            Action::ZoomOut => self.ui.timeline.zoom_out(),
            Action::MoveAside(to) => self.ui.matrix.go_aside(to),
            Action::NextFailing => self.next_failing(now),
            Action::Figures => self.ui.matrix.figures ^= true,
            Action::Arrange => self.arrange(now),
            Action::Compare => self.ui.matrix.compare(),
            Action::Level => self.ui.log.cycle_level(),
            Action::Target => self.ui.log.cycle_target(),
            Action::NextMatch => self.go_to_match(false),
            Action::PreviousMatch => self.go_to_match(true),
            Action::Mark => return self.mark(now),
            Action::Pin => return self.pin(now),
            Action::HideLeft => self.hide_left(now),
            Action::Note
            | Action::SavedFilter
            | Action::SaveFilter
            | Action::Columns
            | Action::Theme
            | Action::LogLevel
            | Action::Span
            | Action::Interval => self.ask_words(action, now),
            Action::Wrap => self.ui.log.toggle_wrap(),
        }
        None
    }

    /// Moves in a pane, or in the overlay if there is one.
    pub(super) fn go(&mut self, to: Move, pane: Pane) {
        let beneath = self.ui.beneath();
        let shown = self.models.shown();
        match &mut self.ui.overlay {
            // The view cuts the scrolling to what there is.
            Some(Overlay::Help(help)) => help.scroll = to.scrolled(help.scroll),
            Some(Overlay::Doctor { scroll }) => *scroll = to.scrolled(*scroll),
            Some(Overlay::Palette { prompt, chosen, .. }) => {
                let listed = match self.ui.keymap.typed(beneath, prompt.text()) {
                    Some((action, words)) => Choice::of(action, words, &self.ui.filters).len(),
                    None => self.ui.keymap.found(beneath, prompt.text()).len(),
                };
                *chosen = to.from(*chosen, listed, 1);
            }
            Some(_) => {}
            None => match (pane, self.ui.view) {
                (Pane::Main, View::Details | View::Compare) => self.ui.details = to.scrolled(self.ui.details),
                (Pane::Main, View::Peers | View::Timeline) => self.ui.peers.go(to, shown),
                (Pane::Main, View::Matrix) => self.ui.matrix.go(to),
                (Pane::Main, View::Findings) if self.ui.findings.is_open() => {
                    self.ui.details = to.scrolled(self.ui.details);
                }
                (Pane::Main, View::Findings) => {
                    let rows = finding_rows(&shown.incidents(), &self.ui.checkup);
                    self.ui.findings.go(to, &rows);
                }
                (Pane::Attempts, _) => self.ui.attempts.go(to, shown),
                (Pane::Log, _) => self.ui.log.go(to),
            },
        }
    }

    /// Of a group, its peers, or only its heading.
    fn details(&mut self, now: Instant) {
        if let Some(group) = self.ui.peers.heading().filter(|_| self.ui.view == View::Peers) {
            return self.turn_group(group);
        }
        if self.selected(now).is_some() {
            self.ui.show(View::Details);
        }
    }

    /// Gives the pane all the room, or takes it back.
    fn zoom(&mut self, now: Instant) {
        if self.ui.hit_map.has_one_pane() && !self.ui.zoomed {
            return self.ui.say("this pane has all the room already", true, now);
        }
        self.ui.zoomed ^= true;
    }

    fn next_peer(&mut self, to: Move) {
        self.ui.peers.go_to_peer(to, self.models.shown());
        self.ui.details = 0;
    }

    /// From the details to the table, from the past to now, from a filtered list to all.
    fn back(&mut self) {
        match self.ui.view {
            View::Matrix if self.ui.matrix.compare_no_more() || self.ui.matrix.fold() => {}
            View::Matrix if !self.models.shown().filter().is_empty() => {
                self.models.set_filter(&Filter::default());
            }
            View::Peers => self.models.set_filter(&Filter::default()),
            View::Timeline if self.ui.timeline.is_past() => self.ui.timeline.to_now(),
            View::Findings if self.ui.findings.open(false) => {}
            View::Timeline | View::Details | View::Compare | View::Matrix | View::Findings => {
                self.ui.show(View::Peers);
            }
        }
    }

    /// By the next column of those that are shown.
    fn sort_by_next(&mut self) {
        let shown = |column: &Column| self.ui.hit_map.headings.iter().any(|(_, heading)| heading == column);
        let by = self.models.shown().sort().by;
        let after = std::iter::successors(Some(by.next()), |column| Some(column.next()));
        let by = after.take(Column::ALL.len()).find(shown).unwrap_or_else(|| by.next());
        self.models.set_sort(Sort { by, reversed: false });
    }

    /// By this column; from its other end if it is that one already.
    pub(super) fn sort_by(&mut self, by: Column) {
        let sort = self.models.shown().sort();
        self.models.set_sort(Sort { by, reversed: sort.by == by && !sort.reversed });
    }

    fn reverse_sort(&mut self) {
        let sort = self.models.shown().sort();
        self.models.set_sort(Sort { reversed: !sort.reversed, ..sort });
    }

    fn only_selected(&mut self, now: Instant) {
        let only = match self.ui.attempts.only() {
            Some(_) => None,
            None => match self.selected(now) {
                Some(peer) => Some(peer),
                None => return,
            },
        };
        self.ui.attempts.show_only(only);
    }
}
