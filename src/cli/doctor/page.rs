//! The report for people: the interfaces, the checks, the findings, within 100 columns.

use std::io::{self, Write};

use crate::doctor::{
    CheckResult, LinkState, MachineFacts, MachineFinding, MachineLink, MachineReport, Severity,
};
use crate::engine::interface::InterfaceKind;
use crate::text::{columns, fit, plain};

/// Longest line, in columns.
const COLUMNS: usize = 100;
/// Where the words of a finding stand.
const INDENT: &str = "      ";

/// Signs before checks and findings, by how bad they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckSigns {
    fine: char,
    info: char,
    unknown: char,
    warning: char,
    error: char,
}

impl CheckSigns {
    /// ASCII signs are for poor fonts.
    pub(super) fn of(ascii: bool) -> Self {
        let (fine, info, error) = if ascii { ('+', '-', 'x') } else { ('✓', '·', '✗') };
        Self { fine, info, unknown: '?', warning: '!', error }
    }

    fn of_result(self, result: CheckResult) -> char {
        match result {
            CheckResult::Fine => self.fine,
            CheckResult::Unknown => self.unknown,
            CheckResult::Warning => self.warning,
            CheckResult::Error => self.error,
        }
    }

    fn of_severity(self, severity: Severity) -> char {
        match severity {
            Severity::Info => self.info,
            Severity::Warning => self.warning,
            Severity::Error => self.error,
        }
    }
}

/// Writes the whole report.
pub(super) fn write(
    out: &mut impl Write,
    facts: &MachineFacts,
    report: &MachineReport,
    signs: CheckSigns,
) -> io::Result<()> {
    writeln!(out, "Interfaces")?;
    table(out, facts)?;
    writeln!(out, "\nChecks")?;
    for check in &report.checks {
        let sign = signs.of_result(check.result);
        hanging(out, &format!("  {sign} {:<13}", check.name), &check.saw)?;
    }
    if !report.findings.is_empty() {
        writeln!(out, "\nFindings")?;
    }
    for MachineFinding { severity, what, evidence, fix } in &report.findings {
        hanging(out, &format!("  {} ", signs.of_severity(*severity)), what)?;
        hanging(out, &format!("{INDENT}seen  "), evidence)?;
        let mut head = format!("{INDENT}fix   ");
        for command in fix.split(" && ") {
            hanging(out, &head, command)?;
            head = " ".repeat(columns(&head));
        }
    }
    writeln!(out, "\n{}", summary(report))
}

fn summary(report: &MachineReport) -> String {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let counted = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let bad: Vec<_> =
        [counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning")]
            .into_iter()
            .flatten()
            .collect();
    if bad.is_empty() { "This machine is fine.".to_owned() } else { bad.join(", ") + "." }
}

/// One row for each link: name, kind, addresses, state, packet size, and whether it is used.
fn table(out: &mut impl Write, facts: &MachineFacts) -> io::Result<()> {
    let rows: Vec<[String; 6]> = facts.links.iter().map(|link| row(facts, link)).collect();
    if rows.is_empty() {
        return writeln!(out, "  none");
    }
    let widths: [usize; 6] =
        std::array::from_fn(|i| rows.iter().map(|row| columns(&row[i])).max().unwrap_or_default());
    for row in &rows {
        let mut line = String::from("  ");
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat((width + 2).saturating_sub(columns(cell))));
        }
        writeln!(out, "{}", fit(line.trim_end(), COLUMNS))?;
    }
    Ok(())
}

fn row(facts: &MachineFacts, link: &MachineLink) -> [String; 6] {
    let kind = match link.kind {
        InterfaceKind::Lan => "LAN",
        InterfaceKind::Wifi => "Wi-Fi",
        InterfaceKind::Container => "container",
        InterfaceKind::Vpn => "VPN",
        InterfaceKind::Loopback => "loopback",
    };
    let addr = match (&link.v4[..], &link.v6[..]) {
        ([(addr, prefix)], _) => format!("{addr}/{prefix}"),
        ([(addr, prefix), more @ ..], _) => format!("{addr}/{prefix} +{}", more.len()),
        ([], [_, more @ ..]) => {
            let first = link.v6_addresses().swap_remove(0);
            if more.is_empty() { first } else { format!("{first} +{}", more.len()) }
        }
        ([], []) => "no address".to_owned(),
    };
    let state = match link.state {
        LinkState::Up => "up",
        LinkState::NoCarrier => "no carrier",
        LinkState::Down => "down",
        LinkState::NotRunning => "not running",
    };
    let mtu = link.mtu.map(|mtu| format!("mtu {mtu}")).unwrap_or_default();
    let used = if facts.uses(link) { "used" } else { "" };
    [plain(&link.name), kind.to_owned(), addr, state.to_owned(), mtu, used.to_owned()]
}

/// Whether a text is a command and nothing else: it is pasted, so it must stay one line.
fn is_command(words: &str) -> bool {
    ![", ", "; ", ": ", "? "].iter().any(|mark| words.contains(mark))
        && ["sudo ", "ip ", "nft ", "iptables ", "ufw ", "firewall-cmd "].iter().any(|c| words.starts_with(c))
}

/// Words behind a head, further lines below the words.
fn hanging(out: &mut impl Write, head: &str, words: &str) -> io::Result<()> {
    let indent = columns(head);
    let is_command = is_command(words);
    let mut line = head.to_owned();
    let mut empty = true;
    for word in words.split(' ') {
        if !empty && !is_command && columns(&line) + 1 + columns(word) > COLUMNS {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use crate::doctor::{InsertionPoint, Obstacle, Traffic, examine, healthy, obstacle};

    use super::*;

    fn text(facts: &MachineFacts, ascii: bool) -> String {
        let mut out = Vec::new();
        write(&mut out, facts, &examine(facts), CheckSigns::of(ascii)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_healthy_machine_fits_a_screen_and_says_so() {
        let text = text(&healthy(), false);
        assert!(text.ends_with("This machine is fine.\n"), "{text}");
        assert!(text.contains("eth0  LAN       192.168.1.20/24  up  mtu 1500   used"), "{text}");
        assert!(text.lines().count() <= 24 && text.lines().all(|line| columns(line) <= COLUMNS), "{text}");
    }

    #[test]
    fn a_command_stays_on_one_line_and_each_has_its_own() {
        let mut facts = healthy();
        let long = "a-table-with-a-very-long-name-that-somebody-gave-it";
        let insert_at =
            InsertionPoint::Nft { family: "inet".into(), table: long.into(), chain: "input".into() };
        facts.firewall.obstacles.push(Obstacle {
            stops: vec![Traffic::Unicast, Traffic::Tcp],
            insert_at,
            ..obstacle()
        });
        let text = text(&facts, false);
        for transport in ["udp", "tcp"] {
            let command = format!("sudo nft insert rule inet {long} input {transport} dport 17474 accept");
            assert!(text.lines().any(|line| line.ends_with(&command)), "{text}");
        }
    }

    #[test]
    fn in_ascii_there_is_nothing_else() {
        assert!(text(&healthy(), true).is_ascii());
    }

    #[test]
    fn names_of_the_system_cannot_steer_the_terminal() {
        let mut facts = healthy();
        let name = "e\u{1b}[2J\u{202e}";
        let mut link = MachineLink::new(name, LinkState::Down);
        link.add_address("10.9.9.1".parse().unwrap(), 24);
        facts.links.push(link);
        let text = text(&facts, false);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("switched off"), "{text}");
    }
}
