//! Is this log whole and unchanged? Offline, from tiles and checkpoints alone: no database, no node, no key of the node's.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `source` | where tiles are read from: a folder, or the objects of a node |
//! | `canonical` | whether an entry is written in the one form that RFC 8785 allows |
//! | `rows` | whether the rows of a node's database are what its log has, and what lies beside the tree is what it commits to |
//! | `walk` | every bundle, every tile, every root, from the first entry to the last |
//!
//! What is checked: the signatures of all checkpoints, and cosignatures where a policy asks for them; that none of the checkpoints that others
//! kept is larger than the log (its end is not cut off); each entry against its leaf hash, each full and each partial tile against the entries below it; the
//! root of every checkpoint at its size, the one that the log ends with and each that others kept; the form of every entry; that time-stamps which are at
//! hand are over the checkpoint of their size, and are the ones that entries name.
//!
//! The first thing that is wrong ends it, and is named: what, where, and whether it is the entry or the tile that was changed, which the signed root decides.
//!
//! Memory is one bundle and the right edge of the tree, whatever the size of the log.

mod canonical;
mod rows;
mod source;
mod walk;

pub use canonical::{NotCanonical, canonical};
pub use rows::{Compared, WrongRow, compare_rows};
pub use source::{Folder, Source, Stored};

use crypto::digest::sha256;
use crypto::merkle::{Checkpoint, Hash, LogError, NationalVerifier, NoteVerifier, Policy};
use std::fmt;

/// What is to be verified, and by what.
pub struct Question<'q> {
    /// The log's key.
    pub log: &'q NoteVerifier,
    /// The key of its second signature line: without it that line is passed over, with it the line must be there and hold.
    pub national: Option<&'q NationalVerifier>,
    /// Which witnesses must have cosigned the checkpoint that the log ends with.
    pub policy: Option<&'q Policy>,
    /// The signed checkpoint that the log ends with.
    pub checkpoint: Kept,
    /// Checkpoints of the same log that others kept: witnesses, receipts, an archive.
    pub kept: Vec<Kept>,
    /// Time-stamps over its checkpoints that are at hand. That an authority signed them is for whoever knows authorities.
    pub anchors: Vec<Stamped>,
}

/// A time-stamp token over a checkpoint, as far as this room reads one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// For people: the name of a file.
    pub name: String,
    /// Entries of the checkpoint.
    pub size: u64,
    /// What the token is over: a SHA-256.
    pub imprint: Hash,
    /// SHA-256 of the token.
    pub digest: Hash,
}

/// A signed checkpoint and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// For people: the name of a file.
    pub name: String,
    /// The note.
    pub note: String,
}

/// A log that was found to be whole. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    checkpoint: Checkpoint,
    cosignatures: Vec<(Vec<u8>, u64)>,
    kept: usize,
    tiles: u64,
    anchors: Anchors,
}

/// What became of the time-stamps of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// How many the entries name.
    pub named: usize,
    /// Sizes of those that were at hand, are over their checkpoint, and are the ones that an entry names.
    pub fit: Vec<u64>,
    /// Sizes of those that were at hand and are over their checkpoint, but that no entry names: a crash came before it, or it is yet to come.
    pub unnamed: Vec<u64>,
}

impl Verified {
    /// What the log says of itself, which is true.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which witnesses of the policy cosigned it, and when (POSIX seconds).
    #[must_use]
    pub fn cosignatures(&self) -> &[(Vec<u8>, u64)] {
        &self.cosignatures
    }

    /// How many checkpoints of others are trees of the same history.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// What became of its time-stamps.
    #[must_use]
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Tiles that were recomputed.
    #[must_use]
    pub fn tiles(&self) -> u64 {
        self.tiles
    }
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It cannot be read: the disk's fault, not the log's.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// Path of the tile.
        path: String,
        /// What the system said.
        error: String,
    },
    /// A checkpoint is not signed, not cosigned, or of another log.
    #[error("the checkpoint {name} does not hold: {error}")]
    Checkpoint {
        /// Which.
        name: String,
        /// Why.
        error: LogError,
    },
    /// Somebody holds a larger checkpoint: the end of the log was cut off.
    #[error("the log ends at entry {size}, but {name} is a checkpoint of {kept} entries: its end was cut off")]
    CutOff {
        /// Entries of the log.
        size: u64,
        /// Whose checkpoint.
        name: String,
        /// Entries that it covers.
        kept: u64,
    },
    /// The log signed two trees of one size.
    #[error("{one} and {other} are signed checkpoints of {size} entries with different roots: the log has forked")]
    Forked {
        /// Their size.
        size: u64,
        /// The one.
        one: String,
        /// The other.
        other: String,
    },
    /// A tile or a bundle is not there.
    #[error("{path} is missing: entries {} to {}", covers.first, covers.last)]
    Missing {
        /// Its path.
        path: String,
        /// What lies under it.
        covers: Covers,
    },
    /// A tile is shorter or longer than it must be.
    #[error("{path} has {found} bytes and must have {expected}: entries {} to {}", covers.first, covers.last)]
    Length {
        /// Its path.
        path: String,
        /// Bytes that it has.
        found: usize,
        /// Bytes that it must have.
        expected: usize,
        /// What lies under it.
        covers: Covers,
    },
    /// A bundle ends within an entry, before its last one, or goes on behind it.
    #[error("{path} is broken at entry {index}")]
    Bundle {
        /// Its path.
        path: String,
        /// The first entry that cannot be read; the size of the log where the bundle goes on behind its last entry.
        index: u64,
    },
    /// An entry is not what was logged: the tile has its hash, and the checkpoint says that the tile is right.
    #[error("entry {index} (in {path}) is not what was logged under this number")]
    Entry {
        /// Its number.
        index: u64,
        /// Its bundle.
        path: String,
    },
    /// A tile holds a hash that is not that of what lies under it, and what lies under it is right.
    #[error("{path} is wrong at hash {position}: it is not that of entries {} to {}", covers.first, covers.last)]
    Tile {
        /// Its path.
        path: String,
        /// Which of its hashes, from 0.
        position: u16,
        /// What lies under that hash.
        covers: Covers,
    },
    /// Entries and the tiles below this one fit each other, and not this one, which the checkpoint says is right: they were made anew together.
    #[error("entries {} to {} are not what was logged: {path} has another hash of them", covers.first, covers.last)]
    Entries {
        /// What was changed.
        covers: Covers,
        /// The tile that tells.
        path: String,
    },
    /// A hash is not that of what lies under it, and neither leads to the checkpoint, so that nothing tells which of them was changed.
    #[error("{path} at hash {position} contradicts entries {} to {}, and the tiles are changed elsewhere too", covers.first, covers.last)]
    Contradiction {
        /// The tile.
        path: String,
        /// Which of its hashes, from 0.
        position: u16,
        /// What lies under that hash.
        covers: Covers,
    },
    /// An entry is what was logged, but not written as an entry must be.
    #[error("entry {index} is not canonical JSON (RFC 8785): {fault}")]
    Form {
        /// Its number.
        index: u64,
        /// What is wrong with it.
        fault: NotCanonical,
    },
    /// Entries and tiles fit each other, and not the signed root: all of them were made anew.
    #[error(
        "the tree of {size} entries has another root than {name} says; entries before {agreed} are proven by smaller checkpoints"
    )]
    Root {
        /// The size of the checkpoint.
        size: u64,
        /// Which checkpoint.
        name: String,
        /// The largest size at which a checkpoint was right.
        agreed: u64,
    },
    /// A time-stamp is none over the checkpoint of its size, or not the one that was logged.
    #[error("the time-stamp {name} {fault}")]
    Anchor {
        /// Which.
        name: String,
        /// What is wrong with it.
        fault: AnchorFault,
    },
}

/// What is wrong with a time-stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorFault {
    /// It is of more entries than the log has.
    #[error("is of a checkpoint of {0} entries, more than the log has")]
    Beyond(u64),
    /// It is over something else.
    #[error("is not over the checkpoint of {0} entries")]
    Imprint(u64),
    /// The entry of this number names another token.
    #[error("is not the one that entry {0} names")]
    Replaced(u64),
}

/// The entries under a tile or a hash, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covers {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl Wrong {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Checkpoint { .. } => "checkpoint",
            Self::CutOff { .. } => "cut_off",
            Self::Forked { .. } => "forked",
            Self::Missing { .. } => "missing",
            Self::Length { .. } => "length",
            Self::Bundle { .. } => "bundle",
            Self::Entry { .. } => "entry",
            Self::Tile { .. } => "tile",
            Self::Entries { .. } => "entries",
            Self::Contradiction { .. } => "contradiction",
            Self::Form { .. } => "form",
            Self::Root { .. } => "root",
            Self::Anchor { .. } => "anchor",
        }
    }
}

/// Verifies a log from its first entry to its last. `progress` is told how many entries are done, of how many, some four times in a thousand
/// entries. Blocks.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    source: &dyn Source,
    question: &Question<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Wrong> {
    verify_from(source, question, 0, progress)
}

/// The same of a log that has no entries below its minimum index (C2SP tlog-tiles, pruning): from there on, or from the next bundle, everything; what lies
/// before is in the root, which the tiles that are left lead to. Checkpoints of less than that, which others kept, are passed over: there is nothing left to hold
/// them against.
///
/// # Errors
/// As [`verify`]; [`Wrong::Checkpoint`] where the log ends before the minimum.
pub fn verify_from(
    source: &dyn Source,
    question: &Question<'_>,
    minimum: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Wrong> {
    let beyond = || Wrong::Checkpoint { name: question.checkpoint.name.clone(), error: LogError::OutOfRange };
    let minimum = minimum.checked_next_multiple_of(u64::from(crypto::merkle::TILE_WIDTH)).ok_or_else(beyond)?;
    let wrong = |(name, error)| Wrong::Checkpoint { name, error };
    let (checkpoint, cosignatures) = heads(question).map_err(wrong)?;
    let mut waypoints = vec![(checkpoint.clone(), question.checkpoint.name.as_str())];
    for kept in &question.kept {
        let checkpoint = signed(question, kept).map_err(|error| wrong((kept.name.clone(), error)))?;
        waypoints.push((checkpoint, kept.name.as_str()));
    }
    waypoints.sort_by_key(|(checkpoint, _)| checkpoint.size);
    if let Some((largest, name)) = waypoints.last().filter(|(largest, _)| largest.size > checkpoint.size) {
        return Err(Wrong::CutOff { size: checkpoint.size, name: (*name).to_owned(), kept: largest.size });
    }
    for pair in waypoints.windows(2) {
        if let [(one, first), (other, second)] = pair
            && one.size == other.size
            && one.root != other.root
        {
            return Err(Wrong::Forked { size: one.size, one: (*first).to_owned(), other: (*second).to_owned() });
        }
    }
    let before = waypoints.iter().filter(|(checkpoint, _)| checkpoint.size < minimum).count();
    if minimum > checkpoint.size {
        return Err(beyond());
    }
    let waypoints = waypoints.get(before..).unwrap_or_default();
    // What lies below the minimum is not walked: of its time-stamps only the root that is left could be asked.
    let stamped: Vec<Stamped> = question.anchors.iter().filter(|anchor| anchor.size >= minimum).cloned().collect();
    let sizes = stamped.iter().map(|anchor| anchor.size).collect();
    let walk = walk::Walk::new(source, &checkpoint, waypoints, sizes);
    let walked = if minimum == 0 { walk } else { walk.starting_at(minimum)? }.all(progress)?;
    let anchors = judge_anchors(&stamped, &walked, &checkpoint.origin)?;
    // The log's own checkpoint is one of them.
    let kept = waypoints.len().saturating_sub(1);
    Ok(Verified { checkpoint, cosignatures, kept, tiles: walked.tiles, anchors })
}

/// Whether each time-stamp is over the text of its checkpoint, and the one that a later entry names.
fn judge_anchors(anchors: &[Stamped], walked: &walk::Walked, origin: &str) -> Result<Anchors, Wrong> {
    let mut judged = Anchors { named: walked.named.len(), ..Anchors::default() };
    for anchor in anchors {
        let wrong = |fault| Wrong::Anchor { name: anchor.name.clone(), fault };
        let root = *walked.roots.get(&anchor.size).ok_or_else(|| wrong(AnchorFault::Beyond(anchor.size)))?;
        let text = Checkpoint { origin: origin.to_owned(), size: anchor.size, root }.text();
        if sha256(text.as_bytes()) != anchor.imprint {
            return Err(wrong(AnchorFault::Imprint(anchor.size)));
        }
        match walked.named.get(&anchor.size) {
            Some((digest, _)) if *digest == anchor.digest => judged.fit.push(anchor.size),
            Some((_, index)) => return Err(wrong(AnchorFault::Replaced(*index))),
            None => judged.unnamed.push(anchor.size),
        }
    }
    judged.fit.sort_unstable();
    Ok(judged)
}

/// The checkpoint that is asked about, and who cosigned it.
///
/// # Errors
/// Its name, and why it does not hold.
pub(crate) fn heads(question: &Question<'_>) -> Result<(Checkpoint, Cosignatures), (String, LogError)> {
    let of = |error| (question.checkpoint.name.clone(), error);
    let checkpoint = signed(question, &question.checkpoint).map_err(of)?;
    let cosignatures = match question.policy {
        Some(policy) => {
            let judged = policy.judge(&question.checkpoint.note, Some(question.log));
            judged.map_err(of)?.cosignatures().to_vec()
        }
        None => Vec::new(),
    };
    Ok((checkpoint, cosignatures))
}

/// Names of witnesses, and when they cosigned (POSIX seconds).
pub(crate) type Cosignatures = Vec<(Vec<u8>, u64)>;

/// The checkpoint of a note, signed as the question asks. (A checkpoint that somebody kept may be older than the second key.)
pub(crate) fn signed(question: &Question<'_>, kept: &Kept) -> Result<Checkpoint, LogError> {
    let text = question.log.verify(&kept.note)?;
    if let Some(national) = question.national {
        match national.verify(&kept.note) {
            Err(LogError::NoKnownSignature) if *kept != question.checkpoint => {}
            other => {
                other?;
            }
        }
    }
    let checkpoint = Checkpoint::parse_text(text)?;
    if checkpoint.origin == question.log.name() { Ok(checkpoint) } else { Err(LogError::WrongOrigin) }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("checkpoint", &self.checkpoint).field("kept", &self.kept.len()).finish()
    }
}

#[cfg(test)]
mod tests;
