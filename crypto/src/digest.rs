//! Message digests.
/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm { Sha1, Sha224, Sha256, Sha384, Sha512, Sha3_224, Sha3_256, Sha3_384, Sha3_512 }
impl DigestAlgorithm {
    /// By dotted OID text, e.g. "2.16.840.1.101.3.4.2.1".
    pub fn from_oid(_oid: &str) -> Option<Self> { todo!() }
    pub fn oid(self) -> &'static str { todo!() }
    /// "SHA-256", "SHA3-512", ...
    pub fn name(self) -> &'static str { todo!() }
    pub fn output_len(self) -> usize { todo!() }
}
/// A digest: algorithm and value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest { /* private */ algorithm: DigestAlgorithm, len: usize, bytes: [u8; 64] }
impl Digest {
    pub fn new(_algorithm: DigestAlgorithm, _value: &[u8]) -> Option<Self> { todo!() }
    pub fn algorithm(&self) -> DigestAlgorithm { self.algorithm }
    pub fn as_bytes(&self) -> &[u8] { &self.bytes[..self.len] }
    pub fn to_hex(&self) -> String { todo!() }
}
/// Incremental digest.
pub struct Digester { inner: () }
impl Digester {
    pub fn new(_algorithm: DigestAlgorithm) -> Self { todo!() }
    pub fn update(&mut self, _bytes: &[u8]) { todo!() }
    pub fn finish(self) -> Digest { todo!() }
}
pub fn digest(_algorithm: DigestAlgorithm, _bytes: &[u8]) -> Digest { todo!() }
pub fn sha256(_bytes: &[u8]) -> [u8; 32] { todo!() }
pub fn hmac_sha256(_key: &[u8], _bytes: &[u8]) -> [u8; 32] { todo!() }
/// Lower-case hexadecimal.
pub fn hex(_bytes: &[u8]) -> String { todo!() }
/// Strict lower-case or upper-case hexadecimal.
pub fn from_hex(_text: &str) -> Option<Vec<u8>> { todo!() }
