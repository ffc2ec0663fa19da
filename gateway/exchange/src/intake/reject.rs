//! A submission is refused: evidence A.2, the audit row, and a row by which it can be found. Nothing of its content stays.

use access::Permit;
use access::decide::SubmitDocument;
use audit::{Action, Outcome};
use schemas::message::{Envelope, Part};
use schemas::problem::Blame;
use schemas::{MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};
use time::OffsetDateTime;

use super::{Submission, fingerprint, forgotten_before};
use crate::edge::Deed;
use crate::message::{Message, digests};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Claim, NewMessage};

/// What is known of a submission when it is refused.
#[derive(Default)]
pub(super) struct SoFar {
    /// Its first byte was asked for.
    pub(super) begun: bool,
    /// The document, where it was read to its end.
    pub(super) document: Option<Part>,
    /// The signature file, where the scanner stopped it.
    pub(super) signature: Option<Part>,
}

impl Exchange {
    /// Puts the refusal on record. Where the node itself failed there is nothing to state; where the record cannot be
    /// written, the caller learns that instead: no refusal leaves unrecorded.
    pub(super) async fn reject(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        refusal: Refusal,
        so_far: SoFar,
    ) -> Refusal {
        if refusal.is_failure_of_the_node() {
            return refusal;
        }
        match self.record_rejection(permit, submission, refusal, so_far).await {
            Ok(recorded) => recorded,
            Err(failure) => failure,
        }
    }

    async fn record_rejection(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        refusal: Refusal,
        so_far: SoFar,
    ) -> Result<Refusal, Refusal> {
        let new = self.rejected(permit, submission, &refusal, so_far)?;
        let edge = new.edges.first().ok_or(ProblemCode::Internal)?;
        let (evidence, recorded) = (edge.evidence.jws.clone(), edge.event.id());
        let rejected = self.inner.ledger.transact("reject_submission", move |tx| {
            let appended = tables::insert_message(tx, &new)?.ok_or(KeyTaken::Taken)?;
            Ok::<_, KeyTaken>(appended.with(()))
        });
        match rejected.await {
            Ok(()) => Ok(Refusal { evidence: Some(evidence), recorded: Some(recorded), ..refusal }),
            // A twin was first. What became of that one is what the next repeat hears; this one heard why it failed.
            Err(TxError::Refused(KeyTaken::Taken)) => Ok(refusal),
            Err(TxError::Refused(KeyTaken::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    /// The row of a rejected submission: no part of it is kept, but who sent what to whom and why it was refused, so that
    /// it can be searched for.
    fn rejected(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        refusal: &Refusal,
        so_far: SoFar,
    ) -> Result<NewMessage, Refusal> {
        let Envelope { sender, recipient, kind, media_type, metadata, .. } = submission.envelope.clone();
        let now = self.inner.clock.now();
        let claim = self.claim(submission, refusal, so_far.document.as_ref(), now)?;
        let parts: Vec<Part> = so_far.document.into_iter().chain(so_far.signature).collect();
        let parts_json = serde_json::to_string(&parts).map_err(|_| ProblemCode::Internal)?;
        let details = serde_json::json!({ "recipient": &recipient, "kind": &kind, "parts": digests(&parts) });
        let message = Message {
            id: MessageId::fresh(now),
            case: None,
            sender,
            sender_certificate: *permit.actor().certificate().ok_or(ProblemCode::SessionWithoutCertificate)?,
            recipient,
            kind,
            media_type,
            state: None,
            steps: 0,
            accepted_at: None,
            changed_at: now,
            parts,
            metadata,
        };
        let deed = Deed {
            outcome: Outcome::Refused(refusal.code),
            ..Deed::of(Action::SubmitDocument, permit.actor().pseudonym(), details)
        };
        let edge = self.edge(&message, &Step::Reject { reason: refusal.code.as_str().to_owned() }, deed)?;
        let (opens_case, key_envelope, contents, job, route) = (false, None, Vec::new(), None, None);
        Ok(NewMessage { edges: vec![edge], opens_case, key_envelope, contents, claim, job, route, parts_json })
    }

    /// A submission that was wrong stays wrong: its key is taken, so that no repeat of it ever gets a receipt. What others
    /// have to mend (a service out of reach, a certificate of the recipient) may be tried again under the same key.
    fn claim(
        &self,
        submission: &Submission,
        refusal: &Refusal,
        document: Option<&Part>,
        now: OffsetDateTime,
    ) -> Result<Option<Claim>, Refusal> {
        let for_good = refusal.code.blame() == Blame::Caller && refusal.code != ProblemCode::IdempotencyKeyReused;
        let digest = document.filter(|_| for_good).and_then(|part| crypto::digest::from_hex(&part.sha256));
        let Some(digest) = digest.and_then(|digest| <[u8; 32]>::try_from(digest).ok()) else { return Ok(None) };
        let fingerprint = fingerprint(submission, &digest)?;
        let key = submission.idempotency_key.0.clone();
        Ok(Some(Claim { key, fingerprint, forgotten_before: forgotten_before(now) }))
    }
}

/// Why the row of a rejection was not written.
enum KeyTaken {
    Taken,
    Store(StoreError),
}

impl From<StoreError> for KeyTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
