//! What is wrong, one incident a line: above the peers and above the matrix.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::view::line_writer::LineWriter;
use crate::engine::verdict::{Confidence, Finding};
use crate::text::columns;

/// Most lines: more are in the matrix's own strip, the export and the details of their peers.
const MOST: u16 = 5;

/// A line of findings for as many lines of what stands below them.
const SHARE: u16 = 4;

/// Below this height nothing is given away.
const LEAST: u16 = 6;

/// Lines that so many findings want.
pub(super) fn wanted(findings: usize) -> usize {
    findings.min(MOST.into())
}

/// Lines that so many findings take of an area of this height: a quarter of it at most.
pub(super) fn lines(findings: usize, height: u16) -> u16 {
    let most = if height < LEAST { 0 } else { height.div_ceil(SHARE).min(MOST) };
    u16::try_from(findings).unwrap_or(u16::MAX).min(most)
}

/// Draws as many as there are lines; the last line says how many there are beyond.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, findings: &[Arc<Finding>]) {
    let shown = usize::from(area.height);
    for (line, (nth, finding)) in (0..area.height).zip(findings.iter().enumerate()) {
        let mut writer = canvas.line(area, line);
        let more = findings.len() - nth - 1;
        if nth + 1 == shown && more > 0 {
            let text = format!(" +{more} more");
            let width = u16::try_from(text.len()).unwrap_or(0);
            let rest = area.width.saturating_sub(width);
            write(&mut writer.part(rest), finding);
            let style = writer.theme().warning();
            writer.skip(rest).styled(&text, style);
        } else {
            write(&mut writer, finding);
        }
    }
}

/// Writes one: the sign, by how sure it is, whom it is about and what is wrong, which paths fail, what to do. The advice is the part to act
/// on: it is not what a narrow screen cuts off first.
pub(super) fn write(writer: &mut LineWriter<'_>, finding: &Finding) {
    let theme = writer.theme();
    let (sign, style) = match finding.confidence {
        Confidence::Certain => ("! ", theme.alarm_text()),
        Confidence::Likely => ("? ", theme.warning()),
    };
    let likely = if finding.is_likely() { "likely " } else { "" };
    writer.styled(sign, style);
    let headline = finding.headline();
    let word = format!("{}: {likely}{}", finding.subject(), finding.verdict.label());
    let (paths, advice) = (finding.paths(), finding.advice.to_string());
    let room = writer.room();
    let forms = [(&headline, &paths), (&headline, &None), (&word, &paths), (&word, &None)];
    let width = |(head, paths): &(&String, &Option<String>)| {
        columns(head) + paths.as_ref().map_or(0, |paths| columns(paths) + 3) + columns(&advice) + 3
    };
    let (head, paths) = forms.into_iter().find(|form| width(form) <= room).unwrap_or((&word, &None));
    writer.styled(head, theme.strong());
    if let Some(paths) = paths {
        writer.styled(" — ", theme.dim()).styled(paths, theme.text());
    }
    writer.styled(" — ", theme.dim()).styled(&advice, theme.warning());
}
