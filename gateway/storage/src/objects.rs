//! Large immutable objects: a folder (S3 later, through the same crate). Staged, then committed by the row that names
//! them; orphans are swept by whoever owns the rows.
//!
//! What durability rests on (`object_store` 0.14.2, `LocalFileSystem` with fsync on; `upload`, which does the same for
//! what is too large to be held): an object is written under a
//! staging name `<key>#<n>`, synced, closed, renamed or hard-linked to its key, and its folder is synced; folders that
//! had to be made are synced up to the first that existed. Not covered: deletion, which may be undone by a power cut
//! (then the object is an orphan again, and swept again); staging names left by a killed process, which
//! [`Objects::open_folder`] removes; and the folder of a key that two writers make at the same instant, where the second
//! does not wait for the first one's sync of the folder above.
//!
//! [`Objects::put_unsynced`] and [`Objects::sync`] are for what can be made again until the sync: the tiles of the
//! transparency log, whose stage is durable.

mod cache;
pub mod faults;
mod pieces;
mod upload;

pub use upload::Upload;

use crate::space::RESERVE;
use crate::store::StoreError;
use bytes::Bytes;
use faults::{Call, Faults};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// A folder of immutable objects. A key is a relative path of `/`-separated segments of ASCII letters, digits, `-`, `_`
/// and `.`; no segment is `.` or `..`. The reserve of the disk ([`crate::space`]) may lie in the folder: it is no object, no list names it, and its name is
/// no key, so that nobody who counts, sweeps or erases objects comes upon it.
#[derive(Clone)]
pub struct Objects {
    synced: Arc<LocalFileSystem>,
    unsynced: Arc<LocalFileSystem>,
    root: Arc<PathBuf>,
    faults: Option<Faults>,
}

impl Objects {
    /// Opens a folder, and makes it where there is none. What uploads of killed processes left there is removed in the
    /// background.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where it is no folder that can be read.
    pub fn open_folder(path: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::Objects(format!("{}: {error}", path.display()));
        create_folder(path).map_err(io)?;
        let root = path.canonicalize().map_err(io)?;
        let open = |fsync| LocalFileSystem::new_with_prefix(&root).map(|s| Arc::new(s.with_fsync(fsync)));
        let (synced, unsynced) = (open(true).map_err(failure)?, open(false).map_err(failure)?);
        let folder = root.clone();
        std::thread::Builder::new()
            .name("vuzol-staging".to_owned())
            .spawn(move || remove_abandoned(&folder, SystemTime::now() - ABANDONED))
            .map_err(io)?;
        Ok(Self { synced, unsynced, root: Arc::new(root), faults: None })
    }

    /// Create-only, durable on return; an existing object with the same bytes is fine, with others it is Conflict.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as said; [`StoreError::Objects`] where the folder fails.
    pub async fn put_new(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let put = async {
            if self.create(&self.synced, key, bytes).await? {
                return Ok(());
            }
            // Whoever wrote it may not have come to the sync yet, or did not mean to.
            self.sync(vec![key.to_owned()]).await
        };
        self.may_fail(Call::Put, key, put).await
    }

    /// As [`put_new`](Self::put_new), but a power cut may undo it until [`sync`](Self::sync).
    ///
    /// # Errors
    /// As [`put_new`](Self::put_new).
    pub async fn put_unsynced(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let put = async { self.create(&self.unsynced, key, bytes).await.map(drop) };
        self.may_fail(Call::Put, key, put).await
    }

    /// Makes objects durable that were put unsynced, with the folders on their way. Keys without an object are passed
    /// over.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where a sync fails: then none of them may be taken for durable.
    pub async fn sync(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let paths = keys.iter().map(|key| Ok(self.root.join(parse(key)?.as_ref()))).collect::<Result<Vec<_>, _>>()?;
        let root = Arc::clone(&self.root);
        let first = keys.first().map(String::as_str).unwrap_or_default();
        self.may_fail(Call::Sync, first, blocking(move || sync_paths(&root, &paths))).await
    }

    /// Replaces (for the checkpoint file only), durable on return.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let put = async { self.synced.put(&parse(key)?, bytes.into()).await.map(drop).map_err(failure) };
        self.may_fail(Call::Put, key, put).await
    }

    /// Streaming upload: what it holds in memory is bounded, whatever the size of the object.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails.
    pub async fn upload(&self, key: &str) -> Result<Upload, StoreError> {
        let path = self.root.join(parse(key)?.as_ref());
        blocking(move || Upload::open(path).map_err(upload::failure)).await
    }

    /// A whole object, for small ones; None where there is none.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails.
    pub async fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let read = async {
            let found = match self.synced.get(&parse(key)?).await {
                Ok(found) => found,
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(failure(error)),
            };
            found.bytes().await.map(Some).map_err(failure)
        };
        self.may_fail(Call::Read, key, read).await
    }

    /// The bytes of `range` in pieces of at most 256 KiB. An object that is deleted meanwhile is read to its end.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where there is no such object, the range lies outside it, or the folder fails.
    pub async fn read_range(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        let found = self.synced.get_opts(&parse(key)?, options).await.map_err(failure)?;
        if found.range != range {
            return Err(StoreError::Objects(format!("{key} ends at {}, before {}", found.range.end, range.end)));
        }
        match found.payload {
            GetResultPayload::File(file, _) => Ok(pieces::pieces(file, found.meta.size, range).boxed()),
            GetResultPayload::Stream(stream) => Ok(stream.map_err(failure).boxed()),
        }
    }

    /// Deletes; an absent object is no error. Not durable by itself: see the head of this file.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let delete = async {
            match self.synced.delete(&parse(key)?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failure(error)),
            }
        };
        self.may_fail(Call::Delete, key, delete).await
    }

    /// Key, size in bytes and time of the last change of every object whose key begins with the segments of `prefix`
    /// (all where it is empty), sorted by key.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(String, u64, OffsetDateTime)>, StoreError> {
        let folder = if prefix.is_empty() { None } else { Some(parse(prefix.trim_end_matches('/'))?) };
        let list = async { self.synced.list(folder.as_ref()).try_collect::<Vec<_>>().await.map_err(failure) };
        let found = self.may_fail(Call::List, prefix, list).await?;
        let mut all = found
            .into_iter()
            .filter(|object| object.location.as_ref() != RESERVE)
            .map(|object| {
                let seconds = object.last_modified.timestamp();
                let modified = OffsetDateTime::from_unix_timestamp(seconds)
                    .map_err(|_| StoreError::Corrupt("an object's time is outside the calendar"))?;
                Ok((object.location.to_string(), object.size, modified))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        all.sort();
        Ok(all)
    }

    /// True where the object was created, false where it was there with the same bytes.
    async fn create(&self, store: &LocalFileSystem, key: &str, bytes: Bytes) -> Result<bool, StoreError> {
        let created = store.put_opts(&parse(key)?, PutPayload::from(bytes.clone()), PutMode::Create.into()).await;
        match created {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => match self.read(key).await? {
                Some(existing) if existing == bytes => Ok(false),
                Some(_) => Err(StoreError::Conflict),
                None => Err(StoreError::Objects(format!("{key} came and went"))),
            },
            Err(error) => Err(failure(error)),
        }
    }
}

/// Strict: a key comes from our own code, so anything odd is a defect, not something to percent-encode.
fn parse(key: &str) -> Result<Key, StoreError> {
    let plain = |segment: &str| {
        let bytes = segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        bytes && !matches!(segment, "" | "." | "..")
    };
    if !key.split('/').all(plain) || key == RESERVE {
        return Err(StoreError::Objects(format!("no key: {key:?}")));
    }
    Key::parse(key).map_err(|error| StoreError::Objects(error.to_string()))
}

fn failure(error: object_store::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
            return StoreError::NoSpace;
        }
        cause = inner.source();
    }
    StoreError::Objects(error.to_string())
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(f).await.unwrap_or(Err(StoreError::Closed))
}

/// Makes a folder that a power cut does not take away with all that is put into it.
fn create_folder(path: &Path) -> std::io::Result<()> {
    let first_existing = path.ancestors().find(|folder| folder.exists()).map(Path::to_owned);
    std::fs::create_dir_all(path)?;
    if cfg!(unix) {
        let changed = path.ancestors().take_while(|folder| Some(*folder) != first_existing.as_deref());
        for folder in changed.chain(first_existing.as_deref()) {
            sync_path(folder)?;
        }
    }
    Ok(())
}

/// Files and the folders on their way, several at a time: the file system commits what is synced together in one go
/// (measured: 64 files one after the other 300 ms, by eight threads 30 ms).
fn sync_paths(root: &Path, paths: &[PathBuf]) -> Result<(), StoreError> {
    let mut all: std::collections::BTreeSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
    if cfg!(unix) {
        // Elsewhere a folder cannot be opened and synced.
        for path in paths {
            all.extend(path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)));
        }
    }
    let all: Vec<_> = all.into_iter().collect();
    let each = all.len().div_ceil(SYNC_THREADS).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            all.chunks(each).map(|paths| scope.spawn(|| paths.iter().try_for_each(|path| sync_path(path)))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread"))))
    })
    .map_err(|error| StoreError::Objects(error.to_string()))
}

fn sync_path(path: &Path) -> std::io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

const SYNC_THREADS: usize = 8;

/// No upload is silent for this long: requests have deadlines far below it.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes staging files (`<key>#<n>`) that were last written before `before`.
fn remove_abandoned(folder: &Path, before: SystemTime) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if is_staging(&entry) && entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| at < before) {
                // Nobody waits for it; one that cannot be removed is tried again at the next start.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn is_staging(entry: &std::fs::DirEntry) -> bool {
    let name = entry.file_name();
    let number = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Bounds, Space};

    fn folder() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open_folder(folder.path()).unwrap();
        (folder, objects)
    }

    #[tokio::test]
    async fn an_object_is_created_once_and_never_changed() {
        let (_folder, objects) = folder();
        objects.put_new("a/b/c", Bytes::from_static(b"one")).await.unwrap();
        objects.put_new("a/b/c", Bytes::from_static(b"one")).await.unwrap();
        objects.put_unsynced("a/b/c", Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(objects.put_new("a/b/c", Bytes::from_static(b"two")).await, Err(StoreError::Conflict));
        assert_eq!(objects.put_unsynced("a/b/c", Bytes::from_static(b"two")).await, Err(StoreError::Conflict));
        assert_eq!(objects.read("a/b/c").await.unwrap().unwrap(), &b"one"[..]);
        assert_eq!(objects.read("a/b/d").await.unwrap(), None);
        objects.sync(vec!["a/b/c".to_owned(), "a/b/never".to_owned()]).await.unwrap();
        objects.put("checkpoint", Bytes::from_static(b"1")).await.unwrap();
        objects.put("checkpoint", Bytes::from_static(b"2")).await.unwrap();
        assert_eq!(objects.read("checkpoint").await.unwrap().unwrap(), &b"2"[..]);
        let keys: Vec<_> = objects.list("a").await.unwrap().into_iter().map(|(k, size, _)| (k, size)).collect();
        assert_eq!(keys, [("a/b/c".to_owned(), 3)]);
        objects.delete("a/b/c").await.unwrap();
        objects.delete("a/b/c").await.unwrap();
        assert!(objects.list("a").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn keys_cannot_leave_the_folder() {
        let (_folder, objects) = folder();
        for key in ["../x", "a/../x", "/etc/passwd", "a//b", "", ".", "a\\b", "a b", "a#1", "ключ", "a\0"] {
            assert!(matches!(objects.put_new(key, Bytes::new()).await, Err(StoreError::Objects(_))), "{key:?}");
            assert!(matches!(objects.read(key).await, Err(StoreError::Objects(_))), "{key:?}");
            assert!(objects.upload(key).await.is_err(), "{key:?}");
        }
    }

    #[tokio::test]
    async fn the_reserve_of_the_disk_lies_among_the_objects_and_is_none() {
        let (folder, objects) = folder();
        let bounds = Bounds { low_water: 1, reserve: 4096 };
        let space = Space::watch(&[folder.path()], bounds).unwrap();
        objects.put_new("parts/1", Bytes::from_static(b"x")).await.unwrap();
        let keys: Vec<_> = objects.list("").await.unwrap().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["parts/1"]);
        assert!(folder.path().join(RESERVE).exists());
        assert!(objects.delete(RESERVE).await.is_err());
        assert!(objects.put(RESERVE, Bytes::new()).await.is_err());
        assert!(objects.put_new(RESERVE, Bytes::new()).await.is_err());
        assert!(objects.upload(RESERVE).await.is_err() && objects.read(RESERVE).await.is_err());
        assert!(space.standing().reserve, "as it was made");
        // Elsewhere the name means nothing.
        objects.put_new("parts/vuzol.reserve", Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(objects.list("parts").await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn an_upload_becomes_visible_only_when_finished() {
        let (folder, objects) = folder();
        let mut upload = objects.upload("parts/1").await.unwrap();
        let piece = Bytes::from(vec![7; 100_000]);
        for _ in 0..30 {
            upload.write(&piece).await.unwrap();
        }
        assert!(objects.list("").await.unwrap().is_empty());
        assert_eq!(objects.read("parts/1").await.unwrap(), None);
        upload.finish().await.unwrap();
        assert_eq!(objects.list("parts").await.unwrap()[0].1, 3_000_000);

        let mut dropped = objects.upload("parts/2").await.unwrap();
        dropped.write(&piece).await.unwrap();
        dropped.abort().await;
        assert!(objects.list("parts/2").await.unwrap().is_empty());
        assert_eq!(std::fs::read_dir(folder.path().join("parts")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_range_is_streamed_in_bounded_pieces() {
        let (_folder, objects) = folder();
        let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
        objects.put_new("big", Bytes::from(bytes.clone())).await.unwrap();
        let pieces: Vec<_> = objects.read_range("big", 5..3_000_001).await.unwrap().try_collect().await.unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= cache::LARGE_BYTES));
        assert_eq!(pieces.concat(), bytes[5..3_000_001]);
        assert_eq!(objects.read_range("big", 9..9).await.unwrap().count().await, 0);
        assert!(objects.read_range("big", 0..4_000_001).await.is_err());
        assert!(objects.read_range("absent", 0..1).await.is_err());
    }

    #[tokio::test]
    async fn what_a_killed_upload_left_is_removed_after_an_hour() {
        let (folder, objects) = folder();
        objects.put_new("a/kept", Bytes::from_static(b"x")).await.unwrap();
        let (old, young) = (folder.path().join("a/part#1"), folder.path().join("a/part#2"));
        std::fs::write(&old, b"left").unwrap();
        std::fs::write(&young, b"running").unwrap();
        let hour_ago = SystemTime::now() - ABANDONED;
        File::options().write(true).open(&old).unwrap().set_modified(hour_ago - Duration::from_secs(1)).unwrap();
        remove_abandoned(folder.path(), hour_ago);
        assert!(!old.exists() && young.exists() && folder.path().join("a/kept").exists());
    }
}
