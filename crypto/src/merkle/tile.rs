//! Tiles and entry bundles (C2SP tlog-tiles v0.1.0).

use super::{Hash, LogError};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Where hashes of tiles are read from.
pub trait TileReader {
    /// The tile `index` at `level` with at least `width` hashes (1..=256). A reader that has only the full tile where a partial one was asked
    /// for answers with the full one: the first `width` hashes are the same.
    ///
    /// # Errors
    /// [`LogError::MissingTile`] where it has none.
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError>;
}

/// Coordinates of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 holds leaf hashes; a hash at level `L` covers 256^`L` leaves.
    pub level: u8,
    /// Index in the level.
    pub index: u64,
    /// Hashes in it, 1..=256; 256 is a full tile.
    pub width: u16,
}

impl TileId {
    /// `tile/<L>/<N>[.p/<W>]`, e.g. `tile/0/x001/x234/067` or `tile/1/000.p/17`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_text(self.index, self.width))
    }

    /// `tile/entries/<N>[.p/<W>]`: the bundle of the entries under this tile of level 0. The level is not looked at.
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", index_text(self.index, self.width))
    }

    /// Index and width from `<N>[.p/<W>]`: exactly what [`TileId::path`] writes after `tile/<L>/`, and nothing else.
    pub fn parse_index(text: &str) -> Option<(u64, u16)> {
        let (number, width) = match text.split_once(".p/") {
            Some((number, width)) => (number, parse_width(width)?),
            None => (text, TILE_WIDTH),
        };
        let mut elements = number.split('/').rev();
        let mut index = parse_element(elements.next()?)?;
        let mut scale = 1u64;
        for element in elements {
            scale = scale.checked_mul(1000)?;
            let value = parse_element(element.strip_prefix('x')?)?;
            index = index.checked_add(value.checked_mul(scale)?)?;
        }
        (index_text(index, width) == text).then_some((index, width))
    }
}

/// `u16 big-endian length ‖ entry`, concatenated; `None` where an entry is longer than 65 535 bytes or there are more than 256.
pub fn entry_bundle<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bundle = Vec::new();
    for (number, entry) in entries.enumerate() {
        if number >= usize::from(TILE_WIDTH) {
            return None;
        }
        bundle.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Some(bundle)
}

/// The entries of a bundle, in order.
///
/// # Errors
/// [`LogError::Malformed`] where it ends within an entry or holds more than 256.
pub fn parse_entry_bundle(bundle: &[u8]) -> Result<Vec<Vec<u8>>, LogError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (entry, after) = split_entry(rest).ok_or(LogError::Malformed("entry bundle"))?;
        if entries.len() >= usize::from(TILE_WIDTH) {
            return Err(LogError::Malformed("entry bundle"));
        }
        entries.push(entry.to_vec());
        rest = after;
    }
    Ok(entries)
}

fn split_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Three digits per element, all but the last marked by `x`.
fn index_text(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{text}.p/{width}") } else { text }
}

fn parse_element(element: &str) -> Option<u64> {
    if element.len() == 3 && element.bytes().all(|digit| digit.is_ascii_digit()) { element.parse().ok() } else { None }
}

fn parse_width(text: &str) -> Option<u16> {
    text.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))
}
