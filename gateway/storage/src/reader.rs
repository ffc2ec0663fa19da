//! Readers: threads beside the writer, each with a connection that cannot write, on snapshots of what is committed.

use crate::sqlite;
use crate::store::{StoreConfig, StoreError, Tx};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Where readings wait.
pub(crate) struct ReadQueue {
    sender: SyncSender<Box<dyn Read>>,
}

impl ReadQueue {
    pub(crate) fn start(config: &StoreConfig) -> Result<Self, StoreError> {
        let (sender, readings) = sync_channel(config.queue.max(1));
        let readings = Arc::new(Mutex::new(readings));
        for number in 0..config.readers.max(1) {
            let thread = ReaderThread {
                database: config.database.clone(),
                connection: Some(sqlite::open_reader(&config.database)?),
                readings: Arc::clone(&readings),
            };
            std::thread::Builder::new()
                .name(format!("vuzol-reader-{number}"))
                .spawn(move || thread.work())
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

struct ReaderThread {
    database: PathBuf,
    /// None after a failure, until it could be opened anew.
    connection: Option<Connection>,
    readings: Arc<Mutex<Receiver<Box<dyn Read>>>>,
}

impl ReaderThread {
    fn work(mut self) {
        // The lock is held while one thread waits for the next reading, never while it reads.
        while let Ok(reading) = { self.readings.lock().unwrap_or_else(PoisonError::into_inner).recv() } {
            if let Err((reading, error)) = self.serve(reading) {
                tracing::error!(%error, "no snapshot to read");
                reading.fail(error);
            }
        }
    }

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
