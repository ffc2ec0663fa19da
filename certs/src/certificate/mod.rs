//! X.509 certificates (RFC 5280 section 4): parsed once, original bytes kept.
//!
//! Reading is tolerant where certificates in signature files are: negative and over-long serials, version 1 with extensions,
//! times without seconds, lengths longer than need be, keys of algorithms that [`crypto`] does not know. A certificate that
//! reads may still be refused by [`crate::path`]; an extension that cannot be read does not hide the rest of the certificate
//! but is remembered, and no path leads through it. An extension that occurs twice is refused here (RFC 5280 4.2).
mod extension;
pub(crate) mod general_name;
mod identity;
mod key_usage;
mod pem;
mod qualified;

pub(crate) use extension::{DistributionPoint, Extension, Extensions, PointName};
pub use key_usage::KeyUsage;
pub use qualified::{Disclosure, MonetaryValue, QcStatements, QcType};

use crate::asn1::{Malformed, Reader, Span, read, tag, time as asn1_time};
use crate::name::{self, Canonical};
use crypto::digest::{self, Digest, DigestAlgorithm};
use crypto::key::{KeyError, PublicKey};
use crypto::signature::VerifyError;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};
use time::OffsetDateTime;

/// Why bytes are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The named structure does not follow RFC 5280.
    #[error("malformed certificate: {0}")]
    Malformed(&'static str),
    /// More bytes than [`CERTIFICATE_BYTES`].
    #[error("certificate larger than {0} bytes")]
    TooLarge(usize),
}

impl From<Malformed> for CertificateError {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

/// Largest certificate that is read. Real ones stay below 8 KiB; lists of names and logotypes make some larger, and a
/// signature file carries several.
pub const CERTIFICATE_BYTES: usize = 64 * 1024;

/// A certificate. Cheap to clone; equality and hash are those of its DER.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Parsed>,
}

struct Parsed {
    der: Box<[u8]>,
    tbs: Span,
    serial: Span,
    issuer: Span,
    subject: Span,
    spki: Span,
    key_bits: Span,
    tbs_algorithm: Span,
    algorithm: Span,
    signature: Span,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    version: u8,
    extensions: Extensions,
    fingerprint: OnceLock<[u8; 32]>,
    /// Of the subject's name and of its key. Boxed: few certificates are asked for it.
    sha1: OnceLock<Box<(Digest, Digest)>>,
    public_key: OnceLock<Result<PublicKey, KeyError>>,
    subject_name: OnceLock<Option<Canonical>>,
    issuer_name: OnceLock<Option<Canonical>>,
    /// The key under which the signature was found right, so that an intermediate is not verified for every document.
    verified_by: OnceLock<PublicKey>,
}

impl Certificate {
    /// Reads one certificate, which must be all of `der`.
    ///
    /// # Errors
    /// [`CertificateError`] where the bytes are no certificate or too many.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge(CERTIFICATE_BYTES));
        }
        Ok(Self { inner: Arc::new(parse(der)?) })
    }

    /// Reads one or more PEM `CERTIFICATE` blocks (RFC 7468); text around and other blocks between them are passed over.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] where there is no such block or one cannot be read.
    pub fn from_pem(pem: &str) -> Result<Vec<Self>, CertificateError> {
        pem::blocks(pem)?.iter().map(|der| Self::from_der(der)).collect()
    }

    /// PEM, lines of 64 characters.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(self.der())
    }

    /// The bytes as they arrived.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        *self.inner.fingerprint.get_or_init(|| digest::sha256(self.der()))
    }

    /// Raw DER of the subject's Name.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        self.inner.subject.of(self.der())
    }

    /// Raw DER of the issuer's Name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.inner.issuer.of(self.der())
    }

    /// The subject as RFC 4514 text; see [`name::rfc4514`].
    #[must_use]
    pub fn subject(&self) -> String {
        name::rfc4514(self.subject_der()).unwrap_or_default()
    }

    /// The issuer as RFC 4514 text; see [`name::rfc4514`].
    #[must_use]
    pub fn issuer(&self) -> String {
        name::rfc4514(self.issuer_der()).unwrap_or_default()
    }

    /// INTEGER content octets of the serial number as encoded (big-endian, two's complement).
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.inner.serial.of(self.der())
    }

    /// [`Self::serial`] in lower-case hexadecimal, without the leading zero octet of a positive number.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        let serial = self.serial();
        match serial.split_first() {
            Some((0, rest)) if !rest.is_empty() => digest::hex(rest),
            _ => digest::hex(serial),
        }
    }

    /// Start of the validity period, inclusive.
    #[must_use]
    pub fn not_before(&self) -> OffsetDateTime {
        self.inner.not_before
    }

    /// End of the validity period, inclusive.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.inner.not_after
    }

    /// Raw DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        self.inner.spki.of(self.der())
    }

    /// The subject's key, parsed on first use.
    ///
    /// # Errors
    /// [`KeyError`] where [`crypto`] does not know the algorithm (yet) or refuses the key; the certificate itself is readable.
    pub fn public_key(&self) -> Result<&PublicKey, KeyError> {
        self.inner.public_key.get_or_init(|| PublicKey::from_spki_der(self.spki_der())).as_ref().map_err(Clone::clone)
    }

    /// Whether basic constraints say that the subject is a certification authority (RFC 5280 4.2.1.9).
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions().is_ca
    }

    /// pathLenConstraint: how many intermediates may follow this authority.
    #[must_use]
    pub fn path_len(&self) -> Option<u32> {
        self.extensions().path_len
    }

    /// The key usage extension, if there is one.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions().key_usage
    }

    /// The extended key usage extension as dotted object identifiers, if there is one.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&[String]> {
        self.extensions().extended_key_usage.as_deref()
    }

    /// The subject key identifier, if there is one.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions().subject_key_identifier.map(|span| span.of(self.der()))
    }

    /// The key identifier of the authority key identifier, if there is one.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions().authority_key_identifier.map(|span| span.of(self.der()))
    }

    /// OCSP responders that the certificate names (RFC 5280 4.2.2.1). A stranger's text: never to be fetched from before the
    /// certificate's path is verified and the host is allowed.
    #[must_use]
    pub fn ocsp_urls(&self) -> &[String] {
        &self.extensions().ocsp_urls
    }

    /// URIs of the CRL distribution points. The warning of [`Self::ocsp_urls`] holds here too.
    #[must_use]
    pub fn crl_urls(&self) -> &[String] {
        &self.extensions().crl_urls
    }

    /// URIs of the delta lists (freshestCRL, RFC 5280 4.2.1.15). The warning of [`Self::ocsp_urls`] holds here too.
    #[must_use]
    pub fn delta_crl_urls(&self) -> &[String] {
        &self.extensions().delta_urls
    }

    /// Where certificates of the issuer lie (caIssuers, RFC 5280 4.2.2.1). The warning of [`Self::ocsp_urls`] holds here too.
    #[must_use]
    pub fn issuer_urls(&self) -> &[String] {
        &self.extensions().issuer_urls
    }

    /// Time-stamp authorities that the certificate names (timeStamping, RFC 5280 4.2.2.2; Ukrainian certificates have it). The
    /// warning of [`Self::ocsp_urls`] holds here too.
    #[must_use]
    pub fn time_stamping_urls(&self) -> &[String] {
        &self.extensions().time_stamping_urls
    }

    /// Whether an OCSP responder may be trusted for the life of this certificate without asking whether it is revoked
    /// (ocsp-nocheck, RFC 6960 4.2.2.2.1).
    #[must_use]
    pub fn ocsp_no_check(&self) -> bool {
        self.extensions().ocsp_no_check
    }

    /// DNS names of the subject alternative name.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.extensions().dns_names
    }

    /// The organisation's ЄДРПОУ, eight digits: `organizationIdentifier` (2.5.4.97) `NTRUA-<8 digits>` of the subject, else the
    /// subject directory attribute 1.2.804.2.1.1.1.11.1.4.2.1. `None` where there is none, or where two differ.
    #[must_use]
    pub fn edrpou(&self) -> Option<String> {
        identity::edrpou(self)
    }

    /// The person's РНОКПП, ten digits: `serialNumber` (2.5.4.5) `TINUA-<10 digits>` of the subject, else the subject directory
    /// attribute 1.2.804.2.1.1.1.11.1.4.1.1. `None` where there is none, or where two differ.
    #[must_use]
    pub fn rnokpp(&self) -> Option<String> {
        identity::rnokpp(self)
    }

    /// The person's УНЗР, eight digits, a hyphen and five digits: the subject directory attribute
    /// 1.2.804.2.1.1.1.11.1.4.11.1. `None` where there is none, or where two differ.
    #[must_use]
    pub fn unzr(&self) -> Option<String> {
        identity::unzr(self)
    }

    /// The one common name of the subject, runs of white space and control characters in it as one space; of a natural person it is their
    /// name (ETSI EN 319 412-2 4.2.4). `None` where there is none, or there are two.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        identity::common_name(self)
    }

    /// Whether the two are of one person, as far as they say: a number in common, the same subject, or the same key. Two certificates of one
    /// person under different numbers are told apart by their authority alone.
    #[must_use]
    pub fn is_of_same_person(&self, other: &Self) -> bool {
        identity::is_same_person(self, other)
    }

    /// QCStatements (RFC 3739 3.2.6, ETSI EN 319 412-5); `None` where there are none, or they cannot be read.
    #[must_use]
    pub fn qc_statements(&self) -> Option<QcStatements> {
        qualified::statements(self)
    }

    /// The certificate policies as dotted object identifiers (RFC 5280 4.2.1.4); 1.2.804.2.1.1.1.2.2 is that of qualified
    /// certificates in Ukraine. Which of them hold for a path [`crate::path::VerifiedPath::policies`] says.
    #[must_use]
    pub fn policies(&self) -> Vec<String> {
        qualified::policies(self)
    }

    /// Whether the certificate is a seal's and not a person's: QcType (ETSI EN 319 412-5 4.2.3) where there is one, else the
    /// extended key usage 1.2.804.2.1.1.1.3.9.
    #[must_use]
    pub fn is_seal(&self) -> bool {
        qualified::is_seal(self)
    }

    /// Whether this certificate was signed by `issuer_key`. Says nothing of names, dates or trust: [`crate::path`] does.
    ///
    /// # Errors
    /// [`VerifyError`]: the value does not verify, or the algorithm is unknown, does not fit the key, or is stated
    /// differently inside and outside the signed part (RFC 5280 4.1.1.2).
    pub fn verify_signature(&self, issuer_key: &PublicKey) -> Result<(), VerifyError> {
        let inner = &self.inner;
        if inner.verified_by.get().is_some_and(|key| key.spki_der() == issuer_key.spki_der()) {
            return Ok(());
        }
        let algorithm = inner.algorithm.of(&inner.der);
        if algorithm != inner.tbs_algorithm.of(&inner.der) {
            return Err(VerifyError::UnsupportedAlgorithm);
        }
        let signature = inner.signature.of(&inner.der);
        crate::signed::verify(issuer_key, algorithm, inner.tbs.of(&inner.der), signature)?;
        let _ = inner.verified_by.set(issuer_key.clone());
        Ok(())
    }

    /// Content octets of the subjectPublicKey BIT STRING, which OCSP and key identifiers hash.
    pub(crate) fn key_bits(&self) -> &[u8] {
        self.inner.key_bits.of(self.der())
    }

    /// SHA-1 of the subject's Name and of [`Self::key_bits`], by which OCSP names an issuer (RFC 6960 4.1.1), made on first use.
    pub(crate) fn sha1_of_name_and_key(&self) -> (&[u8], &[u8]) {
        let sha1 = |bytes: &[u8]| digest::digest(DigestAlgorithm::Sha1, bytes);
        let make = || Box::new((sha1(self.subject_der()), sha1(self.key_bits())));
        let (name, key) = &**self.inner.sha1.get_or_init(make);
        (name.as_bytes(), key.as_bytes())
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }

    /// 1, 2 or 3.
    pub(crate) fn version(&self) -> u8 {
        self.inner.version
    }

    pub(crate) fn subject_name(&self) -> Option<&Canonical> {
        self.inner.subject_name.get_or_init(|| Canonical::of(self.subject_der())).as_ref()
    }

    pub(crate) fn issuer_name(&self) -> Option<&Canonical> {
        self.inner.issuer_name.get_or_init(|| Canonical::of(self.issuer_der())).as_ref()
    }

    /// Whether `issuer` has the name that this certificate gives as its issuer, as RFC 5280 7.1 compares names.
    #[must_use]
    pub fn names_issuer(&self, issuer: &Self) -> bool {
        self.issuer_der() == issuer.subject_der()
            || matches!((self.issuer_name(), issuer.subject_name()), (Some(left), Some(right)) if left == right)
    }

    /// Self-issued: subject and issuer are the same name (RFC 5280 6.1).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.names_issuer(self)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der().hash(state);
    }
}

/// Serial number and fingerprint only: subjects are personal data.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Certificate({}, sha256 {})", self.serial_hex(), digest::hex(&self.fingerprint()))
    }
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 4.1).
fn parse(der: &[u8]) -> Result<Parsed, CertificateError> {
    let mut certificate = read::sole_sequence("Certificate", der)?;
    let tbs = certificate.expect(tag::SEQUENCE)?;
    let algorithm = certificate.expect(tag::SEQUENCE)?;
    let signature = certificate.expect(tag::BIT_STRING)?;
    certificate.finish()?;

    let mut body = tbs.reader("TBSCertificate");
    let version = version(&mut body)?;
    let serial = body.expect(tag::INTEGER)?;
    let tbs_algorithm = body.expect(tag::SEQUENCE)?;
    let issuer = body.expect(tag::SEQUENCE)?;
    let mut validity = body.sequence("validity")?;
    let (not_before, not_after) = (asn1_time::read(&validity.any()?)?, asn1_time::read(&validity.any()?)?);
    validity.finish()?;
    let subject = body.expect(tag::SEQUENCE)?;
    let spki = body.expect(tag::SEQUENCE)?;
    let mut key = spki.reader("SubjectPublicKeyInfo");
    key.expect(tag::SEQUENCE)?;
    let key_bits = key.expect(tag::BIT_STRING)?;
    key.finish()?;
    let extensions = extensions(&mut body)?;
    if serial.content().is_empty() {
        return Err(CertificateError::Malformed("serialNumber"));
    }
    name::attributes(issuer.raw())?;
    name::attributes(subject.raw())?;

    Ok(Parsed {
        tbs: tbs.span(),
        serial: serial.content_span(),
        issuer: issuer.span(),
        subject: subject.span(),
        spki: spki.span(),
        key_bits: key_bits.octet_bits_span(),
        tbs_algorithm: tbs_algorithm.span(),
        algorithm: algorithm.span(),
        signature: signature.octet_bits_span(),
        not_before,
        not_after,
        version,
        extensions,
        fingerprint: OnceLock::new(),
        sha1: OnceLock::new(),
        public_key: OnceLock::new(),
        subject_name: OnceLock::new(),
        issuer_name: OnceLock::new(),
        verified_by: OnceLock::new(),
        der: der.into(),
    })
}

fn version(body: &mut Reader<'_>) -> Result<u8, CertificateError> {
    let Some(explicit) = body.optional(tag::constructed(0))? else {
        return Ok(1);
    };
    let mut inner = explicit.reader("version");
    let version = inner.expect(tag::INTEGER)?.unsigned()?;
    inner.finish()?;
    match version {
        0 => Ok(1),
        1 => Ok(2),
        2 => Ok(3),
        _ => Err(CertificateError::Malformed("version")),
    }
}

/// Unique identifiers (unused since 1993) and extensions, up to the end of the signed part.
fn extensions(body: &mut Reader<'_>) -> Result<Extensions, CertificateError> {
    for number in [1, 2] {
        if body.optional(tag::context(number))?.is_none() {
            body.optional(tag::constructed(number))?;
        }
    }
    let mut extensions = Extensions::default();
    if let Some(explicit) = body.optional(tag::constructed(3))? {
        let mut inner = explicit.reader("extensions");
        let list = inner.expect(tag::SEQUENCE)?;
        extensions = Extensions::read(list.reader("extensions"))?;
        extensions.list = list.content_span();
        inner.finish()?;
    }
    body.finish()?;
    Ok(extensions)
}

#[cfg(test)]
mod tests;
