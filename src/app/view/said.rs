//! What the journal says of a moment, in words.

use super::super::model::{Entry, What};
use super::super::theme::Theme;
use super::columns::words;
use super::field::Field;
use super::text::columns;
use crate::engine::peers::LeaveReason;
use crate::engine::verdict::Verdict;

/// Writes an entry as a sentence. Whom it is about is told by name alone: the address is in the table.
pub(super) fn write(field: &mut Field<'_>, entry: &Entry, theme: Theme, dimmed: bool) {
    let style = if dimmed { theme.dim() } else { theme.text() };
    field.style(style);
    if let Some(peer) = &entry.peer {
        field.text(&peer.name).text(" ");
    }
    match &entry.what {
        What::Discovered { via } => field.text("discovered, ").text(via.description()),
        What::State { from, to } => {
            let told = if dimmed { style } else { theme.state(*to) };
            field.text("is ").styled(to.as_str(), told).styled(", was ", style).text(from.as_str())
        }
        What::Restarted { .. } => field.text("has restarted"),
        What::Moved { from } => match &entry.peer {
            Some(peer) => field.format(style, format_args!("moved from {from} to {}", peer.addr)),
            None => field,
        },
        What::Left { reason } => field.text(match reason {
            LeaveReason::Goodbye => "said goodbye",
            LeaveReason::Forgotten => "was forgotten",
            LeaveReason::Expired => "was dropped from the table",
        }),
        What::GaveUp { attempts, cause } => {
            let s = if *attempts == 1 { "" } else { "s" };
            field.format(style, format_args!("given up after {attempts} attempt{s}: "));
            words(field, *cause);
            // Half a sentence says less than the word alone.
            let meaning = cause.description();
            if columns(meaning) + 2 <= field.room() { field.text(", ").text(meaning) } else { field }
        }
        What::Diagnosed { finding } if finding.verdict == Verdict::Ok => field.text("is well again"),
        What::Diagnosed { finding } => {
            field.text("diagnosed: ").text(finding.verdict.description());
            // An advice that is cut is none.
            let advice = finding.advice.to_string();
            if columns(&advice) + 2 <= field.room() { field.text("; ").text(&advice) } else { field }
        }
        What::InterfaceUp { interface: i } => {
            field.format(style, format_args!("interface {} is up: {}/{}", i.name, i.addr, i.prefix))
        }
        What::InterfaceDown { interface: i } => {
            field.format(style, format_args!("interface {} is gone: {}/{}", i.name, i.addr, i.prefix))
        }
        What::Lagged { missed } => {
            field.format(style, format_args!("{missed} events missed: the reader is too slow"))
        }
    };
}
