//! The clock of services. Pure code takes time as an argument instead.

use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;

/// Tells the time in UTC, truncated to microseconds: what storage keeps, so that a value read back equals the value
/// that was written.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        to_microseconds(OffsetDateTime::now_utc())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    at: Mutex<OffsetDateTime>,
}

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn new(at: OffsetDateTime) -> Self {
        Self { at: Mutex::new(at) }
    }

    /// Moves the hands to `at`, backwards if need be.
    pub fn set(&self, at: OffsetDateTime) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves the hands by `by`; a time that cannot be represented leaves them where they are.
    pub fn advance(&self, by: time::Duration) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        *at = at.checked_add(by).unwrap_or(*at);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        to_microseconds(*self.at.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn to_microseconds(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.replace_microsecond(at.microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_tells_utc_in_whole_microseconds() {
        let at = time::macros::datetime!(2026-11-23 17:19:00.123_456_789 +02:00);
        let clock = ManualClock::new(at);
        assert_eq!(clock.now(), time::macros::datetime!(2026-11-23 15:19:00.123_456 UTC));
        assert!(clock.now().offset().is_utc());
        clock.advance(time::Duration::seconds(-60));
        assert_eq!(clock.now(), time::macros::datetime!(2026-11-23 15:18:00.123_456 UTC));
        assert_eq!(SystemClock.now().nanosecond() % 1000, 0);
    }
}
