//! The app's side of a node that runs in another process: what is remembered there, news from it, orders to it.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::app::News;
use crate::app::model::Model;
use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped};
use crate::record::{Past, Reader};

use super::limits::{ANSWER, MAX_ANSWER};
use super::lines::{Lines, NoLine};
use super::place::Place;
use super::request::{Order, Reply, Request, line, read, request_line};
use super::system::{self, Connected};

/// Why there is no node to attach to.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NotAttached {
    /// None of this group and port runs here.
    #[error("none runs")]
    NoneRuns,
    /// It runs and does not answer.
    #[error("the node that runs here does not answer: it is stopped or too busy")]
    Silent,
    /// It answers something else.
    #[error("the node that runs here takes no app in: {0}")]
    Refused(String),
}

/// A node in another process.
#[derive(Debug)]
pub(in crate::cli) struct Attached {
    place: Place,
    lines: Lines,
    reader: Reader,
    from: ReadHalf<Connected>,
    to: WriteHalf<Connected>,
}

/// Attaches to the node that runs here. Returns what it remembers, how it is now included.
pub(in crate::cli) async fn attach(place: Place) -> Result<(Attached, Model), NotAttached> {
    let connected = system::connect(&place).await.map_err(|_| NotAttached::Silent)?;
    let (from, to) = tokio::io::split(connected.ok_or(NotAttached::NoneRuns)?);
    let (lines, reader) = (Lines::of(MAX_ANSWER), Reader::default());
    let mut attached = Attached { place, lines, reader, from, to };
    let model = timeout(ANSWER, attached.remembered()).await.unwrap_or(Err(NotAttached::Silent))?;
    Ok((attached, model))
}

impl Attached {
    /// Reads all that is told before anything new: the past, and how all peers are now.
    async fn remembered(&mut self) -> Result<Model, NotAttached> {
        self.to.write_all(&request_line(&Request::Attach)).await.map_err(|_| NotAttached::Silent)?;
        let first = next(&mut self.lines, &mut self.from).await?;
        let past = Past::read(&mut self.reader, first, now());
        let past = past.map_err(|error| NotAttached::Refused(refusal(first).unwrap_or(error.to_string())))?;
        let mut model = Model::remembering(&past);
        drop(past);
        // Nobody is to see a table without its findings first.
        let (mut has_table, mut has_matrix) = (false, false);
        while !(has_table && has_matrix) {
            let line = next(&mut self.lines, &mut self.from).await?;
            match self.reader.line(line, now()) {
                Ok(Some(stamped)) => {
                    has_table |= matches!(stamped.event, Event::Snapshot(_));
                    has_matrix |= matches!(stamped.event, Event::Matrix(_));
                    model.fold(&stamped);
                }
                Ok(None) => {}
                Err(error) => return Err(NotAttached::Refused(refusal(line).unwrap_or(error.to_string()))),
            }
        }
        Ok(model)
    }

    /// Hands news to the app, and what the app wants to the node, until one of them goes. A node that has left an app behind which
    /// read nothing for long, as one does that was suspended, is attached to again.
    pub(in crate::cli) async fn pass(
        mut self,
        news: mpsc::Sender<News>,
        mut commands: mpsc::Receiver<Command>,
    ) {
        let mut has_stopped = false;
        loop {
            let came = tokio::select! {
                line = self.lines.next(&mut self.from) => match line {
                    Ok(line) => told(&mut self.reader, line),
                    Err(NoLine::End | NoLine::Failed | NoLine::TooLong) if has_stopped => return,
                    Err(NoLine::End | NoLine::Failed | NoLine::TooLong) => {
                        let Ok((again, model)) = attach(self.place).await else {
                            let _ = news.send(News::Over(GONE.to_owned())).await;
                            return;
                        };
                        self = again;
                        Some(News::Anew(Box::new(model)))
                    }
                },
                command = commands.recv() => {
                    let Some(order) = command.as_ref().and_then(Order::of) else { return };
                    // Where it cannot be written, the reading side learns why.
                    let _ = self.to.write_all(&line(&order)).await;
                    None
                }
            };
            let Some(came) = came else { continue };
            has_stopped |= matches!(&came, News::Event(Stamped { event: Event::Stopped { .. }, .. }));
            // A slow app keeps this waiting: then the node tells how much that app has missed.
            if news.send(came).await.is_err() {
                return;
            }
        }
    }
}

/// Why nothing comes any more of a node that did not say that it stops.
const GONE: &str = "the connection to the node has ended, and it answers no longer";

/// What a line tells; none of what only a later version knows.
fn told(reader: &mut Reader, line: &[u8]) -> Option<News> {
    match reader.line(line, now()) {
        Ok(stamped) => stamped.map(News::Event),
        Err(error) => {
            let why = refusal(line);
            if why.is_none() {
                tracing::debug!(%error, "a line of the node cannot be read");
            }
            why.map(News::Refused)
        }
    }
}

/// Why the node does not do what was asked.
fn refusal(line: &[u8]) -> Option<String> {
    match read(line) {
        Ok(Reply::Refused { error, .. }) => Some(error),
        _ => None,
    }
}

async fn next<'a>(
    lines: &'a mut Lines,
    from: &mut (impl AsyncRead + Unpin),
) -> Result<&'a [u8], NotAttached> {
    lines.next(from).await.map_err(|_| NotAttached::Refused("it ended the connection".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "when a line came: what others are counted from")]
fn now() -> Instant {
    Instant::now()
}
