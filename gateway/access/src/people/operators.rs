//! The people behind the operators' logins, as far as their certificates name them.
//!
//! An operator is known by a certificate, not by an entry of the directory; yet two certificates of one person must not make the two
//! that a deed takes, and nobody entrusts themselves by way of their operator's login.

use std::collections::HashMap;

use certs::certificate::Certificate;
use storage::{StoreError, Tx};

use super::numbers::{Digests, IdentityKey};
use super::{PersonalNumbers, rows};
use crate::actor::{Actor, fingerprint_prefix, person_mark};

/// Operators' logins by the SHA-256 of their certificates, with the numbers that these name.
#[derive(Clone, Default)]
pub struct Operators {
    logins: HashMap<[u8; 32], Digests>,
}

impl Operators {
    /// The holders of these certificates. Without a key nothing is known of them but the certificates.
    #[must_use]
    pub fn new(key: Option<&IdentityKey>, certificates: &[Certificate]) -> Self {
        let digests = |certificate: &Certificate| {
            let numbers = PersonalNumbers { rnokpp: certificate.rnokpp(), unzr: certificate.unzr() };
            key.map(|key| key.digests(&numbers)).unwrap_or_default()
        };
        let login = |certificate| (Certificate::fingerprint(certificate), digests(certificate));
        Self { logins: certificates.iter().map(login).collect() }
    }

    /// Whether the two logins are one person's, as far as can be known.
    fn are_one_person(&self, login: &[u8; 32], other: &[u8; 32]) -> bool {
        let meet = |one: &Digests| self.logins.get(other).is_some_and(|other| one.meet(other));
        login == other || self.logins.get(login).is_some_and(meet)
    }

    /// Whether who proposed something, by their mark, is the human being who acts now, as far as can be known: with another login of theirs, or
    /// once by a login of the configuration and once in a session.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(crate) fn are_one_human(
        &self,
        tx: &mut Tx<'_>,
        proposed_by: &[u8; 32],
        actor: &Actor,
    ) -> Result<bool, StoreError> {
        let mark = actor.mark();
        if self.are_one_person(proposed_by, &mark) {
            return Ok(true);
        }
        match actor {
            Actor::Person(person) => {
                let Some(login) = self.logins.get(proposed_by) else { return Ok(false) };
                Ok(login.meet(&rows::digests(tx, person.id)?))
            }
            Actor::Operator { .. } => {
                let Some(login) = self.logins.get(&mark) else { return Ok(false) };
                for (_, digest) in login.iter() {
                    let owner = rows::owner(tx, digest)?;
                    if owner.is_some_and(|person| person_mark(person) == *proposed_by) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } => Ok(false),
        }
    }

    /// Whether the actor has one of these numbers.
    pub(super) fn is(&self, actor: &Actor, digests: &Digests) -> bool {
        self.logins.get(&actor.mark()).is_some_and(|own| own.meet(digests))
    }

    /// Whether an operator has one of these numbers.
    pub(super) fn include(&self, digests: &Digests) -> bool {
        self.logins.values().any(|own| own.meet(digests))
    }

    /// Whether the log's name is of a login that still is an operator's.
    pub(super) fn have(&self, pseudonym: &str) -> bool {
        let prefix = pseudonym.strip_prefix("operator:");
        prefix.is_some_and(|prefix| self.logins.keys().any(|login| fingerprint_prefix(login) == prefix))
    }
}
