//! What node and signer say to each other.
//!
//! ```text
//! frame    u32 length of the body, at most 16,384 ‖ body                       integers big-endian
//! body     u8 version = 1 ‖ u8 kind ‖ content
//!
//! question 1 what was signed last   -
//!          2 sign                   u64 size ‖ root[32] ‖ u64 proven from ‖ u8 count, at most 63 ‖ count × hash[32] ‖ note that is held, or nothing
//! answer   1 nothing was signed     -
//!          2 what was signed last   its text (C2SP tlog-checkpoint)
//!          3 signed                 the note
//!          4 another tree was signed meanwhile
//!          5 contradicts what was signed
//!          6 the memory is not what it must be: a sentence
//!          7 the question is not understood
//!          8 the disk of the memory fails now: a sentence
//! ```
//!
//! Strict: what is left over is not understood. Whether a log is empty is no part of a question: the signer is not told so by strangers.

use crate::log::Wanted;
use crypto::merkle::Hash;

/// Longest body: a note with sixteen signature lines is some 5 kB.
pub(super) const BODY: usize = 16_384;

/// A proof of a tree of 2^63 entries has no more (C2SP tlog-witness).
const PROOF: usize = 63;

const VERSION: u8 = 1;

/// What a node asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    LastSigned,
    Sign(Wanted),
}

/// What the signer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    LastSigned(Option<String>),
    Signed(String),
    Moved,
    Inconsistent,
    State(String),
    Unintelligible,
    Unavailable(String),
}

impl Question {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::LastSigned => vec![VERSION, 1],
            Self::Sign(wanted) => {
                let mut body = vec![VERSION, 2];
                body.extend_from_slice(&wanted.size.to_be_bytes());
                body.extend_from_slice(&wanted.root);
                body.extend_from_slice(&wanted.proven_from.to_be_bytes());
                // A proof of ours is never longer; one that were would be cut here and refused there.
                let proof = wanted.proof.get(..PROOF).unwrap_or(&wanted.proof);
                body.push(u8::try_from(proof.len()).unwrap_or(u8::MAX));
                body.extend_from_slice(proof.as_flattened());
                body.extend_from_slice(wanted.held.as_deref().unwrap_or_default().as_bytes());
                body
            }
        }
    }

    /// None for anything that is not written exactly so.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (kind, rest) = open(body)?;
        match kind {
            1 => rest.is_empty().then_some(Self::LastSigned),
            2 => {
                let (size, rest) = rest.split_first_chunk::<8>()?;
                let (root, rest) = rest.split_first_chunk::<32>()?;
                let (proven_from, rest) = rest.split_first_chunk::<8>()?;
                let (count, rest) = rest.split_first()?;
                let count = usize::from(*count);
                let (proof, held) = rest.split_at_checked((count <= PROOF).then_some(count * 32)?)?;
                let proof: Vec<Hash> = proof.as_chunks::<32>().0.to_vec();
                let held = (!held.is_empty()).then(|| String::from_utf8(held.to_vec()));
                Some(Self::Sign(Wanted {
                    size: u64::from_be_bytes(*size),
                    root: *root,
                    was_empty: false,
                    proven_from: u64::from_be_bytes(*proven_from),
                    proof,
                    held: held.transpose().ok()?,
                }))
            }
            _ => None,
        }
    }
}

impl Answer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (kind, text) = match self {
            Self::LastSigned(None) => (1, ""),
            Self::LastSigned(Some(text)) => (2, text.as_str()),
            Self::Signed(note) => (3, note.as_str()),
            Self::Moved => (4, ""),
            Self::Inconsistent => (5, ""),
            Self::State(why) => (6, why.as_str()),
            Self::Unintelligible => (7, ""),
            Self::Unavailable(why) => (8, why.as_str()),
        };
        [&[VERSION, kind], text.as_bytes()].concat()
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (kind, rest) = open(body)?;
        let text = || String::from_utf8(rest.to_vec()).ok();
        let bare = |answer| rest.is_empty().then_some(answer);
        match kind {
            1 => bare(Self::LastSigned(None)),
            2 => Some(Self::LastSigned(Some(text()?))),
            3 => Some(Self::Signed(text()?)),
            4 => bare(Self::Moved),
            5 => bare(Self::Inconsistent),
            6 => Some(Self::State(text()?)),
            7 => bare(Self::Unintelligible),
            8 => Some(Self::Unavailable(text()?)),
            _ => None,
        }
    }

    /// A label of metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::LastSigned(_) => "last_signed",
            Self::Signed(_) => "signed",
            Self::Moved => "moved",
            Self::Inconsistent => "inconsistent",
            Self::State(_) => "state",
            Self::Unintelligible => "unintelligible",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

fn open(body: &[u8]) -> Option<(u8, &[u8])> {
    match body {
        [VERSION, kind, rest @ ..] => Some((*kind, rest)),
        _ => None,
    }
}

/// The frame around a body that is within its bound.
pub(super) fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body].concat()
}

/// The length of a body; None beyond the bound.
pub(super) fn length(head: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(head)).ok().filter(|length| *length <= BODY)
}
