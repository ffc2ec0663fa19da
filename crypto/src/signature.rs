//! Signature algorithms and verification.
//!
//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017), ECDSA (FIPS 186-5) with DER `Ecdsa-Sig-Value`, EdDSA (RFC 8032, pure), DSTU 4145-2002. Says
//! whether a value verifies; whether its algorithm may still be believed is the validation policy's question.

pub mod fixed;
mod identifier;

use der::Decode;
use der::asn1::OctetStringRef;

use crate::asn1;
use crate::digest::{Digest, DigestAlgorithm, digest_with};
use crate::dstu4145::{Basis, ByteOrder};
use crate::key::{KeyKind, PublicKey};
use crate::provider::{Input, Provider};

pub(crate) use identifier::pss_parameters;

/// A signature algorithm with everything that its name leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1.
    RsaPss {
        /// Digest of the message.
        digest: DigestAlgorithm,
        /// Digest inside MGF1.
        mgf_digest: DigestAlgorithm,
        /// Length of the salt in bytes; a signature with another salt length does not verify.
        salt_len: usize,
    },
    /// ECDSA, signature as DER `Ecdsa-Sig-Value`.
    Ecdsa(DigestAlgorithm),
    /// Ed25519, pure.
    Ed25519,
    /// Ed448, pure, empty context.
    Ed448,
    /// DSTU 4145-2002 with a national digest, signature as r‖s, each half little-endian.
    Dstu4145(DigestAlgorithm),
    /// DSTU 4145-2002 with GOST 34.311 under the OID of big-endian keys, signature as s‖r, each half big-endian.
    Dstu4145BigEndian,
    /// DSTU 4145-2002 with GOST 34.311 under the OIDs of keys in optimal normal basis, in this order of bytes. Verifies old documents, and never
    /// signs.
    Dstu4145Normal(ByteOrder),
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The value does not verify over these bytes under this key.
    #[error("the signature value does not verify")]
    Mismatch,
    /// An RSA algorithm with an EC key and the like, or an algorithm that the key is not bound to.
    #[error("key and signature algorithm do not belong together")]
    KeyMismatch,
    /// An algorithm, or parameters of it, that this build does not serve.
    #[error("unsupported signature algorithm")]
    UnsupportedAlgorithm,
}

impl SignatureAlgorithm {
    /// The digest it names; `None` for EdDSA.
    pub const fn digest_algorithm(self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } | Self::Ecdsa(digest) | Self::Dstu4145(digest) => {
                Some(digest)
            }
            Self::Dstu4145BigEndian | Self::Dstu4145Normal(_) => Some(DigestAlgorithm::Gost34311),
            Self::Ed25519 | Self::Ed448 => None,
        }
    }

    /// For people: `ECDSA with SHA-256`, `RSASSA-PSS with SHA-256`.
    pub fn name(self) -> String {
        match self {
            Self::RsaPkcs1(digest) => format!("RSASSA-PKCS1-v1_5 with {}", digest.name()),
            Self::RsaPss { digest, .. } => format!("RSASSA-PSS with {}", digest.name()),
            Self::Ecdsa(digest) => format!("ECDSA with {}", digest.name()),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Ed448 => "Ed448".to_owned(),
            Self::Dstu4145(digest) => format!("DSTU 4145 with {}", digest.name()),
            Self::Dstu4145BigEndian => "DSTU 4145 (big-endian) with GOST 34.311".to_owned(),
            Self::Dstu4145Normal(ByteOrder::Little) => "DSTU 4145 (normal basis) with GOST 34.311".to_owned(),
            Self::Dstu4145Normal(ByteOrder::Big) => "DSTU 4145 (normal basis, big-endian) with GOST 34.311".to_owned(),
        }
    }

    /// The value in the BIT STRING of a certificate, a CRL or an OCSP response, whose octets are `bits`: for DSTU 4145 an OCTET STRING stands
    /// between the two, which CMS does not have. `None` where it should be there and is not, in strict DER.
    pub fn value_in_bit_string(self, bits: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Dstu4145(_) | Self::Dstu4145BigEndian | Self::Dstu4145Normal(_) => {
                <&OctetStringRef>::from_der(bits).ok().map(OctetStringRef::as_bytes)
            }
            _ => Some(bits),
        }
    }

    /// The octets of such a BIT STRING for `value`.
    pub fn value_to_bit_string(self, value: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Dstu4145(_) | Self::Dstu4145BigEndian | Self::Dstu4145Normal(_) => {
                asn1::element(asn1::TAG_OCTET_STRING, &[&value])
            }
            _ => value,
        }
    }

    pub(crate) fn belongs_to(self, key: KeyKind) -> bool {
        match self {
            Self::RsaPkcs1(_) | Self::RsaPss { .. } => matches!(key, KeyKind::Rsa { .. }),
            Self::Ecdsa(_) => matches!(key, KeyKind::Ec(_)),
            Self::Ed25519 => key == KeyKind::Ed25519,
            Self::Ed448 => key == KeyKind::Ed448,
            Self::Dstu4145(digest) => is_of_basis(key, Basis::Polynomial) && digest.is_national(),
            Self::Dstu4145BigEndian => is_of_basis(key, Basis::Polynomial),
            Self::Dstu4145Normal(_) => is_of_basis(key, Basis::OptimalNormal),
        }
    }
}

fn is_of_basis(key: KeyKind, basis: Basis) -> bool {
    matches!(key, KeyKind::Dstu4145(curve) if curve.basis() == basis)
}

impl PublicKey {
    /// `Ok(())` only where `signature` over `message` verifies.
    ///
    /// # Errors
    /// See [`VerifyError`]; a signature that cannot even be decoded is a [`VerifyError::Mismatch`].
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        self.verify_with(Provider::ACTIVE, algorithm, message, signature)
    }

    /// The same over a digest computed elsewhere, where the message streamed by. Not for EdDSA, which signs no digest.
    ///
    /// # Errors
    /// As [`PublicKey::verify`]; [`VerifyError::UnsupportedAlgorithm`] for EdDSA; [`VerifyError::Mismatch`] where the digest was made with another
    /// algorithm than `algorithm` names.
    pub fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &Digest,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        self.verify_digest_with(Provider::ACTIVE, algorithm, digest, signature)
    }

    pub(crate) fn verify_with(
        &self,
        provider: Provider,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if let Some(digest) = algorithm.digest_algorithm() {
            return self.verify_digest_with(provider, algorithm, &digest_with(provider, digest, message), signature);
        }
        self.refuse_foreign(algorithm)?;
        self.engines().verify(provider, self.material(), algorithm, Input::Message(message), signature)
    }

    pub(crate) fn verify_digest_with(
        &self,
        provider: Provider,
        algorithm: SignatureAlgorithm,
        digest: &Digest,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let wanted = algorithm.digest_algorithm().ok_or(VerifyError::UnsupportedAlgorithm)?;
        self.refuse_foreign(algorithm)?;
        if digest.algorithm() != wanted {
            return Err(VerifyError::Mismatch);
        }
        // RFC 8017, 8.1.2 and 8.2.2, step 1: an RSA signature has exactly the length of the modulus.
        if let KeyKind::Rsa { bits } = self.kind()
            && u32::try_from(signature.len()) != Ok(bits.div_ceil(8))
        {
            return Err(VerifyError::Mismatch);
        }
        self.engines().verify(provider, self.material(), algorithm, Input::Digest(digest), signature)
    }

    fn refuse_foreign(&self, algorithm: SignatureAlgorithm) -> Result<(), VerifyError> {
        if algorithm.belongs_to(self.kind()) && self.permits(algorithm) {
            Ok(())
        } else {
            Err(VerifyError::KeyMismatch)
        }
    }
}

#[cfg(test)]
mod tests;
