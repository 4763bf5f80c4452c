//! An exchange as it goes over a connection: in the open, or under a secret behind a handshake.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::engine::cause::Failure;
use crate::engine::event::RejectReason;
use crate::engine::{check_refusal, unproven, unreadable};
use crate::proto::Sealed;
use crate::proto::exchange::HEADER;
use crate::secret::Secret;
use crate::secret::exchange::Channel;

use super::errno::failure;
use super::frame::{FrameError, read_frame};

/// Sends a request and reads the reply: its body is in `reply` then. Returns when the request was sent.
///
/// # Errors
/// Why there is no reply.
pub(super) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: Option<&Secret>,
    request: &[u8],
    reply: &mut Vec<u8>,
) -> Result<Instant, Failure> {
    let Some(secret) = secret else {
        let sent = Instant::now();
        ask(stream, request, reply).await?;
        return Ok(sent);
    };
    let (dialing, first) = secret.dial().ok_or_else(unproven)?;
    ask(stream, &Sealed { group: secret.shown_group(), bytes: first[..].into() }.encode(), reply).await?;
    let Ok(second) = Sealed::decode(reply) else { return Err(check_refusal(reply)) };
    let mut channel = dialing.finish(second.bytes).ok_or_else(unproven)?;
    let request = seal(&mut channel, request).ok_or_else(unproven)?;
    let sent = Instant::now();
    ask(stream, &request, reply).await?;
    let sealed = Sealed::decode(reply).map_err(unreadable)?;
    *reply = channel.open(sealed.bytes).ok_or_else(unproven)?;
    Ok(sent)
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

/// Reads the request behind a handshake that this body of a frame begins; none if it begins none with our secret, and `body` is as it was.
///
/// # Errors
/// How the other end fails to go on.
pub(super) async fn accept(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    secret: &Secret,
    body: &mut Vec<u8>,
) -> Result<Option<Channel>, RejectReason> {
    let begun = Sealed::decode(body).ok().and_then(|first| secret.accept(first.bytes));
    let Some((mut channel, second)) = begun else { return Ok(None) };
    let second = Sealed { group: None, bytes: second[..].into() }.encode();
    stream.write_all(&second).await.map_err(|_| RejectReason::ClosedEarly)?;
    read_frame(stream, body).await.map_err(|error| reason(&error))?;
    let sealed = Sealed::decode(body)?;
    *body = channel.open(sealed.bytes).ok_or(RejectReason::WrongSecret)?;
    Ok(Some(channel))
}

/// The frame that carries another one.
pub(super) fn seal(channel: &mut Channel, frame: &[u8]) -> Option<Vec<u8>> {
    let sealed = channel.seal(frame.get(HEADER..)?)?;
    Some(Sealed { group: None, bytes: sealed.as_slice().into() }.encode())
}

/// Why an inbound connection ends that sent no frame.
pub(super) fn reason(error: &FrameError) -> RejectReason {
    match error {
        FrameError::Decode(error) => (*error).into(),
        FrameError::Io(_) => RejectReason::ClosedEarly,
    }
}
