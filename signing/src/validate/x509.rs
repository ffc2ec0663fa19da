//! X.509 certificate validation, EN 319 102-1 5.2.6, and what a proven earlier time changes in it (5.5.4).

use certs::certificate::Certificate;
use certs::path::{Budget, PathError, VerifiedPath, verify};
use certs::revocation::Status;
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
    /// The latest time after which it must have been made: that of a time-stamp over its content.
    pub(super) made_after: Option<OffsetDateTime>,
}

impl Times {
    /// Whether the signature was certainly made at `time` or later.
    fn is_after(self, time: OffsetDateTime) -> bool {
        self.made_after.is_some_and(|after| after >= time)
    }
}

/// A path from `leaf` to an anchor, valid at the time of validation or, where that is past the certificate's validity or the
/// time in which the anchor was believed, at the proven time of the signature.
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
    if matches!(now, PathError::Expired { .. }) && times.is_after(leaf.not_after()) {
        return Err(Cause::ExpiredForGood);
    }
    if let PathError::AnchorEnded { at, .. } = now
        && times.is_after(at)
    {
        return Err(Cause::AnchorEndedForGood);
    }
    let out_of_bounds =
        matches!(now, PathError::Expired { .. } | PathError::NotYetValid { .. } | PathError::AnchorEnded { .. });
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
        PathError::NoPath | PathError::BudgetExceeded | PathError::AnchorNotYet { .. } => Cause::Untrusted,
        PathError::AnchorEnded { .. } => Cause::AnchorEnded,
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

/// The status of every certificate below the anchor, leaf first, and what the first that is not good means.
///
/// Looked up from the anchor down: what an authority signed is believed without a proof only up to its end or its revocation,
/// and up to those of the authorities above it (5.6.2.2, validation time sliding).
pub(super) fn check_revocation(
    path: &VerifiedPath,
    known: &Known<'_>,
    times: Times,
    policy: &Policy,
) -> (Vec<Judged>, Option<Cause>) {
    let mut judged = Vec::new();
    let mut until = None;
    for (depth, pair) in path.certificates().windows(2).enumerate().rev() {
        let [certificate, issuer] = pair else { continue };
        until = earlier(until, known.end_of(issuer, path));
        let status = known.status(certificate, issuer, until);
        let mut cause = revocation_freshness::judge(&status, times.best, depth > 0, policy).err();
        if cause == Some(Cause::StatusUnknown) && known.lacks_proof(certificate, issuer, until) {
            cause = Some(Cause::RevocationUnproven);
        }
        if let Status::Revoked { at, .. } = &status {
            until = earlier(until, Some(*at));
            if cause == Some(Cause::Revoked) && times.is_after(*at) {
                cause = Some(Cause::RevokedForGood);
            }
        }
        judged.push(Judged { status, cause });
    }
    judged.reverse();
    let first = judged.iter().find_map(|judged| judged.cause);
    (judged, first)
}

fn earlier(one: Option<OffsetDateTime>, other: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A certificate's status, and what is wrong with it.
pub(super) struct Judged {
    pub(super) status: Status,
    pub(super) cause: Option<Cause>,
}
