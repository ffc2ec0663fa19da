//! The system's OpenSSL 3, as the table asks.

mod gcm_stream;
pub(crate) mod password_based;

pub(crate) use gcm_stream::{GcmStream, encrypt_block};

use openssl::bn::BigNumContext;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::md::{Md, MdRef};
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use zeroize::Zeroizing;

use super::cannot_fail;
use super::dispatch::{Input, PublicMaterial};
use crate::digest::{DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::key::{Curve, KeyError, KeyKind};
use crate::signature::{SignatureAlgorithm, VerifyError};

/// A digest under way.
pub(crate) struct DigestContext(Hasher);

impl DigestContext {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        Self(cannot_fail(Hasher::new(message_digest(algorithm)), "OpenSSL 3 has this digest"))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        cannot_fail(self.0.update(bytes), "OpenSSL takes any bytes into a digest");
    }

    pub(crate) fn finish(mut self) -> [u8; MAX_DIGEST_BYTES] {
        let value = cannot_fail(self.0.finish(), "OpenSSL finishes a digest");
        let mut bytes = [0; MAX_DIGEST_BYTES];
        bytes[..value.len()].copy_from_slice(&value);
        bytes
    }
}

/// A public key.
pub(crate) struct VerifyingKey(PKey<Public>);

impl VerifyingKey {
    pub(crate) fn load(material: PublicMaterial<'_>) -> Result<Self, KeyError> {
        let key = match material.kind {
            KeyKind::Rsa { .. } => {
                let rsa = Rsa::public_key_from_der_pkcs1(material.raw).map_err(|_| KeyError::Malformed)?;
                PKey::from_rsa(rsa).map_err(|_| KeyError::Malformed)?
            }
            KeyKind::Ec(curve) => public_point(curve, material.raw).map_err(|_| KeyError::InvalidPoint)?,
            KeyKind::Ed25519 => raw_key(material.raw, Id::ED25519)?,
            KeyKind::Ed448 => raw_key(material.raw, Id::ED448)?,
            KeyKind::Dstu4145(_) => return Err(KeyError::UnsupportedAlgorithm),
        };
        Ok(Self(key))
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let verdict = match input {
            Input::Message(message) => verify_message(&self.0, message, signature),
            Input::Digest(digest) => verify_digest(&self.0, algorithm, digest.as_bytes(), signature),
        };
        // OpenSSL reports a signature that cannot be decoded as an error; for us both are the same answer.
        if matches!(verdict, Ok(true)) { Ok(()) } else { Err(VerifyError::Mismatch) }
    }

    /// RSA-OAEP, SHA-256 and MGF1 with SHA-256, empty label (RFC 8017, 7.1.1).
    pub(crate) fn encrypt_rsa_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let encrypt = || {
            let mut context = PkeyCtx::new(&self.0)?;
            context.encrypt_init()?;
            set_oaep(&mut context)?;
            let mut out = Vec::new();
            context.encrypt_to_vec(plaintext, &mut out)?;
            Ok::<_, ErrorStack>(out)
        };
        encrypt().map_err(|_| KeyError::OperationFailed)
    }
}

fn verify_message(key: &PKeyRef<Public>, message: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
    Verifier::new_without_digest(key)?.verify_oneshot(signature, message)
}

fn verify_digest(
    key: &PKeyRef<Public>,
    algorithm: SignatureAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.verify_init()?;
    set_signature_parameters(&mut context, algorithm)?;
    context.verify(digest, signature)
}

/// A private key.
pub(crate) struct SigningKey {
    kind: KeyKind,
    key: PKey<Private>,
}

impl SigningKey {
    /// Fresh key and its PKCS#8.
    pub(crate) fn generate(kind: KeyKind) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let generate = || {
            let key = match kind {
                KeyKind::Ec(curve) => {
                    let group = EcGroup::from_curve_name(nid(curve))?;
                    PKey::from_ec_key(EcKey::generate(&group)?)?
                }
                KeyKind::Rsa { bits } => PKey::from_rsa(Rsa::generate(bits)?)?,
                KeyKind::Ed25519 => PKey::generate_ed25519()?,
                KeyKind::Ed448 => PKey::generate_ed448()?,
                // None of OpenSSL's: an error without a reason in its queue.
                KeyKind::Dstu4145(_) => return Err(ErrorStack::get()),
            };
            let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8()?);
            Ok::<_, ErrorStack>((Self { kind, key }, pkcs8))
        };
        generate().map_err(|_| KeyError::OperationFailed)
    }

    /// `kind` is what the PKCS#8 says of itself.
    pub(crate) fn load(kind: KeyKind, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = PKey::private_key_from_pkcs8(pkcs8).map_err(|_| KeyError::Malformed)?;
        let sound = match kind {
            KeyKind::Ec(_) => key.ec_key().and_then(|key| key.check_key()).is_ok(),
            KeyKind::Rsa { .. } => key.rsa().and_then(|key| key.check_key()).unwrap_or(false),
            KeyKind::Ed25519 | KeyKind::Ed448 => true,
            KeyKind::Dstu4145(_) => false,
        };
        if sound { Ok(Self { kind, key }) } else { Err(KeyError::Malformed) }
    }

    /// Uncompressed point, `RSAPublicKey` or raw EdDSA key.
    pub(crate) fn public_raw(&self) -> Result<Vec<u8>, KeyError> {
        let read = || match self.kind {
            KeyKind::Ec(_) => {
                let key = self.key.ec_key()?;
                let mut context = BigNumContext::new()?;
                key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context)
            }
            KeyKind::Rsa { .. } => self.key.rsa()?.public_key_to_der_pkcs1(),
            KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Dstu4145(_) => self.key.raw_public_key(),
        };
        read().map_err(|_| KeyError::Malformed)
    }

    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, input: Input<'_>) -> Result<Vec<u8>, KeyError> {
        let signature = match input {
            Input::Message(message) => {
                Signer::new_without_digest(&self.key).and_then(|mut signer| signer.sign_oneshot_to_vec(message))
            }
            Input::Digest(digest) => self.sign_digest(algorithm, digest.as_bytes()),
        };
        signature.map_err(|_| KeyError::OperationFailed)
    }

    fn sign_digest(&self, algorithm: SignatureAlgorithm, digest: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        set_signature_parameters(&mut context, algorithm)?;
        let mut signature = Vec::new();
        context.sign_to_vec(digest, &mut signature)?;
        Ok(signature)
    }

    pub(crate) fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let KeyKind::Ec(curve) = self.kind else { return Err(KeyError::WrongOperation) };
        let agree = || {
            let peer = public_point(curve, point)?;
            let mut deriver = Deriver::new(&self.key)?;
            deriver.set_peer(&peer)?;
            deriver.derive_to_vec()
        };
        agree().map(Zeroizing::new).map_err(|_| KeyError::OperationFailed)
    }

    /// RSA-OAEP, SHA-256 and MGF1 with SHA-256, empty label (RFC 8017, 7.1.2).
    pub(crate) fn decrypt_rsa_oaep(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decrypt = || {
            let mut context = PkeyCtx::new(&self.key)?;
            context.decrypt_init()?;
            set_oaep(&mut context)?;
            let mut out = Zeroizing::new(Vec::new());
            context.decrypt_to_vec(ciphertext, &mut out)?;
            Ok::<_, ErrorStack>(out)
        };
        decrypt().map_err(|_| KeyError::OperationFailed)
    }
}

fn set_signature_parameters<T>(context: &mut PkeyCtx<T>, algorithm: SignatureAlgorithm) -> Result<(), ErrorStack>
where
    T: HasPublic,
{
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) => {
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(md(digest))
        }
        SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len } => {
            context.set_rsa_padding(Padding::PKCS1_PSS)?;
            context.set_signature_md(md(digest))?;
            context.set_rsa_mgf1_md(md(mgf_digest))?;
            // A salt that does not even fit the type cannot fit a key; OpenSSL refuses i32::MAX for every modulus.
            context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(i32::try_from(salt_len).unwrap_or(i32::MAX)))
        }
        SignatureAlgorithm::Ecdsa(digest) => context.set_signature_md(md(digest)),
        SignatureAlgorithm::Ed25519
        | SignatureAlgorithm::Ed448
        | SignatureAlgorithm::Dstu4145(_)
        | SignatureAlgorithm::Dstu4145BigEndian
        | SignatureAlgorithm::Dstu4145Normal(_) => Ok(()),
    }
}

fn set_oaep<T>(context: &mut PkeyCtx<T>) -> Result<(), ErrorStack> {
    context.set_rsa_padding(Padding::PKCS1_OAEP)?;
    context.set_rsa_oaep_md(Md::sha256())?;
    context.set_rsa_mgf1_md(Md::sha256())
}

fn public_point(curve: Curve, point: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let group = EcGroup::from_curve_name(nid(curve))?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key)
}

fn raw_key(raw: &[u8], id: Id) -> Result<PKey<Public>, KeyError> {
    PKey::public_key_from_raw_bytes(raw, id).map_err(|_| KeyError::Malformed)
}

fn nid(curve: Curve) -> Nid {
    match curve {
        Curve::P256 => Nid::X9_62_PRIME256V1,
        Curve::P384 => Nid::SECP384R1,
        Curve::P521 => Nid::SECP521R1,
        Curve::BrainpoolP256r1 => Nid::BRAINPOOL_P256R1,
        Curve::BrainpoolP384r1 => Nid::BRAINPOOL_P384R1,
        Curve::BrainpoolP512r1 => Nid::BRAINPOOL_P512R1,
    }
}

fn message_digest(algorithm: DigestAlgorithm) -> MessageDigest {
    let known = match algorithm {
        DigestAlgorithm::Sha1 => Ok(MessageDigest::sha1()),
        DigestAlgorithm::Sha224 => Ok(MessageDigest::sha224()),
        DigestAlgorithm::Sha256 => Ok(MessageDigest::sha256()),
        DigestAlgorithm::Sha384 => Ok(MessageDigest::sha384()),
        DigestAlgorithm::Sha512 => Ok(MessageDigest::sha512()),
        DigestAlgorithm::Sha3_224 => Ok(MessageDigest::sha3_224()),
        DigestAlgorithm::Sha3_256 => Ok(MessageDigest::sha3_256()),
        DigestAlgorithm::Sha3_384 => Ok(MessageDigest::sha3_384()),
        DigestAlgorithm::Sha3_512 => Ok(MessageDigest::sha3_512()),
        DigestAlgorithm::Gost34311
        | DigestAlgorithm::Kupyna256
        | DigestAlgorithm::Kupyna384
        | DigestAlgorithm::Kupyna512 => Err(algorithm),
    };
    cannot_fail(known, "the table gives the national digests to no library")
}

fn md(algorithm: DigestAlgorithm) -> &'static MdRef {
    let known = match algorithm {
        DigestAlgorithm::Sha1 => Ok(Md::sha1()),
        DigestAlgorithm::Sha224 => Ok(Md::sha224()),
        DigestAlgorithm::Sha256 => Ok(Md::sha256()),
        DigestAlgorithm::Sha384 => Ok(Md::sha384()),
        DigestAlgorithm::Sha512 => Ok(Md::sha512()),
        DigestAlgorithm::Sha3_224 => Ok(Md::sha3_224()),
        DigestAlgorithm::Sha3_256 => Ok(Md::sha3_256()),
        DigestAlgorithm::Sha3_384 => Ok(Md::sha3_384()),
        DigestAlgorithm::Sha3_512 => Ok(Md::sha3_512()),
        DigestAlgorithm::Gost34311
        | DigestAlgorithm::Kupyna256
        | DigestAlgorithm::Kupyna384
        | DigestAlgorithm::Kupyna512 => Err(algorithm),
    };
    cannot_fail(known, "the table gives the national digests to no library")
}
