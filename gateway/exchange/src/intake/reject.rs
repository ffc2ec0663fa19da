//! A submission is refused: evidence A.2 and the audit row, and nothing else.

use access::Permit;
use access::decide::SubmitDocument;
use audit::{Action, EventDraft, Outcome};
use schemas::EvidenceId;
use schemas::message::Part;
use storage::StoreError;
use storage::ids::FreshId;

use super::Submission;
use crate::message::{Rejected, Stated, digests};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;

/// What is known of a submission when it is refused.
#[derive(Default)]
pub(super) struct SoFar {
    /// The document, where it was read to its end.
    pub(super) document: Option<Part>,
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
        let envelope = &submission.envelope;
        let parts: Vec<Part> = so_far.document.into_iter().collect();
        let id = EvidenceId::fresh(self.inner.clock.now());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::SubmitDocument,
            actor: permit.actor().pseudonym(),
            object: Some(format!("mailbox:{}", envelope.recipient)),
            outcome: Outcome::Refused(refusal.code),
            details: serde_json::json!({
                "kind": &envelope.kind,
                "parts": digests(&parts),
                "evidence": id,
            }),
        });
        let kind = Step::Reject.evidence();
        let stated = Stated { id, kind, node: self.inner.signer.node(), at: event.at(), event: event.id() };
        let rejected = Rejected {
            stated,
            sender: envelope.sender,
            sender_certificate: permit.actor().certificate(),
            recipient: &envelope.recipient,
            kind: &envelope.kind,
            parts,
            reason: refusal.code.as_str(),
        };
        let evidence = self.inner.signer.sign(&rejected.statement())?;
        let recorded = event.id();
        self.inner
            .ledger
            .transact("reject_submission", move |tx| Ok::<_, StoreError>(audit::append(tx, &event)?.with(())))
            .await?;
        Ok(Refusal { evidence: Some(evidence), recorded: Some(recorded), ..refusal })
    }
}
