//! A diagnosis from its view to its findings, in steps: whoever makes it may do something else between any two of them.

use crate::engine::NodeId;

use super::explain;
use super::finding::Finding;
use super::grid::{Grid, NodeIdx};
use super::incident::Incident;
use super::judge_pair::judge_pair;
use super::network_view::NetworkView;
use super::patterns::{self, Verdicts};
use super::verdict::Verdict;
use super::witnesses::{self, Witnesses};

/// Nodes of which the pairs with all others are judged together: their rows then stay in the processor's nearest memory.
const BLOCK: usize = 16;

/// A diagnosis under way. What it looks at does not change any more.
#[derive(Debug)]
pub struct DiagnosisRun {
    view: NetworkView,
    stage: Stage,
    /// Of each node as a receiver.
    witnesses: Vec<Witnesses>,
    verdicts: Verdicts,
    open: Grid<bool>,
    incidents: Vec<Incident>,
    findings: Vec<Finding>,
    /// How many elementary steps were made: entries read, pairs judged, witnesses heard.
    steps: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To read the row of this node.
    ReadRow(usize),
    /// To choose the witnesses of a block of nodes, from this one on.
    ChooseWitnesses(usize),
    /// To judge what a block of nodes sends, from this one on.
    JudgePairs(usize),
    /// To take out what no host is at fault for.
    LeaveOut,
    /// To find what fails together.
    FindIncidents,
    /// To note which pairs are open, of what a block of nodes sends, from this one on.
    NoteOpen(usize),
    /// To explain an incident.
    Explain(usize),
    Finished,
}

/// Whether a diagnosis is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// There is more to do.
    Paused,
    /// It can be concluded.
    Finished,
}

/// What was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// One for each incident, the gravest first.
    pub findings: Vec<Finding>,
    /// What each node is to this one, by position: none where it is not known yet, or not settled.
    pub verdicts: Vec<Option<Verdict>>,
    /// Directions of pairs on which the evidence is not settled.
    pub open: OpenPairs,
}

/// Directions of pairs on which the evidence is not settled.
#[derive(Debug)]
pub struct OpenPairs {
    view: NetworkView,
    open: Grid<bool>,
    any: bool,
}

impl OpenPairs {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Whether this is one of them.
    pub fn contains(&self, from: NodeId, to: NodeId) -> bool {
        let pair = self.view.position(from).zip(self.view.position(to));
        pair.is_some_and(|pair| self.open[pair])
    }
}

impl DiagnosisRun {
    /// A diagnosis of this view, of which nothing is done yet.
    pub fn new(view: NetworkView) -> Self {
        let size = view.size();
        Self {
            stage: Stage::ReadRow(0),
            witnesses: Vec::with_capacity(size),
            verdicts: Grid::new(size, None),
            open: Grid::new(size, false),
            incidents: Vec::new(),
            findings: Vec::new(),
            steps: 0,
            view,
        }
    }

    /// Goes on for about this many elementary steps.
    pub fn advance(&mut self, steps: usize) -> Progress {
        let until = self.steps.saturating_add(steps);
        while self.stage != Stage::Finished {
            if self.steps >= until {
                return Progress::Paused;
            }
            self.stage = self.go_on();
        }
        Progress::Finished
    }

    /// What was found, once the diagnosis is finished.
    pub fn conclude(mut self) -> Diagnosis {
        while self.stage != Stage::Finished {
            self.stage = self.go_on();
        }
        let any = self.open.nodes().any(|from| self.open.row(from).contains(&true));
        Diagnosis {
            findings: self.findings,
            verdicts: self.verdicts.row(NodeIdx::SELF).to_vec(),
            open: OpenPairs { view: self.view, open: self.open, any },
        }
    }

    /// How many elementary steps were made.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Does the next piece; what comes after it.
    fn go_on(&mut self) -> Stage {
        let size = self.view.size();
        match self.stage {
            Stage::ReadRow(nth) if nth < size => {
                self.steps += self.view.read_row(NodeIdx::new(nth));
                Stage::ReadRow(nth + 1)
            }
            Stage::ReadRow(_) => Stage::ChooseWitnesses(0),
            Stage::ChooseWitnesses(first) if first < size => {
                let block = self.block(first);
                self.steps += block.len() * size;
                self.witnesses.extend(witnesses::of_each(&self.view, &block));
                Stage::ChooseWitnesses(first + BLOCK)
            }
            Stage::ChooseWitnesses(_) => Stage::JudgePairs(0),
            Stage::JudgePairs(first) if first < size => {
                self.judge_pairs(first);
                Stage::JudgePairs(first + BLOCK)
            }
            Stage::JudgePairs(_) => Stage::LeaveOut,
            Stage::LeaveOut => {
                let lossy = patterns::background(&self.view, &mut self.verdicts, &mut self.steps);
                self.incidents.extend(lossy);
                Stage::FindIncidents
            }
            Stage::FindIncidents => {
                let found = patterns::incidents(&self.view, &self.verdicts, &mut self.steps);
                self.incidents.splice(0..0, found);
                Stage::NoteOpen(0)
            }
            Stage::NoteOpen(first) if first < size => {
                self.note_open(first);
                Stage::NoteOpen(first + BLOCK)
            }
            Stage::NoteOpen(_) => Stage::Explain(0),
            Stage::Explain(nth) => {
                if let Some(incident) = self.incidents.get(nth) {
                    self.steps += size + incident.pairs.len();
                    self.findings.push(explain::finding(&self.view, incident));
                    return Stage::Explain(nth + 1);
                }
                let foreign = self.view.foreign().iter();
                self.findings.extend(foreign.map(|node| explain::foreign_node(&self.view, node)));
                Stage::Finished
            }
            Stage::Finished => Stage::Finished,
        }
    }

    /// Notes on which pairs that a block of nodes sends on there is no verdict, though something is known of them.
    fn note_open(&mut self, first: usize) {
        let block = self.block(first);
        self.steps += block.len() * self.view.size();
        for (from, to) in block.into_iter().flat_map(|from| self.view.all().map(move |to| (from, to))) {
            self.open[(from, to)] =
                self.verdicts[(from, to)].is_none() && self.view.observation(from, to).is_some();
        }
    }

    fn block(&self, first: usize) -> Vec<NodeIdx> {
        self.view.all().skip(first).take(BLOCK).collect()
    }

    /// Judges what a block of nodes sends to all.
    fn judge_pairs(&mut self, first: usize) {
        let block = self.block(first);
        for to in self.view.all() {
            let witnesses = &self.witnesses[to.index()];
            for from in block.iter().copied().filter(|from| *from != to) {
                self.steps += 1;
                let verdict = judge_pair(&self.view, from, to, witnesses, &mut self.steps);
                self.verdicts[(from, to)] = verdict;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::judged::{Bad, bad_view};
    use crate::testkit::t0;

    const ALL: [Bad; 4] = [Bad::Alike, Bad::Mixed, Bad::Witnessed, Bad::Scattered];

    /// Steps of a whole diagnosis.
    fn steps(nodes: u16, bad: Bad) -> usize {
        let mut run = DiagnosisRun::new(bad_view(nodes, bad, t0()));
        assert_eq!(run.advance(usize::MAX), Progress::Finished);
        run.steps()
    }

    #[test]
    fn however_bad_the_rows_are_the_steps_grow_with_the_pairs() {
        for bad in ALL {
            let (half, all) = (steps(128, bad), steps(256, bad));
            println!("{bad:?}: {half} steps at 128 nodes, {all} at 256, {} a pair", all / (256 * 256));
            assert!(all <= 256 * 256 * 28, "{bad:?}: {all}");
            assert!(all * 10 <= half * 45, "{bad:?}: {half}, then {all}");
        }
    }

    #[test]
    fn what_is_found_does_not_depend_on_the_slices() {
        for bad in ALL {
            let now = t0();
            let whole = DiagnosisRun::new(bad_view(40, bad, now)).conclude();
            let mut run = DiagnosisRun::new(bad_view(40, bad, now));
            let mut slices = 1;
            while run.advance(100) == Progress::Paused {
                slices += 1;
            }
            assert!(slices > 10, "{slices}");
            let found = run.conclude();
            assert_eq!(found.findings, whole.findings);
            assert_eq!(found.verdicts, whole.verdicts);
            assert!(!whole.findings.is_empty(), "{bad:?}");
        }
    }

    #[test]
    fn the_worst_views_have_many_verdicts() {
        let whole = DiagnosisRun::new(bad_view(64, Bad::Scattered, t0())).conclude();
        let verdicts: std::collections::BTreeSet<_> = whole.findings.iter().map(|f| f.verdict).collect();
        assert!(verdicts.len() > 6, "{verdicts:?}");
        assert!(whole.open.any());
    }
}
