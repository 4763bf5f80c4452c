//! The attempts pane: one line for each dial attempt, the newest first.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::bar;
use super::canvas::Canvas;
use super::columns::TENTHS_BELOW;
use crate::app::appearance::signs::glyph;
use crate::app::keymap::Action;
use crate::app::model::{Attempt, Model, Outcome};
use crate::app::ui::Ui;
use crate::app::view::line_writer::LineWriter;
use crate::engine::cause::Cause;
use crate::engine::peers::PeerState;
use crate::text::columns;
use crate::text::{Measured, Wait};

/// Columns of a countdown: the longest below half a minute, and a blank.
const WAIT: u16 = 6;

/// Columns of a countdown's bar.
const BAR: u16 = 10;

/// Draws the list.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, model: &Model, ui: &mut Ui) {
    let page = usize::from(area.height);
    let top = ui.attempts.settle(model, page);
    let mut lines = 0;
    if let Some(top) = top {
        let from_top = model.attempts().from(top, ui.attempts.only());
        for (line, (_, attempt)) in (0..area.height).zip(from_top) {
            write(&mut canvas.line(area, line), attempt, area.width);
            lines += 1;
        }
    }
    if lines == 0 {
        let none = match ui.attempts.only() {
            Some(_) => format!("  None recorded: {} shows all.", canvas.key(Action::OnlySelected)),
            None => "  No dial yet.".to_owned(),
        };
        let style = canvas.theme().dim();
        canvas.put(area, 0, &none, style);
    }
}

/// Writes one attempt: when, whom, which of how many, and how it goes.
pub(super) fn write(writer: &mut LineWriter<'_>, attempt: &Attempt, width: u16) {
    let appearance = writer.pen().appearance();
    let name_width = (width / 5).clamp(6, 18);
    let (hour, minute, second) = appearance.time_of_day(attempt.wall);
    writer.format(appearance.theme.dim(), format_args!("  {hour:02}:{minute:02}:{second:02} "));
    writer.part(name_width).styled(&attempt.peer.name, appearance.theme.strong());
    writer.skip(name_width + 1);
    how(writer, attempt);
}

/// Writes which of how many it is, and how it goes.
pub(super) fn how(writer: &mut LineWriter<'_>, attempt: &Attempt) {
    let theme = writer.theme();
    if attempt.max > 0 {
        writer.part(6).format(theme.text(), format_args!("{}/{}", attempt.attempt, attempt.max));
    } else {
        writer.part(6).format(theme.text(), format_args!("{}", attempt.attempt));
    }
    writer.skip(6);
    outcome(writer, attempt);
}

fn outcome(writer: &mut LineWriter<'_>, attempt: &Attempt) {
    let pen = writer.pen();
    let (theme, now) = (pen.theme(), pen.now());
    let hand = if attempt.forced { ", manually" } else { "" };
    match &attempt.outcome {
        Outcome::InFlight { since } => {
            let took = now.saturating_duration_since(*since);
            writer.format(theme.text(), format_args!("▸ dialing for {}{hand}", Wait(took)));
            if took < TENTHS_BELOW {
                pen.runs();
            }
        }
        Outcome::Answered { connect, rtt } => {
            writer.style(theme.good()).text(glyph(PeerState::Up)).text(" answered ");
            // Aligned: a slow one among many stands out.
            writer.part(8).format(theme.good(), format_args!("{}", Measured((*rtt).into()))).right();
            writer.skip(8);
            let hand = if attempt.forced { hand.len() } else { 0 };
            if writer.room() >= 19 + hand {
                writer.styled("   connect ", theme.good());
                writer.part(8).format(theme.good(), format_args!("{}", Measured((*connect).into()))).right();
                writer.skip(8).text(if attempt.forced { ", manually" } else { "" });
            }
        }
        Outcome::Failed { cause, detail, retry } => {
            let mark = glyph(if retry.is_some() { PeerState::Retrying } else { PeerState::Unreachable });
            let style = if retry.is_some() { theme.warning() } else { theme.bad() };
            writer.format(style, format_args!("{mark} {}{hand}", cause.label()));
            if let Some((since, until)) = retry.as_deref().copied() {
                let wait = until.saturating_duration_since(now);
                writer.styled(", again in ", theme.warning());
                writer.part(WAIT).format(theme.warning(), format_args!("{}", Wait(wait)));
                writer.skip(WAIT);
                if !pen.appearance().still && writer.room() > usize::from(BAR) {
                    bar::remaining(&mut writer.part(BAR), since, until, BAR, theme.warning());
                    writer.skip(BAR);
                }
                if until > now {
                    pen.runs();
                }
            }
            // People read what it means; what the system called it counts where that says nothing. Half a sentence says
            // nothing either.
            let meaning = match cause {
                Cause::Other => Cow::Owned(detail.to_string()),
                cause => Cow::Borrowed(cause.description()),
            };
            if columns(&meaning) + 2 <= writer.room() {
                writer.text(if retry.is_some() { "  " } else { ": " }).text(&meaning);
            }
        }
        Outcome::Abandoned => {
            writer.styled("◌ abandoned", theme.dim());
        }
    }
}
