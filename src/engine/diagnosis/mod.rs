//! The diagnosis: from what all nodes see of each other to what is wrong, with whom, and what to do.
//!
//! Everything here is data: the sentences that people read are made in `text`. In the order in which things pass:
//!
//! - `observation`: what one node sees of another by each path
//! - `network_view`: all observations at one moment; `foreign_nodes`: nodes that are no peers
//! - `loss_comparison`: whether packets are lost with one peer or with everybody
//! - `own_filter`: which rules of this machine's own packet filter stop vigie's packets
//! - `wires`: links of this machine in one network that are on two wires
//! - `witnesses`, `pair_evidence`, `rules`, `judge_pair`: one direction of one pair, from the evidence of both ends and of others
//!   to a verdict
//! - `blocked`: what fails because this machine's own packet filter stops it
//! - `patterns`: pairs that fail together are one `incident`: a column, a row, a block, or pairs here and there
//! - `explain`, `advise`: the `finding` of an incident, with its `evidence` and `advice`; `whom`: the nodes that these speak of
//! - `run`: all of that, once and in slices; `schedule`: when
//! - `subject`: whom a finding is about; `finding_tracker`: when it is published, and when it is withdrawn; `debounce`: how long
//!   that takes

pub mod advice;
mod advise;
mod blocked;
pub(crate) mod debounce;
pub mod evidence;
mod explain;
pub mod finding;
pub(crate) mod finding_tracker;
pub mod foreign_nodes;
pub mod grid;
mod incident;
mod judge_pair;
pub(crate) mod judging;
pub(crate) mod kept;
pub(crate) mod loss_comparison;
pub mod network_view;
pub mod observation;
pub(crate) mod own_filter;
mod pair_evidence;
mod patterns;
mod rules;
mod run;
pub(crate) mod schedule;
mod subject;
pub mod verdict;
mod whom;
pub(crate) mod wires;
mod witnesses;

pub use run::{Diagnosis, DiagnosisRun, OpenPairs, Progress};
