//! Erasure of what the log holds about a person: one security officer proposes it, another confirms it with the same words.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{EventId, PersonId, ProposalId};

/// Whose details are to be erased, and why. The second officer states both alike: that is what they confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequest {
    /// Whom they are about.
    pub person: PersonId,
    /// On what legal ground. It goes into the log, where it stays.
    #[schema(min_length = 3, max_length = 1000)]
    pub ground: String,
}

/// What came of an officer's word: either a proposal, or the erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureOutcome {
    /// The proposal, where another officer must confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ErasureProposal>,
    /// What was erased, where it was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedDetails>,
}

/// An erasure that one officer proposed, and another may confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureProposal {
    /// Which proposal.
    pub id: ProposalId,
    /// Whom the details are about.
    pub person: PersonId,
    /// On what legal ground they are to be erased.
    pub ground: String,
    /// Who proposed it, as in the log.
    pub proposed_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// It can be confirmed until then.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// Details that are gone. Their entries stay, and so does every proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasedDetails {
    /// Of how many entries.
    pub entries: u64,
    /// How many keys were destroyed.
    pub keys: u64,
    /// The event that says so.
    pub event: EventId,
}

/// Erasures that can be confirmed now, the oldest first; at most [`crate::limits::PAGE_ITEMS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureProposals {
    /// Them.
    pub proposals: Vec<ErasureProposal>,
}
