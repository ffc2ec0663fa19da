//! GOST 28147-89 (ДСТУ ГОСТ 28147:2009): ECB, gamma (counter mode), gamma with feedback (CFB), the authentication code, and the key wrap of
//! the national CMS profile, each with any long-term key ([`Dke`]).
//!
//! Constant time (no address and no branch depends on key or data) are [`Gost28147::constant_time`] with every mode, [`wrap_key`] and
//! [`unwrap_key`] on every processor, and all of the module on one with AVX-512 (VBMI) and GFNI. Elsewhere [`Gost28147::new`] substitutes by
//! table look-up: its cache lines depend on key and data.
//!
//! None of these modes protects against change: CFB and gamma are malleable, the code has 32 bits. The profile asks for a signature inside.
//!
//! Key meshing ([`KeyMeshing::CryptoPro`]) is for foreign data: no Ukrainian profile asks for it.

mod dke;
mod engine;
mod masked;
mod modes;
mod rounds;
mod wrap;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

use std::fmt;

use zeroize::Zeroizing;

pub use crate::cipher::CipherError;
pub use dke::Dke;
#[cfg(target_arch = "x86_64")]
pub(crate) use dke::Nibbles;
pub(crate) use engine::Engine;
pub use modes::{Cfb, Ctr, KeyMeshing, Mac};
pub(crate) use rounds::{KeyWords, Substitution, encrypt};
pub use wrap::{WRAPPED_BYTES, unwrap_key, wrap_key};

/// A 256-bit key with its long-term key. Zeroized on drop, silent Debug.
#[derive(Clone)]
pub struct Gost28147 {
    key: Zeroizing<KeyWords>,
    engine: Engine,
}

impl Gost28147 {
    /// From a key of 32 bytes.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for another length.
    pub fn new(key: &[u8], dke: Dke) -> Result<Self, CipherError> {
        let bytes = key.try_into().map_err(|_| CipherError::KeyLength { length: key.len() })?;
        Ok(Self { key: key_words(bytes), engine: Engine::new(dke) })
    }

    /// As [`Gost28147::new`], constant time on every processor: no address and no branch depends on key or data. Some fifteen times slower
    /// where the registers do not serve.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for another length.
    pub fn constant_time(key: &[u8], dke: &Dke) -> Result<Self, CipherError> {
        let bytes = key.try_into().map_err(|_| CipherError::KeyLength { length: key.len() })?;
        Ok(Self::for_keys(bytes, dke))
    }

    fn for_keys(key: &[u8; 32], dke: &Dke) -> Self {
        Self { key: key_words(key), engine: Engine::constant_time(dke) }
    }

    /// Encrypts whole 8-byte blocks in place, each alone (OID `1.2.804.2.1.1.1.1.1.1.1`). Equal blocks stay equal: for keys only.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn encrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.engine.encrypt_each(&self.key, whole_blocks(data)?);
        Ok(())
    }

    /// The inverse of [`Gost28147::encrypt_ecb`].
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn decrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.engine.decrypt_each(&self.key, whole_blocks(data)?);
        Ok(())
    }

    /// Gamma with feedback, from a synchronisation message of 8 bytes that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn cfb(&self, iv: &[u8]) -> Result<Cfb, CipherError> {
        self.cfb_with_meshing(iv, KeyMeshing::None)
    }

    /// Gamma with feedback whose key may change on the way.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not 8 bytes.
    pub fn cfb_with_meshing(&self, iv: &[u8], meshing: KeyMeshing) -> Result<Cfb, CipherError> {
        Ok(Cfb::new(self.clone(), vector(iv)?, meshing))
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

    /// Encrypts one block.
    fn encrypt_block(&self, block: [u8; 8]) -> [u8; 8] {
        self.engine.encrypt_cfb(&self.key, block, &mut [[0; 8]])
    }
}

impl fmt::Debug for Gost28147 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gost28147(..)")
    }
}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [[u8; 8]], CipherError> {
    let length = data.len();
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(CipherError::DataLength { length }),
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
