//! A gibibyte that streams by, and the signature beside it.

use std::sync::LazyLock;

use certs::dev::{DevPki, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm, Digester};
use crypto::key::{Curve, KeyKind};
use signing::cades::{self, Content};
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::bench::measure::{Contender, Contest, Unit};
use crate::chance::Chance;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const CONTENT_BYTES: usize = 1 << 30;
/// What `vuzol verify` reads at a time.
const PIECE_BYTES: usize = 64 << 10;

struct World {
    piece: Vec<u8>,
    signature: Vec<u8>,
    trust: TrustSnapshot,
    revocation: RevocationData,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let piece = Chance::new(1).bytes(PIECE_BYTES);
    let pki = DevPki::new(NOW - Duration::days(1), Duration::days(30), "http://ocsp.test/").expect("keys");
    let profile = Profile {
        common_name: "Signer".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::hours(1),
        not_after: NOW + Duration::days(1),
        dns_names: Vec::new(),
    };
    let signer = pki.issue(profile).expect("a key");
    let chain = [signer.certificate.clone(), pki.issuing_ca().clone()];
    let algorithm = signer.key.default_algorithm();
    let content = Content::Detached(hash(DigestAlgorithm::Sha256, &piece));
    let signature = cades::sign(content, &signer.key, algorithm, &chain, NOW).expect("a signature");
    let mut revocation = RevocationData::default();
    for (subject, issuer) in [(&signer.certificate, pki.issuing_ca()), (pki.issuing_ca(), pki.root())] {
        let answer = pki.answer_ocsp(&ocsp_request(subject, issuer, None), NOW);
        revocation.ocsp.push(OcspResponse::from_der(&answer).expect("an answer"));
    }
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
    World { piece, signature, trust: TrustSnapshot::new(vec![anchor], Vec::new(), NOW), revocation }
});

/// The digest of the gibibyte that `piece`, repeated, makes.
fn hash(algorithm: DigestAlgorithm, piece: &[u8]) -> Digest {
    let mut digester = Digester::new(algorithm);
    (0..CONTENT_BYTES / PIECE_BYTES).for_each(|_| digester.update(piece));
    digester.finish()
}

/// Hashes the gibibyte, validates the signature over it, writes the report.
pub(super) fn validate_streamed() {
    let World { piece, signature, trust, revocation } = &*WORLD;
    let document = UnverifiedDocument::parse(signature).expect("a signature");
    let mut digesters: Vec<Digester> = document.digest_algorithms().into_iter().map(Digester::new).collect();
    for _ in 0..CONTENT_BYTES / PIECE_BYTES {
        digesters.iter_mut().for_each(|digester| digester.update(piece));
    }
    let document = document.with_detached(digesters.into_iter().map(Digester::finish).collect());
    let policy = Policy::default();
    let outcome = validate(document, &Context { trust, revocation, at: NOW, policy: &policy });
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    std::hint::black_box(serde_json::to_string(&outcome.report).expect("JSON"));
}

pub(super) fn contest() -> Contest {
    validate_streamed();
    let alone = |_| {
        std::hint::black_box(hash(DigestAlgorithm::Sha256, &WORLD.piece));
    };
    let contenders = vec![
        Contender::bytes("vuzol", CONTENT_BYTES, |_| validate_streamed()),
        Contender::bytes("sha-256-alone", CONTENT_BYTES, alone),
    ];
    Contest { unit: Unit::Mebibytes, contenders }
}
