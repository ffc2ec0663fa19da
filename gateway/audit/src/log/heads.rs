//! What others have of the log, beside what it signed: the published head, the head that a quorum of witnesses cosigned, and anchors.
//!
//! The witnessed head lies where the published one does: in the database, which only moves forward and is what the node serves, and as the
//! object `log/checkpoint.witnessed` for whoever serves the folder.

use crate::log::state::{LogState, Published, only_store, signed, unsigned};
use crate::log::{Log, LogFailure};
use bytes::Bytes;
use crypto::merkle::{Hash, consistency_proof};
use std::collections::HashMap;
use storage::{StoreError, Tx};
use time::OffsetDateTime;

/// What the log has published, and how far others vouch for it.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    /// Leaves of the committed tree, which may be ahead of what is published.
    pub(crate) committed: u64,
    pub(crate) published: Option<Published>,
    /// What a quorum cosigned, with all lines.
    pub(crate) witnessed: Option<Published>,
    /// When the first event was recorded that no witnessed head covers.
    pub(crate) unwitnessed_since: Option<OffsetDateTime>,
    /// The latest anchor.
    pub(crate) anchor: Option<Anchored>,
    /// When the first event was recorded that no anchor covers, the one aside that logged the latest anchor.
    pub(crate) unanchored_since: Option<OffsetDateTime>,
}

/// A time-stamp over a checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Anchored {
    pub(crate) size: u64,
    pub(crate) at: OffsetDateTime,
}

impl Log {
    pub(crate) async fn heads(&self) -> Result<Heads, LogFailure> {
        Ok(self.inner.reader.read("log_heads", Heads::read_in).await?)
    }

    /// The proof that the tree of `old` leaves is the beginning of the one of `new`, which is committed.
    pub(crate) async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogFailure> {
        if old == 0 || old == new {
            return Ok(Vec::new());
        }
        let tiles = &self.inner.tiles;
        tiles.compute(new, HashMap::new(), |tiles| consistency_proof(old, new, tiles)).await
    }

    /// The head that a quorum of witnesses cosigned, with their lines; none before the first.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn witnessed(&self) -> Result<Option<String>, LogFailure> {
        let read = |tx: &mut Tx<'_>| Ok(read_witnessed(tx)?.map(|witnessed| witnessed.note));
        Ok(self.inner.reader.read("log_witnessed", read).await?)
    }

    /// Sizes of the published and of the witnessed head, and when the first event was recorded that the witnessed one does not cover: what
    /// is shown to operators.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn vouched(&self) -> Result<Vouched, LogFailure> {
        let heads = self.heads().await?;
        let size = |head: Option<Published>| head.map_or(0, |head| head.size);
        Ok(Vouched {
            published: size(heads.published),
            witnessed: size(heads.witnessed),
            unwitnessed_since: heads.unwitnessed_since,
            anchored: heads.anchor.map_or(0, |anchor| anchor.size),
            unanchored_since: heads.unanchored_since,
        })
    }

    /// Makes a cosigned head the witnessed one, unless a larger one is, or one of this size with as many lines. `note` was judged.
    pub(crate) async fn publish_witnessed(
        &self,
        size: u64,
        cosignatures: usize,
        note: String,
    ) -> Result<bool, LogFailure> {
        let sql = "-- publish_witnessed
            UPDATE log_witnessed SET size = $1, cosignatures = $2, note = $3
            WHERE id = 1 AND (size < $1 OR (size = $1 AND cosignatures < $2))";
        let (signed_size, lines) = (signed(size)?, i64::try_from(cosignatures).unwrap_or(i64::MAX));
        let text = note.clone();
        let written = self.inner.writer.run_tx("log_publish_witnessed", move |tx| {
            Ok(tx.execute(sql, &[signed_size.into(), lines.into(), (&text).into()])? == 1)
        });
        if !written.await.map_err(only_store)? {
            return Ok(false);
        }
        self.inner.tiles.objects.put("log/checkpoint.witnessed", Bytes::from(note)).await?;
        Ok(true)
    }

    /// The time-stamp token over the checkpoint of this size; none where it was never anchored.
    ///
    /// # Errors
    /// Failures of the database or the objects; [`LogFailure::TileDiffers`] where it is not the one that was logged.
    pub async fn anchor(&self, size: u64) -> Result<Option<Bytes>, LogFailure> {
        let sql = "-- anchor
            SELECT token_sha256 FROM log_anchors WHERE size = $1";
        let Ok(size) = signed(size) else { return Ok(None) };
        let read =
            self.inner.reader.read("log_anchor", move |tx| tx.query_optional(sql, &[size.into()], |row| row.array(0)));
        let Some(digest): Option<Hash> = read.await? else { return Ok(None) };
        let key = anchor_key(size.unsigned_abs());
        match self.inner.tiles.objects.read(&key).await? {
            Some(token) if crypto::digest::sha256(&token) == digest => Ok(Some(token)),
            _ => Err(LogFailure::TileDiffers(key)),
        }
    }
}

/// How far others vouch for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Entries under the published checkpoint.
    pub published: u64,
    /// Entries under the head that a quorum cosigned.
    pub witnessed: u64,
    /// When the first event was recorded that is not under that head.
    pub unwitnessed_since: Option<OffsetDateTime>,
    /// Entries under the latest time-stamp.
    pub anchored: u64,
    /// When the first event was recorded that is not under it.
    pub unanchored_since: Option<OffsetDateTime>,
}

impl Heads {
    fn read_in(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let recorded = "-- read_in
            SELECT at FROM audit_seq WHERE seq = $1";
        let state = LogState::read_in(tx)?;
        let witnessed = read_witnessed(tx)?;
        let first = signed(witnessed.as_ref().map_or(0, |witnessed| witnessed.size))?;
        let unwitnessed_since = tx.query_optional(recorded, &[first.into()], |row| row.time(0))?;
        let anchor = read_anchor(tx)?;
        let unanchored_since = unanchored_since(tx, anchor.as_ref())?;
        let anchor = anchor.map(|(anchor, _)| anchor);
        let (committed, published) = (state.size, state.published);
        Ok(Self { committed, published, witnessed, unwitnessed_since, anchor, unanchored_since })
    }
}

fn read_witnessed(tx: &mut Tx<'_>) -> Result<Option<Published>, StoreError> {
    let sql = "-- read_witnessed
        SELECT size, note FROM log_witnessed WHERE id = 1";
    let found = tx.query_optional(sql, &[], |row| {
        if row.is_null(1)? { Ok(None) } else { Ok(Some(Published { size: unsigned(row, 0)?, note: row.text(1)? })) }
    })?;
    Ok(found.flatten())
}

/// The latest anchor, and the event that logged it.
fn read_anchor(tx: &mut Tx<'_>) -> Result<Option<(Anchored, Vec<u8>)>, StoreError> {
    let sql = "-- read_anchor
        SELECT size, at, event_id FROM log_anchors ORDER BY size DESC LIMIT 1";
    tx.query_optional(sql, &[], |row| Ok((Anchored { size: unsigned(row, 0)?, at: row.time(1)? }, row.blob(2)?)))
}

/// Of what nobody anchored yet. The event of an anchor alone does not ask for another anchor: an idle log would never come to rest.
fn unanchored_since(
    tx: &mut Tx<'_>,
    anchor: Option<&(Anchored, Vec<u8>)>,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let sql = "-- unanchored_since
        SELECT at FROM audit_seq WHERE seq >= $1 AND event_id <> $2 ORDER BY seq LIMIT 1";
    let nobody = Vec::new();
    let (size, event) = anchor.map_or((0, &nobody), |(anchor, event)| (anchor.size, event));
    tx.query_optional(sql, &[signed(size)?.into(), event.into()], |row| row.time(0))
}

/// Where the time-stamp over a checkpoint of this size lies.
pub(crate) fn anchor_key(size: u64) -> String {
    format!("log/anchors/{size}.tsr")
}
