//! Tethers: connections that are kept open and carry nothing, so that the end of a process is noticed at once.
//!
//! Owns those that are dialed and held. Nothing wakes them but what comes in: a farewell, the end, or a reset.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use crate::engine::api::{TetherEnd, TetherId};
use crate::engine::cause::Failure;

use super::dialer::{self, Way};
use super::task_event::{Kept, Outbound, TaskEvent};

/// What is sent before a tether is ended on purpose: a byte of any value.
const FAREWELL: [u8; 1] = [0];
/// The system asks whether the other end is still there after so long, and then, while nothing comes, again: one that went without a word
/// is to take no room for ever, and a packet a minute costs nothing.
const KEEPALIVE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(10));

/// All tethers of a node.
#[derive(Debug, Default)]
pub(super) struct Tethers {
    dialing: HashMap<TetherId, AbortHandle>,
    /// Each is released when its sender is dropped.
    held: HashMap<TetherId, oneshot::Sender<()>>,
}

impl Tethers {
    /// Dials one; ends with [`TaskEvent::TetherAnswered`].
    pub(super) fn dial(
        &mut self,
        tether: TetherId,
        way: Way,
        request: Arc<[u8]>,
        timeout: Duration,
        tasks: &mut JoinSet<TaskEvent>,
    ) {
        let task = tasks.spawn(async move {
            let mut reply = Vec::new();
            let result = dialer::converse(&way, &request, timeout, &mut reply).await;
            TaskEvent::TetherAnswered { tether, result, reply }
        });
        self.dialing.insert(tether, task);
    }

    /// One that was dialed was answered, or not: what the engine is told, unless it has dropped it since. It is held from now on.
    pub(super) fn note_answer(
        &mut self,
        tether: TetherId,
        result: Result<TcpStream, Failure>,
        tasks: &mut JoinSet<TaskEvent>,
    ) -> Option<Result<(), Failure>> {
        self.dialing.remove(&tether)?;
        Some(result.map(|stream| {
            let kept = self.keep(tether);
            hold(kept, stream, tasks);
        }))
    }

    /// One that came in is to be held as soon as its reply is sent.
    pub(super) fn keep(&mut self, tether: TetherId) -> Kept {
        let (released, release) = oneshot::channel();
        self.held.insert(tether, released);
        Kept { tether, release }
    }

    /// Ends one on purpose.
    pub(super) fn release(&mut self, tether: TetherId) {
        self.held.remove(&tether);
        if let Some(task) = self.dialing.remove(&tether) {
            task.abort();
        }
    }

    /// One has ended: whether the engine still believes that it stands.
    pub(super) fn note_end(&mut self, tether: TetherId) -> bool {
        self.held.remove(&tether).is_some()
    }
}

/// Holds a connection until it ends, in a task that says how.
pub(super) fn hold(kept: Kept, stream: TcpStream, tasks: &mut JoinSet<TaskEvent>) {
    let Kept { tether, release } = kept;
    tasks.spawn(async move { TaskEvent::TetherEnded { tether, end: end_of(stream, release).await } });
}

/// How a connection ends; when it is released, with a farewell.
async fn end_of(mut stream: TcpStream, release: oneshot::Receiver<()>) -> TetherEnd {
    // Without it a tether is as good, and stays a little longer than it is of use.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let mut byte = [0; 1];
    tokio::select! {
        biased;
        _ = release => {
            // A new connection has room for a byte.
            let _ = stream.try_write(&FAREWELL);
            TetherEnd::Farewell
        }
        read = stream.read(&mut byte) => match read {
            Ok(0) => TetherEnd::Cut,
            Ok(_) => TetherEnd::Farewell,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => TetherEnd::Cut,
            Err(_) => TetherEnd::Lost,
        },
    }
}

/// Hands a reply to the server's task that waits for it. A connection whose deadline has passed is gone, and a tether with it.
pub(super) fn send_reply(
    reply: oneshot::Sender<Option<Outbound>>,
    outbound: Option<Outbound>,
    tasks: &mut JoinSet<TaskEvent>,
) {
    if let Err(Some(Outbound { tether: Some(Kept { tether, .. }), .. })) = reply.send(outbound) {
        tasks.spawn(async move { TaskEvent::TetherEnded { tether, end: TetherEnd::Lost } });
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Both ends of a connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (one, other) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (one.unwrap(), other.unwrap().0)
    }

    #[tokio::test]
    async fn a_tether_that_is_released_ends_with_a_farewell_and_one_that_is_dropped_is_cut() {
        let (ours, theirs) = connection().await;
        let (released, release) = oneshot::channel();
        let (_stays, never) = oneshot::channel();
        drop(released);
        let (here, there) = tokio::join!(end_of(ours, release), end_of(theirs, never));
        assert_eq!((here, there), (TetherEnd::Farewell, TetherEnd::Farewell));

        let (ours, theirs) = connection().await;
        let (_stays, never) = oneshot::channel();
        drop(ours);
        assert_eq!(end_of(theirs, never).await, TetherEnd::Cut);
    }

    #[tokio::test]
    async fn a_tether_that_is_reset_is_cut() {
        let (ours, theirs) = connection().await;
        SockRef::from(&ours).set_linger(Some(Duration::ZERO)).unwrap();
        drop(ours);
        let (_stays, never) = oneshot::channel();
        assert_eq!(end_of(theirs, never).await, TetherEnd::Cut);
    }

    #[tokio::test]
    async fn what_is_dropped_before_it_is_held_is_not_told_of() {
        let (mut tethers, mut tasks) = (Tethers::default(), JoinSet::new());
        let id = TetherId::Dialed(1);
        let (ours, _theirs) = connection().await;
        assert!(tethers.note_answer(id, Ok(ours), &mut tasks).is_none(), "nobody waits for it");
        let kept = tethers.keep(id);
        tethers.release(id);
        assert!(!tethers.note_end(id));
        let (ours, _theirs) = connection().await;
        assert_eq!(end_of(ours, kept.release).await, TetherEnd::Farewell);
    }
}
