//! A submission in one request whose signature waits for a fact: staged like one that is accepted, committed with V.2.

use access::Permit;
use access::decide::SubmitDocument;
use schemas::ProblemCode;
use schemas::message::{Envelope, Receipt};
use storage::{StoreError, TxError};
use time::OffsetDateTime;

use super::commit::{Sealed, Staged};
use super::{Submission, Taken, digest_of, fingerprint, forgotten_before};
use crate::document_key::SealTo;
use crate::hold::{self, Between, JOB_KIND, Judgeable, Waits};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::tables::{self, Claim, NewHold, NewMessage, WaitingSignatures};

/// A submission that may wait, before anything of it is kept.
pub(super) struct Waiting {
    sealed: Sealed,
    missing: Refusal,
    until: OffsetDateTime,
}

/// Why the transaction of V.2 did not commit.
enum NotHeld {
    KeyTaken,
    /// As many of the sender's wait as may.
    Full,
    Store(StoreError),
}

impl From<StoreError> for NotHeld {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'a> Between<'a> {
    pub(super) fn of(envelope: &'a Envelope) -> Self {
        Self { sender: envelope.sender, recipient: &envelope.recipient, kind: &envelope.kind }
    }
}

impl Exchange {
    /// Holds what was read and sealed, where the channel waits for what it was refused for; else nothing of it stays.
    pub(super) async fn hold_or_refuse(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        sealed: Sealed,
        missing: Refusal,
    ) -> Result<Taken, Refusal> {
        match self.may_wait(submission, &sealed.seal_to, &missing).await {
            Ok(Some(until)) => self.hold(permit, submission, Waiting { sealed, missing, until }).await,
            Ok(None) => {
                sealed.received.abort().await;
                Err(missing)
            }
            Err(refusal) => {
                sealed.received.abort().await;
                Err(refusal)
            }
        }
    }

    /// Until when; None where it does not wait. What else would be asked of a signature that passed is asked now.
    async fn may_wait(
        &self,
        submission: &Submission,
        seal_to: &SealTo,
        missing: &Refusal,
    ) -> Result<Option<OffsetDateTime>, Refusal> {
        if !missing.waits {
            return Ok(None);
        }
        let envelope = &submission.envelope;
        let Some(until) = self.patience(&Between::of(envelope)).await? else { return Ok(None) };
        if !signature::claims(&signature::read(&submission.signature)?, envelope.sender) {
            return Err(ProblemCode::SignerNotOfSender.into());
        }
        self.check_before_hold(envelope.recipient.participant(), seal_to).await?;
        Ok(Some(until))
    }

    async fn hold(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        waiting: Waiting,
    ) -> Result<Taken, Refusal> {
        let Waiting { sealed, missing, until } = waiting;
        let document = sealed.received.sha256;
        let fingerprint = fingerprint(submission, &document)?;
        let (kept, staged) = self.keep_and_stage(submission, sealed).await?;
        let keys = [staged.object_keys(), hold::objects(&kept.signatures)].concat();
        let hold = self.new_hold(kept, until);
        let new = match self.held_message(permit, submission, staged, Waits { missing: &missing, until }, fingerprint) {
            Ok(new) => new,
            Err(refusal) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let receipt = hold::receipt(new.edges.first().ok_or(ProblemCode::Internal)?)?;
        match self.commit_hold(new, hold).await {
            Ok(()) => Ok(Taken::Held { receipt, replayed: false }),
            Err(TxError::Refused(NotHeld::KeyTaken)) => {
                self.unstage(&keys).await;
                let earlier = self.earlier(submission.envelope.sender, &submission.idempotency_key).await?;
                let earlier = earlier.ok_or(StoreError::Corrupt("submission_key"))?;
                self.replay(permit, submission, &document, earlier).await
            }
            Err(TxError::Refused(NotHeld::Full)) => {
                self.unstage(&keys).await;
                Err(ProblemCode::QuotaHeld.into())
            }
            Err(TxError::Refused(NotHeld::Store(error))) => {
                self.unstage(&keys).await;
                Err(error.into())
            }
            // It may have come after the commit reached the disk; if not, the sweep finds that no row names the objects.
            Err(TxError::Store(error)) => {
                if matches!(error, StoreError::Overloaded | StoreError::NoSpace | StoreError::Closed) {
                    self.unstage(&keys).await;
                }
                Err(error.into())
            }
        }
    }

    async fn commit_hold(&self, new: NewMessage, hold: NewHold) -> Result<(), TxError<NotHeld>> {
        self.inner
            .ledger
            .transact("hold_submission", move |tx| {
                let appended = tables::insert_message(tx, &new)?.ok_or(NotHeld::KeyTaken)?;
                let message = &new.edges.last().ok_or(StoreError::Corrupt("a message without a step"))?.message;
                if !tables::insert_waiting(tx, message, JOB_KIND, &hold)? {
                    return Err(NotHeld::Full);
                }
                Ok::<_, NotHeld>(appended.with(()))
            })
            .await
    }

    /// The signature once more, for the looks, and the parts as an accepted message has them.
    async fn keep_and_stage(
        &self,
        submission: &Submission,
        sealed: Sealed,
    ) -> Result<(WaitingSignatures, Staged), Refusal> {
        let (id, digests) = (sealed.id, sealed.received.digests.clone());
        let encryption_certificate = sealed.seal_to.certificate();
        let (key, wrapped_key) = self.key_of_hold(id)?;
        let staged = match self.stage(submission, sealed).await {
            Ok(staged) => staged,
            Err((refusal, keys)) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let judgeable = Judgeable { number: 1, of: 0, bytes: &submission.signature, digests: &digests };
        match self.keep_judgeable(id, &key, judgeable).await {
            Ok(signature) => {
                Ok((WaitingSignatures { wrapped_key, encryption_certificate, signatures: vec![signature] }, staged))
            }
            Err(refusal) => {
                self.unstage(&staged.object_keys()).await;
                Err(refusal)
            }
        }
    }

    fn held_message(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        staged: Staged,
        waits: Waits<'_>,
        fingerprint: [u8; 32],
    ) -> Result<NewMessage, Refusal> {
        let Staged { id, key_envelope, parts, document, signature } = staged;
        let Envelope { sender, recipient, kind, case_id, media_type, metadata } = submission.envelope.clone();
        let now = self.inner.clock.now();
        let parts_json = serde_json::to_string(&parts).map_err(|_| ProblemCode::Internal)?;
        let message = Message {
            id,
            case: case_id,
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
        let edge = self.hold_edge(&message, &key_envelope, waits, permit.actor().pseudonym())?;
        let key = submission.idempotency_key.0.clone();
        Ok(NewMessage {
            edges: vec![edge],
            // A case begins with what is accepted.
            opens_case: false,
            key_envelope: Some(key_envelope),
            contents: vec![(0, document), (1, signature)],
            claim: Some(Claim { key, fingerprint, forgotten_before: forgotten_before(now) }),
            job: None,
            route: None,
            parts_json,
        })
    }

    /// Another submission took the key while this one streamed: it is this one's twin, or the key was used for two.
    pub(super) async fn lost_race(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        unsent: &Receipt,
    ) -> Result<Taken, Refusal> {
        let earlier = self.earlier(submission.envelope.sender, &submission.idempotency_key).await?;
        let earlier = earlier.ok_or(StoreError::Corrupt("submission_key"))?;
        let document = digest_of(unsent.parts.first().ok_or(ProblemCode::Internal)?)?;
        self.replay(permit, submission, &document, earlier).await
    }
}
