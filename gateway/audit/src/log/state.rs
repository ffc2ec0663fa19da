//! The row `log_state`: the committed tree, and the published one behind it.

use crypto::merkle::Hash;
use storage::{Reader, Row, StoreError, Tx, TxError, Writer};
use time::OffsetDateTime;

/// The tree as the database has it.
#[derive(Debug, Clone)]
pub(crate) struct LogState {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The signed note over this size and root; None for the empty tree.
    pub(crate) checkpoint: Option<String>,
    /// Counts commits. With the size it is the fencing token of integrators.
    pub(crate) epoch: i64,
    pub(crate) published: Option<Published>,
}

/// What readers of the log may see.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) size: u64,
    pub(crate) note: String,
}

impl LogState {
    pub(crate) async fn read(reader: &Reader) -> Result<Self, StoreError> {
        reader.read("log_state", Self::read_in).await
    }

    pub(crate) fn read_in(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let sql = "-- read_in
            SELECT size, root, checkpoint, epoch, published_size, published FROM log_state WHERE id = 1";
        tx.query_optional(sql, &[], |row| {
            let text = |column| if row.is_null(column)? { Ok(None) } else { row.text(column).map(Some) };
            let published_size = unsigned(row, 4)?;
            let published = text(5)?.map(|note| Published { size: published_size, note });
            Ok(Self {
                size: unsigned(row, 0)?,
                root: row.array(1)?,
                checkpoint: text(2)?,
                epoch: row.integer(3)?,
                published,
            })
        })?
        .ok_or(StoreError::Corrupt("log_state has no row"))
    }

    pub(crate) fn published_size(&self) -> u64 {
        self.published.as_ref().map_or(0, |published| published.size)
    }
}

/// Moves the tree from `old` to a larger one, unless somebody else moved it first: then false.
pub(crate) async fn commit(
    writer: &Writer,
    old: &LogState,
    size: u64,
    root: Hash,
    checkpoint: String,
) -> Result<bool, StoreError> {
    let sql = "-- commit
        UPDATE log_state SET size = $1, root = $2, checkpoint = $3, epoch = epoch + 1
        WHERE id = 1 AND size = $4 AND epoch = $5";
    let (new_size, old_size, epoch) = (signed(size)?, signed(old.size)?, old.epoch);
    let committed = writer.run_alone("log_commit", move |tx| {
        let values = [new_size.into(), (&root).into(), (&checkpoint).into(), old_size.into(), epoch.into()];
        Ok(tx.execute(sql, &values)? == 1)
    });
    committed.await.map_err(only_store)
}

/// Makes a committed checkpoint the published one, unless a later one is.
pub(crate) async fn publish(writer: &Writer, size: u64, note: String) -> Result<(), StoreError> {
    let sql = "-- publish
        UPDATE log_state SET published_size = $1, published = $2 WHERE id = 1 AND published_size < $1";
    let size = signed(size)?;
    let published = writer.run_alone("log_publish", move |tx| tx.execute(sql, &[size.into(), (&note).into()]));
    published.await.map(drop).map_err(only_store)
}

/// How many rows no published checkpoint covers, without looking at those that have a number.
pub(crate) async fn unpublished(reader: &Reader) -> Result<u64, StoreError> {
    let sql = "-- unpublished
        SELECT (SELECT count(*) FROM audit_outbox) + max(h.next_seq - l.published_size, 0)
        FROM seq_head h, log_state l WHERE h.id = 1 AND l.id = 1";
    let counted = reader.read("log_unpublished", move |tx| tx.query_optional(sql, &[], |row| unsigned(row, 0)));
    Ok(counted.await?.unwrap_or(0))
}

/// How many rows no published checkpoint covers, and the time of the oldest.
pub(crate) async fn backlog(reader: &Reader) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
    let outbox = "-- backlog
        SELECT count(*), min(at) FROM audit_outbox";
    let numbered = "-- backlog
        SELECT count(*), min(s.at) FROM audit_seq s, log_state l WHERE l.id = 1 AND s.seq >= l.published_size";
    let counted = reader.read("log_backlog", move |tx| {
        let mut rows = 0;
        let mut oldest: Option<OffsetDateTime> = None;
        for sql in [outbox, numbered] {
            let found = tx.query_optional(sql, &[], |row| {
                Ok((unsigned(row, 0)?, if row.is_null(1)? { None } else { Some(row.time(1)?) }))
            })?;
            let (count, at) = found.unwrap_or((0, None));
            rows += count;
            oldest = match (oldest, at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Ok((rows, oldest))
    });
    counted.await
}

pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    u64::try_from(row.integer(column)?).map_err(|_| StoreError::Corrupt("a size below zero"))
}

pub(crate) fn signed(size: u64) -> Result<i64, StoreError> {
    i64::try_from(size).map_err(|_| StoreError::Corrupt("a size beyond the database's integers"))
}

/// A transaction whose only refusal is a failure of the database.
pub(crate) fn only_store(error: TxError<StoreError>) -> StoreError {
    match error {
        TxError::Refused(error) | TxError::Store(error) => error,
    }
}
