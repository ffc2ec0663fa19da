//! Checkpoints (C2SP tlog-checkpoint v1.0.0) and offline receipts (C2SP tlog-proof v1).

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::note::NoteVerifier;
use super::proof::verify_inclusion;
use super::tree::leaf_hash;
use super::{Hash, LogError};

/// What a log says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Leaves of the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The note text: origin, size and root in base64, each on its line.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads a note text. Extension lines are allowed and dropped.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where a line is missing or empty, the size is not plain decimal, or the root is not base64 of 32 bytes.
    pub fn parse_text(text: &str) -> Result<Self, LogError> {
        Self::read(text).ok_or(LogError::Malformed("checkpoint"))
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, decimal(lines.next()?)?, hash(lines.next()?)?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        Some(Self { origin: origin.to_owned(), size, root })
    }
}

/// A receipt that can be checked offline: an inclusion proof and the signed checkpoint that it leads to (`c2sp.org/tlog-proof@v1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Index of the entry.
    pub index: u64,
    /// The inclusion proof, the leaf's sibling first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// The text of a `.tlog-proof` file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{PROOF_HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{}", STANDARD.encode(hash));
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a `.tlog-proof` file. An `extra` line is checked for its form and dropped: it is not authenticated.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for anything else; more than 63 hashes belong to no tree.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        Self::read(text).ok_or(LogError::Malformed("proof"))
    }

    fn read(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        if lines.next()? != PROOF_HEADER || checkpoint.is_empty() {
            return None;
        }
        let mut line = lines.next()?;
        if let Some(extra) = line.strip_prefix("extra ") {
            STANDARD.decode(extra).ok()?;
            line = lines.next()?;
        }
        let index = decimal(line.strip_prefix("index ")?)?;
        let hashes = lines.take(MAX_PROOF_HASHES + 1).map(hash).collect::<Option<Vec<_>>>()?;
        if hashes.len() > MAX_PROOF_HASHES {
            return None;
        }
        Some(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// The checkpoint, where everything holds: it is signed by `log`, it is of the log of that name, and `entry` is number `index` of its tree.
    ///
    /// # Errors
    /// As [`NoteVerifier::verify`], [`Checkpoint::parse_text`] and [`verify_inclusion`]; [`LogError::WrongOrigin`] where the origin is not the key's name.
    pub fn verify(&self, entry: &[u8], log: &NoteVerifier) -> Result<Checkpoint, LogError> {
        let checkpoint = Checkpoint::parse_text(log.verify(&self.checkpoint)?)?;
        if checkpoint.origin != log.name() {
            return Err(LogError::WrongOrigin);
        }
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &checkpoint.root, &self.hashes)?;
        Ok(checkpoint)
    }
}

/// Decimal without sign and leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^63 leaves has proofs of 63 hashes.
const MAX_PROOF_HASHES: usize = 63;
