//! What is known of a peer at a moment: the state that it was in, from when to when, and what was said until then.

use std::ops::Range;
use std::time::{Duration, Instant};

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::said;
use crate::app::appearance::signs::glyph;
use crate::app::model::{JournalEntry, Model, PeerRow, What, badness};
use crate::app::view::line_writer::LineWriter;
use crate::engine::peers::PeerState;
use crate::text::Age;

/// From this age on, the time of day alone would mislead.
const A_DAY: Duration = Duration::from_hours(24);

/// Draws it, of a column of the timeline, or of now.
pub(super) fn render(
    canvas: &mut Canvas<'_>,
    area: Rect,
    model: &Model,
    peer: &PeerRow,
    column: Option<&Range<Instant>>,
) {
    let stretch = match column {
        Some(column) => Stretch::in_column(model, peer, column),
        None => Some(Stretch { state: peer.state, from: Some(peer.since()), until: None }),
    };
    head(&mut canvas.line(area, 0), model, peer, stretch);
    let mut line = 1;
    for entry in told(model, peer, column).take(usize::from(area.height.saturating_sub(1))) {
        let before = column.is_some_and(|column| entry.at < column.start);
        let mut writer = canvas.line(area, line);
        when(&mut writer, entry);
        said::write(&mut writer, entry, before);
        line += 1;
    }
    let (dim, appearance) = (canvas.theme().dim(), canvas.appearance());
    match model.journal().dropped_until().and_then(|at| model.wall(at)) {
        Some(wall) => {
            let (hour, minute, second) = appearance.time_of_day(wall);
            let until = format_args!(
                "  What happened before {hour:02}:{minute:02}:{second:02} is no longer recorded."
            );
            canvas.line(area, line).format(dim, until);
        }
        None if line == 1 => canvas.put(area, line, "  Nothing was recorded before then.", dim),
        None => {}
    }
}

/// What was said of a peer or of no peer, until the end of a column, the newest first.
fn told<'a>(
    model: &'a Model,
    peer: &PeerRow,
    column: Option<&Range<Instant>>,
) -> impl Iterator<Item = &'a JournalEntry> {
    let (journal, key) = (model.journal(), peer.info.key);
    let end = column.map(|column| column.end);
    let newest = match end {
        Some(end) => journal.at(end),
        None => journal.newest(),
    };
    let back = newest.into_iter().flat_map(|newest| journal.back_from(newest)).map(|(_, entry)| entry);
    back.take(SEARCHED)
        .skip_while(move |entry| end.is_some_and(|end| entry.at >= end))
        .filter(move |entry| entry.key().is_none_or(|about| about == key))
}

/// Entries that are searched for those of one peer: in a network that never rests, a quiet peer's last words are too far
/// back to be looked for in every frame. Its details have them.
const SEARCHED: usize = 1_024;

/// When an entry was said.
fn when(writer: &mut LineWriter<'_>, entry: &JournalEntry) {
    let appearance = writer.pen().appearance();
    let age = writer.pen().now().saturating_duration_since(entry.at);
    if age >= A_DAY {
        writer.format(appearance.theme.dim(), format_args!("  {} ago ", Age(age)));
    } else {
        let (hour, minute, second) = appearance.time_of_day(entry.wall);
        writer.format(appearance.theme.dim(), format_args!("  {hour:02}:{minute:02}:{second:02} "));
    }
}

/// A time in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    state: PeerState,
    /// None: it is not held since when.
    from: Option<Instant>,
    /// None: it still is.
    until: Option<Instant>,
}

impl Stretch {
    /// That of the worst state in a column, the last one of several; none if the peer was not yet known.
    fn in_column(model: &Model, peer: &PeerRow, column: &Range<Instant>) -> Option<Self> {
        let mut worst: Option<Self> = None;
        let mut until = None;
        // The state before the oldest change that is held.
        let mut before = None;
        for (_, entry) in model.journal().of_peer(peer.info.key) {
            let Some(state) = entered(&entry.what) else { continue };
            if entry.at < column.end {
                worst = worse(worst, Self { state, from: Some(entry.at), until });
            }
            if entry.at <= column.start {
                return worst;
            }
            until = Some(entry.at);
            before = match entry.what {
                What::State { from, .. } => Some(from),
                _ => None,
            };
        }
        // What the journal no longer holds is still in the band, which knows no times.
        let columns = model.columns(column.end, column.end - column.start, 1);
        let seen = peer.bands.worst(&columns).next().flatten()?;
        match (until, before) {
            (None, _) => {
                let from = Some(peer.since()).filter(|since| seen == peer.state && *since < column.end);
                Some(Self { state: seen, from, until })
            }
            (Some(end), Some(state)) if end < column.end && badness(state) <= badness(seen) => {
                worse(worst, Self { state, from: None, until })
            }
            // Until when it lasted is dropped as well.
            _ => worst.or(Some(Self { state: seen, from: None, until: None })),
        }
    }
}

/// The worse of the two; of equals, the one that is held already.
fn worse(held: Option<Stretch>, other: Stretch) -> Option<Stretch> {
    held.filter(|held| badness(held.state) >= badness(other.state)).or(Some(other))
}

/// The state that an entry tells the beginning of.
fn entered(what: &What) -> Option<PeerState> {
    match what {
        What::Discovered { .. } => Some(PeerState::New),
        What::State { to, .. } => Some(*to),
        What::Left { .. } => Some(PeerState::Left),
        _ => None,
    }
}

/// Writes the first line: the state, and from when to when.
fn head(writer: &mut LineWriter<'_>, model: &Model, peer: &PeerRow, stretch: Option<Stretch>) {
    let (theme, now) = (writer.theme(), writer.pen().now());
    writer.styled("  ", theme.text()).styled(&peer.info.name, theme.strong()).text(" ");
    let Some(Stretch { state, from, until }) = stretch else {
        writer.styled("was not yet known", theme.dim());
        return;
    };
    writer.style(theme.state(state)).text(glyph(state)).text(" ").text(state.as_str());
    writer.style(theme.text());
    match (from, until) {
        (Some(from), None) => {
            time(writer.text(" since "), model, from);
        }
        (Some(from), Some(until)) => {
            time(writer.text(" from "), model, from);
            time(writer.text(" to "), model, until);
        }
        (None, Some(until)) => time(writer.text(" until "), model, until),
        (None, None) => {}
    }
    let Some(from) = from else {
        writer.styled("; since when is no longer recorded", theme.dim());
        return;
    };
    let lasted = until.unwrap_or(now).saturating_duration_since(from);
    if lasted.as_secs() > 0 {
        writer.format(theme.text(), format_args!(", for {}", Age(lasted)));
    }
}

fn time(writer: &mut LineWriter<'_>, model: &Model, at: Instant) {
    if let Some(wall) = model.wall(at) {
        let pen = writer.pen();
        let (hour, minute, second) = pen.appearance().time_of_day(wall);
        writer.format(pen.theme().text(), format_args!("{hour:02}:{minute:02}:{second:02}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::engine::cause::Cause;
    use crate::engine::event::{Event, Stamped};
    use crate::engine::peers::{LeaveReason, PeerInfo, PeerKey, Via};
    use crate::testkit;

    use PeerState::{Left, New, Retrying, Silent, Unreachable, Up};

    fn info() -> Arc<PeerInfo> {
        Arc::new(PeerInfo { key: PeerKey::default(), ..PeerInfo::clone(&testkit::peer(1, "host")) })
    }

    /// A model that was told these events, in seconds from the start.
    fn told_of(events: &[(u64, Event)]) -> (Model, Instant) {
        let t0 = testkit::t0();
        let mut model = Model::default();
        for (seconds, event) in events {
            let at = t0 + Duration::from_secs(*seconds);
            model.fold(&Stamped { at, wall: SystemTime::UNIX_EPOCH, event: event.clone() });
        }
        (model, t0)
    }

    fn state(from: PeerState, to: PeerState) -> Event {
        Event::PeerState { peer: info(), from, to }
    }

    /// State, beginning and end in seconds, of the minute that begins so many seconds from the start.
    fn minute(model: &Model, t0: Instant, from: u64) -> Option<(PeerState, Option<u64>, Option<u64>)> {
        let peer = model.peer(PeerKey::default()).unwrap();
        let begin = t0 + Duration::from_secs(from);
        let seconds = |at: Instant| (at - t0).as_secs();
        let stretch = Stretch::in_column(model, peer, &(begin..begin + Duration::from_mins(1)))?;
        Some((stretch.state, stretch.from.map(seconds), stretch.until.map(seconds)))
    }

    #[test]
    fn the_worst_of_a_column_is_told_with_its_times_and_the_last_of_equals() {
        let (model, t0) = told_of(&[
            (0, Event::Lagged { missed: 1 }),
            (60, Event::PeerDiscovered { peer: info(), via: Via::Broadcast }),
            (61, state(New, Up)),
            (130, state(Up, Silent)),
            (135, Event::DialGaveUp { peer: info(), addr: info().addr, attempts: 5, cause: Cause::Refused }),
            (140, state(Silent, Up)),
            (150, state(Up, Silent)),
            (250, state(Silent, Up)),
            (310, Event::PeerLeft { peer: info(), reason: LeaveReason::Goodbye }),
        ]);
        assert_eq!(minute(&model, t0, 0), None, "it was not known yet");
        assert_eq!(minute(&model, t0, 60), Some((New, Some(60), Some(61))));
        assert_eq!(minute(&model, t0, 120), Some((Silent, Some(150), Some(250))));
        assert_eq!(minute(&model, t0, 180), Some((Silent, Some(150), Some(250))));
        assert_eq!(minute(&model, t0, 240), Some((Silent, Some(150), Some(250))));
        assert_eq!(minute(&model, t0, 300), Some((Up, Some(250), Some(310))));
        assert_eq!(minute(&model, t0, 360), Some((Left, Some(310), None)));
    }

    #[test]
    fn of_what_the_journal_has_dropped_the_band_still_tells_the_state() {
        let mut events =
            vec![(0, state(New, Up)), (120, state(Up, Unreachable)), (200, state(Unreachable, Up))];
        let other = testkit::peer(7, "host");
        let moved = Event::PeerMoved { from: other.addr, to: other.addr, peer: other, path_only: false };
        let mut fill =
            |held| events.extend(vec![(201, moved.clone()); crate::app::model::MAX_ENTRIES - held]);
        fill(2);
        let later = [(210, state(Up, Retrying))];
        let (model, t0) = told_of(&[&events[..], &later[..]].concat());
        assert_eq!(minute(&model, t0, 0), Some((Up, None, None)));
        assert_eq!(minute(&model, t0, 180), Some((Unreachable, None, Some(200))), "its start is dropped");
        events.extend(vec![(202, moved); 3]);
        let (model, t0) = told_of(&events);
        assert_eq!(minute(&model, t0, 120), Some((Unreachable, None, None)));
        assert_eq!(minute(&model, t0, 240), Some((Up, Some(200), None)), "the row knows since when");
    }
}
