//! Signatures that somebody made on purpose.

use super::*;
use crate::asn1::{Writer, oid, tag};
use crate::testing::{attribute, identifier, octets, reference};

#[test]
fn one_flipped_bit_of_content_value_or_attributes_is_found() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);
    let at = |part: &[u8]| cms.windows(part.len()).position(|window| window == part).unwrap() + part.len() / 2;
    let signed = SignedData::read(&cms).unwrap();
    let flipped = |at: usize| {
        let mut cms = cms.clone();
        cms[at] ^= 1;
        world.validate(&cms, &revocation)
    };
    let other = ProblemCode::SignatureOverOtherContent;
    assert_refused(&flipped(at(DOCUMENT)), SubIndication::HashFailure, false, other);
    let wrong = ProblemCode::SignatureValueWrong;
    assert_refused(&flipped(at(signed.signers[0].signature)), SubIndication::SigCryptoFailure, false, wrong);
    let time = b"261123110000Z";
    assert_refused(&flipped(at(time)), SubIndication::SigCryptoFailure, false, wrong);
}

#[test]
fn unsorted_attributes_verify_by_their_der_form_only() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let unsorted = |signed_as_sent: bool| {
        let mut forge = Forge::new(DOCUMENT, &signer);
        forge.certificates.push(world.pki.issuing_ca().clone());
        let attributes = forge.attributes.as_mut().unwrap();
        attributes.sort();
        attributes.reverse();
        let as_sent = Writer::new().value(tag::SET, &attributes.concat()).into_bytes();
        forge.signed = signed_as_sent.then_some(as_sent);
        forge.build()
    };
    assert_passed(&world.validate(&unsorted(false), &revocation));
    let outcome = world.validate(&unsorted(true), &revocation);
    assert_refused(&outcome, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.attributes_unsorted");
    let policy = Policy { unsorted_signed_attributes: Unsorted::Accept, ..Policy::default() };
    assert_passed(&world.validate_at(&unsorted(true), &revocation, NOW, &policy));
}

#[test]
fn repeated_or_missing_attributes_are_a_format_failure() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let digest_of = |content| octets(digest(DigestAlgorithm::Sha256, content).as_bytes());
    let repeated = Forge::new(DOCUMENT, &signer).push(attribute(oid::MESSAGE_DIGEST, digest_of(b"x"))).build();
    let mut two_values = Forge::new(DOCUMENT, &signer);
    let both = digest_of(DOCUMENT).raw(&digest_of(b"x").into_bytes());
    two_values.attributes.as_mut().unwrap()[1] = attribute(oid::MESSAGE_DIGEST, both);
    let mut missing = Forge::new(DOCUMENT, &signer);
    missing.attributes.as_mut().unwrap().remove(1);
    let mut no_type = Forge::new(DOCUMENT, &signer);
    no_type.attributes.as_mut().unwrap().remove(0);
    let code = |outcome: &Outcome| outcome.report.signatures[0].reasons[0].code.clone();
    for (cms, expected) in [
        (repeated, "signature.attribute_repeated"),
        (two_values.build(), "signature.attribute_repeated"),
        (missing.build(), "signature.attribute_missing"),
        (no_type.build(), "signature.attribute_missing"),
    ] {
        let outcome = world.validate(&cms, &revocation);
        assert_refused(&outcome, SubIndication::FormatFailure, false, ProblemCode::SignatureFormat);
        assert_eq!(code(&outcome), expected);
    }
    let mut other_type = Forge::new(DOCUMENT, &signer);
    other_type.attributes.as_mut().unwrap()[0] = attribute(oid::CONTENT_TYPE, Writer::new().oid(oid::TST_INFO));
    let outcome = world.validate(&other_type.build(), &revocation);
    assert_refused(&outcome, SubIndication::FormatFailure, true, ProblemCode::SignatureFormat);
    assert_eq!(code(&outcome), "signature.content_type");
}

#[test]
fn algorithms_must_agree() {
    let rsa = KeyKind::Rsa { bits: 2048 };
    if !served(rsa) {
        return;
    }
    let world = World::new();
    let signer = world.identity(rsa, Usage::Signing);
    let revocation = world.revocation(&signer.certificate, NOW);
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512);
    let outcome = world.validate(&forge.build(), &revocation);
    assert_refused(&outcome, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.algorithms_disagree");
}

#[test]
fn protected_algorithms_must_be_the_used_ones() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let protection = |hash| {
        let used = SignatureAlgorithm::Ecdsa(hash).to_algorithm_identifier();
        let used = crate::asn1::Element::only(&used).unwrap().content.to_vec();
        let both = Writer::new().raw(&identifier(DigestAlgorithm::Sha256)).value(0xa1, &used);
        attribute(oid::ALGORITHM_PROTECTION, Writer::new().nest(tag::SEQUENCE, both))
    };
    let with = |hash| {
        let mut forge = Forge::new(DOCUMENT, &signer).push(protection(hash));
        forge.certificates.push(world.pki.issuing_ca().clone());
        world.validate(&forge.build(), &revocation)
    };
    assert_passed(&with(DigestAlgorithm::Sha256));
    let outcome = with(DigestAlgorithm::Sha384);
    assert_refused(&outcome, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.algorithm_protection");
}

#[test]
fn another_certificate_cannot_take_the_signers_place() {
    let world = World::new();
    let (signer, other) = (world.signer(), world.signer());
    let revocation = world.revocation(&signer.certificate, NOW);
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.attributes.as_mut().unwrap()[2] = attribute(oid::SIGNING_CERTIFICATE_V2, reference(&other.certificate));
    forge.certificates.extend([other.certificate.clone(), world.pki.issuing_ca().clone()]);
    let outcome = world.validate(&forge.build(), &revocation);
    assert_refused(&outcome, SubIndication::NoSigningCertificateFound, true, ProblemCode::SignerUnidentified);
    let mut nobody = Forge::new(DOCUMENT, &signer);
    nobody.certificates.clear();
    let outcome = world.validate(&nobody.build(), &revocation);
    assert_refused(&outcome, SubIndication::NoSigningCertificateFound, false, ProblemCode::SignerUnidentified);
}

#[test]
fn the_policy_decides_about_bare_signatures() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let bare = |content| {
        let mut forge = Forge::new(content, &signer);
        forge.attributes = None;
        forge.certificates.push(world.pki.issuing_ca().clone());
        forge.build()
    };
    let outcome = world.validate(&bare(DOCUMENT), &revocation);
    assert_refused(&outcome, SubIndication::SigConstraintsFailure, true, ProblemCode::SignatureConstraints);
    assert_eq!(outcome.report.signatures[0].level, "CMS-NOT-ETSI");
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.signed_attributes_required");
    let lenient =
        Policy { require_signed_attributes: false, require_signing_certificate_attribute: false, ..Policy::default() };
    assert_passed(&world.validate_at(&bare(DOCUMENT), &revocation, NOW, &lenient));

    // The attributes of a real signature, presented as the content of one without attributes.
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let signed = SignedData::read(&cms).unwrap();
    let mut attributes = signed.signers[0].signed_attributes_der.unwrap().to_vec();
    attributes[0] = tag::SET;
    let outcome = world.validate_at(&bare(&attributes), &revocation, NOW, &lenient);
    assert_refused(&outcome, SubIndication::FormatFailure, false, ProblemCode::SignatureFormat);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.ambiguous_content");
}
