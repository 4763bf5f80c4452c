//! Options of the terminal app.

use clap::Args;
use jiff::tz::TimeZone;

use crate::app::appearance::{Appearance, Depth, Theme, ThemeName};

/// Options of the terminal app.
#[derive(Debug, Args)]
#[command(next_help_heading = "Screen")]
pub struct ScreenArgs {
    /// Colours: terminal (its own sixteen), dark, light or high-contrast; none with `NO_COLOR`.
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub theme: ThemeName,
    /// Use ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
    /// Turn off animation.
    #[arg(long)]
    pub reduced_motion: bool,
    /// Ring the terminal bell when a peer goes up or down.
    #[arg(long)]
    pub bell: bool,
}

impl ScreenArgs {
    /// How things shall look, on the terminal that the environment describes.
    pub fn appearance(&self) -> Appearance {
        Appearance {
            theme: Theme::new(self.theme, Depth::of_environment()),
            ascii: self.ascii,
            still: self.reduced_motion,
            zone: TimeZone::system(),
        }
    }
}
