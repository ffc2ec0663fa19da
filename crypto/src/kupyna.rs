//! Kupyna (DSTU 7564:2014): digests of 8 to 512 bits in whole bytes, the authentication code of its clause on KMAC, and HMAC (RFC 2104) and
//! PBKDF2 (RFC 8018) over it.
//!
//! Constant time (no address and no branch depends on what is hashed) are [`Kupyna::constant_time`] on every processor, and all of the
//! module on one with AVX-512 (VBMI) and GFNI. Elsewhere the substitution is by table look-up, whose cache lines depend on what is hashed.
//!
//! Knows no OIDs; [`crate::digest`] does.

mod compress;
mod engine;
#[cfg(target_arch = "x86_64")]
mod x86;

use zeroize::{Zeroize, Zeroizing};

use crate::cipher::CipherError;
use crate::keyed::{self, Hash};
use engine::Engine;

/// Bits of a digest: a multiple of 8 from 8 to 512. Widths up to 256 share one inner hash, those above another; a shorter digest is the end
/// of the longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Width(u8);

impl Width {
    /// Kupyna-256.
    pub const BITS_256: Self = Self(32);
    /// Kupyna-384.
    pub const BITS_384: Self = Self(48);
    /// Kupyna-512.
    pub const BITS_512: Self = Self(64);

    /// `None` for what is no multiple of 8 from 8 to 512.
    pub fn from_bits(bits: usize) -> Option<Self> {
        let bytes = u8::try_from(bits / 8).ok()?;
        (bits.is_multiple_of(8) && (1..=64).contains(&bytes)).then_some(Self(bytes))
    }

    /// Length of the digest in bytes.
    pub const fn output_len(self) -> usize {
        self.0 as usize
    }

    /// Length of a block in bytes: 64 up to 256 bits, 128 above.
    pub const fn block_len(self) -> usize {
        if self.0 <= 32 { 64 } else { 128 }
    }
}

/// Kupyna under way. Forgets its state when dropped.
#[derive(Clone)]
pub struct Kupyna {
    width: Width,
    engine: Engine,
    state: State,
    /// Bytes taken in, those of `pending` included.
    length: u64,
    pending: [u8; MAX_BLOCK_BYTES],
}

#[derive(Clone)]
enum State {
    Narrow([u64; 8]),
    Wide([u64; 16]),
}

impl Kupyna {
    /// An empty digest.
    pub fn new(width: Width) -> Self {
        Self::with_engine(width, Engine::new())
    }

    /// An empty digest that is constant time on every processor: for secrets. A hundred times slower where the registers do not serve.
    pub fn constant_time(width: Width) -> Self {
        Self::with_engine(width, Engine::constant_time())
    }

    fn with_engine(width: Width, engine: Engine) -> Self {
        let state = if width.block_len() == 64 {
            let mut state = [0; 8];
            state[0] = 64;
            State::Narrow(state)
        } else {
            let mut state = [0; 16];
            state[0] = 128;
            State::Wide(state)
        };
        Self { width, engine, state, length: 0, pending: [0; MAX_BLOCK_BYTES] }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let block = self.width.block_len();
        let filled = self.filled();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if filled > 0 {
            let Some((head, rest)) = bytes.split_at_checked(block - filled) else {
                self.pending[filled..filled + bytes.len()].copy_from_slice(bytes);
                return;
            };
            self.pending[filled..block].copy_from_slice(head);
            self.state.absorb(self.engine, &self.pending[..block]);
            bytes = rest;
        }
        let rest = self.state.absorb(self.engine, bytes);
        self.pending[..rest.len()].copy_from_slice(rest);
    }

    /// The digest of everything taken in, [`Width::output_len`] bytes.
    pub fn finish(self) -> Vec<u8> {
        let mut digest = vec![0; self.width.output_len()];
        self.finish_into(&mut digest);
        digest
    }

    /// A one bit, zeros, and the length in bits in the last 12 bytes of a block (DSTU 7564:2014, 6: padding). Leaves no pending bytes.
    fn pad(&mut self, message_bytes: u64) {
        let block = self.width.block_len();
        let filled = self.filled();
        let zeros = (2 * block - LENGTH_BYTES - 1 - filled) % block;
        let mut padding = [0; 2 * MAX_BLOCK_BYTES];
        padding[0] = 0x80;
        let bits = u128::from(message_bytes) * 8;
        padding[1 + zeros..1 + zeros + LENGTH_BYTES].copy_from_slice(&bits.to_le_bytes()[..LENGTH_BYTES]);
        self.update(&padding[..1 + zeros + LENGTH_BYTES]);
    }

    fn filled(&self) -> usize {
        usize::from(self.length.to_le_bytes()[0]) % self.width.block_len()
    }
}

impl State {
    /// Compresses every whole block; answers the bytes that are left.
    fn absorb<'a>(&mut self, engine: Engine, bytes: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Narrow(state) => {
                let (blocks, rest) = bytes.as_chunks::<64>();
                engine.compress_narrow(state, blocks);
                rest
            }
            Self::Wide(state) => {
                let (blocks, rest) = bytes.as_chunks::<128>();
                engine.compress_wide(state, blocks);
                rest
            }
        }
    }

    /// `h ^ P(h)`, whose last bytes are the digest.
    fn finish(&self, engine: Engine) -> [u8; MAX_BLOCK_BYTES] {
        let mut bytes = [0; MAX_BLOCK_BYTES];
        match self {
            Self::Narrow(state) => write_sum(state, &engine.permute_narrow(*state), &mut bytes[MAX_BLOCK_BYTES - 64..]),
            Self::Wide(state) => write_sum(state, &engine.permute_wide(*state), &mut bytes),
        }
        bytes
    }
}

impl Drop for Kupyna {
    fn drop(&mut self) {
        match &mut self.state {
            State::Narrow(state) => state.zeroize(),
            State::Wide(state) => state.zeroize(),
        }
        self.pending.zeroize();
    }
}

impl std::fmt::Debug for Kupyna {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Kupyna({:?}, ..)", self.width)
    }
}

impl Hash for Kupyna {
    fn block_len(&self) -> usize {
        self.width.block_len()
    }

    fn output_len(&self) -> usize {
        self.width.output_len()
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish_into(mut self, out: &mut [u8]) {
        self.pad(self.length);
        let bytes = self.state.finish(self.engine);
        out.copy_from_slice(&bytes[MAX_BLOCK_BYTES - self.width.output_len()..]);
    }
}

/// The digest of `bytes`, [`Width::output_len`] bytes.
pub fn kupyna(width: Width, bytes: &[u8]) -> Vec<u8> {
    let mut hash = Kupyna::new(width);
    hash.update(bytes);
    hash.finish()
}

/// The authentication code of DSTU 7564:2014 under way: `H(pad(K) ‖ pad(M) ‖ not K)`. OIDs `1.2.804.2.1.1.1.1.2.2.4` to `.6`.
pub struct Kmac {
    hash: Kupyna,
    inverted_key: Zeroizing<Vec<u8>>,
    message_bytes: u64,
}

impl Kmac {
    /// KMAC-256, -384 or -512; the key is as long as the code.
    ///
    /// # Errors
    /// [`CipherError::TagLength`] for another width, [`CipherError::KeyLength`] for another key.
    pub fn new(width: Width, key: &[u8]) -> Result<Self, CipherError> {
        if ![Width::BITS_256, Width::BITS_384, Width::BITS_512].contains(&width) {
            return Err(CipherError::TagLength { length: width.output_len() });
        }
        if key.len() != width.output_len() {
            return Err(CipherError::KeyLength { length: key.len() });
        }
        let mut hash = Kupyna::new(width);
        hash.update(key);
        hash.pad(key.len() as u64);
        let inverted_key = Zeroizing::new(key.iter().map(|byte| !byte).collect());
        Ok(Self { hash, inverted_key, message_bytes: 0 })
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.message_bytes = self.message_bytes.wrapping_add(bytes.len() as u64);
        self.hash.update(bytes);
    }

    /// The code of everything taken in, as long as the key. Compare it in constant time: [`Kmac::verify`].
    pub fn finish(mut self) -> Vec<u8> {
        self.hash.pad(self.message_bytes);
        self.hash.update(&self.inverted_key);
        self.hash.finish()
    }

    /// Compares the code of everything taken in with `code` in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`CipherError::Forged`] where they differ.
    pub fn verify(self, code: &[u8]) -> Result<(), CipherError> {
        if crate::cipher::equal(&self.finish(), code) { Ok(()) } else { Err(CipherError::Forged) }
    }
}

impl std::fmt::Debug for Kmac {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Kmac(..)")
    }
}

/// HMAC (RFC 2104) over Kupyna, [`Width::output_len`] bytes; a key longer than [`Width::block_len`] is hashed first.
pub fn hmac(width: Width, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = keyed::Hmac::new(&Kupyna::new(width), key);
    mac.update(message);
    let mut value = vec![0; width.output_len()];
    mac.finish_into(&mut value);
    value
}

/// PBKDF2 (RFC 8018, 5.2) with [`hmac`]; fills `key` of any length. No iterations count as one.
pub fn pbkdf2(width: Width, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    keyed::pbkdf2(&Kupyna::new(width), password, salt, iterations, key);
}

fn write_sum(left: &[u64], right: &[u64], out: &mut [u8]) {
    for ((bytes, left), right) in out.chunks_exact_mut(8).zip(left).zip(right) {
        bytes.copy_from_slice(&(left ^ right).to_le_bytes());
    }
}

const MAX_BLOCK_BYTES: usize = 128;
/// The length of the message is a 96-bit number.
const LENGTH_BYTES: usize = 12;

#[cfg(test)]
mod tests;
