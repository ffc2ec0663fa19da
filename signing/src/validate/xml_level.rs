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
    // EN 319 132-1, 6.3: signing-time, a reference of version 2, and a description of each object.
    let is_baseline = signature.facts.signing_time.is_some() && signature.facts.is_version_2;
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
    let form = |form| signature.stamps.iter().any(|stamp| stamp.form == form);
    let level = match (is_baseline && !references, references, values) {
        _ if values && has("SealingEvidenceRecords") => "XAdES-ERS",
        (true, _, true) if form(StampForm::Archive) => "XAdES-BASELINE-LTA",
        (true, _, true) => "XAdES-BASELINE-LT",
        (_, _, true) if form(StampForm::Archive) || form(StampForm::Archive132) => "XAdES-A",
        (_, true, true) if is_x => "XAdES-XL",
        (_, true, _) if is_x => "XAdES-X",
        (_, true, _) => "XAdES-C",
        (_, false, true) => "XAdES-LT",
        _ if is_baseline => "XAdES-BASELINE-T",
        _ => "XAdES-T",
    };
    ("XAdES", level)
}

/// Whether the file tells the status of every certificate in it, as for CAdES.
fn are_told(ground: &LevelGround<'_>) -> bool {
    let known =
        |certificate: &Certificate| super::level::is_known(certificate, ground.pool, ground.known, ground.trust);
    ground.pool.len() > MOST_LOOKED_AT || ground.pool.iter().all(known)
}
