//! What lies over the panes: the help, prompts, questions.

use super::help::HelpPage;
use super::prompt::Prompt;
use crate::app::appearance::Theme;
use crate::app::model::Filter;
use crate::engine::config::{Target, TargetError};
use crate::engine::peers::PeerKey;

/// What lies over the panes, or has taken the last line.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The help.
    Help(HelpPage),
    /// What the doctor says, scrolled down by so many lines.
    Doctor {
        /// Lines above the first one shown.
        scroll: u16,
    },
    /// The prompt for a peer's address.
    Add(Prompt),
    /// The prompt for the filter of the peers.
    Filter {
        /// The new one: it counts while it is typed.
        prompt: Prompt,
        /// The one to go back to.
        before: Filter,
    },
    /// The prompt for a text to find in the log: it is looked for while it is typed.
    Search(Prompt),
    /// The prompt for an action.
    Palette {
        /// Some of its words.
        prompt: Prompt,
        /// Which of those found is chosen.
        chosen: usize,
        /// The colours to go back to: others count while they are typed.
        before: Theme,
    },
    /// The prompt for a moment of the recording.
    Jump(Prompt),
    /// The choice of a form to export.
    Export,
    /// The question before a peer that is up is forgotten.
    Forget {
        /// Which.
        key: PeerKey,
        /// Its name when the question was asked.
        name: String,
    },
}

impl Overlay {
    /// The prompt for an action, with what is typed already, in these colours.
    pub fn palette(typed: &str, before: Theme) -> Self {
        Self::Palette { prompt: Prompt::holding(typed), chosen: 0, before }
    }

    /// The prompt for the filter, with the one that counts now.
    pub fn filter(now: &Filter) -> Self {
        Self::Filter { prompt: Prompt::holding(now.text()), before: now.clone() }
    }

    /// What the typed text is, or why it is no address.
    pub fn target(typed: &str) -> Result<Target, TargetError> {
        typed.parse()
    }

    /// The text that is being typed, if one is.
    pub fn prompt(&mut self) -> Option<&mut Prompt> {
        match self {
            Self::Add(prompt)
            | Self::Filter { prompt, .. }
            | Self::Search(prompt)
            | Self::Jump(prompt)
            | Self::Palette { prompt, .. } => Some(prompt),
            Self::Help(help) if help.is_typing => Some(&mut help.search),
            Self::Help(_) | Self::Doctor { .. } | Self::Export | Self::Forget { .. } => None,
        }
    }
}
