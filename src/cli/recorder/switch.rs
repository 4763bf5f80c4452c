//! Whether it is recorded: from the start, by `--record`, or by a person's key.

use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::{broadcast, mpsc, oneshot};

use super::begin::{Prepared, Recording};
use crate::app::{News, Wish};
use crate::cli::error::CliError;
use crate::engine::api::Command;
use crate::engine::event::Stamped;

/// What records a node, and who is told of it.
#[derive(Debug)]
pub(in crate::cli) struct Switch {
    commands: mpsc::Sender<Command>,
    events: broadcast::WeakSender<Stamped>,
    /// A screen. Where there is none, nobody takes them; the log has it all the same.
    news: mpsc::Sender<News>,
    recording: Option<Recording>,
}

impl Switch {
    /// Of a node that tells its events here and takes commands there.
    pub(in crate::cli) fn of(
        events: broadcast::WeakSender<Stamped>,
        commands: mpsc::Sender<Command>,
        news: mpsc::Sender<News>,
    ) -> Self {
        Self { commands, events, news, recording: None }
    }

    /// Records from these events on.
    pub(in crate::cli) fn begin(
        &mut self,
        prepared: Prepared,
        events: broadcast::Receiver<Stamped>,
    ) -> io::Result<()> {
        let news = self.news.clone();
        let path = prepared.path().to_owned();
        let ended = move |outcome: io::Result<()>| {
            let Err(error) = outcome else { return };
            let why = stopped(&path, &error);
            tracing::error!("{why}");
            // Where the screen is too busy to hear it, its log tells.
            let _ = news.try_send(News::Recording { to: None, said: why, good: false });
        };
        let recording = prepared.record(events, self.commands.clone(), ended)?;
        let said = format!("recording to {}", recording.path.display());
        tracing::info!("{said}");
        let to = Some(recording.path.clone());
        let _ = self.news.try_send(News::Recording { to, said, good: true });
        self.recording = Some(recording);
        Ok(())
    }

    /// Records from the first event of a node that was started just now, if that is wanted.
    pub(in crate::cli) fn begin_if(
        &mut self,
        prepared: Option<Prepared>,
        first: oneshot::Receiver<broadcast::Receiver<Stamped>>,
    ) -> Result<(), CliError> {
        let Some(prepared) = prepared else { return Ok(()) };
        let events = first.blocking_recv().map_err(anyhow::Error::from)?;
        Ok(self.begin(prepared, events).map_err(anyhow::Error::from)?)
    }

    /// Begins or ends it whenever the person wants that; what else is wished is for another to hear.
    pub(in crate::cli) async fn serve(&mut self, mut wishes: mpsc::Receiver<Wish>, other: impl Fn(&Wish)) {
        while let Some(wish) = wishes.recv().await {
            match &wish {
                Wish::Record(path) => self.turn(path),
                wish => other(wish),
            }
        }
        std::future::pending::<()>().await;
    }

    /// Ends it.
    pub(in crate::cli) fn end(&mut self) -> Option<PathBuf> {
        let recording = self.recording.take()?;
        let path = recording.path.clone();
        recording.end();
        Some(path)
    }

    fn turn(&mut self, path: &Path) {
        if self.recording.as_ref().is_some_and(Recording::goes_on)
            && let Some(path) = self.end()
        {
            let said = format!("recorded to {}", path.display());
            tracing::info!("{said}");
            let _ = self.news.try_send(News::Recording { to: None, said, good: true });
            return;
        }
        let Some(events) = self.events.upgrade() else { return };
        let begun = Prepared::at(path)
            .map_err(|error| error.to_string())
            .and_then(|prepared| self.begin(prepared, events.subscribe()).map_err(|error| error.to_string()));
        if let Err(why) = begun {
            let _ = self.news.try_send(News::Recording { to: None, said: why, good: false });
        }
    }
}

/// Why nothing more is recorded. All else goes on.
fn stopped(path: &Path, error: &io::Error) -> String {
    format!("the recording {} ends here: {error}; everything else goes on", path.display())
}
