//! The interface of the database: one writer that commits groups, readers beside it.
//!
//! All access goes through [`Writer::run_tx`] and [`Reader::read`]. The closure of a transaction is synchronous and runs
//! on a storage thread, never on a thread of the runtime; it may run twice, so it has no side effect outside the
//! transaction. SQL is one text for every back end: `$1`, `$2`, ...; first line `-- name_of_function`; times are INTEGER
//! microseconds since the Unix epoch, identifiers BLOBs of sixteen bytes. Where engines differ, the texts stand side by
//! side.
//!
//! [`Tx`] and [`Row`] are enums inside, one variant for each back end: SQLite stands in the module `sqlite`, PostgreSQL in `postgres`.

use crate::postgres::{self, Duty, Session};
use crate::reader::{PostgresSnapshots, ReadQueue, Reading, SqliteSnapshots};
use crate::sqlite;
use crate::writer::{PendingTx, PostgresGroups, SqliteGroups, WriteQueue};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;

pub use crate::postgres::Address;

/// Why storage did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was done: too many transactions wait, or another process held the database for too long. Try later.
    #[error("the writer's queue is full")]
    Overloaded,
    /// The caller's row is there already.
    #[error("a uniqueness rule was broken")]
    Conflict,
    /// A defect of ours, or somebody changed the file.
    #[error("the stored data does not fit its schema: {0}")]
    Corrupt(&'static str),
    /// The operator's: disk full, input/output error, damaged file. Or a defect in our SQL.
    #[error("the database failed: {0}")]
    Database(String),
    /// The operator's: run `vuzol migrate`, or a newer binary.
    #[error("the database has schema version {found}, this binary knows {known}")]
    UnknownSchema {
        /// Version in the database; 0 for none.
        found: i64,
        /// Newest version that this binary has migrations for.
        known: i64,
    },
    /// The operator's: the folder or bucket of objects.
    #[error("object store: {0}")]
    Objects(String),
    /// The disk is full, or nearly so: nothing was done, and nothing new is until there is room ([`crate::space`]).
    #[error("the disk is full")]
    NoSpace,
    /// The storage threads are gone: the process is stopping.
    #[error("the store is closed")]
    Closed,
    /// The connection to the database broke while it committed: what was asked may be done, durably, or not at all. Whoever asks again must be able
    /// to tell a repeat.
    #[error("the connection was lost during the commit: whether it is done is not known")]
    OutcomeUnknown,
}

/// How a transaction ended that did not commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TxError<E> {
    /// The closure refused: its changes were rolled back.
    #[error("{0}")]
    Refused(E),
    /// Storage failed. Unless it says [`StoreError::Overloaded`] or [`StoreError::Closed`], the transaction may in rare
    /// cases (a failing fsync) have reached the disk nevertheless.
    #[error(transparent)]
    Store(StoreError),
}

/// Where the database is and how its threads behave.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where.
    pub database: Database,
    /// Waiting transactions before [`StoreError::Overloaded`]. Too low: refusals in a burst; too high: answers that come
    /// after the caller gave up.
    pub queue: usize,
    /// Most transactions in one commit. Too low: an fsync for few; too high: the first waits for the last.
    pub group: usize,
    /// How long the writer waits for company while transactions come densely. Zero: never.
    pub linger: std::time::Duration,
    /// Threads that read beside the writer.
    pub readers: usize,
    /// Connections that commit groups beside each other; SQLite has one. Too many: groups of few, and results that fit no order.
    pub writers: usize,
    /// How long a transaction may lie open on PostgreSQL while its process does nothing: then the server ends it, and what it held is free. Too
    /// short: a process that is paged out for a moment does its work twice; too long: others wait for one that was stopped.
    pub lease: std::time::Duration,
}

/// Which database.
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file, of one process or a few on one machine.
    Sqlite(PathBuf),
    /// A PostgreSQL database, of many processes.
    Postgres(Address),
}

impl StoreConfig {
    /// The defaults over a file.
    #[must_use]
    pub fn new(database: PathBuf) -> Self {
        Self::over(Database::Sqlite(database))
    }

    /// The defaults over a PostgreSQL database.
    #[must_use]
    pub fn postgres(address: Address) -> Self {
        // What a commit costs is shared between processes by the server, and several groups of ours are under way at once.
        Self { linger: POSTGRES_LINGER, ..Self::over(Database::Postgres(address)) }
    }

    fn over(database: Database) -> Self {
        Self { database, queue: 4096, group: 256, linger: LINGER, readers: 2, writers: 3, lease: LEASE }
    }
}

/// Far longer than any transaction of ours takes, far shorter than an operator.
const LEASE: std::time::Duration = std::time::Duration::from_secs(10);

const POSTGRES_LINGER: std::time::Duration = std::time::Duration::from_millis(2);

/// What a transaction waits at most for company while they come densely. Two milliseconds brought five or six together; six bring some
/// fifteen. At 1,200 documents a second that saved 4 % of all processor time (2 and 6 ms one after another on two cores, load generator
/// included), at 8 to 12 ms more until half of the receipts were there. Longer buys little, since the commit is shared by many already.
const LINGER: std::time::Duration = std::time::Duration::from_millis(6);

/// A bind value. Times are INTEGER microseconds since the Unix epoch, ids BLOB of 16 bytes.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// INTEGER, BIGINT.
    Integer(i64),
    /// TEXT.
    Text(&'a str),
    /// BLOB, BYTEA.
    Blob(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(v: i64) -> Self {
        Value::Integer(v)
    }
}

impl From<u32> for Value<'_> {
    fn from(v: u32) -> Self {
        Value::Integer(i64::from(v))
    }
}

impl From<bool> for Value<'_> {
    fn from(v: bool) -> Self {
        Value::Integer(i64::from(v))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(v: &'a str) -> Self {
        Value::Text(v)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(v: &'a String) -> Self {
        Value::Text(v)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(v: &'a [u8]) -> Self {
        Value::Blob(v)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(v: &'a Vec<u8>) -> Self {
        Value::Blob(v)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(v: &'a [u8; N]) -> Self {
        Value::Blob(v)
    }
}

impl From<OffsetDateTime> for Value<'_> {
    /// Whole microseconds, rounded down.
    fn from(v: OffsetDateTime) -> Self {
        // Years -9999 to 9999, which are all that OffsetDateTime can hold here, are below 2^59 microseconds.
        Value::Integer(i64::try_from(v.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

/// A row; columns from 0. A column that is absent, NULL or of another type is [`StoreError::Corrupt`].
pub struct Row<'r> {
    back_end: RowOf<'r>,
}

enum RowOf<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r sqlx::postgres::PgRow),
}

impl<'r> Row<'r> {
    pub(crate) fn of_sqlite(row: &'r rusqlite::Row<'r>) -> Self {
        Self { back_end: RowOf::Sqlite(row) }
    }

    pub(crate) fn of_postgres(row: &'r sqlx::postgres::PgRow) -> Self {
        Self { back_end: RowOf::Postgres(row) }
    }

    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        match self.back_end {
            RowOf::Sqlite(row) => sqlite::column(row, column),
            RowOf::Postgres(row) => postgres::column(row, column),
        }
    }

    /// An INTEGER.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.value(column)? {
            Value::Integer(v) => Ok(v),
            _ => Err(StoreError::Corrupt("an integer was expected")),
        }
    }

    /// A TEXT.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none, or not UTF-8.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        match self.value(column)? {
            Value::Text(v) => Ok(v.to_owned()),
            _ => Err(StoreError::Corrupt("a text was expected")),
        }
    }

    /// A BLOB.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.value(column)? {
            Value::Blob(v) => Ok(v.to_owned()),
            _ => Err(StoreError::Corrupt("a blob was expected")),
        }
    }

    /// A BLOB of exactly `N` bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none.
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        match self.value(column)? {
            Value::Blob(v) => v.try_into().map_err(|_| StoreError::Corrupt("a blob has another length")),
            _ => Err(StoreError::Corrupt("a blob was expected")),
        }
    }

    /// A time, from INTEGER microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none, or outside the calendar.
    pub fn time(&self, column: usize) -> Result<OffsetDateTime, StoreError> {
        let microseconds = self.integer(column)?;
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000)
            .map_err(|_| StoreError::Corrupt("a time is outside the calendar"))
    }

    /// Whether the column is NULL.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when there is no such column.
    pub fn is_null(&self, column: usize) -> Result<bool, StoreError> {
        Ok(matches!(self.value(column)?, Value::Null))
    }
}

/// An open transaction: read-write from [`Writer`], a read-only snapshot from [`Reader`].
pub struct Tx<'t> {
    back_end: TxOf<'t>,
}

enum TxOf<'t> {
    Sqlite(&'t rusqlite::Connection),
    Postgres(&'t mut Session),
}

impl<'t> Tx<'t> {
    pub(crate) fn of_sqlite(connection: &'t rusqlite::Connection) -> Self {
        Self { back_end: TxOf::Sqlite(connection) }
    }

    pub(crate) fn of_postgres(session: &'t mut Session) -> Self {
        Self { back_end: TxOf::Postgres(session) }
    }

    /// Which text to take where the engines need two.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.back_end, TxOf::Postgres(_))
    }

    /// Runs a statement that returns no rows; answers how many rows it changed. `values` are exactly `$1` to `$n`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a broken uniqueness rule, [`StoreError::Database`] otherwise.
    pub fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        match &mut self.back_end {
            TxOf::Sqlite(connection) => sqlite::execute(connection, sql, values),
            TxOf::Postgres(session) => session.execute(sql, values),
        }
    }

    /// Inserts one row whose answer nobody needs: `INSERT INTO table (..) VALUES ($1, .. $n)`, exactly. On PostgreSQL it may be sent later and with others, but
    /// before any statement that names its table, and before the commit.
    ///
    /// # Errors
    /// As [`Tx::execute`], here or, if not here, at the commit: then the closure runs again, and here.
    pub fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<(), StoreError> {
        match &mut self.back_end {
            TxOf::Sqlite(connection) => sqlite::execute(connection, sql, values).map(drop),
            TxOf::Postgres(session) => session.insert(sql, values),
        }
    }

    /// Runs a statement that returns rows. The whole answer is held in memory: the SQL carries a LIMIT where a stranger
    /// could make it long.
    ///
    /// # Errors
    /// As [`Tx::execute`], or what `map` refuses.
    pub fn query<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each_row(sql, values, |row| {
            all.push(map(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The only row, or None.
    ///
    /// # Errors
    /// As [`Tx::query`]; more than one row is [`StoreError::Corrupt`].
    pub fn query_optional<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut only = None;
        self.each_row(sql, values, |row| {
            if only.is_some() {
                return Err(StoreError::Corrupt("more than one row where one was expected"));
            }
            only = Some(map(row)?);
            Ok(())
        })?;
        Ok(only)
    }

    fn each_row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.back_end {
            TxOf::Sqlite(connection) => sqlite::query(connection, sql, values, each),
            TxOf::Postgres(session) => session.query(sql, values, each),
        }
    }
}

/// The one writer. NOT given to the rooms above audit: they get `audit::Ledger`, whose transactions cannot commit
/// without an audit row.
#[derive(Clone)]
pub struct Writer {
    queue: Arc<WriteQueue>,
    /// The same on SQLite.
    alone: Arc<WriteQueue>,
}

impl Writer {
    /// Runs `f` in a savepoint of its own, within a group of transactions that commit together; answers after the
    /// group's commit is on disk. `name` is a label of metrics and logs.
    ///
    /// Dropping the future does not undo the transaction: it runs, and nobody hears of it.
    ///
    /// # Errors
    /// [`TxError::Refused`] is what `f` returned: nothing of it was kept. [`TxError::Store`] is everything else; a panic
    /// of `f` is [`StoreError::Database`], its savepoint is rolled back and the others of the group are not touched.
    pub async fn run_tx<T, E, F>(&self, name: &'static str, f: F) -> Result<T, TxError<E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        run_in(&self.queue, name, f).await
    }

    /// As [`Writer::run_tx`], for the sequencer and the integrator of the log. On PostgreSQL it is a transaction of its own, on a connection of its own, as the
    /// role that owns the log's numbers: a row's lock that it holds is nobody else's to wait for, and what was committed while it waited for the lock
    /// it sees (READ COMMITTED). On SQLite, where nothing runs beside anything, it is [`Writer::run_tx`].
    ///
    /// # Errors
    /// As [`Writer::run_tx`].
    pub async fn run_alone<T, E, F>(&self, name: &'static str, f: F) -> Result<T, TxError<E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        run_in(&self.alone, name, f).await
    }
}

async fn run_in<T, E, F>(queue: &WriteQueue, name: &'static str, f: F) -> Result<T, TxError<E>>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    let (pending, answer) = PendingTx::new(name, f);
    queue.push(Box::new(pending)).map_err(TxError::Store)?;
    answer.await.unwrap_or(Err(TxError::Store(StoreError::Closed)))
}

/// Reads beside the writer, each time on a snapshot of what is committed.
#[derive(Clone)]
pub struct Reader {
    queue: Arc<ReadQueue>,
}

impl Reader {
    /// Runs `f` in a read-only transaction. `name` is a label of metrics and logs.
    ///
    /// # Errors
    /// What `f` returned; [`StoreError::Overloaded`] where too many readings wait; a panic of `f` is
    /// [`StoreError::Database`].
    pub async fn read<T, F>(&self, name: &'static str, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reading, answer) = Reading::new(name, f);
        self.queue.push(Box::new(reading))?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Opens an existing database and starts its threads, which end when the last handle is dropped.
///
/// # Errors
/// [`StoreError::UnknownSchema`] unless the schema is exactly the one that this binary knows: a newer one was made by a
/// newer binary, an older one needs [`migrate()`]. [`StoreError::Database`] where the database is absent or cannot be opened
/// with the durability that we promise: write-ahead log and synchronous=FULL on SQLite; `fsync`, `full_page_writes` and `synchronous_commit` on
/// PostgreSQL.
pub fn open(config: &StoreConfig) -> Result<(Writer, Reader), StoreError> {
    match &config.database {
        Database::Sqlite(path) => open_sqlite(config, path),
        // Connections are driven by runtimes of their own, and whoever calls this may be on one already.
        Database::Postgres(address) => postgres::on_a_thread(|| open_postgres(config, address)),
    }
}

fn open_sqlite(config: &StoreConfig, path: &Path) -> Result<(Writer, Reader), StoreError> {
    let connection = sqlite::open_writer(path)?;
    crate::migrate::require_known(&connection)?;
    let groups = SqliteGroups::start(path.to_owned(), connection)?;
    let queue = Arc::new(WriteQueue::start(config, config.group, vec![groups])?);
    let readers = (0..config.readers.max(1)).map(|_| SqliteSnapshots::open(path)).collect::<Result<_, _>>()?;
    let reader = Reader { queue: Arc::new(ReadQueue::start(config.queue, readers)?) };
    Ok((Writer { alone: Arc::clone(&queue), queue }, reader))
}

fn open_postgres(config: &StoreConfig, address: &Address) -> Result<(Writer, Reader), StoreError> {
    let connect = |duty| Session::connect(address, duty, config.lease);
    let mut first = connect(Duty::Acts)?;
    crate::migrate::require_known_postgres(&mut first)?;
    let groups = |duty, session| PostgresGroups::new(address.clone(), duty, config.lease, session);
    let mut writers = vec![groups(Duty::Acts, first)];
    for _ in 1..config.writers.max(1) {
        writers.push(groups(Duty::Acts, connect(Duty::Acts)?));
    }
    let alone = groups(Duty::Sequencing, connect(Duty::Sequencing)?);
    let readers = (0..config.readers.max(1))
        .map(|_| Ok(PostgresSnapshots::new(address.clone(), config.lease, connect(Duty::Reading)?)))
        .collect::<Result<_, StoreError>>()?;
    let queue = Arc::new(WriteQueue::start(config, config.group, writers)?);
    let alone = Arc::new(WriteQueue::start(config, 1, vec![alone])?);
    Ok((Writer { queue, alone }, Reader { queue: Arc::new(ReadQueue::start(config.queue, readers)?) }))
}

/// Applies the migrations that are missing, each in one transaction; returns the version. Creates a SQLite file where there is none (its folder must
/// exist); a PostgreSQL database must be there, and the address names its owner, who gives the rights to the roles `vuzol_node` and
/// `vuzol_sequencer` and makes them where they are absent.
///
/// # Errors
/// [`StoreError::UnknownSchema`] for a database of a newer binary, which is left untouched; [`StoreError::Database`]
/// where a migration fails, which leaves the version before it.
pub fn migrate(config: &StoreConfig) -> Result<i64, StoreError> {
    match &config.database {
        Database::Sqlite(path) => crate::migrate::run(path),
        Database::Postgres(address) => postgres::on_a_thread(|| crate::migrate::run_postgres(address, config.lease)),
    }
}

#[cfg(test)]
mod postgres_tests;
#[cfg(test)]
pub(crate) mod tests;
