//! Are the rows of a node's database what its log has? The tree proves what was logged, and nothing about the copy that the node asks: whoever owns the file can
//! drop a trigger and delete, change or hide rows there. So each row is held against the entry of its number, and what lies beside the tree against the
//! commitment in it.
//!
//! Run it after [`verify`](super::verify()): here the bundles are taken for what they were found to be.

use super::Source;
use crate::payload::{self, PayloadKeys, StoredKey};
use crypto::digest::hex;
use crypto::merkle::{TILE_WIDTH, TileId, parse_entry_bundle};
use schemas::EventId;
use storage::{Reader, StoreError};

/// What was compared, and agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compared {
    /// Rows.
    pub rows: u64,
    /// Rows of which the database still has what they commit to.
    pub payloads: u64,
}

/// The first row that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongRow {
    /// The database, or a bundle, cannot be read.
    #[error("the rows cannot be compared: {0}")]
    Unreadable(String),
    /// There is no row of a number that the log has.
    #[error("row {0} is missing in the database")]
    Missing(u64),
    /// A row is not the entry of its number.
    #[error("row {0} is not what was logged under this number")]
    Differs(u64),
    /// What lies beside the tree is not what the entry commits to.
    #[error("what row {0} commits to was changed")]
    Payload(u64),
    /// The next number would be one that is given.
    #[error("the next number is {next}, and the log has {size} entries")]
    SetBack {
        /// Of the database.
        next: u64,
        /// Of the log.
        size: u64,
    },
}

impl WrongRow {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Missing(_) => "row_missing",
            Self::Differs(_) => "row",
            Self::Payload(_) => "payload",
            Self::SetBack { .. } => "set_back",
        }
    }

    /// Which entry.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Missing(index) | Self::Differs(index) | Self::Payload(index) => Some(*index),
            Self::Unreadable(_) | Self::SetBack { .. } => None,
        }
    }
}

impl From<StoreError> for WrongRow {
    fn from(error: StoreError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

struct Row {
    seq: i64,
    entry: Vec<u8>,
    event: EventId,
    payload: Option<([u8; 32], String)>,
    sealed: Option<(StoredKey, Vec<u8>)>,
}

/// Holds the rows of the entries from `minimum` (0, or the minimum index of a pruned log) to `size` against the bundles of a log that was verified, a bundle at a time.
///
/// What is sealed is opened with `keys`, and passed over without.
///
/// # Errors
/// The first row that is wrong.
pub async fn compare_rows(
    reader: &Reader,
    source: &dyn Source,
    keys: Option<&PayloadKeys>,
    minimum: u64,
    size: u64,
) -> Result<Compared, WrongRow> {
    let next = next_number(reader).await?;
    if next < size {
        return Err(WrongRow::SetBack { next, size });
    }
    let mut compared = Compared::default();
    let mut unsealer = keys.map(PayloadKeys::unsealer);
    for index in minimum.div_ceil(u64::from(TILE_WIDTH))..size.div_ceil(u64::from(TILE_WIDTH)) {
        let start = index * u64::from(TILE_WIDTH);
        let width = u16::try_from((size - start).min(u64::from(TILE_WIDTH))).unwrap_or(TILE_WIDTH);
        let entries = read_bundle(source, TileId { level: 0, index, width })?;
        let mut rows = read_rows(reader, start).await?.into_iter().peekable();
        for (number, entry) in (start..).zip(entries) {
            let row = rows.next_if(|row| u64::try_from(row.seq) == Ok(number)).ok_or(WrongRow::Missing(number))?;
            if row.entry != entry {
                return Err(WrongRow::Differs(number));
            }
            compared.rows += 1;
            if let Some((salt, details)) = row.payload {
                check_commitment(&entry, &salt, &details).ok_or(WrongRow::Payload(number))?;
                compared.payloads += 1;
            }
            if let (Some((key, sealed)), Some(unsealer)) = (row.sealed, &mut unsealer) {
                let opened = unsealer.open(row.event, key, &sealed).map_err(|_| WrongRow::Payload(number))?;
                if let Some(opened) = opened {
                    check_commitment(&entry, &opened.salt, &opened.details).ok_or(WrongRow::Payload(number))?;
                    compared.payloads += 1;
                }
            }
        }
    }
    Ok(compared)
}

/// The entry is canonical: its `commit` is written in one way.
fn check_commitment(entry: &[u8], salt: &[u8; 32], details: &str) -> Option<()> {
    let expected = format!("\"commit\":\"{}\"", hex(&crate::event::commitment(salt, details.as_bytes())));
    entry.windows(expected.len()).any(|window| window == expected.as_bytes()).then_some(())
}

/// The bundle of that width, or the beginning of a wider one.
fn read_bundle(source: &dyn Source, id: TileId) -> Result<Vec<Vec<u8>>, WrongRow> {
    let mut content = Vec::new();
    for width in id.width..=TILE_WIDTH {
        let path = TileId { width, ..id }.entries_path();
        match source.read(&path, super::walk::BUNDLE_BYTES, &mut content) {
            Ok(false) => {}
            Ok(true) => {
                let mut entries = parse_entry_bundle(&content).map_err(|_| WrongRow::Unreadable(path))?;
                entries.truncate(usize::from(id.width));
                return Ok(entries);
            }
            Err(error) => return Err(WrongRow::Unreadable(format!("{path}: {error}"))),
        }
    }
    Err(WrongRow::Unreadable(format!("{} is missing", id.entries_path())))
}

async fn read_rows(reader: &Reader, start: u64) -> Result<Vec<Row>, WrongRow> {
    let sql = "-- read_rows
        SELECT s.seq, s.entry, p.salt, p.details, s.event_id, k.id, k.subject, k.wrapped, x.sealed FROM audit_seq s
        LEFT JOIN audit_payload p ON p.event_id = s.event_id
        LEFT JOIN audit_sealed x ON x.event_id = s.event_id LEFT JOIN audit_key k ON k.id = x.key_id
        WHERE s.seq >= $1 ORDER BY s.seq LIMIT $2";
    let start = i64::try_from(start).map_err(|_| StoreError::Corrupt("a number beyond the database's integers"))?;
    let rows = reader.read("verify_rows", move |tx| {
        tx.query(sql, &[start.into(), u32::from(TILE_WIDTH).into()], |row| {
            let payload = if row.is_null(2)? { None } else { Some((row.array(2)?, row.text(3)?)) };
            let event = EventId::from_bytes(&row.blob(4)?).map_err(|_| StoreError::Corrupt("an event's id"))?;
            Ok(Row { seq: row.integer(0)?, entry: row.blob(1)?, event, payload, sealed: payload::stored(row, 5)? })
        })
    });
    Ok(rows.await?)
}

async fn next_number(reader: &Reader) -> Result<u64, WrongRow> {
    let sql = "-- next_number
        SELECT next_seq FROM seq_head WHERE id = 1";
    let next = reader.read("verify_head", move |tx| tx.query_optional(sql, &[], |row| row.integer(0))).await?;
    Ok(next.and_then(|next| u64::try_from(next).ok()).unwrap_or(0))
}
