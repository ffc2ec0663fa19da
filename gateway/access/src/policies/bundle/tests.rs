use certs::dev::{Identity, Usage};
use crypto::digest::DigestAlgorithm;
use schemas::ProblemCode;
use signing::cades::{Content, sign};
use time::Duration;

use super::*;
use crate::actor::Actor;
use crate::decide::ReadLog;
use crate::town::{NOON, Town, edrpou};

/// What the shipped policies allow, and a region may not.
const LOCAL: &str =
    r#"@id("local.no-log") forbid (principal is Vuzol::Participant, action == Vuzol::Action::"read_log", resource);"#;

fn bundle(number: u64, local: &str) -> Vec<u8> {
    let shipped = PolicyFiles::shipped();
    let policies = shipped.policies().chain([("local.cedar", local)]);
    let policies = policies.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    serde_json::to_vec(&Bundle { number, schema: shipped.schema().to_owned(), policies }).unwrap()
}

fn signed_by(signer: &Identity, bundle: &[u8]) -> Vec<u8> {
    let chain = [signer.certificate.clone()];
    sign(
        Content::Detached(digest(DigestAlgorithm::Sha256, bundle)),
        &signer.key,
        signer.key.default_algorithm(),
        &chain,
        NOON,
    )
    .unwrap()
}

struct Office {
    town: Town,
    signer: Identity,
    keeper: PolicyKeeper,
}

impl Office {
    fn new() -> Self {
        let town = Town::new();
        let signer = town.issue("00000009", Usage::Signing);
        let signers = vec![signer.certificate.clone()];
        let keeper = PolicyKeeper::new(town.access.clone(), town.ledger.clone(), town.clock.clone(), signers);
        Self { town, signer, keeper }
    }

    async fn adopts(&self, bundle: &[u8]) -> Result<bool, BundleError> {
        self.keeper.adopt(bundle, &signed_by(&self.signer, bundle)).await
    }

    /// How a participant's question for the log is answered.
    async fn log(&self) -> Result<(), (ProblemCode, Vec<String>, String)> {
        let actor = Actor::Participant { edrpou: edrpou("00000001"), certificate: [1; 32] };
        let decided = self.town.access.decide::<ReadLog>(&actor, ()).await;
        decided.map(drop).map_err(|denied| (denied.code, denied.policies, denied.version.to_string()))
    }
}

#[tokio::test]
async fn a_signed_bundle_comes_into_force_at_once_and_is_on_record() {
    let office = Office::new();
    assert_eq!(office.log().await, Ok(()));
    let shipped = office.town.access.policy_version();
    assert!(office.adopts(&bundle(1, LOCAL)).await.unwrap());
    let version = office.town.access.policy_version();
    assert_ne!(version, shipped);
    let refused = (ProblemCode::ActionForbidden, vec!["local.no-log".to_owned()], version.to_string());
    assert_eq!(office.log().await, Err(refused));
    assert!(!office.adopts(&bundle(1, LOCAL)).await.unwrap(), "the same again is no change");
    assert!(office.adopts(&bundle(2, "")).await.unwrap());
    assert_eq!(office.log().await, Ok(()));
    let entries = office.town.audited().await;
    let changes: Vec<_> = entries.iter().filter(|entry| entry.starts_with("policy.change node")).collect();
    assert_eq!(changes.len(), 2, "{entries:?}");
    assert!(changes[0].contains(&format!("policies:{version}")), "{changes:?}");
}

#[tokio::test]
async fn a_bad_bundle_is_refused_and_the_policies_in_force_stay() {
    let office = Office::new();
    let good = bundle(5, LOCAL);
    assert!(office.adopts(&good).await.unwrap());
    let version = office.town.access.policy_version();
    let other = office.town.issue("00000009", Usage::Signing);
    let later = bundle(6, "");
    let mut changed = later.clone();
    let at = changed.iter().position(|byte| *byte == b'6').unwrap();
    changed[at] = b'7';
    let missing =
        serde_json::to_vec(&Bundle { schema: String::new(), ..serde_json::from_slice(&later).unwrap() }).unwrap();
    let misspelt = bundle(6, r#"@id("x") permit (principal in Vuzol::Role::"auditors", action, resource);"#);
    let unnamed = bundle(6, "permit (principal, action, resource);");
    let trailing = [later.as_slice(), b"{}"].concat();
    let refused = [
        ("another's signature", office.keeper.adopt(&later, &signed_by(&other, &later)).await, "signature"),
        (
            "changed after it was signed",
            office.keeper.adopt(&changed, &signed_by(&office.signer, &later)).await,
            "signature",
        ),
        ("no signature", office.keeper.adopt(&later, b"").await, "signature"),
        ("an older one", office.adopts(&bundle(4, "")).await, "4, but 5"),
        ("the same number again", office.adopts(&bundle(5, "")).await, "5, but 5"),
        ("no schema", office.adopts(&missing).await, "validation"),
        ("a role that is none", office.adopts(&misspelt).await, "auditors"),
        ("a policy without a name", office.adopts(&unnamed).await, "without an @id"),
        ("something after it", office.adopts(&trailing).await, "trailing"),
        ("too large", office.adopts(&vec![b' '; BUNDLE_BYTES + 1]).await, "bytes"),
    ];
    for (what, answer, why) in refused {
        let error = answer.expect_err(what).to_string();
        assert!(error.contains(why), "{what}: {error}");
    }
    assert_eq!(office.town.access.policy_version(), version);
    let changes = office.town.audited().await.iter().filter(|entry| entry.starts_with("policy.change")).count();
    assert_eq!(changes, 1);
}

#[tokio::test]
async fn an_expired_signer_puts_nothing_in_force() {
    let office = Office::new();
    office.town.clock.advance(Duration::days(11));
    let error = office.adopts(&bundle(1, LOCAL)).await.unwrap_err().to_string();
    assert!(error.contains("signature"), "{error}");
}
