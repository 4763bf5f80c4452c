//! `vigie doctor`: examines this machine and prints what is wrong with it. The [doctor](crate::doctor) concludes; this file
//! asks it and prints.

mod inside;
mod machine;
mod page;

use std::io::{self, Write as _};

use crate::doctor::{MachineFacts, MachineReport, examine};

use super::args::{DoctorArgs, NodeArgs, ScreenArgs};
use super::error::{CliError, exit};
use super::{log, output, runtime, signals};

pub(super) use inside::Examiner;
use page::CheckSigns;

pub(super) fn run(node: &NodeArgs, screen: &ScreenArgs, args: &DoctorArgs) -> Result<u8, CliError> {
    let _log = log::to_stderr(node)?;
    let runtime = runtime::current_thread()?;
    let (looked, seen) = tokio::sync::oneshot::channel();
    let for_looking = node.clone();
    let thread = std::thread::Builder::new().name("vigie-doctor".into());
    // After an interrupt nobody waits for it.
    let looking = thread.spawn(move || drop(looked.send(machine::look_at(&for_looking, None, |_| ()))));
    looking.map_err(anyhow::Error::from)?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    runtime.block_on(async {
        tokio::select! {
            () = signals.first() => Ok(exit::INTERRUPTED),
            seen = seen => {
                let fault = "the examination failed; this is a bug in vigie, please report it";
                let facts = seen.map_err(|_| anyhow::anyhow!(fault))?;
                let facts = facts
                    .map_err(|error| anyhow::anyhow!("cannot read this machine's interfaces: {error}"))?;
                let report = examine(&facts);
                output::written(print(&facts, &report, args.json, CheckSigns::of(screen.is_ascii())))?;
                Ok(if report.ok { 0 } else { exit::NO })
            }
        }
    })
}

fn print(facts: &MachineFacts, report: &MachineReport, json: bool, signs: CheckSigns) -> io::Result<()> {
    let mut out = output::answers();
    if json {
        serde_json::to_writer(&mut out, report)?;
        out.write_all(b"\n")?;
    } else {
        page::write(&mut out, facts, report, signs)?;
    }
    out.flush()
}
