//! Validation of basic signatures, EN 319 102-1 5.3: the building blocks in their order, for signatures and time-stamps
//! alike.
//!
//! In two halves, because proof of existence comes between them: what depends on the bytes alone, then what depends on
//! trust and time. The standard stops at the first failure; we make every check, and rank the findings afterwards, so
//! that a forged document is called forged even if its signer is unknown as well.

use certs::certificate::Certificate;
use certs::path::{Budget, VerifiedPath};
use certs::trust::Purpose;
use crypto::digest::DigestAlgorithm;
use crypto::signature::SignatureAlgorithm;
use schemas::report::SignedForm;
use time::OffsetDateTime;

use crate::cms::SignerInfo;

use super::cause::{Cause, Findings};
use super::cryptographic::{Content, Verified};
use super::format::SignedAttributes;
use super::status::Known;
use super::x509::{Judged, Times};
use super::{Context, Policy, acceptance, cryptographic, identification, signature_policy, x509};

/// What helps to believe a signature, and for what.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub(super) pool: &'a [Certificate],
    pub(super) known: &'a Known<'a>,
    pub(super) purpose: Purpose,
}

/// What the bytes alone say.
pub(crate) struct Core {
    pub(super) findings: Findings,
    pub(super) certificate: Option<Certificate>,
    /// Claimed by the signer.
    pub(super) signing_time: Option<OffsetDateTime>,
    /// Only where value and digests hold.
    pub(super) verified: Option<Verified>,
    /// Of what is signed, where they may be others than the signature's own.
    pub(super) digests: Vec<DigestAlgorithm>,
}

/// The same after trust and time were looked at.
pub(super) struct Assessed {
    pub(super) findings: Findings,
    pub(super) certificate: Option<Certificate>,
    pub(super) signing_time: Option<OffsetDateTime>,
    /// Over what the value verified; only where the digests hold too, so that the signature is intact.
    pub(super) form: Option<SignedForm>,
    pub(super) algorithm: Option<SignatureAlgorithm>,
    pub(super) path: Option<VerifiedPath>,
    /// Of the path, below the anchor, leaf first; empty where nothing was asked.
    pub(super) statuses: Vec<Judged>,
}

/// Format checking, identification, cryptographic verification, and the constraints on attributes, for CMS. `content_type`: `None`
/// for a counter-signature.
pub(super) fn check_signature(
    signer: &SignerInfo<'_>,
    content_type: Option<&[u8]>,
    pool: &[Certificate],
    content: &mut Content<'_>,
    policy: &Policy,
) -> Core {
    let mut findings = Findings::default();
    let attributes = SignedAttributes::read(signer, content_type, &mut findings);
    let certificate = identification::identify(signer, &attributes, pool, &mut findings);
    let verified = cryptographic::verify(signer, &attributes, certificate.as_ref(), content, policy, &mut findings);
    acceptance::check_attributes(signer, &attributes, policy, &mut findings);
    signature_policy::check(signer, &attributes, policy, &mut findings);
    Core { findings, certificate, signing_time: attributes.signing_time, verified, digests: Vec::new() }
}

/// X.509 validation, revocation, and the constraints on algorithms.
pub(super) fn check_trust(
    core: Core,
    grounds: Grounds<'_>,
    times: Times,
    context: &Context<'_>,
    budget: &mut Budget,
) -> Assessed {
    let Core { mut findings, certificate, signing_time, verified, digests } = core;
    let (mut path, mut statuses) = (None, Vec::new());
    if let Some(leaf) = &certificate {
        match x509::find_path(leaf, grounds.pool, context.trust, grounds.purpose, times, budget) {
            Ok(found) => {
                // A forgery needs no revocation check: it stays one.
                if verified.is_some() {
                    // Only certificates that lead to an anchor and did sign something get in.
                    context.trust.remember(&found);
                    let (judged, cause) = x509::check_revocation(&found, grounds.known, times, context.policy);
                    statuses = judged;
                    cause.into_iter().for_each(|cause| findings.add(cause));
                }
                path = Some(found);
            }
            Err(cause) => findings.add(cause),
        }
        if let Some(verified) = verified {
            let certificates = path.as_ref().map(VerifiedPath::certificates);
            acceptance::check_algorithms(
                verified.algorithm,
                &digests,
                leaf,
                certificates,
                times.best,
                context.policy,
                &mut findings,
            );
        }
    }
    // Nothing may pass without a verified value, whatever was or was not found above.
    if verified.is_none() && findings.is_empty() {
        findings.add(Cause::SignatureWrong);
    }
    let form = verified.map(|verified| verified.form);
    let algorithm = verified.map(|verified| verified.algorithm);
    Assessed { findings, certificate, signing_time, form, algorithm, path, statuses }
}
