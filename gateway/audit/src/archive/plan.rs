//! Which files an archive has, and in which order.

use crypto::merkle::{TILE_WIDTH, TileId};
use schemas::limits::AUDIT_EXPORT_ENTRIES;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What an archive says of itself. Nothing of it is believed: `check` holds each word against the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The log's origin.
    pub origin: String,
    /// Entries under the checkpoint.
    pub size: u64,
    /// The first entry of the range.
    pub first: u64,
    /// The one behind the last.
    pub end: u64,
    /// Whether what entries commit to is there too.
    pub details: bool,
    /// The log's keys as the node states them. Whoever checks takes the key that they were given by another way.
    pub keys: Vec<String>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    Manifest,
    Checkpoint,
    Instructions,
    /// The bundle under this tile of level 0.
    Entries(TileId),
    /// What the entries of a bundle commit to.
    Details(u64),
    Hashes(TileId),
}

impl File {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Manifest => "archive.json".to_owned(),
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::Instructions => "VERIFY.md".to_owned(),
            Self::Entries(tile) => tile.entries_path(),
            Self::Details(bundle) => format!("details/{bundle:06}.jsonl"),
            Self::Hashes(tile) => tile.path(),
        }
    }
}

impl Manifest {
    pub(super) fn text(&self) -> String {
        let Self { origin, size, first, end, details, keys } = self;
        one_line([
            ("format", json!(FORMAT)),
            ("origin", json!(origin)),
            ("size", json!(size)),
            ("first", json!(first)),
            ("end", json!(end)),
            ("details", json!(details)),
            ("keys", json!(keys)),
        ])
    }

    /// Exactly what [`Self::text`] writes, and a range that there can be.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let parsed: Value = serde_json::from_slice(text).ok()?;
        let number = |key: &str| parsed[key].as_u64();
        let keys = parsed["keys"].as_array()?.iter().map(|key| key.as_str().map(str::to_owned));
        let manifest = Self {
            origin: parsed["origin"].as_str()?.to_owned(),
            size: number("size")?,
            first: number("first")?,
            end: number("end")?,
            details: parsed["details"].as_bool()?,
            keys: keys.collect::<Option<_>>()?,
        };
        (manifest.is_range() && manifest.text().as_bytes() == text).then_some(manifest)
    }

    /// Some entries of the tree, and not more than an archive holds.
    pub(super) fn is_range(&self) -> bool {
        self.first < self.end
            && self.end <= self.size
            && self.end - self.first <= AUDIT_EXPORT_ENTRIES
            && self.size <= MAX_SIZE
    }

    /// The bundles of the range, by their index.
    pub(super) fn bundles(&self) -> std::ops::RangeInclusive<u64> {
        self.first / WIDTH..=(self.end - 1) / WIDTH
    }

    /// The tile `index` of a level, as wide as it is in this tree.
    pub(super) fn tile(&self, level: u8, index: u64) -> TileId {
        let hashes = self.size >> (8 * u32::from(level));
        let width = hashes.saturating_sub(index.saturating_mul(WIDTH)).min(WIDTH);
        TileId { level, index, width: u16::try_from(width).unwrap_or(TILE_WIDTH) }
    }

    /// The tiles that lead from the range to the root, level by level from the leaves on: those over the range, and the last of each level.
    pub(super) fn tiles(&self) -> Vec<TileId> {
        let mut tiles = Vec::new();
        for level in 0..8u8 {
            let hashes = self.size >> (8 * u32::from(level));
            if hashes == 0 {
                break;
            }
            let (from, last) = (self.first >> (8 * (u32::from(level) + 1)), (hashes - 1) / WIDTH);
            let to = ((self.end - 1) >> (8 * (u32::from(level) + 1))).min(last);
            let over = (from..=to).map(|index| self.tile(level, index));
            tiles.extend(over);
            if !(from..=to).contains(&last) {
                tiles.push(self.tile(level, last));
            }
        }
        tiles
    }

    /// All files, in the order in which they stand in the archive.
    pub(super) fn plan(&self) -> Vec<File> {
        let mut files = vec![File::Manifest, File::Checkpoint, File::Instructions];
        for bundle in self.bundles() {
            files.push(File::Entries(self.tile(0, bundle)));
            if self.details {
                files.push(File::Details(bundle));
            }
        }
        files.extend(self.tiles().into_iter().map(File::Hashes));
        files
    }
}

/// An object on a line, its keys sorted whatever order maps keep in this build.
pub(super) fn one_line<const N: usize>(members: [(&str, Value); N]) -> String {
    // A map of texts to values always serialises.
    let text = serde_json::to_string(&BTreeMap::from(members)).unwrap_or_default();
    format!("{text}\n")
}

const FORMAT: &str = "vuzol-audit-archive-1";

const WIDTH: u64 = TILE_WIDTH as u64;

/// As the arithmetic of `crypto::merkle` has it.
const MAX_SIZE: u64 = 1 << 62;

/// For whoever unpacks it, in two languages.
pub(super) const INSTRUCTIONS: &str = "\
# A part of a transparency log

Check it with the node's own tool. The key is not taken from here: the node's operator, or a witness, gave it to you.

    vuzol audit verify --archive FILE --key KEY

It checks the signature of the checkpoint, every tile from the root down, every entry against its tile, the form of every entry, and every
line of `details/` against the entry that commits to it; and it names the first that is wrong.

By hand, or with any client of C2SP tlog-tiles: unpack it. `checkpoint` is a signed note (c2sp.org/signed-note, tlog-checkpoint);
`tile/entries/<N>` holds 256 entries, each behind its length in two octets; `tile/<L>/<N>` holds SHA-256 hashes. A leaf is SHA-256 of an octet 0 and
the entry, a node SHA-256 of an octet 1 and its two children (RFC 6962, 2.1). The tiles that are here are those over the range and the last of each
level: they lead to the root in the checkpoint.

A line of `details/<N>.jsonl` names an entry (`seq`), a salt in hexadecimal digits and a text. SHA-256 of the 32 octets of the salt and the octets of
the text is the entry's `commit`. Where a line is missing the details are erased, or were not given to whoever took this away.

# Частина журналу прозорості

Перевірте її засобом вузла. Ключ беруть не звідси: його дає оператор вузла або свідок.

    vuzol audit verify --archive FILE --key KEY

Перевіряється підпис контрольної точки, кожна плитка від кореня донизу, кожен запис проти своєї плитки, форма кожного запису і кожен рядок
`details/` проти запису, який його засвідчує; перше, що хибне, буде названо.
";
