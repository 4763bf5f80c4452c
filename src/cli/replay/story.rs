//! A recording as events, one after the other, up to where it stops making sense.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::lines::{Lines, Place};
use crate::app::model::Model;
use crate::cli::error::CliError;
use crate::engine::event::{Event, Stamped};
use crate::record::Reader;

/// Why no more events come, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Trouble {
    path: PathBuf,
    line: u64,
    byte: u64,
    why: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, byte, why } = self;
        write!(f, "{}: line {}, at byte {byte}: {why}", path.display(), line + 1)
    }
}

/// What a line that was written for programs, and not recorded, lacks.
const NOT_WHOLE: &str = "missing field `more`";

/// Events of a recording.
pub(in crate::cli) struct Story {
    path: PathBuf,
    lines: Lines,
    reader: Reader,
    /// What its times are counted from.
    base: Instant,
    /// Events told so far.
    told: u64,
}

/// A place in it, with what is needed to go on from there.
#[derive(Debug, Clone)]
pub(super) struct Bookmark {
    place: Place,
    reader: Reader,
    pub(super) told: u64,
}

impl Story {
    /// That of a file. Its first event is at `base`, any moment.
    pub(in crate::cli) fn open(path: &Path, base: Instant) -> io::Result<Self> {
        let (lines, reader) = (Lines::open(path)?, Reader::default());
        Ok(Self { path: path.to_owned(), lines, reader, base, told: 0 })
    }

    /// The next event; none at the end. That the node has stopped is the end as well: there is nothing more to show.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Stamped>, Trouble> {
        loop {
            let Place { line, byte, .. } = self.lines.place();
            let trouble = |why: String| Trouble { path: self.path.clone(), line, byte, why };
            let read = self.lines.next().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => trouble("it is cut off here".to_owned()),
                _ => trouble(error.to_string()),
            })?;
            let Some(read) = read else { return Ok(None) };
            match self.reader.line(read, self.base) {
                Ok(Some(Stamped { event: Event::Stopped { .. }, .. }) | None) => {}
                Ok(Some(stamped)) => {
                    self.told += 1;
                    return Ok(Some(stamped));
                }
                Err(error) => {
                    let why = error.to_string();
                    let why = if why.contains(NOT_WHOLE) {
                        "it was not recorded by --record: `vigie watch --json` leaves out what a replay needs"
                            .to_owned()
                    } else {
                        why
                    };
                    return Err(trouble(why));
                }
            }
        }
    }

    /// How many events were told.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// How far the file has been read, in bytes.
    pub(super) fn read_so_far(&self) -> u64 {
        self.lines.read_so_far()
    }

    /// Where it is.
    pub(super) fn bookmark(&self) -> Bookmark {
        Bookmark { place: self.lines.place(), reader: self.reader.clone(), told: self.told }
    }

    /// Goes on from there.
    pub(super) fn go_to(&mut self, bookmark: Bookmark) -> io::Result<()> {
        self.lines.go_to(bookmark.place)?;
        (self.reader, self.told) = (bookmark.reader, bookmark.told);
        Ok(())
    }
}

/// All of a recording up to a moment, for the commands that look at its end.
pub(in crate::cli) struct Told {
    /// What is known then.
    pub(in crate::cli) model: Model,
    /// The first event and the last one.
    pub(in crate::cli) span: (Stamped, Stamped),
    /// Where it stops making sense, if it does.
    pub(in crate::cli) trouble: Option<Trouble>,
}

impl Told {
    /// Reads it as long as this says.
    pub(in crate::cli) fn read(path: &Path, wanted: impl Fn(&Stamped) -> bool) -> Result<Self, CliError> {
        let mut story = open(path)?;
        let first = first(&mut story)?;
        let (mut model, mut last) = (Model::default(), first.clone());
        model.fold(&first);
        let trouble = loop {
            match story.next() {
                Ok(Some(stamped)) if wanted(&stamped) => {
                    model.fold(&stamped);
                    last = stamped;
                }
                Ok(_) => break None,
                Err(trouble) => break Some(trouble),
            }
        };
        Ok(Self { model, span: (first, last), trouble })
    }
}

/// Opens a recording.
pub(in crate::cli) fn open(path: &Path) -> Result<Story, CliError> {
    #[expect(clippy::disallowed_methods, reason = "what the times of a recording are counted from")]
    let base = Instant::now();
    Story::open(path, base).map_err(|error| {
        CliError::Other(anyhow::anyhow!("cannot read the recording {}: {error}", path.display()))
    })
}

/// The first event: without one it is no recording.
pub(in crate::cli) fn first(story: &mut Story) -> Result<Stamped, CliError> {
    match story.next() {
        Ok(Some(first)) => Ok(first),
        Ok(None) => {
            Err(CliError::Other(anyhow::anyhow!("{}: there is no event in it", story.path.display())))
        }
        Err(trouble) => Err(CliError::Other(anyhow::anyhow!("no recording: {trouble}"))),
    }
}
