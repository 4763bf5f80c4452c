//! Two lines on the selected peer: what the table has no room for, and what to do about its failure.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::model::Peer;
use super::super::theme::Theme;
use super::put;
use super::text::age;
use crate::core::words::Measured;

/// Draws them.
pub(super) fn render(peer: &Peer, theme: Theme, area: Rect, buf: &mut Buffer, now: Instant) {
    put(area, 0, &first(peer, now), theme.dim(), buf);
    if let Some(cause) = peer.cause {
        let detail = peer.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let text =
            format!("{}: {}{detail}; {}", cause.word().replace('_', " "), cause.in_words(), cause.advice());
        let short = format!("{}: {}", cause.word().replace('_', " "), cause.advice());
        // The advice is the part to act on: it is not what a narrow screen cuts off.
        let fits = super::text::columns(&text) + 2 <= usize::from(area.width);
        put(area, 1, &format!("  {}", if fits { text } else { short }), theme.warning(), buf);
    }
}

fn first(peer: &Peer, now: Instant) -> String {
    let mut parts = vec![
        format!("  {} ({})", peer.info.name, peer.info.addr),
        match age(now.saturating_duration_since(peer.since)) {
            short if short == "now" => peer.state.word().to_owned(),
            long => format!("{} for {long}", peer.state.word()),
        },
    ];
    if let Some(heard) = peer.last_heard {
        let ago = age(now.saturating_duration_since(heard));
        parts.push(if ago == "now" { "heard just now".into() } else { format!("heard {ago} ago") });
    }
    if let (Some(connect), Some(rtt)) = (peer.connect, peer.rtt) {
        parts.push(format!("connect {}, round trip {}", Measured(connect), Measured(rtt)));
    }
    if let Some(loss) = peer.loss {
        parts.push(format!("{:.0} % of dials failed", f64::from(loss.clamp(0.0, 1.0)) * 100.0));
    }
    if let Some(via) = peer.via {
        parts.push(via.in_words().into());
    }
    if let Some(interface) = &peer.interface {
        parts.push(format!("on {interface}"));
    }
    parts.join(" · ")
}
