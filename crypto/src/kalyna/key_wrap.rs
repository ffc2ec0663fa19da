//! KW (DSTU 7624:2014, mode 10) over whole blocks: the key and a block of zeros go through six passes of half-blocks.

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

/// Six for every half-block but one.
fn steps(bytes: usize, block: usize) -> u32 {
    u32::try_from(6 * (bytes / (block / 2) - 1)).unwrap_or(u32::MAX)
}

fn mark(bytes: &mut [u8], step: u32) {
    bytes.iter_mut().zip(step.to_le_bytes()).for_each(|(byte, number)| *byte ^= number);
}
