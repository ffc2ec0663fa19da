//! KW (DSTU 7624:2014, mode 10): the key and a block of zeros go through six passes of half-blocks; what is no whole blocks is padded first.

use zeroize::Zeroizing;

use super::{CipherError, Kalyna, each, modes};
use crate::cipher::equal;

/// `key` is whole blocks, one at least.
pub(super) fn wrap(cipher: &Kalyna, key: &[u8]) -> Vec<u8> {
    let block = cipher.block_len();
    let mut bytes = key.to_vec();
    bytes.resize(key.len() + block, 0);
    for step in 1..=steps(bytes.len(), block) {
        each!(cipher, rounds => modes::each_block(&mut bytes[..block], |state| rounds.encrypt(state)));
        // The first half goes to the end, the second half with the step's number becomes the first.
        bytes.rotate_left(block / 2);
        mark(&mut bytes, step);
    }
    bytes
}

/// `wrapped` is whole blocks, two at least.
pub(super) fn unwrap(cipher: &Kalyna, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    let block = cipher.block_len();
    let mut bytes = Zeroizing::new(wrapped.to_vec());
    for step in (1..=steps(bytes.len(), block)).rev() {
        mark(&mut bytes, step);
        bytes.rotate_right(block / 2);
        each!(cipher, rounds => modes::each_block(&mut bytes[..block], |state| rounds.decrypt(state)));
    }
    let key_bytes = bytes.len() - block;
    if !equal(&bytes[key_bytes..], &[0; super::MAX_BLOCK_BYTES][..block]) {
        return Err(CipherError::Forged);
    }
    bytes.truncate(key_bytes);
    Ok(bytes)
}

/// Clause 15.4: the length in bits as a half-block, a one bit (the highest of its byte), zeros up to a whole block.
pub(super) fn padded(key: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(key.len() + 2 * block));
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&length_in_bits(key.len())[..block / 2]);
    bytes.push(0x80);
    let whole = bytes.len().next_multiple_of(block);
    bytes.resize(whole, 0);
    bytes
}

/// The length of the key in [`padded`] bytes; `None` where they are not padded so.
pub(super) fn unpadded_len(bytes: &[u8], block: usize) -> Option<usize> {
    let end = bytes.iter().rposition(|byte| *byte != 0).filter(|end| bytes[*end] == 0x80)?;
    let length = end.checked_sub(block / 2)?;
    let whole = (end + 1).next_multiple_of(block) == bytes.len();
    let said = bytes[length..end] == length_in_bits(length)[..block / 2];
    (whole && said && !length.is_multiple_of(block)).then_some(length)
}

/// Little-endian, in half of the longest block.
fn length_in_bits(bytes: usize) -> [u8; super::MAX_BLOCK_BYTES / 2] {
    let mut length = [0; super::MAX_BLOCK_BYTES / 2];
    length.iter_mut().zip((8 * bytes).to_le_bytes()).for_each(|(place, byte)| *place = byte);
    length
}

/// Six for every half-block but one.
fn steps(bytes: usize, block: usize) -> u32 {
    u32::try_from(6 * (bytes / (block / 2) - 1)).unwrap_or(u32::MAX)
}

fn mark(bytes: &mut [u8], step: u32) {
    bytes.iter_mut().zip(step.to_le_bytes()).for_each(|(byte, number)| *byte ^= number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kalyna::BlockSize;

    #[test]
    fn keys_of_every_length_come_back_and_nothing_else_passes_for_padding() {
        for block in [BlockSize::Bits128, BlockSize::Bits256, BlockSize::Bits512] {
            let cipher = Kalyna::new(block, &[7; 64][..block.bytes()]).unwrap();
            for length in 0..3 * block.bytes() {
                let key: Vec<u8> = (1..=length).map(|byte| byte.to_le_bytes()[0]).collect();
                let refusal = CipherError::DataLength { length };
                if length % block.bytes() == 0 {
                    assert_eq!(cipher.wrap_partial_key(&key), Err(refusal));
                    continue;
                }
                assert_eq!(cipher.wrap_key(&key), Err(refusal));
                let wrapped = cipher.wrap_partial_key(&key).unwrap();
                assert_eq!(*cipher.unwrap_partial_key(&wrapped).unwrap(), key);
                let padded = cipher.unwrap_key(&wrapped).unwrap();
                for place in length..padded.len() {
                    let mut other = padded.to_vec();
                    other[place] ^= 0x40;
                    assert_eq!(unpadded_len(&other, block.bytes()), None, "{length} {place}");
                }
            }
            let whole = cipher.wrap_key(&vec![0x80; block.bytes()]).unwrap();
            assert_eq!(cipher.unwrap_partial_key(&whole), Err(CipherError::Forged));
            let nothing = cipher.wrap_key(&vec![0; block.bytes()]).unwrap();
            assert_eq!(cipher.unwrap_partial_key(&nothing), Err(CipherError::Forged));
        }
    }
}
