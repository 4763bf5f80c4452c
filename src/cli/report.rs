//! `vigie report`: what went wrong in a recording, as Markdown.

use crate::app::export::report;

use super::args::{ReportArgs, ScreenArgs};
use super::complaint::complain;
use super::error::CliError;
use super::output;
use super::replay::Told;

pub(super) fn run(screen: &ScreenArgs, args: &ReportArgs) -> Result<u8, CliError> {
    let appearance = screen.appearance();
    // Where it ends is known only when it was read.
    let whole = Told::read(&args.file, |_| true)?;
    let span = (whole.span.0.wall, whole.span.1.wall);
    let [from, to] = [args.from, args.to].map(|when| when.map(|when| when.of(span, &appearance.zone)));
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(CliError::Usage("--from is later than --to".to_owned()));
    }
    if from.is_some_and(|from| from > span.1) || to.is_some_and(|to| to < span.0) {
        let [begin, end] = [span.0, span.1].map(humantime::format_rfc3339_seconds);
        return Err(CliError::Usage(format!(
            "the recording is from {begin} to {end}: choose a time within it"
        )));
    }
    if let Some(trouble) = &whole.trouble {
        complain(&format!("the recording ends early: {trouble}"));
    }
    let told = match to {
        Some(to) => Told::read(&args.file, |stamped| stamped.wall <= to)?,
        None => whole,
    };
    let (first, last) = (&told.span.0, &told.span.1);
    let from = from.map(|from| first.at + from.duration_since(first.wall).unwrap_or_default());
    output::print(&report::of(&told.model, &appearance, (from, last.at))).map(|_| 0)
}
