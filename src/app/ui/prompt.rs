//! A line of text that is being typed.

use tui_input::{Input, InputRequest};

use crate::text::is_printable;

/// Longest text of a prompt, in bytes: the longest host name, brackets and a port.
pub const MAX_TYPED: usize = 270;

/// A line of text that is being typed, of at most [`MAX_TYPED`] bytes.
#[derive(Debug, Clone, Default)]
pub struct Prompt(Input);

impl Prompt {
    /// One that holds a text already.
    pub fn holding(text: &str) -> Self {
        Self(Input::new(text.to_owned()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Puts a text in where the cursor is, without what a terminal must not print.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| is_printable(*c)) {
            if self.text().len() + c.len_utf8() <= MAX_TYPED {
                self.0.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// Moves or erases.
    pub fn edit(&mut self, request: InputRequest) {
        self.0.handle(request);
    }

    /// The first column that is shown in so many, and the cursor's column among them.
    pub fn window(&self, width: usize) -> (usize, usize) {
        let from = self.0.visual_scroll(width.saturating_sub(1));
        (from, self.0.visual_cursor().saturating_sub(from))
    }
}
