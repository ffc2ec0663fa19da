//! SHA-256 of bytes that lie ready and whose digest is wanted later: it is made beside other digests, almost for nothing.
//!
//! One SHA-256 is a chain in which each instruction waits for the one before, so that a processor with instructions for it is busy half the
//! time at most. Two independent chains fill the gaps: 3.4 GB/s together where one has 1.8 (AMD EPYC, measured). A signed file is hashed
//! whole for its report, and its parts are hashed for their signatures; here the whole comes along while the parts are hashed.
//!
//! Where the processor has no such instructions, or the digest is another one, the table of providers serves as if there were no companion.

#[cfg_attr(target_arch = "x86_64", path = "companion/x86.rs")]
#[cfg_attr(not(target_arch = "x86_64"), path = "companion/absent.rs")]
mod engine;

use super::{Digest, DigestAlgorithm, Digester, MAX_DIGEST_BYTES, digest, sha256};
use engine::Engine;

/// Octets of a block (FIPS 180-4, 5.2.1).
type Block = [u8; 64];

/// The eight words of a chaining value (FIPS 180-4, 5.3.3).
type State = [u32; 8];

/// Bytes whose SHA-256 is made beside other digests.
pub struct Companion<'a> {
    bytes: &'a [u8],
    /// Blocks of `bytes` that `state` has taken in.
    taken: usize,
    state: State,
}

impl<'a> Companion<'a> {
    /// Nothing is hashed yet, and nothing is if nobody asks.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, taken: 0, state: INITIAL }
    }

    /// The digest of `parts` one after another, whatever the companion is. As many blocks of its own bytes come along as fit beside.
    pub fn digest(&mut self, algorithm: DigestAlgorithm, parts: &[&[u8]]) -> Digest {
        let is_long = parts.iter().map(|part| part.len()).sum::<usize>() >= size_of::<Block>();
        if algorithm == DigestAlgorithm::Sha256
            && is_long
            && !self.blocks().is_empty()
            && let Some(engine) = Engine::detect()
        {
            let mut bytes = [0; MAX_DIGEST_BYTES];
            bytes[..32].copy_from_slice(&self.beside(engine, parts));
            return Digest { algorithm, bytes };
        }
        if let [only] = parts {
            return digest(algorithm, only);
        }
        let mut digester = Digester::new(algorithm);
        parts.iter().for_each(|part| digester.update(part));
        digester.finish()
    }

    /// SHA-256 of the bytes that [`Self::new`] was given.
    pub fn finish(mut self) -> [u8; 32] {
        match Engine::detect() {
            Some(engine) if self.taken > 0 => {
                let rest = self.blocks();
                engine.one(&mut self.state, rest);
                let (_, tail) = self.bytes.as_chunks::<64>();
                close(engine, self.state, tail, self.bytes.len())
            }
            _ => sha256(self.bytes),
        }
    }

    /// The whole blocks that are not taken in yet.
    fn blocks(&self) -> &'a [Block] {
        let (blocks, _) = self.bytes.as_chunks();
        blocks.get(self.taken..).unwrap_or_default()
    }

    /// SHA-256 of `parts`, which may end anywhere within a block.
    fn beside(&mut self, engine: Engine, parts: &[&[u8]]) -> [u8; 32] {
        let (mut state, mut length) = (INITIAL, 0);
        let (mut block, mut filled) = ([0; size_of::<Block>()], 0);
        for part in parts {
            length += part.len();
            let (head, rest) = part.split_at(part.len().min((block.len() - filled) % block.len()));
            block[filled..filled + head.len()].copy_from_slice(head);
            filled += head.len();
            if filled == block.len() {
                self.compress(engine, &mut state, &[block]);
                filled = 0;
            }
            let (blocks, tail) = rest.as_chunks();
            self.compress(engine, &mut state, blocks);
            block[filled..filled + tail.len()].copy_from_slice(tail);
            filled += tail.len();
        }
        close(engine, state, &block[..filled], length)
    }

    /// Takes `blocks` into `state`, and the companion's own beside them.
    fn compress(&mut self, engine: Engine, state: &mut State, blocks: &[Block]) {
        let own = self.blocks();
        let together = blocks.len().min(own.len());
        let (beside, alone) = blocks.split_at(together);
        engine.two([state, &mut self.state], [beside, &own[..together]]);
        self.taken += together;
        engine.one(state, alone);
    }
}

/// How far it has come; not the bytes, which may be somebody's document.
impl std::fmt::Debug for Companion<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Companion({} bytes, {} blocks taken)", self.bytes.len(), self.taken)
    }
}

/// Pads the last `tail` of a message of `length` octets (FIPS 180-4, 5.1.1).
fn close(engine: Engine, mut state: State, tail: &[u8], length: usize) -> [u8; 32] {
    let mut last = [0; 2 * size_of::<Block>()];
    last[..tail.len()].copy_from_slice(tail);
    last[tail.len()] = 0x80;
    let end = if tail.len() < 56 { 64 } else { 128 };
    last[end - 8..end].copy_from_slice(&(length as u64).wrapping_mul(8).to_be_bytes());
    let (blocks, _) = last[..end].as_chunks();
    engine.one(&mut state, blocks);
    let mut value = [0; 32];
    for (octets, word) in value.chunks_exact_mut(4).zip(state) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
    value
}

/// FIPS 180-4, 5.3.3.
const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(test)]
mod tests;
