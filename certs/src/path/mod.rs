//! Path building and validation: RFC 5280 section 6.1 with the policy graph of RFC 9618, over every candidate path, within a
//! budget.
//!
//! `search` looks for paths, `validate` judges one, `constraints` and `policy` hold the two long chapters, `usage` says what a
//! certificate may be used for.
//!
//! Where we do more than RFC 5280:
//! - the extensions of an anchor's own certificate (basic constraints, key usage, name constraints) bind, as in RFC 5937;
//! - a certificate that is no authority may neither assert keyCertSign nor carry name constraints (4.2.1.3, 4.2.1.10);
//! - a name that a constraint applies to and that is no well-formed DNS name, mailbox or address is refused, also where no
//!   subtree excludes it.
//!
//! Where we knowingly do less, or otherwise:
//! - the validity period of an anchor is not looked at: the trust snapshot vouches for it (6.1.1 d);
//! - extended key usage of authorities does not bind what they issue; Ukrainian authorities carry private ones there;
//! - what RFC 5280 demands of issuers only (key identifiers present, criticality of basic constraints, sign and length of
//!   serial numbers) is not checked: it says nothing about whom to believe;
//! - host names are not matched: TLS servers are judged by the TLS library.
mod constraints;
mod policy;
mod search;
mod usage;
mod validate;

pub use policy::{PolicyRequirements, PolicySet};

use crate::certificate::Certificate;
use crate::trust::{Purpose, TrustSnapshot};
use std::sync::Arc;
use time::OffsetDateTime;

/// Bounds one path search. What is spent is taken away, so that one budget can bound several searches.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Steps from a certificate to a possible issuer; each verifies a signature, save where it is already known to be right.
    pub signature_checks: u32,
    /// Most certificates in a path, leaf and anchor included.
    pub path_length: u32,
    /// Comparisons of a name with a name constraint (RUSTSEC-2023-0052: they multiply).
    pub name_comparisons: u32,
}

impl Default for Budget {
    /// Real paths have two to four certificates and few cross-certificates; the figures leave an order of magnitude.
    fn default() -> Self {
        Self { signature_checks: 100, path_length: 8, name_comparisons: 250_000 }
    }
}

/// Why there is no path. The most specific failure over all candidate paths is reported, by [`PathError::rank`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No chain of certificates leads to an anchor of the purpose.
    #[error("no path to a trust anchor")]
    NoPath,
    /// The search was cut short: hostile or absurd input.
    #[error("the search exceeded its budget")]
    BudgetExceeded,
    /// Before notBefore.
    #[error("certificate not yet valid: {subject}")]
    NotYetValid {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// After notAfter.
    #[error("certificate expired: {subject}")]
    Expired {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// The issuer's key did not make the signature.
    #[error("certificate signature wrong: {subject}")]
    SignatureWrong {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// [`crypto`] does not know the algorithm of the signature or of the issuer's key.
    #[error("algorithm not supported: {subject}")]
    UnsupportedAlgorithm {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// A certificate issues another without being an authority (RFC 5280 6.1.4 k).
    #[error("not a CA: {subject}")]
    NotCa {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// More intermediates than pathLenConstraint allows (RFC 5280 6.1.4 l).
    #[error("path length constraint")]
    PathLength,
    /// A name outside the permitted or inside the excluded subtrees, or a constraint that cannot be judged.
    #[error("name constraint: {subject}")]
    NameConstraint {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// Key usage does not allow what the certificate is used for.
    #[error("key usage: {subject}")]
    KeyUsage {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// Extended key usage does not allow the purpose.
    #[error("extended key usage: {subject}")]
    ExtendedKeyUsage {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// A critical extension that we do not process (RFC 5280 4.2).
    #[error("unknown critical extension: {subject}")]
    UnknownCriticalExtension {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// An extension that must be processed cannot be read.
    #[error("extension cannot be read: {subject}")]
    MalformedExtension {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// An authority or the caller requires a certificate policy, and none is valid for the path (RFC 5280 6.1.5 g).
    #[error("no valid certificate policy where one is required")]
    Policy,
}

impl PathError {
    /// How specific the failure is; of several the highest is reported. Whatever is found on a path that leads to an anchor
    /// outranks what kept a path from leading there; among those, dates come lowest, since they pass by themselves.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::NoPath => 0,
            Self::SignatureWrong { .. } => 1,
            Self::UnsupportedAlgorithm { .. } => 2,
            Self::NotYetValid { .. } => 3,
            Self::Expired { .. } => 4,
            Self::MalformedExtension { .. } => 5,
            Self::UnknownCriticalExtension { .. } => 6,
            Self::NotCa { .. } => 7,
            Self::PathLength => 8,
            Self::Policy => 9,
            Self::NameConstraint { .. } => 10,
            Self::KeyUsage { .. } => 11,
            Self::ExtendedKeyUsage { .. } => 12,
            Self::BudgetExceeded => 13,
        }
    }
}

/// A path that was verified at a time for a purpose: leaf first, anchor last. Only [`verify`] makes one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct VerifiedPath {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    certificates: Vec<Certificate>,
    verified_at: OffsetDateTime,
    purpose: Purpose,
    policies: PolicySet,
}

impl VerifiedPath {
    /// Leaf first, anchor last; one certificate where the leaf is itself an anchor.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.inner.certificates
    }

    /// The certificate that was asked about.
    #[must_use]
    #[allow(clippy::indexing_slicing, reason = "only `search` makes a path, and it begins each with the leaf")]
    pub fn leaf(&self) -> &Certificate {
        &self.inner.certificates[0]
    }

    /// Issuer of the leaf (the leaf itself where the leaf is an anchor).
    #[must_use]
    pub fn issuer(&self) -> &Certificate {
        self.inner.certificates.get(1).unwrap_or_else(|| self.leaf())
    }

    /// The time at which the path was valid.
    #[must_use]
    pub fn verified_at(&self) -> OffsetDateTime {
        self.inner.verified_at
    }

    /// The purpose for which it was valid.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.inner.purpose
    }

    /// The certificate policies that hold for the whole path (user-constrained-policy-set, RFC 5280 6.1.6).
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.inner.policies
    }
}

/// Finds and verifies a path from `leaf` to an anchor of `trust` for `purpose` at the time `at`.
///
/// `pool`: untrusted certificates that may help (from the signature, the TLS handshake). Certificate policies are not demanded
/// by us, only by authorities on the path; see [`verify_with_policies`].
///
/// # Errors
/// [`PathError`]: the most specific failure over all candidate paths.
pub fn verify(
    leaf: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    at: OffsetDateTime,
    budget: &mut Budget,
) -> Result<VerifiedPath, PathError> {
    verify_with_policies(leaf, pool, trust, purpose, at, &PolicyRequirements::default(), budget)
}

/// [`verify`], with the policy inputs of RFC 5280 6.1.1 (c), (e), (f) and (g).
///
/// # Errors
/// [`PathError`], as [`verify`].
pub fn verify_with_policies(
    leaf: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    at: OffsetDateTime,
    policies: &PolicyRequirements,
    budget: &mut Budget,
) -> Result<VerifiedPath, PathError> {
    let demands = validate::Demands { at, policies, usage: &|leaf| usage::check(leaf, purpose) };
    let (certificates, policies) = search::search(leaf, pool, trust, purpose, &demands, budget)?;
    Ok(VerifiedPath { inner: Arc::new(Inner { certificates, verified_at: at, purpose, policies }) })
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
