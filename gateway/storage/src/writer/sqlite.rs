//! Groups on SQLite: BEGIN IMMEDIATE, one transaction after another, one COMMIT.
//!
//! Most groups hold nothing that refuses. A group is therefore run without savepoints, which would copy each page that a transaction
//! is the first to change; where one of it refuses or fails, everything is rolled back and the group is run once more with each
//! transaction in its SAVEPOINT, and so are some groups after it: refusals come in company.

use super::{Group, Groups, answer_all};
use crate::sqlite;
use crate::store::{StoreError, Tx};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

pub(crate) struct SqliteGroups {
    database: PathBuf,
    /// None after a failure, until it could be opened anew.
    connection: Option<Connection>,
    /// How many groups to come are run with savepoints from the beginning.
    savepoints: u32,
    /// Its end is the checkpointer's.
    _checkpointer: SyncSender<()>,
}

impl SqliteGroups {
    pub(crate) fn start(database: PathBuf, connection: Connection) -> Result<Self, StoreError> {
        let checkpointer = start_checkpointer(&database)?;
        Ok(Self { database, connection: Some(connection), savepoints: 0, _checkpointer: checkpointer })
    }
}

/// Why a group did not commit.
enum GroupFailure {
    /// Everyone's: the transaction could not be begun or committed.
    Everyone(StoreError),
    /// The operation at this position broke the whole transaction (disk full, input/output error: SQLite then rolls back
    /// more than the savepoint). The others may try again without it.
    One(usize, StoreError),
}

impl Groups for SqliteGroups {
    fn commit(&mut self, mut group: Group) {
        let mut end = self.try_commit(&mut group);
        if let Err(GroupFailure::One(position, error)) = end {
            tracing::error!(%error, transaction = group[position].name(), "a transaction broke its group");
            group.remove(position).answer(Err(error));
            end = self.try_commit(&mut group);
        }
        let end = end.map_err(|failure| match failure {
            GroupFailure::Everyone(error) | GroupFailure::One(_, error) => error,
        });
        answer_all(group, &end);
    }
}

impl SqliteGroups {
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

impl SqliteGroups {
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

/// Copies the log into the database beside the writer, in small steps. Left to SQLite, the commit that makes the log long
/// enough does it, and its whole group waits. (Measured at 1,000 transactions of 8 kB a second, three runs each: the
/// slowest in a thousand took 40 to 93 ms left to SQLite, 15 to 30 ms with this thread; every 200 ms instead of 50 gave
/// 36 to 89.) The writer still does it past 64 MiB, since only at a moment without writing can the log start over.
fn start_checkpointer(database: &std::path::Path) -> Result<SyncSender<()>, StoreError> {
    let (alive, writer_ends) = sync_channel(0);
    let connection = sqlite::open_writer(database)?;
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
