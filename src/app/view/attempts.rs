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
use super::text::{cell, columns, time_of_day};
use super::{put, write};
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
    let name_width = usize::from((area.width / 4).clamp(6, 24));
    let mut tenths = false;
    for (y, attempt) in (area.y..).zip(model.attempts().back_from(top).take(page)) {
        let (text, style) = outcome(attempt, theme, now, usize::from(area.width) > 70);
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

fn outcome(attempt: &Attempt, theme: Theme, now: Instant, wide: bool) -> (String, Style) {
    let hand = if attempt.forced { ", by hand" } else { "" };
    match &attempt.outcome {
        Outcome::InFlight { since } => {
            (format!("▸ dialing for {}{hand}", Wait(now.saturating_duration_since(*since))), theme.text())
        }
        Outcome::Answered { connect, rtt } => {
            let up = glyph(PeerState::Up);
            let connect = if wide { format!(", connect {}", Measured(*connect)) } else { String::new() };
            (format!("{up} {}{connect}{hand}", Measured(*rtt)), theme.good())
        }
        Outcome::Failed { cause, detail, retry } => {
            let mark = glyph(if retry.is_some() { PeerState::Retrying } else { PeerState::Unreachable });
            let word = cause.word().replace('_', " ");
            let detail = if wide { format!(" ({detail})") } else { String::new() };
            match retry {
                Some(until) => {
                    let wait = Wait(until.saturating_duration_since(now));
                    (format!("{mark} {word}, again in {wait}{hand}{detail}"), theme.warning())
                }
                None => (format!("{mark} {word}{hand}{detail}"), theme.bad()),
            }
        }
        Outcome::Abandoned => ("◌ abandoned".into(), theme.dim()),
    }
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
