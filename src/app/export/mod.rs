//! Writes what is shown to a new file: the table as JSON, the screen as text or as a picture.

mod form;
mod json;
pub mod report;
pub mod svg;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use form::Form;

use super::state::App;
use super::view;
use crate::text::columns;

/// Files of one second: the next one is refused, as nobody presses a key that often.
const MAX_SAME_NAME: u32 = 20;

/// Writes it into a folder, never over anything, and says where.
pub(super) fn write(
    app: &mut App,
    form: Form,
    folder: &Path,
    size: Rect,
    now: Instant,
) -> io::Result<String> {
    let (ending, content) = match form {
        Form::Json => ("json", json::document(app.shown(), app.models.shown_at(now))?),
        Form::Text => ("txt", text(&screen(app, size, now))),
        Form::Report => ("md", report::of(app.shown(), &app.appearance, (None, app.models.shown_at(now)))),
        Form::Svg => ("svg", svg::draw(&screen(app, size, now), "vigie")),
    };
    let (mut file, path) = create(folder, &stem(app, now), ending)?;
    if let Err(error) = file.write_all(content.as_bytes()) {
        // Half a document is worth nothing, and would be taken for a whole one.
        let _ = std::fs::remove_file(&path);
        return Err(explained(&path, &error));
    }
    Ok(format!("wrote {}", path.display()))
}

/// The screen as it would be drawn now.
fn screen(app: &mut App, size: Rect, now: Instant) -> Buffer {
    let mut buffer = Buffer::empty(size);
    view::draw(app, size, &mut buffer, now);
    buffer
}

/// The text of a screen, line by line, without the blanks at the ends.
pub fn text(screen: &Buffer) -> String {
    let width = usize::from(screen.area.width.max(1));
    let mut text = String::new();
    for row in screen.content.chunks(width) {
        let mut line = String::new();
        let mut covered = 0;
        for cell in row {
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = columns(cell.symbol()).max(1);
            }
            covered -= 1;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `vigie-alice-20261122-210557`: who saw it, and when, in the person's time.
pub(super) fn stem(app: &App, now: Instant) -> String {
    let name = app.shown().node().map_or("", |node| &node.name);
    let harmless = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(harmless).collect();
    let wall = app.models.wall(now).unwrap_or(SystemTime::UNIX_EPOCH);
    format!("vigie-{name}-{}", app.appearance.date_and_time(wall))
}

fn create(folder: &Path, stem: &str, ending: &str) -> io::Result<(File, PathBuf)> {
    let mut nth = 1;
    loop {
        let more = if nth > 1 { format!("-{nth}") } else { String::new() };
        let path = folder.join(format!("{stem}{more}.{ending}"));
        match File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && nth < MAX_SAME_NAME => nth += 1,
            Err(error) => return Err(explained(&path, &error)),
        }
    }
}

fn explained(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}
