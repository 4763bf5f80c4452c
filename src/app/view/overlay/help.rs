//! The help: every key, and what the signs mean.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::boxed::{WIDTH, frame};
use crate::app::appearance::Theme;
use crate::app::appearance::signs::glyph;
use crate::app::keymap::{KeyContext, Keymap, Section};
use crate::app::view::canvas::Canvas;
use crate::app::view::layout::centred;
use crate::engine::peers::PeerState;

/// From this width on, the help has two columns, in a box as wide.
const TWO_COLUMNS: u16 = 116;

/// A line of the help: keys or a sign in their own column, and what they mean; or a heading.
type HelpLine = (String, Option<&'static str>, Style);

/// Draws it, and cuts the scrolling to what there is.
pub(super) fn render(
    canvas: &mut Canvas<'_>,
    area: Rect,
    keymap: &Keymap,
    beneath: KeyContext,
    scroll: &mut u16,
) {
    let two = area.width >= TWO_COLUMNS;
    let columns = columns(if two { 2 } else { 1 }, sections(keymap, beneath, canvas.theme()), canvas.theme());
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
    let inside = frame(canvas, outside, title);
    let width = if two { inside.width / 2 } else { inside.width };
    for (x, column) in (inside.x..).step_by(usize::from(width.max(1))).zip(columns) {
        let place = Rect { x, width, ..inside };
        for (line, entry) in (0..place.height).zip(column.into_iter().skip(usize::from(*scroll))) {
            write(canvas, place, line, entry);
        }
    }
}

fn write(canvas: &mut Canvas<'_>, place: Rect, line: u16, (keys, help, style): HelpLine) {
    let text = canvas.theme().text();
    let mut writer = canvas.line(place, line);
    let Some(help) = help else {
        writer.styled(&keys, style);
        return;
    };
    let keys_width = (place.width / 3).min(16);
    writer.skip(2).part(keys_width).styled(&keys, style);
    writer.skip(keys_width + 1).styled(help, text);
}

/// The help's sections, with a blank line between two, in one column or in two of about the same height.
fn columns(count: usize, sections: Vec<Vec<HelpLine>>, theme: Theme) -> Vec<Vec<HelpLine>> {
    let all: usize = sections.iter().map(|section| section.len() + 1).sum();
    let mut columns: Vec<Vec<HelpLine>> = vec![Vec::new()];
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

/// First the keys that count where the help was asked for, then the signs, what has a name alone, and the keys that count elsewhere.
fn sections(keymap: &Keymap, beneath: KeyContext, theme: Theme) -> Vec<Vec<HelpLine>> {
    let (mut sections, mut elsewhere): (Vec<Vec<HelpLine>>, Vec<Vec<HelpLine>>) = Default::default();
    for (section, entries) in keymap.help() {
        let entries = entries.into_iter().map(|(keys, help)| (keys, Some(help), theme.strong()));
        let entries = std::iter::once(heading(section.title(), theme)).chain(entries).collect();
        match section {
            Section::Typed => elsewhere.insert(0, entries),
            _ if section.covers(beneath) => sections.push(entries),
            _ => elsewhere.push(entries),
        }
    }
    sections.push(legend(theme));
    sections.extend(elsewhere);
    sections
}

/// What the signs mean.
fn legend(theme: Theme) -> Vec<HelpLine> {
    let mut signs = vec![heading("Legend", theme)];
    for state in PeerState::ALL {
        let sign = format!("{} {}", glyph(state), state.as_str());
        signs.push((sign, Some(state.description()), theme.state(state)));
    }
    let others = [
        ("▂▅█", "round trips of the last dials", theme.good()),
        ("×", "a dial that failed", theme.bad()),
        // The timeline's own, after those that stand for a peer's present state.
        ("─ ▄ █", "timeline: up, retrying, unreachable", theme.text()),
        ("░ · ╌", "timeline: silent, new, left", theme.text()),
        ("✖ • ? ○", "matrix: fails, ok, unknown, stale", theme.text()),
        ("▼ ▲ ~ +", "worse, better, unknown now, new node", theme.text()),
    ];
    signs.extend(others.into_iter().map(|(sign, meaning, style)| (sign.to_owned(), Some(meaning), style)));
    signs
}

fn heading(title: &str, theme: Theme) -> HelpLine {
    (title.to_owned(), None, theme.focused())
}
