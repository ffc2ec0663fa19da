//! X.509 certificate validation, EN 319 102-1 5.2.6, and what a proven earlier time changes in it (5.5.4).

use certs::certificate::Certificate;
use certs::path::{Budget, PathError, VerifiedPath, verify};
use certs::trust::{Purpose, TrustSnapshot};
use time::OffsetDateTime;

use super::cause::Cause;
use super::status::Known;
use super::{Policy, revocation_freshness};

/// When a signature is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The time of validation.
    pub(super) at: OffsetDateTime,
    /// The earliest time at which the signature is known to have existed: a time-stamp's, else the time of validation.
    pub(super) best: OffsetDateTime,
}

/// A path from `leaf` to an anchor, valid at the time of validation or, where that is past the certificate's validity,
/// at the proven time of the signature.
pub(super) fn find_path(
    leaf: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    times: Times,
    budget: &mut Budget,
) -> Result<VerifiedPath, Cause> {
    let now = match verify(leaf, pool, trust, purpose, times.at, budget) {
        Ok(path) => return Ok(path),
        Err(error) => error,
    };
    let out_of_bounds = matches!(now, PathError::Expired { .. } | PathError::NotYetValid { .. });
    if !out_of_bounds || times.best >= times.at {
        return Err(cause_of(&now));
    }
    verify(leaf, pool, trust, purpose, times.best, budget).map_err(|then| match then {
        PathError::NotYetValid { .. } if times.best < leaf.not_before() => Cause::NotYetValid,
        then => cause_of(&then),
    })
}

fn cause_of(error: &PathError) -> Cause {
    match error {
        PathError::NoPath | PathError::BudgetExceeded => Cause::Untrusted,
        PathError::NotYetValid { .. } | PathError::Expired { .. } => Cause::Expired,
        PathError::SignatureWrong { .. } | PathError::UnsupportedAlgorithm { .. } => Cause::ChainBroken,
        PathError::NotCa { .. }
        | PathError::PathLength
        | PathError::NameConstraint { .. }
        | PathError::KeyUsage { .. }
        | PathError::ExtendedKeyUsage { .. }
        | PathError::UnknownCriticalExtension { .. }
        | PathError::MalformedExtension { .. }
        | PathError::IssuerRule { .. }
        | PathError::ServerName
        | PathError::Policy => Cause::ChainConstraints,
    }
}

/// The status of every certificate below the anchor, leaf first; the first that is not good says why.
pub(super) fn check_revocation(
    path: &VerifiedPath,
    known: &Known<'_>,
    existed: OffsetDateTime,
    policy: &Policy,
) -> Result<(), Cause> {
    for (depth, pair) in path.certificates().windows(2).enumerate() {
        let [certificate, issuer] = pair else { continue };
        revocation_freshness::judge(&known.status(certificate, issuer), existed, depth > 0, policy)?;
    }
    Ok(())
}
