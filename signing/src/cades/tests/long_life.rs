//! From level B to LTA and its renewal, in two steps, beside others and over others: what we make passes our own validation,
//! and what is changed afterwards does not.

use certs::certificate::Certificate;
use certs::dev::{DevPki, Family, Identity};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::timestamp;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use schemas::report::{Indication, SubIndication, TimestampKind};
use time::Duration;

use super::*;
use crate::validate::{Context, Outcome, Policy, UnverifiedDocument, validate};

fn key_of(family: Family) -> KeyKind {
    match family {
        Family::P256 => P256,
        Family::Dstu4145 => KeyKind::Dstu4145(crypto::dstu4145::Curve::M257),
    }
}

fn signatory<'a>(chain: &'a [Certificate], identity: &Identity) -> Signatory<'a> {
    Signatory { chain, algorithm: identity.key.default_algorithm(), signing_time: NOW - Duration::HOUR }
}

fn complete(prepared: Prepared, identity: &Identity) -> Vec<u8> {
    let value = identity.key.sign(prepared.algorithm(), prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

fn token(world: &World, imprint: &Digest, at: OffsetDateTime) -> Vec<u8> {
    let response = world.pki.answer_tsa(&timestamp::request(imprint, None, true), at);
    timestamp::token_of_response(&response).unwrap()
}

pub(super) fn archived(world: &World, cms: &[u8], at: OffsetDateTime) -> Vec<u8> {
    let request = request_archive_timestamp(cms, 0, DigestAlgorithm::Sha256, None).unwrap();
    let token = token(world, request.imprint(), at);
    request.complete(&token).unwrap()
}

/// Level LT: stamped at `at`, with every answer of then inside.
pub(super) fn long_term(world: &World, signer: &Identity, at: OffsetDateTime) -> Vec<u8> {
    let bare = world.sign(Content::Attached(DOCUMENT), signer);
    let stamped = world.stamp(&bare, at);
    let authorities = [world.pki.issuing_ca().clone(), world.pki.root().clone(), world.pki.tsa_certificate().clone()];
    add_validation_data(&stamped, &authorities, &world.revocation(&signer.certificate, at + Duration::MINUTE)).unwrap()
}

pub(super) fn at(world: &World, cms: &[u8], at: OffsetDateTime) -> Outcome {
    world.validate_at(cms, &RevocationData::default(), at, &Policy::default())
}

fn kinds(outcome: &Outcome) -> Vec<(TimestampKind, Indication)> {
    outcome.report.signatures[0].timestamps.iter().map(|stamp| (stamp.kind, stamp.indication)).collect()
}

#[test]
fn a_signature_made_in_two_steps_survives_the_way_to_the_token_and_back() {
    for family in [Family::P256, Family::Dstu4145] {
        let world = World::of(family);
        let signer = world.identity(key_of(family), Usage::Signing);
        let chain = world.chain(&signer);
        let first = prepare(Content::Attached(DOCUMENT), &signatory(&chain, &signer), &Options::default()).unwrap();
        let second = Prepared::from_bytes(first.as_bytes()).unwrap();
        assert_eq!(first.to_be_signed(), second.to_be_signed());
        assert_eq!(first.digest(), second.digest());
        let cms = complete(second, &signer);
        let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
        assert!(outcome.passed.is_some(), "{:?}", outcome.report);
        let other = world.identity(key_of(family), Usage::Signing);
        let foreign = other.key.sign(first.algorithm(), first.to_be_signed()).unwrap();
        assert!(matches!(first.complete(&foreign), Err(SignError::Value)));
        assert!(matches!(Prepared::from_bytes(&cms), Err(SignError::Signature)));
    }
}

#[test]
fn many_documents_are_completed_in_their_order() {
    let world = World::new();
    let signer = world.signer();
    let chain = world.chain(&signer);
    let documents: Vec<Vec<u8>> = (0..5u8).map(|number| vec![number; 10]).collect();
    let make = |document: &Vec<u8>| {
        prepare(Content::Attached(document), &signatory(&chain, &signer), &Options::default()).unwrap()
    };
    let prepared: Vec<_> = documents.iter().map(make).collect();
    let mut values: Vec<_> =
        prepared.iter().map(|one| signer.key.sign(one.algorithm(), one.to_be_signed()).unwrap()).collect();
    let files = complete_all(prepared.clone(), &values).unwrap();
    for (file, document) in files.iter().zip(&documents) {
        assert_eq!(UnverifiedDocument::parse(file).unwrap().content(), Some(document.as_slice()));
    }
    values.swap(1, 3);
    assert!(matches!(complete_all(prepared, &values), Err((1, SignError::Value))));
}

#[test]
fn parallel_and_counter_signatures_stand_beside_and_over_the_first() {
    let world = World::new();
    let (first, second, third) = (world.signer(), world.signer(), world.signer());
    let one = world.sign(Content::Attached(DOCUMENT), &first);
    let chain = world.chain(&second);
    let both =
        complete(prepare_parallel(&one, None, &signatory(&chain, &second), &Options::default()).unwrap(), &second);
    let chain = world.chain(&third);
    let countersigned =
        complete(prepare_counter(&both, 1, &signatory(&chain, &third), &Options::default()).unwrap(), &third);
    let mut revocation = world.revocation(&first.certificate, NOW);
    for identity in [&second, &third] {
        revocation.ocsp.extend(world.revocation(&identity.certificate, NOW).ocsp);
    }
    let outcome = world.validate(&countersigned, &revocation);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures.len(), 2);
    let counters: Vec<_> = outcome.report.signatures.iter().flat_map(|one| &one.counter_signatures).collect();
    let [counter] = counters.as_slice() else { panic!("one counter-signature: {counters:?}") };
    assert_eq!(counter.indication, Indication::TotalPassed, "{counter:?}");
    assert_eq!(counter.level, "CAdES-BASELINE-B");
    assert_eq!(counter.signer.as_ref().unwrap().serial, third.certificate.serial_hex());
}

/// What is added makes a SignerInfo longer and gives it another place in the set: the number that it had is then another's.
#[test]
fn each_of_several_signatures_is_found_after_the_others_have_grown() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let one = world.sign(Content::Attached(DOCUMENT), &first);
    let chain = world.chain(&second);
    let mut cms =
        complete(prepare_parallel(&one, None, &signatory(&chain, &second), &Options::default()).unwrap(), &second);
    let mut revocation = world.revocation(&first.certificate, NOW);
    revocation.ocsp.extend(world.revocation(&second.certificate, NOW).ocsp);
    let ids: Vec<_> = world.validate(&cms, &revocation).report.signatures.into_iter().map(|one| one.id).collect();
    for id in &ids {
        let signer = signer_with_id(&cms, id).unwrap();
        let imprint = signature_imprint(&cms, signer, DigestAlgorithm::Sha256).unwrap();
        cms = add_signature_timestamp(&cms, signer, &token(&world, &imprint, NOW)).unwrap();
    }
    let outcome = world.validate(&cms, &revocation);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    for id in &ids {
        let signature = &outcome.report.signatures[signer_with_id(&cms, id).unwrap()];
        assert_eq!((&signature.id, signature.level.as_str()), (id, "CAdES-BASELINE-T"));
    }
    assert!(matches!(signer_with_id(&cms, "S-0"), Err(SignError::Signature)));
}

#[test]
fn a_counter_signature_over_another_value_is_called_one() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let chain = world.chain(&second);
    let one = world.sign(Content::Attached(DOCUMENT), &first);
    let other = world.sign(Content::Attached(b"another"), &first);
    let counter = prepare_counter(&other, 0, &signatory(&chain, &second), &Options::default()).unwrap();
    let countersigned = complete(counter, &second);
    let signed = SignedData::read(&countersigned).unwrap();
    let value = signed.signers[0].unsigned(oid::COUNTER_SIGNATURE).next().unwrap().values[0];
    let moved = assemble::edit(&one, 0, |mut assembly, _, chosen| {
        assembly.signers[0] = assemble::with_unsigned(chosen, oid::COUNTER_SIGNATURE, value);
        assembly.add_certificate(second.certificate.der());
        Ok(assembly.into_der())
    })
    .unwrap();
    let outcome = world.validate(&moved, &world.revocation(&first.certificate, NOW));
    let counter = &outcome.report.signatures[0].counter_signatures[0];
    assert_eq!(
        (counter.indication, counter.sub_indication),
        (Indication::TotalFailed, Some(SubIndication::HashFailure))
    );
    assert!(outcome.passed.is_some(), "the first signature stands for itself");
}

#[test]
fn a_policy_and_a_content_time_stamp_are_signed_with_the_document() {
    let world = World::new();
    let signer = world.signer();
    let chain = world.chain(&signer);
    let sha256 = DigestAlgorithm::Sha256;
    let stamp = token(&world, &digest(sha256, DOCUMENT), NOW - Duration::hours(2));
    let policy =
        |document: &[u8]| Some(SignaturePolicy { oid: "1.2.804.2.1.1.1.2.1".into(), digest: digest(sha256, document) });
    let options = Options { signature_policy: policy(b"the policy"), content_timestamp: Some(&stamp) };
    let cms = complete(prepare(Content::Attached(DOCUMENT), &signatory(&chain, &signer), &options).unwrap(), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);
    let outcome = world.validate(&cms, &revocation);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].signature_policy.as_deref(), Some("1.2.804.2.1.1.1.2.1"));
    assert_eq!(kinds(&outcome), [(TimestampKind::Content, Indication::TotalPassed)]);
    for (document, sub) in [(&b"the policy"[..], None), (b"another policy", Some(SubIndication::PolicyProcessingError))]
    {
        let known = crate::validate::policy::KnownSignaturePolicy {
            oid: "1.2.804.2.1.1.1.2.1".into(),
            document: document.to_vec(),
        };
        let policies = crate::validate::SignaturePolicies::Known(vec![known]);
        let policy = Policy { signature_policies: policies, ..Policy::default() };
        let outcome = world.validate_at(&cms, &revocation, NOW, &policy);
        assert_eq!(outcome.report.signatures[0].sub_indication, sub);
    }
    let none = Policy { signature_policies: crate::validate::SignaturePolicies::Known(vec![]), ..Policy::default() };
    let outcome = world.validate_at(&cms, &revocation, NOW, &none);
    assert_eq!(outcome.report.signatures[0].sub_indication, Some(SubIndication::SignaturePolicyNotAvailable));
    // Whoever is revoked before the content was stamped, signed when revoked: no proof to come can help.
    world.pki.revoke(&signer.certificate, NOW - Duration::hours(3), 1);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    let signature = &outcome.report.signatures[0];
    assert_eq!(
        (signature.indication, signature.sub_indication),
        (Indication::TotalFailed, Some(SubIndication::Revoked))
    );
}

#[test]
fn what_a_verdict_rests_on_is_enough_for_the_level_of_long_term() {
    let world = World::new();
    let signer = world.signer();
    let stamped = world.stamp(&world.sign(Content::Attached(DOCUMENT), &signer), NOW - Duration::MINUTE);
    let mut known = world.revocation(&signer.certificate, NOW);
    // Answers about others do not belong there.
    known.ocsp.extend(world.revocation(&world.signer().certificate, NOW).ocsp.into_iter().take(1));
    known.crls.push(certs::revocation::Crl::from_der(&world.pki.crl(NOW).unwrap()).unwrap());
    let context = Context { trust: &world.trust, revocation: &known, at: NOW, policy: &Policy::default() };
    let document = UnverifiedDocument::parse(&stamped).unwrap();
    let data = crate::validate::validation_data(&document, &context);
    assert_eq!((data.revocation.ocsp.len(), data.revocation.crls.len()), (3, 1));
    let lt = add_validation_data(&stamped, &data.certificates, &data.revocation).unwrap();
    let outcome = at(&world, &lt, NOW);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-LT");
}

#[test]
fn what_is_archived_holds_after_the_signer_s_certificate_has_ended() {
    for family in [Family::P256, Family::Dstu4145] {
        let world = World::of(family);
        let end = NOW + Duration::days(365);
        let signer = world.identity_until(key_of(family), Usage::Signing, end);
        let lt = long_term(&world, &signer, NOW - Duration::MINUTE);
        let outcome = at(&world, &lt, NOW);
        assert!(outcome.passed.is_some(), "{:?}", outcome.report);
        assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-LT");
        let lta = archived(&world, &lt, NOW + Duration::MINUTE);
        let outcome = at(&world, &lta, NOW + Duration::hours(1));
        assert!(outcome.passed.is_some(), "{:?}", outcome.report);
        assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-LTA");
        let both =
            [(TimestampKind::Archive, Indication::TotalPassed), (TimestampKind::Signature, Indication::TotalPassed)];
        let mut found = kinds(&outcome);
        found.sort_by_key(|(kind, _)| *kind != TimestampKind::Archive);
        assert_eq!(found, both);
        // The signer's certificate has ended, the time-stamp authority's has not.
        let later = end + Duration::days(10);
        let answer = |subject: &Certificate| {
            let request = ocsp_request(subject, world.issuer_of(subject), None);
            OcspResponse::from_der(&world.pki.answer_ocsp(&request, later)).unwrap()
        };
        let authorities = [world.pki.tsa_certificate(), world.pki.issuing_ca()];
        let known = RevocationData { ocsp: authorities.map(answer).to_vec(), crls: vec![] };
        let outcome = world.validate_at(&lta, &known, later, &Policy::default());
        assert!(outcome.passed.is_some(), "{:?}", outcome.report);
        // Renewed, and then later still.
        let twice = archived(&world, &lta, NOW + Duration::days(2));
        assert_eq!(at(&world, &twice, NOW + Duration::days(2)).report.signatures[0].timestamps.len(), 3);
    }
}

/// A hierarchy that is at its end soon, root aside, and one that goes on; both are trusted.
fn old_and_new() -> (World, World) {
    let mut new = World::new();
    let pki = DevPki::of(Family::P256, NOW - Duration::days(400), Duration::days(500), "http://ocsp.example/").unwrap();
    let anchor = |pki: &DevPki| TrustAnchor {
        certificate: pki.root().clone(),
        purposes: vec![Purpose::Signing, Purpose::TimeStamping],
    };
    new.trust = TrustSnapshot::new(vec![anchor(&pki), anchor(&new.pki)], vec![], NOW);
    (World { pki, trust: new.trust.clone() }, new)
}

#[test]
fn an_archive_time_stamp_of_another_hierarchy_outlives_the_first() {
    let (old, new) = old_and_new();
    let signer = old.identity_until(P256, Usage::Signing, NOW + Duration::days(50));
    let lt = long_term(&old, &signer, NOW - Duration::MINUTE);
    let later = NOW + Duration::days(200);
    assert!(old.pki.issuing_ca().not_after() < later && old.pki.tsa_certificate().not_after() < later);
    let fresh = |world: &World| {
        let pairs = [world.pki.tsa_certificate(), world.pki.issuing_ca()].map(|subject| {
            let request = ocsp_request(subject, world.issuer_of(subject), None);
            OcspResponse::from_der(&world.pki.answer_ocsp(&request, later)).unwrap()
        });
        RevocationData { ocsp: pairs.to_vec(), crls: vec![] }
    };
    let judge = |cms: &[u8], known: &RevocationData| new.validate_at(cms, known, later, &Policy::default());
    // Nobody knows whether the first hierarchy's keys are still where they were.
    assert!(judge(&lt, &fresh(&new)).passed.is_none());
    let lta = archived(&new, &lt, NOW + Duration::minutes(10));
    let outcome = judge(&lta, &fresh(&new));
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert!(kinds(&outcome).iter().all(|(_, indication)| *indication == Indication::TotalPassed));
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T11:59:00Z");
    // An answer that the ended hierarchy is said to have given long ago, and that nobody stamped, says nothing.
    let bare = old.stamp(&old.sign(Content::Attached(DOCUMENT), &signer), NOW - Duration::MINUTE);
    let bare = archived(&new, &bare, NOW + Duration::minutes(10));
    let mut slipped_in = fresh(&new);
    slipped_in.ocsp.extend(old.revocation(&signer.certificate, NOW).ocsp);
    let outcome = judge(&bare, &slipped_in);
    let signature = &outcome.report.signatures[0];
    assert_eq!(signature.sub_indication, Some(SubIndication::RevocationOutOfBoundsNoPoe), "{signature:?}");
}

/// The authority's digest need not be the signer's. Whoever streams a detached document by makes both.
#[test]
fn a_detached_document_is_hashed_as_its_archive_time_stamp_demands() {
    let world = World::new();
    let signer = world.signer();
    let hash = |algorithm| digest(algorithm, DOCUMENT);
    let (sha256, sha512) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha512);
    let stamped = world.stamp(&world.sign(Content::Detached(hash(sha256)), &signer), NOW - Duration::MINUTE);
    let authorities = [world.pki.issuing_ca().clone(), world.pki.root().clone(), world.pki.tsa_certificate().clone()];
    let lt = add_validation_data(&stamped, &authorities, &world.revocation(&signer.certificate, NOW)).unwrap();
    let request = request_archive_timestamp(&lt, 0, sha512, Some(hash(sha512))).unwrap();
    let token = token(&world, request.imprint(), NOW + Duration::MINUTE);
    let document = UnverifiedDocument::parse(&request.complete(&token).unwrap()).unwrap();
    assert_eq!(document.digest_algorithms(), [sha256, sha512]);
    let digests = document.digest_algorithms().into_iter().map(hash).collect();
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    let context = Context { trust: &world.trust, revocation: &revocation, at: NOW + Duration::HOUR, policy: &policy };
    let outcome = validate(document.with_detached(digests), &context);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-LTA");
    assert!(kinds(&outcome).contains(&(TimestampKind::Archive, Indication::TotalPassed)));
}

#[test]
fn what_an_authority_is_said_to_have_signed_before_its_revocation_must_be_proven() {
    let (old, new) = old_and_new();
    let signer = old.identity_until(P256, Usage::Signing, NOW + Duration::days(50));
    let lt = long_term(&old, &signer, NOW - Duration::MINUTE);
    let lta = archived(&new, &lt, NOW + Duration::minutes(10));
    let later = NOW + Duration::days(2);
    // The authority's key is in other hands since yesterday: it can sign answers of any date.
    old.pki.revoke(old.pki.issuing_ca(), NOW + Duration::days(1), 1);
    let answer = |world: &World, subject: &Certificate| {
        let request = ocsp_request(subject, world.issuer_of(subject), None);
        OcspResponse::from_der(&world.pki.answer_ocsp(&request, later)).unwrap()
    };
    let known = RevocationData {
        ocsp: vec![
            answer(&old, old.pki.issuing_ca()),
            answer(&new, new.pki.tsa_certificate()),
            answer(&new, new.pki.issuing_ca()),
        ],
        crls: vec![],
    };
    let judge = |cms: &[u8]| new.validate_at(cms, &known, later, &Policy::default());
    let outcome = judge(&lta);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert!(judge(&lt).passed.is_none());
    // The same answer about the signer, which nobody stamped before the revocation, may be of that other hand.
    let bare = old.stamp(&old.sign(Content::Attached(DOCUMENT), &signer), NOW - Duration::MINUTE);
    let bare = archived(&new, &bare, NOW + Duration::minutes(10));
    let mut slipped_in = known.clone();
    slipped_in.ocsp.extend(old.revocation(&signer.certificate, NOW).ocsp);
    let outcome = new.validate_at(&bare, &slipped_in, later, &Policy::default());
    let signature = &outcome.report.signatures[0];
    assert_eq!(signature.sub_indication, Some(SubIndication::RevocationOutOfBoundsNoPoe), "{signature:?}");
}

#[test]
fn an_archive_time_stamp_stands_over_every_part_that_it_names() {
    let world = World::new();
    let signer = world.signer();
    let lta = archived(&world, &long_term(&world, &signer, NOW - Duration::MINUTE), NOW + Duration::MINUTE);
    let when = NOW + Duration::HOUR;
    let intact = |cms: &[u8]| {
        let outcome = at(&world, cms, when);
        let stamps = &outcome.report.signatures[0].timestamps;
        stamps.iter().find(|stamp| stamp.kind == TimestampKind::Archive).map(|stamp| stamp.intact)
    };
    assert_eq!(intact(&lta), Some(true));
    // More may be added.
    let more = add_validation_data(&lta, &[world.signer().certificate], &RevocationData::default()).unwrap();
    assert_eq!(intact(&more), Some(true));
    let signed = SignedData::read(&lta).unwrap();
    // Whatever is taken away is missed.
    let without = |field: &[u8], part: &[u8]| {
        let place = lta.windows(part.len()).position(|window| window == part).unwrap();
        let mut changed = lta.clone();
        // One octet inside the part: its hash is another.
        changed[place + part.len() - 1] ^= 1;
        assert!(!field.is_empty());
        changed
    };
    for part in signed.parts.certificates.iter().chain(&signed.parts.revocation) {
        let field = if signed.parts.certificates.contains(part) { "certificate" } else { "answer" };
        assert_eq!(intact(&without(field.as_bytes(), part)), Some(false), "{field}");
    }
}

#[test]
fn openssl_accepts_every_level() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let signer = world.signer();
    let folder = tempfile::tempdir().unwrap();
    write_pem(folder.path(), "root.pem", &[world.pki.root()]);
    let lt = long_term(&world, &signer, NOW - Duration::MINUTE);
    let lta = archived(&world, &lt, NOW + Duration::MINUTE);
    for cms in [lt, lta] {
        std::fs::write(folder.path().join("file.p7m"), cms).unwrap();
        let time = NOW.unix_timestamp().to_string();
        let arguments = [
            "cms", "-verify", "-binary", "-inform", "DER", "-in", "file.p7m", "-CAfile", "root.pem", "-purpose", "any",
            "-attime", &time,
        ];
        assert_eq!(openssl(folder.path(), &arguments).unwrap(), DOCUMENT);
    }
}

#[test]
fn nothing_is_added_below_an_archive_time_stamp_of_an_old_form() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let imprint = timestamp_imprint(&cms, DigestAlgorithm::Sha256).unwrap();
    let stamp = token(&world, &imprint, NOW);
    let old = assemble::edit(&cms, 0, |mut assembly, _, chosen| {
        assembly.signers[0] = assemble::with_unsigned(chosen, oid::ARCHIVE_TIME_STAMP_V2, &stamp);
        Ok(assembly.into_der())
    })
    .unwrap();
    assert!(matches!(add_timestamp(&old, &stamp), Err(SignError::Superseded)));
    assert!(matches!(add_validation_data(&old, &[], &RevocationData::default()), Err(SignError::Superseded)));
    let context = Context {
        trust: &world.trust,
        revocation: &world.revocation(&signer.certificate, NOW),
        at: NOW,
        policy: &Policy::default(),
    };
    assert!(validate(UnverifiedDocument::parse(&old).unwrap(), &context).passed.is_some());
}
