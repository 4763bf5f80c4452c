//! `vigie doctor`: examines this machine.
//!
//! [`read`] looks at the machine and tries its sockets, which gives [`facts`]; [`examine`](mod@examine) concludes from them, and touches
//! nothing; [`text`] writes that for people.

mod examine;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only there can all of it be read"))]
mod facts;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only there can rules be read"))]
mod firewall;
mod fix;
mod read;
#[cfg(test)]
mod samples;
#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod system;
mod text;

use std::io::{self, BufWriter, Write};

use super::args::{DoctorArgs, NodeArgs, ScreenArgs};
use super::{Refusal, exit, log, signals};

use examine::{Report, examine};
use facts::Facts;
use text::Signs;

pub(super) fn run(node: &NodeArgs, screen: &ScreenArgs, args: &DoctorArgs) -> Result<u8, Refusal> {
    let _log = log::to_stderr(node)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let (looked, seen) = tokio::sync::oneshot::channel();
    let for_looking = node.clone();
    let thread = std::thread::Builder::new().name("vigie-doctor".into());
    // After an interrupt nobody waits for it.
    let looking = thread.spawn(move || drop(looked.send(read::read(&for_looking))));
    looking.map_err(anyhow::Error::from)?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    runtime.block_on(async {
        tokio::select! {
            () = signals.first() => Ok(exit::INTERRUPTED),
            seen = seen => {
                let fault = "the examination has failed: this is a fault of vigie; please report it";
                let facts = seen.map_err(|_| anyhow::anyhow!(fault))?;
                let facts = facts
                    .map_err(|error| anyhow::anyhow!("cannot read this machine's interfaces: {error}"))?;
                let report = examine(&facts);
                // Who closed our stdout still gets the exit code.
                let _ = print(&facts, &report, args.json, Signs::of(screen.ascii));
                Ok(if report.ok { 0 } else { exit::NO })
            }
        }
    })
}

fn print(facts: &Facts, report: &Report, json: bool, signs: Signs) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if json {
        serde_json::to_writer(&mut out, report)?;
        out.write_all(b"\n")?;
    } else {
        text::write(&mut out, facts, report, signs)?;
    }
    out.flush()
}
