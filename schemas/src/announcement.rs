//! Submissions in several requests: announced first, then uploaded part by part and range by range, then sent.
//!
//! Nothing is promised of an announced submission but that what was received of it stays until its term. What a part holds
//! is sealed by the node as it arrives; responsibility begins with the receipt, as with a submission in one request.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{EventId, MessageId};
use crate::message::{Envelope, MediaType, PartRole};
use crate::state::MessageState;

/// What will be handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// Who, where to, what.
    pub envelope: Envelope,
    /// Its parts: at least one document, and for each document and attachment a signature of the sender; at most
    /// [`crate::limits::ANNOUNCED_PARTS`].
    pub parts: Vec<AnnouncedPart>,
}

/// A part that will be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncedPart {
    /// Its number, 0 to 99, each once; gaps are allowed.
    #[schema(maximum = 99)]
    pub number: u8,
    /// What it is.
    pub role: PartRole,
    /// Of a signature: the number of the part that it signs, detached. Absent for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u8>,
    /// Its media type.
    pub media_type: MediaType,
    /// Its size in bytes: at least 1.
    #[schema(minimum = 1, maximum = 2147483648u64)]
    pub size: u64,
    /// SHA-256 of the whole part in lower-case hexadecimal, where it is known already. Other content is refused then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How an announced submission stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AnnouncementStatus {
    /// The message that it becomes.
    pub message_id: MessageId,
    /// Where it stands: `announced` while parts are taken.
    pub state: MessageState,
    /// What is not sent by then is given up. Absent once it was sent, or came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
    /// Its parts by number, with what was received of each. Empty once the submission was rejected or given up.
    pub parts: Vec<UploadedPart>,
    /// The audited event of the announcement.
    pub event_id: EventId,
    /// Evidence V.1: a JWS in compact form (RFC 7515).
    pub evidence: String,
}

/// A part, and what was received of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UploadedPart {
    /// Its number.
    pub number: u8,
    /// What it is.
    pub role: PartRole,
    /// Of a signature: the part that it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u8>,
    /// Its media type.
    pub media_type: MediaType,
    /// Its size as announced, in bytes.
    pub size: u64,
    /// How many bytes are durable, from its beginning: an upload goes on here.
    pub received: u64,
    /// SHA-256 of the whole part in lower-case hexadecimal: what was received, once that is all; what was announced before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The end of a submission that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AnnouncementEnd {
    /// The message.
    pub message_id: MessageId,
    /// Its state now.
    pub state: MessageState,
    /// The audited event.
    pub event_id: EventId,
    /// Evidence A.2: a JWS in compact form.
    pub evidence: String,
}
