//! The peer table. Builds only the rows that are shown, whatever the number of peers.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::model::{Model, Peer};
use super::super::theme::Theme;
use super::super::ui::{Pane, Ui};
use super::columns::{Column, counts_tenths, fitting};
use super::layout::{cut_bottom, cut_top};
use super::text::{cell_right, fit, wrap};
use super::{details, put, sparkline, write};
use crate::core::cause::Cause;
use crate::core::peer::{DialPhase, PeerState};

/// From this many lines on, two of them tell more of the selected peer.
const WITH_DETAILS: u16 = 7;

/// Columns before the first one: the mark of the selected row.
const MARK: u16 = 2;

/// Draws the table and returns whether something in it counts in tenths of a second.
pub(super) fn render(
    model: &Model,
    ui: &mut Ui,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
    now: Instant,
) -> bool {
    if model.is_empty() {
        empty(model, theme, area, buf);
        return false;
    }
    let [table, below] = cut_bottom(area, if area.height >= WITH_DETAILS { 2 } else { 0 });
    let [headings, rows] = cut_top(table, 1);
    let columns = fitting(area.width.saturating_sub(MARK));
    let mut x = headings.x + MARK;
    for (column, width) in &columns {
        let room = usize::from(*width);
        let heading = match column {
            Column::RoundTrip | Column::Connect => cell_right(column.heading(), room),
            _ => fit(column.heading(), room),
        };
        write(buf, x, headings.y, &Line::styled(heading, theme.dim()), *width);
        x += width + 1;
    }
    let page = usize::from(rows.height);
    let top = ui.peers.settle(model, page);
    let mut tenths = false;
    for (y, peer) in (rows.y..).zip(model.rows(top..top.saturating_add(page))) {
        let line = Rect { y, height: 1, ..rows };
        let selected = ui.peers.selected() == Some(peer.info.key);
        tenths |= row(peer, &columns, theme, line, buf, now);
        if selected {
            put(line, 0, "▸", theme.focused(), buf);
            // Only while the keys go here is the row reversed: so the focus is seen in the table too.
            if ui.focus == Pane::Peers {
                buf.set_style(line, theme.selected());
            }
        }
    }
    if let Some(peer) = ui.peers.selected().and_then(|key| model.peer(key)) {
        details::render(peer, theme, below, buf, now);
    }
    tenths
}

fn row(
    peer: &Peer,
    columns: &[(Column, u16)],
    theme: Theme,
    line: Rect,
    buf: &mut Buffer,
    now: Instant,
) -> bool {
    let mut x = line.x + MARK;
    let mut tenths = false;
    let cause_has_room = columns.iter().any(|(column, _)| *column == Column::Cause);
    for &(column, width) in columns {
        let room = usize::from(width);
        match column {
            Column::History => {
                let mut line_of_bars = Line::from(sparkline::sparkline(&peer.history, width, theme));
                if peer.state == PeerState::Left {
                    line_of_bars.spans.iter_mut().for_each(|span| span.style = theme.dim());
                }
                write(buf, x, line.y, &line_of_bars, width);
            }
            Column::RoundTrip | Column::Connect => {
                let (text, style) = column.text(peer, theme, now, width);
                write(buf, x, line.y, &Line::styled(cell_right(&text, room), style), width);
            }
            // Where the cause has no column, it is better news than the time of the next regular dial.
            Column::Dial if !cause_has_room && let Some(cause) = cause_at_rest(peer) => {
                let cause = fit(&cause.word().replace('_', " "), room);
                write(buf, x, line.y, &Line::styled(cause, theme.warning()), width);
            }
            _ => {
                let (text, style) = column.text(peer, theme, now, width);
                write(buf, x, line.y, &Line::styled(fit(&text, room), style), width);
            }
        }
        tenths |= column == Column::Dial && counts_tenths(peer.dial, now);
        x += width + 1;
    }
    tenths
}

/// Why a peer failed, when no attempt is under way or waits.
fn cause_at_rest(peer: &Peer) -> Option<Cause> {
    peer.cause.filter(|_| matches!(peer.dial, DialPhase::Resting { .. }) && peer.state != PeerState::Left)
}

/// What to do when nobody is there yet.
fn empty(model: &Model, theme: Theme, area: Rect, buf: &mut Buffer) {
    let mut lines = vec![("No peers yet.".to_owned(), theme.strong())];
    let port = model.node().map(|node| (node.port, node.tcp_port));
    let on: Vec<_> =
        model.interfaces().iter().map(|i| format!("{} {}/{}", i.name, i.addr, i.prefix)).collect();
    match port {
        None => lines.push(("The node is starting.".into(), theme.text())),
        Some((udp, tcp)) => {
            if on.is_empty() {
                let text = "No interface of this machine can broadcast, so nobody is found by itself: connect a network, or press a to add a peer by its address.";
                lines.push((text.into(), theme.warning()));
            } else {
                lines.push((format!("Listening for others on {}.", on.join(", ")), theme.text()));
            }
            lines.push(("• Start vigie on another machine of the same network.".into(), theme.text()));
            lines.push((
                format!("• If it runs there and does not appear here, open UDP port {udp} and TCP port {tcp} in both firewalls."),
                theme.text(),
            ));
            lines.push((
                "• Where broadcasts do not reach, press a and type the address of a peer.".into(),
                theme.text(),
            ));
        }
    }
    let room = Rect { x: area.x + MARK.min(area.width), width: area.width.saturating_sub(2 * MARK), ..area };
    let mut at = u16::from(area.height > 8);
    for (text, style) in lines {
        let indent = if text.starts_with('•') { "  " } else { "" };
        let width = usize::from(room.width).saturating_sub(indent.len());
        for (i, part) in wrap(&text, width, 4).into_iter().enumerate() {
            put(room, at, &format!("{}{part}", if i > 0 { indent } else { "" }), style, buf);
            at += 1;
        }
    }
}
