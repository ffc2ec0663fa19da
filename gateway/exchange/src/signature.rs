//! Signatures at the door of the exchange: reading, judging, and what a bad one is called.

use std::collections::BTreeSet;

use access::standing::NotReliable;
use certs::certificate::Certificate;
use certs::path::{PathError, VerifiedPath};
use certs::revocation::RevocationData;
use crypto::digest::Digest;
use futures_util::future::join_all;
use schemas::report::{Indication, Report, SignatureReport, SubIndication};
use schemas::{Edrpou, ProblemCode};
use signing::validate::{Context, ReadError, UnverifiedDocument, ValidatedDocument, validate};

use crate::hold::may_arrive;
use crate::refusal::Refusal;
use crate::service::Exchange;

/// Parses a signature file.
pub(crate) fn read(bytes: &[u8]) -> Result<UnverifiedDocument, Refusal> {
    UnverifiedDocument::parse(bytes).map_err(|error| {
        let code = match error {
            ReadError::Malformed(_) | ReadError::TooComplex => ProblemCode::SignatureUnreadable,
            ReadError::NoSignature => ProblemCode::SignatureMissing,
        };
        Refusal::with_detail(code, error.to_string())
    })
}

impl Exchange {
    /// The paths of the signing certificates that lead to an anchor: only of these revocation may be asked for, since the
    /// addresses inside a stranger's certificate are a stranger's.
    ///
    /// # Errors
    /// `SignerUntrusted` where a signer's certificate leads nowhere: then the document need not be read at all.
    pub(crate) fn signer_paths(&self, document: &UnverifiedDocument) -> Result<Vec<VerifiedPath>, Refusal> {
        let (paths, led) = self.known_paths(document);
        if led { Ok(paths) } else { Err(ProblemCode::SignerUntrusted.into()) }
    }

    /// The paths that there are, and whether every signer's certificate leads somewhere.
    pub(crate) fn known_paths(&self, document: &UnverifiedDocument) -> (Vec<VerifiedPath>, bool) {
        let (mut paths, mut led): (Vec<VerifiedPath>, bool) = (Vec::new(), true);
        for signer in document.signing_certificates().into_iter().flatten() {
            if paths.iter().any(|path| path.leaf().der() == signer.der()) {
                continue;
            }
            match self.inner.signers.path(&signer, document.certificates()) {
                Ok(path) => paths.push(path),
                Err(NotReliable::NoPath(failure)) if failure.reason == PathError::NoPath => {
                    tracing::info!(tried = failure.explain(), "a signer leads to no anchor");
                    led = false;
                }
                // Expired, or a fault of the chain: a time-stamp may heal the one, and the report names the other.
                Err(reason) => tracing::info!(%reason, tried = reason.explain(), "a signer has no path now"),
            }
        }
        (paths, led)
    }

    /// What is known of the revocation of these certificates and their issuers.
    pub(crate) async fn revocation(&self, paths: &[VerifiedPath]) -> RevocationData {
        let now = self.inner.clock.now();
        let answers = join_all(paths.iter().map(|path| self.inner.revocation.data(path, now))).await;
        let mut data = RevocationData::default();
        for answer in answers {
            data.ocsp.extend(answer.ocsp);
            data.crls.extend(answer.crls);
        }
        data
    }

    /// Validates every signature (ETSI EN 319 102-1) now. About 200 us of arithmetic, so it stays on this thread.
    pub(crate) fn judge(
        &self,
        document: UnverifiedDocument,
        revocation: &RevocationData,
    ) -> Result<ValidatedDocument, Refusal> {
        let (trust, at) = (self.inner.trust.current(), self.inner.clock.now());
        let context = Context { trust: &trust, revocation, at, policy: &self.inner.policy };
        let outcome = validate(document, &context);
        outcome.passed.ok_or_else(|| Refusal { waits: may_arrive(&outcome.report), ..refusal(&outcome.report) })
    }

    /// Judges a detached signature over what has these digests.
    pub(crate) async fn judge_detached(
        &self,
        document: UnverifiedDocument,
        digests: Vec<Digest>,
        sender: Edrpou,
    ) -> Judged {
        let claimed = claims(&document, sender);
        let revocation = self.revocation(&self.known_paths(&document).0).await;
        match self.judge(document.with_detached(digests), &revocation) {
            Ok(validated) => Judged { of_sender: signed_for(&validated, sender).is_ok(), refusal: None },
            Err(refusal) => Judged { of_sender: claimed, refusal: Some(refusal) },
        }
    }
}

/// What was found of one signature of a submission.
pub(crate) struct Judged {
    /// Whether it is the sender's; of one that has not passed, whether it says so.
    of_sender: bool,
    refusal: Option<Refusal>,
}

/// The signatures of a submission, taken together: each has to pass, and each document and attachment needs one of the sender.
#[derive(Default)]
pub(crate) struct Tally {
    covered: BTreeSet<u8>,
    waiting: Option<Refusal>,
}

impl Tally {
    /// Takes a signature in: the part `number`, over the part `of`.
    ///
    /// # Errors
    /// What is wrong with it for good: then nothing else counts.
    pub(crate) fn add(&mut self, number: u8, of: u8, judged: Judged) -> Result<(), Refusal> {
        match judged.refusal {
            Some(refusal) if !refusal.waits && refusal.code != ProblemCode::SignerStatusUnknown => {
                let detail = format!("part {number}: {}", refusal.detail.as_deref().unwrap_or_default());
                return Err(Refusal { detail: Some(detail), ..refusal });
            }
            // What does not wait although its status is unknown outranks what waits.
            Some(refusal) if self.waiting.as_ref().is_none_or(|first| first.waits) => self.waiting = Some(refusal),
            _ => {}
        }
        if judged.of_sender {
            self.covered.insert(of);
        }
        Ok(())
    }

    /// # Errors
    /// `SignerNotOfSender` where one of `contents` has no signature of the sender; what a signature waits for, where
    /// nothing else is wrong.
    pub(crate) fn finish(self, contents: impl IntoIterator<Item = u8>) -> Result<(), Refusal> {
        if let Some(number) = contents.into_iter().find(|number| !self.covered.contains(number)) {
            return Err(Refusal::with_detail(ProblemCode::SignerNotOfSender, format!("part {number}")));
        }
        self.waiting.map_or(Ok(()), Err)
    }
}

/// Whether a signer says to act for the organisation. Unverified: enough to refuse, and not to accept.
pub(crate) fn claims(document: &UnverifiedDocument, organisation: Edrpou) -> bool {
    let signers = document.signing_certificates();
    signers.iter().flatten().any(|signer| acts_for(signer, organisation))
}

fn acts_for(signer: &Certificate, organisation: Edrpou) -> bool {
    signer.edrpou().is_some_and(|edrpou| edrpou == organisation.as_str())
}

/// The channel's policy: at least one signer acts for the organisation. Others may sign along; they too are valid, or the
/// document would not have come here.
pub(crate) fn signed_for(document: &ValidatedDocument, organisation: Edrpou) -> Result<(), Refusal> {
    document
        .signers()
        .iter()
        .any(|signer| acts_for(signer, organisation))
        .then_some(())
        .ok_or_else(|| ProblemCode::SignerNotOfSender.into())
}

/// The most telling failure: what failed for good before what cannot be told.
fn refusal(report: &Report) -> Refusal {
    let rank = |signature: &&SignatureReport| match signature.indication {
        Indication::TotalFailed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalPassed => 2,
    };
    let Some(worst) = report.signatures.iter().min_by_key(rank) else { return ProblemCode::SignatureMissing.into() };
    let name = serde_json::to_value((worst.indication, worst.sub_indication)).unwrap_or_default();
    let suspended = worst.reasons.iter().any(|reason| reason.code == ProblemCode::SignerSuspended.as_str());
    let code = match worst.sub_indication {
        // The standard has one sub-indication for what is not known and for what is known and may change.
        Some(SubIndication::TryLater) if suspended => ProblemCode::SignerSuspended,
        Some(sub) => code_of(sub),
        // No sub-indication and yet not passed: nothing that a report may say.
        None => ProblemCode::Internal,
    };
    Refusal::with_detail(code, format!("{}: {name}", worst.id))
}

fn code_of(sub_indication: SubIndication) -> ProblemCode {
    use SubIndication as Sub;
    match sub_indication {
        Sub::FormatFailure | Sub::SignedDataNotFound => ProblemCode::SignatureFormat,
        Sub::HashFailure => ProblemCode::SignatureOverOtherContent,
        Sub::SigCryptoFailure => ProblemCode::SignatureValueWrong,
        Sub::Revoked | Sub::RevokedNoPoe | Sub::RevokedCaNoPoe => ProblemCode::SignerRevoked,
        Sub::Expired | Sub::NotYetValid | Sub::OutOfBoundsNotRevoked | Sub::OutOfBoundsNoPoe => {
            ProblemCode::SignerExpired
        }
        Sub::NoSigningCertificateFound => ProblemCode::SignerUnidentified,
        Sub::NoCertificateChainFound | Sub::NoCertificateChainFoundNoPoe | Sub::CertificateChainGeneralFailure => {
            ProblemCode::SignerUntrusted
        }
        Sub::TryLater | Sub::RevocationOutOfBoundsNoPoe => ProblemCode::SignerStatusUnknown,
        Sub::CryptoConstraintsFailure | Sub::CryptoConstraintsFailureNoPoe => ProblemCode::SignatureWeakAlgorithm,
        Sub::SigConstraintsFailure
        | Sub::ChainConstraintsFailure
        | Sub::PolicyProcessingError
        | Sub::SignaturePolicyNotAvailable
        | Sub::TimestampOrderFailure
        | Sub::NoPoe => ProblemCode::SignatureConstraints,
    }
}
