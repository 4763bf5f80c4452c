//! What those who come in by the door may use of the node.

use std::sync::Arc;

use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::Instant;

use crate::engine::api::Command;
use crate::engine::event::Stamped;

use super::keeper::Keeper;

/// It keeps nothing of the node alive, and no event.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    /// What people ask for.
    pub(super) commands: mpsc::Sender<Command>,
    /// Where to listen.
    pub(super) events: broadcast::WeakSender<Stamped>,
    /// What is remembered.
    pub(super) keeper: Arc<Keeper>,
    /// Since when the node runs.
    pub(super) since: Instant,
    /// Room for those who wait for an answer.
    pub(super) questions: Arc<Semaphore>,
    /// Room for those who follow.
    pub(super) subscribers: Arc<Semaphore>,
}

impl Inside {
    /// The events from now on; none of a node that has stopped.
    pub(super) fn listen(&self) -> Option<broadcast::Receiver<Stamped>> {
        Some(self.events.upgrade()?.subscribe())
    }
}
