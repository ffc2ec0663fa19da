//! The body of `add-checkpoint`:
//!
//! ```text
//! old <size>\n  (<base64 hash>\n){0,63}  \n  <checkpoint>
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::merkle::{Checkpoint, Hash};

/// More than 63 hashes and a checkpoint with sixteen ML-DSA signatures need; a stranger's body is our memory.
pub const MAX_BODY_BYTES: usize = 128 << 10;

/// "The client MUST NOT send more than 63 consistency proof lines."
const MAX_PROOF_LINES: usize = 63;

/// A request that was read. No signature was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint<'b> {
    /// The size that the proof starts from.
    pub old: u64,
    /// The consistency proof.
    pub proof: Vec<Hash>,
    /// The note, as it came.
    pub note: &'b str,
    /// What the note says.
    pub checkpoint: Checkpoint,
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// Longer than [`MAX_BODY_BYTES`].
    #[error("the body is too long")]
    TooLong,
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotText,
    /// The first line is not `old`, a space and a size.
    #[error("the first line is not the old size")]
    OldSize,
    /// A line of the proof is no hash in base64.
    #[error("a line of the proof is not a hash in base64")]
    ProofLine,
    /// More than 63 hashes.
    #[error("the proof has more than 63 lines")]
    ProofTooLong,
    /// No empty line behind the proof.
    #[error("no empty line before the checkpoint")]
    NoCheckpoint,
    /// What follows is no signed note over a checkpoint.
    #[error("not a checkpoint")]
    Checkpoint,
    /// The proof would lead backwards.
    #[error("the old size is larger than the checkpoint's")]
    OldSizeBeyondCheckpoint,
}

impl<'b> AddCheckpoint<'b> {
    /// Reads a body.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(body: &'b [u8]) -> Result<Self, RequestFault> {
        if body.len() > MAX_BODY_BYTES {
            return Err(RequestFault::TooLong);
        }
        let body = std::str::from_utf8(body).map_err(|_| RequestFault::NotText)?;
        let (first, mut rest) = body.split_once('\n').ok_or(RequestFault::OldSize)?;
        let old = first.strip_prefix("old ").and_then(decimal).ok_or(RequestFault::OldSize)?;
        let mut proof = Vec::new();
        let note = loop {
            let (line, after) = rest.split_once('\n').ok_or(RequestFault::NoCheckpoint)?;
            if line.is_empty() {
                break after;
            }
            if proof.len() == MAX_PROOF_LINES {
                return Err(RequestFault::ProofTooLong);
            }
            proof.push(hash(line).ok_or(RequestFault::ProofLine)?);
            rest = after;
        };
        let checkpoint = note_text(note).and_then(|text| Checkpoint::parse_text(text).ok());
        Ok(Self { old, proof, note, checkpoint: checkpoint.ok_or(RequestFault::Checkpoint)? })
    }

    /// The text that the log signed, and a witness cosigns: extension lines are part of it.
    pub(super) fn text(&self) -> &'b str {
        note_text(self.note).unwrap_or_default()
    }
}

/// What stands before the last empty line.
fn note_text(note: &str) -> Option<&str> {
    note.get(..=note.rfind("\n\n")?)
}

/// Decimal without sign and leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn hash(line: &str) -> Option<Hash> {
    STANDARD.decode(line).ok()?.try_into().ok()
}

/// The body of a request, as [`AddCheckpoint::parse`] reads it.
pub(crate) fn body(old: u64, proof: &[Hash], note: &str) -> String {
    let mut body = format!("old {old}\n");
    for hash in proof {
        body.push_str(&STANDARD.encode(hash));
        body.push('\n');
    }
    body.push('\n');
    body.push_str(note);
    body
}
