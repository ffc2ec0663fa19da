//! The throw-away PKI with keys of DSTU 4145: certificates, lists, answers, tokens, and what must be refused.
use super::*;
use crate::asn1::{tag, write};
use crate::dev::forge::NOW;
use crate::path::{self, Budget};
use crate::revocation::{Crl, OcspResponse, RevocationData, RevocationError, Status, ocsp_request, status};
use crate::timestamp;
use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::signature::VerifyError;

fn pki() -> DevPki {
    DevPki::of(Family::Dstu4145, NOW, Duration::days(30), "").unwrap()
}

fn leaf(pki: &DevPki) -> Identity {
    let profile = Profile {
        common_name: "leaf".to_owned(),
        organisation: None,
        edrpou: Some("12345678".to_owned()),
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Dstu4145(dstu4145::Curve::M257),
        not_before: NOW - Duration::days(2),
        not_after: NOW + Duration::days(2),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap()
}

#[test]
fn a_path_leads_to_the_root_and_a_flipped_bit_breaks_it() {
    let pki = pki();
    let leaf = leaf(&pki).certificate;
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
    let verify = |leaf: &Certificate| path::verify(leaf, &[], &trust, Purpose::Signing, NOW, &mut Budget::default());
    assert_eq!(verify(&leaf).unwrap().certificates().len(), 3);
    assert_eq!(pki.root().public_key().unwrap().kind(), KeyKind::Dstu4145(dstu4145::Curve::M431));
    assert_eq!(leaf.public_key().unwrap().kind(), KeyKind::Dstu4145(dstu4145::Curve::M257));
    let identifier = digest(DigestAlgorithm::Kupyna256, leaf.public_key().unwrap().subject_public_key());
    assert_eq!(leaf.subject_key_identifier(), Some(identifier.as_bytes()));

    let issuer_key = pki.issuing_ca().public_key().unwrap();
    let der = leaf.der();
    // The serial number, the value, and the tag of the OCTET STRING around it.
    for place in [20, der.len() - 1, der.len() - 66] {
        let mut flipped = der.to_vec();
        flipped[place] ^= 1;
        let flipped = Certificate::from_der(&flipped).unwrap();
        assert_eq!(flipped.verify_signature(issuer_key), Err(VerifyError::Mismatch), "{place}");
        assert!(verify(&flipped).is_err());
    }
    assert_eq!(der[der.len() - 66..][..2], [4, 64], "the value stands in an OCTET STRING");
    // The bare value, as in CMS.
    let mut reader = crate::asn1::read::sole_sequence("Certificate", der).unwrap();
    let (body, algorithm) = (reader.any().unwrap(), reader.any().unwrap());
    let bare = write::sequence(&[body.raw(), algorithm.raw(), &write::bit_string(&der[der.len() - 64..])]);
    let bare = Certificate::from_der(&bare).unwrap();
    assert_eq!(bare.verify_signature(issuer_key), Err(VerifyError::Mismatch));
}

#[test]
fn lists_and_answers_are_believed() {
    let pki = pki();
    let (good, revoked) = (leaf(&pki).certificate, leaf(&pki).certificate);
    pki.revoke(&revoked, NOW - Duration::hours(2), 1);
    let crl = Crl::from_der(&pki.crl(NOW).unwrap()).unwrap();
    assert_eq!(crl.entry_count(), Ok(1));
    let of_crl = RevocationData { ocsp: Vec::new(), crls: vec![crl] };
    let ask = |certificate| {
        let request = ocsp_request(certificate, pki.issuing_ca(), None);
        OcspResponse::from_der(&pki.answer_ocsp(&request, NOW)).unwrap()
    };
    let of_ocsp = RevocationData { ocsp: vec![ask(&good), ask(&revoked)], crls: Vec::new() };
    for data in [&of_crl, &of_ocsp] {
        assert!(matches!(status(&good, pki.issuing_ca(), data, NOW), Status::Good { .. }));
        assert!(matches!(status(&revoked, pki.issuing_ca(), data, NOW), Status::Revoked { reason: Some(1), .. }));
    }
}

/// A responder and a CertID may be named by national digests, as Ukrainian responders do.
#[test]
fn answers_named_by_national_digests_are_for_their_certificate() {
    let pki = pki();
    let leaf = leaf(&pki).certificate;
    let issuer = pki.issuing_ca();
    let responder = &pki.responder;
    let answer = |of_key: DigestAlgorithm, of_id: DigestAlgorithm| {
        let hash = |bytes: &[u8]| write::octet_string(digest(of_id, bytes).as_bytes());
        let id = write::sequence(&[
            &timestamp::digest_algorithm(of_id),
            &hash(issuer.subject_der()),
            &hash(issuer.key_bits()),
            &write::element(tag::INTEGER, leaf.serial()),
        ]);
        let single = write::sequence(&[&id, &[0x80, 0], &write::generalized_time(NOW)]);
        let key_hash = write::octet_string(digest(of_key, responder.certificate.key_bits()).as_bytes());
        let data = write::sequence(&[
            &write::explicit(2, &key_hash),
            &write::generalized_time(NOW),
            &write::sequence(&[&single]),
        ]);
        let certificates = write::explicit(0, &write::sequence(&[responder.certificate.der()]));
        let basic = authority::signed_with(&data, &responder.key, &certificates).unwrap();
        let ocsp = vec![OcspResponse::from_basic_der(&basic).unwrap()];
        status(&leaf, issuer, &RevocationData { ocsp, crls: Vec::new() }, NOW)
    };
    let national = [DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256];
    for of_key in [national.as_slice(), &[DigestAlgorithm::Sha1]].concat() {
        for of_id in national {
            assert!(matches!(answer(of_key, of_id), Status::Good { .. }), "{of_key:?} {of_id:?}");
        }
    }
    // A digest of 32 octets that nobody makes responder identifiers with.
    let Status::Unknown { tried } = answer(DigestAlgorithm::Sha256, DigestAlgorithm::Gost34311) else { panic!() };
    assert_eq!(tried, [RevocationError::ResponderNotAuthorised]);
}
