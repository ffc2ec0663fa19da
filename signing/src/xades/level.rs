//! Which level a signature has the form of: ETSI EN 319 132-1, 6 (baseline) and EN 319 132-2 (extended), legacy names of TS 101 903.
//! Says what is present, not what is valid: a broken time-stamp still makes the form of level T.

use certs::certificate::Certificate;

use super::facts::{SignedFacts, unsigned_signature_properties};
use super::properties::UnverifiedProperties;
use super::structure::XmlSignature;
use crate::xml::Node;

/// What a level depends on.
#[derive(Clone, Copy)]
pub struct LevelGround<'g> {
    /// The signing certificate, if it was found.
    pub certificate: Option<&'g Certificate>,
    /// Whether validation data for all certificates of the signature is in the file.
    pub has_values: bool,
}

/// `XAdES` for whatever has at least the form of XAdES-BES, else `XMLDSig`; and the level.
#[must_use]
pub fn level(
    signature: &XmlSignature<'_, '_>,
    properties: Option<&UnverifiedProperties<'_, '_>>,
    facts: &SignedFacts,
    ground: LevelGround<'_>,
) -> (&'static str, &'static str) {
    let Some(properties) = properties.filter(|properties| properties.signed.is_some()) else {
        return ("XMLDSig", "XML-NOT-ETSI");
    };
    let unsigned = unsigned_signature_properties(properties);
    let names = unsigned.iter().map(|node| node.tag_name().name());
    let is_token = |node: &Node<'_, '_>| node.tag_name().name() == "EncapsulatedTimeStamp";
    let mut stamps = unsigned.iter().filter(|node| node.tag_name().name() == "SignatureTimeStamp");
    let stamps_hold_one_token = stamps.all(|stamp| stamp.children().filter(is_token).count() == 1);
    let form = Form { signature, facts, ground, names: names.collect(), stamps_hold_one_token };
    if form.is_bes() { ("XAdES", form.level()) } else { ("XMLDSig", "XML-NOT-ETSI") }
}

struct Form<'f, 'd, 't> {
    signature: &'f XmlSignature<'d, 't>,
    facts: &'f SignedFacts,
    ground: LevelGround<'f>,
    /// Of the unsigned signature properties.
    names: Vec<&'f str>,
    /// EN 319 132-1, 6.3: a SignatureTimeStamp of the baseline levels holds exactly one.
    stamps_hold_one_token: bool,
}

impl Form<'_, '_, '_> {
    fn level(&self) -> &'static str {
        let baseline = self.is_baseline();
        if !self.has(&["SignatureTimeStamp"]) {
            return match (baseline, self.has_record(), self.facts.policy.is_some()) {
                (true, ..) => "XAdES-BASELINE-B",
                (_, true, _) => "XAdES-ERS",
                (_, _, true) => "XAdES-EPES",
                _ => "XAdES-BES",
            };
        }
        let references = self.has(&["CompleteCertificateRefs", "CompleteCertificateRefsV2"])
            && self.has(&["CompleteRevocationRefs"]);
        let values = self.ground.has_values;
        if values && self.has_record() {
            return "XAdES-ERS";
        }
        let archived = self.has(&["ArchiveTimeStamp"]);
        match (baseline && !references, references, values) {
            (true, _, true) if archived => "XAdES-BASELINE-LTA",
            (true, _, true) => "XAdES-BASELINE-LT",
            (_, _, true) if archived => "XAdES-A",
            (_, true, true) if self.is_x() => "XAdES-XL",
            (_, true, _) if self.is_x() => "XAdES-X",
            (_, true, _) => "XAdES-C",
            (_, false, true) => "XAdES-LT",
            _ if baseline => "XAdES-BASELINE-T",
            _ => "XAdES-T",
        }
    }

    fn has(&self, names: &[&str]) -> bool {
        self.names.iter().any(|name| names.contains(name))
    }

    fn is_x(&self) -> bool {
        self.has(&["SigAndRefsTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStamp", "RefsOnlyTimeStampV2"])
    }

    fn has_record(&self) -> bool {
        self.has(&["SealingEvidenceRecords"])
    }

    /// EN 319 132-2, 5.2: one reference to the signing certificate, and descriptions of data objects that describe some.
    fn is_bes(&self) -> bool {
        let is_sound = |format: &super::DataObjectFormat| {
            let mut references = self.signature.references.iter();
            !format.is_empty
                && format.reference.is_some()
                && references.any(|own| own.id == format.reference.as_deref())
        };
        !self.facts.certificates.is_empty() && self.facts.faults.is_empty() && self.facts.formats.iter().all(is_sound)
    }

    /// EN 319 132-1, 6.3, level B: signing time, the signer's certificate inside, and the type of what is described. That every data
    /// object is described is not demanded, as by DSS.
    fn is_baseline(&self) -> bool {
        let inside = |own: &Certificate| self.signature.certificates.iter().any(|der| der == own.der());
        self.facts.signing_time.is_some()
            && self.ground.certificate.is_some_and(inside)
            && self.facts.formats.iter().all(|format| format.mime_type.is_some())
            && self.stamps_hold_one_token
    }
}
