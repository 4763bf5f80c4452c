//! The run loop: waits, takes in all that is pending, draws once if anything changed, at most thirty times a
//! second, and sleeps when nothing moves.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::task::Poll;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, EventStream};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use super::checkup::Checkup;
use super::news::{News, NewsSource};
use super::outlets::{Outlets, Wish};
use super::paste::{Burst, Pastes};
use super::state::{App, Effect};
use super::terminal::{self, Screen, Tty};
use super::ui::View;
use super::{device, export, log};
use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped, StopReason};
use crate::engine::rate_limiter::RateLimiter;

/// Shortest time between two frames: no eye sees more, and a flood of events costs no more than this.
const FRAME: Duration = Duration::from_millis(33);

/// Frames a second once [`FRAME_BURST`] is used up: in a network that never rests, a frame costs more than what it shows
/// anew. Keys are answered at once all the same.
const FRAMES_PER_SECOND: u32 = 5;

/// Frames that follow their events at once.
const FRAME_BURST: u32 = 30;

/// Ages are drawn, and asked for, once a second.
const SECOND: Duration = Duration::from_secs(1);

/// How often the node is asked for the matrix while that is not shown: often enough to know what is wrong, and for the views
/// of the last hour that a person may compare with.
const SURVEY_REST: Duration = Duration::from_secs(10);

/// Events taken in before the keys are looked at again.
const EVENTS_AT_ONCE: usize = 4_096;

/// Longest wait for a node that is too busy to hear that it shall stop; the caller ends it anyway.
const STOP_WAIT: Duration = Duration::from_millis(100);

/// Runs the terminal app until the person quits, the node stops or the terminal is gone. The caller has checked
/// that there is a terminal. Returns why the node stopped, if it did so by itself.
///
/// # Errors
/// When the terminal or the node fails.
pub async fn run(news: impl NewsSource, outlets: Outlets, app: App) -> io::Result<Option<StopReason>> {
    let mut screen = Tty::take(app.appearance.theme.is_plain())?;
    // After raw mode: the stream reads the terminal from its first poll on.
    let inputs = stream::select(EventStream::new(), terminal::disturbances()?);
    let mut inputs = stream::select(inputs, device::hang_up(outlets.commands.clone())?);
    run_on(&mut screen, &mut inputs, news, &outlets, app).await
}

/// Why the loop ends.
enum End {
    /// The person wants it.
    Quit,
    /// The node has stopped.
    Stopped(StopReason),
    /// The terminal is gone.
    HungUp,
}

/// Runs on any screen and any keyboard.
pub(super) async fn run_on(
    screen: &mut impl Screen,
    inputs: &mut (impl Stream<Item = io::Result<Input>> + Unpin),
    news: impl NewsSource,
    outlets: &Outlets,
    app: App,
) -> io::Result<Option<StopReason>> {
    let reason = match (Loop { screen, outlets, app, dirty: true, surveyed: None }).turn(inputs, news).await?
    {
        End::Stopped(reason) => return Ok(Some(reason)),
        End::Quit => StopReason::Quit,
        End::HungUp => StopReason::OutputClosed,
    };
    // Whether it was heard or not: the screen goes.
    let _ = tokio::time::timeout(STOP_WAIT, outlets.commands.send(Command::Stop(reason))).await;
    Ok(None)
}

/// The next input if there is one already. Asks in the name of this task: crossterm's stream keeps the waker of the
/// first who waits, and with another one the next key would be seen only when something else happens.
async fn waiting<S: Stream + Unpin>(inputs: &mut S) -> Option<Option<S::Item>> {
    poll_fn(|context| match inputs.poll_next_unpin(context) {
        Poll::Ready(input) => Poll::Ready(Some(input)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

struct Loop<'a, S> {
    screen: &'a mut S,
    outlets: &'a Outlets,
    app: App,
    dirty: bool,
    /// When the node was last asked for the matrix.
    surveyed: Option<Instant>,
}

impl<S: Screen> Loop<'_, S> {
    async fn turn(
        mut self,
        inputs: &mut (impl Stream<Item = io::Result<Input>> + Unpin),
        mut news: impl NewsSource,
    ) -> io::Result<End> {
        let mut second = now();
        let mut frame = second;
        let mut soonest = second;
        let mut frames = RateLimiter::per_second(FRAMES_PER_SECOND, FRAME_BURST);
        let (mut next, mut pastes) = (None, Pastes::default());
        loop {
            let at = now();
            if terminal::panicked() {
                return Err(io::Error::other("part of vigie failed; see the message above"));
            }
            if at >= second {
                second = at + SECOND;
                self.each_second(at);
            }
            if self.dirty && at >= frame {
                if self.app.models.behind().is_none() {
                    log::take_lines(&mut self.app.ui.log);
                }
                let Ok(drawn) = self.screen.draw(&mut self.app, at) else { return Ok(End::HungUp) };
                self.dirty = false;
                soonest = at + FRAME;
                frames.take(at);
                frame = frames.ready_at().map_or(soonest, |ready| ready.max(soonest));
                next = drawn.next;
            }
            let change =
                if self.dirty { frame } else { next.map_or(second, |next: Instant| next.min(second)) };
            tokio::select! {
                biased;
                input = inputs.next() => {
                    frame = soonest;
                    if let Some(end) = self.inputs(input, inputs, &mut pastes).await {
                        return Ok(end);
                    }
                }
                // Until the next frame they wait where they are; that is short enough for their channel.
                first = news.next(), if !self.dirty || at >= frame => {
                    if let Some(end) = self.news(first, &mut news)? {
                        return Ok(end);
                    }
                }
                () = log::new_lines() => self.dirty |= self.app.models.behind().is_none(),
                () = sleep_until(change.into()) => {
                    self.dirty |= next.take_if(|next| *next <= now()).is_some();
                }
            }
        }
    }

    /// Takes what came and what waits behind it, as much as is taken at once. Returns why the loop ends, if it does.
    fn news(&mut self, first: News, source: &mut impl NewsSource) -> io::Result<Option<End>> {
        let mut next = Some(first);
        for _ in 0..EVENTS_AT_ONCE {
            match next {
                Some(News::Event(event)) => self.event(&event),
                Some(News::Missed(missed)) => self.lagged(missed),
                Some(News::Anew(model)) => {
                    self.dirty = true;
                    self.app.begin_anew(*model);
                }
                Some(News::Recording { to, said, good }) => {
                    self.dirty = true;
                    self.app.recording = to;
                    self.app.ui.say(said, good, now());
                }
                Some(News::Playing(playback)) => {
                    self.dirty = true;
                    self.app.models.play(playback);
                }
                Some(News::Checkup(checkup)) => {
                    self.dirty = true;
                    self.app.ui.checkup = checkup;
                }
                Some(News::Refused(why)) => {
                    self.dirty = true;
                    self.app.ui.say(why, false, now());
                }
                Some(News::Over(_)) if self.app.models.live().stopped().is_some() => break,
                Some(News::Over(why)) => return Err(io::Error::other(why)),
                None => break,
            }
            next = source.waiting();
        }
        if self.app.rings() && self.screen.ring().is_err() {
            return Ok(Some(End::HungUp));
        }
        if self.app.notice().is_some_and(|text| self.screen.notify(&text).is_err()) {
            return Ok(Some(End::HungUp));
        }
        Ok(self.app.models.live().stopped().map(End::Stopped))
    }

    /// Ages and what has had its time. The node is asked how it is unless nobody would see the answer.
    fn each_second(&mut self, at: Instant) {
        self.dirty |= self.app.pass(at);
        if self.app.models.behind().is_none() {
            self.dirty |= !self.app.shown().is_empty();
            // A node that is too busy to answer is asked again in a second.
            let _ = self.outlets.commands.try_send(Command::RequestSnapshot);
            let rest = if self.app.ui.view == View::Matrix { SECOND } else { SURVEY_REST };
            if self.surveyed.is_none_or(|last| at.saturating_duration_since(last) >= rest) {
                self.matrix(at);
            }
        }
    }

    /// Asks for the matrix.
    fn matrix(&mut self, at: Instant) {
        self.surveyed = Some(at);
        // A node that is too busy is asked again later.
        let _ = self.outlets.commands.try_send(Command::RequestMatrix);
    }

    fn event(&mut self, stamped: &Stamped) {
        self.dirty |= self.app.fold(stamped);
    }

    /// Says on the status line how an action went.
    fn say(&mut self, done: io::Result<String>, at: Instant) {
        match done {
            Ok(said) => self.app.ui.say(said, true, at),
            Err(error) => self.app.ui.say(error.to_string(), false, at),
        }
    }

    /// Asks who runs the app. Returns whether that was heard.
    fn wish(&mut self, wish: Wish, at: Instant) -> bool {
        let is_heard = self.outlets.wishes.try_send(wish).is_ok();
        if !is_heard {
            self.app.ui.say("vigie is busy: try again", false, at);
        }
        is_heard
    }

    fn lagged(&mut self, missed: u64) {
        let at = now();
        let wall = self.app.models.live().wall(at).unwrap_or(std::time::SystemTime::UNIX_EPOCH);
        self.event(&Stamped { at, wall, event: Event::Lagged { missed } });
        let _ = self.outlets.commands.try_send(Command::RequestSnapshot);
    }

    /// Takes in an input and those that wait behind it. Returns why the loop ends, if it does.
    async fn inputs<I>(
        &mut self,
        first: Option<io::Result<Input>>,
        inputs: &mut I,
        pastes: &mut Pastes,
    ) -> Option<End>
    where
        I: Stream<Item = io::Result<Input>> + Unpin,
    {
        let mut input = Some(first);
        while let Some(first) = input {
            let burst = pastes.burst(first, inputs).await;
            if let Some(end) = self.burst(burst) {
                return Some(end);
            }
            if pastes.is_cut {
                // The rest comes in its turn: a signal is heard in between, and what waits for a frame drawn.
                yield_now().await;
                return None;
            }
            input = waiting(inputs).await;
        }
        None
    }

    /// Takes in what came at once. Returns why the loop ends, if it does.
    fn burst(&mut self, burst: Burst<Option<io::Result<Input>>>) -> Option<End> {
        for input in burst.inputs {
            let Some(Ok(input)) = input else { return Some(End::HungUp) };
            match self.input(&input, burst.is_paste) {
                Ok(false) => {}
                Ok(true) => return Some(End::Quit),
                Err(_) => return Some(End::HungUp),
            }
        }
        None
    }

    /// Takes one input in. Returns whether the person wants to leave.
    fn input(&mut self, input: &Input, is_pasted: bool) -> io::Result<bool> {
        self.dirty = true;
        let at = now();
        let before = self.app.ui.view;
        let leaves = self.react(input, is_pasted, at)?;
        if self.app.ui.view == View::Matrix && before != View::Matrix && self.app.models.behind().is_none() {
            // What is shown first is not to be ten seconds old.
            self.matrix(at);
        }
        Ok(leaves)
    }

    fn react(&mut self, input: &Input, is_pasted: bool, at: Instant) -> io::Result<bool> {
        match input {
            Input::Key(key) => match self.app.key(key, at) {
                Some(Effect::Redraw) => self.screen.redraw()?,
                // It asks nothing of a node.
                Some(Effect::Play(play)) => _ = self.wish(Wish::Play(play), at),
                Some(_) if is_pasted => {
                    self.app.ui.say("these keys look pasted: nothing was done", false, at);
                }
                Some(Effect::Quit) => return Ok(true),
                Some(Effect::Suspend) if self.screen.suspend()? => {}
                Some(Effect::Suspend) => self.app.ui.say("this system cannot suspend", false, at),
                Some(Effect::Send { command, said }) => match self.outlets.commands.try_send(command) {
                    Ok(()) => self.app.ui.say(said, true, at),
                    Err(TrySendError::Full(_)) => self.app.ui.say("the node is busy: try again", false, at),
                    Err(TrySendError::Closed(_)) => self.app.ui.say("the node has stopped", false, at),
                },
                Some(Effect::Keep { kept, said }) => {
                    let (said, good) = match self.outlets.notebook.keep(&kept) {
                        Ok(()) => (said, true),
                        Err(why) => (format!("{said}, until the screen ends: {why}"), false),
                    };
                    self.app.ui.say(said, good, at);
                }
                Some(Effect::LogLevel(level)) => {
                    let said = format!("the log records {}", log::record(level));
                    self.app.ui.say(said, true, at);
                }
                Some(Effect::Examine { port, tcp_port }) => {
                    let is_heard = self.wish(Wish::Examine { port, tcp_port }, at);
                    self.app.ui.checkup = if is_heard { Checkup::Runs("starting") } else { Checkup::Unasked };
                }
                Some(Effect::Record) => {
                    let name = format!("{}.ndjson.zst", export::stem(&self.app, at));
                    let _ = self.wish(Wish::Record(name.into()), at);
                }
                Some(Effect::Copy { text, said }) => {
                    let place = self.screen.copy(&text)?;
                    self.app.ui.say(format!("{said} {}", place.as_str()), true, at);
                }
                Some(Effect::Export(form)) => {
                    let written = self
                        .screen
                        .size()
                        .and_then(|size| export::write(&mut self.app, form, Path::new("."), size, at));
                    self.say(written, at);
                }
                None => {}
            },
            Input::Mouse(event) => {
                self.app.mouse(*event);
                self.app.click_again(*event, at);
            }
            Input::Paste(text) => self.app.paste(text),
            // Even when it comes back to the size it had: what lay outside in between is lost.
            Input::Resize(..) => self.screen.redraw()?,
            Input::FocusGained | Input::FocusLost => {}
        }
        Ok(false)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one clock of the screen: countdowns are against it")]
fn now() -> Instant {
    Instant::now()
}
