//! PBKDF2 over the crate's own HMAC, and CBC (SP 800-38A, 6.2) over the `aes` block cipher.

use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use zeroize::Zeroizing;

use super::DigestContext;
use crate::digest::DigestAlgorithm;
use crate::keyed::{self, Hash};
use crate::provider::{CbcCipher, NotServed};

/// SHA-1 or SHA-2 as HMAC wants it.
#[derive(Clone)]
struct Hashed {
    digest: DigestAlgorithm,
    context: DigestContext,
}

impl Hash for Hashed {
    fn block_len(&self) -> usize {
        match self.digest {
            DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => 128,
            _ => 64,
        }
    }

    fn output_len(&self) -> usize {
        self.digest.output_len()
    }

    fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    fn finish_into(self, out: &mut [u8]) {
        out.copy_from_slice(&self.context.finish()[..self.digest.output_len()]);
    }
}

/// `digest` is SHA-1 or SHA-2: the table names no other.
pub(crate) fn pbkdf2(digest: DigestAlgorithm, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    let empty = Hashed { digest, context: DigestContext::new(digest) };
    keyed::pbkdf2(&empty, password, salt, iterations, key);
}

pub(crate) fn decrypt_cbc(
    cipher: CbcCipher,
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotServed> {
    match cipher {
        CbcCipher::Aes128 => Aes128::new_from_slice(key).map(|cipher| decrypt(&cipher, iv, ciphertext)),
        CbcCipher::Aes192 => Aes192::new_from_slice(key).map(|cipher| decrypt(&cipher, iv, ciphertext)),
        CbcCipher::Aes256 => Aes256::new_from_slice(key).map(|cipher| decrypt(&cipher, iv, ciphertext)),
        CbcCipher::TripleDes | CbcCipher::Rc2Of40Bits | CbcCipher::Rc2Of128Bits => return Err(NotServed),
    }
    .map_err(|_| NotServed)
}

pub(crate) fn encrypt_aes256_cbc(key: &[u8; 32], iv: &[u8; 16], plaintext: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(key.into());
    let mut out = plaintext.to_vec();
    let mut previous = *iv;
    for chunk in out.as_chunks_mut::<16>().0 {
        chunk.iter_mut().zip(previous).for_each(|(byte, mask)| *byte ^= mask);
        let mut block = Block::<Aes256>::from(*chunk);
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
        previous = *chunk;
    }
    out
}

fn decrypt<C: BlockCipherDecrypt>(cipher: &C, iv: &[u8], ciphertext: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(ciphertext.to_vec());
    let mut previous = iv;
    for (chunk, encrypted) in out.chunks_exact_mut(iv.len()).zip(ciphertext.chunks_exact(iv.len())) {
        let mut block = Block::<C>::default();
        block.copy_from_slice(encrypted);
        cipher.decrypt_block(&mut block);
        for ((byte, decrypted), mask) in chunk.iter_mut().zip(block).zip(previous) {
            *byte = decrypted ^ mask;
        }
        previous = encrypted;
    }
    out
}
