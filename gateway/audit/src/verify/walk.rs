//! From the first entry to the last.

use super::{Covers, NotCanonical, Source, Wrong, canonical};
use crate::anchors::named_by;
use crypto::merkle::{
    Checkpoint, Frontier, Hash, LogError, TILE_WIDTH, TileId, TileReader, inclusion_proof, leaf_hash, verify_inclusion,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::slice::Iter;

/// Bytes of a full bundle, at most.
pub(super) const BUNDLE_BYTES: usize = 256 * (2 + 65_535);
const TILE_BYTES: usize = 256 * 32;

pub(super) struct Walk<'w> {
    source: &'w dyn Source,
    end: &'w Checkpoint,
    /// Checkpoints whose roots are still to come, by size.
    waypoints: Peekable<Iter<'w, (Checkpoint, &'w str)>>,
    /// Sizes whose roots are asked for, and these.
    wanted: BTreeSet<u64>,
    roots: BTreeMap<u64, Hash>,
    /// Of each time-stamp that an entry names: its size, the digest of the token, the entry.
    named: BTreeMap<u64, (Hash, u64)>,
    /// The largest size at which a checkpoint was right.
    agreed: u64,
    frontier: Frontier,
    /// The tiles at the right edge, which are compared when they are full, or at the end.
    edge: BTreeMap<u8, (TileId, Vec<u8>)>,
    tiles: u64,
    bundle: Vec<u8>,
    tile: Vec<u8>,
    leaves: Vec<Hash>,
}

/// What was found on the way.
pub(super) struct Walked {
    /// How many tiles were right.
    pub(super) tiles: u64,
    /// The roots at the sizes that were asked for.
    pub(super) roots: BTreeMap<u64, Hash>,
    /// Of each time-stamp that an entry names: its size, the digest of the token, the entry.
    pub(super) named: BTreeMap<u64, (Hash, u64)>,
}

/// What reading a bundle came to, beside the hashes of its entries.
struct Read {
    path: String,
    /// All entries are there, and nothing behind them.
    whole: bool,
    /// The first entry whose form is wrong.
    form: Option<(u64, NotCanonical)>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        source: &'w dyn Source,
        end: &'w Checkpoint,
        waypoints: &'w [(Checkpoint, &'w str)],
        wanted: BTreeSet<u64>,
    ) -> Self {
        Self {
            source,
            end,
            waypoints: waypoints.iter().peekable(),
            wanted,
            roots: BTreeMap::new(),
            named: BTreeMap::new(),
            agreed: 0,
            frontier: Frontier::empty(),
            edge: BTreeMap::new(),
            tiles: 0,
            bundle: Vec::new(),
            tile: Vec::new(),
            leaves: Vec::with_capacity(usize::from(TILE_WIDTH)),
        }
    }

    /// Where the log has no entries before `minimum`: the edge of the tree of that size, as the tiles that reach across it have it. That it is the signed tree's
    /// beginning shows at the end, where the root is compared.
    pub(super) fn starting_at(mut self, minimum: u64) -> Result<Self, Wrong> {
        let tiles = Tiles { source: self.source, content: RefCell::default() };
        self.frontier = Frontier::load_unproven(minimum, &tiles).map_err(|error| match error {
            LogError::MissingTile { level, index } => {
                let id = TileId { level, index, width: TILE_WIDTH };
                Wrong::Missing { path: id.path(), covers: covers(id) }
            }
            error => Wrong::Checkpoint { name: "the tree below the minimum".to_owned(), error },
        })?;
        Ok(self)
    }

    /// All of it.
    pub(super) fn all(mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<Walked, Wrong> {
        let size = self.end.size;
        progress(0, size);
        self.pass_waypoints(size)?;
        while self.frontier.size() < size {
            self.bundle()?;
            progress(self.frontier.size(), size);
        }
        for (tile, ours) in std::mem::take(&mut self.edge).into_values() {
            self.compare(tile, &ours)?;
        }
        // Last: where a tile at the edge tells what was changed, the root tells less.
        self.pass_waypoints(u64::MAX)?;
        Ok(Walked { tiles: self.tiles, roots: self.roots, named: self.named })
    }

    /// One bundle, its leaves, and every tile that is full by it.
    fn bundle(&mut self) -> Result<(), Wrong> {
        let start = self.frontier.size();
        let left = (self.end.size - start).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(left).unwrap_or(TILE_WIDTH);
        let id = TileId { level: 0, index: start / u64::from(TILE_WIDTH), width };
        let read = self.read_bundle(id)?;
        self.compare_leaves(id, &read)?;
        if !read.whole {
            return Err(Wrong::Bundle {
                path: read.path,
                index: start + u64::try_from(self.leaves.len()).unwrap_or(0),
            });
        }
        if let Some((index, fault)) = read.form {
            return Err(Wrong::Form { index, fault });
        }
        let leaves = std::mem::take(&mut self.leaves);
        for leaf in &leaves {
            self.frontier.append(*leaf);
            self.pass_waypoints(self.end.size)?;
        }
        self.leaves = leaves;
        for (tile, ours) in self.frontier.take_tiles() {
            if tile.level == 0 {
                self.tiles += 1;
            } else if tile.width == TILE_WIDTH {
                self.edge.remove(&tile.level);
                self.compare(tile, &ours)?;
            } else {
                self.edge.insert(tile.level, (tile, ours));
            }
        }
        Ok(())
    }

    fn read_bundle(&mut self, id: TileId) -> Result<Read, Wrong> {
        let mut bundle = std::mem::take(&mut self.bundle);
        let Some(found) = fetch(self.source, id, TileId::entries_path, BUNDLE_BYTES, &mut bundle)? else {
            return Err(Wrong::Missing { path: id.entries_path(), covers: covers(id) });
        };
        self.leaves.clear();
        let mut form = None;
        let mut rest = bundle.as_slice();
        for number in covers(id).first.. {
            if self.leaves.len() == usize::from(id.width) {
                break;
            }
            let Some((entry, after)) = split(rest) else { break };
            self.leaves.push(leaf_hash(entry));
            if let Some((size, digest)) = named_by(entry).filter(|(size, _)| *size <= number) {
                self.named.entry(size).or_insert((digest, number));
            }
            if let (None, Err(fault)) = (&form, canonical(entry)) {
                form = Some((number, fault));
            }
            rest = after;
        }
        // Of a wider one only the beginning belongs to this tree.
        let whole = self.leaves.len() == usize::from(id.width) && (found.width > id.width || rest.is_empty());
        self.bundle = bundle;
        Ok(Read { path: found.entries_path(), whole, form })
    }

    /// The hashes of a bundle's entries are those of its tile.
    fn compare_leaves(&mut self, id: TileId, read: &Read) -> Result<(), Wrong> {
        self.read_tile(id)?;
        let stored = self.tile.as_chunks::<32>().0.iter().take(usize::from(id.width));
        let Some(position) = stored.zip(&self.leaves).position(|(stored, ours)| stored != ours) else {
            return Ok(());
        };
        let ours = self.leaves.get(position).copied().unwrap_or_default();
        Err(self.judge(id, position, ours, &read.path))
    }

    /// A tile above the leaves is what lies under it.
    fn compare(&mut self, id: TileId, ours: &[u8]) -> Result<(), Wrong> {
        if id.level == 0 {
            return Ok(());
        }
        self.read_tile(id)?;
        self.tiles += 1;
        let (stored, ours) = (self.tile.as_chunks::<32>().0.iter(), ours.as_chunks::<32>().0);
        match stored.zip(ours).position(|(stored, ours)| stored != ours) {
            None => Ok(()),
            Some(position) => Err(self.judge(id, position, ours.get(position).copied().unwrap_or_default(), "")),
        }
    }

    /// Which of two hashes at this place is the one that was signed: the tile's, or ours of what lies under it. The other tiles lead from either to the
    /// root, or not.
    fn judge(&self, id: TileId, position: usize, ours: Hash, bundle: &str) -> Wrong {
        let height = 8 * u32::from(id.level);
        let position = u16::try_from(position).unwrap_or(u16::MAX);
        let number = id.index * u64::from(TILE_WIDTH) + u64::from(position);
        let covers = Covers { first: number << height, last: ((number + 1) << height) - 1 };
        let stored = self.tile.as_chunks::<32>().0.get(usize::from(position)).copied().unwrap_or_default();
        let tiles = Tiles { source: self.source, content: RefCell::default() };
        let proof = inclusion_proof(covers.first, self.end.size, &tiles).unwrap_or_default();
        // What lies under the hash is perfect: the proof's part above it is a proof of its own, in a tree whose leaves are such hashes.
        let above = usize::try_from(height).ok().and_then(|height| proof.get(height..)).unwrap_or_default();
        let hashes = ((self.end.size - 1) >> height) + 1;
        let leads = |hash: &Hash| verify_inclusion(hash, number, hashes, &self.end.root, above).is_ok();
        let path = id.path();
        if leads(&stored) && id.level == 0 {
            Wrong::Entry { index: covers.first, path: bundle.to_owned() }
        } else if leads(&stored) {
            Wrong::Entries { covers, path }
        } else if leads(&ours) {
            Wrong::Tile { path, position, covers }
        } else {
            Wrong::Contradiction { path, position, covers }
        }
    }

    /// Fills `tile`.
    fn read_tile(&mut self, id: TileId) -> Result<(), Wrong> {
        let mut tile = std::mem::take(&mut self.tile);
        let Some(stored) = fetch(self.source, id, TileId::path, TILE_BYTES, &mut tile)? else {
            return Err(Wrong::Missing { path: id.path(), covers: covers(id) });
        };
        let (found, expected) = (tile.len(), 32 * usize::from(stored.width));
        if found != expected {
            return Err(Wrong::Length { path: stored.path(), found, expected, covers: covers(id) });
        }
        self.tile = tile;
        Ok(())
    }

    /// The root of every checkpoint of this size, where that is below `end`, is the tree's.
    fn pass_waypoints(&mut self, end: u64) -> Result<(), Wrong> {
        let size = self.frontier.size();
        if self.wanted.remove(&size) {
            self.roots.insert(size, self.frontier.root());
        }
        if size >= end {
            return Ok(());
        }
        while let Some((checkpoint, name)) = self.waypoints.next_if(|(checkpoint, _)| checkpoint.size == size) {
            if self.frontier.root() != checkpoint.root {
                return Err(Wrong::Root { size, name: (*name).to_owned(), agreed: self.agreed });
            }
            self.agreed = size;
        }
        Ok(())
    }
}

/// The entries under a tile.
fn covers(id: TileId) -> Covers {
    let below = 8 * u32::from(id.level);
    let first = (id.index * u64::from(TILE_WIDTH)) << below;
    Covers { first, last: first + (u64::from(id.width) << below) - 1 }
}

fn split(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// The tile or bundle, or a wider one that begins with it: a log that grows on, perhaps at this moment, keeps of the tiles at its edge only those of its
/// newest checkpoint. Tells which one it was.
fn fetch(
    source: &dyn Source,
    id: TileId,
    path: fn(&TileId) -> String,
    limit: usize,
    content: &mut Vec<u8>,
) -> Result<Option<TileId>, Wrong> {
    for width in id.width..=TILE_WIDTH {
        let wider = TileId { width, ..id };
        let path = path(&wider);
        match source.read(&path, limit, content) {
            Ok(true) => return Ok(Some(wider)),
            Ok(false) => {}
            Err(error) => return Err(Wrong::Unreadable { path, error: error.to_string() }),
        }
    }
    Ok(None)
}

/// The stored tiles, for a proof of what they lead to.
struct Tiles<'s> {
    source: &'s dyn Source,
    content: RefCell<Vec<u8>>,
}

impl TileReader for Tiles<'_> {
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError> {
        let mut content = self.content.borrow_mut();
        let id = TileId { level, index, width };
        match fetch(self.source, id, TileId::path, TILE_BYTES, &mut content) {
            Ok(Some(_)) => Ok(content.as_chunks::<32>().0.to_vec()),
            _ => Err(LogError::MissingTile { level, index }),
        }
    }
}
