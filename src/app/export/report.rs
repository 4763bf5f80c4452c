//! What went wrong and when, as Markdown: for a ticket, or for whoever can mend it.

use std::fmt;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::app::appearance::Appearance;
use crate::app::model::{Incident, JournalEntry, Model, PeerRow};
use crate::app::peer_text::PeerText;
use crate::engine::peers::PeerState;
use crate::engine::verdict::Confidence;
use crate::text::{Age, Count, by_name, is_printable};

/// Lines of the history: more than that nobody reads in a ticket. Of a longer one the last are told.
const HISTORY: usize = 200;

/// Peers of the table at its end.
const PEERS: usize = 200;

/// Writes it: of a time that begins with what is known unless it is told, and ends now.
pub fn of(model: &Model, appearance: &Appearance, (from, to): (Option<Instant>, Instant)) -> String {
    let mut incidents = model.incidents();
    let begin = from.or_else(|| model.first_event()).unwrap_or(to).min(to);
    incidents.retain(|incident| incident.ended.is_none_or(|ended| ended >= begin));
    incidents.sort_by_key(|incident| incident.finding.since);
    let mut report = Report { model, appearance, begin, to, text: String::new() };
    report.head(&incidents);
    for (nth, incident) in incidents.iter().enumerate() {
        report.incident(nth + 1, incident);
    }
    report.history();
    report.peers();
    report.text
}

struct Report<'a> {
    model: &'a Model,
    appearance: &'a Appearance,
    begin: Instant,
    to: Instant,
    text: String,
}

impl Report<'_> {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Nothing is lost: a string takes it all.
        let _ = writeln!(self.text, "{line}");
    }

    fn head(&mut self, incidents: &[Incident]) {
        let node = self.model.node();
        let name = node.map_or("a node", |node| &node.name);
        self.line(format_args!("# What was wrong, as {} saw it\n", Escaped(name)));
        let (begin, end) = (self.date(self.begin), self.date(self.to));
        let lasts = Lasted(self.to.saturating_duration_since(self.begin));
        self.line(format_args!("- **When:** {begin} to {end} ({lasts})"));
        if let Some(node) = node {
            let (group, port) = (Escaped(&node.group), node.port);
            self.line(format_args!(
                "- **Seen by:** {} of group {group}, port {port}, vigie {}",
                Escaped(name),
                node.version
            ));
        }
        let states = PeerState::ALL.into_iter().map(|state| (self.model.count(state), state));
        let states: Vec<_> = states.filter(|(count, _)| *count > 0).collect();
        let states: Vec<_> =
            states.iter().map(|(count, state)| format!("{count} {}", state.as_str())).collect();
        let states = if states.is_empty() { String::new() } else { format!(": {}", states.join(", ")) };
        self.line(format_args!("- **Peers at the end:** {}{states}", self.model.len()));
        let open = incidents.iter().filter(|incident| incident.ended.is_none()).count();
        let still = if open > 0 { format!(", {open} of them still open") } else { String::new() };
        self.line(format_args!("- **Findings:** {}{still}", incidents.len()));
        if let Some(missed) = self.model.missed() {
            self.line(format_args!(
                "- **Not recorded:** {}, which came too fast",
                Count(missed.total, "event")
            ));
        }
        if incidents.is_empty() {
            self.line(format_args!("\nNothing was wrong, as far as this node knew."));
        }
    }

    fn incident(&mut self, nth: usize, Incident { finding, ended }: &Incident) {
        self.line(format_args!("\n## {nth}. {}\n", Escaped(&finding.headline())));
        let (since, until) = (finding.since, ended.unwrap_or(self.to));
        let (begun, lasted) = (self.date(since), Lasted(until.saturating_duration_since(since)));
        match ended {
            Some(ended) => {
                let over = self.date(*ended);
                self.line(format_args!("- **When:** {begun} to {over} ({lasted})"));
            }
            None => self.line(format_args!("- **When:** since {begun}, still open after {lasted}")),
        }
        let who = if finding.names.is_empty() {
            Escaped(&finding.peer.name).to_string()
        } else {
            finding.names.iter().map(|name| Escaped(name).to_string()).collect::<Vec<_>>().join(", ")
        };
        let paths = finding.paths().map(|paths| format!(" ({paths})")).unwrap_or_default();
        self.line(format_args!("- **Who:** {who}{paths}"));
        let sure = match finding.confidence {
            Confidence::Certain => "certain: nothing else explains all of this",
            Confidence::Likely => "likely: another cause fits this, too",
        };
        self.line(format_args!("- **Verdict:** `{}`, {sure}", finding.verdict.as_str()));
        self.line(format_args!("- **Evidence:**"));
        for seen in &finding.evidence {
            self.line(format_args!("  - {}", Escaped(&seen.to_string())));
        }
        let fix = finding.advice.to_string();
        if !fix.is_empty() {
            // Its commands stand between backquotes already.
            self.line(format_args!("- **Fix:** {}", OneLine(&fix)));
        }
    }

    fn history(&mut self) {
        let journal = self.model.journal();
        let entries = journal.newest().into_iter().flat_map(|newest| journal.back_from(newest));
        let within = entries.map(|(_, entry)| entry).skip_while(|entry| entry.at > self.to);
        let within: Vec<&JournalEntry> = within.take_while(|entry| entry.at >= self.begin).collect();
        if within.is_empty() {
            return;
        }
        self.line(format_args!("\n## What happened\n"));
        let untold = within.len().saturating_sub(HISTORY);
        let dropped = journal.dropped_until().is_some_and(|until| until >= self.begin);
        if untold > 0 || dropped {
            let more = if dropped { "More" } else { "So much more" };
            let count = if dropped { String::new() } else { format!(" ({})", Count(untold, "event")) };
            self.line(format_args!(
                "{more} happened before{count}: the last {} are listed.\n",
                within.len().min(HISTORY)
            ));
        }
        self.line(format_args!("| time | who | what |\n|---|---|---|"));
        for entry in within.iter().take(HISTORY).rev() {
            let who = entry.peer.as_ref().map_or("this node", |peer| &peer.name);
            let (hour, minute, second) = self.appearance.time_of_day(entry.wall);
            let what = PeerText::happened(entry).to_string();
            self.line(format_args!(
                "| {hour:02}:{minute:02}:{second:02} | {} | {} |",
                Escaped(who),
                Escaped(&what)
            ));
        }
    }

    fn peers(&mut self) {
        if self.model.is_empty() {
            return;
        }
        let mut rows: Vec<&PeerRow> = self.model.all().collect();
        rows.sort_by(|one, other| by_name(&one.info, &other.info));
        self.line(format_args!(
            "\n## Peers at the end\n\n| name | address | state | cause |\n|---|---|---|---|"
        ));
        for row in rows.iter().take(PEERS) {
            let cause = row.reason().filter(|_| row.state != PeerState::Up);
            let cause = cause.map(|reason| reason.label().to_string()).unwrap_or_default();
            let (name, addr) = (Escaped(&row.info.name), row.info.place());
            self.line(format_args!("| {name} | {addr} | {} | {cause} |", row.state.as_str()));
        }
        if let Some(more @ 1..) = rows.len().checked_sub(PEERS) {
            self.line(format_args!("\n{more} more are not listed."));
        }
    }

    fn date(&self, at: Instant) -> String {
        self.model.wall(at).map_or_else(|| "?".to_owned(), |wall| self.appearance.date(wall).to_string())
    }
}

/// How long something took.
struct Lasted(Duration);

impl fmt::Display for Lasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_secs() == 0 { f.write_str("less than a second") } else { Age(self.0).fmt(f) }
    }
}

/// A text of others in which nothing is Markdown: a name with a stroke ends no cell.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().filter(|c| is_printable(*c)) {
            if "\\`*_|<>[]#".contains(c) {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        Ok(())
    }
}

/// A text of ours, without what would end its line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().filter(|c| is_printable(*c)).try_for_each(|c| f.write_char(c))
    }
}
