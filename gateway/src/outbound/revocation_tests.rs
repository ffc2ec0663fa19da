//! The cache against a responder.

use super::*;

use certs::dev::{DevPki, Profile, Usage};
use certs::path::{self, Budget};
use certs::revocation::path_status;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::key::{Curve, KeyKind};
use storage::Clock;
use storage::clock::ManualClock;

use crate::demo::services::DemoServices;

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
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
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
    known(Answer::Ocsp(response), status(&other.signer, other.pki.issuing_ca(), &data, NOW), NOW, NOW)
}

/// Storage of a node, which outlives its processes.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        storage::store::migrate(&storage::store::StoreConfig::new(folder.path().join("vuzol.db"))).unwrap();
        Self { folder }
    }

    fn kept(&self) -> FetchedStore {
        let (writer, reader) =
            storage::store::open(&storage::store::StoreConfig::new(self.folder.path().join("vuzol.db"))).unwrap();
        let objects = storage::objects::Objects::open_folder(&self.folder.path().join("objects")).unwrap();
        FetchedStore::new(writer, reader, objects, storage::fetched::Bounds::default())
    }

    /// A process of the node.
    fn process(&self, host: &str) -> Revocation {
        let sources = Sources { kept: Some(self.kept()), ..Sources::default() };
        Revocation::with(Arc::new(Fetcher::new(&[host.to_owned()]).unwrap()), sources)
    }

    /// Waits until so many answers are in storage: they are written beside the requests.
    async fn holds(&self, kind: &'static str, keys: &[[u8; 32]]) {
        let kept = self.kept();
        for key in keys {
            for _ in 0..200 {
                if kept.load(kind, *key, NOW).await.unwrap().is_some() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            assert!(kept.load(kind, *key, NOW).await.unwrap().is_some(), "{kind}");
        }
    }
}

impl World {
    /// The status of the signer as a process tells it.
    async fn status_at(&self, revocation: &Revocation, at: OffsetDateTime) -> Status {
        path_status(&self.path, &revocation.data(&self.path, at).await, at).remove(0)
    }

    fn keys(&self) -> [[u8; 32]; 2] {
        [self.signer.fingerprint(), self.pki.issuing_ca().fingerprint()]
    }

    async fn responder_goes_down(&mut self) {
        self.services = None;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_answer_outlives_the_process_and_no_longer_than_it_would_have() {
    let (ground, mut world) = (Ground::new(), World::new().await);
    let first = world.statuses(&ground.process(&world.host)).await;
    ground.holds(OCSP, &world.keys()).await;
    world.responder_goes_down().await;
    assert_eq!(world.statuses(&ground.process(&world.host)).await, first, "a new process, and nobody to ask");
    let late = NOW + Duration::minutes(59);
    assert!(matches!(world.status_at(&ground.process(&world.host), late).await, Status::Good { .. }));
    let stale = NOW + Duration::hours(1);
    let told = world.status_at(&ground.process(&world.host), stale).await;
    assert!(matches!(&told, Status::Unknown { tried } if tried.is_empty()), "{told:?}");
    // A clock that was set back does not bring an answer of the future.
    let told = world.status_at(&ground.process(&world.host), NOW - Duration::hours(2)).await;
    assert!(matches!(told, Status::Unknown { .. }), "{told:?}");
}

#[tokio::test]
async fn an_aging_answer_is_renewed_where_the_responder_is_there() {
    let (ground, world) = (Ground::new(), World::new().await);
    world.statuses(&ground.process(&world.host)).await;
    ground.holds(OCSP, &world.keys()).await;
    world.pki.revoke(&world.signer, NOW - Duration::minutes(1), 1);
    let soon = NOW + Duration::minutes(10);
    assert!(
        matches!(world.status_at(&ground.process(&world.host), soon).await, Status::Good { .. }),
        "as without a restart"
    );
    let late = NOW + Duration::minutes(40);
    assert!(matches!(world.status_at(&ground.process(&world.host), late).await, Status::Revoked { .. }));
}

#[tokio::test]
async fn who_must_not_be_told_what_is_old_has_the_responder_asked_anew() {
    let (ground, mut world) = (Ground::new(), World::new().await);
    let process = ground.process(&world.host);
    let soon = NOW + Duration::minutes(1);
    let told_anew = async |world: &World, process: &Revocation| {
        let data = process.data_since(&world.path, soon, soon - Duration::seconds(10)).await;
        path_status(&world.path, &data, soon).remove(0)
    };
    assert!(matches!(world.statuses(&process).await[0], Status::Good { .. }));
    ground.holds(OCSP, &world.keys()).await;
    world.pki.revoke(&world.signer, NOW, 1);
    assert!(matches!(world.status_at(&process, soon).await, Status::Good { .. }), "an hour is near enough for others");
    // Neither what memory has nor what storage has is new enough.
    for process in [&process, &ground.process(&world.host)] {
        assert!(matches!(told_anew(&world, process).await, Status::Revoked { .. }));
    }
    // Where nobody can be asked, what is known serves as long as for others.
    let fresh = || Revocation::new(std::slice::from_ref(&world.host)).unwrap();
    let (process, other) = (fresh(), fresh());
    let known = world.status_at(&process, NOW).await;
    world.responder_goes_down().await;
    assert_eq!(told_anew(&world, &process).await, known);
    assert!(matches!(told_anew(&world, &other).await, Status::Unknown { .. }));
}

#[tokio::test]
async fn changed_bytes_are_thrown_away() {
    let (ground, mut world) = (Ground::new(), World::new().await);
    world.statuses(&ground.process(&world.host)).await;
    ground.holds(OCSP, &world.keys()).await;
    world.responder_goes_down().await;
    let (writer, reader) =
        storage::store::open(&storage::store::StoreConfig::new(ground.folder.path().join("vuzol.db"))).unwrap();
    let sql = "-- test
        UPDATE fetched SET content = zeroblob(size)";
    writer.run_tx::<_, StoreError, _>("test", |tx| tx.execute(sql, &[])).await.unwrap();
    let told = world.status_at(&ground.process(&world.host), NOW).await;
    assert!(matches!(&told, Status::Unknown { tried } if tried.is_empty()), "{told:?}");
    let count = "-- test
        SELECT count(*) FROM fetched";
    let left = reader.read("test", move |tx| tx.query_optional(count, &[], |row| row.integer(0))).await.unwrap();
    assert_eq!(left, Some(0), "and are gone");
}

/// Whole bytes under the wrong name: an honest answer about another certificate.
#[tokio::test]
async fn what_is_kept_is_judged_as_if_it_had_come_now() {
    let (ground, world) = (Ground::new(), World::new().await);
    let other = World::new().await;
    let request = ocsp_request(&other.signer, other.pki.issuing_ca(), None);
    let (answer, times) = (other.pki.answer_ocsp(&request, NOW), (NOW, NOW + Duration::hours(1)));
    ground.kept().keep(OCSP, world.signer.fingerprint(), &answer, times).await.unwrap();
    let told = world.status_at(&ground.process("127.0.0.1:1"), NOW).await;
    assert!(matches!(&told, Status::Unknown { tried } if tried.is_empty()), "{told:?}");
    assert_eq!(ground.kept().load(OCSP, world.signer.fingerprint(), NOW).await, Ok(None), "and is gone");
}

#[tokio::test]
async fn a_list_outlives_the_process_too() {
    use crate::outbound::liar::{Liar, http};
    let pki = Arc::new(DevPki::new(NOW - Duration::days(1), Duration::days(30), "").unwrap());
    let (ground, list) = (Ground::new(), pki.crl(NOW - Duration::hours(1)).unwrap());
    let server = Liar::saying(move |_| http("200 OK", "", &list)).await;
    let (process, url) = (ground.process(&server.host), server.url("crl"));
    let fetched = process.fetched(&url, NOW).await.unwrap();
    process.keep_list(&url, &fetched);
    process.keep_list(&url, &fetched);
    ground.holds(LIST, &[crypto::digest::sha256(url.as_bytes())]).await;
    let again = ground.process(&server.host);
    assert_eq!(again.fetched(&url, NOW + Duration::minutes(4)).await.unwrap().at, NOW);
    assert_eq!(server.asked(), 1, "from storage");
    let later = NOW + Duration::minutes(6);
    assert_eq!(ground.process(&server.host).fetched(&url, later).await.unwrap().at, later);
    assert_eq!(server.asked(), 2, "a list is looked for again after some minutes");
    // And where its server is gone, the kept one serves for the rest of its hour, as old as it is.
    let gone = ground.process("127.0.0.1:1");
    assert!(gone.fetched(&url, later).await.is_err(), "whose host is not allowed any more");
}
