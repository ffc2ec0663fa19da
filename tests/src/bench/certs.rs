//! The rows of `bench certs`. Every step checks what it does.
//!
//! | row | ours | peers |
//! |---|---|---|
//! | `path-ec-3` | a leaf below a prepared intermediate and anchor: read, verified for its purpose | rustls-webpki: leaf read, path built and verified, its anchor prepared |
//! | `path-ec-3-new` | the same, nothing prepared | rustls-webpki: the same, its anchor made anew |
//! | `cross-certified-12`, `candidates-10000`, `constraints-5000` | sets made to exhaust, read and refused | – |
//! | `crl-60mb-first` | a list taken over, its signature verified, one certificate looked up | – |
//! | `crl-60mb-again` | a look-up in a list that is kept | – |

use std::sync::LazyLock;

use certs::certificate::Certificate;
use certs::dev::hostile::{self, HostileSet, LongList};
use certs::dev::{DevPki, Profile, Usage};
use certs::path::{self, Budget, PathError};
use certs::revocation::Crl;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::key::{Curve, KeyKind};
use rustls::pki_types::{CertificateDer, UnixTime};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::measure::{Contender, Contest, Row, Unit};

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// All rows, in the order in which they are measured.
#[must_use]
pub fn rows() -> Vec<Row> {
    vec![
        Row::new("path-ec-3", prepared_path),
        Row::new("path-ec-3-new", new_path),
        Row::new("cross-certified-12", || refused(hostile::cross_certified(12, NOW))),
        Row::new("candidates-10000", || refused(hostile::candidate_issuers(10_000, NOW))),
        Row::new("constraints-5000", || refused(hostile::name_constraints(5_000, 1_000, NOW))),
        Row::new("crl-60mb-first", first_look_up),
        Row::new("crl-60mb-again", later_look_up),
    ]
}

fn contest(contenders: Vec<Contender>) -> Contest {
    Contest { unit: Unit::Operations, contenders }
}

struct Chain {
    leaf: Certificate,
    intermediate: Certificate,
    root: Certificate,
}

static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let pki = DevPki::new(NOW, Duration::days(30), "http://ocsp.test/").expect("keys");
    let profile = Profile {
        common_name: "Client".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::TlsClient,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::hours(1),
        not_after: NOW + Duration::days(1),
        dns_names: vec!["client.test".to_owned()],
    };
    let leaf = pki.issue(profile).expect("a key").certificate;
    Chain { leaf, intermediate: pki.issuing_ca().clone(), root: pki.root().clone() }
});

fn trust(anchor: &Certificate, intermediates: Vec<Certificate>, purpose: Purpose) -> TrustSnapshot {
    let anchor = TrustAnchor { certificate: anchor.clone(), purposes: vec![purpose] };
    TrustSnapshot::new(vec![anchor], intermediates, NOW)
}

fn read(der: &[u8]) -> Certificate {
    Certificate::from_der(der).expect("a certificate")
}

fn verify(leaf: &Certificate, pool: &[Certificate], trust: &TrustSnapshot, purpose: Purpose) -> Result<(), PathError> {
    path::verify(leaf, pool, trust, purpose, NOW, &mut Budget::default()).map(|_| ())
}

fn prepared_path() -> Contest {
    let known = trust(&CHAIN.root, vec![CHAIN.intermediate.clone()], Purpose::TlsClient);
    let ours = move |_| verify(&read(CHAIN.leaf.der()), &[], &known, Purpose::TlsClient).expect("a path");
    let root = CertificateDer::from(CHAIN.root.der());
    let anchors = [webpki::anchor_from_trusted_cert(&root).expect("an anchor").to_owned()];
    let peer = move |_| webpki_verifies(&anchors);
    contest(vec![Contender::operation("vuzol", ours), Contender::operation("rustls-webpki", peer)])
}

fn new_path() -> Contest {
    let ours = |_| {
        let known = trust(&read(CHAIN.root.der()), Vec::new(), Purpose::TlsClient);
        let pool = [read(CHAIN.intermediate.der())];
        verify(&read(CHAIN.leaf.der()), &pool, &known, Purpose::TlsClient).expect("a path");
    };
    let peer = |_| {
        let root = CertificateDer::from(CHAIN.root.der());
        webpki_verifies(&[webpki::anchor_from_trusted_cert(&root).expect("an anchor")]);
    };
    contest(vec![Contender::operation("vuzol", ours), Contender::operation("rustls-webpki", peer)])
}

fn webpki_verifies(anchors: &[rustls::pki_types::TrustAnchor<'_>]) {
    let (leaf, intermediate) = (CertificateDer::from(CHAIN.leaf.der()), CertificateDer::from(CHAIN.intermediate.der()));
    let leaf = webpki::EndEntityCert::try_from(&leaf).expect("a certificate");
    let seconds = u64::try_from(NOW.unix_timestamp()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let algorithms = [webpki::aws_lc_rs::ECDSA_P256_SHA256];
    let usage = webpki::KeyUsage::client_auth();
    leaf.verify_for_usage(&algorithms, anchors, &[intermediate], now, usage, None, None).expect("a path");
}

/// A set that is refused: read and judged anew each time, so that nothing is known beforehand.
fn refused(set: Result<HostileSet, crypto::key::KeyError>) -> Contest {
    let set = set.expect("keys");
    let ours = move |_| {
        let pool: Vec<_> = set.pool.iter().map(|certificate| read(certificate.der())).collect();
        let known = trust(&read(set.anchor.der()), Vec::new(), Purpose::Signing);
        let verdict = verify(&read(set.leaf.der()), &pool, &known, Purpose::Signing);
        assert_eq!(verdict, Err(PathError::BudgetExceeded));
    };
    contest(vec![Contender::operation("vuzol", ours)])
}

fn list() -> LongList {
    hostile::long_list(60_000_000, NOW).expect("keys")
}

fn first_look_up() -> Contest {
    let LongList { mut list, leaf, issuer, .. } = list();
    let ours = move |_| {
        let crl = Crl::from_vec(std::mem::take(&mut list)).expect("a list");
        assert!(crl.fact(&leaf, &issuer).expect("a fact").revoked.is_some());
        list = crl.into_der();
    };
    contest(vec![Contender::operation("vuzol", ours)])
}

fn later_look_up() -> Contest {
    let LongList { list, leaf, issuer, .. } = list();
    let crl = Crl::from_vec(list).expect("a list");
    let ours = move |_| assert!(crl.fact(&leaf, &issuer).expect("a fact").revoked.is_some());
    contest(vec![Contender::operation("vuzol", ours)])
}
