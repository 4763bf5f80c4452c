//! The events of a node in another process, for a recorder beside the app.

use tokio::sync::broadcast;

use crate::app::{News, NewsSource};
use crate::engine::event::Stamped;

/// News, of which whoever listens gets the events, too.
#[derive(Debug)]
pub(in crate::cli) struct Tee<N> {
    /// Where they come from.
    pub(in crate::cli) news: N,
    /// Who listens does so here.
    pub(in crate::cli) events: broadcast::Sender<Stamped>,
}

impl<N> Tee<N> {
    fn hand_on(&self, news: &News) {
        if let News::Event(event) = news
            && self.events.receiver_count() > 0
        {
            // Nobody listens any more.
            let _ = self.events.send(event.clone());
        }
    }
}

impl<N: NewsSource> NewsSource for Tee<N> {
    async fn next(&mut self) -> News {
        let news = self.news.next().await;
        self.hand_on(&news);
        news
    }

    fn waiting(&mut self) -> Option<News> {
        let news = self.news.waiting()?;
        self.hand_on(&news);
        Some(news)
    }
}
