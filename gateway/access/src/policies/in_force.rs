//! The row of the bundle in force (migrations/sqlite/0021_policies.sql).

use storage::{StoreError, Tx};
use time::OffsetDateTime;

/// Number and SHA-256 of the bundle that was in force last, in any process of the node.
pub(super) fn last(tx: &mut Tx<'_>) -> Result<Option<(i64, [u8; 32])>, StoreError> {
    let sql = "-- policies_in_force
        SELECT number, sha256 FROM policies_in_force WHERE id = 1";
    tx.query_optional(sql, &[], |row| Ok((row.integer(0)?, row.array(1)?)))
}

/// Remembers another. The caller has seen that its number is higher.
pub(super) fn advance(
    tx: &mut Tx<'_>,
    number: i64,
    sha256: &[u8; 32],
    since: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "-- advance_policies_in_force
        INSERT INTO policies_in_force (id, number, sha256, since) VALUES (1, $1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET number = excluded.number, sha256 = excluded.sha256, since = excluded.since";
    tx.execute(sql, &[number.into(), sha256.into(), since.into()]).map(drop)
}
