//! The title lines of the panes: their names, what they show of all there is, and how.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::layout;
use crate::app::appearance::Appearance;
use crate::app::keymap::{Action, Section};
use crate::app::model::Model;
use crate::app::ui::matrix::Arrangement;
use crate::app::ui::{Pane, Ui, View};
use crate::engine::peers::PeerState;
use crate::text::{Age, Count, fit};

/// Draws a pane's title line. Where the panes share one place, the others are named too.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, pane: Pane, tabs: bool, model: &Model, ui: &Ui) {
    let (theme, appearance) = (canvas.theme(), canvas.appearance());
    let [bar, _] = layout::cut_top(area, 1);
    let focused = ui.focus == pane;
    let rule = if focused { theme.focused() } else { theme.dim() };
    canvas.fill(bar, "─", rule);
    let mut tabs_at = Vec::new();
    let mut writer = canvas.line(bar, 0);
    for other in Pane::ALL.into_iter().filter(|other| tabs || *other == pane) {
        let this = other == pane;
        let style = match (this, focused) {
            (true, true) => theme.focused(),
            (true, false) => theme.strong(),
            (false, _) => theme.dim(),
        };
        writer.styled(if this && focused { "─▸" } else { "──" }, rule);
        let begin = bar.width - columns(writer.room());
        writer.style(style).text(" ").text(name(other, ui.view)).text(" ");
        let end = bar.width - columns(writer.room());
        tabs_at.push((Rect { x: bar.x + begin, width: end - begin, ..bar }, other));
        let more = if this { says(pane, model, ui, appearance) } else { String::new() };
        if !more.is_empty() {
            writer.style(theme.dim()).text(&more).text(" ");
        }
    }
    canvas.hit_map.tabs.extend(tabs_at);
}

fn columns(room: usize) -> u16 {
    u16::try_from(room).unwrap_or(u16::MAX)
}

/// A pane's name.
fn name(pane: Pane, view: View) -> &'static str {
    match (pane, view) {
        (Pane::Main, View::Peers) => "Peers",
        (Pane::Main, View::Details) => "Peer",
        (Pane::Main, View::Compare) => "Two peers",
        (Pane::Main, View::Timeline) => "Timeline",
        (Pane::Main, View::Matrix) => "Matrix",
        (Pane::Main, View::Findings) => "Findings",
        (Pane::Attempts, _) => "Attempts",
        (Pane::Log, _) => "Log",
    }
}

fn says(pane: Pane, model: &Model, ui: &Ui, appearance: &Appearance) -> String {
    match (pane, ui.view) {
        (Pane::Main, View::Peers) => peers(model, ui),
        (Pane::Main, View::Timeline) => timeline(model, ui, appearance),
        (Pane::Main, View::Details) => one_peer(model, ui),
        (Pane::Main, View::Compare) => "≠ differs".to_owned(),
        (Pane::Main, View::Matrix) => matrix(model, ui),
        (Pane::Main, View::Findings) => findings(model, ui),
        (Pane::Attempts, _) => attempts(model, ui),
        (Pane::Log, _) => ui.log.title(),
    }
}

/// How many peers there are, which of them are shown when not all are, and in what order.
fn peers(model: &Model, ui: &Ui) -> String {
    let (all, listed, (shown, lines)) = (model.len(), model.listed(), ui.peers.shown());
    let mut says = match (all, model.filter().is_empty()) {
        (0, _) => return String::new(),
        (_, true) => all.to_string(),
        (_, false) => {
            let text = model.filter().text();
            let name = ui.filters.name_of(text).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("{listed} of {all} · /{text}{name}")
        }
    };
    let sort = model.sort();
    let more: usize = model.matrix().segments().iter().map(|segment| segment.not_dialed()).sum();
    // Writing to a string cannot fail.
    if more > 0 {
        let _ = write!(says, " · {} known", Count(more, "more member"));
    }
    if let (Some(groups @ [_, ..]), View::Peers) = (model.lines().groups(), ui.view) {
        let _ = write!(says, " · {}", Count(groups.len(), "group"));
    }
    if shown.len() < lines {
        let _ = write!(says, " · rows {}–{}", shown.start + 1, shown.end);
    }
    if !model.lists_left() && model.count(PeerState::Left) > 0 {
        let _ = write!(says, " · {} hidden", model.count(PeerState::Left));
    }
    if sort != crate::app::model::Sort::default() {
        let _ = write!(says, " · by {}{}", sort.by.heading(), if sort.reversed { ", reversed" } else { "" });
    }
    says
}

/// The stretch of time that is looked at, and which peers are shown.
fn timeline(model: &Model, ui: &Ui, appearance: &Appearance) -> String {
    let time = |at| {
        let (hour, minute, second) = appearance.time_of_day(model.wall(at)?);
        Some(format!("{hour:02}:{minute:02}:{second:02}"))
    };
    let moment = ui.timeline.moment().and_then(|(during, ago)| {
        Some(format!("{}–{}, {} ago", time(during.start)?, time(during.end)?, Age(ago)))
    });
    let parts = [ui.timeline.span().description().to_owned(), moment.unwrap_or_default(), peers(model, ui)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// How many hold, how many are over, and how many are the doctor's.
fn findings(model: &Model, ui: &Ui) -> String {
    let open = model.matrix().findings().len();
    let over = match model.incidents().len() - open {
        0 => String::new(),
        over => format!(" · {over} over"),
    };
    let here = match ui.checkup.remarks().len() {
        0 => String::new(),
        here => format!(" · {here} of this machine"),
    };
    format!("{open}{over}{here}")
}

/// How many nodes there are, which of them stand alone, and in what order.
fn matrix(model: &Model, ui: &Ui) -> String {
    let Some(view) = model.matrix().latest() else { return String::new() };
    let (all, (rows, columns)) = (view.nodes.len(), ui.matrix.seen());
    let mut says = Count(all, "node").to_string();
    // Writing to a string cannot fail.
    if ui.matrix.opened().is_none() && rows.len() < ui.matrix.blocks().len() {
        let _ = write!(says, " · rows {}–{}", rows.start + 1, rows.end);
    }
    if !model.filter().is_empty() {
        let _ = write!(says, " · /{}", model.filter().text());
    }
    let partly = rows.len().min(columns.len()) < ui.matrix.blocks().len();
    let arrangement = ui.matrix.arrangement();
    if let Some([from, to]) = ui.matrix.opened() {
        let _ = write!(says, " · {from} → {to}");
    } else if partly || arrangement != Arrangement::default() {
        let _ = write!(says, " · {}", arrangement.description());
    }
    says
}

/// Most columns of a peer's name: the names of the other panes are to have room beside it.
const NAME: usize = 24;

/// Whose details are shown: said here, where it stays while they are scrolled.
fn one_peer(model: &Model, ui: &Ui) -> String {
    let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) else { return String::new() };
    let name = fit(&peer.info.name, NAME);
    match model.position(peer.info.key) {
        Some(at) => format!("{name} · {} of {}", at + 1, model.listed()),
        None => format!("{name} · not listed"),
    }
}

fn attempts(model: &Model, ui: &Ui) -> String {
    let only = ui.attempts.only().map(|key| match model.peer(key) {
        Some(peer) => format!("of {}", peer.info.name),
        None => "of a peer that is gone".to_owned(),
    });
    let how = if ui.attempts.follows() {
        "newest first".to_owned()
    } else {
        format!("scrolled, {} follows", ui.keymap.key_in(Section::Attempts, Action::Follow))
    };
    only.into_iter().chain([how]).collect::<Vec<_>>().join(" · ")
}
