//! The verdict of one signature, and its report.

use certs::certificate::Certificate;
use certs::revocation::Status;
use crypto::digest::{hex, sha256};
use schemas::ProblemCode;
use schemas::report::{
    CertificateReport, CertificateStatus, Indication, MissingFact, MissingKind, Reason, SignatureReport, SignedForm,
    Signer, SubIndication, TimestampReport,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cms::SignerInfo;

use super::basic::Assessed;
use super::cause::{Cause, Finding, Findings};
use super::token::Source;
use super::x509::Judged;
use super::{Context, qualification};

/// A signature after validation.
pub(super) struct Verdict {
    pub(super) report: SignatureReport,
    /// How a door refuses it; `None` if it passed.
    pub(super) problem: Option<ProblemCode>,
    pub(super) certificate: Option<Certificate>,
    pub(super) form: Option<SignedForm>,
}

/// What else the report of a signature says.
pub(super) struct Extent {
    pub(super) id: String,
    pub(super) format: &'static str,
    pub(super) level: &'static str,
    pub(super) best_time: OffsetDateTime,
    pub(super) signature_policy: Option<String>,
    pub(super) signed_parts: Vec<String>,
    pub(super) timestamps: Vec<TimestampReport>,
    pub(super) counter_signatures: Vec<SignatureReport>,
    pub(super) missing: Vec<MissingFact>,
}

/// Puts the findings together, the most important first.
pub(super) fn conclude(assessed: Assessed, extent: Extent, context: &Context<'_>) -> Verdict {
    let intact = assessed.form.is_some();
    let (conclusion, cause) = conclusion(&assessed.findings, intact);
    let path = assessed.path.as_ref();
    let qualification = qualification::of_signature(path, extent.best_time, conclusion.0, context);
    let report = SignatureReport {
        id: extent.id,
        format: extent.format.into(),
        level: extent.level.into(),
        intact,
        signed_form: assessed.form,
        algorithm: assessed.algorithm.map(crypto::signature::SignatureAlgorithm::name),
        indication: conclusion.0,
        sub_indication: conclusion.1,
        signing_time: assessed.signing_time.and_then(rfc3339),
        best_time: rfc3339(extent.best_time).unwrap_or_default(),
        signer: assessed.certificate.as_ref().map(subject),
        chain: path.map(|path| chain(path.certificates(), &assessed.statuses)).unwrap_or_default(),
        signature_policy: extent.signature_policy,
        signed_parts: extent.signed_parts,
        timestamps: extent.timestamps,
        counter_signatures: extent.counter_signatures,
        qualification,
        missing: if cause.is_some() { extent.missing } else { Vec::new() },
        reasons: reasons(&assessed.findings),
    };
    Verdict { report, problem: cause.map(Finding::problem), certificate: assessed.certificate, form: assessed.form }
}

/// The report of a time-stamp.
pub(super) fn of_token(
    source: &Source<'_>,
    time: Option<OffsetDateTime>,
    intact: bool,
    authority: Option<&Certificate>,
    findings: &Findings,
) -> TimestampReport {
    let ((indication, sub_indication), _) = conclusion(findings, intact);
    let sha256 = hex(&sha256(source.value));
    TimestampReport {
        id: timestamp_identifier(&sha256),
        sha256,
        kind: source.kind,
        intact,
        indication,
        sub_indication,
        time: time.and_then(rfc3339),
        authority: authority.map(subject),
        qualification: None,
        reasons: reasons(findings),
    }
}

/// The report of an evidence record, whose first time-stamp came to `first`.
pub(super) fn of_record(source: &Source<'_>, first: TimestampReport, findings: &Findings) -> TimestampReport {
    let forged = |finding: &Finding| finding.conclusion().0 == Indication::TotalFailed;
    let intact = first.intact && !findings.ranked().iter().any(forged);
    let ((indication, sub_indication), _) = conclusion(findings, intact);
    let sha256 = hex(&sha256(source.value));
    TimestampReport {
        id: timestamp_identifier(&sha256),
        sha256,
        intact,
        indication,
        sub_indication,
        qualification: first.qualification.map(|first| qualification::bounded(first, indication)),
        reasons: reasons(findings),
        ..first
    }
}

/// The indications, and the cause of a failure.
fn conclusion(findings: &Findings, intact: bool) -> ((Indication, Option<SubIndication>), Option<Finding>) {
    match findings.ranked().first() {
        Some(cause) if !(intact && findings.passed()) => {
            let (indication, sub_indication) = cause.conclusion();
            ((indication, Some(sub_indication)), Some(*cause))
        }
        _ => ((Indication::TotalPassed, None), None),
    }
}

fn reasons(findings: &Findings) -> Vec<Reason> {
    findings.ranked().iter().map(|cause| cause.reason()).collect()
}

/// `S-` and half the SHA-256 of the structure up to its value.
pub(crate) fn signature_id(signer: &SignerInfo<'_>) -> String {
    format!("S-{}", hex(sha256(signer.signed_part).get(..16).unwrap_or_default()))
}

fn timestamp_identifier(sha256: &str) -> String {
    format!("T-{}", sha256.get(..32).unwrap_or(sha256))
}

fn chain(certificates: &[Certificate], statuses: &[Judged]) -> Vec<CertificateReport> {
    let last = certificates.len().saturating_sub(1);
    let report = |(place, certificate): (usize, &Certificate)| {
        let (status, known_at, revoked_at) = match statuses.get(place).map(|judged| &judged.status) {
            _ if place == last => (CertificateStatus::Anchor, None, None),
            Some(Status::Good { this_update, .. }) => (CertificateStatus::Good, Some(*this_update), None),
            Some(Status::Revoked { at, this_update, .. }) => {
                (CertificateStatus::Revoked, Some(*this_update), Some(*at))
            }
            Some(Status::Unknown { .. }) => (CertificateStatus::Unknown, None, None),
            None => (CertificateStatus::NotAsked, None, None),
        };
        CertificateReport {
            subject: certificate.subject(),
            sha256: hex(&certificate.fingerprint()),
            status,
            known_at: known_at.and_then(rfc3339),
            revoked_at: revoked_at.and_then(rfc3339),
        }
    };
    certificates.iter().enumerate().map(report).collect()
}

/// Answers that would make a better verdict: for each certificate whose status was not known or too old.
pub(super) fn missing_revocation(assessed: &Assessed) -> Vec<MissingFact> {
    let Some(path) = &assessed.path else { return Vec::new() };
    let lacking = |judged: &Judged| {
        matches!(judged.cause, Some(Cause::StatusUnknown | Cause::StatusStale | Cause::RevocationUnproven))
    };
    let judged = path.certificates().iter().zip(&assessed.statuses).filter(|(_, judged)| lacking(judged));
    judged.map(|(certificate, _)| missing(MissingKind::Revocation, certificate)).collect()
}

pub(super) fn missing(kind: MissingKind, certificate: &Certificate) -> MissingFact {
    let (subject, addresses) = match kind {
        MissingKind::Revocation => (certificate.subject(), [certificate.ocsp_urls(), certificate.crl_urls()].concat()),
        MissingKind::Issuer => (certificate.issuer(), certificate.issuer_urls().to_vec()),
    };
    MissingFact { kind, sha256: hex(&certificate.fingerprint()), subject, addresses }
}

fn subject(certificate: &Certificate) -> Signer {
    Signer {
        subject: certificate.subject(),
        serial: certificate.serial_hex(),
        edrpou: certificate.edrpou(),
        rnokpp: certificate.rnokpp(),
    }
}

pub(super) fn rfc3339(time: OffsetDateTime) -> Option<String> {
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}
