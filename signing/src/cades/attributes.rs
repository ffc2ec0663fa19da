//! Signed attributes of CAdES, EN 319 122-1 5.

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;

use crate::asn1::{Writer, oid, tag};

use super::assemble::{contents, token};
use super::{Options, SignError};

/// What the attributes of one signature say.
pub(super) struct Claims<'a> {
    /// Contents octets; `None`: a counter-signature.
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) content: &'a Digest,
    pub(super) certificate: &'a Certificate,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) signing_time: OffsetDateTime,
}

/// The attributes of level B (EN 319 122-1, 6.3) and those of `options`, each in DER, unsorted.
pub(super) fn signed(claims: &Claims<'_>, options: &Options<'_>) -> Result<Vec<Vec<u8>>, SignError> {
    let digest_identifier = digest_identifier(claims.content.algorithm())?;
    let signature_identifier = claims.algorithm.to_algorithm_identifier();
    let mut attributes = Vec::with_capacity(7);
    if let Some(content_type) = claims.content_type {
        attributes.push(attribute(oid::CONTENT_TYPE, Writer::new().oid(content_type)));
    }
    attributes.extend([
        attribute(oid::SIGNING_TIME, signing_time_value(claims.signing_time)?),
        attribute(oid::MESSAGE_DIGEST, Writer::new().value(tag::OCTET_STRING, claims.content.as_bytes())),
        attribute(oid::SIGNING_CERTIFICATE_V2, certificate_reference(claims.certificate, claims.content.algorithm())?),
        attribute(oid::ALGORITHM_PROTECTION, algorithm_protection(&digest_identifier, &signature_identifier)?),
    ]);
    if let Some(policy) = &options.signature_policy {
        attributes.push(attribute(oid::SIGNATURE_POLICY, policy_identifier(&policy.oid, &policy.digest)?));
    }
    if let Some(stamp) = options.content_timestamp {
        attributes.push(attribute(oid::CONTENT_TIME_STAMP, Writer::new().raw(&token(stamp)?)));
    }
    Ok(attributes)
}

fn attribute(oid: &[u8], value: Writer) -> Vec<u8> {
    Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid).nest(tag::SET, value)).into_bytes()
}

/// RFC 5754, 2: parameters absent.
pub(super) fn digest_identifier(algorithm: DigestAlgorithm) -> Result<Vec<u8>, SignError> {
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
    let named = if algorithm == DigestAlgorithm::Sha256 { Vec::new() } else { digest_identifier(algorithm)? };
    let reference =
        Writer::new().raw(&named).value(tag::OCTET_STRING, hash.as_bytes()).nest(tag::SEQUENCE, issuer_serial(leaf));
    let references = Writer::new().nest(tag::SEQUENCE, reference);
    Ok(Writer::new().nest(tag::SEQUENCE, Writer::new().nest(tag::SEQUENCE, references)))
}

/// The fields of IssuerSerial, RFC 5035 3: `SEQUENCE OF GeneralName`, with the one directory name, and the serial number.
pub(crate) fn issuer_serial(leaf: &Certificate) -> Writer {
    let issuer = Writer::new().nest(tag::context_constructed(4), Writer::new().raw(leaf.issuer_der()));
    Writer::new().nest(tag::SEQUENCE, issuer).value(tag::INTEGER, leaf.serial())
}

/// RFC 6211, 2: the signature algorithm has the implicit tag [1].
fn algorithm_protection(digest: &[u8], signature: &[u8]) -> Result<Writer, SignError> {
    let both = Writer::new().raw(digest).value(tag::context_constructed(1), contents(signature, tag::SEQUENCE)?);
    Ok(Writer::new().nest(tag::SEQUENCE, both))
}

/// SignaturePolicyId, EN 319 122-1 5.2.9.1: `SEQUENCE { sigPolicyId, SEQUENCE { hashAlgorithm, hashValue } }`.
fn policy_identifier(dotted: &str, digest: &Digest) -> Result<Writer, SignError> {
    let oid = oid::contents(dotted).ok_or(SignError::Encoding)?;
    let hash = Writer::new().raw(&digest_identifier(digest.algorithm())?).value(tag::OCTET_STRING, digest.as_bytes());
    Ok(Writer::new().nest(tag::SEQUENCE, Writer::new().oid(&oid).nest(tag::SEQUENCE, hash)))
}
