//! The signature policy that a signer names, EN 319 102-1 5.2.4.

use crypto::digest::{Digest, DigestAlgorithm, digest};

use crate::asn1::{Asn1Error, Element, oid, tag};
use crate::cms::SignerInfo;

use super::Policy;
use super::cause::{Cause, Findings};
use super::format::{PolicyReference, SignedAttributes};
use super::policy::{KnownSignaturePolicy, SignaturePolicies};

/// Whether the policy that the signer names is known, and its document the one that the signer names.
pub(super) fn check(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    policy: &Policy,
    findings: &mut Findings,
) {
    let Some(reference) = &attributes.policy else { return };
    if let Some(document) = stored(signer)
        && !names(reference, document)
    {
        findings.add(Cause::SignaturePolicyDiffers);
    }
    let SignaturePolicies::Known(known) = &policy.signature_policies else { return };
    let PolicyReference::Explicit { oid, .. } = reference else {
        findings.add(Cause::SignaturePolicyUnknown);
        return;
    };
    let named = oid::dotted(oid);
    match known.iter().find(|known| Some(&known.oid) == named.as_ref()) {
        None => findings.add(Cause::SignaturePolicyUnknown),
        Some(known) if !names(reference, &known.document) => findings.add(Cause::SignaturePolicyDiffers),
        Some(_) => {}
    }
}

/// An implied policy is none of the known ones.
pub(super) fn check_implied(policy: &Policy, findings: &mut Findings) {
    if matches!(policy.signature_policies, SignaturePolicies::Known(_)) {
        findings.add(Cause::SignaturePolicyUnknown);
    }
}

/// The same for a policy that is named by a URI, as XML has it; `digest`: of its document, where it can be compared.
pub(super) fn check_named(identifier: &str, digest: Option<&Digest>, policy: &Policy, findings: &mut Findings) {
    let SignaturePolicies::Known(known) = &policy.signature_policies else { return };
    let oid = identifier.strip_prefix("urn:oid:").unwrap_or(identifier);
    let is_document = |known: &KnownSignaturePolicy| {
        digest.is_some_and(|named| crypto::digest::digest(named.algorithm(), &known.document) == *named)
    };
    match known.iter().find(|known| known.oid == oid) {
        None => findings.add(Cause::SignaturePolicyUnknown),
        Some(known) if !is_document(known) => findings.add(Cause::SignaturePolicyDiffers),
        Some(_) => {}
    }
}

/// For the report.
pub(super) fn name(reference: &PolicyReference<'_>) -> String {
    match reference {
        PolicyReference::Implied => "implied".to_owned(),
        PolicyReference::Explicit { oid, .. } => oid::dotted(oid).unwrap_or_default(),
    }
}

/// Whether the digest that the signer gives is that of `document`: of its bytes or, where it is the ASN.1 form of
/// TR 102 272, of its contents without the outer header and the digest that it holds of itself. A digest of zeros only says
/// that the signer did not know it (EN 319 122-1, 5.2.9.1).
fn names(reference: &PolicyReference<'_>, document: &[u8]) -> bool {
    let PolicyReference::Explicit { algorithm, digest: named, .. } = reference else { return true };
    if named.iter().all(|byte| *byte == 0) {
        return true;
    }
    let Some(algorithm) = DigestAlgorithm::from_oid(&algorithm.dotted()) else { return false };
    digest(algorithm, document).as_bytes() == *named
        || asn1_digest_input(document).is_ok_and(|input| digest(algorithm, &input).as_bytes() == *named)
}

/// `SignaturePolicy ::= SEQUENCE { signPolicyHashAlg, signPolicyInfo, signPolicyHash OPTIONAL }`: the first two, without
/// the header around them (TS 101 733, 5.8.1).
fn asn1_digest_input(document: &[u8]) -> Result<Vec<u8>, Asn1Error> {
    let mut reader = Element::only(document)?.open(tag::SEQUENCE)?;
    let algorithm = reader.element(tag::SEQUENCE)?.raw;
    let info = reader.element(tag::SEQUENCE)?.raw;
    Ok([algorithm, info].concat())
}

/// The document in signature-policy-store: `SEQUENCE { spDocSpec, CHOICE { OCTET STRING, IA5String } }` (EN 319 122-1,
/// 5.2.10). A store with an address in place of the document holds none.
fn stored<'a>(signer: &SignerInfo<'a>) -> Option<&'a [u8]> {
    let value = signer.unsigned(oid::SIGNATURE_POLICY_STORE).next()?.values.first()?;
    let mut reader = Element::only(value).ok()?.open(tag::SEQUENCE).ok()?;
    let _specification = reader.any().ok()?;
    reader.expect(tag::OCTET_STRING).ok()
}
