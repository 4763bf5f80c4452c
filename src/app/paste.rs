//! Pastes that the terminal does not mark: keys that come faster than anybody types. They move about the screen and fill prompts as
//! typed keys do, but they neither end the app nor make it do anything.

use std::io;
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode};
use futures::{Stream, StreamExt as _};
use tokio::time::timeout;

/// Less than the time between two typed keys: they are 10 ms apart at least, those that a program sends one by one 1.4 ms, those of
/// a paste a few µs.
const GAP: Duration = Duration::from_millis(1);

/// Less than so many may come at once from one key press, as some keyboards and programs send them.
const MANY: usize = 3;

/// So many are taken in before the screen is looked at again.
const AT_ONCE: usize = 1_024;

/// What came at once.
pub(super) struct Burst<I> {
    /// In order.
    pub(super) inputs: Vec<I>,
    /// Nobody typed that.
    pub(super) is_paste: bool,
}

/// Tells pastes from keys.
#[derive(Debug, Default)]
pub(super) struct Pastes {
    /// The last burst was cut, and the next goes on with it.
    pub(super) is_cut: bool,
}

impl Pastes {
    /// An input with those that follow at once, if it is a key that a paste may hold.
    pub(super) async fn burst<S>(&mut self, first: Option<S::Item>, inputs: &mut S) -> Burst<Option<S::Item>>
    where
        S: Stream<Item = io::Result<Input>> + Unpin,
    {
        let mut burst = vec![first];
        while burst.len() < AT_ONCE && burst.last().and_then(Option::as_ref).is_some_and(is_text) {
            match timeout(GAP, inputs.next()).await {
                Ok(next) => burst.push(next),
                Err(_) => break,
            }
        }
        let keys = burst.iter().flatten().filter(|input| is_text(input)).count();
        let is_paste = keys >= MANY || self.is_cut && keys > 0;
        self.is_cut = is_paste && burst.len() == AT_ONCE;
        Burst { inputs: burst, is_paste }
    }
}

/// Whether an input is a key that stands for text, or that a terminal makes of a character of a text.
fn is_text(input: &io::Result<Input>) -> bool {
    let Ok(Input::Key(key)) = input else { return false };
    matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace | KeyCode::Esc)
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;
    use futures::stream;
    use tokio::time::sleep;

    use super::*;

    fn keys(text: &str) -> Vec<io::Result<Input>> {
        text.chars().map(|c| Ok(Input::Key(KeyEvent::from(KeyCode::Char(c))))).collect()
    }

    /// How many inputs each burst has, and whether it is a paste.
    async fn bursts(mut inputs: impl Stream<Item = io::Result<Input>> + Unpin) -> Vec<(usize, bool)> {
        let (mut pastes, mut all) = (Pastes::default(), Vec::new());
        while let Some(first) = inputs.next().await {
            let burst = pastes.burst(Some(first), &mut inputs).await;
            all.push((burst.inputs.iter().flatten().count(), burst.is_paste));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn three_keys_at_once_are_a_paste_and_two_are_typed() {
        assert_eq!(bursts(stream::iter(keys("abc"))).await, [(3, true)]);
        assert_eq!(bursts(stream::iter(keys("ab"))).await, [(2, false)]);
        let slowly = Box::pin(stream::iter(keys("abcd")).then(|key| async {
            sleep(Duration::from_millis(2)).await;
            key
        }));
        assert_eq!(bursts(slowly).await, [(1, false); 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_long_paste_is_a_paste_and_a_turned_wheel_is_none() {
        let long = stream::iter(keys(&"x".repeat(AT_ONCE + 1)));
        assert_eq!(bursts(long).await, [(AT_ONCE, true), (1, true)]);
        let up = || Ok(Input::Key(KeyEvent::from(KeyCode::Up)));
        assert_eq!(bursts(stream::iter([up(), up(), up()])).await, [(1, false); 3]);
    }
}
