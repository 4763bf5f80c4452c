//! All about one peer: first why it is not reached and what to do, then what is known beside that.

mod latency;
mod page;
mod past;

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Scrollbar, ScrollbarOrientation, ScrollbarState, StatefulWidget as _};

use super::super::facts::Facts;
use super::super::look::Look;
use super::super::model::{Column, HISTORY, Model, Stats};
use super::super::ui::{Pane, Ui};
use super::columns::Row;
use super::field::Field;
use super::layout::halves;
use super::{Drawn, put};
use page::{Page, Styles};

/// From this width on, beside the scroll bar, what is known stands beside what has happened.
const TWO_COLUMNS: u16 = 109;

/// Most columns of the dial's countdown with its bar.
const COUNTDOWN: u16 = 34;

/// Columns of a state and since when it is, unless that was another day.
const STATE: u16 = 42;

/// Draws it, and cuts the scrolling to what there is.
pub(super) fn render(
    model: &Model,
    ui: &mut Ui,
    look: &Look,
    area: Rect,
    buf: &mut Buffer,
    now: Instant,
    drawn: &mut Drawn,
) {
    ui.peers.hold(model);
    let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) else {
        return put(area, 0, "  No peer is selected.", look.theme.dim(), buf);
    };
    let facts = Facts { model, peer, look, now };
    let stats = Stats::of(&peer.history, HISTORY);
    // The last column is the scroll bar's.
    let inside = Rect { width: area.width.saturating_sub(1), ..area };
    let unseen = Rect { height: 0, ..inside };
    let headings = if ui.focus == Pane::Main { look.theme.focused() } else { look.theme.strong() };
    let styles = Styles { headings, labels: look.theme.dim() };
    let lines = write(&mut Page::new(buf, styles, unseen, 0), facts, &stats, drawn);
    let beyond = lines.saturating_sub(area.height);
    ui.details = ui.details.min(beyond);
    write(&mut Page::new(buf, styles, inside, ui.details), facts, &stats, drawn);
    if beyond > 0 {
        scroll_bar(ui.details, beyond, look, area, buf);
    }
}

/// Fills a page. Returns how many lines it takes.
fn write(page: &mut Page<'_>, facts: Facts<'_>, stats: &Stats, drawn: &mut Drawn) -> u16 {
    let area = page.area();
    if area.width < TWO_COLUMNS {
        verdict(page, facts, drawn);
        past::changes(page, facts);
        latency::write(page, facts, stats);
        identity(page, facts);
        past::dials(page, facts, drawn);
        return page.lines();
    }
    let [left, right] = halves(area);
    let mut known = page.column(left);
    verdict(&mut known, facts, drawn);
    latency::write(&mut known, facts, stats);
    identity(&mut known, facts);
    let lines = known.lines();
    let mut happened = page.column(right);
    past::changes(&mut happened, facts);
    past::dials(&mut happened, facts, drawn);
    lines.max(happened.lines())
}

/// What somebody wants to know who asks why a peer is not reached.
fn verdict(page: &mut Page<'_>, facts: Facts<'_>, drawn: &mut Drawn) {
    let (peer, theme) = (facts.peer, facts.look.theme);
    let row = Row { look: facts.look, now: facts.now, tells_cause: true };
    let lasting = |field: &mut Field<'_>| _ = field.format(theme.text(), format_args!("{}", facts.lasting()));
    let width = page.width();
    let one_line = width >= STATE;
    page.line(|field| {
        row.write(field, Column::State, width, peer, drawn);
        if one_line {
            lasting(field.text(" "));
        }
    });
    if !one_line {
        page.line(lasting);
    }
    if let Some(verdict) = facts.verdict() {
        page.words("verdict", theme.alarm_text(), verdict);
    }
    // What to do comes before what is only to be believed, and after what makes it understood.
    let found = facts.finding().is_some();
    if let Some(advice) = facts.advice().filter(|_| found) {
        page.words("try", theme.strong(), advice);
    }
    for seen in facts.evidence() {
        page.words("seen", theme.text(), seen);
    }
    if let Some(why) = facts.why() {
        page.words("why", if peer.cause.is_some() { theme.warning() } else { theme.text() }, why);
    }
    if let Some(advice) = facts.advice().filter(|_| !found) {
        page.words("try", theme.strong(), advice);
    }
    if let Some(detail) = &peer.detail {
        page.words("said", theme.text(), detail);
    }
    page.fact("dial", |field| {
        let width = COUNTDOWN.min(u16::try_from(field.room()).unwrap_or(COUNTDOWN));
        let mut dial = field.part(width);
        row.write(&mut dial, Column::Dial, width, peer, drawn);
        if dial.room() == usize::from(width) {
            dial.styled("at rest", theme.dim());
        }
    });
    if let Some(ways) = facts.ways() {
        page.words("ways", theme.text(), ways);
    }
    page.words("address", theme.text(), facts.address());
    page.words("reached", theme.text(), facts.reached());
    page.words("heard", theme.text(), facts.heard());
}

/// Who it is, how we know of it, and where else it was seen.
fn identity(page: &mut Page<'_>, facts: Facts<'_>) {
    let (info, theme) = (&facts.peer.info, facts.look.theme);
    page.heading("Identity");
    page.words("name", theme.text(), &info.name);
    page.fact("id", |field| match info.id {
        // Eight digits tell any two nodes of a network apart.
        Some(id) => _ = field.format(theme.text(), format_args!("{:08x}…", id.0 >> 96)),
        None => _ = field.styled("not known before it answers", theme.text()),
    });
    if let Some(life) = facts.life() {
        page.words("life", theme.text(), life);
    }
    page.words("found", theme.text(), facts.found());
    for other in facts.other_addresses() {
        page.words("also at", theme.text(), other);
    }
    if let Some(claimed) = facts.claimed() {
        page.words("claims", theme.warning(), claimed);
    }
}

/// Where in all its lines the seen ones are.
fn scroll_bar(above: u16, beyond: u16, look: &Look, area: Rect, buf: &mut Buffer) {
    let mut state = ScrollbarState::new(usize::from(beyond) + 1)
        .position(usize::from(above))
        .viewport_content_length(usize::from(area.height));
    Scrollbar::new(ScrollbarOrientation::VerticalRight)
        .begin_symbol(None)
        .end_symbol(None)
        .track_symbol(None)
        .thumb_symbol("▐")
        .style(look.theme.dim())
        .render(area.intersection(buf.area), buf, &mut state);
}
