//! Identifiers: UUID version 7 (RFC 9562, 5.7), one type for each kind of thing, so that a case never stands where a
//! message belongs.
//!
//! The text form is the lower-case hyphenated one and nothing else: an identifier appears in signed evidence and in
//! audit entries, where two spellings of one thing would be two things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not the lower-case hyphenated form of a version 7 UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a version 7 UUID in lower-case hyphenated form")]
pub struct InvalidId;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, format = "uuid", example = "01938f6e-3c00-7abc-8def-0123456789ab")]
        pub struct $name(Uuid);

        impl $name {
            /// Composes an identifier from Unix milliseconds and ten random bytes, of which 74 bits are used.
            #[must_use]
            pub fn from_parts(unix_milliseconds: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_milliseconds, &random).into_uuid())
            }

            /// The sixteen bytes in network order, as they are stored.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the sixteen stored bytes.
            ///
            /// # Errors
            /// [`InvalidId`] when they are not sixteen bytes of a version 7 UUID.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
                let uuid = Uuid::from_slice(bytes).map_err(|_| InvalidId)?;
                (uuid.get_version_num() == 7).then_some(Self(uuid)).ok_or(InvalidId)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                let canonical = uuid.get_version_num() == 7 && uuid.as_hyphenated().to_string() == text;
                canonical.then_some(Self(uuid)).ok_or(InvalidId)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }
    )*};
}

typed_id! {
    /// One message: one document, with its signature, on its way to one mailbox.
    MessageId;
    /// A thread of messages that belong together.
    CaseId;
    /// One audited event; the identity of a row in the transparency log before it has a number.
    EventId;
    /// One piece of evidence.
    EvidenceId;
    /// One deferred piece of work.
    JobId;
    /// The right to handle leased messages until it expires. Random enough to be a capability, yet never one by itself:
    /// the holder must also be the mailbox's participant.
    LeaseToken;
    /// One notice to one subscriber. The same in every repeat of it.
    NoticeId;
    /// What one operator proposed, until another confirms it.
    ProposalId;
    /// One request at the door, named in logs and problems.
    RequestId;
    /// One legal hold.
    HoldId;
    /// One disposal act.
    DisposalActId;
    /// One person, whatever certificates they hold. Says nothing of them.
    PersonId;
    /// One role entrusted to one person.
    AssignmentId;
    /// What was entered into the directory of people in bulk, at once.
    ImportId;
    /// One session of a person at a portal: its name in the log, never what opens it.
    SessionId;
    /// One API token: its name in the log, never what opens it.
    TokenId;
    /// One application of a person for a service.
    ApplicationId;
    /// One copy of a document that a person keeps at the node.
    CopyId;
    /// One look at something personal, as its subject is shown it.
    LookId;
    /// One break-glass access.
    BreakGlassId;
    /// One alert.
    AlertId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_accepted() {
        let id = MessageId::from_parts(1_700_000_000_000, [0xa5; 10]);
        assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
        assert_eq!(MessageId::from_bytes(id.as_bytes()).unwrap(), id);
        for wrong in [
            id.to_string().to_uppercase(),
            id.to_string().replace('-', ""),
            format!("{{{id}}}"),
            "6fa459ea-ee8a-4ca4-894e-db77e160355e".to_owned(), // version 4
            String::new(),
        ] {
            assert_eq!(wrong.parse::<MessageId>(), Err(InvalidId), "{wrong}");
        }
    }

    #[test]
    fn identifiers_sort_by_time() {
        assert!(EventId::from_parts(1, [0xff; 10]) < EventId::from_parts(2, [0; 10]));
    }
}
