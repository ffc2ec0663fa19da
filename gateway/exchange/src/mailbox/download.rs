//! Sealed parts on their way out.
//!
//! The first download of the document hands the message over: evidence E.1 is committed before the first byte leaves. So
//! a recipient that has the document cannot have it without the sender's proof.

use std::ops::Range;

use access::Permit;
use access::decide::DownloadPart;
use audit::Action;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use schemas::message::{MessageState, Part, PartRole};
use schemas::{LeaseToken, MessageId, ProblemCode};
use storage::StoreError;

use crate::document_key::HandedKey;
use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Content, StoredKey, StoredPart};

/// How often a handover is tried anew because the message moved meanwhile. It moves a few times in its life.
const TRIES: u32 = 8;

/// A part on its way out.
pub struct PartDownload {
    /// The part.
    pub part: Part,
    /// What is sent of the sealed bytes.
    pub range: Range<u64>,
    /// The bytes of the range.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// The message moved between the look and the step.
pub(super) enum NotHanded {
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotHanded {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotHanded> for Refusal {
    fn from(error: NotHanded) -> Self {
        match error {
            NotHanded::Moved => ProblemCode::LeaseNotHeld.into(),
            NotHanded::Store(error) => error.into(),
        }
    }
}

impl Exchange {
    /// A sealed part, for whoever holds the lease. The first download of a document or attachment hands the message over
    /// (E.1); each is audited before the first byte leaves.
    ///
    /// `range`, as in the Range header (RFC 9110, 14.1.2): start and exclusive end; an end without a start is a suffix:
    /// that many bytes from the end. An end past the part is cut to it.
    ///
    /// # Errors
    /// `NotFound` where there is no such part, `LeaseNotHeld`, `AlreadyFinal`, `RangeNotSatisfiable`; `KeyDestroyed`, `KeyUnavailable`
    /// where nobody could open it; otherwise when the store fails.
    pub async fn download(
        &self,
        permit: Permit<DownloadPart>,
        part: u8,
        lease: LeaseToken,
        range: Option<(Option<u64>, Option<u64>)>,
    ) -> Result<PartDownload, Refusal> {
        let stored = self.leased_part(&permit, part, lease).await?;
        let range = satisfiable(range, stored.part.sealed_size)?;
        self.check_readable(&stored)?;
        // Opened before the step: E.1 is not stated of a document that cannot be read.
        let body = self.open(stored.content, &range).await?;
        let recorded = stored.part.role != PartRole::Signature
            && self.hand_over_once(&permit, stored.message.clone(), &stored.part, lease).await?;
        if !recorded {
            let details = download_details(&stored.part);
            self.record_read(Action::DownloadPart, permit.actor().pseudonym(), Some(stored.message.object()), details)
                .await?;
        }
        Ok(PartDownload { part: stored.part, range, body })
    }

    /// E.1 is not stated of a document that its recipient cannot open.
    fn check_readable(&self, stored: &StoredPart) -> Result<(), ProblemCode> {
        let envelope = match &stored.key {
            StoredKey::Enveloped => return Ok(()),
            StoredKey::Ring(envelope) => Some(envelope.as_slice()),
            StoredKey::Destroyed => None,
        };
        match self.handed_key(stored.message.id, envelope) {
            HandedKey::Unreadable(code) => Err(code),
            HandedKey::Sealed | HandedKey::Open(_) => Ok(()),
        }
    }

    /// Hands the message over, unless that is done: then false. One that moved is looked at anew: another download of the
    /// same lease was first, a notice was put on record, or the lease is gone.
    async fn hand_over_once(
        &self,
        permit: &Permit<DownloadPart>,
        mut message: Message,
        part: &Part,
        lease: LeaseToken,
    ) -> Result<bool, Refusal> {
        for _ in 0..TRIES {
            if !waits(message.standing()) {
                return Ok(false);
            }
            match self.hand_over(permit, &message, part, lease).await {
                Err(NotHanded::Moved) => message = self.leased_part(permit, part.number, lease).await?.message,
                done => return Ok(done.map(|()| true)?),
            }
        }
        Err(ProblemCode::Overloaded.into())
    }

    /// Why a part is not there: its message was erased, or it never was.
    async fn absent(&self, id: MessageId, part: u8) -> Result<ProblemCode, Refusal> {
        let message = self.inner.ledger.reader().read("read_message", move |tx| tables::read_message(tx, id)).await?;
        let erased = message.is_some_and(|message| {
            message.standing() == MessageState::Erased && message.parts.iter().any(|named| named.number == part)
        });
        Ok(if erased { ProblemCode::KeyDestroyed } else { ProblemCode::NotFound })
    }

    async fn leased_part(
        &self,
        permit: &Permit<DownloadPart>,
        part: u8,
        lease: LeaseToken,
    ) -> Result<StoredPart, Refusal> {
        let id = permit.resource().message;
        let stored = self.inner.ledger.reader().read("read_part", move |tx| tables::part(tx, id, part)).await?;
        let Some(stored) = stored else { return Err(self.absent(id, part).await?.into()) };
        match stored.message.standing() {
            MessageState::Erased => return Err(ProblemCode::KeyDestroyed.into()),
            settled if settled.is_settled() => return Err(ProblemCode::AlreadyFinal.into()),
            _ => {}
        }
        let now = self.inner.clock.now();
        let held = stored.held.is_some_and(|held| held.by(lease, now));
        held.then_some(stored).ok_or_else(|| ProblemCode::LeaseNotHeld.into())
    }

    /// The message comes into the recipient's hands: E.1.
    async fn hand_over(
        &self,
        permit: &Permit<DownloadPart>,
        message: &Message,
        part: &Part,
        lease: LeaseToken,
    ) -> Result<(), NotHanded> {
        let edge = self.handover(permit.actor().pseudonym(), message, Some(part))?;
        let handed = self.inner.ledger.transact("hand_over_message", move |tx| {
            let appended = edge::take(tx, &edge, Some(lease))?.ok_or(NotHanded::Moved)?;
            Ok::<_, NotHanded>(appended.with(()))
        });
        handed.await.map_err(|error| match error {
            storage::TxError::Refused(error) => error,
            storage::TxError::Store(error) => NotHanded::Store(error),
        })
    }

    /// The edge of the handover, by the download of `part`.
    pub(super) fn handover(&self, actor: String, message: &Message, part: Option<&Part>) -> Result<Edge, NotHanded> {
        let details = part.map_or_else(|| serde_json::json!({}), download_details);
        self.edge(message, &Step::HandOver, Deed::of(Action::DownloadPart, actor, details)).map_err(|error| match error
        {
            NoEdge::Wrong(_) => NotHanded::Moved,
            NoEdge::Signing(error) => {
                tracing::error!(%error, "evidence cannot be signed");
                NotHanded::Store(StoreError::Corrupt("evidence"))
            }
        })
    }

    /// The sealed bytes of a part, or a range of them.
    pub(crate) async fn open(
        &self,
        content: Content,
        range: &Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, Refusal> {
        match content {
            Content::Object(key) => Ok(self.inner.objects.read_range(&key, range.clone()).await?),
            Content::Inline(bytes) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let (start, end) = (index(range.start), index(range.end));
                if start > end || end > bytes.len() {
                    return Err(StoreError::Corrupt("part.content").into());
                }
                let slice = Bytes::from(bytes).slice(start..end);
                Ok(stream::once(async move { Ok(slice) }).boxed())
            }
        }
    }
}

/// Whether a message lies in its mailbox and was not fetched.
pub(super) fn waits(state: MessageState) -> bool {
    matches!(state, MessageState::Consigned | MessageState::Notified)
}

pub(super) fn download_details(part: &Part) -> serde_json::Value {
    serde_json::json!({ "part": part.number, "sha256": part.sha256 })
}

fn satisfiable(range: Option<(Option<u64>, Option<u64>)>, size: u64) -> Result<Range<u64>, ProblemCode> {
    let range = match range {
        None | Some((None, None)) => 0..size,
        Some((Some(start), end)) => start..end.unwrap_or(size).min(size),
        Some((None, Some(suffix))) => size.saturating_sub(suffix)..size,
    };
    if range.is_empty() { Err(ProblemCode::RangeNotSatisfiable) } else { Ok(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_rfc_9110_has_them() {
        let of_ten = |range| satisfiable(range, 10);
        assert_eq!(of_ten(None), Ok(0..10));
        assert_eq!(of_ten(Some((Some(2), Some(5)))), Ok(2..5));
        assert_eq!(of_ten(Some((Some(2), None))), Ok(2..10));
        assert_eq!(of_ten(Some((Some(2), Some(99)))), Ok(2..10), "an end past the part is cut");
        assert_eq!(of_ten(Some((None, Some(3)))), Ok(7..10), "a suffix");
        assert_eq!(of_ten(Some((None, Some(99)))), Ok(0..10), "a suffix longer than the part");
        for wrong in [(Some(10), None), (Some(10), Some(12)), (Some(5), Some(5)), (Some(5), Some(4)), (None, Some(0))] {
            assert_eq!(of_ten(Some(wrong)), Err(ProblemCode::RangeNotSatisfiable), "{wrong:?}");
        }
    }
}
