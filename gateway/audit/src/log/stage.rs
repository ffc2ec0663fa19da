//! The stage: all tiles and entry bundles of one round in one durable object.
//!
//! It is written before the signature and removed when each of its tiles is on disk by itself. In between it is the
//! durable copy, so that tiles are written without waiting for the disk, some ten fsyncs a round fewer; after a crash
//! the stages that lead up to the committed tree are written out again.
//!
//! A stage is named `log/staging/<old size>-<new size>-<new root>`, and says inside from which tree it leads to which, so
//! that recovery follows the chain back from what the database committed and takes no stage of a round that lost.
//!
//! ```text
//! "vuzol-stage-1\n" ‖ u64 old size ‖ old root ‖ u64 new size ‖ new root ‖ u32 count
//! ‖ count × (u16 length ‖ key ‖ u32 length ‖ bytes) ‖ SHA-256 of all before          integers big-endian
//! ```

use bytes::Bytes;
use crypto::digest::{hex, sha256};
use crypto::merkle::Hash;

/// A tree, before or after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeHead {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) old: TreeHead,
    pub(crate) new: TreeHead,
    /// Key and content of each tile and bundle.
    pub(crate) tiles: Vec<(String, Bytes)>,
}

/// Prefix of the keys of stages.
pub(crate) const STAGING: &str = "log/staging";

impl Stage {
    pub(crate) fn key(&self) -> String {
        format!("{STAGING}/{}-{}-{}", self.old.size, self.new.size, hex(&self.new.root))
    }

    /// Sizes before and after, and the root after, of a stage's key.
    pub(crate) fn parse_key(key: &str) -> Option<(u64, TreeHead)> {
        let name = key.strip_prefix(STAGING)?.strip_prefix('/')?;
        let mut fields = name.splitn(3, '-');
        let (old, new) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let root = crypto::digest::from_hex(fields.next()?)?.try_into().ok()?;
        Some((old, TreeHead { size: new, root }))
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        let content: usize = self.tiles.iter().map(|(key, bytes)| key.len() + bytes.len() + 6).sum();
        let mut out = Vec::with_capacity(MAGIC.len() + 80 + 4 + content + 32);
        out.extend_from_slice(MAGIC);
        for tree in [self.old, self.new] {
            out.extend_from_slice(&tree.size.to_be_bytes());
            out.extend_from_slice(&tree.root);
        }
        // A round has at most some hundred tiles, a key some forty characters, a bundle at most 16 MiB.
        out.extend_from_slice(&u32::try_from(self.tiles.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (key, bytes) in &self.tiles {
            out.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(bytes);
        }
        let sum = sha256(&out);
        out.extend_from_slice(&sum);
        out.into()
    }

    /// None where it is not a whole, unchanged stage.
    pub(crate) fn parse(bytes: &Bytes) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<32>()?;
        if sha256(content) != *sum {
            return None;
        }
        let mut rest = bytes.slice(..content.len());
        if take(&mut rest, MAGIC.len())? != MAGIC {
            return None;
        }
        let (old, new) = (take_head(&mut rest)?, take_head(&mut rest)?);
        let count = u32::from_be_bytes(take_array(&mut rest)?);
        let mut tiles = Vec::new();
        for _ in 0..count {
            let length = u16::from_be_bytes(take_array(&mut rest)?);
            let key = String::from_utf8(take(&mut rest, usize::from(length))?.to_vec()).ok()?;
            let length = u32::from_be_bytes(take_array(&mut rest)?);
            tiles.push((key, take(&mut rest, usize::try_from(length).ok()?)?));
        }
        rest.is_empty().then_some(Self { old, new, tiles })
    }
}

fn take(rest: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= rest.len()).then(|| rest.split_to(length))
}

fn take_array<const N: usize>(rest: &mut Bytes) -> Option<[u8; N]> {
    take(rest, N)?.as_ref().try_into().ok()
}

fn take_head(rest: &mut Bytes) -> Option<TreeHead> {
    Some(TreeHead { size: u64::from_be_bytes(take_array(rest)?), root: take_array(rest)? })
}

const MAGIC: &[u8] = b"vuzol-stage-1\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_comes_back_whole_or_not_at_all() {
        let stage = Stage {
            old: TreeHead { size: 7, root: [1; 32] },
            new: TreeHead { size: 300, root: [2; 32] },
            tiles: vec![
                ("log/tile/0/000".to_owned(), Bytes::from(vec![3; 8192])),
                ("log/tile/0/001.p/44".to_owned(), Bytes::new()),
            ],
        };
        let bytes = stage.to_bytes();
        assert_eq!(Stage::parse(&bytes).unwrap(), stage);
        assert_eq!(Stage::parse_key(&stage.key()), Some((7, stage.new)));
        for length in 0..bytes.len() {
            assert_eq!(Stage::parse(&bytes.slice(..length)), None);
        }
        for position in [0, 20, 60, 100, 110, 4000, bytes.len() - 1] {
            let mut changed = bytes.to_vec();
            changed[position] ^= 1;
            assert_eq!(Stage::parse(&Bytes::from(changed)), None);
        }
        for key in ["log/staging/7-300", "log/staging/x-1-00", "log/staging/1-2-00", "staging/1-2-00"] {
            assert_eq!(Stage::parse_key(key), None);
        }
    }
}
