//! The matrix for people: a grid of signs, the pairs that fail and why, what is wrong and what to do.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::folded;
use super::grid::{ASCII_SIGNS, Counts, GridSigns, ReachGrid, SIGNS};
use crate::cli::control::Source;
use crate::engine::matrix::{Cell, MatrixView};
use crate::engine::observation::PathStatus;
use crate::engine::verdict::Verdict;
use crate::text::{ascii, cell, cell_right, columns};

/// Failing pairs that are listed: a dead switch makes thousands, and the findings below say more.
const MAX_PAIRS: usize = 20;
/// Sentences of evidence a finding.
const MAX_EVIDENCE: usize = 4;
/// Columns of a name in the grid; longer ones are cut there, and whole elsewhere.
const MAX_NAME: usize = 24;

/// How it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct GridFormat {
    /// Columns of the terminal; none without a limit.
    pub(super) width: Option<usize>,
    /// Signs of ASCII only.
    pub(super) ascii: bool,
    /// Who knows what it tells.
    pub(super) source: Source,
}

/// All of it, a line each.
pub(super) fn text(view: &MatrixView, format: GridFormat) -> String {
    let signs = if format.ascii { ASCII_SIGNS } else { SIGNS };
    let grid = ReachGrid::of(view);
    let mut out = grid.draw(view, &signs, format.width);
    grid.write_failing(&mut out, view, &signs);
    let unknown = grid.counts(grid.pairs()).unknown;
    if unknown > 0 {
        let more = match format.source {
            Source::Visit => "; a longer --wait shows more",
            Source::Node => "",
        };
        let pairs = grid.pairs().count();
        let _ = writeln!(out, "\n{unknown} of {pairs} pairs unknown: not reported, or too long ago{more}");
    }
    if view.left_out > 0 {
        let _ = writeln!(out, "\n{} rows or pairs omitted: too many for one answer", view.left_out);
    }
    write_findings(&mut out, view);
    if format.ascii { ascii(&out) } else { out }
}

/// What is wrong, the gravest first, and what to do.
fn write_findings(out: &mut String, view: &MatrixView) {
    for finding in view.findings.iter().filter(|finding| finding.verdict != Verdict::Ok) {
        let _ = writeln!(out, "\n{}", finding.headline());
        for evidence in finding.evidence.iter().take(MAX_EVIDENCE) {
            let _ = writeln!(out, "  seen: {evidence}");
        }
        let _ = writeln!(out, "  try:  {}", finding.advice);
    }
}

impl ReachGrid {
    /// The legend, the grid, and what of it there was no room for.
    fn draw(&self, view: &MatrixView, signs: &GridSigns, width: Option<usize>) -> String {
        let digits = self.size.to_string().len();
        let summaries: Vec<Counts> = (0..self.size).map(|from| self.row(from)).collect();
        let names = view.nodes.iter().map(|node| columns(&node.name)).max().unwrap_or(0).min(MAX_NAME);
        let summary = summaries.iter().map(|counts| counts.description().len()).max().unwrap_or(0);
        // Number, name and a gap before, a gap and the summary behind; each column has a space before it.
        let margins = digits + 1 + names + 1 + 2 + summary;
        let room = width.map_or(self.size, |width| width.saturating_sub(margins) / (digits + 1)).max(1);
        let folded =
            (self.size > room).then(|| folded::draw(self, &view.networks()?, signs, width)).flatten();
        if let Some(folded) = folded {
            return folded;
        }
        let Shown { rows, columns: shown } = self.choose(room);

        let mut out = format!(
            "rows dial {} columns, by UDP and TCP\n{} ok  {} failing  {} unknown  {} self\n\n",
            signs.arrow, signs.ok, signs.failing, signs.unknown, signs.itself
        );
        if rows.is_empty() {
            let _ = writeln!(out, "all {} nodes reach each other (no room for the grid)", self.size);
            return out;
        }
        let head: Vec<String> = shown.iter().map(|to| cell_right(&(to + 1).to_string(), digits)).collect();
        let _ = writeln!(out, "{}{}", " ".repeat(digits + 1 + names + 2), head.join(" "));
        for &from in &rows {
            let number = cell_right(&(from + 1).to_string(), digits);
            let name = cell(&view.nodes[from].name, names);
            let reach = |&to: &usize| cell_right(signs.of(self.at((from, to))), digits);
            let reaches: Vec<String> = shown.iter().map(reach).collect();
            let _ =
                writeln!(out, "{number} {name}  {}  {}", reaches.join(" "), summaries[from].description());
        }
        self.write_not_shown(&mut out, rows.len(), &shown);
        out
    }

    /// Which rows and columns there is room for: all, or else only those with something that is not fine, and of too many
    /// such columns the worst.
    fn choose(&self, room: usize) -> Shown {
        let all = || (0..self.size).collect::<Vec<_>>();
        if self.size <= room {
            return Shown { rows: all(), columns: all() };
        }
        let mut columns: Vec<(Counts, usize)> = (0..self.size).map(|to| (self.column(to), to)).collect();
        columns.retain(|(counts, _)| !counts.is_fine());
        columns.sort_by_key(|(counts, to)| (Reverse(*counts), *to));
        let mut columns: Vec<usize> = columns.into_iter().take(room).map(|(_, to)| to).collect();
        columns.sort_unstable();
        let rows = (0..self.size).filter(|from| !self.row(*from).is_fine()).collect();
        Shown { rows, columns }
    }

    /// Counts what the grid does not show.
    fn write_not_shown(&self, out: &mut String, rows: usize, shown: &[usize]) {
        let left_out = (0..self.size).filter(|to| !shown.contains(to));
        let (fine, others): (Vec<_>, Vec<_>) = left_out.partition(|to| self.column(*to).is_fine());
        let mut parts = Vec::new();
        if !others.is_empty() {
            parts.push(format!("{} columns with problems", others.len()));
        }
        if !fine.is_empty() {
            parts.push(format!("{} columns all ok", fine.len()));
        }
        if rows < self.size {
            parts.push(format!("{} rows all ok", self.size - rows));
        }
        if !parts.is_empty() {
            let _ = writeln!(out, "no room for {}", parts.join(", "));
        }
    }

    /// The pairs that fail, and why.
    fn write_failing(&self, out: &mut String, view: &MatrixView, signs: &GridSigns) {
        let failing = self.pairs().filter(|pair| self.at(*pair) == Some(PathStatus::Failing));
        for (nth, (from, to)) in failing.clone().take(MAX_PAIRS).enumerate() {
            let (gap, arrow) = (if nth == 0 { "\n" } else { "" }, signs.arrow);
            let (from_name, to_name) = (&view.nodes[from].name, &view.nodes[to].name);
            let why = why(view.cell(from, to, view.at));
            let _ = writeln!(out, "{gap}{from_name} {arrow} {to_name}: {why}");
        }
        let more = failing.count().saturating_sub(MAX_PAIRS);
        if more > 0 {
            let _ = writeln!(out, "+{more} more pairs fail");
        }
    }
}

/// What the grid shows, by the nodes' positions.
struct Shown {
    rows: Vec<usize>,
    columns: Vec<usize>,
}

/// What fails between two nodes.
fn why(cell: Cell) -> String {
    let tcp = match cell.cause {
        Some(cause) => format!("TCP {}: {}", cause.label(), cause.description()),
        None => "TCP fails".to_owned(),
    };
    match (cell.udp.is_failing(), cell.tcp.is_failing()) {
        (true, true) => format!("no UDP arrives; {tcp}"),
        (true, false) => "no UDP arrives".to_owned(),
        (false, _) => tcp,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::time::Duration;

    use crate::engine::cause::Cause;
    use crate::engine::matrix::MatrixNode;
    use crate::engine::network::Network;
    use crate::engine::observation::Observation;
    use crate::engine::segments::Segment;
    use crate::engine::verdict::evidence::Who;
    use crate::engine::verdict::{Advice, Confidence, Evidence, Finding};
    use crate::testkit;

    use super::*;

    const WIDE: GridFormat = GridFormat { width: None, ascii: false, source: Source::Visit };

    /// Nodes of which each reaches what `reach` says.
    fn view(names: &[&str], reach: impl Fn(usize, usize) -> PathStatus) -> MatrixView {
        let nodes: Vec<_> = (1..).zip(names).map(|(number, name)| testkit::peer(number, name)).collect();
        let observation = |reach| match reach {
            PathStatus::Failing => Observation {
                tcp: PathStatus::Failing,
                echo: PathStatus::Ok,
                cause: Some(Cause::Refused),
                ..Observation::default()
            },
            reach => Observation { tcp: reach, echo: reach, ..Observation::default() },
        };
        let at = testkit::t0();
        testkit::matrix(at, &nodes, |from| {
            let observations =
                nodes.iter().enumerate().map(|(to, node)| (node.id.unwrap(), observation(reach(from, to))));
            Some(testkit::told(at, observations))
        })
    }

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|nth| format!("n{nth}")).collect()
    }

    fn many(count: usize, reach: impl Fn(usize, usize) -> PathStatus) -> MatrixView {
        let names = names(count);
        view(&names.iter().map(String::as_str).collect::<Vec<_>>(), reach)
    }

    #[test]
    fn a_grid_has_a_sign_for_each_pair_and_words_for_each_row() {
        let mut view = view(&["you", "山田", "h3"], |from, to| match (from, to) {
            (0, 2) => PathStatus::Failing,
            (2, _) => PathStatus::Unknown,
            _ => PathStatus::Ok,
        });
        let peer = testkit::peer(3, "h3");
        view.findings.push(Arc::new(Finding {
            evidence: vec![Evidence::DialFailed {
                from: Who::ThisNode,
                to: Who::Peer(Arc::clone(&peer)),
                cause: Cause::Refused,
                ago: Duration::from_secs(3),
            }],
            advice: Advice::Start { on: Who::Peer(Arc::clone(&peer)) },
            confidence: Confidence::Likely,
            ..testkit::finding(&peer, Verdict::ClosedPort, view.at)
        }));
        let expected = "\
rows dial → columns, by UDP and TCP
● ok  ✗ failing  ? unknown  · self

        1 2 3
1 you   · ● ✗  1 failing
2 山田  ● · ●  all ok
3 h3    ? ? ·  2 unknown

you → h3: TCP refused: the host answers, but nothing is listening on the port

2 of 6 pairs unknown: not reported, or too long ago; a longer --wait shows more

h3: the host answers, but nothing is listening on the port (likely)
  seen: this node → h3: dialed 3.0 s ago, refused (the host answers, but nothing is listening on the port)
  try:  start vigie on h3, or check which TCP port it listens on
";
        assert_eq!(text(&view, WIDE), expected);
        let plain = text(&view, GridFormat { ascii: true, ..WIDE });
        assert!(plain.contains("1 you   . + x  1 failing") && plain.contains("you -> h3"), "{plain}");
        assert!(plain.replace("山田", "").is_ascii(), "{plain}");
    }

    #[test]
    fn a_grid_that_is_too_wide_shows_what_is_not_fine_and_counts_the_rest() {
        let view =
            many(100, |from, to| if to == 49 && from < 7 { PathStatus::Failing } else { PathStatus::Ok });
        let text = text(&view, GridFormat { width: Some(80), ..WIDE });
        assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
        let grid: Vec<&str> = text.lines().skip(3).take(9).collect();
        assert_eq!(grid[0].trim(), "50");
        assert_eq!(grid[1], "  1 n1      ✗  1 failing");
        assert_eq!(grid[7], "  7 n7      ✗  1 failing");
        assert_eq!(grid[8], "no room for 99 columns all ok, 93 rows all ok");
    }

    #[test]
    fn a_grid_of_several_networks_that_is_too_wide_has_a_cell_for_the_hosts_of_two_of_them() {
        let mut view = many(60, |from, to| match (from / 20, to / 20) {
            (0, 1) => PathStatus::Failing,
            (1, 2) if from == 20 => PathStatus::Failing,
            (2, 2) if to == 59 => PathStatus::Unknown,
            _ => PathStatus::Ok,
        });
        let at =
            |nth: usize| (Ipv4Addr::from([10, u8::try_from(nth / 20 + 1).unwrap(), 0, 1]), 17_474).into();
        let nodes = view.nodes.iter().enumerate();
        view.nodes = nodes.map(|(nth, node)| MatrixNode { addr: at(nth), ..node.clone() }).collect();
        let segment =
            |nth| Segment { network: Network::of([10, nth, 0, 0].into(), 16), known: 20, dialed: 20 };
        view.segments = [1, 2, 3].map(segment).to_vec();
        let expected = "\
rows dial → columns, by UDP and TCP: all hosts of a network
● all ok  ✗ failing  ? unknown

                    1            2            3
1 10.1.0.0/16 (20)  ●            ✗ all 400    ●
2 10.2.0.0/16 (20)  ●            ●            ✗ 20 of 400
3 10.3.0.0/16 (20)  ●            ●            ? 19 of 380
";
        let folded = text(&view, GridFormat { width: Some(80), ..WIDE });
        assert!(folded.starts_with(expected), "{folded}");
        assert!(folded.contains("n1 → n21: TCP refused"), "the pairs that fail are named as ever");
        let narrow = text(&view, GridFormat { width: Some(40), ..WIDE });
        assert!(!narrow.contains("10.1.0.0/16"), "no room for the networks, either: {narrow}");
        assert!(text(&view, WIDE).contains("60 n60"), "a file has room for all");
    }

    #[test]
    fn of_too_many_columns_the_worst_are_shown_and_the_others_are_not_called_fine() {
        let view = many(60, |from, to| match (from, to) {
            (_, 10) => PathStatus::Failing,
            (0, 0..30) => PathStatus::Unknown,
            _ => PathStatus::Ok,
        });
        let text = text(&view, GridFormat { width: Some(60), ..WIDE });
        let head = text.lines().nth(3).unwrap();
        assert!(head.split_whitespace().any(|number| number == "11"), "{text}");
        let shown = head.split_whitespace().count();
        let left = 29 - shown;
        assert!(left > 0 && text.contains(&format!("{left} columns with problems")), "{text}");
        assert!(text.contains("31 columns all ok"), "{text}");
        assert!(text.contains("+39 more pairs fail"), "{text}");
    }

    #[test]
    fn a_wide_network_in_which_all_is_well_needs_no_grid() {
        let text = text(&many(90, |_, _| PathStatus::Ok), GridFormat { width: Some(40), ..WIDE });
        let rest: Vec<&str> = text.lines().skip(3).collect();
        assert_eq!(rest, ["all 90 nodes reach each other (no room for the grid)"]);
    }
}
