//! From level B to LTA and its renewal: what is made passes our own validation, years later, and what would break another signature is
//! refused.

use certs::dev::{Family, Identity, Usage};
use certs::revocation::RevocationData;
use certs::timestamp;
use crypto::dstu4145;
use crypto::key::KeyKind;
use schemas::report::{Indication, SubIndication, TimestampKind};
use time::{Duration, OffsetDateTime};

use super::*;
use crate::testing::{NOW, World};
use crate::validate::{Context, Policy, XmlOutcome, validate_xml};
use crate::xades::create::tests::{ORDER, signed};
use crate::xades::create::{Envelope, Options};

const BY: DigestAlgorithm = DigestAlgorithm::Sha256;

fn stamped(world: &World, request: StampRequest, at: OffsetDateTime) -> Vec<u8> {
    let response = world.pki.answer_tsa(&timestamp::request(request.imprint(), None, true), at);
    request.complete(&timestamp::token_of_response(&response).unwrap()).unwrap()
}

fn level_t(world: &World, xml: &[u8], number: usize, at: OffsetDateTime) -> Vec<u8> {
    stamped(world, request_signature_timestamp(xml, number, BY).unwrap(), at)
}

fn level_lt(world: &World, signer: &Identity, xml: &[u8], number: usize, at: OffsetDateTime) -> Vec<u8> {
    let authorities = [world.pki.issuing_ca().clone(), world.pki.root().clone(), world.pki.tsa_certificate().clone()];
    add_validation_data(xml, number, &authorities, &world.revocation(&signer.certificate, at)).unwrap()
}

fn level_lta(world: &World, xml: &[u8], number: usize, at: OffsetDateTime) -> Vec<u8> {
    stamped(world, request_archive_timestamp(xml, number, BY, &NoContents).unwrap(), at)
}

/// With nothing but the anchors and the file to go by.
fn judged(world: &World, xml: &[u8], at: OffsetDateTime) -> XmlOutcome {
    judged_with(world, xml, at, &RevocationData::default())
}

fn judged_with(world: &World, xml: &[u8], at: OffsetDateTime, revocation: &RevocationData) -> XmlOutcome {
    let policy = Policy::default();
    let context = Context { trust: &world.trust, revocation, at, policy: &policy };
    validate_xml(xml, &NoContents, &context).unwrap()
}

#[track_caller]
fn assert_passed(outcome: &XmlOutcome, levels: &[&str]) {
    let all = &outcome.report.signatures;
    assert!(all.iter().all(|one| one.indication == Indication::TotalPassed), "{:#?}", outcome.report);
    assert_eq!(all.iter().map(|one| one.level.as_str()).collect::<Vec<_>>(), levels, "{:#?}", outcome.report);
}

#[test]
fn every_level_passes_and_changes_nothing_that_is_signed() {
    for (family, kind) in
        [(Family::P256, crate::testing::P256), (Family::Dstu4145, KeyKind::Dstu4145(dstu4145::Curve::M257))]
    {
        let world = World::of(family);
        let signer = world.identity(kind, Usage::Signing);
        let at = NOW - Duration::minutes(30);
        let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
        let t = level_t(&world, &b, 0, at);
        let lt = level_lt(&world, &signer, &t, 0, at + Duration::MINUTE);
        let lta = level_lta(&world, &lt, 0, at + Duration::minutes(2));
        assert_passed(&judged(&world, &lt, NOW), &["XAdES-BASELINE-LT"]);
        let outcome = judged(&world, &lta, NOW);
        assert_passed(&outcome, &["XAdES-BASELINE-LTA"]);
        let stamps = &outcome.report.signatures[0].timestamps;
        let found: Vec<_> = stamps.iter().map(|stamp| (stamp.kind, stamp.indication)).collect();
        let passed = Indication::TotalPassed;
        assert_eq!(found, [(TimestampKind::Signature, passed), (TimestampKind::Archive, passed)]);
        let t_alone = judged(&world, &t, NOW);
        assert_eq!(t_alone.report.signatures[0].level, "XAdES-BASELINE-T");
        assert!(t_alone.report.signatures[0].intact);
        // Taking away what was added gives what was there before.
        for (before, after) in [(&b, &t), (&t, &lt), (&lt, &lta)] {
            let (before, after) = (std::str::from_utf8(before).unwrap(), std::str::from_utf8(after).unwrap());
            let start = before.bytes().zip(after.bytes()).position(|(one, other)| one != other).unwrap();
            assert!(after.ends_with(&before[start..]), "{after}");
            assert!(
                after[start..].starts_with("xades:UnsignedProperties")
                    || start > after.find("<xades:Unsigned").unwrap()
            );
        }
    }
}

/// The way of the command line: what a verdict rests on goes into the file, and then the file suffices.
#[test]
fn what_a_verdict_rests_on_makes_level_lt() {
    let world = World::new();
    let signer = world.signer();
    let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
    let t = level_t(&world, &b, 0, NOW - Duration::minutes(30));
    let (revocation, policy) = (world.revocation(&signer.certificate, NOW), Policy::default());
    let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
    let data = crate::validate::xml_validation_data(&t, 0, &NoContents, &context).unwrap();
    let lt = add_validation_data(&t, 0, &data.certificates, &data.revocation).unwrap();
    assert_passed(&judged(&world, &lt, NOW), &["XAdES-BASELINE-LT"]);
    let nothing = crate::validate::xml_validation_data(&t, 1, &NoContents, &context).unwrap();
    assert!(nothing.certificates.is_empty() && nothing.revocation.ocsp.is_empty());
}

#[test]
fn a_renewed_signature_passes_after_the_signer_s_certificate_has_ended() {
    let world = World::new();
    let signer = world.identity_until(crate::testing::P256, Usage::Signing, NOW + Duration::days(30));
    let at = NOW - Duration::minutes(30);
    let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
    let lt = level_lt(&world, &signer, &level_t(&world, &b, 0, at), 0, at + Duration::MINUTE);
    let lta = level_lta(&world, &lt, 0, at + Duration::minutes(2));
    let later = NOW + Duration::days(20);
    let more = level_lt(&world, &signer, &lta, 0, later);
    let text = std::str::from_utf8(&more).unwrap();
    let data = &text[text.find("<xades141:TimeStampValidationData").unwrap()..];
    assert!(text.matches("<xades:CertificateValues").count() == 1 && data.contains("<xades:EncapsulatedOCSPValue>"));
    let renewed = level_lta(&world, &more, 0, later + Duration::MINUTE);
    // The last time-stamp has nothing after it, so that what is known of its authority must be fresh.
    let end = NOW + Duration::days(60);
    let authority = world.revocation(world.pki.tsa_certificate(), end);
    let outcome = judged_with(&world, &renewed, end, &authority);
    assert_passed(&outcome, &["XAdES-BASELINE-LTA"]);
    assert_eq!(outcome.report.signatures[0].timestamps.len(), 3);
    // Without the signature time-stamp nothing says that it was there before its certificate had ended.
    let bare = judged_with(&world, &level_lt(&world, &signer, &b, 0, at), end, &authority);
    assert_eq!(bare.report.signatures[0].indication, Indication::Indeterminate);
}

#[test]
fn an_archive_time_stamp_notices_what_changes_before_it() {
    let world = World::new();
    let signer = world.signer();
    let at = NOW - Duration::minutes(30);
    let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
    let lt = level_lt(&world, &signer, &level_t(&world, &b, 0, at), 0, at + Duration::MINUTE);
    let lta = String::from_utf8(level_lta(&world, &lt, 0, at + Duration::minutes(2))).unwrap();
    let root = format!(
        "<xades:EncapsulatedX509Certificate>{}</xades:EncapsulatedX509Certificate>",
        STANDARD.encode(world.pki.root().der())
    );
    assert!(lta.contains(&root));
    for changed in [
        lta.replace(&root, ""),
        lta.replace("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName>"),
        lta.replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"),
    ] {
        assert_ne!(changed, lta);
        let outcome = judged(&world, changed.as_bytes(), NOW);
        let stamps = &outcome.report.signatures[0].timestamps;
        let archive = stamps.iter().find(|stamp| stamp.kind == TimestampKind::Archive).unwrap();
        assert_eq!((archive.intact, archive.sub_indication), (false, Some(SubIndication::HashFailure)));
    }
}

#[test]
fn validation_data_is_not_repeated() {
    let world = World::new();
    let signer = world.signer();
    let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
    let lt = level_lt(&world, &signer, &b, 0, NOW);
    let text = std::str::from_utf8(&lt).unwrap();
    // The issuing authority stands in KeyInfo already.
    assert_eq!(text.matches(&STANDARD.encode(world.pki.issuing_ca().der())).count(), 1);
    let known = UnsignedValues::read;
    let (answers, authorities) = read(&lt, 0, |_, _, properties| {
        let values = known(properties);
        Ok((values.answers, values.certificates))
    })
    .unwrap();
    assert_eq!((answers.len(), authorities.len()), (3, 2));
    let answers: Vec<_> = answers.iter().map(|der| certs::revocation::OcspResponse::from_der(der).unwrap()).collect();
    let again = RevocationData { ocsp: answers, crls: Vec::new() };
    assert_eq!(add_validation_data(&lt, 0, &[world.pki.root().clone()], &again).unwrap(), lt);
}

#[test]
fn each_of_several_signatures_is_raised_by_itself() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let beside = Options { envelope: Envelope::DocumentLessSignatures, ..Options::default() };
    let one = signed(&world, &first, ORDER.as_bytes(), &beside);
    let mut xml = signed(&world, &second, &one, &beside);
    let at = NOW - Duration::minutes(30);
    for (number, signer) in [(1, &second), (0, &first)] {
        let id = judged(&world, &xml, NOW).report.signatures[number].id.clone();
        assert_eq!(signature_with_id(&xml, &id), Ok(number));
        xml = level_lt(&world, signer, &level_t(&world, &xml, number, at), number, at + Duration::MINUTE);
        xml = level_lta(&world, &xml, number, at + Duration::minutes(2));
    }
    assert_passed(&judged(&world, &xml, NOW), &["XAdES-BASELINE-LTA"; 2]);
    assert_eq!(signature_with_id(&xml, "S-00"), Err(CreateError::Signature));
    assert_eq!(request_signature_timestamp(&xml, 2, BY).unwrap_err(), CreateError::Signature);
}

#[test]
fn a_signature_that_another_one_covers_is_left_alone() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let beside = Options { envelope: Envelope::DocumentLessSignatures, ..Options::default() };
    let one = signed(&world, &first, ORDER.as_bytes(), &beside);
    let both = signed(&world, &second, &one, &Options::default());
    let revocation = world.revocation(&first.certificate, NOW);
    assert_eq!(request_signature_timestamp(&both, 0, BY).unwrap_err(), CreateError::Covered);
    assert_eq!(request_archive_timestamp(&both, 0, BY, &NoContents).unwrap_err(), CreateError::Covered);
    assert_eq!(add_validation_data(&both, 0, &[], &revocation).unwrap_err(), CreateError::Covered);
    // The last one is free.
    let stamped = level_t(&world, &both, 1, NOW);
    assert!(judged(&world, &stamped, NOW).report.signatures.iter().all(|signature| signature.intact));
}

#[test]
fn only_a_token_over_the_imprint_is_put_in() {
    let world = World::new();
    let signer = world.signer();
    let b = signed(&world, &signer, ORDER.as_bytes(), &Options::default());
    let request = request_signature_timestamp(&b, 0, BY).unwrap();
    let other = request_archive_timestamp(&b, 0, BY, &NoContents).unwrap();
    let response = world.pki.answer_tsa(&timestamp::request(other.imprint(), None, true), NOW);
    let token = timestamp::token_of_response(&response).unwrap();
    for wrong in [&token[..], &token[..token.len() - 1], b""] {
        assert_eq!(request.clone().complete(wrong), Err(CreateError::Timestamp));
    }
    assert!(other.complete(&token).is_ok());
}

#[test]
fn what_has_no_place_for_properties_is_refused() {
    let world = World::new();
    let signer = world.signer();
    let b = String::from_utf8(signed(&world, &signer, ORDER.as_bytes(), &Options::default())).unwrap();
    let ask = |xml: &str| request_signature_timestamp(xml.as_bytes(), 0, BY).map(|_| ());
    assert_eq!(ask(ORDER), Err(CreateError::Signature));
    assert_eq!(ask(&b.replace("01903/v1.3.2#", "01903/v1.2.2#")), Err(CreateError::Version));
    let (start, rest) = b.split_once("<ds:Object>").unwrap();
    let (_, end) = rest.split_once("</ds:Object>").unwrap();
    assert_eq!(ask(&format!("{start}{end}")), Err(CreateError::Version));
    // Of other shapes of the same there are some.
    for unsigned in [
        "<xades:UnsignedProperties/>",
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties/></xades:UnsignedProperties>",
        "<xades:UnsignedProperties>\r\n<xades:UnsignedDataObjectProperties/></xades:UnsignedProperties>",
    ] {
        let end = "</xades:QualifyingProperties>";
        let xml = b.replace(end, &format!("{unsigned}{end}"));
        let stamped = level_t(&world, xml.as_bytes(), 0, NOW);
        let signature = judged(&world, &stamped, NOW).report.signatures.remove(0);
        assert_eq!((signature.intact, signature.level.as_str()), (true, "XAdES-BASELINE-T"), "{unsigned}");
        assert!(signature.timestamps[0].intact);
    }
}
