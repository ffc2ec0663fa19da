//! A stored message, its steps, and what evidence says of it.

use crypto::digest::hex;
use schemas::evidence::{EVIDENCE_VERSION, EvidenceKind, EvidenceStatement};
use schemas::kinds::Metadata;
use schemas::message::{MediaType, MessageState, MessageSummary, Part, State};
use schemas::{CaseId, DocumentKind, Edrpou, EventId, EvidenceId, MailboxId, MessageId};
use time::OffsetDateTime;

use crate::metadata;

/// A message as its row tells it, without key and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// None where it was rejected before a case was known.
    pub(crate) case: Option<CaseId>,
    pub(crate) sender: Edrpou,
    pub(crate) sender_certificate: [u8; 32],
    pub(crate) recipient: MailboxId,
    pub(crate) kind: DocumentKind,
    pub(crate) media_type: MediaType,
    /// None before the first step.
    pub(crate) state: Option<State>,
    /// How many steps it has taken.
    pub(crate) steps: u32,
    pub(crate) accepted_at: Option<OffsetDateTime>,
    pub(crate) changed_at: OffsetDateTime,
    pub(crate) parts: Vec<Part>,
    pub(crate) metadata: Option<Metadata>,
}

impl Message {
    /// The name of its state. A row always has one; what has none is not stored yet.
    pub(crate) fn standing(&self) -> MessageState {
        self.state.as_ref().map_or(MessageState::Submitted, State::name)
    }

    pub(crate) fn summary(&self) -> MessageSummary {
        MessageSummary {
            message_id: self.id,
            case_id: self.case,
            sender: self.sender,
            recipient: self.recipient.clone(),
            kind: self.kind.clone(),
            media_type: self.media_type.clone(),
            state: self.standing(),
            standing: self.state.clone(),
            accepted_at: self.accepted_at,
            changed_at: self.changed_at,
            retention: None,
            metadata: self.metadata.clone(),
        }
    }

    /// `message:<id>`, as audit entries name it.
    pub(crate) fn object(&self) -> String {
        object(self.id)
    }

    /// What the node states of the step that brought this message to where it is.
    pub(crate) fn statement(&self, stated: Stated<'_>) -> EvidenceStatement {
        EvidenceStatement {
            version: EVIDENCE_VERSION,
            evidence_id: stated.id,
            kind: stated.kind,
            node: stated.node.to_owned(),
            at: stated.at,
            event_id: stated.event,
            step: Some(self.steps),
            state: self.state.clone(),
            message_id: Some(self.id),
            case_id: self.case,
            sender: self.sender,
            sender_certificate: hex(&self.sender_certificate),
            recipient: self.recipient.clone(),
            document_kind: self.kind.clone(),
            accepted_at: self.accepted_at,
            parts: self.parts.clone(),
            reason: None,
            acknowledgement_sha256: None,
            on_behalf_of: None,
            rests_on: None,
            metadata_sha256: self.metadata.as_ref().map(metadata::digest),
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

/// A piece of evidence on its way into its row.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) id: EvidenceId,
    pub(crate) message: MessageId,
    /// Which step of the message, from 1.
    pub(crate) step: u32,
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

/// Number and digest of each part, and what a scanner said of it, for audit entries.
pub(crate) fn digests(parts: &[Part]) -> serde_json::Value {
    let named = |part: &Part| {
        let mut named = serde_json::json!({ "number": part.number, "sha256": part.sha256 });
        if let (Some(scan), Some(named)) = (&part.scan, named.as_object_mut()) {
            named.insert("scan".to_owned(), serde_json::json!(scan));
        }
        named
    };
    parts.iter().map(named).collect()
}
