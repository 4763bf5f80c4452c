//! The cells of an emulated terminal, as the app draws them: so both make the same pictures.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use vt100::Screen;

/// The whole screen.
pub(crate) fn buffer(screen: &Screen) -> Buffer {
    let (rows, cols) = screen.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, cols.get(), rows.get()));
    for (y, x) in (0..rows.get()).flat_map(|y| (0..cols.get()).map(move |x| (y, x))) {
        let Some(cell) = screen.cell(y, x) else { continue };
        if let (true, Some(to)) = (cell.has_contents(), buffer.cell_mut((x, y))) {
            to.set_symbol(cell.contents());
        }
        let modifiers = [
            (cell.bold(), Modifier::BOLD),
            (cell.dim(), Modifier::DIM),
            (cell.underline(), Modifier::UNDERLINED),
            (cell.inverse(), Modifier::REVERSED),
        ];
        let set = modifiers.into_iter().filter(|(set, _)| *set).map(|(_, modifier)| modifier);
        let style = Style::new().fg(colour(cell.fgcolor())).bg(colour(cell.bgcolor()));
        buffer.set_style(Rect::new(x, y, 1, 1), style.add_modifier(set.collect::<Modifier>()));
    }
    buffer
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(i) => Color::Indexed(i),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
