//! A node with a signed bundle of policies: what it decides by, what it goes over to while it runs, what it refuses, what it remembers.

use ::http::Method;
use access::{Bundle, PolicyFiles};
use certs::dev::{Identity, Profile, Usage};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyHandle, KeyKind};
use signing::cades::{Content, Options, Signatory, prepare_parallel, sign};
use storage::clock::SystemClock;
use time::Duration as Span;

use super::tests::Ground;
use super::*;
use crate::config::PoliciesConfig;
use crate::policies::signature_of;

/// What the shipped policies allow, and this region does not.
const LOCAL: &str =
    r#"@id("local.no-log") forbid (principal is Vuzol::Participant, action == Vuzol::Action::"read_log", resource);"#;

fn bundle(number: u64, local: &str) -> Vec<u8> {
    let shipped = PolicyFiles::shipped();
    let policies = shipped.policies().chain([("local.cedar", local)]);
    let policies = policies.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    serde_json::to_vec(&Bundle { number, schema: shipped.schema().to_owned(), policies }).unwrap()
}

/// The signatures of all of them in one file.
fn signed_by(signers: &[&Identity], bundle: &[u8]) -> Vec<u8> {
    let (content, now) = (|| digest(DigestAlgorithm::Sha256, bundle), SystemClock.now());
    let (first, others) = signers.split_first().unwrap();
    let algorithm = first.key.default_algorithm();
    let chain = [first.certificate.clone()];
    let signed = sign(Content::Detached(content()), &first.key, algorithm, &chain, now).unwrap();
    others.iter().fold(signed, |signed, signer| {
        let chain = [signer.certificate.clone()];
        let signatory = Signatory { chain: &chain, algorithm: signer.key.default_algorithm(), signing_time: now };
        let prepared = prepare_parallel(&signed, Some(content()), &signatory, &Options::default()).unwrap();
        let value = signer.key.sign(prepared.algorithm(), prepared.to_be_signed()).unwrap();
        prepared.complete(&value).unwrap()
    })
}

/// A node's ground with two persons whose signatures put bundles in force.
struct Council {
    ground: Ground,
    first: Identity,
    second: Identity,
    config: Config,
}

impl Council {
    async fn new() -> Self {
        let ground = Ground::new().await;
        let signer = |rnokpp: &str| {
            let profile = Profile {
                common_name: "Officer".to_owned(),
                organisation: None,
                edrpou: None,
                rnokpp: Some(rnokpp.to_owned()),
                usage: Usage::Signing,
                key: KeyKind::Ec(Curve::P256),
                not_before: SystemClock.now() - Span::HOUR,
                not_after: SystemClock.now() + Span::DAY,
                dns_names: Vec::new(),
            };
            ground.site.pki().issue(profile).unwrap()
        };
        let (first, second) = (signer("0000000001"), signer("0000000002"));
        let file = |name: &str| ground.folder.path().join(name);
        for (name, signer) in [("first.pem", &first), ("second.pem", &second), ("again.pem", &signer("0000000001"))] {
            std::fs::write(file(name), signer.certificate.to_pem()).unwrap();
        }
        let signers = vec![file("first.pem"), file("second.pem")];
        let mut config = ground.site.config().clone();
        config.policies = PoliciesConfig { bundle: Some(file("policies.json")), signers, signatures: 2 };
        Self { ground, first, second, config }
    }

    fn lays(&self, bundle: &[u8], signers: &[&Identity]) {
        let file = self.config.policies.bundle.as_deref().unwrap();
        std::fs::write(file, bundle).unwrap();
        std::fs::write(signature_of(file), signed_by(signers, bundle)).unwrap();
    }

    fn lay_by_both(&self, bundle: &[u8]) {
        self.lays(bundle, &[&self.first, &self.second]);
    }

    async fn fails(&self) -> String {
        self.ground.start(self.config.clone()).await.err().unwrap().0
    }

    /// Whether the node lets a participant's system at its log.
    async fn shows_its_log(&self, node: &Node) -> bool {
        let base = format!("https://localhost:{}", node.public_address().port());
        let client = self.ground.site.client(&base, &self.ground.site.agencies()[0].login).unwrap();
        let answer = client.raw(Method::GET, "/v1/log/checkpoint", &[], "").await.unwrap();
        let problem = answer.problem().map(|problem| problem.code);
        problem.as_deref() != Some("access.forbidden")
    }

    /// Rows of the log that say that a bundle was refused.
    async fn refusals(&self) -> usize {
        let (_, reader) = open_database(&self.config.storage.database, false).unwrap();
        let sql = "-- refusals
            SELECT entry FROM audit_seq UNION ALL SELECT entry FROM audit_outbox";
        let entries = reader.read("refusals", move |tx| tx.query(sql, &[], |row| row.blob(0))).await.unwrap();
        let refused = |entry: &&Vec<u8>| String::from_utf8_lossy(entry).contains("\"policy.bundle_refused\"");
        entries.iter().filter(refused).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_decides_by_its_bundle_goes_over_to_a_newer_one_and_never_back_also_after_a_restart() {
    let council = Council::new().await;
    let (five, six) = (bundle(5, LOCAL), bundle(6, ""));
    council.lay_by_both(&five);
    let node = council.ground.start(council.config.clone()).await.unwrap();
    let operator = council.ground.site.operator();
    let base = format!("https://localhost:{}", node.public_address().port());
    council.ground.site.register_agencies(&council.ground.site.client(&base, operator).unwrap()).await.unwrap();
    assert!(!council.shows_its_log(&node).await, "by the bundle that lay there");
    assert!(!node.refresh_policies().await.unwrap(), "nothing new lies there");

    council.lay_by_both(&six);
    assert!(node.refresh_policies().await.unwrap());
    assert!(council.shows_its_log(&node).await, "by the newer one, without a restart");

    council.lay_by_both(&bundle(4, LOCAL));
    let error = node.refresh_policies().await.unwrap_err();
    assert!(error.contains("4, but 6 is in force"), "{error}");
    council.lays(&bundle(7, LOCAL), &[&council.first]);
    let error = node.refresh_policies().await.unwrap_err();
    assert!(error.contains("2 are needed"), "{error}");
    assert!(council.shows_its_log(&node).await, "what is refused changes nothing");
    assert_eq!(council.refusals().await, 2);
    node.stop().await;

    let error = council.fails().await;
    assert!(error.starts_with("policies.bundle: ") && error.contains("2 are needed"), "{error}");
    council.lay_by_both(&five);
    let error = council.fails().await;
    assert!(error.starts_with("policies.bundle: ") && error.contains("5, but 6 is in force"), "{error}");
    assert_eq!(council.refusals().await, 4);
    council.lay_by_both(&six);
    let node = council.ground.start(council.config.clone()).await.unwrap();
    assert!(council.shows_its_log(&node).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_must_sign_the_configuration_names_two_persons() {
    let council = Council::new().await;
    let again = council.ground.folder.path().join("again.pem");
    let mut config = council.config.clone();
    config.policies.signers[1] = again;
    let error = council.ground.start(config).await.err().unwrap().0;
    assert!(error.starts_with("policies.signers: ") && error.contains("2 persons"), "{error}");
}
