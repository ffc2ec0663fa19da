//! Signature algorithms and verification.
use crate::digest::{Digest, DigestAlgorithm};
use crate::key::PublicKey;
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    RsaPkcs1(DigestAlgorithm),
    RsaPss { digest: DigestAlgorithm, mgf_digest: DigestAlgorithm, salt_len: usize },
    Ecdsa(DigestAlgorithm),
    Ed25519,
    Ed448,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the signature value does not verify")] Mismatch,
    #[error("key and signature algorithm do not belong together")] KeyMismatch,
    #[error("unsupported signature algorithm")] UnsupportedAlgorithm,
}
impl SignatureAlgorithm {
    /// From an AlgorithmIdentifier: `oid` dotted, `parameters` the raw DER of the parameters field if present.
    /// Also accepts the key-only OIDs (rsaEncryption, id-ecPublicKey) that CMS signers put there: then `digest` (the
    /// SignerInfo's digestAlgorithm) completes it. None for `digest`: such OIDs are refused.
    pub fn from_algorithm_identifier(_oid: &str, _parameters: Option<&[u8]>, _digest: Option<DigestAlgorithm>) -> Result<Self, VerifyError> { todo!() }
    /// DER AlgorithmIdentifier.
    pub fn to_algorithm_identifier(self) -> Vec<u8> { todo!() }
    /// The digest it names; None for EdDSA.
    pub fn digest_algorithm(self) -> Option<DigestAlgorithm> { todo!() }
    /// e.g. "ECDSA with SHA-256", "RSASSA-PSS with SHA-256"
    pub fn name(self) -> String { todo!() }
}
impl PublicKey {
    /// Ok(()) only if `signature` over `message` verifies.
    pub fn verify(&self, _algorithm: SignatureAlgorithm, _message: &[u8], _signature: &[u8]) -> Result<(), VerifyError> { todo!() }
    /// The same over a digest computed elsewhere (streams). Not for EdDSA. The digest's algorithm must be the signature's.
    pub fn verify_digest(&self, _algorithm: SignatureAlgorithm, _digest: &Digest, _signature: &[u8]) -> Result<(), VerifyError> { todo!() }
}
