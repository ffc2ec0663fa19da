//! Which level a signature has the form of: EN 319 122-1, 6 (baseline) and EN 319 122-2, 5 (extended), legacy names of
//! TS 101 733. Says what is present, not what is valid: a broken time-stamp still makes the form of level T.

use certs::certificate::Certificate;
use certs::trust::TrustSnapshot;
use crypto::digest::DigestAlgorithm;

use crate::asn1::oid;
use crate::cms::{SignedData, SignerInfo};

use super::format::{CertificateReference, SignedAttributes};
use super::signature::LevelGround;
use super::status::Known;

/// `CAdES` for whatever has at least the form of CAdES-BES, else `CMS`; and the level. `is_counter`: the signer stands over
/// another's value.
pub(super) fn of(
    file: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    is_counter: bool,
    ground: &LevelGround<'_>,
) -> (&'static str, &'static str) {
    let form = Form { file, signer, attributes, is_counter, ground };
    if form.is_bes() { ("CAdES", form.level()) } else { ("CMS", "CMS-NOT-ETSI") }
}

/// Certificates among which issuers are looked for. Real long-term files have some thirty; past it the presence of
/// revocation data counts, as the search is quadratic and its answer only names a level.
pub(super) const MOST_LOOKED_AT: usize = 64;

struct Form<'f, 'a> {
    file: &'f SignedData<'f>,
    signer: &'f SignerInfo<'a>,
    attributes: &'f SignedAttributes<'a>,
    is_counter: bool,
    ground: &'f LevelGround<'f>,
}

impl Form<'_, '_> {
    fn level(&self) -> &'static str {
        let baseline = self.is_baseline();
        if !self.has(oid::SIGNATURE_TIME_STAMP) {
            return match (baseline, self.has_policy()) {
                (true, _) => "CAdES-BASELINE-B",
                (false, true) => "CAdES-EPES",
                (false, false) => "CAdES-BES",
            };
        }
        let references = self.has(oid::CERTIFICATE_REFERENCES) && self.has(oid::REVOCATION_REFERENCES);
        let values = self.has_values();
        if values && self.has_evidence_record() {
            return "CAdES-ERS";
        }
        let archived = self.is_archived();
        match (baseline && self.is_baseline_lt(), references, values) {
            (true, _, true) if self.has(oid::ARCHIVE_TIME_STAMP_V3) => "CAdES-BASELINE-LTA",
            (true, _, true) => "CAdES-BASELINE-LT",
            (_, _, true) if archived => "CAdES-A",
            (_, true, true) if self.is_x() => "CAdES-XL",
            (_, true, _) if self.is_x() => "CAdES-X",
            (_, true, _) => "CAdES-C",
            (_, false, true) => "CAdES-LT",
            _ if baseline => "CAdES-BASELINE-T",
            _ => "CAdES-T",
        }
    }

    fn has(&self, oid: &[u8]) -> bool {
        self.signer.unsigned(oid).next().is_some()
    }

    fn has_policy(&self) -> bool {
        self.signer.signed(oid::SIGNATURE_POLICY).next().is_some()
    }

    /// EN 319 122-2, 5.2: content-type, message-digest and one signing-certificate reference. Counter-signatures have no content-type
    /// (RFC 5652, 11.4).
    fn is_bes(&self) -> bool {
        let references = |oid| self.signer.signed(oid).count();
        (self.attributes.content_type.is_some() || self.is_counter)
            && self.attributes.message_digest.is_some()
            && references(oid::SIGNING_CERTIFICATE) + references(oid::SIGNING_CERTIFICATE_V2) == 1
            && self.attributes.certificate.as_ref().is_some_and(uses_right_version)
    }

    /// EN 319 122-1, 6.3, level B: signing-time, id-data, and the signer's certificate inside.
    fn is_baseline(&self) -> bool {
        let inside = |own: &Certificate| self.file.certificates.iter().any(|der| *der == own.der());
        self.signer.signed(oid::SIGNING_TIME).count() == 1
            && (self.attributes.content_type == Some(oid::DATA) || self.is_counter)
            && self.ground.signing_certificate.is_some_and(inside)
    }

    /// EN 319 122-1, 6.3, level LT: the values lie in SignedData, not in the attributes of the extended forms.
    fn is_baseline_lt(&self) -> bool {
        ![
            oid::CERTIFICATE_VALUES,
            oid::CERTIFICATE_REFERENCES,
            oid::REVOCATION_VALUES,
            oid::REVOCATION_REFERENCES,
            oid::REFERENCES_TIME_STAMP,
        ]
        .iter()
        .any(|oid| self.has(oid))
    }

    fn is_x(&self) -> bool {
        self.has(oid::CADES_C_TIME_STAMP) || self.has(oid::REFERENCES_TIME_STAMP)
    }

    fn is_archived(&self) -> bool {
        [oid::ARCHIVE_TIME_STAMP_V1, oid::ARCHIVE_TIME_STAMP_V2, oid::ARCHIVE_TIME_STAMP_V3]
            .iter()
            .any(|oid| self.has(oid))
    }

    /// Validation data of every certificate of the file and of its signature time-stamps (EN 319 122-1, 6.3 (t) and (u)).
    /// An answer that does not verify is none.
    fn has_values(&self) -> bool {
        if self.file.revocation.is_empty() && !self.has(oid::REVOCATION_VALUES) {
            return false;
        }
        let certificates = self.ground.pool;
        certificates.len() > MOST_LOOKED_AT
            || certificates.iter().all(|one| is_known(one, certificates, self.ground.known, self.ground.trust))
    }

    /// EN 319 122-1, A.3: internal records for attached content, external for detached.
    fn has_evidence_record(&self) -> bool {
        let kind =
            if self.file.content.is_some() { oid::EVIDENCE_RECORD_INTERNAL } else { oid::EVIDENCE_RECORD_EXTERNAL };
        self.has(kind)
    }
}

/// Whether the status of a certificate is told by `data`. Roots have none; responders mostly forbid to ask for theirs
/// (RFC 6960, 4.2.2.2.1).
pub(super) fn is_known(
    certificate: &Certificate,
    pool: &[Certificate],
    known: &Known<'_>,
    trust: &TrustSnapshot,
) -> bool {
    let is_responder = certificate.extended_key_usage().is_some_and(|uses| uses.iter().any(|oid| oid == OCSP_SIGNING));
    if is_responder || certificate.is_self_issued() {
        return true;
    }
    // The first of that name: a second one would multiply the work for whoever asks for it. Where the file leaves out
    // an issuer that nobody here knows, its answers cannot be told apart, and are taken to be there.
    let is_issuer = |issuer: &&Certificate| certificate.names_issuer(issuer);
    let anchors = trust.anchor_certificates();
    let issuer = pool.iter().chain(trust.intermediates()).chain(anchors).find(is_issuer);
    issuer.is_none_or(|issuer| known.is_told_within(certificate, issuer))
}

/// id-kp-OCSPSigning, RFC 6960 4.2.2.2.
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// EN 319 122-1, 6.3 (h), (i): version 1 of the reference for SHA-1, version 2 for every other digest.
fn uses_right_version(reference: &CertificateReference<'_>) -> bool {
    let algorithm = reference.algorithm.as_ref().and_then(|own| DigestAlgorithm::from_oid(&own.dotted()));
    reference.version_2 != (algorithm == Some(DigestAlgorithm::Sha1))
}
