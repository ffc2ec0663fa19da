//! Lists follow each other: numbers grow, dates do not go back, and each says when the next one is due.

use time::{Duration, OffsetDateTime};

use super::authenticate::AuthenticatedList;
use super::refused::ListRefused;

/// How far clocks may differ.
const SKEW: Duration = Duration::minutes(10);

impl AuthenticatedList {
    /// Whether this list may take the place of `held` at `at`, or the first place where none is held.
    ///
    /// A list past its NextUpdate takes no place, but the one in force stays past it, and [`Self::is_overdue`] says so: an operator of a
    /// scheme who is late must not silence a region, and who blocks the way to the next list must not bring back an old one.
    ///
    /// # Errors
    /// `AnotherList`, `Older`, `SameNumber`, `NotYet`, `Expired`, `Ended`.
    pub fn may_replace(&self, held: Option<&Self>, at: OffsetDateTime) -> Result<(), ListRefused> {
        let list = self.list();
        if let Some(held) = held.map(Self::list) {
            if list.territory != held.territory || list.kind != held.kind {
                return Err(ListRefused::AnotherList(list.territory.clone()));
            }
            if list.sha256 == held.sha256 {
                return Ok(());
            }
            let (number, in_force) = (list.sequence_number, held.sequence_number);
            if number < in_force || list.issued_at < held.issued_at {
                return Err(ListRefused::Older(number, in_force));
            }
            if number == in_force {
                return Err(ListRefused::SameNumber(number));
            }
        }
        if list.issued_at > at + SKEW {
            return Err(ListRefused::NotYet(list.issued_at));
        }
        match list.next_update {
            Some(due) if due < at => Err(ListRefused::Expired(due)),
            Some(_) => Ok(()),
            None => Err(ListRefused::Ended),
        }
    }

    /// Whether the next list is due since before `at`.
    #[must_use]
    pub fn is_overdue(&self, at: OffsetDateTime) -> bool {
        self.list().next_update.is_none_or(|due| due < at)
    }
}
