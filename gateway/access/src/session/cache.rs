//! Sessions that were used lately. What is remembered of one is believed for [`FRESH`]; then its row decides again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::{EventId, PersonId};
use time::{Duration, OffsetDateTime};

use super::Session;

/// How long a session is believed to stand as it was read: the longest that what another process ended is still served.
pub(crate) const FRESH: Duration = Duration::seconds(3);

/// Between two writings of the time at which a session was last used.
const WRITTEN: Duration = Duration::minutes(1);

/// Requests of one session at once after a pause, and a second on average. A page of a portal asks for a dozen things when it opens.
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 20.0;

/// Between two rows in the log of one session's requests past its bound.
const RECORDED: Duration = Duration::minutes(1);

/// Sessions that are remembered, of some two kilobytes each.
const SESSIONS: usize = 16_384;

/// By the SHA-256 of what opens them.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<[u8; 32], Kept>>);

struct Kept {
    session: Arc<Session>,
    read_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    written_at: OffsetDateTime,
    requests: Requests,
}

/// How much of its bound on requests a session has left.
#[derive(Clone, Copy)]
struct Requests {
    left: f64,
    at: OffsetDateTime,
    /// The last row that says it was past it.
    refused: Option<(OffsetDateTime, EventId)>,
}

/// A session that asks too often.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    /// The row that says so, where it is not old.
    pub(crate) recorded: Option<EventId>,
}

/// What is remembered of a session.
pub(crate) struct Recalled {
    pub(crate) session: Arc<Session>,
    pub(crate) seen_at: OffsetDateTime,
    /// It need not be read again.
    pub(crate) is_fresh: bool,
}

impl Cache {
    pub(crate) fn recall(&self, secret: &[u8; 32], now: OffsetDateTime) -> Option<Recalled> {
        let kept = self.kept();
        let Kept { session, read_at, seen_at, .. } = kept.get(secret)?;
        // A clock that was set back must not prolong belief.
        let is_fresh = (Duration::ZERO..FRESH).contains(&(now - *read_at));
        Some(Recalled { session: Arc::clone(session), seen_at: *seen_at, is_fresh })
    }

    /// A session as it was just read, last used at `seen_at` by what is written. Answers when it was last used as far as is known here.
    pub(crate) fn keep(&self, session: &Arc<Session>, seen_at: OffsetDateTime, now: OffsetDateTime) -> OffsetDateTime {
        let mut kept = self.kept();
        if kept.len() >= SESSIONS && !kept.contains_key(&session.secret_sha256) {
            kept.retain(|_, kept| now - kept.read_at < FRESH);
        }
        if kept.len() >= SESSIONS && !kept.contains_key(&session.secret_sha256) {
            kept.clear();
        }
        let before = kept.get(&session.secret_sha256);
        let known = before.map_or(seen_at, |kept| kept.seen_at.max(seen_at));
        let requests = before.map_or(Requests { left: BURST, at: now, refused: None }, |kept| kept.requests);
        let entry = Kept { session: Arc::clone(session), read_at: now, seen_at: known, written_at: seen_at, requests };
        kept.insert(session.secret_sha256, entry);
        known
    }

    /// One more request of the session.
    ///
    /// # Errors
    /// [`TooOften`].
    pub(crate) fn request(&self, secret: &[u8; 32], now: OffsetDateTime) -> Result<(), TooOften> {
        let mut kept = self.kept();
        let Some(Kept { requests, .. }) = kept.get_mut(secret) else { return Ok(()) };
        let elapsed = (now - requests.at).as_seconds_f64().max(0.0);
        requests.left = (requests.left + elapsed * PER_SECOND).min(BURST);
        requests.at = now;
        if requests.left < 1.0 {
            let recent = requests.refused.filter(|(at, _)| (Duration::ZERO..RECORDED).contains(&(now - *at)));
            return Err(TooOften { recorded: recent.map(|(_, event)| event) });
        }
        requests.left -= 1.0;
        Ok(())
    }

    /// The row that says that the session asks too often.
    pub(crate) fn recorded(&self, secret: &[u8; 32], event: EventId, now: OffsetDateTime) {
        if let Some(kept) = self.kept().get_mut(secret) {
            kept.requests.refused = Some((now, event));
        }
    }

    /// The session is used. Answers whether that is to be written, which the caller does then.
    pub(crate) fn saw(&self, secret: &[u8; 32], now: OffsetDateTime) -> bool {
        let mut kept = self.kept();
        let Some(entry) = kept.get_mut(secret) else { return false };
        entry.seen_at = entry.seen_at.max(now);
        let is_due = now - entry.written_at >= WRITTEN;
        if is_due {
            entry.written_at = now;
        }
        is_due
    }

    pub(crate) fn forget(&self, secret: &[u8; 32]) {
        self.kept().remove(secret);
    }

    pub(crate) fn forget_person(&self, person: PersonId) {
        self.kept().retain(|_, kept| kept.session.person != person);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
