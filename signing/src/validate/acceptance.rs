//! Signature acceptance, EN 319 102-1 5.2.8: the policy's constraints on attributes, algorithms and key sizes.

use certs::certificate::Certificate;
use crypto::digest::DigestAlgorithm;
use crypto::key::KeyKind;
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::asn1::{Element, tag};
use crate::cms::{AlgorithmIdentifier, SignerInfo};

use super::Policy;
use super::cause::{Cause, Findings};
use super::format::SignedAttributes;

/// SHA-1 was accepted until then: ETSI TS 119 312 V1.1.1 names it legacy, and no qualified service issued with it after.
const SHA1_UNTIL: OffsetDateTime = datetime!(2012-08-01 00:00 UTC);
/// RSA below 1536 bits, TS 119 312 V1.1.1.
const RSA_1024_UNTIL: OffsetDateTime = datetime!(2009-08-01 00:00 UTC);
/// RSA from 1536 below 1900 bits, TS 119 312 V1.1.1.
const RSA_1536_UNTIL: OffsetDateTime = datetime!(2016-08-01 00:00 UTC);

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

/// Whether the algorithm of the signature, and those of the certificates that stand under it, were strong enough when
/// the signature is known to have existed. `path`: leaf first; the anchor at its end is trusted for itself.
pub(super) fn check_algorithms(
    algorithm: SignatureAlgorithm,
    leaf: &Certificate,
    path: Option<&[Certificate]>,
    existed: OffsetDateTime,
    policy: &Policy,
    findings: &mut Findings,
) {
    if policy.allow_legacy_algorithms {
        return;
    }
    let below_anchor = path.map_or(&[][..], |path| path.split_last().map_or(path, |(_, below)| below));
    let digests = algorithm.digest_algorithm().into_iter().chain(below_anchor.iter().filter_map(issued_with));
    let keys = std::iter::once(leaf).chain(path.unwrap_or_default());
    let limits = digests.filter_map(digest_until).chain(keys.filter_map(key_until));
    if limits.min().is_some_and(|until| existed >= until) {
        findings.add(Cause::WeakAlgorithm);
    }
}

fn digest_until(algorithm: DigestAlgorithm) -> Option<OffsetDateTime> {
    (algorithm == DigestAlgorithm::Sha1).then_some(SHA1_UNTIL)
}

fn key_until(certificate: &Certificate) -> Option<OffsetDateTime> {
    match certificate.public_key().ok()?.kind() {
        KeyKind::Rsa { bits } if bits < 1536 => Some(RSA_1024_UNTIL),
        KeyKind::Rsa { bits } if bits < 1900 => Some(RSA_1536_UNTIL),
        _ => None,
    }
}

/// Digest of the algorithm with which a certificate was issued: `SEQUENCE { tbsCertificate, signatureAlgorithm, ... }`.
fn issued_with(certificate: &Certificate) -> Option<DigestAlgorithm> {
    let mut reader = Element::only(certificate.der()).ok()?.open(tag::SEQUENCE).ok()?;
    reader.any().ok()?;
    let identifier = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE).ok()?).ok()?;
    let algorithm = SignatureAlgorithm::from_algorithm_identifier(&identifier.dotted(), identifier.parameters, None);
    algorithm.ok()?.digest_algorithm()
}
