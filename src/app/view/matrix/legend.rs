//! Lines about the whole: what the signs mean and how many there are, what changed, what is not on the screen.

use ratatui::layout::Rect;

use super::scene::Scene;
use super::shape::MARK;
use super::words::{Grouped, ITSELF, change_words, words};
use crate::app::appearance::signs;
use crate::app::model::{Change, Mark, Tally};
use crate::app::view::canvas::Canvas;
use crate::text::{Age, Count, columns};

/// How many pairs are of which kind, by the signs that say so.
pub(super) fn totals(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>) {
    let theme = canvas.theme();
    let mut writer = canvas.line(area, 0);
    writer.skip(MARK.min(area.width));
    let all = scene.matrix.marks().all();
    for mark in Mark::ALL {
        let text = format!(" {} {}", Grouped(all.count(mark)), words(mark));
        if writer.room() < text.len() + 1 {
            return;
        }
        writer.sign(signs::mark(mark), theme.mark(mark)).styled(&text, theme.text());
        writer.skip(2);
    }
    if writer.room() > ITSELF.len() + " self".len() {
        writer.styled(ITSELF, theme.dim()).text(" self");
        writer.skip(2);
    }
    let how = "rows dial → columns";
    if writer.room() >= columns(how) {
        writer.styled(how, theme.dim());
        writer.skip(2);
    }
    if scene.view.left_out > 0 {
        writer.format(
            theme.warning(),
            format_args!("{} omitted for lack of room", Grouped(scene.view.left_out)),
        );
    }
}

/// What changed since the moment that it is compared with.
pub(super) fn changes(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>) {
    let theme = canvas.theme();
    let mut writer = canvas.line(area, 0);
    writer.skip(MARK.min(area.width));
    let Some(comparison) = scene.comparison else {
        writer.styled("No earlier snapshot yet: one is taken every minute.", theme.warning());
        return;
    };
    let ago = scene.now.saturating_duration_since(comparison.then);
    let oldest = scene.cursor.against().is_some_and(|wanted| ago < wanted);
    writer.styled("since ", theme.text());
    if let Some(wall) = scene.model.wall(comparison.then) {
        let (hour, minute, second) = writer.pen().appearance().time_of_day(wall);
        writer.format(theme.strong(), format_args!("{hour:02}:{minute:02}:{second:02}"));
        writer.styled(", ", theme.text());
    }
    writer.format(theme.text(), format_args!("{} ago", Age(ago)));
    writer.text(if oldest { ", the oldest snapshot: " } else { ": " });
    let all = comparison.changes.all();
    for change in Change::ALL.into_iter().filter(|change| all.count(*change) > 0) {
        writer.sign(signs::change(change), theme.change(change));
        writer.format(theme.text(), format_args!(" {} {}", Grouped(all.count(change)), change_words(change)));
        writer.skip(2);
    }
    if comparison.gone > 0 {
        writer.format(theme.text(), format_args!("{} gone", Count(comparison.gone, "node")));
    } else if all.total() == 0 {
        writer.text("nothing has changed");
    }
}

/// What is not on the screen: counted, so that nothing that fails is out of mind.
pub(super) fn hidden(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>, shown: Tally) {
    let theme = canvas.theme();
    let (rows, columns) = scene.cursor.hidden(scene.view);
    let rest = scene.matrix.marks().all() - shown;
    let mut writer = canvas.line(area, 0);
    writer.skip(MARK.min(area.width)).style(theme.text());
    let (row, column) = (Count(rows, "row"), Count(columns, "column"));
    match (rows, columns) {
        (rows, columns) if rows == columns => {
            writer.format(theme.text(), format_args!("+{}: ", Count(rows, "node")))
        }
        (_, 0) => writer.format(theme.text(), format_args!("+{row}: ")),
        (0, _) => writer.format(theme.text(), format_args!("+{column}: ")),
        _ => writer.format(theme.text(), format_args!("+{row}, +{column}: ")),
    };
    let failing = rest.count(Mark::Failing);
    let style = if failing > 0 { theme.mark(Mark::Failing) } else { theme.text() };
    writer
        .format(style, format_args!("{} of their {} pairs failing", Grouped(failing), Grouped(rest.total())));
    writer.format(theme.text(), format_args!(", {} unknown", Grouped(rest.unknown())));
}
