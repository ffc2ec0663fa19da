//! Signature acceptance, EN 319 102-1 5.2.8: the policy's constraints on attributes, algorithms and key sizes.

use certs::certificate::Certificate;
use crypto::digest::DigestAlgorithm;
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;

use crate::asn1::{Element, tag};
use crate::cms::{AlgorithmIdentifier, SignerInfo};

use super::Policy;
use super::cause::{Cause, Findings};
use super::format::SignedAttributes;
use super::suite::Reliance;

/// What the policy demands of the signed attributes.
pub(super) fn check_attributes(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    policy: &Policy,
    findings: &mut Findings,
) {
    let present = signer.signed_attributes_der.is_some();
    if policy.require_signed_attributes && !present {
        findings.add(Cause::AttributesRequired);
    }
    if policy.require_signing_certificate_attribute && attributes.certificate.is_none() {
        findings.add(Cause::ReferenceRequired);
    }
}

/// Whether the algorithm of the signature, the `others` with which what is signed was hashed, and those of the certificates that stand under
/// it, were strong enough when the signature is known to have existed. `path`: leaf first; the anchor at its end is trusted for itself.
pub(super) fn check_algorithms(
    algorithm: SignatureAlgorithm,
    others: &[DigestAlgorithm],
    leaf: &Certificate,
    path: Option<&[Certificate]>,
    existed: OffsetDateTime,
    policy: &Policy,
    findings: &mut Findings,
) {
    let below_anchor = path.map_or(&[][..], |path| path.split_last().map_or(path, |(_, below)| below));
    let own = algorithm.digest_algorithm().into_iter().chain(others.iter().copied());
    let digests = own.chain(below_anchor.iter().filter_map(issued_with));
    let digests = digests.map(|digest| policy.suite.digest(digest));
    let keys = std::iter::once(leaf).chain(path.unwrap_or_default());
    let keys = keys.filter_map(|certificate| Some(policy.suite.key(certificate.public_key().ok()?.kind())));
    for reliance in digests.chain(keys).filter(|reliance| !reliance.covers(existed)) {
        findings.add(if reliance == Reliance::Never { Cause::AlgorithmExcluded } else { Cause::WeakAlgorithm });
    }
}

/// Digest of the algorithm with which a certificate was issued: `SEQUENCE { tbsCertificate, signatureAlgorithm, ... }`.
fn issued_with(certificate: &Certificate) -> Option<DigestAlgorithm> {
    let mut reader = Element::only(certificate.der()).ok()?.open(tag::SEQUENCE).ok()?;
    let _tbs = reader.any().ok()?;
    let identifier = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE).ok()?).ok()?;
    let algorithm = SignatureAlgorithm::from_algorithm_identifier(&identifier.dotted(), identifier.parameters, None);
    algorithm.ok()?.digest_algorithm()
}
