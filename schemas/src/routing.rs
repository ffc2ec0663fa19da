//! Where documents go: functional addresses, suspensions, and whether a document would be taken before it is sent.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{Addressee, AreaCode, DocumentKind, MailboxId, ServiceName};
use crate::registry::{ChannelPolicy, Encryption};

/// Who performs a service in an area: the mailbox that its documents go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionalAddress {
    /// The service.
    pub service: ServiceName,
    /// Where: this area and all that lies in it, unless a narrower one is stated too. Absent: everywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// The mailbox.
    pub mailbox: MailboxId,
}

/// Which functional address is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AddressQuery {
    /// The service.
    #[param(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$")]
    pub service: ServiceName,
    /// The area; absent: the service wherever nothing narrower is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, pattern = "^UA[0-9]{17}$")]
    pub area: Option<AreaCode>,
}

/// Whether documents may be sent to a participant, or to one of its mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// The participant or the mailbox.
    #[schema(value_type = String, pattern = "^[0-9]{8}(\\.[a-z0-9-]{1,32})?$", example = "00000001.chancellery")]
    pub address: Addressee,
    /// Nothing can be sent to it. What was accepted before is delivered.
    pub suspended: bool,
}

/// What is asked before a document is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CapabilityQuery {
    /// The mailbox that it would go to.
    #[param(value_type = String, pattern = "^[0-9]{8}\\.[a-z0-9-]{1,32}$")]
    pub recipient: MailboxId,
    /// Its kind.
    #[param(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$")]
    pub kind: DocumentKind,
    /// Its size in bytes, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Whether a document of the caller would be taken now. A promise of nothing: what is asked here may change before the document
/// is here, and its signature is judged only then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deliverability {
    /// Nothing that can be known beforehand stands in its way.
    pub deliverable: bool,
    /// What stands in its way: codes of the problems that a submission would be answered with.
    pub reasons: Vec<String>,
    /// The mailbox.
    pub recipient: MailboxId,
    /// The terms of the channel. From here on only where the caller has a channel to the mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ChannelPolicy>,
    /// The largest document that node, channel and recipient all take, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_bytes: Option<u64>,
    /// What documents are sealed to, where that is in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// How the recipient would get the document key; absent where it would get none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
    /// The last minute in which the recipient's system was logged in, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<OffsetDateTime>,
}

/// How a document is sealed, and who can open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sealing {
    /// To the recipient's encryption certificate: the recipient alone can.
    Certificate,
    /// Under the node's key ring: the node could, and hands the key to the recipient over its login.
    NodeRing,
}
