//! A node that starts, one that does not, and what its operator sees.

use super::*;
use ::http::{Method, Request, StatusCode, header};
use axum::body::Body;
use axum::routing::get;
use crypto::key::SoftwareKey;
use schemas::Problem;
use serde_json::Value;
use storage::clock::SystemClock;
use tower::Service;

use crate::config::KeySource;
use crate::demo::services::DemoServices;
use crate::demo::site::Site;
use crate::http::identity::{Connection, Entrance};
use crate::http::pass::REQUEST_ID;

/// A place to run a node in, with the services of its authority.
pub(super) struct Ground {
    pub(super) site: Site,
    pub(super) folder: tempfile::TempDir,
    _services: DemoServices,
}

impl Ground {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bound = DemoServices::bind().await.unwrap();
        let now = SystemClock.now();
        let site = Site::create(&folder.path().join("site"), now, &bound.ocsp_url(), 1).unwrap();
        let services = bound.start(site.pki().clone(), Arc::new(SystemClock));
        Self { site, folder, _services: services }
    }

    pub(super) async fn start(&self, config: Config) -> Result<Node, StartError> {
        Node::start(config, Arc::new(SystemClock), Duties::All, true).await
    }

    async fn fails(&self, change: impl FnOnce(&mut Config)) -> String {
        let mut config = self.site.config().clone();
        change(&mut config);
        self.start(config).await.err().unwrap().0
    }
}

async fn ask(address: SocketAddr, path: &str) -> (u16, String) {
    let answer =
        crate::client::plain_http_client().unwrap().get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_runs_says_so_and_how_it_is() {
    let ground = Ground::new().await;
    let node = ground.start(ground.site.config().clone()).await.unwrap();
    assert_eq!(ask(node.operator_address(), "/health/live").await, (200, "live".to_owned()));
    let (status, body) = ask(node.operator_address(), "/health/ready").await;
    let readiness: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &readiness["ready"]), (200, &Value::Bool(true)), "{body}");
    assert_eq!(readiness["trust"]["problem"], Value::Null);
    let snapshot = crypto::digest::hex(
        &FolderTrust::open(&ground.site.config().trust, Arc::new(SystemClock)).unwrap().current().id(),
    );
    assert_eq!(readiness["trust"]["snapshot"], snapshot);
    let (status, metrics) = ask(node.operator_address(), "/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("vuzol_request_seconds"), "{metrics}");
    assert_eq!(log_verifier_key(ground.site.config()).unwrap(), node.log_verifier_key());
    node.stop().await;
    // The database is free again, and the history goes on, from now on with a second line under each checkpoint.
    let kind = crypto::key::KeyKind::Dstu4145(crypto::dstu4145::Curve::M257);
    let national = ground.folder.path().join("national.pem");
    std::fs::write(&national, SoftwareKey::generate(kind).unwrap().to_pkcs8_pem().unwrap()).unwrap();
    let mut config = ground.site.config().clone();
    config.log.national_key = Some(national);
    let keys = log_verifier_key(&config).unwrap();
    let (first, second) = keys.split_once('\n').unwrap();
    crypto::merkle::NationalVerifier::from_vkey(second).unwrap();
    let node = ground.start(config).await.unwrap();
    assert_eq!(node.log_verifier_key(), first);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_start_is_named() {
    let ground = Ground::new().await;
    let other = ground.site.agencies()[0].folder().to_owned();
    let wrong_key = ground.fails(|c| c.evidence.key = KeySource::File(other.join("signing.key"))).await;
    assert!(wrong_key.contains("evidence.certificate") && wrong_key.contains("another key"), "{wrong_key}");
    let no_ed25519 = ground.fails(|c| c.log.key = other.join("signing.key")).await;
    assert!(no_ed25519.contains("log.key") && no_ed25519.contains("Ed25519"), "{no_ed25519}");
    let no_dstu = ground.fails(|c| c.log.national_key = Some(c.log.key.clone())).await;
    assert!(no_dstu.contains("log.national_key") && no_dstu.contains("DSTU 4145"), "{no_dstu}");
    let absent = ground.fails(|c| c.access.operators = vec!["/nowhere.pem".into()]).await;
    assert!(absent.contains("access.operators /nowhere.pem"), "{absent}");
    let alone = ground.fails(|c| c.retention.commission = vec![other.join("signing.pem")]).await;
    assert!(alone.contains("retention.commission") && alone.contains("two persons"), "{alone}");
    let empty = ground.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let untrusting = ground.fails(|c| c.trust.login = empty).await;
    assert!(untrusting.contains("trust.login"), "{untrusting}");
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let busy = ground.fails(|c| c.listen.public = taken.local_addr().unwrap()).await;
    assert!(busy.contains("listen.public"), "{busy}");
    let absent = Node::start(
        Config {
            storage: crate::config::StorageConfig {
                database: "/nowhere/vuzol.db".into(),
                ..ground.site.config().storage.clone()
            },
            ..ground.site.config().clone()
        },
        Arc::new(SystemClock),
        Duties::All,
        false,
    )
    .await;
    assert!(absent.err().unwrap().0.contains("storage.database"));
}

/// How long documents are kept must be known of every one that is there: also of those whose channel names another class by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_channels_have_named_must_stay_in_the_configuration() {
    use schemas::registry::{Channel, ChannelPolicy};
    let ground = Ground::new().await;
    let mut config = ground.site.config().clone();
    let letters = crate::config::ClassConfig { days: Some(5), permanent: false };
    config.retention.classes.insert("letters".to_owned(), letters);
    let node = ground.start(config.clone()).await.unwrap();
    let base = format!("https://localhost:{}", node.public_address().port());
    let operator = ground.site.client(&base, ground.site.operator()).unwrap();
    let agency = &ground.site.agencies()[0];
    operator.register(agency.edrpou, &agency.registration()).await.unwrap();
    let retention = "letters".parse().unwrap();
    for policy in [Some(ChannelPolicy { retention, ..ChannelPolicy::default() }), None] {
        let (sender, recipient) = (agency.edrpou, agency.mailbox.clone());
        let kinds = vec!["letter".parse().unwrap()];
        operator.set_channel(&Channel { sender, recipient, kinds, policy }).await.unwrap();
    }
    node.stop().await;
    let unknown = ground.fails(|_| ()).await;
    assert!(unknown.contains("retention.classes") && unknown.contains("letters"), "{unknown}");
    ground.start(config).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_would_know_nobody_does_not_start() {
    let ground = Ground::new().await;
    let config = ground.site.config().clone();
    let other = ground.folder.path().join("other.key");
    std::fs::write(&other, "0f".repeat(32)).unwrap();
    let with = |key: Option<std::path::PathBuf>| {
        let mut config = config.clone();
        config.access.identity_key = key;
        config
    };
    // As long as nobody is registered, any key will do, or none.
    for key in [None, Some(other.clone())] {
        ground.start(with(key)).await.unwrap().stop().await;
    }
    let node = ground.start(config.clone()).await.unwrap();
    let base = format!("https://localhost:{}", node.public_address().port());
    let operator = ground.site.client(&base, ground.site.operator()).unwrap();
    let (name, rnokpp) = ("Особа".to_owned(), Some("0000000017".to_owned()));
    let registration = schemas::directory::PersonRegistration { name, rnokpp, unzr: None };
    operator.register_person(&registration).await.unwrap();
    node.stop().await;
    for (key, what) in [(None, "no key is there"), (Some(other), "find nobody")] {
        let refused = ground.start(with(key)).await.err().unwrap().0;
        assert!(refused.contains("access.identity_key") && refused.contains(what), "{refused}");
    }
    ground.start(config).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_evidence_certificate_stops_a_start() {
    let ground = Ground::new().await;
    let expiry = ground.site.evidence_certificate().not_after();
    let clock = Arc::new(storage::clock::ManualClock::new(expiry + time::Duration::seconds(1)));
    let late = Node::start(ground.site.config().clone(), clock, Duties::All, true).await;
    assert!(late.err().unwrap().0.contains("validity"));
}

/// A request of the operator to routes of the test, behind the node's own door.
async fn behind_the_door(rooms: Rooms, config: &Config, chain: Vec<Vec<u8>>, path: &str) -> ::http::Response<Body> {
    let routes = axum::Router::new()
        .route("/panics", get(async || -> String { panic!("the database's password is secret") }))
        .route("/fine", get(async || "fine"));
    let mut router = http::guarded(routes, Arc::new(rooms.into_door(config)));
    let connection = Arc::new(Connection::new(Entrance::Api, ([127, 0, 0, 1], 1).into(), chain));
    let request = Request::builder().method(Method::GET).uri(path).extension(connection).body(Body::empty()).unwrap();
    router.call(request).await.unwrap()
}

fn operator_chain(site: &Site) -> Vec<Vec<u8>> {
    vec![site.operator().certificate.der().to_vec(), site.pki().issuing_ca().der().to_vec()]
}

async fn problem(response: ::http::Response<Body>) -> Problem {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let number = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.instance, format!("urn:uuid:{number}"));
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_its_request_tells_nothing_and_leaves_its_row() {
    let ground = Ground::new().await;
    let config = ground.site.config();
    let rooms = Rooms::open(config, Arc::new(SystemClock), true).unwrap();
    let (log, chain) = (rooms.log.clone(), operator_chain(&ground.site));
    let before = log.backlog().await.unwrap().0;
    let response = behind_the_door(rooms, config, chain, "/panics").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let problem = problem(response).await;
    assert_eq!(problem.code, "node.internal");
    assert_eq!(problem.detail, None);
    assert_eq!(log.backlog().await.unwrap().0, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_a_number_and_is_not_cached() {
    let ground = Ground::new().await;
    let config = ground.site.config();
    let rooms = Rooms::open(config, Arc::new(SystemClock), true).unwrap();
    let response = behind_the_door(rooms, config, operator_chain(&ground.site), "/fine").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key(REQUEST_ID));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_not_answered() {
    let ground = Ground::new().await;
    let config = ground.site.config();
    let rooms = Rooms::open(config, Arc::new(SystemClock), true).unwrap();
    // The table of the audit rows is gone: whatever the database says, no refusal may leave the node.
    let (writer, _) = open_database(&config.storage.database, false).unwrap();
    let gone =
        writer.run_tx::<_, storage::StoreError, _>("test", |tx| tx.execute("-- test\nDROP TABLE audit_outbox", &[]));
    gone.await.unwrap();
    let response = behind_the_door(rooms, config, Vec::new(), "/fine").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(response).await.code, "node.storage_unavailable");
}
