//! The commands that go on and print each change: `list --watch` and `check --watch`.

use std::cell::RefCell;
use std::time::Duration;

use super::args::NodeArgs;
use super::changes::{Current, Told, follow};
use super::control::{self, Request, Source};
use super::error::CliError;
use super::output::Reader;
use super::runtime;
use super::visitor::{self, Printout, VisitorSession};

/// How long a command watches, and in which form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watching {
    /// Join the network, even if a node runs here.
    pub(super) visit: bool,
    /// Whole documents, in place of the lines that are new.
    pub(super) json: bool,
    /// Until a signal comes, or for so long.
    pub(super) length: Option<Duration>,
}

/// Prints every change until a signal comes or the time is over. Returns the exit code of the last answer.
pub(super) fn watch(
    node: &NodeArgs,
    how: Watching,
    question: &Request,
    current: &impl AsyncFn(&mut VisitorSession, Source) -> Result<Current, CliError>,
) -> Result<u8, CliError> {
    let told = RefCell::new(Told::nothing(how.json));
    let code = || told.borrow().code;
    if control::watch(node, how.visit, how.length, question, |printout| told.borrow_mut().print(printout))?
        .is_some()
    {
        return Ok(code());
    }
    visitor::run_or(node, code, async |session| {
        session.wait(question.wait()).await?;
        let print = async |printout| match told.borrow_mut().print(printout)? {
            Reader::There => Ok(()),
            // Whoever closed our stdout gets the exit code.
            Reader::Gone => Err(CliError::Other(anyhow::anyhow!("nobody reads the answers"))),
        };
        let following = follow(session, async |session| current(session, Source::Visit).await, print);
        tokio::select! {
            ended = following => ended.map(|never| match never {}),
            () = runtime::over(how.length) => Ok(()),
        }?;
        Ok(Printout { code: code(), out: String::new(), hint: None })
    })
}
