//! Participants, their certificates and the channels between them, as an operator states them and everyone reads them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{AreaCode, DocumentKind, Edrpou, MailboxId, RetentionClass};
use crate::limits::{ACKNOWLEDGE_DAYS, DOCUMENT_BYTES, HOLD_HOURS, KINDS};

/// A participant as operators register it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParticipantRegistration {
    /// Name of the agency or centre.
    pub name: String,
    /// Names of its mailboxes (the part after the dot).
    pub mailboxes: Vec<String>,
    /// Its certificates. Replaces the ones registered before.
    pub certificates: Vec<CertificateRegistration>,
    /// The area that it serves. Absent: none is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// What it takes. Absent: everything that its channels carry.
    #[serde(default, skip_serializing_if = "Reception::is_default")]
    pub reception: Reception,
    /// The node at which its mailboxes are, by the name of a peer. Absent: this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// A certificate of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRegistration {
    /// What it is for.
    pub usage: CertificateUsage,
    /// The certificate: DER in base64.
    pub der: String,
}

/// What a registered certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateUsage {
    /// Its system presents it to the node (TLS client).
    Login,
    /// Documents are sealed to it. One at a time: the newest registered.
    Encryption,
}

/// What a participant's system takes, whatever its channels carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reception {
    /// The kinds of document that it can handle; none named: any.
    pub kinds: Vec<DocumentKind>,
    /// The largest document that it takes, in bytes.
    pub maximum_bytes: u64,
    /// How it learns of a message.
    pub delivery: DeliveryMode,
}

impl Default for Reception {
    fn default() -> Self {
        Self { kinds: Vec::new(), maximum_bytes: DOCUMENT_BYTES, delivery: DeliveryMode::default() }
    }
}

impl Reception {
    /// Whether it takes documents of this kind.
    #[must_use]
    pub fn takes(&self, kind: &DocumentKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(kind)
    }

    /// Whether its numbers are within their bounds.
    ///
    /// # Errors
    /// Which is not.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        if self.kinds.len() > KINDS {
            return Err(OutOfBounds("kinds: at most 64"));
        }
        check_bytes(self.maximum_bytes)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a participant learns of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Its system asks for messages.
    #[default]
    Pull,
    /// The node calls its system.
    Webhook,
}

/// How documents are sealed to a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionKey {
    /// Key transport with RSA (RFC 8017).
    Rsa,
    /// Key agreement on a named elliptic curve (RFC 5753).
    Ecdh,
    /// Key agreement with keys of DSTU 4145.
    Dstu,
}

/// An encryption certificate that is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Encryption {
    /// What its key is for.
    pub key: EncryptionKey,
    /// End of its validity, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
}

/// A participant as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participant {
    /// Its code.
    pub edrpou: Edrpou,
    /// Its name.
    pub name: String,
    /// The area that it serves, where one is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// Its mailboxes.
    pub mailboxes: Vec<MailboxId>,
    /// Whether documents can be sealed to it: by the dates and the key of its encryption certificate. Whether that is revoked is
    /// asked when a document is sent, and by a question of `/v1/capabilities`.
    pub can_receive: bool,
    /// What it takes.
    #[serde(default)]
    pub reception: Reception,
    /// The node at which its mailboxes are, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its encryption certificate, where it has one that is in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// An operator has suspended all its mailboxes: nothing can be sent to it.
    #[serde(default)]
    pub suspended: bool,
    /// Mailboxes that an operator has suspended one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended_mailboxes: Vec<MailboxId>,
    /// The last minute in which its system was logged in, RFC 3339 in UTC; absent where it never was.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<OffsetDateTime>,
}

/// Participants, by code: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participants {
    /// The participants.
    pub participants: Vec<Participant>,
    /// There are more: ask for those after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<Edrpou>,
}

/// Which participants are looked for. Whoever is found meets all that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ParticipantQuery {
    /// The beginning of a ЄДРПОУ code, or any part of a name in capitals or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 400)]
    pub query: Option<String>,
    /// Only those that serve this area or a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, pattern = "^UA[0-9]{17}$")]
    pub area: Option<AreaCode>,
    /// Only those that can do this: `receive` (documents can be sealed to them, and they are not suspended), `pull`, `webhook`,
    /// `rsa`, `ecdh`, `dstu`, or `kind:` and a kind of document that they take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub capability: Option<Capability>,
    /// Only those after this one: `next_after` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, pattern = "^[0-9]{8}$")]
    pub after: Option<Edrpou>,
    /// How many at most: 1 to 100, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

/// What a participant may be looked for by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Capability {
    /// Documents can be sealed to it, and it is not suspended.
    Receive,
    /// It learns of messages in this way.
    Delivery(DeliveryMode),
    /// Documents are sealed to it in this way.
    Key(EncryptionKey),
    /// It takes documents of this kind.
    Kind(DocumentKind),
}

/// The text names no capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a capability is receive, pull, webhook, rsa, ecdh, dstu, or kind: and a kind of document")]
pub struct InvalidCapability;

impl FromStr for Capability {
    type Err = InvalidCapability;
    fn from_str(text: &str) -> Result<Self, InvalidCapability> {
        Ok(match text {
            "receive" => Self::Receive,
            "pull" => Self::Delivery(DeliveryMode::Pull),
            "webhook" => Self::Delivery(DeliveryMode::Webhook),
            "rsa" => Self::Key(EncryptionKey::Rsa),
            "ecdh" => Self::Key(EncryptionKey::Ecdh),
            "dstu" => Self::Key(EncryptionKey::Dstu),
            _ => Self::Kind(text.strip_prefix("kind:").and_then(|kind| kind.parse().ok()).ok_or(InvalidCapability)?),
        })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receive => f.write_str("receive"),
            Self::Delivery(DeliveryMode::Pull) => f.write_str("pull"),
            Self::Delivery(DeliveryMode::Webhook) => f.write_str("webhook"),
            Self::Key(EncryptionKey::Rsa) => f.write_str("rsa"),
            Self::Key(EncryptionKey::Ecdh) => f.write_str("ecdh"),
            Self::Key(EncryptionKey::Dstu) => f.write_str("dstu"),
            Self::Kind(kind) => write!(f, "kind:{kind}"),
        }
    }
}

impl TryFrom<String> for Capability {
    type Error = InvalidCapability;
    fn try_from(text: String) -> Result<Self, InvalidCapability> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.to_string()
    }
}

/// Who may send what to which mailbox, and under which terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Who may send.
    pub sender: Edrpou,
    /// To where.
    pub recipient: MailboxId,
    /// Which kinds of document.
    pub kinds: Vec<DocumentKind>,
    /// Under which terms, for all of these kinds. Absent: the ones of a channel for which none are stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ChannelPolicy>,
}

/// The terms of a channel. What is left out is as if no terms were stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelPolicy {
    /// The least that a signature has to be.
    pub signature: SignatureLevel,
    /// The largest document, in bytes.
    #[schema(minimum = 1, maximum = 2147483648u64)]
    pub maximum_bytes: u64,
    /// How long documents are kept.
    pub retention: RetentionClass,
    /// How many hours a submission waits whose signature is INDETERMINATE (ETSI EN 319 102-1, 5.1.3) for the fact that is
    /// missing; 0: it is refused at once.
    #[schema(maximum = 720)]
    pub hold_hours: u32,
    /// How many days the recipient has to accept or refuse a message before it expires.
    #[schema(minimum = 1, maximum = 365)]
    pub acknowledge_within_days: u32,
    /// Documents come sealed to the recipient already, so that the node never sees them open.
    pub sealed_by_sender: bool,
    /// Where the recipient has no encryption certificate: the document key is held by the node's key ring and handed to the recipient over
    /// its login, so that the node could read the documents. Without this they are refused.
    pub node_held_keys: bool,
    /// The schema that metadata have to follow, by its URI. Absent: none are needed, and any that are known are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:vuzol:kind:letter:1")]
    pub metadata_schema: Option<String>,
}

impl Default for ChannelPolicy {
    fn default() -> Self {
        Self {
            signature: SignatureLevel::default(),
            maximum_bytes: DOCUMENT_BYTES,
            retention: RetentionClass::default(),
            hold_hours: 0,
            acknowledge_within_days: ACKNOWLEDGE_WITHIN_DAYS,
            sealed_by_sender: false,
            node_held_keys: false,
            metadata_schema: None,
        }
    }
}

/// Three weeks, as long as a message waits for its recipient where nothing else is said.
const ACKNOWLEDGE_WITHIN_DAYS: u32 = 21;

impl ChannelPolicy {
    /// Whether its numbers are within their bounds.
    ///
    /// # Errors
    /// Which is not.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        check_bytes(self.maximum_bytes)?;
        if self.hold_hours > HOLD_HOURS {
            return Err(OutOfBounds("hold_hours: 0 to 720"));
        }
        if !(1..=ACKNOWLEDGE_DAYS).contains(&self.acknowledge_within_days) {
            return Err(OutOfBounds("acknowledge_within_days: 1 to 365"));
        }
        if self.metadata_schema.as_deref().is_some_and(|uri| crate::kinds::known(uri).is_none()) {
            return Err(OutOfBounds("metadata_schema: none of this node's"));
        }
        Ok(())
    }
}

fn check_bytes(maximum: u64) -> Result<(), OutOfBounds> {
    (1..=DOCUMENT_BYTES).contains(&maximum).then_some(()).ok_or(OutOfBounds("maximum_bytes: 1 to 2147483648"))
}

/// A number outside its bounds: which, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutOfBounds(pub &'static str);

/// What a signature is by Regulation (EU) 910/2014, article 3, and by the Law on electronic identification, article 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureLevel {
    /// Advanced: it holds, whatever its certificate is.
    #[default]
    Advanced,
    /// Qualified: also with a qualified certificate and a qualified device.
    Qualified,
}

#[cfg(test)]
mod tests;
