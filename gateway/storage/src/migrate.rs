//! The schema and its version.
//!
//! Migrations are numbered from 1 without gaps, embedded in the binary, and applied in order, each in one transaction
//! together with its row in `schema_version`. How they are written (expand, move, contract) stands in
//! `migrations/README.md`. They are SQLite's; PostgreSQL reads them through `dialect`, and has rights besides
//! (`migrations/postgres/rights.sql`).

mod dialect;

use crate::clock::{Clock, SystemClock};
use crate::postgres::{Address, Duty, Session};
use crate::sqlite;
use crate::store::{StoreError, Tx, Value};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// Version n is the n-th, counted from 1.
const MIGRATIONS: &[Migration] = &[
    Migration { name: "jobs", sql: include_str!("../../../migrations/sqlite/0001_jobs.sql") },
    Migration { name: "audit", sql: include_str!("../../../migrations/sqlite/0002_audit.sql") },
    Migration { name: "registry", sql: include_str!("../../../migrations/sqlite/0003_registry.sql") },
    Migration { name: "exchange", sql: include_str!("../../../migrations/sqlite/0004_exchange.sql") },
    Migration { name: "fetched", sql: include_str!("../../../migrations/sqlite/0005_fetched.sql") },
    Migration { name: "trust", sql: include_str!("../../../migrations/sqlite/0006_trust.sql") },
    Migration { name: "states", sql: include_str!("../../../migrations/sqlite/0007_states.sql") },
    Migration { name: "routing", sql: include_str!("../../../migrations/sqlite/0008_routing.sql") },
    Migration { name: "uploads", sql: include_str!("../../../migrations/sqlite/0009_uploads.sql") },
    Migration { name: "notices", sql: include_str!("../../../migrations/sqlite/0010_notices.sql") },
    Migration { name: "relay", sql: include_str!("../../../migrations/sqlite/0011_relay.sql") },
    Migration { name: "retention", sql: include_str!("../../../migrations/sqlite/0012_retention.sql") },
    Migration { name: "held", sql: include_str!("../../../migrations/sqlite/0013_held.sql") },
    Migration { name: "scans", sql: include_str!("../../../migrations/sqlite/0014_scans.sql") },
    Migration { name: "metadata", sql: include_str!("../../../migrations/sqlite/0015_metadata.sql") },
    Migration { name: "people", sql: include_str!("../../../migrations/sqlite/0016_people.sql") },
    Migration { name: "sessions", sql: include_str!("../../../migrations/sqlite/0017_sessions.sql") },
    Migration { name: "applications", sql: include_str!("../../../migrations/sqlite/0018_applications.sql") },
    Migration { name: "provider_logins", sql: include_str!("../../../migrations/sqlite/0019_provider_logins.sql") },
    Migration { name: "break_glass", sql: include_str!("../../../migrations/sqlite/0020_break_glass.sql") },
    Migration { name: "policies", sql: include_str!("../../../migrations/sqlite/0021_policies.sql") },
    Migration { name: "session_chains", sql: include_str!("../../../migrations/sqlite/0022_session_chains.sql") },
    Migration { name: "peers", sql: include_str!("../../../migrations/sqlite/0023_peers.sql") },
    Migration { name: "log_retention", sql: include_str!("../../../migrations/sqlite/0024_log_retention.sql") },
    Migration { name: "audit_keys", sql: include_str!("../../../migrations/sqlite/0025_audit_keys.sql") },
    Migration { name: "audit_index", sql: include_str!("../../../migrations/sqlite/0026_audit_index.sql") },
    Migration { name: "witnessed", sql: include_str!("../../../migrations/sqlite/0027_witnessed.sql") },
    Migration { name: "proposers", sql: include_str!("../../../migrations/sqlite/0028_proposers.sql") },
];

/// Migrations that `dialect` does not fit, by name, as they are for PostgreSQL.
const TEXTS: &[(&str, &str)] = &[];

/// The last version that no database on PostgreSQL was ever at without the ones before it being made at once: what these copied from older tables is
/// not there to be copied.
const FIRST_ON_POSTGRES: i64 = 21;

/// Roles, and what each may do. Brought to what it says after each run of migrations.
const RIGHTS: &str = include_str!("../../../migrations/postgres/rights.sql");

/// The newest schema version that this binary has a migration for.
#[must_use]
pub fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(crate) fn run(database: &Path) -> Result<i64, StoreError> {
    let mut connection = sqlite::create(database)?;
    refuse_newer(version(&mut Tx::of_sqlite(&connection))?)?;
    for (number, migration) in (1..).zip(MIGRATIONS) {
        apply(&mut connection, number, migration)?;
    }
    version(&mut Tx::of_sqlite(&connection))
}

/// As [`run`], as the owner of the database. Two that do it at once wait for each other.
pub(crate) fn run_postgres(address: &Address, lease: Duration) -> Result<i64, StoreError> {
    let mut session = Session::connect(address, Duty::Migrating, lease)?;
    session.batch("SELECT pg_advisory_lock(7239875410)")?;
    let found = version(&mut Tx::of_postgres(&mut session))?;
    refuse_newer(found)?;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(usize::try_from(found).unwrap_or(0)) {
        apply_postgres(&mut session, number, migration)?;
    }
    in_transaction(&mut session, |session| session.batch(RIGHTS))?;
    version(&mut Tx::of_postgres(&mut session))
}

/// The writer's check: this schema and no other.
pub(crate) fn require_known(connection: &Connection) -> Result<(), StoreError> {
    require_version(version(&mut Tx::of_sqlite(connection))?)
}

/// As [`require_known`].
pub(crate) fn require_known_postgres(session: &mut Session) -> Result<(), StoreError> {
    require_version(version(&mut Tx::of_postgres(session))?)
}

fn require_version(found: i64) -> Result<(), StoreError> {
    let known = known_version();
    if found == known { Ok(()) } else { Err(StoreError::UnknownSchema { found, known }) }
}

fn refuse_newer(found: i64) -> Result<(), StoreError> {
    let known = known_version();
    if found > known { Err(StoreError::UnknownSchema { found, known }) } else { Ok(()) }
}

fn version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let table = if tx.is_postgres() {
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'"
    } else {
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"
    };
    if tx.query_optional(table, &[], |row| row.integer(0))? != Some(1) {
        return Ok(0);
    }
    let version = "SELECT coalesce(max(version), 0) FROM schema_version";
    Ok(tx.query_optional(version, &[], |row| row.integer(0))?.unwrap_or(0))
}

/// Applies one migration unless it is there. The version is looked at again under the write lock: two processes may
/// start together.
fn apply(connection: &mut Connection, number: i64, migration: &Migration) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sqlite::failure)?;
    if version(&mut Tx::of_sqlite(&transaction))? >= number {
        return Ok(());
    }
    transaction.execute_batch(&format!("{SCHEMA_VERSION} STRICT")).map_err(sqlite::failure)?;
    transaction
        .execute_batch(migration.sql)
        .map_err(sqlite::failure)
        .map_err(|error| StoreError::Database(format!("migration {number} ({}): {error}", migration.name)))?;
    note(&mut Tx::of_sqlite(&transaction), number, migration)?;
    transaction.commit().map_err(sqlite::failure)
}

/// Applies one migration. Nobody else does: the caller holds the lock.
fn apply_postgres(session: &mut Session, number: i64, migration: &Migration) -> Result<(), StoreError> {
    let failed = |error: StoreError| {
        StoreError::Database(format!("migration {number} ({}) on PostgreSQL: {error}", migration.name))
    };
    in_transaction(session, |session| {
        for statement in dialect::to_postgres(SCHEMA_VERSION, true) {
            session.batch(&statement)?;
        }
        match TEXTS.iter().find(|(name, _)| *name == migration.name) {
            Some((_, text)) => session.batch(text).map_err(failed)?,
            None => {
                for statement in dialect::to_postgres(migration.sql, number > FIRST_ON_POSTGRES) {
                    session.batch(&statement).map_err(failed)?;
                }
            }
        }
        note(&mut Tx::of_postgres(session), number, migration)
    })
}

/// A table of a test, for PostgreSQL.
#[cfg(test)]
pub(crate) fn to_postgres(sql: &str) -> Vec<String> {
    dialect::to_postgres(sql, true)
}

fn in_transaction(
    session: &mut Session,
    work: impl FnOnce(&mut Session) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    session.begin(Duty::Migrating).map_err(|broken| broken.error())?;
    match work(session) {
        Ok(()) => session.commit().map_err(|broken| broken.error()),
        Err(error) => {
            // What ends here is the transaction or, where even that fails, the session.
            let _ = session.control("ROLLBACK");
            session.standing();
            Err(error)
        }
    }
}

fn note(tx: &mut Tx<'_>, number: i64, migration: &Migration) -> Result<(), StoreError> {
    let sql = "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)";
    tx.execute(sql, &[number.into(), migration.name.into(), Value::from(SystemClock.now())]).map(drop)
}

const SCHEMA_VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::by_hand;
    use crate::store::{Database, StoreConfig, migrate, open};
    use crate::throwaway::{BackEnd, Cluster};
    use std::collections::BTreeMap;

    crate::on_each_back_end!(
        migrating_is_complete_and_can_be_repeated,
        a_newer_schema_is_refused_and_left_alone,
        an_older_schema_is_not_served,
        several_processes_may_migrate_at_once,
    );

    async fn migrating_is_complete_and_can_be_repeated(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        assert_eq!(migrate(&config).unwrap(), known_version());
        assert_eq!(migrate(&config).unwrap(), known_version());
        open(&config).unwrap();
    }

    async fn a_newer_schema_is_refused_and_left_alone(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        migrate(&config).unwrap();
        let newer = known_version() + 1;
        by_hand(&config, &format!("INSERT INTO schema_version VALUES ({newer}, 'future', 0)"));
        let refused = StoreError::UnknownSchema { found: newer, known: known_version() };
        assert_eq!(migrate(&config).unwrap_err(), refused);
        assert_eq!(open(&config).err().unwrap(), refused);
    }

    async fn an_older_schema_is_not_served(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        if let Database::Sqlite(path) = &config.database {
            drop(crate::sqlite::create(path).unwrap());
        }
        let refused = StoreError::UnknownSchema { found: 0, known: known_version() };
        assert_eq!(open(&config).err().unwrap(), refused);
    }

    async fn several_processes_may_migrate_at_once(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let config = config.clone();
                std::thread::spawn(move || migrate(&config))
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().unwrap(), known_version());
        }
    }

    /// Both engines end in the same tables, and each column has the kind that the store gives it there.
    #[test]
    fn both_engines_have_the_same_tables_and_columns() {
        let Some(cluster) = Cluster::shared() else { return };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        run(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let sql = "SELECT t.name || '.' || c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
        let here: BTreeMap<String, String> = rows.map(|row| row.unwrap()).collect();
        let address = cluster.database();
        migrate(&StoreConfig::postgres(address.clone())).unwrap();
        let sql = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || coalesce(collation_name, '-')
            FROM information_schema.columns WHERE table_schema = 'public'";
        let there = cluster.sql(address.database(), sql);
        let there: BTreeMap<String, String> = there
            .lines()
            .map(|line| {
                let (name, kind) = line.split_once(' ').unwrap();
                let kind = match kind {
                    "bigint -" => "INTEGER",
                    "bytea -" => "BLOB",
                    "text C" => "TEXT",
                    other => other,
                };
                (name.to_owned(), kind.to_owned())
            })
            .collect();
        assert!(here.len() > 200, "{}", here.len());
        assert_eq!(here, there);
    }

    #[test]
    fn a_failing_migration_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = crate::sqlite::create(&folder.path().join("vuzol.db")).unwrap();
        let broken = Migration { name: "broken", sql: "CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE half (b);" };
        assert!(matches!(apply(&mut connection, 1, &broken), Err(StoreError::Database(m)) if m.contains("broken")));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 0);
    }
}
