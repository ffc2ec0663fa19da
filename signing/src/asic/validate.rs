//! Validation of a container: each signature by the engine, joined with what is said of the entries. CAdES signatures are over the
//! manifest or the one document, XAdES signatures refer to entries themselves (ETSI EN 319 162-1, 4.3.4, 4.4.4 and A.4; ETSI EN
//! 319 102-1, 5.2.7).

mod xml;

use certs::certificate::Certificate;
use certs::timestamp::TrustedTime;
use crypto::digest::{Digest, DigestAlgorithm, hex};
use schemas::ProblemCode;
use schemas::report::{Indication, Report, SignatureReport, TimestampReport};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::validate::{self as engine, Context};

use super::container::{Container, File, SignatureFile};
use super::coverage::{Coverage, unsigned_parts};
use super::error::Finding;
use super::judge::{join, severity};
use super::kind::Kind;
use super::timestamps::Timestamps;
use super::xml_signatures::Entries;

/// What validation came to.
pub struct Outcome {
    /// For people and machines: the signatures of all signature files, in the order of the archive.
    pub report: Report,
    /// The proof, if every signature is TOTAL_PASSED and nothing in the container is left unsigned.
    pub passed: Option<ValidatedContainer>,
    problem: Option<ProblemCode>,
}

impl Outcome {
    /// How a door refuses the container: the most important finding of the worst signature. `None` exactly if [`Self::passed`] is
    /// there.
    #[must_use]
    pub fn problem(&self) -> Option<ProblemCode> {
        self.problem
    }
}

/// Every signature passed, and every document is covered by one. Only `validate` makes one.
pub struct ValidatedContainer {
    report: Report,
    signers: Vec<Certificate>,
    parts: Vec<SignedPart>,
}

/// A document of a validated container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPart {
    /// Name of the entry.
    pub name: String,
    /// Octets.
    pub size: u64,
    /// Digests that signatures are over, one at least: whoever reads the content again compares it.
    pub digests: Vec<Digest>,
}

impl std::fmt::Debug for ValidatedContainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValidatedContainer").field("sha256", &self.report.digest).finish_non_exhaustive()
    }
}

impl ValidatedContainer {
    /// The report, every signature of which is TOTAL_PASSED.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The verified signing certificates, one for each signature of the report.
    #[must_use]
    pub fn signers(&self) -> &[Certificate] {
        &self.signers
    }

    /// The signed documents, in the order of the archive.
    #[must_use]
    pub fn parts(&self) -> &[SignedPart] {
        &self.parts
    }
}

/// Validates every signature and time-stamp of the container.
#[must_use]
pub fn validate(mut container: Container, context: &Context<'_>) -> Outcome {
    let timestamps = Timestamps::validate(&container, context);
    let mut whole = Whole::default();
    for signature in std::mem::take(&mut container.signatures) {
        let existence = timestamps.existence(signature.file);
        whole.add(validate_file(&container, signature, existence, context));
    }
    let entries = Entries::of(&container.files);
    for signature in &container.xml_signatures {
        whole.add(xml::validate_file(&container, signature, &entries, timestamps.existence(signature.file), context));
    }
    whole.timestamps = timestamps.reports;
    whole.conclude(&container, context)
}

/// What the signature files came to so far.
#[derive(Default)]
struct Whole {
    signatures: Vec<SignatureReport>,
    timestamps: Vec<TimestampReport>,
    /// Complete only if all passed.
    signers: Vec<Certificate>,
    /// Of the worst signature, with how bad it is.
    problem: Option<(u8, ProblemCode)>,
}

impl Whole {
    fn add(&mut self, more: Self) {
        self.signatures.extend(more.signatures);
        self.signers.extend(more.signers);
        self.note(more.problem);
    }

    /// Keeps the first of the worst.
    fn note(&mut self, problem: Option<(u8, ProblemCode)>) {
        if let Some((severity, _)) = problem
            && self.problem.is_none_or(|(known, _)| severity > known)
        {
            self.problem = problem;
        }
    }

    fn conclude(self, container: &Container, context: &Context<'_>) -> Outcome {
        let report = Report {
            format: container.kind.name().into(),
            digest: hex(&container.digest),
            validated_at: rfc3339(context.at),
            policy: context.policy.name.into(),
            trust: hex(&context.trust.id()),
            signatures: self.signatures,
            timestamps: self.timestamps,
            unsigned_parts: unsigned_parts(container),
        };
        let all_passed = report.signatures.iter().all(|signature| signature.indication == Indication::TotalPassed);
        let problem = match self.problem {
            Some((_, problem)) => Some(problem),
            None if report.signatures.is_empty() => Some(ProblemCode::SignatureUnreadable),
            None if !report.unsigned_parts.is_empty() => Some(ProblemCode::SignatureConstraints),
            None if !all_passed || self.signers.len() != report.signatures.len() => {
                Some(ProblemCode::SignerUnidentified)
            }
            None => None,
        };
        let (signers, parts) = (self.signers, signed_parts(container));
        let passed = problem.is_none().then(|| ValidatedContainer { report: report.clone(), signers, parts });
        Outcome { report, passed, problem }
    }
}

/// `existence`: what a time-stamp of the container proves of the signature file.
fn validate_file(
    container: &Container,
    signature: SignatureFile,
    existence: Option<TrustedTime>,
    context: &Context<'_>,
) -> Whole {
    let coverage = Coverage::of_signature(container, signature.file);
    let Ok(document) = signature.document else {
        let finding = Finding::SignatureUnreadable;
        let report = unreadable(container.files.get(signature.file), finding, ("CMS", "CMS-NOT-ETSI"), context);
        let problem = Some((severity(report.indication), finding.problem()));
        return Whole { signatures: vec![report], problem, ..Whole::default() };
    };
    let document = document.with_detached(coverage.digests.to_vec()).with_existence(existence);
    let outcome = engine::validate(document, context);
    let engine_problem = outcome.problem().unwrap_or(ProblemCode::SignerUnidentified);
    let signers = outcome.passed.as_ref().map(|passed| passed.signers().to_vec()).unwrap_or_default();
    let mut whole = Whole { signers, ..Whole::default() };
    let names: Vec<String> = coverage.parts().map(|file| container.name(file).to_owned()).collect();
    for mut report in outcome.report.signatures {
        let existed = OffsetDateTime::parse(&report.best_time, &Rfc3339).unwrap_or(context.at);
        let weak = coverage.weak_digests(container, context.policy, existed);
        let leading = join(&mut report, &[coverage.findings.as_slice(), weak.as_slice()].concat());
        let severity = severity(report.indication);
        let problem = leading.map_or(engine_problem, Finding::problem);
        whole.note((severity > 0).then_some((severity, problem)));
        report.signed_parts.clone_from(&names);
        whole.signatures.push(report);
    }
    whole
}

/// A signature file that holds no signature that can be read. `form`: format and level, as reports name them.
fn unreadable(file: Option<&File>, finding: Finding, form: (&str, &str), context: &Context<'_>) -> SignatureReport {
    let (indication, sub_indication) = finding.conclusion();
    let id = file.and_then(|file| file.digest(DigestAlgorithm::Sha256)).map(Digest::to_hex).unwrap_or_default();
    SignatureReport {
        id: format!("S-{}", id.get(..32).unwrap_or_default()),
        format: form.0.into(),
        level: form.1.into(),
        intact: false,
        signed_form: None,
        algorithm: None,
        indication,
        sub_indication: Some(sub_indication),
        signing_time: None,
        best_time: rfc3339(context.at),
        signer: None,
        chain: Vec::new(),
        signature_policy: None,
        signed_parts: Vec::new(),
        timestamps: Vec::new(),
        counter_signatures: Vec::new(),
        qualification: None,
        missing: Vec::new(),
        reasons: vec![finding.reason(file.map_or("", |file| &file.name))],
    }
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// The documents with the digests that signatures are over.
fn signed_parts(container: &Container) -> Vec<SignedPart> {
    let payloads = container.files.iter().filter(|file| file.kind == Kind::Payload);
    let part = |file: &File| SignedPart { name: file.name.clone(), size: file.size, digests: file.digests.clone() };
    payloads.map(part).collect()
}

#[cfg(test)]
mod tests;
