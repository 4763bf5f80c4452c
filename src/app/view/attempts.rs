//! The attempts pane: one line for each dial attempt, the newest first.

use std::borrow::Cow;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Look;
use super::super::model::{Attempt, Model, Outcome};
use super::super::theme::glyph;
use super::super::ui::Ui;
use super::columns::{TENTHS_BELOW, words};
use super::field::Field;
use super::text::columns;
use super::{Drawn, bar, put};
use crate::engine::cause::Cause;
use crate::engine::peers::PeerState;
use crate::text::{Measured, Wait};

/// Columns of a countdown: the longest below half a minute, and a blank.
const WAIT: u16 = 6;

/// Columns of a countdown's bar.
const BAR: u16 = 10;

/// Draws the list.
pub(super) fn render(
    model: &Model,
    ui: &mut Ui,
    look: &Look,
    area: Rect,
    buf: &mut Buffer,
    now: Instant,
    drawn: &mut Drawn,
) {
    let page = usize::from(area.height);
    let top = ui.attempts.settle(model, page);
    let mut lines = 0;
    if let Some(top) = top {
        let from_top = model.attempts().from(top, ui.attempts.only());
        for (line, (_, attempt)) in (0..area.height).zip(from_top) {
            write(&mut Field::line(buf, area, line), attempt, area.width, look, now, drawn);
            lines += 1;
        }
    }
    if lines == 0 {
        let none =
            if ui.attempts.only().is_some() { "  None is held: f lists all." } else { "  No dial yet." };
        put(area, 0, none, look.theme.dim(), buf);
    }
}

/// Writes one attempt: when, whom, which of how many, and how it goes.
pub(super) fn write(
    field: &mut Field<'_>,
    attempt: &Attempt,
    width: u16,
    look: &Look,
    now: Instant,
    drawn: &mut Drawn,
) {
    let name_width = (width / 5).clamp(6, 18);
    let (hour, minute, second) = look.time_of_day(attempt.wall);
    field.format(look.theme.dim(), format_args!("  {hour:02}:{minute:02}:{second:02} "));
    field.part(name_width).styled(&attempt.peer.name, look.theme.strong());
    field.skip(name_width + 1);
    how(field, attempt, look, now, drawn);
}

/// Writes which of how many it is, and how it goes.
pub(super) fn how(field: &mut Field<'_>, attempt: &Attempt, look: &Look, now: Instant, drawn: &mut Drawn) {
    let theme = look.theme;
    if attempt.max > 0 {
        field.part(6).format(theme.text(), format_args!("{}/{}", attempt.attempt, attempt.max));
    } else {
        field.part(6).format(theme.text(), format_args!("{}", attempt.attempt));
    }
    field.skip(6);
    outcome(field, attempt, look, now, drawn);
}

fn outcome(field: &mut Field<'_>, attempt: &Attempt, look: &Look, now: Instant, drawn: &mut Drawn) {
    let theme = look.theme;
    let hand = if attempt.forced { ", by hand" } else { "" };
    match &attempt.outcome {
        Outcome::InFlight { since } => {
            let took = now.saturating_duration_since(*since);
            field.format(theme.text(), format_args!("▸ dialing for {}{hand}", Wait(took)));
            if took < TENTHS_BELOW {
                drawn.runs(look, now);
            }
        }
        Outcome::Answered { connect, rtt } => {
            field.style(theme.good()).text(glyph(PeerState::Up)).text(" answered ");
            // Aligned: a slow one among many stands out.
            field.part(8).format(theme.good(), format_args!("{}", Measured(*rtt))).right();
            field.skip(8);
            let hand = if attempt.forced { hand.len() } else { 0 };
            if field.room() >= 19 + hand {
                field.styled("   connect ", theme.good());
                field.part(8).format(theme.good(), format_args!("{}", Measured(*connect))).right();
                field.skip(8).text(if attempt.forced { ", by hand" } else { "" });
            }
        }
        Outcome::Failed { cause, detail, retry } => {
            let mark = glyph(if retry.is_some() { PeerState::Retrying } else { PeerState::Unreachable });
            field.style(if retry.is_some() { theme.warning() } else { theme.bad() }).text(mark).text(" ");
            words(field, *cause);
            field.text(hand);
            if let Some((since, until)) = *retry {
                let wait = until.saturating_duration_since(now);
                field.styled(", again in ", theme.warning());
                field.part(WAIT).format(theme.warning(), format_args!("{}", Wait(wait)));
                field.skip(WAIT);
                if !look.still && field.room() > usize::from(BAR) {
                    bar::remaining(&mut field.part(BAR), since, until, now, BAR, theme.warning());
                    field.skip(BAR);
                }
                if until > now {
                    drawn.runs(look, now);
                }
            }
            // People read what it means; what the system called it counts where that says nothing. Half a sentence says
            // nothing either.
            let meaning = match cause {
                Cause::Other => Cow::Owned(detail.to_string()),
                cause => Cow::Borrowed(cause.description()),
            };
            if columns(&meaning) + 2 <= field.room() {
                field.text(if retry.is_some() { "  " } else { ": " }).text(&meaning);
            }
        }
        Outcome::Abandoned => {
            field.styled("◌ abandoned", theme.dim());
        }
    }
}
