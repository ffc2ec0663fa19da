//! A submission in several requests: announced, uploaded part by part in ranges that may come again, then sent.
//!
//! **What is kept of a range.** A range that was answered is durable: a row with its digest, and its sealed bytes in the row
//! or in an object. A range that broke off is forgotten. Ranges follow one another; a gap is refused, so that what was
//! received is one number. A range that comes again is compared by its digest and not kept again.
//!
//! **How it is sealed, and why a part in ranges is written twice.** A recipient opens every part as one sealed stream
//! (`crypto::seal`), whose chunks are numbered under one key of the stream. Two ways lead there:
//!
//! 1. *Go on with the stream*: keep its salt, and seal each range under the next numbers. Nothing is written twice. But a
//!    range that broke off and comes again with other bytes seals other chunks under the same key and numbers, and so does
//!    every range after a database was set back to a copy. Whoever finds both on the disk (removed files, backups) learns
//!    the difference of the contents and the key of GCM's authentication.
//! 2. *A stream for each range*, with a salt of its own, bound to message, part and offset; the part's own stream is made when
//!    the last range is here. No nonce can come twice, whatever breaks off or is set back.
//!
//! The second is what happens here. It costs one reading and one writing of the part, in bounded memory, at its last range.
//! The reading has to be done in any case: the digest of the whole cannot be carried from one process to the next. A part
//! that comes in one range lies in its final form at once and is written once, as in a submission in one request. Sending
//! rewrites nothing: it reads parts back only where a signer uses another digest than SHA-256.
//!
//! **The key.** One for the message, drawn at the announcement, wrapped by the node's ring until it is sealed to the recipient
//! in the transaction of the acceptance. Without a ring a node takes submissions in one request only.
//!
//! **Its end.** Accepted, the parts become the message's. Rejected, given up or lapsed, the rows of the upload go with the
//! key in the transaction of evidence A.2; the objects are removed after it, or by the sweep. What others have to mend (a
//! responder out of reach, a certificate of the recipient) rejects nothing: the sender sends again, or the submission is held
//! where its channel says so (`hold`).

mod announce;
mod hold;
mod judge;
mod range;
mod send;

use access::Permit;
use access::decide::CompleteSubmission;
use audit::{Action, EventDraft, Outcome};
use crypto::digest::hex;
use crypto::seal::DocumentKey;
use schemas::announcement::{AnnouncementEnd, AnnouncementStatus, UploadedPart};
use schemas::message::{MessageState, Part, State};
use schemas::{MessageId, ProblemCode};
use storage::{StoreError, TxError};

use crate::edge::{self, Deed};
use crate::message::object;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Announced, UploadPart};

pub(crate) use send::{Acceptance, WrappedKey};

pub use announce::NewAnnouncement;
pub use range::{ContentRange, PartUpload};

/// Why a step of an announced submission did not commit.
enum NotTaken {
    /// Somebody else was there first.
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// What was received of an announced submission: uploads go on there.
    ///
    /// # Errors
    /// `NotFound` where the message was not announced; otherwise when the store fails.
    pub async fn announcement(&self, permit: Permit<CompleteSubmission>) -> Result<AnnouncementStatus, Refusal> {
        let announced = self.announced(permit.resource().message).await?;
        let details = serde_json::json!({ "state": announced.message.standing() });
        let draft = EventDraft {
            action: Action::ReadAnnouncement,
            actor: permit.actor().pseudonym(),
            object: Some(announced.message.object()),
            outcome: Outcome::Done,
            details,
        };
        self.inner.ledger.record(draft).await?;
        Ok(status(&announced))
    }

    /// Gives an announced submission up: evidence A.2, and nothing of it stays.
    ///
    /// # Errors
    /// `SubmissionSent`, `SubmissionEnded`; `NotFound` where the message was not announced; otherwise when the store fails.
    pub async fn withdraw(&self, permit: Permit<CompleteSubmission>) -> Result<AnnouncementEnd, Refusal> {
        let announced = self.announced(permit.resource().message).await?;
        if announced.message.standing() != MessageState::Announced {
            return Err(closed(&announced));
        }
        let step = Step::Reject { reason: WITHDRAWN.to_owned() };
        let deed = Deed::of(Action::WithdrawSubmission, permit.actor().pseudonym(), serde_json::json!({}));
        let edge = self.edge(&announced.message, &step, deed)?;
        let end = AnnouncementEnd {
            message_id: announced.message.id,
            state: edge.evidence.state,
            event_id: edge.evidence.event,
            evidence: edge.evidence.jws.clone(),
        };
        self.reject_announced(announced.message.id, edge).await?;
        Ok(end)
    }

    /// Takes the step to Rejected, and removes what lies in the object store.
    async fn reject_announced(&self, id: MessageId, edge: edge::Edge) -> Result<(), Refusal> {
        let rejected = self.inner.ledger.transact("reject_announced", move |tx| {
            let objects = tables::kept_objects(tx, id)?;
            let appended = edge::take(tx, &edge, None)?.ok_or(NotTaken::Moved)?;
            Ok::<_, NotTaken>(appended.with(objects))
        });
        match rejected.await {
            Ok(objects) => {
                self.unstage(&objects).await;
                Ok(())
            }
            Err(TxError::Refused(NotTaken::Moved)) => Err(closed(&self.announced(id).await?)),
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    /// The announcement as its rows tell it.
    async fn announced(&self, id: MessageId) -> Result<Announced, Refusal> {
        let found = self.inner.ledger.reader().read("announced", move |tx| tables::announced(tx, id)).await?;
        found.ok_or_else(|| ProblemCode::NotFound.into())
    }

    /// The announcement, where it still takes parts.
    async fn open_announcement(&self, id: MessageId) -> Result<Announced, Refusal> {
        let announced = self.announced(id).await?;
        match &announced.message.state {
            Some(State::Announced { until }) if *until > self.inner.clock.now() => Ok(announced),
            Some(State::Announced { .. }) => Err(ProblemCode::AnnouncementLapsed.into()),
            _ => Err(closed(&announced)),
        }
    }

    /// The key of a submission that is not complete.
    fn ring_key(&self, announced: &Announced) -> Result<DocumentKey, Refusal> {
        let ring = self.inner.ring.as_ref().ok_or(ProblemCode::AnnouncementsNotTaken)?;
        let envelope = announced.key_envelope.as_deref().ok_or(ProblemCode::KeyDestroyed)?;
        Ok(ring.unwrap(announced.message.id, envelope)?)
    }
}

/// Why nothing can be done to it any more.
fn closed(announced: &Announced) -> Refusal {
    if announced.message.standing() != MessageState::Rejected {
        return ProblemCode::SubmissionSent.into();
    }
    let evidence = Some(announced.last.jws.clone());
    Refusal { evidence, ..Refusal::new(ProblemCode::SubmissionEnded) }
}

fn status(announced: &Announced) -> AnnouncementStatus {
    let message = &announced.message;
    let until = match message.state {
        Some(State::Announced { until }) => Some(until),
        _ => None,
    };
    let parts = if announced.parts.is_empty() {
        message.parts.iter().map(|part| of_message(part, message)).collect()
    } else {
        announced.parts.iter().map(uploaded).collect()
    };
    AnnouncementStatus {
        message_id: message.id,
        state: message.standing(),
        until,
        parts,
        event_id: announced.first.event,
        evidence: announced.first.jws.clone(),
    }
}

fn uploaded(part: &UploadPart) -> UploadedPart {
    let sha256 = part.finished.map(|whole| whole.sha256).or(part.stated);
    UploadedPart {
        number: part.number,
        role: part.role,
        of: part.of,
        media_type: part.media_type.clone(),
        size: part.size,
        received: part.received,
        sha256: sha256.map(|sha256| hex(&sha256)),
    }
}

fn of_message(part: &Part, message: &crate::message::Message) -> UploadedPart {
    UploadedPart {
        number: part.number,
        role: part.role,
        of: part.of,
        media_type: part.media_type.clone().unwrap_or_else(|| message.media_type.clone()),
        size: part.size,
        received: part.size,
        sha256: Some(part.sha256.clone()),
    }
}

/// The reason that evidence names where the sender gave it up.
const WITHDRAWN: &str = "submission.withdrawn";

/// `message:<id>` of an upload's audit entries.
fn object_of(id: MessageId) -> Option<String> {
    Some(object(id))
}
