//! Text cut and wrapped by the columns it takes on the screen, not by its bytes or characters.

use unicode_width::UnicodeWidthStr;

use super::is_printable;

/// Columns a text takes.
///
/// As ratatui counts them: the halfwidth katakana sound marks take one each, though Unicode has them extend the letter before.
pub fn columns(text: &str) -> usize {
    text.width() + text.chars().filter(|c| matches!(c, '\u{FF9E}' | '\u{FF9F}')).count()
}

/// A text cut to `width` columns, its end marked with an ellipsis when something is missing. What a
/// terminal must not print is dropped.
pub fn fit(text: &str, width: usize) -> String {
    let clean: String = text.chars().filter(|c| is_printable(*c)).collect();
    if columns(&clean) <= width {
        return clean;
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut kept = prefix(&clean, room).to_owned();
    kept.push('…');
    kept
}

/// A text cut or padded to exactly `width` columns.
pub fn cell(text: &str, width: usize) -> String {
    let mut cell = fit(text, width);
    cell.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(&cell))));
    cell
}

/// A text at the right end of exactly `width` columns.
pub fn cell_right(text: &str, width: usize) -> String {
    let cell = fit(text, width);
    format!("{}{cell}", " ".repeat(width.saturating_sub(columns(&cell))))
}

/// A text broken into rows of at most `width` columns, between words where it can be; at most `max` rows, the
/// last marked when there would be more. Never none.
pub fn wrap(text: &str, width: usize, max: usize) -> Vec<String> {
    let width = width.max(1);
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        if rows.len() > max {
            break;
        }
        let mut word: String = word.chars().filter(|c| is_printable(*c)).collect();
        let Some(row) = rows.last_mut() else { break };
        if !row.is_empty() && columns(row) + 1 + columns(&word) <= width {
            row.push(' ');
            row.push_str(&word);
            continue;
        }
        if !row.is_empty() {
            rows.push(String::new());
        }
        while columns(&word) > width && rows.len() <= max {
            let head = prefix(&word, width);
            // A character wider than the whole row cannot be shown at all.
            let end =
                if head.is_empty() { word.chars().next().map_or(1, char::len_utf8) } else { head.len() };
            let rest = word.split_off(end);
            if let Some(row) = rows.last_mut() {
                row.push_str(if columns(&word) <= width { &word } else { "" });
            }
            rows.push(String::new());
            word = rest;
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(&word);
        }
    }
    if rows.len() > 1 && rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    if rows.len() > max.max(1) {
        rows.truncate(max.max(1));
        if let Some(row) = rows.last_mut() {
            *row = fit(&format!("{row} …"), width);
        }
    }
    rows
}

/// The longest beginning of a text that takes at most `width` columns.
fn prefix(text: &str, width: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        // Measured whole: a combining or joining character can change what stands before it.
        if columns(&text[..next]) > width {
            break;
        }
        end = next;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_and_combining_characters_are_cut_by_columns() {
        assert_eq!(fit("山田のPC", 7), "山田のPC".chars().take(3).collect::<String>() + "…");
        assert_eq!(fit("山田のPC", 8), "山田のPC");
        assert_eq!(fit("e\u{301}tude", 3), "e\u{301}t…");
        assert_eq!(cell("山田", 3), "山…");
        assert_eq!(cell("山田", 4), "山田");
        assert_eq!(cell("山田", 2), "… ");
        assert_eq!(cell_right("9 s", 5), "  9 s");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("a\u{202E}b\x1b[2J", 9), "ab[2J");
    }

    #[test]
    fn a_long_text_wraps_between_words_and_ends_with_a_mark() {
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(wrap("one two three", 3, 2), ["one", "tw…"]);
        assert_eq!(wrap("abcdefgh", 3, 5), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3, 5), [""]);
    }

    proptest! {
        #[test]
        fn no_text_is_ever_wider_than_its_room(text in "\\PC{0,30}", width in 0_usize..20, max in 1_usize..5) {
            prop_assert!(columns(&fit(&text, width)) <= width);
            prop_assert_eq!(columns(&cell(&text, width)), width);
            let rows = wrap(&text, width, max);
            prop_assert!(!rows.is_empty() && rows.len() <= max);
            for row in rows {
                prop_assert!(columns(&row) <= width.max(1), "{row:?}");
            }
        }
    }
}
