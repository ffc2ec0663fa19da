//! Bytes that were cut or changed: nothing panics, and nothing that was changed is believed.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use certs::certificate::Certificate;
use certs::dev::{DevPki, Profile, Usage};
use certs::path::{self, Budget};
use certs::revocation::{Crl, OcspResponse, RevocationData, Status, ocsp_request, status};
use certs::timestamp::{self, TstInfo};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyKind};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

struct World {
    pki: DevPki,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        let pki = DevPki::new(NOW, Duration::days(30), "http://ocsp.test/").unwrap();
        let profile = Profile {
            common_name: "Тест".to_owned(),
            organisation: Some("Вузол".to_owned()),
            edrpou: Some("12345678".to_owned()),
            rnokpp: Some("1234567890".to_owned()),
            usage: Usage::Signing,
            key: KeyKind::Ec(Curve::P256),
            not_before: NOW - Duration::hours(1),
            not_after: NOW + Duration::days(1),
            dns_names: vec!["vuzol.test".to_owned()],
        };
        let leaf = pki.issue(profile).unwrap().certificate;
        Self { pki, leaf }
    }

    fn status(&self, data: &RevocationData) -> Status {
        status(&self.leaf, self.pki.issuing_ca(), data, NOW)
    }
}

/// Every prefix, and every byte changed in several ways.
fn variants(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    let changed = (0..bytes.len()).flat_map(move |index| {
        [0x01, 0x20, 0x80, 0xff].map(|mask| {
            let mut copy = bytes.to_vec();
            copy[index] ^= mask;
            copy
        })
    });
    cut.chain(changed)
}

#[test]
fn changed_certificates_are_not_believed() {
    let world = World::new();
    let anchor = TrustAnchor { certificate: world.pki.root().clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], vec![world.pki.issuing_ca().clone()], NOW);
    let verify = |leaf: &Certificate| path::verify(leaf, &[], &trust, Purpose::Signing, NOW, &mut Budget::default());
    assert!(verify(&world.leaf).is_ok());
    for bytes in variants(world.leaf.der()) {
        let Ok(certificate) = Certificate::from_der(&bytes) else { continue };
        assert!(verify(&certificate).is_err(), "{certificate:?}");
        let _ = (certificate.subject(), certificate.issuer(), certificate.edrpou(), certificate.rnokpp());
        let _ = (certificate.public_key(), certificate.serial_hex(), certificate.to_pem());
    }
}

#[test]
fn changed_answers_say_nothing_new() {
    let world = World::new();
    let request = ocsp_request(&world.leaf, world.pki.issuing_ca(), Some(b"nonce"));
    for revoked in [false, true] {
        if revoked {
            world.pki.revoke(&world.leaf, NOW - Duration::hours(1), 1);
        }
        let answer = world.pki.answer_ocsp(&request, NOW);
        let data =
            |der: &[u8]| OcspResponse::from_der(der).map(|answer| RevocationData { ocsp: vec![answer], crls: vec![] });
        let truth = world.status(&data(&answer).unwrap());
        assert_eq!(matches!(truth, Status::Revoked { .. }), revoked);
        for bytes in variants(&answer) {
            let Ok(data) = data(&bytes) else { continue };
            let found = world.status(&data);
            assert!(found == truth || matches!(found, Status::Unknown { .. }), "{found:?}");
        }
    }
}

#[test]
fn changed_lists_say_nothing_new() {
    let world = World::new();
    world.pki.revoke(world.pki.tsa_certificate(), NOW, 6);
    world.pki.revoke(&world.leaf, NOW - Duration::hours(1), 3);
    let list = world.pki.crl(NOW).unwrap();
    let data = |der: &[u8]| Crl::from_der(der).map(|crl| RevocationData { ocsp: vec![], crls: vec![crl] });
    let truth = world.status(&data(&list).unwrap());
    assert!(matches!(truth, Status::Revoked { reason: Some(3), .. }));
    for bytes in variants(&list) {
        let Ok(data) = data(&bytes) else { continue };
        let found = world.status(&data);
        assert!(found == truth || matches!(found, Status::Unknown { .. }), "{found:?}");
    }
}

#[test]
fn authorities_answer_changed_requests() {
    let world = World::new();
    let request = ocsp_request(&world.leaf, world.pki.issuing_ca(), Some(b"nonce"));
    for bytes in variants(&request).chain([vec![], vec![0x30; 4096]]) {
        let _ = OcspResponse::from_der(&world.pki.answer_ocsp(&bytes, NOW));
    }
    let request = timestamp::request(&digest(DigestAlgorithm::Sha256, b"x"), Some(&[7; 8]), true);
    for bytes in variants(&request).chain([vec![], vec![0x30; 4096]]) {
        let _ = timestamp::token_of_response(&world.pki.answer_tsa(&bytes, NOW));
    }
    let response = world.pki.answer_tsa(&request, NOW);
    for bytes in variants(&response) {
        let _ = timestamp::token_of_response(&bytes);
        let _ = TstInfo::from_der(&bytes);
    }
}

/// Lengths and nestings that would exhaust a reader that believes them or recurses.
#[test]
fn absurd_structures_are_refused() {
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        let mut outer = vec![0x30, 0x83];
        outer.extend_from_slice(&u32::try_from(nested.len()).unwrap().to_be_bytes()[1..]);
        nested.splice(0..0, outer);
    }
    let long = [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0; 64]].concat();
    for bytes in [nested, long, vec![0x30, 0x80, 0, 0], vec![0xff; 1024]] {
        assert!(Certificate::from_der(&bytes).is_err());
        assert!(Crl::from_der(&bytes).is_err());
        assert!(OcspResponse::from_der(&bytes).is_err());
        assert!(OcspResponse::from_basic_der(&bytes).is_err());
        assert!(TstInfo::from_der(&bytes).is_err());
        assert!(timestamp::token_of_response(&bytes).is_err());
    }
}
