//! Every pair of a matrix, its sign, and how many of them are how.

use crate::engine::matrix::MatrixView;
use crate::engine::observation::PathStatus;

/// The signs of the grid.
pub(super) struct GridSigns {
    pub(super) ok: &'static str,
    pub(super) failing: &'static str,
    pub(super) unknown: &'static str,
    pub(super) itself: &'static str,
    pub(super) arrow: &'static str,
}

/// Those that terminals can show.
pub(super) const SIGNS: GridSigns =
    GridSigns { ok: "●", failing: "✗", unknown: "?", itself: "·", arrow: "→" };
/// Those of poor fonts.
pub(super) const ASCII_SIGNS: GridSigns =
    GridSigns { ok: "+", failing: "x", unknown: "?", itself: ".", arrow: "->" };

impl GridSigns {
    /// That of a pair; none is a node and itself.
    pub(super) fn of(&self, reach: Option<PathStatus>) -> &'static str {
        match reach {
            None => self.itself,
            Some(PathStatus::Ok) => self.ok,
            Some(PathStatus::Failing) => self.failing,
            Some(PathStatus::Unknown) => self.unknown,
        }
    }
}

/// Every pair's worse way, reckoned once.
pub(super) struct ReachGrid {
    pub(super) size: usize,
    /// Row by row; none of a node and itself.
    cells: Vec<Option<PathStatus>>,
}

/// How many pairs are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counts {
    pub(super) failing: usize,
    pub(super) unknown: usize,
    pub(super) ok: usize,
}

impl Counts {
    /// Whether all of them are known to work.
    pub(super) fn is_fine(self) -> bool {
        self.failing + self.unknown == 0
    }

    /// `all ok`, or what is not.
    pub(super) fn description(self) -> String {
        match (self.failing, self.unknown) {
            (0, 0) => "all ok".to_owned(),
            (0, unknown) => format!("{unknown} unknown"),
            (failing, 0) => format!("{failing} failing"),
            (failing, unknown) => format!("{failing} failing, {unknown} unknown"),
        }
    }
}

impl ReachGrid {
    /// That of a view, at the moment of which it tells.
    pub(super) fn of(view: &MatrixView) -> Self {
        let size = view.nodes.len();
        let pairs = (0..size).flat_map(|from| (0..size).map(move |to| (from, to)));
        let reach = |(from, to)| (from != to).then(|| view.cell(from, to, view.at).worse());
        Self { size, cells: pairs.map(reach).collect() }
    }

    /// One pair; none of a node and itself.
    pub(super) fn at(&self, (from, to): (usize, usize)) -> Option<PathStatus> {
        self.cells[from * self.size + to]
    }

    /// Every node with every other.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
        let size = self.size;
        (0..size).flat_map(move |from| (0..size).map(move |to| (from, to))).filter(|(from, to)| from != to)
    }

    /// How many of these are how.
    pub(super) fn counts(&self, pairs: impl Iterator<Item = (usize, usize)>) -> Counts {
        pairs.filter_map(|pair| self.at(pair)).fold(Counts::default(), |counts, reach| match reach {
            PathStatus::Ok => Counts { ok: counts.ok + 1, ..counts },
            PathStatus::Failing => Counts { failing: counts.failing + 1, ..counts },
            PathStatus::Unknown => Counts { unknown: counts.unknown + 1, ..counts },
        })
    }

    /// How a node's dials are.
    pub(super) fn row(&self, from: usize) -> Counts {
        self.counts((0..self.size).map(|to| (from, to)))
    }

    /// How the dials of a node are.
    pub(super) fn column(&self, to: usize) -> Counts {
        self.counts((0..self.size).map(|from| (from, to)))
    }
}
