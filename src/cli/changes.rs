//! Answers that are given again as they change: `list --watch` and `check --watch`.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::{CliError, exit};
use super::output::{self, Reader};
use super::visitor::{Printout, VisitorSession};

/// What happens together is told together.
const SETTLES: Duration = Duration::from_millis(100);
/// The longest time between two looks: no event tells what other nodes report, nor that time passes.
const LATEST: Duration = Duration::from_secs(1);

/// The answer as it is now.
#[derive(Debug)]
pub(super) struct Current {
    /// What makes it another one: its lines for people, without what changes all the while.
    pub(super) gist: String,
    /// What is printed.
    pub(super) printout: Printout,
}

/// Tells the answer now, and again whenever it is another one.
pub(super) async fn follow(
    session: &mut VisitorSession,
    mut current: impl AsyncFnMut(&mut VisitorSession) -> Result<Current, CliError>,
    mut tell: impl AsyncFnMut(Printout) -> Result<(), CliError>,
) -> Result<Infallible, CliError> {
    let mut last = None;
    loop {
        let Current { gist, printout } = current(session).await?;
        if last.as_ref() != Some(&gist) {
            last = Some(gist);
            tell(printout).await?;
        }
        session.wait_until(Instant::now() + LATEST, |_| true).await?;
        session.wait(SETTLES).await?;
    }
}

/// What was printed last.
#[derive(Debug)]
pub(super) struct Told {
    json: bool,
    lines: HashSet<String>,
    /// The exit code of the last answer.
    pub(super) code: u8,
}

impl Told {
    /// Nothing yet; with `json` whole documents are printed, in place of the lines that are new.
    pub(super) fn nothing(json: bool) -> Self {
        Self { json, lines: HashSet::new(), code: exit::NO }
    }

    /// Prints an answer: what is new of it, with the time.
    pub(super) fn print(&mut self, printout: Printout) -> Result<Reader, CliError> {
        let Printout { code, out, .. } = printout;
        self.code = code;
        if self.json {
            return output::print(&out);
        }
        #[expect(clippy::disallowed_methods, reason = "people are told when they see it")]
        let text = self.news(&out, SystemTime::now());
        output::print(&text)
    }

    fn news(&mut self, out: &str, now: SystemTime) -> String {
        let mut text = String::new();
        for line in out.lines().filter(|line| !self.lines.contains(*line)) {
            let _ = writeln!(text, "{}  {line}", humantime::format_rfc3339_seconds(now));
        }
        self.lines = out.lines().map(str::to_owned).collect();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_are_new_are_told_each_with_its_time() {
        let (mut told, at) = (Told::nothing(false), SystemTime::UNIX_EPOCH);
        assert_eq!(told.news("a up\nb up\n", at), "1970-01-01T00:00:00Z  a up\n1970-01-01T00:00:00Z  b up\n");
        assert_eq!(told.news("a silent\nb up\n", at), "1970-01-01T00:00:00Z  a silent\n");
        assert_eq!(told.news("b up\n", at), "");
        assert_eq!(told.news("a silent\nb up\n", at), "1970-01-01T00:00:00Z  a silent\n", "once more");
    }
}
