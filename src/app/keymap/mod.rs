//! The one table of keys: it dispatches, fills the footer and the help pane, and prints the README's list.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

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
    /// Ask for a peer to add.
    Add,
    /// Dial every peer.
    DialAll,
    /// Dial every peer that is not up.
    DialFailing,
    /// Ask in which form to export.
    Export,
    /// Show the last hour, or the table again.
    Timeline,
    /// Show who reaches whom, or the table again.
    Matrix,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// To the next pair that fails.
    NextFailing,
    /// Show signs, or round trips.
    Figures,
    /// Show the worst first, subnets, or all by name.
    Arrange,
    /// Compare with an earlier moment.
    Compare,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Dial the selected peer.
    Dial,
    /// Drop the selected peer.
    Forget,
    /// Copy what is known of the selected peer.
    Copy,
    /// List only the selected peer's attempts, or all.
    OnlySelected,
    /// Show all about the selected peer.
    Details,
    /// Ask for a text to filter the peers by.
    Filter,
    /// Sort by the next column.
    Sort,
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
    /// Take what was typed, or say yes.
    Accept,
    /// Leave the overlay.
    Close,
    /// Complete what was typed.
    Complete,
    /// As JSON.
    ExportJson,
    /// As text.
    ExportText,
    /// As a picture.
    ExportSvg,
    /// Change the text that is being typed.
    Edit(InputRequest),
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The peer table.
    Peers,
    /// All about one peer.
    Details,
    /// The last hour.
    Timeline,
    /// Who reaches whom.
    Matrix,
    /// The list of attempts.
    Attempts,
    /// The log.
    Log,
    /// The help pane.
    Help,
    /// The prompt for a peer's address.
    Add,
    /// The prompt for the peers' filter.
    Filter,
    /// The prompt for a text to find in the log.
    Search,
    /// The prompt for an action.
    Palette,
    /// The choice of a form to export.
    Export,
    /// The question before a peer that is up is forgotten.
    Confirm,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Peers,
        Self::Details,
        Self::Timeline,
        Self::Matrix,
        Self::Attempts,
        Self::Log,
        Self::Help,
        Self::Add,
        Self::Filter,
        Self::Search,
        Self::Palette,
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
    /// In the timeline.
    Timeline,
    /// In the matrix.
    Matrix,
    /// In the attempts.
    Attempts,
    /// In the log.
    Log,
    /// In every pane.
    Panes,
    /// Even over an overlay.
    Always,
    /// In every prompt.
    Typing,
    /// In the prompt for an address.
    Add,
    /// In the prompt for a filter.
    Filter,
    /// In the prompt for a search.
    Search,
    /// In the prompt for an action.
    Palette,
    /// In the choice of a form.
    Export,
    /// In the question.
    Confirm,
    /// In the help pane.
    Help,
}

impl Section {
    /// The section's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Peers => "Peers",
            Self::Rows => "Peers and timeline",
            Self::Peer => "The selected peer",
            Self::Details => "Details",
            Self::Timeline => "Timeline",
            Self::Matrix => "Matrix",
            Self::Attempts => "Attempts",
            Self::Log => "Log",
            Self::Panes => "Every pane",
            Self::Always => "Always",
            Self::Typing => "While typing",
            Self::Add => "Adding a peer",
            Self::Filter => "Filtering the peers",
            Self::Search => "Searching the log",
            Self::Palette => "Choosing an action",
            Self::Export => "Exporting",
            Self::Confirm => "Before forgetting a peer that is up",
            Self::Help => "This help",
        }
    }

    /// Whether its keys count in a context.
    pub fn covers(self, context: Context) -> bool {
        use Context as C;
        match self {
            Self::Peers => context == C::Peers,
            Self::Rows => matches!(context, C::Peers | C::Timeline),
            Self::Peer => matches!(context, C::Peers | C::Details | C::Timeline),
            Self::Details => context == C::Details,
            Self::Timeline => context == C::Timeline,
            Self::Matrix => context == C::Matrix,
            Self::Attempts => context == C::Attempts,
            Self::Log => context == C::Log,
            Self::Panes => {
                matches!(context, C::Peers | C::Details | C::Timeline | C::Matrix | C::Attempts | C::Log)
            }
            Self::Always => true,
            Self::Typing => matches!(context, C::Add | C::Filter | C::Search | C::Palette),
            Self::Add => context == C::Add,
            Self::Filter => context == C::Filter,
            Self::Search => context == C::Search,
            Self::Palette => context == C::Palette,
            Self::Export => context == C::Export,
            Self::Confirm => context == C::Confirm,
            Self::Help => context == C::Help,
        }
    }
}

/// A key, without Shift: terminals differ in whether they report it beside the character it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    const fn of(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    const fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: false }
    }

    const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    fn is(self, event: &KeyEvent) -> bool {
        let plain = !event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER);
        plain && event.code == self.code && event.modifiers.contains(KeyModifiers::CONTROL) == self.ctrl
    }

    /// The event that a terminal reports for it.
    pub fn event(self) -> KeyEvent {
        let modifiers = if self.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        KeyEvent::new(self.code, modifiers)
    }

    /// As it is written on keyboards.
    pub fn name(self) -> String {
        match self.code {
            KeyCode::Char(c) if self.ctrl => format!("Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            code => code.to_string(),
        }
    }
}

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

/// The table, in the order of the help pane. The footer shows as many as fit, from the top.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    bind(Section::Peers, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show all about the selected peer"),
    bind(Section::Details, &[Key::of(KeyCode::Esc), Key::of(KeyCode::Enter)], Action::Back, Some("back"), "back to the table"),
    bind(Section::Timeline, &[Key::of(KeyCode::Left), Key::char('h')], Action::Earlier, Some("time"), "back in time"),
    bind(Section::Timeline, &[Key::of(KeyCode::Right), Key::char('l')], Action::Later, Some("time"), "forward in time"),
    bind(Section::Timeline, &[Key::of(KeyCode::Enter)], Action::Details, Some("details"), "show all about the selected peer"),
    bind(Section::Timeline, &[Key::of(KeyCode::Esc)], Action::Back, Some("back"), "back to now, then to the table"),
    bind(Section::Matrix, &[Key::of(KeyCode::Left), Key::char('h')], Action::Left, Some("column"), "one column to the left"),
    bind(Section::Matrix, &[Key::of(KeyCode::Right), Key::char('l')], Action::Right, Some("column"), "one column to the right"),
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
    bind(Section::Panes, &[Key::char('t')], Action::Timeline, Some("timeline"), "show the last hour, or the table"),
    bind(Section::Panes, &[Key::char('m')], Action::Matrix, Some("matrix"), "show who reaches whom, or the table"),
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
    bind(Section::Panes, &[Key::of(KeyCode::Up), Key::char('k')], Action::Up, Some("move"), "one line up"),
    bind(Section::Panes, &[Key::of(KeyCode::Down), Key::char('j')], Action::Down, Some("move"), "one line down"),
    bind(Section::Panes, &[Key::of(KeyCode::PageUp)], Action::PageUp, None, "one page up"),
    bind(Section::Panes, &[Key::of(KeyCode::PageDown)], Action::PageDown, None, "one page down"),
    bind(Section::Panes, &[Key::of(KeyCode::Home), Key::char('g')], Action::First, None, "to the first line"),
    bind(Section::Panes, &[Key::of(KeyCode::End), Key::char('G')], Action::Last, None, "to the last line"),
    bind(Section::Always, &[Key::ctrl('c')], Action::Quit, None, "quit"),
    bind(Section::Always, &[Key::ctrl('l')], Action::Redraw, None, "draw the screen anew"),
    bind(Section::Always, &[Key::ctrl('z')], Action::Suspend, None, "suspend, where the system can"),
    bind(Section::Add, &[Key::of(KeyCode::Enter)], Action::Accept, Some("add"), "add this peer"),
    bind(Section::Add, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "add none"),
    bind(Section::Filter, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "keep the filter"),
    bind(Section::Filter, &[Key::of(KeyCode::Esc)], Action::Close, Some("as before"), "list the peers as before"),
    bind(Section::Search, &[Key::of(KeyCode::Enter)], Action::Accept, Some("keep"), "stay where it is found"),
    bind(Section::Search, &[Key::of(KeyCode::Esc)], Action::Close, Some("end"), "end the search"),
    bind(Section::Palette, &[Key::of(KeyCode::Enter)], Action::Accept, Some("do it"), "do what is chosen"),
    bind(Section::Palette, &[Key::of(KeyCode::Tab)], Action::Complete, Some("complete"), "complete what is typed"),
    bind(Section::Palette, &[Key::of(KeyCode::Up)], Action::Up, Some("choose"), "choose the one above"),
    bind(Section::Palette, &[Key::of(KeyCode::Down)], Action::Down, Some("choose"), "choose the one below"),
    bind(Section::Palette, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "do nothing"),
    bind(Section::Typing, &[Key::of(KeyCode::Left)], Action::Edit(InputRequest::GoToPrevChar), None, "one character back"),
    bind(Section::Typing, &[Key::of(KeyCode::Right)], Action::Edit(InputRequest::GoToNextChar), None, "one character on"),
    bind(Section::Typing, &[Key::of(KeyCode::Home), Key::ctrl('a')], Action::Edit(InputRequest::GoToStart), None, "to the beginning"),
    bind(Section::Typing, &[Key::of(KeyCode::End), Key::ctrl('e')], Action::Edit(InputRequest::GoToEnd), None, "to the end"),
    bind(Section::Typing, &[Key::of(KeyCode::Backspace), Key::ctrl('h')], Action::Edit(InputRequest::DeletePrevChar), None, "erase the character before"),
    bind(Section::Typing, &[Key::of(KeyCode::Delete), Key::ctrl('d')], Action::Edit(InputRequest::DeleteNextChar), None, "erase the character behind"),
    bind(Section::Typing, &[Key::ctrl('w')], Action::Edit(InputRequest::DeletePrevWord), None, "erase the word before"),
    bind(Section::Typing, &[Key::ctrl('u')], Action::Edit(InputRequest::DeleteLine), None, "erase all"),
    bind(Section::Export, &[Key::char('j')], Action::ExportJson, Some("JSON"), "the table as JSON"),
    bind(Section::Export, &[Key::char('t')], Action::ExportText, Some("text"), "the screen as text"),
    bind(Section::Export, &[Key::char('s')], Action::ExportSvg, Some("SVG"), "the screen as an SVG picture"),
    bind(Section::Export, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "export nothing"),
    bind(Section::Confirm, &[Key::char('y')], Action::Accept, Some("forget it"), "forget it"),
    bind(Section::Confirm, &[Key::char('n'), Key::of(KeyCode::Esc)], Action::Close, Some("keep it"), "keep it"),
    bind(Section::Help, &[Key::of(KeyCode::Esc), Key::char('?'), Key::char('q'), Key::of(KeyCode::F(1))], Action::Close, Some("close"), "close this help"),
    bind(Section::Help, &[Key::of(KeyCode::Up), Key::char('k')], Action::Up, Some("scroll"), "one line up"),
    bind(Section::Help, &[Key::of(KeyCode::Down), Key::char('j')], Action::Down, Some("scroll"), "one line down"),
    bind(Section::Help, &[Key::of(KeyCode::PageUp)], Action::PageUp, None, "one page up"),
    bind(Section::Help, &[Key::of(KeyCode::PageDown)], Action::PageDown, None, "one page down"),
];

/// What a key does in a context.
pub fn action(context: Context, event: &KeyEvent) -> Option<Action> {
    let here = KEYMAP.iter().filter(|binding| binding.section.covers(context));
    here.filter(|binding| binding.keys.iter().any(|key| key.is(event))).map(|binding| binding.action).next()
}

/// The footer of a context: keys and their word, the most needed first.
pub fn footer(context: Context) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for binding in KEYMAP.iter().filter(|binding| binding.section.covers(context)) {
        let (Some(word), Some(key)) = (binding.word, binding.keys.first()) else { continue };
        match entries.last_mut() {
            Some((keys, last)) if *last == word => keys.push_str(&key.name()),
            _ => entries.push((key.name(), word)),
        }
    }
    entries
}

/// The help: each section's heading with its keys and what they do.
pub fn help() -> Vec<(Section, Vec<(String, &'static str)>)> {
    let mut sections: Vec<(Section, Vec<(String, &'static str)>)> = Vec::new();
    for binding in KEYMAP {
        let entry = (binding.keys_in_text(), binding.help);
        match sections.iter_mut().find(|(other, _)| *other == binding.section) {
            Some((_, entries)) => entries.push(entry),
            None => sections.push((binding.section, vec![entry])),
        }
    }
    sections
}

/// The actions of a context that can be asked for by their words: all but those that move about.
pub fn palette(context: Context) -> impl Iterator<Item = &'static Binding> {
    let moves = |action| {
        matches!(
            action,
            Action::Palette
                | Action::Up
                | Action::Down
                | Action::PageUp
                | Action::PageDown
                | Action::First
                | Action::Last
                | Action::Earlier
                | Action::Later
                | Action::Left
                | Action::Right
        )
    };
    let here = KEYMAP.iter().filter(move |binding| binding.section.covers(context) && !moves(binding.action));
    let quit = |binding: &&Binding| binding.section != Section::Always || binding.action != Action::Quit;
    here.filter(quit)
}

/// The help as a Markdown table, for the README.
pub fn markdown() -> String {
    let mut text = String::from("| where | keys | what they do |\n|---|---|---|\n");
    for (section, entries) in help() {
        let title = section.title();
        for (keys, help) in entries {
            let keys: Vec<_> = keys.split(' ').map(|key| format!("`{key}`")).collect();
            let _ = writeln!(text, "| {title} | {} | {help} |", keys.join(" "));
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        for context in Context::ALL {
            let mut seen = HashSet::new();
            for binding in KEYMAP.iter().filter(|binding| binding.section.covers(context)) {
                for key in binding.keys {
                    assert!(seen.insert(*key), "{} in {context:?}", key.name());
                }
            }
        }
    }

    #[test]
    fn every_key_of_the_table_does_what_its_line_says_where_it_says() {
        for binding in KEYMAP {
            for context in Context::ALL.into_iter().filter(|context| binding.section.covers(*context)) {
                for key in binding.keys {
                    assert_eq!(action(context, &key.event()), Some(binding.action), "{}", key.name());
                }
            }
        }
    }

    #[test]
    fn a_capital_counts_with_and_without_a_reported_shift_and_alt_makes_another_key() {
        let key = |c, modifiers| action(Context::Peers, &KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(key('D', KeyModifiers::SHIFT), Some(Action::DialAll));
        assert_eq!(key('D', KeyModifiers::NONE), Some(Action::DialAll));
        assert_eq!(key('d', KeyModifiers::ALT), None);
        assert_eq!(key('d', KeyModifiers::CONTROL), None);
    }

    #[test]
    fn every_line_of_the_help_fits_into_one_of_its_columns() {
        for binding in KEYMAP {
            assert!(binding.help.len() <= 37, "{}", binding.help);
        }
    }

    #[test]
    fn the_readme_lists_every_binding() {
        assert_eq!(markdown().lines().count(), KEYMAP.len() + 2);
    }
}
