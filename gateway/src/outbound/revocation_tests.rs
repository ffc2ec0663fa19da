//! The cache by itself, and against a responder.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use certs::dev::{DevPki, Profile, Usage};
use certs::path::{self, Budget};
use certs::revocation::path_status;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::key::{Curve, KeyKind};
use storage::Clock;
use storage::clock::ManualClock;

use crate::demo::services::DemoServices;

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn known(n: usize, from: OffsetDateTime) -> Known<usize> {
    Known { value: n, from, until: from + Duration::minutes(10) }
}

/// A slot, and a source that counts how often it is asked.
struct Source {
    cache: Cache<u8, usize>,
    asked: Arc<AtomicUsize>,
    silent: bool,
}

impl Source {
    fn new() -> Self {
        Self { cache: Cache::new(), asked: Arc::default(), silent: false }
    }

    async fn value(&self, at: OffsetDateTime) -> Option<usize> {
        let (asked, silent) = (self.asked.clone(), self.silent);
        value(self.cache.slot(0, at), at, || async move {
            let n = asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(StdDuration::from_millis(50)).await;
            (!silent).then(|| known(n, at))
        })
        .await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_exchange() {
    let source = Source::new();
    let values = join_all((0..100).map(|_| source.value(START))).await;
    assert!(values.iter().all(|value| *value == Some(0)));
    assert_eq!(source.asked(), 1);
    assert_eq!(source.value(START + Duration::minutes(4)).await, Some(0));
    assert_eq!(source.asked(), 1, "a fresh answer is not asked for again");
}

#[tokio::test(start_paused = true)]
async fn an_aging_answer_serves_while_it_is_renewed() {
    let source = Source::new();
    source.value(START).await;
    let later = START + Duration::minutes(6);
    let before = tokio::time::Instant::now();
    assert_eq!(source.value(later).await, Some(0));
    assert!(before.elapsed().is_zero(), "the caller does not wait");
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    assert_eq!(source.value(later).await, Some(1));
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_seconds_and_never_displaces_an_answer() {
    let mut source = Source::new();
    source.value(START).await;
    source.silent = true;
    let aging = START + Duration::minutes(9);
    source.value(aging).await;
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    assert_eq!(source.value(aging).await, Some(0));
    let over = START + Duration::minutes(11);
    assert_eq!(source.value(over).await, None, "past its life it does not serve");
    let asked = source.asked();
    assert_eq!(source.value(over + Duration::seconds(1)).await, None);
    assert_eq!(source.asked(), asked, "a failure is not repeated at once");
    source.silent = false;
    assert!(source.value(over + Duration::seconds(6)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_read_the_clock_earlier_shares_the_answer() {
    let source = Source::new();
    let (first, second) = (source.value(START), source.value(START - Duration::milliseconds(1)));
    assert_eq!(tokio::join!(first, second), (Some(0), Some(0)));
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_future_does_not_serve() {
    let source = Source::new();
    source.value(START + Duration::hours(1)).await;
    assert_eq!(source.value(START).await, Some(1), "asked again after the clock was set back");
}

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

/// A responder for a throw-away PKI, and a signer of it.
struct World {
    pki: Arc<DevPki>,
    services: Option<DemoServices>,
    host: String,
    signer: Certificate,
    path: VerifiedPath,
}

impl World {
    async fn new() -> Self {
        let bound = DemoServices::bind().await.unwrap();
        let host = bound.address().to_string();
        let pki = Arc::new(DevPki::new(NOW - Duration::days(1), Duration::days(30), &bound.ocsp_url()).unwrap());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
        let services = Some(bound.start(pki.clone(), clock));
        let signer = Profile {
            common_name: "Signer".to_owned(),
            organisation: None,
            edrpou: Some("00000001".to_owned()),
            rnokpp: None,
            usage: Usage::Signing,
            key: KeyKind::Ec(Curve::P256),
            not_before: NOW - Duration::hours(1),
            not_after: NOW + Duration::days(10),
            dns_names: Vec::new(),
        };
        let signer = pki.issue(signer).unwrap().certificate;
        let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
        let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
        let path = path::verify(&signer, &[], &trust, Purpose::Signing, NOW, &mut Budget::default()).unwrap();
        Self { pki, services, host, signer, path }
    }

    async fn statuses(&self, revocation: &Revocation) -> Vec<Status> {
        path_status(&self.path, &revocation.data(&self.path, NOW).await, NOW)
    }
}

#[tokio::test]
async fn a_responder_on_the_list_is_asked_and_its_answer_outlives_it() {
    let mut world = World::new().await;
    let revocation = Revocation::new(std::slice::from_ref(&world.host)).unwrap();
    let statuses = world.statuses(&revocation).await;
    assert_eq!(statuses.len(), 2, "signer and issuing authority");
    assert!(statuses.iter().all(|status| matches!(status, Status::Good { .. })), "{statuses:?}");
    world.services = None;
    tokio::time::sleep(StdDuration::from_millis(50)).await;
    assert_eq!(world.statuses(&revocation).await, statuses);
}

#[tokio::test]
async fn a_revoked_certificate_is_told_so() {
    let world = World::new().await;
    world.pki.revoke(&world.signer, NOW - Duration::minutes(1), 1);
    let revocation = Revocation::new(std::slice::from_ref(&world.host)).unwrap();
    assert!(matches!(world.statuses(&revocation).await[0], Status::Revoked { .. }));
}

#[tokio::test]
async fn a_responder_that_is_not_on_the_list_is_never_asked() {
    let world = World::new().await;
    let revocation = Revocation::new(&["ocsp.example".to_owned()]).unwrap();
    let data = revocation.data(&world.path, NOW).await;
    assert!(data.ocsp.is_empty() && data.crls.is_empty());
}

#[tokio::test]
async fn an_answer_for_another_certificate_is_not_believed() {
    let world = World::new().await;
    let other = World::new().await;
    assert!(known_answer(&world, &other).is_err());
    assert!(known_answer(&world, &world).is_ok());
}

/// What the cache makes of an honest answer about `world`'s signer when it is taken for one about `other`'s.
fn known_answer(world: &World, other: &World) -> Result<Known<Answer>, String> {
    let request = ocsp_request(&world.signer, world.pki.issuing_ca(), None);
    let response = OcspResponse::from_der(&world.pki.answer_ocsp(&request, NOW)).unwrap();
    let data = RevocationData { ocsp: vec![response.clone()], crls: Vec::new() };
    super::known(Answer::Ocsp(response), status(&other.signer, other.pki.issuing_ca(), &data, NOW), NOW)
}
