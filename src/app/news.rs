//! What comes from the node. Whether that is in this process or at the other end of a socket, the app cannot tell.

use std::future::Future;
use std::path::PathBuf;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};

use super::checkup::Checkup;
use super::model::Model;
use super::playback::Playback;
use crate::engine::event::Stamped;

/// Something that comes from the node.
#[derive(Debug)]
pub enum News {
    /// It happened.
    Event(Stamped),
    /// So many events came faster than they were taken; the node is to be asked how all peers are.
    Missed(u64),
    /// The node was lost for a while: all that it knows, in the place of what was known.
    Anew(Box<Model>),
    /// It is recorded from now on, or no more.
    Recording {
        /// Where to.
        to: Option<PathBuf>,
        /// In words.
        said: String,
        /// Whether that was wanted.
        good: bool,
    },
    /// A recording is played, from now on so.
    Playing(Playback),
    /// How far the examination of this machine is.
    Checkup(Checkup),
    /// The node does not do what it was asked for; why.
    Refused(String),
    /// Nothing comes any more; why.
    Over(String),
}

/// Where they come from.
pub trait NewsSource {
    /// The next, as soon as there is one. Nothing is lost where this is cancelled.
    fn next(&mut self) -> impl Future<Output = News>;

    /// One that is there already.
    fn waiting(&mut self) -> Option<News>;
}

/// Of a node in this process.
impl NewsSource for broadcast::Receiver<Stamped> {
    async fn next(&mut self) -> News {
        match self.recv().await {
            Ok(event) => News::Event(event),
            Err(RecvError::Lagged(missed)) => News::Missed(missed),
            Err(RecvError::Closed) => failed(),
        }
    }

    fn waiting(&mut self) -> Option<News> {
        match self.try_recv() {
            Ok(event) => Some(News::Event(event)),
            Err(TryRecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(failed()),
        }
    }
}

/// Of a node anywhere else: whoever speaks with it.
impl NewsSource for mpsc::Receiver<News> {
    async fn next(&mut self) -> News {
        self.recv().await.unwrap_or_else(failed)
    }

    fn waiting(&mut self) -> Option<News> {
        match self.try_recv() {
            Ok(news) => Some(news),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => Some(failed()),
        }
    }
}

/// Of a node, and of what goes on beside it.
impl<N: NewsSource> NewsSource for (N, mpsc::Receiver<News>) {
    async fn next(&mut self) -> News {
        tokio::select! {
            biased;
            Some(beside) = self.1.recv() => beside,
            of_node = self.0.next() => of_node,
        }
    }

    fn waiting(&mut self) -> Option<News> {
        self.1.try_recv().ok().or_else(|| self.0.waiting())
    }
}

fn failed() -> News {
    News::Over("the node failed".to_owned())
}
