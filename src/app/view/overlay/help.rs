//! The help: every key, and what the signs mean.

use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::boxed::{WIDTH, frame};
use crate::app::appearance::Theme;
use crate::app::appearance::signs::glyph;
use crate::app::keymap::{Action, KeyContext, Keymap, Section};
use crate::app::ui::{HelpPage, Move};
use crate::app::view::canvas::Canvas;
use crate::app::view::layout::{centred, cut_bottom};
use crate::app::view::prompt;
use crate::engine::peers::PeerState;

/// From this width on, the help has two columns, in a box as wide.
const TWO_COLUMNS: u16 = 116;

/// A line of the help: keys or a sign in their own column, and what they mean; or a heading.
type HelpLine = (String, Option<&'static str>, Style);

/// What is found; reversed where it is meant, too, as in the log.
const FOUND: Modifier = Modifier::UNDERLINED.union(Modifier::BOLD);

/// Draws it, of what lies beneath and whether that is a recording, and cuts the scrolling to what there is. Returns where the cursor belongs while a text to find is typed.
pub(super) fn render(
    canvas: &mut Canvas<'_>,
    area: Rect,
    keymap: &Keymap,
    shown: (KeyContext, bool),
    help: &mut HelpPage,
) -> Option<Position> {
    let two = area.width >= TWO_COLUMNS;
    let columns = columns(if two { 2 } else { 1 }, sections(keymap, shown, canvas.theme()), canvas.theme());
    let highest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let searches = help.is_typing || !help.search.text().is_empty();
    let lines = u16::try_from(highest).unwrap_or(u16::MAX).saturating_add(u16::from(searches));
    let outside = centred(area, if two { TWO_COLUMNS } else { WIDTH }, lines.saturating_add(2));
    let hidden = lines.saturating_add(2) - outside.height;
    let seen = outside.height.saturating_sub(2 + u16::from(searches));
    let meant = find(&columns, help);
    if let (true, Some((_, line))) = (std::mem::take(&mut help.seeks), meant) {
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        help.scroll = help.scroll.clamp((line + 1).saturating_sub(seen), line);
    }
    help.scroll = help.scroll.min(hidden);
    let key = |action| keymap.key_in(Section::Help, action);
    let more = match (hidden > 0, help.scroll < hidden) {
        (false, _) => String::new(),
        (true, true) => format!(" · more below: {}", key(Action::Move(Move::Down))),
        (true, false) => format!(" · more above: {}", key(Action::Move(Move::Up))),
    };
    let (close, find) = (key(Action::Close), keymap.key_in(Section::HelpText, Action::Search));
    let inside = frame(canvas, outside, &format!("Help · {close} closes it · {find} finds a text{more}"));
    let [text, below] = cut_bottom(inside, u16::from(searches));
    let width = if two { text.width / 2 } else { text.width };
    let wanted = help.search.text().to_lowercase();
    for (nth, (x, column)) in (text.x..).step_by(usize::from(width.max(1))).zip(columns).enumerate() {
        let place = Rect { x, width, ..text };
        let shown = column.into_iter().enumerate().skip(usize::from(help.scroll));
        for (line, (at, entry)) in (0..place.height).zip(shown) {
            let is_meant = meant == Some((nth, at));
            write(canvas, place, line, &entry);
            mark(canvas, Rect { y: place.y + line, height: 1, ..place }, &entry, (&wanted, is_meant));
        }
    }
    searches.then(|| search(canvas, below, keymap, help)).filter(|_| help.is_typing)
}

/// The line of a text to find, and how often it was. Returns where the cursor belongs.
fn search(canvas: &mut Canvas<'_>, line: Rect, keymap: &Keymap, help: &HelpPage) -> Position {
    let theme = canvas.theme();
    let half = line.width / 2;
    let cursor = prompt::render(canvas, Rect { width: half, ..line }, "/", &help.search);
    let found = match (help.found, help.search.text()) {
        (_, "") => String::new(),
        (0, _) => "no match".to_owned(),
        (1, _) => "1 match".to_owned(),
        (found, _) => {
            let keys =
                [Action::NextMatch, Action::PreviousMatch].map(|to| keymap.key_in(Section::HelpText, to));
            let keys = if help.is_typing { String::new() } else { format!(" · {}", keys.join(" ")) };
            format!("{} of {found}{keys}", help.nth + 1)
        }
    };
    let rest = Rect { x: line.x + half, width: line.width - half, ..line };
    canvas.line(rest, 0).styled(&found, theme.focused()).right();
    cursor
}

/// Counts the lines in which the text is found. Returns the column and the line of the one that is meant.
fn find(columns: &[Vec<HelpLine>], help: &mut HelpPage) -> Option<(usize, usize)> {
    let wanted = help.search.text().to_lowercase();
    let has = |(keys, words, _): &HelpLine| {
        [Some(&**keys), *words].into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
    };
    let all =
        columns.iter().enumerate().flat_map(|(nth, column)| (0..).zip(column).map(move |line| (nth, line)));
    let found = all.filter(|(_, (_, line))| !wanted.is_empty() && has(line));
    let found: Vec<_> = found.map(|(nth, (line, _))| (nth, line)).collect();
    help.found = found.len();
    help.nth = help.nth.min(found.len().saturating_sub(1));
    found.get(help.nth).copied()
}

/// Columns of the keys of a line.
fn keys_width(place: Rect) -> u16 {
    (place.width / 3).min(16)
}

fn write(canvas: &mut Canvas<'_>, place: Rect, line: u16, (keys, help, style): &HelpLine) {
    let text = canvas.theme().text();
    let mut writer = canvas.line(place, line);
    let Some(help) = help else {
        writer.styled(keys, *style);
        return;
    };
    writer.skip(2).part(keys_width(place)).styled(keys, *style);
    writer.skip(keys_width(place) + 1).styled(help, text);
}

/// Marks what was found in a line.
fn mark(canvas: &mut Canvas<'_>, line: Rect, (keys, help, _): &HelpLine, (wanted, is_meant): (&str, bool)) {
    if wanted.is_empty() {
        return;
    }
    let style = Style::new().add_modifier(if is_meant { Modifier::REVERSED } else { FOUND });
    let parts = match help {
        Some(help) => vec![(2, &**keys), (2 + keys_width(line) + 1, *help)],
        None => vec![(0, &**keys)],
    };
    for (begin, text) in parts {
        let text = text.to_lowercase();
        for (at, found) in text.match_indices(wanted) {
            let wide = |text: &str| u16::try_from(crate::text::columns(text)).unwrap_or(u16::MAX);
            let x = line.x.saturating_add(begin).saturating_add(wide(&text[..at])).min(line.right());
            let place = Rect { x, width: wide(found).min(line.right() - x), ..line };
            canvas.restyle(place, style);
        }
    }
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
fn sections(keymap: &Keymap, (beneath, is_recorded): (KeyContext, bool), theme: Theme) -> Vec<Vec<HelpLine>> {
    let (mut sections, mut elsewhere): (Vec<Vec<HelpLine>>, Vec<Vec<HelpLine>>) = Default::default();
    for (section, entries) in keymap.help_where(is_recorded) {
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
