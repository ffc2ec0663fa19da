//! Whether what an archive holds is what the checkpoint says: from the root down, so that what is named is what was changed.
//!
//! The right edge leads to the signed root; each full tile is the hash that the tile above it has; each entry is the hash that its tile has; each line
//! of details is what its entry commits to.

use crypto::digest::from_hex;
use crypto::merkle::{Checkpoint, Frontier, Hash, LogError, TILE_WIDTH, TileId, TileReader, leaf_hash, node_hash};
use serde_json::Value;

use super::plan::File;
use super::read::{Archive, Broken};
use super::write::details_line;
use crate::event::commitment;
use crate::index::Opened;
use crate::verify::{Cosignatures, Kept, Question, canonical, heads};

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file is broken, or cannot be read.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The checkpoint is not signed as was asked, or of another log.
    #[error("the checkpoint {name} does not hold: {error}")]
    Checkpoint {
        /// Which.
        name: String,
        /// Why.
        error: LogError,
    },
    /// The manifest is of another log or another tree than the checkpoint.
    #[error("the manifest is not that of the checkpoint")]
    Manifest,
    /// The tiles at the right edge do not lead to the root.
    #[error("the tiles at the right edge do not lead to the signed root")]
    Edge,
    /// A tile is not what the tile above it says.
    #[error("{0} is not the tile that the checkpoint leads to")]
    Tile(String),
    /// An entry is not what was logged under this number.
    #[error("entry {0} is not what was logged under this number")]
    Entry(u64),
    /// An entry is what was logged, but not canonical.
    #[error("entry {0} is not canonical JSON (RFC 8785)")]
    Form(u64),
    /// The details of an entry are not what it commits to.
    #[error("the details of entry {0} are not what the entry commits to")]
    Details(u64),
    /// A line of details cannot be read, or stands where it must not.
    #[error("{name}, line {line}, cannot be used")]
    Line {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
    },
}

impl Fault {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Broken(Broken::Unreadable(_)) => "unreadable",
            Self::Broken(Broken::At(_)) => "broken",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Manifest => "manifest",
            Self::Edge => "edge",
            Self::Tile(_) => "tile",
            Self::Entry(_) => "entry",
            Self::Form(_) => "form",
            Self::Details(_) => "details",
            Self::Line { .. } => "line",
        }
    }

    /// The entry that is wrong, where it is one.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Entry(seq) | Self::Form(seq) | Self::Details(seq) => Some(*seq),
            _ => None,
        }
    }
}

/// An archive that was found to be true. Only [`check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    checkpoint: Checkpoint,
    cosignatures: Vec<(Vec<u8>, u64)>,
    opened: u64,
    missing: u64,
}

impl Checked {
    /// What the entries are proven against.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which witnesses of the policy cosigned it, and when (POSIX seconds).
    #[must_use]
    pub fn cosignatures(&self) -> &[(Vec<u8>, u64)] {
        &self.cosignatures
    }

    /// Entries whose details are there and right.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Entries of the range that commit to details which are not there.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }
}

/// Checks an archive. `question` is asked as of a whole log; its checkpoint is the archive's own, whatever it names. Checkpoints that others kept can
/// only tell a fork of the same size. `entry` is given each entry of the range once it is proven; `progress` how many are, of how many. Blocks.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(
    archive: &Archive,
    question: &Question<'_>,
    progress: &mut dyn FnMut(u64, u64),
    entry: &mut dyn FnMut(&Opened),
) -> Result<Checked, Fault> {
    let manifest = archive.manifest();
    let all = manifest.end - manifest.first;
    progress(0, all);
    let note = archive.content(&File::Checkpoint.name())?;
    let name = File::Checkpoint.name();
    let not_a_note = || Fault::Checkpoint { name: name.clone(), error: LogError::Malformed("checkpoint") };
    let note = String::from_utf8(note).map_err(|_| not_a_note())?;
    let (kept, anchors) = (question.kept.clone(), question.anchors.clone());
    let question = Question { checkpoint: Kept { name, note }, kept, anchors, ..*question };
    let (checkpoint, cosignatures) = signed(&question)?;
    if checkpoint.size != manifest.size || checkpoint.origin != manifest.origin {
        return Err(Fault::Manifest);
    }
    archive.content(&File::Instructions.name())?;
    let tiles = check_tiles(archive, &checkpoint)?;
    let mut checked = Checked { checkpoint, cosignatures, opened: 0, missing: 0 };
    for bundle in manifest.bundles() {
        let id = manifest.tile(0, bundle);
        let hashes = tiles.contains(&id).then(|| hashes(archive, id)).ok_or(Fault::Manifest)??;
        let entries = check_bundle(archive, id, &hashes)?;
        let mut details = if manifest.details { Details::read(archive, bundle)? } else { Details::none() };
        for (seq, content) in (bundle * u64::from(TILE_WIDTH)..).zip(entries) {
            if !(manifest.first..manifest.end).contains(&seq) {
                continue;
            }
            let opened = opened(seq, content, details.next_of(seq)?)?;
            checked.opened += u64::from(opened.details.is_some());
            checked.missing += u64::from(opened.is_erased());
            entry(&opened);
        }
        details.finish()?;
        progress(((bundle + 1) * u64::from(TILE_WIDTH)).min(manifest.end) - manifest.first, all);
    }
    Ok(checked)
}

fn signed(question: &Question<'_>) -> Result<(Checkpoint, Cosignatures), Fault> {
    let failed = |(name, error)| Fault::Checkpoint { name, error };
    let (checkpoint, cosignatures) = heads(question).map_err(failed)?;
    for kept in &question.kept {
        let other = crate::verify::signed(question, kept).map_err(|error| failed((kept.name.clone(), error)))?;
        if other.size == checkpoint.size && other.root != checkpoint.root {
            return Err(failed((kept.name.clone(), LogError::ProofMismatch)));
        }
    }
    Ok((checkpoint, cosignatures))
}

/// All tiles of the archive, the root's first.
fn check_tiles(archive: &Archive, checkpoint: &Checkpoint) -> Result<Vec<TileId>, Fault> {
    let (manifest, reader) = (archive.manifest(), Tiles { archive });
    let tiles = manifest.tiles();
    // Each is read once for its checksum, before arithmetic says of any that it does not fit.
    for tile in &tiles {
        hashes(archive, *tile)?;
    }
    Frontier::load(checkpoint.size, &checkpoint.root, &reader).map_err(|_| Fault::Edge)?;
    for tile in tiles.iter().rev().filter(|tile| tile.width == TILE_WIDTH) {
        let above = manifest.tile(tile.level + 1, tile.index / u64::from(TILE_WIDTH));
        let place = usize::try_from(tile.index % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        let stated = hashes(archive, above)?.get(place).copied();
        if stated.is_none() || stated != root_of(&hashes(archive, *tile)?) {
            return Err(Fault::Tile(tile.path()));
        }
    }
    Ok(tiles)
}

fn check_bundle(archive: &Archive, id: TileId, hashes: &[Hash]) -> Result<Vec<Vec<u8>>, Fault> {
    let first = id.index * u64::from(TILE_WIDTH);
    let bundle = archive.content(&id.entries_path())?;
    let (mut rest, mut entries) = (bundle.as_slice(), Vec::with_capacity(hashes.len()));
    for (seq, hash) in (first..).zip(hashes) {
        let (entry, after) = split(rest).filter(|(entry, _)| leaf_hash(entry) == *hash).ok_or(Fault::Entry(seq))?;
        canonical(entry).map_err(|_| Fault::Form(seq))?;
        entries.push(entry.to_vec());
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(Fault::Entry(first + u64::from(id.width))) }
}

fn split(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn opened(seq: u64, entry: Vec<u8>, details: Option<([u8; 32], String)>) -> Result<Opened, Fault> {
    let parsed: Value = serde_json::from_slice(&entry).map_err(|_| Fault::Form(seq))?;
    let event = parsed["id"].as_str().and_then(|id| id.parse().ok()).ok_or(Fault::Form(seq))?;
    if let Some((salt, text)) = &details {
        let commit = parsed["commit"].as_str().and_then(from_hex);
        if commit.as_deref() != Some(&commitment(salt, text.as_bytes())[..]) {
            return Err(Fault::Details(seq));
        }
    }
    Ok(Opened { seq, event, entry, details })
}

/// The hashes of a tile, as many as it must have.
fn hashes(archive: &Archive, id: TileId) -> Result<Vec<Hash>, Fault> {
    let content = archive.content(&id.path())?;
    let (hashes, rest) = content.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != usize::from(id.width) {
        return Err(Fault::Tile(id.path()));
    }
    Ok(hashes.to_vec())
}

/// Over a full tile.
fn root_of(hashes: &[Hash]) -> Option<Hash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.first().copied()
}

struct Tiles<'a> {
    archive: &'a Archive,
}

impl TileReader for Tiles<'_> {
    fn tile(&self, level: u8, index: u64, _width: u16) -> Result<Vec<Hash>, LogError> {
        let id = self.archive.manifest().tile(level, index);
        hashes(self.archive, id).map_err(|_| LogError::MissingTile { level, index })
    }
}

/// The lines of one bundle, in their order.
struct Details {
    name: String,
    lines: std::vec::IntoIter<(usize, String)>,
    read: Option<(u64, [u8; 32], String)>,
}

impl Details {
    fn none() -> Self {
        Self { name: String::new(), lines: Vec::new().into_iter(), read: None }
    }

    fn read(archive: &Archive, bundle: u64) -> Result<Self, Fault> {
        let name = File::Details(bundle).name();
        let text =
            String::from_utf8(archive.content(&name)?).map_err(|_| Fault::Line { name: name.clone(), line: 1 })?;
        let lines: Vec<_> = (1..).zip(text.split_inclusive('\n').map(str::to_owned)).collect();
        let mut details = Self { name, lines: lines.into_iter(), read: None };
        details.advance()?;
        Ok(details)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.read = match self.lines.next() {
            None => None,
            Some((line, text)) => Some(parsed(&text).ok_or_else(|| Fault::Line { name: self.name.clone(), line })?),
        };
        Ok(())
    }

    /// Salt and text of an entry, if they are there.
    fn next_of(&mut self, seq: u64) -> Result<Option<([u8; 32], String)>, Fault> {
        match self.read.take() {
            Some((of, salt, text)) if of == seq => {
                self.advance()?;
                Ok(Some((salt, text)))
            }
            Some((of, ..)) if of < seq => Err(Fault::Details(of)),
            other => {
                self.read = other;
                Ok(None)
            }
        }
    }

    fn finish(self) -> Result<(), Fault> {
        self.read.map_or(Ok(()), |(of, ..)| Err(Fault::Details(of)))
    }
}

/// Exactly as it is written, in one way.
fn parsed(line: &str) -> Option<(u64, [u8; 32], String)> {
    let read: Value = serde_json::from_str(line.strip_suffix('\n')?).ok()?;
    let (seq, salt, details) = (read["seq"].as_u64()?, read["salt"].as_str()?, read["details"].as_str()?);
    let salt: [u8; 32] = from_hex(salt)?.try_into().ok()?;
    (details_line(seq, &salt, details) == line).then(|| (seq, salt, details.to_owned()))
}
