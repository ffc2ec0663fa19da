//! Subscriptions to what happens to messages, and the notices that are posted for them.
//!
//! A notice is a POST of [`Notice`] as JSON, with these headers:
//!
//! | header | value |
//! |---|---|
//! | `Vuzol-Timestamp` | seconds since the Unix epoch at which this try was made |
//! | `Vuzol-Signature` | `v1=` and HMAC-SHA-256 of the timestamp, a dot, and the body, under the secret: 64 hexadecimal digits |
//! | `Vuzol-Delivery` | [`NoticeId`]: the same in every repeat |
//!
//! A receiver recomputes the signature over the bytes as they came, compares in constant time, refuses a timestamp that is
//! minutes old, and remembers delivery ids: a notice comes at least once. It says that something happened and nothing of
//! what was sent: who wants to know more asks the node.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::MailboxId;
use crate::id::{CaseId, EventId, MessageId, NoticeId};
use crate::message::MessageState;

/// What a participant can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// To the recipient: a message lies in the mailbox.
    Consigned,
    /// To the recipient: a message is neither accepted nor refused yet.
    Reminder,
    /// To the sender: the recipient accepted the message.
    Accepted,
    /// To the sender: the recipient refused it.
    Refused,
    /// To the sender: the recipient let the term pass.
    Expired,
    /// To the sender: the message cannot be delivered as things are.
    Quarantined,
    /// To the sender: the recipient entered it into its register.
    Registered,
    /// To the sender: the other node did not take it.
    RelayFailed,
}

impl NoticeEvent {
    /// All of them, in the order of this file.
    pub const ALL: [Self; 8] = [
        Self::Consigned,
        Self::Reminder,
        Self::Accepted,
        Self::Refused,
        Self::Expired,
        Self::Quarantined,
        Self::Registered,
        Self::RelayFailed,
    ];

    /// The name on the wire and in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consigned => "consigned",
            Self::Reminder => "reminder",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Quarantined => "quarantined",
            Self::Registered => "registered",
            Self::RelayFailed => "relay_failed",
        }
    }
}

/// Not the name of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an event")]
pub struct UnknownEvent;

impl FromStr for NoticeEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.into_iter().find(|event| event.as_str() == text).ok_or(UnknownEvent)
    }
}

/// The secret of a subscription's signatures: 32 bytes in base64. Says nothing of itself in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 44, max_length = 44, format = "byte")]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// From its text; whether that is 32 bytes is for the caller to check.
    #[must_use]
    pub fn new(base64: String) -> Self {
        Self(base64)
    }

    /// The base64.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// Where notices are to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// An https address of a public host, without credentials, at port 443 or above 1023.
    #[schema(max_length = 2000, example = "https://agency.example/vuzol")]
    pub url: String,
    /// The secret of the signatures: 32 random bytes in base64. Absent: the node makes one, and shows it in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WebhookSecret>,
    /// Of what; at least one.
    pub events: Vec<NoticeEvent>,
}

/// Where notices are posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subscription {
    /// The mailbox. What concerns its participant as a sender is told here too.
    pub mailbox: MailboxId,
    /// The address.
    pub url: String,
    /// Of what.
    pub events: Vec<NoticeEvent>,
    /// When it was stated.
    #[serde(with = "time::serde::rfc3339")]
    pub stated_at: OffsetDateTime,
    /// The secret that the node made. Shown once: in the answer to the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WebhookSecret>,
    /// Notices that are not taken in yet.
    pub waiting: u64,
    /// What was tried for too long, oldest first; at most [`crate::limits::DEAD_LETTERS`].
    pub dead_letters: Vec<DeadLetter>,
}

/// A notice that its receiver never took in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// `Vuzol-Delivery` of all its tries.
    pub delivery_id: NoticeId,
    /// Whose subscription.
    pub mailbox: MailboxId,
    /// The message that it was about.
    pub message_id: MessageId,
    /// What had happened.
    pub event: NoticeEvent,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed, a code.
    pub problem: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub failed_at: OffsetDateTime,
}

/// What is posted. Names no person and nothing of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Notice {
    /// What happened.
    pub event: NoticeEvent,
    /// The audited event, as in the transparency log.
    pub event_id: EventId,
    /// The message.
    pub message_id: MessageId,
    /// Its case, where it has one.
    pub case_id: Option<CaseId>,
    /// Whose subscription this is for.
    pub mailbox: MailboxId,
    /// Where the message stood then.
    pub state: MessageState,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_one_name_everywhere() {
        for event in NoticeEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(event.as_str().parse(), Ok(event));
        }
        assert!("downloaded".parse::<NoticeEvent>().is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let request = SubscriptionRequest {
            url: "https://agency.example/".to_owned(),
            secret: Some(WebhookSecret::new("c2VjcmV0".to_owned())),
            events: Vec::new(),
        };
        assert!(!format!("{request:?}").contains("c2Vj"));
    }
}
