//! Public keys, private keys behind handles.
use zeroize::Zeroizing;
use crate::signature::SignatureAlgorithm;
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve { P256, P384, P521, BrainpoolP256r1, BrainpoolP384r1, BrainpoolP512r1 }
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind { Rsa { bits: u32 }, Ec(Curve), Ed25519, Ed448 }
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("malformed key")] Malformed,
    #[error("unsupported key algorithm")] UnsupportedAlgorithm,
    #[error("key size outside the accepted bounds")] SizeOutOfBounds,
    #[error("the key cannot do this operation")] WrongOperation,
    #[error("the operation failed")] OperationFailed,
}
/// A public key, parsed from SubjectPublicKeyInfo and checked once (named curves only, point on curve, RSA 2048..=16384 for
/// verification >= 1024, e odd). Cheap to clone (Arc).
#[derive(Clone)]
pub struct PublicKey { inner: () }
impl PublicKey {
    pub fn from_spki_der(_spki: &[u8]) -> Result<Self, KeyError> { todo!() }
    pub fn spki_der(&self) -> &[u8] { todo!() }
    pub fn kind(&self) -> KeyKind { todo!() }
}
/// A private key that never leaves its holder: software, HSM, token.
pub trait KeyHandle: Send + Sync {
    fn public_key(&self) -> &PublicKey;
    /// Signs message (hashing it as the algorithm says). ECDSA signatures are DER Ecdsa-Sig-Value.
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError>;
    /// Raw ECDH shared secret (x coordinate) with the peer's key of the same curve.
    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<Vec<u8>>, KeyError>;
    /// RSA-OAEP decryption (SHA-256, MGF1-SHA-256).
    fn decrypt_rsa_oaep(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>;
}
/// A private key in memory, zeroized on drop, silent Debug.
pub struct SoftwareKey { inner: () }
impl SoftwareKey {
    pub fn generate(_kind: KeyKind) -> Result<Self, KeyError> { todo!() }
    pub fn from_pkcs8_der(_der: &[u8]) -> Result<Self, KeyError> { todo!() }
    /// "PRIVATE KEY" PEM.
    pub fn from_pkcs8_pem(_pem: &str) -> Result<Self, KeyError> { todo!() }
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> { todo!() }
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> { todo!() }
    /// The natural algorithm: P-256 -> ECDSA-SHA256, P-384 -> ECDSA-SHA384, RSA -> PKCS1-SHA256, Ed25519.
    pub fn default_algorithm(&self) -> SignatureAlgorithm { todo!() }
}
impl KeyHandle for SoftwareKey {
    fn public_key(&self) -> &PublicKey { todo!() }
    fn sign(&self, _a: SignatureAlgorithm, _m: &[u8]) -> Result<Vec<u8>, KeyError> { todo!() }
    fn agree(&self, _p: &PublicKey) -> Result<Zeroizing<Vec<u8>>, KeyError> { todo!() }
    fn decrypt_rsa_oaep(&self, _c: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> { todo!() }
}
