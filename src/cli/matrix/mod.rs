//! `vigie matrix`: who reaches whom, as seen from here after a while.

mod folded;
mod grid;
mod text;

use serde::Serialize;

use crate::engine::matrix::MatrixView;

use super::args::{MatrixArgs, NodeArgs, ScreenArgs};
use super::control::{self, MatrixQuestion, Request, Source, millis};
use super::error::{CliError, exit};
use super::output;
use super::visitor::{self, NodeView, Printout, VisitorSession, nobody_else_found};

use text::{GridFormat, text};

pub(super) fn run(node: &NodeArgs, screen: &ScreenArgs, matrix: &MatrixArgs) -> Result<u8, CliError> {
    let question = MatrixQuestion {
        json: matrix.json,
        width: terminal_width(),
        ascii: screen.is_ascii(),
        local: matrix.local,
        wait_ms: millis(matrix.wait),
    };
    if let Some(code) = control::ask(node, matrix.visit, &Request::Matrix(question.clone()))? {
        return Ok(code);
    }
    visitor::run(node, async |session| {
        session.wait(matrix.wait).await?;
        answer(session, &question, Source::Visit).await
    })
}

/// What a node knows at once.
pub(super) async fn answer(
    session: &mut VisitorSession,
    question: &MatrixQuestion,
    source: Source,
) -> Result<Printout, CliError> {
    let view = session.snapshot(|_| ()).await?;
    let alone = view.matrix.nodes.len() < 2;
    let (own, others) = counted(&view);
    let is_met = others > 0 || question.local;
    let hint = (alone || !is_met).then(|| nobody_else_found(&view, own));
    let format = GridFormat { width: question.width, ascii: question.ascii, source };
    let out = match (question.json, alone) {
        (true, _) => document(&view.matrix, source)?,
        (false, true) => String::new(),
        (false, false) => text(&view.matrix, format),
    };
    Ok(Printout { code: if is_met && is_fine(&view.matrix) { 0 } else { exit::NO }, out, hint })
}

/// How many nodes beside this one are of this machine, and how many of others.
fn counted(view: &NodeView) -> (usize, usize) {
    let own = view.matrix.nodes.iter().skip(1).filter(|node| view.is_own(&node.addr)).count();
    (own, view.matrix.nodes.len().saturating_sub(1 + own))
}

/// Whether every node is known to reach every other. Of one node alone, and of what was left out, that is not known.
fn is_fine(view: &MatrixView) -> bool {
    let count = view.nodes.len();
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    let mut pairs = pairs.filter(|(from, to)| from != to);
    count > 1 && view.left_out == 0 && pairs.all(|(from, to)| view.cell(from, to, view.at).worse().is_ok())
}

/// The contract's form.
fn document(view: &MatrixView, source: Source) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct MatrixDocument<'a> {
        v: u8,
        source: Source,
        #[serde(flatten)]
        view: &'a MatrixView,
    }
    Ok(serde_json::to_string(&MatrixDocument { v: 1, source, view })? + "\n")
}

/// How many columns the terminal has; none where the output is no terminal: a file has room for all.
fn terminal_width() -> Option<usize> {
    if !output::is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(width, _)| usize::from(width)).filter(|width| *width > 0)
}
