//! What goes wrong, as one line on stderr.

use std::io::Write;

use crate::text::plain;

/// One line on stderr, in which what a person typed cannot steer the terminal. A closed stderr is nobody's fault.
pub(super) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "vigie: {}", plain(line));
}

/// A line that quotes a value of ten thousand characters, without the middle of it.
pub(super) fn shortened(line: &str) -> String {
    const ENDS: usize = 150;
    let length = line.chars().count();
    if length <= 2 * ENDS {
        return line.to_owned();
    }
    let head: String = line.chars().take(ENDS).collect();
    let tail: String = line.chars().skip(length - ENDS).collect();
    format!("{head}…{tail}")
}

/// An error of the arguments, without the usage around it.
pub(super) fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let told = text.split("\n\nUsage:").next().unwrap_or(&text);
    let told = told.split("\n\nFor more information").next().unwrap_or(told);
    let line = told.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
