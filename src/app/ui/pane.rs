//! The panes of the screen, and what the main one can show.

/// A part of the screen that the keys can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The view of the peers.
    Main,
    /// The attempts.
    Attempts,
    /// The log.
    Log,
}

impl Pane {
    /// All of them, in the order Tab visits them.
    pub const ALL: [Self; 3] = [Self::Main, Self::Attempts, Self::Log];

    /// The pane `steps` further on.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// What the main pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// The table of peers.
    Peers,
    /// All about the selected peer.
    Details,
    /// Two peers side by side.
    Compare,
    /// The last hour of every peer.
    Timeline,
    /// Who reaches whom.
    Matrix,
    /// What is and what was wrong.
    Findings,
}
