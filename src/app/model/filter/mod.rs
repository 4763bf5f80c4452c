//! Which peers are listed: those of which every term of a text holds.

mod term;

use std::fmt::Write as _;

use super::peer::PeerRow;
use crate::engine::cause::Cause;
use crate::engine::matrix::MatrixNode;
use crate::engine::peers::Via;
use crate::engine::verdict::Verdict;
use crate::text::Reason;
use term::Term;

/// A text that peers are filtered by. The empty one lets every peer through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
    /// What the first term lacks that cannot be read. It lets everybody through.
    problem: Option<&'static str>,
}

impl Filter {
    /// Reads a text: its terms are words, which are looked for one by one, in any case and any order, and questions: `!up`,
    /// `state:silent`, `net:10.1.0.0/16`, `rtt>5ms`, `loss>0`, `is:marked`. A `!` turns each into its opposite.
    pub fn new(text: &str) -> Self {
        let mut filter = Self { text: text.to_owned(), ..Self::default() };
        for term in text.split_whitespace() {
            match Term::read(term) {
                Ok(term) => filter.terms.push(term),
                Err(problem) => filter.problem = filter.problem.or(Some(problem)),
            }
        }
        filter
    }

    /// What one of its terms lacks, with an example.
    pub fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether every peer passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether each term holds. Words are looked for in the peer's name, address, state, cause, interface and way of discovery.
    pub(super) fn lets_through(&self, peer: &PeerRow) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut address = String::new();
        // Writing to a string cannot fail.
        let _ = write!(address, "{}", peer.info.place());
        let reason = peer.reason().map(|reason| reason.label().to_string()).unwrap_or_default();
        let shown = [
            &*peer.info.name,
            &address,
            peer.state.as_str(),
            peer.cause.map_or("", Cause::as_str),
            &reason,
            peer.reason().map_or("", Reason::description),
            peer.wrong().map_or("", Verdict::as_str),
            peer.wrong().map_or("", Verdict::description),
            peer.interface.as_deref().unwrap_or_default(),
            peer.via.map_or("", Via::description),
        ];
        let finds = |word: &str| shown.iter().any(|text| contains(text, word));
        self.terms.iter().all(|term| term.holds(peer, &finds))
    }

    /// Whether each term holds of a node of the matrix, of which name and address are known: others are no hindrance.
    pub fn lets_node_through(&self, node: &MatrixNode) -> bool {
        if self.is_empty() {
            return true;
        }
        let address = node.addr.to_string();
        let shown = [&*node.name, &address];
        let finds = |word: &str| shown.iter().any(|text| contains(text, word));
        self.terms.iter().all(|term| term.holds_of_node(node.addr.ip(), &finds))
    }
}

/// Whether a text contains a word that is in lower case already.
fn contains(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let alike = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b);
    word.is_empty()
        || text.as_bytes().windows(word.len()).any(|part| part.iter().zip(word.as_bytes()).all(alike))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert!(contains("Printer-Hall", "hall") && contains("MÜLLER", "müll") && contains("x", ""));
        assert!(!contains("ab", "abc") && !contains("", "a"));
    }
}
