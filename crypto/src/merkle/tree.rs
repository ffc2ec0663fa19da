//! Hashing of leaves and nodes, and roots of runs of hashes (RFC 9162, 2.1.1).

use super::Hash;
use crate::digest::{DigestAlgorithm, Digester, sha256};

/// `SHA-256(0x00 ‖ entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut buffer = [0; 1 + SHORT_ENTRY_BYTES];
    if let Some(room) = buffer.get_mut(1..=entry.len()) {
        room.copy_from_slice(entry);
        return sha256(&buffer[..=entry.len()]);
    }
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    digester.update(&[0]);
    digester.update(entry);
    let mut hash = [0; 32];
    hash.copy_from_slice(digester.finish().as_bytes());
    hash
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [1; 65];
    buffer[1..33].copy_from_slice(left);
    buffer[33..].copy_from_slice(right);
    sha256(&buffer)
}

/// Root of the tree without entries: `SHA-256("")`.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Root of a perfect subtree; `hashes` holds a power of two of them. `None` for no hashes.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Option<Hash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.first().copied()
}

/// Root over perfect subtrees from left (largest) to right; `None` for none.
pub(crate) fn fold_peaks(peaks: &[Hash]) -> Option<Hash> {
    peaks.iter().copied().rev().reduce(|right, left| node_hash(&left, &right))
}

/// Entries up to this length are hashed from the stack; longer ones pay for a digest context.
const SHORT_ENTRY_BYTES: usize = 1024;
