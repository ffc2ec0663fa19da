//! What entries commit to, sealed so that it can be erased: details and salt lie beside the tree under a key of whom they are about.
//!
//! ```text
//! subject     the object of the event, or else its actor, where that is a person (`person:...`); else the month (`2026-11`)
//! data key    32 random bytes, of one subject, one process and ten minutes; in audit_key, wrapped under the node's payload key (crypto::seal::ring), its context
//!             id ‖ subject
//! event key   HMAC-SHA-256 under the data key of "vuzol-audit-payload-1" ‖ event id
//! sealed      AES-256-GCM under the event key, nonce zero (the key seals nothing else), associated data the event id, of salt[32] ‖ details: ciphertext ‖ tag[16]
//! ```
//!
//! Keys are never looked up when something is recorded: each process makes its own, and writes it with the first event under it. What that costs an event is a
//! HMAC and a short AES-GCM, about a microsecond.
//!
//! Erasure ([`erasure`](erase)) destroys the keys of a subject and what lies under them, and leaves an event that says so. A backup of the database brings rows and keys
//! back; therefore the ids of destroyed keys also stand in a journal beside the payload key, apart from the database: what it names is not opened, and
//! is taken away again before a node serves ([`PayloadKeys::replay`]). What is recorded of a subject within ten minutes of an erasure, by another
//! process than the one that erased, may lie under a key that is gone, and is then gone too.
//!
//! Who has the payload key, the journal's absence and an old copy of the database can still read what was erased: keep the payload key out of the
//! backups of the database.

mod erasure;
mod journal;

pub use erasure::{Erased, ErasureError, Order, erase, would_erase};
pub(crate) use journal::KeyId;

use crate::event::EventDraft;
use crypto::seal::ring::{self, RingKey, RingKeyHandle};
use crypto::seal::{DocumentKey, aes256_gcm_open, aes256_gcm_seal};
use schemas::EventId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Row, StoreError, Tx};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use self::journal::Journal;

/// The node's payload key, and the data keys of this process.
pub struct PayloadKeys {
    master: RingKey,
    journal: Journal,
    current: Mutex<HashMap<String, Arc<DataKey>>>,
}

/// A key of one subject.
pub(crate) struct DataKey {
    pub(crate) id: KeyId,
    pub(crate) subject: String,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) made: OffsetDateTime,
    key: RingKey,
    /// Its row is committed.
    written: AtomicBool,
}

/// What was sealed, and the key that its row names.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) key: Arc<DataKey>,
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Salt and details of an event.
pub struct Opened {
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// JSON, exactly as committed.
    pub details: Zeroizing<String>,
}

impl PayloadKeys {
    /// `master`: 32 random bytes; `journal`: the file with the ids of destroyed keys, made with the first erasure.
    ///
    /// # Errors
    /// Where the journal is there and cannot be read, or is no such journal.
    pub fn open(master: Zeroizing<[u8; 32]>, journal: &Path) -> io::Result<Self> {
        let (master, journal) = (RingKey::from_bytes(master), Journal::open(journal)?);
        Ok(Self { master, journal, current: Mutex::new(HashMap::new()) })
    }

    /// None where the wrapping fails, which a key in memory never does.
    pub(crate) fn seal(&self, draft: &EventDraft, id: EventId, at: OffsetDateTime, plain: &[u8]) -> Option<Sealed> {
        let key = self.key_of(subject_of(draft, at), at)?;
        let event_key = key.of_event(id)?;
        let (mut bytes, tag) = aes256_gcm_seal(&event_key, &[0; 12], id.as_bytes(), plain);
        bytes.extend_from_slice(&tag);
        Some(Sealed { key, bytes })
    }

    fn key_of(&self, subject: String, at: OffsetDateTime) -> Option<Arc<DataKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back does not make a key live longer.
        let fresh = |key: &&Arc<DataKey>| (Duration::ZERO..LIFE).contains(&(at - key.made));
        if let Some(key) = current.get(&subject).filter(fresh) {
            return Some(Arc::clone(key));
        }
        if current.len() >= SUBJECTS {
            current.clear();
        }
        let key = Arc::new(DataKey::generate(&self.master, subject, at)?);
        current.insert(key.subject.clone(), Arc::clone(&key));
        Some(key)
    }

    /// Opens what was sealed.
    pub(crate) fn unsealer(&self) -> Unsealer<'_> {
        Unsealer { keys: self, last: None }
    }

    fn is_erased(&self, id: &KeyId) -> bool {
        self.journal.names(id)
    }

    /// Writes ids into the journal, durably. Blocks on the disk.
    fn note_erased(&self, ids: &[KeyId]) -> io::Result<()> {
        self.journal.note(ids)?;
        // Whoever records next makes new ones.
        self.current.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, key| !ids.contains(&key.id));
        Ok(())
    }

    /// The erasure that was noted was refused. Blocks on the disk.
    fn take_back(&self, ids: &[KeyId]) -> io::Result<()> {
        self.journal.take_back(ids)
    }
}

/// Opens what was sealed. Neighbours mostly lie under one key, which is unwrapped once.
pub(crate) struct Unsealer<'a> {
    keys: &'a PayloadKeys,
    last: Option<(StoredKey, RingKey)>,
}

impl Unsealer<'_> {
    /// What was sealed for an event; None where its key was destroyed or is not this node's.
    pub(crate) fn open(&mut self, event: EventId, key: StoredKey, sealed: &[u8]) -> Result<Option<Opened>, Changed> {
        if self.keys.is_erased(&key.id) {
            return Ok(None);
        }
        let data = match self.last.take().filter(|(last, _)| *last == key) {
            Some((_, data)) => data,
            None => match ring::unwrap(&self.keys.master, &context(&key.id, &key.subject), &key.wrapped) {
                Ok(data) => RingKey::from_bytes(Zeroizing::new(*data.expose())),
                Err(ring::RingError::OtherKey(_)) => return Ok(None),
                Err(_) => return Err(Changed),
            },
        };
        let (_, data) = self.last.insert((key, data));
        let event_key = event_key(data, event).ok_or(Changed)?;
        let (ciphertext, tag) = sealed.split_last_chunk::<16>().ok_or(Changed)?;
        let plain = aes256_gcm_open(&event_key, &[0; 12], event.as_bytes(), ciphertext, tag).map_err(|_| Changed)?;
        let (salt, details) = plain.split_first_chunk::<32>().ok_or(Changed)?;
        let details = std::str::from_utf8(details).map_err(|_| Changed)?.to_owned();
        Ok(Some(Opened { salt: *salt, details: Zeroizing::new(details) }))
    }
}

/// A key's row.
#[derive(PartialEq, Eq)]
pub(crate) struct StoredKey {
    pub(crate) id: KeyId,
    pub(crate) subject: String,
    pub(crate) wrapped: Vec<u8>,
}

/// What lies sealed for an event: columns id, subject, wrapped of its key and sealed, from this one on. Without its key it is erased.
pub(crate) fn stored(row: &Row<'_>, first: usize) -> Result<Option<(StoredKey, Vec<u8>)>, StoreError> {
    if row.is_null(first)? {
        return Ok(None);
    }
    let key = StoredKey { id: row.array(first)?, subject: row.text(first + 1)?, wrapped: row.blob(first + 2)? };
    Ok(Some((key, row.blob(first + 3)?)))
}

/// It is not what was sealed.
#[derive(Debug)]
pub(crate) struct Changed;

impl DataKey {
    fn generate(master: &RingKey, subject: String, made: OffsetDateTime) -> Option<Self> {
        let (id, key) = (crypto::random::array(), DocumentKey::generate());
        let wrapped = ring::wrap(master, &context(&id, &subject), &key).ok()?;
        let key = RingKey::from_bytes(Zeroizing::new(*key.expose()));
        Some(Self { id, subject, wrapped, made, key, written: AtomicBool::new(false) })
    }

    fn of_event(&self, event: EventId) -> Option<Zeroizing<[u8; 32]>> {
        event_key(&self.key, event)
    }
}

fn event_key(key: &RingKey, event: EventId) -> Option<Zeroizing<[u8; 32]>> {
    let mut data = [0; LABEL.len() + 16];
    data[..LABEL.len()].copy_from_slice(LABEL);
    data[LABEL.len()..].copy_from_slice(event.as_bytes());
    key.hmac_sha256(&data).ok()
}

fn context(id: &KeyId, subject: &str) -> Vec<u8> {
    [id.as_slice(), subject.as_bytes()].concat()
}

/// Whom the details are about. What is erased of a person must not take along the record of the erasure, nor that of who proposed it.
fn subject_of(draft: &EventDraft, at: OffsetDateTime) -> String {
    let is_person = |name: &&String| name.starts_with(PERSON) && name.len() <= SUBJECT_BYTES;
    let person = draft.object.iter().chain([&draft.actor]).find(is_person);
    let of_erasure = [crate::Action::ProposeErasure, crate::Action::EraseDetails].contains(&draft.action);
    match person.filter(|_| !of_erasure) {
        Some(person) => person.clone(),
        None => format!("{:04}-{:02}", at.year(), u8::from(at.month())),
    }
}

thread_local! {
    /// Keys whose rows were written in the transaction that runs on this thread.
    static WRITTEN: RefCell<Vec<Arc<DataKey>>> = const { RefCell::new(Vec::new()) };
}

/// Writes what was sealed, and its key where that may not be there yet.
pub(crate) fn insert(tx: &mut Tx<'_>, event: EventId, sealed: &Sealed) -> Result<(), StoreError> {
    let key = "-- insert
        INSERT INTO audit_key (id, subject, wrapped, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    let payload = "-- insert
        INSERT INTO audit_sealed (event_id, key_id, sealed) VALUES ($1, $2, $3)";
    let of = &sealed.key;
    if !of.written.load(Ordering::Relaxed) {
        tx.execute(key, &[(&of.id).into(), (&of.subject).into(), (&of.wrapped).into(), of.made.into()])?;
        WRITTEN.with_borrow_mut(|keys| keys.push(Arc::clone(of)));
    }
    tx.insert(payload, &[event.as_bytes().into(), (&of.id).into(), (&sealed.bytes).into()])
}

/// The keys that were written on this thread since this was last asked.
pub(crate) fn take_written() -> Vec<Arc<DataKey>> {
    WRITTEN.take()
}

/// Their transaction is committed.
pub(crate) fn committed(keys: &[Arc<DataKey>]) {
    keys.iter().for_each(|key| key.written.store(true, Ordering::Relaxed));
}

const LABEL: &[u8] = b"vuzol-audit-payload-1";
const PERSON: &str = "person:";
/// No pseudonym of ours is longer.
const SUBJECT_BYTES: usize = 256;
/// How long a key seals.
const LIFE: Duration = Duration::minutes(10);
/// Keys that a process holds: beyond that it begins anew.
const SUBJECTS: usize = 4096;

#[cfg(test)]
mod tests;
