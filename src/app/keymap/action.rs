//! What keys do.

use tui_input::InputRequest;

use crate::app::Play;
use crate::app::export::Form;
use crate::app::model::Column;
use crate::app::ui::{Move, View};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Leave.
    Quit,
    /// Draw everything anew.
    Redraw,
    /// Stop for the shell's job control.
    Suspend,
    /// Show the help.
    Help,
    /// Ask for an action by its words.
    Palette,
    /// Focus the next pane.
    NextPane,
    /// Focus the pane before.
    PreviousPane,
    /// Give the focused pane the whole screen, or take it back.
    Zoom,
    /// Give the focused pane more lines.
    Grow,
    /// Give the focused pane fewer lines.
    Shrink,
    /// Freeze the display, or let it run again.
    Pause,
    /// Record, or record no more.
    Record,
    /// Ask how often each peer is to be dialed.
    Interval,
    /// Have this machine examined.
    Doctor,
    /// Play the recording in another way.
    Play(Play),
    /// Ask for a moment of the recording.
    Jump,
    /// Ask for a peer to add.
    Add,
    /// Join the segment of the host that is typed.
    Join,
    /// Dial every peer.
    DialAll,
    /// Dial every peer that is not up.
    DialFailing,
    /// Ask in which form to export.
    Export,
    /// Show this view, or from there the table again.
    Show(View),
    /// Move in a list.
    Move(Move),
    /// Move among the columns of the matrix.
    MoveAside(Move),
    /// To the next pair that fails.
    NextFailing,
    /// Show signs, or round trips.
    Figures,
    /// Show the worst first, subnets, or all by name.
    Arrange,
    /// Compare with an earlier moment.
    Compare,
    /// Dial the selected peer.
    Dial,
    /// Drop the selected peer.
    Forget,
    /// Copy what is known of the selected peer, or how to fix the selected finding.
    Copy,
    /// Tell of the selected finding for a while no more.
    Mute,
    /// List only the selected peer's attempts, or all.
    OnlySelected,
    /// Show all about the selected peer.
    Details,
    /// Group the peers of the table by subnet, or no more.
    Group,
    /// Show only the heading of the selected group.
    Fold,
    /// Show its peers, too.
    Unfold,
    /// Fold all groups, or unfold them.
    FoldAll,
    /// Show two peers side by side.
    ComparePeers,
    /// Ask for a text to filter the peers by.
    Filter,
    /// Ask for a saved filter.
    SavedFilter,
    /// Ask for a name for the filter.
    SaveFilter,
    /// Sort by the next column.
    Sort,
    /// Sort by this column, or from its other end.
    SortBy(Column),
    /// Sort from the other end.
    ReverseSort,
    /// Back to where one came from.
    Back,
    /// The next peer of the list.
    NextPeer,
    /// The peer before.
    PreviousPeer,
    /// Back in time.
    Earlier,
    /// Forward in time.
    Later,
    /// Show less of the past, in finer columns.
    ZoomIn,
    /// Show more of the past.
    ZoomOut,
    /// Ask how much of the past to show.
    Span,
    /// Follow the newest lines again.
    Follow,
    /// Show less or more severe lines only.
    Level,
    /// Show the lines of the next target only.
    Target,
    /// Ask for a text to find in the log.
    Search,
    /// To the next line found.
    NextMatch,
    /// To the line found before.
    PreviousMatch,
    /// Wrap long lines, or cut them.
    Wrap,
    /// Mark the selected peer, or no more.
    Mark,
    /// Pin the selected peer, or no more.
    Pin,
    /// Ask for a note on the selected peer.
    Note,
    /// List those that left, too, or not.
    HideLeft,
    /// Ask for the columns of the table.
    Columns,
    /// Ask for other colours.
    Theme,
    /// Ask how much the log records.
    LogLevel,
    /// Take what was typed, or say yes.
    Accept,
    /// Leave the overlay.
    Close,
    /// Complete what was typed.
    Complete,
    /// Write a file in this form.
    ExportAs(Form),
    /// Change the text that is being typed.
    Edit(InputRequest),
}

impl Action {
    /// Whether words are to be typed behind its own.
    pub fn takes_words(self) -> bool {
        use Action::{Columns, Interval, LogLevel, Note, SaveFilter, SavedFilter, Span, Theme};
        matches!(self, Note | SavedFilter | SaveFilter | Columns | Theme | LogLevel | Span | Interval)
    }
}
