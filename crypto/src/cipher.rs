//! What the national block ciphers ([`crate::gost28147`], [`crate::kalyna`]) refuse.

/// Why a cipher was not set up, or did not take its input. Lengths are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// The key has a length that the cipher does not define.
    #[error("the cipher has no key of {length} bytes")]
    KeyLength {
        /// What was given.
        length: usize,
    },
    /// The initialisation vector (synchronisation message) has not the length that the mode asks for.
    #[error("the mode takes no initialisation vector of {length} bytes")]
    IvLength {
        /// What was given.
        length: usize,
    },
    /// The input has a length that the mode does not take: not whole blocks, too short, or too long.
    #[error("the mode takes no input of {length} bytes")]
    DataLength {
        /// What was given.
        length: usize,
    },
    /// The mode has no feedback of this length.
    #[error("the mode has no feedback of {length} bytes")]
    FeedbackLength {
        /// What was asked for.
        length: usize,
    },
    /// The mode has no authentication tag of this length.
    #[error("the mode has no tag of {length} bytes")]
    TagLength {
        /// What was asked for.
        length: usize,
    },
    /// A long-term key (DKE) that is not 64 bytes.
    #[error("a DKE is 64 bytes, not {length}")]
    DkeLength {
        /// What was given.
        length: usize,
    },
    /// A long-term key (DKE) one of whose rows repeats a value.
    #[error("row {row} of the DKE is not a permutation")]
    DkeNotAPermutation {
        /// From 1, as the standard counts.
        row: usize,
    },
    /// The integrity check failed: another key, or changed bytes.
    #[error("the integrity check failed: another key, or changed bytes")]
    Forged,
}

/// Compares in a time that depends on the lengths only.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |sum, (left, right)| sum | std::hint::black_box(left ^ right));
    left.len() == right.len() && std::hint::black_box(difference) == 0
}
