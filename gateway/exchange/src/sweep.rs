//! The sweep behind the intake: objects that no message names, idempotency keys past their time.

use audit::{Action, EventDraft, Outcome};
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};

use crate::intake::{PARTS, forgotten_before, parse_part_key};
use crate::service::Exchange;
use crate::tables;

/// How old a staged object must be before it can be nobody's: the longest that lies between an upload's end and the commit
/// that names it, and then some.
const ORPHAN_AGE: Duration = Duration::hours(1);

/// Objects that one sweep removes; their keys go into one audit entry. The next sweep goes on.
const SWEPT_AT_ONCE: usize = 256;

impl Exchange {
    /// Removes staged objects that no message names and that are older than an hour, what other nodes began to bring
    /// and left for a week, and forgets idempotency keys past
    /// their time. Returns how many objects were removed.
    ///
    /// # Errors
    /// When the store fails; what was removed by then stays removed.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.inner.clock.now();
        let mut orphans = self.orphans(now).await?;
        orphans.extend(self.abandoned_relays(now, SWEPT_AT_ONCE).await?);
        let forgotten_before = forgotten_before(now);
        let reader = self.inner.ledger.reader();
        let old = reader.read("count_old_keys", move |tx| tables::count_old_keys(tx, forgotten_before)).await?;
        if orphans.is_empty() && old == 0 {
            return Ok(0);
        }
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ObjectsSwept,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::json!({ "objects": &orphans, "idempotency_keys": old }),
        });
        let swept = self.inner.ledger.transact("sweep", move |tx| {
            tables::delete_old_keys(tx, forgotten_before)?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        swept.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })?;
        for key in &orphans {
            self.inner.objects.delete(key).await?;
        }
        Ok(orphans.len())
    }

    /// Objects old enough that no upload can still be about to name them, and that no row names.
    async fn orphans(&self, now: OffsetDateTime) -> Result<Vec<String>, StoreError> {
        let mut orphans = Vec::new();
        for (key, _, modified) in self.inner.objects.list(PARTS).await? {
            if orphans.len() >= SWEPT_AT_ONCE {
                break;
            }
            if now - modified < ORPHAN_AGE {
                continue;
            }
            let Some((message, part)) = parse_part_key(&key) else {
                tracing::warn!(key, "an object that is none of ours lies among the parts");
                continue;
            };
            let name = key.clone();
            let reader = self.inner.ledger.reader();
            if !reader.read("has_part", move |tx| tables::has_part(tx, message, part, &name)).await? {
                orphans.push(key);
            }
        }
        Ok(orphans)
    }
}
