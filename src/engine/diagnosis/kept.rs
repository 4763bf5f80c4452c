//! An observation in half its room, as the table keeps one of each peer.

use std::time::{Duration, Instant};

use crate::engine::cause::Cause;
use crate::engine::micros::Micros;
use crate::engine::moment::Moment;

use super::observation::{Observation, PathStatus};

/// A whole observation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kept {
    untimed: Untimed,
    checked: Option<Moment>,
    alive: Option<Moment>,
}

/// An observation without its times: when the last dial ended, and when there was a sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Untimed {
    /// In the order of [`Observation::paths`].
    paths: [PathStatus; 6],
    loss: Option<u8>,
    cause: Option<Cause>,
    rtt: Option<Micros>,
}

impl Kept {
    /// What is seen, and the times.
    pub(crate) fn new(seen: &Observation, checked: Option<Moment>, alive: Option<Moment>) -> Self {
        Self { untimed: seen.into(), checked, alive }
    }

    pub(crate) fn untimed(&self) -> Observation {
        self.untimed.into()
    }
}

impl Untimed {
    pub(crate) fn rtt(self) -> Option<Micros> {
        self.rtt
    }
}

impl From<Observation> for Kept {
    fn from(observation: Observation) -> Self {
        let Observation { checked, alive, .. } = observation;
        Self::new(&observation, checked.map(Moment::from), alive.map(Moment::from))
    }
}

impl From<Kept> for Observation {
    fn from(Kept { untimed, checked, alive }: Kept) -> Self {
        let (checked, alive) = (checked.map(Instant::from), alive.map(Instant::from));
        Self { checked, alive, ..untimed.into() }
    }
}

impl From<&Observation> for Untimed {
    fn from(observation: &Observation) -> Self {
        let Observation { loss, cause, rtt, .. } = *observation;
        Self { paths: observation.paths(), loss, cause, rtt: rtt.map(Micros::from) }
    }
}

impl From<Untimed> for Observation {
    fn from(Untimed { paths, loss, cause, rtt }: Untimed) -> Self {
        let [tcp, echo, broadcast, unicast, served, large] = paths;
        let rtt = rtt.map(Duration::from);
        Self {
            tcp,
            echo,
            broadcast,
            unicast,
            served,
            large,
            loss,
            cause,
            rtt,
            checked: None,
            alive: None,
            at: None,
            told_since: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    #[test]
    fn an_observation_comes_out_as_it_went_in_and_takes_half_the_room() {
        let whole = Observation {
            tcp: PathStatus::Failing,
            echo: PathStatus::Ok,
            large: PathStatus::Failing,
            loss: Some(30),
            cause: Some(Cause::Refused),
            rtt: Some(ms(3)),
            checked: Some(t0()),
            alive: Some(t0() + secs(9)),
            ..Observation::default()
        };
        for observation in [whole, Observation::default()] {
            assert_eq!(Observation::from(Kept::from(observation)), observation);
            let untimed = Observation { checked: None, alive: None, ..observation };
            assert_eq!(Kept::from(observation).untimed(), untimed);
            assert_eq!(Observation::from(Untimed::from(&observation)), untimed);
        }
        assert!(size_of::<Kept>() * 2 <= size_of::<Observation>());
        assert_eq!(size_of::<Untimed>(), 16);
    }
}
