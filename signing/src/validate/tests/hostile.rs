//! Bytes that nobody meant to be a signature: an error or a refusal, in bounded time, and never a panic.

use std::time::Instant;

use super::*;
use crate::asn1::{Writer, oid, tag};
use crate::testing::{attribute, octets};

/// Parses and validates; says whether it passed.
fn passes(world: &World, cms: &[u8], revocation: &RevocationData) -> bool {
    let Ok(document) = UnverifiedDocument::parse(cms) else { return false };
    let policy = Policy::default();
    let outcome = validate(document, &Context { trust: &world.trust, revocation, at: NOW, policy: &policy });
    assert_eq!(outcome.passed.is_none(), outcome.problem().is_some());
    outcome.passed.is_some()
}

#[test]
fn no_truncation_passes() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let der = world.stamp(&world.sign(Content::Attached(DOCUMENT), &signer), NOW - Duration::HOUR);
    for cms in [to_ber(&der), der] {
        assert!(passes(&world, &cms, &revocation));
        for length in 0..cms.len() {
            let error = UnverifiedDocument::parse(&cms[..length]).unwrap_err();
            assert!(matches!(error, ReadError::Malformed(_)), "{length} of {} bytes: {error}", cms.len());
        }
    }
}

#[test]
fn no_flipped_byte_changes_what_is_signed() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    for at in 0..cms.len() {
        for bit in [0x01, 0x80] {
            let mut flipped = cms.clone();
            flipped[at] ^= bit;
            let Ok(document) = UnverifiedDocument::parse(&flipped) else { continue };
            let policy = Policy::default();
            let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
            if let Some(passed) = validate(document, &context).passed {
                // What no signature covers may change (version numbers, the digest set, spare certificates).
                assert_eq!(passed.content(), Some(DOCUMENT), "byte {at}");
                assert_eq!(passed.signers()[0].der(), signer.certificate.der(), "byte {at}");
            }
        }
    }
}

#[test]
fn bombs_are_refused_quickly() {
    let started = Instant::now();
    let nested = |unit: &[u8]| unit.repeat(1 << 20);
    for bomb in
        [nested(&[0x30, 0x80]), nested(&[0x24, 0x80]), nested(&[0xa0, 0x80]), nested(&[0x30, 0x83, 0xff, 0xff, 0xff])]
    {
        assert!(UnverifiedDocument::parse(&bomb).is_err());
    }
    let signed_data = |inner: &[u8]| {
        let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().value(tag::SEQUENCE, inner));
        Writer::new().nest(tag::SEQUENCE, info).into_bytes()
    };
    let head = Writer::new().small_integer(1).value(tag::SET, &[]).nest(tag::SEQUENCE, Writer::new().oid(oid::DATA));
    let many_nulls = [tag::NULL, 0].repeat(1 << 20);
    for set in [0xa0, 0xa1, tag::SET] {
        let bomb = signed_data(&head.clone().value(set, &many_nulls).value(tag::SET, &[]).into_bytes());
        assert!(matches!(UnverifiedDocument::parse(&bomb), Err(ReadError::TooComplex | ReadError::Malformed(_))));
    }
    assert_eq!(
        UnverifiedDocument::parse(&signed_data(&head.value(tag::SET, &[]).into_bytes())).unwrap_err(),
        ReadError::NoSignature
    );
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn many_attributes_and_segments_cost_their_size() {
    let world = World::new();
    let signer = world.signer();
    let revocation = world.revocation(&signer.certificate, NOW);
    let content = vec![7; 1 << 20];
    let started = Instant::now();
    assert!(passes(&world, &to_ber(&world.sign(Content::Attached(&content), &signer)), &revocation));
    let many =
        (0..300).fold(Forge::new(DOCUMENT, &signer), |forge, _| forge.push(attribute(oid::SIGNING_TIME, octets(b"x"))));
    assert_eq!(UnverifiedDocument::parse(&many.build()).unwrap_err(), ReadError::TooComplex);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn random_bytes_never_panic() {
    let world = World::new();
    let mut bytes = [0u8; 600];
    for round in 0..2000 {
        crypto::random::fill(&mut bytes);
        // Half of them begin as a ContentInfo does.
        if round % 2 == 0 {
            bytes[..17].copy_from_slice(&[
                0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2, 0xa0, 0x80, 0x30, 0x80,
            ]);
        }
        assert!(!passes(&world, &bytes, &RevocationData::default()));
    }
}

#[test]
fn a_heap_of_false_lists_costs_a_bounded_time() {
    let world = World::new();
    let signer = world.signer();
    let list = world.pki.crl(NOW).unwrap();
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.certificates.push(world.pki.issuing_ca().clone());
    forge.crls = (0..=255u8).map(|number| false_list(&list, number)).collect();
    let one = forge.build();
    let signed = SignedData::read(&one).unwrap();
    let signers = signed.signers_raw.repeat(schemas::limits::SIGNATURES_IN_DOCUMENT).concat();
    let data = Writer::new().raw(signed.head).value(tag::SET, &signers);
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    let bomb = Writer::new().nest(tag::SEQUENCE, info).into_bytes();
    let started = Instant::now();
    let outcome = world.validate(&bomb, &RevocationData::default());
    assert_eq!(outcome.report.signatures.len(), 32);
    assert_eq!(outcome.problem(), Some(ProblemCode::SignerStatusUnknown));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    // A true answer from outside still counts.
    assert!(passes(&world, &bomb, &world.revocation(&signer.certificate, NOW)));
}

#[test]
fn a_heap_of_certificates_in_signatures_and_time_stamps_costs_a_bounded_time() {
    let (world, stranger) = (World::new(), World::new());
    let signer = stranger.signer();
    let false_certificate = |number| {
        let mut der = signer.certificate.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= number;
        Certificate::from_der(&der).unwrap()
    };
    let mut forge = Forge::new(DOCUMENT, &signer);
    forge.certificates = (0..=255).map(false_certificate).collect();
    forge.crls = vec![stranger.pki.crl(NOW).unwrap()];
    let heap = forge.build();
    let stamped = (0..8).fold(heap.clone(), |cms, _| cades::add_timestamp(&cms, &heap).unwrap());
    let signed = SignedData::read(&stamped).unwrap();
    let data = Writer::new().raw(signed.head).value(tag::SET, &signed.signers_raw.repeat(4).concat());
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    let bomb = Writer::new().nest(tag::SEQUENCE, info).into_bytes();
    let started = Instant::now();
    assert!(!passes(&world, &bomb, &RevocationData::default()));
    assert!(started.elapsed().as_secs() < 20, "{:?} for {} bytes", started.elapsed(), bomb.len());
    println!("{:?} for {} bytes", started.elapsed(), bomb.len());
}

/// `list` with another signature.
fn false_list(list: &[u8], number: u8) -> Vec<u8> {
    let mut list = list.to_vec();
    let last = list.len() - 1;
    list[last] ^= number | 1;
    let middle = last - 5;
    list[middle] ^= number;
    list
}

/// Every file of the corpora cut at many places and flipped in many: nothing but refusals.
#[test]
fn damaged_files_of_the_corpus_never_panic() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA") else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let world = World::new();
    let mut folders = vec![std::path::PathBuf::from(&corpora).join("cades/files")];
    folders.push(std::path::PathBuf::from(&corpora).join("ukrainian/files"));
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            if UnverifiedDocument::parse(&bytes).is_err() || bytes.len() > 40_000 {
                continue;
            }
            files += 1;
            for at in (0..bytes.len()).step_by(bytes.len() / 60 + 1) {
                passes(&world, &bytes[..at], &RevocationData::default());
                let mut flipped = bytes.clone();
                flipped[at] = flipped[at].wrapping_add(0x81);
                passes(&world, &flipped, &RevocationData::default());
            }
        }
    }
    assert!(files > 30, "{files} files");
}
