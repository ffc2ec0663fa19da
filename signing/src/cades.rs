//! CAdES creation, ETSI EN 319 122-1: levels B and T.
//!
//! What is written is strict DER. The private key stays behind its [`KeyHandle`]; the caller names the time and fetches
//! the time-stamp token.

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use crypto::key::{KeyError, KeyHandle};
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;

use crate::asn1::{Asn1Error, Layers, Limits, Reader, Writer, normalise, oid, tag};
use crate::cms::{SignedData, SignerInfo};

/// What to sign.
pub enum Content<'a> {
    /// Carried in the signature.
    Attached(&'a [u8]),
    /// By its digest (SHA-256, SHA-384, SHA-512), computed while the document streams.
    Detached(Digest),
}

/// Why nothing was signed, or no time-stamp added.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key refused or failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No certificate was given, or the first is not the key's.
    #[error("the first certificate is not the key's")]
    Certificate,
    /// The digest of detached content is not the one that the signature algorithm uses.
    #[error("the content's digest and the signature algorithm do not belong together")]
    DigestMismatch,
    /// The signature to be augmented is not CMS SignedData with a signer.
    #[error("malformed signature")]
    Signature,
    /// The token is not a CMS ContentInfo.
    #[error("malformed time-stamp token")]
    Timestamp,
    /// A time before 1950 or after 9999.
    #[error("encoding failed")]
    Encoding,
}

/// CAdES-BASELINE-B (EN 319 122-1, 6.3): content-type, message-digest, signing-time, signing-certificate-v2, and
/// CMSAlgorithmProtection. Returns a ContentInfo in DER. `chain`: the signer's certificate first; all of it is put in.
///
/// # Errors
/// `Certificate`, `DigestMismatch` and `Encoding` for arguments that do not fit, `Key` if the key does not sign.
pub fn sign(
    content: Content<'_>,
    key: &dyn KeyHandle,
    algorithm: SignatureAlgorithm,
    chain: &[Certificate],
    signing_time: OffsetDateTime,
) -> Result<Vec<u8>, SignError> {
    let leaf = chain.first().ok_or(SignError::Certificate)?;
    if leaf.spki_der() != key.public_key().spki_der() {
        return Err(SignError::Certificate);
    }
    // RFC 8419, 3.1: Ed25519 goes with SHA-512. For Ed448 it demands SHAKE256, which `crypto` does not have.
    if algorithm == SignatureAlgorithm::Ed448 {
        return Err(SignError::Key(KeyError::UnsupportedAlgorithm));
    }
    let digest_algorithm = algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512);
    let (attached, content_digest) = match content {
        Content::Attached(bytes) => (Some(bytes), digest(digest_algorithm, bytes)),
        Content::Detached(digest) => (None, digest),
    };
    if content_digest.algorithm() != digest_algorithm {
        return Err(SignError::DigestMismatch);
    }
    let digest_identifier = digest_identifier(digest_algorithm)?;
    let signature_identifier = algorithm.to_algorithm_identifier();
    let attributes = [
        attribute(oid::CONTENT_TYPE, Writer::new().oid(oid::DATA)),
        attribute(oid::SIGNING_TIME, signing_time_value(signing_time)?),
        attribute(oid::MESSAGE_DIGEST, Writer::new().value(tag::OCTET_STRING, content_digest.as_bytes())),
        attribute(oid::SIGNING_CERTIFICATE_V2, certificate_reference(leaf, digest_algorithm)?),
        attribute(oid::ALGORITHM_PROTECTION, algorithm_protection(&digest_identifier, &signature_identifier)?),
    ];
    // RFC 5652, 5.4: what is signed has the tag of a SET; what is sent has [0].
    let signed = Writer::new().set_of(tag::SET, attributes.to_vec()).into_bytes();
    let signature = key.sign(algorithm, &signed)?;
    let signer = Writer::new()
        .small_integer(1)
        .nest(tag::SEQUENCE, Writer::new().raw(leaf.issuer_der()).value(tag::INTEGER, leaf.serial()))
        .raw(&digest_identifier)
        .set_of(tag::context_constructed(0), attributes.to_vec())
        .raw(&signature_identifier)
        .value(tag::OCTET_STRING, &signature);
    let mut certificates: Vec<Vec<u8>> = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
    certificates.sort();
    certificates.dedup();
    let head = Writer::new()
        .small_integer(1)
        .value(tag::SET, &digest_identifier)
        .nest(tag::SEQUENCE, encapsulated(attached))
        .set_of(tag::context_constructed(0), certificates);
    Ok(content_info(&head.into_bytes(), vec![Writer::new().nest(tag::SEQUENCE, signer).into_bytes()]))
}

/// Digest of the first signer's signature value, to be time-stamped (EN 319 122-1, 5.3).
///
/// # Errors
/// `Signature` if `cms` is not SignedData with a signer.
pub fn timestamp_imprint(cms: &[u8], algorithm: DigestAlgorithm) -> Result<Digest, SignError> {
    with_first_signer(cms, |_, signer| Ok(digest(algorithm, signer.signature)))
}

/// Adds a signature-time-stamp (level T) to the first signer. `token`: a ContentInfo, as
/// [`certs::timestamp::token_of_response`] gives it. Everything that is signed stays as it was.
///
/// # Errors
/// `Signature` if `cms` is not SignedData with a signer, `Timestamp` if `token` is no SignedData.
pub fn add_timestamp(cms: &[u8], token: &[u8]) -> Result<Vec<u8>, SignError> {
    let (token, _) = normalise(token, Layers::ALL, &Limits::default()).map_err(|_| SignError::Timestamp)?;
    SignedData::read(&token).map_err(|_| SignError::Timestamp)?;
    with_first_signer(cms, |signed, signer| {
        let mut unsigned: Vec<Vec<u8>> = signer.unsigned_raw.iter().map(|attribute| attribute.to_vec()).collect();
        unsigned.push(attribute(oid::SIGNATURE_TIME_STAMP, Writer::new().raw(&token)));
        let stamped = Writer::new().raw(signer.signed_part).set_of(tag::context_constructed(1), unsigned);
        let mut signers = vec![Writer::new().nest(tag::SEQUENCE, stamped).into_bytes()];
        signers.extend(signed.signers_raw.iter().skip(1).map(|other| other.to_vec()));
        Ok(content_info(signed.head, signers))
    })
}

fn with_first_signer<T>(
    cms: &[u8],
    action: impl FnOnce(&SignedData<'_>, &SignerInfo<'_>) -> Result<T, SignError>,
) -> Result<T, SignError> {
    let (der, _) = normalise(cms, Layers::SIGNED_DATA, &Limits::default()).map_err(|_| SignError::Signature)?;
    let signed = SignedData::read(&der).map_err(|_| SignError::Signature)?;
    action(&signed, signed.signers.first().ok_or(SignError::Signature)?)
}

/// ContentInfo around a SignedData of which everything but the signers is written.
fn content_info(head: &[u8], signers: Vec<Vec<u8>>) -> Vec<u8> {
    let signed_data = Writer::new().raw(head).set_of(tag::SET, signers);
    let explicit = Writer::new().nest(tag::SEQUENCE, signed_data);
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(tag::context_constructed(0), explicit);
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

fn encapsulated(attached: Option<&[u8]>) -> Writer {
    let writer = Writer::new().oid(oid::DATA);
    match attached {
        Some(content) => writer.nest(tag::context_constructed(0), Writer::new().value(tag::OCTET_STRING, content)),
        None => writer,
    }
}

fn attribute(oid: &[u8], value: Writer) -> Vec<u8> {
    Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid).nest(tag::SET, value)).into_bytes()
}

/// RFC 5754, 2: parameters absent.
fn digest_identifier(algorithm: DigestAlgorithm) -> Result<Vec<u8>, SignError> {
    let oid = oid::contents(algorithm.oid()).ok_or(SignError::Encoding)?;
    Ok(Writer::new().nest(tag::SEQUENCE, Writer::new().oid(&oid)).into_bytes())
}

/// RFC 5652, 11.3: UTCTime from 1950 to 2049, GeneralizedTime after.
fn signing_time_value(time: OffsetDateTime) -> Result<Writer, SignError> {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        1950..=2049 => Ok(Writer::new().value(tag::UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes())),
        2050..=9999 => Ok(Writer::new().value(tag::GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())),
        _ => Err(SignError::Encoding),
    }
}

/// SigningCertificateV2, RFC 5035 3: `SEQUENCE { SEQUENCE OF { hashAlgorithm DEFAULT SHA-256, certHash, issuerSerial } }`.
fn certificate_reference(leaf: &Certificate, algorithm: DigestAlgorithm) -> Result<Writer, SignError> {
    let hash = digest(algorithm, leaf.der());
    let issuer = Writer::new().nest(tag::context_constructed(4), Writer::new().raw(leaf.issuer_der()));
    let issuer_serial = Writer::new().nest(tag::SEQUENCE, issuer).value(tag::INTEGER, leaf.serial());
    let named = if algorithm == DigestAlgorithm::Sha256 { Vec::new() } else { digest_identifier(algorithm)? };
    let reference =
        Writer::new().raw(&named).value(tag::OCTET_STRING, hash.as_bytes()).nest(tag::SEQUENCE, issuer_serial);
    let references = Writer::new().nest(tag::SEQUENCE, reference);
    Ok(Writer::new().nest(tag::SEQUENCE, Writer::new().nest(tag::SEQUENCE, references)))
}

/// RFC 6211, 2: the signature algorithm has the implicit tag [1].
fn algorithm_protection(digest: &[u8], signature: &[u8]) -> Result<Writer, SignError> {
    let inner = |der| Reader::new(der).expect(tag::SEQUENCE).map_err(|_: Asn1Error| SignError::Encoding);
    let both = Writer::new().raw(digest).value(tag::context_constructed(1), inner(signature)?);
    Ok(Writer::new().nest(tag::SEQUENCE, both))
}

#[cfg(test)]
pub(crate) mod tests;
