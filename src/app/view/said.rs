//! What the journal says of a moment, in words.

use super::columns::words;
use crate::app::model::{Entry, What};
use crate::app::view::line_writer::LineWriter;
use crate::engine::peers::LeaveReason;
use crate::engine::verdict::Verdict;
use crate::text::columns;

/// Writes an entry as a sentence. Whom it is about is told by name alone: the address is in the table.
pub(super) fn write(writer: &mut LineWriter<'_>, entry: &Entry, dimmed: bool) {
    let theme = writer.theme();
    let style = if dimmed { theme.dim() } else { theme.text() };
    writer.style(style);
    if let Some(peer) = &entry.peer {
        writer.text(&peer.name).text(" ");
    }
    match &entry.what {
        What::Discovered { via } => writer.text("discovered, ").text(via.description()),
        What::State { from, to } => {
            let told = if dimmed { style } else { theme.state(*to) };
            writer.text("is ").styled(to.as_str(), told).styled(", was ", style).text(from.as_str())
        }
        What::Restarted { .. } => writer.text("has restarted"),
        What::Moved { from } => match &entry.peer {
            Some(peer) => writer.format(style, format_args!("moved from {from} to {}", peer.addr)),
            None => writer,
        },
        What::Left { reason } => writer.text(match reason {
            LeaveReason::Goodbye => "said goodbye",
            LeaveReason::Forgotten => "was forgotten",
            LeaveReason::Expired => "was dropped from the table",
        }),
        What::GaveUp { attempts, cause } => {
            let s = if *attempts == 1 { "" } else { "s" };
            writer.format(style, format_args!("given up after {attempts} attempt{s}: "));
            words(writer, *cause);
            // Half a sentence says less than the word alone.
            let meaning = cause.description();
            if columns(meaning) + 2 <= writer.room() { writer.text(", ").text(meaning) } else { writer }
        }
        What::Diagnosed { finding } if finding.verdict == Verdict::Ok => writer.text("is well again"),
        What::Diagnosed { finding } => {
            writer.text("diagnosed: ").text(finding.verdict.description());
            // An advice that is cut is none.
            let advice = finding.advice.to_string();
            if columns(&advice) + 2 <= writer.room() { writer.text("; ").text(&advice) } else { writer }
        }
        What::InterfaceUp { interface: i } => {
            writer.format(style, format_args!("interface {} is up: {}/{}", i.name, i.addr, i.prefix))
        }
        What::InterfaceDown { interface: i } => {
            writer.format(style, format_args!("interface {} is gone: {}/{}", i.name, i.addr, i.prefix))
        }
        What::Lagged { missed } => {
            writer.format(style, format_args!("{missed} events missed: the reader is too slow"))
        }
    };
}
