//! The attempts pane: one line for each dial attempt, the newest first.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::{Attempt, Model, Outcome};
use super::super::theme::{Theme, glyph};
use super::super::ui::Ui;
use super::columns::counts_tenths;
use super::text::{cell, cell_right, columns, time_of_day};
use super::{put, write};
use crate::core::cause::Cause;
use crate::core::peer::{DialPhase, PeerState};
use crate::core::words::{Measured, Wait};

/// Draws the list and returns whether something in it counts in tenths of a second.
pub(super) fn render(
    model: &Model,
    ui: &mut Ui,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
    now: Instant,
) -> bool {
    let page = usize::from(area.height);
    let Some(top) = ui.attempts.settle(model, page) else {
        put(area, 0, "  No dial yet.", theme.dim(), buf);
        return false;
    };
    let name_width = usize::from((area.width / 5).clamp(6, 18));
    let mut tenths = false;
    for (y, attempt) in (area.y..).zip(model.attempts().back_from(top).take(page)) {
        let (text, style) =
            outcome(attempt, theme, now, usize::from(area.width).saturating_sub(18 + name_width));
        let of = if attempt.max > 0 {
            format!("{}/{}", attempt.attempt, attempt.max)
        } else {
            attempt.attempt.to_string()
        };
        let spans = vec![
            Span::styled(format!("  {} ", time_of_day(attempt.wall)), theme.dim()),
            Span::styled(cell(&attempt.peer.name, name_width), theme.strong()),
            Span::styled(format!(" {of:<5} "), theme.text()),
            Span::styled(text, style),
        ];
        let fitted = fit_last(spans, usize::from(area.width));
        write(buf, area.x, y, &Line::from(fitted), area.width);
        tenths |= match attempt.outcome {
            Outcome::InFlight { since } => {
                counts_tenths(DialPhase::InFlight { attempt: 0, max: 0, since }, now)
            }
            Outcome::Failed { retry: Some(until), .. } => {
                counts_tenths(DialPhase::Waiting { attempt: 0, max: 0, until }, now)
            }
            _ => false,
        };
    }
    tenths
}

fn outcome(attempt: &Attempt, theme: Theme, now: Instant, room: usize) -> (String, Style) {
    let hand = if attempt.forced { ", by hand" } else { "" };
    match &attempt.outcome {
        Outcome::InFlight { since } => {
            (format!("▸ dialing for {}{hand}", Wait(now.saturating_duration_since(*since))), theme.text())
        }
        Outcome::Answered { connect, rtt } => {
            let up = glyph(PeerState::Up);
            // Aligned: a slow one among many stands out.
            let rtt = cell_right(&Measured(*rtt).to_string(), 8);
            let connect = cell_right(&Measured(*connect).to_string(), 8);
            let connect = format!("   connect {connect}");
            (with(format!("{up} answered {rtt}"), &(connect + hand), room), theme.good())
        }
        Outcome::Failed { cause, detail, retry } => {
            let mark = glyph(if retry.is_some() { PeerState::Retrying } else { PeerState::Unreachable });
            let word = cause.word().replace('_', " ");
            // People read what it means; what the system called it counts where that says nothing.
            let meaning = if *cause == Cause::Other { detail } else { cause.in_words() };
            let meaning = format!(": {meaning}");
            match retry {
                Some(until) => {
                    let wait = Wait(until.saturating_duration_since(now));
                    (with(format!("{mark} {word}, again in {wait}{hand}"), &meaning, room), theme.warning())
                }
                None => (with(format!("{mark} {word}{hand}"), &meaning, room), theme.bad()),
            }
        }
        Outcome::Abandoned => ("◌ abandoned".into(), theme.dim()),
    }
}

/// A text with more behind it where all of that fits: half a sentence says nothing.
fn with(text: String, more: &str, room: usize) -> String {
    if columns(&text) + columns(more) <= room { text + more } else { text }
}

/// Cuts the last span so that the line fits, with a mark.
fn fit_last(mut spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    if let Some(last) = spans.pop() {
        let used: usize = spans.iter().map(|span| columns(&span.content)).sum();
        let style = last.style;
        spans.push(Span::styled(super::text::fit(&last.content, width.saturating_sub(used)), style));
    }
    spans
}
