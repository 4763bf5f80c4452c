//! Events as lines: JSON for programs, sentences for people.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::engine::event::{Event, Stamped};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

/// The NDJSON form of the contract.
#[derive(Serialize)]
struct EventLine<'a> {
    v: u8,
    ts: AsText<humantime::Rfc3339Timestamp>,
    #[serde(flatten)]
    event: &'a Event,
}

struct AsText<T>(T);

impl<T: fmt::Display> Serialize for AsText<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Writes one event as one line.
pub(super) fn write_event(out: &mut impl Write, format: Format, stamped: &Stamped) -> io::Result<()> {
    let ts = humantime::format_rfc3339_millis(stamped.wall);
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &EventLine { v: 1, ts: AsText(ts), event: &stamped.event })?;
            out.write_all(b"\n")
        }
        Format::Text => writeln!(out, "{ts}  {}", stamped.event),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use crate::engine::Incarnation;
    use crate::engine::cause::{Cause, Detail};
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
