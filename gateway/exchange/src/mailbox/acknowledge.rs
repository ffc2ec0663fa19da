//! The recipient accepts or refuses, and signs it.

use access::Permit;
use access::decide::AcknowledgeMessage;
use audit::Action;
use crypto::digest::{hex, sha256};
use schemas::limits::{ACKNOWLEDGEMENT_BYTES, REASON_CHARACTERS};
use schemas::message::{Acknowledgement, AcknowledgementOutcome, AcknowledgementReceipt, PartRole};
use schemas::{LeaseToken, ProblemCode};
use storage::{StoreError, TxError};

use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::{Evidence, Message};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::state::{Step, apply};
use crate::tables::{self, Acknowledged};

/// Why the transaction of an acknowledgement did not commit.
enum NotCommitted {
    /// The message moved between the look and the step.
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotCommitted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// Ends a message as the recipient's signed acknowledgement says: accepted (C.3) or refused (C.4). `signed`: attached
    /// CMS whose content is an [`Acknowledgement`]. The same bytes again bring the same receipt.
    ///
    /// # Errors
    /// `LeaseNotHeld`, `NotHandedOver`, `AlreadyFinal`; a code of the signature; `MalformedJson` where the content is no
    /// acknowledgement, `AcknowledgementMismatch` where it is one of something else; otherwise when the store fails.
    pub async fn acknowledge(
        &self,
        permit: Permit<AcknowledgeMessage>,
        lease: LeaseToken,
        signed: Vec<u8>,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        if signed.len() > ACKNOWLEDGEMENT_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        let digest = sha256(&signed);
        let found = self.before_acknowledgement(&permit).await?;
        if found.message.standing().is_settled() {
            return self.repeat(&permit, &found, &digest).await;
        }
        let now = self.inner.clock.now();
        if !found.held.is_some_and(|held| held.by(lease, now)) {
            return Err(ProblemCode::LeaseNotHeld.into());
        }
        // Which step it is, only the content says; that the message was handed over comes first and costs nothing.
        apply(found.message.state.as_ref(), &Step::AcceptContent).map_err(NoEdge::from)?;
        let acknowledgement = self.read_acknowledgement(&found.message, &signed).await?;
        let edge = self.acknowledged(&permit, &found.message, &acknowledgement, &digest)?;
        let receipt = receipt(&edge.evidence);
        let committed = self.inner.ledger.transact("acknowledge_message", move |tx| {
            let appended = edge::take(tx, &edge, Some(lease))?.ok_or(NotCommitted::Moved)?;
            tables::insert_acknowledgement(tx, edge.message.id, &digest, &signed)?;
            Ok::<_, NotCommitted>(appended.with(()))
        });
        match committed.await {
            Ok(()) => Ok(receipt),
            Err(TxError::Refused(NotCommitted::Moved)) => {
                // The same acknowledgement may have come twice at once; else the lease ran out.
                let found = self.before_acknowledgement(&permit).await?;
                if found.message.standing().is_settled() {
                    self.repeat(&permit, &found, &digest).await
                } else {
                    Err(ProblemCode::LeaseNotHeld.into())
                }
            }
            Err(TxError::Refused(NotCommitted::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    async fn before_acknowledgement(&self, permit: &Permit<AcknowledgeMessage>) -> Result<Acknowledged, Refusal> {
        let id = permit.resource().message;
        let reader = self.inner.ledger.reader();
        let found = reader.read("read_acknowledgement", move |tx| tables::acknowledgement(tx, id)).await?;
        found.ok_or_else(|| ProblemCode::NotFound.into())
    }

    /// A message in a final state: only the acknowledgement that brought it there is answered, as it was.
    async fn repeat(
        &self,
        permit: &Permit<AcknowledgeMessage>,
        found: &Acknowledged,
        digest: &[u8; 32],
    ) -> Result<AcknowledgementReceipt, Refusal> {
        let same = found.earlier.as_ref().filter(|(earlier, _)| earlier == digest);
        let (_, evidence) = same.ok_or(ProblemCode::AlreadyFinal)?;
        let details = serde_json::json!({ "replayed": true });
        let object = Some(found.message.object());
        self.record_read(Action::AcknowledgeMessage, permit.actor().pseudonym(), object, details).await?;
        Ok(receipt(evidence))
    }

    /// The content, once its signature is valid and the recipient's, and it speaks of this message and this document.
    async fn read_acknowledgement(&self, message: &Message, signed: &[u8]) -> Result<Acknowledgement, Refusal> {
        let document = signature::read(signed)?;
        if !document.is_attached() {
            let detail = "the acknowledgement must be inside its signature";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let revocation = self.revocation(&self.signer_paths(&document)?).await;
        let validated = self.judge(document, &revocation)?;
        signature::signed_for(&validated, message.recipient.participant())?;
        let content = validated.content().ok_or(ProblemCode::SignatureFormat)?;
        let acknowledgement: Acknowledgement = serde_json::from_slice(content).map_err(|_| {
            Refusal::with_detail(ProblemCode::MalformedJson, "the signed content is no acknowledgement")
        })?;
        check_content(message, &acknowledgement)?;
        Ok(acknowledgement)
    }

    fn acknowledged(
        &self,
        permit: &Permit<AcknowledgeMessage>,
        message: &Message,
        acknowledgement: &Acknowledgement,
        digest: &[u8; 32],
    ) -> Result<Edge, Refusal> {
        let step = match acknowledgement.outcome {
            AcknowledgementOutcome::Accepted => Step::AcceptContent,
            // In the recipient's words: they are all that the sender learns of why.
            AcknowledgementOutcome::Refused => {
                Step::RefuseContent { reason: acknowledgement.reason.clone().unwrap_or_default() }
            }
        };
        let details = serde_json::json!({ "acknowledgement": hex(digest), "outcome": acknowledgement.outcome });
        let deed = Deed::of(Action::AcknowledgeMessage, permit.actor().pseudonym(), details);
        Ok(self.edge(message, &step, Deed { acknowledgement: Some(*digest), ..deed })?)
    }
}

fn check_content(message: &Message, acknowledgement: &Acknowledgement) -> Result<(), Refusal> {
    let mismatch = |detail: &str| Err(Refusal::with_detail(ProblemCode::AcknowledgementMismatch, detail));
    if acknowledgement.message_id != message.id {
        return mismatch("message_id");
    }
    let document = message.parts.iter().find(|part| part.role == PartRole::Document);
    if document.is_none_or(|part| part.sha256 != acknowledgement.document_sha256) {
        return mismatch("document_sha256");
    }
    let reason = acknowledgement.reason.as_deref().unwrap_or_default();
    if reason.chars().count() > REASON_CHARACTERS {
        return mismatch("reason: too long");
    }
    if acknowledgement.outcome == AcknowledgementOutcome::Refused && reason.trim().is_empty() {
        return mismatch("reason");
    }
    Ok(())
}

fn receipt(evidence: &Evidence) -> AcknowledgementReceipt {
    AcknowledgementReceipt {
        message_id: evidence.message,
        state: evidence.state,
        event_id: evidence.event,
        evidence: evidence.jws.clone(),
    }
}
