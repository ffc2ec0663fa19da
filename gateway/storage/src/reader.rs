//! Readers: threads beside the writer, each with a connection that cannot write, on snapshots of what is committed.

use crate::postgres::{Address, Duty, Session};
use crate::sqlite;
use crate::store::{StoreError, Tx};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where readings wait.
pub(crate) struct ReadQueue {
    sender: SyncSender<Box<dyn Read>>,
}

impl ReadQueue {
    /// A queue of at most `length`, with one thread for each of `back_ends`.
    pub(crate) fn start<S: Snapshots>(length: usize, back_ends: Vec<S>) -> Result<Self, StoreError> {
        let (sender, readings) = sync_channel(length.max(1));
        let readings = Arc::new(Mutex::new(readings));
        for (number, back_end) in back_ends.into_iter().enumerate() {
            let readings = Arc::clone(&readings);
            std::thread::Builder::new()
                .name(format!("vuzol-reader-{number}"))
                .spawn(move || work(&readings, back_end))
                .map_err(|error| StoreError::Database(format!("no thread for a reader: {error}")))?;
        }
        Ok(Self { sender })
    }

    pub(crate) fn push(&self, reading: Box<dyn Read>) -> Result<(), StoreError> {
        self.sender.try_send(reading).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }
}

fn work(readings: &Mutex<Receiver<Box<dyn Read>>>, mut back_end: impl Snapshots) {
    // The lock is held while one thread waits for the next reading, never while it reads.
    while let Ok(reading) = { readings.lock().unwrap_or_else(PoisonError::into_inner).recv() } {
        if let Err((reading, error)) = back_end.serve(reading) {
            tracing::error!(%error, "no snapshot to read");
            reading.fail(error);
        }
    }
}

/// A reading in the queue, whatever its type.
pub(crate) trait Read: Send {
    /// Runs the closure on an open snapshot and answers.
    fn run(self: Box<Self>, tx: &mut Tx<'_>);
    /// Answers that there is no snapshot to be had.
    fn fail(self: Box<Self>, error: StoreError);
}

/// The closure of [`read`](crate::Reader::read) and who waits for it.
pub(crate) struct Reading<T, F> {
    name: &'static str,
    f: F,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Reading<T, F> {
    pub(crate) fn new(name: &'static str, f: F) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { name, f, answer }, receiver)
    }
}

impl<T, F> Read for Reading<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
{
    fn run(mut self: Box<Self>, tx: &mut Tx<'_>) {
        let result = catch_unwind(AssertUnwindSafe(|| (self.f)(tx))).unwrap_or_else(|_| {
            tracing::error!(reading = self.name, "a reading panicked");
            Err(StoreError::Database(format!("the reading {} panicked", self.name)))
        });
        metrics::counter!("vuzol_storage_readings_total", "name" => self.name).increment(1);
        // A caller that went away is no error.
        let _ = self.answer.send(result);
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}

/// Runs readings on snapshots: a back end's connection on the thread that owns it.
pub(crate) trait Snapshots: Send + 'static {
    /// Runs a reading on a fresh snapshot, or hands it back with the reason why there is none.
    fn serve(&mut self, reading: Box<dyn Read>) -> Result<(), (Box<dyn Read>, StoreError)>;
}

pub(crate) struct SqliteSnapshots {
    database: PathBuf,
    /// None after a failure, until it could be opened anew.
    connection: Option<Connection>,
}

impl SqliteSnapshots {
    pub(crate) fn open(database: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: database.to_owned(), connection: Some(sqlite::open_reader(database)?) })
    }
}

impl Snapshots for SqliteSnapshots {
    fn serve(&mut self, reading: Box<dyn Read>) -> Result<(), (Box<dyn Read>, StoreError)> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match sqlite::open_reader(&self.database) {
                Ok(connection) => connection,
                Err(error) => return Err((reading, error)),
            },
        };
        if let Err(error) = sqlite::execute(&connection, "BEGIN", &[]) {
            return Err((reading, error));
        }
        reading.run(&mut Tx::of_sqlite(&connection));
        // A connection that cannot end its snapshot would hold back the log for ever: drop it.
        if sqlite::execute(&connection, "ROLLBACK", &[]).is_ok() {
            self.connection = Some(connection);
        }
        Ok(())
    }
}

pub(crate) struct PostgresSnapshots {
    address: Address,
    lease: Duration,
    session: Option<Session>,
}

impl PostgresSnapshots {
    pub(crate) fn new(address: Address, lease: Duration, session: Session) -> Self {
        Self { address, lease, session: Some(session) }
    }

    /// A session with an open snapshot. A connection that broke while nobody read is found out here, and replaced at once.
    fn begin(&mut self) -> Result<Session, StoreError> {
        if let Some(mut session) = self.session.take()
            && session.begin(Duty::Reading).is_ok()
        {
            return Ok(session);
        }
        let mut session = Session::connect(&self.address, Duty::Reading, self.lease)?;
        session.begin(Duty::Reading).map_err(|broken| broken.error())?;
        Ok(session)
    }
}

impl Snapshots for PostgresSnapshots {
    fn serve(&mut self, reading: Box<dyn Read>) -> Result<(), (Box<dyn Read>, StoreError)> {
        let mut session = match self.begin() {
            Ok(session) => session,
            Err(error) => return Err((reading, error)),
        };
        reading.run(&mut Tx::of_postgres(&mut session));
        session.standing();
        if session.control("ROLLBACK").is_ok() {
            self.session = Some(session);
        }
        Ok(())
    }
}
