use certs::dev::{Identity, Usage};
use crypto::digest::DigestAlgorithm;
use schemas::ProblemCode;
use signing::cades::{Content, Options, Signatory, prepare_parallel, sign};
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
        let keeper = PolicyKeeper::new(town.access.clone(), town.ledger.clone(), town.clock.clone(), signers, 1);
        Self { town, signer, keeper }
    }

    async fn adopts(&self, bundle: &[u8]) -> Result<bool, BundleError> {
        self.keeper.adopt(bundle, &signed_by(&self.signer, bundle)).await
    }

    /// How each change, or refusal of one, ended, with what is recorded of it.
    async fn changes(&self) -> Vec<(String, String)> {
        let sql = "-- changes
            SELECT o.entry, p.details FROM audit_outbox o JOIN audit_payload p ON p.event_id = o.event_id ORDER BY o.id";
        let read = self
            .town
            .ledger
            .reader()
            .read("changes", move |tx| tx.query(sql, &[], |row| Ok((row.blob(0)?, row.text(1)?))));
        let told = |(entry, details): (Vec<u8>, String)| {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            let outcome = entry["reason"].as_str().or(entry["outcome"].as_str()).unwrap().to_owned();
            (entry["action"] == "policy.change").then_some((outcome, details))
        };
        read.await.unwrap().into_iter().filter_map(told).collect()
    }

    /// A process that starts anew over the same database, deciding by the shipped policies until it has read the file.
    fn restarted(&self) -> (Access, PolicyKeeper) {
        let access = self.town.other_process();
        let signers = vec![self.signer.certificate.clone()];
        let keeper = PolicyKeeper::new(access.clone(), self.town.other_ledger(), self.town.clock.clone(), signers, 1);
        (access, keeper)
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
    // The change, and each refusal with its reason.
    let rows = office.changes().await;
    assert_eq!(rows.iter().filter(|(outcome, _)| outcome == "done").count(), 1);
    let refused: Vec<_> = rows.iter().filter(|(outcome, _)| outcome == "policy.bundle_refused").collect();
    assert_eq!(refused.len(), 10, "{rows:?}");
    assert!(refused.iter().any(|(_, details)| details.contains("4, but 5 is in force")), "{refused:?}");
    // The file is read every minute: what lies there is refused each time, and recorded once.
    let (old, signature) = (bundle(4, ""), signed_by(&office.signer, &bundle(4, "")));
    for _ in 0..3 {
        assert!(office.keeper.adopt(&old, &signature).await.is_err());
    }
    assert_eq!(office.changes().await.len(), rows.len() + 1);
}

#[tokio::test]
async fn an_expired_signer_puts_nothing_in_force() {
    let office = Office::new();
    office.town.clock.advance(Duration::days(11));
    let error = office.adopts(&bundle(1, LOCAL)).await.unwrap_err().to_string();
    assert!(error.contains("signature"), "{error}");
}

#[tokio::test]
async fn the_number_in_force_is_kept_over_a_restart() {
    let office = Office::new();
    let (five, six) = (bundle(5, LOCAL), bundle(6, ""));
    assert!(office.adopts(&five).await.unwrap());
    let version = office.town.access.policy_version();
    let (access, keeper) = office.restarted();
    assert_ne!(access.policy_version(), version, "nothing is read yet");
    let older = bundle(4, "");
    let error = keeper.adopt(&older, &signed_by(&office.signer, &older)).await.unwrap_err().to_string();
    assert!(error.contains("4, but 5"), "{error}");
    let same = bundle(5, "");
    let error = keeper.adopt(&same, &signed_by(&office.signer, &same)).await.unwrap_err().to_string();
    assert!(error.contains("5, but 5"), "{error}");
    assert!(keeper.adopt(&five, &signed_by(&office.signer, &five)).await.unwrap(), "the one that was in force");
    assert_eq!(access.policy_version(), version);
    // Another process goes on; what this one decides by is then the older one for it too.
    assert!(keeper.adopt(&six, &signed_by(&office.signer, &six)).await.unwrap());
    let between = bundle(5, r#"@id("x") forbid (principal, action == Vuzol::Action::"read_log", resource);"#);
    assert!(office.adopts(&between).await.unwrap_err().to_string().contains("5, but 6"));
    assert!(office.adopts(&six).await.unwrap());
}

#[tokio::test]
async fn a_number_that_cannot_be_kept_is_refused() {
    let office = Office::new();
    let error = office.adopts(&bundle(u64::MAX, "")).await.unwrap_err().to_string();
    assert!(error.contains("too large"), "{error}");
    assert!(office.adopts(&bundle(i64::MAX.unsigned_abs(), "")).await.unwrap());
}

fn person(town: &Town, rnokpp: &str) -> Identity {
    crate::office::issue(&town.responder.pki, Usage::Signing, Some(rnokpp), Some("00000009"))
}

/// One more signature beside those that are there.
fn also_by(signer: &Identity, bundle: &[u8], signed: &[u8]) -> Vec<u8> {
    let chain = [signer.certificate.clone()];
    let signatory = Signatory { chain: &chain, algorithm: signer.key.default_algorithm(), signing_time: NOON };
    let content = digest(DigestAlgorithm::Sha256, bundle);
    let prepared = prepare_parallel(signed, Some(content), &signatory, &Options::default()).unwrap();
    let value = crypto::key::KeyHandle::sign(&signer.key, prepared.algorithm(), prepared.to_be_signed()).unwrap();
    prepared.complete(&value).unwrap()
}

#[tokio::test]
async fn where_two_must_sign_one_person_is_one_however_many_certificates_they_have() {
    let town = Town::new();
    let (first, again, second, other) = (
        person(&town, "0000000001"),
        person(&town, "0000000001"),
        person(&town, "0000000002"),
        person(&town, "0000000003"),
    );
    let signers: Vec<_> = [&first, &again, &second].map(|it| it.certificate.clone()).into();
    assert_eq!(distinct_persons(&signers), 2);
    let keeper = PolicyKeeper::new(town.access.clone(), town.ledger.clone(), town.clock.clone(), signers, 2);
    let bytes = bundle(1, LOCAL);
    let one = signed_by(&first, &bytes);
    let refused = [
        ("one signature", one.clone(), "2 are needed"),
        ("one person twice", also_by(&again, &bytes, &one), "2 are needed"),
        ("one of them, and another", also_by(&other, &bytes, &one), "signature"),
        ("two, and another", also_by(&other, &bytes, &also_by(&second, &bytes, &one)), "signature"),
    ];
    for (what, signature, why) in refused {
        let error = keeper.adopt(&bytes, &signature).await.expect_err(what).to_string();
        assert!(error.contains(why), "{what}: {error}");
    }
    assert!(keeper.adopt(&bytes, &also_by(&second, &bytes, &one)).await.unwrap());
}
