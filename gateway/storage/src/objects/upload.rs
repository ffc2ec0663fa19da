//! An object on its way: written block by block under a staging name.
//!
//! Bytes are gathered in [`Block`]s, whose whole pages are written while the next block fills ([`super::cache`] says where to). Less than a
//! page goes through the cache at the end, and so does all of an object that never fills a block.

use super::cache::{LARGE_BYTES, PAGE_BYTES, on_a_boundary, past_the_cache, through_the_cache};
use super::{blocking, create_folder, sync_path};
use crate::store::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// How much more than a block may be gathered without another allocation: who gathers adds a piece at a time.
const SLACK_BYTES: usize = 128 * 1024;

/// An object on its way. Dropped without [`finish`](Upload::finish): nothing stays visible.
pub struct Upload {
    staging: Staging,
    /// Of the blocks that were handed on.
    handed_on: u64,
    gathered: Block,
    /// The block before it, until it is written.
    writing: Option<JoinHandle<(Block, io::Result<()>)>>,
}

impl Upload {
    /// Blocks on the disk. The object is visible under `path` once it is finished.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let staging = Staging::open(path)?;
        Ok(Self { staging, handed_on: 0, gathered: Block::new(), writing: None })
    }

    /// Where who makes bytes appends them, rather than have them copied by [`write`](Self::write); what is there already has to stay as it
    /// is. After each piece comes [`advance`](Self::advance).
    pub fn gathered(&mut self) -> &mut Vec<u8> {
        &mut self.gathered.bytes
    }

    /// Hands what was gathered to the operating system, once it is worth a write; returns when the block before it is there, and does not
    /// wait for its own.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where the folder fails, [`StoreError::NoSpace`] where it is full; then the upload is to be aborted.
    pub async fn advance(&mut self) -> Result<(), StoreError> {
        if self.gathered.content().len() < LARGE_BYTES {
            return Ok(());
        }
        let mut next = self.settle().await?.unwrap_or_else(Block::new);
        next.take_rest(&mut self.gathered);
        let block = std::mem::replace(&mut self.gathered, next);
        self.handed_on = self.handed_on.saturating_add(length(block.content()));
        let file = Arc::clone(&self.staging.file);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            past_the_cache(&file);
            let written = write_all(&file, block.content());
            (block, written)
        }));
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        for piece in bytes.chunks(SLACK_BYTES) {
            self.gathered().extend_from_slice(piece);
            self.advance().await?;
        }
        Ok(())
    }

    /// Bytes that were gathered or written.
    pub fn size(&self) -> u64 {
        self.handed_on.saturating_add(length(self.gathered.content()))
    }

    /// Makes the object visible under its key, in place of any that was there. Durable on return.
    ///
    /// # Errors
    /// As [`advance`](Self::advance); nothing stays then.
    pub async fn finish(mut self) -> Result<(), StoreError> {
        self.settle().await?;
        let Self { staging, gathered, .. } = self;
        blocking(move || staging.publish(gathered.content()).map_err(failure)).await
    }

    /// Forgets the upload. What cannot be removed now is removed at the next start.
    pub async fn abort(mut self) {
        let _ = self.settle().await;
        let staging = self.staging;
        if let Err(error) = blocking(move || staging.remove().map_err(failure)).await {
            tracing::warn!(%error, "an aborted upload left its staging file");
        }
    }

    /// Waits for the block under way, and gives it back to be filled anew.
    async fn settle(&mut self) -> Result<Option<Block>, StoreError> {
        let Some(writing) = &mut self.writing else { return Ok(None) };
        let ended = writing.await;
        self.writing = None;
        let (block, written) = ended.map_err(|_| StoreError::Closed)?;
        written.map_err(failure)?;
        Ok(Some(block))
    }
}

/// Bytes whose first lies on a boundary in memory.
struct Block {
    /// `start` bytes that mean nothing, then the content.
    bytes: Vec<u8>,
    start: usize,
}

impl Block {
    fn new() -> Self {
        let (start, bytes) = on_a_boundary(LARGE_BYTES + SLACK_BYTES);
        Self { bytes, start }
    }

    fn content(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Holds what goes beyond the whole pages of `before`, and nothing else.
    fn take_rest(&mut self, before: &mut Self) {
        let content = before.content();
        let whole = content.len() / PAGE_BYTES * PAGE_BYTES;
        self.bytes.truncate(self.start);
        self.bytes.extend_from_slice(&content[whole..]);
        before.bytes.truncate(before.start + whole);
    }
}

/// A file under a staging name, which goes when this does.
struct Staging {
    file: Arc<File>,
    /// None once there is nothing to remove.
    name: Option<PathBuf>,
    path: PathBuf,
}

impl Staging {
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut number = 1_u64;
        loop {
            let mut name = path.clone().into_os_string();
            name.push(format!("#{number}"));
            let name = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).open(&name) {
                Ok(file) => return Ok(Self { file: Arc::new(file), name: Some(name), path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number = number.saturating_add(1),
                Err(error) if error.kind() == ErrorKind::NotFound && !folder_of(&path).exists() => {
                    create_folder(folder_of(&path))?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the rest, and gives the file its name once all of it is on the disk.
    fn publish(mut self, rest: &[u8]) -> io::Result<()> {
        through_the_cache(&self.file);
        write_all(&self.file, rest)?;
        self.file.sync_all()?;
        let Some(name) = &self.name else { return Ok(()) };
        std::fs::rename(name, &self.path)?;
        self.name = None;
        if cfg!(unix) { sync_path(folder_of(&self.path)) } else { Ok(()) }
    }

    fn remove(mut self) -> io::Result<()> {
        self.name.take().map_or(Ok(()), std::fs::remove_file)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        // Freeing a gigabyte takes a while; and one that cannot be removed is tried again at the next start.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || std::fs::remove_file(name))),
            Err(_) => drop(std::fs::remove_file(name)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// As of the standard library, but a file system that refuses to be written past its cache is written through it.
fn write_all(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::InvalidInput && through_the_cache(file) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn failure(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull => StoreError::NoSpace,
        _ => StoreError::Objects(error.to_string()),
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No piece of it is like another.
    fn content(length: usize) -> Vec<u8> {
        (0_u32..).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).take(length).collect()
    }

    fn staged(folder: &Path) -> Upload {
        Upload::open(folder.join("a/b")).unwrap()
    }

    #[tokio::test]
    async fn what_comes_out_is_what_was_written_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let lengths = [0, 1, PAGE_BYTES, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, 3 * LARGE_BYTES + PAGE_BYTES];
        for length in lengths.into_iter().chain([5_000_011]) {
            for piece in [PAGE_BYTES - 1, 100_000, 3 * LARGE_BYTES] {
                let content = content(length);
                let mut upload = staged(folder.path());
                for bytes in content.chunks(piece) {
                    upload.write(bytes).await.unwrap();
                }
                assert_eq!(upload.size(), length as u64);
                upload.finish().await.unwrap();
                assert!(std::fs::read(folder.path().join("a/b")).unwrap() == content, "{length} by {piece}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn more_may_be_gathered_than_there_is_room_for() {
        let folder = tempfile::tempdir().unwrap();
        let content = content(4 * LARGE_BYTES + 77);
        let mut upload = staged(folder.path());
        for bytes in content.chunks(2 * LARGE_BYTES + 1) {
            upload.gathered().extend_from_slice(bytes);
            upload.advance().await.unwrap();
        }
        upload.finish().await.unwrap();
        assert!(std::fs::read(folder.path().join("a/b")).unwrap() == content);
    }

    /// Neither in memory nor in the file do the bytes lie on a boundary.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_write_that_is_refused_past_the_cache_goes_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::open(folder.path().join("a")).unwrap();
        let content = content(3 * PAGE_BYTES);
        past_the_cache(&staging.file);
        write_all(&staging.file, &content[1..2]).unwrap();
        write_all(&staging.file, &content[2..]).unwrap();
        assert!(!through_the_cache(&staging.file), "as it was before, or as it became");
        staging.publish(b"end").unwrap();
        assert!(std::fs::read(folder.path().join("a")).unwrap() == [&content[1..], b"end"].concat());
    }

    #[tokio::test]
    async fn two_uploads_of_one_key_are_apart_and_the_later_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, mut second) = (staged(folder.path()), staged(folder.path()));
        first.write(&content(2 * LARGE_BYTES)).await.unwrap();
        second.write(b"second").await.unwrap();
        second.finish().await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("a/b")).unwrap(), b"second");
        first.finish().await.unwrap();
        assert!(std::fs::read(folder.path().join("a/b")).unwrap() == content(2 * LARGE_BYTES));
    }

    #[tokio::test]
    async fn nothing_stays_of_an_upload_that_is_dropped_while_a_block_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut upload = staged(folder.path());
        upload.write(&content(LARGE_BYTES)).await.unwrap();
        assert!(upload.writing.is_some());
        drop(upload);
        let mut left = 1;
        for _ in 0..1000 {
            left = std::fs::read_dir(folder.path().join("a")).unwrap().count();
            if left == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(left, 0);
    }

    /// A device that is always full.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_is_told_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut upload = staged(folder.path());
        upload.staging.file = Arc::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
        upload.write(&content(LARGE_BYTES)).await.unwrap();
        assert_eq!(upload.write(&content(LARGE_BYTES)).await, Err(StoreError::NoSpace));
        upload.abort().await;
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 0);
    }
}
