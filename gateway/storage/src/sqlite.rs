//! SQLite connections: what is set on them, what is read back, and what their errors mean.
//!
//! Why rusqlite on our own threads, when sqlx speaks SQLite too: sqlx hands every statement to a worker thread of the
//! connection and back. Measured, that is 53 microseconds of processor time for a statement, against 3.5 when the whole
//! closure of a transaction runs where the connection is; a document costs some thirty statements. sqlx is built without
//! its SQLite half: two copies of SQLite in one process would break its file locks (the operating system drops a process's
//! POSIX locks when any descriptor of the file is closed).

use crate::store::{Row, StoreError, Value};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use std::path::Path;
use std::time::{Duration, Instant};

/// Opens the writer's connection to an existing file.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    open(path, false)
}

/// As [`open_writer`], and creates the file.
pub(crate) fn create(path: &Path) -> Result<Connection, StoreError> {
    open(path, true)
}

/// Opens a connection that cannot write. (Not SQLITE_OPEN_READONLY: a reader of a write-ahead log takes part in its
/// shared index.)
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, false)?;
    connection.pragma_update(None, "query_only", true).map_err(failure)?;
    Ok(connection)
}

/// SQLite does not ask the busy handler when two processes turn a new file to write-ahead logging at once; so ask again.
fn open(path: &Path, create: bool) -> Result<Connection, StoreError> {
    let give_up = Instant::now() + OPENING;
    loop {
        match try_open(path, create) {
            Err(StoreError::Overloaded) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
            end => return end,
        }
    }
}

/// How long opening waits for other processes that start at the same time.
const OPENING: Duration = Duration::from_secs(10);

fn try_open(path: &Path, create: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags).map_err(failure)?;
    connection.busy_handler(Some(wait_for_other_process)).map_err(failure)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    // A plan is made once, whatever is bound later: without this a statement may be prepared anew for a single value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
    for (pragma, value) in SETTINGS {
        // Some pragmas answer with a row and some do not; what counts is read back below.
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(no_row).map_err(failure)?;
    }
    for (pragma, value) in PROMISES {
        let found: String =
            connection.pragma_query_value(None, pragma, |row| Ok(text_of(row.get_ref(0)?))).map_err(failure)?;
        if found != *value {
            return Err(StoreError::Database(format!("{pragma} is {found}, but durability needs {value}")));
        }
    }
    Ok(connection)
}

/// Set on every connection. The order matters: the page size must precede the first page, the log what relies on it.
const SETTINGS: &[(&str, &str)] = &[
    ("page_size", "4096"),
    ("journal_mode", "WAL"),
    ("synchronous", "FULL"),
    // macOS only: an fsync there does not reach the platter.
    ("fullfsync", "ON"),
    ("checkpoint_fullfsync", "ON"),
    ("foreign_keys", "ON"),
    // Delete triggers also guard against INSERT OR REPLACE.
    ("recursive_triggers", "ON"),
    // Savepoints keep their undo pages in memory instead of in temporary files.
    ("temp_store", "MEMORY"),
    // The backstop of the checkpointer (writer.rs): 64 MiB of log.
    ("wal_autocheckpoint", "16384"),
    ("journal_size_limit", "134217728"),
    ("cache_size", "-65536"),
    ("trusted_schema", "OFF"),
];

/// Read back after opening; anything else is refused. `synchronous` 2 is FULL: the log is on disk before a commit is
/// answered. NORMAL would lose acknowledged documents in a power cut.
const PROMISES: &[(&str, &str)] = &[("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")];

/// Distinct statements of the product are counted in the low hundreds.
const PREPARED_STATEMENTS: usize = 512;

/// Another process holds the write lock. SQLite's own handler backs off to 100 ms, which starves the polite one when the
/// other process commits group after group; so ask every millisecond, for ten seconds.
fn wait_for_other_process(attempts: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    attempts < 10_000
}

/// Copies pages of the log into the database, as many as no reader or writer is in the way of. Nobody waits for it.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    query(connection, "PRAGMA wal_checkpoint(PASSIVE)", &[], |_| Ok(()))
}

fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(v) => v.to_string(),
        ValueRef::Text(v) => String::from_utf8_lossy(v).into_owned(),
        _ => String::new(),
    }
}

pub(crate) fn execute(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    bind(&mut statement, values)?;
    let changed = statement.raw_execute().map_err(failure)?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

pub(crate) fn query(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    bind(&mut statement, values)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failure)? {
        each(&Row::of_sqlite(row))?;
    }
    Ok(())
}

/// To SQLite `$2` is a name, and names are numbered in the order of their first appearance; so bind by name, or the same
/// text would mean two things on two engines.
fn bind(statement: &mut Statement<'_>, values: &[Value<'_>]) -> Result<(), StoreError> {
    let parameters = statement.parameter_count();
    if parameters != values.len() {
        return Err(StoreError::Database(format!("{parameters} parameters, {} values", values.len())));
    }
    for position in 1..=parameters {
        let number = statement.parameter_name(position).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let Some(value) = value else {
            return Err(StoreError::Database("parameters are not $1 to $n".to_owned()));
        };
        statement.raw_bind_parameter(position, value).map_err(failure)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(v) => ValueRef::Integer(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

pub(crate) fn column<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<Value<'r>, StoreError> {
    match row.get_ref(column).map_err(|_| StoreError::Corrupt("a column is missing"))? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(v) => Ok(Value::Integer(v)),
        ValueRef::Text(v) => {
            std::str::from_utf8(v).map(Value::Text).map_err(|_| StoreError::Corrupt("a text is not UTF-8"))
        }
        ValueRef::Blob(v) => Ok(Value::Blob(v)),
        ValueRef::Real(_) => Err(StoreError::Corrupt("a number with a fraction")),
    }
}

/// What an error of SQLite means to the caller. Its texts name tables and columns, never values.
pub(crate) fn failure(error: rusqlite::Error) -> StoreError {
    const UNIQUE: [i32; 3] = [
        rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE,
        rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
        rusqlite::ffi::SQLITE_CONSTRAINT_ROWID,
    ];
    match &error {
        rusqlite::Error::SqliteFailure(e, _) if UNIQUE.contains(&e.extended_code) => StoreError::Conflict,
        rusqlite::Error::SqliteFailure(e, _)
            if matches!(e.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) =>
        {
            StoreError::Overloaded
        }
        rusqlite::Error::SqliteFailure(e, _) if e.code == ErrorCode::DiskFull => StoreError::NoSpace,
        rusqlite::Error::SqliteFailure(e, text) => {
            StoreError::Database(format!("{} ({})", text.as_deref().unwrap_or("no text"), e.extended_code))
        }
        _ => StoreError::Database(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_opened_with_full_durability_and_an_absent_one_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        assert!(matches!(open_writer(&path), Err(StoreError::Database(_))));
        assert!(!path.exists());
        let connection = create(&path).unwrap();
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |r| r.get(0)).unwrap();
        assert_eq!(synchronous, 2);
    }

    #[test]
    fn a_place_that_cannot_hold_a_write_ahead_log_is_refused() {
        assert!(matches!(create(Path::new(":memory:")), Err(StoreError::Database(m)) if m.contains("journal_mode")));
    }

    #[test]
    fn parameters_are_bound_by_number_not_by_appearance() {
        let connection = Connection::open_in_memory().unwrap();
        let mut seen = Vec::new();
        query(&connection, "SELECT $2, $1, $2", &[Value::Integer(1), Value::Text("two")], |row| {
            seen.push((row.text(0)?, row.integer(1)?, row.text(2)?));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [("two".to_owned(), 1, "two".to_owned())]);
        for (sql, values) in [("SELECT $2", 1), ("SELECT $1", 2), ("SELECT ?1", 1), ("SELECT $0", 1)] {
            let values = vec![Value::Null; values];
            assert!(matches!(query(&connection, sql, &values, |_| Ok(())), Err(StoreError::Database(_))), "{sql}");
        }
    }
}
