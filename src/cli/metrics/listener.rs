//! As much of HTTP as a scraper needs: one request line is read, one answer is written, the connection is closed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of a request that are read: the headers of a scraper take a tenth of it.
const MAX_REQUEST: usize = 8 << 10;
/// How long reading and writing may take, each: as long as Prometheus waits for all of it by default.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what a client still sends is read after the answer: closing before would take the answer from it.
const LINGER: Duration = Duration::from_secs(1);

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As Prometheus asks for them.
    OpenMetrics,
    /// As people and older scrapers do.
    Text,
}

impl Form {
    /// By what a client knows it.
    fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The numbers, in the form that the client takes.
    Metrics(Form),
    /// Something else, which has this answer.
    Other(&'static str),
}

/// Reads a request. An error is of a client that is left alone.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Asked> {
    let reading = async {
        let mut head = Vec::new();
        while !is_whole(&head) {
            if head.len() >= MAX_REQUEST {
                return Ok(Asked::Other("431 Request Header Fields Too Large"));
            }
            let room = (MAX_REQUEST - head.len()) as u64;
            if (&mut *stream).take(room).read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(asked(&head))
    };
    timeout(PATIENCE, reading).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether the empty line has come that ends the head of a request.
fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n") || head.windows(2).any(|end| end == b"\n\n")
}

fn asked(head: &[u8]) -> Asked {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let mut words = line.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(target), Some(version)) if version.starts_with("HTTP/1.") => {
            match target.split('?').next() {
                Some("/metrics") => Asked::Metrics(form(head)),
                _ => Asked::Other("404 Not Found"),
            }
        }
        (Some(_), Some(_), Some(version)) if version.starts_with("HTTP/1.") => {
            Asked::Other("405 Method Not Allowed")
        }
        _ => Asked::Other("400 Bad Request"),
    }
}

/// What the client takes.
fn form(head: &[u8]) -> Form {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let accepts = |line: &str| line.starts_with("accept:") && line.contains("application/openmetrics-text");
    if head.lines().any(accepts) { Form::OpenMetrics } else { Form::Text }
}

/// Writes the answer and closes the connection.
pub(super) async fn answer(mut stream: TcpStream, asked: Asked, metrics: String) -> io::Result<()> {
    let (status, format, body) = match asked {
        Asked::Metrics(form) => ("200 OK", form.content_type(), metrics),
        Asked::Other(status) => (status, "text/plain; charset=utf-8", format!("{status}: see /metrics\n")),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {format}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let writing = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    };
    timeout(PATIENCE, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    let mut rest = [0; 512];
    let _ = timeout(LINGER, async { while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} }).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_of_the_metrics_is_answered_with_them() {
        assert_eq!(asked(b"GET /metrics HTTP/1.1\r\n\r\n"), Asked::Metrics(Form::Text));
        assert_eq!(asked(b"GET /metrics?name=x HTTP/1.0\n\n"), Asked::Metrics(Form::Text));
        let by_prometheus =
            b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n";
        assert_eq!(asked(by_prometheus), Asked::Metrics(Form::OpenMetrics));
        assert_eq!(asked(b"GET / HTTP/1.1\r\n\r\n"), Asked::Other("404 Not Found"));
        assert_eq!(asked(b"POST /metrics HTTP/1.1\r\n\r\n"), Asked::Other("405 Method Not Allowed"));
        for bad in
            [&b"\r\n\r\n"[..], b"GET /metrics\n\n", b"\xff\xfe / HTTP/1.1\n\n", b"GET /metrics HTTP/2\n\n"]
        {
            assert_eq!(asked(bad), Asked::Other("400 Bad Request"), "{bad:?}");
        }
    }
}
