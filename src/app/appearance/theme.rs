//! Colours and glyphs. A state is never told by its colour alone: it has a glyph and a word as well.

use anstyle_lossy::palette;
use clap::ValueEnum;
use ratatui::style::{Color, Modifier, Style};
use tui_logger::LevelFilter;

use crate::app::model::{Change, Mark};
use crate::engine::peers::PeerState;

/// The themes that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ThemeName {
    /// The terminal's own sixteen colours on its own background: fits every palette.
    #[default]
    Terminal,
    /// Soft colours on near black.
    Dark,
    /// Strong colours on near white.
    Light,
    /// Pure colours on black, nothing dimmed.
    HighContrast,
}

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None are wanted: see <https://no-color.org>.
    None,
    /// Those with names.
    Sixteen,
    /// xterm's palette.
    Indexed,
    /// All of them.
    True,
}

impl Depth {
    /// What the environment tells: `NO_COLOR`, then what `COLORTERM` and `TERM` promise.
    pub fn of_environment() -> Self {
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::promised(&variable("COLORTERM"), &variable("TERM"))
    }

    /// What these two variables promise; an empty one, or one that says nothing of colours, counts as unset.
    fn promised(colorterm: &str, term: &str) -> Self {
        let promise = |value: &str| match value {
            value if ["truecolor", "24bit", "direct"].iter().any(|word| value.contains(word)) => {
                Some(Self::True)
            }
            value if value.contains("256") => Some(Self::Indexed),
            _ => None,
        };
        promise(colorterm).or_else(|| promise(term)).unwrap_or(Self::Sixteen)
    }

    /// The nearest colour that can be shown.
    fn nearest(self, colour: Color) -> Color {
        match (self, colour) {
            (Self::None, _) => Color::Reset,
            (Self::Indexed, Color::Rgb(r, g, b)) => {
                Color::Indexed(anstyle_lossy::rgb_to_xterm(anstyle::RgbColor(r, g, b)).0)
            }
            (Self::Sixteen, Color::Rgb(r, g, b)) => {
                let ansi = anstyle_lossy::rgb_to_ansi(anstyle::RgbColor(r, g, b), palette::DEFAULT);
                Color::Indexed(anstyle::Ansi256Color::from(ansi).0)
            }
            (_, colour) => colour,
        }
    }
}

/// The styles of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    text: Color,
    background: Color,
    /// What matters less: a colour, or the terminal's own way to dim.
    dim: Option<Color>,
    new: Color,
    good: Color,
    warning: Color,
    bad: Color,
    silent: Color,
    focus: Color,
    /// The background of the selected row; without one it is reversed.
    selected: Option<Color>,
}

impl Theme {
    /// The terminal's own colours.
    pub const COLOURED: Self = Self {
        text: Color::Reset,
        background: Color::Reset,
        dim: None,
        new: Color::Cyan,
        good: Color::Green,
        warning: Color::Yellow,
        bad: Color::Red,
        silent: Color::Magenta,
        focus: Color::Cyan,
        selected: None,
    };

    /// Without colours, for those who set `NO_COLOR`: bold, dim and reversed are kept.
    pub const PLAIN: Self = Self {
        new: Color::Reset,
        good: Color::Reset,
        warning: Color::Reset,
        bad: Color::Reset,
        silent: Color::Reset,
        focus: Color::Reset,
        ..Self::COLOURED
    };

    const DARK: Self = Self {
        text: Color::from_u32(0xd4_dae3),
        background: Color::from_u32(0x12_161c),
        dim: Some(Color::from_u32(0x8b_96a5)),
        new: Color::from_u32(0x62_cbe0),
        good: Color::from_u32(0x8f_d07c),
        warning: Color::from_u32(0xe9_c46a),
        bad: Color::from_u32(0xff_7b72),
        silent: Color::from_u32(0xcf_a1f0),
        focus: Color::from_u32(0x79_b8ff),
        selected: Some(Color::from_u32(0x2a_3a4d)),
    };

    const LIGHT: Self = Self {
        text: Color::from_u32(0x1f_2328),
        background: Color::from_u32(0xff_ffff),
        dim: Some(Color::from_u32(0x59_636e)),
        new: Color::from_u32(0x0a_6c86),
        good: Color::from_u32(0x11_7032),
        warning: Color::from_u32(0x8a_5a00),
        bad: Color::from_u32(0xc4_1c28),
        silent: Color::from_u32(0x7a_3fc4),
        focus: Color::from_u32(0x08_55b5),
        selected: Some(Color::from_u32(0xcf_e2fa)),
    };

    const HIGH_CONTRAST: Self = Self {
        text: Color::from_u32(0xff_ffff),
        background: Color::from_u32(0),
        dim: Some(Color::from_u32(0xff_ffff)),
        new: Color::from_u32(0x00_ffff),
        good: Color::from_u32(0x00_ff00),
        warning: Color::from_u32(0xff_ff00),
        bad: Color::from_u32(0xff_6e6e),
        silent: Color::from_u32(0xff_8cff),
        focus: Color::from_u32(0x00_ffff),
        selected: None,
    };

    /// A theme in the colours that the terminal has.
    pub fn new(name: ThemeName, depth: Depth) -> Self {
        let theme = match (name, depth) {
            (_, Depth::None) => return Self::PLAIN,
            (ThemeName::Terminal, _) => Self::COLOURED,
            (ThemeName::Dark, _) => Self::DARK,
            (ThemeName::Light, _) => Self::LIGHT,
            (ThemeName::HighContrast, _) => Self::HIGH_CONTRAST,
        };
        let near = |colour| depth.nearest(colour);
        let (text, background) = (near(theme.text), near(theme.background));
        Self {
            text,
            background,
            // In few colours the nearest one may be that of the background: then it is dimmed instead.
            dim: theme.dim.map(near).filter(|dim| *dim != background),
            new: near(theme.new),
            good: near(theme.good),
            warning: near(theme.warning),
            bad: near(theme.bad),
            silent: near(theme.silent),
            focus: near(theme.focus),
            selected: theme.selected.map(near).filter(|_| depth != Depth::Sixteen),
        }
    }

    /// Whether it has no colours at all.
    pub fn is_plain(self) -> bool {
        self == Self::PLAIN
    }

    /// The whole screen, before anything is drawn.
    pub fn ground(self) -> Style {
        Style::new().fg(self.text).bg(self.background)
    }

    fn fg(colour: Color) -> Style {
        Style::new().fg(colour)
    }

    /// A peer's state.
    pub fn state(self, state: PeerState) -> Style {
        match state {
            PeerState::New => Self::fg(self.new),
            PeerState::Up => self.good(),
            PeerState::Retrying => self.warning(),
            PeerState::Unreachable => self.bad().add_modifier(Modifier::BOLD),
            PeerState::Silent => Self::fg(self.silent),
            PeerState::Left => self.dim(),
        }
    }

    /// A pair of the matrix.
    pub fn mark(self, mark: Mark) -> Style {
        match mark {
            Mark::Fine => self.good(),
            Mark::Failing => self.bad().add_modifier(Modifier::BOLD),
            Mark::Unknown | Mark::Stale => self.dim(),
        }
    }

    /// How a pair of the matrix has changed.
    pub fn change(self, change: Change) -> Style {
        match change {
            Change::Worse => self.bad().add_modifier(Modifier::BOLD),
            Change::Better => self.good().add_modifier(Modifier::BOLD),
            Change::Lost => self.warning(),
            Change::New => Self::fg(self.new),
        }
    }

    /// What is as it should be.
    pub fn good(self) -> Style {
        Self::fg(self.good)
    }

    /// What may become bad.
    pub fn warning(self) -> Style {
        Self::fg(self.warning)
    }

    /// What is bad.
    pub fn bad(self) -> Style {
        Self::fg(self.bad)
    }

    /// Usual text.
    pub fn text(self) -> Style {
        Self::fg(self.text)
    }

    /// What matters less.
    pub fn dim(self) -> Style {
        match self.dim {
            Some(dim) => Self::fg(dim),
            None => self.text().add_modifier(Modifier::DIM),
        }
    }

    /// What matters more.
    pub fn strong(self) -> Style {
        self.text().add_modifier(Modifier::BOLD)
    }

    /// The selected row: one even bar, in which a state keeps its sign and word.
    pub fn selected(self) -> Style {
        match self.selected {
            Some(background) => Style::new().bg(background).add_modifier(Modifier::BOLD),
            None => self.text().remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED),
        }
    }

    /// What has just changed, over its own style.
    pub fn flash(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// The title of the pane that the keys go to.
    pub fn focused(self) -> Style {
        Self::fg(self.focus).add_modifier(Modifier::BOLD)
    }

    /// What must not be overlooked.
    pub fn alarm(self) -> Style {
        Self::fg(self.warning).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// The same as a sign before a line that stands there for long.
    pub fn alarm_text(self) -> Style {
        self.bad().add_modifier(Modifier::BOLD)
    }

    /// A log line's level.
    pub fn level(self, level: LevelFilter) -> Style {
        match level {
            LevelFilter::Error => self.bad().add_modifier(Modifier::BOLD),
            LevelFilter::Warn => self.warning(),
            LevelFilter::Info => self.text(),
            LevelFilter::Debug => Self::fg(self.focus),
            LevelFilter::Trace | LevelFilter::Off => self.dim(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [ThemeName; 4] =
        [ThemeName::Terminal, ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast];

    #[test]
    fn the_plain_theme_has_no_colour_whatever_theme_is_chosen() {
        for name in NAMES {
            let theme = Theme::new(name, Depth::None);
            assert!(theme.is_plain());
            for state in PeerState::ALL {
                assert_eq!(theme.state(state).fg, Some(Color::Reset));
            }
            assert_eq!((theme.ground().fg, theme.ground().bg), (Some(Color::Reset), Some(Color::Reset)));
            assert_eq!(theme.alarm().fg, Some(Color::Reset));
        }
    }

    #[test]
    fn each_depth_has_only_colours_that_the_terminal_can_show() {
        for name in NAMES {
            let styles = |depth| {
                let theme = Theme::new(name, depth);
                [
                    theme.ground(),
                    theme.text(),
                    theme.dim(),
                    theme.good(),
                    theme.bad(),
                    theme.selected(),
                    theme.focused(),
                ]
            };
            let colours = |depth| styles(depth).into_iter().flat_map(|style| [style.fg, style.bg]).flatten();
            assert!(colours(Depth::Indexed).all(|colour| !matches!(colour, Color::Rgb(..))));
            assert!(
                colours(Depth::Sixteen)
                    .all(|colour| !matches!(colour, Color::Rgb(..) | Color::Indexed(16..)))
            );
        }
    }

    /// Contrast ratio of two colours, 1 to 21 (WCAG 2.1, 1.4.3).
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |colour| {
            let Color::Rgb(r, g, b) = colour else { panic!("{colour:?} is the terminal's own") };
            let [r, g, b] = [r, g, b].map(|byte| {
                let share = f64::from(byte) / 255.0;
                if share <= 0.03928 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn an_empty_colorterm_leaves_the_word_to_the_terminal() {
        assert_eq!(Depth::promised("", "xterm-256color"), Depth::Indexed);
        assert_eq!(Depth::promised("yes", "xterm-256color"), Depth::Indexed);
        assert_eq!(Depth::promised("truecolor", "xterm-256color"), Depth::True);
        assert_eq!(Depth::promised("", "xterm-direct"), Depth::True);
        assert_eq!(Depth::promised("", "linux"), Depth::Sixteen);
    }

    #[test]
    fn every_text_can_be_read_on_the_ground_and_on_the_selected_row() {
        for theme in [Theme::DARK, Theme::LIGHT, Theme::HIGH_CONTRAST] {
            let Theme { text, background, dim, new, good, warning, bad, silent, focus, selected } = theme;
            for colour in
                [Some(text), dim, Some(new), Some(good), Some(warning), Some(bad), Some(silent), Some(focus)]
            {
                let colour = colour.unwrap();
                assert!(
                    contrast(colour, background) >= 4.5,
                    "{colour:?} on the ground {:.1}",
                    contrast(colour, background)
                );
                if let Some(selected) = selected {
                    assert!(
                        contrast(colour, selected) >= 3.0,
                        "{colour:?} when selected {:.1}",
                        contrast(colour, selected)
                    );
                }
            }
        }
    }
}
