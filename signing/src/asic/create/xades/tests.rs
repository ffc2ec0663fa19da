//! Containers with XAdES that we make pass our own validation at every level, and so does what is added to them.

use certs::dev::{Identity, Usage};
use certs::revocation::RevocationData;
use certs::timestamp;
use crypto::key::{KeyHandle, KeyKind};
use schemas::report::{Indication, SubIndication, TimestampKind};
use time::{Duration, OffsetDateTime};

use crate::asic::testing::{ASIC_E, Story, deflated, stored};
use crate::asic::{Container, Outcome, validate};
use crate::testing::{NOW, World};
use crate::validate::{Context, Policy};
use crate::xades::augment::{
    StampRequest, add_validation_data, request_archive_timestamp, request_signature_timestamp,
};

use super::*;

const DOCUMENTS: &[(&str, &[u8])] =
    &[("лист & додаток.txt", b"letter"), ("a.bin", b""), ("folder/plan.pdf", &[7; 70_000])];
const BY: DigestAlgorithm = DigestAlgorithm::Sha256;

fn parts(by: DigestAlgorithm) -> Vec<Part> {
    DOCUMENTS.iter().map(|(name, content)| Part::of_bytes(name, Some("text/x&y"), content, by).unwrap()).collect()
}

fn value(signer: &Identity, prepared: &Prepared) -> Vec<u8> {
    signer.key.sign(prepared.algorithm(), prepared.to_be_signed()).unwrap()
}

fn signatory<'a>(chain: &'a [certs::certificate::Certificate], signer: &Identity) -> Signatory<'a> {
    Signatory { chain, algorithm: signer.key.default_algorithm(), signing_time: NOW - Duration::HOUR }
}

fn container(world: &World, signer: &Identity) -> Vec<u8> {
    let chain = world.chain(signer);
    let signatory = signatory(&chain, signer);
    let prepared = prepare(parts(digest_algorithm(&signatory)), &signatory).unwrap();
    let value = value(signer, &prepared);
    prepared.complete(&value).unwrap().to_vec(DOCUMENTS).unwrap()
}

fn one_more(world: &World, signer: &Identity, container: &[u8]) -> Vec<u8> {
    let chain = world.chain(signer);
    let prepared = Opened::read(container).unwrap().prepare(&signatory(&chain, signer)).unwrap();
    let value = value(signer, &prepared);
    prepared.complete(&value).unwrap().to_vec(&[]).unwrap()
}

fn judged(world: &World, signers: &[&Identity], bytes: &[u8]) -> Outcome {
    let mut revocation = RevocationData::default();
    signers.iter().for_each(|signer| revocation.ocsp.extend(world.revocation(&signer.certificate, NOW).ocsp));
    let policy = Policy::default();
    let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
    validate(Container::read(bytes).unwrap(), &context)
}

#[track_caller]
fn assert_passed(outcome: &Outcome, levels: &[&str]) {
    let all = &outcome.report.signatures;
    assert!(all.iter().all(|one| one.indication == Indication::TotalPassed), "{:#?}", outcome.report);
    assert_eq!(all.iter().map(|one| one.level.as_str()).collect::<Vec<_>>(), levels, "{:#?}", outcome.report);
    assert!(outcome.passed.is_some() && outcome.report.unsigned_parts.is_empty(), "{:#?}", outcome.report);
    assert!(all.iter().all(|one| one.signed_parts.len() == DOCUMENTS.len()));
}

fn stamped(world: &World, request: StampRequest, at: OffsetDateTime) -> Vec<u8> {
    let response = world.pki.answer_tsa(&timestamp::request(request.imprint(), None, true), at);
    request.complete(&timestamp::token_of_response(&response).unwrap()).unwrap()
}

/// From B to LTA, in the file with this name.
fn archived(world: &World, signer: &Identity, container: &[u8], name: &str) -> Vec<u8> {
    let opened = Opened::read(container).unwrap();
    let at = NOW - Duration::minutes(30);
    let b = opened.signature_file(name).unwrap();
    let t = stamped(world, request_signature_timestamp(b, 0, BY).unwrap(), at);
    let authorities = [world.pki.issuing_ca().clone(), world.pki.root().clone(), world.pki.tsa_certificate().clone()];
    let lt = add_validation_data(&t, 0, &authorities, &world.revocation(&signer.certificate, at)).unwrap();
    let request = request_archive_timestamp(&lt, 0, BY, &opened.contents()).unwrap();
    opened.with_signature_file(name, &stamped(world, request, at + Duration::MINUTE)).unwrap()
}

#[test]
fn a_container_passes_whatever_the_key() {
    let world = World::new();
    for kind in [crate::testing::P256, KeyKind::Ec(crypto::key::Curve::P384), KeyKind::Ed25519] {
        let signer = world.identity(kind, Usage::Signing);
        let bytes = container(&world, &signer);
        assert_eq!(&bytes[30..69], b"mimetypeapplication/vnd.etsi.asic-e+zip");
        let outcome = judged(&world, &[&signer], &bytes);
        assert_passed(&outcome, &["XAdES-BASELINE-B"]);
        assert_eq!(outcome.report.format, "ASiC-E");
        assert!(Opened::read(&bytes).unwrap().signature_files().eq(["META-INF/signatures0.xml"]));
    }
}

#[test]
fn the_same_documents_and_value_give_the_same_octets() {
    let world = World::new();
    let signer = world.identity(KeyKind::Ed25519, Usage::Signing);
    assert_eq!(container(&world, &signer), container(&world, &signer));
    let chain = world.chain(&signer);
    let signatory = signatory(&chain, &signer);
    let mut reversed = parts(digest_algorithm(&signatory));
    reversed.reverse();
    let prepared = prepare(reversed, &signatory).unwrap();
    let value = value(&signer, &prepared);
    assert_eq!(prepared.complete(&value).unwrap().to_vec(DOCUMENTS).unwrap(), container(&world, &signer));
}

#[test]
fn names_are_encoded_and_media_types_are_told() {
    let world = World::new();
    let signer = world.signer();
    let opened = Opened::read(&container(&world, &signer)).unwrap();
    let xml = std::str::from_utf8(opened.signature_file("META-INF/signatures0.xml").unwrap()).unwrap();
    assert!(xml.is_ascii());
    assert!(
        xml.contains("URI=\"%D0%BB%D0%B8%D1%81%D1%82%20%26%20%D0%B4%D0%BE%D0%B4%D0%B0%D1%82%D0%BE%D0%BA.txt\""),
        "{xml}"
    );
    assert_eq!(xml.matches("<xades:MimeType>text/x&amp;y</xades:MimeType>").count(), DOCUMENTS.len());
    let types = opened.prepare(&signatory(&world.chain(&signer), &signer)).unwrap();
    assert!(types.parts.iter().all(|part| part.media_type.as_deref() == Some("text/x&y")), "{types:?}");
}

#[test]
fn every_level_passes_in_a_container() {
    let world = World::new();
    let signer = world.signer();
    let lta = archived(&world, &signer, &container(&world, &signer), "META-INF/signatures0.xml");
    assert_passed(&judged(&world, &[], &lta), &["XAdES-BASELINE-LTA"]);
}

#[test]
fn a_second_signature_stands_beside_the_first_and_each_is_raised_by_itself() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let one = archived(&world, &first, &container(&world, &first), "META-INF/signatures0.xml");
    let before = Opened::read(&one).unwrap();
    let two = one_more(&world, &second, &one);
    assert_passed(&judged(&world, &[&second], &two), &["XAdES-BASELINE-LTA", "XAdES-BASELINE-B"]);
    let after = Opened::read(&two).unwrap();
    assert!(after.signature_files().eq(["META-INF/signatures0.xml", "META-INF/signatures1.xml"]));
    assert_eq!(before.signature_file("META-INF/signatures0.xml"), after.signature_file("META-INF/signatures0.xml"));
    let both = archived(&world, &second, &two, "META-INF/signatures1.xml");
    assert_passed(&judged(&world, &[], &both), &["XAdES-BASELINE-LTA"; 2]);
}

/// As others write them: deflated, and with a folder.
#[test]
fn a_container_of_somebody_else_s_gets_a_second_signature() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let opened = Opened::read(&container(&world, &first)).unwrap();
    let signature = opened.signature_file("META-INF/signatures0.xml").unwrap();
    let mut pieces = vec![stored("mimetype", ASIC_E), stored("folder/", b"")];
    pieces.extend(DOCUMENTS.iter().map(|(name, content)| deflated(name, content)));
    pieces.push(deflated("META-INF/Signatures1.xml", b"<x/>"));
    pieces.push(deflated("META-INF/signatures-7.xml", signature));
    let bytes = crate::asic::testing::Forge::of(&pieces).bytes;
    let opened = Opened::read(&bytes).unwrap();
    assert!(opened.signature_files().eq(["META-INF/signatures-7.xml"]));
    let two = one_more(&world, &second, &bytes);
    let outcome = judged(&world, &[&first, &second], &two);
    let intact: Vec<_> = outcome.report.signatures.iter().map(|one| (one.intact, one.level.as_str())).collect();
    assert_eq!(intact, [(true, "XAdES-BASELINE-B"); 2], "{:#?}", outcome.report);
}

#[test]
fn a_changed_document_is_noticed() {
    let world = World::new();
    let signer = world.signer();
    let chain = world.chain(&signer);
    let signatory = signatory(&chain, &signer);
    let prepared = prepare(parts(BY), &signatory).unwrap();
    let value = value(&signer, &prepared);
    let mut other = DOCUMENTS.to_vec();
    other[0].1 = b"lettes";
    let completed = prepared.complete(&value).unwrap();
    assert!(matches!(completed.to_vec(&other), Err(super::super::WriteError::Changed(name)) if name == DOCUMENTS[0].0));
    let lta = archived(&world, &signer, &completed.to_vec(DOCUMENTS).unwrap(), "META-INF/signatures0.xml");
    let opened = Opened::read(&lta).unwrap();
    let signature = opened.signature_file("META-INF/signatures0.xml").unwrap();
    let mut pieces = vec![stored("mimetype", ASIC_E)];
    pieces.extend(other.iter().map(|(name, content)| deflated(name, content)));
    pieces.push(deflated("META-INF/signatures0.xml", signature));
    let outcome = judged(&world, &[], &crate::asic::testing::Forge::of(&pieces).bytes);
    let found = &outcome.report.signatures[0];
    assert_eq!((found.intact, found.sub_indication), (false, Some(SubIndication::HashFailure)));
    // The archive time-stamp is over the documents themselves.
    let stamps: Vec<_> = found.timestamps.iter().map(|stamp| (stamp.kind, stamp.intact)).collect();
    assert_eq!(stamps, [(TimestampKind::Signature, true), (TimestampKind::Archive, false)]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let world = World::new();
    let (signer, other) = (world.signer(), world.signer());
    let chain = world.chain(&signer);
    let signatory = signatory(&chain, &signer);
    let twins = ["a", "A"].map(|name| Part::of_bytes(name, None, b"x", BY).unwrap()).to_vec();
    assert!(matches!(
        prepare(twins, &signatory),
        Err(SignError::Documents(CreateError::Name(ContainerError::TwinNames)))
    ));
    assert!(matches!(prepare(Vec::new(), &signatory), Err(SignError::Documents(CreateError::Count))));
    let sha512 = parts(DigestAlgorithm::Sha512);
    assert!(matches!(prepare(sha512, &signatory), Err(SignError::Signature(xades::CreateError::ContentMissing))));
    let prepared = prepare(parts(BY), &signatory).unwrap();
    let foreign = value(&other, &prepared);
    assert!(matches!(prepared.complete(&foreign), Err(SignError::Signature(xades::CreateError::Value))));
    let cades = Story::new().extended(&[("a", b"x")]);
    assert!(matches!(Opened::read(&cades), Err(SignError::Kind)));
    assert!(matches!(Opened::read(b"PK"), Err(SignError::Container(_))));
    let opened = Opened::read(&container(&world, &signer)).unwrap();
    assert!(matches!(opened.with_signature_file("META-INF/signatures7.xml", b""), Err(SignError::Kind)));
    assert!(matches!(opened.with_signature_file("a.bin", b""), Err(SignError::Kind)));
}
