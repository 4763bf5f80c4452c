//! A bar that runs out: how much of a wait is left.

use std::time::{Duration, Instant};

use ratatui::style::Style;

use crate::app::view::line_writer::LineWriter;

/// From an eighth of a cell to a whole one.
const EIGHTHS: [&str; 8] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Draws what is left of the time from `since` to `until`, in at most `width` columns.
pub(super) fn remaining(
    writer: &mut LineWriter<'_>,
    since: Instant,
    until: Instant,
    width: u16,
    style: Style,
) {
    let whole = until.saturating_duration_since(since).max(Duration::from_millis(1)).as_millis();
    let left = until.saturating_duration_since(writer.pen().now()).as_millis().min(whole);
    let eighths = usize::try_from(left * u128::from(width) * 8 / whole).unwrap_or(0);
    for _ in 0..eighths / 8 {
        writer.sign(EIGHTHS[7], style);
    }
    if !eighths.is_multiple_of(8) {
        writer.sign(EIGHTHS[eighths % 8 - 1], style);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;
    use crate::app::appearance::{Appearance, Theme};
    use crate::app::view::Canvas;

    #[test]
    fn a_bar_is_full_at_the_beginning_and_empty_at_the_end() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let t0 = Instant::now();
        let shown = |ms: u64| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
            let appearance = Appearance::new(Theme::PLAIN);
            let mut canvas = Canvas::new(&mut buf, &appearance, t0 + Duration::from_millis(ms));
            remaining(&mut canvas.stretch(0, 0, 6), t0, t0 + Duration::from_secs(2), 4, Style::new());
            buf.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        };
        assert_eq!(shown(0), "████");
        assert_eq!(shown(1_000), "██");
        assert_eq!(shown(1_250), "█▌");
        assert_eq!(shown(2_000), "");
        assert_eq!(shown(9_000), "");
    }
}
