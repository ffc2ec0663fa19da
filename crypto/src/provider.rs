//! The table of algorithms: which implementation serves which, chosen in one place.
//!
//! A [`Provider`] is a set of libraries that is built together. `Native` takes aws-lc-rs where time counts and the system's
//! OpenSSL for what aws-lc-rs does not have or refuses; `Portable` is RustCrypto alone, for targets without C. The choice is
//! [`Provider::implementation`] and nothing else: the modules behind it (`aws_lc`, `open_ssl`, `rust_crypto`) do as they are told.
//! The national digests and DSTU 4145 stand outside the table: they are this crate's own in every provider (`national`), and no library
//! is asked. So does the SHA-256 that is made beside another one ([`crate::digest::Companion`]), where the processor has instructions for it:
//! the libraries make one at a time.
//!
//! RSA private keys exist in `Native` only: the `rsa` crate has an unpatched timing leak (RUSTSEC-2023-0071), so `Portable` uses it
//! for public-key operations and answers `UnsupportedAlgorithm` to everything else.

#[cfg(feature = "native")]
mod aws_lc;
mod dispatch;
mod national;
#[cfg(feature = "native")]
mod open_ssl;
mod password_based;
#[cfg(feature = "portable")]
mod rust_crypto;

pub(crate) use dispatch::{
    Aead, DigestContext, Direction, GcmStream, GeneratedKey, Input, PublicMaterial, SigningEngines, VerifyingEngines,
    agree_ephemeral, digest_once, encrypt_block_aes256, encrypt_rsa_oaep, generate_private, hmac_sha256_parts,
    unwrap_aes256, wrap_aes256,
};

pub use password_based::CbcCipher;
pub(crate) use password_based::{NotServed, decrypt_cbc, encrypt_aes256_cbc, pbkdf2};

use crate::digest::DigestAlgorithm;
use crate::key::{Curve, KeyKind};
use crate::signature::SignatureAlgorithm;

/// A set of libraries that is built together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// aws-lc-rs and the system's OpenSSL.
    #[cfg(feature = "native")]
    Native,
    /// RustCrypto.
    #[cfg(feature = "portable")]
    Portable,
}

/// A library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Implementation {
    /// aws-lc-rs: the hot paths.
    #[cfg(feature = "native")]
    AwsLc,
    /// The `openssl` crate over the system's OpenSSL 3: breadth.
    #[cfg(feature = "native")]
    OpenSsl,
    /// The RustCrypto crates: no C.
    #[cfg(feature = "portable")]
    RustCrypto,
}

/// Something that the table is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// A digest.
    Digest(DigestAlgorithm),
    /// HMAC with SHA-256.
    HmacSha256,
    /// AES-256-GCM of what lies in memory.
    Aes256Gcm,
    /// AES-256-GCM of what streams by.
    Aes256GcmStream,
    /// AES-256 key wrap, RFC 3394.
    Aes256KeyWrap,
    /// PBKDF2 with HMAC over the digest.
    Pbkdf2(DigestAlgorithm),
    /// A block cipher in CBC mode.
    Cbc(CbcCipher),
    /// Verify a signature.
    Verify {
        /// The public key.
        key: KeyKind,
        /// Bits of the RSA public exponent; 0 for other keys.
        exponent_bits: u32,
        /// The signature algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// Make a signature with a private key in memory.
    Sign {
        /// The private key.
        key: KeyKind,
        /// The signature algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// Read or generate a private key.
    PrivateKey(KeyKind),
    /// Check that a public point is one of the curve.
    Point(Curve),
    /// ECDH.
    Agree(Curve),
    /// RSA-OAEP with SHA-256, either direction.
    RsaOaep,
}

impl Provider {
    /// The provider that serves this build.
    #[cfg(feature = "native")]
    pub const ACTIVE: Self = Self::Native;
    /// The provider that serves this build.
    #[cfg(all(feature = "portable", not(feature = "native")))]
    pub const ACTIVE: Self = Self::Portable;

    /// The providers that this build holds; the first is [`Provider::ACTIVE`].
    pub const COMPILED: &'static [Self] = &[
        #[cfg(feature = "native")]
        Self::Native,
        #[cfg(feature = "portable")]
        Self::Portable,
    ];

    /// The table. `None`: no library of this provider serves it.
    #[inline]
    pub const fn implementation(self, task: Task) -> Option<Implementation> {
        if is_national(task) {
            return None;
        }
        match self {
            #[cfg(feature = "native")]
            Self::Native => native(task),
            #[cfg(feature = "portable")]
            Self::Portable => portable(task),
        }
    }
}

/// Libraries know no national digest, alone or within a signature, and no key of DSTU 4145.
#[inline]
const fn is_national(task: Task) -> bool {
    let algorithm = match task {
        Task::Digest(digest) | Task::Pbkdf2(digest) => return digest.is_national(),
        Task::Verify { key: KeyKind::Dstu4145(_), .. }
        | Task::Sign { key: KeyKind::Dstu4145(_), .. }
        | Task::PrivateKey(KeyKind::Dstu4145(_)) => return true,
        Task::Verify { algorithm, .. } | Task::Sign { algorithm, .. } => algorithm,
        _ => return false,
    };
    match algorithm {
        SignatureAlgorithm::Dstu4145(_)
        | SignatureAlgorithm::Dstu4145BigEndian
        | SignatureAlgorithm::Dstu4145Normal(_) => true,
        SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::Ecdsa(digest) => digest.is_national(),
        SignatureAlgorithm::RsaPss { digest, mgf_digest, .. } => digest.is_national() || mgf_digest.is_national(),
        SignatureAlgorithm::Ed25519 | SignatureAlgorithm::Ed448 => false,
    }
}

#[cfg(feature = "native")]
#[inline]
const fn native(task: Task) -> Option<Implementation> {
    use Implementation::{AwsLc, OpenSsl};
    let implementation = match task {
        Task::Digest(algorithm) => match algorithm {
            DigestAlgorithm::Sha1
            | DigestAlgorithm::Sha224
            | DigestAlgorithm::Sha256
            | DigestAlgorithm::Sha384
            | DigestAlgorithm::Sha512 => AwsLc,
            DigestAlgorithm::Sha3_224
            | DigestAlgorithm::Sha3_256
            | DigestAlgorithm::Sha3_384
            | DigestAlgorithm::Sha3_512 => OpenSsl,
            DigestAlgorithm::Gost34311
            | DigestAlgorithm::Kupyna256
            | DigestAlgorithm::Kupyna384
            | DigestAlgorithm::Kupyna512 => return None,
        },
        Task::HmacSha256 | Task::Aes256Gcm | Task::Aes256KeyWrap => AwsLc,
        Task::Verify { key, exponent_bits, algorithm } => native_verify(key, exponent_bits, algorithm),
        Task::Sign { key, algorithm } => native_sign(key, algorithm),
        Task::PrivateKey(KeyKind::Ec(curve)) | Task::Point(curve) | Task::Agree(curve) => match curve {
            Curve::P256 | Curve::P384 | Curve::P521 => AwsLc,
            Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1 | Curve::BrainpoolP512r1 => OpenSsl,
        },
        Task::PrivateKey(KeyKind::Rsa { bits: 2048..=8192 }) => AwsLc,
        Task::PrivateKey(KeyKind::Ed25519) => AwsLc,
        Task::PrivateKey(KeyKind::Rsa { .. } | KeyKind::Ed448) => OpenSsl,
        Task::PrivateKey(KeyKind::Dstu4145(_)) => return None,
        // aws-lc-rs authenticates whole messages only.
        Task::Aes256GcmStream => OpenSsl,
        Task::RsaOaep | Task::Pbkdf2(_) | Task::Cbc(_) => OpenSsl,
    };
    Some(implementation)
}

/// aws-lc-rs verifies RSA of 2048 to 8192 bits whose exponent has at most 33 bits, PSS with one digest throughout and a salt of its
/// length, and ECDSA with the digests named here. OpenSSL takes the rest.
#[cfg(feature = "native")]
const fn native_verify(key: KeyKind, exponent_bits: u32, algorithm: SignatureAlgorithm) -> Implementation {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    use Implementation::{AwsLc, OpenSsl};
    match (key, algorithm) {
        (KeyKind::Rsa { bits: 2048..=8192 }, SignatureAlgorithm::RsaPkcs1(Sha1 | Sha256 | Sha384 | Sha512))
            if exponent_bits <= AWS_LC_EXPONENT_BITS =>
        {
            AwsLc
        }
        (KeyKind::Rsa { bits: 2048..=8192 }, SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len })
            if exponent_bits <= AWS_LC_EXPONENT_BITS && is_plain_pss(digest, mgf_digest, salt_len) =>
        {
            AwsLc
        }
        (KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(Sha1 | Sha256 | Sha384 | Sha512))
        | (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(Sha256 | Sha384 | Sha512))
        | (KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(Sha1 | Sha224 | Sha256 | Sha384 | Sha512)) => AwsLc,
        (KeyKind::Ed25519, _) => AwsLc,
        _ => OpenSsl,
    }
}

#[cfg(feature = "native")]
const fn native_sign(key: KeyKind, algorithm: SignatureAlgorithm) -> Implementation {
    use DigestAlgorithm::{Sha224, Sha256, Sha384, Sha512};
    use Implementation::{AwsLc, OpenSsl};
    match (key, algorithm) {
        (KeyKind::Rsa { bits: 2048..=8192 }, SignatureAlgorithm::RsaPkcs1(Sha256 | Sha384 | Sha512)) => AwsLc,
        (KeyKind::Rsa { bits: 2048..=8192 }, SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len })
            if is_plain_pss(digest, mgf_digest, salt_len) =>
        {
            AwsLc
        }
        (KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(Sha256))
        | (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(Sha384))
        | (KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(Sha224 | Sha256 | Sha384 | Sha512)) => AwsLc,
        (KeyKind::Ed25519, _) => AwsLc,
        _ => OpenSsl,
    }
}

#[cfg(feature = "portable")]
#[inline]
const fn portable(task: Task) -> Option<Implementation> {
    let served = match task {
        Task::Digest(_) | Task::HmacSha256 | Task::Aes256Gcm | Task::Aes256GcmStream | Task::Aes256KeyWrap => true,
        Task::Verify { key: KeyKind::Rsa { bits }, exponent_bits, algorithm } => {
            bits <= RUST_CRYPTO_RSA_BITS
                && exponent_bits <= RUST_CRYPTO_EXPONENT_BITS
                && match algorithm {
                    SignatureAlgorithm::RsaPkcs1(_) => true,
                    SignatureAlgorithm::RsaPss { digest, mgf_digest, .. } => same_digest(digest, mgf_digest),
                    _ => false,
                }
        }
        Task::Verify { key: KeyKind::Ec(curve), .. } | Task::Sign { key: KeyKind::Ec(curve), .. } => nist(curve),
        Task::Verify { key, .. } | Task::Sign { key, .. } => matches!(key, KeyKind::Ed25519),
        Task::PrivateKey(KeyKind::Ec(curve)) | Task::Point(curve) | Task::Agree(curve) => nist(curve),
        Task::PrivateKey(key) => matches!(key, KeyKind::Ed25519),
        Task::RsaOaep => false,
        Task::Pbkdf2(digest) => matches!(
            digest,
            DigestAlgorithm::Sha1
                | DigestAlgorithm::Sha224
                | DigestAlgorithm::Sha256
                | DigestAlgorithm::Sha384
                | DigestAlgorithm::Sha512
        ),
        Task::Cbc(cipher) => matches!(cipher, CbcCipher::Aes128 | CbcCipher::Aes192 | CbcCipher::Aes256),
    };
    if served { Some(Implementation::RustCrypto) } else { None }
}

/// The curves of the portable provider.
#[cfg(feature = "portable")]
const fn nist(curve: Curve) -> bool {
    matches!(curve, Curve::P256 | Curve::P384)
}

#[cfg(feature = "native")]
const fn is_plain_pss(digest: DigestAlgorithm, mgf_digest: DigestAlgorithm, salt_len: usize) -> bool {
    matches!(digest, DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512)
        && same_digest(digest, mgf_digest)
        && salt_len == digest.output_len()
}

const fn same_digest(left: DigestAlgorithm, right: DigestAlgorithm) -> bool {
    left as u8 == right as u8
}

/// For library calls that fail only where memory is gone or the installed library is broken: no caller could do better than stop.
#[inline]
#[allow(clippy::panic, reason = "as with a failed allocation, there is no state to go on with")]
pub(crate) fn cannot_fail<T, E: std::fmt::Debug>(result: Result<T, E>, must: &'static str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{must}: {error:?}"),
    }
}

/// aws-lc refuses larger public exponents.
#[cfg(feature = "native")]
const AWS_LC_EXPONENT_BITS: u32 = 33;
/// The `rsa` crate refuses larger public exponents.
#[cfg(feature = "portable")]
const RUST_CRYPTO_EXPONENT_BITS: u32 = 33;
/// The `rsa` crate refuses larger moduli.
#[cfg(feature = "portable")]
const RUST_CRYPTO_RSA_BITS: u32 = 8192;

#[cfg(test)]
mod tests;
