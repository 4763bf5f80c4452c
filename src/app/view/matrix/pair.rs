//! What both ends say of the pair under the cursor.

use std::fmt;
use std::time::Duration;

use ratatui::layout::Rect;

use super::scene::Scene;
use super::shape::MARK;
use super::words::{Grouped, words};
use crate::app::appearance::signs;
use crate::app::keymap::{Action, Section};
use crate::app::model::{Mark, Tally};
use crate::app::ui::matrix::Block;
use crate::app::view::canvas::Canvas;
use crate::app::view::findings;
use crate::app::view::line_writer::LineWriter;
use crate::engine::observation::{Observation, PathStatus};
use crate::text::Age;
use crate::text::Measured;

/// Pairs of a subnet's cell that are named in a line: more do not fit on any screen.
const NAMED: usize = 16;

/// Draws it in as many lines as there are.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>) {
    let Some((row, column)) = scene.cursor.pair() else {
        if area.height > 0 {
            let style = canvas.theme().dim();
            let [edit, back] =
                [Action::Filter, Action::Back].map(|action| canvas.key_in(Section::Matrix, action));
            let text = format!("No match. {edit} to edit, {back} to show all.");
            canvas.line(area, 0).skip(MARK).styled(&text, style);
        }
        return;
    };
    match (row.node(), column.node()) {
        (Some(from), Some(to)) if from == to => itself(canvas, area, scene, row, from),
        (Some(from), Some(to)) => Pair { scene, from, to }.render(canvas, area),
        _ => many(canvas, area, scene, row, column),
    }
}

/// Two nodes, in one direction.
struct Pair<'a> {
    scene: Scene<'a>,
    from: usize,
    to: usize,
}

impl Pair<'_> {
    fn render(&self, canvas: &mut Canvas<'_>, area: Rect) {
        self.verdict(&mut start(canvas, area, 0));
        self.dialer_says(&mut start(canvas, area, 1));
        self.dialed_says(&mut start(canvas, area, 2));
        let ids = [self.from, self.to].map(|nth| self.scene.view.nodes[nth].id);
        let there = || self.scene.matrix.finding_of_pair(ids[0], ids[1]);
        let finding = there().or_else(|| self.scene.matrix.finding_of_pair(ids[1], ids[0]));
        if let Some(finding) = finding {
            findings::write(&mut start(canvas, area, 3), finding);
        }
    }

    fn name(&self, nth: usize) -> &str {
        &self.scene.view.nodes[nth].name
    }

    /// What follows from what both say.
    fn verdict(&self, writer: &mut LineWriter<'_>) {
        let theme = writer.theme();
        writer.styled(self.name(self.from), theme.strong()).text(" → ").text(self.name(self.to)).text(" ");
        let marks = self.scene.matrix.marks();
        if let Some(mark) = marks.at(self.from, self.to) {
            writer.sign(signs::mark(mark), theme.mark(mark)).text(" ").text(words(mark));
        }
        let cell = self.scene.view.cell(self.from, self.to, self.scene.now);
        way(writer, "UDP", cell.udp);
        way(writer, "TCP", cell.tcp);
        if let Some(mark) = marks.at(self.to, self.from) {
            writer.styled(", back ", theme.text()).sign(signs::mark(mark), theme.mark(mark));
            writer.text(" ").text(words(mark));
        }
        if let Some(comparison) = self.scene.comparison {
            let ago = self.scene.now.saturating_duration_since(comparison.then);
            writer.format(theme.text(), format_args!(", {} ago ", Age(ago)));
            match comparison.was(self.from, self.to) {
                Some(mark) => {
                    writer.sign(signs::mark(mark), theme.mark(mark)).text(" ").text(words(mark));
                }
                None => _ = writer.text("not there"),
            }
        }
    }

    /// What the one that dials says.
    fn dialer_says(&self, writer: &mut LineWriter<'_>) {
        let theme = writer.theme();
        let Some(observation) = self.says(writer, self.from, self.to) else { return };
        way(writer, "TCP", observation.tcp);
        if let Some(cause) = observation.cause {
            writer.format(theme.warning(), format_args!(" {}", cause.label()));
        }
        if let Some(rtt) = observation.rtt {
            writer.format(theme.text(), format_args!(" {}", Measured(rtt)));
        }
        way(writer, "echo", observation.echo);
        if let Some(loss) = observation.loss {
            let style = if loss > 0 { theme.warning() } else { theme.text() };
            writer.styled(", ", theme.dim()).format(style, format_args!("loss {loss} %"));
        }
        if observation.large != PathStatus::Unknown {
            way(writer, "large packets", observation.large);
        }
        since(writer, "dialed", observation.checked.map(|at| self.scene.now.saturating_duration_since(at)));
    }

    /// What the one that is dialed says.
    fn dialed_says(&self, writer: &mut LineWriter<'_>) {
        let theme = writer.theme();
        let Some(observation) = self.says(writer, self.to, self.from) else { return };
        way(writer, "hears broadcasts", observation.broadcast);
        way(writer, "unicast", observation.unicast);
        way(writer, "inbound dials", observation.served);
        way(writer, "outbound dials", observation.tcp);
        if let Some(cause) = observation.cause {
            writer.format(theme.warning(), format_args!(" {}", cause.label()));
        }
        since(
            writer,
            "last seen alive",
            observation.alive.map(|at| self.scene.now.saturating_duration_since(at)),
        );
    }

    /// Who says it, and how long ago; none when it says nothing, or nothing that is to be believed.
    fn says(&self, writer: &mut LineWriter<'_>, observer: usize, other: usize) -> Option<&Observation> {
        let (theme, view) = (writer.theme(), self.scene.view);
        writer.styled(self.name(observer), theme.strong());
        let Some(row) = view.rows.get(observer).and_then(Option::as_ref) else {
            writer.styled(": no report", theme.dim());
            return None;
        };
        let age = self.scene.now.saturating_duration_since(row.confirmed);
        let known = row.observations.contains_key(&view.nodes[other].id);
        let told = view.observation(observer, other, self.scene.now);
        match (told, known) {
            (Some(_), _) if age.as_secs() == 0 => _ = writer.styled(" reported just now", theme.text()),
            (Some(_), _) => _ = writer.format(theme.text(), format_args!(" reported {} ago", Age(age))),
            (None, true) => {
                let text = format_args!(" reported {} ago: stale", Age(age));
                writer.format(theme.dim(), text);
            }
            (None, false) => {
                writer.format(theme.dim(), format_args!(": no report on {}", self.name(other)));
            }
        }
        told
    }
}

/// Whether one way works.
fn way(writer: &mut LineWriter<'_>, way: &str, reach: PathStatus) {
    let theme = writer.theme();
    let mark = match reach {
        PathStatus::Ok => Mark::Fine,
        PathStatus::Failing => Mark::Failing,
        PathStatus::Unknown => Mark::Unknown,
    };
    writer.styled(", ", theme.dim()).styled(way, theme.text()).text(" ");
    writer.sign(signs::mark(mark), theme.mark(mark));
}

/// How long ago something was.
fn since(writer: &mut LineWriter<'_>, what: &str, ago: Option<Duration>) {
    let Some(ago) = ago else { return };
    let theme = writer.theme();
    writer.styled(", ", theme.dim()).styled(what, theme.text());
    match ago.as_secs() {
        0 => writer.text(" just now"),
        _ => writer.format(theme.text(), format_args!(" {} ago", Age(ago))),
    };
}

/// A line of the area, under the names of the table.
fn start<'a>(canvas: &'a mut Canvas<'_>, area: Rect, line: u16) -> LineWriter<'a> {
    let indent = MARK.min(area.width);
    let inside = Rect { x: area.x + indent, width: area.width - indent, ..area };
    canvas.line(inside, line)
}

/// How many of some pairs are of which kind.
fn tally(writer: &mut LineWriter<'_>, tally: Tally) {
    let theme = writer.theme();
    for mark in Mark::ALL.into_iter().filter(|mark| tally.count(*mark) > 0) {
        writer.skip(2).sign(signs::mark(mark), theme.mark(mark));
        writer.format(theme.text(), format_args!(" {} {}", Grouped(tally.count(mark)), words(mark)));
    }
}

/// One node: how it reaches the others and they it.
fn itself(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>, block: &Block, node: usize) {
    let theme = canvas.theme();
    let marks = scene.matrix.marks();
    let node = &scene.view.nodes[node];
    let mut writer = start(canvas, area, 0);
    writer.styled("from ", theme.text()).styled(&node.name, theme.strong());
    writer.format(theme.text(), format_args!(" {}", node.addr));
    tally(&mut writer, marks.rows(&block.nodes));
    let mut writer = start(canvas, area, 1);
    writer.styled("to ", theme.text()).styled(&node.name, theme.strong());
    tally(&mut writer, marks.columns(&block.nodes));
    let about = scene.matrix.findings().iter().find(|finding| finding.nodes.contains(&node.id));
    if let Some(finding) = about {
        findings::write(&mut start(canvas, area, 2), finding);
    }
}

/// The pairs of two subnets: how many are how, and some of those that fail.
fn many(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>, row: &Block, column: &Block) {
    let theme = canvas.theme();
    let named = |block: &Block| {
        let name = block.name(scene.view).to_string();
        format!("{name} ({})", block.nodes.len())
    };
    let (row_at, column_at) = scene.cursor.at().unwrap_or_default();
    let all = scene.cursor.tally(scene.matrix, row_at, column_at);
    let mut writer = start(canvas, area, 0);
    writer.styled(&named(row), theme.strong()).text(" → ").text(&named(column));
    writer.format(theme.text(), format_args!("  {} pairs", Grouped(all.total())));
    tally(&mut writer, all);
    let Some(worst) = all.worst().filter(|worst| *worst != Mark::Fine) else { return };
    let marks = scene.matrix.marks();
    // Whole rows without such a pair are not looked through.
    let rows = row.nodes.iter().filter(|from| marks.rows(&[**from]).count(worst) > 0);
    let pairs = rows.flat_map(|from| column.nodes.iter().map(move |to| (*from, *to)));
    let like = pairs.filter(|(from, to)| marks.at(*from, *to) == Some(worst));
    let name = |nth: usize| &*scene.view.nodes[nth].name;
    let listed: Vec<_> =
        like.take(NAMED).map(|(from, to)| format!("{} → {}", name(from), name(to))).collect();
    let mut writer = start(canvas, area, 1);
    writer.sign(signs::mark(worst), theme.mark(worst));
    writer.format(theme.text(), format_args!(" {}", Listed(&listed)));
}

/// With commas between.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}
