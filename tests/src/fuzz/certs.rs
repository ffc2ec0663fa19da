//! The functions for the parsers of `certs`, and their seeds. Where `VUZOL_CORPORA` names the corpora, their certificates and
//! lists are seeds too.

use certs::certificate::Certificate;
use certs::dev::{DevPki, Profile, Usage};
use certs::path::{self, Budget, IssuerRules, Requirements, ServerName};
use certs::revocation::{Crl, OcspResponse, RevocationData, Status, ocsp_request, path_status_with, status};
use certs::timestamp::{self, TstInfo};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyKind};
use std::path::PathBuf;
use std::sync::LazyLock;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Target;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "certificate", seeds: certificate_seeds, run: certificate },
    Target { name: "certificate_pem", seeds: pem_seeds, run: certificate_pem },
    Target { name: "path_from", seeds: certificate_seeds, run: path_from },
    Target { name: "crl", seeds: crl_seeds, run: crl },
    Target { name: "ocsp_response", seeds: ocsp_seeds, run: ocsp_response },
    Target { name: "ocsp_question", seeds: ocsp_request_seeds, run: ocsp_question },
    Target { name: "timestamp_question", seeds: timestamp_request_seeds, run: timestamp_question },
    Target { name: "timestamp_response", seeds: timestamp_seeds, run: timestamp_response },
    Target { name: "distinguished_name", seeds: name_seeds, run: distinguished_name },
];

struct World {
    pki: DevPki,
    leaf: Certificate,
    trust: TrustSnapshot,
    list: Vec<u8>,
    answer: Vec<u8>,
    request: Vec<u8>,
    stamp_request: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
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
        dns_names: vec!["vuzol.test".to_owned(), "*.vuzol.test".to_owned()],
    };
    let leaf = pki.issue(profile).unwrap().certificate;
    pki.revoke(&leaf, NOW - Duration::hours(1), 1);
    let request = ocsp_request(&leaf, pki.issuing_ca(), Some(b"nonce"));
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
    World {
        trust: TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW),
        list: pki.crl(NOW).unwrap(),
        answer: pki.answer_ocsp(&request, NOW),
        stamp_request: timestamp::request(&digest(DigestAlgorithm::Sha256, b"x"), Some(&[7; 8]), true),
        request,
        leaf,
        pki,
    }
});

/// Files of the corpora, where they are.
pub(super) fn corpus(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else { return Vec::new() };
    let mut folders = vec![corpora.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn certificate_seeds() -> Vec<Vec<u8>> {
    let own = [WORLD.pki.root(), WORLD.pki.issuing_ca(), WORLD.pki.tsa_certificate(), &WORLD.leaf];
    let own = own.map(|certificate| certificate.der().to_vec());
    own.into_iter().chain(corpus("pkits/certs", "crt")).chain(corpus("ukrainian/files", "cer")).collect()
}

/// The bytes are kept, and every accessor answers.
pub fn certificate(data: &[u8]) {
    let Ok(certificate) = Certificate::from_der(data) else { return };
    assert_eq!(certificate.der(), data);
    assert_eq!(Certificate::from_pem(&certificate.to_pem()).unwrap(), std::slice::from_ref(&certificate));
    let _ = (certificate.subject(), certificate.issuer(), certificate.serial_hex(), certificate.public_key().is_ok());
    let _ = (certificate.edrpou(), certificate.rnokpp(), certificate.unzr(), certificate.is_seal());
    let _ = (certificate.qc_statements(), certificate.policies(), format!("{certificate:?}"));
    let _ = ServerName::parse("vuzol.test").unwrap().is_named_by(&certificate);
}

fn pem_seeds() -> Vec<Vec<u8>> {
    vec![(WORLD.leaf.to_pem() + &WORLD.pki.root().to_pem()).into_bytes()]
}

/// Text with certificates in it: at least one is read, or it is refused.
pub fn certificate_pem(data: &[u8]) {
    if let Ok(certificates) = Certificate::from_pem(&String::from_utf8_lossy(data)) {
        assert!(!certificates.is_empty());
    }
}

/// As the leaf, as a helper and as an anchor; as a leaf it is believed only as it was made.
pub fn path_from(data: &[u8]) {
    let Ok(certificate) = Certificate::from_der(data) else { return };
    let pool = [certificate.clone(), WORLD.pki.issuing_ca().clone()];
    for rules in [IssuerRules::Path, IssuerRules::Rfc5280, IssuerRules::Web] {
        let requirements = Requirements { rules, ..Requirements::default() };
        let verify = |leaf: &Certificate, trust: &TrustSnapshot| {
            path::verify_with(leaf, &pool, trust, Purpose::Signing, NOW, &requirements, &mut Budget::default())
        };
        let found = verify(&certificate, &WORLD.trust).is_ok();
        let made = [WORLD.pki.root(), WORLD.pki.issuing_ca(), &WORLD.leaf].contains(&&certificate);
        assert!(!found || made, "believed: {certificate:?}");
        let anchor = TrustAnchor { certificate: certificate.clone(), purposes: vec![Purpose::Signing] };
        let _ = verify(&WORLD.leaf, &TrustSnapshot::new(vec![anchor], Vec::new(), NOW));
    }
}

fn crl_seeds() -> Vec<Vec<u8>> {
    let own = [WORLD.list.clone(), WORLD.pki.root_crl(NOW).unwrap()];
    own.into_iter().chain(corpus("pkits/crls", "crl")).chain(corpus("ukrainian/files", "crl")).collect()
}

/// A list that was changed says nothing, or what it said before; beside the honest one it hides nothing.
pub fn crl(data: &[u8]) {
    let Ok(list) = Crl::from_der(data) else { return };
    assert_eq!(list.der(), data);
    let _ = (list.issuer_der(), list.scope_der(), list.is_delta(), list.check_issuer_rules());
    let data = RevocationData { ocsp: Vec::new(), crls: vec![list.clone(), Crl::from_der(&WORLD.list).unwrap()] };
    let path = path::verify(&WORLD.leaf, &[], &WORLD.trust, Purpose::Signing, NOW, &mut Budget::default()).unwrap();
    let helpers = [WORLD.pki.tsa_certificate().clone()];
    let truth = Status::Revoked { at: NOW - Duration::hours(1), reason: Some(1), this_update: NOW };
    for _ in 0..2 {
        // At first by walking, then by the index.
        let found = path_status_with(&path, &data, &helpers, NOW, &mut Budget::default());
        assert_eq!(found[0], truth);
        let alone = status(&WORLD.leaf, WORLD.pki.issuing_ca(), &only(list.clone()), NOW);
        assert!(alone == truth || matches!(alone, Status::Unknown { .. }), "{alone:?}");
    }
}

fn only(list: Crl) -> RevocationData {
    RevocationData { ocsp: Vec::new(), crls: vec![list] }
}

fn ocsp_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.answer.clone(), WORLD.pki.answer_ocsp(b"?", NOW)]
}

/// An answer that was changed says nothing else than the one that was made.
pub fn ocsp_response(data: &[u8]) {
    let _ = OcspResponse::from_basic_der(data);
    let Ok(answer) = OcspResponse::from_der(data) else { return };
    assert_eq!(answer.der(), data);
    let _ = (answer.check_nonce(b"nonce"), answer.responder(), answer.produced_at());
    if let Ok(fact) = answer.fact(&WORLD.leaf, WORLD.pki.issuing_ca()) {
        assert_eq!(fact.revoked.and_then(|revoked| revoked.reason), Some(1));
    }
}

fn ocsp_request_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.request.clone(), ocsp_request(WORLD.pki.issuing_ca(), WORLD.pki.root(), None)]
}

/// Whatever is asked, the responder's answer can be read.
pub fn ocsp_question(data: &[u8]) {
    let answer = WORLD.pki.answer_ocsp(data, NOW);
    assert!(matches!(
        OcspResponse::from_der(&answer),
        Ok(_) | Err(certs::revocation::RevocationError::ResponderStatus(1 | 2))
    ));
}

fn timestamp_request_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.stamp_request.clone()]
}

/// Whatever is asked, the time-stamp authority grants or rejects.
pub fn timestamp_question(data: &[u8]) {
    let answer = WORLD.pki.answer_tsa(data, NOW);
    let granted = timestamp::token_of_response(&answer);
    assert!(matches!(granted, Ok(_) | Err(timestamp::TimestampError::Refused { status: 2 })), "{granted:?}");
}

fn timestamp_seeds() -> Vec<Vec<u8>> {
    let response = WORLD.pki.answer_tsa(&WORLD.stamp_request, NOW);
    let token = timestamp::token_of_response(&response).unwrap();
    // Where TSTInfo lies inside: its version and the authority's policy.
    let begins = [0x02, 1, 1, 0x06];
    let at = token.windows(begins.len()).position(|bytes| bytes == begins).unwrap();
    vec![response, token[at - 2..].to_vec()]
}

/// Responses and TSTInfo.
pub fn timestamp_response(data: &[u8]) {
    let _ = timestamp::token_of_response(data);
    if let Ok(info) = TstInfo::from_der(data) {
        let _ = (info.check_nonce(&[7; 8]), info.accuracy);
    }
}

fn name_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.leaf.subject_der().to_vec(), WORLD.pki.root().subject_der().to_vec()]
}

/// A name is itself; its text has no character that changes how the line is shown.
pub fn distinguished_name(data: &[u8]) {
    assert!(certs::name::same(data, data));
    if let Some(text) = certs::name::rfc4514(data) {
        assert!(!text.contains(|c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{text:?}");
    }
}
