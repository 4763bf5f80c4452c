//! Filters that a person has given names.

use super::filter::Filter;

/// Most characters of a filter's name: with it, its text has room beside it on a narrow screen.
const FILTER_NAME_MAX: usize = 24;

/// A text to filter by, and how a person calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFilter {
    /// One word.
    pub name: String,
    /// As it is typed.
    pub text: String,
}

impl SavedFilter {
    /// What is wrong with a name.
    pub fn refused_name(name: &str) -> Option<String> {
        let is_word = !name.chars().any(|c| c.is_whitespace() || c.is_control());
        let is_short = (1..=FILTER_NAME_MAX).contains(&name.chars().count());
        (!is_word || !is_short)
            .then(|| format!("the name of a filter is one word of at most {FILTER_NAME_MAX} characters"))
    }

    /// What is wrong with a text.
    pub fn refused_text(text: &str) -> Option<String> {
        if text.chars().any(char::is_control) {
            return Some("a filter is one line".to_owned());
        }
        let filter = Filter::new(text);
        if filter.is_empty() && filter.problem().is_none() {
            return Some("a filter has at least one word".to_owned());
        }
        filter.problem().map(str::to_owned)
    }
}

/// All of them, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedFilters(Vec<SavedFilter>);

impl FromIterator<SavedFilter> for SavedFilters {
    fn from_iter<I: IntoIterator<Item = SavedFilter>>(filters: I) -> Self {
        let mut all = Self::default();
        filters.into_iter().for_each(|filter| all.set(filter));
        all
    }
}

impl SavedFilters {
    /// In the order of their names.
    pub fn all(&self) -> &[SavedFilter] {
        &self.0
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&SavedFilter> {
        self.0.iter().find(|filter| filter.name == name)
    }

    /// How a text is called.
    pub fn name_of(&self, text: &str) -> Option<&str> {
        self.0.iter().find(|filter| filter.text == text.trim()).map(|filter| &*filter.name)
    }

    /// Saves one, in the place of another of its name; one without text takes that away.
    pub fn set(&mut self, filter: SavedFilter) {
        self.0.retain(|known| known.name != filter.name);
        if !filter.text.is_empty() {
            let at = self.0.partition_point(|known| known.name < filter.name);
            self.0.insert(at, filter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(name: &str, text: &str) -> SavedFilter {
        SavedFilter { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn they_stand_by_name_each_name_once_and_an_empty_text_takes_one_away() {
        let mut all: SavedFilters = [saved("slow", "rtt>5ms"), saved("bad", "!up")].into_iter().collect();
        all.set(saved("slow", "rtt>9ms"));
        assert_eq!(all.all(), [saved("bad", "!up"), saved("slow", "rtt>9ms")]);
        assert_eq!((all.name_of("rtt>9ms "), all.name_of("rtt>5ms")), (Some("slow"), None));
        all.set(saved("bad", ""));
        assert!(all.get("bad").is_none());
    }

    #[test]
    fn a_name_is_a_word_and_a_text_is_a_filter_that_can_be_read() {
        assert_eq!(SavedFilter::refused_name("slow-ones"), None);
        for name in ["", "two words", "a\tb", "much-longer-than-names-should-be"] {
            assert!(SavedFilter::refused_name(name).is_some(), "{name:?}");
        }
        assert_eq!(SavedFilter::refused_text("!up rtt>5ms"), None);
        assert_eq!(SavedFilter::refused_text("rtt>").as_deref(), Some("rtt needs a time: rtt>5ms"));
        assert!(SavedFilter::refused_text(" ").is_some());
    }
}
