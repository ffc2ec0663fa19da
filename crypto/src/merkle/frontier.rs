//! The growing right edge of a tree.

use super::tile::{TILE_WIDTH, TileId, TileReader};
use super::tree::{empty_root, fold_peaks, node_hash, perfect_root};
use super::{Hash, LogError};

/// The right edge of a tree: everything that is needed to append leaves, to know the root, and to write the tiles that changed.
///
/// An append costs two hashes on average, the root at most one per level of the tree.
#[derive(Debug, Clone)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees that the leaves make, largest first: one for each bit set in `size`.
    peaks: Vec<Hash>,
    levels: Vec<Level>,
}

/// The open end of one level of tiles.
#[derive(Debug, Clone, Default)]
struct Level {
    /// Index of the first tile whose hashes are kept here.
    index: u64,
    /// Hashes from the beginning of that tile on.
    hashes: Vec<Hash>,
    /// How many of them have already been given out (as a partial tile).
    taken: usize,
}

impl Frontier {
    /// The tree without entries.
    pub fn empty() -> Self {
        Self { size: 0, peaks: Vec::new(), levels: Vec::new() }
    }

    /// The frontier of a stored tree of `size` leaves. Reads the partial tile of every level that has one, at most eight.
    ///
    /// # Errors
    /// [`LogError::ProofMismatch`] where the tiles do not give `root`; [`LogError::MissingTile`] where one is missing or too narrow;
    /// [`LogError::OutOfRange`] for a size beyond 2^62.
    pub fn load(size: u64, root: &Hash, tiles: &dyn TileReader) -> Result<Self, LogError> {
        let frontier = Self::load_unproven(size, tiles)?;
        if frontier.root() == *root { Ok(frontier) } else { Err(LogError::ProofMismatch) }
    }

    /// The same of a tree whose root is not known beforehand, such as that of the entries which a pruned log no longer has: whoever loads it proves its root.
    ///
    /// # Errors
    /// As [`Frontier::load`], but for the root.
    pub fn load_unproven(size: u64, tiles: &dyn TileReader) -> Result<Self, LogError> {
        if size > MAX_SIZE {
            return Err(LogError::OutOfRange);
        }
        let mut frontier = Self::empty();
        frontier.size = size;
        let levels = (0u8..8).map_while(|level| match size >> (8 * level) {
            0 => None,
            hashes => Some((level, hashes / u64::from(TILE_WIDTH), hashes % u64::from(TILE_WIDTH))),
        });
        for (level, index, width) in levels {
            let mut hashes = Vec::new();
            if let Ok(width @ 1..) = u16::try_from(width) {
                hashes = tiles.tile(level, index, width)?;
                if hashes.len() < usize::from(width) {
                    return Err(LogError::MissingTile { level, index });
                }
                hashes.truncate(usize::from(width));
            }
            frontier.levels.push(Level { index, taken: hashes.len(), hashes });
        }
        frontier.peaks = frontier.levels.iter().rev().flat_map(|level| peaks_of(&level.hashes)).collect();
        Ok(frontier)
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        fold_peaks(&self.peaks).unwrap_or_else(empty_root)
    }

    /// Appends a leaf hash (see [`leaf_hash`](super::leaf_hash)).
    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        self.push(0, hash);
        // Adding one to `size` carries through its low bits that are set; each carry joins two subtrees of the same height.
        for height in 1..=self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            if height.is_multiple_of(8) {
                self.push(height / 8, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// All tiles that changed since the last call, or since the tree was empty or loaded: each full one once, and of the current
    /// edge the partial ones, never an empty one. The bytes are the hashes, concatenated. Sorted by level, then index.
    pub fn take_tiles(&mut self) -> Vec<(TileId, Vec<u8>)> {
        let mut tiles = Vec::new();
        for (number, level) in (0u8..).zip(&mut self.levels) {
            level.take(number, &mut tiles);
        }
        tiles
    }

    fn push(&mut self, level: u32, hash: Hash) {
        let level = usize::try_from(level).unwrap_or(usize::MAX);
        if self.levels.len() == level {
            self.levels.push(Level::default());
        }
        if let Some(level) = self.levels.get_mut(level) {
            level.hashes.push(hash);
        }
    }
}

impl Level {
    fn take(&mut self, level: u8, tiles: &mut Vec<(TileId, Vec<u8>)>) {
        if self.taken == self.hashes.len() {
            return;
        }
        let full_width = usize::from(TILE_WIDTH);
        let mut index = self.index;
        for hashes in self.hashes.chunks(full_width) {
            let width = u16::try_from(hashes.len()).unwrap_or(TILE_WIDTH);
            tiles.push((TileId { level, index, width }, hashes.as_flattened().to_vec()));
            index += u64::from(width == TILE_WIDTH);
        }
        self.hashes.drain(..self.hashes.len() / full_width * full_width);
        self.index = index;
        self.taken = self.hashes.len();
    }
}

/// Roots of the perfect subtrees over a partial tile, largest first.
fn peaks_of(hashes: &[Hash]) -> Vec<Hash> {
    let mut peaks = Vec::new();
    let mut rest = hashes;
    while !rest.is_empty() {
        let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
        peaks.extend(perfect_root(subtree));
        rest = after;
    }
    peaks
}

/// Far beyond every log; keeps sums of sizes within 64 bits.
const MAX_SIZE: u64 = 1 << 62;
