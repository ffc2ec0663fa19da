//! Two SHA-256 digests that are made side by side: what a document is, and what it is sealed.
//!
//! Why it pays is said at the companion ([`super::companion`]), whose bytes lie ready; here both messages come in pieces.

use super::chain::{Block, Chain};
use super::engine::Engine;
use super::{DigestAlgorithm, Digester};

/// Two messages that are hashed while they stream by.
pub struct Sha256Pair(Way);

enum Way {
    Beside(Engine, [Chain; 2]),
    /// One after the other, by the table of providers: this processor has no instructions that we have written for.
    Apart([Digester; 2]),
}

impl Sha256Pair {
    /// Two empty messages.
    pub fn new() -> Self {
        match Engine::detect() {
            Some(engine) => Self(Way::Beside(engine, [Chain::new(), Chain::new()])),
            None => Self::apart(),
        }
    }

    fn apart() -> Self {
        Self(Way::Apart([Digester::new(DigestAlgorithm::Sha256), Digester::new(DigestAlgorithm::Sha256)]))
    }

    /// Takes in what comes next of each. As far as both go they are hashed in the time of one, so pieces of about the same length pay.
    pub fn update(&mut self, pieces: [&[u8]; 2]) {
        let [left, right] = pieces;
        match &mut self.0 {
            Way::Beside(engine, [first, second]) => {
                let (left, right) = (first.blocks(*engine, left), second.blocks(*engine, right));
                let ([left, left_alone], [right, right_alone]) = together(left, right);
                engine.two([&mut first.state, &mut second.state], [left, right]);
                engine.one(&mut first.state, left_alone);
                engine.one(&mut second.state, right_alone);
            }
            Way::Apart([first, second]) => {
                first.update(left);
                second.update(right);
            }
        }
    }

    /// The digest of each.
    pub fn finish(self) -> [[u8; 32]; 2] {
        match self.0 {
            Way::Beside(engine, chains) => chains.map(|chain| chain.finish(engine)),
            Way::Apart(digesters) => digesters.map(|digester| {
                let mut value = [0; 32];
                value.copy_from_slice(digester.finish().as_bytes());
                value
            }),
        }
    }
}

impl Default for Sha256Pair {
    fn default() -> Self {
        Self::new()
    }
}

/// Splits each at the length of the shorter one.
fn together<'a>(left: &'a [Block], right: &'a [Block]) -> ([&'a [Block]; 2], [&'a [Block]; 2]) {
    let both = left.len().min(right.len());
    (left.split_at(both).into(), right.split_at(both).into())
}

#[cfg(test)]
mod tests;
