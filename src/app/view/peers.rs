//! The peer table. Builds only the rows that are shown, whatever the number of peers.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::{self, fitting, is_figure};
use super::layout::{cut_bottom, cut_top};
use super::{findings, groups, selected};
use crate::app::ShownNode;
use crate::app::keymap::{Action, Section};
use crate::app::model::{Column, LineId, Model, PeerRow, Sort};
use crate::app::peer_text::PeerText;
use crate::app::ui::{Border, Pane, Ui};
use crate::text::{chief_addresses, wrap};

/// From this many lines on, two of them tell more of the selected peer.
const WITH_DETAILS: u16 = 7;

/// Columns before the first one: the mark of the selected row.
const MARK: u16 = 2;

/// Draws the table.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, (model, node): (&Model, ShownNode), ui: &mut Ui) {
    let theme = canvas.theme();
    let wrong = ui.findings.told(model.matrix().findings(), canvas.now());
    let [banner, area] = cut_top(area, findings::lines(findings::wanted(&wrong, area.width), area.height));
    findings::render(canvas, banner, &wrong);
    if model.is_empty() {
        return empty(canvas, area, model, node);
    }
    let [table, below] = cut_bottom(area, if area.height >= WITH_DETAILS { 2 } else { 0 });
    let [headings, rows] = cut_top(table, 1);
    let columns = fitting(&ui.columns, area.width.saturating_sub(MARK));
    heads(canvas, headings, &columns, model.sort());
    let page = usize::from(rows.height);
    let top = ui.peers.settle_table(model, page);
    if model.listed() == 0 {
        let (edit, clear) = (canvas.key(Action::Filter), canvas.key_in(Section::Peers, Action::Back));
        canvas.put(rows, 0, &format!("  No match. {edit} to edit, {clear} to clear."), theme.dim());
    }
    let tells_cause = columns.iter().any(|(column, _)| *column == Column::Cause);
    for (y, id) in (rows.y..).zip(model.lines().stretch(top..top.saturating_add(page))) {
        let line = Rect { y, height: 1, ..rows };
        match id {
            LineId::Heading(group) => groups::heading(canvas, line, model, group),
            LineId::Peer(key) => {
                model.peer(key).into_iter().for_each(|peer| row(canvas, line, peer, &columns, tells_cause));
            }
        }
        canvas.hit_map.peers.push(id);
        if ui.peers.line() == Some(id) {
            mark(canvas, line, ui);
        }
    }
    canvas.hit_map.rows = rows;
    if let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) {
        let about = PeerText { model, peer, appearance: canvas.appearance(), now: canvas.now() };
        selected::render(canvas, below, about);
    } else if let Some(group) = ui.peers.heading() {
        groups::hint(canvas, below, model.lines(), group);
    }
}

/// Marks the selected row. Only while the keys go here is it a bar: so the focus is seen in the table too.
pub(super) fn mark(canvas: &mut Canvas<'_>, line: Rect, ui: &Ui) {
    let theme = canvas.theme();
    canvas.put(line, 0, "▸", theme.focused());
    if ui.focus == Pane::Main {
        canvas.restyle(line, theme.selected());
    }
}

/// The headings, with a sign at the one that the rows are sorted by.
fn heads(canvas: &mut Canvas<'_>, line: Rect, columns: &[(Column, u16)], sort: Sort) {
    let theme = canvas.theme();
    let mut x = line.x + MARK;
    for &(column, width) in columns {
        let by_this = sort.by == column;
        let style = if by_this { theme.strong() } else { theme.dim() };
        let mut writer = canvas.stretch(x, line.y, width);
        if width > 1 {
            writer.styled(column.heading(), style);
        }
        if by_this {
            writer.text(if sort.reversed == column.falls() { "▲" } else { "▼" });
        }
        if is_figure(column) {
            writer.right();
        }
        let heading = Rect { x, y: line.y, width, height: line.height.min(1) };
        canvas.hit_map.headings.push((heading, column));
        x += width + 1;
        if columns.last().is_some_and(|(last, _)| *last != column) {
            canvas.hit_map.borders.push((Rect { x: x - 1, width: 1, ..heading }, Border::Column(column)));
        }
    }
}

fn row(canvas: &mut Canvas<'_>, line: Rect, peer: &PeerRow, columns: &[(Column, u16)], tells_cause: bool) {
    note(canvas, line, peer);
    let mut x = line.x + MARK;
    for &(column, width) in columns {
        let mut writer = canvas.stretch(x, line.y, width);
        columns::write(&mut writer, column, width, peer, tells_cause);
        if is_figure(column) {
            writer.right();
        }
        x += width + 1;
    }
}

/// The sign of a peer that a person has marked or pinned, before its name.
pub(super) fn note(canvas: &mut Canvas<'_>, line: Rect, peer: &PeerRow) {
    let sign = match (peer.noted.is_marked, peer.noted.is_pinned) {
        (true, _) => "*",
        (false, true) => "↑",
        (false, false) => return,
    };
    let style = canvas.theme().focused();
    canvas.put(Rect { x: line.x + 1, width: line.width.saturating_sub(1).min(1), ..line }, 0, sign, style);
}

/// What to do when nobody is there yet.
pub(super) fn empty(canvas: &mut Canvas<'_>, area: Rect, model: &Model, node: ShownNode) {
    let (theme, add) = (canvas.theme(), canvas.key(Action::Add));
    let mut lines = vec![("No peers yet.".to_owned(), theme.strong())];
    let port = model.node().map(|node| (node.port, node.tcp_port));
    let (heard, mute): (Vec<_>, Vec<_>) = chief_addresses(model.interfaces()).partition(|i| !i.is_mute());
    let on: Vec<_> = heard.iter().map(|i| format!("{} {}/{}", i.name, i.addr, i.prefix)).collect();
    match port {
        _ if node == ShownNode::Recorded => {
            lines.push(("The recording tells of none up to this moment.".into(), theme.text()));
        }
        None => lines.push(("The node is starting.".into(), theme.text())),
        Some((udp, tcp)) => {
            for interface in &mute {
                let text = format!(
                    "{} cannot broadcast: press {add} to add a peer there by its address.",
                    interface.name
                );
                lines.push((text, theme.warning()));
            }
            if !on.is_empty() {
                lines.push((format!("Listening for others on {}.", on.join(", ")), theme.text()));
            } else if mute.is_empty() {
                let text = format!(
                    "No interface of this machine can broadcast: connect to a network, or press {add} to add a peer by its address."
                );
                lines.push((text, theme.warning()));
            }
            lines.push(("• Start vigie on another machine of the same network.".into(), theme.text()));
            lines.push((
                format!("• If it is running there but does not appear here, open UDP port {udp} and TCP port {tcp} in both firewalls."),
                theme.text(),
            ));
            let text = format!("• Across a router, press {add} and type the address of a peer.");
            lines.push((text, theme.text()));
        }
    }
    let room = Rect { x: area.x + MARK.min(area.width), width: area.width.saturating_sub(2 * MARK), ..area };
    let mut at = u16::from(area.height > 8);
    for (text, style) in lines {
        let indent = if text.starts_with('•') { "  " } else { "" };
        let width = usize::from(room.width).saturating_sub(indent.len());
        for (i, part) in wrap(&text, width, 4).into_iter().enumerate() {
            canvas.put(room, at, &format!("{}{part}", if i > 0 { indent } else { "" }), style);
            at += 1;
        }
    }
}
