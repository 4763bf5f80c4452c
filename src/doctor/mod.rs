//! What this machine looks like and what is wrong with it.
//!
//! The facts are read at the edge: `read` asks the files and tools of the system, and is told what the caller's sockets
//! found. [`examine`] concludes from them and is pure. Nothing here prints, and nothing opens a socket.

mod facts;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only there can rules be read"))]
mod firewall;
mod read;
mod remedy;
mod report;
mod rules;
#[cfg(test)]
mod samples;
#[cfg_attr(target_os = "linux", path = "system/linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "system/elsewhere.rs")]
mod system;

pub use facts::{
    Direction, DoctorRequest, Firewall, InsertionPoint, IpVersion, LinkState, MachineFacts, MachineLink,
    Manager, Neighbours, Obstacle, Port, PortHolder, Program, System, Traffic, Transport, TrialFailure,
    TrialResult, TrialStep,
};
pub use read::{Observed, Trials, blocking_rules, holders, read};
pub use report::{CheckResult, MachineCheck, MachineFinding, MachineReport, Severity};
pub use rules::examine;
#[cfg(test)]
pub(crate) use samples::{healthy, obstacle};
