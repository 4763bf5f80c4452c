//! How a peer's last dials went: figures, one bar for each, and how many took how long.

use std::time::Duration;

use crate::app::appearance::Theme;
use crate::app::model::{HISTORY, Histogram, Jitter, Stats};
use crate::app::peer_text::{PeerText, figures};
use crate::app::view::graph;
use crate::app::view::line_writer::LineWriter;
use crate::app::view::page::Page;
use crate::app::view::sparkline::{self, BARS};
use crate::engine::peers::PeerState;
use crate::text::{Count, Measured};

/// Lines of the histogram.
const HEIGHT: usize = 4;

/// Most columns of the histogram: with the few samples there are, more would be mostly gaps.
const COLUMNS: u16 = 40;

/// Columns of the graph of the round trips, and its lines.
const GRAPH: u16 = 30;
const GRAPH_HEIGHT: usize = 3;
/// Its lines where there is no room for the whole of [`SCALE`], and a line is worth more.
const LOW_GRAPH_HEIGHT: usize = 2;
/// Columns beside it: ` mean 1.13 ms, max 24.0 ms`.
const SCALE: u16 = 27;
/// Without the maximum: ` mean 1.13 ms`.
const NARROW_SCALE: u16 = 14;

/// Columns of a figure with its name, and two blanks.
const FIGURE: u16 = 13;

/// Writes them.
pub(super) fn write(page: &mut Page<'_, '_>, about: PeerText<'_>, stats: &Stats) {
    let theme = about.appearance.theme;
    page.heading("Round trips");
    page.words("dials", theme.text(), about.dials(stats));
    if stats.answered() > 0 && page.beside_label() >= GRAPH + NARROW_SCALE {
        graph(page, about, stats);
    } else if stats.answered() + stats.failed() > 0 {
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

/// The round trips and their jitter, the newest on the right, each on a scale that is logarithmic as that of the histogram is. Where an
/// attempt failed, there is none.
fn graph(page: &mut Page<'_, '_>, about: PeerText<'_>, stats: &Stats) {
    let (theme, history) = (about.appearance.theme, &about.peer.history);
    let is_left = about.peer.state == PeerState::Left;
    let [good, bad] = if is_left { [theme.dim(); 2] } else { [theme.good(), theme.bad()] };
    let time = |us| Measured(Duration::from_micros(us));
    let is_wide = page.beside_label() >= GRAPH + SCALE;
    let height = if is_wide { GRAPH_HEIGHT } else { LOW_GRAPH_HEIGHT };
    let Some(scale) = stats.histogram(height * graph::STEPS) else { return };
    let round_trips = levels(&scale, history.last(HISTORY).map(Jitter::round_trip));
    for below in (0..height).rev() {
        let write = |writer: &mut LineWriter<'_>| {
            for cell in graph::line(&round_trips, below) {
                let sign = if cell.is_gap && below == 0 { '×' } else { cell.sign };
                writer.styled(sign.encode_utf8(&mut [0; 4]), if cell.has_gap { bad } else { good });
            }
            match below {
                0 => _ = writer.format(theme.dim(), format_args!(" {}", time(scale.low))),
                below if below + 1 == height => {
                    writer.format(theme.dim(), format_args!(" {}", time(scale.high)));
                }
                _ => {}
            }
        };
        if below + 1 == height { page.fact("latest", write) } else { page.more(write) }
    }
    let jitter = Jitter::of(history, HISTORY);
    let figures = jitter.stats();
    let ends = jitter.mean().zip(figures.percentile(100));
    if let (Some((mean, most)), Some(scale)) = (ends, figures.histogram(graph::STEPS)) {
        page.fact("jitter", |writer| {
            for cell in graph::line(&levels(&scale, jitter.steps.iter().copied()), 0) {
                writer.styled(cell.sign.encode_utf8(&mut [0; 4]), good);
            }
            let (mean, most) = (time(mean.into()), time(most.into()));
            writer.format(theme.dim(), format_args!(" mean {mean}"));
            if is_wide {
                writer.format(theme.dim(), format_args!(", max {most}"));
            }
        });
    }
}

/// How high each value stands on a scale.
fn levels(scale: &Histogram, values: impl Iterator<Item = Option<u32>>) -> Vec<Option<usize>> {
    values.map(|value| value.map(|us| scale.column(us) + 1)).collect()
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
            match from_top {
                0 => _ = writer.format(theme.dim(), format_args!(" {}", Count(most, "dial"))),
                below if below + 1 == HEIGHT => _ = writer.styled(" 0", theme.dim()),
                _ => {}
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
