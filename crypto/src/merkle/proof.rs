//! Inclusion and consistency proofs: made from tiles, verified without (RFC 9162, 2.1.3 and 2.1.4).

use super::tile::{TILE_WIDTH, TileReader};
use super::tree::{empty_root, fold_peaks, node_hash, perfect_root};
use super::{Hash, LogError};

/// The inclusion proof of leaf `index` in the tree of `size` leaves, the leaf's sibling first. Reads only tiles of that tree; partial
/// ones are asked for with the width that this size gives them.
///
/// # Errors
/// [`LogError::OutOfRange`] unless `index < size`; [`LogError::MissingTile`] where the reader lacks a tile.
pub fn inclusion_proof(index: u64, size: u64, tiles: &dyn TileReader) -> Result<Vec<Hash>, LogError> {
    if index >= size {
        return Err(LogError::OutOfRange);
    }
    let mut source = Source::new(size, tiles);
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split_point(end - start);
        if index < middle {
            proof.push(source.range_root(middle, end)?);
            end = middle;
        } else {
            proof.push(source.range_root(start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// `Ok` only where `proof` shows that `leaf` is number `index` of the tree of `size` leaves with this `root` (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`LogError::OutOfRange`] unless `index < size`; [`LogError::ProofMismatch`] otherwise.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> Result<(), LogError> {
    if index >= size {
        return Err(LogError::OutOfRange);
    }
    let mut path = Path { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    if path.last == 0 && hash == *root { Ok(()) } else { Err(LogError::ProofMismatch) }
}

/// The consistency proof between the trees of `old` and `new` leaves. Empty where `old` is 0 or equal to `new`.
///
/// # Errors
/// [`LogError::OutOfRange`] where `old > new`; [`LogError::MissingTile`] where the reader lacks a tile.
pub fn consistency_proof(old: u64, new: u64, tiles: &dyn TileReader) -> Result<Vec<Hash>, LogError> {
    if old > new {
        return Err(LogError::OutOfRange);
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut source = Source::new(new, tiles);
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, new);
    // The verifier knows the old root; he needs the last whole subtree of the old tree only where that is not the whole old tree.
    while old != end {
        let middle = start + split_point(end - start);
        if old <= middle {
            proof.push(source.range_root(middle, end)?);
            end = middle;
        } else {
            proof.push(source.range_root(start, middle)?);
            start = middle;
        }
    }
    if start != 0 {
        proof.push(source.range_root(start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// `Ok` only where `proof` shows that the tree of `old` leaves with `old_root` is the beginning of the tree of `new` leaves with `new_root`
/// (RFC 9162, 2.1.4.2). The empty tree is the beginning of every tree.
///
/// # Errors
/// [`LogError::OutOfRange`] where `old > new`; [`LogError::ProofMismatch`] otherwise.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), LogError> {
    if old > new {
        return Err(LogError::OutOfRange);
    }
    if old == 0 || old == new {
        let same = if old == new { old_root == new_root } else { true };
        let empty = old != 0 || *old_root == empty_root();
        return if proof.is_empty() && same && empty { Ok(()) } else { Err(LogError::ProofMismatch) };
    }
    // Where the old tree is one perfect subtree its root is the first hash of the path and is not sent.
    let (first, rest) =
        if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(LogError::ProofMismatch)? };
    let whole = (old - 1).trailing_ones();
    let mut path = Path { node: (old - 1) >> whole, last: (new - 1) >> whole };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        match path.step()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    if path.last == 0 && old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(LogError::ProofMismatch) }
}

/// The way from a node to the root, as RFC 9162 walks it (its `fn` and `sn`).
struct Path {
    node: u64,
    last: u64,
}

/// Where the sibling stands.
enum Side {
    Left,
    Right,
}

impl Path {
    /// One hash of the proof; refuses hashes beyond the root.
    fn step(&mut self) -> Result<Side, LogError> {
        if self.last == 0 {
            return Err(LogError::ProofMismatch);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A node at the right edge without a sibling of its own moves up until it is a right child.
            let levels = if self.node == 0 { 0 } else { self.node.trailing_zeros() };
            self.node >>= levels;
            self.last >>= levels;
            Side::Left
        } else {
            Side::Right
        };
        self.node >>= 1;
        self.last >>= 1;
        Ok(side)
    }
}

/// Subtree hashes of one tree, read from its tiles; a tile is read once per proof.
struct Source<'a> {
    size: u64,
    tiles: &'a dyn TileReader,
    read: Vec<(u8, u64, Vec<Hash>)>,
}

impl<'a> Source<'a> {
    fn new(size: u64, tiles: &'a dyn TileReader) -> Self {
        Self { size, tiles, read: Vec::new() }
    }

    /// Root over the leaves `start..end`, where `start` is a multiple of the largest power of two in the range.
    fn range_root(&mut self, start: u64, end: u64) -> Result<Hash, LogError> {
        let mut peaks = Vec::new();
        let mut position = start;
        while position < end {
            let height = (end - position).ilog2();
            peaks.push(self.subtree(height, position >> height)?);
            position += 1 << height;
        }
        fold_peaks(&peaks).ok_or(LogError::OutOfRange)
    }

    /// Root of the perfect subtree number `index` of 2^`height` leaves.
    fn subtree(&mut self, height: u32, index: u64) -> Result<Hash, LogError> {
        let level = u8::try_from(height / 8).map_err(|_| LogError::OutOfRange)?;
        let within = height % 8;
        let first = index << within;
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).map_err(|_| LogError::OutOfRange)?;
        let index = first / u64::from(TILE_WIDTH);
        let tile = self.tile(level, index)?;
        tile.get(offset..offset + (1 << within)).and_then(perfect_root).ok_or(LogError::MissingTile { level, index })
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], LogError> {
        let known = self.read.iter().position(|(l, i, _)| (*l, *i) == (level, index));
        let position = match known {
            Some(position) => position,
            None => {
                let hashes = (self.size >> (8 * u32::from(level))) - index * u64::from(TILE_WIDTH);
                let width = u16::try_from(hashes).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
                let tile = self.tiles.tile(level, index, width)?;
                if tile.len() < usize::from(width) {
                    return Err(LogError::MissingTile { level, index });
                }
                self.read.push((level, index, tile));
                self.read.len() - 1
            }
        };
        Ok(self.read.get(position).map_or(&[], |(_, _, tile)| tile.as_slice()))
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split_point(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}
