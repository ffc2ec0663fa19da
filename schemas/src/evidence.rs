//! Evidence of each step, named after ETSI EN 319 522-1 (events) and -2 (contents).
//!
//! An [`EvidenceStatement`] is the payload of a JWS in compact form (RFC 7515), signed by the node. The header carries
//! `alg`, `typ` = [`EVIDENCE_TYPE`] and `x5t#S256`, the SHA-256 of the node's signing certificate. The payload is signed as
//! the bytes that it is sent as; nobody needs to serialise it again to check it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, MailboxId};
use crate::id::{CaseId, EventId, EvidenceId, MessageId};
use crate::message::Part;

/// `typ` of the JWS header.
pub const EVIDENCE_TYPE: &str = "vuzol-evidence+jws";

/// The event that the evidence proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum EvidenceKind {
    /// The node accepted a submission.
    #[serde(rename = "A.1")]
    SubmissionAcceptance,
    /// The node refused a submission.
    #[serde(rename = "A.2")]
    SubmissionRejection,
    /// The next node took the message.
    #[serde(rename = "B.1")]
    RelayAcceptance,
    /// The next node refused the message.
    #[serde(rename = "B.2")]
    RelayRejection,
    /// The next node could not be reached.
    #[serde(rename = "B.3")]
    RelayFailure,
    /// The recipient accepted the content.
    #[serde(rename = "C.3")]
    ConsignmentAcceptance,
    /// The recipient refused the content.
    #[serde(rename = "C.4")]
    ConsignmentRejection,
    /// The recipient let the term pass.
    #[serde(rename = "C.5")]
    AcceptanceRejectionExpiry,
    /// The content lies in the recipient's mailbox.
    #[serde(rename = "D.1")]
    ContentConsignment,
    /// The content could not be put into the recipient's mailbox.
    #[serde(rename = "D.2")]
    ContentConsignmentFailure,
    /// The recipient fetched the content.
    #[serde(rename = "E.1")]
    ContentHandover,
}

impl EvidenceKind {
    /// The code of ETSI EN 319 522-1, as on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SubmissionAcceptance => "A.1",
            Self::SubmissionRejection => "A.2",
            Self::RelayAcceptance => "B.1",
            Self::RelayRejection => "B.2",
            Self::RelayFailure => "B.3",
            Self::ConsignmentAcceptance => "C.3",
            Self::ConsignmentRejection => "C.4",
            Self::AcceptanceRejectionExpiry => "C.5",
            Self::ContentConsignment => "D.1",
            Self::ContentConsignmentFailure => "D.2",
            Self::ContentHandover => "E.1",
        }
    }

    /// The name that the standard gives the event.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SubmissionAcceptance => "SubmissionAcceptance",
            Self::SubmissionRejection => "SubmissionRejection",
            Self::RelayAcceptance => "RelayAcceptance",
            Self::RelayRejection => "RelayRejection",
            Self::RelayFailure => "RelayFailure",
            Self::ConsignmentAcceptance => "ConsignmentAcceptance",
            Self::ConsignmentRejection => "ConsignmentRejection",
            Self::AcceptanceRejectionExpiry => "AcceptanceRejectionExpiry",
            Self::ContentConsignment => "ContentConsignment",
            Self::ContentConsignmentFailure => "ContentConsignmentFailure",
            Self::ContentHandover => "ContentHandover",
        }
    }
}

/// What the node states. Every field is present in every kind of evidence unless marked otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvidenceStatement {
    /// Version of this shape.
    pub version: u8,
    /// This piece of evidence.
    pub evidence_id: EvidenceId,
    /// The event, by its ETSI code.
    pub kind: EvidenceKind,
    /// The node that states it.
    pub node: String,
    /// When the event happened, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The row of the transparency log that records the event.
    pub event_id: EventId,
    /// The message. Absent in A.2: a rejected submission gets no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The case. Absent in A.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Who sent it.
    pub sender: Edrpou,
    /// SHA-256 of the certificate with which the sender's system logged in, in lower-case hexadecimal.
    pub sender_certificate: String,
    /// Where it goes.
    pub recipient: MailboxId,
    /// Kind of document.
    pub document_kind: DocumentKind,
    /// When the node accepted the submission. Absent in A.2.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub accepted_at: Option<OffsetDateTime>,
    /// Digest of every part. In A.2 as far as it was read.
    pub parts: Vec<Part>,
    /// Why, as a stable code: in A.2, B.2, B.3, C.4, C.5, D.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the recipient's signed acknowledgement (DER), in lower-case hexadecimal: in C.3 and C.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_sha256: Option<String>,
}
