//! The app's side of a node that runs in another process: what is remembered there, news from it, orders to it.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::app::News;
use crate::app::model::Model;
use crate::engine::api::Command;
use crate::engine::event::Event;
use crate::record::{Reader, Unfinished};

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
    lines: Lines,
    reader: Reader,
    from: ReadHalf<Connected>,
    to: WriteHalf<Connected>,
}

/// Attaches to the node that runs here. Returns what it remembers, how it is now included.
pub(in crate::cli) async fn attach(place: &Place) -> Result<(Attached, Model), NotAttached> {
    let connected = system::connect(place).await.map_err(|_| NotAttached::Silent)?;
    let (from, to) = tokio::io::split(connected.ok_or(NotAttached::NoneRuns)?);
    let mut attached = Attached { lines: Lines::of(MAX_ANSWER), reader: Reader::default(), from, to };
    let model = timeout(ANSWER, attached.remembered()).await.unwrap_or(Err(NotAttached::Silent))?;
    Ok((attached, model))
}

impl Attached {
    /// Reads all that is told before anything new: the past, and how all peers are now.
    async fn remembered(&mut self) -> Result<Model, NotAttached> {
        self.to.write_all(&request_line(&Request::Attach)).await.map_err(|_| NotAttached::Silent)?;
        let unreadable = |error| NotAttached::Refused(format!("{error}"));
        let first = next(&mut self.lines, &mut self.from).await?;
        let begun = Unfinished::begin(&mut self.reader, first, now());
        let mut past =
            begun.map_err(|error| NotAttached::Refused(refusal(first).unwrap_or(error.to_string())))?;
        while !past.is_whole() {
            let line = next(&mut self.lines, &mut self.from).await?;
            past.line(&mut self.reader, line, now()).map_err(unreadable)?;
        }
        let mut model = Model::remembering(&past.past());
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

    /// Hands news to the app, and what the app wants to the node, until one of them goes.
    pub(in crate::cli) async fn pass(self, news: mpsc::Sender<News>, mut commands: mpsc::Receiver<Command>) {
        let Self { mut lines, mut reader, mut from, mut to } = self;
        loop {
            let came = tokio::select! {
                line = lines.next(&mut from) => match line {
                    Ok(line) => told(&mut reader, line),
                    Err(NoLine::End | NoLine::Failed | NoLine::TooLong) => {
                        Some(News::Over("the connection to the node has ended: it was killed, or had no time for this app".to_owned()))
                    }
                },
                command = commands.recv() => {
                    let Some(order) = command.as_ref().and_then(Order::of) else { return };
                    match to.write_all(&line(&order)).await {
                        Ok(()) => None,
                        // The reading side learns why.
                        Err(_) => continue,
                    }
                }
            };
            let Some(came) = came else { continue };
            let is_over = matches!(came, News::Over(_));
            // A slow app keeps this waiting: then the node tells how much that app has missed.
            if news.send(came).await.is_err() || is_over {
                return;
            }
        }
    }
}

/// What a line tells; none of what only a later version knows.
fn told(reader: &mut Reader, line: &[u8]) -> Option<News> {
    match reader.line(line, now()) {
        Ok(stamped) => stamped.map(News::Event),
        Err(error) => match refusal(line) {
            Some(why) => Some(News::Refused(why)),
            None => {
                tracing::debug!(%error, "a line of the node cannot be read");
                None
            }
        },
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
