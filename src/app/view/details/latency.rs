//! How a peer's last dials went: figures, one bar for each, and how many took how long.

use std::time::Duration;

use super::super::super::facts::{Facts, figures};
use super::super::super::model::{Histogram, Stats};
use super::super::super::theme::Theme;
use super::super::field::Field;
use super::super::sparkline::{self, BARS};
use super::page::Page;
use crate::engine::peers::PeerState;
use crate::text::Measured;

/// Lines of the histogram.
const HEIGHT: usize = 4;

/// Most columns of the histogram: with the few samples there are, more would be mostly gaps.
const COLUMNS: u16 = 40;

/// Columns of a figure with its name, and two blanks.
const FIGURE: u16 = 13;

/// Writes them.
pub(super) fn write(page: &mut Page<'_>, facts: Facts<'_>, stats: &Stats) {
    let theme = facts.look.theme;
    page.heading("Round trips");
    page.words("dials", theme.text(), facts.dials(stats));
    if stats.answered() + stats.failed() > 0 {
        let left = facts.peer.state == PeerState::Left;
        let width = page.beside_label();
        page.fact("latest", |field| sparkline::write(field, &facts.peer.history, width, theme, left));
    }
    let in_a_line = if page.beside_label() >= 4 * FIGURE { 4 } else { 2 };
    for (i, from) in (0..figures(stats).count()).step_by(in_a_line).enumerate() {
        let write = |field: &mut Field<'_>| {
            for (name, time) in figures(stats).skip(from).take(in_a_line) {
                let mut part = field.part(FIGURE);
                part.styled(name, theme.dim()).format(theme.text(), format_args!(" {time}"));
                field.skip(FIGURE);
            }
        };
        if i == 0 { page.fact("times", write) } else { page.more(write) }
    }
    let columns = page.beside_label().min(COLUMNS);
    if let Some(histogram) = stats.histogram(usize::from(columns)) {
        spread(page, &histogram, columns, theme);
    }
}

/// How many of the round trips took how long, above the range of times.
fn spread(page: &mut Page<'_>, histogram: &Histogram, columns: u16, theme: Theme) {
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    for from_top in 0..HEIGHT {
        let below = (HEIGHT - 1 - from_top) * BARS.len();
        let write = |field: &mut Field<'_>| {
            for count in &histogram.counts {
                // Whatever was measured at all is seen.
                let eighths = (count * HEIGHT * BARS.len()).div_ceil(most);
                let here = eighths.saturating_sub(below).min(BARS.len());
                field.styled(here.checked_sub(1).map_or(" ", |bar| BARS[bar]), theme.good());
            }
        };
        if from_top == 0 { page.fact("spread", write) } else { page.more(write) }
    }
    let time = |us| Measured(Duration::from_micros(us));
    page.more(|field| {
        let mut axis = field.part(columns);
        axis.format(theme.dim(), format_args!("{}", time(histogram.high))).right();
        field.format(theme.dim(), format_args!("{}", time(histogram.low)));
    });
}
