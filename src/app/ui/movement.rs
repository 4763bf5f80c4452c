//! Movements in lists.

/// A movement in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// Half a page up.
    HalfPageUp,
    /// Half a page down.
    HalfPageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

impl Move {
    /// From a number of lines scrolled by; whoever draws cuts it to what there is.
    pub(in crate::app) fn scrolled(self, lines: u16) -> u16 {
        const PAGE: u16 = 10;
        match self {
            Self::Up => lines.saturating_sub(1),
            Self::Down => lines.saturating_add(1),
            Self::PageUp => lines.saturating_sub(PAGE),
            Self::PageDown => lines.saturating_add(PAGE),
            Self::HalfPageUp => lines.saturating_sub(PAGE / 2),
            Self::HalfPageDown => lines.saturating_add(PAGE / 2),
            Self::First => 0,
            Self::Last => u16::MAX,
        }
    }

    /// From a position among `len` lines, with pages of `page` lines.
    pub(in crate::app) fn from(self, at: usize, len: usize, page: usize) -> usize {
        let page = page.max(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at.saturating_add(1),
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at.saturating_add(page),
            Self::HalfPageUp => at.saturating_sub(page.div_ceil(2)),
            Self::HalfPageDown => at.saturating_add(page.div_ceil(2)),
            Self::First => 0,
            Self::Last => usize::MAX,
        };
        to.min(len.saturating_sub(1))
    }
}
