//! The headings of groups in the peer table: which, how many peers, and how they are.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::line_writer::LineWriter;
use crate::app::appearance::signs::glyph;
use crate::app::keymap::Action;
use crate::app::model::{Group, GroupId, Lines, Model};
use crate::engine::peers::PeerState;
use crate::engine::segments::Segment;
use crate::text::Count;

/// Columns before its sign: the mark of the selected row.
const MARK: u16 = 2;

/// As they are told: trouble first.
const WORST_FIRST: [PeerState; PeerState::ALL.len()] = [
    PeerState::Unreachable,
    PeerState::Silent,
    PeerState::Retrying,
    PeerState::New,
    PeerState::Up,
    PeerState::Left,
];

/// Draws one: `- 10.1.0.0/24  12 peers, 238 more members  ✖ 1 unreachable  ● 11 up`. The sign says whether its peers are below it.
pub(super) fn heading(canvas: &mut Canvas<'_>, line: Rect, model: &Model, id: GroupId) {
    let (theme, lines) = (canvas.theme(), model.lines());
    let Some(group) = lines.group(id) else { return };
    let mut writer = canvas.line(line, 0);
    writer.skip(MARK).styled(if lines.is_folded(id) { "+ " } else { "- " }, theme.focused());
    writer.format(theme.strong(), format_args!("{id}"));
    writer.format(theme.dim(), format_args!("  {}", Count(group.len(), "peer")));
    let more = id.segment(model.matrix().segments()).map_or(0, Segment::not_dialed);
    if more > 0 {
        writer.format(theme.dim(), format_args!(", {}", Count(more, "more member")));
    }
    states(&mut writer, group);
}

/// How many are in which state.
fn states(writer: &mut LineWriter<'_>, group: &Group) {
    let theme = writer.theme();
    for state in WORST_FIRST.into_iter().filter(|state| group.count(*state) > 0) {
        let style = theme.state(state);
        writer.styled("  ", style).sign(glyph(state), style);
        writer.format(style, format_args!(" {} {}", group.count(state), state.as_str()));
    }
}

/// What to do with the selected one, where else more is told of a peer.
pub(super) fn hint(canvas: &mut Canvas<'_>, area: Rect, lines: Lines<'_>, id: GroupId) {
    let theme = canvas.theme();
    let key = canvas.key(Action::Details);
    let does = if lines.is_folded(id) { "shows its peers" } else { "folds it" };
    canvas.put(area, 0, &format!("  {id}: {key} {does}."), theme.dim());
}
