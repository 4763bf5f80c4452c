//! What a node remembers for those who attach to it later: what its events were folded into. It folds in the node's own thread, where the
//! log does, so that an event wakes nobody; while somebody is attached, it hands each event on as well.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::app::model::Model;
use crate::cli::args::ControlPlace;
use crate::engine::event::{Event, Stamped};

use super::limits::EVENTS_KEPT;

/// What has had its time is dropped so often.
const SWEEP: Duration = Duration::from_secs(1);

/// The memory of a node.
#[derive(Debug)]
pub(in crate::cli) struct Keeper(
    /// None where nobody can attach, and once the node has stopped.
    Mutex<Option<Kept>>,
);

#[derive(Debug, Default)]
struct Kept {
    model: Model,
    swept: Option<Instant>,
    /// Where those who are attached listen; none while nobody is.
    attached: Option<broadcast::Sender<Stamped>>,
}

impl Keeper {
    /// Of a node that is about to start.
    pub(in crate::cli) fn of(control: Option<&ControlPlace>) -> Arc<Self> {
        let can_be_asked = control != Some(&ControlPlace::Off);
        Arc::new(Self(Mutex::new(can_be_asked.then(Kept::default))))
    }

    /// A subscriber of the node's events that does what this one does, and remembers them.
    pub(in crate::cli) fn beside<S: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        subscriber: impl FnOnce(broadcast::Receiver<Stamped>) -> S + Send + 'static,
    ) -> impl FnOnce(broadcast::Receiver<Stamped>) -> Following + Send + 'static {
        let keeper = Arc::clone(self);
        move |events| {
            // Nothing was sent yet: it misses nothing.
            let own = events.resubscribe();
            let keeping = Keeping(keeper).follow(own);
            let other = subscriber(events);
            Box::pin(async move {
                tokio::join!(keeping, other);
            })
        }
    }

    /// What is remembered, and all events from then on; none of a node that has stopped.
    pub(super) fn attach(&self) -> Option<(Model, broadcast::Receiver<Stamped>)> {
        let mut kept = self.lock();
        let kept = kept.as_mut()?;
        let attached = kept.attached.get_or_insert_with(|| broadcast::channel(EVENTS_KEPT).0);
        Some((kept.model.clone(), attached.subscribe()))
    }

    /// Nobody will attach.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        // What it holds is whole between two events.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who follows a node until it stops.
type Following = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Remembers until it is dropped, with the node's thread.
struct Keeping(Arc<Keeper>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Keeping {
    async fn follow(self, mut events: broadcast::Receiver<Stamped>) {
        let mut latest = None;
        loop {
            let stamped = match events.recv().await {
                Ok(stamped) => stamped,
                Err(RecvError::Lagged(missed)) => {
                    let Some((at, wall)) = latest else { continue };
                    Stamped { at, wall, event: Event::Lagged { missed } }
                }
                Err(RecvError::Closed) => return,
            };
            latest = Some((stamped.at, stamped.wall));
            let mut kept = self.0.lock();
            let Some(kept) = kept.as_mut() else { return };
            kept.take(stamped);
        }
    }
}

impl Kept {
    fn take(&mut self, stamped: Stamped) {
        // How all is now is asked of the node.
        if !matches!(stamped.event, Event::Snapshot(_) | Event::Matrix(_)) {
            self.model.fold(&stamped);
        }
        if self.swept.is_none_or(|swept| stamped.at.saturating_duration_since(swept) >= SWEEP) {
            self.swept = Some(stamped.at);
            self.model.expire(stamped.at);
        }
        // Nobody listens any longer where it cannot be sent.
        if self.attached.as_ref().is_some_and(|attached| attached.send(stamped).is_err()) {
            self.attached = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use crate::engine::api::Command;
    use crate::engine::peers::{PeerState, Via};
    use crate::testkit;

    use super::*;

    /// The events of a node that finds one peer after the other.
    fn found(nth: u64) -> [Stamped; 2] {
        let peer = testkit::peer(nth, &format!("host{nth}"));
        let events = [
            Event::PeerDiscovered { peer: Arc::clone(&peer), via: Via::Broadcast },
            Event::PeerState { peer, from: PeerState::New, to: PeerState::Up },
        ];
        events.map(|event| Stamped { at: testkit::t0(), wall: std::time::SystemTime::UNIX_EPOCH, event })
    }

    #[tokio::test]
    async fn who_attaches_misses_nothing_and_hears_nothing_twice() {
        const PEERS: u64 = 40;
        let (events, first) = broadcast::channel(256);
        let keeper = Keeper::of(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.beside(
            async |mut events: broadcast::Receiver<Stamped>| {
                while events.recv().await.is_ok() {}
            },
        )(first));
        let mut attached = Vec::new();
        for nth in 1..=PEERS {
            for event in found(nth) {
                assert!(events.send(event).is_ok());
            }
            if nth % 10 == 0 {
                attached.push(keeper.attach().unwrap());
            }
            if nth % 3 == 0 {
                tokio::task::yield_now().await;
            }
        }
        drop(events);
        tasks.join_next().await.unwrap().unwrap();
        for (mut model, mut events) in attached {
            let remembered = model.journal().len();
            let mut heard = 0;
            while let Ok(event) = events.recv().await {
                model.fold(&event);
                heard += 1;
            }
            let all = usize::try_from(2 * PEERS).unwrap();
            assert_eq!((remembered + heard, model.journal().len(), model.len()), (all, all, 40));
        }
        assert!(keeper.attach().is_none(), "the node has stopped");
    }

    #[tokio::test]
    async fn nothing_is_kept_where_nobody_can_attach() {
        let keeper = Keeper::of(Some(&ControlPlace::Off));
        assert!(keeper.attach().is_none());
    }

    #[test]
    fn every_command_of_the_app_is_an_order_but_the_end() {
        use super::super::request::Order;
        let key = testkit::peer(7, "host7").key;
        let all = [Command::DialNow(key), Command::DialAll, Command::RequestSnapshot];
        assert!(all.iter().all(|command| Order::of(command).is_some()));
        assert_eq!(Order::of(&Command::Stop(crate::engine::event::StopReason::Quit)), None);
    }
}
