//! The columns of the peer table: what can be shown of a peer, and what its rows can be sorted by.

/// A column of the peer table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The peer's name.
    Name,
    /// Where it is dialed.
    Address,
    /// Its state: glyph and word.
    State,
    /// Where its dial stands.
    Dial,
    /// Round trip of the last dial that succeeded.
    RoundTrip,
    /// Share of the last attempts that failed.
    Loss,
    /// The last attempts as a sparkline.
    History,
    /// Time since anything was received from it.
    Heard,
    /// Connect time of the last dial that succeeded.
    Connect,
    /// The interface towards it, and how it was found.
    Via,
    /// What is wrong with it: the diagnosis, else why the last dial failed.
    Cause,
}

impl Column {
    /// As they stand, from the left.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Address,
        Self::State,
        Self::Dial,
        Self::RoundTrip,
        Self::Loss,
        Self::History,
        Self::Heard,
        Self::Connect,
        Self::Via,
        Self::Cause,
    ];

    /// The column's heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::State => "state",
            Self::Dial => "dial",
            Self::RoundTrip => "rtt",
            Self::Loss => "loss",
            Self::History => "history",
            Self::Heard => "heard",
            Self::Connect => "connect",
            Self::Via => "via",
            Self::Cause => "cause",
        }
    }

    /// The one with this heading.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.heading() == name)
    }

    /// The next one to sort by.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Whether its figures fall when what a person looks for comes first.
    pub fn falls(self) -> bool {
        matches!(self, Self::RoundTrip | Self::Loss | Self::History | Self::Heard | Self::Connect)
    }
}
