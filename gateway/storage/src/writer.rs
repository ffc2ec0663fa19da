//! The writer's threads: take transactions from a bounded queue, commit them in groups, answer after the commit.
//!
//! A commit costs an fsync (about 3 ms on an ordinary virtual disk) however much it holds, so the transactions that
//! arrive while one group commits make up the next. How a group is run and committed is the back end's: `sqlite` with one thread, since there is one
//! write lock, `postgres` with several, whose groups pass each other.
//!
//! Nothing is answered before the COMMIT has returned, not even a refusal: it may rest on what a neighbour in the group
//! wrote. When the COMMIT fails, everyone in the group is told so.

mod postgres;
mod sqlite;

pub(crate) use postgres::PostgresGroups;
pub(crate) use sqlite::SqliteGroups;

use crate::store::{StoreConfig, StoreError, Tx, TxError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where transactions wait.
pub(crate) struct WriteQueue {
    sender: SyncSender<Box<dyn Operation>>,
    waiting: Arc<AtomicUsize>,
}

/// Runs and commits groups: a back end's connection on the thread that owns it.
pub(crate) trait Groups: Send + 'static {
    /// Runs and commits a group, all of it together or in parts, and answers each of it when what it did is durable or undone.
    fn commit(&mut self, group: Group);
}

/// What is committed together, in the order of arrival.
pub(crate) type Group = Vec<Box<dyn Operation>>;

impl WriteQueue {
    /// A queue with one thread for each of `back_ends`, which take groups of at most `group` in turn.
    pub(crate) fn start<G: Groups>(config: &StoreConfig, group: usize, back_ends: Vec<G>) -> Result<Self, StoreError> {
        let (sender, operations) = sync_channel(config.queue.max(1));
        let waiting = Arc::new(AtomicUsize::new(0));
        let intake = Arc::new(Mutex::new(Intake {
            operations,
            waiting: Arc::clone(&waiting),
            group: group.max(1),
            linger: config.linger,
            traffic: Traffic::default(),
        }));
        for mut back_end in back_ends {
            let intake = Arc::clone(&intake);
            std::thread::Builder::new()
                .name("vuzol-writer".to_owned())
                .spawn(move || {
                    // The lock is held while a thread gathers, never while it commits.
                    while let Some(group) = { intake.lock().unwrap_or_else(PoisonError::into_inner).gather() } {
                        let started = Instant::now();
                        back_end.commit(group);
                        metrics::histogram!("vuzol_storage_commit_seconds").record(started.elapsed().as_secs_f64());
                    }
                })
                .map_err(|error| StoreError::Database(format!("no thread for the writer: {error}")))?;
        }
        Ok(Self { sender, waiting })
    }

    /// How many wait, those of the groups at work not counted.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn push(&self, operation: Box<dyn Operation>) -> Result<(), StoreError> {
        // Counted before it is sent, so that the threads never count below zero.
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

/// Answers all of a group alike.
fn answer_all(group: Group, end: &Result<(), StoreError>) {
    if let Err(error) = end {
        tracing::error!(%error, transactions = group.len(), "a group did not commit");
    }
    for operation in group {
        operation.answer(end.clone());
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

fn count(name: &'static str, outcome: &'static str) {
    metrics::counter!("vuzol_storage_transactions_total", "name" => name, "outcome" => outcome).increment(1);
}

/// The end of the queue, where one thread at a time makes up its group.
struct Intake {
    operations: Receiver<Box<dyn Operation>>,
    waiting: Arc<AtomicUsize>,
    group: usize,
    linger: Duration,
    traffic: Traffic,
}

impl Intake {
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
