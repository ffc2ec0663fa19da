//! SHA-256 that the engine of this processor makes of what comes in pieces of any length (FIPS 180-4, 5 and 6.2).

use super::engine::Engine;

/// Octets of a block (FIPS 180-4, 5.2.1).
pub(super) type Block = [u8; 64];

/// The eight words of a chaining value (FIPS 180-4, 5.3.3).
pub(super) type State = [u32; 8];

/// One message on its way.
pub(super) struct Chain {
    /// What the blocks so far came to. Whoever takes blocks in takes them in here.
    pub(super) state: State,
    /// A block that is not full yet.
    begun: Block,
    filled: usize,
    /// Octets of the message.
    length: u64,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { state: INITIAL, begun: [0; size_of::<Block>()], filled: 0, length: 0 }
    }

    /// Completes the block that was begun; answers the whole blocks of the rest, which the caller takes into [`Self::state`] now. What is
    /// less than a block stays here.
    pub(super) fn blocks<'a>(&mut self, engine: Engine, piece: &'a [u8]) -> &'a [Block] {
        self.length = self.length.wrapping_add(piece.len() as u64);
        let mut rest = piece;
        if self.filled > 0 {
            let (head, after) = rest.split_at(rest.len().min(self.begun.len() - self.filled));
            self.begin(head);
            rest = after;
            if self.filled < self.begun.len() {
                return &[];
            }
            engine.one(&mut self.state, &[self.begun]);
            self.filled = 0;
        }
        let (blocks, tail) = rest.as_chunks();
        self.begin(tail);
        blocks
    }

    fn begin(&mut self, octets: &[u8]) {
        self.begun[self.filled..self.filled + octets.len()].copy_from_slice(octets);
        self.filled += octets.len();
    }

    /// Pads (FIPS 180-4, 5.1.1).
    pub(super) fn finish(self, engine: Engine) -> [u8; 32] {
        close(engine, self.state, &self.begun[..self.filled], self.length)
    }
}

/// The digest of a message of `length` octets, of which all but the last `tail` is in the chaining value.
pub(super) fn close(engine: Engine, mut state: State, tail: &[u8], length: u64) -> [u8; 32] {
    let mut last = [0; 2 * size_of::<Block>()];
    last[..tail.len()].copy_from_slice(tail);
    last[tail.len()] = 0x80;
    let end = if tail.len() < 56 { 64 } else { 128 };
    last[end - 8..end].copy_from_slice(&length.wrapping_mul(8).to_be_bytes());
    let (blocks, _) = last[..end].as_chunks();
    engine.one(&mut state, blocks);
    let mut value = [0; 32];
    for (octets, word) in value.chunks_exact_mut(4).zip(state) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
    value
}

/// FIPS 180-4, 5.3.3.
pub(super) const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
