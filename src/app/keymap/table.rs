//! The table of keys itself: one line a binding.

use std::borrow::Cow;
use std::time::Duration;

use crossterm::event::KeyCode;
use tui_input::InputRequest;

use super::action::Action;
use super::key::Key;
use super::section::Section;
use crate::app::Play;
use crate::app::export::Form;
use crate::app::model::Column;
use crate::app::ui::{Move, View};

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Any of these; without any it is done by its word, typed after `:`, unless a person gives it a key.
    pub keys: Cow<'static, [Key]>,
    /// Does this.
    pub action: Action,
    /// Here.
    pub section: Section,
    /// In the footer: a word. Neighbours with the same word share it. None where the footer is better without.
    pub word: Option<&'static str>,
    /// In the help.
    pub help: &'static str,
}

const fn bind(
    section: Section,
    keys: &'static [Key],
    action: Action,
    word: Option<&'static str>,
    help: &'static str,
) -> Binding {
    Binding { keys: Cow::Borrowed(keys), action, section, word, help }
}

impl Binding {
    /// Its first key as a text names it; what is typed for it where it has none.
    pub fn name_in_text(&self) -> String {
        let typed = || format!(":{}", self.word.unwrap_or(self.help));
        self.keys.first().map_or_else(typed, |key| name_in_text(*key))
    }

    /// Its keys, with blanks between them; what is typed for it where there are none.
    pub fn keys_in_text(&self) -> String {
        if let (true, Some(word)) = (self.keys.is_empty(), self.word) {
            return format!(":{word}");
        }
        self.keys.iter().map(|key| name_in_text(*key)).collect::<Vec<_>>().join(" ")
    }
}

/// A key's name where blanks separate keys.
fn name_in_text(key: Key) -> String {
    if key == Key::char(' ') { "Space".into() } else { key.name() }
}

/// What the keys for a little earlier and later skip of a recording.
const SKIP: Duration = Duration::from_mins(1);

/// The table, in the order of the help pane. The footer shows as many as fit, from the top.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    bind(Section::Peers, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show details of the selected peer"),
    bind(Section::Details, &[Key::of(KeyCode::Esc), Key::of(KeyCode::Enter)], Action::Back, Some("back"), "back to the table"),
    bind(Section::Compare, &[Key::of(KeyCode::Esc), Key::of(KeyCode::Enter)], Action::Back, Some("back"), "back to the table"),
    bind(Section::Timeline, &[Key::of(KeyCode::Left), Key::char('h')], Action::Earlier, Some("time"), "back in time"),
    bind(Section::Timeline, &[Key::of(KeyCode::Right), Key::char('l')], Action::Later, Some("time"), "forward in time"),
    bind(Section::Timeline, &[Key::char('+'), Key::char('=')], Action::ZoomIn, Some("zoom"), "show less of the past, in finer cells"),
    bind(Section::Timeline, &[Key::char('-')], Action::ZoomOut, Some("zoom"), "show more of the past, up to a day"),
    bind(Section::Timeline, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show details of the selected peer"),
    bind(Section::Timeline, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "back to now, then to the table"),
    bind(Section::Matrix, &[Key::of(KeyCode::Left), Key::char('h')], Action::MoveAside(Move::Up), Some("column"), "one column to the left"),
    bind(Section::Matrix, &[Key::of(KeyCode::Right), Key::char('l')], Action::MoveAside(Move::Down), Some("column"), "one column to the right"),
    bind(Section::Matrix, &[Key::char('n')], Action::NextFailing, Some("next failing"), "to the next pair that fails"),
    bind(Section::Matrix, &[Key::char('o')], Action::Arrange, Some("order"), "worst first, by subnet, or by name"),
    bind(Section::Matrix, &[Key::char('v')], Action::Figures, Some("round trips"), "show round trips, or signs"),
    bind(Section::Matrix, &[Key::char('c')], Action::Compare, Some("compare"), "compare with 1, 5, 15, 60 min ago"),
    bind(Section::Matrix, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "column's details, or hosts of subnets"),
    bind(Section::Matrix, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "end comparison, cell, filter, matrix"),
    bind(Section::Matrix, &[Key::char('d')], Action::Dial, Some("dial"), "dial the column's node from here"),
    bind(Section::Matrix, &[Key::char('/')], Action::Filter, Some("filter"), "matching nodes, the others folded"),
    bind(Section::Findings, &[Key::of(KeyCode::Enter)], Action::Details, Some("evidence"), "show only its evidence, or the list"),
    bind(Section::Findings, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "back to the list, then to the table"),
    bind(Section::Findings, &[Key::char('y')], Action::Copy, Some("copy fix"), "copy the fix to the clipboard"),
    bind(Section::Findings, &[Key::char('u')], Action::Mute, Some("mute"), "mute it: 15 min, 1 h, until it ends"),
    bind(Section::Peer, &[Key::char('d')], Action::Dial, Some("dial"), "dial it now"),
    bind(Section::Rows, &[Key::char('/')], Action::Filter, Some("filter"), "list only matching peers"),
    bind(Section::Rows, &[Key::char('s')], Action::Sort, Some("sort"), "sort by the next column"),
    bind(Section::Rows, &[Key::char('S')], Action::ReverseSort, None, "reverse the sort order"),
    bind(Section::Rows, &[Key::char('1')], Action::SortBy(Column::Name), None, "sort by name, or reverse that"),
    bind(Section::Rows, &[Key::char('2')], Action::SortBy(Column::Address), None, "sort by address, or reverse that"),
    bind(Section::Rows, &[Key::char('3')], Action::SortBy(Column::State), None, "sort by state, or reverse that"),
    bind(Section::Rows, &[Key::char('4')], Action::SortBy(Column::Dial), None, "sort by dial, or reverse that"),
    bind(Section::Rows, &[Key::char('5')], Action::SortBy(Column::RoundTrip), None, "sort by round trip, or reverse that"),
    bind(Section::Rows, &[Key::char('6')], Action::SortBy(Column::Loss), None, "sort by loss, or reverse that"),
    bind(Section::Rows, &[Key::char('7')], Action::SortBy(Column::History), None, "sort by history, or reverse that"),
    bind(Section::Rows, &[Key::char('8')], Action::SortBy(Column::Heard), None, "sort by last heard, or reverse that"),
    bind(Section::Rows, &[Key::char('9')], Action::SortBy(Column::Connect), None, "sort by connect time, or reverse that"),
    bind(Section::Rows, &[Key::char('0')], Action::SortBy(Column::Cause), None, "sort by cause, or reverse that"),
    bind(Section::Peers, &[Key::of(KeyCode::Esc)], Action::Back, None, "list all peers"),
    bind(Section::Peers, &[Key::char('o')], Action::Group, None, "group by subnet, or not"),
    bind(Section::Peers, &[Key::of(KeyCode::Left), Key::char('h')], Action::Fold, None, "fold its group, or unfold it"),
    bind(Section::Peers, &[Key::of(KeyCode::Right), Key::char('l')], Action::Unfold, None, "fold its group, or unfold it"),
    bind(Section::Details, &[Key::char(']'), Key::of(KeyCode::Right)], Action::NextPeer, Some("next"), "to the next peer"),
    bind(Section::Details, &[Key::char('['), Key::of(KeyCode::Left)], Action::PreviousPeer, None, "to the previous peer"),
    bind(Section::Peer, &[Key::char('x'), Key::of(KeyCode::Delete)], Action::Forget, None, "forget it until it is heard again"),
    bind(Section::Peer, &[Key::char('f')], Action::OnlySelected, None, "show only its attempts, or all"),
    bind(Section::Peer, &[Key::char('y')], Action::Copy, None, "copy its details to the clipboard"),
    bind(Section::Peer, &[Key::char('c')], Action::ComparePeers, None, "compare it with the marked peer"),
    bind(Section::Attempts, &[Key::of(KeyCode::Esc)], Action::Follow, Some("follow"), "follow the newest lines"),
    bind(Section::Attempts, &[Key::char('f')], Action::OnlySelected, Some("one peer"), "show only the selected peer's, or all"),
    bind(Section::Log, &[Key::of(KeyCode::Esc)], Action::Follow, Some("follow"), "follow the newest lines"),
    bind(Section::Log, &[Key::char('/')], Action::Search, Some("search"), "find a text"),
    bind(Section::Log, &[Key::char('n')], Action::NextMatch, Some("next"), "to the next match"),
    bind(Section::Log, &[Key::char('N')], Action::PreviousMatch, None, "to the previous match"),
    bind(Section::Log, &[Key::char('L')], Action::Level, Some("level"), "cycle the minimum level"),
    bind(Section::Log, &[Key::char('T')], Action::Target, Some("target"), "cycle through the sources"),
    bind(Section::Log, &[Key::char('w')], Action::Wrap, Some("wrap"), "wrap or cut long lines"),
    bind(Section::Panes, &[Key::char('?'), Key::of(KeyCode::F(1))], Action::Help, Some("help"), "show this help"),
    bind(Section::Panes, &[Key::char('q')], Action::Quit, Some("quit"), "quit, with goodbye unless attached"),
    bind(Section::Panes, &[Key::char('!')], Action::Show(View::Findings), Some("findings"), "show what is wrong, or the table"),
    bind(Section::Panes, &[Key::char('t')], Action::Show(View::Timeline), Some("timeline"), "show the past, or the table"),
    bind(Section::Panes, &[Key::char('m')], Action::Show(View::Matrix), Some("matrix"), "show who reaches whom, or the table"),
    bind(Section::Panes, &[Key::char('a')], Action::Add, Some("add"), "add a peer, or join its network"),
    bind(Section::Panes, &[Key::char('D')], Action::DialAll, Some("dial all"), "dial every peer now"),
    bind(Section::Panes, &[Key::char('F')], Action::DialFailing, Some("dial failing"), "dial every peer that is not up"),
    bind(Section::Panes, &[Key::char('p'), Key::char(' ')], Action::Pause, Some("pause"), "freeze the display, or resume"),
    bind(Section::Panes, &[Key::char('R')], Action::Record, None, "record to a file, or end that"),
    bind(Section::Panes, &[Key::char(':')], Action::Palette, Some("actions"), "find an action by name"),
    bind(Section::Panes, &[Key::of(KeyCode::Tab)], Action::NextPane, Some("pane"), "go to the next pane"),
    bind(Section::Panes, &[Key::of(KeyCode::BackTab)], Action::PreviousPane, None, "go to the previous pane"),
    bind(Section::Panes, &[Key::char('z')], Action::Zoom, Some("zoom"), "show only this pane, or all"),
    bind(Section::Sizes, &[Key::char('+'), Key::char('=')], Action::Grow, None, "make this pane larger"),
    bind(Section::Sizes, &[Key::char('-')], Action::Shrink, None, "make this pane smaller"),
    bind(Section::Panes, &[Key::char('e')], Action::Export, Some("export"), "export the table or the screen"),
    bind(Section::Panes, &[Key::of(KeyCode::Up), Key::char('k')], Action::Move(Move::Up), Some("move"), "one line up"),
    bind(Section::Panes, &[Key::of(KeyCode::Down), Key::char('j')], Action::Move(Move::Down), Some("move"), "one line down"),
    bind(Section::Panes, &[Key::of(KeyCode::PageUp)], Action::Move(Move::PageUp), None, "one page up"),
    bind(Section::Panes, &[Key::of(KeyCode::PageDown)], Action::Move(Move::PageDown), None, "one page down"),
    bind(Section::Panes, &[Key::ctrl('u')], Action::Move(Move::HalfPageUp), None, "half a page up"),
    bind(Section::Panes, &[Key::ctrl('d')], Action::Move(Move::HalfPageDown), None, "half a page down"),
    bind(Section::Panes, &[Key::of(KeyCode::Home), Key::char('g')], Action::Move(Move::First), None, "to the first line"),
    bind(Section::Panes, &[Key::of(KeyCode::End), Key::char('G')], Action::Move(Move::Last), None, "to the last line"),
    bind(Section::Peers, &[], Action::FoldAll, Some("fold all"), "fold all groups, or unfold them"),
    bind(Section::Peer, &[], Action::Mark, Some("mark"), "mark it, or no more"),
    bind(Section::Peer, &[], Action::Pin, Some("pin"), "keep it above the others, or no more"),
    bind(Section::Peer, &[], Action::Note, Some("note"), "write a note on it"),
    bind(Section::Rows, &[], Action::HideLeft, Some("hide left"), "hide peers that left, or show them"),
    bind(Section::Panes, &[], Action::SavedFilter, Some("filter"), "list by a saved filter"),
    bind(Section::Panes, &[], Action::SaveFilter, Some("save"), "save the filter under a name"),
    bind(Section::Panes, &[], Action::Columns, Some("columns"), "choose, order and widen the columns"),
    bind(Section::Panes, &[], Action::Theme, Some("theme"), "change the colours"),
    bind(Section::Panes, &[], Action::LogLevel, Some("log"), "record more in the log, or less"),
    bind(Section::Panes, &[], Action::Doctor, Some("doctor"), "examine this machine"),
    bind(Section::Panes, &[], Action::Interval, Some("interval"), "choose how often each peer is dialed"),
    bind(Section::Panes, &[], Action::Span, Some("zoom"), "choose how much of the past to show"),
    bind(Section::Recording, &[Key::char('.')], Action::Play(Play::Step), Some("step"), "play one event, then pause"),
    bind(Section::Recording, &[Key::char('<')], Action::Play(Play::Slower), Some("speed"), "half as fast"),
    bind(Section::Recording, &[Key::char('>')], Action::Play(Play::Faster), Some("speed"), "twice as fast"),
    bind(Section::Recording, &[Key::char('{')], Action::Play(Play::Back(SKIP)), Some("minute"), "one minute back"),
    bind(Section::Recording, &[Key::char('}')], Action::Play(Play::On(SKIP)), Some("minute"), "one minute forward"),
    bind(Section::Recording, &[Key::char('C')], Action::Play(Play::NextChange), Some("change"), "to the next change of a peer's state"),
    bind(Section::Recording, &[Key::char('I')], Action::Play(Play::NextFinding), Some("finding"), "to the next finding"),
    bind(Section::Recording, &[Key::char('J')], Action::Jump, Some("go to"), "go to a moment"),
    bind(Section::Always, &[Key::ctrl('c')], Action::Quit, None, "quit"),
    bind(Section::Always, &[Key::ctrl('l')], Action::Redraw, None, "redraw the screen"),
    bind(Section::Always, &[Key::ctrl('z')], Action::Suspend, None, "suspend, where supported"),
    bind(Section::Add, &[Key::of(KeyCode::Enter)], Action::Accept, Some("add"), "add this peer"),
    bind(Section::Add, &[Key::of(KeyCode::Tab)], Action::Join, Some("join"), "join its network"),
    bind(Section::Add, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "cancel"),
    bind(Section::Filter, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "keep the filter"),
    bind(Section::Filter, &[Key::of(KeyCode::Esc)], Action::Close, Some("restore"), "restore the previous filter"),
    bind(Section::Search, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "stay at the match"),
    bind(Section::Search, &[Key::of(KeyCode::Esc)], Action::Close, Some("end"), "end the search"),
    bind(Section::Jump, &[Key::of(KeyCode::Enter)], Action::Accept, Some("go"), "go there"),
    bind(Section::Jump, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "cancel"),
    bind(Section::Palette, &[Key::of(KeyCode::Enter)], Action::Accept, Some("do it"), "run the selected action"),
    bind(Section::Palette, &[Key::of(KeyCode::Tab)], Action::Complete, Some("complete"), "complete the text"),
    bind(Section::Palette, &[Key::of(KeyCode::Up)], Action::Move(Move::Up), Some("choose"), "select the one above"),
    bind(Section::Palette, &[Key::of(KeyCode::Down)], Action::Move(Move::Down), Some("choose"), "select the one below"),
    bind(Section::Palette, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "cancel"),
    bind(Section::Typing, &[Key::of(KeyCode::Left)], Action::Edit(InputRequest::GoToPrevChar), None, "one character back"),
    bind(Section::Typing, &[Key::of(KeyCode::Right)], Action::Edit(InputRequest::GoToNextChar), None, "one character forward"),
    bind(Section::Typing, &[Key::of(KeyCode::Home), Key::ctrl('a')], Action::Edit(InputRequest::GoToStart), None, "to the beginning"),
    bind(Section::Typing, &[Key::of(KeyCode::End), Key::ctrl('e')], Action::Edit(InputRequest::GoToEnd), None, "to the end"),
    bind(Section::Typing, &[Key::of(KeyCode::Backspace), Key::ctrl('h')], Action::Edit(InputRequest::DeletePrevChar), None, "delete the previous character"),
    bind(Section::Typing, &[Key::of(KeyCode::Delete), Key::ctrl('d')], Action::Edit(InputRequest::DeleteNextChar), None, "delete the next character"),
    bind(Section::Typing, &[Key::ctrl('w')], Action::Edit(InputRequest::DeletePrevWord), None, "delete the previous word"),
    bind(Section::Typing, &[Key::ctrl('u')], Action::Edit(InputRequest::DeleteLine), None, "delete all"),
    bind(Section::Export, &[Key::char('j')], Action::ExportAs(Form::Json), Some("JSON"), "the table as JSON"),
    bind(Section::Export, &[Key::char('t')], Action::ExportAs(Form::Text), Some("text"), "the screen as text"),
    bind(Section::Export, &[Key::char('s')], Action::ExportAs(Form::Svg), Some("SVG"), "the screen as an SVG picture"),
    bind(Section::Export, &[Key::char('r')], Action::ExportAs(Form::Report), Some("report"), "the incidents as Markdown"),
    bind(Section::Export, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "cancel"),
    bind(Section::Confirm, &[Key::char('y')], Action::Accept, Some("forget it"), "forget it"),
    bind(Section::Confirm, &[Key::char('n'), Key::of(KeyCode::Esc)], Action::Close, Some("keep it"), "keep it"),
    bind(Section::Help, &[Key::of(KeyCode::Esc), Key::char('?'), Key::char('q'), Key::of(KeyCode::F(1))], Action::Close, Some("close"), "close it"),
    bind(Section::Help, &[Key::of(KeyCode::Up), Key::char('k')], Action::Move(Move::Up), Some("scroll"), "one line up"),
    bind(Section::Help, &[Key::of(KeyCode::Down), Key::char('j')], Action::Move(Move::Down), Some("scroll"), "one line down"),
    bind(Section::Help, &[Key::of(KeyCode::PageUp)], Action::Move(Move::PageUp), None, "one page up"),
    bind(Section::Help, &[Key::of(KeyCode::PageDown)], Action::Move(Move::PageDown), None, "one page down"),
    bind(Section::HelpText, &[Key::char('/')], Action::Search, None, "find a text"),
    bind(Section::HelpText, &[Key::char('n')], Action::NextMatch, None, "to the next match"),
    bind(Section::HelpText, &[Key::char('N')], Action::PreviousMatch, None, "to the previous match"),
];
