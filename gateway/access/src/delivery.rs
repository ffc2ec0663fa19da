//! Whether a document could be sent, before it is: so that nobody hands in two gigabytes to learn that the recipient has no
//! certificate.
//!
//! A question is decided by the policies of a submission. Who could not submit gets the code that the submission would get, and
//! nothing of the recipient; such an answer has its audit row, as the refused submission would have.

use audit::{Action, EventDraft, Outcome};
use certs::certificate::Certificate;
use schemas::ProblemCode;
use schemas::routing::{CapabilityQuery, Deliverability, Sealing};
use storage::StoreError;

use crate::decide::{Access, CheckDelivery, Permit, SubmissionResource, SubmitDocument, unreadable};
use crate::standing::NotReliable;

impl Access {
    /// Whether a document as described could be sent by the one who asks. `node_bytes`: the largest document that this node takes;
    /// `has_ring`: it can hold document keys for recipients without an encryption certificate.
    ///
    /// # Errors
    /// The code of a refusal of the question itself: `ActionForbidden` to who is no participant, and where the registry or the log
    /// cannot be reached. That nothing can be delivered is no error.
    pub async fn check_delivery(
        &self,
        permit: &Permit<CheckDelivery>,
        question: &CapabilityQuery,
        node_bytes: u64,
        has_ring: bool,
    ) -> Result<Deliverability, ProblemCode> {
        let sender = permit.actor().participant().ok_or(ProblemCode::ActionForbidden)?;
        let CapabilityQuery { recipient, kind, bytes } = question.clone();
        let resource = SubmissionResource { sender, recipient: recipient.clone(), kind: kind.clone() };
        let denial = self.decide::<SubmitDocument>(permit.actor(), resource).await.err().map(|denied| denied.code);
        let mut reasons = Vec::new();
        match denial {
            None => {}
            Some(
                code @ (ProblemCode::Internal
                | ProblemCode::StorageUnavailable
                | ProblemCode::NoSpace
                | ProblemCode::Overloaded),
            ) => {
                return Err(code);
            }
            Some(code) => {
                self.record_denial(permit, question, code).await?;
                reasons.push(code);
            }
        }
        let registry = self.registry();
        // Without a channel the caller is a stranger to the recipient.
        let Some(policy) = registry.channel_policy(sender, &recipient, &kind).await.map_err(of_store)? else {
            return Ok(answer(question, &reasons));
        };
        let participant = registry.participant(recipient.participant()).await.map_err(of_store)?;
        let participant = participant.ok_or(ProblemCode::Internal)?;
        let certificate = registry.encryption_certificate(recipient.participant()).await.map_err(of_store)?;
        let sealable = participant.encryption.is_some();
        let held = certificate.is_none() && has_ring && policy.node_held_keys && participant.node.is_none();
        let standing = if held {
            Ok(())
        } else if self.is_lost(participant.node.as_deref()).await? {
            Err(ProblemCode::RecipientCannotReceive)
        } else {
            self.standing_of(certificate.filter(|_| sealable)).await
        };
        let sealing = standing.is_ok().then_some(if held { Sealing::NodeRing } else { Sealing::Certificate });
        reasons.extend(standing.err());
        let maximum_bytes = node_bytes.min(policy.maximum_bytes).min(participant.reception.maximum_bytes);
        reasons.extend(size_problem(bytes, maximum_bytes));
        Ok(Deliverability {
            policy: Some(policy),
            maximum_bytes: Some(maximum_bytes),
            encryption: participant.encryption,
            sealing,
            last_seen_at: participant.last_seen_at,
            ..answer(question, &reasons)
        })
    }

    /// Whether its mailboxes are at a node to which no way leads, now that an operator withdrew it or named none.
    async fn is_lost(&self, node: Option<&str>) -> Result<bool, ProblemCode> {
        let Some(node) = node else { return Ok(false) };
        Ok(self.peers().find(node).await.map_err(of_store)?.is_none())
    }

    /// Whether something may be sealed to the certificate now.
    async fn standing_of(&self, certificate: Option<Certificate>) -> Result<(), ProblemCode> {
        let certificate = certificate.ok_or(ProblemCode::RecipientCannotReceive)?;
        let checked = self.inner.recipients.check(&certificate, &[]).await;
        checked.map(drop).map_err(|reason| match reason {
            NotReliable::StatusUnknown(_) => ProblemCode::RecipientStatusUnknown,
            NotReliable::OutsideValidity(_) | NotReliable::NoPath(_) | NotReliable::Revoked => {
                ProblemCode::RecipientCannotReceive
            }
        })
    }

    /// Who tries one mailbox after another leaves the same trace as with submissions.
    async fn record_denial(
        &self,
        permit: &Permit<CheckDelivery>,
        question: &CapabilityQuery,
        code: ProblemCode,
    ) -> Result<(), ProblemCode> {
        let draft = EventDraft {
            action: Action::CheckDelivery,
            actor: permit.actor().pseudonym(),
            object: Some(format!("mailbox:{}", question.recipient)),
            outcome: Outcome::Refused(code),
            details: serde_json::json!({ "kind": &question.kind }),
        };
        self.registry().record(draft).await.map_err(of_store)
    }
}

fn size_problem(bytes: Option<u64>, maximum: u64) -> Option<ProblemCode> {
    match bytes? {
        0 => Some(ProblemCode::EmptyDocument),
        bytes => (bytes > maximum).then_some(ProblemCode::TooLarge),
    }
}

/// What everybody is told.
fn answer(question: &CapabilityQuery, reasons: &[ProblemCode]) -> Deliverability {
    Deliverability {
        deliverable: reasons.is_empty(),
        reasons: reasons.iter().map(|code| code.as_str().to_owned()).collect(),
        recipient: question.recipient.clone(),
        policy: None,
        maximum_bytes: None,
        encryption: None,
        sealing: None,
        last_seen_at: None,
    }
}

fn of_store(error: StoreError) -> ProblemCode {
    tracing::error!(%error, "whether something can be delivered cannot be told");
    unreadable(&error)
}

#[cfg(test)]
mod tests;
