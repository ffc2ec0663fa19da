//! When somebody was last seen: one row for each name, written behind what happens, in batches; and when a session was last used.
//!
//! Nothing here is anybody's deed, so these rows have no audit row, as the leases of [`crate::jobs`] have none. What is lost in a
//! crash is the last batch.

use crate::store::{Reader, StoreError, Tx, TxError, Writer};
use schemas::SessionId;
use time::OffsetDateTime;

/// Who was seen, and when last.
pub type Sightings = Vec<(String, OffsetDateTime)>;

/// The table. Cheap to clone.
#[derive(Clone)]
pub struct SeenStore {
    writer: Writer,
    reader: Reader,
}

impl SeenStore {
    /// The table of this database.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader) -> Self {
        Self { writer, reader }
    }

    /// Writes what was seen here, and answers what was seen by all processes. A later time stays, whoever wrote it.
    ///
    /// # Errors
    /// Where the database fails; then nothing of the batch is written.
    pub async fn exchange(&self, sightings: Sightings) -> Result<Sightings, StoreError> {
        if !sightings.is_empty() {
            let written = self.writer.run_tx("write_seen", move |tx| write(tx, &sightings));
            written.await.map_err(|error| match error {
                TxError::Refused(error) | TxError::Store(error) => error,
            })?;
        }
        self.reader.read("load_seen", load).await
    }

    /// A session was used. A later time stays, whoever wrote it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn saw_session(&self, session: SessionId, at: OffsetDateTime) -> Result<(), StoreError> {
        let written = self.writer.run_tx("write_session_seen", move |tx| {
            let sql = "-- write_session_seen
                UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2 AND ended_at IS NULL";
            tx.execute(sql, &[session.as_bytes().into(), at.into()]).map(drop)
        });
        written.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }
}

fn write(tx: &mut Tx<'_>, sightings: &Sightings) -> Result<(), StoreError> {
    let sql = "-- write_seen
        INSERT INTO participant_seen (participant, seen_at) VALUES ($1, $2)
        ON CONFLICT (participant) DO UPDATE SET seen_at = excluded.seen_at WHERE excluded.seen_at > participant_seen.seen_at";
    sightings.iter().try_for_each(|(name, at)| tx.execute(sql, &[name.into(), (*at).into()]).map(drop))
}

fn load(tx: &mut Tx<'_>) -> Result<Sightings, StoreError> {
    let sql = "-- load_seen
        SELECT participant, seen_at FROM participant_seen ORDER BY participant";
    tx.query(sql, &[], |row| Ok((row.text(0)?, row.time(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{migrate, open};
    use crate::throwaway::BackEnd;
    use time::Duration;

    crate::on_each_back_end!(the_latest_sighting_stays_whoever_writes_it);

    async fn the_latest_sighting_stays_whoever_writes_it(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        migrate(&config).unwrap();
        let (writer, reader) = open(&config).unwrap();
        let store = SeenStore::new(writer, reader);
        let noon = time::macros::datetime!(2026-11-23 12:00:00 UTC);
        let seen = |who: &str, minute: i64| (who.to_owned(), noon + Duration::minutes(minute));
        assert_eq!(store.exchange(Vec::new()).await.unwrap(), []);
        store.exchange(vec![seen("00000001", 5), seen("00000002", 1)]).await.unwrap();
        let found = store.exchange(vec![seen("00000001", 3), seen("00000002", 2)]).await.unwrap();
        assert_eq!(found, [seen("00000001", 5), seen("00000002", 2)]);
    }
}
