//! Transparency-log arithmetic: the Merkle tree of RFC 9162, 2.1 (the same hashing as RFC 6962), and the C2SP formats around it: tlog-tiles v0.1.0,
//! signed-note v1.0.0, checkpoint v1.0.0, tlog-proof v1, tlog-cosignature v1.0.1 (Ed25519), tlog-policy.
//!
//! Pure: no I/O, no clock, no state but what it is given; also compiled to wasm32, so that a portal can check a receipt in the browser.
//! Numbering entries, storing tiles and publishing checkpoints is the audit room's work. A log must never sign two checkpoints that
//! contradict each other; that promise is kept there too, here only the arithmetic that proves it.
//!
//! Divergence from C2SP: `extra` of tlog-proof and extension lines of checkpoints are read and dropped (they are not authenticated, or not
//! recommended). ML-DSA cosignatures (0x06) are not there yet; their lines are ignored like any unknown one.

mod checkpoint;
mod cosignature;
mod frontier;
mod national;
mod note;
mod policy;
mod proof;
mod tile;
mod tree;

pub use checkpoint::{Checkpoint, TlogProof};
pub use cosignature::{CosignatureVerifier, Cosigner};
pub use frontier::Frontier;
pub use national::NationalVerifier;
pub use note::{NoteSigner, NoteVerifier};
pub use policy::{Policy, PolicyError, PolicyFault, PolicyLog, PolicyWitness, WitnessedCheckpoint};
pub use proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use tile::{TILE_WIDTH, TileId, TileReader, entry_bundle, parse_entry_bundle};
pub use tree::{empty_root, leaf_hash, node_hash};

/// A SHA-256 tree hash.
pub type Hash = [u8; 32];

/// Why something of a log was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Not of the form that the named format asks for.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A proof, or tiles from storage, that do not lead to the root.
    #[error("the proof does not verify")]
    ProofMismatch,
    /// A checkpoint, rightly signed, of another log than asked for.
    #[error("the checkpoint belongs to another log")]
    WrongOrigin,
    /// A note without a signature line of the key asked for.
    #[error("no signature by a known key")]
    NoKnownSignature,
    /// A note with a signature line of the key asked for that does not verify; nothing in the note may be believed.
    #[error("a signature by a known key does not verify")]
    BadSignature,
    /// The key that signs is in a token that does not answer. The same may succeed later.
    #[error("the key that signs is out of reach")]
    KeyUnavailable,
    /// A checkpoint, rightly signed, that too few of the witnesses cosigned that the policy names.
    #[error("{cosigned} witnesses of the policy cosigned, which is no quorum")]
    NoQuorum {
        /// How many did.
        cosigned: usize,
    },
    /// The reader has not what the tree of this size must have.
    #[error("a tile is missing or has the wrong size: level {level}, index {index}")]
    MissingTile {
        /// Level of the tile; 0 holds leaf hashes.
        level: u8,
        /// Index of the tile in its level.
        index: u64,
    },
    /// An index outside the tree, or a tree outside another.
    #[error("index outside the tree")]
    OutOfRange,
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod witness_tests;
