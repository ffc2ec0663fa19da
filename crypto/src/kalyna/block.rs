//! Round keys and rounds of Kalyna (DSTU 7624:2014, 6 to 8): `N` columns a block, `N` or `2 N` words a key.

use zeroize::Zeroizing;

use super::MAX_BLOCK_BYTES;
use super::layer::{Layer, Masked, Tables};
use super::modes::{each_block, read};
#[cfg(target_arch = "x86_64")]
use super::x86;
#[cfg(target_arch = "x86_64")]
use crate::dstu_tables::x86::Avx512;

/// Round keys, and what computes with them.
#[derive(Clone)]
pub(crate) struct Block<const N: usize> {
    engine: Engine,
    /// First used first.
    encryption: Zeroizing<Vec<[u64; N]>>,
    /// The same, those in the middle with the inverse matrix applied; the registers do without.
    decryption: Zeroizing<Vec<[u64; N]>>,
}

#[derive(Debug, Clone, Copy)]
enum Engine {
    Tables,
    Masked,
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// What the registers transform side by side, whatever the size of a block.
pub(crate) const BATCH_BYTES: usize = 512;

impl<const N: usize> Block<N> {
    /// The fastest engine. `key` has `N` or `2 N` words.
    pub(crate) fn new(key: &[u64]) -> Self {
        Self::in_registers(key).unwrap_or_else(|| Self::with_tables(key))
    }

    /// The fastest engine of constant time.
    pub(crate) fn constant_time(key: &[u64]) -> Self {
        Self::in_registers(key).unwrap_or_else(|| Self::masked(key))
    }

    pub(crate) fn with_tables(key: &[u64]) -> Self {
        Self::portable(Engine::Tables, Tables, key)
    }

    pub(crate) fn masked(key: &[u64]) -> Self {
        Self::portable(Engine::Masked, Masked, key)
    }

    /// `None` where the processor cannot.
    #[cfg(target_arch = "x86_64")]
    fn in_registers(key: &[u64]) -> Option<Self> {
        let avx512 = Avx512::detect()?;
        let decryption = Zeroizing::new(Vec::new());
        Some(Self { engine: Engine::Avx512(avx512), encryption: round_keys(avx512, key), decryption })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn in_registers(_: &[u64]) -> Option<Self> {
        None
    }

    fn portable<L: Layer>(engine: Engine, layer: L, key: &[u64]) -> Self {
        let encryption = round_keys(layer, key);
        let last = encryption.len() - 1;
        let mut decryption = encryption.clone();
        decryption[1..last].iter_mut().for_each(|key| *key = layer.unmix_columns(key));
        Self { engine, encryption, decryption }
    }

    /// A block's bytes as its words.
    pub(crate) fn words(&self, bytes: &[u8; MAX_BLOCK_BYTES]) -> [u64; N] {
        read(bytes)
    }

    #[inline]
    pub(crate) fn encrypt(&self, state: [u64; N]) -> [u64; N] {
        match self.engine {
            Engine::Tables => self.encrypt_with(Tables, state),
            Engine::Masked => self.encrypt_with(Masked, state),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(avx512) => x86::encrypt(avx512, &self.encryption, state),
        }
    }

    #[inline]
    pub(crate) fn decrypt(&self, state: [u64; N]) -> [u64; N] {
        match self.engine {
            Engine::Tables => self.decrypt_with(Tables, state),
            Engine::Masked => self.decrypt_with(Masked, state),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(avx512) => x86::decrypt(avx512, &self.encryption, state),
        }
    }

    /// Encrypts every whole block of `data`, each alone.
    pub(crate) fn encrypt_each(&self, data: &mut [u8]) {
        match self.engine {
            Engine::Tables => each_block(data, |state| self.encrypt_with(Tables, state)),
            Engine::Masked => each_block(data, |state| self.encrypt_with(Masked, state)),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(avx512) => in_batches(
                data,
                |batch| x86::encrypt_batch(avx512, &self.encryption, batch),
                |state| x86::encrypt(avx512, &self.encryption, state),
            ),
        }
    }

    /// The inverse of [`Block::encrypt_each`].
    pub(crate) fn decrypt_each(&self, data: &mut [u8]) {
        match self.engine {
            Engine::Tables => each_block(data, |state| self.decrypt_with(Tables, state)),
            Engine::Masked => each_block(data, |state| self.decrypt_with(Masked, state)),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512(avx512) => in_batches(
                data,
                |batch| x86::decrypt_batch(avx512, &self.encryption, batch),
                |state| x86::decrypt(avx512, &self.encryption, state),
            ),
        }
    }

    #[inline(always)]
    fn encrypt_with<L: Layer>(&self, layer: L, mut state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = self.encryption.as_slice() else { return state };
        state = add(&state, first);
        for key in middle {
            state = xor(&layer.mix(&state), key);
        }
        add(&layer.mix(&state), last)
    }

    #[inline(always)]
    fn decrypt_with<L: Layer>(&self, layer: L, mut state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = self.decryption.as_slice() else { return state };
        state = layer.unmix_columns(&subtract(&state, last));
        for key in middle.iter().rev() {
            state = xor(&layer.unmix(&state), key);
        }
        subtract(&layer.unsubstitute(&state), first)
    }
}

/// Transforms 512 bytes a time. What is left goes one by one where that is sooner than a whole batch.
#[cfg(target_arch = "x86_64")]
fn in_batches<const N: usize>(
    data: &mut [u8],
    batch: impl Fn(&mut [u8; BATCH_BYTES]),
    one: impl Fn([u64; N]) -> [u64; N],
) {
    let (batches, rest) = data.as_chunks_mut::<BATCH_BYTES>();
    batches.iter_mut().for_each(&batch);
    if rest.len() <= FEW_BLOCKS * 8 * N {
        return each_block(rest, one);
    }
    let mut last = Zeroizing::new([0; BATCH_BYTES]);
    last[..rest.len()].copy_from_slice(rest);
    batch(&mut last);
    rest.copy_from_slice(&last[..rest.len()]);
}

#[cfg(target_arch = "x86_64")]
const FEW_BLOCKS: usize = 4;

/// Ten rounds for keys of 2 words, 14 for 4, 18 for 8. Even keys from the key, turned word by word; odd keys from the even one before (DSTU 7624:2014, key expansion).
fn round_keys<L: Layer, const N: usize>(layer: L, key: &[u64]) -> Zeroizing<Vec<[u64; N]>> {
    let half = |number: usize| -> [u64; N] { std::array::from_fn(|word| key[(number * N + word) % key.len()]) };
    let mut state = [0; N];
    state[0] = (N + key.len() + 1) as u64;
    state = add(&state, &half(0));
    state = xor(&layer.mix(&state), &half(1));
    state = add(&layer.mix(&state), &half(0));
    let intermediate = Zeroizing::new(layer.mix(&state));

    let rounds = 4 * key.len().ilog2() as usize + 6;
    let mut keys = Zeroizing::new(Vec::with_capacity(rounds + 1));
    for number in 0..=rounds / 2 {
        let constant = 0x0001_0001_0001_0001_u64 << number;
        let mask: [u64; N] = intermediate.map(|word| word.wrapping_add(constant));
        // Where the key is twice a block, its halves take turns and it moves on after each pair.
        let start = if key.len() == N { number } else { number / 2 + number % 2 * N };
        let source: [u64; N] = std::array::from_fn(|word| key[(start + word) % key.len()]);
        let mut even = add(&source, &mask);
        even = xor(&layer.mix(&even), &mask);
        even = add(&layer.mix(&even), &mask);
        keys.push(even);
        if number < rounds / 2 {
            keys.push(turn(&even));
        }
    }
    keys
}

/// To the left by `2 N + 3` bytes.
fn turn<const N: usize>(key: &[u64; N]) -> [u64; N] {
    let bits = 8 * (2 * N + 3);
    let (words, rest) = (bits / 64, bits % 64);
    std::array::from_fn(|word| key[(word + words) % N] >> rest | key[(word + words + 1) % N] << (64 - rest))
}

#[inline(always)]
fn add<const N: usize>(left: &[u64; N], right: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|word| left[word].wrapping_add(right[word]))
}

#[inline(always)]
fn subtract<const N: usize>(left: &[u64; N], right: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|word| left[word].wrapping_sub(right[word]))
}

#[inline(always)]
fn xor<const N: usize>(left: &[u64; N], right: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|word| left[word] ^ right[word])
}
