//! The rows of `bench audit`: what the log costs.
//!
//! | row | what is measured |
//! |---|---|
//! | `audit-append-sqlite` | audited actions a second by 64 clients, each waiting until its own is durable, while rounds run as in a node |
//! | `audit-append-sqlite-time` | how long one of them waits |
//! | `audit-prepare`, `-sealed` | events a second that are made complete, their details in the clear or sealed: processor time of one thread |
//! | `audit-append-sqlite-age` | meanwhile, how old the oldest action is that no published checkpoint covers, asked every 20 ms |
//! | `audit-append-postgres` | the same three on PostgreSQL, in a cluster that is made for it on the same disk; none where it is not installed |
//! | `audit-integrate` | entries a second from the outbox to the published checkpoint: numbered, hashed, staged, signed, written |
//! | `audit-index` | entries a second that are read, opened, indexed and judged, by the one loop of a node without its rests |
//! | `audit-proof` | how long it takes to make the proof of an event by its id, and to verify it |
//! | `proof-100m` and its companions | the same in a log of a hundred million entries ([`super::hundred_million`]) |
//! | `audit-verify` | entries a second of a verification of the whole log, from files, in one thread |
//!
//! All but the last wait for the disk of the folder for temporary files: they are timed by the clock on the wall, in one run. The last is timed by the processor
//! time of its thread, files read included, and its figure is the fastest round.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::detect::{Burst, Rules};
use audit::verify::{Folder, Kept, Question, verify};
use audit::{Action, Alerts, Event, EventDraft, Index, Ledger, Log, Outcome, PayloadKeys, append};
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Frontier, NoteSigner, TileId, entry_bundle, leaf_hash};
use schemas::EventId;
use storage::clock::SystemClock;
use storage::objects::Objects;
use storage::store::{StoreConfig, migrate, open};
use storage::throwaway::BackEnd;
use storage::{Clock, Reader, Space, StoreError, Writer};
use zeroize::Zeroizing;

use super::measure::{Figure, Unit, processor_time};
use super::options::Effort;

/// A row: its name, and what measures it and its companions.
pub type Row = (&'static str, fn(&Effort) -> Vec<Figure>);

/// All rows, in the order in which they are measured.
pub const ROWS: [Row; 8] = [
    ("audit-append-sqlite", appended_on_sqlite),
    ("audit-append-postgres", appended_on_postgres),
    ("audit-prepare", prepared),
    ("audit-integrate", integrated),
    ("audit-index", indexed),
    ("audit-proof", proven),
    ("proof-100m", super::hundred_million::measured),
    ("audit-verify", verified),
];

const ORIGIN: &str = "bench.example/log";
const CLIENTS: usize = 64;
/// Entries of the log that is integrated, and that proofs are made of.
const ENTRIES: usize = 200_000;
/// Entries of the log that is verified.
const VERIFIED: usize = 1_000_000;
/// Events that are made complete.
const PREPARED: usize = 100_000;
/// How often a worker of a node runs a round.
const ROUND: Duration = Duration::from_millis(200);

struct Node {
    folder: tempfile::TempDir,
    ledger: Ledger,
    log: Log,
    writer: Writer,
    reader: Reader,
}

fn signer() -> NoteSigner {
    NoteSigner::new(ORIGIN, SoftwareKey::generate(KeyKind::Ed25519).expect("a key")).expect("a name")
}

impl Node {
    fn new() -> Self {
        Self::on(BackEnd::Sqlite).expect("a database")
    }

    /// None where there is no PostgreSQL.
    fn on(back_end: BackEnd) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let store: StoreConfig = back_end.database(folder.path())?;
        migrate(&store).expect("a database");
        let (writer, reader) = open(&store).expect("a database");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let objects = Objects::open_folder(&folder.path().join("objects")).expect("a folder");
        let ledger = Ledger::new(writer.clone(), reader.clone(), Arc::clone(&clock), ORIGIN);
        let state = folder.path().join("signer.state");
        let log = Log::open(writer.clone(), reader.clone(), objects, clock, signer(), &state).expect("a log");
        Some(Self { folder, ledger, log, writer, reader })
    }

    /// Rows in the outbox, in large transactions.
    async fn fill(&self, count: usize) -> Vec<EventId> {
        let mut ids = Vec::with_capacity(count);
        for start in (0..count).step_by(2_000) {
            let events: Vec<Event> =
                (start..count.min(start + 2_000)).map(|number| self.ledger.prepare(draft(number))).collect();
            ids.extend(events.iter().map(Event::id));
            let write = self.ledger.transact("fill", move |tx| {
                let mut last = Err(StoreError::Closed);
                for event in &events {
                    last = Ok(append(tx, event)?);
                }
                Ok::<_, StoreError>(last?.with(()))
            });
            write.await.expect("rows");
        }
        ids
    }

    async fn integrate(&self) {
        while self.log.backlog().await.expect("a log").0 > 0 {
            self.log.round().await.expect("a round");
        }
    }
}

fn draft(number: usize) -> EventDraft {
    EventDraft {
        action: Action::SubmitDocument,
        actor: "participant:12345678".to_owned(),
        object: Some(format!("message:{number}")),
        outcome: Outcome::Done,
        details: serde_json::json!({ "number": number }),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// The median, and the slowest in a hundred.
pub(super) fn times(name: &'static str, mut times: Vec<Duration>) -> Figure {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6);
    Figure { name, by: "vuzol", unit: Unit::Microseconds, best: at(50), median: at(99) }
}

fn once(name: &'static str, rate: f64) -> Figure {
    Figure { name, by: "vuzol", unit: Unit::Operations, best: rate, median: rate }
}

/// How long the rows run that are timed on the wall: at least five seconds, so that checkpoints of the database are among them.
fn budget(effort: &Effort) -> Duration {
    (Duration::from_millis(u64::from(effort.milliseconds)) * effort.rounds).max(Duration::from_secs(5))
}

fn appended_on_sqlite(effort: &Effort) -> Vec<Figure> {
    appended(effort, BackEnd::Sqlite, ["audit-append-sqlite", "audit-append-sqlite-time", "audit-append-sqlite-age"])
}

fn appended_on_postgres(effort: &Effort) -> Vec<Figure> {
    appended(
        effort,
        BackEnd::Postgres,
        ["audit-append-postgres", "audit-append-postgres-time", "audit-append-postgres-age"],
    )
}

fn appended(effort: &Effort, back_end: BackEnd, names: [&'static str; 3]) -> Vec<Figure> {
    let budget = budget(effort);
    let Some(node) = Node::on(back_end) else { return Vec::new() };
    runtime().block_on(async move {
        let start = Instant::now();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let ledger = node.ledger.clone();
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    for number in 0.. {
                        let before = Instant::now();
                        ledger.record(draft(client * 1_000_000 + number)).await.expect("a record");
                        times.push(before.elapsed());
                        if start.elapsed() >= budget {
                            break;
                        }
                    }
                    times
                })
            })
            .collect();
        let rounds = tokio::spawn({
            let log = node.log.clone();
            async move {
                loop {
                    log.round().await.expect("a round");
                    tokio::time::sleep(ROUND).await;
                }
            }
        });
        let ages = tokio::spawn({
            let log = node.log.clone();
            async move {
                let mut ages = Vec::new();
                while start.elapsed() < budget {
                    let (_, age) = log.backlog().await.expect("a log");
                    ages.push(Duration::from_secs_f64(age));
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                ages
            }
        });
        let mut all = Vec::new();
        for client in clients {
            all.extend(client.await.expect("a client"));
        }
        let elapsed = start.elapsed();
        let ages = ages.await.expect("ages");
        rounds.abort();
        node.integrate().await;
        vec![once(names[0], rate(all.len(), elapsed)), times(names[1], all), times(names[2], ages)]
    })
}

fn payload_keys(folder: &tempfile::TempDir) -> Arc<PayloadKeys> {
    Arc::new(PayloadKeys::open(Zeroizing::new([7; 32]), &folder.path().join("erased")).expect("no journal yet"))
}

/// Of a hundred persons, as a busy ten minutes has them.
fn prepared(effort: &Effort) -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a folder");
    let store = StoreConfig::new(folder.path().join("vuzol.db"));
    migrate(&store).expect("a database");
    let (writer, reader) = open(&store).expect("a database");
    let keys = payload_keys(&folder);
    let measure = |name, keys| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ledger = Ledger::sealing(writer.clone(), reader.clone(), clock, ORIGIN, Space::unwatched(), keys);
        let mut rates: Vec<f64> = (0..effort.rounds.clamp(1, 5))
            .map(|_| {
                let before = processor_time();
                for number in 0..PREPARED {
                    let actor = format!("person:{}", number % 100);
                    std::hint::black_box(ledger.prepare(EventDraft { actor, ..draft(number) }));
                }
                rate(PREPARED, processor_time().saturating_sub(before))
            })
            .collect();
        rates.sort_unstable_by(|one, other| other.total_cmp(one));
        let at = |position: usize| rates.get(position).copied().unwrap_or(f64::NAN);
        Figure { name, by: "vuzol", unit: Unit::Operations, best: at(0), median: at(rates.len() / 2) }
    };
    vec![measure("audit-prepare", None), measure("audit-prepare-sealed", Some(keys))]
}

fn integrated(_: &Effort) -> Vec<Figure> {
    runtime().block_on(async {
        let node = Node::new();
        node.fill(ENTRIES).await;
        let start = Instant::now();
        node.integrate().await;
        vec![once("audit-integrate", rate(ENTRIES, start.elapsed()))]
    })
}

/// The details sealed, of a hundred persons, as [`prepared`] has them.
fn indexed(_: &Effort) -> Vec<Figure> {
    runtime().block_on(async {
        let mut node = Node::new();
        let (clock, keys): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), payload_keys(&node.folder));
        let (writer, reader) = (node.writer.clone(), node.reader.clone());
        let (to, from, at, sealed) = (writer.clone(), reader.clone(), Arc::clone(&clock), Some(Arc::clone(&keys)));
        node.ledger = Ledger::sealing(to, from, at, ORIGIN, Space::unwatched(), sealed);
        node.fill(ENTRIES).await;
        node.integrate().await;
        let index = Index::new(writer.clone(), reader.clone()).opening(Some(keys));
        let burst = Some(Burst { count: 50, within: time::Duration::minutes(10) });
        let rules = Rules { bulk_looks: burst, hours: None, look_without_case: true, refusal_storm: burst };
        let alerts = Alerts::new(index.clone(), writer, reader, node.ledger.clone(), clock, rules, Vec::new());
        let start = Instant::now();
        loop {
            let advance = index.advance(Index::BATCH).await.expect("an index");
            alerts.round_after(&advance.entries).await.expect("alerts");
            if !advance.more {
                break;
            }
        }
        vec![once("audit-index", rate(ENTRIES, start.elapsed()))]
    })
}

fn proven(effort: &Effort) -> Vec<Figure> {
    let budget = budget(effort);
    runtime().block_on(async move {
        let node = Node::new();
        let ids = node.fill(ENTRIES).await;
        node.integrate().await;
        let (start, mut taken, verifier) = (Instant::now(), Vec::new(), node.log.verifier());
        // A step that shares no factor with their number comes to all of them, and never to a neighbour.
        for id in ids.iter().cycle().step_by(7_919) {
            let before = Instant::now();
            let proof = node.log.proof(*id).await.expect("a log").expect("an event").expect("integrated");
            taken.push(before.elapsed());
            proof.proof.verify(&proof.entry, &verifier).expect("a proof that holds");
            if start.elapsed() >= budget && taken.len() >= 100 {
                break;
            }
        }
        vec![times("audit-proof", taken)]
    })
}

fn verified(effort: &Effort) -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a folder");
    let signer = signer();
    let checkpoint = write_log(folder.path(), &signer);
    let log = signer.verifier();
    let question =
        Question { log: &log, national: None, policy: None, checkpoint, kept: Vec::new(), anchors: Vec::new() };
    let source = Folder::new(folder.path());
    let mut taken: Vec<Duration> = (0..effort.rounds.clamp(1, 5))
        .map(|_| {
            let before = processor_time();
            verify(&source, &question, &mut |_, _| ()).expect("a log that is whole");
            processor_time().saturating_sub(before)
        })
        .collect();
    taken.sort_unstable();
    let at = |position: usize| taken.get(position).map_or(f64::NAN, |time| rate(VERIFIED, *time));
    let (best, median) = (at(0), at(taken.len() / 2));
    vec![Figure { name: "audit-verify", by: "vuzol", unit: Unit::Operations, best, median }]
}

/// A log as a node would publish it, of entries as a node writes them, without the node.
fn write_log(folder: &Path, signer: &NoteSigner) -> Kept {
    let write = |path: String, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    };
    let node = Node::new();
    let mut frontier = Frontier::empty();
    let mut edge = BTreeMap::new();
    for (index, start) in (0..).zip((0..VERIFIED).step_by(256)) {
        let end = VERIFIED.min(start + 256);
        let events: Vec<Event> = (start..end).map(|number| node.ledger.prepare(draft(number))).collect();
        events.iter().for_each(|event| frontier.append(leaf_hash(event.entry())));
        let tile = TileId { level: 0, index, width: u16::try_from(end - start).unwrap_or(256) };
        write(tile.entries_path(), &entry_bundle(events.iter().map(Event::entry)).expect("entries"));
        for (tile, bytes) in frontier.take_tiles() {
            edge.remove(&tile.level);
            if tile.width == 256 {
                write(tile.path(), &bytes);
            } else {
                edge.insert(tile.level, (tile, bytes));
            }
        }
    }
    for (tile, bytes) in edge.into_values() {
        write(tile.path(), &bytes);
    }
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: frontier.size(), root: frontier.root() };
    drop(node.folder);
    Kept { name: "checkpoint".to_owned(), note: signer.sign(&checkpoint.text()).expect("a note") }
}
