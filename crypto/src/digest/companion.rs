//! SHA-256 of bytes that lie ready and whose digest is wanted later: it is made beside other digests, almost for nothing.
//!
//! One SHA-256 is a chain in which each instruction waits for the one before, so that a processor with instructions for it is busy half the
//! time at most. Two independent chains fill the gaps: 3.4 GB/s together where one has 1.8 (AMD EPYC, measured). A signed file is hashed
//! whole for its report, and its parts are hashed for their signatures; here the whole comes along while the parts are hashed.
//!
//! Where the processor has no such instructions, or the digest is another one, the table of providers serves as if there were no companion.

use super::chain::{Block, Chain, INITIAL, State, close};
use super::engine::Engine;
use super::{Digest, DigestAlgorithm, Digester, MAX_DIGEST_BYTES, digest, sha256};

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
                close(engine, self.state, tail, self.bytes.len() as u64)
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
        let mut chain = Chain::new();
        for part in parts {
            let blocks = chain.blocks(engine, part);
            self.compress(engine, &mut chain.state, blocks);
        }
        chain.finish(engine)
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

#[cfg(test)]
mod tests;
