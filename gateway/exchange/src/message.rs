//! A stored message and what evidence says of it.

use crypto::digest::hex;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{MediaType, MessageState, MessageSummary, Part};
use schemas::{CaseId, DocumentKind, Edrpou, EventId, EvidenceId, MailboxId, MessageId};
use time::OffsetDateTime;

/// Version of the evidence's shape.
const EVIDENCE_VERSION: u8 = 1;

/// A message as its row tells it, without key and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) case: CaseId,
    pub(crate) sender: Edrpou,
    pub(crate) sender_certificate: [u8; 32],
    pub(crate) recipient: MailboxId,
    pub(crate) kind: DocumentKind,
    pub(crate) media_type: MediaType,
    pub(crate) state: MessageState,
    pub(crate) accepted_at: OffsetDateTime,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) parts: Vec<Part>,
}

impl Message {
    pub(crate) fn summary(&self) -> MessageSummary {
        MessageSummary {
            message_id: self.id,
            case_id: self.case,
            sender: self.sender,
            recipient: self.recipient.clone(),
            kind: self.kind.clone(),
            media_type: self.media_type.clone(),
            state: self.state,
            accepted_at: self.accepted_at,
            changed_at: self.changed_at,
        }
    }

    /// `message:<id>`, as audit entries name it.
    pub(crate) fn object(&self) -> String {
        object(self.id)
    }

    /// What the node states of a step of this message.
    pub(crate) fn statement(&self, stated: Stated<'_>) -> EvidenceStatement {
        EvidenceStatement {
            version: EVIDENCE_VERSION,
            evidence_id: stated.id,
            kind: stated.kind,
            node: stated.node.to_owned(),
            at: stated.at,
            event_id: stated.event,
            message_id: Some(self.id),
            case_id: Some(self.case),
            sender: self.sender,
            sender_certificate: hex(&self.sender_certificate),
            recipient: self.recipient.clone(),
            document_kind: self.kind.clone(),
            accepted_at: Some(self.accepted_at),
            parts: self.parts.clone(),
            reason: None,
            acknowledgement_sha256: None,
        }
    }
}

/// What differs between the pieces of evidence of one message.
pub(crate) struct Stated<'a> {
    pub(crate) id: EvidenceId,
    pub(crate) kind: EvidenceKind,
    pub(crate) node: &'a str,
    pub(crate) at: OffsetDateTime,
    pub(crate) event: EventId,
}

/// Evidence A.2: there is no message, so what is known of the submission stands alone.
pub(crate) struct Rejected<'a> {
    pub(crate) stated: Stated<'a>,
    pub(crate) sender: Edrpou,
    pub(crate) sender_certificate: &'a [u8; 32],
    pub(crate) recipient: &'a MailboxId,
    pub(crate) kind: &'a DocumentKind,
    pub(crate) parts: Vec<Part>,
    pub(crate) reason: &'a str,
}

impl Rejected<'_> {
    pub(crate) fn statement(self) -> EvidenceStatement {
        EvidenceStatement {
            version: EVIDENCE_VERSION,
            evidence_id: self.stated.id,
            kind: self.stated.kind,
            node: self.stated.node.to_owned(),
            at: self.stated.at,
            event_id: self.stated.event,
            message_id: None,
            case_id: None,
            sender: self.sender,
            sender_certificate: hex(self.sender_certificate),
            recipient: self.recipient.clone(),
            document_kind: self.kind.clone(),
            accepted_at: None,
            parts: self.parts,
            reason: Some(self.reason.to_owned()),
            acknowledgement_sha256: None,
        }
    }
}

/// A piece of evidence on its way into its row.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) id: EvidenceId,
    pub(crate) message: MessageId,
    pub(crate) kind: EvidenceKind,
    /// The state that the message came to.
    pub(crate) state: MessageState,
    pub(crate) at: OffsetDateTime,
    pub(crate) event: EventId,
    pub(crate) jws: String,
}

/// `message:<id>`, as audit entries name it.
pub(crate) fn object(message: MessageId) -> String {
    format!("message:{message}")
}

/// Number and digest of each part, for audit entries.
pub(crate) fn digests(parts: &[Part]) -> serde_json::Value {
    parts.iter().map(|part| serde_json::json!({ "number": part.number, "sha256": part.sha256 })).collect()
}
