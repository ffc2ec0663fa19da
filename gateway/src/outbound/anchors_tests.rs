//! Authorities whose time-stamps are not for the log: expired, without trust, over something else, down, an old answer.

use super::*;

use std::sync::atomic::{AtomicBool, Ordering};

use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::trust::{TrustAnchor, TrustSnapshot};
use crypto::digest::{digest, sha256};
use crypto::key::{Curve, KeyKind};
use storage::clock::ManualClock;
use time::{Duration, OffsetDateTime};

use crate::outbound::Revocation;
use crate::outbound::liar::{Liar, http};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

struct Believed(Arc<TrustSnapshot>);

impl TrustSource for Believed {
    fn current(&self) -> Arc<TrustSnapshot> {
        self.0.clone()
    }
}

/// An authority's services, whose time-stamps `answer` makes of questions, and who believes them.
struct Place {
    authority: ConfiguredAuthority,
    liar: Liar,
    _services: crate::demo::services::DemoServices,
}

async fn place(believed: bool, answer: impl Fn(&DevPki, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Place {
    let bound = crate::demo::services::DemoServices::bind().await.unwrap();
    let pki = Arc::new(DevPki::new(NOW - Duration::days(40), Duration::days(80), &bound.ocsp_url()).unwrap());
    let responder = bound.address().to_string();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    let services = bound.start(pki.clone(), clock.clone());
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::TimeStamping] };
    let anchors = if believed { vec![anchor] } else { Vec::new() };
    let trust = TrustSnapshot::new(anchors, vec![pki.issuing_ca().clone()], NOW);
    let liar = Liar::answering(move |question| {
        http("200 OK", "content-type: application/timestamp-reply\r\n", &answer(&pki, question))
    })
    .await;
    let authority = ConfiguredAuthority {
        client: TimestampClient::new(std::slice::from_ref(&liar.host)).unwrap(),
        url: liar.url("tsa"),
        trust: Arc::new(Believed(Arc::new(trust))),
        revocation: Arc::new(Revocation::new(&[responder]).unwrap()),
        clock,
    };
    Place { authority, liar, _services: services }
}

fn stamper(pki: &DevPki, usage: Usage, days: std::ops::Range<i64>) -> Identity {
    let profile = Profile {
        common_name: "Stamps".to_owned(),
        organisation: Some("Authority".to_owned()),
        edrpou: None,
        rnokpp: None,
        usage,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW + Duration::days(days.start),
        not_after: NOW + Duration::days(days.end),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap()
}

fn imprint() -> [u8; 32] {
    sha256(b"checkpoint")
}

#[tokio::test]
async fn a_time_stamp_of_an_authority_that_is_trusted_is_taken() {
    let place = place(true, |pki, question| pki.answer_tsa(question, NOW)).await;
    let token = place.authority.stamp(imprint()).await.unwrap();
    place.authority.holds(&token, imprint()).await.unwrap();
    let other = place.authority.holds(&token, sha256(b"another checkpoint")).await.unwrap_err();
    assert!(!other.0.is_empty());
    assert!(place.authority.holds(&token[..token.len() - 1], imprint()).await.is_err());
    assert_eq!(place.liar.asked(), 1);
}

#[tokio::test]
async fn a_time_stamp_whose_authoritys_certificate_has_expired_is_refused() {
    let place =
        place(true, |pki, question| pki.answer_tsa_by(&stamper(pki, Usage::TimeStamping, -30..-1), question, NOW))
            .await;
    let refused = place.authority.stamp(imprint()).await.unwrap_err();
    assert!(refused.0.contains("cannot be relied on"), "{refused}");
}

#[tokio::test]
async fn a_time_stamp_over_something_else_is_refused() {
    let place = place(true, |pki, _| {
        let other = digest(DigestAlgorithm::Sha256, b"another checkpoint");
        pki.answer_tsa(&certs::timestamp::request(&other, Some(&[1; 16]), true), NOW)
    })
    .await;
    let refused = place.authority.stamp(imprint()).await.unwrap_err();
    assert!(refused.0.contains("another imprint"), "{refused}");
}

#[tokio::test]
async fn a_time_stamp_of_a_stranger_or_by_a_key_that_is_for_something_else_is_refused() {
    let stranger = place(false, |pki, question| pki.answer_tsa(question, NOW)).await;
    assert!(stranger.authority.stamp(imprint()).await.unwrap_err().0.contains("cannot be relied on"));
    let other =
        place(true, |pki, question| pki.answer_tsa_by(&stamper(pki, Usage::Signing, -1..20), question, NOW)).await;
    assert!(other.authority.stamp(imprint()).await.unwrap_err().0.contains("cannot be relied on"));
}

#[tokio::test]
async fn an_authority_that_is_revoked_stamps_nothing_any_more() {
    let revoked = Arc::new(AtomicBool::new(false));
    let flag = revoked.clone();
    let place = place(true, move |pki, question| {
        let stamper = stamper(pki, Usage::TimeStamping, -1..20);
        if flag.load(Ordering::SeqCst) {
            pki.revoke(&stamper.certificate, NOW - Duration::hours(1), 1);
        }
        pki.answer_tsa_by(&stamper, question, NOW)
    })
    .await;
    place.authority.stamp(imprint()).await.unwrap();
    revoked.store(true, Ordering::SeqCst);
    assert!(place.authority.stamp(imprint()).await.is_err());
}
