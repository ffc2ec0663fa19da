//! Messages: what a sender hands in, what the node answers, what a recipient reads.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, MailboxId};
use crate::id::{CaseId, EventId, EvidenceId, LeaseToken, MessageId};
pub use crate::kinds::Metadata;
pub use crate::retention::MessageRetention;
use crate::scan::PartScan;
pub use crate::state::{MessageState, State, Term};

/// What routing may read of a submission. The title, the names of files and everything else that may tell of a person
/// belong in the document, which the node seals and cannot open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The participant in whose name the document is sent. Must be the one that the client certificate belongs to.
    pub sender: Edrpou,
    /// Where it is to arrive.
    pub recipient: MailboxId,
    /// The kind of document; the channel between sender and recipient must allow it.
    pub kind: DocumentKind,
    /// The case that this message continues. Absent: the node opens a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Media type of the document, for example `application/pdf`.
    pub media_type: MediaType,
    /// What the recipient's system may know of the document before it opens it; the channel may demand it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// A media type: `type/subtype` in lower case, without parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9.+-]{1,63}/[a-z0-9.+-]{1,63}$", example = "application/pdf")]
pub struct MediaType(String);

/// The text is not `type/subtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a media type is type/subtype in lower case, without parameters")]
pub struct InvalidMediaType;

impl MediaType {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MediaType {
    type Error = InvalidMediaType;
    fn try_from(text: String) -> Result<Self, InvalidMediaType> {
        let token = |t: &str| {
            (1..=63).contains(&t.len())
                && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".+-".contains(&b))
        };
        let well_formed = text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
        well_formed.then_some(Self(text)).ok_or(InvalidMediaType)
    }
}

impl From<MediaType> for String {
    fn from(value: MediaType) -> String {
        value.0
    }
}

/// What a part of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartRole {
    /// The document.
    Document,
    /// What belongs to the document and is signed by itself.
    Attachment,
    /// A detached signature over another part.
    Signature,
}

/// One part of a message as evidence and recipients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Part {
    /// Where it came in one request, 0 is the document and 1 its signature; otherwise as the sender numbered it.
    pub number: u8,
    /// What it is.
    pub role: PartRole,
    /// Of a signature: the part that it signs. Absent: the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u8>,
    /// Its media type. Absent: for the document that of the envelope, for its signature CMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// SHA-256 of the part as it was handed in, before sealing, in lower-case hexadecimal.
    pub sha256: String,
    /// Size before sealing in bytes.
    pub size: u64,
    /// Size of the sealed part, which is what is downloaded, in bytes.
    pub sealed_size: u64,
    /// SHA-256 of the sealed part, in lower-case hexadecimal: names what is stored and downloaded without a look inside. Absent of
    /// parts that came before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_sha256: Option<String>,
    /// What a malware scanner said of it. Absent where the node that took it in has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<PartScan>,
}

impl Part {
    /// Whether both are of the same bytes in the same place, whatever scanners said of them: two nodes name a part alike, and each has a
    /// scanner of its own, or none.
    #[must_use]
    pub fn is_of_the_same_bytes(&self, other: &Self) -> bool {
        let Self { number, role, of, media_type, sha256, size, sealed_size, sealed_sha256, scan: _ } = self;
        (number, role, of, media_type) == (&other.number, &other.role, &other.of, &other.media_type)
            && (sha256, size, sealed_size) == (&other.sha256, &other.size, &other.sealed_size)
            && *sealed_sha256 == other.sealed_sha256
    }
}

/// The answer to a submission: it is durable from here on. A repeat of the submission brings the same receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The message.
    pub message_id: MessageId,
    /// The case that it belongs to.
    pub case_id: CaseId,
    /// When the node took responsibility, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub accepted_at: OffsetDateTime,
    /// What was handed in.
    pub parts: Vec<Part>,
    /// The audited event of the acceptance; `/v1/log/proofs/{event_id}` proves it within a second or so.
    pub event_id: EventId,
    /// Evidence A.1 SubmissionAcceptance, signed by the node: a JWS in compact form (RFC 7515).
    pub evidence: String,
}

/// The answer to a submission that is held: everything is here and durable, a fact about its signatures is missing, and the
/// channel has it wait. It is not accepted: no deadline is kept by it, and the recipient sees nothing of it. What becomes of it tells
/// `/v1/messages/{message}`, or a repeat of the submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldReceipt {
    /// The message.
    pub message_id: MessageId,
    /// Where it stands: `submitted`.
    pub state: MessageState,
    /// Whether the node has taken responsibility: `false`.
    pub accepted: bool,
    /// The code of what is missing.
    pub missing: String,
    /// What did not arrive by then will not be waited for: the submission is rejected, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// What was handed in.
    pub parts: Vec<Part>,
    /// The audited event; `/v1/log/proofs/{event_id}` proves it within a second or so.
    pub event_id: EventId,
    /// Evidence V.2, signed by the node: a JWS in compact form (RFC 7515).
    pub evidence: String,
}

/// A message in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageSummary {
    /// The message.
    pub message_id: MessageId,
    /// Its case. Absent where it was rejected before a case was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Who sent it.
    pub sender: Edrpou,
    /// Where it arrives.
    pub recipient: MailboxId,
    /// Kind of document.
    pub kind: DocumentKind,
    /// Media type of the document.
    pub media_type: MediaType,
    /// Where it stands, by name.
    pub state: MessageState,
    /// Where it stands, with the data of that state: until when, why, to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<State>,
    /// When the node took responsibility. Absent where it has not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub accepted_at: Option<OffsetDateTime>,
    /// When it last changed state.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
    /// How long its content is kept. Where one message is read; absent in listings, and before the node has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<MessageRetention>,
    /// What the sender stated of the document. Evidence names its SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// One page of a listing, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<MessageSummary>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<MessageId>,
}

/// A request to lease messages of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// How many at most, 1 to [`crate::limits::LEASE_MESSAGES`].
    pub max_messages: u32,
    /// For how long in seconds, 1 to [`crate::limits::LEASE_SECONDS`].
    pub seconds: u32,
    /// Whether the answer is to carry the sealed parts of small messages, which hands these over (E.1) at once and spares
    /// their downloads.
    #[serde(default)]
    pub contents: bool,
    /// For how long the answer may be held back where nothing waits, in seconds, 0 to [`crate::limits::LEASE_WAIT_SECONDS`]:
    /// it comes as soon as something is there.
    #[serde(default)]
    pub wait_seconds: u32,
}

/// Leased messages: until the lease expires no one else is offered them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lease {
    /// Sent as `Vuzol-Lease` with downloads and acknowledgements.
    pub token: LeaseToken,
    /// When the lease ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// What was leased; empty when nothing waits.
    pub messages: Vec<LeasedMessage>,
}

/// A leased message with what is needed to open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeasedMessage {
    /// The message.
    #[serde(flatten)]
    pub summary: MessageSummary,
    /// How often it was leased before.
    pub earlier_leases: u32,
    /// Its parts.
    pub parts: Vec<Part>,
    /// The document key, wrapped to the recipient: base64 of a CMS AuthEnvelopedData (RFC 5083) that holds the 32-byte key.
    /// Empty where the recipient has no encryption certificate, and where nobody can open the document.
    pub key_envelope: String,
    /// The document key itself, base64 of 32 bytes, where the recipient has no encryption certificate and the node held the key. Opens the
    /// sealed parts as a key from an envelope does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_key: Option<String>,
    /// Nobody can open the message, or not now: the code that its parts are refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Every sealed part, where contents were asked for and the message is small; empty otherwise: then they are downloaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<SealedPart>,
}

/// A sealed part inside an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SealedPart {
    /// Which part.
    pub number: u8,
    /// The sealed bytes in base64.
    pub sealed: String,
}

/// What a recipient says of a message. This JSON is the content that its signed acknowledgement carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The message.
    pub message_id: MessageId,
    /// Accepted, refused or registered.
    pub outcome: AcknowledgementOutcome,
    /// SHA-256 of the document that was opened, in lower-case hexadecimal: binds the acknowledgement to the content.
    pub document_sha256: String,
    /// Why, when refused. It is stated in signed evidence, which outlives the document: no personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it is found in the recipient's register, when registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
}

/// An entry of the recipient's register of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The registration number as the recipient writes it, 1 to [`crate::limits::REGISTRATION_CHARACTERS`] characters. As with a reason,
    /// it outlives the document: no personal data.
    pub number: String,
    /// The registration date: `YYYY-MM-DD`.
    pub date: String,
}

/// Accepted, refused or registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcknowledgementOutcome {
    /// The recipient accepts the document (C.3).
    Accepted,
    /// The recipient refuses it and says why (C.4).
    Refused,
    /// The recipient has entered it into its register (V.7); a document that was not accepted yet is accepted by this (C.3).
    Registered,
}

/// The answer to an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AcknowledgementReceipt {
    /// The message.
    pub message_id: MessageId,
    /// Its state now.
    pub state: MessageState,
    /// The audited event.
    pub event_id: EventId,
    /// Evidence C.3 or C.4: a JWS in compact form.
    pub evidence: String,
}

/// One step of a case, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseEvent {
    /// The audited event.
    pub event_id: EventId,
    /// The message that it is about.
    pub message_id: MessageId,
    /// The state that the message came to.
    pub state: MessageState,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The evidence of the step.
    pub evidence_id: EvidenceId,
    /// The evidence itself: a JWS in compact form.
    pub evidence: String,
    /// The node that states it, where it is another one: the message came from there, or went there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// The events of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaseEvents {
    /// The case.
    pub case_id: CaseId,
    /// Its events, oldest first.
    pub events: Vec<CaseEvent>,
}

/// What proves an audited event: the entry that was logged and its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogProof {
    /// The event.
    pub event_id: EventId,
    /// The logged entry: base64 of the canonical bytes that are the leaf's content.
    pub entry: String,
    /// The proof, a `c2sp.org/tlog-proof@v1` text: index, hashes, checkpoint.
    pub proof: String,
}
