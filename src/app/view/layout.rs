//! Which pane is where, by rules with names.

use ratatui::layout::Rect;

use super::super::ui::Pane;

/// Below this width only the summary line is drawn.
const MIN_WIDTH: u16 = 20;

/// Below this height only the summary line is drawn.
const MIN_HEIGHT: u16 = 5;

/// From this height on the header has its second line, with this node's addresses.
const TWO_LINE_HEADER: u16 = 10;

/// From this many lines between header and footer on, the three panes are shown together.
const STACKED: u16 = 14;

/// From this width on, attempts and log stand side by side.
const SIDE_BY_SIDE: u16 = 160;

/// Fewest lines of a lower pane, with its title.
const MIN_LOWER: u16 = 4;

/// The table has these lines even for few peers: then the first ones to come move nothing.
const MIN_PEERS: u16 = 12;

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// One line, or two.
    pub(super) header: Rect,
    /// The peer table, if it is shown.
    pub(super) peers: Option<Rect>,
    /// The attempts, if they are shown.
    pub(super) attempts: Option<Rect>,
    /// The log, if it is shown.
    pub(super) log: Option<Rect>,
    /// The last line.
    pub(super) footer: Rect,
    /// Only the focused pane is shown, with the names of the others.
    pub(super) tabs: bool,
}

/// The places of a screen; none when it is too small for panes. The table of `peers` rows takes the lines that it
/// can fill, and attempts and log share what it leaves.
pub(super) fn places(area: Rect, focus: Pane, peers: usize) -> Option<Places> {
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        return None;
    }
    let [header, rest] = cut_top(area, if area.height < TWO_LINE_HEADER { 1 } else { 2 });
    let [body, footer] = cut_bottom(rest, 1);
    let mut places = Places { header, peers: None, attempts: None, log: None, footer, tabs: false };
    if body.height < STACKED {
        places.tabs = true;
        match focus {
            Pane::Peers => places.peers = Some(body),
            Pane::Attempts => places.attempts = Some(body),
            Pane::Log => places.log = Some(body),
        }
    } else if area.width >= SIDE_BY_SIDE {
        let least = (body.height / 3).max(MIN_LOWER);
        let [peers, lower] = cut_bottom(body, least.max(body.height.saturating_sub(wanted(peers))));
        let [attempts, log] = halves(lower);
        (places.peers, places.attempts, places.log) = (Some(peers), Some(attempts), Some(log));
    } else {
        let least = (body.height / 4).max(MIN_LOWER);
        let lower = (2 * least).max(body.height.saturating_sub(wanted(peers)));
        let [peers, lower] = cut_bottom(body, lower);
        let [attempts, log] = cut_bottom(lower, lower.height / 2);
        (places.peers, places.attempts, places.log) = (Some(peers), Some(attempts), Some(log));
    }
    Some(places)
}

/// Lines that the table of so many peers fills: with its title, its headings, a blank line and the details.
fn wanted(peers: usize) -> u16 {
    u16::try_from(peers).unwrap_or(u16::MAX).saturating_add(5).max(MIN_PEERS)
}

/// The top `lines` of an area, and the rest.
pub(super) fn cut_top(area: Rect, lines: u16) -> [Rect; 2] {
    let lines = lines.min(area.height);
    [
        Rect { height: lines, ..area },
        Rect { y: area.y.saturating_add(lines), height: area.height - lines, ..area },
    ]
}

/// The area without its bottom `lines`, and those.
pub(super) fn cut_bottom(area: Rect, lines: u16) -> [Rect; 2] {
    cut_top(area, area.height.saturating_sub(lines))
}

/// Left and right, with a column between them.
fn halves(area: Rect) -> [Rect; 2] {
    let left = area.width / 2;
    let right = (left + 1).min(area.width);
    [Rect { width: left, ..area }, Rect { x: area.x + right, width: area.width - right, ..area }]
}

/// A box of at most this size in the middle of an area.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_size_the_focused_pane_is_shown_and_nothing_overlaps_or_sticks_out() {
        for width in 1..220 {
            for height in 1..70 {
                let area = Rect::new(0, 0, width, height);
                for (focus, peers) in Pane::ALL.into_iter().zip([0, 15, 100_000]) {
                    let Some(places) = places(area, focus, peers) else {
                        assert!(width < MIN_WIDTH || height < MIN_HEIGHT);
                        continue;
                    };
                    let shown = [places.peers, places.attempts, places.log];
                    assert!(shown[focus as usize].is_some_and(|pane| pane.height >= 2));
                    let all: Vec<_> = [Some(places.header), Some(places.footer)]
                        .into_iter()
                        .chain(shown)
                        .flatten()
                        .collect();
                    for (i, one) in all.iter().enumerate() {
                        assert_eq!(one.intersection(area), *one);
                        assert!(all[..i].iter().all(|other| !one.intersects(*other)), "{width}×{height}");
                    }
                }
            }
        }
    }
}
