//! Signers with DSTU 4145 under an authority with DSTU 4145, as in Ukraine.

use certs::dev::{Family, Identity};
use crypto::dstu4145;

use crate::asn1::{Writer, oid, tag};
use crate::testing::{attribute, octets};

use super::*;

const M257: KeyKind = KeyKind::Dstu4145(dstu4145::Curve::M257);

fn world() -> (World, Identity, RevocationData) {
    let world = World::of(Family::Dstu4145);
    let signer = world.identity(M257, Usage::Signing);
    let revocation = world.revocation(&signer.certificate, NOW);
    (world, signer, revocation)
}

fn first(outcome: &Outcome) -> &schemas::report::SignatureReport {
    &outcome.report.signatures[0]
}

#[test]
fn every_national_algorithm_signs_and_passes_attached_and_detached() {
    let (world, signer, revocation) = world();
    let chain = world.chain(&signer);
    for algorithm in [
        SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311),
        SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256),
        SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna384),
        SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna512),
        SignatureAlgorithm::Dstu4145BigEndian,
    ] {
        let attached = cades::sign(Content::Attached(DOCUMENT), &signer.key, algorithm, &chain, NOW).unwrap();
        let outcome = world.validate(&attached, &revocation);
        assert_passed(&outcome);
        assert_eq!(first(&outcome).level, "CAdES-BASELINE-B");
        assert_eq!(first(&outcome).signed_form, Some(SignedForm::Der));
        let hash = digest(algorithm.digest_algorithm().unwrap(), DOCUMENT);
        let detached = cades::sign(Content::Detached(hash), &signer.key, algorithm, &chain, NOW).unwrap();
        let document = UnverifiedDocument::parse(&detached).unwrap();
        assert_eq!(document.digest_algorithms(), [hash.algorithm()]);
        let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &Policy::strict() };
        assert_passed(&validate(document.with_detached(vec![hash]), &context));
    }
}

#[test]
fn a_token_of_the_national_authority_proves_the_time() {
    let (world, signer, revocation) = world();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let stamped = world.stamp(&cms, NOW - Duration::MINUTE);
    let outcome = world.validate(&stamped, &revocation);
    assert_passed(&outcome);
    assert_eq!(first(&outcome).level, "CAdES-BASELINE-T");
    assert_eq!(first(&outcome).best_time, "2026-11-23T11:59:00Z");
}

/// Producers in use sign the attributes in the order in which they send them. The report says so; the strict policy refuses it.
#[test]
fn attributes_as_sent_pass_and_the_report_says_so() {
    let (world, signer, revocation) = world();
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
    let sorted = world.validate(&unsorted(false), &revocation);
    assert_passed(&sorted);
    assert_eq!(first(&sorted).signed_form, Some(SignedForm::DerSorted));
    let as_sent = world.validate(&unsorted(true), &revocation);
    assert_passed(&as_sent);
    assert_eq!(first(&as_sent).signed_form, Some(SignedForm::AsSent));
    assert_eq!(as_sent.signed_forms(), [Some(SignedForm::AsSent)]);
    let strict = world.validate_at(&unsorted(true), &revocation, NOW, &Policy::strict());
    assert_refused(&strict, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
    assert_eq!(first(&strict).reasons[0].code, "signature.attributes_unsorted");
    assert_eq!(first(&strict).signed_form, None);
}

#[test]
fn digest_and_signature_algorithm_must_name_the_same_digest() {
    let (world, signer, revocation) = world();
    for (signature, hash) in [
        (DigestAlgorithm::Kupyna256, DigestAlgorithm::Gost34311),
        (DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256),
        (DigestAlgorithm::Gost34311, DigestAlgorithm::Sha256),
    ] {
        let mut forge = Forge::new(DOCUMENT, &signer);
        forge.algorithm = SignatureAlgorithm::Dstu4145(signature);
        forge.digest_algorithm = hash;
        let value = octets(digest(hash, DOCUMENT).as_bytes());
        forge.attributes.as_mut().unwrap()[1] = attribute(oid::MESSAGE_DIGEST, value);
        let outcome = world.validate(&forge.build(), &revocation);
        assert_refused(&outcome, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
        assert_eq!(first(&outcome).reasons[0].code, "signature.algorithms_disagree", "{signature:?} {hash:?}");
    }
}

/// In CMS the value stands bare; the OCTET STRING that certificates put around it is none of it.
#[test]
fn a_value_inside_an_octet_string_is_refused() {
    let (world, signer, revocation) = world();
    let cms = Forge::new(DOCUMENT, &signer).build();
    let signed = SignedData::read(&cms).unwrap();
    let value = signed.signers[0].signature;
    let at = cms.windows(value.len()).position(|window| window == value).unwrap();
    let wrapped = octets(value).into_bytes();
    // The value is the last element of every structure around it: only lengths change.
    assert_eq!(at + value.len(), cms.len());
    let longer = rewrap(&cms, at, &wrapped);
    let outcome = world.validate(&longer, &revocation);
    assert_refused(&outcome, SubIndication::SigCryptoFailure, false, ProblemCode::SignatureValueWrong);
    assert_eq!(first(&outcome).reasons[0].code, "signature.crypto_failure");
}

/// The elements on the way to the last one, each written anew around `content` in the place of the last.
fn rewrap(der: &[u8], at: usize, content: &[u8]) -> Vec<u8> {
    let element = crate::asn1::Element::only(der).unwrap();
    if der.len() - element.content.len() == at {
        return Writer::new().value(element.tag, content).into_bytes();
    }
    let members = crate::asn1::Reader::new(element.content).all(64).unwrap();
    let (last, before) = members.split_last().unwrap();
    let before: Vec<u8> = before.iter().flat_map(|member| member.raw.to_vec()).collect();
    let inner = rewrap(last.raw, at - (der.len() - last.raw.len()), content);
    Writer::new().value(element.tag, &[before, inner].concat()).into_bytes()
}
