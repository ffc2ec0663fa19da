//! The report as the validation report of ETSI TS 119 102-2 (V1.4.1): the same facts, for whoever reads that format.
//!
//! What our report does not hold, the document leaves out: all of it is optional there. Reasons stand in
//! AdditionalValidationReportData, each with its code as type and its sentence in English and Ukrainian. The same report gives the
//! same bytes. The document is not signed here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::report::{
    CertificateReport, CertificateStatus, Indication, Reason, Report, SignatureReport, SubIndication, TimestampKind,
    TimestampReport,
};

/// Writes the report as XML in UTF-8.
#[must_use]
pub fn xml(report: &Report) -> String {
    let mut document = Document { text: String::with_capacity(16 * 1024) };
    document.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    document.inside_with("ValidationReport", &NAMESPACES, |document| {
        let every = all(&report.signatures);
        for signature in &every {
            document.signature(report, signature);
        }
        document.objects(report, &every);
    });
    document.text
}

const NAMESPACES: [(&str, &str); 3] = [
    ("xmlns", "http://uri.etsi.org/19102/v1.4.1#"),
    ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"),
    ("xmlns:XAdES", "http://uri.etsi.org/01903/v1.3.2#"),
];

/// Signatures and their counter-signatures, each before those over it.
fn all(signatures: &[SignatureReport]) -> Vec<&SignatureReport> {
    let mut every = Vec::new();
    for signature in signatures {
        every.push(signature);
        every.extend(all(&signature.counter_signatures));
    }
    every
}

/// XML that is being written.
struct Document {
    text: String,
}

impl Document {
    fn inside(&mut self, name: &'static str, content: impl FnOnce(&mut Self)) {
        self.inside_with(name, &[], content);
    }

    fn inside_with(&mut self, name: &'static str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            // Writing to a String cannot fail.
            let _ = write!(self.text, " {key}=\"");
            escape(value, &mut self.text);
            self.text.push('"');
        }
        self.text.push('>');
        content(self);
        let _ = write!(self.text, "</{name}>");
    }

    fn element(&mut self, name: &'static str, text: &str) {
        self.inside(name, |document| escape(text, &mut document.text));
    }

    fn reference(&mut self, name: &'static str, to: &str) {
        self.inside_with(name, &[("VOReference", to)], |_| {});
    }

    fn signature(&mut self, report: &Report, signature: &SignatureReport) {
        self.inside("SignatureValidationReport", |document| {
            document.inside_with("SignatureIdentifier", &[("id", &signature.id)], |document| {
                document.element("HashOnly", "false");
                document.element("DocHashOnly", "false");
            });
            document.policy(&report.policy);
            document.times(report, signature);
            document.attributes(signature);
            if let Some(certificate) = signature.chain.first() {
                document.inside("SignerInformation", |document| {
                    document.reference("SignerCertificate", &certificate_id(certificate));
                    if let Some(signer) = &signature.signer {
                        document.element("Signer", &signer.subject);
                    }
                });
            }
            document.inside("SignatureValidationProcess", |document| {
                document.element("SignatureValidationProcessID", process(signature));
            });
            document.status(
                (main_indication(signature.indication), signature.sub_indication),
                &signature.chain,
                &signature.reasons,
            );
        });
    }

    fn policy(&mut self, name: &str) {
        self.inside("ValidationConstraintsEvaluationReport", |document| {
            document.inside("SignatureValidationPolicy", |document| {
                document.inside("SignaturePolicyIdentifier", |document| {
                    document.inside("XAdES:SignaturePolicyImplied", |_| {});
                });
                document.element("PolicyName", name);
            });
        });
    }

    fn times(&mut self, report: &Report, signature: &SignatureReport) {
        self.inside("ValidationTimeInfo", |document| {
            document.element("ValidationTime", &report.validated_at);
            document.inside("BestSignatureTime", |document| {
                document.element("POETime", &signature.best_time);
                document.element("TypeOfProof", "urn:etsi:019102:poetype:validation");
                let proves = |stamp: &&TimestampReport| stamp.time.as_ref() == Some(&signature.best_time);
                if let Some(stamp) = signature.timestamps.iter().find(proves) {
                    document.reference("POEObject", &stamp.id);
                }
            });
        });
    }

    fn attributes(&mut self, signature: &SignatureReport) {
        let is_empty = signature.signing_time.is_none()
            && signature.signature_policy.is_none()
            && !signature.timestamps.iter().any(|stamp| stamp.time.is_some());
        if is_empty {
            return;
        }
        self.inside("SignatureAttributes", |document| {
            if let Some(time) = &signature.signing_time {
                document.inside_with("SigningTime", &[("Signed", "true")], |document| document.element("Time", time));
            }
            if let Some(policy) = &signature.signature_policy {
                let uri = if policy == "implied" { policy.clone() } else { format!("urn:oid:{policy}") };
                document.inside_with("SigPolicyIdentifier", &[("Signed", "true")], |document| {
                    document.element("SigPolicyId", &uri);
                });
            }
            for stamp in &signature.timestamps {
                let (Some(name), Some(time)) = (attribute(stamp.kind), &stamp.time) else { continue };
                let signed = if stamp.kind == TimestampKind::Content { "true" } else { "false" };
                document.inside_with(name, &[("Signed", signed)], |document| {
                    document.reference("AttributeObject", &stamp.id);
                    document.element("TimeStampValue", time);
                });
            }
        });
    }

    fn status(&mut self, (main, sub): (&str, Option<SubIndication>), chain: &[CertificateReport], reasons: &[Reason]) {
        self.inside("SignatureValidationStatus", |document| {
            document.element("MainIndication", main);
            if let Some(sub) = sub {
                document.element("SubIndication", &format!("urn:etsi:019102:subindication:{}", name_of(sub)));
            }
            if chain.is_empty() && reasons.is_empty() {
                return;
            }
            document.inside("AssociatedValidationReportData", |document| {
                document.chain(chain);
                if reasons.is_empty() {
                    return;
                }
                document.inside("AdditionalValidationReportData", |document| {
                    reasons.iter().for_each(|reason| document.reason(reason));
                });
            });
        });
    }

    fn chain(&mut self, chain: &[CertificateReport]) {
        let Some((signer, above)) = chain.split_first() else { return };
        let anchor = chain.iter().find(|one| one.status == CertificateStatus::Anchor);
        if let Some(anchor) = anchor {
            self.reference("TrustAnchor", &certificate_id(anchor));
        }
        self.inside("CertificateChain", |document| {
            document.reference("SigningCertificate", &certificate_id(signer));
            for certificate in above.iter().filter(|one| one.status != CertificateStatus::Anchor) {
                document.reference("IntermediateCertificate", &certificate_id(certificate));
            }
            if let Some(anchor) = anchor.filter(|anchor| *anchor != signer) {
                document.reference("TrustAnchor", &certificate_id(anchor));
            }
        });
        let revoked = chain.iter().find_map(|one| Some((one, one.revoked_at.as_ref()?)));
        if let Some((certificate, time)) = revoked {
            self.inside("RevocationStatusInformation", |document| {
                document.reference("ValidationObjectId", &certificate_id(certificate));
                document.element("RevocationTime", time);
            });
        }
    }

    fn reason(&mut self, reason: &Reason) {
        for (language, text) in [("en", &reason.text_en), ("uk", &reason.text_uk)] {
            self.inside("ReportData", |document| {
                document.element("Type", &format!("urn:vuzol:reason:{}", reason.code));
                document.inside_with("Value", &[("xml:lang", language)], |document| {
                    escape(&format!("{text} ({})", reason.clause), &mut document.text);
                });
            });
        }
    }

    /// Certificates and time-stamps, each once, by their identifiers.
    fn objects(&mut self, report: &Report, every: &[&SignatureReport]) {
        let certificates: BTreeMap<String, &CertificateReport> =
            every.iter().flat_map(|one| &one.chain).map(|one| (certificate_id(one), one)).collect();
        let stamps: BTreeMap<&str, &TimestampReport> = every
            .iter()
            .flat_map(|one| &one.timestamps)
            .chain(&report.timestamps)
            .map(|one| (one.id.as_str(), one))
            .collect();
        if certificates.is_empty() && stamps.is_empty() {
            return;
        }
        self.inside("SignatureValidationObjects", |document| {
            for (id, certificate) in &certificates {
                document.object(id, "urn:etsi:019102:validationObject:certificate", &certificate.sha256, |_| {});
            }
            for (id, stamp) in &stamps {
                let kind = match stamp.kind {
                    TimestampKind::EvidenceRecord => "urn:etsi:019102:validationObject:evidencerecord",
                    _ => "urn:etsi:019102:validationObject:timestamp",
                };
                document.object(id, kind, &stamp.sha256, |document| document.stamp(stamp));
            }
        });
    }

    fn object(&mut self, id: &str, kind: &str, sha256: &str, more: impl FnOnce(&mut Self)) {
        self.inside_with("ValidationObject", &[("id", id)], |document| {
            document.element("ObjectType", kind);
            document.inside("ValidationObjectRepresentation", |document| {
                document.inside("DigestAlgAndValue", |document| {
                    let method = [("Algorithm", "http://www.w3.org/2001/04/xmlenc#sha256")];
                    document.inside_with("ds:DigestMethod", &method, |_| {});
                    document.element("ds:DigestValue", &base64_of_hex(sha256));
                });
            });
            more(document);
        });
    }

    /// The time-stamp's own verdict.
    fn stamp(&mut self, stamp: &TimestampReport) {
        self.inside("ValidationReport", |document| {
            let main = match stamp.indication {
                Indication::TotalPassed => "urn:etsi:019102:mainindication:passed",
                Indication::TotalFailed => "urn:etsi:019102:mainindication:failed",
                Indication::Indeterminate => "urn:etsi:019102:mainindication:indeterminate",
            };
            document.status((main, stamp.sub_indication), &[], &stamp.reasons);
        });
    }
}

fn certificate_id(certificate: &CertificateReport) -> String {
    format!("C-{}", certificate.sha256)
}

fn main_indication(indication: Indication) -> &'static str {
    match indication {
        Indication::TotalPassed => "urn:etsi:019102:mainindication:total-passed",
        Indication::TotalFailed => "urn:etsi:019102:mainindication:total-failed",
        Indication::Indeterminate => "urn:etsi:019102:mainindication:indeterminate",
    }
}

/// How far the process went (EN 319 102-1, 5.3, 5.5 and 5.6).
fn process(signature: &SignatureReport) -> &'static str {
    let has = |kinds: &[TimestampKind]| signature.timestamps.iter().any(|stamp| kinds.contains(&stamp.kind));
    if has(&[TimestampKind::Archive, TimestampKind::EvidenceRecord]) {
        "urn:etsi:019102:validationprocess:LTA"
    } else if has(&[TimestampKind::Signature]) {
        "urn:etsi:019102:validationprocess:LTVM"
    } else {
        "urn:etsi:019102:validationprocess:Basic"
    }
}

/// The attribute in which a time-stamp stands (TS 119 102-2, annex A).
fn attribute(kind: TimestampKind) -> Option<&'static str> {
    match kind {
        TimestampKind::Content => Some("AllDataObjectsTimeStamp"),
        TimestampKind::Signature => Some("SignatureTimeStamp"),
        TimestampKind::SignatureAndReferences => Some("SigAndRefsTimeStamp"),
        TimestampKind::References => Some("RefsOnlyTimeStamp"),
        TimestampKind::Archive => Some("ArchiveTimeStamp"),
        TimestampKind::Container | TimestampKind::EvidenceRecord => None,
    }
}

/// The standard's own name.
fn name_of(sub: SubIndication) -> &'static str {
    match sub {
        SubIndication::FormatFailure => "FORMAT_FAILURE",
        SubIndication::HashFailure => "HASH_FAILURE",
        SubIndication::SigCryptoFailure => "SIG_CRYPTO_FAILURE",
        SubIndication::Revoked => "REVOKED",
        SubIndication::Expired => "EXPIRED",
        SubIndication::NotYetValid => "NOT_YET_VALID",
        SubIndication::SigConstraintsFailure => "SIG_CONSTRAINTS_FAILURE",
        SubIndication::ChainConstraintsFailure => "CHAIN_CONSTRAINTS_FAILURE",
        SubIndication::CertificateChainGeneralFailure => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        SubIndication::CryptoConstraintsFailure => "CRYPTO_CONSTRAINTS_FAILURE",
        SubIndication::PolicyProcessingError => "POLICY_PROCESSING_ERROR",
        SubIndication::SignaturePolicyNotAvailable => "SIGNATURE_POLICY_NOT_AVAILABLE",
        SubIndication::TimestampOrderFailure => "TIMESTAMP_ORDER_FAILURE",
        SubIndication::NoSigningCertificateFound => "NO_SIGNING_CERTIFICATE_FOUND",
        SubIndication::NoCertificateChainFound => "NO_CERTIFICATE_CHAIN_FOUND",
        SubIndication::NoCertificateChainFoundNoPoe => "NO_CERTIFICATE_CHAIN_FOUND_NO_POE",
        SubIndication::RevokedNoPoe => "REVOKED_NO_POE",
        SubIndication::RevokedCaNoPoe => "REVOKED_CA_NO_POE",
        SubIndication::OutOfBoundsNotRevoked => "OUT_OF_BOUNDS_NOT_REVOKED",
        SubIndication::OutOfBoundsNoPoe => "OUT_OF_BOUNDS_NO_POE",
        SubIndication::RevocationOutOfBoundsNoPoe => "REVOCATION_OUT_OF_BOUNDS_NO_POE",
        SubIndication::CryptoConstraintsFailureNoPoe => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        SubIndication::NoPoe => "NO_POE",
        SubIndication::TryLater => "TRY_LATER",
        SubIndication::SignedDataNotFound => "SIGNED_DATA_NOT_FOUND",
    }
}

/// XML 1.0, 2.2 and 2.4: markup is escaped, and what is no character of XML becomes U+FFFD.
fn escape(text: &str, output: &mut String) {
    for character in text.chars() {
        match character {
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '"' => output.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(output, "&#{};", u32::from(character));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => output.push('\u{fffd}'),
            other => output.push(other),
        }
    }
}

fn base64_of_hex(hex: &str) -> String {
    STANDARD.encode(crypto::digest::from_hex(hex).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cades::Content;
    use crate::testing::{NOW, World};
    use time::Duration;

    #[test]
    fn a_report_names_every_object_that_it_refers_to() {
        let world = World::new();
        let signer = world.signer();
        let cms = world.stamp(&world.sign(Content::Attached(b"a letter"), &signer), NOW - Duration::HOUR);
        let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
        let text = xml(&outcome.report);
        assert_eq!(text, xml(&outcome.report));
        for part in [
            "<MainIndication>urn:etsi:019102:mainindication:total-passed</MainIndication>",
            "<PolicyName>ua-qualified</PolicyName>",
            "<SignatureTimeStamp Signed=\"false\">",
            "<SignatureValidationProcessID>urn:etsi:019102:validationprocess:LTVM<",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        for reference in text.split("VOReference=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(text.contains(&format!("<ValidationObject id=\"{reference}\">")), "{reference}");
        }
    }

    #[test]
    fn a_stranger_s_name_cannot_become_markup() {
        let mut text = String::new();
        escape("</Signer><evil a=\"&\">\u{0}\u{b}\n", &mut text);
        assert_eq!(text, "&lt;/Signer&gt;&lt;evil a=&quot;&amp;&quot;&gt;\u{fffd}\u{fffd}&#10;");
    }
}
