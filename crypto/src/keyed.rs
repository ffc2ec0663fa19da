//! HMAC (RFC 2104) and PBKDF2 (RFC 8018, 5.2) over the national hashes, whose block lengths other libraries get wrong.

use zeroize::{Zeroize, Zeroizing};

/// A hash that HMAC can be built over.
pub(crate) trait Hash: Clone {
    /// Bytes of a block, to which the key is padded.
    fn block_len(&self) -> usize;

    /// Bytes of the digest.
    fn output_len(&self) -> usize;

    /// Takes in the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// Writes the digest; `out` has the digest's length.
    fn finish_into(self, out: &mut [u8]);
}

/// HMAC under one key: both states are kept with the key taken in.
#[derive(Clone)]
pub(crate) struct Hmac<H: Hash> {
    inner: H,
    outer: H,
}

impl<H: Hash> Hmac<H> {
    pub(crate) fn new(empty: &H, key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; MAX_BLOCK_BYTES]);
        if key.len() > empty.block_len() {
            let mut hash = empty.clone();
            hash.update(key);
            hash.finish_into(&mut block[..empty.output_len()]);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let (mut inner, mut outer) = (empty.clone(), empty.clone());
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        inner.update(&block[..empty.block_len()]);
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        outer.update(&block[..empty.block_len()]);
        Self { inner, outer }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    pub(crate) fn finish_into(self, out: &mut [u8]) {
        self.inner.finish_into(out);
        let mut outer = self.outer;
        outer.update(out);
        outer.finish_into(out);
    }
}

/// PBKDF2 with HMAC over `empty`'s hash; fills `key`.
pub(crate) fn pbkdf2<H: Hash>(empty: &H, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    let keyed = Hmac::new(empty, password);
    let length = empty.output_len();
    let mut value = [0; MAX_OUTPUT_BYTES];
    let mut sum = [0; MAX_OUTPUT_BYTES];
    for (block, number) in key.chunks_mut(length).zip(1_u32..) {
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&number.to_be_bytes());
        mac.finish_into(&mut value[..length]);
        sum = value;
        for _ in 1..iterations {
            let mut mac = keyed.clone();
            mac.update(&value[..length]);
            mac.finish_into(&mut value[..length]);
            sum.iter_mut().zip(&value).for_each(|(sum, byte)| *sum ^= byte);
        }
        block.copy_from_slice(&sum[..block.len()]);
    }
    value.zeroize();
    sum.zeroize();
}

/// Kupyna-384 and Kupyna-512.
const MAX_BLOCK_BYTES: usize = 128;
const MAX_OUTPUT_BYTES: usize = 64;
