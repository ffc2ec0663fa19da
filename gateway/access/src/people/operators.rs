//! The people behind the operators' logins, as far as their certificates name them.
//!
//! An operator is known by a certificate, not by an entry of the directory; yet two certificates of one person must not make the two
//! that a deed takes, and nobody entrusts themselves by way of their operator's login.

use std::collections::HashMap;

use certs::certificate::Certificate;

use super::PersonalNumbers;
use super::numbers::{Digests, IdentityKey};
use crate::actor::{Actor, fingerprint_prefix};

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
    pub(super) fn are_one_person(&self, login: &[u8; 32], other: &[u8; 32]) -> bool {
        let meet = |one: &Digests| self.logins.get(other).is_some_and(|other| one.meet(other));
        login == other || self.logins.get(login).is_some_and(meet)
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
