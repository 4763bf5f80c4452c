//! Options of the terminal app.

use clap::Args;
use jiff::tz::TimeZone;

use crate::app::appearance::{Appearance, Depth, Theme, ThemeName};
use crate::app::{Notebook, Preferences};

/// Options of the terminal app.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[command(next_help_heading = "Screen")]
pub struct ScreenArgs {
    /// Colours: terminal (its own sixteen), dark, light or high-contrast; none with `NO_COLOR`.
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub theme: ThemeName,
    /// Use ASCII characters only [default: where the locale is not UTF-8, and on the Linux console].
    #[arg(long)]
    pub ascii: bool,
    /// Turn off animation.
    #[arg(long)]
    pub reduced_motion: bool,
    /// Ring the terminal bell when a peer goes up or down.
    #[arg(long)]
    pub bell: bool,
    /// Let the terminal notify of each finding, by OSC 9 or 777 where it has them, and else by its bell.
    #[arg(long)]
    pub notify: bool,

    /// What the configuration file says of the app.
    #[arg(skip)]
    pub preferences: Preferences,
    /// Where notes are kept.
    #[arg(skip)]
    pub notebook: Notebook,
}

impl ScreenArgs {
    /// Whether signs are ASCII: the person wants it, or the terminal that the environment describes shows no others.
    pub fn is_ascii(&self) -> bool {
        self.ascii || shows_ascii_only(|name| std::env::var(name).unwrap_or_default())
    }

    /// How things shall look, on the terminal that the environment describes.
    pub fn appearance(&self) -> Appearance {
        let depth = Depth::of_environment();
        Appearance {
            theme: Theme::new(self.theme, depth),
            depth,
            ascii: self.is_ascii(),
            still: self.reduced_motion,
            zone: TimeZone::system(),
        }
    }
}

/// Whether the locale has no other characters (its variables in the order in which they count, as in locale(7)), or the console's
/// font has no others. Where no locale is set at all, as in most containers, the terminal outside decides, and nearly all speak UTF-8.
fn shows_ascii_only(variable: impl Fn(&str) -> String) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(&variable).find(|value| !value.is_empty());
    let is_utf8 = |locale: String| locale.to_lowercase().replace('-', "").contains("utf8");
    variable("TERM") == "linux" || locale.is_some_and(|locale| !is_utf8(locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_ascii_on_the_console_and_where_the_locale_is_not_utf_8() {
        let with = |set: &[(&str, &str)]| {
            shows_ascii_only(|name| {
                let value = set.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
            })
        };
        for ascii in [
            &[("LANG", "C")][..],
            &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")],
            &[("LANG", "C.UTF-8"), ("LC_CTYPE", "de_DE.ISO-8859-1")],
            &[("LANG", "C.UTF-8"), ("TERM", "linux")],
        ] {
            assert!(with(ascii), "{ascii:?}");
        }
        for all in [&[][..], &[("LANG", "C"), ("LC_ALL", "en_GB.utf8")], &[("LC_CTYPE", "C.UTF-8")]] {
            assert!(!with(all), "{all:?}");
        }
    }
}
