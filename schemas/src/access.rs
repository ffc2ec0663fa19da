//! People and what they are entrusted with.
//!
//! A role is entrusted to a person either within one participant ("head of agency of 00032684") or for the node as a whole
//! ("auditor"); which of the two is the role's nature, see [`Role::is_of_node`]. What a role may do stands in no table here: the
//! policies of `access` say it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role that this node knows")]
pub struct UnknownRole;

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $of_node:literal;)*) => {
        /// What a person is entrusted with. The names are the API's and the policies'.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[$doc])* $name,)* }

        impl Role {
            /// Every role, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether it is entrusted for the node as a whole; otherwise within one participant.
            #[must_use]
            pub const fn is_of_node(self) -> bool {
                match self { $(Self::$name => $of_node),* }
            }
        }
    };
}

roles! {
    /// Takes applications in a service centre and sees them through.
    CentreAdministrator = "centre_administrator", false;
    /// Heads a service centre: sees its cases, entrusts its people.
    HeadOfCentre = "head_of_centre", false;
    /// Handles an agency's documents in its name.
    AuthorisedRepresentative = "authorised_representative", false;
    /// Heads an agency: sees its cases, entrusts its people.
    HeadOfAgency = "head_of_agency", false;
    /// Delivers what was decided on paper: sees addresses and nothing of any content.
    PostalOperator = "postal_operator", false;
    /// Audits access: who looked at what, and why.
    SecurityOfficer = "security_officer", true;
    /// Reads the log and its proofs. Changes nothing.
    Auditor = "auditor", true;
    /// Keeps the connections to the state registers.
    RegisterOperator = "register_operator", true;
    /// Keeps the node running. Reads no document, and nothing personal of the log.
    NodeOperator = "node_operator", true;
    /// Applies for services: sees what is theirs. Nobody entrusts it: whoever is identified is one.
    Applicant = "applicant", true;
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Some of the roles.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Roles(u16);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Whether one of the others is among them.
    #[must_use]
    pub const fn intersects(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | (1 << role as u16))
    }

    /// Whether the role is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u16) != 0
    }

    /// Each, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.contains(*role))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Which portal somebody is at. A session of one is worth nothing at the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Portal {
    /// Officials.
    Internal,
    /// Applicants.
    External,
}

impl Portal {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_roles_are_those_of_json() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("Auditor".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_set_of_roles_holds_what_was_put_in() {
        let some = [Role::Applicant, Role::CentreAdministrator];
        let roles: Roles = some.into_iter().collect();
        assert_eq!(roles.iter().collect::<Vec<_>>(), [Role::CentreAdministrator, Role::Applicant]);
        assert!(!roles.contains(Role::Auditor) && !roles.is_empty() && Roles::default().is_empty());
        assert!(roles.intersects(Roles::NONE.with(Role::Auditor).with(Role::Applicant)));
        assert!(!roles.intersects(Roles::NONE.with(Role::Auditor)) && !roles.intersects(Roles::NONE));
    }
}
