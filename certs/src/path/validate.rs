//! The judgement over one path whose signatures are right: RFC 5280 6.1.2 to 6.1.5.
use super::constraints::{NameConstraints, SubjectNames};
use super::policy::{PolicyGraph, PolicySet};
use super::rules::{self, IssuerRules, Place};
use super::{Budget, PathError, Requirements};
use crate::certificate::Certificate;
use time::OffsetDateTime;

/// What is demanded of a path.
pub(super) struct Demands<'a> {
    pub(super) at: OffsetDateTime,
    pub(super) requirements: &'a Requirements,
    /// What the leaf must be fit for.
    pub(super) usage: &'a dyn Fn(&Certificate) -> Result<(), PathError>,
}

/// Judges `path` (leaf first, anchor last) and gives the policies that hold for all of it.
pub(super) fn validate(
    path: &[&Certificate],
    demands: &Demands<'_>,
    budget: &mut Budget,
) -> Result<PolicySet, PathError> {
    let Some((leaf, issuers)) = path.split_first() else {
        return Err(PathError::NoPath);
    };
    let mut constraints = Vec::new();
    let Requirements { policies, intermediates, rules, .. } = demands.requirements;
    let mut policies = PolicyGraph::new(issuers.len(), policies);
    let mut intermediates_left = intermediates.unwrap_or(u32::MAX);
    for (index, issuer) in issuers.iter().enumerate().rev() {
        let is_anchor = index + 1 == issuers.len();
        if !is_anchor || *rules != IssuerRules::Path {
            in_time(issuer, demands.at)?;
        }
        if !is_anchor {
            readable(issuer)?;
            if !issuer.is_self_issued() {
                check_names(issuer, &constraints, budget)?;
                intermediates_left = intermediates_left.checked_sub(1).ok_or(PathError::PathLength)?;
            }
            policies.process(issuer, false)?;
            policies.prepare_for_next(issuer)?;
        }
        may_issue(issuer, is_anchor)?;
        rules::check(issuer, if is_anchor { Place::Anchor } else { Place::Intermediate }, *rules)?;
        intermediates_left = intermediates_left.min(issuer.path_len().unwrap_or(u32::MAX));
        constraints.extend(NameConstraints::of(issuer)?);
    }
    in_time(leaf, demands.at)?;
    readable(leaf)?;
    check_names(leaf, &constraints, budget)?;
    rules::check(leaf, Place::Leaf, *rules)?;
    if issuers.is_empty() {
        // The leaf is an anchor: nobody above it can ask for a policy.
        leaf_alone(leaf, demands)?;
        return Ok(PolicySet::Any);
    }
    policies.process(leaf, true)?;
    let policies = policies.finish(leaf)?;
    leaf_alone(leaf, demands)?;
    Ok(policies)
}

/// RFC 5280 6.1.3 (a)(2).
fn in_time(certificate: &Certificate, at: OffsetDateTime) -> Result<(), PathError> {
    let subject = || certificate.subject();
    // The validity period counts whole seconds, its last one included.
    let at = at.replace_nanosecond(0).unwrap_or(at);
    if at < certificate.not_before() {
        return Err(PathError::NotYetValid { subject: subject() });
    }
    if at > certificate.not_after() {
        return Err(PathError::Expired { subject: subject() });
    }
    Ok(())
}

/// RFC 5280 6.1.4 (o), 6.1.5 (f).
fn readable(certificate: &Certificate) -> Result<(), PathError> {
    if certificate.extensions().malformed {
        return Err(PathError::MalformedExtension { subject: certificate.subject() });
    }
    if certificate.extensions().unknown_critical {
        return Err(PathError::UnknownCriticalExtension { subject: certificate.subject() });
    }
    Ok(())
}

/// RFC 5280 6.1.4 (k) and (n). An anchor of the times before version 3 has no extensions to bind it.
fn may_issue(issuer: &Certificate, is_anchor: bool) -> Result<(), PathError> {
    if is_anchor {
        readable(issuer)?;
    }
    let is_old_anchor = is_anchor && issuer.version() < 3;
    if !issuer.is_ca() && !is_old_anchor {
        return Err(PathError::NotCa { subject: issuer.subject() });
    }
    if issuer.key_usage().is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(PathError::KeyUsage { subject: issuer.subject() });
    }
    Ok(())
}

/// RFC 5280 6.1.3 (b) and (c).
fn check_names(
    certificate: &Certificate,
    constraints: &[NameConstraints<'_>],
    budget: &mut Budget,
) -> Result<(), PathError> {
    if constraints.is_empty() {
        return Ok(());
    }
    let names = SubjectNames::of(certificate)?;
    constraints.iter().try_for_each(|constraint| constraint.check(&names, budget))
}

/// What is asked of the leaf whatever is above it.
fn leaf_alone(leaf: &Certificate, demands: &Demands<'_>) -> Result<(), PathError> {
    if !leaf.is_ca() {
        // RFC 5280 4.2.1.3: keyCertSign needs cA; 4.2.1.10: name constraints stand in the certificates of authorities only.
        if leaf.key_usage().is_some_and(|usage| usage.key_cert_sign()) {
            return Err(PathError::KeyUsage { subject: leaf.subject() });
        }
        if leaf.extensions().name_constraints.is_some() {
            return Err(PathError::NameConstraint { subject: leaf.subject() });
        }
    }
    (demands.usage)(leaf)
}
