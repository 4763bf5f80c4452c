//! What the pane's title bar says of it.

use super::pane::LogPane;
use super::search::Search;

impl LogPane {
    /// Where it stands, what it shows and what is searched for: `follows · info · all`, or
    /// `scrolled, 12 newer · warn+ · events · /refused 3/17`. As of the size that was drawn last.
    pub fn title(&self) -> String {
        let mut words = match (self.follows(), self.newer()) {
            (true, _) => "follows".to_owned(),
            (false, 0) => "scrolled".to_owned(),
            (false, newer) => format!("scrolled, {newer} newer"),
        };
        for word in [&self.filter.level_word(), self.filter.target_word()] {
            words.push_str(" · ");
            words.push_str(word);
        }
        if let Some(search) = &self.search {
            words.extend([" · /", &search.text, " ", &self.found()]);
        }
        words
    }

    /// How many records are found, and which of them is the current one: `3/17`. Empty without a search.
    pub fn found(&self) -> String {
        match self.search.as_ref().map(Search::counts) {
            None => String::new(),
            Some((_, 0)) => "none".to_owned(),
            Some((None, all)) => format!("–/{all}"),
            Some((Some(current), all)) => format!("{current}/{all}"),
        }
    }
}
