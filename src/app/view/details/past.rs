//! What a peer went through: its states in the last hour, the last changes, the last attempts.

use std::time::Duration;

use crate::app::appearance::signs::{self, glyph};
use crate::app::model::{JournalEntry, What};
use crate::app::peer_text::PeerText;
use crate::app::ui::timeline::{TimelineSpan, TimelineWindow};
use crate::app::view::attempts;
use crate::app::view::line_writer::LineWriter;
use crate::app::view::page::Page;
use crate::engine::peers::PeerState;

/// Changes that are listed.
const CHANGES: usize = 8;

/// Attempts that are listed: four dials that were retried to their end.
const ATTEMPTS: usize = 20;

/// Writes its states of the last hour, and what changed last.
pub(super) fn changes(page: &mut Page<'_, '_>, about: PeerText<'_>) {
    let theme = about.appearance.theme;
    page.heading("Last hour");
    let (each, count) = TimelineWindow::cut(TimelineSpan::Hour, page.width());
    page.line(|writer| band(writer, about, each, u32::from(count)));
    page.line(|writer| {
        writer.part(count).styled("now", theme.dim()).right();
        writer.styled("an hour ago", theme.dim());
    });
    for (_, entry) in about.model.journal().of_peer(about.peer.info.key).take(CHANGES) {
        page.line(|writer| change(writer, about, entry));
    }
}

/// One sign for each stretch of time: the worst of its states.
fn band(writer: &mut LineWriter<'_>, about: PeerText<'_>, each: Duration, count: u32) {
    let to = about.model.end_of_column(about.now, each);
    for state in about.peer.bands.worst(&about.model.columns(to, each, count)) {
        match state {
            Some(state) => writer.sign(signs::band(state), about.appearance.theme.state(state)),
            None => writer.styled(" ", about.appearance.theme.dim()),
        };
    }
}

fn change(writer: &mut LineWriter<'_>, about: PeerText<'_>, entry: &JournalEntry) {
    let theme = about.appearance.theme;
    writer.format(theme.dim(), format_args!("{}  ", about.moment(entry.wall)));
    match entry.what {
        What::State { to, .. } => writer.sign(glyph(to), theme.state(to)),
        What::Left { .. } => writer.sign(glyph(PeerState::Left), theme.dim()),
        _ => writer.styled(" ", theme.dim()),
    };
    writer.format(theme.text(), format_args!(" {}", PeerText::happened(entry)));
}

/// Writes its last attempts, the newest first.
pub(super) fn dials(page: &mut Page<'_, '_>, about: PeerText<'_>) {
    let theme = about.appearance.theme;
    page.heading("Last attempts");
    let held = about.model.attempts().of_peer(about.peer.info.key);
    let before = page.lines();
    for (_, attempt) in held.take(ATTEMPTS) {
        page.line(|writer| {
            writer.format(theme.dim(), format_args!("{}  ", about.moment(attempt.wall)));
            attempts::how(writer, attempt);
        });
    }
    if page.lines() == before {
        page.line(|writer| _ = writer.styled("None recorded.", theme.dim()));
    }
}
