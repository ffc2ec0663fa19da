//! A signature in two steps, so that the key may sit on a token or in a browser: what is to be signed, then the value.
//!
//! Between the steps stands the whole file with an empty value. It can be kept or sent as bytes: it holds nothing secret, and
//! whoever changes it gets a file whose value does not verify, which [`Prepared::complete`] refuses.

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use crypto::key::PublicKey;
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;

use crate::asn1::{Element, Layers, Limits, Writer, normalise, oid, tag};
use crate::cms::{SignedData, SignerIdentifier, SignerInfo};

use super::assemble::{Assembly, contents, edit, with_unsigned};
use super::attributes::{self, Claims, digest_identifier};
use super::{Content, Options, SignError};

/// A file that lacks one signature value.
#[derive(Debug, Clone)]
pub struct Prepared {
    der: Vec<u8>,
    algorithm: SignatureAlgorithm,
    key: PublicKey,
    to_be_signed: Vec<u8>,
}

/// Who signs, how, and when by his own word.
#[derive(Clone, Copy)]
pub struct Signatory<'a> {
    /// The signer's certificate first; all of it is put in.
    pub chain: &'a [Certificate],
    /// With what.
    pub algorithm: SignatureAlgorithm,
    /// The claimed time.
    pub signing_time: OffsetDateTime,
}

/// A new file with one signature over `content`.
///
/// # Errors
/// `Certificate`, `DigestMismatch` and `Encoding` for arguments that do not fit, `Key` for an algorithm that CMS cannot carry here.
pub fn prepare(content: Content<'_>, signatory: &Signatory<'_>, options: &Options<'_>) -> Result<Prepared, SignError> {
    let digest_algorithm = signatory.digest_algorithm()?;
    let (attached, content_digest) = match content {
        Content::Attached(bytes) => (Some(bytes), digest(digest_algorithm, bytes)),
        Content::Detached(digest) => (None, digest),
    };
    signatory.add_to(Assembly::new(attached), oid::DATA, &content_digest, options)
}

/// One more signature beside those of `cms`, over the same content; `detached` is its digest where it is not inside.
///
/// # Errors
/// As [`prepare`]; `Signature` where `cms` is no signature file, `Superseded` where nothing may be added, `ContentMissing`.
pub fn prepare_parallel(
    cms: &[u8],
    detached: Option<Digest>,
    signatory: &Signatory<'_>,
    options: &Options<'_>,
) -> Result<Prepared, SignError> {
    edit(cms, 0, |assembly, signed, _| {
        let algorithm = signatory.digest_algorithm()?;
        let content = match signed.content {
            Some(content) => digest(algorithm, content),
            None => detached.ok_or(SignError::ContentMissing)?,
        };
        signatory.add_to(assembly, signed.content_type, &content, options)
    })
}

/// A counter-signature over the value of the signature with the number `signer` in `cms` (RFC 5652, 11.4).
///
/// # Errors
/// As [`prepare_parallel`].
pub fn prepare_counter(
    cms: &[u8],
    signer: usize,
    signatory: &Signatory<'_>,
    options: &Options<'_>,
) -> Result<Prepared, SignError> {
    edit(cms, signer, |mut assembly, _, countersigned| {
        let value = digest(signatory.digest_algorithm()?, countersigned.signature);
        let (counter, to_be_signed) = signatory.signer_info(None, &value, options)?;
        signatory.add_certificates(&mut assembly);
        if let Some(slot) = assembly.signers.get_mut(signer) {
            *slot = with_unsigned(countersigned, oid::COUNTER_SIGNATURE, &counter);
        }
        signatory.prepared(assembly, to_be_signed)
    })
}

impl Signatory<'_> {
    fn leaf(&self) -> Result<&Certificate, SignError> {
        self.chain.first().ok_or(SignError::Certificate)
    }

    /// RFC 8419, 3.1: Ed25519 goes with SHA-512. For Ed448 it demands SHAKE256, which `crypto` does not have.
    fn digest_algorithm(&self) -> Result<DigestAlgorithm, SignError> {
        if self.algorithm == SignatureAlgorithm::Ed448 {
            return Err(SignError::Key(crypto::key::KeyError::UnsupportedAlgorithm));
        }
        Ok(self.algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512))
    }

    fn add_to(
        &self,
        mut assembly: Assembly,
        content_type: &[u8],
        content: &Digest,
        options: &Options<'_>,
    ) -> Result<Prepared, SignError> {
        let (signer, to_be_signed) = self.signer_info(Some(content_type), content, options)?;
        assembly.add_digest_algorithm(digest_identifier(content.algorithm())?);
        self.add_certificates(&mut assembly);
        assembly.signers.push(signer);
        self.prepared(assembly, to_be_signed)
    }

    fn add_certificates(&self, assembly: &mut Assembly) {
        self.chain.iter().for_each(|certificate| assembly.add_certificate(certificate.der()));
    }

    fn prepared(&self, assembly: Assembly, to_be_signed: Vec<u8>) -> Result<Prepared, SignError> {
        let key = self.leaf()?.public_key().map_err(SignError::Key)?.clone();
        Ok(Prepared { der: assembly.into_der(), algorithm: self.algorithm, key, to_be_signed })
    }

    /// SignerInfo with an empty value, and what the value must be over: the attributes with the tag of a SET (RFC 5652, 5.4).
    fn signer_info(
        &self,
        content_type: Option<&[u8]>,
        content: &Digest,
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Vec<u8>), SignError> {
        let leaf = self.leaf()?;
        if content.algorithm() != self.digest_algorithm()? {
            return Err(SignError::DigestMismatch);
        }
        let claims = Claims {
            content_type,
            content,
            certificate: leaf,
            algorithm: self.algorithm,
            signing_time: self.signing_time,
        };
        let attributes = attributes::signed(&claims, options)?;
        let to_be_signed = Writer::new().set_of(tag::SET, attributes.clone()).into_bytes();
        let signer = Writer::new()
            .small_integer(1)
            .nest(tag::SEQUENCE, Writer::new().raw(leaf.issuer_der()).value(tag::INTEGER, leaf.serial()))
            .raw(&digest_identifier(content.algorithm())?)
            .set_of(tag::context_constructed(0), attributes)
            .raw(&self.algorithm.to_algorithm_identifier())
            .value(tag::OCTET_STRING, &[]);
        Ok((Writer::new().nest(tag::SEQUENCE, signer).into_bytes(), to_be_signed))
    }
}

impl Prepared {
    /// Reads what [`Self::as_bytes`] gave.
    ///
    /// # Errors
    /// `Signature` where the bytes are no file that lacks exactly one value, or lack the signer's certificate.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignError> {
        let der = bytes.to_vec();
        let signed = SignedData::read(&der).map_err(|_| SignError::Signature)?;
        let (mut key, mut algorithm, mut to_be_signed) = (None, None, None);
        let mut lacking = 0;
        for_each_signer(&signed, &mut |signer| {
            if !signer.signature.is_empty() {
                return;
            }
            lacking += 1;
            key = signed.certificates.iter().find_map(|der| key_of(der, &signer.identifier));
            let identifier = &signer.signature_algorithm;
            algorithm =
                SignatureAlgorithm::from_algorithm_identifier(&identifier.dotted(), identifier.parameters, None).ok();
            let attributes =
                signer.signed_attributes_der.and_then(|set| contents(set, tag::context_constructed(0)).ok());
            to_be_signed = attributes.map(|set| Writer::new().value(tag::SET, set).into_bytes());
        });
        match (lacking, key, algorithm, to_be_signed) {
            (1, Some(key), Some(algorithm), Some(to_be_signed)) => Ok(Self { der, algorithm, key, to_be_signed }),
            _ => Err(SignError::Signature),
        }
    }

    /// The file with an empty value: a ContentInfo in DER.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.der
    }

    /// What is to be signed: the signed attributes with the tag of a SET, in DER.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// With what.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The digest to be signed, for tokens that take one; `None` for EdDSA, which hashes twice.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.algorithm.digest_algorithm().map(|algorithm| digest(algorithm, &self.to_be_signed))
    }

    /// The file with its value, after the value was verified. ECDSA values are DER `Ecdsa-Sig-Value`, those of DSTU 4145 the bare halves.
    ///
    /// # Errors
    /// `Value` where it does not verify under the certificate's key.
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.verify(self.algorithm, &self.to_be_signed, value).map_err(|_| SignError::Value)?;
        self.fill(value)
    }

    /// [`Self::complete`] with a value that our own key has just made.
    pub(super) fn fill(self, value: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = SignedData::read(&self.der).map_err(|_| SignError::Signature)?;
        let mut assembly = Assembly::of(&signed);
        for (slot, signer) in assembly.signers.iter_mut().zip(&signed.signers) {
            if let Some(filled) = filled(signer, value) {
                *slot = filled;
            }
        }
        Ok(assembly.into_der())
    }
}

/// `signer` with `value` where it is empty, in it or in its counter-signatures; `None` where nothing was empty.
fn filled(signer: &SignerInfo<'_>, value: &[u8]) -> Option<Vec<u8>> {
    if signer.signature.is_empty() {
        // The value is the last element of the part that is signed.
        let rest = signer.signed_part.strip_suffix(&[tag::OCTET_STRING, 0])?;
        let mut whole = Writer::new().raw(rest).value(tag::OCTET_STRING, value);
        if !signer.unsigned_raw.is_empty() {
            let unsigned = signer.unsigned_raw.iter().map(|raw| raw.to_vec()).collect();
            whole = whole.set_of(tag::context_constructed(1), unsigned);
        }
        return Some(Writer::new().nest(tag::SEQUENCE, whole).into_bytes());
    }
    let mut changed = false;
    let mut attributes = Vec::with_capacity(signer.unsigned_raw.len());
    for (attribute, raw) in signer.unsigned_attributes.iter().zip(&signer.unsigned_raw) {
        if attribute.oid != oid::COUNTER_SIGNATURE {
            attributes.push(raw.to_vec());
            continue;
        }
        let values = attribute.values.iter().map(|counter| {
            let inner = Element::only(counter).and_then(|element| SignerInfo::read(&element)).ok();
            let inner = inner.and_then(|inner| filled(&inner, value));
            changed |= inner.is_some();
            inner.unwrap_or_else(|| counter.to_vec())
        });
        let values = Writer::new().set_of(tag::SET, values.collect());
        attributes.push(
            Writer::new().nest(tag::SEQUENCE, Writer::new().oid(attribute.oid).raw(&values.into_bytes())).into_bytes(),
        );
    }
    let whole = Writer::new().raw(signer.signed_part).set_of(tag::context_constructed(1), attributes);
    changed.then(|| Writer::new().nest(tag::SEQUENCE, whole).into_bytes())
}

/// Every signer and every counter-signer one level below.
fn for_each_signer(signed: &SignedData<'_>, action: &mut dyn FnMut(&SignerInfo<'_>)) {
    for signer in &signed.signers {
        action(signer);
        for value in signer.unsigned(oid::COUNTER_SIGNATURE).flat_map(|attribute| attribute.values.iter()) {
            let Ok((der, _)) = normalise(value, Layers::ALL, &Limits::default()) else { continue };
            if let Ok(counter) = Element::only(&der).and_then(|element| SignerInfo::read(&element)) {
                action(&counter);
            }
        }
    }
}

fn key_of(der: &[u8], identifier: &SignerIdentifier<'_>) -> Option<PublicKey> {
    let certificate = Certificate::from_der(der).ok()?;
    let SignerIdentifier::IssuerAndSerial { issuer, serial } = *identifier else { return None };
    let named = certificate.issuer_der() == issuer && certificate.serial() == serial;
    named.then(|| certificate.public_key().ok().cloned()).flatten()
}

/// Many files at once for one key: what is to be signed of each, then all values in the same order.
///
/// # Errors
/// The first error, with the number of its file.
pub fn complete_all(prepared: Vec<Prepared>, values: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, (usize, SignError)> {
    if prepared.len() != values.len() {
        return Err((prepared.len().min(values.len()), SignError::Value));
    }
    let pairs = prepared.into_iter().zip(values).enumerate();
    pairs.map(|(number, (one, value))| one.complete(value).map_err(|error| (number, error))).collect()
}
