//! Participants, their certificates and the channels between them, as an operator states them and everyone reads them.

use serde::{Deserialize, Serialize};

use crate::address::{DocumentKind, Edrpou, MailboxId};

/// A participant as operators register it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParticipantRegistration {
    /// Name of the agency or centre.
    pub name: String,
    /// Names of its mailboxes (the part after the dot).
    pub mailboxes: Vec<String>,
    /// Its certificates. Replaces the ones registered before.
    pub certificates: Vec<CertificateRegistration>,
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

/// A participant as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participant {
    /// Its code.
    pub edrpou: Edrpou,
    /// Its name.
    pub name: String,
    /// Its mailboxes.
    pub mailboxes: Vec<MailboxId>,
    /// Whether documents can be sealed to it.
    pub can_receive: bool,
}

/// All participants, by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participants {
    /// The participants.
    pub participants: Vec<Participant>,
}

/// Who may send what to which mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Who may send.
    pub sender: Edrpou,
    /// To where.
    pub recipient: MailboxId,
    /// Which kinds of document.
    pub kinds: Vec<DocumentKind>,
}
