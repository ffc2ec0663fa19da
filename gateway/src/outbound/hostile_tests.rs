//! Responders and list servers that are down, or that lie: the node does without an answer, and says that it has none.

use super::*;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::path::{self, Budget};
use certs::revocation::path_status;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::key::{Curve, KeyKind};
use tokio::net::TcpListener;

use super::super::liar::{Liar, http};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

/// A throw-away PKI whose certificates name `host` as their responder, and a signer of it.
struct World {
    pki: DevPki,
    signer: Certificate,
    path: VerifiedPath,
}

impl World {
    fn new(host: &str) -> Self {
        let pki = DevPki::new(NOW, Duration::days(30), &format!("http://{host}/ocsp")).unwrap();
        let Identity { certificate: signer, .. } = pki.issue(profile()).unwrap();
        let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
        let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
        let path = path::verify(&signer, &[], &trust, Purpose::Signing, NOW, &mut Budget::default()).unwrap();
        Self { pki, signer, path }
    }

    async fn status(&self, revocation: &Revocation, at: OffsetDateTime) -> Status {
        path_status(&self.path, &revocation.data(&self.path, at).await, at).remove(0)
    }
}

fn profile() -> Profile {
    Profile {
        common_name: "Signer".to_owned(),
        organisation: None,
        edrpou: Some("00000001".to_owned()),
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::hours(1),
        not_after: NOW + Duration::days(10),
        dns_names: Vec::new(),
    }
}

fn asking(host: &str) -> Revocation {
    Revocation::new(&[host.to_owned()]).unwrap()
}

/// What a node that is offline knows.
fn is_nothing(status: &Status) -> bool {
    matches!(status, Status::Unknown { tried } if tried.is_empty())
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let refusal = [0x30, 3, 0x0a, 1, 3];
    for answer in [
        http("200 OK", "content-type: text/html\r\n", b"<html>Welcome to the hotel's network</html>"),
        http("200 OK", "", b""),
        http("200 OK", "", &refusal),
        http("200 OK", "", &vec![0x30; 70_000]),
        http("500 Internal Server Error", "", b""),
        b"220 mail.example ESMTP\r\n".to_vec(),
        Vec::new(),
    ] {
        let liar = Liar::saying(move |_| answer.clone()).await;
        let world = World::new(&liar.host);
        let status = world.status(&asking(&liar.host), NOW).await;
        assert!(is_nothing(&status) && liar.asked() > 0, "{status:?}");
    }
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let elsewhere = Liar::saying(|_| http("200 OK", "", b"")).await;
    let target = elsewhere.host.clone();
    let liar = Liar::saying(move |_| http("302 Found", &format!("location: http://{target}/metadata\r\n"), b"")).await;
    let world = World::new(&liar.host);
    // Both hosts are on the list: a redirect is still no answer.
    let revocation = Revocation::new(&[liar.host.clone(), elsewhere.host.clone()]).unwrap();
    assert!(is_nothing(&world.status(&revocation, NOW).await));
    assert_eq!(elsewhere.asked(), 0);
}

/// Answers that are honest but for another certificate, another authority, or another day.
#[tokio::test]
async fn honest_answers_to_other_questions_do_not_count() {
    let other = World::new("127.0.0.1:1");
    let request = ocsp_request(&other.signer, other.pki.issuing_ca(), None);
    let foreign = other.pki.answer_ocsp(&request, NOW);
    let liar = Liar::saying(move |_| http("200 OK", "", &foreign)).await;
    assert!(is_nothing(&World::new(&liar.host).status(&asking(&liar.host), NOW).await));
    // A replay: good an hour ago, revoked since.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let world = World::new(&host);
    let request = ocsp_request(&world.signer, world.pki.issuing_ca(), None);
    let old = world.pki.answer_ocsp(&request, NOW - Duration::hours(2));
    let response = OcspResponse::from_der(&old).unwrap();
    let data = RevocationData { ocsp: vec![response.clone()], crls: Vec::new() };
    let verdict = status(&world.signer, world.pki.issuing_ca(), &data, NOW);
    assert!(known(Answer::Ocsp(response), verdict, NOW, NOW).is_err(), "out of date");
}

/// A host that is down is asked three times, then left alone for a while, and then found again.
#[tokio::test]
async fn a_host_that_is_down_rests() {
    let liar = Liar::saying(|_| Vec::new()).await;
    let world = World::new(&liar.host);
    let revocation = asking(&liar.host);
    let mut asked = Vec::new();
    for minute in 0..4 {
        // Each time another certificate, so that no failure of a single one is remembered.
        let at = NOW + Duration::seconds(minute);
        let signer = world.pki.issue(profile()).unwrap().certificate;
        assert!(revocation.answer(&signer, world.pki.issuing_ca(), at, None).await.is_none());
        asked.push(liar.asked());
    }
    assert_eq!(asked, [1, 2, 3, 3]);
    let signer = world.pki.issue(profile()).unwrap().certificate;
    assert!(revocation.answer(&signer, world.pki.issuing_ca(), NOW + Duration::minutes(1), None).await.is_none());
    assert_eq!(liar.asked(), 4);
}

/// A node without Internet answers from the lists of a bundle, and from nothing else.
#[tokio::test]
async fn a_bundle_serves_a_node_without_internet() {
    let world = World::new("127.0.0.1:1");
    world.pki.revoke(&world.signer, NOW - Duration::hours(2), 1);
    let ground = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = ground.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("root.pem"), world.pki.root().to_pem()).unwrap();
        path
    };
    let trust = crate::config::TrustConfig {
        signing: folder("anchors"),
        login: folder("anchors"),
        encryption: folder("anchors"),
        timestamping: folder("anchors"),
        intermediates: None,
        lists: Some(folder("lists")),
    };
    let clock = Arc::new(storage::clock::ManualClock::new(NOW));
    let offline = || {
        let beside = Some(Arc::new(FolderTrust::open(&trust, clock.clone()).unwrap()));
        let sources = Sources { beside, ..Sources::default() };
        Revocation::with(Arc::new(Fetcher::new(&[]).unwrap()), sources)
    };
    assert!(is_nothing(&world.status(&offline(), NOW).await));
    let list = world.pki.crl(NOW - Duration::hours(1)).unwrap();
    std::fs::write(ground.path().join("lists/issuing.crl"), list).unwrap();
    assert!(matches!(world.status(&offline(), NOW).await, Status::Revoked { reason: Some(1), .. }));
    let stranger = World::new("127.0.0.1:1").pki.crl(NOW).unwrap();
    std::fs::write(ground.path().join("lists/issuing.crl"), stranger).unwrap();
    let found = world.status(&offline(), NOW).await;
    assert!(matches!(found, Status::Unknown { .. }), "another authority's list: {found:?}");
}
