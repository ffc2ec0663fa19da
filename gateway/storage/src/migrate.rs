//! The schema and its version.
//!
//! Migrations are numbered from 1 without gaps, embedded in the binary, and applied in order, each in one transaction
//! together with its row in `schema_version`. How they are written (expand, move, contract) stands in
//! `migrations/README.md`.

use crate::clock::{Clock, SystemClock};
use crate::sqlite;
use crate::store::{StoreError, Value};
use rusqlite::Connection;
use std::path::Path;

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
];

/// The newest schema version that this binary has a migration for.
#[must_use]
pub fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(crate) fn run(database: &Path) -> Result<i64, StoreError> {
    let mut connection = sqlite::create(database)?;
    refuse_newer(version(&connection)?)?;
    for (number, migration) in (1..).zip(MIGRATIONS) {
        apply(&mut connection, number, migration)?;
    }
    version(&connection)
}

/// The writer's check: this schema and no other.
pub(crate) fn require_known(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (version(connection)?, known_version());
    if found == known { Ok(()) } else { Err(StoreError::UnknownSchema { found, known }) }
}

fn refuse_newer(found: i64) -> Result<(), StoreError> {
    let known = known_version();
    if found > known { Err(StoreError::UnknownSchema { found, known }) } else { Ok(()) }
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    let mut version = 0;
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
    sqlite::query(connection, table, &[], |row| {
        version = row.integer(0)?;
        Ok(())
    })?;
    if version == 0 {
        return Ok(0);
    }
    sqlite::query(connection, "SELECT coalesce(max(version), 0) FROM schema_version", &[], |row| {
        version = row.integer(0)?;
        Ok(())
    })?;
    Ok(version)
}

/// Applies one migration unless it is there. The version is looked at again under the write lock: two processes may
/// start together.
fn apply(connection: &mut Connection, number: i64, migration: &Migration) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sqlite::failure)?;
    if version(&transaction)? >= number {
        return Ok(());
    }
    transaction.execute_batch(SCHEMA_VERSION).map_err(sqlite::failure)?;
    transaction
        .execute_batch(migration.sql)
        .map_err(sqlite::failure)
        .map_err(|error| StoreError::Database(format!("migration {number} ({}): {error}", migration.name)))?;
    sqlite::execute(
        &transaction,
        "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)",
        &[number.into(), migration.name.into(), Value::from(SystemClock.now())],
    )?;
    transaction.commit().map_err(sqlite::failure)
}

const SCHEMA_VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreConfig, open};

    #[test]
    fn migrating_is_complete_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        assert_eq!(run(&path).unwrap(), known_version());
        assert_eq!(run(&path).unwrap(), known_version());
        open(&StoreConfig::new(path)).unwrap();
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        run(&path).unwrap();
        let newer = known_version() + 1;
        let connection = Connection::open(&path).unwrap();
        connection.execute("INSERT INTO schema_version VALUES (?1, 'future', 0)", [newer]).unwrap();
        let refused = StoreError::UnknownSchema { found: newer, known: known_version() };
        assert_eq!(run(&path).unwrap_err(), refused);
        assert_eq!(open(&StoreConfig::new(path)).err().unwrap(), refused);
    }

    #[test]
    fn an_older_schema_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        drop(sqlite::create(&path).unwrap());
        let refused = StoreError::UnknownSchema { found: 0, known: known_version() };
        assert_eq!(open(&StoreConfig::new(path)).err().unwrap(), refused);
    }

    #[test]
    fn a_failing_migration_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = sqlite::create(&folder.path().join("vuzol.db")).unwrap();
        let broken = Migration { name: "broken", sql: "CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE half (b);" };
        assert!(matches!(apply(&mut connection, 1, &broken), Err(StoreError::Database(m)) if m.contains("broken")));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn two_processes_may_migrate_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vuzol.db");
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || run(&path))
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().unwrap(), known_version());
        }
    }
}
