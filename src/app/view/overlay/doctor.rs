//! What the doctor says of this machine.

use ratatui::layout::Rect;

use super::boxed::{WIDTH, frame};
use crate::app::checkup::{Check, Checkup, Examination, Grade, Remark};
use crate::app::keymap::{Action, Section};
use crate::app::ui::View;
use crate::app::view::canvas::Canvas;
use crate::app::view::layout::centred;
use crate::app::view::page::{Page, WRAPPED, scroll_bar};
use crate::app::{ShownNode, appearance::Theme};
use crate::text::wrap;

/// Columns of the name of a check.
const NAME: u16 = 12;

/// Draws it, and cuts the scrolling to what there is.
pub(super) fn render(
    canvas: &mut Canvas<'_>,
    area: Rect,
    checkup: &Checkup,
    node: ShownNode,
    scroll: &mut u16,
) {
    let place = |lines: u16| centred(area, WIDTH, lines.saturating_add(2));
    let headings = canvas.theme().strong();
    // As wide inside as the box is, but for its borders, blanks and the scroll bar.
    let unseen = Rect { width: place(0).width.saturating_sub(5), height: 0, ..area };
    let lines = write(&mut Page::new(canvas, headings, unseen, 0), checkup, node);
    let close = canvas.key_in(Section::Help, Action::Close);
    let then = if matches!(checkup, Checkup::Runs(_)) { "hides it, it goes on" } else { "closes it" };
    let inside = frame(canvas, place(lines), &format!("Doctor · {close} {then}"));
    let beyond = lines.saturating_sub(inside.height);
    *scroll = (*scroll).min(beyond);
    let text = Rect { width: inside.width.saturating_sub(1), ..inside };
    write(&mut Page::new(canvas, headings, text, *scroll), checkup, node);
    if beyond > 0 {
        scroll_bar(canvas, inside, *scroll, beyond);
    }
}

/// Fills a page with it. Returns how many lines it takes.
fn write(page: &mut Page<'_, '_>, checkup: &Checkup, node: ShownNode) -> u16 {
    let theme = page.theme();
    let about = match node {
        ShownNode::Attached => {
            "This machine, on which the node runs, too, seen with the rights of this process: those of the node's may differ."
        }
        _ => "This machine, and the ports of the node that runs in this process.",
    };
    page.words("of", theme.dim(), about);
    match checkup {
        Checkup::Unasked => page.words("now", theme.dim(), "nothing was examined yet"),
        Checkup::Runs(step) => {
            page.words("now", theme.strong(), format_args!("{step} … this takes a few seconds"));
        }
        Checkup::Failed(why) => page.words("failed", theme.bad(), why),
        Checkup::Done(examination) => told(page, examination),
    }
    page.lines()
}

fn told(page: &mut Page<'_, '_>, Examination { checks, remarks, .. }: &Examination) {
    let theme = page.theme();
    let [findings, copy] =
        [page.key(Action::Show(View::Findings)), page.key_in(Section::Findings, Action::Copy)];
    page.heading("Checks");
    for Check { name, grade, saw } in checks {
        let room = usize::from(page.width()).saturating_sub(usize::from(NAME) + 3);
        for (nth, row) in wrap(saw, room, WRAPPED).iter().enumerate() {
            page.line(|writer| {
                if nth == 0 {
                    let (sign, style) = sign(*grade, theme);
                    writer.sign(sign, style).text(" ").part(NAME).styled(name, theme.dim());
                } else {
                    writer.skip(2);
                }
                writer.skip(NAME).text(" ").styled(row, theme.text());
            });
        }
    }
    if remarks.is_empty() {
        return page.words("so", theme.good(), "nothing is wrong with this machine");
    }
    page.heading(&format!("Findings, in {findings} too, where {copy} copies a fix"));
    for remark in remarks {
        explain(page, remark);
    }
}

/// What is to be said, why, and what fixes it.
pub(in crate::app::view) fn explain(page: &mut Page<'_, '_>, remark: &Remark) {
    let theme = page.theme();
    let Remark { grade, what, evidence, fix } = remark;
    let (sign, style) = sign(*grade, theme);
    for (nth, row) in wrap(what, usize::from(page.width()).saturating_sub(2), WRAPPED).iter().enumerate() {
        page.line(|writer| {
            if nth == 0 {
                writer.sign(sign, style);
            } else {
                writer.skip(1);
            }
            writer.text(" ").styled(row, theme.strong());
        });
    }
    page.words("seen", theme.text(), evidence);
    page.words("try", theme.warning(), fix);
}

/// The sign of a grade, and its colour.
pub(in crate::app::view) fn sign(grade: Grade, theme: Theme) -> (&'static str, ratatui::style::Style) {
    match grade {
        Grade::Fine => ("✓", theme.good()),
        Grade::Note => ("·", theme.dim()),
        Grade::Warning => ("?", theme.warning()),
        Grade::Error => ("!", theme.alarm_text()),
    }
}
