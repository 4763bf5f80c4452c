//! The forms that can be exported.

/// A form to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// What is known of all peers, as JSON.
    Json,
    /// The screen as text.
    Text,
    /// The screen as a picture.
    Svg,
    /// What went wrong and when, as Markdown.
    Report,
}
