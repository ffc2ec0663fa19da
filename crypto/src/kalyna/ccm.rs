//! Authentication and counter mode, CCM (DSTU 7624:2014, mode 8 and clause 13).

use zeroize::Zeroizing;

use super::{CipherError, Kalyna, MAX_BLOCK_BYTES};
use crate::cipher::equal;

/// Bytes of the fields that hold the lengths of message and additional data: the parameter N_B of the standard. Both sides agree on it;
/// it bounds the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CcmLengthField {
    /// Messages below 2^32 bytes.
    Four = 4,
    /// Messages below 2^48 bytes.
    Six = 6,
    /// Any message.
    Eight = 8,
}

/// Message and tag, encrypted together.
pub(super) fn seal(
    cipher: &Kalyna,
    field: CcmLengthField,
    iv: &[u8],
    additional: &[u8],
    message: &[u8],
    tag_bytes: usize,
) -> Result<Vec<u8>, CipherError> {
    let mut counter = cipher.ctr(iv)?;
    let tag = tag(cipher, field, iv, additional, message, tag_bytes)?;
    let mut sealed = Vec::with_capacity(message.len() + tag_bytes);
    sealed.extend_from_slice(message);
    sealed.extend_from_slice(&tag[..tag_bytes]);
    counter.apply(&mut sealed);
    Ok(sealed)
}

/// The message, once its tag has been found right.
pub(super) fn open(
    cipher: &Kalyna,
    field: CcmLengthField,
    iv: &[u8],
    additional: &[u8],
    sealed: &[u8],
    tag_bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    let mut counter = cipher.ctr(iv)?;
    let length = sealed.len().checked_sub(tag_bytes).ok_or(CipherError::DataLength { length: sealed.len() })?;
    let mut message = Zeroizing::new(sealed.to_vec());
    counter.apply(&mut message);
    let expected = tag(cipher, field, iv, additional, &message[..length], tag_bytes)?;
    if !equal(&expected[..tag_bytes], &message[length..]) {
        return Err(CipherError::Forged);
    }
    message.truncate(length);
    Ok(message)
}

/// The chained sum of a header, the additional data and the message.
fn tag(
    cipher: &Kalyna,
    field: CcmLengthField,
    iv: &[u8],
    additional: &[u8],
    message: &[u8],
    tag_bytes: usize,
) -> Result<Zeroizing<[u8; MAX_BLOCK_BYTES]>, CipherError> {
    let (block, field_bytes) = (cipher.block_len(), field as usize);
    let too_long = |length: usize| field_bytes < 8 && length as u64 >> (8 * field_bytes) != 0;
    for length in [message.len(), additional.len()] {
        if too_long(length) {
            return Err(CipherError::DataLength { length });
        }
    }
    if message.is_empty() {
        return Err(CipherError::DataLength { length: 0 });
    }
    let mut chain = Chain { cipher, state: Zeroizing::new([0; MAX_BLOCK_BYTES]), filled: 0 };
    chain.add(&iv[..block - field_bytes - 1]);
    chain.add(&(message.len() as u64).to_le_bytes()[..field_bytes]);
    chain.add(&[flags(!additional.is_empty(), tag_bytes, field)?]);
    if !additional.is_empty() {
        // The zeros stand between the length and the data, so that the data end with a block.
        chain.add(&(additional.len() as u64).to_le_bytes()[..field_bytes]);
        let zeros = (2 * block - additional.len() % block - field_bytes) % block;
        chain.add(&[0; MAX_BLOCK_BYTES][..zeros]);
        chain.add(additional);
    }
    chain.add(message);
    if chain.filled > 0 {
        let zeros = block - chain.filled - 1;
        chain.add(&[0x80]);
        chain.add(&[0; MAX_BLOCK_BYTES][..zeros]);
    }
    Ok(chain.state)
}

/// Whether there are additional data, the code of the tag's length, and the length of the length fields less one.
fn flags(additional: bool, tag_bytes: usize, field: CcmLengthField) -> Result<u8, CipherError> {
    let code = match tag_bytes {
        8 => 2,
        16 => 3,
        32 => 4,
        48 => 5,
        64 => 6,
        length => return Err(CipherError::TagLength { length }),
    };
    Ok(u8::from(additional) << 7 | code << 4 | (field as u8 - 1))
}

/// Cipher block chaining from zero, of which the last block stays.
struct Chain<'a> {
    cipher: &'a Kalyna,
    state: Zeroizing<[u8; MAX_BLOCK_BYTES]>,
    /// Bytes of the running block that have been added.
    filled: usize,
}

impl Chain<'_> {
    fn add(&mut self, bytes: &[u8]) {
        let block = self.cipher.block_len();
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(bytes.len().min(block - self.filled));
            self.state[self.filled..].iter_mut().zip(piece).for_each(|(state, byte)| *state ^= byte);
            self.filled += piece.len();
            if self.filled == block {
                self.cipher.encrypt_first(&mut self.state);
                self.filled = 0;
            }
            bytes = rest;
        }
    }
}
