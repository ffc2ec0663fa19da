//! GOST 28147-89 (ДСТУ ГОСТ 28147:2009): ECB, gamma (counter mode), gamma with feedback (CFB), the authentication code, and the key wrap of
//! the national CMS profile, each with any long-term key ([`Dke`]).
//!
//! [`wrap_key`] and [`unwrap_key`] are constant time in key-encryption key and key: no address and no branch depends on them. Everything
//! else substitutes by table look-up and is not: its cache lines depend on key and data.
//!
//! None of these modes protects against change: CFB and gamma are malleable, the code has 32 bits. The profile asks for a signature inside.
//!
//! Key meshing (RFC 4357) is not done: no Ukrainian profile asks for it.

mod dke;
mod masked;
mod modes;
mod rounds;
mod wrap;

use std::fmt;

use zeroize::Zeroizing;

pub use crate::cipher::CipherError;
pub use dke::Dke;
pub use modes::{Cfb, Ctr, Mac};
use rounds::decrypt;
pub(crate) use rounds::{KeyWords, encrypt};
pub use wrap::{WRAPPED_BYTES, unwrap_key, wrap_key};

/// A 256-bit key with its long-term key. Zeroized on drop, silent Debug.
#[derive(Clone)]
pub struct Gost28147 {
    key: Zeroizing<KeyWords>,
    dke: Dke,
}

impl Gost28147 {
    /// From a key of 32 bytes.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for another length.
    pub fn new(key: &[u8], dke: Dke) -> Result<Self, CipherError> {
        let bytes = key.try_into().map_err(|_| CipherError::KeyLength { length: key.len() })?;
        Ok(Self { key: key_words(bytes), dke })
    }

    /// Encrypts whole 8-byte blocks in place, each alone (OID `1.2.804.2.1.1.1.1.1.1.1`). Equal blocks stay equal: for keys only.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn encrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.each_block(data, |block| encrypt(self.dke.tables(), &[&self.key], block))
    }

    /// The inverse of [`Gost28147::encrypt_ecb`].
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn decrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.each_block(data, |block| decrypt(self.dke.tables(), &[&self.key], block))
    }

    /// Gamma with feedback, from a synchronisation message of 8 bytes that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn cfb(&self, iv: &[u8]) -> Result<Cfb, CipherError> {
        Ok(Cfb::new(self.clone(), vector(iv)?))
    }

    /// Gamma, from a synchronisation message of 8 bytes that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn ctr(&self, iv: &[u8]) -> Result<Ctr, CipherError> {
        Ok(Ctr::new(self.clone(), vector(iv)?))
    }

    /// The authentication code, 4 bytes.
    pub fn mac(&self) -> Mac {
        Mac::new(self.clone())
    }

    fn encrypt_block(&self, block: [u8; 8]) -> [u8; 8] {
        let [value] = encrypt(self.dke.tables(), &[&self.key], [u64::from_le_bytes(block)]);
        value.to_le_bytes()
    }

    fn each_block(&self, data: &mut [u8], transform: impl Fn([u64; 1]) -> [u64; 1]) -> Result<(), CipherError> {
        let length = data.len();
        let (blocks, []) = data.as_chunks_mut::<8>() else {
            return Err(CipherError::DataLength { length });
        };
        for block in blocks {
            let [value] = transform([u64::from_le_bytes(*block)]);
            *block = value.to_le_bytes();
        }
        Ok(())
    }
}

impl fmt::Debug for Gost28147 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gost28147(..)")
    }
}

fn key_words(key: &[u8; 32]) -> Zeroizing<KeyWords> {
    let (words, _) = key.as_chunks::<4>();
    Zeroizing::new(std::array::from_fn(|index| u32::from_le_bytes(words[index])))
}

fn vector(iv: &[u8]) -> Result<[u8; 8], CipherError> {
    iv.try_into().map_err(|_| CipherError::IvLength { length: iv.len() })
}

#[cfg(test)]
mod tests;
