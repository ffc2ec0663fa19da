//! Time-stamps over checkpoints (RFC 3161): they bound the log's clock from outside, and outlive its key.
//!
//! Every some minutes, and only where something happened since, an authority stamps the SHA-256 of the text of the published checkpoint (what the log's
//! key signed, without the signature lines). The token lies at `log/anchors/<size>.tsr` for ever; the event `log.anchor` names size and digest of the
//! token in the entry itself, `anchor:<size>:<SHA-256>`. So an entry lies between two time-stamps: of the last checkpoint without it, and of the
//! first with it, whatever the node's clock said.
//!
//! Order: the token is durable before the transaction that names it. What a crash leaves in between is found by the next round and taken over if it holds.
//!
//! This room knows no certificate: [`Authority`] hands out tokens that it has validated. An outage raises an alarm after a bound (`anchor.degraded`) and
//! stops nothing.

use crate::alarm::Alarm;
use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::{Ledger, append};
use crate::log::heads::{Heads, anchor_key};
use crate::log::state::{Published, only_store, signed};
use crate::log::{Log, LogFailure};
use bytes::Bytes;
use crypto::digest::{hex, sha256};
use crypto::merkle::Hash;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use storage::{Clock, StoreError};
use time::{Duration, OffsetDateTime};

/// Bytes of a token that are kept.
pub const TOKEN_BYTES: usize = 1 << 20;

/// No time-stamp: why, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unstamped(pub String);

/// An answer on its way.
pub type Stamping<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unstamped>> + Send + 'a>>;

/// Time-stamps of an authority that is trusted. Implemented where certificates and HTTP are known.
pub trait Authority: Send + Sync {
    /// A token over this SHA-256, which holds as [`Authority::holds`] has it.
    fn stamp<'a>(&'a self, imprint: Hash) -> Stamping<'a, Vec<u8>>;

    /// Whether the token is over this SHA-256, its signature verifies, and its signer is an authority for time-stamps that is trusted now and not revoked.
    fn holds<'a>(&'a self, token: &'a [u8], imprint: Hash) -> Stamping<'a, ()>;
}

/// Why a round did not end in a time-stamp that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum AnchorFailure {
    /// The authority's, or of the way to it.
    #[error(transparent)]
    Unstamped(#[from] Unstamped),
    /// Ours.
    #[error(transparent)]
    Log(#[from] LogFailure),
}

impl From<StoreError> for AnchorFailure {
    fn from(error: StoreError) -> Self {
        Self::Log(error.into())
    }
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchoring {
    /// Nothing has happened since the last one, or it is not time yet.
    NotDue,
    /// The checkpoint of this size is stamped, and that is on record.
    Anchored {
        /// Its size.
        size: u64,
    },
    /// Another process of the node was faster.
    Overtaken,
}

/// Anchors a log. One in each process that works; several do no harm.
pub struct Anchors {
    log: Log,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    authority: Arc<dyn Authority>,
    every: Duration,
    alarm: Duration,
}

impl Anchors {
    /// `every`: between two anchors. `alarm`: how old an event may be that none covers.
    #[must_use]
    pub fn new(
        log: Log,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        authority: Arc<dyn Authority>,
        (every, alarm): (Duration, Duration),
    ) -> Self {
        Self { log, ledger, clock, authority, every, alarm }
    }

    /// Stamps the published checkpoint where that is due, and looks whether the alarm is to be raised or lowered.
    ///
    /// # Errors
    /// [`AnchorFailure`]: worth another try.
    pub async fn round(&self) -> Result<Anchoring, AnchorFailure> {
        let heads = self.log.heads().await?;
        let done = match self.due(&heads) {
            Some(published) => self.anchor(published).await,
            None => Ok(Anchoring::NotDue),
        };
        if let Err(error) = &done {
            metrics::counter!("vuzol_anchor_failures_total").increment(1);
            tracing::debug!(cause = %error, "a checkpoint is not time-stamped");
        }
        self.watch(done.as_ref().err()).await?;
        done
    }

    fn due<'h>(&self, heads: &'h Heads) -> Option<&'h Published> {
        let published = heads.published.as_ref()?;
        heads.unanchored_since?;
        match &heads.anchor {
            Some(anchor) if anchor.size >= published.size => None,
            // A clock that was set back does not put it off.
            Some(anchor) if (anchor.at..anchor.at + self.every).contains(&self.clock.now()) => None,
            _ => Some(published),
        }
    }

    async fn anchor(&self, published: &Published) -> Result<Anchoring, AnchorFailure> {
        let text = published.note.rfind("\n\n").and_then(|end| published.note.get(..=end)).unwrap_or_default();
        let token = self.token(published.size, sha256(text.as_bytes())).await?;
        let recorded = self.record(published.size, sha256(&token)).await?;
        if recorded {
            metrics::counter!("vuzol_anchors_total").increment(1);
            Ok(Anchoring::Anchored { size: published.size })
        } else {
            Ok(Anchoring::Overtaken)
        }
    }

    /// A token that holds, durable under its key.
    async fn token(&self, size: u64, imprint: Hash) -> Result<Bytes, AnchorFailure> {
        let objects = &self.log.inner.tiles.objects;
        let key = anchor_key(size);
        // From a round that did not come to its transaction, or from a process that is in it at this moment.
        if let Some(left) = objects.read(&key).await? {
            match self.authority.holds(&left, imprint).await {
                Ok(()) => return Ok(left),
                Err(why) => {
                    tracing::warn!(size, cause = %why, "a time-stamp that no event names does not hold, and is replaced")
                }
            }
        }
        let token = Bytes::from(self.authority.stamp(imprint).await?);
        if token.len() > TOKEN_BYTES {
            return Err(Unstamped("the token is larger than is kept".to_owned()).into());
        }
        match objects.put_new(&key, token.clone()).await {
            Ok(()) => return Ok(token),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        // What did not hold a moment ago; or another process was faster, and its token is as good as ours.
        let found = objects.read(&key).await?.unwrap_or_default();
        if self.log.is_anchored(size).await? || self.authority.holds(&found, imprint).await.is_ok() {
            return Ok(found);
        }
        objects.put(&key, token.clone()).await?;
        Ok(token)
    }

    /// The row and its event; false where there is a row.
    async fn record(&self, size: u64, digest: Hash) -> Result<bool, AnchorFailure> {
        let sql = "-- record_anchor
            INSERT INTO log_anchors (size, token_sha256, at, event_id) VALUES ($1, $2, $3, $4)";
        let event = self.ledger.prepare(EventDraft {
            action: Action::AnchorLog,
            actor: "node".to_owned(),
            object: Some(object(size, &digest)),
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        });
        let (row, at) = (signed(size)?, self.clock.now());
        let recorded = self.ledger.transact("log_anchor", move |tx| {
            tx.execute(sql, &[row.into(), (&digest).into(), at.into(), event.id().as_bytes().into()])?;
            Ok::<_, StoreError>(append(tx, &event)?.with(()))
        });
        match recorded.await.map_err(only_store) {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn watch(&self, failure: Option<&AnchorFailure>) -> Result<(), LogFailure> {
        let (heads, now) = (self.log.heads().await?, self.clock.now());
        let age = age(heads.unanchored_since, now);
        metrics::gauge!("vuzol_log_anchor_seconds").set(age.as_seconds_f64());
        let raised = age > self.alarm;
        let details = serde_json::json!({
            "anchored": heads.anchor.as_ref().map_or(0, |anchor| anchor.size),
            "seconds": age.whole_seconds(),
            "why": failure.map(ToString::to_string),
        });
        if Alarm::Anchor.set(&self.ledger, raised, now, details).await? {
            if raised {
                let cause = failure.map(ToString::to_string).unwrap_or_default();
                tracing::error!(
                    seconds = age.whole_seconds(),
                    cause,
                    "checkpoints are not time-stamped; the exchange goes on"
                );
            } else {
                tracing::info!("checkpoints are time-stamped again");
            }
        }
        metrics::gauge!("vuzol_log_anchor_alarm").set(if raised { 1.0 } else { 0.0 });
        Ok(())
    }
}

impl Log {
    async fn is_anchored(&self, size: u64) -> Result<bool, StoreError> {
        let sql = "-- is_anchored
            SELECT 1 FROM log_anchors WHERE size = $1";
        let size = signed(size)?;
        let read = move |tx: &mut storage::Tx<'_>| tx.query_optional(sql, &[size.into()], |row| row.integer(0));
        Ok(self.inner.reader.read("log_is_anchored", read).await?.is_some())
    }
}

fn age(since: Option<OffsetDateTime>, now: OffsetDateTime) -> Duration {
    since.map_or(Duration::ZERO, |since| (now - since).max(Duration::ZERO))
}

/// How an entry names an anchor.
fn object(size: u64, digest: &Hash) -> String {
    format!("anchor:{size}:{}", hex(digest))
}

/// Size and digest of the token that an entry names, where it is the entry of an anchor.
pub(crate) fn named_by(entry: &[u8]) -> Option<(u64, Hash)> {
    // Nearly every entry is another's: no JSON is read of those.
    let marked = |text: &[u8]| entry.windows(text.len()).any(|window| window == text);
    if !entry.starts_with(br#"{"action":"log.anchor","#) || !marked(br#""object":"anchor:"#) {
        return None;
    }
    let json: serde_json::Value = serde_json::from_slice(entry).ok()?;
    let (size, digest) = json.get("object")?.as_str()?.strip_prefix("anchor:")?.split_once(':')?;
    Some((size.parse().ok()?, crypto::digest::from_hex(digest)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
