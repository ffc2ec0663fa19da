//! Round keys and rounds of Kalyna (DSTU 7624:2014, 6 to 8): `N` columns a block, `N` or `2 N` words a key.

use zeroize::Zeroizing;

use super::layer::{Layer, Tables, unmix, unmix_columns, unsubstitute};

/// Round keys, first used first.
#[derive(Clone)]
pub(crate) struct Block<const N: usize> {
    encryption: Zeroizing<Vec<[u64; N]>>,
    /// The same, those in the middle with the inverse matrix applied.
    decryption: Zeroizing<Vec<[u64; N]>>,
}

impl<const N: usize> Block<N> {
    /// `key` has `N` or `2 N` words.
    pub(crate) fn new<L: Layer>(key: &[u64]) -> Self {
        let encryption = round_keys::<L, N>(key);
        let last = encryption.len() - 1;
        let mut decryption = encryption.clone();
        decryption[1..last].iter_mut().for_each(|key| *key = unmix_columns(key));
        Self { encryption, decryption }
    }

    /// Encryption only, so that no table is touched for decryption keys.
    pub(crate) fn for_encryption<L: Layer>(key: &[u64]) -> Self {
        Self { encryption: round_keys::<L, N>(key), decryption: Zeroizing::new(Vec::new()) }
    }

    #[inline(always)]
    pub(crate) fn encrypt(&self, state: [u64; N]) -> [u64; N] {
        self.encrypt_with::<Tables>(state)
    }

    #[inline(always)]
    pub(crate) fn encrypt_with<L: Layer>(&self, mut state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = self.encryption.as_slice() else { return state };
        state = add(&state, first);
        for key in middle {
            state = xor(&L::mix(&state), key);
        }
        add(&L::mix(&state), last)
    }

    pub(crate) fn decrypt(&self, mut state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = self.decryption.as_slice() else { return state };
        state = unmix_columns(&subtract(&state, last));
        for key in middle.iter().rev() {
            state = xor(&unmix(&state), key);
        }
        subtract(&unsubstitute(&state), first)
    }
}

/// Ten rounds for keys of 2 words, 14 for 4, 18 for 8. Even keys from the key, turned word by word; odd keys from the even one before (DSTU 7624:2014, key expansion).
fn round_keys<L: Layer, const N: usize>(key: &[u64]) -> Zeroizing<Vec<[u64; N]>> {
    let half = |number: usize| -> [u64; N] { std::array::from_fn(|word| key[(number * N + word) % key.len()]) };
    let mut state = [0; N];
    state[0] = (N + key.len() + 1) as u64;
    state = add(&state, &half(0));
    state = xor(&L::mix(&state), &half(1));
    state = add(&L::mix(&state), &half(0));
    let intermediate = Zeroizing::new(L::mix(&state));

    let rounds = 4 * key.len().ilog2() as usize + 6;
    let mut keys = Zeroizing::new(Vec::with_capacity(rounds + 1));
    for number in 0..=rounds / 2 {
        let constant = 0x0001_0001_0001_0001_u64 << number;
        let mask: [u64; N] = intermediate.map(|word| word.wrapping_add(constant));
        // Where the key is twice a block, its halves take turns and it moves on after each pair.
        let start = if key.len() == N { number } else { number / 2 + number % 2 * N };
        let source: [u64; N] = std::array::from_fn(|word| key[(start + word) % key.len()]);
        let mut even = add(&source, &mask);
        even = xor(&L::mix(&even), &mask);
        even = add(&L::mix(&even), &mask);
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
