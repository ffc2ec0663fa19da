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
//! | `timestamp`, `token`, `unverified_timestamp`, `imprint`, `hash_index` | 5.4 time-stamp validation |
//! | `signature` | 5.5 signatures with time and long-term values, 5.6 with archival data; `signed_data`, `xml_signature`: those of CMS and XML |
//! | `proof` | 5.6.2.3 proofs of existence |
//! | `evidence_record` | RFC 4998 |
//! | `qualification` | qualified or not, by trusted lists (ETSI TS 119 615) |
//! | `signature_policy` | 5.2.4 the policy that a signer names |
//! | [`policy`], [`suite`] | what is accepted, as values |
//! | `document`, `stream` | files before and after, whole or streaming by |
//! | `cause`, `level`, `report`, `xml` | conclusions, forms, words |
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
mod evidence_record;
mod format;
mod hash_index;
mod identification;
mod imprint;
mod level;
pub mod policy;
mod proof;
mod qualification;
mod report;
mod revocation_freshness;
mod signature;
mod signature_policy;
mod signed_data;
mod status;
mod stream;
pub mod suite;
mod timestamp;
mod token;
mod unverified_timestamp;
mod x509;
mod xml;
mod xml_document;
mod xml_level;
mod xml_signature;

use std::cell::RefCell;

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::revocation::{Crl, OcspResponse, RevocationData};
use certs::timestamp::TrustedTime;
use certs::trust::TrustSnapshot;
use crypto::digest::{Digest, DigestAlgorithm, hex};
use schemas::ProblemCode;
use schemas::report::{Indication, Report, TimestampReport};
use time::OffsetDateTime;

use crate::cms::SignedData;

use cryptographic::Content;
pub(crate) use report::signature_id;

use report::Verdict;
use signature::{Place, Shared};
use signed_data::SignedDataSignature;
use status::{Known, Work};

pub use document::{ReadError, UnverifiedDocument, ValidatedDocument};
pub use policy::{Policy, SignaturePolicies, Unsorted};
pub use schemas::report::SignedForm;
pub use stream::{ContentStream, DocumentStream, FileKind};
pub use unverified_timestamp::{TimestampRefused, UnverifiedTimestamp};
pub use xml::xml;
pub(crate) use xml_document::validate_xml_since;
pub use xml_document::{ValidatedXml, XmlOutcome, validate_xml, xml_validation_data};

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
    let mut companion = document.companion();
    let verdicts = match SignedData::read(document.der()) {
        Ok(signed) => {
            // The whole file is hashed while its parts are.
            let content = RefCell::new(Content::new(signed.content, document.detached()).beside(companion));
            let (verdicts, _) = validate_all(&signed, &content, &document, context, None);
            companion = content.into_inner().companion;
            verdicts
        }
        // `UnverifiedDocument::parse` has read the same bytes, so this does not happen; if it did, nothing passes.
        Err(_) => Vec::new(),
    };
    let digest = document.digest_hex(companion);
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
        digest,
        validated_at: report::rfc3339(context.at).unwrap_or_default(),
        policy: context.policy.name.into(),
        trust: hex(&context.trust.id()),
        signatures: verdicts.into_iter().map(|verdict| verdict.report).collect(),
        timestamps: Vec::new(),
        unsigned_parts: Vec::new(),
    };
    let passed = match (problem, signers) {
        (None, Some(signers)) => Some(ValidatedDocument::new(report.clone(), signers, document)),
        _ => None,
    };
    let problem = if passed.is_some() { None } else { problem.or(Some(ProblemCode::SignerUnidentified)) };
    Outcome { report, passed, problem, forms }
}

/// What the verdicts on a file rest on: to be put into it for level LT ([`crate::cades::add_validation_data`]).
#[derive(Debug, Clone, Default)]
pub struct ValidationData {
    /// Of the paths of signers and time-stamp authorities, anchors included.
    pub certificates: Vec<Certificate>,
    /// Lists and answers that speak of them.
    pub revocation: RevocationData,
}

impl ValidationData {
    fn add_certificate(&mut self, certificate: &Certificate) {
        if !self.certificates.contains(certificate) {
            self.certificates.push(certificate.clone());
        }
    }

    fn add_answer(&mut self, answer: &OcspResponse) {
        if !self.revocation.ocsp.iter().any(|known| known.der() == answer.der()) {
            self.revocation.ocsp.push(answer.clone());
        }
    }

    fn add_list(&mut self, list: &Crl) {
        if !self.revocation.crls.iter().any(|known| known.der() == list.der()) {
            self.revocation.crls.push(list.clone());
        }
    }
}

/// Gathers what the verdicts on `document` rest on, whatever they are.
#[must_use]
pub fn validation_data(document: &UnverifiedDocument, context: &Context<'_>) -> ValidationData {
    let gathered = Some(ValidationData::default());
    match SignedData::read(document.der()) {
        Ok(signed) => {
            let content = RefCell::new(Content::new(signed.content, document.detached()));
            validate_all(&signed, &content, document, context, gathered).1.unwrap_or_default()
        }
        // As in `validate`.
        Err(_) => ValidationData::default(),
    }
}

fn severity(verdict: &Verdict) -> u8 {
    match verdict.report.indication {
        Indication::TotalPassed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalFailed => 2,
    }
}

fn validate_all(
    signed: &SignedData<'_>,
    content: &RefCell<Content<'_>>,
    document: &UnverifiedDocument,
    context: &Context<'_>,
    gathered: Option<ValidationData>,
) -> (Vec<Verdict>, Option<ValidationData>) {
    // One budget for the file: twice two paths of some length for each signer and its time-stamps, and some to spare.
    let signers = u32::try_from(signed.signers.len()).unwrap_or(u32::MAX);
    let mut budget = Budget::default();
    budget.signature_checks = budget.signature_checks.saturating_add(signers.saturating_mul(20));
    let work = Work::new(signed.signers.len());
    let known = Known::new(context, context::revocation_of_file(signed, context.trust), &work);
    document.existence().into_iter().for_each(|time| known.prove_whole(time));
    let recalled = |one: &Certificate| context.trust.recall(one.der()).unwrap_or_else(|| one.clone());
    let pool: Vec<Certificate> = document.certificates().iter().map(recalled).collect();
    let counter_signatures = schemas::limits::SIGNATURES_IN_DOCUMENT;
    let mut shared = Shared { known: &known, budget, counter_signatures, gathered };
    let validate = |signer| {
        let content_type = Some(signed.content_type);
        let signature = SignedDataSignature::new(signed, signer, content_type, content);
        signature::validate(&signature, Place { pool: &pool, within: None, depth: 0 }, context, &mut shared)
    };
    let verdicts = signed.signers.iter().map(validate).collect();
    (verdicts, shared.gathered)
}

/// Validates a time-stamp token (a ContentInfo, BER or DER) over something of which `digest` gives the digest. What it proves
/// is there only if it passed. `certificates` may help to find its authority's path. `existed`: a time at which the token is
/// known to have existed, by another one over it.
#[must_use]
pub fn timestamp_over(
    token: &[u8],
    digest: &dyn Fn(DigestAlgorithm) -> Option<Digest>,
    certificates: &[Certificate],
    existed: Option<TrustedTime>,
    context: &Context<'_>,
) -> (TimestampReport, Option<TrustedTime>) {
    let stamp = signature::container_timestamp(token, digest, certificates, existed, context);
    (stamp.report, stamp.time)
}

#[cfg(test)]
mod tests;
