//! Sealing: streaming AEAD, key wrap, key agreement KDF. Submodules: stream, wrap, kdf.
use zeroize::Zeroizing;
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("not a sealed stream")] NotSealed,
    #[error("the sealed stream was changed, cut, or belongs to another key or context")] Forged,
    #[error("the sealed stream is larger than its format allows")] TooLong,
    #[error("the wrapped key was changed or belongs to another key")] WrongKey,
}
/// 32 bytes, zeroized, silent Debug.
#[derive(Clone)]
pub struct DocumentKey(Zeroizing<[u8; 32]>);
impl DocumentKey {
    pub fn generate() -> Self { todo!() }
    pub fn from_bytes(_b: [u8; 32]) -> Self { todo!() }
    pub fn expose(&self) -> &[u8; 32] { &self.0 }
}
/// Plaintext bytes per chunk.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Size of the sealed stream for a plaintext of `n` bytes.
pub fn sealed_size(_plaintext: u64) -> u64 { todo!() }
/// STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015) over AES-256-GCM, chunks of 64 KiB; subkey per stream by HKDF-SHA-256 from
/// (document key, random 32-byte salt in the header, context) so that nonces never repeat across parts; `context` (e.g. message id || part
/// number) is bound.
pub struct Sealer { inner: () }
impl Sealer {
    /// Writes the header to `out`.
    pub fn new(_key: &DocumentKey, _context: &[u8], _out: &mut Vec<u8>) -> Self { todo!() }
    /// Appends whole sealed chunks to `out`; buffers at most one chunk.
    pub fn update(&mut self, _plaintext: &[u8], _out: &mut Vec<u8>) -> Result<(), SealError> { todo!() }
    pub fn finish(self, _out: &mut Vec<u8>) -> Result<(), SealError> { todo!() }
}
pub struct Opener { inner: () }
impl Opener {
    pub fn new(_key: &DocumentKey, _context: &[u8]) -> Self { todo!() }
    /// Appends only authenticated plaintext to `out`.
    pub fn update(&mut self, _sealed: &[u8], _out: &mut Vec<u8>) -> Result<(), SealError> { todo!() }
    /// Err if the stream was cut.
    pub fn finish(self, _out: &mut Vec<u8>) -> Result<(), SealError> { todo!() }
}
pub fn seal(_key: &DocumentKey, _context: &[u8], _plaintext: &[u8]) -> Vec<u8> { todo!() }
pub fn open(_key: &DocumentKey, _context: &[u8], _sealed: &[u8]) -> Result<Vec<u8>, SealError> { todo!() }
/// AES-256 key wrap, RFC 3394.
pub fn aes256_wrap(_kek: &[u8; 32], _key: &[u8]) -> Vec<u8> { todo!() }
pub fn aes256_unwrap(_kek: &[u8; 32], _wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> { todo!() }
/// ANSI X9.63 KDF with SHA-256 (SEC 1, 3.6.1).
pub fn x963_kdf_sha256(_secret: &[u8], _shared_info: &[u8], _out: &mut [u8]) { todo!() }
/// AES-256-GCM, 12-byte nonce, 16-byte tag returned apart (CMS AuthEnvelopedData keeps it apart).
pub fn aes256_gcm_seal(_key: &[u8; 32], _nonce: &[u8; 12], _aad: &[u8], _plaintext: &[u8]) -> (Vec<u8>, [u8; 16]) { todo!() }
pub fn aes256_gcm_open(_key: &[u8; 32], _nonce: &[u8; 12], _aad: &[u8], _ciphertext: &[u8], _tag: &[u8; 16]) -> Result<Zeroizing<Vec<u8>>, SealError> { todo!() }
