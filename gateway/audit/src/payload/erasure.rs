//! Erasure of what the log holds about somebody, and of what a backup brings back.

use super::{KeyId, PayloadKeys};
use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::{Ledger, append};
use crypto::digest::hex;
use schemas::EventId;
use std::sync::Arc;
use storage::{StoreError, Tx, TxError};

/// Events of one subject that are erased in one go.
const MOST: u32 = 100_000;

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Numbers of the entries whose details are gone, ascending.
    pub seqs: Vec<u64>,
    /// Keys that were destroyed.
    pub keys: usize,
    /// The event that says so.
    pub event: EventId,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The log holds no details about them.
    #[error("the log holds no details about them")]
    Nothing,
    /// More than fits into one act.
    #[error("more than {MOST} entries: prune the log first")]
    TooMany,
    /// Some of it has no number yet.
    #[error("some of it has no number yet: try again in a second")]
    NotNumbered,
    /// A legal hold forbids it.
    #[error("{0} is under a legal hold")]
    Held(String),
    /// Somebody else had it done, or took it back, in between.
    #[error("somebody else was faster")]
    Overtaken,
    /// The journal of erasures cannot be written.
    #[error("the journal of erasures: {0}")]
    Journal(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What lies under the keys of a subject.
struct Found {
    keys: Vec<KeyId>,
    /// Number, event and object of each entry.
    entries: Vec<(u64, Vec<u8>, Option<String>)>,
}

/// Whose details are erased, and on whose word.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whom they are about: `person:...`.
    pub subject: String,
    /// On what legal ground.
    pub basis: String,
    /// Who has it done, by their name in the log.
    pub actor: String,
    /// What more the event says of how it came about.
    pub how: serde_json::Map<String, serde_json::Value>,
}

/// How many entries lose their details if those of `subject` are erased now; nothing is.
///
/// # Errors
/// What [`erase`] would answer.
pub async fn would_erase(
    ledger: &Ledger,
    subject: &str,
    is_held: impl Fn(&mut Tx<'_>, &[String]) -> Result<Option<String>, StoreError> + Send + 'static,
) -> Result<usize, ErasureError> {
    Ok(examine(ledger, subject, is_held).await?.entries.len())
}

/// Destroys the keys of a subject, and what lies under them. The entries stay, and every proof; that details are gone, on what ground and on whose word, is an event.
/// `is_held` is asked, in the transaction, whether a legal hold forbids it: it names what is held among the objects of the entries. `ends` is what ends with it in the
/// same transaction: false, and nothing is done, where somebody else was faster.
///
/// # Errors
/// [`ErasureError`]; nothing is erased then, but [`ErasureError::Store`] may come after the journal was written: then it is, at the latest with the next start. So
/// it is where the process ends between the journal and the transaction, or where the journal cannot be taken back ([`ErasureError::Journal`]).
pub async fn erase(
    ledger: &Ledger,
    keys: &Arc<PayloadKeys>,
    order: Order,
    is_held: impl Fn(&mut Tx<'_>, &[String]) -> Result<Option<String>, StoreError> + Clone + Send + 'static,
    ends: impl Fn(&mut Tx<'_>) -> Result<bool, StoreError> + Send + 'static,
) -> Result<Erased, ErasureError> {
    // Before the journal is written, and again with the deed.
    let Found { keys: ids, entries } = examine(ledger, &order.subject, is_held.clone()).await?;
    let objects = objects(&entries);
    let (noted, journal) = (ids.clone(), Arc::clone(keys));
    let written = {
        let (noted, journal) = (noted.clone(), Arc::clone(&journal));
        tokio::task::spawn_blocking(move || journal.note_erased(&noted)).await
    };
    written.map_err(|_| StoreError::Closed)?.map_err(|error| ErasureError::Journal(error.to_string()))?;

    let seqs: Vec<u64> = entries.iter().map(|(seq, _, _)| *seq).collect();
    let Order { subject, basis, actor, how } = order;
    let mut details = how;
    details.insert("basis".to_owned(), basis.into());
    details.insert("entries".to_owned(), serde_json::json!(ranges(&seqs)));
    details.insert("keys".to_owned(), ids.iter().map(|id| hex(id)).collect::<Vec<_>>().into());
    let draft = EventDraft {
        action: Action::EraseDetails,
        actor,
        object: Some(subject),
        outcome: Outcome::Done,
        details: details.into(),
    };
    let event = ledger.prepare(draft);
    let (id, count) = (event.id(), ids.len());
    let erased = ledger.transact("erase_details", move |tx| {
        if let Some(held) = is_held(tx, &objects)? {
            return Err(ErasureError::Held(held));
        }
        if !ends(tx)? {
            return Err(ErasureError::Overtaken);
        }
        for (_, event, _) in &entries {
            tx.execute(DELETE_SEALED, &[event.into()])?;
        }
        delete_keys(tx, &ids)?;
        Ok(append(tx, &event)?.with(()))
    });
    match erased.await {
        Ok(()) => Ok(Erased { seqs, keys: count, event: id }),
        // Refused for sure: what the journal says would be done nevertheless, with the next start.
        Err(TxError::Refused(refused)) => {
            let taken_back = tokio::task::spawn_blocking(move || journal.take_back(&noted)).await;
            taken_back.map_err(|_| StoreError::Closed)?.map_err(|error| ErasureError::Journal(error.to_string()))?;
            Err(refused)
        }
        Err(TxError::Store(error)) => Err(error.into()),
    }
}

/// What would be erased, where it may be.
async fn examine(
    ledger: &Ledger,
    subject: &str,
    is_held: impl Fn(&mut Tx<'_>, &[String]) -> Result<Option<String>, StoreError> + Send + 'static,
) -> Result<Found, ErasureError> {
    let of = subject.to_owned();
    let found = ledger.reader().read("erasure_find", move |tx| find(tx, &of)).await?;
    let found = found.ok_or(ErasureError::NotNumbered)?;
    if found.keys.is_empty() {
        return Err(ErasureError::Nothing);
    }
    if found.entries.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
        return Err(ErasureError::TooMany);
    }
    let objects = objects(&found.entries);
    let held = ledger.reader().read("erasure_held", move |tx| is_held(tx, &objects)).await?;
    held.map_or(Ok(found), |held| Err(ErasureError::Held(held)))
}

fn objects(entries: &[(u64, Vec<u8>, Option<String>)]) -> Vec<String> {
    entries.iter().filter_map(|(_, _, object)| object.clone()).collect()
}

impl PayloadKeys {
    /// Takes away again what a restored backup brought back: before a node serves. Returns how many keys came back; an event says so.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn replay(&self, ledger: &Ledger) -> Result<usize, StoreError> {
        let journal = self.journal.ids();
        if journal.is_empty() {
            return Ok(0);
        }
        let sql = "-- replay
            SELECT 1 FROM audit_key WHERE id = $1";
        let back = ledger.reader().read("erasure_back", move |tx| {
            let mut back = Vec::new();
            for id in &journal {
                if tx.query_optional(sql, &[id.into()], |row| row.integer(0))?.is_some() {
                    back.push(*id);
                }
            }
            Ok(back)
        });
        let back = back.await?;
        if back.is_empty() {
            return Ok(0);
        }
        let draft = EventDraft {
            action: Action::EraseDetails,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::json!({ "basis": "replay", "keys": back.iter().map(|id| hex(id)).collect::<Vec<_>>() }),
        };
        let (event, count) = (ledger.prepare(draft), back.len());
        let replayed = ledger.transact("replay_erasures", move |tx| {
            delete_keys(tx, &back)?;
            Ok(append(tx, &event)?.with(count))
        });
        replayed.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }
}

const DELETE_SEALED: &str = "-- erase
    DELETE FROM audit_sealed WHERE event_id = $1";

fn delete_keys(tx: &mut Tx<'_>, ids: &[KeyId]) -> Result<(), StoreError> {
    let sql = "-- delete_keys
        DELETE FROM audit_key WHERE id = $1";
    ids.iter().try_for_each(|id| tx.execute(sql, &[id.into()]).map(drop))
}

/// None where some of it is not numbered.
fn find(tx: &mut Tx<'_>, subject: &str) -> Result<Option<Found>, StoreError> {
    let keys = "-- find
        SELECT id FROM audit_key WHERE subject = $1";
    let waiting = "-- find
        SELECT count(*) FROM audit_outbox o JOIN audit_sealed p ON p.event_id = o.event_id
        WHERE p.key_id IN (SELECT id FROM audit_key WHERE subject = $1)";
    let entries = "-- find
        SELECT s.seq, s.event_id, s.entry FROM audit_sealed p JOIN audit_seq s ON s.event_id = p.event_id
        WHERE p.key_id IN (SELECT id FROM audit_key WHERE subject = $1) LIMIT $2";
    if tx.query_optional(waiting, &[subject.into()], |row| row.integer(0))? != Some(0) {
        return Ok(None);
    }
    let ids = tx.query(keys, &[subject.into()], |row| row.array(0))?;
    let mut found = tx.query(entries, &[subject.into(), MOST.into()], |row| {
        let seq = u64::try_from(row.integer(0)?).map_err(|_| StoreError::Corrupt("a number below zero"))?;
        let entry: serde_json::Value = serde_json::from_slice(&row.blob(2)?).unwrap_or_default();
        let object = entry.get("object").and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok((seq, row.blob(1)?, object))
    })?;
    found.sort();
    Ok(Some(Found { keys: ids, entries: found }))
}

/// `[[first, last], ...]`, for people and for the size of the event.
fn ranges(seqs: &[u64]) -> Vec<[u64; 2]> {
    let mut ranges: Vec<[u64; 2]> = Vec::new();
    for seq in seqs {
        match ranges.last_mut() {
            Some([_, last]) if *last + 1 == *seq => *last = *seq,
            _ => ranges.push([*seq, *seq]),
        }
    }
    ranges
}
