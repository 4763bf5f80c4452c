//! Colours and glyphs. A state is never told by its colour alone: it has a glyph and a word as well.

use ratatui::style::{Color, Modifier, Style};
use tui_logger::LevelFilter;

use crate::core::peer::PeerState;

/// The styles of the screen. Only the terminal's own sixteen colours, so that it fits every palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    coloured: bool,
}

impl Theme {
    /// With colours.
    pub const COLOURED: Self = Self { coloured: true };

    /// Without, for those who set `NO_COLOR`: bold, dim and reversed are kept.
    pub const PLAIN: Self = Self { coloured: false };

    /// What the environment asks for: see <https://no-color.org>.
    pub fn of_environment() -> Self {
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Self::PLAIN
        } else {
            Self::COLOURED
        }
    }

    fn fg(self, colour: Color) -> Style {
        Style::new().fg(if self.coloured { colour } else { Color::Reset })
    }

    /// A peer's state.
    pub fn state(self, state: PeerState) -> Style {
        match state {
            PeerState::New => self.fg(Color::Cyan),
            PeerState::Up => self.good(),
            PeerState::Retrying => self.warning(),
            PeerState::Unreachable => self.bad().add_modifier(Modifier::BOLD),
            PeerState::Silent => self.fg(Color::Magenta),
            PeerState::Left => self.dim(),
        }
    }

    /// What is as it should be.
    pub fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// What may become bad.
    pub fn warning(self) -> Style {
        self.fg(Color::Yellow)
    }

    /// What is bad.
    pub fn bad(self) -> Style {
        self.fg(Color::Red)
    }

    /// Usual text.
    pub fn text(self) -> Style {
        self.fg(Color::Reset)
    }

    /// What matters less.
    pub fn dim(self) -> Style {
        self.fg(Color::Reset).add_modifier(Modifier::DIM)
    }

    /// What matters more.
    pub fn strong(self) -> Style {
        self.fg(Color::Reset).add_modifier(Modifier::BOLD)
    }

    /// The selected row: one even bar, in which a state keeps its sign and word.
    pub fn selected(self) -> Style {
        self.text().remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED)
    }

    /// The title of the pane that the keys go to.
    pub fn focused(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// What must not be overlooked.
    pub fn alarm(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// A log line's level.
    pub fn level(self, level: LevelFilter) -> Style {
        match level {
            LevelFilter::Error => self.bad().add_modifier(Modifier::BOLD),
            LevelFilter::Warn => self.warning(),
            LevelFilter::Info => self.text(),
            LevelFilter::Debug => self.fg(Color::Blue),
            LevelFilter::Trace | LevelFilter::Off => self.dim(),
        }
    }
}

/// A state's sign, one column wide in every terminal font.
pub fn glyph(state: PeerState) -> &'static str {
    match state {
        PeerState::New => "·",
        PeerState::Up => "●",
        PeerState::Retrying => "◐",
        PeerState::Unreachable => "✖",
        PeerState::Silent => "○",
        PeerState::Left => "◌",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn states_differ_without_colours() {
        let glyphs: HashSet<_> = PeerState::ALL.into_iter().map(glyph).collect();
        assert_eq!(glyphs.len(), PeerState::ALL.len());
    }

    #[test]
    fn the_plain_theme_has_no_colour() {
        for state in PeerState::ALL {
            assert_eq!(Theme::PLAIN.state(state).fg, Some(Color::Reset));
        }
        assert_eq!(Theme::PLAIN.alarm().fg, Some(Color::Reset));
    }
}
