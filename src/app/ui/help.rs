//! Where the help is looked at, and what is searched for in it.

use super::prompt::Prompt;

/// Where the help is looked at.
#[derive(Debug, Clone, Default)]
pub struct HelpPage {
    /// Lines above the first one shown.
    pub scroll: u16,
    /// What is searched for.
    pub search: Prompt,
    /// Whether that is being typed.
    pub is_typing: bool,
    /// Which of the lines found is meant.
    pub nth: usize,
    /// How many were found when it was drawn last.
    pub found: usize,
    /// The line that is meant is to be seen in the next frame.
    pub seeks: bool,
}

impl HelpPage {
    /// Something else is typed: its first line is meant.
    pub fn retyped(&mut self) {
        (self.nth, self.seeks) = (0, true);
    }

    /// Goes to the next line found, or to the one before; round at the ends.
    pub fn step(&mut self, is_back: bool) {
        let found = self.found.max(1);
        self.nth = (self.nth + if is_back { found - 1 } else { 1 }) % found;
        self.seeks = true;
    }
}
