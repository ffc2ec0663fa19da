//! One writer that commits groups; readers beside it. SQLite through rusqlite on storage threads (measured: 3.5 us CPU a statement against
//! 53 us through sqlx's worker hop), PostgreSQL through sqlx. A closure of a transaction is synchronous and runs on a storage thread; it
//! may run twice, so it has no side effect outside the transaction.
use std::path::PathBuf;
use time::OffsetDateTime;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("the writer's queue is full")] Overloaded,
    #[error("a uniqueness rule was broken")] Conflict,
    #[error("the stored data does not fit its schema: {0}")] Corrupt(&'static str),
    #[error("the database failed: {0}")] Database(String),
    #[error("the database has schema version {found}, this binary knows {known}")] UnknownSchema { found: i64, known: i64 },
    #[error("object store: {0}")] Objects(String),
    #[error("the store is closed")] Closed,
}
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TxError<E> {
    /// The closure refused: its changes were rolled back.
    #[error("{0}")] Refused(E),
    #[error(transparent)] Store(StoreError),
}
#[derive(Debug, Clone)]
pub struct StoreConfig { /** SQLite file */ pub database: PathBuf, /** waiting transactions before Overloaded */ pub queue: usize, /** most transactions in one commit */ pub group: usize, /** how long the writer waits for company under load */ pub linger: std::time::Duration, pub readers: usize }
impl StoreConfig { pub fn new(database: PathBuf) -> Self { Self { database, queue: 4096, group: 256, linger: std::time::Duration::ZERO, readers: 2 } } }
/// A bind value. Times are INTEGER microseconds since the Unix epoch, ids BLOB of 16 bytes.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> { Null, Integer(i64), Text(&'a str), Blob(&'a [u8]) }
impl<'a> From<i64> for Value<'a> { fn from(v: i64) -> Self { Value::Integer(v) } }
impl<'a> From<u32> for Value<'a> { fn from(v: u32) -> Self { Value::Integer(i64::from(v)) } }
impl<'a> From<&'a str> for Value<'a> { fn from(v: &'a str) -> Self { Value::Text(v) } }
impl<'a> From<&'a String> for Value<'a> { fn from(v: &'a String) -> Self { Value::Text(v) } }
impl<'a> From<&'a [u8]> for Value<'a> { fn from(v: &'a [u8]) -> Self { Value::Blob(v) } }
impl<'a> From<&'a Vec<u8>> for Value<'a> { fn from(v: &'a Vec<u8>) -> Self { Value::Blob(v) } }
impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> { fn from(v: &'a [u8; N]) -> Self { Value::Blob(v) } }
impl<'a> From<OffsetDateTime> for Value<'a> { fn from(_v: OffsetDateTime) -> Self { todo!() } }
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> { fn from(v: Option<T>) -> Self { v.map_or(Value::Null, Into::into) } }
/// A row; columns from 0.
pub struct Row<'r> { inner: &'r () }
impl Row<'_> {
    pub fn integer(&self, _column: usize) -> Result<i64, StoreError> { todo!() }
    pub fn text(&self, _column: usize) -> Result<String, StoreError> { todo!() }
    pub fn blob(&self, _column: usize) -> Result<Vec<u8>, StoreError> { todo!() }
    pub fn time(&self, _column: usize) -> Result<OffsetDateTime, StoreError> { todo!() }
    pub fn is_null(&self, _column: usize) -> Result<bool, StoreError> { todo!() }
}
/// An open transaction (read-write from Writer, read-only from Reader). SQL: $1, $2, ... ; first line `-- name_of_function`.
pub struct Tx<'t> { inner: &'t () }
impl Tx<'_> {
    pub fn execute(&mut self, _sql: &'static str, _values: &[Value<'_>]) -> Result<u64, StoreError> { todo!() }
    pub fn query<T>(&mut self, _sql: &'static str, _values: &[Value<'_>], _map: impl FnMut(&Row<'_>) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> { todo!() }
    /// The only row, or None; more than one is Corrupt.
    pub fn query_optional<T>(&mut self, _sql: &'static str, _values: &[Value<'_>], _map: impl FnMut(&Row<'_>) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> { todo!() }
}
/// The one writer. NOT given to the rooms above audit: they get audit::Ledger, whose transactions cannot commit without an audit row.
#[derive(Clone)]
pub struct Writer { inner: () }
impl Writer {
    /// Runs in its own savepoint of a group; answers after the group's commit is on disk. A panic in the closure rolls its savepoint back.
    pub async fn run_tx<T, E, F>(&self, _name: &'static str, _f: F) -> Result<T, TxError<E>>
    where T: Send + 'static, E: From<StoreError> + Send + 'static, F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static { todo!() }
}
#[derive(Clone)]
pub struct Reader { inner: () }
impl Reader {
    pub async fn read<T, F>(&self, _name: &'static str, _f: F) -> Result<T, StoreError>
    where T: Send + 'static, F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static { todo!() }
}
/// Opens (and refuses an unknown schema); WAL, synchronous=FULL checked.
pub fn open(_config: &StoreConfig) -> Result<(Writer, Reader), StoreError> { todo!() }
/// Applies the migrations of migrations/sqlite that are missing; returns the version. Creates the file.
pub fn migrate(_config: &StoreConfig) -> Result<i64, StoreError> { todo!() }
