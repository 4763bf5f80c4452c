//! `vigie diff`: what changed between two recordings, each as it ends, or two documents of `vigie matrix --json`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;

use crate::text::{is_printable, natural_cmp};

use super::args::DiffArgs;
use super::complaint::complain;
use super::error::{CliError, exit};
use super::output;
use super::replay::Told;

/// Lines of each kind: of more, the rest is counted.
const LISTED: usize = 1_000;

pub(super) fn run(args: &DiffArgs) -> Result<u8, CliError> {
    let [before, after] = [Picture::of(&args.before)?, Picture::of(&args.after)?];
    let changes = before.changes(&after);
    output::print(&changes)?;
    Ok(if changes.is_empty() { 0 } else { exit::NO })
}

/// What is compared. Nodes are compared by their names: their ids are of a process.
#[derive(Debug, Default, PartialEq, Eq)]
struct Picture {
    /// Where each is, and in which state; no states of a matrix.
    nodes: BTreeMap<String, (String, String)>,
    /// UDP and TCP of each direction of each pair of which anything is known.
    pairs: BTreeMap<(String, String), [String; 2]>,
    findings: BTreeSet<String>,
}

/// The part of a matrix that is compared.
#[derive(Debug, Deserialize)]
struct Matrix {
    nodes: Vec<Node>,
    cells: Vec<Cell>,
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    name: String,
    addr: String,
}

#[derive(Debug, Deserialize)]
struct Cell {
    from: String,
    to: String,
    udp: String,
    tcp: String,
}

#[derive(Debug, Deserialize)]
struct Finding {
    verdict: String,
    #[serde(default)]
    names: Vec<String>,
}

/// What is not known of a direction.
const UNKNOWN: &str = "unknown";

impl Picture {
    fn of(path: &Path) -> Result<Self, CliError> {
        let file = File::open(path)
            .map_err(|error| CliError::Other(anyhow::anyhow!("cannot read {}: {error}", path.display())))?;
        // Only a document is all of one value, and only its first line is read of a recording.
        if let Ok(matrix) = serde_json::from_reader::<_, Matrix>(BufReader::new(file)) {
            let nodes = matrix.names().into_values().map(|(name, addr)| (name, (addr, String::new())));
            let mut picture = Self { nodes: nodes.collect(), ..Self::default() };
            picture.take(&matrix);
            return Ok(picture);
        }
        let told = Told::read(path, |_| true)?;
        if let Some(trouble) = &told.trouble {
            complain(&format!("the recording ends early: {trouble}"));
        }
        let mut picture = Self::default();
        let mut taken = HashMap::new();
        for row in told.model.all() {
            *taken.entry(&row.info.name).or_insert(0) += 1;
        }
        for row in told.model.all() {
            let (name, addr) = (&row.info.name, row.info.place().to_string());
            let is_shared = taken.get(name).is_some_and(|count| *count > 1);
            let name = if is_shared { format!("{name} ({addr})") } else { name.clone() };
            picture.nodes.insert(name, (addr, row.state.as_str().to_owned()));
        }
        if let Some(view) = told.model.matrix().latest() {
            let document = serde_json::to_value(&**view).and_then(serde_json::from_value::<Matrix>);
            picture.take(&document.map_err(anyhow::Error::from)?);
        }
        // What was told since the last matrix.
        let told = told.model.matrix().findings().iter();
        picture.findings =
            told.map(|finding| finding_line(finding.verdict.as_str(), &finding.names)).collect();
        Ok(picture)
    }

    fn take(&mut self, matrix: &Matrix) {
        let names = matrix.names();
        for Cell { from, to, udp, tcp } in &matrix.cells {
            let (Some((from, _)), Some((to, _))) = (names.get(from.as_str()), names.get(to.as_str())) else {
                continue;
            };
            self.pairs.insert((from.clone(), to.clone()), [udp.clone(), tcp.clone()]);
        }
        let findings = matrix.findings.iter();
        self.findings = findings.map(|finding| finding_line(&finding.verdict, &finding.names)).collect();
    }

    /// A line for each change, by kind; nothing if there is none.
    fn changes(&self, after: &Self) -> String {
        let mut text = String::new();
        list(&mut text, &self.peers(after));
        list(&mut text, &self.directions(after));
        let over = self.findings.difference(&after.findings).map(|finding| format!("- finding {finding}"));
        let new = after.findings.difference(&self.findings).map(|finding| format!("+ finding {finding}"));
        list(&mut text, &over.chain(new).collect::<Vec<_>>());
        text
    }

    fn peers(&self, after: &Self) -> Vec<String> {
        let mut names: Vec<_> = self.nodes.keys().chain(after.nodes.keys()).collect();
        names.sort_by(|one, other| natural_cmp(one, other));
        names.dedup();
        let mut lines = Vec::new();
        for name in names {
            match (self.nodes.get(name), after.nodes.get(name)) {
                (Some((addr, state)), None) => lines.push(format!("- peer {name} {addr} {state}")),
                (None, Some((addr, state))) => lines.push(format!("+ peer {name} {addr} {state}")),
                (Some((addr, state)), Some((now, is))) => {
                    if addr != now {
                        lines.push(format!("~ peer {name} address {addr} → {now}"));
                    }
                    if state != is && !state.is_empty() && !is.is_empty() {
                        lines.push(format!("~ peer {name} state {state} → {is}"));
                    }
                }
                (None, None) => {}
            }
        }
        lines
    }

    /// Of nodes that both know: that one came or went is told already.
    fn directions(&self, after: &Self) -> Vec<String> {
        let nodes = |picture: &Self| -> BTreeSet<String> {
            picture.pairs.keys().flat_map(|(from, to)| [from.clone(), to.clone()]).collect()
        };
        let (old, new) = (nodes(self), nodes(after));
        let pairs: BTreeSet<_> = self.pairs.keys().chain(after.pairs.keys()).collect();
        let known = |pair: &&&(String, String)| {
            [&pair.0, &pair.1].into_iter().all(|node| old.contains(node) && new.contains(node))
        };
        let mut lines = Vec::new();
        for pair in pairs.iter().filter(known) {
            let unknown = [UNKNOWN.to_owned(), UNKNOWN.to_owned()];
            let [one, other] = [self, after].map(|picture| picture.pairs.get(*pair).unwrap_or(&unknown));
            for (path, (was, is)) in ["UDP", "TCP"].into_iter().zip(one.iter().zip(other)) {
                if was != is {
                    lines.push(format!("~ pair {} → {} {path} {was} → {is}", pair.0, pair.1));
                }
            }
        }
        lines
    }
}

impl Matrix {
    /// The name and the address of each id; those that share a name are told apart by their addresses.
    fn names(&self) -> HashMap<&str, (String, String)> {
        let mut taken = HashMap::new();
        for node in &self.nodes {
            *taken.entry(&node.name).or_insert(0) += 1;
        }
        let name = |node: &Node| match taken.get(&node.name) {
            Some(2..) => format!("{} ({})", node.name, node.addr),
            _ => node.name.clone(),
        };
        self.nodes.iter().map(|node| (node.id.as_str(), (name(node), node.addr.clone()))).collect()
    }
}

fn finding_line(verdict: &str, names: &[String]) -> String {
    format!("{verdict}: {}", names.join(", "))
}

fn list(text: &mut String, lines: &[String]) {
    for line in lines.iter().take(LISTED) {
        // What others call themselves steers no terminal.
        text.extend(line.trim_end().chars().filter(|c| is_printable(*c)));
        text.push('\n');
    }
    if let Some(more @ 1..) = lines.len().checked_sub(LISTED) {
        let _ = writeln!(text, "… and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(nodes: &str, tcp: &str, findings: &str) -> Picture {
        let text = format!(
            r#"{{"v":1,"nodes":[{{"id":"1","name":"h1","addr":"10.0.0.1:1"}},{nodes}],
            "cells":[{{"from":"1","to":"2","udp":"ok","tcp":"{tcp}","rtt_us":{},"age_ms":3}}],
            "findings":[{findings}]}}"#,
            text_length(tcp),
        );
        let matrix: Matrix = serde_json::from_str(&text).unwrap();
        let names = matrix.names();
        let nodes = names.into_values().map(|(name, addr)| (name, (addr, String::new()))).collect();
        let mut picture = Picture { nodes, ..Picture::default() };
        picture.take(&matrix);
        picture
    }

    /// A round trip that is another one each time: it is no change.
    fn text_length(tcp: &str) -> usize {
        tcp.len()
    }

    #[test]
    fn what_changed_between_two_matrices_is_a_line_each_and_figures_are_no_change() {
        let h2 = r#"{"id":"2","name":"h2","addr":"10.0.0.2:1"}"#;
        let h3 = r#"{"id":"3","name":"h3","addr":"10.0.0.3:1"}"#;
        let drops = r#"{"verdict":"firewall_drop","names":["h2"]}"#;
        let before = matrix(h2, "ok", "");
        assert_eq!(before.changes(&matrix(h2, "ok", "")), "");
        let after = matrix(&format!("{h2},{h3}"), "failing", drops);
        let expected = "+ peer h3 10.0.0.3:1\n~ pair h1 → h2 TCP ok → failing\n+ finding firewall_drop: h2\n";
        assert_eq!(before.changes(&after), expected);
        let back = "- peer h3 10.0.0.3:1\n~ pair h1 → h2 TCP failing → ok\n- finding firewall_drop: h2\n";
        assert_eq!(after.changes(&before), back);
    }
}
