//! ETSI EN 319 102-1: may this signature be relied on? One file for each building block of the standard.
//!
//! | module | building block |
//! |---|---|
//! | `format` | 5.2.2 format checking |
//! | `identification` | 5.2.3 identification of the signing certificate |
//! | `context` | 5.2.4 validation context initialisation |
//! | `revocation_freshness`, `status` | 5.2.5 revocation freshness |
//! | `x509` | 5.2.6 X.509 certificate validation |
//! | `cryptographic` | 5.2.7 cryptographic verification |
//! | `acceptance` | 5.2.8 signature acceptance |
//! | `basic` | 5.3 validation of basic signatures |
//! | `timestamp` | 5.4 time-stamp validation |
//! | `cause`, `level`, `report` | conclusions, forms, words |
//!
//! Pure: no clock, no network, no state. The time, the trust snapshot and the revocation data are arguments, and a
//! validation with the same arguments comes to the same report. Where we knowingly differ from the standard:
//! `DIVERGENCES.md` of this crate.

mod acceptance;
mod basic;
mod cause;
mod context;
mod cryptographic;
mod document;
mod format;
mod identification;
mod level;
mod report;
mod revocation_freshness;
mod status;
mod timestamp;
mod x509;

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustSnapshot};
use schemas::ProblemCode;
use schemas::report::{Indication, Report};
use time::OffsetDateTime;

use crate::cms::SignedData;

use basic::{Core, Subject};
use cause::{Cause, Findings};
use cryptographic::Content;
use format::SignedAttributes;
use level::File;
use report::Verdict;
use status::{Known, Work};
use x509::Times;

pub use document::{ReadError, UnverifiedDocument, ValidatedDocument};
pub use schemas::report::SignedForm;

/// Against what to validate.
pub struct Context<'a> {
    /// Who is believed.
    pub trust: &'a TrustSnapshot,
    /// What is known about revocation. Joined with what the signature carries itself.
    pub revocation: &'a RevocationData,
    /// The time of validation.
    pub at: OffsetDateTime,
    /// What is accepted.
    pub policy: &'a Policy,
}

/// Acceptance policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Oldest acceptable thisUpdate of a revocation answer relative to validation time; None: nextUpdate decides.
    pub revocation_freshness: Option<time::Duration>,
    /// Require signing-certificate(-v2).
    pub require_signing_certificate_attribute: bool,
    /// Require signed attributes at all.
    pub require_signed_attributes: bool,
    /// Accept SHA-1 and RSA < 1900 bits without proof of existence.
    pub allow_legacy_algorithms: bool,
    /// Tolerate signedAttrs that only verify as sent (not DER-sorted).
    pub unsorted_signed_attributes: Unsorted,
}

/// Whose signed attributes may verify as they were sent and not in DER, which RFC 5652, 5.4 demands. The report says where they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsorted {
    /// Nobody's.
    Refuse,
    /// Those of signers with DSTU 4145: producers in use in Ukraine sign them so, their time-stamp authorities among them.
    OfNationalSigners,
    /// Everybody's.
    Accept,
}

impl Policy {
    /// What the standards say, without a concession to any producer.
    #[must_use]
    pub fn strict() -> Self {
        Self { unsorted_signed_attributes: Unsorted::Refuse, ..Self::default() }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            revocation_freshness: None,
            require_signing_certificate_attribute: true,
            require_signed_attributes: true,
            allow_legacy_algorithms: false,
            unsorted_signed_attributes: Unsorted::OfNationalSigners,
        }
    }
}

/// What validation came to. `passed` is there only if every signature passed; the report always is.
pub struct Outcome {
    /// For people and machines.
    pub report: Report,
    /// The proof, if every signature is TOTAL_PASSED.
    pub passed: Option<ValidatedDocument>,
    problem: Option<ProblemCode>,
    forms: Vec<Option<SignedForm>>,
}

impl Outcome {
    /// For each signature of the report, over what its value verified; `None` where it is not intact. For those who
    /// count how much the producers of their region stray from RFC 5652, 5.4.
    #[must_use]
    pub fn signed_forms(&self) -> &[Option<SignedForm>] {
        &self.forms
    }

    /// How a door refuses the document: the most important finding of the worst signature. `None` exactly if
    /// [`Self::passed`] is there.
    #[must_use]
    pub fn problem(&self) -> Option<ProblemCode> {
        self.problem
    }
}

/// Validates every signature of the document.
#[must_use]
pub fn validate(document: UnverifiedDocument, context: &Context<'_>) -> Outcome {
    let verdicts = match SignedData::read(document.der()) {
        Ok(signed) => validate_all(&signed, &document, context),
        // `UnverifiedDocument::parse` has read the same bytes, so this does not happen; if it did, nothing passes.
        Err(_) => Vec::new(),
    };
    let worst = verdicts.iter().filter(|verdict| verdict.problem.is_some()).max_by_key(|verdict| severity(verdict));
    let problem = match worst {
        Some(verdict) => verdict.problem,
        None if verdicts.is_empty() => Some(ProblemCode::SignatureUnreadable),
        None => None,
    };
    let signers: Option<Vec<Certificate>> = verdicts.iter().map(|verdict| verdict.certificate.clone()).collect();
    let forms = verdicts.iter().map(|verdict| verdict.form).collect();
    let report = Report {
        format: "CMS".into(),
        digest: document.digest_hex(),
        signatures: verdicts.into_iter().map(|verdict| verdict.report).collect(),
        unsigned_parts: Vec::new(),
    };
    let passed = match (problem, signers) {
        (None, Some(signers)) => Some(ValidatedDocument::new(report.clone(), signers, document)),
        _ => None,
    };
    let problem = if passed.is_some() { None } else { problem.or(Some(ProblemCode::SignerUnidentified)) };
    Outcome { report, passed, problem, forms }
}

fn severity(verdict: &Verdict) -> u8 {
    match verdict.report.indication {
        Indication::TotalPassed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalFailed => 2,
    }
}

fn validate_all(signed: &SignedData<'_>, document: &UnverifiedDocument, context: &Context<'_>) -> Vec<Verdict> {
    let mut content = Content::new(signed.content, document.detached());
    let (work, work_of_level) = (Work::new(), Work::new());
    let own = context::embedded_revocation(signed);
    let known = Known::new(context.revocation.clone(), context.at, &work).joined(own.clone());
    let embedded = Known::new(own, context.at, &work_of_level);
    let file = File { signed, pool: document.certificates(), embedded: &embedded, trust: context.trust };
    // One budget for the file: twice two paths of some length for each signer and its time-stamps, and some to spare.
    let signers = u32::try_from(signed.signers.len()).unwrap_or(u32::MAX);
    let mut budget = Budget::default();
    budget.signature_checks = budget.signature_checks.saturating_add(signers.saturating_mul(20));
    let mut verdicts = Vec::with_capacity(signed.signers.len());
    for signer in &signed.signers {
        let subject = Subject {
            signer,
            content_type: signed.content_type,
            pool: document.certificates(),
            known: &known,
            purpose: Purpose::Signing,
        };
        verdicts.push(validate_one(file, &subject, &mut content, context, &mut budget));
    }
    verdicts
}

/// Validation of signatures with time, EN 319 102-1 5.5, as far as signature time-stamps go.
fn validate_one(
    file: File<'_>,
    subject: &Subject<'_>,
    content: &mut Content<'_>,
    context: &Context<'_>,
    budget: &mut Budget,
) -> Verdict {
    let mut core = basic::check_signature(subject, content, context.policy);
    let attributes = SignedAttributes::read(subject.signer, subject.content_type, &mut Findings::default());
    let level = level::of(file, subject.signer, &attributes, core.certificate.as_ref());
    let best = best_signature_time(&mut core, subject, context, budget);
    let times = Times { at: context.at, best };
    let assessed = basic::check_trust(core, subject, times, context, budget);
    report::conclude(subject.signer, level, assessed, best)
}

/// The earliest time at which the signature is known to have existed (5.5.4, step 2 and 3).
fn best_signature_time(
    core: &mut Core,
    subject: &Subject<'_>,
    context: &Context<'_>,
    budget: &mut Budget,
) -> OffsetDateTime {
    if core.verified.is_none() {
        return context.at;
    }
    let (earliest, unusable) = timestamp::earliest(subject, context, budget);
    if unusable && earliest.is_none() {
        core.findings.add(Cause::TimestampUnusable);
    }
    earliest.map_or(context.at, |time| time.at().min(context.at))
}

#[cfg(test)]
mod tests;
