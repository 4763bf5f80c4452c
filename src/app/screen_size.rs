//! The size of the screen, also of a terminal that does not know its own.

use std::io;

use ratatui::layout::Rect;

/// What a terminal of unknown size is taken for.
const USUAL: (u16, u16) = (80, 24);

/// The size of the terminal. One that does not know it (a serial line, some containers) is as large as `COLUMNS` and `LINES` say,
/// or of the usual size.
pub(super) fn of_the_terminal() -> io::Result<Rect> {
    let told = crossterm::terminal::size()?;
    let (width, height) = known(told, |name| std::env::var(name).ok());
    Ok(Rect::new(0, 0, width, height))
}

fn known((width, height): (u16, u16), variable: impl Fn(&str) -> Option<String>) -> (u16, u16) {
    if width > 0 && height > 0 {
        return (width, height);
    }
    let said = |name| variable(name)?.trim().parse().ok().filter(|cells| *cells > 0);
    (said("COLUMNS").unwrap_or(USUAL.0), said("LINES").unwrap_or(USUAL.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_of_unknown_size_is_as_large_as_the_environment_says_or_as_usual() {
        let with = |columns: &'static str, lines: &'static str| {
            move |name: &str| {
                let value = if name == "COLUMNS" { columns } else { lines };
                Some(value.to_owned()).filter(|value| !value.is_empty())
            }
        };
        assert_eq!(known((100, 30), with("7", "7")), (100, 30));
        assert_eq!(known((0, 0), with("120", " 40 ")), (120, 40));
        assert_eq!(known((0, 0), with("", "")), (80, 24));
        assert_eq!(known((100, 0), with("wide", "0")), (80, 24));
    }
}
