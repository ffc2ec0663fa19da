//! AES-256-GCM (SP 800-38D) of what streams by, as CMS AuthEnvelopedData has it (RFC 5084): one nonce and one tag for the whole content.
//!
//! [`Sealer`](super::Sealer) is the better format where both ends are ours: it authenticates each chunk before it is given out. Here the tag
//! comes last, so everything that is decrypted is unproven until the end.
//!
//! CMS puts the associated data behind the ciphertext, GCM reads it first. The tag is linear in it (SP 800-38D, 6.4), so that
//! what the associated data contributes is computed at the end and taken off the tag.

use zeroize::Zeroizing;

use super::SealError;
use crate::provider::{Direction, GcmStream, Provider, encrypt_block_aes256};

/// Encrypts what streams by.
pub struct Aes256GcmSealer {
    stream: GcmStream,
    bytes: u64,
}

/// Decrypts what streams by. What it gives out is proven by [`Aes256GcmOpener::finish`] alone.
pub struct Aes256GcmOpener {
    stream: GcmStream,
    bytes: u64,
    provider: Provider,
    key: Zeroizing<[u8; 32]>,
}

impl Aes256GcmSealer {
    /// A nonce must never come twice under one key.
    pub fn new(key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        Self::with_provider(Provider::ACTIVE, key, nonce)
    }

    fn with_provider(provider: Provider, key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        Self { stream: GcmStream::new(provider, Direction::Encrypt, key, nonce), bytes: 0 }
    }

    /// Encrypts the next bytes in place; any number of them.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond 2^36 - 32 bytes; nothing is encrypted then.
    pub fn update(&mut self, data: &mut [u8]) -> Result<(), SealError> {
        self.bytes = counted(self.bytes, data)?;
        self.stream.apply(data);
        Ok(())
    }

    /// The tag of everything, without associated data.
    pub fn finish(self) -> [u8; 16] {
        self.stream.tag()
    }
}

impl Aes256GcmOpener {
    /// Key and nonce as they were sealed with.
    pub fn new(key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        Self::with_provider(Provider::ACTIVE, key, nonce)
    }

    fn with_provider(provider: Provider, key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        let stream = GcmStream::new(provider, Direction::Decrypt, key, nonce);
        Self { stream, bytes: 0, provider, key: Zeroizing::new(*key) }
    }

    /// Decrypts the next bytes in place; any number of them. Unproven!
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond 2^36 - 32 bytes; nothing is decrypted then.
    pub fn update(&mut self, data: &mut [u8]) -> Result<(), SealError> {
        self.bytes = counted(self.bytes, data)?;
        self.stream.apply(data);
        Ok(())
    }

    /// Proves everything that was given out.
    ///
    /// # Errors
    /// [`SealError::Forged`] where key, nonce, associated data, ciphertext or tag differ from what was sealed.
    pub fn finish(self, aad: &[u8], tag: &[u8; 16]) -> Result<(), SealError> {
        let mut bare = u128::from_be_bytes(*tag);
        if !aad.is_empty() {
            let hash_key = Zeroizing::new(encrypt_block_aes256(self.provider, &self.key, &[0; 16]));
            bare ^= contribution(u128::from_be_bytes(*hash_key), aad, self.bytes);
        }
        if self.stream.verify(&bare.to_be_bytes()) { Ok(()) } else { Err(SealError::Forged) }
    }
}

/// SP 800-38D, 5.2.1.1: 2^39 - 256 bits of plaintext under one nonce.
fn counted(before: u64, data: &[u8]) -> Result<u64, SealError> {
    before.checked_add(data.len() as u64).filter(|bytes| *bytes <= MAX_BYTES).ok_or(SealError::TooLong)
}

/// What `aad` adds to the tag of `bytes` bytes of ciphertext: the sum over its blocks, moved on by one power of the key for each block of
/// ciphertext and for the block of lengths, and its length in that block.
fn contribution(hash_key: u128, aad: &[u8], bytes: u64) -> u128 {
    let mut sum = 0;
    for block in aad.chunks(16) {
        let mut padded = [0; 16];
        padded[..block.len()].copy_from_slice(block);
        sum = product(sum ^ u128::from_be_bytes(padded), hash_key);
    }
    let lengths = u128::from(aad.len() as u64) << 67;
    product(sum, power(hash_key, bytes.div_ceil(16) + 1)) ^ product(lengths, hash_key)
}

/// `base` to a power that is no secret.
fn power(base: u128, exponent: u64) -> u128 {
    let (mut result, mut square) = (ONE, base);
    for bit in 0..64 {
        if exponent >> bit & 1 == 1 {
            result = product(result, square);
        }
        square = product(square, square);
    }
    result
}

/// The product in the field of SP 800-38D, 6.3, whose bits count from the left. No branch and no address depends on the factors.
fn product(left: u128, right: u128) -> u128 {
    let (mut sum, mut shifted) = (0, right);
    for bit in (0..128).rev() {
        sum ^= shifted & (left >> bit & 1).wrapping_neg();
        shifted = shifted >> 1 ^ REDUCTION & (shifted & 1).wrapping_neg();
    }
    sum
}

/// The element 1: its bit is the leftmost.
const ONE: u128 = 1 << 127;
/// R of SP 800-38D, 6.3.
const REDUCTION: u128 = 0xe1 << 120;
const MAX_BYTES: u64 = (1 << 36) - 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{aes256_gcm_open, aes256_gcm_seal};

    const KEY: [u8; 32] = [0x42; 32];
    const NONCE: [u8; 12] = [7; 12];

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    fn in_pieces(data: &mut [u8], piece: usize, mut work: impl FnMut(&mut [u8])) {
        data.chunks_mut(piece).for_each(&mut work);
    }

    #[test]
    fn a_stream_is_what_the_whole_would_be() {
        for provider in Provider::COMPILED {
            for length in [0, 1, 15, 16, 17, 31, 32, 33, 511, 512, 513, 5000] {
                let (sealed, tag) = aes256_gcm_seal(&KEY, &NONCE, &[], &text(length));
                for piece in [1, 7, 16, 100, 8192] {
                    let mut data = text(length);
                    let mut sealer = Aes256GcmSealer::with_provider(*provider, &KEY, &NONCE);
                    in_pieces(&mut data, piece, |piece| sealer.update(piece).unwrap());
                    assert_eq!((&data, sealer.finish()), (&sealed, tag), "{provider:?} {length} in {piece}");
                    let mut opener = Aes256GcmOpener::with_provider(*provider, &KEY, &NONCE);
                    in_pieces(&mut data, piece, |piece| opener.update(piece).unwrap());
                    assert_eq!(opener.finish(&[], &tag), Ok(()), "{provider:?} {length} in {piece}");
                    assert_eq!(data, text(length));
                }
            }
        }
    }

    #[test]
    fn associated_data_may_come_last() {
        for provider in Provider::COMPILED {
            for aad in [1, 15, 16, 17, 40, 1000] {
                for length in [0, 1, 16, 33, 4096, 4097] {
                    let aad = text(aad);
                    let (mut data, tag) = aes256_gcm_seal(&KEY, &NONCE, &aad, &text(length));
                    assert!(aes256_gcm_open(&KEY, &NONCE, &aad, &data, &tag).is_ok());
                    let mut opener = Aes256GcmOpener::with_provider(*provider, &KEY, &NONCE);
                    opener.update(&mut data).unwrap();
                    assert_eq!(opener.finish(&aad, &tag), Ok(()), "{provider:?} {} {length}", aad.len());
                    assert_eq!(data, text(length));
                }
            }
        }
    }

    #[test]
    fn nothing_that_was_changed_is_proven() {
        let (sealed, tag) = aes256_gcm_seal(&KEY, &NONCE, b"associated", &text(40));
        let verdict = |key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8], tag: &[u8; 16]| {
            let mut opener = Aes256GcmOpener::new(key, nonce);
            opener.update(&mut sealed.to_vec()).unwrap();
            opener.finish(aad, tag)
        };
        assert_eq!(verdict(&KEY, &NONCE, b"associated", &sealed, &tag), Ok(()));
        assert_eq!(verdict(&[0; 32], &NONCE, b"associated", &sealed, &tag), Err(SealError::Forged));
        assert_eq!(verdict(&KEY, &[0; 12], b"associated", &sealed, &tag), Err(SealError::Forged));
        for aad in [&b""[..], b"associate", b"associated\0", b"Associated"] {
            assert_eq!(verdict(&KEY, &NONCE, aad, &sealed, &tag), Err(SealError::Forged));
        }
        for length in 0..sealed.len() {
            assert_eq!(verdict(&KEY, &NONCE, b"associated", &sealed[..length], &tag), Err(SealError::Forged));
        }
        for bit in 0..128 {
            let changed = (u128::from_be_bytes(tag) ^ 1 << bit).to_be_bytes();
            assert_eq!(verdict(&KEY, &NONCE, b"associated", &sealed, &changed), Err(SealError::Forged));
        }
    }

    /// SP 800-38D, 5.2.1.1.
    #[test]
    fn one_nonce_has_its_bound() {
        assert_eq!(counted(MAX_BYTES - 1, &[0]), Ok(MAX_BYTES));
        assert_eq!(counted(MAX_BYTES, &[0]), Err(SealError::TooLong));
        assert_eq!(counted(u64::MAX, &[0]), Err(SealError::TooLong));
    }
}
