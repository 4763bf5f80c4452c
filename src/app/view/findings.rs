//! What is wrong, one incident a line, and advice that does not fit there on lines of its own: above the peers and above the matrix.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::ui::FindingRow;
use crate::app::view::line_writer::LineWriter;
use crate::engine::verdict::{Confidence, Finding};
use crate::text::{columns, wrap};

/// Most lines: more are in the matrix's own strip, the export and the details of their peers.
const MOST: u16 = 5;

/// Columns before a line that goes on.
const INDENT: u16 = 4;

/// A line of findings for as many lines of what stands below them.
const SHARE: u16 = 4;

/// Below this height nothing is given away.
const LEAST: u16 = 6;

/// Lines that these findings want where a line has this width.
pub(super) fn wanted(findings: &[Arc<Finding>], width: u16) -> usize {
    let wanted: usize = findings.iter().map(|finding| 1 + own_lines(finding, width).len()).sum();
    wanted.min(MOST.into())
}

/// Lines of so many wanted ones that an area of this height gives: a quarter of it at most.
pub(super) fn lines(wanted: usize, height: u16) -> u16 {
    let most = if height < LEAST { 0 } else { height.div_ceil(SHARE).min(MOST) };
    u16::try_from(wanted).unwrap_or(u16::MAX).min(most)
}

/// Draws as many as there are lines, first one for each; the last line says how many there are beyond. What is left goes to commands that
/// do not fit behind their finding.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, findings: &[Arc<Finding>]) {
    let shown = usize::from(area.height);
    let mut spare = shown.saturating_sub(findings.len());
    let mut line = 0;
    let at = |line: u16| Rect { y: area.y + line, height: 1, ..area };
    for (nth, finding) in findings.iter().enumerate().take(shown) {
        let more = findings.len() - nth - 1;
        let own = own_lines(finding, area.width);
        let own = if own.len() <= spare { own } else { Vec::new() };
        spare -= own.len();
        let mut writer = canvas.line(area, line);
        if nth + 1 == shown && more > 0 {
            let text = format!(" +{more} more");
            let width = u16::try_from(text.len()).unwrap_or(0);
            let rest = area.width.saturating_sub(width);
            write(&mut writer.part(rest), finding);
            let style = writer.theme().warning();
            writer.skip(rest).styled(&text, style);
        } else if own.is_empty() {
            write(&mut writer, finding);
        } else {
            head(&mut writer, finding, &[&finding.headline(), &word(finding)]);
        }
        canvas.hit_map.findings.push((at(line), FindingRow::Network(finding.id)));
        line += 1;
        for text in own {
            canvas.hit_map.findings.push((at(line), FindingRow::Network(finding.id)));
            let mut writer = canvas.line(area, line);
            let style = writer.theme().warning();
            writer.skip(INDENT).styled(&text, style);
            line += 1;
        }
    }
}

/// The lines that the advice has for itself, because it would be cut behind the finding: its command first, if it has one.
fn own_lines(finding: &Finding, width: u16) -> Vec<String> {
    let (room, whole) = (usize::from(width), finding.advice.to_string());
    let shortest = 2 + columns(&word(finding)) + 3 + columns(&whole);
    let advice = finding.advice.command_first().unwrap_or(whole);
    if shortest <= room {
        return Vec::new();
    }
    wrap(&advice, room.saturating_sub(INDENT.into()), usize::from(MOST) - 1)
}

/// Writes one: the sign, by how sure it is, whom it is about and what is wrong, which paths fail, what to do. The advice is the part to act
/// on: it is not what a narrow screen cuts off first, and of it not the command.
pub(super) fn write(writer: &mut LineWriter<'_>, finding: &Finding) {
    let theme = writer.theme();
    let (headline, word) = (finding.headline(), word(finding));
    let (paths, advice) = (finding.paths(), finding.advice.to_string());
    let room = writer.room().saturating_sub(2);
    let forms = [(&headline, &paths), (&headline, &None), (&word, &paths), (&word, &None)];
    let width = |(head, paths): &(&String, &Option<String>)| {
        columns(head) + paths.as_ref().map_or(0, |paths| columns(paths) + 3) + columns(&advice) + 3
    };
    let fitting = forms.into_iter().find(|form| width(form) <= room);
    let (text, paths) = fitting.unwrap_or((&word, &None));
    head(writer, finding, &[text]);
    if let Some(paths) = paths {
        writer.styled(" — ", theme.dim()).styled(paths, theme.text());
    }
    let command_first = if fitting.is_none() { finding.advice.command_first() } else { None };
    writer.styled(" — ", theme.dim()).styled(&command_first.unwrap_or(advice), theme.warning());
}

/// Writes the sign of how sure it is.
pub(super) fn sign(writer: &mut LineWriter<'_>, finding: &Finding, dimmed: bool) {
    let theme = writer.theme();
    let (sign, style) = match finding.confidence {
        Confidence::Certain => ("! ", theme.alarm_text()),
        Confidence::Likely => ("? ", theme.warning()),
    };
    writer.styled(sign, if dimmed { theme.dim() } else { style });
}

/// Writes the sign, and the first of these texts that fits.
fn head(writer: &mut LineWriter<'_>, finding: &Finding, texts: &[&str]) {
    let theme = writer.theme();
    sign(writer, finding, false);
    let room = writer.room();
    let text = texts.iter().find(|text| columns(text) <= room).or(texts.last());
    writer.styled(text.unwrap_or(&""), theme.strong());
}

/// Whom it is about and what is wrong, in a word.
fn word(finding: &Finding) -> String {
    let likely = if finding.is_likely() { "likely " } else { "" };
    format!("{}: {likely}{}", finding.subject(), finding.verdict.label())
}
