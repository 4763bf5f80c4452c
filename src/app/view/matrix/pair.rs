//! What both ends say of the pair under the cursor.

use std::fmt;
use std::time::Instant;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::scene::Scene;
use super::shape::MARK;
use super::words::{Grouped, words};
use crate::app::appearance::{Theme, signs};
use crate::app::keymap::{Action, Section};
use crate::app::model::{Mark, Tally};
use crate::app::ui::matrix::{Block, BlockId};
use crate::app::view::canvas::Canvas;
use crate::app::view::findings;
use crate::app::view::layout::cut_top;
use crate::app::view::line_writer::LineWriter;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::segments::Segment;
use crate::text::{Age, Count, Measured, columns};

/// Pairs of a subnet's cell that are named in a line: more do not fit on any screen.
const NAMED: usize = 16;

/// How far a line is set in that goes on with what is said in the one above.
const INDENT: u16 = 2;

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
        let theme = canvas.theme();
        self.verdict(&mut start(canvas, area, 0));
        let ids = [self.from, self.to].map(|nth| self.scene.view.nodes[nth].id);
        let this_way = || self.scene.matrix.finding_of_pair(ids[0], ids[1]);
        let finding = this_way().or_else(|| self.scene.matrix.finding_of_pair(ids[1], ids[0]));
        // The finding follows, and each of the two has a line at least.
        let after = u16::from(finding.is_some());
        let mut below = cut_top(area, 1)[1];
        for (says, needed) in [(self.dialer_says(theme), 1 + after), (self.dialed_says(theme), after)] {
            let most = below.height.saturating_sub(needed).max(1).min(below.height);
            let lines = write_parts(canvas, below, &says, most);
            below = cut_top(below, lines)[1];
        }
        if let Some(finding) = finding {
            findings::write(&mut start(canvas, below, 0), finding);
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
        for part in [way(theme, "UDP", cell.udp), way(theme, "TCP", cell.tcp)] {
            part.write(writer.styled(", ", theme.dim()));
        }
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
    fn dialer_says(&self, theme: Theme) -> Vec<Part> {
        let (mut parts, observation) = self.says(theme, self.from, self.to);
        let Some(observation) = observation else { return parts };
        let mut tcp = way(theme, "TCP", observation.tcp);
        if let Some(cause) = observation.cause {
            tcp.text(format!(" {}", cause.label()), theme.warning());
        }
        // That of a dial that failed would be read as how long it took to fail.
        if let Some(rtt) = observation.rtt.filter(|_| observation.cause.is_none()) {
            tcp.text(format!(" {}", Measured(rtt)), theme.text());
        }
        parts.extend([tcp, way(theme, "echo", observation.echo)]);
        if let Some(loss) = observation.loss {
            let style = if loss > 0 { theme.warning() } else { theme.text() };
            parts.push(Part::of(format!("loss {loss} %"), style));
        }
        if observation.large != PathStatus::Unknown {
            parts.push(way(theme, "large packets", observation.large));
        }
        parts.extend(self.since(theme, "dialed", observation.checked));
        parts
    }

    /// What the one that is dialed says.
    fn dialed_says(&self, theme: Theme) -> Vec<Part> {
        let (mut parts, observation) = self.says(theme, self.to, self.from);
        let Some(observation) = observation else { return parts };
        let mut outbound = way(theme, "outbound dials", observation.tcp);
        if let Some(cause) = observation.cause {
            outbound.text(format!(" {}", cause.label()), theme.warning());
        }
        parts.extend([
            way(theme, "hears broadcasts", observation.broadcast),
            way(theme, "unicast", observation.unicast),
            way(theme, "inbound dials", observation.served),
            outbound,
        ]);
        parts.extend(self.since(theme, "last seen alive", observation.alive));
        parts
    }

    /// Who says it, and how long ago; nothing else when it says nothing, or nothing that is to be believed.
    fn says(&self, theme: Theme, observer: usize, other: usize) -> (Vec<Part>, Option<&Observation>) {
        let view = self.scene.view;
        let mut who = Part::of(self.name(observer).to_owned(), theme.strong());
        let Some(row) = view.rows.get(observer).and_then(Option::as_ref) else {
            who.text(": no report".to_owned(), theme.dim());
            return (vec![who], None);
        };
        let age = self.scene.now.saturating_duration_since(row.confirmed);
        let known = row.observations.contains_key(&view.nodes[other].id);
        let told = view.observation(observer, other, self.scene.now);
        match (told, known) {
            (Some(_), _) if age.as_secs() == 0 => who.text(" reported just now".to_owned(), theme.text()),
            (Some(_), _) => who.text(format!(" reported {} ago", Age(age)), theme.text()),
            (None, true) => who.text(format!(" reported {} ago: stale", Age(age)), theme.dim()),
            (None, false) => who.text(format!(": no report on {}", self.name(other)), theme.dim()),
        }
        (vec![who], told)
    }

    /// How long ago something was.
    fn since(&self, theme: Theme, what: &str, at: Option<Instant>) -> Option<Part> {
        let ago = self.scene.now.saturating_duration_since(at?);
        let text = match ago.as_secs() {
            0 => format!("{what} just now"),
            _ => format!("{what} {} ago", Age(ago)),
        };
        Some(Part::of(text, theme.text()))
    }
}

/// What stands between two commas, and is not broken.
#[derive(Debug, Default)]
struct Part(Vec<(Piece, Style)>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Sign(&'static str),
}

impl Part {
    fn of(text: String, style: Style) -> Self {
        Self(vec![(Piece::Text(text), style)])
    }

    fn text(&mut self, text: String, style: Style) {
        self.0.push((Piece::Text(text), style));
    }

    fn columns(&self) -> usize {
        let wide = |piece: &Piece| match piece {
            Piece::Text(text) => columns(text),
            Piece::Sign(sign) => columns(sign),
        };
        self.0.iter().map(|(piece, _)| wide(piece)).sum()
    }

    fn write(&self, writer: &mut LineWriter<'_>) {
        for (piece, style) in &self.0 {
            match piece {
                Piece::Text(text) => writer.styled(text, *style),
                Piece::Sign(sign) => writer.sign(sign, *style),
            };
        }
    }
}

/// Whether one way works.
fn way(theme: Theme, way: &str, reach: PathStatus) -> Part {
    let mark = match reach {
        PathStatus::Ok => Mark::Fine,
        PathStatus::Failing => Mark::Failing,
        PathStatus::Unknown => Mark::Unknown,
    };
    let mut part = Part::of(format!("{way} "), theme.text());
    part.0.push((Piece::Sign(signs::mark(mark)), theme.mark(mark)));
    part
}

/// Writes parts with commas between them, on at most so many lines, and returns how many those are.
fn write_parts(canvas: &mut Canvas<'_>, area: Rect, parts: &[Part], most: u16) -> u16 {
    let dim = canvas.theme().dim();
    let room = usize::from(area.width.saturating_sub(MARK));
    // A further line is set in.
    let (mut line, mut indent, mut parts) = (0, 0, parts);
    while line < most && !parts.is_empty() {
        let is_last = line + 1 == most;
        let mut used = usize::from(indent);
        let fits = parts.iter().take_while(|part| {
            used += part.columns() + 2;
            // The blank after the last comma may hang over.
            used <= room + 1
        });
        let here = if is_last { parts.len() } else { fits.count().max(1) };
        let mut writer = start(canvas, area, line);
        writer.skip(indent);
        for (nth, part) in parts[..here].iter().enumerate() {
            if nth > 0 {
                writer.styled(" ", dim);
            }
            part.write(&mut writer);
            if nth + 1 < parts.len() {
                writer.styled(",", dim);
            }
        }
        parts = &parts[here..];
        (line, indent) = (line + 1, INDENT);
    }
    line
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
    let mut line = 1;
    if let Some(worst) = all.worst().filter(|worst| *worst != Mark::Fine) {
        named_pairs(&mut start(canvas, area, line), scene, [row, column], worst);
        line += 1;
    }
    let columns = Some(column).filter(|column| column.id != row.id);
    for block in [Some(row), columns].into_iter().flatten() {
        line += u16::from(members(&mut start(canvas, area, line), scene, block));
    }
}

/// Some of the pairs that are like this.
fn named_pairs(writer: &mut LineWriter<'_>, scene: Scene<'_>, [row, column]: [&Block; 2], worst: Mark) {
    let (theme, marks) = (writer.theme(), scene.matrix.marks());
    // Whole rows without such a pair are not looked through.
    let rows = row.nodes.iter().filter(|from| marks.rows(&[**from]).count(worst) > 0);
    let pairs = rows.flat_map(|from| column.nodes.iter().map(move |to| (*from, *to)));
    let like = pairs.filter(|(from, to)| marks.at(*from, *to) == Some(worst));
    let name = |nth: usize| &*scene.view.nodes[nth].name;
    let listed: Vec<_> =
        like.take(NAMED).map(|(from, to)| format!("{} → {}", name(from), name(to))).collect();
    writer.sign(signs::mark(worst), theme.mark(worst));
    writer.format(theme.text(), format_args!(" {}", Listed(&listed)));
}

/// How many members of a network are known, and how many of them this node dials, if not all. Returns whether it is told.
fn members(writer: &mut LineWriter<'_>, scene: Scene<'_>, block: &Block) -> bool {
    let is_it = |segment: &&Segment| block.id == BlockId::Subnet(segment.network);
    let Some(segment) = scene.view.segments.iter().find(is_it).filter(|segment| segment.not_dialed() > 0)
    else {
        return false;
    };
    let Segment { network, known, dialed } = segment;
    let style = writer.theme().text();
    let known = Count(*known, "member");
    writer.format(style, format_args!("{network}: {known} known, {dialed} of them dialed from here"));
    true
}

/// With commas between.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}
