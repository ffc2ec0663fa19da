//! The node's key ring: what wraps document keys for recipients without an encryption certificate (ARCHITECTURE, rule 3).
//!
//! One key is current and wraps; older ones only unwrap, until what lies under them was wrapped anew and they are destroyed
//! ([`custody`]). How a key is wrapped says `crypto::seal::ring`; how keys are kept in a folder says `folder`. A ring may also
//! be of keys that a token holds ([`KeyRing::of_holders`]).
//!
//! | what is destroyed | what nobody reads again |
//! |---|---|
//! | the envelope of a message (`message.key_envelope` is NULL) | that message, as soon as no copy of the row is left |
//! | a ring key | every message under it, and every copy of their rows: in backups, in the write-ahead log, in free pages |
//!
//! So an erasure is complete, whatever the disk remembers, once the ring was turned: rotated, what lives wrapped anew, the older
//! key destroyed. What a disk keeps of the key's own file is the same question again, for 32 bytes: a folder that is in no
//! backup, or a token.
//!
//! A message that waits in a mailbox when its envelope is destroyed comes to its end by the node's timer (V.8); until then, and where a ring key
//! is gone without such an erasure, recipients are told that it is unreadable (`crate::document_key`).
//!
//! Every process of the node looks whether the ring was changed whenever it uses it: a rotation and a destruction
//! hold for all of them at once.

pub mod custody;
mod folder;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crypto::seal::DocumentKey;
use crypto::seal::ring::{self, RingError, RingKeyHandle, RingKeyId};
use schemas::MessageId;
use time::OffsetDateTime;

use folder::{Folder, Stamp};

pub use custody::{Custody, CustodyError};

/// Why a document key was not wrapped or not unwrapped, or the ring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The operator's: a file or folder that is missing, broken, or open to others.
    #[error("{}: {problem}", file.display())]
    Unusable {
        /// Which.
        file: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The key was destroyed, or its file is missing.
    #[error("the ring has no key {0}")]
    UnknownKey(RingKeyId),
    /// The key is the one that wraps; rotate first.
    #[error("the ring key {0} is the current one")]
    IsCurrent(RingKeyId),
    /// Keys of a token are made and destroyed by the token's own tools.
    #[error("the ring lies in no folder")]
    NoFolder,
    /// The wrapped value does not open.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl KeyRingError {
    /// The stable name of the kind, for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "ring.unusable",
            Self::UnknownKey(_) => "ring.unknown_key",
            Self::IsCurrent(_) => "ring.is_current",
            Self::NoFolder => "ring.no_folder",
            Self::Ring(RingError::NotWrapped) => "ring.not_wrapped",
            Self::Ring(RingError::OtherKey(_)) => "ring.other_key",
            Self::Ring(RingError::Forged) => "ring.forged",
            Self::Ring(RingError::HolderFailed) => "ring.holder_failed",
        }
    }

    /// Whether another envelope may still open.
    fn is_of_the_envelope(&self) -> bool {
        matches!(self, Self::UnknownKey(_) | Self::Ring(RingError::Forged | RingError::NotWrapped))
    }
}

/// The ring. Cheap to clone; says nothing of its keys but their ids.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    folder: Option<Folder>,
    keys: RwLock<Arc<Keys>>,
}

/// The keys as they were found.
struct Keys {
    current: RingKeyId,
    since: OffsetDateTime,
    all: BTreeMap<RingKeyId, Held>,
    /// By what a changed folder is noticed; None where there is no folder.
    stamp: Option<Stamp>,
}

/// A key of the ring, wherever it is held.
#[derive(Clone)]
pub struct Held {
    /// Computes with the key.
    pub key: Arc<dyn RingKeyHandle>,
    /// When it was made.
    pub created: OffsetDateTime,
}

/// What may be said of a key of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingKeyStatus {
    /// Its name.
    pub id: RingKeyId,
    /// When it was made.
    pub created: OffsetDateTime,
    /// Whether it is the one that wraps.
    pub is_current: bool,
}

impl KeyRing {
    /// Reads the ring of a folder.
    ///
    /// # Errors
    /// [`KeyRingError::Unusable`] names what is missing, broken, or open to others.
    pub fn open(folder: &Path) -> Result<Self, KeyRingError> {
        let folder = Folder::new(folder);
        let keys = RwLock::new(Arc::new(folder.load()?));
        Ok(Self(Arc::new(Inner { folder: Some(folder), keys })))
    }

    /// A ring of keys that others hold. `since`: when the current key became current.
    #[must_use]
    pub fn of_holders(current: Held, since: OffsetDateTime, older: Vec<Held>) -> Self {
        let id = current.key.id();
        let all = older.into_iter().chain([current]).map(|held| (held.key.id(), held)).collect();
        let keys = Keys { current: id, since, all, stamp: None };
        Self(Arc::new(Inner { folder: None, keys: RwLock::new(Arc::new(keys)) }))
    }

    /// Wraps the key of a message's document under the current key: what `message.key_envelope` holds.
    ///
    /// # Errors
    /// [`KeyRingError::Unusable`] where the ring was changed and cannot be read; [`RingError::HolderFailed`].
    pub fn wrap(&self, message: MessageId, key: &DocumentKey) -> Result<Vec<u8>, KeyRingError> {
        self.wrap_in(message.as_bytes(), key)
    }

    /// Wraps any other secret of 32 bytes, bound to `context`, which is never the sixteen bytes of a message.
    ///
    /// # Errors
    /// As [`KeyRing::wrap`].
    pub(crate) fn wrap_in(&self, context: &[u8], key: &DocumentKey) -> Result<Vec<u8>, KeyRingError> {
        let keys = self.keys()?;
        let current = keys.find(keys.current)?;
        Ok(ring::wrap(&*current.key, context, key)?)
    }

    /// Unwraps what [`KeyRing::wrap`] made of the same message, whichever key of the ring was current then.
    ///
    /// # Errors
    /// [`RingError::NotWrapped`] for a CMS envelope; [`KeyRingError::UnknownKey`] where the key was destroyed; [`RingError::Forged`] where
    /// the envelope was changed or is another message's.
    pub fn unwrap(&self, message: MessageId, envelope: &[u8]) -> Result<DocumentKey, KeyRingError> {
        self.unwrap_in(message.as_bytes(), envelope)
    }

    /// Unwraps what [`KeyRing::wrap_in`] made under the same context.
    ///
    /// # Errors
    /// As [`KeyRing::unwrap`].
    pub(crate) fn unwrap_in(&self, context: &[u8], wrapped: &[u8]) -> Result<DocumentKey, KeyRingError> {
        let named = ring::named_key(wrapped).ok_or(RingError::NotWrapped)?;
        let keys = self.keys()?;
        Ok(ring::unwrap(&*keys.find(named)?.key, context, wrapped)?)
    }

    /// The envelope under the current key; None where it is under the current key already, or none of the ring's.
    ///
    /// # Errors
    /// As [`KeyRing::unwrap`] and [`KeyRing::wrap`].
    pub fn rewrap(&self, message: MessageId, envelope: &[u8]) -> Result<Option<Vec<u8>>, KeyRingError> {
        self.rewrap_in(message.as_bytes(), envelope)
    }

    /// The same for what [`KeyRing::wrap_in`] made.
    ///
    /// # Errors
    /// As [`KeyRing::rewrap`].
    pub(crate) fn rewrap_in(&self, context: &[u8], wrapped: &[u8]) -> Result<Option<Vec<u8>>, KeyRingError> {
        match ring::named_key(wrapped) {
            None => Ok(None),
            Some(named) if named == self.keys()?.current => Ok(None),
            Some(_) => self.wrap_in(context, &self.unwrap_in(context, wrapped)?).map(Some),
        }
    }

    /// Whether an envelope is the ring's, and not a CMS envelope to a certificate.
    #[must_use]
    pub fn is_envelope(envelope: &[u8]) -> bool {
        ring::named_key(envelope).is_some()
    }

    /// The id of the key that wraps.
    ///
    /// # Errors
    /// [`KeyRingError::Unusable`] where the ring was changed and cannot be read.
    pub fn current(&self) -> Result<RingKeyId, KeyRingError> {
        Ok(self.keys()?.current)
    }

    /// The keys, oldest first.
    ///
    /// # Errors
    /// As [`KeyRing::current`].
    pub fn status(&self) -> Result<Vec<RingKeyStatus>, KeyRingError> {
        let keys = self.keys()?;
        let status = |(id, held): (&RingKeyId, &Held)| RingKeyStatus {
            id: *id,
            created: held.created,
            is_current: *id == keys.current,
        };
        let mut all: Vec<_> = keys.all.iter().map(status).collect();
        all.sort_by_key(|key| (key.created, key.id));
        Ok(all)
    }

    fn folder(&self) -> Result<&Folder, KeyRingError> {
        self.0.folder.as_ref().ok_or(KeyRingError::NoFolder)
    }

    /// The keys as they are now. One look at the folder each time; it is read again where it was changed. Where that fails, so does
    /// the use: a key that was destroyed must not live on in a process that did not hear of it.
    fn keys(&self) -> Result<Arc<Keys>, KeyRingError> {
        let known = Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner));
        let Some(folder) = &self.0.folder else { return Ok(known) };
        if known.stamp == Some(folder.stamp()?) {
            return Ok(known);
        }
        let found = Arc::new(folder.load()?);
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&found);
        Ok(found)
    }
}

impl Keys {
    fn find(&self, id: RingKeyId) -> Result<&Held, KeyRingError> {
        self.all.get(&id).ok_or(KeyRingError::UnknownKey(id))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyRing(..)")
    }
}

#[cfg(test)]
mod tests;
