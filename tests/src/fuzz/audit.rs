//! The functions for what is read of a log that somebody else hands over: an exported part of it, and entries with their details.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use audit::archive::{Archive, Export, check};
use audit::index::{Filter, Indexed, Kind};
use audit::verify::{Kept, Question};
use audit::{Action, EventDraft, Index, Ledger, Log, Outcome};
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{NoteSigner, NoteVerifier};
use schemas::audit::AuditExport;
use storage::clock::SystemClock;
use storage::objects::Objects;
use storage::store::{StoreConfig, migrate, open};

use super::Target;

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "audit_archive", seeds: archive_seeds, run: audit_archive },
    Target { name: "audit_terms", seeds: terms_seeds, run: audit_terms },
];

/// A log of three entries, two of them with details.
struct Exported {
    archive: Vec<u8>,
    entries: BTreeMap<u64, Vec<u8>>,
    key: NoteVerifier,
}

static EXPORTED: LazyLock<Exported> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(exported())
});

async fn exported() -> Exported {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StoreConfig::new(folder.path().join("vuzol.db"));
    migrate(&store).expect("a database");
    let (writer, reader) = open(&store).expect("a database");
    let objects = Objects::open_folder(&folder.path().join("objects")).expect("objects");
    let clock = Arc::new(SystemClock);
    let signer =
        NoteSigner::new("fuzz.test/log", SoftwareKey::generate(KeyKind::Ed25519).expect("a key")).expect("a signer");
    let key = signer.verifier();
    let state = folder.path().join("signer.state");
    let log = Log::open(writer.clone(), reader.clone(), objects, clock.clone(), signer, &state).expect("a log");
    let ledger = Ledger::new(writer.clone(), reader.clone(), clock, "fuzz.test/log");
    for details in [serde_json::json!({ "owner": "p", "case": "k" }), serde_json::Value::Null, serde_json::json!({})] {
        let (action, actor, outcome) = (Action::LookAtCopy, "person:a".to_owned(), Outcome::Done);
        let draft = EventDraft { action, actor, object: Some("copy:c".to_owned()), outcome, details };
        ledger.record(draft).await.expect("an event");
    }
    log.round().await.expect("a round");
    let index = Index::new(writer, reader);
    let asked = AuditExport { first: 0, end: None, details: true };
    let mut export = Export::begin(&log, &index, asked).await.expect("the log").expect("a range");
    let mut archive = Vec::new();
    while let Some(piece) = export.next().await.expect("the log") {
        archive.extend_from_slice(&piece);
    }
    let rows = index.rows(0, 9, 9).await.expect("the log");
    Exported { archive, entries: rows.into_iter().map(|row| (row.seq, row.entry)).collect(), key }
}

fn archive_seeds() -> Vec<Vec<u8>> {
    vec![EXPORTED.archive.clone()]
}

/// Nothing is shown as an entry of the log that is none.
pub fn audit_archive(data: &[u8]) {
    let Ok(archive) = Archive::open(Cursor::new(data.to_vec())) else { return };
    let checkpoint = Kept { name: String::new(), note: String::new() };
    let question = Question {
        log: &EXPORTED.key,
        national: None,
        policy: None,
        checkpoint,
        kept: Vec::new(),
        anchors: Vec::new(),
    };
    let mut entry = |row: &audit::index::Opened| assert_eq!(EXPORTED.entries.get(&row.seq), Some(&row.entry));
    if let Ok(checked) = check(&archive, &question, &mut |_, _| (), &mut entry) {
        assert_eq!(checked.checkpoint().size, 3);
    }
}

fn terms_seeds() -> Vec<Vec<u8>> {
    let entry = br#"{"action":"copy.look","actor":"person:a","at":"2026-11-23T15:19:00.000001Z","commit":"00","object":"copy:c","outcome":"done"}"#;
    let details = br#"{"owner":"p","applicants":["q","r"],"centre":"00000002","opens":{"application":"x"},"case":"k"}"#;
    vec![[&entry[..], b"\n", details].concat(), entry.to_vec()]
}

/// An entry and its details, a line each: few terms, each once, and what matches nothing that is stated matches everything.
pub fn audit_terms(data: &[u8]) {
    let (entry, details) =
        data.iter().position(|octet| *octet == b'\n').map_or((data, &[][..]), |at| (&data[..at], &data[at + 1..]));
    let indexed = Indexed::of(7, entry, std::str::from_utf8(details).ok());
    assert!(indexed.terms.len() <= 256);
    let mut terms: Vec<_> = indexed.terms.iter().map(|term| (term.kind, &term.value)).collect();
    terms.sort();
    terms.dedup();
    assert_eq!(terms.len(), indexed.terms.len());
    assert!(indexed.values(Kind::Looked).all(|person| indexed.has(Kind::Person, person)));
    assert!(Filter::default().matches(&indexed));
}
