//! The time that passed: a band of states for every peer, and what was said at the moment under the cursor.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::canvas::Canvas;
use super::layout::{cut_bottom, cut_top};
use super::{axis, moment, peers};
use crate::app::ShownNode;
use crate::app::appearance::signs::{band, glyph};
use crate::app::keymap::Action;
use crate::app::model::{Columns, Model, PeerRow};
use crate::app::ui::Ui;
use crate::app::ui::timeline::{TimelineSpan, TimelineWindow};
use crate::app::view::line_writer::LineWriter;
use crate::engine::peers::PeerState;
use crate::text::Age;

/// Columns before the name: the mark of the selected row.
const MARK: u16 = 2;

/// Columns of a name, where the screen has them; it gets more only of what the band cannot use.
const NAME: u16 = 12;

/// Most columns of a name.
const WIDEST_NAME: u16 = 24;

/// Columns of a blank and a state's longest word.
const WORD: u16 = 12;

/// Columns of ` for 59 min`, the longest.
const AGE: u16 = 11;

/// From this many lines on, some tell what was said.
const WITH_WORDS: u16 = 6;

/// From this many lines on, one says what the signs mean.
const WITH_LEGEND: u16 = 9;

/// Most lines that tell what was said where the rows need them, too: the details tell more.
const MOST_WORDS: u16 = 5;

/// Draws it.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, (model, node): (&Model, ShownNode), ui: &mut Ui) {
    if model.is_empty() {
        return peers::empty(canvas, area, model, node);
    }
    let lines = TimelineLayout::of(area, model.listed());
    let shape = TimelineColumns::of(ui.timeline.span_at(model, canvas.now()), area.width);
    let window = ui.timeline.settle(model, canvas.now(), shape.band);
    let top = ui.peers.settle(model, usize::from(lines.rows.height));
    if model.listed() == 0 {
        let style = canvas.theme().dim();
        canvas.put(lines.rows, 0, &format!("  No match. {} to edit.", canvas.key(Action::Filter)), style);
    }
    let bands = Rect { x: area.x + shape.before_band(), width: shape.band, ..lines.axis };
    axis::render(canvas, bands, model, &ui.timeline, window);
    let rows = BandRows { shape, window, cursor: ui.timeline.column() };
    let columns = model.columns(window.end, window.width, u32::from(window.count));
    let names = Rect { x: area.x + MARK.min(area.width), width: shape.name, ..lines.axis }.intersection(area);
    axis::cell(canvas, names, window.width.max(columns.grain()));
    let page = top..top.saturating_add(usize::from(lines.rows.height));
    for (y, peer) in (lines.rows.y..).zip(model.rows(page)) {
        let line = Rect { y, height: 1, ..lines.rows };
        rows.write(canvas, line, peer, &columns);
        canvas.hit_map.peers.push(peer.info.key);
        if ui.peers.selected() == Some(peer.info.key) {
            // The band keeps its colours: they are what one looks at.
            peers::mark(canvas, Rect { width: MARK + shape.name, ..line }, ui);
        }
    }
    canvas.hit_map.rows = lines.rows;
    canvas.hit_map.bands = Rect { height: lines.axis.height + lines.rows.height, ..bands }.intersection(area);
    if let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) {
        let column = ui.timeline.column().and_then(|nth| window.column(nth));
        moment::render(canvas, lines.words, model, peer, column.as_ref());
    }
    legend(canvas, lines.legend);
}

/// Which lines are for what.
struct TimelineLayout {
    axis: Rect,
    rows: Rect,
    words: Rect,
    legend: Rect,
}

impl TimelineLayout {
    /// The rows take what the others leave; the words take what the rows of so few peers leave, but for a blank line between them.
    fn of(area: Rect, peers: usize) -> Self {
        let height = area.height;
        let [above, legend] = cut_bottom(area, u16::from(height >= WITH_LEGEND));
        let [axis, rest] = cut_top(above, u16::from(height > 1));
        let least = if height < WITH_WORDS || peers == 0 { 0 } else { (height / 4).clamp(2, MOST_WORDS) };
        let unused = rest.height.saturating_sub(u16::try_from(peers).unwrap_or(u16::MAX));
        let words = if least == 0 { 0 } else { unused.saturating_sub(1).max(least) };
        let [rows, words] = cut_bottom(rest, words);
        Self { axis, rows, words, legend }
    }
}

/// Which columns are for what.
#[derive(Debug, Clone, Copy)]
struct TimelineColumns {
    name: u16,
    band: u16,
    /// With the state's word, beside its sign.
    word: bool,
    /// And since when.
    age: bool,
}

impl TimelineColumns {
    /// The band has as many columns as its time can be cut into; of what is left, the state's word takes its part first.
    fn of(span: TimelineSpan, width: u16) -> Self {
        let name = (width / 4).min(NAME);
        // The mark, a blank on both sides of the band, and the sign of the state.
        let rest = width.saturating_sub(MARK + name + 3);
        let band = TimelineWindow::cut(span, rest).1.min(rest);
        let mut unused = rest - band;
        let mut take = |columns| {
            let taken = unused >= columns;
            unused -= if taken { columns } else { 0 };
            taken
        };
        let word = take(WORD);
        let age = word && take(AGE);
        Self { name: name + unused.min(WIDEST_NAME - name), band, word, age }
    }

    fn before_band(self) -> u16 {
        MARK + self.name + 1
    }
}

/// What all rows share.
struct BandRows {
    shape: TimelineColumns,
    window: TimelineWindow,
    /// The column that is looked at.
    cursor: Option<u16>,
}

impl BandRows {
    fn write(&self, canvas: &mut Canvas<'_>, line: Rect, peer: &PeerRow, columns: &Columns) {
        let theme = canvas.theme();
        let style = if peer.state == PeerState::Left { theme.dim() } else { theme.strong() };
        peers::note(canvas, line, peer);
        let mut writer = canvas.line(line, 0);
        writer.skip(MARK);
        writer.part(self.shape.name).styled(&peer.info.name, style);
        writer.skip(self.shape.name + 1);
        self.band(&mut writer.part(self.shape.band), peer, columns);
        writer.skip(self.shape.band + 1);
        writer.sign(glyph(peer.state), theme.state(peer.state));
        if self.shape.word {
            writer.text(" ").text(peer.state.as_str());
        }
        let age = writer.pen().now().saturating_duration_since(peer.since());
        if self.shape.age && age.as_secs() > 0 {
            writer.format(theme.dim(), format_args!(" for {}", Age(age)));
        }
    }

    /// The worst state of each column. Under the cursor stands the state's own sign, as in the table: reversed, a full
    /// block would be a hole.
    fn band(&self, writer: &mut LineWriter<'_>, peer: &PeerRow, columns: &Columns) {
        let theme = writer.theme();
        for (nth, state) in (0..self.window.count).zip(peer.bands.worst(columns)) {
            let style = state.map_or(theme.text(), |state| theme.state(state));
            if self.cursor == Some(nth) {
                let style = style.remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED);
                writer.styled(state.map_or(" ", glyph), style);
            } else {
                writer.styled(state.map_or(" ", band), style);
            }
        }
    }
}

/// What the signs mean, the most usual first.
fn legend(canvas: &mut Canvas<'_>, line: Rect) {
    use PeerState::{Left, New, Retrying, Silent, Unreachable, Up};
    let theme = canvas.theme();
    let mut writer = canvas.line(line, 0);
    writer.skip(MARK);
    for state in [Up, Retrying, Unreachable, Silent, New, Left] {
        if writer.room() < state.as_str().len() + 2 {
            return;
        }
        writer.sign(band(state), theme.state(state)).styled(" ", theme.dim()).text(state.as_str());
        writer.skip(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_width_the_columns_fit_and_the_band_has_most_of_them() {
        for (width, span) in (8..400).flat_map(|width| TimelineSpan::ALL.map(|span| (width, span))) {
            let shape = TimelineColumns::of(span, width);
            let after = 2 + if shape.word { WORD } else { 0 } + if shape.age { AGE } else { 0 };
            let all = shape.before_band() + shape.band + after;
            assert!(all <= width, "{width}: {shape:?}");
            let most = TimelineWindow::cut(span, u16::MAX).1;
            assert!(width < 20 || shape.band >= (width / 3).min(most), "{width}: {shape:?}");
        }
    }

    #[test]
    fn at_every_height_nothing_overlaps_and_a_row_is_left() {
        for height in 0..100 {
            for peers in [0, 1, 3, 40, u16::MAX] {
                let TimelineLayout { axis, rows, words, legend } =
                    TimelineLayout::of(Rect::new(0, 0, 80, height), peers.into());
                assert_eq!(axis.height + rows.height + words.height + legend.height, height);
                assert!(rows.height > 0 || height == 0, "{height} {peers}");
                assert!(words.height != 1, "a heading with nothing below it");
                let blank = rows.height.saturating_sub(peers);
                assert!(words.height == 0 || blank <= 1, "{height} {peers}: {blank} lines of nothing");
            }
        }
    }
}
