//! The writer's thread: takes transactions from a bounded queue, commits them in groups, answers after the commit.
//!
//! A commit costs an fsync (about 3 ms on an ordinary virtual disk) however much it holds, so the transactions that
//! arrive while one group commits make up the next: BEGIN IMMEDIATE, one after another, one COMMIT.
//!
//! Most groups hold nothing that refuses. A group is therefore run without savepoints, which would copy each page that a transaction
//! is the first to change; where one of it refuses or fails, everything is rolled back and the group is run once more with each
//! transaction in its SAVEPOINT, and so are some groups after it: refusals come in company.
//!
//! Nothing is answered before the COMMIT has returned, not even a refusal: it may rest on what a neighbour in the group
//! wrote. When the COMMIT fails, everyone in the group is told so.

use crate::sqlite;
use crate::store::{StoreConfig, StoreError, Tx, TxError};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where transactions wait.
pub(crate) struct WriteQueue {
    sender: SyncSender<Box<dyn Operation>>,
    waiting: Arc<AtomicUsize>,
}

impl WriteQueue {
    pub(crate) fn start(config: &StoreConfig, connection: Connection) -> Result<Self, StoreError> {
        let (sender, operations) = sync_channel(config.queue.max(1));
        let waiting = Arc::new(AtomicUsize::new(0));
        let checkpointer = start_checkpointer(config)?;
        let thread = WriterThread {
            database: config.database.clone(),
            connection: Some(connection),
            operations,
            waiting: Arc::clone(&waiting),
            group: config.group.max(1),
            linger: config.linger,
            traffic: Traffic::default(),
            savepoints: 0,
            _checkpointer: checkpointer,
        };
        std::thread::Builder::new()
            .name("vuzol-writer".to_owned())
            .spawn(move || thread.work())
            .map_err(|error| StoreError::Database(format!("no thread for the writer: {error}")))?;
        Ok(Self { sender, waiting })
    }

    /// How many wait, those of the group at work not counted.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn push(&self, operation: Box<dyn Operation>) -> Result<(), StoreError> {
        // Counted before it is sent, so that the thread never counts below zero.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(operation).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let (operation, reason) = match error {
                TrySendError::Full(operation) => (operation, StoreError::Overloaded),
                TrySendError::Disconnected(operation) => (operation, StoreError::Closed),
            };
            count(operation.name(), "shed");
            reason
        })
    }
}

/// A transaction in the queue, whatever its types.
pub(crate) trait Operation: Send {
    fn name(&self) -> &'static str;
    /// Runs the closure and keeps its result. True: its changes are to stay.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells the caller; `end` is how the group's commit went, or why this one is out of it.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

/// The closure of [`run_tx`](crate::Writer::run_tx), its result, and who waits for it.
pub(crate) struct PendingTx<T, E, F> {
    name: &'static str,
    f: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, TxError<E>>>,
}

impl<T, E, F> PendingTx<T, E, F> {
    pub(crate) fn new(name: &'static str, f: F) -> (Self, oneshot::Receiver<Result<T, TxError<E>>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { name, f, result: None, answer }, receiver)
    }
}

impl<T, E, F> Operation for PendingTx<T, E, F>
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        // The result of an earlier run, in a group that came to nothing, must not outlive a panic of this one.
        self.result = None;
        // What a panicking closure leaves half-changed is its own captured state, which is never used again, and its
        // savepoint, which is rolled back.
        self.result = catch_unwind(AssertUnwindSafe(|| (self.f)(tx))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let answer = match (end, self.result) {
            (Err(error), _) => Err(TxError::Store(error)),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), Some(Err(refusal))) => Err(TxError::Refused(refusal)),
            (Ok(()), None) => {
                tracing::error!(transaction = self.name, "a transaction panicked and was rolled back");
                Err(TxError::Store(StoreError::Database(format!("the transaction {} panicked", self.name))))
            }
        };
        let outcome = match &answer {
            Ok(_) => "done",
            Err(TxError::Refused(_)) => "refused",
            Err(TxError::Store(_)) => "failed",
        };
        count(self.name, outcome);
        // A caller that went away is no error: the transaction stands.
        let _ = self.answer.send(answer);
    }
}

/// Copies the log into the database beside the writer, in small steps. Left to SQLite, the commit that makes the log long
/// enough does it, and its whole group waits. (Measured at 1,000 transactions of 8 kB a second, three runs each: the
/// slowest in a thousand took 40 to 93 ms left to SQLite, 15 to 30 ms with this thread; every 200 ms instead of 50 gave
/// 36 to 89.) The writer still does it past 64 MiB, since only at a moment without writing can the log start over.
fn start_checkpointer(config: &StoreConfig) -> Result<SyncSender<()>, StoreError> {
    let (alive, writer_ends) = sync_channel(0);
    let connection = sqlite::open_writer(&config.database)?;
    std::thread::Builder::new()
        .name("vuzol-checkpointer".to_owned())
        .spawn(move || {
            while writer_ends.recv_timeout(CHECKPOINT_PERIOD) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = sqlite::checkpoint(&connection) {
                    tracing::warn!(%error, "no checkpoint of the write-ahead log");
                }
            }
        })
        .map_err(|error| StoreError::Database(format!("no thread for the checkpointer: {error}")))?;
    Ok(alive)
}

const CHECKPOINT_PERIOD: Duration = Duration::from_millis(50);

fn count(name: &'static str, outcome: &'static str) {
    metrics::counter!("vuzol_storage_transactions_total", "name" => name, "outcome" => outcome).increment(1);
}

struct WriterThread {
    database: PathBuf,
    /// None after a failure, until it could be opened anew.
    connection: Option<Connection>,
    operations: Receiver<Box<dyn Operation>>,
    waiting: Arc<AtomicUsize>,
    group: usize,
    linger: Duration,
    traffic: Traffic,
    /// How many groups to come are run with savepoints from the beginning.
    savepoints: u32,
    /// Its end is the checkpointer's.
    _checkpointer: SyncSender<()>,
}

/// How many transactions came lately. Groups of one tell nothing: on a fast disk they commit before the next arrives, at
/// 150 us of processor time each where one in a group of eight costs 60 (six inserts; measured).
#[derive(Debug, Default)]
struct Traffic {
    window: Option<Instant>,
    arrived: usize,
    before: usize,
}

impl Traffic {
    /// Whether waiting is likely to bring company: a lone client that sends one after another never reaches this.
    fn is_dense(&mut self, now: Instant) -> bool {
        self.turn(now);
        self.before.max(self.arrived) >= DENSE
    }

    fn arrived(&mut self, transactions: usize, now: Instant) {
        self.turn(now);
        self.arrived += transactions;
    }

    fn turn(&mut self, now: Instant) {
        let age = self.window.map(|since| now.saturating_duration_since(since));
        if age.is_none_or(|age| age >= TRAFFIC_WINDOW) {
            // A window that ended long ago was followed by silence.
            self.before = if age.is_some_and(|age| age < TRAFFIC_WINDOW * 2) { self.arrived } else { 0 };
            self.arrived = 0;
            self.window = Some(now);
        }
    }
}

const TRAFFIC_WINDOW: Duration = Duration::from_millis(20);

/// Transactions in a window from which on the writer waits: 600 a second.
const DENSE: usize = 12;

type Group = Vec<Box<dyn Operation>>;

/// Why a group did not commit.
enum GroupFailure {
    /// Everyone's: the transaction could not be begun or committed.
    Everyone(StoreError),
    /// The operation at this position broke the whole transaction (disk full, input/output error: SQLite then rolls back
    /// more than the savepoint). The others may try again without it.
    One(usize, StoreError),
}

impl WriterThread {
    fn work(mut self) {
        while let Some(group) = self.gather() {
            self.commit(group);
        }
    }

    /// The next group; None when every handle is gone and the queue is empty.
    fn gather(&mut self) -> Option<Group> {
        let mut group = vec![self.operations.recv().ok()?];
        while group.len() < self.group {
            match self.operations.try_recv() {
                Ok(operation) => group.push(operation),
                Err(_) => break,
            }
        }
        if !self.linger.is_zero() && self.traffic.is_dense(Instant::now()) {
            self.wait_for_company(&mut group);
        }
        self.traffic.arrived(group.len(), Instant::now());
        let left = self.waiting.fetch_sub(group.len(), Ordering::Relaxed).saturating_sub(group.len());
        #[allow(clippy::cast_precision_loss, reason = "a queue is never longer than 2^52")]
        {
            metrics::gauge!("vuzol_storage_queue_depth").set(left as f64);
            metrics::histogram!("vuzol_storage_group_size").record(group.len() as f64);
        }
        Some(group)
    }

    fn wait_for_company(&self, group: &mut Group) {
        let deadline = Instant::now() + self.linger;
        while group.len() < self.group {
            match self.operations.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(operation) => group.push(operation),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    fn commit(&mut self, mut group: Group) {
        let started = Instant::now();
        let mut end = self.try_commit(&mut group);
        if let Err(GroupFailure::One(position, error)) = end {
            tracing::error!(%error, transaction = group[position].name(), "a transaction broke its group");
            group.remove(position).answer(Err(error));
            end = self.try_commit(&mut group);
        }
        metrics::histogram!("vuzol_storage_commit_seconds").record(started.elapsed().as_secs_f64());
        let end = end.map_err(|failure| match failure {
            GroupFailure::Everyone(error) | GroupFailure::One(_, error) => error,
        });
        if let Err(error) = &end {
            tracing::error!(%error, transactions = group.len(), "a group did not commit");
        }
        for operation in group {
            operation.answer(end.clone());
        }
    }

    fn try_commit(&mut self, group: &mut Group) -> Result<(), GroupFailure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => sqlite::open_writer(&self.database).map_err(GroupFailure::Everyone)?,
        };
        let end = self.run_group(&connection, group);
        match &end {
            // A busy database is as good as before.
            Ok(()) | Err(GroupFailure::Everyone(StoreError::Overloaded)) => self.connection = Some(connection),
            // Whatever else happened, the state of this connection is not worth guessing about: the next group opens
            // another one, which reads the log anew and checks its pragmas.
            Err(_) => drop(connection),
        }
        end
    }
}

/// Groups that are run with savepoints after one of which something refused.
const CAREFUL: u32 = 64;

/// How a group without savepoints ended.
enum Bold {
    /// Everything is committed.
    Done,
    /// Something of it refused or failed, and nothing of it is kept.
    Undone,
}

impl WriterThread {
    fn run_group(&mut self, connection: &Connection, group: &mut Group) -> Result<(), GroupFailure> {
        if self.savepoints == 0 {
            match run_boldly(connection, group)? {
                Bold::Done => return Ok(()),
                Bold::Undone => self.savepoints = CAREFUL,
            }
        }
        self.savepoints -= 1;
        run_carefully(connection, group)
    }
}

/// Without savepoints: all of the group or nothing.
fn run_boldly(connection: &Connection, group: &mut Group) -> Result<Bold, GroupFailure> {
    let control = |sql| sqlite::execute(connection, sql, &[]).map_err(GroupFailure::Everyone);
    // IMMEDIATE: the write lock comes first, so that no transaction finds out halfway that its snapshot is old.
    control("BEGIN IMMEDIATE")?;
    for operation in group.iter_mut() {
        if !operation.run(&mut Tx::of_sqlite(connection)) || connection.is_autocommit() {
            // Whose fault it is, the second run tells.
            if !connection.is_autocommit() {
                control("ROLLBACK")?;
            }
            return Ok(Bold::Undone);
        }
    }
    control("COMMIT").map(|_| Bold::Done)
}

/// Each transaction in its savepoint, so that what it changed can be taken back alone.
fn run_carefully(connection: &Connection, group: &mut Group) -> Result<(), GroupFailure> {
    let control = |sql| sqlite::execute(connection, sql, &[]);
    // IMMEDIATE: the write lock comes first, so that no transaction finds out halfway that its snapshot is old.
    control("BEGIN IMMEDIATE").map_err(GroupFailure::Everyone)?;
    for (position, operation) in group.iter_mut().enumerate() {
        let broken = |error| GroupFailure::One(position, error);
        control("SAVEPOINT operation").map_err(broken)?;
        if !operation.run(&mut Tx::of_sqlite(connection)) && !connection.is_autocommit() {
            control("ROLLBACK TO operation").map_err(broken)?;
        }
        if connection.is_autocommit() {
            return Err(broken(StoreError::Database("the whole transaction was rolled back".to_owned())));
        }
        control("RELEASE operation").map_err(broken)?;
    }
    control("COMMIT").map(drop).map_err(GroupFailure::Everyone)
}
