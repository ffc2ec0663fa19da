//! Evidence of each step, named after ETSI EN 319 522-1 (events) and -2 (contents).
//!
//! An [`EvidenceStatement`] is the payload of a JWS in compact form (RFC 7515), signed by the node as JAdES B-B (ETSI TS 119
//! 182-1). The header carries `alg`, `cty` = `json`, `typ` = [`EVIDENCE_TYPE`], `x5t#S256`, the SHA-256 of the node's signing
//! certificate, and `iat`, the second of [`EvidenceStatement::at`]. The payload is signed as the bytes that it is sent as; nobody
//! needs to serialise it again to check it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, MailboxId};
use crate::id::{CaseId, EventId, EvidenceId, MessageId};
use crate::message::Part;
use crate::state::State;

/// `typ` of the JWS header.
pub const EVIDENCE_TYPE: &str = "vuzol-evidence+jws";

/// Version of the statement's shape. 2 states the message's state and the number of the step; 3 names the digests of the sealed
/// parts too, and is signed under a header with `cty` and `iat`.
pub const EVIDENCE_VERSION: u8 = 3;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// The event that the evidence proves. Codes A to F are those of ETSI EN 319 522-1, clause 6; codes V are steps of this
        /// node for which the standard has no event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum EvidenceKind { $($(#[$doc])* #[serde(rename = $code)] $name,)* }

        impl EvidenceKind {
            /// All kinds, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code, as on the wire.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// The name of the event; that of the standard where it has one.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$name => stringify!($name)),* } }
        }
    };
}

kinds! {
    /// The node accepted a submission.
    SubmissionAcceptance = "A.1";
    /// The node refused a submission.
    SubmissionRejection = "A.2";
    /// The next node took the message.
    RelayAcceptance = "B.1";
    /// The next node refused the message.
    RelayRejection = "B.2";
    /// The next node could not be reached in time.
    RelayFailure = "B.3";
    /// The recipient accepted the content.
    ConsignmentAcceptance = "C.3";
    /// The recipient refused the content.
    ConsignmentRejection = "C.4";
    /// The recipient let the term pass.
    AcceptanceRejectionExpiry = "C.5";
    /// The content lies in the recipient's mailbox.
    ContentConsignment = "D.1";
    /// The content could not be put into the recipient's mailbox.
    ContentConsignmentFailure = "D.2";
    /// The recipient was told that the content is there, or reminded of it.
    ConsignmentNotification = "D.3";
    /// The recipient could not be told.
    ConsignmentNotificationFailure = "D.4";
    /// The recipient fetched the content.
    ContentHandover = "E.1";
    /// A submission was announced; its parts are being uploaded.
    SubmissionAnnouncement = "V.1";
    /// The submission is complete and waits for a fact.
    SubmissionHold = "V.2";
    /// The message is to go to another node.
    RelayQueueing = "V.3";
    /// A relay was begun.
    RelayAttempt = "V.4";
    /// A relay did not succeed and will be tried again.
    RelayDelay = "V.5";
    /// Operators had a message delivered again that could not be delivered.
    ConsignmentRetry = "V.6";
    /// The recipient registered the document.
    ContentRegistration = "V.7";
    /// Keys and parts were destroyed.
    ContentErasure = "V.8";
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
    /// Which step of the message it is, from 1. Absent in version 1, and in A.2 of a submission that was never kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The state that the message came to, with its data. Absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The message. Absent in A.2 of a submission that was never kept: it has no number.
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
    /// SHA-256 of the recipient's acknowledgement as it came, in lower-case hexadecimal: in C.3, C.4 and V.7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_sha256: Option<String>,
    /// The recipient did not sign the acknowledgement: the node states it on behalf of a system of the recipient's, which it
    /// knows by this login certificate (SHA-256 in lower-case hexadecimal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Evidence of another node that this step rests on: in A.1 of a message that another node accepted first, in B.1, and in C.3,
    /// C.4, C.5 and V.7 of a message that was relayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<OtherEvidence>,
    /// SHA-256 of the metadata, in lower-case hexadecimal: of their JSON as messages show it, `schema` before `content`, in it sorted
    /// keys and without white space. Absent where there are none, so that such statements are what they were before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_sha256: Option<String>,
}

/// Evidence of another node, by its number and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OtherEvidence {
    /// The node that states it.
    pub node: String,
    /// Its number.
    pub evidence_id: EvidenceId,
    /// SHA-256 of the JWS in compact form, in lower-case hexadecimal.
    pub sha256: String,
}
