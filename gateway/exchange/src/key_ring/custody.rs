//! What is done to the ring itself, each deed with its row in the log: a first key, rotation, wrapping anew, destruction.
//!
//! The row is committed before the file changes: where a deed is cut off between the two, the log says more than was done, and the
//! deed is done again. A deed without its row cannot be.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use audit::{Action, EventDraft, Ledger, Outcome};
use crypto::seal::ring::{RingKey, RingKeyHandle, RingKeyId, named_key};
use schemas::MessageId;
use storage::{Clock, StoreError, TxError};
use time::{Duration, OffsetDateTime};

use super::folder::Folder;
use super::rows;
use super::{KeyRing, KeyRingError};
use crate::tables;

/// How long after a rotation no key is destroyed: the longest that lies between the wrapping of a document's key and the commit of its
/// message, and then some. The same as the sweep's for staged objects.
pub const REST: Duration = Duration::hours(1);

/// Messages of one batch; their ids go into its audit row.
pub const BATCH: u32 = 256;

/// Messages that are looked at for a count in one reading.
const COUNTED_AT_ONCE: u32 = 4096;

/// How often a batch is begun anew because a message of it was changed in the meantime.
const TRIES: u32 = 8;

/// Why something was not done to the ring.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The ring.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// A first key where there are keys already.
    #[error("there is a ring already; rotate it")]
    NotEmpty,
    /// A message that is being accepted may still be under the key.
    #[error("the ring was rotated a short while ago: no key is destroyed before {0}")]
    TooSoon(OffsetDateTime),
    /// Messages under the key are under a legal hold: nothing destroys them.
    #[error("{0} messages under the key are under a legal hold; wrap them anew, or have the holds lifted")]
    OnHold(u64),
    /// Messages lie under the key.
    #[error("{0} messages lie under the key, which nobody could read any more")]
    InUse(u64),
}

/// What becomes of messages under a key that is to be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Underneath {
    /// Where there are any, nothing is done.
    Keep,
    /// They become unreadable: crypto-erasure.
    Erase,
}

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batch {
    /// Envelopes that were changed.
    pub changed: u64,
    /// Envelopes that did not open, and stay as they are: forged, or under a key that the ring does not have.
    pub unreadable: u64,
    /// After which message the next batch begins; None where there is no next.
    pub next: Option<MessageId>,
}

/// Who keeps the ring.
pub struct Custody {
    ring: KeyRing,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
}

/// An envelope, and what is to stand in its place.
struct Change {
    message: MessageId,
    old: Vec<u8>,
    new: Option<Vec<u8>>,
}

/// What becomes of an envelope.
enum Fate {
    Stays,
    Becomes(Vec<u8>),
    Erased,
}

/// Why a transaction of changes did not commit.
enum Undone {
    /// A message was changed since it was read.
    Overtaken,
    /// A message that would become unreadable is under a legal hold.
    OnHold,
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Custody {
    /// Over a ring that is there.
    #[must_use]
    pub fn new(ring: KeyRing, ledger: Ledger, clock: Arc<dyn Clock>) -> Self {
        Self { ring, ledger, clock }
    }

    /// Makes a ring of one key in a folder that has none.
    ///
    /// # Errors
    /// [`CustodyError::NotEmpty`]; where the folder cannot be written to, or the row in the log cannot be.
    pub async fn create(folder: &Path, ledger: Ledger, clock: Arc<dyn Clock>) -> Result<Self, CustodyError> {
        let place = Folder::new(folder);
        place.create()?;
        if !place.is_empty()? {
            return Err(CustodyError::NotEmpty);
        }
        turn(&place, None, &ledger, &*clock).await?;
        Ok(Self { ring: KeyRing::open(folder)?, ledger, clock })
    }

    /// The ring.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Makes a new key, and makes it current. The older ones go on unwrapping.
    ///
    /// # Errors
    /// Where the folder cannot be written to, or the row in the log cannot be; the ring is as it was then.
    pub async fn rotate(&self) -> Result<RingKeyId, CustodyError> {
        turn(self.ring.folder()?, Some(self.ring.current()?), &self.ledger, &*self.clock).await
    }

    /// Wraps the envelopes of the next [`BATCH`] messages after `after` under the current key, in one transaction with one row in
    /// the log. Envelopes to certificates, and those that were destroyed, are not touched.
    ///
    /// # Errors
    /// Where the ring or the database cannot be used. An envelope that does not open is no error, but is counted.
    pub async fn rewrap(&self, after: Option<MessageId>) -> Result<Batch, CustodyError> {
        let to = self.ring.current()?;
        let fate = |message, old: &[u8]| Ok(self.ring.rewrap(message, old)?.map_or(Fate::Stays, Fate::Becomes));
        self.batch(after, Action::RingRewrapped, to, fate).await
    }

    /// How many envelopes lie under each key, those of keys that are not there any more included.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn census(&self) -> Result<BTreeMap<RingKeyId, u64>, CustodyError> {
        let mut counts = BTreeMap::new();
        let mut after = None;
        loop {
            let found = self.look("ring_census", after, COUNTED_AT_ONCE).await?;
            for id in found.iter().filter_map(|(_, envelope)| named_key(envelope.as_deref()?)) {
                *counts.entry(id).or_default() += 1;
            }
            after = next(&found, COUNTED_AT_ONCE);
            if after.is_none() {
                return Ok(counts);
            }
        }
    }

    /// Destroys a key that is not current. What lies under it, here and in every backup, is unreadable from then on.
    ///
    /// # Errors
    /// [`KeyRingError::IsCurrent`], [`KeyRingError::UnknownKey`]; [`CustodyError::TooSoon`] within [`REST`] of a rotation;
    /// [`CustodyError::InUse`] where messages are under it that are to be kept, [`CustodyError::OnHold`] where one of them is under a legal
    /// hold: nothing is destroyed then, unless the hold came while others were, and the key stays; where the folder or the database cannot be
    /// written to.
    pub async fn destroy(&self, id: RingKeyId, underneath: Underneath) -> Result<(), CustodyError> {
        let folder = self.ring.folder()?;
        let keys = self.ring.keys()?;
        keys.find(id)?;
        if keys.current == id {
            return Err(KeyRingError::IsCurrent(id).into());
        }
        let until = keys.since.saturating_add(REST);
        if self.clock.now() < until {
            return Err(CustodyError::TooSoon(until));
        }
        let count = self.census().await?.get(&id).copied().unwrap_or(0);
        if count > 0 && underneath == Underneath::Keep {
            return Err(CustodyError::InUse(count));
        }
        let erased = if count > 0 { self.erase(id).await? } else { 0 };
        let details = serde_json::json!({ "erased_messages": erased });
        self.ledger.record(draft(Action::RingKeyDestroyed, id, details)).await?;
        folder.destroy(id)?;
        // Written again as it is, so that every process looks again and forgets the key.
        let keys = self.ring.keys()?;
        folder.point(keys.current, keys.since)?;
        Ok(())
    }

    /// How many messages under a key are under a legal hold.
    async fn held(&self, id: RingKeyId) -> Result<u64, CustodyError> {
        let (mut after, mut held) = (None, 0_u64);
        loop {
            let reader = self.ledger.reader();
            let read = reader.read("ring_held", move |tx| {
                let found = rows::envelopes(tx, after, COUNTED_AT_ONCE)?;
                let mut held = 0_u64;
                for (message, envelope) in &found {
                    let under = envelope.as_deref().and_then(named_key) == Some(id);
                    held = held.saturating_add(u64::from(under && tables::is_held(tx, *message)?));
                }
                Ok((next(&found, COUNTED_AT_ONCE), held))
            });
            let (next, more) = read.await?;
            (after, held) = (next, held.saturating_add(more));
            if after.is_none() {
                return Ok(held);
            }
        }
    }

    /// Destroys the envelopes under a key; answers how many.
    async fn erase(&self, id: RingKeyId) -> Result<u64, CustodyError> {
        let held = self.held(id).await?;
        if held > 0 {
            return Err(CustodyError::OnHold(held));
        }
        let fate = |_, old: &[u8]| Ok(if named_key(old) == Some(id) { Fate::Erased } else { Fate::Stays });
        let (mut after, mut erased) = (None, 0);
        loop {
            let batch = self.batch(after, Action::RingEnvelopesErased, id, fate).await?;
            (after, erased) = (batch.next, erased + batch.changed);
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    /// Asks for the fate of each envelope of the next messages, and commits it with one row in the log. A batch that was overtaken, for
    /// example by an erasure, is read anew.
    async fn batch(
        &self,
        after: Option<MessageId>,
        action: Action,
        key: RingKeyId,
        fate: impl Fn(MessageId, &[u8]) -> Result<Fate, KeyRingError>,
    ) -> Result<Batch, CustodyError> {
        let mut tries = 1;
        loop {
            let found = self.look("ring_batch", after, BATCH).await?;
            let next = next(&found, BATCH);
            let (changes, unreadable) = sort(found, &fate)?;
            let changed = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            let done = Batch { changed, unreadable, next };
            if changes.is_empty() {
                return Ok(done);
            }
            let messages: Vec<_> = changes.iter().map(|change| change.message).collect();
            let details = serde_json::json!({ "messages": messages });
            match self.commit(draft(action, key, details), changes).await {
                Ok(()) => return Ok(done),
                Err(Undone::Overtaken) if tries < TRIES => tries += 1,
                Err(Undone::Overtaken) => return Err(StoreError::Overloaded.into()),
                Err(Undone::OnHold) => return Err(CustodyError::OnHold(1)),
                Err(Undone::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// All of the changes with their row, or none.
    async fn commit(&self, draft: EventDraft, changes: Vec<Change>) -> Result<(), Undone> {
        let event = self.ledger.prepare(draft);
        let committed = self.ledger.transact("ring_changes", move |tx| {
            for Change { message, old, new } in &changes {
                if new.is_none() && tables::is_held(tx, *message)? {
                    return Err(Undone::OnHold);
                }
                if !rows::replace(tx, *message, old, new.as_deref())? {
                    return Err(Undone::Overtaken);
                }
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        committed.await.map_err(|error| match error {
            TxError::Refused(undone) => undone,
            TxError::Store(error) => Undone::Store(error),
        })
    }

    async fn look(
        &self,
        name: &'static str,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<rows::Enveloped>, StoreError> {
        self.ledger.reader().read(name, move |tx| rows::envelopes(tx, after, limit)).await
    }
}

/// A new key beside the others, then the row in the log, then it is current.
async fn turn(
    folder: &Folder,
    from: Option<RingKeyId>,
    ledger: &Ledger,
    clock: &dyn Clock,
) -> Result<RingKeyId, CustodyError> {
    let (key, now) = (RingKey::generate(), clock.now());
    folder.add(&key, now)?;
    let from = from.map(|id| id.to_string());
    ledger.record(draft(Action::RingRotated, key.id(), serde_json::json!({ "from": from }))).await?;
    folder.point(key.id(), now)?;
    Ok(key.id())
}

/// The changes that are wanted, and how many envelopes did not open.
fn sort(
    found: Vec<rows::Enveloped>,
    fate: impl Fn(MessageId, &[u8]) -> Result<Fate, KeyRingError>,
) -> Result<(Vec<Change>, u64), KeyRingError> {
    let (mut changes, mut unreadable) = (Vec::new(), 0);
    for (message, old) in found.into_iter().filter_map(|(message, envelope)| Some((message, envelope?))) {
        match fate(message, &old) {
            Ok(Fate::Stays) => {}
            Ok(Fate::Becomes(new)) => changes.push(Change { message, old, new: Some(new) }),
            Ok(Fate::Erased) => changes.push(Change { message, old, new: None }),
            Err(error) if error.is_of_the_envelope() => {
                tracing::warn!(%message, code = error.code(), %error, "an envelope of the ring does not open");
                unreadable += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((changes, unreadable))
}

fn next(found: &[rows::Enveloped], limit: u32) -> Option<MessageId> {
    let is_full = u32::try_from(found.len()).is_ok_and(|length| length == limit);
    found.last().filter(|_| is_full).map(|(message, _)| *message)
}

fn draft(action: Action, key: RingKeyId, details: serde_json::Value) -> EventDraft {
    let (actor, object) = ("node".to_owned(), Some(format!("ring_key:{key}")));
    EventDraft { action, actor, object, outcome: Outcome::Done, details }
}
