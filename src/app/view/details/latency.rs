//! How a peer's last dials went: figures, one bar for each, and how many took how long.

use std::time::Duration;

use crate::app::appearance::Theme;
use crate::app::model::{Histogram, Stats};
use crate::app::peer_text::{PeerText, figures};
use crate::app::view::line_writer::LineWriter;
use crate::app::view::page::Page;
use crate::app::view::sparkline::{self, BARS};
use crate::engine::peers::PeerState;
use crate::text::Measured;

/// Lines of the histogram.
const HEIGHT: usize = 4;

/// Most columns of the histogram: with the few samples there are, more would be mostly gaps.
const COLUMNS: u16 = 40;

/// Columns of a figure with its name, and two blanks.
const FIGURE: u16 = 13;

/// Writes them.
pub(super) fn write(page: &mut Page<'_, '_>, about: PeerText<'_>, stats: &Stats) {
    let theme = about.appearance.theme;
    page.heading("Round trips");
    page.words("dials", theme.text(), about.dials(stats));
    if stats.answered() + stats.failed() > 0 {
        let left = about.peer.state == PeerState::Left;
        let width = page.beside_label();
        page.fact("latest", |writer| sparkline::write(writer, &about.peer.history, width, left));
    }
    let in_a_line = if page.beside_label() >= 4 * FIGURE { 4 } else { 2 };
    for (i, from) in (0..figures(stats).count()).step_by(in_a_line).enumerate() {
        let write = |writer: &mut LineWriter<'_>| {
            for (name, time) in figures(stats).skip(from).take(in_a_line) {
                let mut part = writer.part(FIGURE);
                part.styled(name, theme.dim()).format(theme.text(), format_args!(" {time}"));
                writer.skip(FIGURE);
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
fn spread(page: &mut Page<'_, '_>, histogram: &Histogram, columns: u16, theme: Theme) {
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    for from_top in 0..HEIGHT {
        let below = (HEIGHT - 1 - from_top) * BARS.len();
        let write = |writer: &mut LineWriter<'_>| {
            for count in &histogram.counts {
                // Whatever was measured at all is seen.
                let eighths = (count * HEIGHT * BARS.len()).div_ceil(most);
                let here = eighths.saturating_sub(below).min(BARS.len());
                writer.styled(here.checked_sub(1).map_or(" ", |bar| BARS[bar]), theme.good());
            }
        };
        if from_top == 0 { page.fact("spread", write) } else { page.more(write) }
    }
    let time = |us| Measured(Duration::from_micros(us));
    page.more(|writer| {
        let mut axis = writer.part(columns);
        axis.format(theme.dim(), format_args!("{}", time(histogram.high))).right();
        writer.format(theme.dim(), format_args!("{}", time(histogram.low)));
    });
}
