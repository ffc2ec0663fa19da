//! Kalyna (DSTU 7624:2014) with the S-boxes of the standard: blocks of 128, 256 and 512 bits, keys as long or (up to 512 bits) twice as long;
//! ECB, CBC, CTR, CFB, OFB, CMAC, GMAC, GCM, CCM, XTS, KW, and the key wrap of the national CMS profile.
//!
//! Constant time (no address and no branch depends on key or data) are [`Kalyna::constant_time`] with every mode, [`wrap_cms_key`] and
//! [`unwrap_cms_key`] on every processor, and all of the module on one with AVX-512 (VBMI) and GFNI. Elsewhere [`Kalyna::new`] substitutes by
//! table look-up: its cache lines depend on key and data.
//!
//! CBC, CTR, CFB, OFB and XTS do not protect against change.

mod block;
mod ccm;
mod galois;
mod gcm;
mod key_wrap;
mod layer;
mod mac;
mod modes;
mod wrap;
#[cfg(target_arch = "x86_64")]
mod x86;
mod xts;

use std::fmt;

use zeroize::Zeroizing;

pub use crate::cipher::CipherError;
use block::Block;
pub use ccm::CcmLengthField;
pub use gcm::Gmac;
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
        self.cfb_with_feedback(iv, self.block_len())
    }

    /// Cipher feedback of 1, 8, 16, 32 or 64 bytes, a block at most (mode 3): a block is encrypted for so many bytes of data.
    ///
    /// # Errors
    /// [`CipherError::FeedbackLength`] for another feedback, [`CipherError::IvLength`] where `iv` is not a block.
    pub fn cfb_with_feedback(&self, iv: &[u8], feedback: usize) -> Result<Cfb, CipherError> {
        if ![1, 8, 16, 32, 64].contains(&feedback) || feedback > self.block_len() {
            return Err(CipherError::FeedbackLength { length: feedback });
        }
        Ok(Cfb::new(self.clone(), self.vector(iv)?, feedback))
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

    /// The authentication code of `tag_bytes` bytes by a sum in the binary field (mode 7, without encryption).
    ///
    /// # Errors
    /// [`CipherError::TagLength`] for fewer than 8 bytes or more than a block.
    pub fn gmac(&self, tag_bytes: usize) -> Result<Gmac, CipherError> {
        self.tag_length(tag_bytes)?;
        Ok(Gmac::new(self.clone(), tag_bytes))
    }

    /// Encrypts `data` in place and answers its tag of `tag_bytes` bytes, which binds `additional` too (mode 7, GCM). `iv` is one block and
    /// never comes twice under one key: twice gives the key of the tags away. The tag does not bind `iv`: who sends it puts it into
    /// `additional`.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::TagLength`] for a tag of fewer than 8 bytes or more than a block,
    /// [`CipherError::DataLength`] where there is nothing to protect.
    pub fn seal_gcm(
        &self,
        iv: &[u8],
        additional: &[u8],
        data: &mut [u8],
        tag_bytes: usize,
    ) -> Result<Vec<u8>, CipherError> {
        self.tag_length(tag_bytes)?;
        gcm::seal(self, iv, additional, data, tag_bytes)
    }

    /// Checks the tag, in a time that does not depend on where it differs, and only then decrypts `data` in place.
    ///
    /// # Errors
    /// [`CipherError::Forged`] where the tag is wrong, and `data` is as it was; otherwise as [`Kalyna::seal_gcm`].
    pub fn open_gcm(&self, iv: &[u8], additional: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), CipherError> {
        self.tag_length(tag.len())?;
        gcm::open(self, iv, additional, data, tag)
    }

    /// `message` and its tag of 8, 16, 32, 48 or 64 bytes, a block at most, encrypted together (mode 8, CCM); the tag binds `additional` too.
    /// `iv` is one block; what comes before its last `field + 1` bytes never comes twice under one key.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::TagLength`] for another tag, [`CipherError::DataLength`] for no
    /// message, and for what is longer than `field` can say.
    pub fn seal_ccm(
        &self,
        field: CcmLengthField,
        iv: &[u8],
        additional: &[u8],
        message: &[u8],
        tag_bytes: usize,
    ) -> Result<Vec<u8>, CipherError> {
        self.tag_length(tag_bytes)?;
        ccm::seal(self, field, iv, additional, message, tag_bytes)
    }

    /// The message of what [`Kalyna::seal_ccm`] or a partner sealed, after its tag has been checked in a time that does not depend on where
    /// it differs.
    ///
    /// # Errors
    /// [`CipherError::Forged`] where the tag is wrong; otherwise as [`Kalyna::seal_ccm`].
    pub fn open_ccm(
        &self,
        field: CcmLengthField,
        iv: &[u8],
        additional: &[u8],
        sealed: &[u8],
        tag_bytes: usize,
    ) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        self.tag_length(tag_bytes)?;
        ccm::open(self, field, iv, additional, sealed, tag_bytes)
    }

    /// Encrypts a sector in place (mode 9, XTS): one block at least, the last may be partial. `iv` is one block and names the sector.
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::DataLength`] for less than a block.
    pub fn encrypt_xts(&self, iv: &[u8], data: &mut [u8]) -> Result<(), CipherError> {
        self.sector(iv, data)?;
        each!(self, block => xts::encrypt(block, iv, data));
        Ok(())
    }

    /// The inverse of [`Kalyna::encrypt_xts`].
    ///
    /// # Errors
    /// [`CipherError::IvLength`] where `iv` is not a block, [`CipherError::DataLength`] for less than a block.
    pub fn decrypt_xts(&self, iv: &[u8], data: &mut [u8]) -> Result<(), CipherError> {
        self.sector(iv, data)?;
        each!(self, block => xts::decrypt(block, iv, data));
        Ok(())
    }

    /// Wraps whole blocks of key material (mode 10); the answer is one block longer. For others there is [`Kalyna::wrap_partial_key`].
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

    /// Wraps key material whose last block is not whole, padded after clause 15.4: its length in bits as a little-endian half-block, a one bit,
    /// zeros. Nothing in what comes out says that it was padded: the recipient must know.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] for whole blocks, for nothing, and for what is longer than 4,096 bytes with its padding.
    pub fn wrap_partial_key(&self, key: &[u8]) -> Result<Vec<u8>, CipherError> {
        if key.len().is_multiple_of(self.block_len()) || key.len() > MAX_WRAPPED_KEY_BYTES {
            return Err(CipherError::DataLength { length: key.len() });
        }
        self.wrap_key(&key_wrap::padded(key, self.block_len()))
    }

    /// Unwraps what [`Kalyna::wrap_partial_key`] or a partner wrapped, without the padding.
    ///
    /// # Errors
    /// As [`Kalyna::unwrap_key`]; [`CipherError::Forged`] also where there is no such padding.
    pub fn unwrap_partial_key(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let mut key = self.unwrap_key(wrapped)?;
        let length = key_wrap::unpadded_len(&key, self.block_len()).ok_or(CipherError::Forged)?;
        key.truncate(length);
        Ok(key)
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

    fn sector(&self, iv: &[u8], data: &[u8]) -> Result<(), CipherError> {
        self.vector(iv)?;
        if data.len() < self.block_len() { Err(CipherError::DataLength { length: data.len() }) } else { Ok(()) }
    }

    fn tag_length(&self, length: usize) -> Result<(), CipherError> {
        if (MIN_TAG_BYTES..=self.block_len()).contains(&length) {
            Ok(())
        } else {
            Err(CipherError::TagLength { length })
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
/// A shorter tag is guessed.
const MIN_TAG_BYTES: usize = 8;
/// No key is longer; the wrap takes six passes over all of it.
const MAX_WRAPPED_KEY_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
