//! How a failed dial is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use rand::{Rng, RngExt};

use crate::engine::cause::{Failure, Retry};

/// Longest wait between two attempts, before jitter.
pub const MAX_DELAY: Duration = Duration::from_secs(30);
/// Jitter of every wait: ±20 %, so that nodes that failed together do not retry together.
pub const JITTER: f64 = 0.2;

/// The policy of one retrying dial: exponential backoff, capped, jittered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub max_attempts: u32,
    /// Wait after the first failed attempt, at most [`MAX_DELAY`].
    pub delay: Duration,
    /// Factor of each further wait, at least 1.
    pub backoff: f32,
    /// Deadline of one attempt: connect, send, receive.
    pub timeout: Duration,
}

impl RetryPolicy {
    /// The wait after the `failed`th attempt (from 1), before jitter: `delay` × `backoff`^(failed − 1), at most
    /// [`MAX_DELAY`].
    pub fn nominal_wait(&self, failed: u32) -> Duration {
        let nth = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        ExponentialBuilder::new()
            .with_min_delay(self.delay)
            .with_factor(self.backoff)
            .with_max_delay(MAX_DELAY)
            .without_max_times()
            .build()
            .nth(nth)
            .unwrap_or(MAX_DELAY)
    }

    /// How long to wait before the next attempt, after the `failed`th (from 1) failed like this; none when no
    /// attempt is to follow: it was the last, or a retry cannot help.
    ///
    /// Several addresses are tried one after the other at once, each at least once; the waits are between two rounds of them.
    pub fn wait_after(
        &self,
        failed: u32,
        addresses: u32,
        failure: &Failure,
        rng: &mut impl Rng,
    ) -> Option<Duration> {
        if failed >= self.attempts_at(addresses) {
            return None;
        }
        if !failed.is_multiple_of(addresses.max(1)) {
            return Some(Duration::ZERO);
        }
        if failure.retry == Retry::Never {
            return None;
        }
        let jitter = rng.random_range(1.0 - JITTER..=1.0 + JITTER);
        Some(self.nominal_wait(failed / addresses.max(1)).mul_f64(jitter))
    }

    /// The attempts in all, where a host has so many addresses.
    pub fn attempts_at(&self, addresses: u32) -> u32 {
        self.max_attempts.max(addresses)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::engine::cause::{Cause, Detail};

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 5,
        delay: Duration::from_secs(2),
        backoff: 1.5,
        timeout: Duration::from_secs(4),
    };

    fn failure(retry: Retry) -> Failure {
        Failure { cause: Cause::Refused, detail: Detail::system("refused"), errno: None, retry }
    }

    #[test]
    fn waits_grow_by_the_factor_up_to_thirty_seconds() {
        let seconds = |p: RetryPolicy| (1..=9).map(|n| p.nominal_wait(n).as_secs_f64()).collect::<Vec<_>>();
        assert_eq!(seconds(POLICY)[..4], [2.0, 3.0, 4.5, 6.75]);
        assert_eq!(POLICY.nominal_wait(9).as_secs(), 30);
        assert_eq!(seconds(RetryPolicy { backoff: 1.0, ..POLICY }), [2.0; 9]);
        assert_eq!(RetryPolicy { max_attempts: u32::MAX, ..POLICY }.nominal_wait(1_000).as_secs(), 30);
    }

    #[test]
    fn every_wait_is_jittered_by_a_fifth_and_the_last_failure_is_followed_by_none() {
        let mut rng = StdRng::seed_from_u64(7);
        for n in 1..5 {
            for _ in 0..100 {
                let nominal = POLICY.nominal_wait(n).as_secs_f64();
                let wait = POLICY.wait_after(n, 1, &failure(Retry::Usual), &mut rng).unwrap().as_secs_f64();
                assert!((nominal * 0.8 - 1e-6..=nominal * 1.2 + 1e-6).contains(&wait), "{wait} of {nominal}");
            }
        }
        assert_eq!(POLICY.wait_after(5, 1, &failure(Retry::Usual), &mut rng), None);
    }

    #[test]
    fn what_no_retry_can_cure_is_not_retried() {
        let mut rng = StdRng::seed_from_u64(7);
        assert_eq!(POLICY.wait_after(1, 1, &failure(Retry::Never), &mut rng), None);
    }

    #[test]
    fn several_addresses_are_tried_at_once_and_each_at_least_once() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut waits = |policy: RetryPolicy, addresses: u32, retry| -> Vec<bool> {
            (1..)
                .map_while(|failed| policy.wait_after(failed, addresses, &failure(retry), &mut rng))
                .map(|wait| !wait.is_zero())
                .collect()
        };
        assert_eq!(waits(POLICY, 2, Retry::Usual), [false, true, false, true]);
        let once = RetryPolicy { max_attempts: 1, ..POLICY };
        assert_eq!(waits(once, 3, Retry::Usual), [false; 2], "each address has one attempt");
        assert_eq!(
            waits(POLICY, 3, Retry::Never),
            [false; 2],
            "another address may do, the same one may not"
        );
    }
}
