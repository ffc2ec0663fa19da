//! The index by which the log is searched: made from the numbered rows alone, in their order, and made again at any time.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `term` | what an entry and its details are found by: pure, so that whoever replays the log computes the same |
//! | `fill` | carries the index along behind the numbers; drops it |
//! | `search` | filters, and which entries of a range match one |
//! | `replay` | whether an answer left something out or put something in |
//!
//! Nobody has to believe the index. A hit is shown with the logged entry and its inclusion proof. That nothing was left out no tree can prove, so an
//! answer states the entries that it covers, and whoever replays these from tiles, with the details that an export carries, finds the first entry
//! by which the answer differs.
//!
//! It holds pseudonyms and names of things; what stands in the details only is marked, and goes when they are erased, by a trigger, whoever erases
//! them. A person is sought by the node's own name for them.

mod fill;
mod replay;
mod search;
mod term;

pub use fill::Advance;
pub use replay::{Lie, Replay};
pub use search::{Filter, Found, UnfitFilter};
pub use term::{Indexed, Kind, Term, is_look};

use std::sync::Arc;

use schemas::EventId;
use storage::{Reader, Row, StoreError, Writer};

use crate::log::state::{signed, unsigned};
use crate::payload::{self, PayloadKeys, Unsealer};

/// The index of a node's log. Cheap to clone; any number of processes may fill it.
#[derive(Clone)]
pub struct Index {
    writer: Writer,
    reader: Reader,
    keys: Option<Arc<PayloadKeys>>,
}

/// A numbered row, with what it commits to.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub seq: u64,
    /// The event.
    pub event: EventId,
    /// The leaf's content.
    pub entry: Vec<u8>,
    /// Salt and details; none: there are none, or they are erased.
    pub details: Option<([u8; 32], String)>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({})", self.seq)
    }
}

impl Opened {
    /// Whether the entry commits to details, which are not there.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.details.is_none() && term::commits(&self.entry)
    }

    /// What it is found by.
    #[must_use]
    pub fn indexed(&self) -> Indexed {
        Indexed::of(self.seq, &self.entry, self.details.as_ref().map(|(_, details)| details.as_str()))
    }
}

impl Index {
    /// Over the database of the log.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader) -> Self {
        Self { writer, reader, keys: None }
    }

    /// The same, where details lie sealed under these keys.
    #[must_use]
    pub fn opening(self, keys: Option<Arc<PayloadKeys>>) -> Self {
        Self { keys, ..self }
    }

    /// Numbered rows from `first` on, at most `limit` of them and none from `end` on.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn rows(&self, first: u64, end: u64, limit: u32) -> Result<Vec<Opened>, StoreError> {
        let (first, end) = (signed(first)?, signed(end)?);
        let sql = "-- opened_rows
            SELECT s.seq, s.event_id, s.entry, p.salt, p.details, k.id, k.subject, k.wrapped, x.sealed FROM audit_seq s
            LEFT JOIN audit_payload p ON p.event_id = s.event_id
            LEFT JOIN audit_sealed x ON x.event_id = s.event_id LEFT JOIN audit_key k ON k.id = x.key_id
            WHERE s.seq >= $1 AND s.seq < $2 ORDER BY s.seq LIMIT $3";
        let keys = self.keys.clone();
        let values = move |tx: &mut storage::Tx<'_>| {
            let mut unsealer = keys.as_deref().map(PayloadKeys::unsealer);
            tx.query(sql, &[first.into(), end.into(), limit.into()], |row| opened(row, unsealer.as_mut()))
        };
        self.reader.read("audit_rows", values).await
    }

    /// The rows of these numbers, in the order of the log; what has no row is passed over.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn opened(&self, numbers: Vec<u64>) -> Result<Vec<Opened>, StoreError> {
        let sql = "-- opened_row
            SELECT s.seq, s.event_id, s.entry, p.salt, p.details, k.id, k.subject, k.wrapped, x.sealed FROM audit_seq s
            LEFT JOIN audit_payload p ON p.event_id = s.event_id
            LEFT JOIN audit_sealed x ON x.event_id = s.event_id LEFT JOIN audit_key k ON k.id = x.key_id
            WHERE s.seq = $1";
        let keys = self.keys.clone();
        let read = move |tx: &mut storage::Tx<'_>| -> Result<_, StoreError> {
            let mut rows = Vec::with_capacity(numbers.len());
            let mut unsealer = keys.as_deref().map(PayloadKeys::unsealer);
            for number in &numbers {
                rows.extend(tx.query_optional(sql, &[signed(*number)?.into()], |row| opened(row, unsealer.as_mut()))?);
            }
            Ok(rows)
        };
        self.reader.read("audit_opened", read).await
    }
}

fn opened(row: &Row<'_>, unsealer: Option<&mut Unsealer<'_>>) -> Result<Opened, StoreError> {
    let event = EventId::from_bytes(&row.blob(1)?).map_err(|_| StoreError::Corrupt("audit_seq.event_id"))?;
    let details = match (payload::stored(row, 5)?, unsealer) {
        (Some((key, sealed)), Some(unsealer)) => match unsealer.open(event, key, &sealed) {
            Ok(opened) => opened.map(|opened| (opened.salt, opened.details.to_string())),
            Err(payload::Changed) => {
                // Not what was sealed: `vuzol audit verify --database` names it. Here it is as good as gone.
                tracing::error!(%event, "what lies sealed beside the log was changed");
                None
            }
        },
        _ if row.is_null(3)? => None,
        _ => Some((row.array(3)?, row.text(4)?)),
    };
    Ok(Opened { seq: unsigned(row, 0)?, event, entry: row.blob(2)?, details })
}

#[cfg(test)]
mod tests;
