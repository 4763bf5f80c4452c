//! Standard output, which nothing else writes to: answers only, and what it means that they cannot be written. Events as lines
//! of it: JSON for programs, sentences for people.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, StdoutLock, Write};

use crate::engine::event::Stamped;
use crate::record;
use crate::text::left_to_right;

use super::error::CliError;

#[expect(clippy::disallowed_methods, reason = "its owner")]
fn stdout() -> Stdout {
    io::stdout()
}

/// Standard output, buffered: who writes flushes, and hands what became of it to [`written`].
pub(super) fn answers() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(stdout().lock())
}

/// Whether somebody reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    Gone,
}

/// Writes a whole answer. On a terminal, names that are written to the left move nothing else; for programs it is as it is.
pub(super) fn print(answer: &str) -> Result<Reader, CliError> {
    let is_for_people = is_terminal() && !answer.starts_with('{');
    let answer = if is_for_people { left_to_right(answer) } else { answer.into() };
    let mut out = stdout().lock();
    written(out.write_all(answer.as_bytes()).and_then(|()| out.flush()))
}

/// What it means for the command that this became of its answer: a reader may go at any time, and gets the exit code all the
/// same; an answer that is lost in any other way is an error.
pub(super) fn written(outcome: io::Result<()>) -> Result<Reader, CliError> {
    match outcome {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(CliError::NotWritable("cannot write to standard output".to_owned(), error)),
    }
}

/// Whether people read along.
pub(super) fn is_terminal() -> bool {
    stdout().is_terminal()
}

/// Whether the terminal shows plain lines only, as that of an editor or a log of CI.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether what is written to stderr lands in the same file, pipe or terminal.
#[cfg(unix)]
pub(super) fn is_stderr_too() -> bool {
    use std::fs::File;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::fs::MetadataExt as _;

    let file = |fd: BorrowedFd<'_>| {
        let held = File::from(fd.try_clone_to_owned()?).metadata()?;
        io::Result::Ok((held.dev(), held.ino()))
    };
    match (file(stdout().as_fd()), file(io::stderr().as_fd())) {
        (Ok(out), Ok(err)) => out == err,
        _ => false,
    }
}

/// Whether what is written to stderr lands in the same terminal.
#[cfg(not(unix))]
pub(super) fn is_stderr_too() -> bool {
    stdout().is_terminal() && io::stderr().is_terminal()
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

/// Writes one event as one line.
pub(super) fn write_event(out: &mut impl Write, format: Format, stamped: &Stamped) -> io::Result<()> {
    match format {
        Format::Json => record::line(out, stamped),
        Format::Text => {
            writeln!(out, "{}  {}", humantime::format_rfc3339_millis(stamped.wall), stamped.event)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use crate::engine::Incarnation;
    use crate::engine::cause::{Cause, Detail};
    use crate::engine::event::Event;
    use crate::engine::peers::PeerInfo;
    use crate::testkit;

    use super::*;

    fn line(event: Event) -> serde_json::Value {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
        let mut out = Vec::new();
        write_event(&mut out, Format::Json, &Stamped { at: testkit::t0(), wall, event }).unwrap();
        assert!(out.ends_with(b"}\n"));
        serde_json::from_slice(&out).unwrap()
    }

    fn peer() -> Arc<PeerInfo> {
        let peer = PeerInfo::clone(&testkit::peer(7, "host7"));
        Arc::new(PeerInfo { incarnation: Some(Incarnation(9)), ..peer })
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error_and_a_full_disk_is_one() {
        assert_eq!(written(Err(ErrorKind::BrokenPipe.into())).unwrap(), Reader::Gone);
        let error = written(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(error.code(), 3);
        assert!(error.to_string().starts_with("cannot write to standard output: "), "{error}");
    }

    #[test]
    fn a_failed_dial_is_written_as_the_contract_says() {
        let event = Event::DialFailed {
            peer: peer(),
            addr: "10.0.0.7:17474".parse().unwrap(),
            attempt: 1,
            max: 5,
            cause: Cause::Refused,
            detail: Detail::system("connect: Connection refused"),
            errno: Some(111),
            retryable: true,
            retry_in: Some(Duration::from_millis(2_100)),
        };
        let expected = serde_json::json!({
            "v": 1, "ts": "1970-01-01T00:00:01.234Z", "event": "dial_failed",
            "peer": {"id": "00000000000000000000000000000007", "name": "host7", "addr": "10.0.0.7:17474", "incarnation": 9},
            "addr": "10.0.0.7:17474", "attempt": 1, "max": 5, "cause": "refused",
            "detail": "connect: Connection refused", "errno": 111, "retryable": true, "retry_in_ms": 2100,
        });
        assert_eq!(line(event), expected);
    }

    #[test]
    fn a_successful_dial_states_microseconds() {
        let event = Event::DialSucceeded {
            peer: peer(),
            addr: "10.0.0.7:17474".parse().unwrap(),
            attempt: 2,
            connect: Duration::from_micros(84),
            rtt: Duration::from_micros(1_200),
        };
        let line = line(event);
        assert_eq!((&line["connect_us"], &line["rtt_us"]), (&84.into(), &1_200.into()));
    }
}
