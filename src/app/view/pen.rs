//! What all lines of a frame are written with: looks, the time, and when something on it will change by itself.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::app::appearance::{Appearance, Theme};

/// What counts in tenths of a second is drawn as often.
const TENTH: Duration = Duration::from_millis(100);

/// What all lines of a frame are written with.
#[derive(Debug)]
pub(in crate::app) struct Pen<'a> {
    appearance: &'a Appearance,
    now: Instant,
    /// A cell: every line of the frame may bring it forward.
    next: Cell<Option<Instant>>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(appearance: &'a Appearance, now: Instant) -> Self {
        Self { appearance, now, next: Cell::new(None) }
    }

    /// How things look.
    pub(in crate::app) fn appearance(&self) -> &'a Appearance {
        self.appearance
    }

    /// The colours.
    pub(in crate::app) fn theme(&self) -> Theme {
        self.appearance.theme
    }

    /// The time that is shown.
    pub(in crate::app) fn now(&self) -> Instant {
        self.now
    }

    /// Something changes by itself at this time.
    pub(in crate::app) fn changes_at(&self, at: Instant) {
        self.next.set(Some(self.next.get().map_or(at, |next| next.min(at))));
    }

    /// Something runs.
    pub(in crate::app) fn runs(&self) {
        if !self.appearance.still {
            self.changes_at(self.now + TENTH);
        }
    }

    /// When something first changes by itself.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next.get()
    }
}
