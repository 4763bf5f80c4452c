//! What lies over the panes: the help, the prompt for an address, the question before forgetting.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation as _;

use super::layout::{centred, cut_top};
use super::{put, write};
use crate::app::appearance::Theme;
use crate::app::appearance::signs::glyph;
use crate::app::keymap;
use crate::app::state::App;
use crate::app::ui::{Overlay, Prompt, Ui};
use crate::app::view::line_writer::LineWriter;
use crate::engine::peers::PeerState;
use crate::text::{cell, columns, fit, wrap};

/// Width of the boxes, where the screen has it.
const WIDTH: u16 = 76;

/// From this width on, the help has two columns, in a box as wide.
const TWO_COLUMNS: u16 = 116;

/// Lines of the prompt and of the question.
const PROMPT: u16 = 6;

/// Most lines of the palette's list.
const PALETTE: u16 = 12;

/// Draws the overlay, if there is one. Returns where the cursor belongs.
pub(super) fn render(app: &mut App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = app.appearance.theme;
    let beneath = app.ui.beneath();
    match &mut app.ui.overlay {
        Some(Overlay::Help { scroll }) => help(scroll, beneath, theme, area, buf),
        Some(Overlay::Add(prompt)) => return Some(add(prompt, theme, area, buf)),
        Some(Overlay::Palette { .. }) => return palette(&app.ui, theme, area, buf),
        Some(Overlay::Export) => {
            let inside = frame("Export", theme, centred(area, WIDTH, PROMPT - 1), buf);
            let text = "The table as JSON, or the screen as text or as an SVG picture, into a new file in the folder where vigie was started.";
            paragraph(text, theme.text(), inside, buf);
            keys(keymap::Context::Export, theme, inside, buf);
        }
        Some(Overlay::Forget { name, .. }) => {
            let inside = frame("Forget a peer", theme, centred(area, WIDTH, PROMPT - 1), buf);
            let text = format!("{name} is up: it will be back as soon as it is heard again. Forget it?");
            paragraph(&text, theme.text(), inside, buf);
            keys(keymap::Context::Confirm, theme, inside, buf);
        }
        // Typed in the last line.
        Some(Overlay::Filter { .. } | Overlay::Search(_)) | None => {}
    }
    None
}

/// A text in at most two lines.
fn paragraph(text: &str, style: Style, area: Rect, buf: &mut Buffer) {
    for (i, row) in (0..).zip(wrap(text, usize::from(area.width), 2)) {
        put(area, i, &row, style, buf);
    }
}

/// An empty box with a title; returns its inside.
fn frame(title: &str, theme: Theme, area: Rect, buf: &mut Buffer) -> Rect {
    Clear.render(area, buf);
    buf.set_style(area, theme.ground());
    let block = Block::bordered()
        .border_style(theme.focused())
        .title(Span::styled(format!(" {title} "), theme.focused()));
    let inside = block.inner(area);
    block.render(area, buf);
    Rect { x: inside.x + 1.min(inside.width), width: inside.width.saturating_sub(2), ..inside }
}

/// A text that is being typed, in the first line of an area. Returns where the cursor belongs.
pub(super) fn typed(sign: &str, prompt: &Prompt, theme: Theme, area: Rect, buf: &mut Buffer) -> Position {
    let mut writer = LineWriter::line(buf, area, 0);
    writer.styled(sign, theme.strong());
    let before = columns(sign);
    let (from, cursor) = prompt.window(writer.room());
    let mut skipped = 0;
    for grapheme in prompt.text().graphemes(true) {
        // What has been scrolled out to the left, and what does not fit to the right.
        if skipped < from {
            skipped += columns(grapheme);
        } else if columns(grapheme) <= writer.room() {
            writer.text(grapheme);
        } else {
            break;
        }
    }
    let column = u16::try_from(before + cursor).unwrap_or(u16::MAX);
    Position {
        x: area.x.saturating_add(column).min(buf.area.right().saturating_sub(1)),
        y: area.y.min(buf.area.bottom().saturating_sub(1)),
    }
}

fn add(prompt: &Prompt, theme: Theme, area: Rect, buf: &mut Buffer) -> Position {
    let inside = frame("Add a peer", theme, centred(area, WIDTH, PROMPT), buf);
    let cursor = typed("> ", prompt, theme, inside, buf);
    let (text, style) = match Overlay::target(prompt.text()) {
        _ if prompt.text().trim().is_empty() => {
            ("Its host name or address, like host7, 10.0.0.7:17500 or [fe80::1]:17500; without a port it is 17474.".into(), theme.dim())
        }
        Ok(target) => (format!("✓ {target}"), theme.good()),
        Err(error) => (format!("✖ {error}"), theme.bad()),
    };
    paragraph(&text, style, cut_top(inside, 1)[1], buf);
    keys(keymap::Context::Add, theme, inside, buf);
    cursor
}

/// The prompt for an action, with those found: the chosen one is always visible.
fn palette(ui: &Ui, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let Some(Overlay::Palette { prompt, chosen }) = &ui.overlay else { return None };
    let found = keymap::found(ui.beneath(), prompt.text());
    // As high as with nothing typed: the box does not jump while one types.
    let all = u16::try_from(keymap::found(ui.beneath(), "").len()).unwrap_or(u16::MAX);
    let inside = frame("Actions", theme, centred(area, WIDTH, all.min(PALETTE) + 4), buf);
    let cursor = typed(": ", prompt, theme, inside, buf);
    let [list, _] = cut_top(cut_top(inside, 1)[1], inside.height.saturating_sub(2));
    if found.is_empty() {
        put(list, 0, "No action has these words.", theme.warning(), buf);
    }
    let top = (chosen + 1).saturating_sub(usize::from(list.height));
    for (line, (nth, binding)) in (0..list.height).zip(found.iter().enumerate().skip(top)) {
        let mut writer = LineWriter::line(buf, list, line);
        writer.styled(if nth == *chosen { "▸ " } else { "  " }, theme.focused());
        writer.part(16).styled(&binding.keys_in_text(), theme.strong());
        writer.skip(16).styled(binding.help, theme.text());
        if nth == *chosen {
            buf.set_style(Rect { y: list.y + line, height: 1, ..list }, theme.selected());
        }
    }
    keys(keymap::Context::Palette, theme, inside, buf);
    Some(cursor)
}

/// The keys of an overlay in its last line, when the text above leaves it free.
fn keys(context: keymap::Context, theme: Theme, inside: Rect, buf: &mut Buffer) {
    if inside.height < 3 {
        return;
    }
    let mut spans = Vec::new();
    for (keys, word) in keymap::footer(context) {
        spans.push(Span::styled(keys, theme.strong()));
        spans.push(Span::styled(format!(" {word}   "), theme.dim()));
    }
    write(buf, inside.x, inside.bottom() - 1, &Line::from(spans), inside.width);
}

/// A line of the help: keys or a sign in their own column, and what they mean; or a heading.
type Entry = (String, Option<&'static str>, Style);

fn help(scroll: &mut u16, beneath: keymap::Context, theme: Theme, area: Rect, buf: &mut Buffer) {
    let two = area.width >= TWO_COLUMNS;
    let columns = help_columns(if two { 2 } else { 1 }, beneath, theme);
    let highest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = u16::try_from(highest).unwrap_or(u16::MAX).saturating_add(2);
    let outside = centred(area, if two { TWO_COLUMNS } else { WIDTH }, height);
    let hidden = height - outside.height;
    *scroll = (*scroll).min(hidden);
    let title = match (hidden > 0, *scroll < hidden) {
        (false, _) => "Help · Esc closes it",
        (true, true) => "Help · Esc closes it · more below: ↓",
        (true, false) => "Help · Esc closes it · more above: ↑",
    };
    let inside = frame(title, theme, outside, buf);
    let width = if two { inside.width / 2 } else { inside.width };
    for (x, column) in (inside.x..).step_by(usize::from(width.max(1))).zip(columns) {
        let place = Rect { x, width, ..inside };
        let keys_width = usize::from(place.width / 3).min(16);
        for (i, (keys, help, style)) in (0..place.height).zip(column.into_iter().skip(usize::from(*scroll))) {
            let Some(help) = help else {
                put(place, i, &keys, style, buf);
                continue;
            };
            let keys = Span::styled(format!("  {} ", cell(&keys, keys_width)), style);
            let room = usize::from(place.width).saturating_sub(keys.width());
            let line = Line::from(vec![keys, Span::styled(fit(help, room), theme.text())]);
            write(buf, place.x, place.y + i, &line, place.width);
        }
    }
}

/// The help's sections, with a blank line between two, in one column or in two of about the same height.
fn help_columns(count: usize, beneath: keymap::Context, theme: Theme) -> Vec<Vec<Entry>> {
    let sections = help_sections(beneath, theme);
    let all: usize = sections.iter().map(|section| section.len() + 1).sum();
    let mut columns: Vec<Vec<Entry>> = vec![Vec::new()];
    for section in sections {
        if columns.len() < count && columns.last().is_some_and(|column| column.len() * count >= all) {
            columns.push(Vec::new());
        }
        if let Some(column) = columns.last_mut() {
            if !column.is_empty() {
                column.push((String::new(), None, theme.text()));
            }
            column.extend(section);
        }
    }
    columns
}

/// First the keys that count where the help was asked for, then the signs, then the keys that count elsewhere.
fn help_sections(beneath: keymap::Context, theme: Theme) -> Vec<Vec<Entry>> {
    let heading = |title: &str| (title.to_owned(), None, theme.focused());
    let (mut sections, mut elsewhere): (Vec<Vec<Entry>>, Vec<Vec<Entry>>) = Default::default();
    for (section, entries) in keymap::help() {
        let entries = entries.into_iter().map(|(keys, help)| (keys, Some(help), theme.strong()));
        let entries = std::iter::once(heading(section.title())).chain(entries).collect();
        if section.covers(beneath) { &mut sections } else { &mut elsewhere }.push(entries);
    }
    let mut signs = vec![heading("What the signs say")];
    for state in PeerState::ALL {
        signs.push((
            format!("{} {}", glyph(state), state.as_str()),
            Some(state.description()),
            theme.state(state),
        ));
    }
    signs.push(("▂▅█".to_owned(), Some("round trips of the last dials"), theme.good()));
    signs.push(("×".to_owned(), Some("a dial that failed"), theme.bad()));
    // The timeline's own, after those that stand for a peer's present state.
    signs.push(("─ ▄ █".to_owned(), Some("timeline: up, retrying, unreachable"), theme.text()));
    signs.push(("░ · ╌".to_owned(), Some("timeline: silent, new, left"), theme.text()));
    signs.push(("✖ • ? ○".to_owned(), Some("matrix: fails, fine, unknown, too old"), theme.text()));
    signs.push(("▼ ▲ ~ +".to_owned(), Some("worse, better, unknown now, new node"), theme.text()));
    sections.push(signs);
    sections.extend(elsewhere);
    sections
}
