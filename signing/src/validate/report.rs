//! The verdict of one signature, and its report.

use certs::certificate::Certificate;
use crypto::digest::{hex, sha256};
use schemas::ProblemCode;
use schemas::report::{Indication, SignatureReport, SignedForm, Signer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cms::SignerInfo;

use super::basic::Assessed;

/// A signature after validation.
pub(super) struct Verdict {
    pub(super) report: SignatureReport,
    /// How a door refuses it; `None` if it passed.
    pub(super) problem: Option<ProblemCode>,
    pub(super) certificate: Option<Certificate>,
    pub(super) form: Option<SignedForm>,
}

/// Puts the findings together, the most important first.
pub(super) fn conclude(
    signer: &SignerInfo<'_>,
    (format, level): (&str, &str),
    assessed: Assessed,
    best_time: OffsetDateTime,
) -> Verdict {
    let intact = assessed.form.is_some();
    let passed = intact && assessed.findings.passed();
    let causes = assessed.findings.ranked();
    let (indication, sub_indication, problem) = match causes.first() {
        Some(cause) if !passed => {
            let (indication, sub_indication) = cause.conclusion();
            (indication, Some(sub_indication), Some(cause.problem()))
        }
        _ => (Indication::TotalPassed, None, None),
    };
    let id = hex(sha256(signer.raw).get(..16).unwrap_or_default());
    let report = SignatureReport {
        id: format!("S-{id}"),
        format: format.into(),
        level: level.into(),
        intact,
        signed_form: assessed.form,
        indication,
        sub_indication,
        signing_time: assessed.signing_time.and_then(rfc3339),
        best_time: rfc3339(best_time).unwrap_or_default(),
        signer: assessed.certificate.as_ref().map(subject),
        reasons: if passed { Vec::new() } else { causes.iter().map(|cause| cause.reason()).collect() },
    };
    Verdict { report, problem, certificate: assessed.certificate, form: assessed.form }
}

fn subject(certificate: &Certificate) -> Signer {
    Signer {
        subject: certificate.subject(),
        serial: certificate.serial_hex(),
        edrpou: certificate.edrpou(),
        rnokpp: certificate.rnokpp(),
    }
}

fn rfc3339(time: OffsetDateTime) -> Option<String> {
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}
