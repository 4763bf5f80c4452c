//! All about one peer: first why it is not reached and what to do, then what is known beside that.

mod latency;
mod past;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns;
use super::layout::halves;
use super::page::{Page, scroll_bar};
use crate::app::appearance::Theme;
use crate::app::model::{Column, HISTORY, Model, Note, PeerRow, Stats};
use crate::app::peer_text::PeerText;
use crate::app::ui::{Pane, Ui};
use crate::app::view::line_writer::LineWriter;
use crate::text::Reason;

/// From this width on, beside the scroll bar, what is known stands beside what has happened.
const TWO_COLUMNS: u16 = 109;

/// Most columns of the dial's countdown with its bar.
const COUNTDOWN: u16 = 34;

/// Columns of a state and since when it is, unless that was another day.
const STATE: u16 = 42;

/// Draws it, and cuts the scrolling to what there is.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, model: &Model, ui: &mut Ui) {
    let theme = canvas.theme();
    ui.peers.hold(model);
    let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) else {
        return canvas.put(area, 0, "  No peer is selected.", theme.dim());
    };
    let about = PeerText { model, peer, appearance: canvas.appearance(), now: canvas.now() };
    let stats = Stats::of(&peer.history, HISTORY);
    // The last column is the scroll bar's.
    let inside = Rect { width: area.width.saturating_sub(1), ..area };
    let unseen = Rect { height: 0, ..inside };
    let headings = if ui.focus == Pane::Main { theme.focused() } else { theme.strong() };
    let note = model.notes().of(&peer.info).filter(|note| !note.is_empty());
    let lines = write(&mut Page::new(canvas, headings, unseen, 0), about, note, &stats);
    let beyond = lines.saturating_sub(area.height);
    ui.details = ui.details.min(beyond);
    write(&mut Page::new(canvas, headings, inside, ui.details), about, note, &stats);
    if beyond > 0 {
        scroll_bar(canvas, area, ui.details, beyond);
    }
}

/// Fills a page. Returns how many lines it takes.
fn write(page: &mut Page<'_, '_>, about: PeerText<'_>, note: Option<&Note>, stats: &Stats) -> u16 {
    let area = page.area();
    if area.width < TWO_COLUMNS {
        verdict(page, about);
        whereabouts(page, about, note);
        past::changes(page, about);
        latency::write(page, about, stats);
        identity(page, about);
        past::dials(page, about);
        return page.lines();
    }
    let [left, right] = halves(area);
    let mut known = page.column(left);
    verdict(&mut known, about);
    whereabouts(&mut known, about, note);
    latency::write(&mut known, about, stats);
    identity(&mut known, about);
    let lines = known.lines();
    let mut happened = page.column(right);
    past::changes(&mut happened, about);
    past::dials(&mut happened, about);
    lines.max(happened.lines())
}

/// What somebody wants to know who asks why a peer is not reached.
fn verdict(page: &mut Page<'_, '_>, about: PeerText<'_>) {
    let (peer, theme) = (about.peer, about.appearance.theme);
    let lasting =
        |writer: &mut LineWriter<'_>| _ = writer.format(theme.text(), format_args!("{}", about.lasting()));
    let width = page.width();
    let one_line = width >= STATE;
    page.line(|writer| {
        columns::write(writer, Column::State, width, peer, true);
        if one_line {
            lasting(writer.text(" "));
        }
    });
    if !one_line {
        page.line(lasting);
    }
    if let Some(verdict) = about.verdict() {
        page.words("verdict", theme.alarm_text(), verdict);
    }
    // What to do comes before what is only to be believed, and after what makes it understood.
    let found = about.finding().is_some();
    if let Some(advice) = about.advice().filter(|_| found) {
        page.words("try", theme.strong(), advice);
    }
    page.evidence(about.evidence());
    if let Some(why) = about.why() {
        page.words(
            "why",
            if peer.reason().is_some_and(Reason::is_wrong) { theme.warning() } else { theme.text() },
            why,
        );
    }
    if let Some(advice) = about.advice().filter(|_| !found) {
        page.words("try", theme.strong(), advice);
    }
    if let Some(detail) = &peer.detail {
        page.words("said", theme.text(), detail);
    }
    if !peer.info.has_address() {
        page.words("dial", theme.text(), "when the host name resolves: it is looked up again and again");
    } else if peer.info.addr.port() == 0 {
        page.words(
            "dial",
            theme.text(),
            "it can dial in and cannot be dialed: it has no port of its own there",
        );
    } else {
        page.fact("dial", |writer| dial(writer, peer, theme));
    }
}

/// What the person noted of it, and by which ways it is known.
fn whereabouts(page: &mut Page<'_, '_>, about: PeerText<'_>, note: Option<&Note>) {
    let theme = about.appearance.theme;
    if let Some(note) = note {
        page.words("note", theme.strong(), note);
    }
    if let Some(paths) = about.paths() {
        page.words("paths", theme.text(), paths);
    }
    page.words("address", theme.text(), about.address());
    page.words("reached", theme.text(), about.reached());
    page.words("heard", theme.text(), about.heard());
}

/// Where its dial stands.
fn dial(writer: &mut LineWriter<'_>, peer: &PeerRow, theme: Theme) {
    let width = COUNTDOWN.min(u16::try_from(writer.room()).unwrap_or(COUNTDOWN));
    let mut dial = writer.part(width);
    columns::write(&mut dial, Column::Dial, width, peer, true);
    if dial.room() == usize::from(width) {
        dial.styled("at rest", theme.dim());
    }
}

/// Who it is, how we know of it, and where else it was seen.
fn identity(page: &mut Page<'_, '_>, about: PeerText<'_>) {
    let (info, theme) = (&about.peer.info, about.appearance.theme);
    page.heading("Identity");
    page.words("name", theme.text(), &info.name);
    page.fact("id", |writer| match info.id {
        // Eight digits tell any two nodes of a network apart.
        Some(id) => _ = writer.format(theme.text(), format_args!("{:08x}…", id.0 >> 96)),
        None => _ = writer.styled("not known until it answers", theme.text()),
    });
    if let Some(life) = about.life() {
        page.words("life", theme.text(), life);
    }
    page.words("found", theme.text(), about.found());
    for other in about.other_addresses() {
        page.words("also at", theme.text(), other);
    }
    if let Some(claimed) = about.claimed() {
        page.words("claims", theme.warning(), claimed);
    }
}
