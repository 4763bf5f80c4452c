//! An exchange as it goes over a connection: in the open, or under a secret behind a handshake or a ticket.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::engine::cause::{Cause, Failure};
use crate::engine::event::RejectReason;
use crate::engine::{check_refusal, shut_out, unproven, unreadable};
use crate::proto::Sealed;
use crate::proto::exchange::HEADER;
use crate::secret::exchange::Channel;
use crate::secret::sessions::{Accepted, Resumption, Sessions};

use super::errno::failure;
use super::frame::{FrameError, read_frame};

/// Sends a request and reads the reply: its body is in `reply` then. Returns when the request was sent.
///
/// # Errors
/// Why there is no reply.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    to: SocketAddr,
    sessions: Option<&Sessions>,
    request: &[u8],
    reply: &mut Vec<u8>,
) -> Result<Instant, Failure> {
    let Some(sessions) = sessions else {
        let sent = Instant::now();
        ask(stream, request, reply).await?;
        return Ok(sent);
    };
    let mut channel = match resume(stream, to, sessions, reply).await? {
        Some(channel) => channel,
        None => shake_hands(stream, to, sessions, reply).await?,
    };
    let request = seal(&mut channel, request).ok_or_else(unproven)?;
    let sent = Instant::now();
    ask(stream, &request, reply).await?;
    let sealed = Sealed::decode(reply).map_err(unreadable)?;
    *reply = channel.open(sealed.bytes).ok_or_else(unproven)?;
    Ok(sent)
}

/// By the ticket that the server gave last; none without one, or if the server does not know it.
async fn resume(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    to: SocketAddr,
    sessions: &Sessions,
    reply: &mut Vec<u8>,
) -> Result<Option<Channel>, Failure> {
    let Some((asking, ticket, first)) = sessions.resume(to, now()) else { return Ok(None) };
    let first = Sealed { group: sessions.shown_group(), ticket: Some(ticket.into()), ..Sealed::of(&first) };
    let asked = begin_by(stream, &first.encode(), reply).await;
    let second = if asked.is_ok() { Sealed::decode(reply).ok() } else { None };
    if let Some(resumed) = second.and_then(|second| asking.finish(second.bytes)) {
        return Ok(Some(Channel::Resumed(resumed)));
    }
    // Whatever it is, the next dial begins from the start.
    sessions.forget(to);
    asked?;
    match second {
        Some(second) if second.bytes.is_empty() => Ok(None),
        Some(_) => Err(unproven()),
        None => Err(check_refusal(reply)),
    }
}

/// By a handshake, which brings a ticket.
async fn shake_hands(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    to: SocketAddr,
    sessions: &Sessions,
    reply: &mut Vec<u8>,
) -> Result<Channel, Failure> {
    let (dialing, first) = sessions.dial().ok_or_else(unproven)?;
    let first = Sealed { group: sessions.shown_group(), ..Sealed::of(&first) };
    begin_by(stream, &first.encode(), reply).await?;
    let Ok(second) = Sealed::decode(reply) else { return Err(check_refusal(reply)) };
    let (channel, ticket) = dialing.finish(second.bytes).ok_or_else(unproven)?;
    if let Some(ticket) = ticket {
        sessions.note_taken(to, ticket, now());
    }
    Ok(channel)
}

/// Sends the first message, and reads the second.
async fn begin_by(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    first: &[u8],
    reply: &mut Vec<u8>,
) -> Result<(), Failure> {
    let asked = ask(stream, first, reply).await;
    // `read_frame` leaves there what came before the end.
    asked.map_err(|failure| match failure.cause {
        Cause::ClosedEarly if reply.is_empty() => shut_out(),
        _ => failure,
    })
}

async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    frame: &[u8],
    reply: &mut Vec<u8>,
) -> Result<(), Failure> {
    stream.write_all(frame).await.map_err(|error| failure("send", &error))?;
    read_frame(stream, reply).await.map_err(|error| match error {
        FrameError::Io(error) => failure("receive", &error),
        FrameError::Decode(error) => unreadable(error),
    })
}

/// Reads the request behind a handshake that this body of a frame begins, or behind a ticket; none if it begins none with our secret, and
/// `body` is the one that does not.
///
/// # Errors
/// How the other end fails to go on.
pub(crate) async fn accept(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    sessions: &Sessions,
    body: &mut Vec<u8>,
) -> Result<Option<Channel>, RejectReason> {
    let Some(mut accepted) = begin(stream, sessions, body).await? else { return Ok(None) };
    read_frame(stream, body).await.map_err(|error| reason(&error))?;
    let sealed = Sealed::decode(body)?;
    *body = accepted.channel.open(sealed.bytes).ok_or(RejectReason::WrongSecret)?;
    Ok(Some(sessions.note_read(accepted, now())))
}

async fn begin(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    sessions: &Sessions,
    body: &mut Vec<u8>,
) -> Result<Option<Accepted>, RejectReason> {
    let Ok(first) = Sealed::decode(body) else { return Ok(None) };
    if let Some(ticket) = first.ticket {
        match sessions.accept_resumed(&ticket, first.bytes, now()) {
            None => return Ok(None),
            Some(Resumption::Known(channel, second)) => {
                answer(stream, &second).await?;
                return Ok(Some(channel.into()));
            }
            Some(Resumption::Unknown) => {
                answer(stream, &[]).await?;
                read_frame(stream, body).await.map_err(|error| reason(&error))?;
            }
        }
    }
    let begun = Sealed::decode(body).ok().and_then(|first| sessions.accept(first.bytes));
    let Some((accepted, second)) = begun else { return Ok(None) };
    answer(stream, &second).await?;
    Ok(Some(accepted))
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), second: &[u8]) -> Result<(), RejectReason> {
    stream.write_all(&Sealed::of(second).encode()).await.map_err(|_| RejectReason::ClosedEarly)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// The frame that carries another one.
pub(super) fn seal(channel: &mut Channel, frame: &[u8]) -> Option<Vec<u8>> {
    let sealed = channel.seal(frame.get(HEADER..)?)?;
    Some(Sealed::of(&sealed).encode())
}

/// Why an inbound connection ends that sent no frame.
pub(super) fn reason(error: &FrameError) -> RejectReason {
    match error {
        FrameError::Decode(error) => (*error).into(),
        FrameError::Io(_) => RejectReason::ClosedEarly,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;

    use super::*;
    use crate::secret::Secret;
    use crate::secret::text::{KEY, Key, SecretText};

    fn sessions(fill: u8) -> Sessions {
        let text = SecretText { used: Key::new([fill; KEY]), others: Vec::new(), hide: false };
        Sessions::new(Arc::new(Secret::new(&text, "lab")))
    }

    fn server() -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], 17_474))
    }

    /// What an exchange came to: the reply that the dialer read, and whether its first frame had a ticket.
    async fn exchanged(dialer: &Sessions, at: &Sessions) -> (Result<Vec<u8>, Failure>, bool) {
        let (mut here, mut there) = duplex(1 << 16);
        let (request, mut reply) = (Sealed::of(b"request").encode(), Vec::new());
        let dial = async {
            let sent = exchange(&mut here, server(), Some(dialer), &request, &mut reply).await;
            drop(here);
            sent
        };
        let serve = async {
            let mut body = Vec::new();
            read_frame(&mut there, &mut body).await.unwrap();
            let had_ticket = Sealed::decode(&body).unwrap().ticket.is_some();
            match accept(&mut there, at, &mut body).await {
                Ok(Some(mut channel)) => {
                    assert_eq!(body, request[HEADER..]);
                    let frame = seal(&mut channel, &Sealed::of(b"reply").encode()).unwrap();
                    there.write_all(&frame).await.unwrap();
                }
                Ok(None) | Err(_) => drop(there),
            }
            had_ticket
        };
        let (sent, had_ticket) = tokio::join!(dial, serve);
        (sent.map(|_| reply), had_ticket)
    }

    fn replied(reply: Result<Vec<u8>, Failure>) {
        assert_eq!(reply.unwrap(), Sealed::of(b"reply").encode()[HEADER..]);
    }

    #[tokio::test]
    async fn only_the_first_exchange_with_a_server_needs_a_handshake() {
        let (dialer, at) = (sessions(1), sessions(1));
        for nth in 0..4 {
            let (reply, had_ticket) = exchanged(&dialer, &at).await;
            assert_eq!(had_ticket, nth > 0);
            replied(reply);
        }
    }

    #[tokio::test]
    async fn a_server_that_has_started_again_is_met_with_a_handshake_on_the_same_connection() {
        let dialer = sessions(1);
        replied(exchanged(&dialer, &sessions(1)).await.0);
        let at = sessions(1);
        for _ in 0..2 {
            let (reply, had_ticket) = exchanged(&dialer, &at).await;
            assert!(had_ticket);
            replied(reply);
        }
    }

    #[tokio::test]
    async fn a_ticket_that_leads_nowhere_is_used_no_more() {
        let dialer = sessions(1);
        replied(exchanged(&dialer, &sessions(1)).await.0);
        let (reply, had_ticket) = exchanged(&dialer, &sessions(2)).await;
        assert!(had_ticket && reply.is_err(), "another secret");
        let (reply, had_ticket) = exchanged(&dialer, &sessions(1)).await;
        assert!(!had_ticket);
        replied(reply);
    }
}
