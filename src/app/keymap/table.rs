//! The table of keys itself: one line a binding.

use crossterm::event::KeyCode;
use tui_input::InputRequest;

use super::action::Action;
use super::key::Key;
use super::section::Section;
use crate::app::export::Form;
use crate::app::ui::{Move, View};

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Any of these.
    pub keys: &'static [Key],
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
    Binding { keys, action, section, word, help }
}

impl Binding {
    /// Its keys, with blanks between them.
    pub fn keys_in_text(&self) -> String {
        self.keys.iter().map(|key| name_in_text(*key)).collect::<Vec<_>>().join(" ")
    }
}

/// A key's name where blanks separate keys.
fn name_in_text(key: Key) -> String {
    if key == Key::char(' ') { "Space".into() } else { key.name() }
}

/// The table, in the order of the help pane. The footer shows as many as fit, from the top.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    bind(Section::Peers, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show all about the selected peer"),
    bind(Section::Details, &[Key::of(KeyCode::Esc), Key::of(KeyCode::Enter)], Action::Back, Some("back"), "back to the table"),
    bind(Section::Timeline, &[Key::of(KeyCode::Left), Key::char('h')], Action::Earlier, Some("time"), "back in time"),
    bind(Section::Timeline, &[Key::of(KeyCode::Right), Key::char('l')], Action::Later, Some("time"), "forward in time"),
    bind(Section::Timeline, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show all about the selected peer"),
    bind(Section::Timeline, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "back to now, then to the table"),
    bind(Section::Matrix, &[Key::of(KeyCode::Left), Key::char('h')], Action::MoveAside(Move::Up), Some("column"), "one column to the left"),
    bind(Section::Matrix, &[Key::of(KeyCode::Right), Key::char('l')], Action::MoveAside(Move::Down), Some("column"), "one column to the right"),
    bind(Section::Matrix, &[Key::char('n')], Action::NextFailing, Some("next failing"), "to the next pair that fails"),
    bind(Section::Matrix, &[Key::char('o')], Action::Arrange, Some("order"), "worst first, by subnet, or by name"),
    bind(Section::Matrix, &[Key::char('v')], Action::Figures, Some("round trips"), "show round trips, or signs again"),
    bind(Section::Matrix, &[Key::char('c')], Action::Compare, Some("compare"), "compare with 1, 5, 15, 60 min ago"),
    bind(Section::Matrix, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "all about the column, or its subnet"),
    bind(Section::Matrix, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "end comparison, filter, then matrix"),
    bind(Section::Matrix, &[Key::char('d')], Action::Dial, Some("dial"), "dial the column's node from here"),
    bind(Section::Matrix, &[Key::char('/')], Action::Filter, Some("filter"), "nodes with these words, others folded"),
    bind(Section::Peer, &[Key::char('d')], Action::Dial, Some("dial"), "dial it now"),
    bind(Section::Rows, &[Key::char('/')], Action::Filter, Some("filter"), "list only the peers with these words"),
    bind(Section::Rows, &[Key::char('s')], Action::Sort, Some("sort"), "sort by the next column"),
    bind(Section::Rows, &[Key::char('S')], Action::ReverseSort, None, "sort from the other end"),
    bind(Section::Peers, &[Key::of(KeyCode::Esc)], Action::Back, None, "list all peers again"),
    bind(Section::Details, &[Key::char(']'), Key::of(KeyCode::Right)], Action::NextPeer, Some("next"), "to the next peer"),
    bind(Section::Details, &[Key::char('['), Key::of(KeyCode::Left)], Action::PreviousPeer, None, "to the peer before"),
    bind(Section::Peer, &[Key::char('x'), Key::of(KeyCode::Delete)], Action::Forget, None, "forget it until it is heard"),
    bind(Section::Peer, &[Key::char('f')], Action::OnlySelected, None, "list only its attempts, or all again"),
    bind(Section::Peer, &[Key::char('y')], Action::Copy, None, "copy all about it to the clipboard"),
    bind(Section::Attempts, &[Key::of(KeyCode::Esc)], Action::Follow, Some("follow"), "follow the newest lines again"),
    bind(Section::Attempts, &[Key::char('f')], Action::OnlySelected, Some("one peer"), "list only the selected peer's, or all"),
    bind(Section::Log, &[Key::of(KeyCode::Esc)], Action::Follow, Some("follow"), "follow the newest lines again"),
    bind(Section::Log, &[Key::char('/')], Action::Search, Some("search"), "find a text"),
    bind(Section::Log, &[Key::char('n')], Action::NextMatch, Some("next"), "to the next line found"),
    bind(Section::Log, &[Key::char('N')], Action::PreviousMatch, None, "to the line found before"),
    bind(Section::Log, &[Key::char('L')], Action::Level, Some("level"), "show one level less, then all again"),
    bind(Section::Log, &[Key::char('T')], Action::Target, Some("target"), "show one source only, then all again"),
    bind(Section::Log, &[Key::char('w')], Action::Wrap, Some("wrap"), "wrap long lines, or cut them"),
    bind(Section::Panes, &[Key::char('?'), Key::of(KeyCode::F(1))], Action::Help, Some("help"), "show this help"),
    bind(Section::Panes, &[Key::char('q')], Action::Quit, Some("quit"), "say goodbye to the peers and quit"),
    bind(Section::Panes, &[Key::char('t')], Action::Show(View::Timeline), Some("timeline"), "show the last hour, or the table"),
    bind(Section::Panes, &[Key::char('m')], Action::Show(View::Matrix), Some("matrix"), "show who reaches whom, or the table"),
    bind(Section::Panes, &[Key::char('a')], Action::Add, Some("add"), "add a peer by its address"),
    bind(Section::Panes, &[Key::char('D')], Action::DialAll, Some("dial all"), "dial every peer now"),
    bind(Section::Panes, &[Key::char('F')], Action::DialFailing, Some("dial failing"), "dial every peer that is not up now"),
    bind(Section::Panes, &[Key::char('p'), Key::char(' ')], Action::Pause, Some("pause"), "freeze the display, or go on"),
    bind(Section::Panes, &[Key::char(':')], Action::Palette, Some("actions"), "find an action by its words"),
    bind(Section::Panes, &[Key::of(KeyCode::Tab)], Action::NextPane, Some("pane"), "go to the next pane"),
    bind(Section::Panes, &[Key::of(KeyCode::BackTab)], Action::PreviousPane, None, "go to the pane before"),
    bind(Section::Panes, &[Key::char('z')], Action::Zoom, Some("zoom"), "show this pane alone, or all again"),
    bind(Section::Panes, &[Key::char('+'), Key::char('=')], Action::Grow, None, "move the border to give lines here"),
    bind(Section::Panes, &[Key::char('-')], Action::Shrink, None, "move the border to take lines here"),
    bind(Section::Panes, &[Key::char('e')], Action::Export, Some("export"), "write table or screen to a file"),
    bind(Section::Panes, &[Key::of(KeyCode::Up), Key::char('k')], Action::Move(Move::Up), Some("move"), "one line up"),
    bind(Section::Panes, &[Key::of(KeyCode::Down), Key::char('j')], Action::Move(Move::Down), Some("move"), "one line down"),
    bind(Section::Panes, &[Key::of(KeyCode::PageUp)], Action::Move(Move::PageUp), None, "one page up"),
    bind(Section::Panes, &[Key::of(KeyCode::PageDown)], Action::Move(Move::PageDown), None, "one page down"),
    bind(Section::Panes, &[Key::of(KeyCode::Home), Key::char('g')], Action::Move(Move::First), None, "to the first line"),
    bind(Section::Panes, &[Key::of(KeyCode::End), Key::char('G')], Action::Move(Move::Last), None, "to the last line"),
    bind(Section::Always, &[Key::ctrl('c')], Action::Quit, None, "quit"),
    bind(Section::Always, &[Key::ctrl('l')], Action::Redraw, None, "redraw the screen"),
    bind(Section::Always, &[Key::ctrl('z')], Action::Suspend, None, "suspend, where the system can"),
    bind(Section::Add, &[Key::of(KeyCode::Enter)], Action::Accept, Some("add"), "add this peer"),
    bind(Section::Add, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "add none"),
    bind(Section::Filter, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "keep the filter"),
    bind(Section::Filter, &[Key::of(KeyCode::Esc)], Action::Close, Some("as before"), "list the peers as before"),
    bind(Section::Search, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "stay where it is found"),
    bind(Section::Search, &[Key::of(KeyCode::Esc)], Action::Close, Some("end"), "end the search"),
    bind(Section::Palette, &[Key::of(KeyCode::Enter)], Action::Accept, Some("do it"), "do what is chosen"),
    bind(Section::Palette, &[Key::of(KeyCode::Tab)], Action::Complete, Some("complete"), "complete what is typed"),
    bind(Section::Palette, &[Key::of(KeyCode::Up)], Action::Move(Move::Up), Some("choose"), "choose the one above"),
    bind(Section::Palette, &[Key::of(KeyCode::Down)], Action::Move(Move::Down), Some("choose"), "choose the one below"),
    bind(Section::Palette, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "do nothing"),
    bind(Section::Typing, &[Key::of(KeyCode::Left)], Action::Edit(InputRequest::GoToPrevChar), None, "one character back"),
    bind(Section::Typing, &[Key::of(KeyCode::Right)], Action::Edit(InputRequest::GoToNextChar), None, "one character on"),
    bind(Section::Typing, &[Key::of(KeyCode::Home), Key::ctrl('a')], Action::Edit(InputRequest::GoToStart), None, "to the beginning"),
    bind(Section::Typing, &[Key::of(KeyCode::End), Key::ctrl('e')], Action::Edit(InputRequest::GoToEnd), None, "to the end"),
    bind(Section::Typing, &[Key::of(KeyCode::Backspace), Key::ctrl('h')], Action::Edit(InputRequest::DeletePrevChar), None, "erase the character before"),
    bind(Section::Typing, &[Key::of(KeyCode::Delete), Key::ctrl('d')], Action::Edit(InputRequest::DeleteNextChar), None, "erase the character behind"),
    bind(Section::Typing, &[Key::ctrl('w')], Action::Edit(InputRequest::DeletePrevWord), None, "erase the word before"),
    bind(Section::Typing, &[Key::ctrl('u')], Action::Edit(InputRequest::DeleteLine), None, "erase all"),
    bind(Section::Export, &[Key::char('j')], Action::ExportAs(Form::Json), Some("JSON"), "the table as JSON"),
    bind(Section::Export, &[Key::char('t')], Action::ExportAs(Form::Text), Some("text"), "the screen as text"),
    bind(Section::Export, &[Key::char('s')], Action::ExportAs(Form::Svg), Some("SVG"), "the screen as an SVG picture"),
    bind(Section::Export, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "export nothing"),
    bind(Section::Confirm, &[Key::char('y')], Action::Accept, Some("forget it"), "forget it"),
    bind(Section::Confirm, &[Key::char('n'), Key::of(KeyCode::Esc)], Action::Close, Some("keep it"), "keep it"),
    bind(Section::Help, &[Key::of(KeyCode::Esc), Key::char('?'), Key::char('q'), Key::of(KeyCode::F(1))], Action::Close, Some("close"), "close this help"),
    bind(Section::Help, &[Key::of(KeyCode::Up), Key::char('k')], Action::Move(Move::Up), Some("scroll"), "one line up"),
    bind(Section::Help, &[Key::of(KeyCode::Down), Key::char('j')], Action::Move(Move::Down), Some("scroll"), "one line down"),
    bind(Section::Help, &[Key::of(KeyCode::PageUp)], Action::Move(Move::PageUp), None, "one page up"),
    bind(Section::Help, &[Key::of(KeyCode::PageDown)], Action::Move(Move::PageDown), None, "one page down"),
];
