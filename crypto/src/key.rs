//! Public keys, and private keys behind handles.
//!
//! Public keys come as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of strict DER and are checked once, when they are read: named
//! curves only (RFC 5480, 2.1.1), points on their curve, RSA sizes within bounds. Private keys come as PKCS#8 (RFC 5208, RFC 5958).
//! Keys of DSTU 4145 name their curve or write it out, as `dstu4145` allows.
//! Certificates, passwords and containers (PKCS#12, JKS) are not known here.

mod parts;
mod pkcs8;
mod software;
mod spki;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::digest::DigestAlgorithm;
use crate::dstu4145::{self, ParametersError, SubjectPublicKey};
use crate::provider::{self, Provider, PublicMaterial, VerifyingEngines};
use crate::signature::SignatureAlgorithm;

pub(crate) use pkcs8::{dstu4145 as dstu4145_pkcs8, encode_dstu4145 as encode_dstu4145_pkcs8};
#[cfg(feature = "portable")]
pub(crate) use pkcs8::{encode as encode_pkcs8, secret as pkcs8_secret};
pub use software::SoftwareKey;
#[cfg(feature = "portable")]
pub(crate) use spki::rsa_components;
pub(crate) use spki::{EC_PUBLIC_KEY, ED448, ED25519, RSA_ENCRYPTION, RSASSA_PSS, usual_parameters};

pub use crate::dstu4145::Cofactor;

/// A named elliptic curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256 (secp256r1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// NIST P-521 (secp521r1).
    P521,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
    /// brainpoolP512r1 (RFC 5639).
    BrainpoolP512r1,
}

impl Curve {
    /// Every curve, in the order of the declaration.
    pub const ALL: [Self; 6] =
        [Self::P256, Self::P384, Self::P521, Self::BrainpoolP256r1, Self::BrainpoolP384r1, Self::BrainpoolP512r1];

    /// Bytes of one coordinate, and of an ECDH secret.
    pub const fn field_len(self) -> usize {
        match self {
            Self::P256 | Self::BrainpoolP256r1 => 32,
            Self::P384 | Self::BrainpoolP384r1 => 48,
            Self::P521 => 66,
            Self::BrainpoolP512r1 => 64,
        }
    }
}

/// Algorithm and size of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Bits of the modulus.
        bits: u32,
    },
    /// A key on a named curve, for ECDSA and ECDH.
    Ec(Curve),
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// Ed448 (RFC 8032).
    Ed448,
    /// A key of DSTU 4145-2002, for its signatures and for agreement.
    Dstu4145(dstu4145::Curve),
}

/// Why a key was refused, or why it did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the DER that the standard asks for, or parts that contradict each other.
    #[error("malformed key")]
    Malformed,
    /// An algorithm, or a size of it, that this build does not serve.
    #[error("unsupported key algorithm")]
    UnsupportedAlgorithm,
    /// An elliptic curve outside [`Curve`] and [`dstu4145::Curve`]; for DSTU 4145 also one that is written out and is not, byte for byte, a
    /// recommended curve.
    #[error("unsupported elliptic curve")]
    UnsupportedCurve,
    /// Curve parameters written out instead of named (RFC 5480, 2.1.1 forbids them; CVE-2020-0601 shows why).
    #[error("elliptic curve given by explicit parameters instead of a name")]
    ExplicitCurveParameters,
    /// The point is at infinity, in the hybrid form, of small order, outside the subgroup, or not on its curve.
    #[error("the public point is not a point of its curve")]
    InvalidPoint,
    /// The private number of an elliptic-curve key is 0 or not below the order of the base point.
    #[error("the private number is not one of its curve")]
    InvalidScalar,
    /// An RSA modulus, or a field of DSTU 4145, outside the bounds of the operation.
    #[error("key size outside the accepted bounds")]
    SizeOutOfBounds,
    /// An even RSA modulus.
    #[error("the RSA modulus is even")]
    InvalidModulus,
    /// An RSA exponent that is even, below 3 or above 64 bits.
    #[error("the RSA public exponent is even, below 3 or above 64 bits")]
    InvalidExponent,
    /// This key does not do this operation, or the two keys do not belong together.
    #[error("the key cannot do this operation")]
    WrongOperation,
    /// A token is not there, does not let the key be used, or did not answer in time. The same may succeed later.
    #[error("the token with the key is not available")]
    Unavailable,
    /// The library or token failed; for decryption: the ciphertext was not made for this key.
    #[error("the operation failed")]
    OperationFailed,
}

/// A public key, parsed from SubjectPublicKeyInfo and checked once. Cheap to clone; what libraries parsed is kept, so repeated
/// verification under one key does not parse it again.
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<PublicKeyInner>,
}

struct PublicKeyInner {
    shape: spki::Shape,
    spki: Box<[u8]>,
    engines: VerifyingEngines,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for anything but strict DER of the algorithm's form; [`KeyError::UnsupportedAlgorithm`],
    /// [`KeyError::UnsupportedCurve`], [`KeyError::ExplicitCurveParameters`], [`KeyError::InvalidPoint`],
    /// [`KeyError::SizeOutOfBounds`] (RSA outside 1024..=16384 bits), [`KeyError::InvalidModulus`] and
    /// [`KeyError::InvalidExponent`] as they say.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        Self::read(Provider::ACTIVE, spki)
    }

    pub(crate) fn read(provider: Provider, spki: &[u8]) -> Result<Self, KeyError> {
        let key = Self::assemble(spki.into(), spki::Shape::read(spki)?);
        if let KeyKind::Ec(curve) = key.kind() {
            key.inner.engines.check_point(provider, curve, key.material())?;
        }
        Ok(key)
    }

    /// A public key from its raw form. For EC: a point that a library has just made or checked, it is not checked again.
    pub(crate) fn from_raw(kind: KeyKind, raw: &[u8]) -> Result<Self, KeyError> {
        let spki = spki::encode(kind, raw);
        let shape = spki::Shape::read(&spki)?;
        if shape.kind == kind { Ok(Self::assemble(spki.into(), shape)) } else { Err(KeyError::Malformed) }
    }

    /// The public half of a PKCS#8, whose AlgorithmIdentifier it shares.
    pub(crate) fn of_private(kind: KeyKind, pkcs8: &[u8], raw: &[u8]) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Dstu4145(_) => Self::read(Provider::ACTIVE, &spki::encode_with(&pkcs8::algorithm(pkcs8)?, raw)),
            _ => Self::from_raw(kind, raw),
        }
    }

    fn assemble(spki: Box<[u8]>, shape: spki::Shape) -> Self {
        let engines = VerifyingEngines::new(shape.dstu4145.as_ref());
        Self { inner: Arc::new(PublicKeyInner { shape, spki, engines }) }
    }

    /// The SubjectPublicKeyInfo as it was read.
    pub fn spki_der(&self) -> &[u8] {
        &self.inner.spki
    }

    /// The content of the subjectPublicKey BIT STRING: `RSAPublicKey` DER, a SEC 1 point (2.3.3), or a raw EdDSA key. This is what
    /// key identifiers are computed over (RFC 5280, 4.2.1.2) and what an ephemeral key is sent as (RFC 5753, 3.1.1). For DSTU 4145 it is the
    /// OCTET STRING with the compressed point, tag and length included, which is what national key identifiers are computed over.
    pub fn subject_public_key(&self) -> &[u8] {
        &self.inner.spki[self.inner.shape.raw.clone()]
    }

    /// Algorithm and size.
    pub fn kind(&self) -> KeyKind {
        self.inner.shape.kind
    }

    /// The key of DSTU 4145 with its parameters; `None` for other kinds.
    pub fn dstu4145(&self) -> Option<&SubjectPublicKey> {
        self.inner.shape.dstu4145.as_ref()
    }

    /// ECDH between this key and one made for this single call (ephemeral-static, SP 800-56A 6.2.2): the ephemeral public key to
    /// send, and the raw shared secret, as [`KeyHandle::agree`] has it. A key of DSTU 4145 meets one with the same parameters.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where this is no elliptic-curve key, [`KeyError::UnsupportedAlgorithm`] where this build does
    /// not serve its curve.
    pub fn agree_ephemeral(&self, cofactor: Cofactor) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        if let Some(SubjectPublicKey { key: peer, parameters }) = self.dstu4145() {
            let private = dstu4145::PrivateKey::generate(peer.curve()).map_err(|_| KeyError::UnsupportedAlgorithm)?;
            let secret = private.agree(peer, cofactor).map_err(|_| KeyError::WrongOperation)?;
            let ephemeral = SubjectPublicKey { key: *private.public_key(), parameters: *parameters };
            return Ok((Self::read(Provider::ACTIVE, &ephemeral.to_spki_der())?, secret));
        }
        let KeyKind::Ec(curve) = self.kind() else { return Err(KeyError::WrongOperation) };
        let (point, secret) = provider::agree_ephemeral(Provider::ACTIVE, curve, self.subject_public_key())?;
        Ok((Self::from_raw(self.kind(), &point)?, secret))
    }

    /// RSA-OAEP encryption (RFC 8017, 7.1.1) with SHA-256, MGF1 with SHA-256 and an empty label.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where this is no RSA key or is bound to RSASSA-PSS, [`KeyError::SizeOutOfBounds`] below 2048 bits,
    /// [`KeyError::UnsupportedAlgorithm`] in the portable provider, [`KeyError::OperationFailed`] where the plaintext is too long.
    pub fn encrypt_rsa_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        match (self.kind(), self.inner.shape.pss) {
            (KeyKind::Rsa { bits }, None) if bits >= MIN_PRIVATE_RSA_BITS => {
                provider::encrypt_rsa_oaep(Provider::ACTIVE, self.engines(), self.material(), plaintext)
            }
            (KeyKind::Rsa { .. }, None) => Err(KeyError::SizeOutOfBounds),
            _ => Err(KeyError::WrongOperation),
        }
    }

    pub(crate) fn engines(&self) -> &VerifyingEngines {
        &self.inner.engines
    }

    pub(crate) fn material(&self) -> PublicMaterial<'_> {
        let shape = &self.inner.shape;
        PublicMaterial { kind: shape.kind, exponent_bits: shape.exponent_bits, raw: self.subject_public_key() }
    }

    /// What the key's own AlgorithmIdentifier forbids (id-RSASSA-PSS, RFC 4055, 1.2 and 3.3).
    pub(crate) fn permits(&self, algorithm: SignatureAlgorithm) -> bool {
        match (self.inner.shape.pss, algorithm) {
            (None, _) => true,
            (Some(PssBound::Any), SignatureAlgorithm::RsaPss { .. }) => true,
            (
                Some(PssBound::Fixed { digest, mgf_digest, min_salt_len }),
                SignatureAlgorithm::RsaPss { digest: d, mgf_digest: m, salt_len },
            ) => d == digest && m == mgf_digest && salt_len >= min_salt_len,
            _ => false,
        }
    }
}

impl PartialEq for PublicKey {
    /// Equal where the SubjectPublicKeyInfo is the same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.inner.spki == other.inner.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PublicKey").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

/// An RSA key that its own AlgorithmIdentifier binds to RSASSA-PSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PssBound {
    /// Any parameters.
    Any,
    /// These digests, and a salt of at least this length.
    Fixed { digest: DigestAlgorithm, mgf_digest: DigestAlgorithm, min_salt_len: usize },
}

impl From<ParametersError> for KeyError {
    fn from(refusal: ParametersError) -> Self {
        match refusal {
            ParametersError::Malformed | ParametersError::TableLength => Self::Malformed,
            ParametersError::UnknownAlgorithm => Self::UnsupportedAlgorithm,
            ParametersError::UnknownCurve | ParametersError::ForeignParameters => Self::UnsupportedCurve,
            ParametersError::Key(_) => Self::InvalidPoint,
        }
    }
}

/// A private key that never leaves its holder: software, HSM, token.
pub trait KeyHandle: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`, hashing it as the algorithm says. ECDSA signatures are DER `Ecdsa-Sig-Value` (RFC 3279, 2.2.3), RSA signatures
    /// as long as the modulus, EdDSA signatures as RFC 8032 writes them, DSTU 4145 signatures two halves of
    /// [`dstu4145::Curve::scalar_len`] bytes.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where key and algorithm do not belong together; [`KeyError::UnsupportedAlgorithm`] where the holder does
    /// not serve it; [`KeyError::Unavailable`] where the key is out of reach; [`KeyError::OperationFailed`] where the holder failed.
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Raw ECDH shared secret with the peer's key of the same curve: the x coordinate, big-endian, [`Curve::field_len`] or
    /// [`dstu4145::Curve::field_len`] bytes. `cofactor` matters to DSTU 4145 alone; the other curves have cofactor 1.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where the curves differ or one is no curve; otherwise as [`KeyHandle::sign`].
    fn agree(&self, peer: &PublicKey, cofactor: Cofactor) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// RSA-OAEP decryption (RFC 8017, 7.1.2) with SHA-256, MGF1 with SHA-256 and an empty label.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where this is no RSA key; [`KeyError::OperationFailed`] where `ciphertext` was not made for this
    /// key; otherwise as [`KeyHandle::sign`].
    fn decrypt_rsa_oaep(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Whether the key is somewhere that may keep its caller waiting, or be out of reach: a token. A key in memory is not.
    fn is_outside(&self) -> bool {
        false
    }

    /// Why the key cannot be used at present, as far as the last try showed it. For an operator.
    fn complaint(&self) -> Option<String> {
        None
    }
}

/// Old documents were signed with smaller keys than may sign today; below this a key proves nothing at all.
pub(crate) const MIN_RSA_BITS: u32 = 1024;
/// A stranger's modulus is our work: OpenSSL's own bound.
pub(crate) const MAX_RSA_BITS: u32 = 16384;
/// No private operation and no encryption below the strength that ETSI TS 119 312 still recommends.
pub(crate) const MIN_PRIVATE_RSA_BITS: u32 = 2048;
/// Nor with DSTU 4145 over a smaller field than the authorities use for people.
pub(crate) const MIN_PRIVATE_DSTU_4145_DEGREE: usize = 257;

#[cfg(test)]
mod dstu4145_tests;
#[cfg(test)]
mod tests;
