//! A private key in memory.

use std::fmt;

use der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use super::{Cofactor, Curve, KeyError, KeyHandle, KeyKind, MIN_PRIVATE_DSTU_4145_DEGREE, PublicKey, pkcs8};
use crate::digest::{DigestAlgorithm, digest_with};
use crate::dstu4145::{self, ByteOrder};
use crate::provider::{GeneratedKey, Input, Provider, SigningEngines, generate_private};
use crate::signature::SignatureAlgorithm;

/// A private key in memory: zeroized on drop, silent Debug, parsed once and kept ready.
pub struct SoftwareKey {
    provider: Provider,
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
    engines: SigningEngines,
}

impl SoftwareKey {
    /// A fresh key: every curve and EdDSA algorithm that this build serves, RSA of 2048, 3072 or 4096 bits, DSTU 4145 from m = 257 on (keys
    /// little-endian, the curve written out, DKE No 1: as the authorities of Ukraine do).
    ///
    /// # Errors
    /// [`KeyError::SizeOutOfBounds`] for another size of RSA or of DSTU 4145, [`KeyError::UnsupportedAlgorithm`] where this build does not serve the kind
    /// (the portable provider: RSA, P-521, brainpool, Ed448).
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        Self::generate_with(Provider::ACTIVE, kind)
    }

    pub(crate) fn generate_with(provider: Provider, kind: KeyKind) -> Result<Self, KeyError> {
        if let KeyKind::Rsa { bits } = kind
            && !GENERATED_RSA_BITS.contains(&bits)
        {
            return Err(KeyError::SizeOutOfBounds);
        }
        if let KeyKind::Dstu4145(curve) = kind
            && curve.degree() < MIN_PRIVATE_DSTU_4145_DEGREE
        {
            return Err(KeyError::SizeOutOfBounds);
        }
        let GeneratedKey { engines, pkcs8, public } = generate_private(provider, kind)?;
        Ok(Self { provider, public: PublicKey::of_private(kind, &pkcs8, &public)?, pkcs8, engines })
    }

    /// Reads an unencrypted PKCS#8 `PrivateKeyInfo` (RFC 5208) or `OneAsymmetricKey` (RFC 5958). The public half is computed from, or
    /// checked against, the private one.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`]; RSA from 2048 bits and DSTU 4145 from m = 257 on. [`KeyError::InvalidScalar`] for a number that is no
    /// private key of its curve.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8_with(Provider::ACTIVE, der)
    }

    pub(crate) fn from_pkcs8_with(provider: Provider, der: &[u8]) -> Result<Self, KeyError> {
        let kind = pkcs8::kind(der)?;
        let engines = SigningEngines::new(kind);
        let raw = engines.load(provider, der)?;
        let public = PublicKey::of_private(kind, der, &raw)?;
        Ok(Self { provider, public, pkcs8: Zeroizing::new(der.to_vec()), engines })
    }

    /// A key of DSTU 4145 that came otherwise than as PKCS#8, under its parameters.
    ///
    /// # Errors
    /// [`KeyError::WrongOperation`] where the parameters are of another curve; [`KeyError::SizeOutOfBounds`] below m = 257.
    pub fn from_dstu4145(key: &dstu4145::PrivateKey, parameters: &dstu4145::Parameters) -> Result<Self, KeyError> {
        if parameters.curve != key.curve() {
            return Err(KeyError::WrongOperation);
        }
        Self::from_pkcs8_der(&pkcs8::encode_dstu4145(key, parameters))
    }

    /// Reads a `PRIVATE KEY` PEM (RFC 7468, 10).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for another label (encrypted keys, the old per-algorithm forms) or broken PEM; otherwise as
    /// [`SoftwareKey::from_pkcs8_der`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode_vec(pem.as_bytes()).map_err(|_| KeyError::Malformed)?;
        let der = Zeroizing::new(der);
        if label != PEM_LABEL {
            return Err(KeyError::Malformed);
        }
        Self::from_pkcs8_der(&der)
    }

    /// The PKCS#8 as it was read or generated.
    ///
    /// # Errors
    /// None today; a holder that cannot export would answer [`KeyError::WrongOperation`].
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(self.pkcs8.clone())
    }

    /// The same as `PRIVATE KEY` PEM with LF line ends.
    ///
    /// # Errors
    /// [`KeyError::OperationFailed`] where the text does not fit in memory.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        pem::encode_string(PEM_LABEL, LineEnding::LF, &self.pkcs8)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::OperationFailed)
    }

    /// The algorithm that goes with the key: P-256 with SHA-256, P-384 with SHA-384, the 512-bit curves with SHA-512, RSA as PKCS #1 v1.5
    /// with SHA-256, EdDSA as itself, DSTU 4145 with Kupyna-256 (with GOST 34.311 where the key is big-endian, which has no other).
    pub fn default_algorithm(&self) -> SignatureAlgorithm {
        match self.public.kind() {
            KeyKind::Rsa { .. } => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
            KeyKind::Ec(Curve::P256 | Curve::BrainpoolP256r1) => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
            KeyKind::Ec(Curve::P384 | Curve::BrainpoolP384r1) => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384),
            KeyKind::Ec(Curve::P521 | Curve::BrainpoolP512r1) => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512),
            KeyKind::Ed25519 => SignatureAlgorithm::Ed25519,
            KeyKind::Ed448 => SignatureAlgorithm::Ed448,
            KeyKind::Dstu4145(_) => match self.public.dstu4145().map(|key| key.parameters.byte_order) {
                Some(ByteOrder::Big) => SignatureAlgorithm::Dstu4145BigEndian,
                _ => SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256),
            },
        }
    }
}

impl KeyHandle for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if !algorithm.belongs_to(self.public.kind()) {
            return Err(KeyError::WrongOperation);
        }
        match algorithm.digest_algorithm() {
            Some(digest) => {
                let digest = digest_with(self.provider, digest, message);
                self.engines.sign(self.provider, &self.pkcs8, algorithm, Input::Digest(&digest))
            }
            None => self.engines.sign(self.provider, &self.pkcs8, algorithm, Input::Message(message)),
        }
    }

    fn agree(&self, peer: &PublicKey, cofactor: Cofactor) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self.public.kind() {
            KeyKind::Dstu4145(_) => {
                let peer = &peer.dstu4145().ok_or(KeyError::WrongOperation)?.key;
                self.engines.agree_dstu4145(&self.pkcs8, peer, cofactor)
            }
            KeyKind::Ec(curve) if peer.kind() == KeyKind::Ec(curve) => {
                self.engines.agree(self.provider, &self.pkcs8, curve, peer.subject_public_key())
            }
            _ => Err(KeyError::WrongOperation),
        }
    }

    fn decrypt_rsa_oaep(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self.public.kind() {
            KeyKind::Rsa { .. } => self.engines.decrypt_rsa_oaep(self.provider, &self.pkcs8, ciphertext),
            _ => Err(KeyError::WrongOperation),
        }
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SoftwareKey").field("kind", &self.public.kind()).finish_non_exhaustive()
    }
}

const PEM_LABEL: &str = "PRIVATE KEY";
/// ETSI TS 119 312 names these; larger ones are read but not made.
const GENERATED_RSA_BITS: [u32; 3] = [2048, 3072, 4096];
