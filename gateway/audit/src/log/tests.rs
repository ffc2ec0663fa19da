//! The log as its readers and its attackers meet it.

use super::integrator::Step;
use super::*;
use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::{Ledger, append};
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Hash, empty_root, leaf_hash, node_hash, parse_entry_bundle};
use std::path::PathBuf;
use std::sync::LazyLock;
use storage::clock::ManualClock;
use storage::store::{Address, Database, StoreConfig, migrate, open};
use storage::throwaway::{BackEnd, Cluster};
use time::macros::datetime;

storage::on_each_back_end!(
    every_event_is_proven_under_the_checkpoint,
    a_round_takes_more_than_one_batch_where_much_waits,
    a_row_that_commits_late_under_a_low_id_is_numbered,
    concurrent_writers_lose_nothing,
    a_crash_at_any_step_loses_nothing_and_forks_nothing,
    an_integrator_that_was_stopped_for_long_does_not_set_the_log_back,
    a_killed_process_loses_no_acknowledged_event,
    stages_and_outgrown_partial_tiles_are_cleared_away,
    a_restored_backup_is_not_signed,
    a_lost_signer_memory_stops_the_log,
    a_tampered_row_does_not_prove,
    a_tampered_tile_is_noticed,
    a_lost_folder_is_made_again_from_the_rows,
    what_has_its_number_is_integrated_before_more_is_numbered,
    tiles_are_served_at_every_published_width_and_no_other,
    the_backlog_tells_rows_and_age,
    recorded_rows_cannot_be_changed_by_mistake,
    an_act_without_its_record_does_not_happen,
    what_an_entry_commits_to_lies_beside_the_tree,
);

pub(crate) const ORIGIN: &str = "vuzol.test/log";

static KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| SoftwareKey::generate(KeyKind::Ed25519).unwrap().to_pkcs8_der().unwrap().to_vec());

pub(crate) fn note_signer() -> NoteSigner {
    NoteSigner::new(ORIGIN, SoftwareKey::from_pkcs8_der(&KEY).unwrap()).unwrap()
}

/// RFC 6962 2.1 as it is written, over all leaves: what the tiles are held against.
pub(crate) struct Tree {
    leaves: Vec<Hash>,
}

impl Tree {
    pub(crate) fn of(label: &str, size: usize) -> Self {
        Self { leaves: (0..size).map(|n| leaf_hash(format!("{label} {n}").as_bytes())).collect() }
    }

    /// The same up to leaf `at`, and another one from there on.
    pub(crate) fn branch(&self, at: usize, label: &str) -> Self {
        let other = Self::of(label, self.leaves.len());
        Self { leaves: [&self.leaves[..at], &other.leaves[at..]].concat() }
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        mth(&self.leaves[..usize::try_from(size).unwrap()])
    }

    pub(crate) fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
        if from == 0 || from == to {
            return Vec::new();
        }
        subproof(usize::try_from(from).unwrap(), &self.leaves[..usize::try_from(to).unwrap()], true)
    }
}

fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, other) = if m <= left.len() {
        (subproof(m, left, whole), mth(right))
    } else {
        (subproof(m - left.len(), right, false), mth(left))
    };
    proof.push(other);
    proof
}

fn noon() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(datetime!(2026-11-23 12:00:00 UTC)))
}

/// A machine: what survives the end of its processes.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    pub(crate) store: StoreConfig,
    pub(crate) clock: Arc<ManualClock>,
}

/// A process on it.
pub(crate) struct Process {
    pub(crate) log: Log,
    pub(crate) ledger: Ledger,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
}

impl Machine {
    /// With SQLite.
    pub(crate) fn new() -> Self {
        Self::on(BackEnd::Sqlite)
    }

    pub(crate) fn on(back_end: BackEnd) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { store: back_end.database(folder.path()).unwrap(), folder, clock: noon() };
        migrate(&machine.store).unwrap();
        machine
    }

    /// Over a database that is there.
    pub(crate) fn over(store: StoreConfig) -> Self {
        Self { store, folder: tempfile::tempdir().unwrap(), clock: noon() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> StoreConfig {
        self.store.clone()
    }

    pub(crate) fn start(&self) -> Process {
        self.start_with(&self.store)
    }

    pub(crate) fn start_with(&self, store: &StoreConfig) -> Process {
        self.start_in(store, Objects::open_folder(&self.path("objects")).unwrap(), self.own_signer())
    }

    pub(super) fn start_on(&self, objects: Objects) -> Process {
        self.start_signed_by(objects, self.own_signer())
    }

    fn own_signer(&self) -> Arc<dyn CheckpointSigner> {
        Arc::new(Signer::open(note_signer(), &self.path("signer.state")).unwrap())
    }

    pub(crate) fn start_signed_by(&self, objects: Objects, signer: Arc<dyn CheckpointSigner>) -> Process {
        self.start_in(&self.store, objects, signer)
    }

    fn start_in(&self, store: &StoreConfig, objects: Objects, signer: Arc<dyn CheckpointSigner>) -> Process {
        let (writer, reader) = open(store).unwrap();
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let log = Log::signed_by(writer.clone(), reader.clone(), objects, Arc::clone(&clock), signer);
        let ledger = Ledger::new(writer.clone(), reader.clone(), clock, ORIGIN);
        Process { log, ledger, writer, reader }
    }

    /// While nobody writes, of a file.
    pub(crate) fn copy_database(&self, to: &str) {
        let Database::Sqlite(path) = &self.store.database else { panic!("no file") };
        for suffix in ["", "-wal"] {
            std::fs::copy(format!("{}{suffix}", path.display()), self.path(&format!("{to}{suffix}"))).unwrap();
        }
    }

    /// What somebody does who owns the database.
    pub(crate) async fn try_sql(&self, sql: &str) -> Result<(), String> {
        match &self.store.database {
            Database::Sqlite(_) => by_hand(&self.store, sql).await.map_err(|error| error.to_string()),
            Database::Postgres(address) => Cluster::shared().unwrap().try_sql(address.database(), sql).map(drop),
        }
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.try_sql(sql).await.unwrap();
    }

    fn is_postgres(&self) -> bool {
        matches!(self.store.database, Database::Postgres(_))
    }

    /// A copy of the database as it is, while nobody writes.
    fn copy_of_the_database(&self) -> StoreConfig {
        match &self.store.database {
            Database::Sqlite(path) => {
                for suffix in ["", "-wal"] {
                    let name = |name: &str| self.path(&format!("{name}{suffix}"));
                    std::fs::copy(format!("{}{suffix}", path.display()), name("backup.db")).unwrap();
                }
                StoreConfig::new(self.path("backup.db"))
            }
            Database::Postgres(address) => {
                let (cluster, name) = (Cluster::shared().unwrap(), address.database());
                let end =
                    format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
                cluster.sql("postgres", &end);
                cluster.sql("postgres", &format!("CREATE DATABASE {name}_backup TEMPLATE {name}"));
                StoreConfig::postgres(cluster.address(&format!("{name}_backup"), "vuzol_owner"))
            }
        }
    }
}

/// Through a writer of its own: this crate knows no database by name.
pub(crate) async fn by_hand(store: &StoreConfig, sql: &str) -> Result<(), StoreError> {
    let (writer, _) = open(store)?;
    let sql: &'static str = Box::leak(sql.to_owned().into_boxed_str());
    writer.run_tx("sql", move |tx| tx.execute(sql, &[])).await.map(drop).map_err(state::only_store)
}

pub(crate) fn draft(n: usize) -> EventDraft {
    EventDraft {
        action: Action::SubmitDocument,
        actor: "participant:12345678".to_owned(),
        object: Some(format!("message:{n}")),
        outcome: Outcome::Done,
        details: serde_json::json!({ "number": n }),
    }
}

impl Process {
    pub(crate) async fn record(&self, count: usize) -> Vec<EventId> {
        let mut ids = Vec::new();
        for chunk in (0..count).collect::<Vec<_>>().chunks(64) {
            let events: Vec<_> = chunk.iter().map(|n| self.ledger.prepare(draft(*n))).collect();
            ids.extend(events.iter().map(crate::Event::id));
            let write = self.ledger.transact("test", move |tx| {
                let mut last = None;
                for event in &events {
                    last = Some(append(tx, event)?);
                }
                last.map(|last| last.with(())).ok_or(StoreError::Closed)
            });
            write.await.unwrap();
        }
        ids
    }

    pub(super) async fn fail_at(&self, step: Step) {
        let hook = move |reached| if reached == step { Err(StoreError::Closed) } else { Ok(()) };
        self.log.inner.integrator.lock().await.hook = Box::new(hook);
    }

    pub(super) async fn crash_at(&self, step: Step) {
        self.fail_at(step).await;
        assert!(matches!(self.log.round().await, Err(LogFailure::Store(StoreError::Closed))), "{step:?}");
    }

    pub(crate) async fn published(&self) -> Checkpoint {
        let note = self.log.checkpoint().await.unwrap().unwrap();
        Checkpoint::parse_text(self.log.verifier().verify(&note).unwrap()).unwrap()
    }

    pub(crate) async fn entries(&self) -> Vec<(i64, Vec<u8>)> {
        let sql = "SELECT seq, entry FROM audit_seq ORDER BY seq";
        self.reader
            .read("entries", move |tx| tx.query(sql, &[], |row| Ok((row.integer(0)?, row.blob(1)?))))
            .await
            .unwrap()
    }

    /// What an auditor does: every event proven, and the whole tree rebuilt from what the log serves.
    pub(crate) async fn audit(&self, events: &[EventId]) {
        let checkpoint = self.published().await;
        assert_eq!(checkpoint.origin, ORIGIN);
        let entries = self.entries().await;
        assert_eq!(checkpoint.size, entries.len() as u64);
        for (position, (seq, _)) in entries.iter().enumerate() {
            assert_eq!(usize::try_from(*seq).unwrap(), position, "numbers are contiguous");
        }
        let mut served = Vec::new();
        for index in 0..checkpoint.size.div_ceil(256) {
            let width = u16::try_from((checkpoint.size - index * 256).min(256)).unwrap();
            let tile = crypto::merkle::TileId { level: 0, index, width };
            let bundle = self.log.tile(&tile.entries_path()).await.unwrap().unwrap();
            let bundle = parse_entry_bundle(&bundle).unwrap();
            let hashes = self.log.tile(&tile.path()).await.unwrap().unwrap();
            assert_eq!(bundle.iter().flat_map(|entry| leaf_hash(entry)).collect::<Vec<u8>>(), hashes);
            served.extend(bundle);
        }
        assert!(served.iter().eq(entries.iter().map(|(_, entry)| entry)));
        let leaves: Vec<_> = served.iter().map(|entry| leaf_hash(entry)).collect();
        assert_eq!(mth(&leaves), checkpoint.root);
        let mut seen = std::collections::BTreeSet::new();
        for event in events {
            let EventProof { entry, proof } = self.log.proof(*event).await.unwrap().unwrap().unwrap();
            assert!(String::from_utf8_lossy(&entry).contains(&event.to_string()));
            assert_eq!(proof.verify(&entry, &self.log.verifier()).unwrap(), checkpoint);
            assert!(seen.insert(proof.index), "two events under one number");
        }
    }
}

async fn every_event_is_proven_under_the_checkpoint(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    assert_eq!(process.log.round().await.unwrap(), 0);
    assert!(process.log.checkpoint().await.unwrap().is_none());
    let mut events = Vec::new();
    for count in [1, 1, 253, 1, 1, 600] {
        let more = process.record(count).await;
        assert!(matches!(process.log.proof(more[0]).await.unwrap(), Some(Err(NotYet))));
        events.extend(more);
        assert_eq!(process.log.round().await.unwrap(), events.len() as u64);
        assert_eq!(process.published().await.size, events.len() as u64);
    }
    process.audit(&events).await;
    let stranger = EventId::from_parts(1, [0; 10]);
    assert!(process.log.proof(stranger).await.unwrap().is_none());
}

async fn a_round_takes_more_than_one_batch_where_much_waits(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let events = process.record(70_000 / 8).await;
    assert_eq!(process.log.round().await.unwrap(), events.len() as u64);
    process.audit(&events[events.len() - 5..]).await;
    assert_eq!(machine.start().log.round().await.unwrap(), events.len() as u64);
}

async fn a_row_that_commits_late_under_a_low_id_is_numbered(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    process.record(3).await;
    // PostgreSQL gives identities in the order of writing and shows rows in the order of committing; here the low one is
    // written out of order by hand.
    let late = process.ledger.prepare(draft(100));
    let (id, entry) = (late.id(), late.entry().to_vec());
    process.log.round().await.unwrap();
    let sql = "INSERT INTO audit_outbox (id, event_id, at, entry) VALUES ($1, $2, 0, $3)";
    for low in [-7_i64, 1] {
        let (id, entry) =
            if low == 1 { (id, entry.clone()) } else { (EventId::from_parts(9, [9; 10]), b"{}".to_vec()) };
        let write = process
            .writer
            .run_tx("late", move |tx| tx.execute(sql, &[low.into(), id.as_bytes().into(), (&entry).into()]));
        let written: Result<_, storage::TxError<StoreError>> = write.await;
        written.unwrap();
    }
    assert_eq!(process.log.round().await.unwrap(), 5);
    process.audit(&[id]).await;
    assert_eq!(process.log.backlog().await.unwrap().0, 0);
}

async fn concurrent_writers_lose_nothing(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let processes = [Arc::new(machine.start()), Arc::new(machine.start())];
    let mut writers = Vec::new();
    for lane in 0..12 {
        let process = Arc::clone(&processes[lane % 2]);
        writers.push(tokio::spawn(async move {
            let mut committed = Vec::new();
            for n in 0..40 {
                let event = process.ledger.prepare(draft(n));
                let id = event.id();
                let write = process.ledger.transact("test", move |tx| {
                    let appended = append(tx, &event)?;
                    if n % 10 == 9 { Err(StoreError::Closed) } else { Ok(appended.with(id)) }
                });
                match write.await {
                    Ok(id) => committed.push(id),
                    Err(error) => assert!(matches!(error, storage::TxError::Refused(_))),
                }
            }
            committed
        }));
    }
    // Two integrators race meanwhile.
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let rounds: Vec<_> = processes
        .iter()
        .map(|process| {
            let (log, stop) = (process.log.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut last = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let size = log.round().await.unwrap();
                    assert!(size >= last);
                    last = size;
                }
            })
        })
        .collect();
    let mut committed = Vec::new();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for round in rounds {
        round.await.unwrap();
    }
    while processes[0].log.round().await.unwrap() < committed.len() as u64 {}
    assert_eq!(committed.len(), 12 * 36);
    for process in processes {
        process.audit(&committed).await;
    }
}

const STEPS: [Step; 7] =
    [Step::Numbered, Step::Staged, Step::Signed, Step::Committed, Step::HalfWritten, Step::Written, Step::Published];

async fn a_crash_at_any_step_loses_nothing_and_forks_nothing(back_end: BackEnd) {
    for torn in [false, true] {
        let machine = Machine::on(back_end);
        let mut events = Vec::new();
        let mut signed: Vec<Checkpoint> = Vec::new();
        for (count, step) in [1, 200, 55, 256, 257, 3, 701].into_iter().zip(STEPS) {
            let process = machine.start();
            events.extend(process.record(count).await);
            process.crash_at(step).await;
            signed.extend(signer_memory(&machine));
            drop(process);
            if torn {
                tear_unsynced_tiles(&machine);
            }
            let process = machine.start();
            // New rows may come between crash and recovery.
            events.extend(process.record(count % 4).await);
            assert_eq!(process.log.round().await.unwrap(), events.len() as u64, "{step:?}");
            process.audit(&events).await;
            signed.push(process.published().await);
        }
        // Never two trees of which one is not the beginning of the other.
        let process = machine.start();
        let leaves = process.entries().await.iter().map(|(_, entry)| leaf_hash(entry)).collect();
        let tree = Tree { leaves };
        for checkpoint in signed {
            assert_eq!(tree.root(checkpoint.size), checkpoint.root);
        }
        let stages = std::fs::read_dir(machine.path("objects/log/staging")).unwrap().count();
        assert!(stages <= 1, "{stages}: only the last round's may wait");
    }
}

async fn an_integrator_that_was_stopped_for_long_does_not_set_the_log_back(back_end: BackEnd) {
    for step in STEPS {
        let machine = Machine::on(back_end);
        let (slow, quick) = (machine.start(), machine.start());
        let mut events = slow.record(300).await;
        slow.log.round().await.unwrap();
        events.extend(slow.record(70).await);
        // As SIGSTOP would: it goes on later, in the middle of its round, with what it believed then.
        let (stopped, is_stopped) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let (stopped, may_go_on) = (Mutex::new(stopped), Mutex::new(may_go_on));
        slow.log.inner.integrator.lock().await.hook = Box::new(move |reached| {
            if reached == step && stopped.lock().unwrap().send(()).is_ok() {
                // Once: afterwards the sender is gone.
                let _ = may_go_on.lock().unwrap().recv();
            }
            Ok(())
        });
        let round = tokio::spawn({
            let log = slow.log.clone();
            async move { log.round().await }
        });
        tokio::task::spawn_blocking(move || is_stopped.recv().unwrap()).await.unwrap();
        let mut size = 0;
        for _ in 0..20 {
            events.extend(quick.record(30).await);
            size = quick.log.round().await.unwrap();
        }
        assert_eq!(size, events.len() as u64, "{step:?}");
        let before = quick.published().await;
        drop(go_on);
        assert!(round.await.unwrap().unwrap() <= size, "{step:?}");
        assert_eq!(quick.published().await, before, "{step:?}");
        events.extend(slow.record(1).await);
        assert_eq!(slow.log.round().await.unwrap(), size + 1, "{step:?}");
        assert_eq!(quick.log.round().await.unwrap(), size + 1, "{step:?}");
        for process in [slow, quick, machine.start()] {
            process.log.round().await.unwrap();
            process.audit(&events[events.len() - 40..]).await;
        }
    }
}

fn signer_memory(machine: &Machine) -> Option<Checkpoint> {
    let text = std::fs::read_to_string(machine.path("signer.state")).ok()?;
    Some(Checkpoint::parse_text(&text).unwrap())
}

/// What a power cut does to files that nobody synced: the name is there, the bytes are not. Every test round is followed
/// by a recovery, which syncs, so what is not synced is what the stages hold.
pub(super) fn tear_unsynced_tiles(machine: &Machine) {
    for stage in std::fs::read_dir(machine.path("objects/log/staging")).into_iter().flatten() {
        let stage = stage::Stage::parse(&std::fs::read(stage.unwrap().path()).unwrap().into()).unwrap();
        for (key, _) in stage.tiles {
            let path = machine.path("objects").join(key);
            if path.exists() {
                std::fs::write(path, b"").unwrap();
            }
        }
    }
}

/// The child of [`a_killed_process_loses_no_acknowledged_event`]: prints each event after its acknowledgement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_records_until_it_is_killed() {
    let Ok(folder) = std::env::var("VUZOL_TEST_KILLED_LOG") else { return };
    let folder = PathBuf::from(folder);
    let key = SoftwareKey::from_pkcs8_der(&std::fs::read(folder.join("key")).unwrap()).unwrap();
    let store = match std::env::var("VUZOL_TEST_KILLED_LOG_DATABASE") {
        Ok(name) => StoreConfig::postgres(Address::parse(&name).unwrap()),
        Err(_) => StoreConfig::new(folder.join("vuzol.db")),
    };
    let (writer, reader) = open(&store).unwrap();
    let objects = Objects::open_folder(&folder.join("objects")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(storage::clock::SystemClock);
    let signer = NoteSigner::new(ORIGIN, key).unwrap();
    let state = folder.join("signer.state");
    let log = Log::open(writer.clone(), reader.clone(), objects, Arc::clone(&clock), signer, &state).unwrap();
    let ledger = Ledger::new(writer, reader, clock, ORIGIN);
    for lane in 0..8 {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for n in 0.. {
                use std::io::Write as _;
                let id = ledger.record(draft(lane * 1_000_000 + n)).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {id}").and_then(|()| out.flush()).unwrap();
            }
        });
    }
    loop {
        log.round().await.unwrap();
    }
}

async fn a_killed_process_loses_no_acknowledged_event(back_end: BackEnd) {
    use std::io::{BufRead as _, BufReader};
    let machine = Machine::on(back_end);
    std::fs::write(machine.path("key"), &*KEY).unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..12_usize {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        if let Database::Postgres(address) = &machine.store.database {
            child.env("VUZOL_TEST_KILLED_LOG_DATABASE", Cluster::shared().unwrap().url(address.database(), "vuzol"));
        }
        let mut child = child
            .args(["--exact", "log::tests::child_that_records_until_it_is_killed", "--nocapture"])
            .env("VUZOL_TEST_KILLED_LOG", machine.folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut seen = 0;
        let enough = 50 + 61 * round;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // The last line may be torn by the kill.
            if let Some(id) = line.rsplit_once("acknowledged ").and_then(|(_, id)| id.parse::<EventId>().ok()) {
                acknowledged.push(id);
                seen += 1;
            }
            if seen == enough {
                seen += 1;
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen > enough, "the child ended by itself");
    }
    let process = machine.start();
    while process.log.backlog().await.unwrap().0 > 0 {
        process.log.round().await.unwrap();
    }
    process.audit(&acknowledged).await;
}

async fn stages_and_outgrown_partial_tiles_are_cleared_away(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let mut events = Vec::new();
    for _ in 0..40 {
        events.extend(process.record(7).await);
        process.log.round().await.unwrap();
    }
    process.crash_at_sync(&mut events).await;
    drop(process);
    let process = machine.start();
    events.extend(process.record(1).await);
    process.log.round().await.unwrap();
    process.audit(&events).await;
    let files = |folder: &str| std::fs::read_dir(machine.path(folder)).map_or(0, Iterator::count);
    assert!(files("objects/log/staging") <= 2);
    assert!(files("objects/log/tile/0/001.p") <= 4, "{}", files("objects/log/tile/0/001.p"));
    assert!(files("objects/log/tile/entries/000.p") <= 4);
}

impl Process {
    async fn crash_at_sync(&self, events: &mut Vec<EventId>) {
        self.fail_at(Step::Synced).await;
        for _ in 0..17 {
            events.extend(self.record(3).await);
            if self.log.round().await.is_err() {
                return;
            }
        }
        panic!("no sync in 17 rounds");
    }
}

async fn a_restored_backup_is_not_signed(back_end: BackEnd) {
    for (before, lost, after) in
        [(300, 100, 0), (300, 100, 50), (300, 100, 100), (300, 100, 500), (0, 1, 1), (256, 1, 600)]
    {
        let mut machine = Machine::on(back_end);
        let process = machine.start();
        process.record(before).await;
        process.log.round().await.unwrap();
        let backup = machine.copy_of_the_database();
        process.record(lost).await;
        process.log.round().await.unwrap();
        let signed = signer_memory(&machine).unwrap();
        machine.store = backup;
        let process = machine.start();
        process.record(after).await;
        let case = format!("{before} {lost} {after}");
        assert!(matches!(process.log.round().await, Err(LogFailure::Inconsistent)), "{case}");
        process.record(1).await;
        assert!(matches!(process.log.round().await, Err(LogFailure::Inconsistent)), "{case}");
        assert!(matches!(process.log.backlog().await, Err(LogFailure::Inconsistent)), "{case}");
        assert!(matches!(machine.start().log.round().await, Err(LogFailure::Inconsistent)), "{case}");
        assert_eq!(signer_memory(&machine).unwrap(), signed, "{case}");
    }
}

async fn a_lost_signer_memory_stops_the_log(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    process.record(3).await;
    process.log.round().await.unwrap();
    let memory = std::fs::read(machine.path("signer.state")).unwrap();
    std::fs::remove_file(machine.path("signer.state")).unwrap();
    process.record(1).await;
    for process in [process, machine.start()] {
        assert!(matches!(process.log.round().await, Err(LogFailure::SignerState(_))));
    }
    std::fs::write(machine.path("signer.state"), memory).unwrap();
    assert_eq!(machine.start().log.round().await.unwrap(), 4);
}

async fn a_tampered_row_does_not_prove(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let events = process.record(10).await;
    process.log.round().await.unwrap();
    let (drop_trigger, forge) = if machine.is_postgres() {
        (
            "DROP TRIGGER audit_seq_no_update ON audit_seq",
            "UPDATE audit_seq SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '12345678', '87654321'), 'UTF8') WHERE seq = 4",
        )
    } else {
        (
            "DROP TRIGGER audit_seq_no_update",
            "UPDATE audit_seq SET entry = CAST(replace(CAST(entry AS TEXT), '12345678', '87654321') AS BLOB) WHERE seq = 4",
        )
    };
    machine.sql(drop_trigger).await;
    machine.sql(forge).await;
    assert!(matches!(process.log.proof(events[4]).await, Err(LogFailure::Arithmetic(LogError::ProofMismatch))));
    assert!(process.log.proof(events[5]).await.unwrap().unwrap().is_ok());
}

async fn a_tampered_tile_is_noticed(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let events = process.record(300).await;
    process.log.round().await.unwrap();
    let flip = |name: &str, at: usize| {
        let path = machine.path("objects/log").join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    flip("tile/0/000", 40);
    assert!(matches!(process.log.proof(events[3]).await, Err(LogFailure::Arithmetic(LogError::ProofMismatch))));
    flip("tile/0/000", 40);
    assert!(process.log.proof(events[3]).await.unwrap().unwrap().is_ok());
    // The right edge, which the next start builds on. (The stage would repair it: it is gone by then.)
    for stage in std::fs::read_dir(machine.path("objects/log/staging")).unwrap() {
        std::fs::remove_file(stage.unwrap().path()).unwrap();
    }
    for (name, at) in [("tile/0/001.p/44", 32), ("tile/entries/001.p/44", 9)] {
        flip(name, at);
        let process = machine.start();
        process.record(1).await;
        assert!(matches!(process.log.round().await, Err(LogFailure::TileDiffers(_))), "{name}");
        assert!(matches!(process.log.round().await, Err(LogFailure::TileDiffers(_))), "stays stopped");
        assert!(matches!(process.log.backlog().await, Err(LogFailure::TileDiffers(_))));
        flip(name, at);
    }
    machine.start().log.round().await.unwrap();
}

async fn a_lost_folder_is_made_again_from_the_rows(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let mut events = process.record(5000).await;
    process.log.round().await.unwrap();
    let before = process.published().await;
    drop(process);
    std::fs::remove_dir_all(machine.path("objects")).unwrap();
    let process = machine.start();
    assert_eq!(process.log.round().await.unwrap(), 5000);
    assert_eq!(process.published().await, before);
    events.extend(process.record(3).await);
    process.log.round().await.unwrap();
    process.audit(&events[4990..]).await;
}

async fn what_has_its_number_is_integrated_before_more_is_numbered(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    process.record(4200).await;
    sequencer::number(&process.writer, &process.reader, u32::MAX).await.unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    process.log.inner.integrator.lock().await.hook = Box::new(move |step| {
        if matches!(step, Step::Numbered | Step::Committed) {
            seen.lock().unwrap().push(step);
        }
        Ok(())
    });
    assert_eq!(process.log.round().await.unwrap(), 4200);
    assert_eq!(*steps.lock().unwrap(), [Step::Numbered, Step::Committed, Step::Committed]);
}

async fn tiles_are_served_at_every_published_width_and_no_other(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    for count in [10, 40, 250] {
        process.record(count).await;
        process.log.round().await.unwrap();
    }
    let tile = async |path: &str| process.log.tile(path).await.unwrap();
    let full = tile("tile/0/000").await.unwrap();
    assert_eq!(full.len(), 8192);
    for width in [10_usize, 50, 1, 255] {
        assert_eq!(tile(&format!("tile/0/000.p/{width}")).await.unwrap(), full[..width * 32]);
        let bundle = tile(&format!("tile/entries/000.p/{width}")).await.unwrap();
        assert_eq!(parse_entry_bundle(&bundle).unwrap().len(), width);
    }
    assert_eq!(tile("tile/0/001.p/44").await.unwrap().len(), 44 * 32);
    assert_eq!(tile("tile/1/000.p/1").await.unwrap().len(), 32);
    for absent in ["tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000", "tile/2/000.p/1", "checkpoint"] {
        assert!(tile(absent).await.is_none(), "{absent}");
    }
    // Recorded and even numbered, but not published: not served.
    process.record(1).await;
    process.crash_at(Step::Committed).await;
    assert!(tile("tile/0/001.p/45").await.is_none());
}

async fn the_backlog_tells_rows_and_age(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    assert_eq!(process.log.backlog().await.unwrap(), (0, 0.0));
    process.record(2).await;
    machine.clock.advance(time::Duration::seconds(5));
    process.record(1).await;
    machine.clock.advance(time::Duration::milliseconds(2500));
    assert_eq!(process.log.backlog().await.unwrap(), (3, 7.5));
    process.crash_at(Step::Signed).await;
    assert_eq!(process.log.backlog().await.unwrap(), (3, 7.5));
    machine.start().log.round().await.unwrap();
    assert_eq!(process.log.backlog().await.unwrap(), (0, 0.0));
}

async fn recorded_rows_cannot_be_changed_by_mistake(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    process.record(2).await;
    process.log.round().await.unwrap();
    process.record(1).await;
    for sql in [
        "UPDATE audit_seq SET at = 0",
        "DELETE FROM audit_seq WHERE seq = 1",
        "INSERT INTO audit_seq (seq, event_id, at, entry) SELECT 1, event_id, at, entry FROM audit_outbox WHERE true
            ON CONFLICT (seq) DO UPDATE SET entry = excluded.entry",
        "UPDATE audit_outbox SET at = 0",
        "DELETE FROM audit_outbox",
        "UPDATE seq_head SET next_seq = 0",
        "DELETE FROM seq_head",
        "UPDATE log_state SET size = 0",
        "DELETE FROM log_state",
    ] {
        let refused = machine.try_sql(sql).await.unwrap_err();
        let told = ["audit_seq: ", "audit_outbox: ", "seq_head: ", "log_state: "];
        assert!(told.iter().any(|told| refused.contains(told)), "{sql}: {refused}");
    }
    if !machine.is_postgres() {
        let replace = "INSERT OR REPLACE INTO audit_seq (seq, event_id, at, entry) SELECT 1, event_id, at, entry FROM audit_outbox";
        assert!(machine.try_sql(replace).await.unwrap_err().contains("never deleted"));
    }
    assert_eq!(process.log.round().await.unwrap(), 3);
}

async fn an_act_without_its_record_does_not_happen(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let event = process.ledger.prepare(draft(0));
    let again = event.clone();
    let first = process.ledger.transact("act", move |tx| Ok::<_, StoreError>(append(tx, &event)?.with(())));
    first.await.unwrap();
    // The second act would have to record the same event; nothing of it stays.
    let second = process.ledger.transact("act", move |tx| {
        let job = "INSERT INTO jobs (id, kind, subject, available_at) VALUES ($1, 'k', $1, 0)";
        tx.execute(job, &[(&[7; 16]).into()])?;
        Ok(append(tx, &again)?.with(()))
    });
    assert_eq!(second.await, Err(storage::TxError::Refused(StoreError::Conflict)));
    let count = process.reader.read("count", |tx| {
        tx.query_optional("SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM audit_outbox)", &[], |r| {
            r.integer(0)
        })
    });
    assert_eq!(count.await.unwrap(), Some(1));
}

async fn what_an_entry_commits_to_lies_beside_the_tree(back_end: BackEnd) {
    let machine = Machine::on(back_end);
    let process = machine.start();
    let id = process.ledger.record(draft(42)).await.unwrap();
    process.log.round().await.unwrap();
    let payload = process.reader.read("payload", move |tx| {
        let sql = "SELECT salt, details FROM audit_payload WHERE event_id = $1";
        tx.query_optional(sql, &[id.as_bytes().into()], |row| Ok((row.array(0)?, row.text(1)?)))
    });
    let (salt, details) = payload.await.unwrap().unwrap();
    let proof = process.log.proof(id).await.unwrap().unwrap().unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&proof.entry).unwrap();
    assert_eq!(entry["commit"], crypto::digest::hex(&crate::event::commitment(&salt, details.as_bytes())));
    // Erasing it breaks nothing.
    machine.sql("DELETE FROM audit_payload").await;
    process.audit(&[id]).await;
}
