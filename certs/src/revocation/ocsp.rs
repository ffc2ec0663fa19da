//! OCSP responses: RFC 6960, the profile of RFC 5019, nonce of RFC 9654.
use super::ocsp_request::CertId;
use super::{Fact, RevocationError, Revoked};
use crate::asn1::{Element, Malformed, Reader, Span, oid, read, tag, time as asn1_time};
use crate::certificate::{Certificate, Extension};
use crate::name::Canonical;
use crypto::digest::{self, DigestAlgorithm};
use crypto::key::PublicKey;
use crypto::signature::VerifyError;
use std::sync::{Arc, OnceLock};
use time::OffsetDateTime;

/// Largest response that is read. Real ones have 0.5 to 5 KiB; a few responders send their whole chain.
pub const OCSP_BYTES: usize = 1024 * 1024;

/// By which a responder may name its key.
const KEY_DIGESTS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha1, DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256];

/// Most single answers and most certificates in a response that are looked at.
pub(super) const MOST_ANSWERS: usize = 256;
const MOST_CERTIFICATES: usize = 8;

/// Where a certificate may be known already, by its DER.
pub type Recall<'a> = &'a dyn Fn(&[u8]) -> Option<Certificate>;

/// An OCSP response with content, read but not yet believed. Cheap to clone.
#[derive(Clone)]
pub struct OcspResponse {
    inner: Arc<Parsed>,
}

struct Parsed {
    der: Box<[u8]>,
    /// tbsResponseData.
    tbs: Span,
    responder: Responder,
    produced_at: OffsetDateTime,
    singles: Vec<Single>,
    nonce: Option<Span>,
    unknown_critical: bool,
    algorithm: Span,
    signature: Span,
    certificates: Vec<Certificate>,
    /// The issuer's key for which the response was found authentic, and the delegate that signed, if the issuer did not.
    verified_for: OnceLock<(PublicKey, Option<Certificate>)>,
}

enum Responder {
    Name(Option<Canonical>),
    /// A digest of the key: SHA-1 by RFC 6960, 4.2.1; with national keys also GOST 34.311 or Kupyna-256.
    Key(Span),
}

struct Single {
    id: CertId<Span>,
    revoked: Option<Revoked>,
    unknown: bool,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    unknown_critical: bool,
    /// Archive cutoff (RFC 6960 4.4.4).
    archive_cutoff: Option<OffsetDateTime>,
}

impl OcspResponse {
    /// Reads an OCSPResponse, which must be all of `der`.
    ///
    /// # Errors
    /// [`RevocationError::ResponderStatus`] where the responder refused, else [`RevocationError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationError> {
        Self::read(der, &|_| None)
    }

    /// [`Self::from_der`], where `recall` may know a certificate that comes with it, by its DER ([`crate::trust::TrustSnapshot::recall`]).
    ///
    /// # Errors
    /// As there.
    pub fn read(der: &[u8], recall: Recall<'_>) -> Result<Self, RevocationError> {
        bounded(der)?;
        let mut response = read::sole_sequence("OCSPResponse", der)?;
        let status = response.expect(tag::ENUMERATED)?.unsigned()?;
        if status != 0 {
            let status = u8::try_from(status).map_err(|_| RevocationError::Malformed("OCSPResponse"))?;
            return Err(RevocationError::ResponderStatus(status));
        }
        let mut bytes = response.expect(tag::constructed(0))?.reader("responseBytes");
        response.finish()?;
        let mut typed = bytes.sequence("responseBytes")?;
        bytes.finish()?;
        if typed.expect(tag::OBJECT_IDENTIFIER)?.content() != oid::OCSP_BASIC.as_bytes() {
            return Err(RevocationError::Malformed("responseBytes"));
        }
        let basic = typed.expect(tag::OCTET_STRING)?;
        typed.finish()?;
        Ok(Self { inner: Arc::new(parse(der, basic.reader("BasicOCSPResponse"), recall)?) })
    }

    /// Reads a bare BasicOCSPResponse, as signature files embed it (RFC 5126 6.3.4); [`Self::der`] then gives that.
    ///
    /// # Errors
    /// [`RevocationError::Malformed`].
    pub fn from_basic_der(der: &[u8]) -> Result<Self, RevocationError> {
        Self::read_basic(der, &|_| None)
    }

    /// [`Self::from_basic_der`] with `recall`, as [`Self::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read_basic(der: &[u8], recall: Recall<'_>) -> Result<Self, RevocationError> {
        bounded(der)?;
        Ok(Self { inner: Arc::new(parse(der, Reader::new("BasicOCSPResponse", der), recall)?) })
    }

    /// Whether the response was found authentic for this issuer before.
    pub(crate) fn is_believed_by(&self, issuer_key: &PublicKey) -> bool {
        self.inner.verified_for.get().is_some_and(|(known, _)| known.spki_der() == issuer_key.spki_der())
    }

    /// The delegate that signed, where the response was found authentic.
    pub(crate) fn believed_responder(&self) -> Option<&Certificate> {
        self.inner.verified_for.get().and_then(|(_, delegate)| delegate.as_ref())
    }

    /// The bytes as they arrived.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// When the response was signed.
    #[must_use]
    pub fn produced_at(&self) -> OffsetDateTime {
        self.inner.produced_at
    }

    /// The certificates that came with it, untrusted.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.inner.certificates
    }

    /// Whether this response was signed by `responder_key`. Says nothing of who that is and what it may answer: [`super::status`] does.
    ///
    /// # Errors
    /// [`VerifyError`]: the value does not verify, or the algorithm is unknown or does not fit the key.
    pub fn verify_signature(&self, responder_key: &PublicKey) -> Result<(), VerifyError> {
        let inner = &*self.inner;
        let signature = inner.signature.of(&inner.der);
        crate::signed::verify(responder_key, inner.algorithm.of(&inner.der), inner.tbs.of(&inner.der), signature)
    }

    /// Whether the response answers the request that carried `nonce`.
    ///
    /// # Errors
    /// [`RevocationError::NonceMismatch`] if it has another nonce or none.
    pub fn check_nonce(&self, nonce: &[u8]) -> Result<(), RevocationError> {
        match self.inner.nonce {
            Some(echoed) if echoed.of(&self.inner.der) == nonce => Ok(()),
            _ => Err(RevocationError::NonceMismatch),
        }
    }

    /// The certificate of the delegate that signed, among those that the response brings: by name or key, not yet judged.
    /// `None` where the issuer is expected to have signed itself, or the response leaves the certificate out.
    #[must_use]
    pub fn responder(&self) -> Option<&Certificate> {
        let inner = &*self.inner;
        inner.certificates.iter().find(|certificate| inner.responder.is(certificate, &inner.der))
    }

    /// What the response says of `certificate`, which `issuer` issued. Whether a delegate that signed was itself revoked is not
    /// asked here: [`super::status`] does.
    ///
    /// # Errors
    /// Why it says nothing: [`RevocationError`].
    pub fn fact(&self, certificate: &Certificate, issuer: &Certificate) -> Result<Fact, RevocationError> {
        self.fact_and_delegate(certificate, issuer).map(|(fact, _)| fact)
    }

    /// [`Self::fact`], and the delegate that signed it, if the issuer did not.
    pub(super) fn fact_and_delegate(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<(Fact, Option<Certificate>), RevocationError> {
        let inner = &*self.inner;
        let about = |single: &&Single| single.id.of(&inner.der).is_for(certificate.serial(), issuer);
        let single = inner.singles.iter().filter(about).max_by_key(|single| single.this_update);
        let single = single.ok_or(RevocationError::OtherCertificate)?;
        if !certificate.names_issuer(issuer) {
            return Err(RevocationError::OtherCertificate);
        }
        if inner.unknown_critical || single.unknown_critical {
            return Err(RevocationError::OutOfScope("it has an unknown critical extension"));
        }
        let delegate = self.check_responder(issuer)?;
        if single.unknown {
            return Err(RevocationError::OutOfScope("the responder does not know the certificate"));
        }
        let Single { this_update, next_update, revoked, archive_cutoff, .. } = *single;
        let (produced_at, keeps_expired_since) = (inner.produced_at, archive_cutoff);
        Ok((Fact { revoked, this_update, next_update, produced_at, keeps_expired_since }, delegate))
    }

    /// RFC 6960 3.2 and 4.2.2.2: signed by the issuer, or by one to whom the issuer itself delegated with id-kp-OCSPSigning.
    /// Local configuration of further responders, which the RFC allows, does not exist here. Gives the delegate, if one signed.
    fn check_responder(&self, issuer: &Certificate) -> Result<Option<Certificate>, RevocationError> {
        let inner = &*self.inner;
        let issuer_key = issuer.public_key().map_err(|_| RevocationError::SignatureWrong)?;
        if let Some((known, delegate)) = inner.verified_for.get()
            && known.spki_der() == issuer_key.spki_der()
        {
            return Ok(delegate.clone());
        }
        let signed_by = |key: &PublicKey| self.verify_signature(key).map_err(|_| RevocationError::SignatureWrong);
        let mut verdict = Err(RevocationError::ResponderNotAuthorised);
        if inner.responder.is(issuer, &inner.der) {
            verdict = signed_by(issuer_key).map(|()| None);
        }
        for responder in inner.certificates.iter().filter(|certificate| inner.responder.is(certificate, &inner.der)) {
            if verdict.is_ok() {
                break;
            }
            if is_delegate(responder, issuer, issuer_key, inner.produced_at) {
                let key = responder.public_key().map_err(|_| RevocationError::SignatureWrong);
                verdict = key.and_then(&signed_by).map(|()| Some(responder.clone()));
            }
        }
        if let Ok(delegate) = &verdict {
            let _ = inner.verified_for.set((issuer_key.clone(), delegate.clone()));
        }
        verdict
    }
}

/// Size and date only.
impl std::fmt::Debug for OcspResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OcspResponse({} bytes, producedAt {})", self.inner.der.len(), self.inner.produced_at)
    }
}

/// Whether `issuer` delegated the answering to `responder` at the time of the response.
fn is_delegate(responder: &Certificate, issuer: &Certificate, issuer_key: &PublicKey, at: OffsetDateTime) -> bool {
    let extensions = responder.extensions();
    responder.names_issuer(issuer)
        && responder.extended_key_usage().is_some_and(|list| list.iter().any(|purpose| purpose == oid::OCSP_SIGNING))
        && responder.key_usage().is_none_or(|usage| usage.digital_signature() || usage.content_commitment())
        && (responder.not_before()..=responder.not_after()).contains(&at)
        && !extensions.unknown_critical
        && !extensions.malformed
        && responder.verify_signature(issuer_key).is_ok()
}

impl Responder {
    fn is(&self, certificate: &Certificate, der: &[u8]) -> bool {
        match self {
            Self::Name(name) => name.is_some() && certificate.subject_name() == name.as_ref(),
            Self::Key(hash) => {
                let hash = hash.of(der);
                KEY_DIGESTS
                    .into_iter()
                    .filter(|algorithm| algorithm.output_len() == hash.len())
                    .any(|algorithm| digest::digest(algorithm, certificate.key_bits()).as_bytes() == hash)
            }
        }
    }
}

fn bounded(der: &[u8]) -> Result<(), RevocationError> {
    if der.len() > OCSP_BYTES { Err(RevocationError::Malformed("OCSPResponse: too large")) } else { Ok(()) }
}

/// BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, certs [0] OPTIONAL }, all of `outer`.
fn parse(der: &[u8], mut outer: Reader<'_>, recall: Recall<'_>) -> Result<Parsed, RevocationError> {
    let mut basic = outer.sequence("BasicOCSPResponse")?;
    outer.finish()?;
    let tbs = basic.expect(tag::SEQUENCE)?;
    let algorithm = basic.expect(tag::SEQUENCE)?;
    let signature = basic.expect(tag::BIT_STRING)?;
    let certificates = match basic.optional(tag::constructed(0))? {
        Some(explicit) => certificates(explicit.reader("certs"), recall)?,
        None => Vec::new(),
    };
    basic.finish()?;

    let mut data = tbs.reader("ResponseData");
    data.optional(tag::constructed(0))?;
    let responder = responder(&data.any()?)?;
    let produced_at = asn1_time::read(&data.expect(tag::GENERALIZED_TIME)?)?;
    let mut list = data.sequence("responses")?;
    let mut singles = Vec::new();
    while !list.is_empty() {
        if singles.len() == MOST_ANSWERS {
            return Err(RevocationError::Malformed("responses: too many"));
        }
        singles.push(single(list.sequence("SingleResponse")?)?);
    }
    let (nonce, unknown_critical) = match data.optional(tag::constructed(1))? {
        Some(explicit) => response_extensions(explicit.reader("responseExtensions"))?,
        None => (None, false),
    };
    data.finish()?;
    Ok(Parsed {
        tbs: tbs.span(),
        responder,
        produced_at,
        singles,
        nonce,
        unknown_critical,
        algorithm: algorithm.span(),
        signature: signature.octet_bits_span(),
        certificates,
        verified_for: OnceLock::new(),
        der: der.into(),
    })
}

/// The certificates beside the answer. One that cannot be read is passed over: it may not be the responder's.
fn certificates(mut explicit: Reader<'_>, recall: Recall<'_>) -> Result<Vec<Certificate>, Malformed> {
    let mut list = explicit.sequence("certs")?;
    explicit.finish()?;
    let mut certificates = Vec::new();
    while !list.is_empty() && certificates.len() < MOST_CERTIFICATES {
        let der = list.any()?.raw();
        certificates.extend(recall(der).or_else(|| Certificate::from_der(der).ok()));
    }
    Ok(certificates)
}

/// ResponderID ::= CHOICE { byName [1] Name, byKey [2] KeyHash }
fn responder(element: &Element<'_>) -> Result<Responder, Malformed> {
    const BY_NAME: u8 = tag::constructed(1);
    const BY_KEY: u8 = tag::constructed(2);
    let mut inner = element.reader("responderID");
    let responder = match element.tag() {
        BY_NAME => Responder::Name(Canonical::of(inner.expect(tag::SEQUENCE)?.raw())),
        BY_KEY => Responder::Key(inner.expect(tag::OCTET_STRING)?.content_span()),
        _ => return Err(inner.malformed()),
    };
    inner.finish()?;
    Ok(responder)
}

/// SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL }
fn single(mut response: Reader<'_>) -> Result<Single, RevocationError> {
    const GOOD: u8 = tag::context(0);
    const REVOKED: u8 = tag::constructed(1);
    const UNKNOWN: u8 = tag::context(2);
    let id = CertId::read(&mut response)?;
    let status = response.any()?;
    let revoked = match status.tag() {
        GOOD | UNKNOWN => None,
        REVOKED => Some(revoked_info(status.reader("RevokedInfo"))?),
        _ => return Err(RevocationError::Malformed("certStatus")),
    };
    let this_update = asn1_time::read(&response.expect(tag::GENERALIZED_TIME)?)?;
    let next_update = match response.optional(tag::constructed(0))? {
        Some(explicit) => Some(asn1_time::read(&explicit.reader("nextUpdate").any()?)?),
        None => None,
    };
    let (mut archive_cutoff, mut unknown_critical) = (None, false);
    if let Some(explicit) = response.optional(tag::constructed(1))? {
        let list = explicit.reader("singleExtensions").sequence("singleExtensions")?;
        for mut extension in Extension::read_all(list)? {
            if extension.oid == oid::OCSP_ARCHIVE_CUTOFF.as_bytes() {
                archive_cutoff = Some(asn1_time::read(&extension.value.expect(tag::GENERALIZED_TIME)?)?);
            } else {
                unknown_critical |= extension.critical;
            }
        }
    }
    response.finish()?;
    let unknown = status.tag() == UNKNOWN;
    Ok(Single { id, revoked, unknown, this_update, next_update, unknown_critical, archive_cutoff })
}

/// RevokedInfo ::= SEQUENCE { revocationTime, revocationReason [0] OPTIONAL }
fn revoked_info(mut info: Reader<'_>) -> Result<Revoked, RevocationError> {
    let at = asn1_time::read(&info.expect(tag::GENERALIZED_TIME)?)?;
    let reason = match info.optional(tag::constructed(0))? {
        Some(explicit) => {
            let code = explicit.reader("revocationReason").expect(tag::ENUMERATED)?.unsigned()?;
            Some(u8::try_from(code).map_err(|_| RevocationError::Malformed("revocationReason"))?)
        }
        None => None,
    };
    info.finish()?;
    Ok(Revoked { at, reason })
}

/// The nonce, and whether another extension is critical.
fn response_extensions(mut explicit: Reader<'_>) -> Result<(Option<Span>, bool), Malformed> {
    let list = explicit.sequence("responseExtensions")?;
    explicit.finish()?;
    let (mut nonce, mut unknown_critical) = (None, false);
    for extension in Extension::read_all(list)? {
        if extension.oid == oid::OCSP_NONCE.as_bytes() {
            nonce = Some(nonce_span(&extension));
        } else {
            unknown_critical |= extension.critical;
        }
    }
    Ok((nonce, unknown_critical))
}

/// Nonce ::= OCTET STRING inside extnValue (RFC 8954 2.1). Older responders put the octets there bare.
fn nonce_span(extension: &Extension<'_>) -> Span {
    let mut value = extension.value;
    match (value.expect(tag::OCTET_STRING), value.is_empty()) {
        (Ok(octets), true) => octets.content_span(),
        _ => extension.span,
    }
}
