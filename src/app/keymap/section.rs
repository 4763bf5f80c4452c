//! Where keys count, and how the help groups them.

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyContext {
    /// The peer table.
    Peers,
    /// All about one peer.
    Details,
    /// Two peers side by side.
    Compare,
    /// The last hour.
    Timeline,
    /// Who reaches whom.
    Matrix,
    /// What is and what was wrong.
    Findings,
    /// The list of attempts.
    Attempts,
    /// The log.
    Log,
    /// The help pane.
    Help,
    /// What the doctor says.
    Doctor,
    /// The prompt for a peer's address.
    Add,
    /// The prompt for the peers' filter.
    Filter,
    /// The prompt for a text to find in the log.
    Search,
    /// The prompt for an action.
    Palette,
    /// The prompt for a moment of a recording.
    Jump,
    /// The choice of a form to export.
    Export,
    /// The question before a peer that is up is forgotten.
    Confirm,
}

impl KeyContext {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Peers,
        Self::Details,
        Self::Compare,
        Self::Timeline,
        Self::Matrix,
        Self::Findings,
        Self::Attempts,
        Self::Log,
        Self::Help,
        Self::Doctor,
        Self::Add,
        Self::Filter,
        Self::Search,
        Self::Palette,
        Self::Jump,
        Self::Export,
        Self::Confirm,
    ];
}

/// Keys that count in the same contexts, as the help pane groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// In the peer table.
    Peers,
    /// In the peer table and in the timeline.
    Rows,
    /// Wherever a peer is selected.
    Peer,
    /// In a peer's details.
    Details,
    /// In the comparison of two peers.
    Compare,
    /// In the timeline.
    Timeline,
    /// In the matrix.
    Matrix,
    /// In the findings.
    Findings,
    /// In the attempts.
    Attempts,
    /// In the log.
    Log,
    /// In every pane.
    Panes,
    /// In every pane but the timeline, which has other uses for such keys.
    Sizes,
    /// In every pane, of a recording.
    Recording,
    /// Even over an overlay.
    Always,
    /// In every prompt.
    Typing,
    /// In the prompt for an address.
    Add,
    /// In the prompt for a filter.
    Filter,
    /// In the prompt for a search, in the log or in the help.
    Search,
    /// In the prompt for an action.
    Palette,
    /// In the prompt for a moment.
    Jump,
    /// In the choice of a form.
    Export,
    /// In the question.
    Confirm,
    /// In the help pane, and in what the doctor says.
    Help,
    /// In the help pane alone.
    HelpText,
    /// What is typed after `:`, as it has no key.
    Typed,
}

impl Section {
    /// The section's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Peers => "Peers",
            Self::Rows => "Peers and timeline",
            Self::Peer => "The selected peer",
            Self::Details => "Details",
            Self::Compare => "Two peers",
            Self::Timeline => "Timeline",
            Self::Matrix => "Matrix",
            Self::Findings => "Findings",
            Self::Attempts => "Attempts",
            Self::Log => "Log",
            Self::Panes => "Every pane",
            Self::Sizes => "Every pane but the timeline",
            Self::Recording => "A recording",
            Self::Always => "Always",
            Self::Typing => "While typing",
            Self::Add => "Adding a peer",
            Self::Filter => "Filtering the peers",
            Self::Search => "Searching",
            Self::Palette => "Choosing an action",
            Self::Jump => "Going to a moment",
            Self::Export => "Exporting",
            Self::Confirm => "Before forgetting a peer that is up",
            Self::Help => "Help and doctor",
            Self::HelpText => "This help",
            Self::Typed => "By name",
        }
    }

    /// Whether its keys count in a context.
    pub fn covers(self, context: KeyContext) -> bool {
        use KeyContext as C;
        match self {
            Self::Peers => context == C::Peers,
            Self::Rows => matches!(context, C::Peers | C::Timeline),
            Self::Peer => matches!(context, C::Peers | C::Details | C::Timeline),
            Self::Details => context == C::Details,
            Self::Compare => context == C::Compare,
            Self::Timeline => context == C::Timeline,
            Self::Matrix => context == C::Matrix,
            Self::Findings => context == C::Findings,
            Self::Attempts => context == C::Attempts,
            Self::Log => context == C::Log,
            Self::Sizes => context != C::Timeline && Self::Panes.covers(context),
            Self::Panes | Self::Recording => {
                matches!(
                    context,
                    C::Peers
                        | C::Details
                        | C::Compare
                        | C::Timeline
                        | C::Matrix
                        | C::Findings
                        | C::Attempts
                        | C::Log
                )
            }
            Self::Always => true,
            Self::Typing => matches!(context, C::Add | C::Filter | C::Search | C::Palette | C::Jump),
            Self::Add => context == C::Add,
            Self::Filter => context == C::Filter,
            Self::Search => context == C::Search,
            Self::Palette => context == C::Palette,
            Self::Jump => context == C::Jump,
            Self::Export => context == C::Export,
            Self::Confirm => context == C::Confirm,
            Self::Help => matches!(context, C::Help | C::Doctor),
            Self::HelpText => context == C::Help,
            // Each counts where its own section does.
            Self::Typed => false,
        }
    }
}
