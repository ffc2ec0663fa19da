//! Rows of BAD_INPUTS.md that no other story tells: each is refused with a code of its own.

use certs::dev::Identity;
use certs::timestamp;
use schemas::report::{SignatureReport, TimestampReport};

use super::*;
use crate::asn1::{Element, Reader, Writer, oid, tag};
use crate::cades::{Options, Signatory, prepare};
use crate::testing::{attribute, octets, reference};

/// Somebody, and all that is known of them.
fn somebody() -> (World, Identity, RevocationData) {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    (world, signer, revocation)
}

fn only(outcome: &Outcome) -> &SignatureReport {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one signature: {:?}", outcome.report) };
    signature
}

/// The code and the sub-indication of the most important reason.
fn reason(outcome: &Outcome) -> (&str, Option<SubIndication>) {
    assert!(outcome.passed.is_none());
    let signature = only(outcome);
    (signature.reasons[0].code.as_str(), signature.sub_indication)
}

fn stamp_reason(stamp: &TimestampReport) -> (&str, Option<SubIndication>) {
    (stamp.reasons[0].code.as_str(), stamp.sub_indication)
}

fn with_chain<'a>(world: &World, signer: &'a Identity) -> Forge<'a> {
    let mut forge = Forge::new(DOCUMENT, signer);
    forge.certificates.push(world.pki.issuing_ca().clone());
    forge
}

fn algorithm(oid: &str, parameters: &[u8]) -> Vec<u8> {
    let contents = oid::contents(oid).unwrap();
    Writer::new().nest(tag::SEQUENCE, Writer::new().oid(&contents).raw(parameters)).into_bytes()
}

#[test]
fn every_attribute_that_may_stand_once_is_refused_twice() {
    let (world, signer, revocation) = somebody();
    let utc = || Writer::new().value(tag::UTC_TIME, b"261123110000Z");
    let certificate = || reference(&signer.certificate);
    let content_type = || Writer::new().oid(oid::DATA);
    let once = with_chain(&world, &signer).push(attribute(oid::SIGNING_TIME, utc()));
    assert_passed(&world.validate(&once.build(), &revocation));
    let twice = [
        with_chain(&world, &signer).push(attribute(oid::SIGNING_TIME, utc())).push(attribute(oid::SIGNING_TIME, utc())),
        with_chain(&world, &signer).push(attribute(oid::SIGNING_CERTIFICATE_V2, certificate())),
        with_chain(&world, &signer).push(attribute(oid::CONTENT_TYPE, content_type())),
    ];
    for forge in twice {
        let outcome = world.validate(&forge.build(), &revocation);
        assert_eq!(reason(&outcome), ("signature.attribute_repeated", Some(SubIndication::FormatFailure)));
    }
}

/// RFC 5652, 5.3: what is not id-data has signed attributes. Without them its type is not signed.
#[test]
fn content_of_another_type_needs_signed_attributes() {
    let (world, signer, revocation) = somebody();
    let mut forge = with_chain(&world, &signer);
    forge.attributes = None;
    forge.content_type = oid::TST_INFO;
    let lenient =
        Policy { require_signed_attributes: false, require_signing_certificate_attribute: false, ..Policy::default() };
    let outcome = world.validate_at(&forge.build(), &revocation, NOW, &lenient);
    assert_eq!(reason(&outcome), ("signature.attribute_missing", Some(SubIndication::FormatFailure)));
}

#[test]
fn a_digest_that_nobody_knows_proves_nothing() {
    let (world, signer, revocation) = somebody();
    // MD5, and SHA-512/256.
    for unknown in ["1.2.840.113549.2.5", "2.16.840.1.101.3.4.2.6"] {
        let mut forge = with_chain(&world, &signer);
        forge.named.0 = Some(algorithm(unknown, &[]));
        let outcome = world.validate(&forge.build(), &revocation);
        assert_eq!(reason(&outcome), ("signature.algorithm_unknown", Some(SubIndication::CryptoConstraintsFailure)));
        assert!(!only(&outcome).intact);
    }
}

#[test]
fn an_algorithm_of_another_family_than_the_key_is_refused() {
    let (world, signer, revocation) = somebody();
    for other in [
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
        SignatureAlgorithm::Ed25519,
        SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256),
    ] {
        let mut forge = with_chain(&world, &signer);
        forge.named.1 = Some(other.to_algorithm_identifier());
        let outcome = world.validate(&forge.build(), &revocation);
        let expected = ("signature.algorithms_disagree", Some(SubIndication::SigCryptoFailure));
        assert_eq!(reason(&outcome), expected, "{other:?}");
    }
}

#[test]
fn pss_parameters_must_be_those_that_were_used_and_ordinary_ones() {
    let rsa = KeyKind::Rsa { bits: 2048 };
    if !served(rsa) {
        return;
    }
    let world = World::new();
    let signer = world.identity(rsa, Usage::Signing);
    let revocation = world.revocation(&signer.certificate, NOW);
    let (sha256, sha384) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha384);
    let pss = |digest, mgf_digest, salt_len| SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len };
    let with = |named: Vec<u8>| {
        let mut forge = with_chain(&world, &signer);
        forge.algorithm = pss(sha256, sha256, 32);
        forge.named.1 = Some(named);
        world.validate(&forge.build(), &revocation)
    };
    let used = pss(sha256, sha256, 32).to_algorithm_identifier();
    assert_passed(&with(used.clone()));
    let disagree = ("signature.algorithms_disagree", Some(SubIndication::SigCryptoFailure));
    assert_eq!(reason(&with(pss(sha384, sha384, 32).to_algorithm_identifier())), disagree);
    for other in [pss(sha256, sha384, 32), pss(sha256, sha256, 20)] {
        let outcome = with(other.to_algorithm_identifier());
        assert_eq!(reason(&outcome), ("signature.crypto_failure", Some(SubIndication::SigCryptoFailure)), "{other:?}");
    }
    // trailerField 2: RFC 4055, 3.1 knows 1 only.
    let mut members = Reader::new(Element::only(&used).unwrap().content).all(2).unwrap();
    let parameters = members.pop().unwrap();
    let odd = [parameters.content, &[0xa3, 3, 2, 1, 2]].concat();
    let odd = Writer::new().value(tag::SEQUENCE, &odd).into_bytes();
    let outcome = with(Writer::new().value(tag::SEQUENCE, &[members[0].raw, &odd].concat()).into_bytes());
    assert_eq!(reason(&outcome), ("signature.algorithm_unknown", Some(SubIndication::CryptoConstraintsFailure)));
}

/// The same name, number and key, and another certificate: what the authority signed cannot be exchanged.
#[test]
fn a_copy_of_the_certificate_is_not_the_one_that_was_signed() {
    let (world, signer, revocation) = somebody();
    let mut copy = signer.certificate.der().to_vec();
    let last = copy.len() - 1;
    copy[last] ^= 1;
    let mut forge = with_chain(&world, &signer);
    forge.certificates[0] = Certificate::from_der(&copy).unwrap();
    let outcome = world.validate(&forge.build(), &revocation);
    let expected = ("signature.signing_certificate_reference", Some(SubIndication::NoSigningCertificateFound));
    assert_eq!(reason(&outcome), expected);
}

#[test]
fn bytes_after_the_signature_are_refused() {
    let (world, signer, _) = somebody();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    for tail in [&b"\x01"[..], &cms, b"\x00\x00x"] {
        let error = UnverifiedDocument::parse(&[&cms, tail].concat()).unwrap_err();
        assert_eq!(error, ReadError::Malformed("trailing bytes"));
    }
}

/// A token by an identity of any kind: the content of a true one, signed anew.
fn token_by(world: &World, identity: &Identity, imprint: &Digest) -> Vec<u8> {
    let response = world.pki.answer_tsa(&timestamp::request(imprint, None, true), NOW - Duration::HOUR);
    let token = timestamp::token_of_response(&response).unwrap();
    let info = SignedData::read(&token).unwrap().content.unwrap().to_vec();
    let mut forge = Forge::new(&info, identity);
    forge.content_type = oid::TST_INFO;
    forge.attributes.as_mut().unwrap()[0] = attribute(oid::CONTENT_TYPE, Writer::new().oid(oid::TST_INFO));
    forge.certificates.push(world.pki.issuing_ca().clone());
    forge.build()
}

#[test]
fn a_time_stamp_by_a_certificate_for_another_use_proves_nothing() {
    let (world, signer, mut revocation) = somebody();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let imprint = cades::timestamp_imprint(&cms, DigestAlgorithm::Sha256).unwrap();
    for (usage, is_believed) in
        [(Usage::TimeStamping, true), (Usage::Signing, false), (Usage::TlsServer, false), (Usage::OcspResponder, false)]
    {
        let authority = world.identity(P256, usage);
        revocation.ocsp.extend(world.revocation(&authority.certificate, NOW).ocsp);
        let stamped = cades::add_timestamp(&cms, &token_by(&world, &authority, &imprint)).unwrap();
        let outcome = world.validate(&stamped, &revocation);
        assert_passed(&outcome);
        let stamp = &only(&outcome).timestamps[0];
        assert_eq!((stamp.intact, stamp.indication == Indication::TotalPassed), (true, is_believed), "{usage:?}");
        let best = if is_believed { "2026-11-23T11:00:00Z" } else { "2026-11-23T12:00:00Z" };
        assert_eq!(only(&outcome).best_time, best, "{usage:?}");
        if !is_believed {
            let expected = ("signature.chain_constraints", Some(SubIndication::ChainConstraintsFailure));
            assert_eq!(stamp_reason(stamp), expected, "{usage:?}");
        }
    }
}

#[test]
fn time_stamps_of_something_else_of_strangers_and_of_the_future_say_so() {
    let (world, signer, revocation) = somebody();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let other = digest(DigestAlgorithm::Sha256, b"something else");
    let response = world.pki.answer_tsa(&timestamp::request(&other, None, true), NOW - Duration::HOUR);
    let foreign = cades::add_timestamp(&cms, &timestamp::token_of_response(&response).unwrap()).unwrap();
    let future = world.stamp(&cms, NOW + Duration::HOUR);
    let strange = World::new().stamp(&cms, NOW - Duration::HOUR);
    for (cms, expected) in [
        (strange, ("signature.untrusted_signer", Some(SubIndication::NoCertificateChainFound))),
        (foreign, ("timestamp.imprint_differs", Some(SubIndication::HashFailure))),
        (future, ("timestamp.in_future", Some(SubIndication::TimestampOrderFailure))),
    ] {
        let outcome = world.validate(&cms, &revocation);
        assert_eq!(stamp_reason(&only(&outcome).timestamps[0]), expected);
        assert_eq!(only(&outcome).best_time, "2026-11-23T12:00:00Z");
    }
}

/// The content was stamped after the signature over it: one of both lies.
#[test]
fn time_stamps_that_contradict_each_other_are_refused() {
    let (world, signer, revocation) = somebody();
    let chain = world.chain(&signer);
    let signatory = Signatory {
        chain: &chain,
        algorithm: SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
        signing_time: NOW - Duration::HOUR,
    };
    let stamped = |content_at: OffsetDateTime| {
        let imprint = digest(DigestAlgorithm::Sha256, DOCUMENT);
        let response = world.pki.answer_tsa(&timestamp::request(&imprint, None, true), content_at);
        let token = timestamp::token_of_response(&response).unwrap();
        let options = Options { content_timestamp: Some(&token), ..Options::default() };
        let prepared = prepare(Content::Attached(DOCUMENT), &signatory, &options).unwrap();
        let value = crypto::key::KeyHandle::sign(&signer.key, prepared.algorithm(), prepared.to_be_signed()).unwrap();
        world.stamp(&prepared.complete(&value).unwrap(), NOW - Duration::minutes(30))
    };
    assert_passed(&world.validate(&stamped(NOW - Duration::minutes(40)), &revocation));
    let outcome = world.validate(&stamped(NOW - Duration::minutes(20)), &revocation);
    assert_eq!(reason(&outcome), ("signature.timestamp_order", Some(SubIndication::TimestampOrderFailure)));
}

#[test]
fn a_token_with_two_signers_or_other_content_is_none() {
    let (world, signer, revocation) = somebody();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let imprint = cades::timestamp_imprint(&cms, DigestAlgorithm::Sha256).unwrap();
    let token = token_by(&world, &world.identity(P256, Usage::TimeStamping), &imprint);
    let signed = SignedData::read(&token).unwrap();
    let data = Writer::new().raw(signed.head).value(tag::SET, &signed.signers_raw.repeat(2).concat());
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    let two = Writer::new().nest(tag::SEQUENCE, info).into_bytes();
    for token in [two, cms.clone()] {
        let outcome = world.validate(&cades::add_timestamp(&cms, &token).unwrap(), &revocation);
        let stamp = &only(&outcome).timestamps[0];
        assert_eq!(stamp_reason(stamp), ("signature.format_failure", Some(SubIndication::FormatFailure)));
    }
}

/// What a message digest of another length would compare with.
#[test]
fn a_message_digest_of_another_length_is_another_digest() {
    let (world, signer, revocation) = somebody();
    let whole = digest(DigestAlgorithm::Sha256, DOCUMENT);
    for cut in [&whole.as_bytes()[..31], &[], &[whole.as_bytes(), &[0]].concat()] {
        let mut forge = with_chain(&world, &signer);
        forge.attributes.as_mut().unwrap()[1] = attribute(oid::MESSAGE_DIGEST, octets(cut));
        let outcome = world.validate(&forge.build(), &revocation);
        assert_eq!(reason(&outcome), ("signature.hash_failure", Some(SubIndication::HashFailure)));
    }
}

/// A ContentInfo of SignedData around these octets.
fn signed_data(inner: &[u8]) -> Vec<u8> {
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().value(tag::SEQUENCE, inner));
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

#[test]
fn encodings_that_exhaust_or_deceive_have_their_own_refusals() {
    let error = |bytes: &[u8]| UnverifiedDocument::parse(bytes).unwrap_err();
    // Nested without end, in indefinite and in definite lengths.
    assert_eq!(error(&[0x30, 0x80].repeat(1000)), ReadError::TooComplex);
    let definite =
        (0..1000).fold(vec![tag::NULL, 0], |inner, _| Writer::new().value(tag::SEQUENCE, &inner).into_bytes());
    assert_eq!(error(&definite), ReadError::TooComplex);
    // Lengths past the end, longer than any file, and of a form that is reserved (X.690, 8.1.3.5).
    assert_eq!(error(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 5, 0]), ReadError::Malformed("cut short"));
    assert_eq!(error(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 0]), ReadError::Malformed("malformed length"));
    assert_eq!(error(&[0x30, 0xff, 5, 0]), ReadError::Malformed("malformed length"));
    // An indefinite length on what is not constructed (8.1.3.2), and a tag of several octets.
    assert_eq!(error(&[0x04, 0x80, 5, 0, 0, 0]), ReadError::Malformed("malformed length"));
    assert_eq!(error(&[0x3f, 0x81, 0x01, 0x02, 5, 0]), ReadError::Malformed("malformed tag"));
    // The end of contents is missing.
    assert_eq!(error(&[0x30, 0x80, 5, 0]), ReadError::Malformed("cut short"));
}

/// BER is for the layers of CMS alone. Inside a certificate a length that is longer than needed makes another certificate; around it, it is
/// part of the file and not of the certificate.
#[test]
fn a_certificate_in_ber_is_another_certificate() {
    let (world, signer, revocation) = somebody();
    let der = signer.certificate.der();
    // Certificate and TBSCertificate: 30 82 hh ll, which may be written 30 83 00 hh ll.
    assert_eq!((&der[..2], &der[4..6]), (&[0x30, 0x82][..], &[0x30, 0x82][..]));
    let longer = |der: &[u8]| [&[0x30, 0x83, 0][..], &der[2..]].concat();
    let inside = Writer::new().value(tag::SEQUENCE, &longer(&der[4..])).into_bytes();
    let with = |certificate: &[u8]| {
        let cms = with_chain(&world, &signer).build();
        let signed = SignedData::read(&cms).unwrap();
        // The certificates are the last field of the head: a header of four octets, the signer's, the authority's.
        let at = signed.head.windows(der.len()).position(|window| window == der).unwrap();
        let field = [certificate, world.pki.issuing_ca().der()].concat();
        let inner = Writer::new().raw(&signed.head[..at - 4]).value(0xa0, &field);
        world.validate(&signed_data(&inner.value(tag::SET, &signed.signers_raw.concat()).into_bytes()), &revocation)
    };
    assert_passed(&with(der));
    assert_passed(&with(&longer(der)));
    let expected = ("signature.signing_certificate_reference", Some(SubIndication::NoSigningCertificateFound));
    assert_eq!(reason(&with(&inside)), expected);
}

#[test]
fn more_signatures_or_certificates_than_anyone_has_are_refused() {
    let (_, signer, _) = somebody();
    let cms = Forge::new(DOCUMENT, &signer).build();
    let signed = SignedData::read(&cms).unwrap();
    let with_signers = |count: usize| {
        let data = Writer::new().raw(signed.head).value(tag::SET, &signed.signers_raw.repeat(count).concat());
        UnverifiedDocument::parse(&signed_data(&data.into_bytes())).map(|_| ())
    };
    let most = schemas::limits::SIGNATURES_IN_DOCUMENT;
    assert_eq!((with_signers(most), with_signers(most + 1)), (Ok(()), Err(ReadError::TooComplex)));
    assert_eq!(with_signers(0), Err(ReadError::NoSignature));
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.certificates = vec![signer.certificate.clone(); crate::cms::MOST_CERTIFICATES + 1];
    assert_eq!(UnverifiedDocument::parse(&forge.build()).unwrap_err(), ReadError::TooComplex);
}
