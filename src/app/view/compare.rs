//! Two peers side by side: who they are, how they are, the figures and graphs of their dials on one scale, and their last attempts. What
//! differs has a sign before it.

use std::fmt::Display;
use std::time::Duration;

use ratatui::layout::Rect;

use super::attempts;
use super::canvas::Canvas;
use super::graph;
use super::page::{Page, scroll_bar};
use crate::app::appearance::signs::glyph;
use crate::app::model::{Attempt, HISTORY, Histogram, Jitter, Model, PeerRow, Stats};
use crate::app::peer_text::PeerText;
use crate::app::ui::{Pane, Ui};
use crate::app::view::line_writer::LineWriter;
use crate::text::{Age, Measured, wrap};

/// Columns of the sign of what differs, and of a label, each with a blank.
const SIGN: u16 = 2;
const LABEL: u16 = 10;

/// Lines of the graphs.
const GRAPH_HEIGHT: usize = 3;

/// Most lines of a value: all paths of a peer, where its column is narrow.
const MOST_LINES: usize = 6;

/// Attempts of each that are listed.
const ATTEMPTS: usize = 20;

/// Times that differ by less than this factor are alike: that much one and the same peer differs from one minute to the next.
const ALIKE: u32 = 2;

/// Percents of loss that differ by less are alike: one attempt of the sixty is nearly two.
const ALIKE_PERCENT: u8 = 5;

/// Draws them, and cuts the scrolling to what there is.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, model: &Model, ui: &mut Ui) {
    let theme = canvas.theme();
    let both = ui.compared.map(|keys| keys.map(|key| model.peer(key)));
    let Some([Some(left), Some(right)]) = both else {
        return canvas.put(area, 0, "  One of the two is gone.", theme.dim());
    };
    let about = |peer| PeerText { model, peer, appearance: canvas.appearance(), now: canvas.now() };
    let both = [about(left), about(right)];
    // The last column is the scroll bar's.
    let inside = Rect { width: area.width.saturating_sub(1), ..area };
    let unseen = Rect { height: 0, ..inside };
    let headings = if ui.focus == Pane::Main { theme.focused() } else { theme.strong() };
    let lines = write(&mut Sheet(Page::new(canvas, headings, unseen, 0)), both);
    let beyond = lines.saturating_sub(area.height);
    ui.details = ui.details.min(beyond);
    write(&mut Sheet(Page::new(canvas, headings, inside, ui.details)), both);
    if beyond > 0 {
        scroll_bar(canvas, area, ui.details, beyond);
    }
}

/// A page of lines that have a label and two values.
struct Sheet<'p, 'c>(Page<'p, 'c>);

impl Sheet<'_, '_> {
    /// Columns of a value.
    fn width(&self) -> u16 {
        (self.0.width().saturating_sub(SIGN + LABEL + 1)) / 2
    }

    /// Adds a line.
    fn line(&mut self, label: &str, differs: bool, mut write: impl FnMut(usize, &mut LineWriter<'_>)) {
        let (theme, width) = (self.0.theme(), self.width());
        self.0.line(|writer| {
            writer.styled(if differs { "≠ " } else { "  " }, theme.warning());
            writer.part(LABEL).styled(label, if differs { theme.warning() } else { theme.dim() });
            writer.skip(LABEL);
            for nth in 0..2 {
                write(nth, &mut writer.part(width));
                writer.skip(width + 1);
            }
        });
    }

    /// Adds words, on as many lines as the longer of them takes: what differs may be in their end.
    fn words<T: Display>(&mut self, label: &str, differs: bool, words: [Option<T>; 2]) {
        if words.iter().all(Option::is_none) {
            return;
        }
        let (text, dim, width) = (self.0.theme().text(), self.0.theme().dim(), self.width());
        let words = words.map(|words| words.map(|words| wrap(&words.to_string(), width.into(), MOST_LINES)));
        let lines = words.iter().flatten().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let (label, differs) = if line == 0 { (label, differs) } else { ("", false) };
            self.line(label, differs, |nth, writer| match &words[nth] {
                Some(words) => words.get(line).into_iter().for_each(|words| _ = writer.styled(words, text)),
                None if line == 0 => _ = writer.styled("–", dim),
                None => {}
            });
        }
    }

    /// Adds a line of times in microseconds.
    fn times(&mut self, label: &str, times: [Option<u32>; 2]) {
        let differs = match times {
            [Some(one), Some(other)] => one.max(other) >= one.min(other).max(1).saturating_mul(ALIKE),
            [one, other] => one.is_some() != other.is_some(),
        };
        let measured = |us: u32| Measured(Duration::from_micros(us.into()));
        self.words(label, differs, times.map(|time| time.map(measured)));
    }
}

/// Fills a page. Returns how many lines it takes.
fn write(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2]) -> u16 {
    let stats = both.map(|about| Stats::of(&about.peer.history, HISTORY));
    states(sheet, both);
    figures(sheet, both, &stats);
    graphs(sheet, both, &stats);
    identity(sheet, both);
    last_attempts(sheet, both);
    sheet.0.lines()
}

/// Their names, how they are, and what is wrong.
fn states(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2]) {
    let theme = sheet.0.theme();
    let [one, other] = both.map(|about| about.peer);
    sheet.line("", false, |nth, writer| _ = writer.styled(&both[nth].peer.info.name, theme.strong()));
    sheet.line("state", one.state != other.state, |nth, writer| {
        let PeerText { peer, now, .. } = both[nth];
        let style = theme.state(peer.state);
        writer.sign(glyph(peer.state), style).styled(" ", style).styled(peer.state.as_str(), style);
        let lasts = Age(now.saturating_duration_since(peer.since()));
        writer.format(theme.text(), format_args!(" for {lasts}"));
    });
    let wrong = |peer: &PeerRow| {
        let verdict = peer.wrong().map(|verdict| verdict.label().to_string());
        verdict.or_else(|| peer.reason().map(|reason| reason.label().to_string()))
    };
    sheet.words("cause", wrong(one) != wrong(other), [one, other].map(wrong));
    sheet.words("paths", one.paths.status != other.paths.status, both.map(PeerText::paths));
}

/// How their dials went.
fn figures(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2], stats: &[Stats; 2]) {
    let [one, other] = both.map(|about| about.peer);
    let percent = |nth: usize| {
        let (failed, all) = (stats[nth].failed(), stats[nth].failed() + stats[nth].answered());
        (failed * 100).checked_div(all).and_then(|percent| u8::try_from(percent).ok())
    };
    let differ = |loss: [Option<u8>; 2]| match loss {
        [Some(one), Some(other)] => one.abs_diff(other) >= ALIKE_PERCENT,
        [one, other] => one.is_some() != other.is_some(),
    };
    let failed = [0, 1].map(|nth| {
        let all = stats[nth].failed() + stats[nth].answered();
        percent(nth).map(|percent| format!("{} of {all} ({percent} %)", stats[nth].failed()))
    });
    sheet.words("failed", differ([percent(0), percent(1)]), failed);
    let echoes = [one, other].map(|peer| peer.paths.loss);
    sheet.words("echo loss", differ(echoes), echoes.map(|loss| loss.map(|loss| format!("{loss} %"))));
    let micros = |time: Option<crate::engine::micros::Micros>| {
        time.and_then(|time| u32::try_from(Duration::from(time).as_micros()).ok())
    };
    sheet.times("connect", [one, other].map(|peer| micros(peer.connect)));
    sheet.times("rtt", [one, other].map(|peer| micros(peer.rtt)));
    for (label, percent) in [("rtt p50", 50), ("rtt p99", 99), ("rtt max", 100)] {
        sheet.times(label, [0, 1].map(|nth| stats[nth].percentile(percent)));
    }
    let jitter = [one, other].map(|peer| Jitter::of(&peer.history, HISTORY));
    sheet.times("jitter", [0, 1].map(|nth| jitter[nth].mean()));
}

/// The round trips of both, the newest on the right, on one scale.
fn graphs(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2], stats: &[Stats; 2]) {
    let theme = sheet.0.theme();
    let together = stats[0].with(&stats[1]);
    let Some(scale) = together.histogram(GRAPH_HEIGHT * graph::STEPS) else { return };
    let values = HISTORY.min(usize::from(sheet.width()) * 2);
    let levels = both.map(|about| levels(&scale, about.peer, values));
    for below in (0..GRAPH_HEIGHT).rev() {
        let edge = match below {
            0 => Some(scale.low),
            below if below + 1 == GRAPH_HEIGHT => Some(scale.high),
            _ => None,
        };
        let label = edge.map(|us| Measured(Duration::from_micros(us)).to_string()).unwrap_or_default();
        sheet.line(&label, false, |nth, writer| {
            for cell in graph::line(&levels[nth], below) {
                let sign = if cell.is_gap && below == 0 { '×' } else { cell.sign };
                let style = if cell.has_gap { theme.bad() } else { theme.good() };
                writer.styled(sign.encode_utf8(&mut [0; 4]), style);
            }
        });
    }
}

/// How high each of the newest round trips stands on a scale.
fn levels(scale: &Histogram, peer: &PeerRow, values: usize) -> Vec<Option<usize>> {
    let times = peer.history.last(values).map(Jitter::round_trip);
    times.map(|time| time.map(|us| scale.column(us) + 1)).collect()
}

/// Who and where they are. Names and addresses differ anyway, and so do ids.
fn identity(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2]) {
    let [one, other] = both.map(|about| about.peer);
    sheet.words("address", false, [one, other].map(|peer| Some(peer.info.place())));
    let subnets = both.map(|about| Some(about.model.subnet_of(&about.peer.info)));
    sheet.words("subnet", subnets[0] != subnets[1], subnets);
    let interfaces = [one, other].map(|peer| peer.interface.as_deref());
    sheet.words("interface", interfaces[0] != interfaces[1], interfaces);
    sheet.words("found", one.via != other.via, both.map(|about| Some(about.found())));
    sheet.words("heard", false, both.map(|about| Some(about.heard())));
    sheet.words("life", false, both.map(PeerText::life));
    let id = |peer: &PeerRow| peer.info.id.map(|id| format!("{:08x}…", id.0 >> 96));
    sheet.words("id", false, [one, other].map(id));
}

/// Their last attempts, the newest first.
fn last_attempts(sheet: &mut Sheet<'_, '_>, both: [PeerText<'_>; 2]) {
    let theme = sheet.0.theme();
    sheet.0.heading("Last attempts");
    let lists: [Vec<&Attempt>; 2] = both.map(|about| {
        let held = about.model.attempts().of_peer(about.peer.info.key);
        held.take(ATTEMPTS).map(|(_, attempt)| attempt).collect()
    });
    for line in 0..lists[0].len().max(lists[1].len()) {
        sheet.line("", false, |nth, writer| {
            let Some(attempt) = lists[nth].get(line) else { return };
            let (hour, minute, second) = both[nth].appearance.time_of_day(attempt.wall);
            writer.format(theme.dim(), format_args!("{hour:02}:{minute:02}:{second:02} "));
            attempts::how(writer, attempt);
        });
    }
}
