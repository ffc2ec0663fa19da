//! Break-glass access: somebody sees for a short time what the consent gate keeps from them, says why, and answers for it afterwards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::Edrpou;
use crate::application::StoredCopy;
use crate::id::{ApplicationId, BreakGlassId, PersonId};

/// The text names no ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ground on which break-glass access is opened")]
pub struct UnknownGround;

macro_rules! grounds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $purpose:literal, $legal_ground:literal;)*) => {
        /// On what ground break-glass access is opened. Closed: what is not among them is no ground.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Ground { $($(#[$doc])* $name,)* }

        impl Ground {
            /// Every ground, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What looks under it are for, as their subject is shown it: the name of a purpose.
            #[must_use]
            pub const fn purpose(self) -> &'static str {
                match self { $(Self::$name => $purpose),* }
            }

            /// The clause of the law, as the subject is shown it. As of the shipped purposes (`gateway/access/src/purpose.rs`): a proposal,
            /// which an operator has confirmed by lawyers.
            #[must_use]
            pub const fn legal_ground(self) -> &'static str {
                match self { $(Self::$name => $legal_ground),* }
            }
        }
    };
}

grounds! {
    /// Life or health of the person, who cannot be asked.
    VitalInterest = "vital_interest", "break-glass.vital-interest",
        "Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 4";
    /// A court, or another authority whose demand must be met, asks for it.
    LegalDuty = "legal_duty", "break-glass.legal-duty",
        "Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 5";
    /// An incident of security is looked into, or a complaint about who looked at what.
    Incident = "incident", "break-glass.incident",
        "Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 5";
    /// What the person applied for would be late, and nobody whose work it is can be reached.
    Continuity = "continuity", "break-glass.continuity",
        "Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 2";
}

impl FromStr for Ground {
    type Err = UnknownGround;
    fn from_str(text: &str) -> Result<Self, UnknownGround> {
        Self::ALL.iter().copied().find(|ground| ground.as_str() == text).ok_or(UnknownGround)
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BrokenGlass {
    /// One application: what was ever attached to it, also where it is detached, withdrawn or closed since.
    Application {
        /// Which.
        application: ApplicationId,
    },
    /// All copies of one person.
    Person {
        /// Whose.
        person: PersonId,
    },
}

/// What somebody states who opens break-glass access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassRequest {
    /// What is to be opened.
    pub opens: BrokenGlass,
    /// On what ground.
    pub ground: Ground,
    /// Why, in words: 20 to 1000 characters. Those who watch over access read it, and the heads of the centre.
    #[schema(min_length = 20, max_length = 1000)]
    pub reason: String,
    /// For how many minutes, at least one; the node bounds it. Absent: as many as the node allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub minutes: Option<u16>,
}

/// What a reviewer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It was right to open it.
    Justified,
    /// It was not.
    Unjustified,
}

impl Finding {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }
}

impl FromStr for Finding {
    type Err = UnknownGround;
    fn from_str(text: &str) -> Result<Self, UnknownGround> {
        [Self::Justified, Self::Unjustified].into_iter().find(|it| it.as_str() == text).ok_or(UnknownGround)
    }
}

/// What a reviewer states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// What they found.
    pub finding: Finding,
    /// In words: 20 to 1000 characters.
    #[schema(min_length = 20, max_length = 1000)]
    pub note: String,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Review {
    /// By whom, as in the log. Never who opened the access.
    pub reviewed_by: String,
    /// When, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub reviewed_at: OffsetDateTime,
    /// What was found.
    pub finding: Finding,
    /// In words.
    pub note: String,
}

/// A break-glass access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakGlass {
    /// The access.
    pub break_glass_id: BreakGlassId,
    /// What is opened.
    pub opens: BrokenGlass,
    /// Whose data that is.
    pub subject: PersonId,
    /// The centre that it is told to: that of the application, or the one in whose name it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<Edrpou>,
    /// Who opened it. Nobody else can use it.
    pub opened_by: PersonId,
    /// On what ground.
    pub ground: Ground,
    /// Why, in words.
    pub reason: String,
    /// Since when, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    /// When it is over by itself, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// When somebody ended it before that, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// Looks under it.
    pub looks: u64,
    /// What a reviewer found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// One page of break-glass accesses, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakGlassPage {
    /// Them.
    pub accesses: Vec<BreakGlass>,
    /// Given where there are more: the `before` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_before: Option<BreakGlassId>,
}

/// The copies that a break-glass access opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OpenedCopies {
    /// What is known of them, oldest first.
    pub copies: Vec<StoredCopy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_grounds_are_those_of_json_and_each_is_a_purpose_with_a_legal_ground() {
        for ground in Ground::ALL {
            assert_eq!(serde_json::to_value(ground).unwrap(), ground.as_str());
            assert_eq!(ground.as_str().parse(), Ok(*ground));
            assert!(ground.purpose().parse::<crate::purpose::PurposeName>().is_ok(), "{ground}");
            assert!(ground.legal_ground().chars().count() <= crate::limits::PURPOSE_TEXT_CHARACTERS);
        }
        assert_eq!("curiosity".parse::<Ground>(), Err(UnknownGround));
        for finding in [Finding::Justified, Finding::Unjustified] {
            assert_eq!(serde_json::to_value(finding).unwrap(), finding.as_str());
            assert_eq!(finding.as_str().parse(), Ok(finding));
        }
    }

    #[test]
    fn what_is_opened_is_one_thing_of_a_known_kind() {
        let id = PersonId::from_parts(1, [1; 10]);
        let good = serde_json::json!({ "kind": "person", "person": id });
        assert_eq!(serde_json::from_value::<BrokenGlass>(good).unwrap(), BrokenGlass::Person { person: id });
        for wrong in [
            serde_json::json!({ "kind": "person" }),
            serde_json::json!({ "kind": "everything" }),
            serde_json::json!({ "kind": "person", "person": id, "application": id }),
        ] {
            assert!(serde_json::from_value::<BrokenGlass>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
