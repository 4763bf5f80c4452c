//! An event as a line.

use std::fmt;
use std::io;
use std::time::{Instant, SystemTime};

use serde::Serialize;

use crate::engine::event::{Event, Stamped};
use crate::engine::matrix::MatrixNode;
use crate::engine::verdict::Finding;

use super::epoch::Epoch;
use super::matrix::ToldRows;
use super::more::More;
use super::past::Past;

/// A line of the contract.
#[derive(Serialize)]
struct Line<E, M> {
    v: u8,
    ts: AsText<humantime::Rfc3339Timestamp>,
    #[serde(flatten)]
    event: E,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<M>,
}

impl<E, M> Line<E, M> {
    fn new(wall: SystemTime, event: E, more: Option<M>) -> Self {
        Self { v: 1, ts: AsText(humantime::format_rfc3339_millis(wall)), event, more }
    }
}

struct AsText<T>(T);

impl<T: fmt::Display> Serialize for AsText<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Writes an event as a line of the contract.
///
/// # Errors
/// Those of what it is written to.
pub fn line(out: &mut impl io::Write, stamped: &Stamped) -> io::Result<()> {
    write(out, &Line::new(stamped.wall, &stamped.event, None::<()>))
}

fn write(out: &mut impl io::Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Writes whole lines, for one reader that gets all of them.
#[derive(Debug)]
pub struct Writer {
    epoch: Epoch,
    told: ToldRows,
}

impl Writer {
    /// One whose times are counted from this one; any will do.
    pub fn new(from: Instant) -> Self {
        Self { epoch: Epoch::of(0, from), told: ToldRows::default() }
    }

    /// Writes a past as one line.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn past(&mut self, out: &mut impl io::Write, past: &Past, now: Instant) -> io::Result<()> {
        write(out, &past.line(self.epoch, now, |stamped| whole(stamped, self.epoch)))
    }

    /// Writes an event as a whole line. The cells of a matrix, which follow from its rows, are left out: of a thousand nodes
    /// there are a million.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn line(&mut self, out: &mut impl io::Write, stamped: &Stamped) -> io::Result<()> {
        let more = Some(More::of(stamped, self.epoch, &mut self.told));
        match &stamped.event {
            Event::Matrix(view) => {
                let event = Rows { event: "matrix", nodes: &view.nodes, cells: [], findings: &view.findings };
                write(out, &Line::new(stamped.wall, event, more))
            }
            event => write(out, &Line::new(stamped.wall, event, more)),
        }
    }
}

/// An event that is no matrix as what is written of a whole line.
fn whole(stamped: &Stamped, epoch: Epoch) -> impl Serialize + use<> {
    let more = More::of(stamped, epoch, &mut ToldRows::default());
    Line::new(stamped.wall, stamped.event.clone(), Some(more))
}

/// A matrix without its cells.
#[derive(Serialize)]
struct Rows<'a> {
    event: &'static str,
    nodes: &'a [MatrixNode],
    cells: [(); 0],
    findings: &'a [std::sync::Arc<Finding>],
}
