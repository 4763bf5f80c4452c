//! A file of a recording, while it is written: lines, compressed if its name says so, readable up to the last flush.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use zstd::stream::write::Encoder;

/// Of lines that repeat themselves as ours do, it makes a twelfth in half a millisecond a second; higher levels cost ten times as much.
const LEVEL: i32 = 3;

/// Bytes of lines in a frame of zstd. A reader that looks for a moment begins at a frame, and this much is unpacked in a few
/// milliseconds; it is also more than the compressor looks back, so that more frames cost next to nothing.
const FRAME: u64 = 4 * 1024 * 1024;

/// How the name of a file ends that is compressed.
const COMPRESSED: &str = "zst";

/// A file that is written.
#[derive(Debug)]
pub(super) struct Piece {
    out: Out,
    /// Bytes of lines since its frame began.
    framed: u64,
    /// Bytes of lines that are not in the file yet.
    unflushed: bool,
}

#[derive(Debug)]
enum Out {
    Plain(BufWriter<Counted>),
    /// None only while the next frame is begun.
    Packed(Option<Box<Encoding>>),
}

/// The compressor tells nothing of itself.
struct Encoding(Encoder<'static, Counted>);

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Encoding").field(self.0.get_ref()).finish()
    }
}

/// A file, and how much of it was written.
#[derive(Debug)]
struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Piece {
    /// Begins a new file under this name. One that is there gets another name first: what it holds is never written over, and
    /// nothing is put behind an end that may be torn.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let is_file = std::fs::metadata(path).map(|data| (data.is_file(), data.len()));
        if let Ok((true, 1..)) = is_file {
            std::fs::rename(path, next_name(path)?)?;
        }
        // What is no file, as a pipe, is written to as it is.
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
        let file = Counted { file, bytes: 0 };
        let is_packed = path.extension().is_some_and(|ending| ending == COMPRESSED);
        let out = if is_packed {
            Out::Packed(Some(Encoding::begin(file)?))
        } else {
            Out::Plain(BufWriter::new(file))
        };
        Ok(Self { out, framed: 0, unflushed: false })
    }

    /// Writes lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.unflushed = true;
        self.framed += lines.len() as u64;
        match &mut self.out {
            Out::Plain(out) => out.write_all(lines),
            Out::Packed(packed) => {
                if self.framed > FRAME
                    && let Some(full) = packed.take()
                {
                    self.framed = lines.len() as u64;
                    *packed = Some(Encoding::begin(full.0.finish()?)?);
                }
                packed.as_mut().map_or(Ok(()), |packed| packed.0.write_all(lines))
            }
        }
    }

    /// Puts all that was written where a reader finds it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unflushed) {
            match &mut self.out {
                Out::Plain(out) => out.flush()?,
                Out::Packed(packed) => packed.as_mut().map_or(Ok(()), |packed| packed.0.flush())?,
            }
        }
        Ok(())
    }

    /// Ends it.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.out {
            Out::Plain(mut out) => out.flush(),
            Out::Packed(packed) => packed.map_or(Ok(()), |packed| packed.0.finish().map(drop)),
        }
    }

    /// How large the file is.
    pub(super) fn bytes(&self) -> u64 {
        match &self.out {
            Out::Plain(out) => out.get_ref().bytes,
            Out::Packed(packed) => packed.as_ref().map_or(0, |packed| packed.0.get_ref().bytes),
        }
    }
}

impl Encoding {
    fn begin(file: Counted) -> io::Result<Box<Self>> {
        Ok(Box::new(Self(Encoder::new(file, LEVEL)?)))
    }
}

/// `night.3.ndjson.zst` for `night.ndjson.zst`, with the number after the highest one there is: the order of the numbers is that of time.
fn next_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = name.split_at(name.find('.').filter(|dot| *dot > 0).unwrap_or(name.len()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let number = |entry: io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().to_string_lossy().into_owned();
        name.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(ending)?.parse::<u32>().ok()
    };
    let last = std::fs::read_dir(folder)?.filter_map(number).max().unwrap_or(0);
    Ok(folder.join(format!("{stem}.{}{ending}", last.saturating_add(1))))
}
