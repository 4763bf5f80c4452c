//! What is known of a peer as plain text, to be sent to whoever can mend it: what `y` copies.

use std::fmt;

use crate::app::model::{HISTORY, Stats};
use crate::app::peer_text::{PeerText, figures};
use crate::text::is_printable;

/// Attempts and changes that it lists.
const LISTED: usize = 10;

/// Writes it.
pub(in crate::app) fn of(about: PeerText<'_>) -> String {
    let mut report = Report::default();
    who(&mut report, about);
    now(&mut report, about);
    lately(&mut report, about);
    report.0
}

/// Lines without control characters, whatever a peer calls itself: they may be pasted into a shell.
#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, text: fmt::Arguments<'_>) {
        self.0.extend(text.to_string().chars().filter(|c| is_printable(*c)));
        self.0.push('\n');
    }

    fn fact(&mut self, label: &str, text: impl fmt::Display) {
        self.line(format_args!("{label:<9}{text}"));
    }
}

/// About whom it is, by whom, and when.
fn who(report: &mut Report, about: PeerText<'_>) {
    let by = about.model.node().map(|node| format!(" as {} sees it", node.name)).unwrap_or_default();
    let at = about.wall().map(|wall| format!(", {}", about.appearance.date(wall))).unwrap_or_default();
    report.line(format_args!("{}{by}{at}", about.peer.info));
}

/// How it is, and what is known of it.
fn now(report: &mut Report, about: PeerText<'_>) {
    let peer = about.peer;
    report.fact("state", format_args!("{} {}", peer.state.as_str(), about.lasting()));
    about.verdict().into_iter().for_each(|verdict| report.fact("verdict", verdict));
    about.evidence().for_each(|seen| report.fact("seen", seen));
    about.why().into_iter().for_each(|why| report.fact("why", why));
    about.advice().into_iter().for_each(|advice| report.fact("try", advice));
    peer.detail.iter().for_each(|detail| report.fact("said", detail));
    about.paths().into_iter().for_each(|paths| report.fact("paths", paths));
    report.fact("address", about.address());
    report.fact("reached", about.reached());
    report.fact("heard", about.heard());
    about.other_addresses().for_each(|other| report.fact("also at", other));
    about.claimed().into_iter().for_each(|claimed| report.fact("claims", claimed));
    let stats = Stats::of(&peer.history, HISTORY);
    report.fact("dials", about.dials(&stats));
    figures(&stats).for_each(|(name, time)| report.fact(name, time));
    peer.info.id.into_iter().for_each(|id| report.fact("id", id));
    about.life().into_iter().for_each(|life| report.fact("life", life));
    report.fact("found", about.found());
}

/// What happened to it, the newest first.
fn lately(report: &mut Report, about: PeerText<'_>) {
    let key = about.peer.info.key;
    let mut changes = about.model.journal().of_peer(key).take(LISTED).peekable();
    if changes.peek().is_some() {
        report.line(format_args!(""));
        report.line(format_args!("last changes"));
    }
    for (_, entry) in changes {
        report.line(format_args!("{}  {}", about.moment(entry.wall), PeerText::happened(entry)));
    }
    let mut attempts = about.model.attempts().of_peer(key).take(LISTED).peekable();
    if attempts.peek().is_some() {
        report.line(format_args!(""));
        report.line(format_args!("last attempts"));
    }
    for (_, attempt) in attempts {
        let of = if attempt.max > 0 { format!("/{}", attempt.max) } else { String::new() };
        let hand = if attempt.forced { ", manually" } else { "" };
        let (when, went) = (about.moment(attempt.wall), PeerText::went(&attempt.outcome));
        report.line(format_args!("{when}  {}{of}  {went}{hand}", attempt.attempt));
    }
}
