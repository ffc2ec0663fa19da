//! Between nodes: what one node offers another, how far a transfer has come, what became of it.
//!
//! Sender, recipient, kind, case and the digests of the parts are not repeated here: they stand in the offering node's
//! evidence A.1, which is part of the offer, and nothing that is signed can differ from what is said beside it.

use serde::{Deserialize, Serialize};

use crate::message::{MediaType, MessageState, Metadata};

/// A message that a node offers to the recipient's node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayOffer {
    /// Media type of the document.
    pub media_type: MediaType,
    /// The document key, wrapped to the recipient: base64 of a CMS AuthEnvelopedData. No node between opens it.
    pub key_envelope: String,
    /// SHA-256 of each sealed part.
    pub sealed: Vec<SealedDigest>,
    /// Evidence A.1 SubmissionAcceptance of the offering node: a JWS in compact form.
    pub evidence: String,
    /// What the sender stated of the document; its digest stands in the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// The digest of a sealed part as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedDigest {
    /// Which part.
    pub number: u8,
    /// SHA-256 of the sealed bytes in lower-case hexadecimal.
    pub sha256: String,
}

/// How far a transfer has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RelayProgress {
    /// Of each part, how much of it is there; empty once the message is here.
    pub parts: Vec<PartProgress>,
    /// What became of the message, where it is here already: then nothing more is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RelayOutcome>,
}

/// How much of a sealed part is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartProgress {
    /// Which part.
    pub number: u8,
    /// Bytes from its beginning that need not be sent again.
    pub received: u64,
}

/// The receiving node took the message over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RelayOutcome {
    /// The state that the evidence states.
    pub state: MessageState,
    /// Evidence D.1 ContentConsignment of the receiving node: a JWS in compact form. A repeat brings the same.
    pub evidence: String,
}

/// Evidence that the receiving node sends back to the one that the message came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayedEvidence {
    /// A JWS in compact form.
    pub evidence: String,
}
