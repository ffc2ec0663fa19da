//! Tiles and entry bundles (C2SP tlog-tiles) by their paths, and the tree arithmetic's view of them.
//!
//! A narrower partial tile is a prefix of a wider one and of the full one. So only what the newest checkpoint needs is
//! kept, and any narrower width is cut from it when asked for; the specification wants every width served that a
//! checkpoint was published for.

use crate::log::LogFailure;
use bytes::Bytes;
use crypto::merkle::{Hash, LogError, TileId, TileReader};
use std::collections::HashMap;
use storage::objects::Objects;

/// Hashes in a full tile, entries in a full bundle.
pub(crate) const FULL: u16 = 256;

/// What a path names: hashes of a level, or entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Hashes(TileId),
    /// The level is 0.
    Entries(TileId),
}

impl Wanted {
    /// `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, exactly.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = TileId::parse_index(rest)?;
        let wanted = match level {
            "entries" => Self::Entries(TileId { level: 0, index, width }),
            number => {
                let level = number.parse().ok().filter(|level| *level < 64)?;
                Self::Hashes(TileId { level, index, width })
            }
        };
        // One spelling for one tile.
        (wanted.path() == path).then_some(wanted)
    }

    fn tile(&self) -> TileId {
        match self {
            Self::Hashes(tile) | Self::Entries(tile) => *tile,
        }
    }

    fn with_width(self, width: u16) -> Self {
        match self {
            Self::Hashes(tile) => Self::Hashes(TileId { width, ..tile }),
            Self::Entries(tile) => Self::Entries(TileId { width, ..tile }),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Hashes(tile) => tile.path(),
            Self::Entries(tile) => tile.entries_path(),
        }
    }

    /// The object's key.
    pub(crate) fn key(&self) -> String {
        format!("log/{}", self.path())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.tile().width == FULL
    }

    /// Whether all that lies under it has numbers below `minimum`: a pruned log has it no more.
    pub(crate) fn is_below(&self, minimum: u64) -> bool {
        let TileId { level, index, .. } = self.tile();
        let under = u64::from(FULL).checked_pow(u32::from(level) + 1);
        let end = under.and_then(|under| index.checked_add(1)?.checked_mul(under));
        self.is_full() && end.is_some_and(|end| end <= minimum)
    }

    /// Whether it is the partial tile that a tree of `size` ends with.
    pub(crate) fn is_edge_of(&self, size: u64) -> bool {
        !self.is_full() && width_at(self.tile(), size) == self.tile().width
    }

    /// The first hashes or entries of a wider one; None where it has not that many.
    fn cut(&self, wider: &Bytes) -> Option<Bytes> {
        let width = usize::from(self.tile().width);
        let length = match self {
            Self::Hashes(_) => width.checked_mul(32)?,
            Self::Entries(_) => {
                let mut end = 0_usize;
                for _ in 0..width {
                    let length = wider.get(end..end.checked_add(2)?)?;
                    end = end.checked_add(2 + usize::from(u16::from_be_bytes(length.try_into().ok()?)))?;
                }
                end
            }
        };
        (length <= wider.len()).then(|| wider.slice(..length))
    }
}

/// How wide the tile is in a tree of `size`; 0: not there.
fn width_at(tile: TileId, size: u64) -> u16 {
    let hashes = size.checked_shr(u32::from(tile.level) * 8).unwrap_or(0);
    let before = tile.index.saturating_mul(u64::from(FULL));
    u16::try_from(hashes.saturating_sub(before).min(u64::from(FULL))).unwrap_or(0)
}

/// The stored tiles.
#[derive(Clone)]
pub(crate) struct Tiles {
    pub(crate) objects: Objects,
}

impl Tiles {
    pub(crate) fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// The tile if a tree of `size` has it that wide.
    pub(crate) async fn read(&self, wanted: &Wanted, size: u64) -> Result<Option<Bytes>, LogFailure> {
        if wanted.tile().width > width_at(wanted.tile(), size) {
            return Ok(None);
        }
        let known = wanted.with_width(width_at(wanted.tile(), size));
        // Between two looks an integrator may replace a partial tile by a wider one; a few looks always find one.
        for _ in 0..3 {
            let mut found = self.objects.read(&known.key()).await?;
            if found.is_none() && !known.is_full() {
                found = self.read_wider(&known).await?;
            }
            if let Some(bytes) = found {
                return wanted.cut(&bytes).map(Some).ok_or_else(|| LogFailure::TileDiffers(wanted.path()));
            }
        }
        Ok(None)
    }

    /// The narrowest stored tile that is wider.
    async fn read_wider(&self, known: &Wanted) -> Result<Option<Bytes>, LogFailure> {
        let full = known.with_width(FULL);
        let partials = self.objects.list(&format!("{}.p", full.key())).await?;
        let widths = partials.iter().filter_map(|(key, _, _)| key.rsplit_once('/')?.1.parse::<u16>().ok());
        let wider = widths.filter(|width| (known.tile().width..FULL).contains(width)).min().unwrap_or(FULL);
        Ok(self.objects.read(&known.with_width(wider).key()).await?)
    }

    /// Runs arithmetic on the tiles of a tree of `size`, fetching what it asks for; `fresh` are hashes that are not
    /// stored yet and come first.
    pub(crate) async fn compute<T>(
        &self,
        size: u64,
        fresh: HashMap<(u8, u64), Vec<Hash>>,
        f: impl Fn(&dyn TileReader) -> Result<T, LogError>,
    ) -> Result<T, LogFailure> {
        let mut known = Known { tiles: fresh };
        loop {
            match f(&known) {
                Err(LogError::MissingTile { level, index }) if !known.tiles.contains_key(&(level, index)) => {
                    let missing = LogError::MissingTile { level, index };
                    let width = width_at(TileId { level, index, width: FULL }, size);
                    if width == 0 {
                        return Err(missing.into());
                    }
                    let wanted = Wanted::Hashes(TileId { level, index, width });
                    let bytes = self.read(&wanted, size).await?.ok_or(missing)?;
                    let hashes = hashes(&bytes).ok_or_else(|| LogFailure::TileDiffers(wanted.path()))?;
                    known.tiles.insert((level, index), hashes);
                }
                other => return other.map_err(Into::into),
            }
        }
    }
}

/// The hashes of a tile; None where the length is not a multiple of a hash.
pub(crate) fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// The tiles that were fetched so far; whatever else is asked for is said to be missing, and fetched for the next try.
struct Known {
    tiles: HashMap<(u8, u64), Vec<Hash>>,
}

impl TileReader for Known {
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError> {
        match self.tiles.get(&(level, index)) {
            Some(hashes) if hashes.len() >= usize::from(width) => Ok(hashes.clone()),
            _ => Err(LogError::MissingTile { level, index }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_path_is_understood() {
        for path in ["tile/0/000", "tile/0/x001/234.p/7", "tile/63/000", "tile/entries/000", "tile/entries/999.p/255"] {
            assert_eq!(Wanted::parse(path).unwrap().path(), path);
        }
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/00/000",
            "tile/64/000",
            "tile/+1/000",
            "tile/-1/000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/000.p",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/../000",
            "tile/entries/../0/000",
            "tile/data/000",
            "tile/8/0/000",
            "tile/0/x000/000",
            "tile/0/x18446744073709551616",
            "checkpoint",
            "staging/1-2-3",
            "tile/0/000?",
        ] {
            assert_eq!(Wanted::parse(path), None, "{path}");
        }
    }

    #[test]
    fn widths_follow_the_specifications_example() {
        // C2SP tlog-tiles: size 70,000.
        let width = |level, index| width_at(TileId { level, index, width: FULL }, 70_000);
        assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (256, 112, 0));
        assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (256, 17, 0));
        assert_eq!((width(2, 0), width(3, 0), width(63, 0), width(0, u64::MAX)), (1, 0, 0, 0));
    }

    #[test]
    fn a_narrow_bundle_is_cut_from_a_wide_one() {
        let bundle = Bytes::from_static(b"\0\x01a\0\0\0\x02bc");
        let cut = |width| Wanted::Entries(TileId { level: 0, index: 0, width }).cut(&bundle);
        assert_eq!(cut(1).unwrap(), &b"\0\x01a"[..]);
        assert_eq!(cut(2).unwrap(), &b"\0\x01a\0\0"[..]);
        assert_eq!(cut(3).unwrap(), bundle);
        assert_eq!(cut(4), None);
    }
}
