//! The sealed stream: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance",
//! CRYPTO 2015) over AES-256-GCM.
//!
//! ```text
//! sealed stream = header ‖ chunk 0 ‖ chunk 1 ‖ … ‖ chunk n          n ≤ 2^32 − 1
//! header        = magic (8 bytes: "VUZOLS", version u16 big-endian = 1) ‖ salt (32 random bytes)
//! chunk         = AES-256-GCM ciphertext ‖ tag (16 bytes); no associated data
//! plaintext     = 65 536 bytes in every chunk but the last; 1 to 65 536 in the last; an empty plaintext is one empty chunk
//! stream key    = HKDF-SHA-256 (RFC 5869): salt = salt of the header, IKM = document key, info = magic ‖ context, L = 32
//! nonce         = 7 zero bytes ‖ chunk number (u32 big-endian) ‖ 0x01 for the last chunk, 0x00 for every other
//! ```
//!
//! The salt makes a key per stream, so nonces may count from zero. The chunk number fixes the order, the last byte of the nonce fixes the
//! end: a chunk that was moved, dropped, repeated or appended to does not open. The context (message and part number) fixes the place.
//! The construction does not commit to its key: whoever chooses two document keys can make a stream that opens differently under
//! each, so what a document *is* is said by the digest in the evidence, not by the sealed bytes.

use zeroize::{Zeroize, Zeroizing};

use super::{DocumentKey, SealError};
use crate::digest::Sha256Pair;
use crate::provider::{Aead, Provider, hmac_sha256_parts};
use crate::random;

/// Plaintext bytes per chunk.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Size of the sealed stream for a plaintext of `plaintext` bytes; saturates at `u64::MAX`, far beyond what the format holds.
pub fn sealed_size(plaintext: u64) -> u64 {
    let chunks = plaintext.div_ceil(CHUNK_BYTES as u64).max(1);
    plaintext.saturating_add(chunks.saturating_mul(TAG_BYTES as u64)).saturating_add(HEADER_BYTES as u64)
}

/// Seals a plaintext that streams by. Holds at most one chunk of it.
pub struct Sealer {
    chunks: ChunkCipher,
    /// Plaintext not yet sealed; a full chunk waits here until more comes, for only then it is not the last. Written over by the next one,
    /// zeroized at the end: doing that to each chunk took a twentieth of the time of a large upload.
    pending: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Draws a salt and appends the header to `out`. `context` is bound: the stream opens only under the same one.
    pub fn new(key: &DocumentKey, context: &[u8], out: &mut Vec<u8>) -> Self {
        Self::with_salt(key, context, &random::array(), out)
    }

    fn with_salt(key: &DocumentKey, context: &[u8], salt: &[u8; SALT_BYTES], out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(salt);
        Self { chunks: ChunkCipher::new(key, context, salt), pending: Zeroizing::new(Vec::new()) }
    }

    /// Takes in plaintext; appends sealed chunks to `out` as they fill.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond 2^32 chunks (256 TiB); `out` then holds no usable stream.
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        self.advance(plaintext, out, |_, _| ())
    }

    /// Seals what is left as the last chunk.
    ///
    /// # Errors
    /// As [`Sealer::update`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.chunks.seal(&self.pending, true, out)
    }

    /// `sealed` is shown each chunk, plain and sealed.
    fn advance(
        &mut self,
        plaintext: &[u8],
        out: &mut Vec<u8>,
        mut sealed: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), SealError> {
        let mut rest = plaintext;
        while self.pending.len() + rest.len() > CHUNK_BYTES {
            let (now, later) = rest.split_at(CHUNK_BYTES - self.pending.len());
            let before = out.len();
            if self.pending.is_empty() {
                self.chunks.seal(now, false, out)?;
                sealed(now, &out[before..]);
            } else {
                self.hold(now);
                self.chunks.seal(&self.pending, false, out)?;
                sealed(&self.pending, &out[before..]);
                self.pending.clear();
            }
            rest = later;
        }
        self.hold(rest);
        Ok(())
    }

    /// Appends to `pending`. Growth goes through a new buffer so that the old one is zeroized: a plain `Vec` would leave a copy behind.
    fn hold(&mut self, plaintext: &[u8]) {
        let wanted = self.pending.len() + plaintext.len();
        if wanted > self.pending.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted.next_power_of_two().clamp(4096, CHUNK_BYTES)));
            larger.extend_from_slice(&self.pending);
            self.pending = larger;
        }
        self.pending.extend_from_slice(plaintext);
    }
}

/// A [`Sealer`] that makes the SHA-256 of both sides on the way, chunk by chunk and side by side, while the chunk is in the processor's
/// cache.
pub struct DigestingSealer {
    sealer: Sealer,
    /// Plain, sealed.
    digests: Sha256Pair,
}

/// SHA-256 of what was sealed, and of what it was sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealDigests {
    /// Of the plaintext.
    pub plain: [u8; 32],
    /// Of the sealed stream, its header included.
    pub sealed: [u8; 32],
}

impl DigestingSealer {
    /// As [`Sealer::new`].
    pub fn new(key: &DocumentKey, context: &[u8], out: &mut Vec<u8>) -> Self {
        let before = out.len();
        let sealer = Sealer::new(key, context, out);
        let mut digests = Sha256Pair::new();
        digests.update([&[], &out[before..]]);
        Self { sealer, digests }
    }

    /// As [`Sealer::update`].
    ///
    /// # Errors
    /// As [`Sealer::update`].
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let digests = &mut self.digests;
        self.sealer.advance(plaintext, out, |plain, sealed| digests.update([plain, sealed]))
    }

    /// Seals what is left as the last chunk.
    ///
    /// # Errors
    /// As [`Sealer::update`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<SealDigests, SealError> {
        let before = out.len();
        self.sealer.chunks.seal(&self.sealer.pending, true, out)?;
        self.digests.update([&self.sealer.pending, &out[before..]]);
        let [plain, sealed] = self.digests.finish();
        Ok(SealDigests { plain, sealed })
    }
}

/// Opens a sealed stream as it comes. Gives out authenticated plaintext only; after an error it gives out nothing more.
pub struct Opener {
    key: DocumentKey,
    context: Vec<u8>,
    /// Sealed bytes not yet opened: of the header, or a chunk that may turn out to be the last.
    pending: Vec<u8>,
    state: OpenerState,
}

enum OpenerState {
    Header,
    Chunks(ChunkCipher),
    Failed(SealError),
}

impl Opener {
    /// `context` as it was given to [`Sealer::new`].
    pub fn new(key: &DocumentKey, context: &[u8]) -> Self {
        Self { key: key.clone(), context: context.to_vec(), pending: Vec::new(), state: OpenerState::Header }
    }

    /// Takes in sealed bytes in pieces of any size; appends plaintext to `out` chunk by chunk, each after its check.
    ///
    /// # Errors
    /// [`SealError::NotSealed`] where the stream does not begin with the magic, [`SealError::Forged`] where a chunk does not verify,
    /// [`SealError::TooLong`] beyond 2^32 chunks. What was appended before stays authentic, but the document is not complete.
    pub fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let result = self.advance(sealed, out);
        self.remember(result)
    }

    /// Opens the last chunk.
    ///
    /// # Errors
    /// As [`Opener::update`]; [`SealError::Forged`] where the stream was cut.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        match &mut self.state {
            OpenerState::Header => Err(header_error(&self.pending)),
            OpenerState::Chunks(chunks) => chunks.open_last(&self.pending, out),
            OpenerState::Failed(error) => Err(*error),
        }
    }

    fn advance(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let mut rest = sealed;
        if matches!(self.state, OpenerState::Header) {
            let Some(after) = self.take_header(rest)? else { return Ok(()) };
            rest = after;
        }
        let chunks = match &mut self.state {
            OpenerState::Chunks(chunks) => chunks,
            OpenerState::Failed(error) => return Err(*error),
            OpenerState::Header => return Ok(()),
        };
        while self.pending.len() + rest.len() > SEALED_CHUNK_BYTES {
            let (now, later) = rest.split_at(SEALED_CHUNK_BYTES - self.pending.len());
            if self.pending.is_empty() {
                chunks.open(now, false, out)?;
            } else {
                self.pending.extend_from_slice(now);
                chunks.open(&self.pending, false, out)?;
                self.pending.clear();
            }
            rest = later;
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Collects the header; answers what follows it once it is complete.
    fn take_header<'s>(&mut self, sealed: &'s [u8]) -> Result<Option<&'s [u8]>, SealError> {
        let (now, later) = sealed.split_at(sealed.len().min(HEADER_BYTES - self.pending.len()));
        self.pending.extend_from_slice(now);
        let Some(header) = self.pending.first_chunk::<HEADER_BYTES>() else {
            // Say early that it is none of ours.
            return match header_error(&self.pending) {
                SealError::NotSealed => Err(SealError::NotSealed),
                _ => Ok(None),
            };
        };
        let salt = header_salt(header)?;
        self.state = OpenerState::Chunks(ChunkCipher::new(&self.key, &self.context, salt));
        self.pending.clear();
        Ok(Some(later))
    }

    fn remember(&mut self, result: Result<(), SealError>) -> Result<(), SealError> {
        if let Err(error) = result {
            self.state = OpenerState::Failed(error);
            self.pending = Vec::new();
        }
        result
    }
}

/// The sealed stream of a plaintext in memory.
pub fn seal(key: &DocumentKey, context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let capacity = usize::try_from(sealed_size(plaintext.len() as u64)).unwrap_or(plaintext.len());
    let mut out = Vec::with_capacity(capacity);
    let mut chunks = Sealer::new(key, context, &mut out).chunks;
    let (full, last) = split_last_chunk(plaintext, CHUNK_BYTES);
    let sealed = full.chunks(CHUNK_BYTES).try_for_each(|chunk| chunks.seal(chunk, false, &mut out));
    crate::provider::cannot_fail(
        sealed.and_then(|()| chunks.seal(last, true, &mut out)),
        "256 TiB do not fit in memory",
    );
    out
}

/// The plaintext of a sealed stream in memory.
///
/// # Errors
/// [`SealError::NotSealed`] where it does not begin as one, [`SealError::Forged`] where anything else is wrong.
pub fn open(key: &DocumentKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (header, body) = sealed.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| header_error(sealed))?;
    let mut chunks = ChunkCipher::new(key, context, header_salt(header)?);
    let mut out = Vec::with_capacity(body.len());
    let (full, last) = split_last_chunk(body, SEALED_CHUNK_BYTES);
    let opened = full
        .chunks(SEALED_CHUNK_BYTES)
        .try_for_each(|chunk| chunks.open(chunk, false, &mut out))
        .and_then(|()| chunks.open_last(last, &mut out));
    match opened {
        Ok(()) => Ok(out),
        Err(error) => {
            out.zeroize();
            Err(error)
        }
    }
}

/// Splits so that the second part is the last chunk: 1 to `chunk` bytes, or nothing where there is nothing.
fn split_last_chunk(bytes: &[u8], chunk: usize) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().saturating_sub(1) / chunk * chunk)
}

fn header_salt(header: &[u8; HEADER_BYTES]) -> Result<&[u8; SALT_BYTES], SealError> {
    let (magic, salt) = header.split_at(MAGIC.len());
    match salt.first_chunk() {
        Some(salt) if magic == MAGIC => Ok(salt),
        _ => Err(SealError::NotSealed),
    }
}

/// What is wrong with an incomplete header: another beginning, or one of ours that was cut.
fn header_error(start: &[u8]) -> SealError {
    if start.iter().zip(&MAGIC).all(|(left, right)| left == right) { SealError::Forged } else { SealError::NotSealed }
}

/// The chunk cipher of one stream: its key and the number of the next chunk.
struct ChunkCipher {
    aead: Aead,
    /// `None` after chunk number 2^32 − 1.
    next: Option<u32>,
}

impl ChunkCipher {
    fn new(key: &DocumentKey, context: &[u8], salt: &[u8; SALT_BYTES]) -> Self {
        Self::with_provider(Provider::ACTIVE, key, context, salt)
    }

    fn with_provider(provider: Provider, key: &DocumentKey, context: &[u8], salt: &[u8; SALT_BYTES]) -> Self {
        // RFC 5869: extract, then the first (here the only) block of expand.
        let extracted = Zeroizing::new(hmac_sha256_parts(provider, salt, &[key.expose()]));
        let stream_key = Zeroizing::new(hmac_sha256_parts(provider, &*extracted, &[&MAGIC, context, &[1]]));
        Self { aead: Aead::new(provider, &stream_key), next: Some(0) }
    }

    fn seal(&mut self, plaintext: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        let nonce = self.nonce(last)?;
        self.aead.seal(&nonce, &[], plaintext, out);
        Ok(())
    }

    fn open(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        let (ciphertext, tag) = chunk.split_last_chunk::<TAG_BYTES>().ok_or(SealError::Forged)?;
        let nonce = self.nonce(last)?;
        if self.aead.open(&nonce, &[], ciphertext, tag, out) { Ok(()) } else { Err(SealError::Forged) }
    }

    /// As `open`, and only the first chunk may be empty: else a stream of full chunks would have two forms.
    fn open_last(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        if chunk.len() == TAG_BYTES && self.next != Some(0) {
            return Err(SealError::Forged);
        }
        self.open(chunk, true, out)
    }

    fn nonce(&mut self, last: bool) -> Result<[u8; 12], SealError> {
        let number = self.next.ok_or(SealError::TooLong)?;
        self.next = number.checked_add(1);
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(last);
        Ok(nonce)
    }
}

const MAGIC: [u8; 8] = *b"VUZOLS\x00\x01";
const SALT_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + SALT_BYTES;
const TAG_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

#[cfg(test)]
mod tests;
