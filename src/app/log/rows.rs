//! A record's text broken into rows: parts of the text, so that a place in it outlives every width.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::text::columns;

/// Rows of one record at most: enough for the longest message on wide terminals, and a bound on narrow ones.
pub(super) const MAX_ROWS: usize = 8;

/// The rows of one text: never none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextRows {
    /// Each row's bytes.
    pub(super) parts: Vec<Range<usize>>,
    /// Whether there is more than the last row shows: it has one column free for a mark.
    pub(super) cut: bool,
}

impl TextRows {
    /// The row that shows this byte, or would.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.parts.iter().rposition(|part| part.start <= offset).unwrap_or(0)
    }
}

/// A text from one of its bytes on, in at most `max` rows of at most `width` columns, broken between words where it
/// can be. The text has single blanks and no control characters.
pub(super) fn rows(text: &str, from: usize, width: usize, max: usize) -> TextRows {
    let width = width.max(1);
    let mut parts = Vec::new();
    let mut start = from;
    loop {
        let rest = &text[start..];
        let fits = fitting(rest, width);
        if fits == rest.len() {
            parts.push(start..text.len());
            return TextRows { parts, cut: false };
        }
        if parts.len() + 1 >= max {
            parts.push(start..start + fitting(rest, width - 1));
            return TextRows { parts, cut: true };
        }
        // A character wider than the whole row cannot be shown, and must not hold up the rest.
        let fits = fits.max(rest.graphemes(true).next().map_or(0, str::len));
        let end = start + break_before(rest, fits);
        parts.push(start..end);
        start = end + usize::from(text[end..].starts_with(' '));
    }
}

/// Where to break a text of which so many bytes fit: at the last blank, or else where it is full.
fn break_before(text: &str, fits: usize) -> usize {
    if text[fits..].starts_with(' ') {
        return fits;
    }
    text[..fits].rfind(' ').filter(|at| *at > 0).unwrap_or(fits)
}

/// Bytes of the longest beginning of a text that takes at most `width` columns, counted as the screen counts.
fn fitting(text: &str, width: usize) -> usize {
    // No character takes more columns than bytes.
    if text.len() <= width || text.is_ascii() {
        return text.len().min(width);
    }
    let mut taken = 0;
    let beyond = text.grapheme_indices(true).find(|(_, grapheme)| {
        taken += columns(grapheme);
        taken > width
    });
    beyond.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str, width: usize, max: usize) -> Vec<&str> {
        rows(text, 0, width, max).parts.into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn a_text_breaks_between_words_and_a_long_word_where_it_must() {
        assert_eq!(texts("one two three", 7, 8), ["one two", "three"]);
        assert_eq!(texts("one two three", 5, 8), ["one", "two", "three"]);
        assert_eq!(texts("abcdefgh i", 3, 8), ["abc", "def", "gh", "i"]);
        assert_eq!(texts("", 3, 8), [""]);
    }

    #[test]
    fn the_last_row_leaves_a_column_for_the_mark_of_what_is_missing() {
        let cut = |text| rows(text, 0, 7, 1).cut;
        assert_eq!((texts("one two three", 7, 1), cut("one two three")), (vec!["one tw"], true));
        assert_eq!((texts("one two", 7, 1), cut("one two")), (vec!["one two"], false));
        assert_eq!(texts("one two three four", 5, 2), ["one", "two "]);
        assert_eq!(texts("one", 1, 1), [""]);
    }

    #[test]
    fn wide_and_combining_characters_are_counted_by_columns() {
        assert_eq!(texts("山田のPC", 4, 8), ["山田", "のPC"]);
        assert_eq!(texts("e\u{301}tude", 3, 8), ["e\u{301}tu", "de"]);
        assert_eq!(texts("山x", 1, 8), ["山", "x"], "too wide for the row, and still the rest follows");
        assert_eq!(texts("👩‍👩‍👧x", 2, 8), ["👩‍👩‍👧", "x"]);
    }

    #[test]
    fn a_place_in_the_text_is_in_the_row_that_shows_it() {
        let rows = rows("one two three", 0, 5, 8);
        assert_eq!([0, 2, 4, 7, 8, 12, 99].map(|offset| rows.at(offset)), [0, 0, 1, 1, 2, 2, 2]);
    }

    proptest! {
        #[test]
        fn rows_fit_follow_each_other_and_lose_nothing_but_blanks(
            text in "(\\PC{1,6} ){0,8}\\PC", width in 1_usize..20, max in 1_usize..6
        ) {
            let rows = rows(&text, 0, width, max);
            prop_assert!(!rows.parts.is_empty() && rows.parts.len() <= max);
            let mut end = 0;
            for part in &rows.parts {
                prop_assert!(text[end..part.start].trim().is_empty());
                let shown = &text[part.clone()];
                let wide: usize = shown.graphemes(true).map(columns).sum();
                prop_assert!(wide <= width || shown.graphemes(true).count() == 1, "{shown:?}");
                end = part.end;
            }
            prop_assert!(rows.cut || end == text.len());
        }
    }
}
