//! A screen as an SVG picture: text by the cell, so that it is aligned in any monospace font.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::text::columns;

/// Width and height of a cell, and where the text stands in it.
const CELL: (f32, f32) = (8.4, 18.0);
const BASELINE: f32 = 13.4;
const FONT_SIZE: f32 = 14.0;

/// The window: its title bar, and the space around the screen.
const BAR: f32 = 36.0;
const PADDING: f32 = 16.0;

const BACKGROUND: &str = "#12161e";
const FOREGROUND: &str = "#d3d9e4";
const DIM: &str = "#7f899b";

/// The sixteen colours of the terminal.
const PALETTE: [&str; 16] = [
    "#3a4252", "#f2777a", "#8ccf7e", "#e8c266", "#7aa8f0", "#c792ea", "#67cfd8", FOREGROUND, "#5c6779",
    "#ff8f92", "#a5e098", "#f5d58a", "#9cc0ff", "#dcb2f5", "#8be0e8", "#ffffff",
];

/// How a cell looks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CellStyle {
    text: String,
    back: Option<String>,
    bold: bool,
    underline: bool,
}

impl CellStyle {
    fn of(cell: &Cell) -> Self {
        let usual = if cell.modifier.contains(Modifier::DIM) { DIM } else { FOREGROUND };
        let text = colour(cell.fg).unwrap_or_else(|| usual.into());
        let back = colour(cell.bg);
        let (text, back) = if cell.modifier.contains(Modifier::REVERSED) {
            let own = colour(cell.fg).unwrap_or_else(|| FOREGROUND.into());
            (back.unwrap_or_else(|| BACKGROUND.into()), Some(own))
        } else {
            (text, back)
        };
        let has = |modifier| cell.modifier.contains(modifier);
        Self { text, back, bold: has(Modifier::BOLD), underline: has(Modifier::UNDERLINED) }
    }
}

fn colour(colour: Color) -> Option<String> {
    let named = |i: u8| PALETTE.get(usize::from(i)).map_or_else(|| extended(i), |name| (*name).to_owned());
    Some(match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(i) => named(i),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
    })
}

/// The colours above the sixteen: a cube of six steps each way, then greys.
fn extended(i: u8) -> String {
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    let (r, g, b) = if let 232.. = i {
        let grey = 8 + 10 * (i - 232);
        (grey, grey, grey)
    } else {
        let i = i.saturating_sub(16);
        (step(i / 36), step(i / 6 % 6), step(i % 6))
    };
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Cells of one look that stand side by side.
struct Run {
    start: u16,
    width: u16,
    text: String,
    style: CellStyle,
}

/// Draws the screen in a window with a title.
pub fn draw(screen: &Buffer, title: &str) -> String {
    let (cols, rows) = (screen.area.width, screen.area.height);
    let mut svg = window(cols, rows, title);
    for (y, row) in (0..rows).zip(screen.content.chunks(usize::from(cols.max(1)))) {
        line(&mut svg, row, y);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws screens of one size one after the other, each for this time, over and over (SVG 1.1, "Animation"). What a line
/// shows through several frames is there once.
pub fn animate(screens: &[Buffer], each: Duration, title: &str) -> String {
    let Some(first) = screens.first() else { return String::new() };
    let (cols, rows) = (first.area.width, first.area.height);
    let mut svg = window(cols, rows, title);
    for y in 0..rows {
        let from = usize::from(y) * usize::from(cols);
        let row = |screen: &Buffer| {
            let mut row = String::new();
            line(&mut row, screen.content.get(from..from + usize::from(cols)).unwrap_or_default(), y);
            row
        };
        let rows: Vec<String> = screens.iter().map(row).collect();
        let mut nth = 0;
        for same in rows.chunk_by(|a, b| a == b) {
            let until = nth + same.len();
            shown(&mut svg, &same[0], nth..until, screens.len(), each);
            nth = until;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A part of the picture that is seen during these frames of so many.
fn shown(svg: &mut String, part: &str, during: Range<usize>, of: usize, each: Duration) {
    if part.is_empty() || during.len() == of {
        svg.push_str(part);
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
    let (start, end, frames) = (during.start as f64, during.end as f64, of as f64);
    let seconds = each.as_secs_f64() * frames;
    // The first key time has to be 0.
    let (values, times) = if during.start == 0 {
        ("inline;none", format!("0;{:.4}", end / frames))
    } else if during.end == of {
        ("none;inline", format!("0;{:.4}", start / frames))
    } else {
        ("none;inline;none", format!("0;{:.4};{:.4}", start / frames, end / frames))
    };
    let _ = writeln!(
        svg,
        r#"<g display="none"><animate attributeName="display" values="{values}" keyTimes="{times}" dur="{seconds:.1}s" calcMode="discrete" repeatCount="indefinite"/>
{part}</g>"#
    );
}

/// The window with its title, and nothing in it.
fn window(cols: u16, rows: u16, title: &str) -> String {
    let width = f32::from(cols) * CELL.0 + 2.0 * PADDING;
    let height = f32::from(rows) * CELL.1 + BAR + PADDING;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">
<style>text{{font:{FONT_SIZE}px ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",Menlo,Consolas,"Liberation Mono",monospace;white-space:pre}}.b{{font-weight:700}}.u{{text-decoration:underline}}.c{{text-anchor:middle}}</style>
<rect x=".5" y=".5" width="{w}" height="{h}" rx="9" fill="{BACKGROUND}" stroke="#39414f"/>
<path d="M.5 {BAR}V9.5a9 9 0 0 1 9-9H{r}a9 9 0 0 1 9 9V{BAR}z" fill="#1d232e" stroke="#39414f"/>
<circle cx="20" cy="18" r="5.5" fill="#f2777a"/><circle cx="39" cy="18" r="5.5" fill="#e8c266"/><circle cx="58" cy="18" r="5.5" fill="#8ccf7e"/>
<text x="{middle}" y="23" class="c" fill="{DIM}">{label}</text>
"##,
        label = escape(title),
        w = width - 1.0,
        h = height - 1.0,
        r = width - 9.5,
        middle = width / 2.0,
    );
    svg
}

fn line(svg: &mut String, cells: &[Cell], y: u16) {
    let runs = runs(cells);
    backgrounds(svg, &runs, y);
    for run in &runs {
        text(svg, run, y);
    }
}

/// A line's cells, grouped. Signs that fonts draw in different widths stand alone.
fn runs(cells: &[Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut covered = 0;
    for (x, cell) in (0..).zip(cells) {
        if covered > 0 {
            covered -= 1;
            continue;
        }
        let text = cell.symbol();
        let style = CellStyle::of(cell);
        let width = if columns(text) > 1 { 2 } else { 1 };
        covered = width - 1;
        let alone =
            |text: &str| !text.is_ascii() && shape(text).is_none() && !text.contains(['µ', '–', '…', '·']);
        match runs.last_mut() {
            Some(run)
                if run.style == style
                    && run.start + run.width == x
                    && joins(&run.text, text)
                    && !alone(text)
                    && !alone(&run.text) =>
            {
                run.text.push_str(text);
                run.width += width;
            }
            _ => runs.push(Run { start: x, width, text: text.to_owned(), style }),
        }
    }
    runs
}

/// Whether a cell continues a run: blanks, rules, bars and words are drawn differently.
fn joins(run: &str, next: &str) -> bool {
    let kind = |text: &str| match text {
        _ if text.trim().is_empty() => 0,
        "─" => 1,
        "│" | "┌" | "┐" | "└" | "┘" => 2,
        _ if shape(text).is_some() => 3,
        _ => 4,
    };
    let first = run.chars().next().map_or(0, |c| kind(c.encode_utf8(&mut [0; 4])));
    match (first, kind(next)) {
        (2 | 3, _) => false,
        // One blank between two words costs less than a run of its own.
        (4, 0) => !run.ends_with(' '),
        (4, 4) => !run.ends_with("  "),
        (a, b) => a == b,
    }
}

/// One rectangle for all neighbours of one colour: no seam shows between them.
fn backgrounds(svg: &mut String, runs: &[Run], y: u16) {
    for same in runs.chunk_by(|a, b| a.style.back == b.style.back) {
        if let (Some(CellStyle { back: Some(back), .. }), [first, ..]) =
            (same.first().map(|run| &run.style), same)
        {
            let width = f32::from(same.iter().map(|run| run.width).sum::<u16>()) * CELL.0;
            let (x, y) = at(first.start, y);
            let _ = writeln!(
                svg,
                r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{}" fill="{back}" shape-rendering="crispEdges"/>"#,
                CELL.1
            );
        }
    }
}

fn text(svg: &mut String, run: &Run, y: u16) {
    let text = run.text.trim_end();
    if text.is_empty() {
        return;
    }
    let (x, top) = at(run.start, y);
    let fill = &run.style.text;
    let (mid_x, mid_y) = (x + CELL.0 / 2.0, top + CELL.1 / 2.0);
    let (right, bottom) = (x + f32::from(run.width) * CELL.0, top + CELL.1);
    let path = match text.chars().next() {
        Some('─') => Some(format!("M{x:.1} {mid_y:.1}H{right:.1}")),
        Some('│') => Some(format!("M{mid_x:.1} {top:.1}V{bottom:.1}")),
        Some('┌') => Some(format!("M{mid_x:.1} {bottom:.1}V{mid_y:.1}H{right:.1}")),
        Some('┐') => Some(format!("M{mid_x:.1} {bottom:.1}V{mid_y:.1}H{x:.1}")),
        Some('└') => Some(format!("M{mid_x:.1} {top:.1}V{mid_y:.1}H{right:.1}")),
        Some('┘') => Some(format!("M{mid_x:.1} {top:.1}V{mid_y:.1}H{x:.1}")),
        _ => None,
    };
    if let Some(path) = path {
        let _ = writeln!(svg, r#"<path d="{path}" fill="none" stroke="{fill}"/>"#);
        return;
    }
    if let Some(eighths) = shape(text) {
        let height = CELL.1 * eighths / 8.0 * 0.85;
        let (y, width) = (bottom - 1.5 - height, CELL.0 - 1.2);
        let _ = writeln!(
            svg,
            r#"<rect x="{:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#,
            x + 0.6
        );
        return;
    }
    let mut class = Vec::new();
    class.extend(run.style.bold.then_some("b"));
    class.extend(run.style.underline.then_some("u"));
    let columns = run.width - u16::try_from(run.text.len() - text.len()).unwrap_or(0);
    let y = top + BASELINE;
    let place = if columns == 1 {
        class.push("c");
        format!(r#"x="{mid_x:.1}" y="{y:.1}""#)
    } else {
        let length = f32::from(columns) * CELL.0;
        format!(r#"x="{x:.1}" y="{y:.1}" textLength="{length:.1}" lengthAdjust="spacingAndGlyphs""#)
    };
    let class = if class.is_empty() { String::new() } else { format!(r#" class="{}""#, class.join(" ")) };
    let _ = writeln!(svg, r#"<text {place}{class} fill="{fill}">{}</text>"#, escape(text));
}

/// Of a bar of the history: its height in eighths.
fn shape(text: &str) -> Option<f32> {
    const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let eighth = BARS.iter().position(|bar| *bar == text)?;
    u16::try_from(eighth + 1).ok().map(f32::from)
}

/// The upper left corner of a cell.
fn at(x: u16, y: u16) -> (f32, f32) {
    (PADDING + f32::from(x) * CELL.0, BAR + PADDING / 2.0 + f32::from(y) * CELL.1)
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML knows no others, even escaped.
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => escaped.push(c),
        }
        escaped
    })
}
