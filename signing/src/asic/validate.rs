//! Validation of a container: each CAdES signature by the engine, over the manifest or the one document, joined with what the manifest
//! says of the entries (ETSI EN 319 162-1, 4.3.4, 4.4.4 and A.4; ETSI EN 319 102-1, 5.2.7).

use std::collections::BTreeSet;

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, hex};
use schemas::ProblemCode;
use schemas::report::{Indication, Reason, Report, SignatureReport};
use time::format_description::well_known::Rfc3339;

use crate::validate::{self as engine, Context, Policy};

use super::container::{Container, Located, ManifestFile, SignatureFile, Target};
use super::error::{ContainerError, Finding};
use super::kind::{ContainerType, Flavour, Kind};
use super::manifest::ReferenceDigest;

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

/// Validates every CAdES signature of the container.
///
/// # Errors
/// `XadesNotRead` and `OpenDocumentNotRead` for containers whose signatures are of another kind.
pub fn validate(container: Container, context: &Context<'_>) -> Result<Outcome, ContainerError> {
    match (container.flavour, container.kind) {
        (_, ContainerType::OpenDocument) => return Err(ContainerError::OpenDocumentNotRead),
        (Flavour::Xades, _) => return Err(ContainerError::XadesNotRead),
        (Flavour::Cades | Flavour::TimeAssertions, _) => {}
    }
    let mut container = container;
    let mut reports = Vec::new();
    let mut worst: Option<(u8, ProblemCode)> = None;
    let mut signers = Vec::new();
    for signature in std::mem::take(&mut container.signatures) {
        let validated = validate_file(&container, signature, context);
        if let Some(found) = validated.problem
            && worst.is_none_or(|known| found.0 > known.0)
        {
            worst = Some(found);
        }
        reports.extend(validated.reports);
        signers.extend(validated.signers);
    }
    Ok(conclude(&container, reports, signers, worst.map(|(_, problem)| problem)))
}

fn conclude(
    container: &Container,
    signatures: Vec<SignatureReport>,
    signers: Vec<Certificate>,
    problem: Option<ProblemCode>,
) -> Outcome {
    let unsigned_parts = unsigned_parts(container);
    let report =
        Report { format: container.kind.name().into(), digest: hex(&container.digest), unsigned_parts, signatures };
    let all_passed = report.signatures.iter().all(|signature| signature.indication == Indication::TotalPassed);
    let problem = match problem {
        Some(problem) => Some(problem),
        None if report.signatures.is_empty() => Some(ProblemCode::SignatureUnreadable),
        None if !report.unsigned_parts.is_empty() => Some(ProblemCode::SignatureConstraints),
        None if !all_passed || signers.len() != report.signatures.len() => Some(ProblemCode::SignerUnidentified),
        None => None,
    };
    let passed = problem.is_none().then(|| ValidatedContainer {
        report: report.clone(),
        signers,
        parts: signed_parts(container),
    });
    Outcome { report, passed, problem }
}

/// What one signature file came to.
struct ValidatedFile {
    reports: Vec<SignatureReport>,
    /// Of the worst signature, with how bad it is.
    problem: Option<(u8, ProblemCode)>,
    /// Complete only if all passed.
    signers: Vec<Certificate>,
}

fn validate_file(container: &Container, signature: SignatureFile, context: &Context<'_>) -> ValidatedFile {
    let name = container.name(signature.file).to_owned();
    let coverage = Coverage::of(container, signature.file, context.policy);
    let document = match signature.document {
        Ok(document) => document.with_detached(coverage.digests),
        Err(_) => {
            let finding = Finding::SignatureUnreadable;
            let digest = container.files.get(signature.file).and_then(|file| file.digest(DigestAlgorithm::Sha256));
            let report = unreadable(&name, digest, finding, context);
            return ValidatedFile { reports: vec![report], problem: Some((2, finding.problem())), signers: Vec::new() };
        }
    };
    let outcome = engine::validate(document, context);
    let engine_problem = outcome.problem().unwrap_or(ProblemCode::SignerUnidentified);
    let signers = outcome.passed.as_ref().map(|passed| passed.signers().to_vec()).unwrap_or_default();
    let mut reports = outcome.report.signatures;
    let mut problem: Option<(u8, ProblemCode)> = None;
    for report in &mut reports {
        let leading = join(report, &coverage.findings);
        let severity = severity(report.indication);
        if severity > 0 && problem.is_none_or(|(known, _)| severity > known) {
            problem = Some((severity, leading.map_or(engine_problem, Finding::problem)));
        }
    }
    ValidatedFile { reports, problem, signers }
}

/// Puts the container's findings into the report of a signature. What fails for good comes before what cannot be told; of equals, what
/// is said of the container comes first. Gives the finding that leads, if one of the container's does.
fn join(report: &mut SignatureReport, findings: &[Located]) -> Option<Finding> {
    let mut findings: Vec<&Located> = findings.iter().collect();
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(severity(finding.conclusion().0)));
    let (first, _) = findings.first()?;
    let reasons = findings.iter().map(|(finding, about)| finding.reason(about));
    if findings.iter().any(|(finding, _)| breaks_reference(*finding)) {
        report.intact = false;
        report.signed_form = None;
    }
    let (indication, sub_indication) = first.conclusion();
    if severity(report.indication) > severity(indication) {
        report.reasons.extend(reasons);
        return None;
    }
    (report.indication, report.sub_indication) = (indication, Some(sub_indication));
    let reasons: Vec<Reason> = reasons.chain(std::mem::take(&mut report.reasons)).collect();
    report.reasons = reasons;
    Some(*first)
}

fn severity(indication: Indication) -> u8 {
    match indication {
        Indication::TotalPassed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalFailed => 2,
    }
}

/// Whether the signature is not intact because of it: something that it refers to is not found, or does not match.
fn breaks_reference(finding: Finding) -> bool {
    match finding {
        Finding::ManifestMissing
        | Finding::ManifestAmbiguous
        | Finding::ObjectMissing
        | Finding::ObjectAmbiguous
        | Finding::ObjectChanged
        | Finding::DigestUnknown
        | Finding::SignatureUnreadable => true,
        Finding::MimetypeLate
        | Finding::MimetypeCompressed
        | Finding::MimetypeExtraField
        | Finding::MimetypeContent
        | Finding::SeveralSignatureFiles
        | Finding::DigestWeak => false,
    }
}

/// A signature file that holds no signature that can be read.
fn unreadable(name: &str, digest: Option<&Digest>, finding: Finding, context: &Context<'_>) -> SignatureReport {
    let (indication, sub_indication) = finding.conclusion();
    let id = digest.map(|digest| hex(digest.as_bytes().get(..16).unwrap_or_default()));
    SignatureReport {
        id: format!("S-{}", id.unwrap_or_default()),
        format: "CMS".into(),
        level: "CMS-NOT-ETSI".into(),
        intact: false,
        signed_form: None,
        indication,
        sub_indication: Some(sub_indication),
        signing_time: None,
        best_time: context.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default(),
        signer: None,
        reasons: vec![finding.reason(name)],
    }
}

/// What a signature covers in its container.
struct Coverage {
    /// Of the content that the signature is over: the manifest, or the one document.
    digests: Vec<Digest>,
    findings: Vec<Located>,
}

impl Coverage {
    fn of(container: &Container, signature: usize, policy: &Policy) -> Self {
        let mut findings = container.findings.clone();
        let covered = if container.kind == ContainerType::Simple {
            container.data_object()
        } else {
            let mut manifests = container.manifests_of(Kind::Manifest, signature);
            match (manifests.next(), manifests.next()) {
                (Some(manifest), None) => {
                    findings.extend(check_objects(container, manifest, policy));
                    Some(manifest.file)
                }
                (Some(_), Some(_)) => {
                    findings.push((Finding::ManifestAmbiguous, container.name(signature).to_owned()));
                    None
                }
                (None, _) => {
                    findings.push((Finding::ManifestMissing, container.name(signature).to_owned()));
                    None
                }
            }
        };
        if container.kind == ContainerType::Simple && of_kind(container, Kind::Signature).count() > 1 {
            findings.push((Finding::SeveralSignatureFiles, container.name(signature).to_owned()));
        }
        let digests = covered.and_then(|file| container.files.get(file)).map(|file| file.digests.clone());
        Self { digests: digests.unwrap_or_default(), findings }
    }
}

/// Compares each object of the manifest with the container.
fn check_objects(container: &Container, manifest: &ManifestFile, policy: &Policy) -> Vec<Located> {
    let mut findings = Vec::new();
    for (object, target) in manifest.manifest.objects.iter().zip(&manifest.objects) {
        let finding = match (target, &object.digest) {
            (Target::Missing, _) => Some(Finding::ObjectMissing),
            (Target::Ambiguous, _) => Some(Finding::ObjectAmbiguous),
            (_, ReferenceDigest::Unknown(_)) => Some(Finding::DigestUnknown),
            (Target::File(file), ReferenceDigest::Known(expected)) => {
                let found = container.files.get(*file).and_then(|file| file.digest(expected.algorithm()));
                match found {
                    Some(found) if found == expected => None,
                    _ => Some(Finding::ObjectChanged),
                }
            }
        };
        // Entry names show; references are shown by the name that they lead to, else as a URI without what does not show.
        let about = match target {
            Target::File(file) => container.name(*file).to_owned(),
            Target::Missing | Target::Ambiguous => object.uri.escape_debug().to_string(),
        };
        let weak = object.digest.algorithm().is_some_and(|algorithm| is_weak(algorithm, policy));
        findings.extend(weak.then(|| (Finding::DigestWeak, about.clone())));
        findings.extend(finding.map(|finding| (finding, about)));
    }
    findings
}

fn is_weak(algorithm: DigestAlgorithm, policy: &Policy) -> bool {
    algorithm == DigestAlgorithm::Sha1 && !policy.allow_legacy_algorithms
}

fn of_kind(container: &Container, kind: Kind) -> impl Iterator<Item = usize> {
    container.files.iter().enumerate().filter(move |(_, file)| file.kind == kind).map(|(index, _)| index)
}

/// The entries that signatures cover: by reference, whatever the signatures are worth.
fn covered(container: &Container) -> BTreeSet<usize> {
    if container.kind == ContainerType::Simple {
        let signed = of_kind(container, Kind::Signature).next().is_some();
        return container.data_object().into_iter().filter(|_| signed).collect();
    }
    let manifests = of_kind(container, Kind::Signature).flat_map(|file| container.manifests_of(Kind::Manifest, file));
    let targets = manifests.flat_map(|manifest| &manifest.objects);
    targets.filter_map(|target| if let Target::File(file) = target { Some(*file) } else { None }).collect()
}

/// Names of the entries that no signature covers and that are not there for a signature either.
fn unsigned_parts(container: &Container) -> Vec<String> {
    let covered = covered(container);
    let files = container.files.iter().enumerate();
    let unsigned =
        files.filter(|(index, file)| !covered.contains(index) && !is_accounted_for(container, *index, file.kind));
    unsigned.map(|(_, file)| file.name.clone()).collect()
}

/// Whether an entry serves a signature, time-stamp or evidence record that is there.
fn is_accounted_for(container: &Container, index: usize, kind: Kind) -> bool {
    let leads_to = |kinds: &[Kind]| {
        let manifest = container.manifests.iter().find(|manifest| manifest.file == index);
        let target = manifest.map_or(Target::Missing, |manifest| manifest.signature);
        matches!(target, Target::File(file) if container.files.get(file).is_some_and(|file| kinds.contains(&file.kind)))
    };
    let led_to = || container.manifests.iter().any(|manifest| manifest.signature == Target::File(index));
    match kind {
        Kind::Mimetype | Kind::Folder | Kind::Signature => true,
        Kind::Payload | Kind::Unknown | Kind::XadesSignatures | Kind::OpenDocumentSignatures => false,
        Kind::Manifest => leads_to(&[Kind::Signature, Kind::Timestamp]),
        Kind::ArchiveManifest => leads_to(&[Kind::Timestamp]),
        Kind::EvidenceRecordManifest => leads_to(&[Kind::EvidenceRecord]),
        Kind::Timestamp | Kind::EvidenceRecord => container.kind == ContainerType::Simple || led_to(),
    }
}

/// The documents with the digests that signatures are over.
fn signed_parts(container: &Container) -> Vec<SignedPart> {
    let payloads = container.files.iter().filter(|file| file.kind == Kind::Payload);
    let part = |file: &super::container::File| SignedPart {
        name: file.name.clone(),
        size: file.size,
        digests: file.digests.clone(),
    };
    payloads.map(part).collect()
}

#[cfg(test)]
mod tests;
