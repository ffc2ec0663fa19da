//! PBKDF2 and CBC of OpenSSL. RC2 stands in its `legacy` provider, which a machine may lack: then RC2 is not served.

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use openssl::lib_ctx::LibCtx;
use openssl::pkcs5;
use openssl::provider::Provider;
use zeroize::Zeroizing;

use super::message_digest;
use crate::digest::DigestAlgorithm;
use crate::provider::{CbcCipher, NotServed};

pub(crate) fn pbkdf2(
    digest: DigestAlgorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
) -> Result<(), NotServed> {
    let iterations = usize::try_from(iterations).map_err(|_| NotServed)?;
    pkcs5::pbkdf2_hmac(password, salt, iterations, message_digest(digest), key).map_err(|_| NotServed)
}

pub(crate) fn decrypt_cbc(
    cipher: CbcCipher,
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotServed> {
    let decrypted = match cipher {
        CbcCipher::Aes128 => decrypt(Cipher::aes_128_cbc(), key, iv, ciphertext),
        CbcCipher::Aes192 => decrypt(Cipher::aes_192_cbc(), key, iv, ciphertext),
        CbcCipher::Aes256 => decrypt(Cipher::aes_256_cbc(), key, iv, ciphertext),
        CbcCipher::TripleDes => decrypt(Cipher::des_ede3_cbc(), key, iv, ciphertext),
        CbcCipher::Rc2Of40Bits | CbcCipher::Rc2Of128Bits => decrypt_rc2(cipher.name(), key, iv, ciphertext),
    };
    decrypted.map_err(|_| NotServed)
}

pub(crate) fn encrypt_aes256_cbc(key: &[u8; 32], iv: &[u8; 16], plaintext: &[u8]) -> Result<Vec<u8>, NotServed> {
    let encrypt = || {
        let mut context = CipherCtx::new()?;
        context.encrypt_init(Some(Cipher::aes_256_cbc()), Some(key), Some(iv))?;
        context.set_padding(false);
        let mut out = Vec::with_capacity(plaintext.len() + iv.len());
        context.cipher_update_vec(plaintext, &mut out)?;
        context.cipher_final_vec(&mut out)?;
        Ok::<_, ErrorStack>(out)
    };
    encrypt().map_err(|_| NotServed)
}

fn decrypt(cipher: &CipherRef, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.decrypt_init(Some(cipher), Some(key), Some(iv))?;
    context.set_padding(false);
    // The library grows the buffer by a block beyond the text: with room for it, no copy is left behind.
    let mut out = Zeroizing::new(Vec::with_capacity(ciphertext.len() + 2 * iv.len()));
    context.cipher_update_vec(ciphertext, &mut out)?;
    context.cipher_final_vec(&mut out)?;
    Ok(out)
}

/// In a library context of its own: loading `legacy` into the default one would change it for the whole process.
fn decrypt_rc2(name: &str, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let context = LibCtx::new()?;
    let _legacy = Provider::load(Some(&context), "legacy")?;
    let cipher = Cipher::fetch(Some(&context), name, None)?;
    decrypt(&cipher, key, iv, ciphertext)
}
