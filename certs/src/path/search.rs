//! The search for paths: depth first from the leaf towards the anchors, without recursion.
//!
//! Every step to a possible issuer spends a signature check of the budget, whether or not the signature is already known to
//! be right, so cross-signed and cyclic authorities cannot multiply the work (RUSTSEC-2023-0052, x509-limbo `pathological`).
use super::validate::{self, Demands};
use super::{Budget, PathError, PolicySet};
use crate::certificate::Certificate;
use crate::trust::{Purpose, TrustSnapshot};
use crypto::signature::VerifyError;

/// A certificate of the path under construction, and the issuers that are still to be tried for it.
struct Frame {
    certificate: Certificate,
    /// Best last.
    candidates: Vec<Candidate>,
}

struct Candidate {
    certificate: Certificate,
    is_anchor: bool,
}

pub(super) fn search(
    leaf: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    demands: &Demands<'_>,
    budget: &mut Budget,
) -> Result<(Vec<Certificate>, PolicySet), PathError> {
    if trust.is_anchor(leaf, purpose) {
        let path = vec![leaf.clone()];
        let policies = validate::validate(&path, demands, budget)?;
        return Ok((path, policies));
    }
    let candidates_for = |certificate: &Certificate| candidates(certificate, pool, trust, purpose, demands);
    let mut best = PathError::NoPath;
    let mut frames = vec![Frame { certificate: leaf.clone(), candidates: candidates_for(leaf) }];
    while let Some(top) = frames.last_mut() {
        let Some(candidate) = top.candidates.pop() else {
            frames.pop();
            continue;
        };
        let child = top.certificate.clone();
        if frames.iter().any(|frame| same_entity(&frame.certificate, &candidate.certificate)) {
            continue;
        }
        spend(&mut budget.signature_checks)?;
        if let Err(error) = check_signature(&child, &candidate.certificate) {
            keep_best(&mut best, error);
            continue;
        }
        let length = u32::try_from(frames.len() + 1).unwrap_or(u32::MAX);
        if candidate.is_anchor && length <= budget.path_length {
            let chain = frames.iter().map(|frame| frame.certificate.clone());
            let path: Vec<_> = chain.chain([candidate.certificate]).collect();
            match validate::validate(&path, demands, budget) {
                Ok(policies) => return Ok((path, policies)),
                Err(PathError::BudgetExceeded) => return Err(PathError::BudgetExceeded),
                Err(error) => keep_best(&mut best, error),
            }
        } else if !candidate.is_anchor && length < budget.path_length {
            let candidates = candidates_for(&candidate.certificate);
            frames.push(Frame { certificate: candidate.certificate, candidates });
        } else {
            keep_best(&mut best, PathError::BudgetExceeded);
        }
    }
    Err(best)
}

/// Takes one from what is left.
pub(super) fn spend(left: &mut u32) -> Result<(), PathError> {
    *left = left.checked_sub(1).ok_or(PathError::BudgetExceeded)?;
    Ok(())
}

fn keep_best(best: &mut PathError, error: PathError) {
    if error.rank() > best.rank() {
        *best = error;
    }
}

/// The same name with the same key: to pass it twice is a cycle, whichever certificate says it.
fn same_entity(left: &Certificate, right: &Certificate) -> bool {
    left.spki_der() == right.spki_der() && left.subject_name() == right.subject_name()
}

fn check_signature(child: &Certificate, issuer: &Certificate) -> Result<(), PathError> {
    let verdict = match issuer.public_key() {
        Ok(key) => child.verify_signature(key),
        Err(_) => Err(VerifyError::UnsupportedAlgorithm),
    };
    verdict.map_err(|error| match error {
        VerifyError::UnsupportedAlgorithm => PathError::UnsupportedAlgorithm { subject: child.subject() },
        VerifyError::Mismatch | VerifyError::KeyMismatch => PathError::SignatureWrong { subject: child.subject() },
    })
}

/// Everyone who bears the name of the issuer, best last: anchors before others, then those whose key identifier is the one
/// that `certificate` names, then those in their validity period. None of this excludes anyone: RFC 5280 6.1 knows names
/// and signatures only.
fn candidates(
    certificate: &Certificate,
    pool: &[Certificate],
    trust: &TrustSnapshot,
    purpose: Purpose,
    demands: &Demands<'_>,
) -> Vec<Candidate> {
    let Some(issuer) = certificate.issuer_name().filter(|name| !name.is_empty()) else {
        // RFC 5280 4.1.2.4: the issuer field must be non-empty.
        return Vec::new();
    };
    let mut candidates: Vec<Candidate> = trust
        .anchors_named(issuer, purpose)
        .map(|anchor| Candidate { certificate: anchor.clone(), is_anchor: true })
        .collect();
    let from_pool = pool.iter().filter(|helper| certificate.names_issuer(helper));
    for helper in trust.intermediates_named(issuer).chain(from_pool) {
        if !candidates.iter().any(|candidate| candidate.certificate == *helper) {
            candidates.push(Candidate { certificate: helper.clone(), is_anchor: false });
        }
    }
    let wanted = certificate.authority_key_identifier();
    candidates.sort_by_key(|candidate| {
        let issuer = &candidate.certificate;
        let identifier = match (wanted, issuer.subject_key_identifier()) {
            (Some(wanted), Some(found)) if wanted == found => 2,
            (Some(_), Some(_)) => 0,
            _ => 1,
        };
        let in_time = (issuer.not_before()..=issuer.not_after()).contains(&demands.at);
        (candidate.is_anchor, identifier, in_time)
    });
    candidates
}
