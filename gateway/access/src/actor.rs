//! Who is asking.

use std::sync::Arc;

use crypto::digest::sha256;
use schemas::access::Roles;
use schemas::{Edrpou, PersonId, TokenId};

use crate::token::Scopes;

/// Someone who logged in. [`crate::Access::identify`], [`crate::token::Tokens::identify`] and a session make one for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant's system.
    Participant {
        /// The participant that registered the certificate.
        edrpou: Edrpou,
        /// SHA-256 of the login certificate's DER.
        certificate: [u8; 32],
    },
    /// A participant's system that logged in with a token: the participant, within the token's scopes.
    Token {
        /// Whose.
        edrpou: Edrpou,
        /// Its name in the log.
        token: TokenId,
        /// SHA-256 of what opens it.
        sha256: [u8; 32],
        /// What it may do at most.
        scopes: Arc<Scopes>,
    },
    /// Another node, of which the configuration says who it is.
    Peer {
        /// Its name.
        name: Arc<str>,
        /// SHA-256 of the login certificate's DER.
        certificate: [u8; 32],
    },
    /// A node operator.
    Operator {
        /// SHA-256 of the login certificate's DER.
        certificate: [u8; 32],
    },
    /// A person with a session at a portal.
    Person(Person),
}

/// A person as a session knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// The participant in whose name they act; none: in their own, or for the node.
    pub acting_for: Option<Edrpou>,
    /// The roles that they have now: those within `acting_for`, those of the node, and [`Role::Applicant`](schemas::access::Role)
    /// at the external portal.
    pub roles: Roles,
    /// SHA-256 of the certificate that they logged in with (DER). None: an identity provider vouched for them, and no certificate did.
    pub certificate: Option<[u8; 32]>,
    /// They signed once more, just now, what they are about to do.
    pub stepped_up: bool,
}

impl Actor {
    /// The name in audit entries: `participant:<ЄДРПОУ>`, `participant:<ЄДРПОУ>/token:<id>`, `peer:<name>`, `person:<id>`,
    /// `operator:<first 16 hexadecimal digits of the fingerprint>`.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        match self {
            Self::Participant { edrpou, .. } => format!("participant:{edrpou}"),
            Self::Token { edrpou, token, .. } => format!("participant:{edrpou}/token:{token}"),
            Self::Peer { name, .. } => format!("peer:{name}"),
            Self::Operator { certificate } => format!("operator:{}", fingerprint_prefix(certificate)),
            Self::Person(person) => format!("person:{}", person.id),
        }
    }

    /// SHA-256 of the certificate that the actor logged in with (DER); none where it was no certificate. Evidence names it, so what leaves
    /// evidence of the actor's deed takes one.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Participant { certificate, .. } | Self::Peer { certificate, .. } | Self::Operator { certificate } => {
                Some(certificate)
            }
            Self::Token { .. } => None,
            Self::Person(person) => person.certificate.as_ref(),
        }
    }

    /// 32 octets that stand for who acts where it takes two: an operator's certificate, the SHA-256 of what opens a token. A person is one,
    /// with whichever of their certificates, or by whichever provider, they logged in.
    #[must_use]
    pub fn mark(&self) -> [u8; 32] {
        match self {
            Self::Participant { certificate, .. } | Self::Peer { certificate, .. } | Self::Operator { certificate } => {
                *certificate
            }
            Self::Token { sha256, .. } => *sha256,
            Self::Person(person) => person_mark(person.id),
        }
    }

    /// The participant that the actor is, or in whose name it acts.
    #[must_use]
    pub fn participant(&self) -> Option<Edrpou> {
        match self {
            Self::Participant { edrpou, .. } | Self::Token { edrpou, .. } => Some(*edrpou),
            Self::Person(person) => person.acting_for,
            Self::Peer { .. } | Self::Operator { .. } => None,
        }
    }

    /// The name of the other node, if the actor is one.
    #[must_use]
    pub fn peer(&self) -> Option<&Arc<str>> {
        match self {
            Self::Peer { name, .. } => Some(name),
            Self::Participant { .. } | Self::Token { .. } | Self::Operator { .. } | Self::Person(_) => None,
        }
    }
}

/// The mark of a person.
pub(crate) fn person_mark(person: PersonId) -> [u8; 32] {
    sha256(&[&b"vuzol person "[..], person.as_bytes()].concat())
}

/// Eight bytes in hexadecimal: enough to tell certificates apart in a log that a person reads.
pub(crate) fn fingerprint_prefix(fingerprint: &[u8; 32]) -> String {
    fingerprint.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_name_the_organisation_or_the_certificate_never_a_person() {
        let participant = Actor::Participant { edrpou: "00032684".parse().unwrap(), certificate: [1; 32] };
        assert_eq!(participant.pseudonym(), "participant:00032684");
        let operator = Actor::Operator { certificate: [0xab; 32] };
        assert_eq!(operator.pseudonym(), "operator:abababababababab");
    }

    #[test]
    fn a_person_is_one_however_they_logged_in() {
        let person = |number: u8, certificate| {
            let (id, roles) = (PersonId::from_parts(1, [number; 10]), Roles::default());
            Actor::Person(Person { id, acting_for: None, roles, certificate, stepped_up: false })
        };
        let ways = [person(1, Some([1; 32])), person(1, Some([2; 32])), person(1, None)];
        assert!(ways.iter().all(|actor| actor.mark() == ways[0].mark()));
        assert_ne!(person(2, None).mark(), ways[2].mark());
        assert_eq!((ways[0].certificate(), ways[2].certificate()), (Some(&[1; 32]), None));
    }
}
