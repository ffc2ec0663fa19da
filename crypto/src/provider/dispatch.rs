//! What the rest of the crate calls. Asks the table once per operation and hands over; decides nothing itself.
//!
//! Parsed keys are kept per library, made at first use: a key checked by two libraries is parsed by each once.

use std::sync::OnceLock;

use zeroize::Zeroizing;

#[cfg(feature = "portable")]
use super::rust_crypto;
use super::{Implementation, Provider, Task, cannot_fail, national};
#[cfg(feature = "native")]
use super::{aws_lc, open_ssl};
use crate::digest::{Digest, DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::dstu4145::{self, Cofactor, SubjectPublicKey};
use crate::key::{Curve, KeyError, KeyKind};
use crate::signature::{SignatureAlgorithm, VerifyError};

/// What is signed: EdDSA takes the message, everything else its digest.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    Message(&'a [u8]),
    Digest(&'a Digest),
}

/// A checked public key: its kind and the content of the subjectPublicKey BIT STRING (`RSAPublicKey`, SEC 1 point, raw EdDSA key).
#[derive(Clone, Copy)]
pub(crate) struct PublicMaterial<'a> {
    pub(crate) kind: KeyKind,
    pub(crate) exponent_bits: u32,
    pub(crate) raw: &'a [u8],
}

/// A digest under way.
pub(crate) enum DigestContext {
    #[cfg(feature = "native")]
    AwsLc(aws_lc::DigestContext),
    #[cfg(feature = "native")]
    OpenSsl(open_ssl::DigestContext),
    #[cfg(feature = "portable")]
    RustCrypto(rust_crypto::DigestContext),
    // Boxed: four times the size of the others, which are on the hot path.
    National(Box<national::DigestContext>),
}

impl DigestContext {
    pub(crate) fn new(provider: Provider, algorithm: DigestAlgorithm) -> Self {
        if let Some(context) = national::DigestContext::new(algorithm) {
            return Self::National(Box::new(context));
        }
        match always(provider, Task::Digest(algorithm)) {
            #[cfg(feature = "native")]
            Implementation::AwsLc => Self::AwsLc(aws_lc::DigestContext::new(algorithm)),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => Self::OpenSsl(open_ssl::DigestContext::new(algorithm)),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => Self::RustCrypto(rust_crypto::DigestContext::new(algorithm)),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            #[cfg(feature = "native")]
            Self::AwsLc(context) => context.update(bytes),
            #[cfg(feature = "native")]
            Self::OpenSsl(context) => context.update(bytes),
            #[cfg(feature = "portable")]
            Self::RustCrypto(context) => context.update(bytes),
            Self::National(context) => context.update(bytes),
        }
    }

    /// The value, then zeros.
    pub(crate) fn finish(self) -> [u8; MAX_DIGEST_BYTES] {
        match self {
            #[cfg(feature = "native")]
            Self::AwsLc(context) => context.finish(),
            #[cfg(feature = "native")]
            Self::OpenSsl(context) => context.finish(),
            #[cfg(feature = "portable")]
            Self::RustCrypto(context) => context.finish(),
            Self::National(context) => context.finish(),
        }
    }
}

/// The digest of `bytes`, then zeros.
#[inline]
pub(crate) fn digest_once(provider: Provider, algorithm: DigestAlgorithm, bytes: &[u8]) -> [u8; MAX_DIGEST_BYTES] {
    #[cfg(feature = "native")]
    if provider.implementation(Task::Digest(algorithm)) == Some(Implementation::AwsLc) {
        return aws_lc::digest_once(algorithm, bytes);
    }
    let mut context = DigestContext::new(provider, algorithm);
    context.update(bytes);
    context.finish()
}

/// HMAC-SHA-256 over the concatenation of `parts`.
pub(crate) fn hmac_sha256_parts(provider: Provider, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    match always(provider, Task::HmacSha256) {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => aws_lc::hmac_sha256(key, parts),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => rust_crypto::hmac_sha256(key, parts),
    }
}

/// AES-256-GCM under one key.
pub(crate) enum Aead {
    #[cfg(feature = "native")]
    AwsLc(aws_lc::Aead),
    #[cfg(feature = "portable")]
    RustCrypto(Box<rust_crypto::Aead>),
}

impl Aead {
    pub(crate) fn new(provider: Provider, key: &[u8; 32]) -> Self {
        match always(provider, Task::Aes256Gcm) {
            #[cfg(feature = "native")]
            Implementation::AwsLc | Implementation::OpenSsl => Self::AwsLc(aws_lc::Aead::new(key)),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => Self::RustCrypto(Box::new(rust_crypto::Aead::new(key))),
        }
    }

    /// Appends ciphertext and tag to `out`.
    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let end = start + plaintext.len();
        out.resize(end + TAG_BYTES, 0);
        let mut tag = [0; TAG_BYTES];
        let ciphertext = &mut out[start..end];
        match self {
            #[cfg(feature = "native")]
            Self::AwsLc(aead) => aead.seal(nonce, aad, plaintext, ciphertext, &mut tag),
            #[cfg(feature = "portable")]
            Self::RustCrypto(aead) => aead.seal(nonce, aad, plaintext, ciphertext, &mut tag),
        }
        out[end..].copy_from_slice(&tag);
    }

    /// Appends the plaintext to `out`; appends nothing and answers false where the tag does not verify.
    #[must_use]
    pub(crate) fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_BYTES],
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        out.resize(start + ciphertext.len(), 0);
        let plaintext = &mut out[start..];
        let authentic = match self {
            #[cfg(feature = "native")]
            Self::AwsLc(aead) => aead.open(nonce, aad, ciphertext, tag, plaintext),
            #[cfg(feature = "portable")]
            Self::RustCrypto(aead) => aead.open(nonce, aad, ciphertext, tag, plaintext),
        };
        if !authentic {
            // The library may have written unauthenticated plaintext here: nobody may see it, not even in spare capacity.
            zeroize::Zeroize::zeroize(&mut out[start..]);
            out.truncate(start);
        }
        authentic
    }
}

/// AES-256-GCM under way, without associated data.
pub(crate) enum GcmStream {
    #[cfg(feature = "native")]
    OpenSsl(open_ssl::GcmStream),
    #[cfg(feature = "portable")]
    RustCrypto(Box<rust_crypto::GcmStream>),
}

impl GcmStream {
    pub(crate) fn new(provider: Provider, direction: Direction, key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        match always(provider, Task::Aes256GcmStream) {
            #[cfg(feature = "native")]
            Implementation::AwsLc | Implementation::OpenSsl => {
                Self::OpenSsl(open_ssl::GcmStream::new(direction, key, nonce))
            }
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => {
                Self::RustCrypto(Box::new(rust_crypto::GcmStream::new(direction, key, nonce)))
            }
        }
    }

    /// Transforms the next bytes in place.
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        match self {
            #[cfg(feature = "native")]
            Self::OpenSsl(stream) => stream.apply(data),
            #[cfg(feature = "portable")]
            Self::RustCrypto(stream) => stream.apply(data),
        }
    }

    /// The tag of what was encrypted.
    pub(crate) fn tag(self) -> [u8; TAG_BYTES] {
        match self {
            #[cfg(feature = "native")]
            Self::OpenSsl(stream) => stream.tag(),
            #[cfg(feature = "portable")]
            Self::RustCrypto(stream) => stream.tag(),
        }
    }

    /// Whether this is the tag of what was decrypted.
    #[must_use]
    pub(crate) fn verify(self, tag: &[u8; TAG_BYTES]) -> bool {
        match self {
            #[cfg(feature = "native")]
            Self::OpenSsl(stream) => stream.verify(tag),
            #[cfg(feature = "portable")]
            Self::RustCrypto(stream) => stream.verify(tag),
        }
    }
}

/// Which way a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// One block of AES-256.
pub(crate) fn encrypt_block_aes256(provider: Provider, key: &[u8; 32], block: &[u8; 16]) -> [u8; 16] {
    match always(provider, Task::Aes256GcmStream) {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => open_ssl::encrypt_block(key, block),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => rust_crypto::encrypt_block(key, block),
    }
}

/// RFC 3394 with AES-256; `out` is 8 bytes longer than `key`, a multiple of 8 bytes from 16 on.
pub(crate) fn wrap_aes256(provider: Provider, kek: &[u8; 32], key: &[u8], out: &mut [u8]) {
    match always(provider, Task::Aes256KeyWrap) {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => aws_lc::wrap(kek, key, out),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => rust_crypto::wrap(kek, key, out),
    }
}

/// The inverse; false where the integrity check fails.
#[must_use]
pub(crate) fn unwrap_aes256(provider: Provider, kek: &[u8; 32], wrapped: &[u8], out: &mut [u8]) -> bool {
    match always(provider, Task::Aes256KeyWrap) {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => aws_lc::unwrap(kek, wrapped, out),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => rust_crypto::unwrap(kek, wrapped, out),
    }
}

/// A public key as each library parsed it.
pub(crate) struct VerifyingEngines {
    /// A key of DSTU 4145, which no library is asked about.
    national: Option<Box<national::VerifyingKey>>,
    #[cfg(feature = "native")]
    aws_lc: aws_lc::VerifyingKey,
    #[cfg(feature = "native")]
    open_ssl: OnceLock<open_ssl::VerifyingKey>,
    #[cfg(feature = "portable")]
    rust_crypto: OnceLock<rust_crypto::VerifyingKey>,
}

impl VerifyingEngines {
    pub(crate) fn new(dstu4145: Option<&SubjectPublicKey>) -> Self {
        Self {
            national: dstu4145.map(|key| Box::new(national::VerifyingKey::new(key))),
            #[cfg(feature = "native")]
            aws_lc: aws_lc::VerifyingKey::new(),
            #[cfg(feature = "native")]
            open_ssl: OnceLock::new(),
            #[cfg(feature = "portable")]
            rust_crypto: OnceLock::new(),
        }
    }

    /// Checks that the key's point lies on `curve`.
    pub(crate) fn check_point(
        &self,
        provider: Provider,
        curve: Curve,
        material: PublicMaterial<'_>,
    ) -> Result<(), KeyError> {
        match provider.implementation(Task::Point(curve)).ok_or(KeyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc => self.aws_lc.check_point(curve, material.raw),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => once(&self.open_ssl, || open_ssl::VerifyingKey::load(material)).map(|_| ()),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => {
                once(&self.rust_crypto, || rust_crypto::VerifyingKey::load(material)).map(|_| ())
            }
        }
    }

    pub(crate) fn verify(
        &self,
        provider: Provider,
        material: PublicMaterial<'_>,
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if let Some(key) = &self.national {
            return key.verify(algorithm, input, signature);
        }
        let task = Task::Verify { key: material.kind, exponent_bits: material.exponent_bits, algorithm };
        match provider.implementation(task).ok_or(VerifyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc => self.aws_lc.verify(material, algorithm, input, signature),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => once(&self.open_ssl, || open_ssl::VerifyingKey::load(material))
                .map_err(|_| VerifyError::Mismatch)?
                .verify(algorithm, input, signature),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => once(&self.rust_crypto, || rust_crypto::VerifyingKey::load(material))
                .map_err(|_| VerifyError::Mismatch)?
                .verify(algorithm, input, signature),
        }
    }
}

/// RSA-OAEP with SHA-256 to the holder of `material`.
pub(crate) fn encrypt_rsa_oaep(
    provider: Provider,
    engines: &VerifyingEngines,
    material: PublicMaterial<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, KeyError> {
    match provider.implementation(Task::RsaOaep).ok_or(KeyError::UnsupportedAlgorithm)? {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => {
            once(&engines.open_ssl, || open_ssl::VerifyingKey::load(material))?.encrypt_rsa_oaep(plaintext)
        }
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => {
            once(&engines.rust_crypto, || rust_crypto::VerifyingKey::load(material))?.encrypt_rsa_oaep(plaintext)
        }
    }
}

/// A private key as each library parsed it.
pub(crate) struct SigningEngines {
    kind: KeyKind,
    national: OnceLock<Box<national::SigningKey>>,
    #[cfg(feature = "native")]
    aws_lc: OnceLock<aws_lc::SigningKey>,
    #[cfg(feature = "native")]
    open_ssl: OnceLock<open_ssl::SigningKey>,
    #[cfg(feature = "portable")]
    rust_crypto: OnceLock<rust_crypto::SigningKey>,
}

impl SigningEngines {
    pub(crate) fn new(kind: KeyKind) -> Self {
        Self {
            kind,
            national: OnceLock::new(),
            #[cfg(feature = "native")]
            aws_lc: OnceLock::new(),
            #[cfg(feature = "native")]
            open_ssl: OnceLock::new(),
            #[cfg(feature = "portable")]
            rust_crypto: OnceLock::new(),
        }
    }

    /// Parses `pkcs8` with the library that the table names; answers the raw public key.
    pub(crate) fn load(&self, provider: Provider, pkcs8: &[u8]) -> Result<Vec<u8>, KeyError> {
        if let KeyKind::Dstu4145(_) = self.kind {
            return Ok(self.national(pkcs8)?.public_raw());
        }
        match provider.implementation(Task::PrivateKey(self.kind)).ok_or(KeyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc => Ok(self.aws_lc(pkcs8)?.public_raw()),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => self.open_ssl(pkcs8)?.public_raw(),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => Ok(self.rust_crypto(pkcs8)?.public_raw()),
        }
    }

    pub(crate) fn sign(
        &self,
        provider: Provider,
        pkcs8: &[u8],
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        if let KeyKind::Dstu4145(_) = self.kind {
            return self.national(pkcs8)?.sign(algorithm, input);
        }
        let task = Task::Sign { key: self.kind, algorithm };
        match provider.implementation(task).ok_or(KeyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc => self.aws_lc(pkcs8)?.sign(pkcs8, algorithm, input),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => self.open_ssl(pkcs8)?.sign(algorithm, input),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => self.rust_crypto(pkcs8)?.sign(input),
        }
    }

    /// ECDH with a point that was checked to lie on the same `curve`.
    pub(crate) fn agree(
        &self,
        provider: Provider,
        pkcs8: &[u8],
        curve: Curve,
        point: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match provider.implementation(Task::Agree(curve)).ok_or(KeyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc => self.aws_lc(pkcs8)?.agree(point),
            #[cfg(feature = "native")]
            Implementation::OpenSsl => self.open_ssl(pkcs8)?.agree(point),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => self.rust_crypto(pkcs8)?.agree(point),
        }
    }

    /// Agreement by DSTU 4145; another curve is a wrong operation.
    pub(crate) fn agree_dstu4145(
        &self,
        pkcs8: &[u8],
        peer: &dstu4145::PublicKey,
        cofactor: Cofactor,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.national(pkcs8)?.agree(peer, cofactor)
    }

    pub(crate) fn decrypt_rsa_oaep(
        &self,
        provider: Provider,
        pkcs8: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match provider.implementation(Task::RsaOaep).ok_or(KeyError::UnsupportedAlgorithm)? {
            #[cfg(feature = "native")]
            Implementation::AwsLc | Implementation::OpenSsl => self.open_ssl(pkcs8)?.decrypt_rsa_oaep(ciphertext),
            #[cfg(feature = "portable")]
            Implementation::RustCrypto => self.rust_crypto(pkcs8)?.decrypt_rsa_oaep(ciphertext),
        }
    }

    fn national(&self, pkcs8: &[u8]) -> Result<&national::SigningKey, KeyError> {
        once(&self.national, || national::SigningKey::load(pkcs8).map(Box::new)).map(Box::as_ref)
    }

    #[cfg(feature = "native")]
    fn aws_lc(&self, pkcs8: &[u8]) -> Result<&aws_lc::SigningKey, KeyError> {
        once(&self.aws_lc, || aws_lc::SigningKey::load(self.kind, pkcs8))
    }

    #[cfg(feature = "native")]
    fn open_ssl(&self, pkcs8: &[u8]) -> Result<&open_ssl::SigningKey, KeyError> {
        once(&self.open_ssl, || open_ssl::SigningKey::load(self.kind, pkcs8))
    }

    #[cfg(feature = "portable")]
    fn rust_crypto(&self, pkcs8: &[u8]) -> Result<&rust_crypto::SigningKey, KeyError> {
        once(&self.rust_crypto, || rust_crypto::SigningKey::load(self.kind, pkcs8))
    }
}

/// A private key just made.
pub(crate) struct GeneratedKey {
    pub(crate) engines: SigningEngines,
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
    /// The public key as [`PublicMaterial::raw`] has it.
    pub(crate) public: Vec<u8>,
}

/// A fresh private key.
pub(crate) fn generate_private(provider: Provider, kind: KeyKind) -> Result<GeneratedKey, KeyError> {
    let engines = SigningEngines::new(kind);
    if let KeyKind::Dstu4145(curve) = kind {
        let (key, pkcs8) = national::SigningKey::generate(curve)?;
        let public = engines.national.get_or_init(|| Box::new(key)).public_raw();
        return Ok(GeneratedKey { engines, pkcs8, public });
    }
    let (pkcs8, public) = match provider.implementation(Task::PrivateKey(kind)).ok_or(KeyError::UnsupportedAlgorithm)? {
        #[cfg(feature = "native")]
        Implementation::AwsLc => {
            let (key, pkcs8) = aws_lc::SigningKey::generate(kind)?;
            (pkcs8, engines.aws_lc.get_or_init(|| key).public_raw())
        }
        #[cfg(feature = "native")]
        Implementation::OpenSsl => {
            let (key, pkcs8) = open_ssl::SigningKey::generate(kind)?;
            (pkcs8, engines.open_ssl.get_or_init(|| key).public_raw()?)
        }
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => {
            let (key, pkcs8) = rust_crypto::SigningKey::generate(kind)?;
            (pkcs8, engines.rust_crypto.get_or_init(|| key).public_raw())
        }
    };
    Ok(GeneratedKey { engines, pkcs8, public })
}

/// ECDH between a key made for this one call and a checked point of `curve`: the uncompressed public point and the secret.
pub(crate) fn agree_ephemeral(
    provider: Provider,
    curve: Curve,
    point: &[u8],
) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), KeyError> {
    #[cfg(feature = "native")]
    if provider.implementation(Task::Agree(curve)) == Some(Implementation::AwsLc) {
        return aws_lc::agree_ephemeral(curve, point);
    }
    let key = generate_private(provider, KeyKind::Ec(curve))?;
    let secret = key.engines.agree(provider, &key.pkcs8, curve, point)?;
    Ok((key.public, secret))
}

/// For the rows of the table that every provider fills.
#[inline]
fn always(provider: Provider, task: Task) -> Implementation {
    cannot_fail(provider.implementation(task).ok_or(task), "every provider serves digests, HMAC and AES")
}

/// `OnceLock::get_or_try_init`, which is not stable yet. Two threads may both build; one result is kept.
fn once<T>(cell: &OnceLock<T>, build: impl FnOnce() -> Result<T, KeyError>) -> Result<&T, KeyError> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = build()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}

const TAG_BYTES: usize = 16;
