//! Kalyna (DSTU 7624:2014) with the S-boxes of the standard: blocks of 128, 256 and 512 bits, keys as long or (up to 512 bits) twice as long;
//! ECB, CBC, CTR, CFB with a feedback of a whole block, OFB, CMAC, KW, and the key wrap of the national CMS profile.
//!
//! Constant time (no address and no branch depends on key or data) are [`Kalyna::constant_time`] with every mode, [`wrap_cms_key`] and
//! [`unwrap_cms_key`] on every processor, and all of the module on one with AVX-512 (VBMI) and GFNI. Elsewhere [`Kalyna::new`] substitutes by
//! table look-up: its cache lines depend on key and data.
//!
//! CBC, CTR, CFB and OFB do not protect against change. GMAC, GCM, CCM and XTS are not there.

mod block;
mod key_wrap;
mod layer;
mod mac;
mod modes;
mod wrap;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

use zeroize::Zeroizing;

pub use crate::cipher::CipherError;
use block::Block;
pub use mac::Cmac;
pub use modes::{Cfb, Ctr, Ofb};
pub use wrap::{WRAPPED_BYTES, unwrap_cms_key, wrap_cms_key};

/// Length of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockSize {
    /// 128 bits; keys of 16 or 32 bytes.
    Bits128,
    /// 256 bits; keys of 32 or 64 bytes.
    Bits256,
    /// 512 bits; keys of 64 bytes.
    Bits512,
}

/// A key. Zeroized on drop, silent Debug.
#[derive(Clone)]
pub struct Kalyna(Rounds);

#[derive(Clone)]
enum Rounds {
    Two(Block<2>),
    Four(Block<4>),
    Eight(Block<8>),
}

/// Runs the same expression over whichever block size it is.
macro_rules! each {
    ($kalyna:expr, $block:ident => $body:expr) => {
        match &$kalyna.0 {
            $crate::kalyna::Rounds::Two($block) => $body,
            $crate::kalyna::Rounds::Four($block) => $body,
            $crate::kalyna::Rounds::Eight($block) => $body,
        }
    };
}
use each;

impl BlockSize {
    /// In bytes: 16, 32 or 64.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits256 => 32,
            Self::Bits512 => 64,
        }
    }
}

impl Kalyna {
    /// From a key that is as long as a block or, for blocks of 16 and 32 bytes, twice as long.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for another length.
    pub fn new(block: BlockSize, key: &[u8]) -> Result<Self, CipherError> {
        let words = key_words(key);
        Ok(Self(match (block, key.len()) {
            (BlockSize::Bits128, 16 | 32) => Rounds::Two(Block::new(&words)),
            (BlockSize::Bits256, 32 | 64) => Rounds::Four(Block::new(&words)),
            (BlockSize::Bits512, 64) => Rounds::Eight(Block::new(&words)),
            (_, length) => return Err(CipherError::KeyLength { length }),
        }))
    }

    /// As [`Kalyna::new`], constant time on every processor: no address and no branch depends on key or data. A hundred times slower where
    /// the registers do not serve: for keys that wrap keys.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`] for another length.
    pub fn constant_time(block: BlockSize, key: &[u8]) -> Result<Self, CipherError> {
        let words = key_words(key);
        Ok(Self(match (block, key.len()) {
            (BlockSize::Bits128, 16 | 32) => Rounds::Two(Block::constant_time(&words)),
            (BlockSize::Bits256, 32 | 64) => Rounds::Four(Block::constant_time(&words)),
            (BlockSize::Bits512, 64) => Rounds::Eight(Block::constant_time(&words)),
            (_, length) => return Err(CipherError::KeyLength { length }),
        }))
    }

    /// Bytes of a block.
    pub fn block_len(&self) -> usize {
        match &self.0 {
            Rounds::Two(_) => 16,
            Rounds::Four(_) => 32,
            Rounds::Eight(_) => 64,
        }
    }

    /// Encrypts whole blocks in place, each alone (mode 1). Equal blocks stay equal: for keys only.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn encrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.whole_blocks(data)?;
        each!(self, block => block.encrypt_each(data));
        Ok(())
    }

    /// The inverse of [`Kalyna::encrypt_ecb`].
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last block is not whole.
    pub fn decrypt_ecb(&self, data: &mut [u8]) -> Result<(), CipherError> {
        self.whole_blocks(data)?;
        each!(self, block => block.decrypt_each(data));
        Ok(())
    }

    /// Encrypts whole blocks in place, each added to the one before (mode 5). Padding is the caller's.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::DataLength`] where the last block is not whole.
    pub fn encrypt_cbc(&self, iv: &[u8], data: &mut [u8]) -> Result<(), CipherError> {
        self.vector(iv)?;
        self.whole_blocks(data)?;
        each!(self, block => modes::encrypt_cbc(block, iv, data));
        Ok(())
    }

    /// The inverse of [`Kalyna::encrypt_cbc`].
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::DataLength`] where the last block is not whole.
    pub fn decrypt_cbc(&self, iv: &[u8], data: &mut [u8]) -> Result<(), CipherError> {
        self.vector(iv)?;
        self.whole_blocks(data)?;
        each!(self, block => modes::decrypt_cbc(block, iv, data));
        Ok(())
    }

    /// Counter mode (2), from a vector of one block that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn ctr(&self, iv: &[u8]) -> Result<Ctr, CipherError> {
        Ok(Ctr::new(self.clone(), self.vector(iv)?))
    }

    /// Cipher feedback of a whole block (mode 3), from a vector of one block that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn cfb(&self, iv: &[u8]) -> Result<Cfb, CipherError> {
        Ok(Cfb::new(self.clone(), self.vector(iv)?))
    }

    /// Output feedback (mode 6), from a vector of one block that never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] for another length.
    pub fn ofb(&self, iv: &[u8]) -> Result<Ofb, CipherError> {
        Ok(Ofb::new(self.clone(), self.vector(iv)?))
    }

    /// The authentication code of `tag_bytes` bytes (mode 4).
    ///
    /// # Errors
    /// [`CipherError::TagLength`] for no bytes or more than a block.
    pub fn cmac(&self, tag_bytes: usize) -> Result<Cmac, CipherError> {
        if !(1..=self.block_len()).contains(&tag_bytes) {
            return Err(CipherError::TagLength { length: tag_bytes });
        }
        Ok(Cmac::new(self.clone(), tag_bytes))
    }

    /// Wraps whole blocks of key material (mode 10); the answer is one block longer. What is no whole blocks the caller pads, as the standard
    /// says or otherwise.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] for nothing, for more than 4,096 bytes, or where the last block is not whole.
    pub fn wrap_key(&self, key: &[u8]) -> Result<Vec<u8>, CipherError> {
        if key.is_empty() || key.len() > MAX_WRAPPED_KEY_BYTES {
            return Err(CipherError::DataLength { length: key.len() });
        }
        self.whole_blocks(key)?;
        Ok(key_wrap::wrap(self, key))
    }

    /// Unwraps what [`Kalyna::wrap_key`] or a partner wrapped; the answer is one block shorter.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] for a length that wrapping does not give, [`CipherError::Forged`] where the check fails.
    pub fn unwrap_key(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let block = self.block_len();
        if !(2 * block..=MAX_WRAPPED_KEY_BYTES + block).contains(&wrapped.len()) {
            return Err(CipherError::DataLength { length: wrapped.len() });
        }
        self.whole_blocks(wrapped)?;
        key_wrap::unwrap(self, wrapped)
    }

    fn whole_blocks(&self, data: &[u8]) -> Result<(), CipherError> {
        if data.len().is_multiple_of(self.block_len()) {
            Ok(())
        } else {
            Err(CipherError::DataLength { length: data.len() })
        }
    }

    fn vector(&self, iv: &[u8]) -> Result<[u8; MAX_BLOCK_BYTES], CipherError> {
        if iv.len() != self.block_len() {
            return Err(CipherError::IvLength { length: iv.len() });
        }
        let mut vector = [0; MAX_BLOCK_BYTES];
        vector[..iv.len()].copy_from_slice(iv);
        Ok(vector)
    }

    /// Encrypts the first block of `data` in place.
    fn encrypt_first(&self, data: &mut [u8; MAX_BLOCK_BYTES]) {
        let length = self.block_len();
        each!(self, block => modes::each_block(&mut data[..length], |state| block.encrypt(state)));
    }
}

impl fmt::Debug for Kalyna {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kalyna(..)")
    }
}

fn key_words(key: &[u8]) -> Zeroizing<Vec<u64>> {
    Zeroizing::new(key.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

const MAX_BLOCK_BYTES: usize = 64;
/// No key is longer; the wrap takes six passes over all of it.
const MAX_WRAPPED_KEY_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
