//! What lies over the panes: the help, the prompt for an address, the question before forgetting.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::super::keymap;
use super::super::state::App;
use super::super::theme::{Theme, glyph};
use super::super::ui::Overlay;
use super::layout::centred;
use super::text::{cell, columns, fit, wrap};
use super::{put, write};
use crate::core::peer::PeerState;

/// Width of the boxes, where the screen has it.
const WIDTH: u16 = 76;

/// From this width on, the help has two columns, in a box as wide.
const TWO_COLUMNS: u16 = 116;

/// Lines of the prompt and of the question.
const PROMPT: u16 = 6;

/// Draws the overlay, if there is one. Returns where the cursor belongs.
pub(super) fn render(app: &mut App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = app.theme;
    match &mut app.ui.overlay {
        None => None,
        Some(Overlay::Help { scroll }) => {
            help(scroll, theme, area, buf);
            None
        }
        Some(Overlay::Add { typed }) => Some(prompt(typed, theme, area, buf)),
        Some(Overlay::Forget { name, .. }) => {
            let inside = frame("Forget a peer", theme, centred(area, WIDTH, PROMPT - 1), buf);
            let text = format!("{name} is up: it will be back as soon as it is heard again. Forget it?");
            for (i, row) in (0..).zip(wrap(&text, usize::from(inside.width), 2)) {
                put(inside, i, &row, theme.text(), buf);
            }
            keys(keymap::Context::Confirm, theme, inside, buf);
            None
        }
    }
}

/// An empty box with a title; returns its inside.
fn frame(title: &str, theme: Theme, area: Rect, buf: &mut Buffer) -> Rect {
    Clear.render(area, buf);
    let block = Block::bordered()
        .border_style(theme.focused())
        .title(Span::styled(format!(" {title} "), theme.focused()));
    let inside = block.inner(area);
    block.render(area, buf);
    Rect { x: inside.x + 1.min(inside.width), width: inside.width.saturating_sub(2), ..inside }
}

fn prompt(typed: &str, theme: Theme, area: Rect, buf: &mut Buffer) -> Position {
    let inside = frame("Add a peer", theme, centred(area, WIDTH, PROMPT), buf);
    let room = usize::from(inside.width.saturating_sub(3));
    // The end of a long text is where it is being typed.
    let mut start = 0;
    while columns(&typed[start..]) > room {
        start += typed[start..].chars().next().map_or(1, char::len_utf8);
    }
    put(inside, 0, &format!("> {}", &typed[start..]), theme.strong(), buf);
    let (text, style) = match Overlay::target(typed) {
        _ if typed.trim().is_empty() => {
            ("Its host name or address, like host7, 10.0.0.7:17474 or [fe80::1]:17474.".into(), theme.dim())
        }
        Ok(target) => (format!("✓ {target}"), theme.good()),
        Err(error) => (format!("✖ {error}"), theme.bad()),
    };
    for (i, row) in (1..).zip(wrap(&text, usize::from(inside.width), 2)) {
        put(inside, i, &row, style, buf);
    }
    keys(keymap::Context::Add, theme, inside, buf);
    let column = u16::try_from(columns(&typed[start..]) + 2).unwrap_or(u16::MAX);
    Position {
        x: inside.x.saturating_add(column).min(area.right().saturating_sub(1)),
        y: inside.y.min(area.bottom().saturating_sub(1)),
    }
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

fn help(scroll: &mut u16, theme: Theme, area: Rect, buf: &mut Buffer) {
    let two = area.width >= TWO_COLUMNS;
    let columns = help_columns(if two { 2 } else { 1 }, theme);
    let highest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = u16::try_from(highest).unwrap_or(u16::MAX).saturating_add(2);
    let outside = centred(area, if two { TWO_COLUMNS } else { WIDTH }, height);
    let hidden = height - outside.height;
    *scroll = (*scroll).min(hidden);
    let title = match (hidden > 0, *scroll < hidden) {
        (false, _) => "Help",
        (true, true) => "Help, more below: ↓",
        (true, false) => "Help, more above: ↑",
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
fn help_columns(count: usize, theme: Theme) -> Vec<Vec<Entry>> {
    let sections = help_sections(theme);
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

fn help_sections(theme: Theme) -> Vec<Vec<Entry>> {
    let heading = |title: &str| (title.to_owned(), None, theme.focused());
    let mut sections: Vec<Vec<Entry>> = Vec::new();
    for (title, entries) in keymap::help() {
        let entries = entries.into_iter().map(|(keys, help)| (keys, Some(help), theme.strong()));
        sections.push(std::iter::once(heading(title)).chain(entries).collect());
    }
    let mut signs = vec![heading("What the signs say")];
    for state in PeerState::ALL {
        signs.push((format!("{} {}", glyph(state), state.word()), Some(meaning(state)), theme.state(state)));
    }
    signs.push(("▂▅█".to_owned(), Some("round trips of the last dials"), theme.good()));
    signs.push(("×".to_owned(), Some("a dial that failed"), theme.bad()));
    sections.push(signs);
    sections
}

/// What a state says of a peer, for who sees its sign for the first time.
fn meaning(state: PeerState) -> &'static str {
    match state {
        PeerState::New => "just heard of, not dialed yet",
        PeerState::Up => "its last dial was answered",
        PeerState::Retrying => "a dial failed, the next one follows",
        PeerState::Unreachable => "all attempts failed",
        PeerState::Silent => "neither heard nor reached any more",
        PeerState::Left => "said goodbye",
    }
}
