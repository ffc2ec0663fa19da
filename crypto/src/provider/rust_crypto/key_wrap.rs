//! AES-256 key wrap over the `aes` block cipher (RFC 3394, 2.2, the index-based form).

use aes::Aes256;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// `out` is 8 bytes longer than `key`, whose length the caller has checked.
pub(crate) fn wrap(kek: &[u8; 32], key: &[u8], out: &mut [u8]) {
    let cipher = Aes256::new(kek.into());
    let (check, registers) = out.split_at_mut(8);
    registers.copy_from_slice(key);
    let mut block = Block::<Aes256>::default();
    block[..8].copy_from_slice(&INITIAL_VALUE);
    for (step, register) in (1u64..).zip(rounds(registers.len())) {
        let register = &mut registers[register..register + 8];
        block[8..].copy_from_slice(register);
        cipher.encrypt_block(&mut block);
        register.copy_from_slice(&block[8..]);
        mix(&mut block[..8], step);
    }
    check.copy_from_slice(&block[..8]);
    block.zeroize();
}

/// `out` is 8 bytes shorter than `wrapped`.
pub(crate) fn unwrap(kek: &[u8; 32], wrapped: &[u8], out: &mut [u8]) -> bool {
    let cipher = Aes256::new(kek.into());
    out.copy_from_slice(&wrapped[8..]);
    let mut block = Block::<Aes256>::default();
    block[..8].copy_from_slice(&wrapped[..8]);
    let last_step = rounds(out.len()).count() as u64;
    for (step, register) in (1..=last_step).rev().zip(rounds(out.len()).rev()) {
        let register = &mut out[register..register + 8];
        mix(&mut block[..8], step);
        block[8..].copy_from_slice(register);
        cipher.decrypt_block(&mut block);
        register.copy_from_slice(&block[8..]);
    }
    let intact = bool::from(block[..8].ct_eq(&INITIAL_VALUE));
    block.zeroize();
    intact
}

/// Where the register of each step begins: all of them, six times.
fn rounds(length: usize) -> impl DoubleEndedIterator<Item = usize> {
    (0..6).flat_map(move |_| (0..length / 8).map(|register| register * 8))
}

fn mix(check: &mut [u8], step: u64) {
    for (byte, counter) in check.iter_mut().zip(step.to_be_bytes()) {
        *byte ^= counter;
    }
}

/// RFC 3394, 2.2.3.1.
const INITIAL_VALUE: [u8; 8] = [0xa6; 8];
