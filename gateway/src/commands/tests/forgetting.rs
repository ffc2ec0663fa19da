//! `audit prune` and `audit erase`, over the files of a site whose node does not run, and what `audit verify` says of them.

use std::path::PathBuf;
use std::sync::Arc;

use audit::{Action, EventDraft, Log, Outcome};
use crypto::merkle::NoteSigner;
use storage::Clock;
use storage::clock::{ManualClock, SystemClock};
use storage::objects::Objects;
use storage::store::{migrate, open};

use super::*;
use crate::config::Config;
use crate::demo::site::Site;
use crate::wiring;

struct Machine {
    folder: tempfile::TempDir,
    file: PathBuf,
    config: Config,
}

impl Machine {
    /// A node whose log has 300 entries of ten days ago about Anna.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::create(&folder.path().join("site"), SystemClock.now(), "http://127.0.0.1:1/", 1).unwrap();
        let file = site.config_file();
        let key = folder.path().join("payload.key");
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("[log]\n", &format!("[log]\npayload_key = \"{}\"\n", key.display())))
            .unwrap();
        let machine = Self { folder, config: Config::load(&file).unwrap(), file };
        std::fs::create_dir_all(machine.config.storage.database.folder().unwrap()).unwrap();
        migrate(&machine.config.storage.database.store()).unwrap();
        machine.fill();
        machine
    }

    fn fill(&self) {
        let clock = Arc::new(ManualClock::new(SystemClock.now() - time::Duration::days(10)));
        let ledger = wiring::ledger(&self.config, clock).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let records: Vec<_> = (0..300)
                .map(|n| {
                    let (action, outcome) = (Action::ReadOwnFile, Outcome::Done);
                    let (actor, object) = ("person:anna".to_owned(), Some(format!("message:{n}")));
                    let ledger = ledger.clone();
                    let details = serde_json::json!({ "n": n });
                    tokio::spawn(
                        async move { ledger.record(EventDraft { action, actor, object, outcome, details }).await },
                    )
                })
                .collect();
            for record in records {
                record.await.unwrap().unwrap();
            }
        });
        drop(ledger);
        self.round();
    }

    /// What a worker of the node does.
    fn round(&self) {
        let (writer, reader) = open(&self.config.storage.database.store()).unwrap();
        let objects = Objects::open_folder(&self.config.storage.objects).unwrap();
        let key = wiring::read_key("log.key", &self.config.log.key).unwrap();
        let signer = NoteSigner::new(&self.config.node.name, key).unwrap();
        let log =
            Log::open(writer, reader, objects, Arc::new(SystemClock), signer, &self.config.log.signer_state).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(log.round()).unwrap();
    }

    fn audit(&self, line: &[&str]) -> Seen {
        let config = self.file.display().to_string();
        vuzol(&[&["audit"], line, &["--config", &config]].concat())
    }

    fn verify(&self, more: &[&str]) -> Seen {
        let objects = self.config.storage.objects.display().to_string();
        let database = String::from(self.config.storage.database.clone());
        let payload = self.folder.path().join("payload.key").display().to_string();
        let key = wiring::log_verifier_key(&self.config).unwrap();
        let whole = ["audit", "verify", "--folder", &objects, "--key", &key, "--database", &database];
        vuzol(&[&whole[..], &["--payload-key", &payload], more].concat())
    }
}

#[test]
fn a_log_forgets_what_is_old_by_a_policy_and_the_rest_is_verified_from_there() {
    let machine = Machine::new();
    let seen = machine.verify(&[]);
    assert!(
        seen.code == exit::OK && seen.out.contains("Rows of the database that agree: 300, with what 300"),
        "{}",
        seen.out
    );
    let policy = machine.folder.path().join("policy.txt");
    std::fs::write(&policy, "Five days.").unwrap();
    let policy = policy.display().to_string();
    let prune = |days: &str, more: &[&str]| {
        machine.audit(&[&["prune", "--older-than-days", days, "--policy", &policy], more].concat())
    };
    assert_eq!(prune("20", &[]).out, "0 entries are gone; the minimum index is 0\n");
    assert_eq!(prune("5", &["--dry-run"]).out, "256 entries would go; the minimum index would be 256\n");
    assert_eq!(machine.verify(&[]).code, exit::OK, "nothing went");
    let seen = prune("5", &[]);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (exit::OK, "256 entries are gone; the minimum index is 256\n"),
        "{}",
        seen.err
    );
    assert_eq!(prune("5", &[]).out, "0 entries are gone; the minimum index is 256\n");
    machine.round();
    let seen = machine.verify(&[]);
    assert!(seen.code == exit::REFUSED && seen.out.starts_with("WRONG missing: tile/entries/000"), "{}", seen.out);
    let seen = machine.verify(&["--minimum", "256"]);
    assert!(
        seen.code == exit::OK && seen.out.contains("WHOLE: 302 entries") && seen.out.contains("agree: 46"),
        "{}",
        seen.out
    );
    assert_eq!(prune("0", &[]).code, exit::USAGE);
    std::fs::remove_file(&policy).unwrap();
    assert_eq!(prune("5", &[]).code, exit::UNREADABLE, "without a written policy nothing goes");
}

#[test]
fn what_a_log_holds_about_a_person_is_erased_on_a_ground_that_it_names() {
    let machine = Machine::new();
    let erase = |subject: &str, basis: &str| machine.audit(&["erase", "--subject", subject, "--basis", basis]);
    let seen = erase("person:borys", "Law 2297-VI, Art. 15");
    assert!(seen.code == exit::REFUSED && seen.err.contains("no details"), "{}", seen.err);
    assert_eq!(erase("participant:12345678", "Law 2297-VI, Art. 15").code, exit::USAGE);
    assert_eq!(erase("person:anna", "").code, exit::USAGE);
    let seen = erase("person:anna", "Law 2297-VI, Art. 15");
    assert!(
        seen.code == exit::OK && seen.out.starts_with("Erased: details of 300 entries, "),
        "{} {}",
        seen.out,
        seen.err
    );
    machine.round();
    let seen = machine.verify(&[]);
    assert!(seen.code == exit::OK && seen.out.contains("agree: 301, with what 1 "), "{}", seen.out);
    assert!(machine.folder.path().join("payload.key.erased").exists());
    let text = std::fs::read_to_string(&machine.file).unwrap();
    std::fs::write(&machine.file, text.replace("payload_key", "# payload_key")).unwrap();
    let seen = erase("person:anna", "Law 2297-VI, Art. 15");
    assert!(seen.code == exit::UNREADABLE && seen.err.contains("log.payload_key"), "{}", seen.err);
}

#[test]
fn a_row_that_was_changed_in_the_database_is_named() {
    let machine = Machine::new();
    let (writer, _) = open(&machine.config.storage.database.store()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let change = "UPDATE audit_sealed SET sealed = zeroblob(80) WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 42)";
    let changed: Result<u64, storage::TxError<storage::StoreError>> =
        runtime.block_on(writer.run_tx("change", move |tx| tx.execute(change, &[])));
    assert_eq!(changed.unwrap(), 1);
    let seen = machine.verify(&[]);
    assert_eq!((seen.code, seen.out.as_str()), (exit::REFUSED, "WRONG payload: what row 42 commits to was changed\n"));
    let report: serde_json::Value = serde_json::from_str(&machine.verify(&["--json"]).out).unwrap();
    assert_eq!((&report["code"], &report["first_entry"]), (&"payload".into(), &42.into()));
}
