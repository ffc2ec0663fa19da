//! Trust over the API: what an operator states has its effect at once, is on record, outlives a restart, and can be taken back.

use super::*;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{DevPki, Profile, Usage};
use schemas::trust::{CertificateDigest, TrustOrigin, TrustPurpose, TrustStatement};
use storage::clock::SystemClock;

use crate::client::{Client, ClientError};
use crate::demo::services::DemoServices;
use crate::demo::site::Site;

struct Ground {
    site: Site,
    _folder: tempfile::TempDir,
    _services: DemoServices,
    config: Config,
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bound = DemoServices::bind().await.unwrap();
        let site = Site::create(&folder.path().join("site"), SystemClock.now(), &bound.ocsp_url(), 1).unwrap();
        let services = bound.start(site.pki().clone(), Arc::new(SystemClock));
        let config = site.config().clone();
        Self { site, _folder: folder, _services: services, config }
    }

    async fn start(&self) -> Result<Node, StartError> {
        Node::start(self.config.clone(), Arc::new(SystemClock), Duties::All, true).await
    }

    fn operator(&self, node: &Node) -> Client {
        self.site.client(&base(node), self.site.operator()).unwrap()
    }

    fn agency(&self, node: &Node) -> Client {
        self.site.client(&base(node), &self.site.agencies()[0].login).unwrap()
    }

    fn root(&self) -> CertificateDigest {
        self.site.pki().root().fingerprint().into()
    }
}

fn base(node: &Node) -> String {
    format!("https://localhost:{}", node.public_address().port())
}

fn statement(certificate: Option<&Certificate>, purposes: &[TrustPurpose]) -> TrustStatement {
    TrustStatement { purposes: purposes.to_vec(), der: certificate.map(|one| STANDARD.encode(one.der())) }
}

fn code<T: std::fmt::Debug>(refused: Result<T, ClientError>) -> String {
    refused.unwrap_err().code().unwrap().to_owned()
}

/// The rows of an action: actor and outcome.
async fn rows(config: &Config, action: &str) -> Vec<String> {
    let (_, reader) = open_database(&config.storage.database, false).unwrap();
    let mut found = Vec::new();
    // The log takes rows out of the outbox when it numbers them: both are looked at.
    let sql = "-- test
        SELECT entry FROM (
            SELECT 0 AS later, seq AS place, entry FROM audit_seq UNION ALL SELECT 1, id, entry FROM audit_outbox
        ) ORDER BY later, place";
    let entries = reader.read("test", move |tx| tx.query(sql, &[], |row| row.blob(0))).await.unwrap();
    for entry in entries {
        let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
        if entry["action"] == action {
            let reason = entry["reason"].as_str().unwrap_or("-");
            found.push(format!("{} {} {reason}", entry["actor"].as_str().unwrap(), entry["outcome"].as_str().unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_states_whom_to_believe_and_the_node_does() {
    let ground = Ground::new().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    let before = operator.trust().await.unwrap();
    let root = before.certificates.iter().find(|one| one.sha256 == ground.root()).unwrap();
    assert_eq!((root.origin, root.purposes.len(), root.stale), (TrustOrigin::Folder, 4, false));

    let other = DevPki::new(SystemClock.now(), time::Duration::days(30), "").unwrap();
    let sha256 = CertificateDigest::from(other.root().fingerprint());
    let stated = statement(Some(other.root()), &[TrustPurpose::Signing, TrustPurpose::Timestamping]);
    let told = operator.set_trust(sha256, &stated).await.unwrap();
    assert_eq!((told.sha256, told.origin), (sha256, TrustOrigin::Operator));
    let after = operator.trust().await.unwrap();
    assert_ne!(after.snapshot, before.snapshot, "the set in use follows at once");
    let one = after.certificates.iter().find(|one| one.sha256 == sha256).unwrap();
    assert_eq!(one.purposes, [TrustPurpose::Signing, TrustPurpose::Timestamping]);

    node.stop().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    assert_eq!(operator.trust().await.unwrap().snapshot, after.snapshot, "and outlives a restart");
    operator.withdraw_trust(sha256).await.unwrap();
    assert_eq!(operator.trust().await.unwrap().snapshot, before.snapshot);
    assert_eq!(code(operator.withdraw_trust(sha256).await), "request.not_found");
    node.stop().await;
}

/// An authority that lies in a folder can be left over the API.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stated_outweighs_the_folders() {
    let ground = Ground::new().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    let issuing = CertificateDigest::from(ground.site.pki().issuing_ca().fingerprint());
    let told = operator.set_trust(issuing, &statement(None, &[])).await.unwrap();
    assert_eq!((told.purposes.as_slice(), told.origin), (&[][..], TrustOrigin::Operator));
    assert!(told.subject.is_some(), "the node has the certificate");
    let one = operator.trust().await.unwrap().certificates.into_iter().find(|one| one.sha256 == issuing).unwrap();
    assert_eq!(one, told);
    // Of a certificate that the node never saw.
    let nobody = CertificateDigest::from([7; 32]);
    let told = operator.set_trust(nobody, &statement(None, &[])).await.unwrap();
    assert_eq!((told.subject, told.not_after), (None, None));
    assert!(operator.trust().await.unwrap().certificates.iter().any(|one| one.sha256 == nobody));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_talks_the_node_out_of_its_last_anchor() {
    let ground = Ground::new().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    let before = operator.trust().await.unwrap();
    for purposes in [&[][..], &[TrustPurpose::Signing], &[TrustPurpose::Intermediate]] {
        let refused = operator.set_trust(ground.root(), &statement(None, purposes)).await;
        assert_eq!(code(refused), "trust.last_anchor", "{purposes:?}");
    }
    assert_eq!(operator.trust().await.unwrap(), before);
    // With a successor it goes; without the successor's statement it would not come to that.
    let successor = DevPki::new(SystemClock.now(), time::Duration::days(30), "").unwrap();
    let sha256 = CertificateDigest::from(successor.root().fingerprint());
    let needed = [TrustPurpose::Signing, TrustPurpose::Login, TrustPurpose::Encryption];
    operator.set_trust(sha256, &statement(Some(successor.root()), &needed)).await.unwrap();
    let only_login = statement(None, &[TrustPurpose::Login]);
    operator.set_trust(ground.root(), &only_login).await.unwrap();
    assert_eq!(code(operator.set_trust(sha256, &statement(None, &[])).await), "trust.last_anchor");
    operator.withdraw_trust(ground.root()).await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_neither_read_nor_state_it_and_what_is_wrong_is_said() {
    let ground = Ground::new().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    let agency = &ground.site.agencies()[0];
    operator.register(agency.edrpou, &agency.registration()).await.unwrap();
    let participant = ground.agency(&node);
    assert_eq!(code(participant.trust().await), "access.forbidden");
    assert_eq!(code(participant.set_trust(ground.root(), &statement(None, &[])).await), "access.forbidden");
    assert_eq!(code(participant.withdraw_trust(ground.root()).await), "access.forbidden");

    let unknown = CertificateDigest::from([7; 32]);
    let signing = [TrustPurpose::Signing];
    assert_eq!(code(operator.set_trust(unknown, &statement(None, &signing)).await), "request.malformed_json");
    let other = statement(Some(ground.site.pki().root()), &signing);
    assert_eq!(code(operator.set_trust(unknown, &other).await), "request.malformed_json");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_and_every_refusal_has_its_row() {
    let ground = Ground::new().await;
    let rooms = Rooms::open(&ground.config, Arc::new(SystemClock), true).unwrap();
    let (keeper, access) = (rooms.keeper.clone(), rooms.access.clone());
    let actor = access::Actor::Operator { certificate: ground.site.operator().certificate.fingerprint() };
    let root = ground.site.pki().root().clone();
    let permit = access.decide::<access::decide::SetTrust>(&actor, ground.root()).await.unwrap();
    let all = [TrustPurpose::Signing, TrustPurpose::Login, TrustPurpose::Encryption];
    keeper.state(permit.clone(), &statement(Some(&root), &all)).await.unwrap();
    keeper.withdraw(permit).await.unwrap();
    let operator = actor.pseudonym();
    assert_eq!(rows(&ground.config, "trust.set").await, [format!("{operator} done -")]);
    assert_eq!(rows(&ground.config, "trust.withdraw").await, [format!("{operator} done -")]);
}

/// A statement that keeps every operator out is taken back on the node's machine.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_needs_no_login() {
    let ground = Ground::new().await;
    let node = ground.start().await.unwrap();
    let operator = ground.operator(&node);
    let successor = DevPki::new(SystemClock.now(), time::Duration::days(30), "").unwrap();
    let needed = [TrustPurpose::Signing, TrustPurpose::Login, TrustPurpose::Encryption];
    let sha256 = CertificateDigest::from(successor.root().fingerprint());
    operator.set_trust(sha256, &statement(Some(successor.root()), &needed)).await.unwrap();
    operator.set_trust(ground.root(), &statement(None, &[TrustPurpose::Signing])).await.unwrap();
    node.stop().await;
    let node = ground.start().await.unwrap();
    assert_eq!(code(ground.operator(&node).trust().await), "login.certificate_untrusted", "nobody can log in");
    node.stop().await;
    let file = ground.site.config_file().display().to_string();
    let root = ground.root().to_string();
    let code = tokio::task::spawn_blocking(move || {
        let line = ["vuzol", "admin", "trust", "forget", root.as_str(), "--config", file.as_str()];
        crate::commands::run(line.map(Into::into))
    });
    assert_eq!(code.await.unwrap(), 0);
    let node = ground.start().await.unwrap();
    assert!(ground.operator(&node).trust().await.is_ok());
    node.stop().await;
}

/// An expired anchor, a participant's certificate of an authority with a new key: what the loop collects becomes known to all.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_completes_paths_and_an_operator_may_forbid_it() {
    let ground = Ground::new().await;
    let rooms = Rooms::open(&ground.config, Arc::new(SystemClock), true).unwrap();
    let renewed = ground.site.pki().with_new_issuing_key().unwrap();
    let fetched = renewed.issuing_ca().clone();
    rooms.trust.complete_with(vec![fetched.clone()]);
    assert_eq!(rooms.keeper.refresh().await, Ok(true));
    assert!(rooms.trust.current().intermediates().contains(&fetched));
    let told = rooms.keeper.read().await.unwrap().certificates;
    let one = told.iter().find(|one| *one.sha256.as_bytes() == fetched.fingerprint()).unwrap();
    assert_eq!((one.origin, one.purposes.as_slice()), (TrustOrigin::Fetched, &[TrustPurpose::Intermediate][..]));
    let actor = access::Actor::Operator { certificate: [1; 32] };
    let sha256 = CertificateDigest::from(fetched.fingerprint());
    let permit = rooms.access.decide::<access::decide::SetTrust>(&actor, sha256).await.unwrap();
    rooms.keeper.state(permit, &statement(None, &[])).await.unwrap();
    assert!(!rooms.trust.current().intermediates().contains(&fetched));
}

/// An agency comes with certificates of its authority's new key, of which the node never heard.
#[tokio::test(flavor = "multi_thread")]
async fn an_authoritys_new_key_is_fetched_for_the_sake_of_a_registered_certificate() {
    let mut ground = Ground::new().await;
    let bound = DemoServices::bind().await.unwrap();
    let renewed = ground.site.pki().with_new_issuing_key().unwrap().naming_issuer_at(&bound.issuer_url());
    ground.config.revocation.allowed_hosts.push(bound.address().to_string());
    let now = SystemClock.now();
    let profile = Profile {
        common_name: "Encryption".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Encryption,
        key: crypto::key::KeyKind::Ec(crypto::key::Curve::P256),
        not_before: now - time::Duration::hours(1),
        not_after: now + time::Duration::days(1),
        dns_names: Vec::new(),
    };
    let encryption = renewed.issue(profile).unwrap().certificate;
    let authority = renewed.issuing_ca().clone();
    let _services = bound.start(Arc::new(renewed), Arc::new(SystemClock));
    let rooms = Rooms::open(&ground.config, Arc::new(SystemClock), true).unwrap();
    let agency = &ground.site.agencies()[0];
    let registration = schemas::registry::ParticipantRegistration {
        certificates: vec![schemas::registry::CertificateRegistration {
            usage: schemas::registry::CertificateUsage::Encryption,
            der: STANDARD.encode(encryption.der()),
        }],
        ..agency.registration()
    };
    let actor = access::Actor::Operator { certificate: [1; 32] };
    let permit = rooms.access.decide::<access::decide::RegisterParticipant>(&actor, agency.edrpou).await.unwrap();
    rooms.access.registry().register(permit, registration).await.unwrap();
    let leads = |trust: &certs::trust::TrustSnapshot| {
        let purpose = certs::trust::Purpose::Encryption;
        certs::path::verify(&encryption, &[], trust, purpose, now, &mut certs::path::Budget::default()).is_ok()
    };
    assert!(!leads(&rooms.trust.current()));

    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    Running { tasks: &tasks, shutdown: &shutdown }.collect(&rooms, 1_000_000);
    for _ in 0..200 {
        if !rooms.trust.fetched().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.cancel();
    assert_eq!(rooms.trust.fetched(), [authority]);
    rooms.keeper.refresh().await.unwrap();
    assert!(leads(&rooms.trust.current()));
}
