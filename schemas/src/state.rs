//! Where a message stands: one enum whose variants hold exactly the data of their state.
//!
//! A state is stated in every piece of evidence and stored with its message in the same JSON form, so that the evidence of
//! a message, replayed, gives its row again. Which step leads from which state to which is `exchange::state`'s matter.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A message's state with its data. Moments are RFC 3339 in UTC; reasons are stable codes, except what a recipient says
/// in its own words when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    /// Its parts are being uploaded (V.1). Nothing is promised yet.
    Announced {
        /// What is not complete by then is given up.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// All parts are here and durable; a fact that the validation needs is missing (V.2).
    Submitted {
        /// The code of what is missing.
        missing: String,
        /// It is waited for until then; afterwards the submission is refused.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// Refused at the intake (A.2). Final.
    Rejected {
        /// Why.
        reason: String,
    },
    /// Accepted (A.1): the node is responsible. A carrier takes it from here.
    Validated,
    /// To be relayed to another node (V.3).
    Queued {
        /// That node's name.
        peer: String,
    },
    /// A relay is under way (V.4).
    Relaying {
        /// To this node.
        peer: String,
        /// Which try it is, from 1.
        attempt: u32,
    },
    /// A relay did not succeed and is tried again (V.5).
    RetryWait {
        /// To this node.
        peer: String,
        /// Tries so far.
        attempt: u32,
        /// Why the last one did not succeed.
        reason: String,
        /// When the next one is due.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// Another node took it over (B.1) and goes on. What comes of it there is stated here again when that node says so.
    Relayed {
        /// That node's name.
        peer: String,
    },
    /// The other node refused it (B.2) or could not be reached in time (B.3). Final.
    RelayFailed {
        /// That node's name.
        peer: String,
        /// Why.
        reason: String,
    },
    /// It could not be delivered (D.2) and waits for two operators.
    Quarantined {
        /// Why.
        reason: String,
    },
    /// In the recipient's mailbox (D.1).
    Consigned(Term),
    /// The recipient was told that it is there (D.3).
    Notified(Term),
    /// Fetched by the recipient (E.1).
    HandedOver(Term),
    /// Accepted by the recipient (C.3). Only its registration may follow.
    Accepted,
    /// Entered into the recipient's register of documents (V.7). Final.
    Registered {
        /// The registration number, as the recipient writes it.
        number: String,
        /// The registration date, `YYYY-MM-DD`.
        date: String,
    },
    /// Refused by the recipient (C.4). Final.
    Refused {
        /// Why, in the recipient's words.
        reason: String,
    },
    /// Not accepted in time (C.5). Final.
    Expired,
    /// Keys and parts are destroyed (V.8); evidence stays. Final.
    Erased {
        /// The state before.
        before: MessageState,
    },
}

/// The recipient's term: what the state of a message in a mailbox holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Term {
    /// When it came into the mailbox.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When it expires, unless it was accepted or refused.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// How many reminders fell due.
    pub reminders: u8,
}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $pattern:pat => $text:literal, $standing:ident;)*) => {
        /// The name of a state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum MessageState { $($(#[$doc])* $name,)* }

        impl MessageState {
            /// All of them, in the order of a message's way.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text on the wire and in storage.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text),* } }

            fn standing(self) -> Standing { match self { $(Self::$name => Standing::$standing),* } }
        }

        impl State {
            /// Its name.
            #[must_use]
            pub fn name(&self) -> MessageState { match self { $($pattern => MessageState::$name),* } }
        }
    };
}

/// What may still come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Something must happen.
    Open,
    /// The recipient has decided; its registration may follow.
    Decided,
    /// Nothing but erasure.
    Final,
}

states! {
    /// Its parts are being uploaded.
    Announced = Self::Announced { .. } => "announced", Open;
    /// Complete; a fact is missing.
    Submitted = Self::Submitted { .. } => "submitted", Open;
    /// Refused at the intake. Final.
    Rejected = Self::Rejected { .. } => "rejected", Final;
    /// Accepted by the node.
    Validated = Self::Validated => "validated", Open;
    /// To be relayed.
    Queued = Self::Queued { .. } => "queued", Open;
    /// A relay is under way.
    Relaying = Self::Relaying { .. } => "relaying", Open;
    /// The relay is tried again.
    RetryWait = Self::RetryWait { .. } => "retry_wait", Open;
    /// Another node took it over.
    Relayed = Self::Relayed { .. } => "relayed", Open;
    /// No other node took it. Final.
    RelayFailed = Self::RelayFailed { .. } => "relay_failed", Final;
    /// Waits for two operators.
    Quarantined = Self::Quarantined { .. } => "quarantined", Open;
    /// In the mailbox.
    Consigned = Self::Consigned(_) => "consigned", Open;
    /// The recipient knows of it.
    Notified = Self::Notified(_) => "notified", Open;
    /// The recipient has it.
    HandedOver = Self::HandedOver(_) => "handed_over", Open;
    /// The recipient accepted it.
    Accepted = Self::Accepted => "accepted", Decided;
    /// The recipient registered it. Final.
    Registered = Self::Registered { .. } => "registered", Final;
    /// The recipient refused it. Final.
    Refused = Self::Refused { .. } => "refused", Final;
    /// The term passed. Final.
    Expired = Self::Expired => "expired", Final;
    /// Destroyed; evidence stays. Final.
    Erased = Self::Erased { .. } => "erased", Final;
}

impl MessageState {
    /// Whether no further step is possible, erasure aside.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.standing() == Standing::Final
    }

    /// Whether the outcome is known: final, or accepted.
    #[must_use]
    pub fn is_settled(self) -> bool {
        self.standing() != Standing::Open
    }
}

impl State {
    /// The recipient's term, where one runs.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        match self {
            Self::Consigned(term) | Self::Notified(term) | Self::HandedOver(term) => Some(*term),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_name_is_the_same_in_storage_on_the_wire_and_in_the_state() {
        for name in MessageState::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
        let since = datetime!(2026-11-26 12:00 UTC);
        let term = Term { since, until: datetime!(2026-12-17 12:00 UTC), reminders: 1 };
        let (peer, reason) = (|| "node.example".to_owned(), || "code".to_owned());
        let states = [
            State::Announced { until: since },
            State::Submitted { missing: reason(), until: since },
            State::Rejected { reason: reason() },
            State::Validated,
            State::Queued { peer: peer() },
            State::Relaying { peer: peer(), attempt: 1 },
            State::RetryWait { peer: peer(), attempt: 1, reason: reason(), until: since },
            State::Relayed { peer: peer() },
            State::RelayFailed { peer: peer(), reason: reason() },
            State::Quarantined { reason: reason() },
            State::Consigned(term),
            State::Notified(term),
            State::HandedOver(term),
            State::Accepted,
            State::Registered { number: "17/3".to_owned(), date: "2026-11-26".to_owned() },
            State::Refused { reason: reason() },
            State::Expired,
            State::Erased { before: MessageState::Expired },
        ];
        assert_eq!(states.each_ref().map(State::name), MessageState::ALL);
        for state in states {
            let json = serde_json::to_value(&state).unwrap();
            assert_eq!(json["name"], state.name().as_str());
            assert_eq!(serde_json::from_value::<State>(json).unwrap(), state);
        }
    }
}
