//! What plays a recording: hands its events to the app when they are due, and goes where a person wants.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until};

use super::index::{Checkpoint, Index};
use super::story::{Story, Trouble};
use crate::app::model::Model;
use crate::app::{Clock, News, Play, Playback, Wish};
use crate::engine::event::Stamped;

/// Slowest and fastest: a day in less than half a minute.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.125..=4_096.0;

/// Events handed over before it is looked whether a person wants something else.
const EVENTS_AT_ONCE: usize = 256;

/// How often it is told how far the index is.
const LOOK: Duration = Duration::from_millis(250);

/// Where to go.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// To where so many events are told.
    Event(u64),
    Instant(Instant),
    Wall(SystemTime),
}

/// What plays.
pub(super) struct Player {
    story: Story,
    index: Index,
    zone: TimeZone,
    /// The event that is due next.
    next: Option<Stamped>,
    /// The first event, and the last one that was told.
    first: (Instant, SystemTime),
    last: (Instant, SystemTime),
    clock: Clock,
    speed: f64,
    /// Waits for the index.
    wanted: Option<Target>,
    /// No more is told of the index.
    indexed: bool,
    news: mpsc::Sender<News>,
}

/// The app has gone.
struct Gone;

impl Player {
    /// Plays a story of which the first event has been told, at this speed.
    pub(super) fn new(
        (story, index): (Story, Index),
        first: &Stamped,
        (speed, zone): (f64, TimeZone),
        news: mpsc::Sender<News>,
    ) -> Self {
        let speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
        let (at, wall) = (first.at, first.wall);
        Self {
            story,
            index,
            zone,
            next: None,
            first: (at, wall),
            last: (at, wall),
            clock: Clock { real: now(), shown: at, speed },
            speed,
            wanted: None,
            indexed: false,
            news,
        }
    }

    /// Plays until the app has gone.
    pub(super) async fn play(mut self, mut wishes: mpsc::Receiver<Wish>) {
        // Whoever wants nothing any more has gone as well.
        let _ = self.run(&mut wishes).await;
    }

    async fn run(&mut self, wishes: &mut mpsc::Receiver<Wish>) -> Result<(), Gone> {
        self.read_on().await?;
        self.tell().await?;
        loop {
            let due = self.next.as_ref().and_then(|next| self.clock.when(next.at));
            let due = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                wish = wishes.recv() => match wish {
                    None => return Ok(()),
                    Some(Wish::Play(play)) => self.wish(play).await?,
                    Some(Wish::Record(_) | Wish::Examine { .. }) => {}
                },
                () = due => self.events().await?,
                () = sleep(LOOK), if !self.indexed => self.look().await?,
            }
        }
    }

    /// Hands over what is due.
    async fn events(&mut self) -> Result<(), Gone> {
        let shown = self.clock.shown_at(now());
        for _ in 0..EVENTS_AT_ONCE {
            if self.next.as_ref().is_none_or(|next| next.at > shown) {
                return Ok(());
            }
            self.one().await?;
        }
        Ok(())
    }

    /// Hands the next event over.
    async fn one(&mut self) -> Result<(), Gone> {
        let Some(stamped) = self.next.take() else { return Ok(()) };
        self.last = (stamped.at, stamped.wall);
        self.send(News::Event(stamped)).await?;
        self.read_on().await
    }

    /// Reads the event that is due next. At the end it stands still.
    async fn read_on(&mut self) -> Result<(), Gone> {
        let said = match self.story.next() {
            Ok(Some(stamped)) => {
                self.next = Some(stamped);
                return Ok(());
            }
            Ok(None) => "the recording ends here".to_owned(),
            Err(trouble) => ends(&trouble),
        };
        self.set_clock(self.last.0, 0.0);
        self.tell().await?;
        self.send(News::Refused(said)).await
    }

    async fn wish(&mut self, play: Play) -> Result<(), Gone> {
        let shown = self.clock.shown_at(now());
        let told = self.told();
        match play {
            Play::Pause if self.clock.speed > 0.0 => self.set_clock(shown, 0.0),
            Play::Pause if self.next.is_none() => return self.go(Target::Event(1), true).await,
            Play::Pause => self.set_clock(shown, self.speed),
            Play::Faster => self.set_speed(self.speed * 2.0),
            Play::Slower => self.set_speed(self.speed / 2.0),
            Play::Step => {
                self.one().await?;
                self.set_clock(self.last.0, 0.0);
            }
            Play::Back(by) => {
                let to = shown.checked_sub(by).unwrap_or(self.first.0).max(self.first.0);
                return self.go(Target::Instant(to), false).await;
            }
            Play::On(by) => return self.go(Target::Instant(shown + by), false).await,
            Play::NextChange | Play::NextFinding => {
                let is_change = play == Play::NextChange;
                let (next, complete) = {
                    let found = self.index.found();
                    let next = if is_change { found.next_change(told) } else { found.next_finding(told) };
                    (next, found.complete)
                };
                if let Some(event) = next {
                    return self.go(Target::Event(event), false).await;
                }
                let what = if is_change { "change of a state" } else { "finding" };
                let more = if complete { "" } else { " in what was read so far: try again" };
                return self.send(News::Refused(format!("no further {what}{more}"))).await;
            }
            Play::To(when) => {
                let end = self.index.found().last.unwrap_or(self.last).1;
                let wall = when.of((self.first.1, end), &self.zone);
                return self.go(Target::Wall(wall.max(self.first.1)), false).await;
            }
        }
        self.tell().await
    }

    fn set_speed(&mut self, speed: f64) {
        self.speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
        if self.clock.speed > 0.0 {
            self.set_clock(self.clock.shown_at(now()), self.speed);
        }
    }

    fn set_clock(&mut self, shown: Instant, speed: f64) {
        self.clock = Clock { real: now(), shown, speed };
    }

    /// How many events the app has been told.
    fn told(&self) -> u64 {
        self.story.told() - u64::from(self.next.is_some())
    }

    /// Goes there, or as soon as the index has come so far. What stood still goes on standing there, unless it `starts`.
    async fn go(&mut self, target: Target, starts: bool) -> Result<(), Gone> {
        let (is_known, checkpoint, read) = self.nearest(target);
        let (true, Some(checkpoint)) = (is_known, checkpoint) else {
            self.wanted = Some(target);
            let said = format!("still reading the recording ({read} %): it goes there as soon as it can");
            return self.send(News::Refused(said)).await;
        };
        self.wanted = None;
        let mut model = checkpoint.model.clone();
        if let Err(error) = self.story.go_to(checkpoint.bookmark.clone()) {
            return self.send(News::Refused(error.to_string())).await;
        }
        let (at, wall) = checkpoint.last();
        self.last = (at, wall);
        self.fold_until(target, &mut model);
        let shown = match target {
            Target::Event(_) => self.last.0,
            Target::Instant(at) => at,
            Target::Wall(wall) => {
                let after = wall.duration_since(self.last.1).unwrap_or_default();
                self.last.0.checked_add(after).unwrap_or(self.last.0)
            }
        };
        let speed = if starts { self.speed } else { self.clock.speed };
        // Beyond its end there is nothing.
        let (shown, speed) = if self.next.is_some() { (shown, speed) } else { (self.last.0, 0.0) };
        model.expire(shown);
        model.age(shown);
        self.set_clock(shown, speed);
        self.send(News::Anew(Box::new(model))).await?;
        self.tell().await
    }

    /// Whether the index has come so far, the last checkpoint before, and how much has been read.
    fn nearest(&self, target: Target) -> (bool, Option<Arc<Checkpoint>>, u8) {
        let found = self.index.found();
        let is_known = match target {
            Target::Event(event) => found.events >= event,
            Target::Instant(at) => found.last.is_some_and(|(last, _)| last >= at),
            Target::Wall(wall) => found.last.is_some_and(|(_, last)| last >= wall),
        };
        let checkpoint = match target {
            Target::Event(event) => found.before_event(event),
            Target::Instant(at) => found.before_instant(at),
            Target::Wall(wall) => found.before_wall(wall),
        };
        (is_known || found.complete, checkpoint, found.read)
    }

    /// Folds what comes before it.
    fn fold_until(&mut self, target: Target, model: &mut Model) {
        self.next = None;
        loop {
            // Where it stops making sense was said already.
            let Ok(Some(stamped)) = self.story.next() else { return };
            let is_beyond = match target {
                Target::Event(event) => self.story.told() > event,
                Target::Instant(at) => stamped.at > at,
                Target::Wall(wall) => stamped.wall > wall,
            };
            if is_beyond {
                self.next = Some(stamped);
                return;
            }
            model.fold(&stamped);
            self.last = (stamped.at, stamped.wall);
        }
    }

    /// Looks how far the index is.
    async fn look(&mut self) -> Result<(), Gone> {
        let (complete, trouble) = {
            let found = self.index.found();
            (found.complete, found.trouble.as_ref().map(ends))
        };
        self.indexed = complete;
        self.tell().await?;
        if let Some(trouble) = trouble {
            self.send(News::Refused(trouble)).await?;
        }
        match self.wanted.take() {
            Some(target) => self.go(target, false).await,
            None => Ok(()),
        }
    }

    /// Tells how it is played.
    async fn tell(&mut self) -> Result<(), Gone> {
        let (last, indexed) = {
            let found = self.index.found();
            (found.last, found.read)
        };
        let end = last.map_or(self.last.0, |(last, _)| last.max(self.last.0));
        let (clock, speed, begin) = (self.clock, self.speed, self.first.0);
        self.send(News::Playing(Playback { clock, speed, begin, end, indexed })).await
    }

    async fn send(&mut self, news: News) -> Result<(), Gone> {
        self.news.send(news).await.map_err(|_| Gone)
    }
}

/// Where it stops making sense.
fn ends(trouble: &Trouble) -> String {
    format!("the recording ends early: {trouble}")
}

#[expect(clippy::disallowed_methods, reason = "what a recording is played by")]
fn now() -> Instant {
    Instant::now()
}
