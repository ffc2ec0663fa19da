//! The rows of `bench audit` about a log of a hundred million entries: `proof-100m` (the proof of an event by its id, its target 5 ms), `proof-100m-open` (from
//! opening the log to the end of its first round, which loads the right edge), `proof-100m-peak` (what the process holds meanwhile).
//!
//! Nobody waits for such a log to be written: all its entries are one and the same but those that are asked for, so that the hash over any stretch without
//! one of them is known by its height alone. The tiles that a proof touches lie in files, with the hashes that a log of that size has. What is not like
//! that log: the folder has a few hundred files and the table a few hundred rows, so that names and index pages are nearer than they would be.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use audit::{Event, EventDraft, Ledger, Log, Outcome};
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Hash, NoteSigner, TileId, entry_bundle, leaf_hash, node_hash};
use storage::clock::SystemClock;
use storage::objects::Objects;
use storage::store::{StoreConfig, migrate, open};
use storage::{Clock, StoreError, TxError, Writer};

use super::measure::{Figure, Unit};
use super::memory;
use super::options::Effort;

const ORIGIN: &str = "bench.example/log";
/// Ragged at every level.
const SIZE: u64 = 100_000_007;
/// Entries that are asked for, each under a tile of its own.
const ASKED: u64 = 256;
const FILLER: &[u8] = br#"{"v":1}"#;

/// The tree of one entry over and over, and of those that are asked for.
struct Tree {
    /// Hash of a perfect subtree without any of them, by its height.
    plain: Vec<Hash>,
    asked: BTreeMap<u64, Hash>,
}

impl Tree {
    fn new(asked: BTreeMap<u64, Hash>) -> Self {
        let mut plain = vec![leaf_hash(FILLER)];
        for height in 0..32 {
            let below: Hash = plain.get(height).copied().unwrap_or_default();
            plain.push(node_hash(&below, &below));
        }
        Self { plain, asked }
    }

    /// Over 2^height leaves from `start` on.
    fn perfect(&self, start: u64, height: usize) -> Hash {
        if self.asked.range(start..start + (1 << height)).next().is_none() {
            return self.plain[height];
        }
        match height.checked_sub(1) {
            None => self.asked[&start],
            Some(below) => node_hash(&self.perfect(start, below), &self.perfect(start + (1 << below), below)),
        }
    }

    /// RFC 6962, 2.1.
    fn root(&self, start: u64, size: u64) -> Hash {
        if size.is_power_of_two() {
            return self.perfect(start, usize::try_from(size.ilog2()).unwrap_or(0));
        }
        let left = size.next_power_of_two() / 2;
        node_hash(&self.root(start, left), &self.root(start + left, size - left))
    }

    /// The tile as the tree of [`SIZE`] has it; None where it has none there.
    fn tile(&self, level: u8, index: u64) -> Option<(TileId, Vec<u8>)> {
        let below = 8 * u32::from(level);
        let width = (SIZE >> below).saturating_sub(index * 256).min(256);
        let hashes = (index * 256..index * 256 + width)
            .flat_map(|number| self.perfect(number << below, usize::try_from(below).unwrap_or(0)));
        (width > 0).then(|| (TileId { level, index, width: u16::try_from(width).unwrap_or(256) }, hashes.collect()))
    }
}

struct Node {
    folder: tempfile::TempDir,
    events: Vec<Event>,
    signer: NoteSigner,
}

impl Node {
    /// The files and rows of such a log.
    async fn lay() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreConfig::new(folder.path().join("vuzol.db"));
        migrate(&store).expect("a database");
        let (writer, reader) = open(&store).expect("a database");
        let ledger = Ledger::new(writer.clone(), reader, Arc::new(SystemClock), ORIGIN);
        let events: Vec<Event> = (0..ASKED).map(|number| ledger.prepare(draft(number))).collect();
        let places: Vec<u64> = (0..ASKED).map(|number| number * (SIZE / ASKED) + number % 251).collect();
        let leaves = places.iter().zip(&events).map(|(place, event)| (*place, leaf_hash(event.entry())));
        let tree = Tree::new(leaves.collect());
        for level in 0..4_u8 {
            let above = 8 * (u32::from(level) + 1);
            for index in places.iter().chain([&(SIZE - 1)]).map(|place| place >> above) {
                let Some((tile, bytes)) = tree.tile(level, index) else { continue };
                write(folder.path(), &format!("objects/log/{}", tile.path()), &bytes);
            }
        }
        let width = u16::try_from(SIZE % 256).unwrap_or(0);
        let edge = TileId { level: 0, index: SIZE / 256, width };
        let entries = std::iter::repeat_n(FILLER, usize::from(width));
        let bundle = entry_bundle(entries).expect("entries");
        write(folder.path(), &format!("objects/log/{}", edge.entries_path()), &bundle);
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: SIZE, root: tree.root(0, SIZE) };
        let signer = NoteSigner::new(ORIGIN, SoftwareKey::generate(KeyKind::Ed25519).expect("a key")).expect("a name");
        let note = signer.sign(&checkpoint.text()).expect("a note");
        write(folder.path(), "signer.state", checkpoint.text().as_bytes());
        insert(&writer, places, events.clone(), checkpoint, note).await;
        Self { folder, events, signer }
    }

    fn open(self) -> (tempfile::TempDir, Vec<Event>, Log) {
        let store = StoreConfig::new(self.folder.path().join("vuzol.db"));
        let (writer, reader) = open(&store).expect("a database");
        let objects = Objects::open_folder(&self.folder.path().join("objects")).expect("a folder");
        let (clock, state): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), self.folder.path().join("signer.state"));
        let log = Log::open(writer, reader, objects, clock, self.signer, &state).expect("a log");
        (self.folder, self.events, log)
    }
}

fn draft(number: u64) -> EventDraft {
    EventDraft {
        action: audit::Action::SubmitDocument,
        actor: "participant:12345678".to_owned(),
        object: Some(format!("message:{number}")),
        outcome: Outcome::Done,
        details: serde_json::Value::Null,
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

async fn insert(writer: &Writer, places: Vec<u64>, events: Vec<Event>, checkpoint: Checkpoint, note: String) {
    let row = "INSERT INTO audit_seq (seq, event_id, at, entry) VALUES ($1, $2, $3, $4)";
    let head = "UPDATE seq_head SET next_seq = $1";
    let state =
        "UPDATE log_state SET size = $1, root = $2, checkpoint = $3, epoch = 1, published_size = $1, published = $3";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let written = writer.run_tx("lay", move |tx| {
        for (place, event) in places.iter().zip(&events) {
            let id = event.id();
            tx.execute(row, &[number(*place).into(), id.as_bytes().into(), event.at().into(), event.entry().into()])?;
        }
        tx.execute(head, &[number(SIZE).into()])?;
        tx.execute(state, &[number(SIZE).into(), (&checkpoint.root).into(), (&note).into()])
    });
    let written: Result<u64, TxError<StoreError>> = written.await;
    written.expect("rows");
}

/// Measures all three rows: they need the same log.
pub(super) fn measured(_: &Effort) -> Vec<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let node = Node::lay().await;
        let _ = memory::forget_peak();
        let start = Instant::now();
        let (folder, events, log) = node.open();
        assert_eq!(log.round().await.expect("a round"), SIZE);
        let opened = start.elapsed().as_secs_f64() * 1e6;
        let verifier = log.verifier();
        let mut taken = Vec::new();
        for event in &events {
            let before = Instant::now();
            let proof = log.proof(event.id()).await.expect("a log").expect("an event").expect("published");
            taken.push(before.elapsed());
            assert_eq!(proof.proof.verify(&proof.entry, &verifier).expect("a proof that holds").size, SIZE);
        }
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
        let peak = memory::peak().map_or(f64::NAN, |bytes| bytes as f64 / f64::from(1 << 20));
        drop(folder);
        vec![
            super::audit::times("proof-100m", taken),
            Figure { name: "proof-100m-open", by: "vuzol", unit: Unit::Microseconds, best: opened, median: opened },
            Figure { name: "proof-100m-peak", by: "vuzol", unit: Unit::Peak, best: peak, median: peak },
        ]
    })
}
