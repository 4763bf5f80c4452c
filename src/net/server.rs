//! The TCP server: one request, one reply, close; a connection that is kept as a tether goes to the driver.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::engine::api::TetherEnd;
use crate::engine::event::RejectReason;
use crate::proto::{DecodeError, MAX_BODY};
use crate::secret::sessions::Sessions;

use super::connections::{Asked, Connections, Room};
use super::frame::{FrameError, read_frame};
use super::sealing;
use super::task_event::{Inbound, Kept, Outbound, TaskEvent};

/// For a whole exchange, from accept to close.
const DEADLINE: Duration = Duration::from_secs(5);
/// Waits after an accept that failed for want of something, doubling from the first to the second.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Serves until it is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    sessions: Option<Arc<Sessions>>,
    driver: mpsc::Sender<TaskEvent>,
) {
    let mut open = Connections::default();
    let mut backoff = ACCEPT_BACKOFF.0;
    loop {
        tokio::select! {
            () = open.next_end() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    backoff = ACCEPT_BACKOFF.0;
                    match open.make_room(from.into()) {
                        Room::Free => {}
                        Room::Made(cut) => turn_away(&driver, cut, RejectReason::TooManyConnections),
                        Room::None => {
                            turn_away(&driver, from, RejectReason::TooManyConnections);
                            continue;
                        }
                    }
                    let (driver, sessions) = (driver.clone(), sessions.clone());
                    open.begin(from, |asked| async move {
                        let sessions = sessions.as_deref();
                        if let Err(reason) = converse(stream, from, sessions, &asked, &driver, DEADLINE).await {
                            turn_away(&driver, from, reason);
                        }
                    });
                }
                Err(error) if is_the_peers_fault(&error) => {}
                Err(error) => {
                    if backoff == ACCEPT_BACKOFF.0 {
                        tracing::warn!(%error, "cannot accept TCP connections for the moment; is `ulimit -n` too low?");
                    }
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(ACCEPT_BACKOFF.1);
                }
            }
        }
    }
}

fn is_the_peers_fault(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Tells the engine, unless it is too busy to be told: then this one is not counted.
fn turn_away(driver: &mpsc::Sender<TaskEvent>, from: SocketAddr, reason: RejectReason) {
    let _ = driver.try_send(TaskEvent::TurnedAway { from, reason });
}

/// One exchange within its deadline. The connection is closed when it returns, unless it is handed over to the driver as a tether.
async fn converse(
    mut stream: TcpStream,
    from: SocketAddr,
    sessions: Option<&Sessions>,
    asked: &Asked,
    driver: &mpsc::Sender<TaskEvent>,
    deadline: Duration,
) -> Result<(), RejectReason> {
    let to = stream.local_addr().ok();
    let exchange = async {
        let mut body = Vec::new();
        let (body, mut channel) = match read_frame(&mut stream, &mut body).await {
            Ok(()) => {
                let channel = match sessions {
                    Some(sessions) => sealing::accept(&mut stream, sessions, &mut body).await?,
                    None => None,
                };
                (Ok(body), channel)
            }
            // It is answered, in our version: from that the dialer learns which it is.
            Err(FrameError::Decode(error @ DecodeError::Version(_))) => (Err(error), None),
            Err(error) => return Err(sealing::reason(&error)),
        };
        let sealed = channel.is_some();
        let unread = body.is_err();
        if !unread {
            asked.note();
        }
        let (reply, replied) = oneshot::channel();
        // The engine's side is gone only when the node stops.
        if driver.send(TaskEvent::Inbound(Inbound { from, to, body, sealed, reply })).await.is_err() {
            return Ok(None);
        }
        if let Ok(Some(Outbound { mut frame, tether })) = replied.await {
            if let Some(channel) = &mut channel {
                frame = sealing::seal(channel, &frame).ok_or(RejectReason::Oversized)?;
            }
            match tether {
                Some(kept) => return Ok(Some((frame, kept))),
                // A dialer that does not wait for its reply has itself to blame.
                None => drop(send_last(&mut stream, &frame).await),
            }
        }
        if unread {
            drain(&mut stream).await;
        }
        Ok(None)
    };
    if let Some((frame, kept)) = timeout(deadline, exchange).await.unwrap_or(Err(RejectReason::TooSlow))? {
        // Held by the driver from now on: it takes no place among the exchanges. The driver believes that it stands, and is told what
        // becomes of it, however busy it is.
        let _ = driver.send(hand_over(stream, &frame, kept, deadline).await).await;
    }
    Ok(())
}

/// Sends the reply to whom the connection is kept for.
async fn hand_over(mut stream: TcpStream, frame: &[u8], kept: Kept, deadline: Duration) -> TaskEvent {
    match timeout(deadline, stream.write_all(frame)).await {
        Ok(Ok(())) => TaskEvent::TetherAccepted { kept, stream },
        _ => TaskEvent::TetherEnded { tether: kept.tether, end: TetherEnd::Lost },
    }
}

/// Sends what nothing follows: it waits in the kernel for the end of the connection and travels with it (`MSG_MORE`, `send(2)`), so
/// it is a packet less, and the dialer is woken once instead of twice. The caller closes or shuts down right away.
#[cfg(target_os = "linux")]
async fn send_last(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let flags = libc::MSG_MORE | libc::MSG_NOSIGNAL;
    while !bytes.is_empty() {
        let send = || socket2::SockRef::from(&*stream).send_with_flags(bytes, flags);
        let n = stream.async_io(tokio::io::Interest::WRITABLE, send).await?;
        bytes = &bytes[n..];
    }
    Ok(())
}

/// Sends what nothing follows.
#[cfg(not(target_os = "linux"))]
async fn send_last(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await
}

/// Reads what the dialer still sends: closing upon unread bytes would reset the connection and destroy our reply.
async fn drain(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let mut most = stream.take(MAX_BODY as u64);
    let _ = tokio::io::copy(&mut most, &mut tokio::io::sink()).await;
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::engine::api::{ConnId, TetherId};

    #[tokio::test]
    async fn a_tether_is_handed_over_however_long_the_driver_is_busy() {
        let deadline = Duration::from_millis(50);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut dialer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, from) = listener.accept().await.unwrap();
        let (to_driver, mut driver) = mpsc::channel(1);
        let server = to_driver.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { converse(stream, from, None, &Asked::default(), &server, deadline).await });
        dialer.write_all(&crate::testkit::request(2).encode()).await.unwrap();
        let Some(TaskEvent::Inbound(Inbound { reply, .. })) = driver.recv().await else {
            panic!("a request")
        };
        to_driver.send(TaskEvent::FilterRules(Vec::new())).await.unwrap();
        drop(to_driver);
        let (_held, release) = oneshot::channel();
        let kept = Kept { tether: TetherId::Accepted(ConnId(1)), release };
        assert!(reply.send(Some(Outbound { frame: vec![1], tether: Some(kept) })).is_ok());
        tokio::time::sleep(deadline * 2).await;
        assert!(matches!(driver.recv().await, Some(TaskEvent::FilterRules(_))));
        assert!(matches!(driver.recv().await, Some(TaskEvent::TetherAccepted { .. })));
        assert!(tasks.join_next().await.unwrap().unwrap().is_ok());
    }
}
