//! Stories of validation: what a user would notice.

mod attacks;
mod bad_inputs;
mod hostile;
mod listed;
mod long_term;
mod national;
mod oracle;

use certs::dev::Usage;
use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use crypto::digest::{DigestAlgorithm, digest, sha256};
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use schemas::ProblemCode;
use schemas::report::{Indication, SubIndication};
use time::Duration;

use crate::cades::{self, Content};
use crate::testing::{Forge, NOW, P256, World, served, to_ber};

use super::*;

pub(super) const DOCUMENT: &[u8] = "Заява про видачу довідки".as_bytes();

/// Indication, sub-indication and `intact` of the only signature.
#[track_caller]
pub(super) fn verdict(outcome: &Outcome) -> (Indication, Option<SubIndication>, bool) {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one signature: {:?}", outcome.report) };
    assert_eq!(signature.indication == Indication::TotalPassed, outcome.passed.is_some());
    assert_eq!(outcome.passed.is_some(), outcome.problem().is_none());
    // What passed has remarks at most.
    let remark = |reason: &schemas::report::Reason| reason.code == "signature.timestamp_unusable";
    assert_eq!(signature.sub_indication.is_none(), signature.reasons.iter().all(remark));
    (signature.indication, signature.sub_indication, signature.intact)
}

#[track_caller]
pub(super) fn assert_refused(outcome: &Outcome, sub: SubIndication, intact: bool, problem: ProblemCode) {
    let (indication, found, whole) = verdict(outcome);
    assert_ne!(indication, Indication::TotalPassed);
    assert_eq!((found, whole), (Some(sub), intact), "{:?}", outcome.report);
    assert_eq!(outcome.problem(), Some(problem));
}

#[track_caller]
pub(super) fn assert_passed(outcome: &Outcome) {
    assert_eq!(verdict(outcome), (Indication::TotalPassed, None, true), "{:?}", outcome.report);
}

#[test]
fn an_attached_signature_passes_and_its_report_names_the_signer() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_passed(&outcome);
    let passed = outcome.passed.unwrap();
    assert_eq!(passed.content(), Some(DOCUMENT));
    assert_eq!(passed.signers()[0].der(), signer.certificate.der());
    let signature = &passed.report().signatures[0];
    assert_eq!((signature.format.as_str(), signature.level.as_str()), ("CAdES", "CAdES-BASELINE-B"));
    assert_eq!(signature.signing_time.as_deref(), Some("2026-11-23T11:00:00Z"));
    assert_eq!(signature.best_time, "2026-11-23T12:00:00Z");
    let named = signature.signer.as_ref().unwrap();
    assert_eq!(named.edrpou.as_deref(), Some("12345678"));
    assert_eq!(named.rnokpp.as_deref(), Some("1234567890"));
}

#[test]
fn every_algorithm_signs_and_passes_attached_and_detached() {
    let world = World::new();
    let rsa = KeyKind::Rsa { bits: 2048 };
    let (sha256, sha384, sha512) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512);
    for (kind, algorithm) in [
        (P256, SignatureAlgorithm::Ecdsa(sha256)),
        (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(sha384)),
        (rsa, SignatureAlgorithm::RsaPkcs1(sha512)),
        (rsa, SignatureAlgorithm::RsaPss { digest: sha256, mgf_digest: sha256, salt_len: 32 }),
        (KeyKind::Ed25519, SignatureAlgorithm::Ed25519),
    ] {
        if !served(kind) {
            continue;
        }
        let signer = world.identity(kind, Usage::Signing);
        let revocation = world.revocation(&signer.certificate, NOW);
        let chain = world.chain(&signer);
        let attached = cades::sign(Content::Attached(DOCUMENT), &signer.key, algorithm, &chain, NOW).unwrap();
        assert_passed(&world.validate(&attached, &revocation));
        let hash = algorithm.digest_algorithm().unwrap_or(sha512);
        let detached = Content::Detached(digest(hash, DOCUMENT));
        let detached = cades::sign(detached, &signer.key, algorithm, &chain, NOW).unwrap();
        let document = UnverifiedDocument::parse(&detached).unwrap();
        assert_eq!(document.digest_algorithms(), [hash]);
        assert!(!document.is_attached());
        let document = document.with_detached(vec![digest(hash, DOCUMENT)]);
        let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &Policy::default() };
        assert_passed(&validate(document, &context));
    }
}

#[test]
fn a_detached_signature_needs_its_own_document() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let hash = |content| digest(DigestAlgorithm::Sha256, content);
    let cms = world.sign(Content::Detached(hash(DOCUMENT)), &signer);
    let over = |digests| {
        let document = UnverifiedDocument::parse(&cms).unwrap().with_detached(digests);
        validate(
            document,
            &Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &Policy::default() },
        )
    };
    assert_passed(&over(vec![hash(DOCUMENT)]));
    assert_refused(
        &over(vec![hash(b"another document")]),
        SubIndication::HashFailure,
        false,
        ProblemCode::SignatureOverOtherContent,
    );
    for nothing in [vec![], vec![digest(DigestAlgorithm::Sha512, DOCUMENT)]] {
        assert_refused(
            &over(nothing),
            SubIndication::SignedDataNotFound,
            false,
            ProblemCode::SignatureOverOtherContent,
        );
    }
}

#[test]
fn content_inside_must_be_the_content_given_beside() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);
    let with = |content| {
        let document = UnverifiedDocument::parse(&cms).unwrap();
        let document = document.with_detached(vec![digest(DigestAlgorithm::Sha256, content)]);
        validate(
            document,
            &Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &Policy::default() },
        )
    };
    assert_passed(&with(DOCUMENT));
    assert_refused(&with(b"x"), SubIndication::HashFailure, false, ProblemCode::SignatureOverOtherContent);
}

#[test]
fn the_same_file_in_ber_comes_to_the_same_verdict() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let cms = world.stamp(&world.sign(Content::Attached(DOCUMENT), &signer), NOW - Duration::MINUTE);
    let ber = to_ber(&cms);
    assert_ne!(ber, cms);
    let outcome = world.validate(&ber, &revocation);
    assert_passed(&outcome);
    assert_eq!(outcome.report.signatures, world.validate(&cms, &revocation).report.signatures);
    let padded = [&cms[..], &[0; 100]].concat();
    assert_passed(&world.validate(&padded, &revocation));
}

#[test]
fn the_report_names_the_file_as_it_came_by_its_digest() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    // Shorter and longer than what is hashed beside it.
    for content in [vec![1; 3], vec![2; 64], vec![3; 5000]] {
        let attached = world.sign(Content::Attached(&content), &signer);
        let detached = world.sign(Content::Detached(digest(DigestAlgorithm::Sha256, &content)), &signer);
        let padded = [attached.as_slice(), &[0; 70]].concat();
        for file in [to_ber(&attached), attached, padded, detached] {
            let outcome = world.validate(&file, &revocation);
            assert_eq!(outcome.report.digest, hex(&sha256(&file)), "{} of {}", content.len(), file.len());
        }
    }
}

#[test]
fn nothing_known_about_revocation_means_try_later() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let problem = ProblemCode::SignerStatusUnknown;
    assert_refused(&world.validate(&cms, &RevocationData::default()), SubIndication::TryLater, true, problem);
    let old = world.revocation(&signer.certificate, NOW - Duration::days(200));
    let policy = Policy { revocation_freshness: Some(Duration::HOUR), ..Policy::default() };
    assert_refused(&world.validate_at(&cms, &old, NOW, &policy), SubIndication::TryLater, true, problem);
}

#[test]
fn a_revoked_signer_is_refused() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    world.pki.revoke(&signer.certificate, NOW - Duration::days(1), 1);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::RevokedNoPoe, true, ProblemCode::SignerRevoked);
}

#[test]
fn a_suspended_signer_is_refused_as_such() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    world.pki.revoke(&signer.certificate, NOW - Duration::days(1), 6);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::TryLater, true, ProblemCode::SignerSuspended);
}

#[test]
fn a_signer_of_another_authority_is_untrusted() {
    let (world, stranger) = (World::new(), World::new());
    let signer = stranger.signer();
    let cms = stranger.sign(Content::Attached(DOCUMENT), &signer);
    let outcome = world.validate(&cms, &stranger.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::NoCertificateChainFound, true, ProblemCode::SignerUntrusted);
    let nobody = TrustSnapshot::new(vec![], vec![], NOW);
    let document = UnverifiedDocument::parse(&cms).unwrap();
    let context =
        Context { trust: &nobody, revocation: &RevocationData::default(), at: NOW, policy: &Policy::default() };
    assert_refused(
        &validate(document, &context),
        SubIndication::NoCertificateChainFound,
        true,
        ProblemCode::SignerUntrusted,
    );
}

#[test]
fn a_certificate_for_another_use_does_not_sign() {
    let world = World::new();
    for usage in [Usage::TlsClient, Usage::Encryption] {
        let signer = world.identity(P256, usage);
        let cms = world.sign(Content::Attached(DOCUMENT), &signer);
        let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
        assert_refused(&outcome, SubIndication::ChainConstraintsFailure, true, ProblemCode::SignerUntrusted);
    }
}

#[test]
fn the_worst_signature_decides() {
    let world = World::new();
    let signer = world.signer();
    let good = world.sign(Content::Attached(DOCUMENT), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);
    let two = two_signers(&good, &Forge::new(b"other content", &signer).build());
    let outcome = world.validate(&two, &revocation);
    let indications: Vec<_> = outcome.report.signatures.iter().map(|signature| signature.indication).collect();
    assert_eq!(indications, [Indication::TotalPassed, Indication::TotalFailed]);
    assert!(outcome.passed.is_none());
    assert_eq!(outcome.problem(), Some(ProblemCode::SignatureOverOtherContent));
}

/// The SignedData of `first` with the signer of `second` added.
fn two_signers(first: &[u8], second: &[u8]) -> Vec<u8> {
    use crate::asn1::{Writer, oid, tag};
    let (first, second) = (SignedData::read(first).unwrap(), SignedData::read(second).unwrap());
    let signers = [first.signers_raw, second.signers_raw].concat().concat();
    let data = Writer::new().raw(first.head).value(tag::SET, &signers);
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

#[test]
fn sha_1_is_refused_unless_the_policy_allows_it() {
    let rsa = KeyKind::Rsa { bits: 2048 };
    if !served(rsa) {
        return;
    }
    let world = World::new();
    let signer = world.identity(rsa, Usage::Signing);
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.digest_algorithm = DigestAlgorithm::Sha1;
    forge.algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    let hash = digest(DigestAlgorithm::Sha1, DOCUMENT);
    if let Some(attributes) = &mut forge.attributes {
        attributes[1] =
            crate::testing::attribute(crate::asn1::oid::MESSAGE_DIGEST, crate::testing::octets(hash.as_bytes()));
    }
    forge.certificates.push(world.pki.issuing_ca().clone());
    let cms = forge.build();
    let revocation = world.revocation(&signer.certificate, NOW);
    assert_refused(
        &world.validate(&cms, &revocation),
        SubIndication::CryptoConstraintsFailureNoPoe,
        true,
        ProblemCode::SignatureWeakAlgorithm,
    );
    let policy = Policy { suite: suite::ANY, ..Policy::default() };
    assert_passed(&world.validate_at(&cms, &revocation, NOW, &policy));
}
