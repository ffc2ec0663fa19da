//! Path building and validation: RFC 5280 section 6.1 with the policy graph of RFC 9618, over every candidate path, within a
//! budget.
//!
//! `search` looks for paths, `validate` judges one, `constraints` and `policy` hold the two long chapters, `usage` says what a
//! certificate may be used for, `server` which host it names, `rules` what is demanded of issuers, `failure` why there is none.
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
//!   serial numbers) is checked only where the caller asks ([`IssuerRules`]): it says nothing about whom to believe.
//!
//! The whole list stands in certs/DIVERGENCES.md.
mod constraints;
mod failure;
mod policy;
mod rules;
mod search;
mod server;
mod usage;
mod validate;

pub use failure::{Attempt, Failure, MOST_TRIED, PathError};
pub use policy::{PolicyRequirements, PolicySet};
pub use rules::IssuerRules;
pub use server::ServerName;

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

    /// The certificate that is believed without proof (the leaf itself where the leaf is an anchor).
    #[must_use]
    pub fn anchor(&self) -> &Certificate {
        self.inner.certificates.last().unwrap_or_else(|| self.leaf())
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

/// What a path must be beyond what [`verify`] asks. The default asks nothing.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// Certificate policies.
    pub policies: PolicyRequirements,
    /// Most intermediates that are not self-issued: the initial value of max_path_length (RFC 5280 6.1.2 k). `None`: as
    /// many as the certificates and the budget allow.
    pub intermediates: Option<u32>,
    /// How closely certificates must follow what is demanded of their issuers.
    pub rules: IssuerRules,
    /// The server that the leaf must name (RFC 9525).
    pub server: Option<ServerName>,
}

/// Finds and verifies a path from `leaf` to an anchor of `trust` for `purpose` at the time `at`.
///
/// `pool`: untrusted certificates that may help (from the signature, the TLS handshake). Certificate policies are not demanded
/// by us, only by authorities on the path; see [`verify_with`].
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
    Ok(verify_with(leaf, pool, trust, purpose, at, &Requirements::default(), budget)?)
}

/// [`verify`] with further requirements, telling on failure what was tried.
///
/// # Errors
/// [`Failure`]: the most specific failure over all candidate paths, and the candidates.
pub fn verify_with(
    leaf: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    at: OffsetDateTime,
    requirements: &Requirements,
    budget: &mut Budget,
) -> Result<VerifiedPath, Failure> {
    let usage = |leaf: &Certificate| {
        usage::check(leaf, purpose)?;
        let named = requirements.server.as_ref().is_none_or(|server| server.is_named_by(leaf));
        if named { Ok(()) } else { Err(PathError::ServerName) }
    };
    let demands = validate::Demands { at, requirements, usage: &usage };
    let (certificates, policies) = search::search(leaf, pool, trust, purpose, &demands, budget)?;
    Ok(VerifiedPath { inner: Arc::new(Inner { certificates, verified_at: at, purpose, policies }) })
}

/// Whether `authority` may issue certificates under an anchor of `trust` for `purpose` at the time `at`: a path leads there, and
/// its certificate is one of an authority that signs certificates. Gives the path, leaf first, anchor last.
///
/// # Errors
/// [`Failure`]: the most specific failure over all candidate paths, and the candidates.
pub fn of_authority(
    authority: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    at: OffsetDateTime,
    budget: &mut Budget,
) -> Result<Vec<Certificate>, Failure> {
    let usage = |authority: &Certificate| {
        if !authority.is_ca() {
            return Err(PathError::NotCa { subject: authority.subject() });
        }
        let signs = authority.key_usage().is_none_or(crate::certificate::KeyUsage::key_cert_sign);
        if signs { Ok(()) } else { Err(PathError::KeyUsage { subject: authority.subject() }) }
    };
    let demands = validate::Demands { at, requirements: &Requirements::default(), usage: &usage };
    Ok(search::search(authority, pool, trust, purpose, &demands, budget)?.0)
}

/// A path from the signer of a revocation list (RFC 5280 6.3.3 f) to an anchor of `trust`, leaf first.
pub(crate) fn of_list_signer(
    signer: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    at: OffsetDateTime,
    budget: &mut Budget,
) -> Result<Vec<Certificate>, PathError> {
    let usage = |signer: &Certificate| match signer.key_usage() {
        Some(usage) if !usage.crl_sign() => Err(PathError::KeyUsage { subject: signer.subject() }),
        _ => Ok(()),
    };
    let demands = validate::Demands { at, requirements: &Requirements::default(), usage: &usage };
    Ok(search::search(signer, pool, trust, purpose, &demands, budget)?.0)
}

#[cfg(test)]
mod listed_tests;
#[cfg(test)]
mod pathological;
#[cfg(test)]
mod tests;
