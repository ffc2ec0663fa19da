//! When participants were last logged in: kept in memory, to the minute, and written behind in batches.
//!
//! The table is shared by all processes; each writes what it saw and takes over what others saw whenever it writes. Between two
//! writes a process knows its own logins only, and a crash forgets at most that much.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use schemas::Edrpou;
use storage::StoreError;
use storage::seen::SeenStore;
use time::OffsetDateTime;

use super::Registry;

/// Last logins.
#[derive(Default)]
pub(super) struct Presence {
    seen: Mutex<HashMap<Edrpou, Sighting>>,
}

#[derive(Clone, Copy)]
struct Sighting {
    at: OffsetDateTime,
    written: bool,
}

impl Presence {
    fn saw(&self, participant: Edrpou, at: OffsetDateTime) {
        let minute = at.truncate_to_minute();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(participant).or_insert(Sighting { at: minute, written: false });
        // A clock that was set back takes nobody's sighting away.
        if minute > known.at {
            *known = Sighting { at: minute, written: false };
        }
    }

    fn last(&self, participant: Edrpou) -> Option<OffsetDateTime> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&participant).map(|sighting| sighting.at)
    }

    fn unwritten(&self) -> Vec<(Edrpou, OffsetDateTime)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let unwritten = seen.iter().filter(|(_, sighting)| !sighting.written);
        unwritten.map(|(participant, sighting)| (*participant, sighting.at)).collect()
    }

    /// Takes over what the table says, which holds what was written just now too.
    fn learn(&self, stored: Vec<(Edrpou, OffsetDateTime)>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (participant, at) in stored {
            let known = seen.entry(participant).or_insert(Sighting { at, written: true });
            if at >= known.at {
                *known = Sighting { at, written: true };
            }
        }
    }
}

impl Registry {
    /// The participant's system was logged in just now.
    pub(crate) fn saw(&self, participant: Edrpou) {
        self.inner.presence.saw(participant, self.inner.clock.now());
    }

    /// The last minute in which the participant's system was logged in, as far as this process knows.
    #[must_use]
    pub fn last_seen_at(&self, participant: Edrpou) -> Option<OffsetDateTime> {
        self.inner.presence.last(participant)
    }

    /// Writes who was seen since the last time, and learns whom other processes saw.
    ///
    /// # Errors
    /// Where the database fails: then the next time writes it.
    pub async fn exchange_sightings(&self, store: &SeenStore) -> Result<(), StoreError> {
        let unwritten = self.inner.presence.unwritten();
        let sightings = unwritten.into_iter().map(|(participant, at)| (participant.to_string(), at)).collect();
        let stored = store.exchange(sightings).await?;
        let parsed = stored.into_iter().map(|(participant, at)| Some((participant.parse().ok()?, at)));
        let stored: Option<Vec<_>> = parsed.collect();
        self.inner.presence.learn(stored.ok_or(StoreError::Corrupt("participant_seen.participant"))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
