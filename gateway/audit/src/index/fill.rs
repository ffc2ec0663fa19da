//! Carries the index along behind the numbers: batch by batch, each with its place in one transaction.

use std::sync::Arc;

use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::{Index, Indexed, Opened, Term};
use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::{Ledger, append};
use crate::log::state::{only_store, signed, unsigned};

/// Rows that are removed at a time when the index is dropped.
const DROPPED: u32 = 2000;

/// How far the index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The next entry; below 0: what is there is being dropped.
    next: i64,
    /// The latest time so far, in microseconds.
    high: i64,
    epoch: i64,
}

/// What a step of the index went over.
pub struct Advance {
    /// The entries, in their order, as they were read; another process may have indexed them first.
    pub entries: Arc<[Indexed]>,
    /// There may be more.
    pub more: bool,
}

impl Head {
    pub(super) fn read(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let sql = "-- audit_index_head
            SELECT next_seq, high, epoch FROM audit_index_head WHERE id = 1";
        let head = tx.query_optional(sql, &[], |row| {
            Ok(Self { next: row.integer(0)?, high: row.integer(1)?, epoch: row.integer(2)? })
        })?;
        head.ok_or(StoreError::Corrupt("audit_index_head has no row"))
    }

    /// How many entries are indexed.
    pub(super) fn indexed(self) -> u64 {
        u64::try_from(self.next).unwrap_or(0)
    }
}

impl Index {
    /// Entries of one batch, as a rule. The writer serves nobody else meanwhile: some seven rows of each, ten milliseconds in all. Smaller batches write the
    /// same pages again and again: what entries have in common (who, what) is in few of them.
    pub const BATCH: u32 = 512;

    /// [`Self::advance`], where nobody needs the entries; answers whether there may be more.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn round(&self) -> Result<bool, StoreError> {
        self.advance(Self::BATCH).await.map(|advance| advance.more)
    }

    /// Indexes the next entries that are numbered, at most `batch` of them. Run by a worker; any number of them, in any processes, do no
    /// harm: a batch whose place another has taken writes nothing.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn advance(&self, batch: u32) -> Result<Advance, StoreError> {
        let head = self.reader.read("audit_index_head", Head::read).await?;
        if head.next < 0 {
            self.drop_some(head).await?;
            return Ok(Advance { entries: Arc::default(), more: true });
        }
        let rows = self.rows(head.indexed(), u64::try_from(i64::MAX).unwrap_or(u64::MAX), batch).await?;
        let Some(last) = rows.last().map(|row| row.seq) else {
            return Ok(Advance { entries: Arc::default(), more: false });
        };
        let more = rows.len() == batch as usize;
        let entries: Arc<[Indexed]> = rows.iter().map(Opened::indexed).collect();
        self.write(head, last, Arc::clone(&entries)).await?;
        Ok(Advance { entries, more })
    }

    async fn write(&self, head: Head, last: u64, batch: Arc<[Indexed]>) -> Result<(), StoreError> {
        let move_head = "-- move_audit_index
            UPDATE audit_index_head SET next_seq = $1, high = $2 WHERE id = 1 AND next_seq = $3 AND epoch = $4";
        // Details that were erased since they were read.
        let erased = "-- unindex_erased
            DELETE FROM audit_index_term WHERE from_details = 1 AND seq IN (
                SELECT s.seq FROM audit_seq s WHERE s.seq >= $1 AND s.seq < $2
                AND NOT EXISTS (SELECT 1 FROM audit_payload p WHERE p.event_id = s.event_id)
                AND NOT EXISTS (SELECT 1 FROM audit_sealed x JOIN audit_key k ON k.id = x.key_id
                    WHERE x.event_id = s.event_id))";
        let next = signed(last)?.saturating_add(1);
        let written = self.writer.run_tx("audit_index", move |tx| {
            let mut high = head.high;
            let heights: Vec<i64> = batch
                .iter()
                .map(|entry| {
                    high = high.max(microseconds(entry.at));
                    high
                })
                .collect();
            let moved = [next.into(), high.into(), head.next.into(), head.epoch.into()];
            if tx.execute(move_head, &moved)? == 0 {
                return Ok(());
            }
            for (entry, high) in batch.iter().zip(heights) {
                tx.insert(ROW, &[signed(entry.seq)?.into(), entry.at.into(), high.into()])?;
            }
            for (term, seq) in in_order(&batch) {
                let kind = i64::from(term.kind as u8);
                let values = [kind.into(), (&term.value).into(), signed(seq)?.into(), term.from_details.into()];
                tx.insert(TERM, &values)?;
            }
            tx.execute(erased, &[head.next.into(), next.into()]).map(drop)
        });
        written.await.map_err(only_store)
    }

    async fn drop_some(&self, head: Head) -> Result<(), StoreError> {
        let terms = "-- drop_audit_terms
            DELETE FROM audit_index_term WHERE (kind, value, seq) IN (SELECT kind, value, seq FROM audit_index_term LIMIT $1)";
        let rows = "-- drop_audit_rows
            DELETE FROM audit_index WHERE seq IN (SELECT seq FROM audit_index LIMIT $1)";
        let begin = "-- begin_audit_index
            UPDATE audit_index_head SET next_seq = 0, high = $1 WHERE id = 1 AND next_seq < 0 AND epoch = $2";
        let dropped = self.writer.run_tx("audit_index_drop", move |tx| {
            if tx.execute(terms, &[DROPPED.into()])? == 0 && tx.execute(rows, &[DROPPED.into()])? == 0 {
                tx.execute(begin, &[i64::MIN.into(), head.epoch.into()])?;
            }
            Ok(())
        });
        dropped.await.map_err(only_store)
    }

    /// Has the index dropped and made again; on record. Returns at once: rounds do it, here or in a process that runs already. Until it is made anew
    /// a search covers what is there.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn reindex(&self, ledger: &Ledger) -> Result<(), StoreError> {
        let sql = "-- reindex
            UPDATE audit_index_head SET next_seq = -1, epoch = epoch + 1 WHERE id = 1";
        let event = ledger.prepare(EventDraft {
            action: Action::ReindexAudit,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        });
        let marked = ledger.transact("reindex", move |tx| {
            tx.execute(sql, &[])?;
            Ok(append(tx, &event)?.with(()))
        });
        marked.await.map_err(only_store)
    }

    /// How many entries are indexed, and how many are numbered.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn progress(&self) -> Result<(u64, u64), StoreError> {
        let sql = "-- audit_numbered
            SELECT next_seq FROM seq_head WHERE id = 1";
        let read = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
            let numbered = tx.query_optional(sql, &[], |row| unsigned(row, 0))?.unwrap_or(0);
            Ok((Head::read(tx)?.indexed(), numbered))
        };
        self.reader.read("audit_index_progress", read).await
    }
}

const ROW: &str = "-- index_entry
    INSERT INTO audit_index (seq, at, high) VALUES ($1, $2, $3)";

const TERM: &str = "-- index_term
    INSERT INTO audit_index_term (kind, value, seq, from_details) VALUES ($1, $2, $3, $4)";

/// The terms of a batch in the order of their table, so that neighbours are written after each other.
fn in_order(batch: &[Indexed]) -> Vec<(&Term, u64)> {
    let mut terms: Vec<_> =
        batch.iter().flat_map(|entry| entry.terms.iter().map(move |term| (term, entry.seq))).collect();
    terms.sort_unstable_by(|(one, one_seq), (other, other_seq)| {
        (one.kind, &one.value, one_seq).cmp(&(other.kind, &other.value, other_seq))
    });
    terms
}

/// As the database keeps times.
pub(super) fn microseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}
