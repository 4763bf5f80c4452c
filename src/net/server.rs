//! The TCP server: one request, one reply, close.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::core::event::RejectReason;
use crate::proto::DecodeError;
use crate::proto::exchange::{HEADER, body_length};

use super::driver::Happened;

/// Inbound connections at once: a few for each of a hundred peers, and a quarter of the usual 1 024 descriptors.
const MAX_CONNECTIONS: usize = 256;
/// Inbound connections at once from one address, so that one cannot keep out the others.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 16;
/// For a whole exchange, from accept to close.
const DEADLINE: Duration = Duration::from_secs(5);
/// Waits after an accept that failed for want of something, doubling from the first to the second.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A request, and where its reply goes; none closes without one.
pub(super) struct Inbound {
    pub(super) from: SocketAddr,
    /// Its body, or the version that we do not speak.
    pub(super) body: Result<Vec<u8>, DecodeError>,
    pub(super) reply: oneshot::Sender<Option<Vec<u8>>>,
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, happened: mpsc::Sender<Happened>) {
    let mut open: JoinSet<IpAddr> = JoinSet::new();
    let mut open_from: HashMap<IpAddr, usize> = HashMap::new();
    let mut backoff = ACCEPT_BACKOFF.0;
    loop {
        tokio::select! {
            Some(ended) = open.join_next() => {
                // A connection's task neither panics nor is aborted while this loop runs.
                let Ok(ip) = ended else { continue };
                if let Some(n) = open_from.get_mut(&ip) {
                    *n -= 1;
                    if *n == 0 {
                        open_from.remove(&ip);
                    }
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    backoff = ACCEPT_BACKOFF.0;
                    let n = open_from.entry(from.ip()).or_default();
                    if open.len() >= MAX_CONNECTIONS || *n >= MAX_CONNECTIONS_PER_ADDRESS {
                        if *n == 0 {
                            open_from.remove(&from.ip());
                        }
                        turn_away(&happened, from, RejectReason::TooManyConnections);
                        continue;
                    }
                    *n += 1;
                    let happened = happened.clone();
                    open.spawn(async move {
                        if let Err(reason) = converse(stream, from, &happened).await {
                            turn_away(&happened, from, reason);
                        }
                        from.ip()
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
fn turn_away(happened: &mpsc::Sender<Happened>, from: SocketAddr, reason: RejectReason) {
    let _ = happened.try_send(Happened::TurnedAway { from, reason });
}

/// One exchange within its deadline. The connection is closed when it returns.
async fn converse(
    mut stream: TcpStream,
    from: SocketAddr,
    happened: &mpsc::Sender<Happened>,
) -> Result<(), RejectReason> {
    let exchange = async {
        let body = read_request(&mut stream).await?;
        let (reply, replied) = oneshot::channel();
        let inbound = Inbound { from, body, reply };
        // The engine's side is gone only when the node stops.
        if happened.send(Happened::Inbound(inbound)).await.is_err() {
            return Ok(());
        }
        if let Ok(Some(frame)) = replied.await {
            // A dialer that does not wait for its reply has itself to blame.
            let _ = stream.write_all(&frame).await;
            let _ = stream.shutdown().await;
        }
        Ok(())
    };
    timeout(DEADLINE, exchange).await.unwrap_or(Err(RejectReason::TooSlow))
}

async fn read_request(stream: &mut TcpStream) -> Result<Result<Vec<u8>, DecodeError>, RejectReason> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).await.map_err(|_| RejectReason::ClosedEarly)?;
    let length = match body_length(&header) {
        Ok(length) => length,
        // It is answered, in our version: from that the dialer learns which it is.
        Err(error @ DecodeError::Version(_)) => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    let mut body = Vec::with_capacity(length.min(512));
    let read = stream.take(length as u64).read_to_end(&mut body).await;
    match read {
        Ok(n) if n == length => Ok(Ok(body)),
        _ => Err(RejectReason::ClosedEarly),
    }
}
