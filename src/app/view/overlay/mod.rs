//! What lies over the panes: the help, the prompt for an address, the palette, questions.

mod boxed;
pub(super) mod doctor;
mod help;

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::layout::{centred, cut_top};
use super::prompt;
use crate::app::keymap::{Action, Binding, KeyContext};
use crate::app::model::SavedFilters;
use crate::app::ui::{Choice, Overlay, Prompt, Typed, Ui};
use crate::app::{ShownNode, When};
use boxed::{WIDTH, frame, keys, paragraph};

/// Lines of the prompt and of the question.
const PROMPT: u16 = 6;

/// Most lines of the palette's list.
const PALETTE: u16 = 12;

/// Columns of the name of what can be chosen, and a blank: the longest of a filter.
const CHOICE: u16 = 25;

/// Draws the overlay, if there is one. Returns where the cursor belongs.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, node: ShownNode, ui: &mut Ui) -> Option<Position> {
    let beneath = ui.beneath();
    let Ui { overlay, keymap, filters, checkup, .. } = ui;
    match overlay {
        Some(Overlay::Help(help)) => {
            return help::render(canvas, area, keymap, (beneath, node == ShownNode::Recorded), help);
        }
        Some(Overlay::Doctor { scroll }) => doctor::render(canvas, area, checkup, node, scroll),
        Some(Overlay::Add(prompt)) => return Some(add(canvas, area, prompt)),
        Some(Overlay::Palette { prompt, chosen, .. }) => {
            let typed = keymap.typed(beneath, prompt.text());
            let found = keymap.found(beneath, prompt.text());
            // As high as with nothing typed: the box does not jump while one types.
            let all = keymap.found(beneath, "").len();
            let cursor = palette(canvas, area, &found, all, (prompt, *chosen), (typed, filters));
            return Some(cursor);
        }
        Some(Overlay::Jump(prompt)) => return Some(jump(canvas, area, prompt)),
        Some(Overlay::Export) => {
            let text = "Write the incidents as Markdown, the table as JSON, or the screen as text or SVG, to a new file in the folder where vigie was started.";
            question(canvas, area, "Export", text, KeyContext::Export);
        }
        Some(Overlay::Forget { name, .. }) => {
            let text = format!("{name} is up: it will be back as soon as it is heard again. Forget it?");
            question(canvas, area, "Forget a peer", &text, KeyContext::Confirm);
        }
        // Typed in the last line.
        Some(Overlay::Filter { .. } | Overlay::Search(_)) | None => {}
    }
    None
}

/// A text with the keys that answer it.
fn question(canvas: &mut Canvas<'_>, area: Rect, title: &str, text: &str, context: KeyContext) {
    let inside = frame(canvas, centred(area, WIDTH, PROMPT - 1), title);
    let style = canvas.theme().text();
    paragraph(canvas, inside, text, style);
    keys(canvas, inside, context);
}

/// The prompt for an address, and what is typed so far.
fn add(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt) -> Position {
    let theme = canvas.theme();
    let inside = frame(canvas, centred(area, WIDTH, PROMPT), "Add a peer");
    let cursor = prompt::render(canvas, inside, "> ", prompt);
    let (text, style) = match Overlay::target(prompt.text()) {
        _ if prompt.text().trim().is_empty() => {
            ("Its host name or address, like host7, 10.0.0.7:17500 or [fe80::1%eth0]:17500; the default port is 17474.".into(), theme.dim())
        }
        Ok(target) => (format!("✓ {target}"), theme.good()),
        Err(error) => (format!("✖ {error}"), theme.bad()),
    };
    paragraph(canvas, cut_top(inside, 1)[1], &text, style);
    keys(canvas, inside, KeyContext::Add);
    cursor
}

/// The prompt for a moment of a recording.
fn jump(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt) -> Position {
    let theme = canvas.theme();
    let inside = frame(canvas, centred(area, WIDTH, PROMPT), "Go to a moment");
    let cursor = prompt::render(canvas, inside, "> ", prompt);
    let (text, style) = match prompt.text().parse::<When>() {
        Ok(_) => (String::new(), theme.good()),
        Err(expected) if prompt.text().trim().is_empty() => (expected, theme.dim()),
        Err(expected) => (format!("✖ {expected}"), theme.bad()),
    };
    paragraph(canvas, cut_top(inside, 1)[1], &text, style);
    keys(canvas, inside, KeyContext::Jump);
    cursor
}

/// The prompt for an action, with those found: the chosen one is always visible.
fn palette(
    canvas: &mut Canvas<'_>,
    area: Rect,
    found: &[&Binding],
    all: usize,
    (prompt, chosen): (&Prompt, usize),
    (typed, filters): (Option<(Action, &str)>, &SavedFilters),
) -> Position {
    let theme = canvas.theme();
    let all = u16::try_from(all).unwrap_or(u16::MAX);
    let inside = frame(canvas, centred(area, WIDTH, all.min(PALETTE) + 4), "Actions");
    let cursor = prompt::render(canvas, inside, ": ", prompt);
    let [list, _] = cut_top(cut_top(inside, 1)[1], inside.height.saturating_sub(2));
    if let Some((action, words)) = typed {
        words_for(canvas, list, (action, words), chosen, filters);
    } else if found.is_empty() {
        canvas.put(list, 0, "No matching action.", theme.warning());
    }
    let found = if typed.is_some() { &[] } else { found };
    let top = (chosen + 1).saturating_sub(usize::from(list.height));
    for (line, (nth, binding)) in (0..list.height).zip(found.iter().enumerate().skip(top)) {
        let mut writer = canvas.line(list, line);
        writer.styled(if nth == chosen { "▸ " } else { "  " }, theme.focused());
        writer.part(16).styled(&binding.keys_in_text(), theme.strong());
        writer.skip(16).styled(binding.help, theme.text());
        if nth == chosen {
            canvas.restyle(Rect { y: list.y + line, height: 1, ..list }, theme.selected());
        }
    }
    keys(canvas, inside, KeyContext::Palette);
    cursor
}

/// What is expected of the words that are typed for an action, what is wrong with them, and what can be taken in the place of more typing.
fn words_for(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (action, words): (Action, &str),
    chosen: usize,
    filters: &SavedFilters,
) {
    let theme = canvas.theme();
    paragraph(canvas, area, &Typed::expected(action), theme.dim());
    let [_, below] = cut_top(area, 2);
    let choices = Choice::of(action, words, filters);
    if !choices.is_empty() {
        return list_choices(canvas, below, &choices, chosen);
    }
    if let Err(why) = Typed::read(action, words, filters)
        && (!words.trim().is_empty() || action == Action::SavedFilter)
    {
        paragraph(canvas, below, &format!("✖ {why}"), theme.bad());
    }
}

fn list_choices(canvas: &mut Canvas<'_>, area: Rect, choices: &[Choice], chosen: usize) {
    let theme = canvas.theme();
    let top = (chosen + 1).saturating_sub(usize::from(area.height));
    for (line, (nth, choice)) in (0..area.height).zip(choices.iter().enumerate().skip(top)) {
        let mut writer = canvas.line(area, line);
        writer.styled(if nth == chosen { "▸ " } else { "  " }, theme.focused());
        writer.part(CHOICE).styled(&choice.name, theme.strong());
        writer.skip(CHOICE).styled(&choice.about, theme.text());
        if nth == chosen {
            canvas.restyle(Rect { y: area.y + line, height: 1, ..area }, theme.selected());
        }
    }
}
