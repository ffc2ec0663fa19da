//! What was fetched from outside and is worth keeping over a restart: a cache, bounded in rows and bytes, which may be emptied
//! at any time and loses nothing but time.
//!
//! A row says when its content was fetched, until when it is fresh, and its SHA-256. Small contents lie in the row, others in
//! the object store under `fetched/<SHA-256>`. What is out of date goes first, then what was fetched longest ago. Content that
//! does not have its digest any more is [`StoreError::Corrupt`]; what it means is for the caller to judge: this room knows no
//! certificate.
//!
//! Nothing here is anybody's deed, so these rows have no audit row, as the leases of [`crate::jobs`] have none.

use crate::objects::Objects;
use crate::store::{Reader, Row, StoreError, Tx, TxError, Writer};
use crypto::digest::hex;
use futures_util::StreamExt;
use time::OffsetDateTime;

/// Content that lies in its row. Larger ones would make the database grow and shrink with every list.
const INLINE_BYTES: usize = 64 * 1024;

/// Where large contents lie.
const PREFIX: &str = "fetched/";

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Rows.
    pub rows: u32,
    /// Bytes of all contents.
    pub bytes: u64,
}

impl Default for Bounds {
    /// As many answers as a region's certificates need, and a dozen of the largest lists that there are.
    fn default() -> Self {
        Self { rows: 16_384, bytes: 1024 * 1024 * 1024 }
    }
}

/// Something that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes as they came.
    pub content: Vec<u8>,
    /// When they came.
    pub fetched_at: OffsetDateTime,
    /// Until when they may serve.
    pub fresh_until: OffsetDateTime,
}

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct FetchedStore {
    writer: Writer,
    reader: Reader,
    objects: Objects,
    bounds: Bounds,
}

/// A row without its content.
struct Stored {
    fetched_at: OffsetDateTime,
    fresh_until: OffsetDateTime,
    size: i64,
    sha256: [u8; 32],
    /// `None`: in the object store.
    content: Option<Vec<u8>>,
}

impl FetchedStore {
    /// A cache in this database and object store.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader, objects: Objects, bounds: Bounds) -> Self {
        Self { writer, reader, objects, bounds }
    }

    /// Keeps `content`, which was fetched at the first of `times` and is fresh until the second, in the place of what was kept
    /// under `kind` and `key`, and makes room where there is none. What is larger than a quarter of all room is not kept.
    ///
    /// # Errors
    /// Where the database or the folder of objects fails.
    pub async fn keep(
        &self,
        kind: &'static str,
        key: [u8; 32],
        content: &[u8],
        times: (OffsetDateTime, OffsetDateTime),
    ) -> Result<(), StoreError> {
        let (fetched_at, fresh_until) = times;
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > self.bounds.bytes / 4 {
            return Ok(());
        }
        let sha256 = crypto::digest::sha256(content);
        let inline = if content.len() <= INLINE_BYTES {
            Some(content.to_vec())
        } else {
            self.put(&sha256, content).await?;
            None
        };
        let stored = Stored { fetched_at, fresh_until, size, sha256, content: inline };
        let bounds = self.bounds;
        let kept = self.writer.run_tx("keep_fetched", move |tx| {
            let mut gone = remove(tx, kind, &key)?;
            insert(tx, kind, &key, &stored)?;
            gone.extend(evict(tx, stored.fetched_at, bounds)?);
            Ok::<_, StoreError>(gone)
        });
        self.remove_unnamed(kept.await.map_err(of_transaction)?).await
    }

    /// What is kept under `kind` and `key`, if it is fresh at `at`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the content is not what was kept; as [`FetchedStore::keep`] otherwise.
    pub async fn load(
        &self,
        kind: &'static str,
        key: [u8; 32],
        at: OffsetDateTime,
    ) -> Result<Option<Fetched>, StoreError> {
        let found = self.reader.read("load_fetched", move |tx| select(tx, kind, &key, at)).await?;
        let Some(Stored { fetched_at, fresh_until, size, sha256, content }) = found else { return Ok(None) };
        let content = match content {
            Some(content) => content,
            None => match self.read(&sha256, size).await? {
                Some(content) => content,
                // Another process made room.
                None => return Ok(None),
            },
        };
        if crypto::digest::sha256(&content) != sha256 {
            return Err(StoreError::Corrupt("a fetched content changed"));
        }
        Ok(Some(Fetched { content, fetched_at, fresh_until }))
    }

    /// Forgets what is kept under `kind` and `key`.
    ///
    /// # Errors
    /// As [`FetchedStore::keep`].
    pub async fn forget(&self, kind: &'static str, key: [u8; 32]) -> Result<(), StoreError> {
        let removed = self.writer.run_tx("forget_fetched", move |tx| remove(tx, kind, &key)).await;
        self.remove_unnamed(removed.map_err(of_transaction)?).await
    }

    /// Removes the objects that no row names: what a process left that died between the two.
    ///
    /// # Errors
    /// As [`FetchedStore::keep`].
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut unnamed = 0;
        for (key, _, _) in self.objects.list(PREFIX).await? {
            if !self.is_named(&key).await? {
                self.objects.delete(&key).await?;
                unnamed += 1;
            }
        }
        Ok(unnamed)
    }

    async fn put(&self, sha256: &[u8; 32], content: &[u8]) -> Result<(), StoreError> {
        let mut upload = self.objects.upload(&object(sha256)).await?;
        if let Err(error) = upload.write(content).await {
            upload.abort().await;
            return Err(error);
        }
        upload.finish().await
    }

    /// The object of that digest and size; `None` where it is gone or shorter.
    async fn read(&self, sha256: &[u8; 32], size: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let size = u64::try_from(size).ok().filter(|size| *size <= self.bounds.bytes);
        let size = size.ok_or(StoreError::Corrupt("the size of a fetched content"))?;
        let mut pieces = match self.objects.read_range(&object(sha256), 0..size).await {
            Ok(pieces) => pieces,
            Err(StoreError::Objects(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        while let Some(piece) = pieces.next().await {
            content.extend_from_slice(&piece?);
        }
        Ok(Some(content))
    }

    async fn is_named(&self, key: &str) -> Result<bool, StoreError> {
        let Some(sha256) = digest_of(key) else { return Ok(true) };
        let sql = "-- fetched_object_is_named
            SELECT 1 FROM fetched WHERE sha256 = $1 AND content IS NULL LIMIT 1";
        let named =
            self.reader.read("fetched_object", move |tx| tx.query(sql, &[(&sha256).into()], |row| row.integer(0)));
        Ok(!named.await?.is_empty())
    }

    async fn remove_unnamed(&self, digests: Vec<[u8; 32]>) -> Result<(), StoreError> {
        for sha256 in digests {
            let key = object(&sha256);
            if !self.is_named(&key).await? {
                self.objects.delete(&key).await?;
            }
        }
        Ok(())
    }
}

/// Removes a row, and says which object it named.
fn remove(tx: &mut Tx<'_>, kind: &str, key: &[u8; 32]) -> Result<Vec<[u8; 32]>, StoreError> {
    let sql = "-- remove_fetched
        DELETE FROM fetched WHERE kind = $1 AND key = $2 RETURNING sha256, content IS NULL";
    Ok(tx.query(sql, &[kind.into(), key.into()], named_object)?.into_iter().flatten().collect())
}

fn insert(tx: &mut Tx<'_>, kind: &str, key: &[u8; 32], stored: &Stored) -> Result<(), StoreError> {
    let sql = "-- insert_fetched
        INSERT INTO fetched (kind, key, fetched_at, fresh_until, size, sha256, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Stored { fetched_at, fresh_until, size, sha256, content } = stored;
    let (fetched_at, fresh_until) = ((*fetched_at).into(), (*fresh_until).into());
    let content = content.as_ref().into();
    tx.execute(sql, &[kind.into(), key.into(), fetched_at, fresh_until, (*size).into(), sha256.into(), content])?;
    Ok(())
}

fn select(tx: &mut Tx<'_>, kind: &str, key: &[u8; 32], at: OffsetDateTime) -> Result<Option<Stored>, StoreError> {
    let sql = "-- select_fetched
        SELECT fetched_at, fresh_until, size, sha256, content FROM fetched
        WHERE kind = $1 AND key = $2 AND fresh_until > $3";
    tx.query_optional(sql, &[kind.into(), key.into(), at.into()], |row| {
        let content = if row.is_null(4)? { None } else { Some(row.blob(4)?) };
        let (fetched_at, fresh_until) = (row.time(0)?, row.time(1)?);
        Ok(Stored { fetched_at, fresh_until, size: row.integer(2)?, sha256: row.array(3)?, content })
    })
}

/// Removes what is out of date at `now`, and what was fetched longest ago where there is too much: more of it than needed, so
/// that not every row that comes has to look for room. Says which objects were named.
fn evict(tx: &mut Tx<'_>, now: OffsetDateTime, bounds: Bounds) -> Result<Vec<[u8; 32]>, StoreError> {
    let stale = "-- remove_stale_fetched
        DELETE FROM fetched WHERE fresh_until <= $1 RETURNING sha256, content IS NULL";
    let mut gone: Vec<_> = tx.query(stale, &[now.into()], named_object)?.into_iter().flatten().collect();
    let total = "-- total_fetched
        SELECT count(*), coalesce(sum(size), 0) FROM fetched";
    let total = tx.query_optional(total, &[], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
    let (rows, bytes) = total.unwrap_or_default();
    let (most_rows, most_bytes) = (i64::from(bounds.rows), i64::try_from(bounds.bytes).unwrap_or(i64::MAX));
    if rows <= most_rows && bytes <= most_bytes {
        return Ok(gone);
    }
    let oldest = "-- remove_oldest_fetched
        DELETE FROM fetched WHERE EXISTS (
            SELECT 1 FROM (
                SELECT kind, key,
                    row_number() OVER (ORDER BY fetched_at DESC, kind, key) AS number,
                    sum(size) OVER (ORDER BY fetched_at DESC, kind, key) AS bytes
                FROM fetched
            ) AS ranked
            WHERE ranked.kind = fetched.kind AND ranked.key = fetched.key AND (number > $1 OR bytes > $2)
        ) RETURNING sha256, content IS NULL";
    let room = [(most_rows - most_rows / 8).into(), (most_bytes - most_bytes / 8).into()];
    gone.extend(tx.query(oldest, &room, named_object)?.into_iter().flatten());
    Ok(gone)
}

/// A removed row's digest, if its content was an object.
fn named_object(row: &Row<'_>) -> Result<Option<[u8; 32]>, StoreError> {
    let digest = row.array(0)?;
    Ok((row.integer(1)? != 0).then_some(digest))
}

fn object(sha256: &[u8; 32]) -> String {
    format!("{PREFIX}{}", hex(sha256))
}

/// The digest in an object's name.
fn digest_of(key: &str) -> Option<[u8; 32]> {
    let text = key.strip_prefix(PREFIX)?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octets: Option<Vec<u8>> =
        text.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect();
    octets?.try_into().ok()
}

fn of_transaction(error: TxError<StoreError>) -> StoreError {
    match error {
        TxError::Refused(error) | TxError::Store(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreConfig, migrate, open};
    use crate::throwaway::BackEnd;
    use bytes::Bytes;
    use std::path::Path;
    use time::Duration;

    crate::on_each_back_end!(
        what_is_kept_is_there_after_a_restart_until_it_is_stale,
        what_is_replaced_or_forgotten_leaves_no_object,
        changed_bytes_are_not_given_out,
        there_is_never_more_than_the_bounds_and_the_newest_stays,
        what_is_stale_makes_room_first,
        objects_that_no_row_names_are_swept,
    );

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

    fn database(back_end: BackEnd, folder: &Path) -> StoreConfig {
        let config = back_end.database(folder).unwrap();
        migrate(&config).unwrap();
        config
    }

    fn store(config: &StoreConfig, folder: &Path, bounds: Bounds) -> FetchedStore {
        let (writer, reader) = open(config).unwrap();
        FetchedStore::new(writer, reader, Objects::open_folder(&folder.join("objects")).unwrap(), bounds)
    }

    fn fetched(content: Vec<u8>, at: OffsetDateTime) -> Fetched {
        Fetched { content, fetched_at: at, fresh_until: at + Duration::hours(1) }
    }

    impl FetchedStore {
        async fn keeps(&self, kind: &'static str, key: [u8; 32], fetched: &Fetched) {
            let times = (fetched.fetched_at, fetched.fresh_until);
            self.keep(kind, key, &fetched.content, times).await.unwrap();
        }
    }

    fn large(octet: u8) -> Vec<u8> {
        vec![octet; 3 * INLINE_BYTES]
    }

    fn objects(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder.join("objects/fetched")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    async fn what_is_kept_is_there_after_a_restart_until_it_is_stale(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let (small, large) = (fetched(vec![7; 2000], NOW), fetched(large(8), NOW));
        {
            let store = store(&config, folder.path(), Bounds::default());
            store.keeps("ocsp", [1; 32], &small).await;
            store.keeps("crl", [1; 32], &large).await;
        }
        let store = store(&config, folder.path(), Bounds::default());
        let soon = NOW + Duration::minutes(59);
        assert_eq!(store.load("ocsp", [1; 32], soon).await, Ok(Some(small)));
        assert_eq!(store.load("crl", [1; 32], soon).await, Ok(Some(large)));
        assert_eq!(store.load("ocsp", [2; 32], soon).await, Ok(None));
        for kind in ["ocsp", "crl"] {
            assert_eq!(store.load(kind, [1; 32], NOW + Duration::hours(1)).await, Ok(None), "{kind} is stale");
        }
    }

    async fn what_is_replaced_or_forgotten_leaves_no_object(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let store = store(&config, folder.path(), Bounds::default());
        store.keeps("crl", [1; 32], &fetched(large(1), NOW)).await;
        store.keeps("crl", [2; 32], &fetched(large(1), NOW)).await;
        assert_eq!(objects(folder.path()).len(), 1, "the same content lies there once");
        store.keeps("crl", [1; 32], &fetched(large(3), NOW)).await;
        assert_eq!(objects(folder.path()).len(), 2, "another row still names the old one");
        store.forget("crl", [2; 32]).await.unwrap();
        store.forget("crl", [1; 32]).await.unwrap();
        store.forget("crl", [9; 32]).await.unwrap();
        assert!(objects(folder.path()).is_empty());
    }

    async fn changed_bytes_are_not_given_out(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let store = store(&config, folder.path(), Bounds::default());
        store.keeps("crl", [1; 32], &fetched(large(1), NOW)).await;
        let object = objects(folder.path()).remove(0);
        let mut bytes = std::fs::read(&object).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&object, &bytes).unwrap();
        assert!(matches!(store.load("crl", [1; 32], NOW).await, Err(StoreError::Corrupt(_))));
        std::fs::write(&object, &bytes[..1000]).unwrap();
        assert!(!matches!(store.load("crl", [1; 32], NOW).await, Ok(Some(_))), "cut short");
        std::fs::remove_file(&object).unwrap();
        assert_eq!(store.load("crl", [1; 32], NOW).await, Ok(None), "gone");

        store.keeps("ocsp", [1; 32], &fetched(vec![1; 100], NOW)).await;
        let sql = "-- test
            UPDATE fetched SET content = $1 WHERE kind = 'ocsp'";
        store.writer.run_tx::<_, StoreError, _>("test", |tx| tx.execute(sql, &[(&[0; 100]).into()])).await.unwrap();
        assert!(matches!(store.load("ocsp", [1; 32], NOW).await, Err(StoreError::Corrupt(_))));
    }

    async fn there_is_never_more_than_the_bounds_and_the_newest_stays(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let store = store(&config, folder.path(), Bounds { rows: 16, bytes: 2_000_000 });
        for number in 0..40_u8 {
            let at = NOW + Duration::seconds(number.into());
            store.keeps("ocsp", [number; 32], &fetched(vec![number; 10], at)).await;
            assert!(store.load("ocsp", [number; 32], at).await.unwrap().is_some(), "{number}");
        }
        let mut there = Vec::new();
        for number in 0..40_u8 {
            there.extend(store.load("ocsp", [number; 32], NOW + Duration::minutes(1)).await.unwrap());
        }
        assert!((14..=16).contains(&there.len()), "{}", there.len());
        // By bytes: each takes 196,608 of 2,000,000.
        for number in 100..120_u8 {
            let at = NOW + Duration::seconds(number.into());
            store.keeps("crl", [number; 32], &fetched(large(number), at)).await;
        }
        assert!(objects(folder.path()).len() <= 10, "{:?}", objects(folder.path()).len());
        assert!(store.load("crl", [119; 32], NOW + Duration::minutes(2)).await.unwrap().is_some());
        store.keeps("crl", [1; 32], &fetched(vec![1; 500_001], NOW)).await;
        assert_eq!(store.load("crl", [1; 32], NOW).await, Ok(None), "one that would take a quarter of the room");
    }

    async fn what_is_stale_makes_room_first(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let store = store(&config, folder.path(), Bounds::default());
        store.keeps("crl", [1; 32], &fetched(large(1), NOW)).await;
        store.keeps("ocsp", [2; 32], &fetched(vec![2], NOW + Duration::hours(1))).await;
        assert!(objects(folder.path()).is_empty(), "the list was out of date by then");
    }

    async fn objects_that_no_row_names_are_swept(back_end: BackEnd) {
        let folder = tempfile::tempdir().unwrap();
        let config = database(back_end, folder.path());
        let store = store(&config, folder.path(), Bounds::default());
        store.keeps("crl", [1; 32], &fetched(large(1), NOW)).await;
        let orphan = object(&[0xab; 32]);
        store.objects.put_new(&orphan, Bytes::from_static(b"left by a node that died")).await.unwrap();
        store.objects.put_new("parts/1", Bytes::from_static(b"not ours")).await.unwrap();
        assert_eq!(store.sweep().await, Ok(1));
        assert_eq!(objects(folder.path()).len(), 1);
        assert!(store.objects.read("parts/1").await.unwrap().is_some());
    }
}
