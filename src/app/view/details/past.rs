//! What a peer went through: its states in the last hour, the last changes, the last attempts.

use std::time::Duration;

use super::super::super::facts::Facts;
use super::super::super::model::{Entry, STEP, STEPS, What};
use super::super::super::theme::{self, glyph};
use super::super::field::Field;
use super::super::{Drawn, attempts};
use super::page::Page;
use crate::engine::peers::PeerState;

/// Changes that are listed.
const CHANGES: usize = 8;

/// Attempts that are listed: four dials that were retried to their end.
const ATTEMPTS: usize = 20;

/// Writes its states of the last hour, and what changed last.
pub(super) fn changes(page: &mut Page<'_>, facts: Facts<'_>) {
    let theme = facts.look.theme;
    page.heading("Last hour");
    // Columns of whole steps, lest they flicker; all of them are the hour.
    let room = u32::from(page.width()).max(1);
    let steps = STEPS.div_ceil(room);
    let count = STEPS / steps;
    page.line(|field| band(field, facts, STEP * steps, count));
    page.line(|field| {
        let end = u16::try_from(count).unwrap_or(u16::MAX);
        field.part(end).styled("now", theme.dim()).right();
        field.styled("an hour ago", theme.dim());
    });
    for (_, entry) in facts.model.journal().of_peer(facts.peer.info.key).take(CHANGES) {
        page.line(|field| change(field, facts, entry));
    }
}

/// One sign for each stretch of time: the worst of its states.
fn band(field: &mut Field<'_>, facts: Facts<'_>, each: Duration, count: u32) {
    let to = facts.model.end_of_column(facts.now, each);
    for state in facts.peer.bands.worst(&facts.model.columns(to, each, count)) {
        match state {
            Some(state) => field.sign(theme::band(state), facts.look.theme.state(state)),
            None => field.styled(" ", facts.look.theme.dim()),
        };
    }
}

fn change(field: &mut Field<'_>, facts: Facts<'_>, entry: &Entry) {
    let theme = facts.look.theme;
    field.format(theme.dim(), format_args!("{}  ", facts.moment(entry.wall)));
    match entry.what {
        What::State { to, .. } => field.sign(glyph(to), theme.state(to)),
        What::Left { .. } => field.sign(glyph(PeerState::Left), theme.dim()),
        _ => field.styled(" ", theme.dim()),
    };
    field.format(theme.text(), format_args!(" {}", Facts::happened(entry)));
}

/// Writes its last attempts, the newest first.
pub(super) fn dials(page: &mut Page<'_>, facts: Facts<'_>, drawn: &mut Drawn) {
    let theme = facts.look.theme;
    page.heading("Last attempts");
    let held = facts.model.attempts().of_peer(facts.peer.info.key);
    let before = page.lines();
    for (_, attempt) in held.take(ATTEMPTS) {
        page.line(|field| {
            field.format(theme.dim(), format_args!("{}  ", facts.moment(attempt.wall)));
            attempts::how(field, attempt, facts.look, facts.now, drawn);
        });
    }
    if page.lines() == before {
        page.line(|field| _ = field.styled("None is held.", theme.dim()));
    }
}
