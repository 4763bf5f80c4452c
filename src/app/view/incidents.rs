//! What is and what was wrong, one finding a line; and of the selected one the evidence, as an argument: what was seen, what follows,
//! what to do.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::layout::cut_top;
use super::overlay::doctor;
use super::page::{Page, scroll_bar};
use super::{findings, peers};
use crate::app::checkup::{Checkup, Grade, Remark};
use crate::app::model::{Incident, Model};
use crate::app::ui::{FindingRow, Mute, Pane, Ui, finding_rows};
use crate::app::view::line_writer::LineWriter;
use crate::engine::verdict::Confidence;
use crate::text::Age;

/// Columns before the first one: the mark of the selected line.
const MARK: u16 = 2;

/// Columns of its sign and when it began.
const BEGAN: u16 = 12;

/// Columns of how long it lasts, or has lasted.
const LASTED: u16 = 8;

/// Columns of how sure it is, where there is room for that beside the headline.
const SURE: u16 = 9;

/// From this width on there is room for it.
const WITH_SURE: u16 = 70;

/// Of so many lines one is for the list, the others for the evidence: of many findings, most are over.
const SHARE: u16 = 2;

/// Below this many lines there is the list alone, until the evidence is opened.
const WITH_EVIDENCE: u16 = 9;

/// Draws them.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, model: &Model, ui: &mut Ui) {
    let incidents = model.incidents();
    let all_rows = finding_rows(&incidents, &ui.checkup);
    if all_rows.is_empty() {
        let style = canvas.theme().dim();
        canvas.put(area, 0, "  Nothing is wrong, as far as this node knows, and nothing was.", style);
        if let Checkup::Done(_) = &ui.checkup {
            canvas.put(area, 1, "  The doctor found nothing wrong with this machine.", style);
        }
        return;
    }
    if ui.findings.is_open() {
        return open(canvas, area, model, ui, &incidents, &all_rows);
    }
    // The heading above what the doctor says.
    let heading = usize::from(!ui.checkup.remarks().is_empty());
    let all = u16::try_from(all_rows.len() + heading).unwrap_or(u16::MAX).saturating_add(1);
    let most = if area.height < WITH_EVIDENCE { area.height } else { area.height / SHARE };
    let [list, below] = cut_top(area, all.min(most));
    let [heads, rows] = cut_top(list, 1);
    head(canvas, heads);
    let page = usize::from(rows.height).saturating_sub(heading);
    let top = ui.findings.settle(&all_rows, page);
    let mut line = Rect { height: 1, ..rows };
    let mut is_headed = false;
    for (nth, finding_row) in all_rows.iter().enumerate().skip(top).take(page) {
        if !is_headed && matches!(finding_row, FindingRow::Machine(_)) {
            machine_head(canvas, line, model, &ui.checkup);
            (is_headed, line.y) = (true, line.y + 1);
        }
        match (finding_row, incidents.get(nth)) {
            (FindingRow::Machine(nth), _) => machine_row(canvas, line, &ui.checkup.remarks()[*nth]),
            (FindingRow::Network(_), Some(incident)) => row(canvas, line, model, ui, incident),
            (FindingRow::Network(_), None) => {}
        }
        canvas.hit_map.findings.push((line, *finding_row));
        if ui.findings.selected() == Some(*finding_row) {
            peers::mark(canvas, line, ui);
        }
        line.y += 1;
    }
    ui.findings.show_evidence(below.height > 1);
    if below.height > 1
        && let Some(at) = ui.findings.hold(&all_rows)
    {
        let [_, below] = cut_top(below, 1);
        let headings = canvas.theme().strong();
        explain(&mut Page::new(canvas, headings, below, 0), model, ui, (all_rows[at], incidents.get(at)));
    }
}

/// The evidence of the selected one alone.
fn open(
    canvas: &mut Canvas<'_>,
    area: Rect,
    model: &Model,
    ui: &mut Ui,
    incidents: &[Incident],
    rows: &[FindingRow],
) {
    let Some(at) = ui.findings.hold(rows) else { return };
    let selected = (rows[at], incidents.get(at));
    let theme = canvas.theme();
    let headings = if ui.focus == Pane::Main { theme.focused() } else { theme.strong() };
    // The last column is the scroll bar's.
    let inside = Rect { width: area.width.saturating_sub(1), ..area };
    let unseen = Rect { height: 0, ..inside };
    let lines = explain(&mut Page::new(canvas, headings, unseen, 0), model, ui, selected);
    let beyond = lines.saturating_sub(area.height);
    ui.details = ui.details.min(beyond);
    explain(&mut Page::new(canvas, headings, inside, ui.details), model, ui, selected);
    if beyond > 0 {
        scroll_bar(canvas, area, ui.details, beyond);
    }
}

fn head(canvas: &mut Canvas<'_>, area: Rect) {
    let dim = canvas.theme().dim();
    let mut writer = canvas.line(area, 0);
    writer.skip(MARK);
    writer.part(BEGAN).skip(2).styled("began", dim);
    writer.skip(BEGAN);
    writer.part(LASTED).styled("lasts", dim);
    writer.skip(LASTED);
    if area.width >= WITH_SURE {
        writer.part(SURE).styled("sure", dim);
        writer.skip(SURE);
    }
    writer.styled("what is wrong", dim);
}

fn row(canvas: &mut Canvas<'_>, line: Rect, model: &Model, ui: &Ui, incident: &Incident) {
    let (theme, now, appearance) = (canvas.theme(), canvas.now(), canvas.appearance());
    let Incident { finding, ended } = incident;
    let mute = ui.findings.mute_of(finding.id, now);
    let dimmed = ended.is_some() || mute.is_some();
    let plain = if dimmed { theme.dim() } else { theme.text() };
    let wide = line.width >= WITH_SURE;
    let mut writer = canvas.line(line, 0);
    writer.skip(MARK);
    let mut began = writer.part(BEGAN);
    findings::sign(&mut began, finding, dimmed);
    if let Some(wall) = model.wall(finding.since) {
        let (hour, minute, second) = appearance.time_of_day(wall);
        began.format(plain, format_args!("{hour:02}:{minute:02}:{second:02}"));
    }
    writer.skip(BEGAN);
    let lasted = ended.unwrap_or(now).saturating_duration_since(finding.since);
    writer.part(LASTED).format(plain, format_args!("{}", Age(lasted)));
    writer.skip(LASTED);
    if wide {
        let sure = if finding.confidence == Confidence::Certain { "certain" } else { "likely" };
        writer.part(SURE).styled(sure, plain);
        writer.skip(SURE);
    }
    match (ended, mute) {
        (Some(_), _) => _ = writer.styled("over: ", theme.dim()),
        (None, Some(_)) => _ = writer.styled("muted: ", theme.dim()),
        (None, None) => {}
    }
    writer.styled(&finding.headline(), if dimmed { theme.dim() } else { theme.strong() });
    if let Some(paths) = finding.paths() {
        writer.styled(" — ", theme.dim()).styled(&paths, plain);
    }
}

/// What stands above what the doctor says of this machine.
fn machine_head(canvas: &mut Canvas<'_>, line: Rect, model: &Model, checkup: &Checkup) {
    let (strong, dim, appearance) = (canvas.theme().strong(), canvas.theme().dim(), canvas.appearance());
    let mut writer = canvas.line(line, 0);
    writer.skip(MARK).styled("This machine", strong);
    if let Checkup::Done(examination) = checkup
        && let Some(wall) = model.wall(examination.at)
    {
        let (hour, minute, second) = appearance.time_of_day(wall);
        writer.format(dim, format_args!(", by the doctor at {hour:02}:{minute:02}:{second:02}"));
    }
}

fn machine_row(canvas: &mut Canvas<'_>, line: Rect, remark: &Remark) {
    let theme = canvas.theme();
    let (sign, style) = doctor::sign(remark.grade, theme);
    let mut writer = canvas.line(line, 0);
    let words = if remark.grade == Grade::Note { theme.dim() } else { theme.strong() };
    writer.skip(MARK).sign(sign, style).text(" ").styled(&remark.what, words);
}

/// Fills a page with why something is said and what to do. Returns how many lines it takes.
fn explain(
    page: &mut Page<'_, '_>,
    model: &Model,
    ui: &Ui,
    selected: (FindingRow, Option<&Incident>),
) -> u16 {
    match selected {
        (FindingRow::Machine(nth), _) => {
            ui.checkup.remarks().get(nth).into_iter().for_each(|remark| doctor::explain(page, remark));
            page.lines()
        }
        (FindingRow::Network(finding), Some(incident)) => {
            let mute = ui.findings.mute_of(finding, page.now());
            argue(page, model, incident, mute)
        }
        (FindingRow::Network(_), None) => 0,
    }
}

/// Fills a page with why it is said and what to do. Returns how many lines it takes.
fn argue(page: &mut Page<'_, '_>, model: &Model, incident: &Incident, mute: Option<Mute>) -> u16 {
    let Incident { finding, ended } = incident;
    let (theme, now) = (page.theme(), page.now());
    page.line(|writer| {
        findings::sign(writer, finding, ended.is_some());
        writer.styled(&finding.headline(), theme.strong());
    });
    page.evidence(&finding.evidence);
    let (what, sure) = (
        finding.verdict.description(),
        match finding.confidence {
            Confidence::Certain => "certain: nothing else explains all of this",
            Confidence::Likely => "likely: another cause fits this, too",
        },
    );
    page.words("so", theme.strong(), format!("{what} ({sure})"));
    if ended.is_none() {
        page.words("try", theme.warning(), &finding.advice);
    }
    page.words("whom", theme.text(), finding.names.join(", "));
    if let Some(paths) = finding.paths() {
        page.words("paths", theme.text(), paths);
    }
    page.fact("since", |writer| moment(writer, model, finding.since));
    match ended {
        Some(ended) => page.fact("until", |writer| moment(writer, model, *ended)),
        None => page.fact("lasts", |writer| {
            let lasts = Age(now.saturating_duration_since(finding.since));
            writer.format(theme.text(), format_args!("{lasts}"));
        }),
    }
    match mute {
        Some(Mute::Until(until)) => page.fact("muted", |writer| {
            writer.styled("until ", theme.text());
            moment(writer, model, until);
        }),
        Some(Mute::UntilOver) => page.words("muted", theme.text(), "as long as it lasts"),
        None => {}
    }
    page.lines()
}

/// The time of day, with the date where that is another one.
fn moment(writer: &mut LineWriter<'_>, model: &Model, at: std::time::Instant) {
    let pen = writer.pen();
    if let (Some(wall), Some(from)) = (model.wall(at), model.wall(pen.now())) {
        writer.format(pen.theme().text(), format_args!("{}", pen.appearance().moment(wall, from)));
    }
}
