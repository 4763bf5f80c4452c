//! What the doctor says of this machine, as the screen tells it: who runs the app examines.

use std::sync::Arc;
use std::time::Instant;

/// How far an examination is.
#[derive(Debug, Clone, Default)]
pub enum Checkup {
    /// Nobody asked for one.
    #[default]
    Unasked,
    /// It goes on: what is done now.
    Runs(&'static str),
    /// It is over.
    Done(Arc<Examination>),
    /// It could not be done; why.
    Failed(String),
}

/// What an examination brought.
#[derive(Debug, Clone)]
pub struct Examination {
    /// When it was over.
    pub at: Instant,
    /// What was examined, in the order in which a packet depends on it.
    pub checks: Vec<Check>,
    /// What is to be said, the worst first.
    pub remarks: Vec<Remark>,
}

/// One thing that was examined.
#[derive(Debug, Clone)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it went.
    pub grade: Grade,
    /// What was seen.
    pub saw: String,
}

/// Something that the person should know of the machine.
#[derive(Debug, Clone)]
pub struct Remark {
    /// How bad it is.
    pub grade: Grade,
    /// In one line.
    pub what: String,
    /// What was read or tried, and where.
    pub evidence: String,
    /// What fixes it.
    pub fix: String,
}

/// How something went, or how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Nothing is wrong.
    Fine,
    /// Good to know, and nothing is wrong; or this system does not tell.
    Note,
    /// It can go wrong, or does for some.
    Warning,
    /// Vigie cannot do its work.
    Error,
}

impl Checkup {
    /// What is to be said of the machine; nothing before an examination is over.
    pub fn remarks(&self) -> &[Remark] {
        match self {
            Self::Done(examination) => &examination.remarks,
            _ => &[],
        }
    }
}
