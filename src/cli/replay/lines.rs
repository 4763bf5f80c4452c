//! The lines of a file, plain or packed by zstd, and where each of them stands, so that one can be gone back to.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// What a file begins with that is packed: RFC 8878, 3.1.1.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Longest line: the matrix of a thousand nodes has room. Of what is no recording, no more is ever held.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Bytes read and unpacked at once.
const AT_ONCE: usize = 128 * 1024;

/// Bytes of a packed file that are unpacked at once: what comes of them before a damaged one is lost with it.
const STEP: usize = 512;

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) struct Place {
    /// Its number, from 0.
    pub(in crate::cli) line: u64,
    /// Bytes of lines before it.
    pub(in crate::cli) byte: u64,
    /// Where the frame of the file begins that holds its begin, and how many bytes of lines come before that. Of a plain file, its own.
    frame: (u64, u64),
}

/// Lines, one after the other.
pub(in crate::cli) struct Lines {
    input: Input,
    place: Place,
    line: Vec<u8>,
}

enum Input {
    Plain(BufReader<File>),
    Packed(BufReader<Unpacked>),
}

impl Lines {
    /// Those of a file, from its first one on.
    pub(in crate::cli) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut begin = Vec::new();
        (&mut file).take(MAGIC.len() as u64).read_to_end(&mut begin)?;
        file.seek(SeekFrom::Start(0))?;
        let input = if begin == MAGIC {
            Input::Packed(BufReader::with_capacity(AT_ONCE, Unpacked::new(file)?))
        } else {
            Input::Plain(BufReader::with_capacity(AT_ONCE, file))
        };
        Ok(Self { input, place: Place::default(), line: Vec::new() })
    }

    /// Where the next line begins.
    pub(in crate::cli) fn place(&self) -> Place {
        let frame = match &self.input {
            Input::Plain(_) => (self.place.byte, self.place.byte),
            Input::Packed(unpacked) => unpacked.get_ref().frame_of(self.place.byte),
        };
        Place { frame, ..self.place }
    }

    /// How far the file has been read, in bytes of the file.
    pub(in crate::cli) fn read_so_far(&self) -> u64 {
        match &self.input {
            Input::Plain(_) => self.place.byte,
            Input::Packed(unpacked) => unpacked.get_ref().packed,
        }
    }

    /// Goes on from there.
    pub(in crate::cli) fn go_to(&mut self, place: Place) -> io::Result<()> {
        match &mut self.input {
            Input::Plain(file) => _ = file.seek(SeekFrom::Start(place.byte))?,
            Input::Packed(unpacked) => {
                unpacked.consume(unpacked.buffer().len());
                unpacked.get_mut().go_to(place.frame)?;
                let skipped = place.byte.saturating_sub(place.frame.1);
                io::copy(&mut unpacked.by_ref().take(skipped), &mut io::sink())?;
            }
        }
        self.place = place;
        Ok(())
    }

    /// The next line; none at the end. One without its end is none, as what was cut off is missing.
    pub(in crate::cli) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let read = match &mut self.input {
            Input::Plain(file) => file.take(LONGEST).read_until(b'\n', &mut self.line)?,
            Input::Packed(file) => file.take(LONGEST).read_until(b'\n', &mut self.line)?,
        };
        if read == 0 {
            return Ok(None);
        }
        if self.line.pop() != Some(b'\n') {
            let why = if read as u64 == LONGEST { "it does not end" } else { "it is cut off" };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        self.place.line += 1;
        self.place.byte += read as u64;
        Ok(Some(&self.line))
    }
}

/// What a packed file holds. Its frames are noted as they come.
struct Unpacked {
    file: BufReader<File>,
    decoder: Decoder<'static>,
    /// Bytes of the file that were unpacked, and what came of them.
    packed: u64,
    given: u64,
    /// Where frames begin: in the file, and in what comes of it.
    frames: Vec<(u64, u64)>,
    is_within: bool,
}

impl Unpacked {
    fn new(file: File) -> io::Result<Self> {
        let file = BufReader::with_capacity(AT_ONCE, file);
        Ok(Self {
            file,
            decoder: Decoder::new()?,
            packed: 0,
            given: 0,
            frames: vec![(0, 0)],
            is_within: false,
        })
    }

    /// Where the frame begins that holds this byte.
    fn frame_of(&self, byte: u64) -> (u64, u64) {
        let after = self.frames.partition_point(|(_, begin)| *begin <= byte);
        after.checked_sub(1).map_or((0, 0), |nth| self.frames[nth])
    }

    fn go_to(&mut self, (packed, unpacked): (u64, u64)) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(packed))?;
        self.decoder.reinit()?;
        (self.packed, self.given, self.is_within) = (packed, unpacked, false);
        self.frames = vec![(packed, unpacked)];
        Ok(())
    }
}

impl Read for Unpacked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let from = self.file.fill_buf()?;
            let at_end = from.is_empty();
            let step = &from[..from.len().min(STEP)];
            let (mut input, mut output) = (InBuffer::around(step), OutBuffer::around(&mut *to));
            let left = self.decoder.run(&mut input, &mut output)?;
            let (taken, given) = (input.pos(), output.pos());
            self.file.consume(taken);
            self.packed += taken as u64;
            self.given += given as u64;
            if left == 0 && taken > 0 {
                self.decoder.reinit()?;
                self.frames.push((self.packed, self.given));
                self.is_within = false;
            } else if taken > 0 {
                self.is_within = true;
            }
            if given > 0 {
                return Ok(given);
            }
            if at_end {
                return if self.is_within { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(0) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A packed file of three frames, the last one torn.
    fn torn(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("torn.zst");
        let mut file = File::create(&path).unwrap();
        for lines in ["one\ntwo\n", "three\n"] {
            file.write_all(&zstd::encode_all(lines.as_bytes(), 3).unwrap()).unwrap();
        }
        let mut last = zstd::stream::write::Encoder::new(file, 3).unwrap();
        last.write_all(b"four\n").unwrap();
        last.flush().unwrap();
        last.write_all(b"five\n").unwrap();
        // Dropped without its end.
        std::mem::forget(last);
        path
    }

    #[test]
    fn lines_of_a_packed_file_are_read_to_where_it_is_torn_and_from_any_place() {
        let folder = std::env::temp_dir().join(format!("vigie-lines-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut lines = Lines::open(&torn(&folder)).unwrap();
        let mut places = Vec::new();
        for expected in ["one", "two", "three", "four"] {
            places.push((lines.place(), expected));
            assert_eq!(lines.next().unwrap().unwrap(), expected.as_bytes());
        }
        assert!(lines.next().is_err(), "torn");
        for (place, expected) in places.into_iter().rev() {
            lines.go_to(place).unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), expected.as_bytes(), "{place:?}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_comes_before_a_damaged_place_of_a_packed_file_is_read() {
        let folder = std::env::temp_dir().join(format!("vigie-damaged-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("damaged.zst");
        let mut bytes = include_bytes!("../../../assets/incident.ndjson.zst").to_vec();
        let at = bytes.len() * 9 / 10;
        bytes[at..at + 40].fill(0xA5);
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut read = 0;
        let error = loop {
            match lines.next() {
                Ok(Some(_)) => read += 1,
                Ok(None) => panic!("the damage is not seen"),
                Err(error) => break error,
            }
        };
        assert!(read > 100, "{read} lines, then {error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
