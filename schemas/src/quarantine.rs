//! What does not go on by itself, and what takes two operators.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{MessageId, ProposalId};
use crate::message::{MessageState, MessageSummary};
use crate::notice::DeadLetter;

/// Messages in quarantine and notices that nobody took in. Nothing of their content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quarantine {
    /// One page of messages, oldest first.
    pub messages: Vec<QuarantinedMessage>,
    /// Given where there are more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<MessageId>,
    /// Dead notices of all subscriptions, oldest first; at most [`crate::limits::DEAD_LETTERS`], on the first page only.
    pub dead_notices: Vec<DeadLetter>,
}

/// A message in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuarantinedMessage {
    /// The message; why it is here says its `standing`.
    pub message: MessageSummary,
    /// That it be delivered again, where an operator has proposed it and another may confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}

/// What one operator proposed, and another may confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proposal {
    /// Which proposal.
    pub id: ProposalId,
    /// What is to be done, for example `retry_message`.
    pub what: String,
    /// To what.
    pub subject: String,
    /// Who proposed it, as in the log: `person:<id>`, or `operator:` and the first sixteen digits of the certificate's SHA-256.
    pub proposed_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// It can be confirmed until then.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// What came of an operator's word that a message be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetryOutcome {
    /// The message.
    pub message_id: MessageId,
    /// Where it stands now.
    pub state: MessageState,
    /// The proposal, where another operator must confirm it. Absent: it was confirmed, and the message is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}
