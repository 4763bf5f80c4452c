//! The columns of the peer table: which fit, how wide they are, and what stands in them.

use std::time::Duration;

use ratatui::style::Style;

use super::{bar, sparkline};
use crate::app::appearance::Theme;
use crate::app::appearance::signs::glyph;
use crate::app::model::{Column, PeerRow};
use crate::app::ui::TableColumns;
use crate::app::view::line_writer::LineWriter;
use crate::engine::micros::Micros;
use crate::engine::peers::{DialPhase, PeerState};
use crate::engine::verdict::Verdict;
use crate::text::{Age, Label, Measured, Reason, Wait, columns};

/// How long a state that has just changed is shown reversed: long enough for an eye that was elsewhere.
pub(super) const FLASH: Duration = Duration::from_millis(1_500);

/// From this width on, the dial's column has a bar beside its figures, which take so many columns.
const DIAL_FIGURES: u16 = 14;

/// How wide a column is.
#[derive(Debug, Clone, Copy)]
struct Width {
    /// It is not shown with less.
    least: u16,
    /// It takes no more.
    most: u16,
}

/// As they are given room: the first is never missing.
const BY_PRIORITY: [Column; Column::ALL.len()] = [
    Column::Name,
    Column::State,
    Column::Dial,
    Column::Address,
    // Where it has no room, the dial's column tells the cause.
    Column::Cause,
    Column::RoundTrip,
    Column::Heard,
    Column::Loss,
    Column::History,
    Column::Via,
    Column::Connect,
];

/// Of columns that a person has chosen: what is wrong is seen as long as anything is.
const FIRST_OF_CHOSEN: [Column; 3] = [Column::Name, Column::State, Column::Cause];

fn width(column: Column) -> Width {
    let (least, most) = match column {
        Column::Name => (12, 24),
        Column::Address => (21, 28),
        Column::State => (13, 14),
        Column::Dial => (13, 22),
        Column::RoundTrip | Column::Connect => (8, 8),
        Column::Loss => (5, 5),
        Column::History => (10, 30),
        Column::Heard => (6, 7),
        Column::Via => (8, 18),
        // The longest word of a cause: none is ever cut.
        Column::Cause => (21, u16::MAX),
    };
    Width { least, most }
}

/// Whether a column's text ends at its right end.
pub(super) fn is_figure(column: Column) -> bool {
    matches!(column, Column::RoundTrip | Column::Connect | Column::Loss)
}

/// Writes what stands in a column for a peer.
///
/// Where no other column tells the cause, that of the dial does.
pub(super) fn write(
    writer: &mut LineWriter<'_>,
    column: Column,
    width: u16,
    peer: &PeerRow,
    tells_cause: bool,
) {
    let theme = writer.theme();
    let left = peer.state == PeerState::Left;
    let usual = if left { theme.dim() } else { theme.text() };
    match column {
        Column::Name => {
            writer.styled(&peer.info.name, if left { theme.dim() } else { theme.strong() });
        }
        Column::Address => {
            writer.format(usual, format_args!("{}", peer.info.place()));
        }
        Column::State => state(writer, width, peer),
        Column::Dial => match trouble(peer, width).filter(|_| !tells_cause) {
            // Where the cause has no column, it is better news than the time of the next dial, which the attempts tell, too.
            Some(label) => {
                writer.format(of_reason(peer, theme), format_args!("{label}"));
            }
            None => dial(writer, width, peer),
        },
        Column::RoundTrip => measured(writer, peer.rtt, usual),
        Column::Connect => measured(writer, peer.connect, usual),
        Column::Loss => loss(writer, peer.history.loss(), theme, usual),
        Column::History => sparkline::write(writer, &peer.history, width, left),
        Column::Heard => match peer.last_heard() {
            Some(at) => {
                let age = Age(writer.pen().now().saturating_duration_since(at));
                writer.format(usual, format_args!("{age}"));
            }
            None => {
                writer.styled("never", theme.dim());
            }
        },
        Column::Via => {
            let interface = peer.interface.as_deref().unwrap_or("off-link");
            writer.styled(interface, usual).styled(" ", usual);
            writer.styled(peer.via.map_or("", |via| via.as_str()), theme.dim());
        }
        Column::Cause => {
            let verdict = peer.wrong().map(|verdict| (verdict.label(), verdict.description()));
            let wrong =
                verdict.or_else(|| peer.reason().map(|reason| (reason.label(), reason.description())));
            if let Some((label, meaning)) = wrong {
                let style = if left { theme.dim() } else { of_reason(peer, theme) };
                writer.format(style, format_args!("{label}"));
                // A sentence that is cut says less than its word alone.
                if usize::from(width) >= label.width() + 2 + columns(meaning) || width >= 40 {
                    writer.text(": ").text(meaning);
                }
            }
        }
    }
}

fn state(writer: &mut LineWriter<'_>, width: u16, peer: &PeerRow) {
    let pen = writer.pen();
    let mut style = pen.theme().state(peer.state);
    let over = peer.since() + FLASH;
    if over > pen.now() && !pen.appearance().still {
        style = style.patch(pen.theme().flash());
        pen.changes_at(over);
    }
    writer.sign(glyph(peer.state), style);
    if width > 1 {
        writer.text(" ").text(peer.state.as_str());
    }
}

/// Where a dial stands: `2/5 for 1.2 s`, `3/5 in 2.4 s` with a bar that runs out, and between dials `in 7 s`.
fn dial(writer: &mut LineWriter<'_>, width: u16, peer: &PeerRow) {
    let pen = writer.pen();
    let (theme, now) = (pen.theme(), pen.now());
    match peer.dial() {
        DialPhase::Resting { next: None } => {}
        DialPhase::Resting { next: Some(next) } => {
            let wait = next.saturating_duration_since(now);
            if wait < Duration::from_secs(1) {
                writer.styled("now", theme.dim());
            } else {
                writer.format(theme.dim(), format_args!("in {}", Age(wait)));
            }
        }
        DialPhase::Queued { attempt } => {
            writer.format(theme.text(), format_args!("{attempt} queued"));
        }
        DialPhase::InFlight { attempt, max, since } => {
            let took = now.saturating_duration_since(since);
            writer.format(theme.text(), format_args!("{attempt}/{max} for {}", Wait(took)));
            if took < TENTHS_BELOW {
                pen.runs();
            }
        }
        DialPhase::Waiting { attempt, max, since, until } => {
            let wait = until.saturating_duration_since(now);
            writer.format(theme.warning(), format_args!("{attempt}/{max} in {}", Wait(wait)));
            if width > DIAL_FIGURES && !pen.appearance().still {
                let (used, room) =
                    (width - u16::try_from(writer.room()).unwrap_or(width), width - DIAL_FIGURES);
                writer.skip(DIAL_FIGURES.saturating_sub(used));
                bar::remaining(writer, since, until, room, theme.warning());
            }
            if until > now && (wait < TENTHS_BELOW || width > DIAL_FIGURES) {
                pen.runs();
            }
        }
    }
}

/// Waits below this are shown in tenths of a second.
pub(super) const TENTHS_BELOW: Duration = Duration::from_secs(11);

/// What is wrong with a peer in a word of at most so many columns, where that is known, and else why it is not reached, when no attempt is
/// under way or waits.
fn trouble(peer: &PeerRow, width: u16) -> Option<Label> {
    let rests = matches!(peer.dial(), DialPhase::Resting { .. }) && peer.state != PeerState::Left;
    let verdict = peer.wrong().map(Verdict::label).filter(|label| label.width() <= width.into());
    verdict
        .or_else(|| peer.reason().map(Reason::label).filter(|_| rests))
        .filter(|_| peer.state != PeerState::Left)
}

/// How it is written what is wrong with a peer; or what is only to be known of it.
fn of_reason(peer: &PeerRow, theme: Theme) -> Style {
    let is_wrong = peer.wrong().is_some() || peer.reason().is_some_and(Reason::is_wrong);
    if is_wrong { theme.warning() } else { theme.dim() }
}

fn measured(writer: &mut LineWriter<'_>, time: Option<Micros>, style: Style) {
    if let Some(time) = time {
        writer.format(style, format_args!("{}", Measured(time.into())));
    }
}

/// Whole per cents; what is lost at all is never shown as nothing.
fn loss(writer: &mut LineWriter<'_>, loss: Option<f32>, theme: Theme, usual: Style) {
    let Some(loss) = loss else { return };
    let style = if loss > 0.0 { theme.warning() } else { usual };
    let percent = f64::from(loss.clamp(0.0, 1.0)) * 100.0;
    if percent > 0.0 && percent < 1.0 {
        writer.styled("<1 %", style);
    } else {
        writer.format(style, format_args!("{percent:.0} %"));
    }
}

/// The columns that fit of those that are wanted, from the left, each with its width; a blank stands between two.
pub(super) fn fitting(wanted: &TableColumns, room: u16) -> Vec<(Column, u16)> {
    let priority = by_priority(wanted);
    let with_state = priority.starts_with(&[Column::Name, Column::State]);
    if with_state && room < width(Column::Name).least + 1 + width(Column::State).least {
        // Where no word of a state fits, its sign does.
        let sign = u16::from(room > 2);
        let both = wanted.wanted().iter().filter_map(|column| match column {
            Column::Name => Some((Column::Name, room - 2 * sign)),
            Column::State => Some((Column::State, sign)),
            _ => None,
        });
        return both.filter(|(_, width)| *width > 0).collect();
    }
    let mut widths = [0_u16; Column::ALL.len()];
    let mut left = room;
    let first = priority.iter().take_while(|column| FIRST_OF_CHOSEN.contains(column)).count();
    for (i, &column) in priority.iter().enumerate() {
        let set = wanted.width(column);
        let (gap, least) = (u16::from(i > 0), set.unwrap_or(u16::MAX).min(width(column).least));
        // The first is never missing.
        let least = if i == 0 { least.min(room) } else { least };
        if least.saturating_add(gap) <= left {
            // A width that is set comes before columns that matter less, but not before name, state and cause.
            let set = set.filter(|_| i >= first).unwrap_or(least).clamp(least, left - gap);
            widths[column as usize] = set;
            left -= set + gap;
        }
        if i + 1 == first {
            left = widen(&mut widths, left, wanted);
        }
    }
    for (column, share, most) in shares(wanted, &priority, left) {
        let taken = &mut widths[column as usize];
        if *taken > 0 {
            let more = share.min(left).min(most.saturating_sub(*taken));
            *taken += more;
            left -= more;
        }
    }
    let wanted = wanted.wanted().iter().map(|column| (*column, widths[*column as usize]));
    wanted.filter(|(_, width)| *width > 0).collect()
}

/// Gives those that are there the widths that a person has set, as far as there is room. Returns what is left of it.
fn widen(widths: &mut [u16; Column::ALL.len()], mut left: u16, wanted: &TableColumns) -> u16 {
    for column in wanted.wanted() {
        let taken = &mut widths[*column as usize];
        let set = wanted.width(*column).filter(|_| *taken > 0);
        let more = set.map_or(0, |set| set.saturating_sub(*taken)).min(left);
        *taken += more;
        left -= more;
    }
    left
}

/// The wanted columns as they are given room. Of those that a person has chosen, the last goes first, and name, state and cause last.
fn by_priority(wanted: &TableColumns) -> Vec<Column> {
    if !wanted.is_chosen() {
        return BY_PRIORITY.to_vec();
    }
    let is_first = |column: &Column| FIRST_OF_CHOSEN.contains(column);
    let first = FIRST_OF_CHOSEN.into_iter().filter(|column| wanted.wanted().contains(column));
    first.chain(wanted.wanted().iter().copied().filter(|column| !is_first(column))).collect()
}

/// Who takes how much of what is left, and at most to which width: first those whose width a person has set, then the names a little,
/// then the rest.
fn shares(wanted: &TableColumns, priority: &[Column], left: u16) -> Vec<(Column, u16, u16)> {
    let set = priority.iter().filter_map(|column| Some((*column, u16::MAX, wanted.width(*column)?)));
    let usual = [
        (Column::State, 1),
        (Column::Name, left / 3),
        (Column::Dial, 9),
        (Column::Address, left / 6),
        (Column::History, left / 4),
        (Column::Via, left / 6),
        (Column::Cause, u16::MAX),
        (Column::Name, u16::MAX),
        (Column::Address, u16::MAX),
        (Column::History, u16::MAX),
    ];
    let usual = usual.into_iter().filter(|(column, _)| wanted.width(*column).is_none());
    set.chain(usual.map(|(column, share)| (column, share, width(column).most))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(room: u16) -> Vec<(Column, u16)> {
        fitting(&TableColumns::default(), room)
    }

    #[test]
    fn columns_fit_at_every_width_and_the_name_is_always_there() {
        for room in 1..400 {
            let columns = usual(room);
            let gaps = u16::try_from(columns.len()).unwrap() - 1;
            assert!(columns.iter().map(|(_, width)| width).sum::<u16>() + gaps <= room, "{room}");
            assert_eq!(columns[0].0, Column::Name);
            assert!(room < 3 || columns.iter().any(|(column, _)| *column == Column::State), "{room}");
        }
    }

    #[test]
    fn a_usual_terminal_shows_the_round_trip_and_a_wide_one_everything() {
        let shows = |room, column| usual(room).iter().any(|(c, _)| *c == column);
        assert!(shows(78, Column::RoundTrip) && shows(78, Column::Heard));
        assert!(shows(118, Column::Cause) && shows(118, Column::Loss) && shows(118, Column::History));
        assert!(Column::ALL.into_iter().all(|column| shows(198, column)));
    }

    #[test]
    fn chosen_columns_stand_in_their_order_and_fit_at_every_width() {
        for text in ["rtt name=60 cause state=3 heard", "rtt", "cause name", "history=200 via", "state name"]
        {
            let wanted: TableColumns = text.parse().unwrap();
            for room in 1..400 {
                let columns = fitting(&wanted, room);
                let gaps = u16::try_from(columns.len()).unwrap() - 1;
                assert!(columns.iter().map(|(_, width)| width).sum::<u16>() + gaps <= room, "{text} {room}");
                let mut order = wanted.wanted().iter();
                assert!(
                    columns.iter().all(|(column, _)| order.any(|known| known == column)),
                    "{text} {room}"
                );
            }
        }
    }

    #[test]
    fn a_width_that_is_set_is_kept_where_there_is_room_and_the_cause_goes_last() {
        let wanted: TableColumns = "heard=9 via name=40 cause state=3 connect".parse().unwrap();
        let widths = |room| fitting(&wanted, room);
        let width = |room, column| widths(room).iter().find(|(c, _)| *c == column).map(|(_, width)| *width);
        assert_eq!(
            [Column::Heard, Column::Name, Column::State].map(|column| width(200, column)),
            [9, 40, 3].map(Some)
        );
        assert_eq!(
            widths(200).iter().map(|(_, width)| width).sum::<u16>(),
            200 - 5,
            "the cause has the rest"
        );
        let at = |room| widths(room).into_iter().map(|(column, _)| column).collect::<Vec<_>>();
        assert_eq!(at(38), [Column::Name, Column::Cause, Column::State]);
        assert_eq!(at(48), at(38), "the width of the name comes before columns that matter less");
        assert_eq!(at(76), [Column::Heard, Column::Name, Column::Cause, Column::State]);
    }
}
