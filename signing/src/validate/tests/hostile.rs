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
            assert!(UnverifiedDocument::parse(&cms[..length]).is_err(), "{length} of {} bytes", cms.len());
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
    let many = (0..300)
        .fold(Forge::new(DOCUMENT, &signer), |forge, _| forge.push(attribute(oid::COMMITMENT_TYPE, octets(b"x"))));
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
