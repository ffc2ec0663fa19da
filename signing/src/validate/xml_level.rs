//! Which level an XML signature has the form of: ETSI EN 319 132-1, 6 (baseline) and EN 319 132-2 (extended), legacy names of TS 101 903.
//! Says what is present, not what is valid.

use certs::certificate::Certificate;
use schemas::report::TimestampKind;

use crate::xades::{StampForm, unsigned_names};

use super::level::MOST_LOOKED_AT;
use super::signature::LevelGround;
use super::xml_signature::XmlDocumentSignature;

/// `XAdES` and the level, for whatever has signed properties with a reference to the signing certificate; else `XMLDSig`.
pub(super) fn of(
    signature: &XmlDocumentSignature<'_, '_, '_>,
    ground: &LevelGround<'_>,
) -> (&'static str, &'static str) {
    let has_properties = signature.properties.is_some_and(|properties| properties.signed.is_some());
    if !has_properties || signature.facts.certificates.is_empty() {
        return ("XMLDSig", "XML-NOT-ETSI");
    }
    let names = signature.properties.as_ref().map(unsigned_names).unwrap_or_default();
    let has = |name: &str| names.contains(&name);
    let is_baseline = is_baseline(signature, ground);
    let is_stamped = signature.stamps.iter().any(|stamp| stamp.kind() == TimestampKind::Signature);
    if !is_stamped {
        return match (is_baseline, signature.facts.policy.is_some()) {
            (true, _) => ("XAdES", "XAdES-BASELINE-B"),
            (false, true) => ("XAdES", "XAdES-EPES"),
            (false, false) => ("XAdES", "XAdES-BES"),
        };
    }
    let references = has("CompleteCertificateRefs") || has("CompleteCertificateRefsV2");
    let values = (has("RevocationValues") || has("TimeStampValidationData")) && are_told(ground);
    let is_x = signature
        .stamps
        .iter()
        .any(|stamp| matches!(stamp.kind(), TimestampKind::SignatureAndReferences | TimestampKind::References));
    let is_archived =
        signature.stamps.iter().any(|stamp| matches!(stamp.form, StampForm::Archive | StampForm::Archive132));
    let level = match (is_baseline && !references, references, values) {
        _ if values && has("SealingEvidenceRecords") => "XAdES-ERS",
        (true, _, true) if is_archived => "XAdES-BASELINE-LTA",
        (true, _, true) => "XAdES-BASELINE-LT",
        (_, _, true) if is_archived => "XAdES-A",
        (_, true, true) if is_x => "XAdES-XL",
        (_, true, _) if is_x => "XAdES-X",
        (_, true, _) => "XAdES-C",
        (_, false, true) => "XAdES-LT",
        _ if is_baseline => "XAdES-BASELINE-T",
        _ => "XAdES-T",
    };
    ("XAdES", level)
}

/// EN 319 132-1, 6.3, level B, of which TS 103 171 allowed the first version of the reference: signing-time, the signing certificate
/// in KeyInfo, and a description with a type for what is signed.
fn is_baseline(signature: &XmlDocumentSignature<'_, '_, '_>, ground: &LevelGround<'_>) -> bool {
    let formats = &signature.facts.formats;
    signature.facts.signing_time.is_some()
        && ground.signing_certificate.is_some_and(|own| signature.carries_in_key_info(own))
        && !formats.is_empty()
        && formats.iter().all(|format| format.reference.is_some() && format.mime_type.is_some())
}

/// Whether the file tells the status of every certificate in it, as for CAdES.
fn are_told(ground: &LevelGround<'_>) -> bool {
    let known =
        |certificate: &Certificate| super::level::is_known(certificate, ground.pool, ground.known, ground.trust);
    ground.pool.len() > MOST_LOOKED_AT || ground.pool.iter().all(known)
}
