//! What the fuzzer makes of the door: any bytes, as lines of a program that asks, follows and orders, and as lines that a node writes.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::Instant;

use crate::record::Reader;

use super::follow;
use super::inside::Inside;
use super::keeper::Keeper;
use super::limits::MAX_LINE;
use super::lines::Lines;
use super::request::{Order, Reply, Request, read, request_line};

/// Commands that a node takes in at once.
const COMMANDS: usize = 64;

thread_local! {
    static RUNTIME: RefCell<Runtime> =
        RefCell::new(Builder::new_current_thread().enable_time().build().expect("a runtime of this thread"));
}

/// Reads them as either end would.
pub(crate) fn fuzz_control(bytes: &[u8], now: std::time::Instant) {
    let mut reader = Reader::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(request) = read::<Request>(line) {
            assert_eq!(read(&request_line(&request)), Ok(request));
        }
        if let Err(why) = read::<Order>(line) {
            assert!(!why.contains('\n'), "a refusal is one line");
        }
        let _ = serde_json::from_slice::<Reply>(line);
        let _ = reader.line(line, now);
    }
    RUNTIME.with_borrow(|runtime| runtime.block_on(follow_with(bytes)));
}

/// A program that follows, and says this.
async fn follow_with(bytes: &[u8]) {
    let (events, _) = broadcast::channel(1);
    let (commands, mut asked) = mpsc::channel(COMMANDS);
    let inside = Inside {
        commands,
        events: events.downgrade(),
        keeper: Keeper::of(None),
        since: Instant::now(),
        questions: Arc::new(Semaphore::new(1)),
        subscribers: Arc::new(Semaphore::new(1)),
    };
    let program = tokio::io::join(bytes, tokio::io::sink());
    let following = follow::serve(program, Lines::of(MAX_LINE), &inside);
    let ended = tokio::time::timeout(Duration::from_secs(5), following).await;
    assert!(ended.is_ok(), "who has said all is left");
    let lines = bytes.split(|byte| *byte == b'\n').count();
    let orders = std::iter::from_fn(|| asked.try_recv().ok()).count();
    assert!(orders <= lines + 1, "one command for each line, and the first table");
}
