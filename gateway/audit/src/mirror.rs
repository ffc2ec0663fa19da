//! A copy of a log that is witnessed, as static files: for auditors, when the node is gone.
//!
//! ```text
//! <folder>/<hex SHA-256 of the origin>/checkpoint            the largest checkpoint whose whole tree is here, as the witness cosigned it
//!                                     tile/<L>/<N>[.p/<W>]   hashes, as of C2SP tlog-tiles
//!                                     tile/entries/<N>[.p/<W>]
//!                                     progress               size and root up to which the files are, which may be more than the checkpoint's
//! ```
//!
//! Nothing unverified is kept. Entries are fetched in order, a batch of bundles at a time; the tree grown by them is proven to be the beginning of the
//! checkpoint's before any of it is written ([`verify_consistency`]), and the tiles that are written are our own, made from these entries: what the log
//! serves as tiles serves the proofs and is not kept. The checkpoint takes its place when all of its tree is durable. A file that is there with other bytes is never
//! replaced: it is an alarm. After a crash the mirror goes on where its progress says.
//!
//! Anchors that the entries name are fetched too, where the log has them, and kept where their digest is the one that was logged.
//!
//! The calls block; the folder belongs to one process at a time.

use crate::anchors::{TOKEN_BYTES, named_by};
use crate::log::tiles::Wanted;
use crate::verify::{Folder, Source};
use crypto::digest::{hex, sha256};
use crypto::merkle::{
    Checkpoint, Frontier, Hash, LogError, NoteVerifier, TILE_WIDTH, TileId, TileReader, consistency_proof, empty_root,
    entry_bundle, leaf_hash, parse_entry_bundle, verify_consistency,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Bundles in one batch: bounds memory, and what a crash makes again.
const BATCH: u64 = 8;

/// Bytes of a full bundle, at most.
const BUNDLE_BYTES: usize = 256 * (2 + 65_535);
const TILE_BYTES: usize = 256 * 32;

/// Tiles of a log of one size that were fetched: one of level 1 for each 65,536 entries, and few others.
type Fetched = RefCell<HashMap<(u8, u64), Vec<Hash>>>;

/// Why a mirror did not come to its checkpoint. What is on the disk is as good as before.
#[derive(Debug, thiserror::Error)]
pub enum MirrorFailure {
    /// The log cannot be read, or lacks what its checkpoint says that it has.
    #[error("{path} of the log: {why}")]
    Log {
        /// Path below the log's prefix.
        path: String,
        /// Why.
        why: String,
    },
    /// What the log serves does not lead to the checkpoint that it signed.
    #[error("entries {from} to {to} do not lead to the checkpoint: {why}")]
    Unproven {
        /// The first entry of the batch.
        from: u64,
        /// The entry behind its last.
        to: u64,
        /// What does not hold.
        why: LogError,
    },
    /// A file of the mirror cannot be written or read.
    #[error("{path}: {error}")]
    Disk {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file is there with other bytes than it must have: somebody changed it. It is left for somebody to look at.
    #[error("{0} is not what was mirrored")]
    Differs(String),
    /// Asked to stop.
    #[error("stopped")]
    Stopped,
}

/// A mirror of one log.
pub struct Mirror {
    folder: PathBuf,
    log: NoteVerifier,
}

/// What is on the disk.
struct Progress {
    frontier: Frontier,
    /// The entries of the partial bundle at the end.
    edge: Vec<Vec<u8>>,
}

impl Mirror {
    /// A mirror of the log with this key, in a folder of its own below `folder`.
    ///
    /// # Errors
    /// [`MirrorFailure::Disk`] where the folder cannot be made.
    pub fn open(folder: &Path, log: NoteVerifier) -> Result<Self, MirrorFailure> {
        let folder = folder.join(hex(&sha256(log.name().as_bytes())));
        std::fs::create_dir_all(&folder).map_err(|error| disk(&folder, error))?;
        Ok(Self { folder, log })
    }

    /// The largest checkpoint whose tree is here.
    ///
    /// # Errors
    /// [`MirrorFailure::Disk`]; [`MirrorFailure::Differs`] where the file is none of the log's.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, MirrorFailure> {
        let path = self.folder.join("checkpoint");
        let note = match std::fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk(&path, error)),
        };
        let checkpoint = self.log.verify(&note).and_then(Checkpoint::parse_text);
        checkpoint.map(Some).map_err(|_| MirrorFailure::Differs("checkpoint".to_owned()))
    }

    /// What is served below the prefix of the log: `checkpoint`, tiles, bundles, time-stamps. None where there is no such file, or no such path.
    ///
    /// # Errors
    /// [`MirrorFailure::Disk`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, MirrorFailure> {
        let is_anchor = |path: &str| {
            let size = path.strip_prefix("anchors/").and_then(|name| name.strip_suffix(".tsr"));
            size.is_some_and(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()))
        };
        // A path comes from a stranger, and names files here: only what is spelt as we spell it.
        if path != "checkpoint" && Wanted::parse(path).is_none() && !is_anchor(path) {
            return Ok(None);
        }
        let file = self.folder.join(path);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk(&file, error)),
        }
    }

    /// Brings the mirror to the checkpoint of `note`, which the log signed, from what `source` has of the log. `goes_on` is asked between batches.
    ///
    /// # Errors
    /// [`MirrorFailure`].
    pub fn advance(
        &self,
        note: &str,
        source: &dyn Source,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Checkpoint, MirrorFailure> {
        let malformed = |why| MirrorFailure::Unproven { from: 0, to: 0, why };
        let target = self.log.verify(note).and_then(Checkpoint::parse_text).map_err(malformed)?;
        if self.checkpoint()?.is_some_and(|known| known.size >= target.size) {
            return Ok(target);
        }
        let mut progress = self.load()?;
        let fetched = Fetched::default();
        let mut passed = Vec::new();
        while progress.frontier.size() < target.size {
            if !goes_on() {
                return Err(MirrorFailure::Stopped);
            }
            passed.push(progress.frontier.size());
            progress = self.batch(progress, &target, source, &fetched)?;
        }
        // A mirror whose files lead beyond the target, or to another tree, has nothing to say about it.
        if progress.frontier.size() == target.size && progress.frontier.root() != target.root {
            return Err(MirrorFailure::Unproven { from: 0, to: target.size, why: LogError::ProofMismatch });
        }
        self.replace("checkpoint", note.as_bytes())?;
        self.remove_edges(&passed, target.size);
        Ok(target)
    }

    /// Removes the partial tiles of trees that are passed: the checkpoint needs wider ones, which are there. One that stays is harmless.
    fn remove_edges(&self, passed: &[u64], size: u64) {
        let needed = edges(size);
        for path in passed.iter().flat_map(|passed| edges(*passed)).filter(|path| !needed.contains(path)) {
            match std::fs::remove_file(self.folder.join(&path)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(path, %error, "a partial tile that nobody needs stays");
                }
                _ => {}
            }
        }
    }

    /// The next bundles of the target's tree: fetched, proven, written.
    fn batch(
        &self,
        progress: Progress,
        target: &Checkpoint,
        source: &dyn Source,
        fetched: &Fetched,
    ) -> Result<Progress, MirrorFailure> {
        let Progress { mut frontier, mut edge } = progress;
        let from = frontier.size();
        let first = from / u64::from(TILE_WIDTH);
        let end = target.size.min((first + BATCH).saturating_mul(u64::from(TILE_WIDTH)));
        let mut entries = edge.clone();
        for index in first..end.div_ceil(u64::from(TILE_WIDTH)) {
            let width = (end - index * u64::from(TILE_WIDTH)).min(u64::from(TILE_WIDTH));
            let width = u16::try_from(width).unwrap_or(TILE_WIDTH);
            let bundle = bundle(source, TileId { level: 0, index, width })?;
            let known = if index == first { edge.len() } else { 0 };
            for entry in bundle.iter().skip(known) {
                frontier.append(leaf_hash(entry));
            }
            entries.extend(bundle.into_iter().skip(known));
        }
        let unproven = |why| MirrorFailure::Unproven { from, to: end, why };
        let tiles = Remote { source, size: target.size, fetched, failure: RefCell::default() };
        let proof = consistency_proof(end, target.size, &tiles);
        if let Some(failure) = tiles.failure.into_inner() {
            return Err(failure);
        }
        let proof = proof.map_err(unproven)?;
        verify_consistency(end, &frontier.root(), target.size, &target.root, &proof).map_err(unproven)?;

        self.write(first, &entries, &mut frontier)?;
        self.keep_anchors(entries.get(edge.len()..).unwrap_or_default(), source)?;
        let partial = usize::try_from(end % u64::from(TILE_WIDTH)).unwrap_or(0);
        edge = entries.split_off(entries.len() - partial);
        let text = Checkpoint { origin: self.log.name().to_owned(), size: end, root: frontier.root() }.text();
        self.replace("progress", text.as_bytes())?;
        Ok(Progress { frontier, edge })
    }

    /// Tiles and bundles of a batch that was proven, and the partial ones of its end.
    fn write(&self, first: u64, entries: &[Vec<u8>], frontier: &mut Frontier) -> Result<(), MirrorFailure> {
        for (index, chunk) in (first..).zip(entries.chunks(usize::from(TILE_WIDTH))) {
            let id = TileId { level: 0, index, width: u16::try_from(chunk.len()).unwrap_or(TILE_WIDTH) };
            // The entries come from bundles, so they fit into one.
            let bytes = entry_bundle(chunk.iter().map(Vec::as_slice)).unwrap_or_default();
            self.create(&id.entries_path(), &bytes)?;
        }
        for (tile, bytes) in frontier.take_tiles() {
            self.create(&tile.path(), &bytes)?;
        }
        Ok(())
    }

    /// The time-stamps that these entries name. One that the log does not have, or has changed, is passed over: the entry tells auditors of it.
    fn keep_anchors(&self, entries: &[Vec<u8>], source: &dyn Source) -> Result<(), MirrorFailure> {
        let mut token = Vec::new();
        for (size, digest) in entries.iter().filter_map(|entry| named_by(entry)) {
            let path = format!("anchors/{size}.tsr");
            match source.read(&path, TOKEN_BYTES, &mut token) {
                Ok(true) if sha256(&token) == digest => self.create(&path, &token)?,
                Ok(true) => tracing::error!(size, "the log serves another time-stamp than it logged"),
                Ok(false) => tracing::warn!(size, "the log does not serve a time-stamp that it logged"),
                Err(error) => return Err(MirrorFailure::Log { path, why: error.to_string() }),
            }
        }
        Ok(())
    }

    fn load(&self) -> Result<Progress, MirrorFailure> {
        let path = self.folder.join("progress");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Progress { frontier: Frontier::empty(), edge: Vec::new() });
            }
            Err(error) => return Err(disk(&path, error)),
        };
        let differs = |what: &str| MirrorFailure::Differs(what.to_owned());
        let at = Checkpoint::parse_text(&text).map_err(|_| differs("progress"))?;
        if at.size == 0 {
            let empty = at.root == empty_root();
            return if empty {
                Ok(Progress { frontier: Frontier::empty(), edge: Vec::new() })
            } else {
                Err(differs("progress"))
            };
        }
        let own = Folder::new(&self.folder);
        let fetched = Fetched::default();
        let tiles = Remote { source: &own, size: at.size, fetched: &fetched, failure: RefCell::default() };
        let frontier = Frontier::load(at.size, &at.root, &tiles).map_err(|_| differs("a tile at the end"))?;
        let width = u16::try_from(at.size % u64::from(TILE_WIDTH)).unwrap_or(0);
        let mut edge = Vec::new();
        if width > 0 {
            edge = bundle(&own, TileId { level: 0, index: at.size / u64::from(TILE_WIDTH), width })?;
        }
        Ok(Progress { frontier, edge })
    }

    /// Writes an immutable file, durable on return.
    fn create(&self, path: &str, bytes: &[u8]) -> Result<(), MirrorFailure> {
        let file = self.folder.join(path);
        match std::fs::read(&file) {
            Ok(there) if there == bytes => return Ok(()),
            Ok(_) => return Err(MirrorFailure::Differs(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(disk(&file, error)),
        }
        let parent = file.parent().unwrap_or(&self.folder).to_owned();
        if !parent.exists() {
            std::fs::create_dir_all(&parent).map_err(|error| disk(&parent, error))?;
            let below = |folder: &&Path| folder.starts_with(&self.folder);
            for folder in parent.ancestors().take_while(below).skip(1) {
                sync_folder(folder).map_err(|error| disk(folder, error))?;
            }
        }
        self.put(&file, bytes)
    }

    /// Writes a file that changes: atomic and durable on return.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), MirrorFailure> {
        self.put(&self.folder.join(name), bytes)
    }

    fn put(&self, file: &Path, bytes: &[u8]) -> Result<(), MirrorFailure> {
        let next = self.folder.join("next");
        let write = || {
            let mut out = File::create(&next)?;
            out.write_all(bytes)?;
            out.sync_all()?;
            std::fs::rename(&next, file)?;
            sync_folder(file.parent().unwrap_or(&self.folder))
        };
        write().map_err(|error| disk(file, error))
    }
}

/// The entries of a bundle that must be there, as many as the width says; of a wider one its beginning.
fn bundle(source: &dyn Source, id: TileId) -> Result<Vec<Vec<u8>>, MirrorFailure> {
    let mut content = Vec::new();
    let path = fetch(source, id, TileId::entries_path, BUNDLE_BYTES, &mut content)?;
    let mut entries = parse_entry_bundle(&content)
        .map_err(|error| MirrorFailure::Log { path: path.clone(), why: error.to_string() })?;
    if entries.len() < usize::from(id.width) {
        return Err(MirrorFailure::Log { path, why: "too few entries".to_owned() });
    }
    entries.truncate(usize::from(id.width));
    Ok(entries)
}

/// What is asked for, or the full one that begins with it: a log may drop a partial one when the full one is there (tlog-tiles).
fn fetch(
    source: &dyn Source,
    id: TileId,
    path: fn(&TileId) -> String,
    limit: usize,
    content: &mut Vec<u8>,
) -> Result<String, MirrorFailure> {
    for width in [id.width, TILE_WIDTH] {
        let path = path(&TileId { width, ..id });
        match source.read(&path, limit, content) {
            Ok(true) if content.len() > limit => return Err(MirrorFailure::Log { path, why: "too long".to_owned() }),
            Ok(true) => return Ok(path),
            Ok(false) => {}
            Err(error) => return Err(MirrorFailure::Log { path, why: error.to_string() }),
        }
    }
    Err(MirrorFailure::Log { path: path(&id), why: "is missing".to_owned() })
}

/// The hash tiles of a log of `size`, fetched when asked for.
struct Remote<'s> {
    source: &'s dyn Source,
    size: u64,
    fetched: &'s Fetched,
    /// Why a tile could not be had: a `LogError` cannot say it.
    failure: RefCell<Option<MirrorFailure>>,
}

impl TileReader for Remote<'_> {
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError> {
        let missing = LogError::MissingTile { level, index };
        if let Some(known) = self.fetched.borrow().get(&(level, index)) {
            return Ok(known.clone());
        }
        // As wide as the tree has it, which every proof within the tree can use.
        let hashes = self.size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        let wide = hashes.saturating_sub(index.saturating_mul(u64::from(TILE_WIDTH))).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(wide).unwrap_or(TILE_WIDTH).max(width);
        let mut content = Vec::new();
        match fetch(self.source, TileId { level, index, width }, TileId::path, TILE_BYTES, &mut content) {
            Ok(_) => {}
            Err(failure) => {
                self.failure.replace(Some(failure));
                return Err(missing);
            }
        }
        let (hashes, rest) = content.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() < usize::from(width) {
            return Err(missing);
        }
        self.fetched.borrow_mut().insert((level, index), hashes.to_vec());
        Ok(hashes.to_vec())
    }
}

/// Paths of the partial tiles that a tree of `size` ends with.
fn edges(size: u64) -> Vec<String> {
    let mut paths = Vec::new();
    for level in 0..8_u8 {
        let hashes = size >> (8 * u32::from(level));
        if let Ok(width @ 1..) = u16::try_from(hashes % u64::from(TILE_WIDTH)) {
            let id = TileId { level, index: hashes / u64::from(TILE_WIDTH), width };
            paths.push(id.path());
            if level == 0 {
                paths.push(id.entries_path());
            }
        }
    }
    paths
}

fn disk(path: &Path, error: std::io::Error) -> MirrorFailure {
    MirrorFailure::Disk { path: path.display().to_string(), error }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
