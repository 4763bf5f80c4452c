//! A table of text whose columns are as wide as their widest cell, by what the terminal shows.

use crate::text::{cell, cell_right, columns};

/// Between two columns.
const GAP: &str = "  ";

/// To which side of its column a cell keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The lines of a table, the heading first. No line ends with spaces.
pub(super) fn aligned<const N: usize>(heading: [(&str, Side); N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(|(title, _)| columns(title));
    for row in rows {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = columns(text).max(*width);
        }
    }
    let line = |texts: [&str; N]| {
        let cells: Vec<String> = (0..N)
            .map(|nth| match heading[nth].1 {
                Side::Left => cell(texts[nth], widths[nth]),
                Side::Right => cell_right(texts[nth], widths[nth]),
            })
            .collect();
        format!("{}\n", cells.join(GAP).trim_end())
    };
    let heading_line = line(heading.map(|(title, _)| title));
    let lines = rows.iter().map(|row| line(std::array::from_fn(|nth| row[nth].as_str())));
    std::iter::once(heading_line).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_one_below_the_other_even_behind_wide_names() {
        let rows = [["山田".to_owned(), "9 s".to_owned()], ["host7".to_owned(), "12 s".to_owned()]];
        let table = aligned([("name", Side::Left), ("age", Side::Right)], &rows);
        assert_eq!(table, "name    age\n山田    9 s\nhost7  12 s\n");
        // Emoji of several characters, letters with marks, and letters that are written to the left.
        let names = ["👩‍💻 box", "❤\u{FE0F}", "🇦🇹", "e\u{301}tude", "שרת", "ｶﾞ"];
        let rows = names.map(|name| [name.to_owned(), "up".to_owned()]);
        let table = aligned([("name", Side::Left), ("state", Side::Left)], &rows);
        for line in table.lines().skip(1) {
            let before = line.strip_suffix("up").unwrap();
            assert_eq!(columns(before), 8, "{line:?}");
        }
    }
}
