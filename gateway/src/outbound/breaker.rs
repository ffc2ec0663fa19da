//! A host that fails again and again is left alone for a while, longer each time: it gets room to recover, and the node does
//! not spend its patience on it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// Failures in a row after which a host rests. One or two are a bad moment.
const TOLERATED: u32 = 3;

/// The first rest; each further failure doubles it.
const FIRST_REST: Duration = Duration::seconds(10);

/// The longest rest: a host that has recovered is found again within it.
const LONGEST_REST: Duration = Duration::minutes(5);

/// The hosts that failed lately. Only hosts of the allow-list get here, so they are few.
pub(super) struct Breakers(Mutex<HashMap<String, Failing>>);

#[derive(Clone, Copy)]
struct Failing {
    /// In a row.
    failures: u32,
    since: OffsetDateTime,
    until: OffsetDateTime,
}

impl Breakers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Whether `host` may be asked now. After a rest one caller may try; the others wait for how it ends.
    pub(super) fn permits(&self, host: &str, at: OffsetDateTime) -> bool {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failing) = hosts.get_mut(host) else {
            return true;
        };
        // A clock that was set back must not prolong a rest.
        let rests = failing.failures >= TOLERATED && (failing.since..failing.until).contains(&at);
        if !rests && failing.failures >= TOLERATED {
            (failing.since, failing.until) = (at, at + rest(failing.failures));
        }
        !rests
    }

    /// Whether the last exchange with `host` failed.
    pub(super) fn is_failing(&self, host: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(host)
    }

    /// Whether `host` rests now. Asking changes nothing: after a rest everybody may try.
    pub(super) fn rests(&self, host: &str, at: OffsetDateTime) -> bool {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts
            .get(host)
            .is_some_and(|failing| failing.failures >= TOLERATED && (failing.since..failing.until).contains(&at))
    }

    /// How an exchange with `host` ended.
    pub(super) fn ended(&self, host: &str, at: OffsetDateTime, well: bool) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if well {
            hosts.remove(host);
            return;
        }
        let failing = hosts.entry(host.to_owned()).or_insert(Failing { failures: 0, since: at, until: at });
        failing.failures = failing.failures.saturating_add(1);
        (failing.since, failing.until) = (at, at + rest(failing.failures));
    }
}

fn rest(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(TOLERATED).min(5);
    (FIRST_REST * 2_i32.pow(doublings)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn a_host_rests_after_three_failures_and_one_success_ends_it() {
        let hosts = Breakers::new();
        for _ in 0..2 {
            hosts.ended("a", START, false);
            assert!(hosts.permits("a", START));
        }
        hosts.ended("a", START, false);
        assert!(!hosts.permits("a", START + Duration::seconds(9)));
        assert!(hosts.permits("b", START), "others are not concerned");
        let later = START + Duration::seconds(10);
        assert!(hosts.permits("a", later), "one may try");
        assert!(!hosts.permits("a", later), "and only one");
        hosts.ended("a", later, true);
        assert!(hosts.permits("a", later) && hosts.permits("a", later));
    }

    #[test]
    fn rests_grow_to_a_bound_and_end_when_the_clock_is_set_back() {
        let hosts = Breakers::new();
        let mut lengths = Vec::new();
        for _ in 0..12 {
            hosts.ended("a", START, false);
            lengths.push((0..400).find(|second| hosts.permits("a", START + Duration::seconds(*second))).unwrap());
        }
        assert_eq!(lengths, [0, 0, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300]);
        hosts.ended("a", START, false);
        assert!(hosts.permits("a", START - Duration::hours(1)));
    }
}
