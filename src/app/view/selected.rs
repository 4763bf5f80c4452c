//! Two lines on the selected peer: what the table has no room for, and what to do about its failure.

use std::borrow::Cow;
use std::time::Instant;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::app::model::PeerRow;
use crate::app::peer_text::PeerText;
use crate::engine::cause::Detail;
use crate::text::{Age, columns, fit};
use crate::text::{Label, Measured};

/// Under the names of the table.
const INDENT: &str = "  ";

const SEPARATOR: &str = " · ";

/// Draws them.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, about: PeerText<'_>) {
    let PeerText { peer, now, .. } = about;
    let (theme, wrong) = (about.appearance.theme, wrong(about));
    let room = usize::from(area.width).saturating_sub(INDENT.len());
    let mut facts = facts(peer, now).into_iter().peekable();
    // What does not fit is left out whole; without a failure to tell, the second line takes it.
    for line in 0..if wrong.is_some() { 1 } else { 2 } {
        let mut spans = vec![Span::raw(INDENT)];
        let mut left = room;
        if line == 0 {
            let name = fit(&peer.info.name, left);
            left -= columns(&name);
            spans.push(Span::styled(name, theme.strong()));
        }
        while let Some(fact) = facts.next_if(|fact| columns(fact) + SEPARATOR.len() <= left) {
            if spans.len() > 1 {
                spans.push(Span::styled(SEPARATOR, theme.dim()));
                left = left.saturating_sub(columns(SEPARATOR));
            }
            left = left.saturating_sub(columns(&fact));
            spans.push(Span::styled(fact, theme.text()));
        }
        canvas.put_spans(area, line, &Line::from(spans));
    }
    if let Some(Wrong { label, meaning, detail, advice }) = wrong {
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        // The advice is the part to act on: it is not what a narrow screen cuts off.
        let forms = [
            format!("{label}: {meaning}{detail}; {advice}"),
            format!("{label}: {meaning}; {advice}"),
            format!("{label}: {advice}"),
        ];
        let text = forms.iter().find(|text| columns(text) <= room).unwrap_or(&forms[2]);
        canvas.put(area, 1, &format!("{INDENT}{text}"), theme.warning());
    }
}

/// What is wrong with a peer.
struct Wrong<'a> {
    label: Label,
    meaning: &'static str,
    detail: Option<&'a Detail>,
    advice: Cow<'a, str>,
}

/// What the diagnosis has found, else why it is not reached.
fn wrong(about: PeerText<'_>) -> Option<Wrong<'_>> {
    if let Some(finding) = about.finding() {
        let (label, meaning) = (finding.verdict.label(), finding.verdict.description());
        let advice = finding.advice.to_string().into();
        return Some(Wrong { label, meaning, detail: None, advice });
    }
    let (reason, detail) = (about.peer.reason()?, about.peer.detail.as_deref());
    Some(Wrong {
        label: reason.label(),
        meaning: reason.description(),
        detail,
        advice: reason.advice().into(),
    })
}

/// What there is to tell, the most needed first.
fn facts(peer: &PeerRow, now: Instant) -> Vec<String> {
    let mut facts = vec![
        match now.saturating_duration_since(peer.since()) {
            short if short.as_secs() == 0 => peer.state.as_str().to_owned(),
            long => format!("{} for {}", peer.state.as_str(), Age(long)),
        },
        peer.info.place().to_string(),
    ];
    if let Some(heard) = peer.last_heard() {
        let ago = now.saturating_duration_since(heard);
        let just = ago.as_secs() == 0;
        facts.push(if just { "heard just now".into() } else { format!("heard {} ago", Age(ago)) });
    }
    if let (Some(connect), Some(rtt)) = (peer.connect, peer.rtt) {
        facts.push(format!("connect {}, round trip {}", Measured(connect.into()), Measured(rtt.into())));
    }
    match peer.history.loss() {
        Some(0.0) => facts.push("no failed attempts".into()),
        Some(loss) => {
            facts.push(format!("{:.0} % of attempts failed", f64::from(loss.clamp(0.0, 1.0)) * 100.0));
        }
        None => {}
    }
    if let Some(via) = peer.via {
        facts.push(via.description().into());
    }
    if let Some(interface) = &peer.interface {
        facts.push(format!("on {interface}"));
    }
    facts
}
