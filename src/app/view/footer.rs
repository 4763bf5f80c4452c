//! The last line: what is being typed, else what was done a moment ago, else the keys that count here.

use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::canvas::Canvas;
use super::prompt;
use crate::app::Playback;
use crate::app::keymap::Action;
use crate::app::state::Models;
use crate::app::ui::{FindingRow, HitMap, Overlay, Prompt, Ui, View};
use crate::engine::verdict::FindingId;

/// Most columns of a text that is typed here, where others want to be seen beside it.
const TYPED: u16 = 30;

/// Draws it. Returns where the cursor belongs, if it belongs here.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, models: &Models, ui: &Ui) -> Option<Position> {
    let theme = canvas.theme();
    match &ui.overlay {
        Some(Overlay::Filter { prompt, .. }) => {
            let (listed, all) = match ui.view {
                View::Matrix => ui.matrix.listed(models.shown()),
                _ => (models.shown().listed(), models.shown().len()),
            };
            let found =
                models.shown().filter().problem().map_or_else(|| format!("{listed} of {all}"), str::to_owned);
            return Some(line(canvas, area, prompt, &found, models, ui));
        }
        Some(Overlay::Search(prompt)) => {
            return Some(line(canvas, area, prompt, &ui.log.found(), models, ui));
        }
        _ => {}
    }
    // What answers a question is seen before what was said.
    let asks = matches!(ui.overlay, Some(Overlay::Export | Overlay::Forget { .. }));
    if let Some(status) = ui.status.as_ref().filter(|_| !asks) {
        let (mark, style) = if status.good { ("✓ ", theme.good()) } else { ("! ", theme.alarm()) };
        canvas.line(area, 0).styled(mark, style).text(&status.text);
        return None;
    }
    keys(canvas, area, models, ui);
    None
}

/// A prompt, what has been found so far, and the keys that end it.
fn line(
    canvas: &mut Canvas<'_>,
    area: Rect,
    prompt: &Prompt,
    found: &str,
    models: &Models,
    ui: &Ui,
) -> Position {
    let theme = canvas.theme();
    let cursor = prompt::render(canvas, Rect { width: area.width.min(TYPED), ..area }, "/", prompt);
    let rest = Rect { x: area.x + TYPED.min(area.width), width: area.width.saturating_sub(TYPED), ..area };
    canvas.line(rest, 0).styled(found, theme.focused());
    let gap = u16::try_from(crate::text::columns(found) + 3).unwrap_or(u16::MAX).min(rest.width);
    keys(canvas, Rect { x: rest.x + gap, width: rest.width - gap, ..rest }, models, ui);
    cursor
}

fn keys(canvas: &mut Canvas<'_>, area: Rect, models: &Models, ui: &Ui) {
    let theme = canvas.theme();
    let context = ui.context();
    let is_played = models.playback().is_some();
    let keymap = &ui.keymap;
    let idle = idle(&canvas.hit_map, models, ui);
    let keys =
        if is_played { keymap.footer_of_a_recording(context, &idle) } else { keymap.footer(context, &idle) };
    let mut writer = canvas.line(area, 0);
    for (keys, word) in keys {
        let word = match word {
            "details" if ui.peers.heading().is_some() && ui.view == View::Peers => "fold",
            "details" if ui.view == View::Matrix && ui.matrix.is_on_subnets() => "hosts",
            "back" if ui.view == View::Matrix && ui.matrix.opened().is_some() => "fold",
            "evidence" if ui.findings.is_open() => "list",
            "evidence" if ui.findings.shows_evidence() => "only evidence",
            "pause" if models.is_frozen() => "resume",
            "pause" if models.playback().is_some_and(Playback::is_paused) => "play",
            "timeline" if ui.view == View::Timeline => "table",
            "matrix" if ui.view == View::Matrix => "table",
            "findings" if ui.view == View::Findings => "table",
            "round trips" if ui.matrix.figures => "signs",
            word => word,
        };
        // The two blanks after the last entry may hang over.
        if Span::raw(&*keys).width() + 1 + word.len() > writer.room() {
            break;
        }
        writer.styled(&keys, theme.strong()).styled(" ", theme.dim()).text(word);
        writer.skip(2);
    }
}

/// Actions that have keys here, and would do nothing: there is nothing beside a pane that is whole, and only a finding that holds is muted.
fn idle(places: &HitMap, models: &Models, ui: &Ui) -> Vec<Action> {
    let holds = |id: FindingId| models.shown().matrix().findings().iter().any(|finding| finding.id == id);
    let may_mute = match ui.findings.selected() {
        Some(FindingRow::Network(id)) => holds(id),
        Some(FindingRow::Machine(_)) | None => false,
    };
    let mute = (ui.view == View::Findings && !may_mute).then_some(Action::Mute);
    let zoom = (places.has_one_pane() && !ui.zoomed).then_some(Action::Zoom);
    mute.into_iter().chain(zoom).collect()
}
