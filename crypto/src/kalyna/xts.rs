//! Indexed substitution, XTS (DSTU 7624:2014, mode 9): one key for tweak and data, a partial last block by ciphertext stealing.

use zeroize::Zeroizing;

use super::block::{BATCH_BYTES, Block};
use super::galois;
use super::modes::{read, write, xor};

/// `data` is one block at least.
pub(super) fn encrypt<const N: usize>(cipher: &Block<N>, iv: &[u8], data: &mut [u8]) {
    let mut tweak = cipher.encrypt(read(iv));
    let (blocks, tail) = data.split_at_mut(data.len() - data.len() % (8 * N));
    each_with_tweaks(blocks, &mut tweak, |batch| cipher.encrypt_each(batch));
    if !tail.is_empty() {
        let last = blocks.len() - 8 * N;
        steal(&mut blocks[last..], tail);
        galois::double(&mut tweak);
        let block = &mut blocks[last..];
        write(xor(&cipher.encrypt(xor(&read(block), &tweak)), &tweak), block);
    }
}

/// The inverse of [`encrypt`].
pub(super) fn decrypt<const N: usize>(cipher: &Block<N>, iv: &[u8], data: &mut [u8]) {
    let mut tweak = cipher.encrypt(read(iv));
    let (blocks, tail) = data.split_at_mut(data.len() - data.len() % (8 * N));
    let straight = if tail.is_empty() { blocks.len() } else { blocks.len() - 8 * N };
    let (blocks, last) = blocks.split_at_mut(straight);
    each_with_tweaks(blocks, &mut tweak, |batch| cipher.decrypt_each(batch));
    if !tail.is_empty() {
        galois::double(&mut tweak);
        let before = tweak;
        galois::double(&mut tweak);
        write(xor(&cipher.decrypt(xor(&read(last), &tweak)), &tweak), last);
        steal(last, tail);
        write(xor(&cipher.decrypt(xor(&read(last), &before)), &before), last);
    }
}

/// The first bytes of `block` and all of `tail` change places.
fn steal(block: &mut [u8], tail: &mut [u8]) {
    block[..tail.len()].swap_with_slice(tail);
}

/// Adds a tweak to each block, transforms, and adds it again; `tweak` is multiplied by x before each.
fn each_with_tweaks<const N: usize>(data: &mut [u8], tweak: &mut [u64; N], transform: impl Fn(&mut [u8])) {
    let mut tweaks = Zeroizing::new([0; BATCH_BYTES]);
    for batch in data.chunks_mut(BATCH_BYTES) {
        let tweaks = &mut tweaks[..batch.len()];
        for place in tweaks.chunks_exact_mut(8 * N) {
            galois::double(tweak);
            write(*tweak, place);
        }
        add(batch, tweaks);
        transform(batch);
        add(batch, tweaks);
    }
}

fn add(data: &mut [u8], tweaks: &[u8]) {
    data.iter_mut().zip(tweaks).for_each(|(byte, tweak)| *byte ^= tweak);
}
