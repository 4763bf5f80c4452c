//! A process that stands still most of the time, as one that swaps or whose processor is taken away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process that is stopped again and again.
#[derive(Default)]
pub(crate) struct Starved {
    over: AtomicBool,
    hand: Mutex<Option<JoinHandle<()>>>,
}

impl Starved {
    const STOPPED: Duration = Duration::from_millis(1_500);
    const GOING: Duration = Duration::from_millis(500);

    /// Begins with it.
    pub(crate) fn begin(self: &Arc<Self>, pid: Pid) {
        let starved = Arc::clone(self);
        let send = move |signal| kill_process(pid, signal).expect("the node runs");
        let starve = move || {
            while !starved.over.load(Ordering::Relaxed) {
                send(Signal::STOP);
                std::thread::sleep(Self::STOPPED);
                send(Signal::CONT);
                std::thread::sleep(Self::GOING);
            }
        };
        *self.hand.lock().expect("nobody panics") = Some(std::thread::spawn(starve));
    }

    /// Lets it run.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        let hand = self.hand.lock().expect("nobody panics").take().expect("it is starved");
        hand.join().expect("it ends in peace");
    }
}
