//! A peer's last attempts as one line: bars for round trips, crosses for failures.

use crate::app::model::{History, Sample};
use crate::app::view::line_writer::LineWriter;

/// From an eighth of a line's height to all of it.
pub(super) const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Stands for a failed attempt: told from a bar without colours.
const CROSS: &str = "×";

/// Writes the newest attempts that fit, the newest on the right; bars are relative to the longest of them, from zero.
pub(super) fn write(writer: &mut LineWriter<'_>, history: &History, width: u16, dimmed: bool) {
    let (theme, width) = (writer.theme(), usize::from(width));
    let longest = history.last(width).filter_map(microseconds).max().unwrap_or(0).max(1);
    let (good, bad) = if dimmed { (theme.dim(), theme.dim()) } else { (theme.good(), theme.bad()) };
    writer.signs(history.last(width).map(|sample| match microseconds(sample) {
        Some(us) => (bar(us, longest), good),
        None => (CROSS, bad),
    }));
}

fn microseconds(sample: Sample) -> Option<u32> {
    match sample {
        Sample::Answered(us) => Some(us),
        Sample::Failed(_) => None,
    }
}

fn bar(us: u32, longest: u32) -> &'static str {
    let level = u64::from(us) * (BARS.len() as u64 - 1) / u64::from(longest);
    BARS[usize::try_from(level).unwrap_or(0).min(BARS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_from_zero_to_the_longest_and_never_leave_the_scale() {
        assert_eq!(bar(0, 1), "▁");
        assert_eq!(bar(500, 1_000), "▄");
        assert_eq!(bar(u32::MAX - 1, u32::MAX - 1), "█");
    }
}
