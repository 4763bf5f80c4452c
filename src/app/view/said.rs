//! What the journal says of a moment, in words.

use std::borrow::Cow;

use crate::app::model::{JournalEntry, What};
use crate::app::peer_text::PeerText;
use crate::app::view::line_writer::LineWriter;
use crate::engine::verdict::Verdict;
use crate::text::columns;

/// Writes an entry as a sentence. Whom it is about is told by name alone: the address is in the table.
pub(super) fn write(writer: &mut LineWriter<'_>, entry: &JournalEntry, dimmed: bool) {
    let theme = writer.theme();
    let style = if dimmed { theme.dim() } else { theme.text() };
    writer.style(style);
    if let Some(peer) = &entry.peer {
        writer.text(&peer.name).text(": ");
    }
    match &entry.what {
        What::State { from, to } => {
            let told = if dimmed { style } else { theme.state(*to) };
            writer.text(from.as_str()).text(" → ").styled(to.as_str(), told);
        }
        _ => _ = writer.format(style, format_args!("{}", PeerText::happened(entry))),
    }
    // Half a sentence says less than the word alone, and an advice that is cut is none.
    let more = match &entry.what {
        What::GaveUp { cause, .. } => Cow::Borrowed(cause.description()),
        What::Diagnosed { finding } if finding.verdict != Verdict::Ok => {
            Cow::Owned(finding.advice.to_string())
        }
        _ => return,
    };
    if columns(&more) + 2 <= writer.room() {
        writer.text("; ").text(&more);
    }
}
