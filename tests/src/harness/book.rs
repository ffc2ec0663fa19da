//! The node's transparency log, read over the wire and checked as an outsider would: every entry, recomputed up to the
//! signed root.

use std::collections::BTreeMap;
use std::time::Duration;

use crypto::merkle::{Checkpoint, Frontier, Hash, NoteVerifier, TileId, leaf_hash, parse_entry_bundle};
use schemas::{EventId, ProblemCode};
use serde_json::Value;

use super::wire::{Request, Wire};

/// One logged entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The bytes that are the leaf's content.
    pub bytes: Vec<u8>,
    /// The same, parsed.
    pub json: Value,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Panics
    /// Where it is not JSON.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        let json = serde_json::from_slice(&bytes).expect("entries are JSON");
        Self { bytes, json }
    }

    /// A text field of the entry.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.json.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The event that it records.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.text("id").parse().unwrap_or_else(|_| panic!("entry without an event: {}", self.json))
    }
}

/// A complete, checked copy of the log.
pub struct Book {
    /// What the node signed.
    pub checkpoint: Checkpoint,
    /// Every entry, by index.
    pub entries: Vec<Entry>,
    roots: BTreeMap<u64, Hash>,
}

impl Book {
    /// Reads the whole log once two checkpoints in a row show the same size, and checks that the entries give the
    /// signed root.
    ///
    /// # Panics
    /// Where the log cannot be read, is not contiguous, or contradicts its checkpoint.
    pub async fn read(wire: &Wire, log_key: &str) -> Self {
        let verifier = NoteVerifier::from_vkey(log_key).expect("the log's key");
        let checkpoint = settled_checkpoint(wire, &verifier).await;
        let mut entries = Vec::new();
        for index in 0..checkpoint.size.div_ceil(256) {
            let width = u16::try_from((checkpoint.size - index * 256).min(256)).expect("at most 256");
            let path = TileId { level: 0, index, width }.entries_path();
            let answer = wire.asks(&Request::get(&format!("/v1/log/{path}"))).await;
            assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
            for bytes in parse_entry_bundle(&answer.body).expect("a well-formed bundle") {
                entries.push(Entry::of(bytes));
            }
        }
        let mut frontier = Frontier::empty();
        let mut roots = BTreeMap::from([(0, frontier.root())]);
        for entry in &entries {
            frontier.append(leaf_hash(&entry.bytes));
            roots.insert(frontier.size(), frontier.root());
        }
        assert_eq!(
            (frontier.size(), frontier.root()),
            (checkpoint.size, checkpoint.root),
            "entries against checkpoint"
        );
        Self { checkpoint, entries, roots }
    }

    /// Whether a checkpoint seen earlier is a prefix of this log.
    #[must_use]
    pub fn continues(&self, earlier: &Checkpoint) -> bool {
        self.roots.get(&earlier.size) == Some(&earlier.root)
    }

    /// The entry of an event.
    #[must_use]
    pub fn entry(&self, event: EventId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.event() == event)
    }

    /// How many entries record a refusal with that code.
    #[must_use]
    pub fn refusals(&self, code: ProblemCode) -> usize {
        self.entries.iter().filter(|entry| entry.text("reason") == code.as_str()).count()
    }
}

/// The signed checkpoint, once it has stood still: what was asked before is then under it.
async fn settled_checkpoint(wire: &Wire, verifier: &NoteVerifier) -> Checkpoint {
    // Reading the checkpoint may itself be an audited deed, so "still" means: it grows by no more than the readings.
    let mut last: Option<Checkpoint> = None;
    for reading in 0..100_u32 {
        let answer = wire.asks(&Request::get("/v1/log/checkpoint")).await;
        if answer.status == 200 {
            let note = std::str::from_utf8(&answer.body).expect("a note is text");
            let text = verifier.verify(note).expect("a checkpoint that the log signed");
            let seen = Checkpoint::parse_text(text).expect("a checkpoint");
            if let Some(before) = &last
                && reading > 2
                && seen.size <= before.size + 1
            {
                return seen;
            }
            last = Some(seen);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("the log did not come to rest within 25 s");
}
