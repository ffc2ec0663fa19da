//! What a proven time saves, and what it does not.

use super::*;
use certs::dev::Identity;

fn stamped(world: &World, signer: &Identity, at: OffsetDateTime) -> Vec<u8> {
    world.stamp(&world.sign(Content::Attached(DOCUMENT), signer), at)
}

#[test]
fn a_time_stamp_gives_the_best_time_and_the_level() {
    let world = World::new();
    let signer = world.signer();
    let cms = stamped(&world, &signer, NOW - Duration::minutes(30));
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_passed(&outcome);
    let signature = &outcome.report.signatures[0];
    assert_eq!((signature.level.as_str(), signature.best_time.as_str()), ("CAdES-BASELINE-T", "2026-11-23T11:30:00Z"));
}

#[test]
fn revocation_after_the_time_stamp_does_not_matter() {
    let world = World::new();
    let signer = world.signer();
    let cms = stamped(&world, &signer, NOW - Duration::days(2));
    world.pki.revoke(&signer.certificate, NOW - Duration::days(1), 1);
    assert_passed(&world.validate(&cms, &world.revocation(&signer.certificate, NOW)));
}

#[test]
fn revocation_before_the_time_stamp_does() {
    let world = World::new();
    let signer = world.signer();
    let cms = stamped(&world, &signer, NOW - Duration::days(1));
    world.pki.revoke(&signer.certificate, NOW - Duration::days(2), 1);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::RevokedNoPoe, true, ProblemCode::SignerRevoked);
}

#[test]
fn an_expired_certificate_needs_a_time_stamp_from_before() {
    let world = World::new();
    let end = NOW - Duration::days(10);
    let signer = world.identity_until(P256, Usage::Signing, end);
    let bare = world.sign(Content::Attached(DOCUMENT), &signer);
    let mut revocation = world.revocation(&signer.certificate, end - Duration::HOUR);
    revocation.ocsp.extend(world.revocation(&signer.certificate, NOW).ocsp);
    let outcome = world.validate(&bare, &revocation);
    assert_refused(&outcome, SubIndication::OutOfBoundsNoPoe, true, ProblemCode::SignerExpired);
    let before = world.stamp(&bare, end - Duration::days(1));
    assert_passed(&world.validate(&before, &revocation));
    let after = world.stamp(&bare, end + Duration::days(1));
    let outcome = world.validate(&after, &revocation);
    assert_refused(&outcome, SubIndication::OutOfBoundsNoPoe, true, ProblemCode::SignerExpired);
}

#[test]
fn a_time_stamp_from_before_the_certificate_is_a_forgery() {
    let world = World::new();
    let end = NOW - Duration::days(10);
    let signer = world.identity_until(P256, Usage::Signing, end);
    let cms = stamped(&world, &signer, NOW - Duration::days(301));
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::NotYetValid, true, ProblemCode::SignerExpired);
    assert_eq!(verdict(&outcome).0, Indication::TotalFailed);
}

#[test]
fn a_time_stamp_of_another_signature_proves_nothing() {
    let world = World::new();
    let signer = world.signer();
    let other = stamped(&world, &signer, NOW - Duration::days(2));
    let cms = world.sign(Content::Attached(b"signed after the revocation"), &signer);
    let token = token_in(&other);
    let cms = cades::add_timestamp(&cms, &token).unwrap();
    world.pki.revoke(&signer.certificate, NOW - Duration::days(1), 1);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::RevokedNoPoe, true, ProblemCode::SignerRevoked);
    let codes: Vec<_> = outcome.report.signatures[0].reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["signature.revoked_signer", "signature.timestamp_unusable"]);
}

#[test]
fn a_time_stamp_of_an_untrusted_or_future_authority_proves_nothing() {
    let (world, stranger) = (World::new(), World::new());
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let bare = world.sign(Content::Attached(DOCUMENT), &signer);
    for cms in [stranger.stamp(&bare, NOW - Duration::HOUR), world.stamp(&bare, NOW + Duration::HOUR)] {
        let outcome = world.validate(&cms, &revocation);
        assert_passed(&outcome);
        assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z");
    }
}

#[test]
fn embedded_answers_join_what_is_known() {
    use crate::asn1::{Writer, oid};
    let world = World::new();
    let signer = world.signer();
    let answers = world.revocation(&signer.certificate, NOW).ocsp;
    let member = |answer: &OcspResponse| {
        Writer::new().nest(0xa1, Writer::new().oid(oid::OCSP_RESPONSE).raw(answer.der())).into_bytes()
    };
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.certificates.push(world.pki.issuing_ca().clone());
    forge.crls = answers.iter().map(member).collect();
    assert_passed(&world.validate(&forge.build(), &RevocationData::default()));
}

/// The first signature-time-stamp of the first signer.
fn token_in(cms: &[u8]) -> Vec<u8> {
    let signed = SignedData::read(cms).unwrap();
    let attribute = signed.signers[0].unsigned(crate::asn1::oid::SIGNATURE_TIME_STAMP).next().unwrap();
    attribute.values[0].to_vec()
}
