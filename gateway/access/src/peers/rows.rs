//! Statements of what was stated of other nodes.

use schemas::peer::{PeerStatement, PeerVersion};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

/// Names that were ever stated. A country has some two dozen regions.
pub(super) const NAMES: u32 = 1024;

/// Versions of one peer that are read back, the newest.
const VERSIONS: u32 = 100;

/// The last version of one peer.
pub(super) struct Latest {
    pub(super) name: String,
    pub(super) version: u32,
    /// JSON; none: it was withdrawn.
    pub(super) statement: Option<String>,
}

/// A version on its way into its row.
pub(super) struct New {
    pub(super) name: String,
    pub(super) version: u32,
    /// None: a withdrawal.
    pub(super) statement: Option<String>,
    pub(super) by: String,
    pub(super) proposed_by: Option<String>,
}

fn number(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?).map_err(|_| StoreError::Corrupt("peer_version.version"))
}

fn optional(row: &Row<'_>, column: usize) -> Result<Option<String>, StoreError> {
    if row.is_null(column)? { Ok(None) } else { row.text(column).map(Some) }
}

/// Grows with each version of any peer.
pub(super) fn last_ordinal(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "-- last_peer_version
        SELECT coalesce(max(ordinal), 0) FROM peer_version";
    Ok(tx.query_optional(sql, &[], |row| row.integer(0))?.unwrap_or(0))
}

/// The last version of each peer.
pub(super) fn latest_of_all(tx: &mut Tx<'_>) -> Result<Vec<Latest>, StoreError> {
    let sql = "-- load_peers
        SELECT name, version, statement FROM peer_version p
        WHERE version = (SELECT max(version) FROM peer_version q WHERE q.name = p.name) ORDER BY name LIMIT $1";
    tx.query(sql, &[NAMES.into()], |row| {
        Ok(Latest { name: row.text(0)?, version: number(row, 1)?, statement: optional(row, 2)? })
    })
}

/// The last version of one peer.
pub(super) fn latest(tx: &mut Tx<'_>, name: &str) -> Result<Option<Latest>, StoreError> {
    let sql = "-- read_peer
        SELECT version, statement FROM peer_version WHERE name = $1 ORDER BY version DESC LIMIT 1";
    tx.query_optional(sql, &[name.into()], |row| {
        Ok(Latest { name: name.to_owned(), version: number(row, 0)?, statement: optional(row, 1)? })
    })
}

/// How many names were ever stated, and how many of them are not withdrawn.
pub(super) fn counts(tx: &mut Tx<'_>) -> Result<(u32, u32), StoreError> {
    let sql = "-- count_peers
        SELECT count(*), count(statement) FROM peer_version p
        WHERE version = (SELECT max(version) FROM peer_version q WHERE q.name = p.name)";
    let counted = tx.query_optional(sql, &[], |row| Ok((number(row, 0)?, number(row, 1)?)))?;
    Ok(counted.unwrap_or_default())
}

/// The peer that logs in with this certificate, by what was stated.
pub(super) fn login_owner(tx: &mut Tx<'_>, certificate: &[u8; 32]) -> Result<Option<String>, StoreError> {
    let sql = "-- peer_login_owner
        SELECT name FROM peer_login WHERE certificate = $1";
    tx.query_optional(sql, &[certificate.into()], |row| row.text(0))
}

/// The newest versions of one peer, the newest first.
pub(super) fn history(tx: &mut Tx<'_>, name: &str) -> Result<Vec<PeerVersion>, StoreError> {
    let sql = "-- peer_history
        SELECT version, statement, stated_at, stated_by, proposed_by FROM peer_version
        WHERE name = $1 ORDER BY version DESC LIMIT $2";
    tx.query(sql, &[name.into(), VERSIONS.into()], |row| {
        let parsed = |json: String| serde_json::from_str::<PeerStatement>(&json);
        let statement = optional(row, 1)?.map(parsed).transpose();
        Ok(PeerVersion {
            version: number(row, 0)?,
            statement: statement.map_err(|_| StoreError::Corrupt("peer_version.statement"))?,
            at: row.time(2)?,
            by: row.text(3)?,
            proposed_by: optional(row, 4)?,
        })
    })
}

/// Writes a version, with the logins that it has: no other peer may have them.
///
/// # Errors
/// [`StoreError::Conflict`] where another has one of them, or there is this version.
pub(super) fn insert(tx: &mut Tx<'_>, new: &New, logins: &[[u8; 32]], at: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- insert_peer_version
        INSERT INTO peer_version (name, version, statement, stated_at, stated_by, proposed_by)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let New { name, version, statement, by, proposed_by } = new;
    let values =
        [name.into(), (*version).into(), statement.as_ref().into(), at.into(), by.into(), proposed_by.as_ref().into()];
    tx.execute(sql, &values)?;
    let sql = "-- delete_peer_logins
        DELETE FROM peer_login WHERE name = $1";
    tx.execute(sql, &[name.into()])?;
    let sql = "-- insert_peer_login
        INSERT INTO peer_login (certificate, name) VALUES ($1, $2)";
    for login in logins {
        tx.execute(sql, &[login.into(), name.into()])?;
    }
    Ok(())
}
