//! Which pane is where, by rules with names.

use ratatui::layout::Rect;

use crate::app::ui::{Border, Pane, Ui, View};

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

/// Lines that the matrix has beside its rows: title, findings, totals, heads, counts, and what both ends say of a pair. If it
/// does not fit above the other panes, it is shown alone: cut to a few rows, it shows no pattern.
const MATRIX_BESIDE: u16 = 16;

/// Up to this many lines, details, findings and timeline are shown alone: beside others, most of them would lie below the fold.
const WHOLE: u16 = 40;

/// Fewest lines of a lower pane, with its title.
const MIN_LOWER: u16 = 4;

/// Fewest lines of the main pane, with its title.
const MIN_MAIN: u16 = 4;

/// The table has these lines even for few peers: then the first ones to come move nothing.
const MIN_PEERS: u16 = 12;

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// One line, or two.
    pub(super) header: Rect,
    /// The panes that are shown.
    pub(super) panes: [Option<Rect>; Pane::ALL.len()],
    /// The last line.
    pub(super) footer: Rect,
    /// Only the focused pane is shown, with the names of the others.
    pub(super) tabs: bool,
    /// Lines that the main pane could be given of those it was to be given.
    pub(super) grown: i16,
    /// The same of the attempts, above the log and beside it.
    pub(super) split: i16,
    pub(super) side: i16,
}

impl Layout {
    /// What can be dragged: the titles of the panes below others, and the column between two of them.
    pub(super) fn borders(&self) -> Vec<(Rect, Border)> {
        let [Some(_), Some(attempts), Some(log)] = self.panes else { return Vec::new() };
        let title = |pane: Rect| Rect { height: 1, ..pane };
        if attempts.y == log.y {
            let between = Rect { x: attempts.right(), width: log.x - attempts.right(), ..attempts };
            let [top, between] = cut_top(between, 1);
            let main = Rect { width: top.right() - attempts.x, ..title(attempts) };
            return vec![(main, Border::Main), (title(log), Border::Main), (between, Border::Side)];
        }
        vec![(title(attempts), Border::Main), (title(log), Border::Lower)]
    }
}

/// The places of a screen; none when it is too small for panes.
///
/// - *Tabs*: a low screen, a zoomed pane, details, findings and timeline on most screens, and a matrix that needs it, show the focused pane alone.
/// - *Side by side*: a wide screen has attempts and log beside each other under the main pane, others stack the three.
/// - *As much as it can fill*: the table of `rows` rows, those of findings included, and that of the matrix take the lines that they need, and attempts and log share what it
///   leave; details and timeline take all but the least that the others need.
/// - *Grown*: lines that a person moves from one to the other, as far as each keeps its least.
pub(super) fn of(area: Rect, ui: &Ui, rows: usize) -> Option<Layout> {
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        return None;
    }
    let [header, rest] = cut_top(area, if area.height < TWO_LINE_HEADER { 1 } else { 2 });
    let [body, footer] = cut_bottom(rest, 1);
    let mut panes = [None; Pane::ALL.len()];
    let side_by_side = area.width >= SIDE_BY_SIDE;
    let fewest = if side_by_side { MIN_LOWER } else { 2 * MIN_LOWER };
    let least = match (ui.view, side_by_side) {
        (View::Matrix, _) => fewest,
        (_, true) => (body.height / 3).max(MIN_LOWER),
        (_, false) => 2 * (body.height / 4).max(MIN_LOWER),
    };
    let wanted = match ui.view {
        View::Peers => wanted(rows),
        View::Matrix => u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(MATRIX_BESIDE),
        View::Details | View::Compare | View::Timeline | View::Findings => u16::MAX,
    };
    let alone = match ui.view {
        View::Peers => false,
        View::Matrix => wanted > body.height.saturating_sub(least),
        View::Details | View::Compare | View::Timeline | View::Findings => area.height <= WHOLE,
    };
    let tabs = ui.zoomed || alone || body.height < STACKED;
    if tabs {
        panes[ui.focus as usize] = Some(body);
        return Some(Layout { header, panes, footer, tabs, grown: ui.grown, split: ui.split, side: ui.side });
    }
    let usual = least.max(body.height.saturating_sub(wanted));
    let lower = usual.saturating_add_signed(ui.grown.saturating_neg()).clamp(fewest, body.height - MIN_MAIN);
    let grown = i16::try_from(i32::from(usual) - i32::from(lower)).unwrap_or(0);
    let [main, lower] = cut_bottom(body, lower);
    let ([attempts, log], split, side) = if side_by_side {
        let (left, side) = moved(lower.width / 2, ui.side, (MIN_WIDTH, lower.width - 1 - MIN_WIDTH));
        let log = Rect { x: lower.x + left + 1, width: lower.width - left - 1, ..lower };
        ([Rect { width: left, ..lower }, log], ui.split, side)
    } else {
        let usual = lower.height - lower.height / 2;
        let (top, split) = moved(usual, ui.split, (MIN_LOWER, lower.height - MIN_LOWER));
        (cut_top(lower, top), split, ui.side)
    };
    panes = [Some(main), Some(attempts), Some(log)];
    Some(Layout { header, panes, footer, tabs, grown, split, side })
}

/// A size that a person has changed by so much, as far as it may: and by how much that is.
fn moved(usual: u16, by: i16, (least, most): (u16, u16)) -> (u16, i16) {
    let size = usual.saturating_add_signed(by).clamp(least.min(usual), most.max(usual));
    (size, i16::try_from(i32::from(size) - i32::from(usual)).unwrap_or(0))
}

/// Lines that the table of so many rows fills: with its title, its headings, a blank line and the details.
fn wanted(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(5).max(MIN_PEERS)
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
pub(super) fn halves(area: Rect) -> [Rect; 2] {
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
                for (nth, (focus, peers)) in Pane::ALL.into_iter().zip([0, 15, 100_000]).enumerate() {
                    let view = [
                        View::Peers,
                        View::Timeline,
                        View::Details,
                        View::Matrix,
                        View::Findings,
                        View::Compare,
                    ][usize::from(width) % 6];
                    let grown = [0, 200, -200][(nth + usize::from(height)) % 3];
                    let [split, side] = [[0, 90, -90], [-9, 200, 0]].map(|by| by[usize::from(width) % 3]);
                    let zoomed = width % 5 == 0;
                    let ui = Ui { focus, view, zoomed, grown, split, side, ..Ui::default() };
                    let Some(layout) = of(area, &ui, peers) else {
                        assert!(width < MIN_WIDTH || height < MIN_HEIGHT);
                        continue;
                    };
                    assert!(layout.panes[focus as usize].is_some_and(|pane| pane.height >= 2));
                    let all: Vec<_> = [Some(layout.header), Some(layout.footer)]
                        .into_iter()
                        .chain(layout.panes)
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
