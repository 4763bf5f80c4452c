//! What is known of this machine's own packet filter: which of its rules stop vigie's packets, and when to read them again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::limits::{
    FILTER_RULES_LAST, MAX_BLOCKING_RULES, READ_FILTER_AGAIN, READ_FILTER_AT_LEAST_EVERY,
    READ_FILTER_FOR_NEWS, READ_FILTER_GAP,
};
use crate::engine::packet_filter::BlockingRule;

/// The rules that were read lately. They are read only while anything is wrong.
#[derive(Debug, Default)]
pub(crate) struct OwnFilter {
    /// Each with when it was last read; at most [`MAX_BLOCKING_RULES`].
    rules: Vec<(Arc<BlockingRule>, Instant)>,
    /// How much was wrong at the last look.
    wrong: usize,
    /// When the rules were last asked for, and how long not to ask again after that.
    asked: Option<(Instant, Duration)>,
    /// There is no answer yet: one question at a time, for the tools that answer it may hang.
    is_awaited: bool,
}

impl OwnFilter {
    /// So many things are wrong: whether the rules are to be read now. What begins to fail is a reason to read them at once, but where
    /// something always begins to fail, and they stop nothing, ever less often.
    #[must_use]
    pub(crate) fn ask(&mut self, wrong: usize, now: Instant) -> bool {
        let is_news = wrong > std::mem::replace(&mut self.wrong, wrong);
        if wrong == 0 || self.is_awaited {
            return false;
        }
        let pause = self.asked.map_or(READ_FILTER_AGAIN / 2, |(_, pause)| pause);
        let due = if is_news { READ_FILTER_GAP.max(pause / READ_FILTER_FOR_NEWS) } else { pause };
        let asks = self.asked.is_none_or(|(asked, _)| now.saturating_duration_since(asked) >= due);
        if asks {
            self.asked = Some((now, pause));
            self.is_awaited = true;
        }
        asks
    }

    /// Takes what was read. A rule that is gone is remembered for a while: what it did lasts as long until everybody has seen its end.
    pub(crate) fn note(&mut self, read: Vec<BlockingRule>, now: Instant) {
        self.is_awaited = false;
        if let Some((_, pause)) = &mut self.asked {
            let longer = (*pause * 2).min(READ_FILTER_AT_LEAST_EVERY);
            *pause = if read.is_empty() { longer } else { READ_FILTER_AGAIN };
        }
        self.rules.retain(|(rule, at)| lasts(*at, now) && !read.contains(rule));
        let read = read.into_iter().map(|rule| (Arc::new(rule), now));
        self.rules.splice(..0, read);
        self.rules.truncate(MAX_BLOCKING_RULES);
    }

    /// Those that explain what fails now.
    pub(crate) fn rules(&self, now: Instant) -> Vec<Arc<BlockingRule>> {
        let lasting = self.rules.iter().filter(|(_, at)| lasts(*at, now));
        lasting.map(|(rule, _)| Arc::clone(rule)).collect()
    }
}

fn lasts(read: Instant, now: Instant) -> bool {
    now.saturating_duration_since(read) < FILTER_RULES_LAST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{blocking_rule, ms, secs, t0};

    #[test]
    fn rules_are_read_when_something_begins_to_fail_and_then_ever_less_often() {
        let (mut filter, t0) = (OwnFilter::default(), t0());
        assert!(!filter.ask(0, t0), "all is well");
        let reads = |filter: &mut OwnFilter, wrong, (from, to): (u64, u64), found: &[BlockingRule]| {
            let mut asks = |second: &u64| {
                let at = t0 + secs(*second);
                let asks = filter.ask(wrong, at);
                if asks {
                    filter.note(found.to_vec(), at);
                }
                asks
            };
            (from..to).filter(|second| asks(second)).collect::<Vec<_>>()
        };
        assert_eq!(reads(&mut filter, 1, (0, 300), &[]), [0, 10, 30, 70, 150]);
        assert_eq!(reads(&mut filter, 2, (300, 330), &[]), [300], "more is wrong");
        assert_eq!(reads(&mut filter, 1, (330, 350), &[blocking_rule()]), [0; 0], "less is wrong");
        assert_eq!(
            reads(&mut filter, 2, (350, 380), &[blocking_rule()]),
            [350, 360, 370],
            "until it is mended"
        );
        assert!(filter.ask(5, t0 + secs(381)), "more is wrong");
        assert!(!filter.ask(9, t0 + secs(400)), "the last answer is awaited");
    }

    #[test]
    fn where_something_else_fails_all_the_time_rules_that_stop_nothing_are_read_three_times_a_minute() {
        let (mut filter, t0) = (OwnFilter::default(), t0());
        let reads = (0..600).filter(|second| {
            let at = t0 + secs(*second);
            let asks = filter.ask(if second % 2 == 0 { 10 } else { 20 }, at);
            if asks {
                filter.note(Vec::new(), at);
            }
            asks
        });
        let reads = reads.count();
        assert!((25..=40).contains(&reads), "{reads}");
    }

    #[test]
    fn a_rule_that_is_gone_explains_what_fails_for_a_while() {
        let (mut filter, t0) = (OwnFilter::default(), t0());
        filter.note(vec![blocking_rule()], t0);
        filter.note(vec![blocking_rule()], t0 + ms(100));
        assert_eq!(filter.rules(t0 + ms(100)).len(), 1, "it is one rule");
        filter.note(Vec::new(), t0 + ms(200));
        assert_eq!(filter.rules(t0 + FILTER_RULES_LAST).len(), 1);
        assert_eq!(filter.rules(t0 + FILTER_RULES_LAST + ms(100)).len(), 0);
        filter.note(vec![blocking_rule(); MAX_BLOCKING_RULES * 2], t0);
        assert_eq!(filter.rules(t0).len(), MAX_BLOCKING_RULES);
    }
}
