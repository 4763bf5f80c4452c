//! What lies over the panes: the help, the prompt for an address, the question before forgetting.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::super::keymap;
use super::super::state::App;
use super::super::theme::Theme;
use super::super::ui::Overlay;
use super::layout::centred;
use super::text::{cell, columns, wrap};
use super::{put, write};

/// Width of the boxes, where the screen has it.
const WIDTH: u16 = 76;

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

fn help(scroll: &mut u16, theme: Theme, area: Rect, buf: &mut Buffer) {
    let mut lines: Vec<(String, &'static str, Style)> = Vec::new();
    for (title, entries) in keymap::help() {
        if !lines.is_empty() {
            lines.push((String::new(), "", theme.text()));
        }
        lines.push((title.to_owned(), "", theme.strong()));
        lines.extend(entries.into_iter().map(|(keys, help)| (keys, help, theme.text())));
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let outside = centred(area, WIDTH, height);
    let hidden = height - outside.height;
    *scroll = (*scroll).min(hidden);
    let title = match (hidden > 0, *scroll < hidden) {
        (false, _) => "Help",
        (true, true) => "Help, more below: ↓",
        (true, false) => "Help, more above: ↑",
    };
    let inside = frame(title, theme, outside, buf);
    let keys_width = usize::from(inside.width / 3).min(18);
    for (i, (keys, help, style)) in (0..).zip(lines.into_iter().skip(usize::from(*scroll))) {
        if help.is_empty() {
            put(inside, i, &keys, style, buf);
        } else {
            put(inside, i, &format!("  {} {help}", cell(&keys, keys_width)), style, buf);
        }
    }
}
