//! The manifest of an exported case: what lies in the container and what it is about.
//!
//! The container is ASiC-E with CAdES (ETSI EN 319 162-1), signed by the node. Beside `manifest.json` it holds the evidence as it was
//! signed, what recipients signed, log entries with their proofs, the node's certificates, and a protocol for people. No
//! document is in it, sealed or not: the manifest names their digests.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, MailboxId};
use crate::evidence::EvidenceKind;
use crate::id::{CaseId, EventId, EvidenceId, MessageId};
use crate::message::{MediaType, MessageState, Part};

/// Version of the manifest's shape.
pub const MANIFEST_VERSION: u8 = 1;

/// Name of the manifest in the container.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Name of the protocol for people.
pub const PROTOCOL_FILE: &str = "protocol.txt";

/// Name of the node's certificates (PEM), the one of the evidence first.
pub const CERTIFICATES_FILE: &str = "certificates.pem";

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseManifest {
    /// Version of this shape.
    pub version: u8,
    /// The case.
    pub case_id: CaseId,
    /// The node that made the export.
    pub node: String,
    /// When, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
    /// The key of the node's log, a vkey of C2SP signed-note. Whoever knows it from elsewhere need not believe this.
    pub log_key: String,
    /// The messages, oldest first.
    pub messages: Vec<ExportedMessage>,
    /// The case goes on after the last message: what to ask for next. Absent where all of it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<MessageId>,
}

/// A message of the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedMessage {
    /// The message.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender: Edrpou,
    /// Where it goes.
    pub recipient: MailboxId,
    /// Kind of document.
    pub kind: DocumentKind,
    /// Media type of the document.
    pub media_type: MediaType,
    /// Where it stood when the export was made.
    pub state: MessageState,
    /// Digests of every part, plain and sealed.
    pub parts: Vec<Part>,
    /// The parts and their key were destroyed (V.8): what is left of them is the digests, and of what the recipient said, those that
    /// the evidence names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Its evidence, by the number of the step.
    pub evidence: Vec<ExportedEvidence>,
    /// The files with what the recipient said, in the order of the steps: signed (CMS, `.p7m`), or the plain word of a system of
    /// its, on whose behalf the node states it (`.json`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledgements: Vec<String>,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedEvidence {
    /// The evidence.
    pub evidence_id: EvidenceId,
    /// Which step of the message it proves, from 1.
    pub step: u32,
    /// The event, by its code.
    pub kind: EvidenceKind,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event in the log.
    pub event_id: EventId,
    /// The file with the JWS.
    pub file: String,
    /// The file with its rendering in XML. Absent of events that ETSI EN 319 522 does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<String>,
    /// The proof that the log holds the event. Absent where the log did not cover it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<ExportedProof>,
}

/// Where the proof of an event lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedProof {
    /// The file with the logged entry, byte for byte.
    pub entry: String,
    /// The file with the `c2sp.org/tlog-proof@v1`.
    pub proof: String,
}
