//! Certificate revocation lists: RFC 5280 section 5, processed after 6.3.3 as far as complete lists of the issuer go.
//!
//! Here are the list as a whole, its scope and its signature; `entries` looks certificates up.
use super::entries::Entries;
use super::{Answer, RevocationError};
use crate::asn1::{Malformed, Reader, Span, oid, read, tag, time as asn1_time};
use crate::certificate::Certificate;
use crate::certificate::general_name::GeneralName;
use crate::certificate::{DistributionPoint, Extension, PointName};
use crate::name::{self, Canonical};
use crypto::key::PublicKey;
use crypto::signature::VerifyError;
use std::sync::{Arc, OnceLock};
use time::OffsetDateTime;

/// Largest list that is read: twice the largest that a European authority publishes.
pub const CRL_BYTES: usize = 128 * 1024 * 1024;

/// A revocation list, read but not yet believed. Cheap to clone.
#[derive(Clone)]
pub struct Crl {
    inner: Arc<Parsed>,
}

struct Parsed {
    der: Box<[u8]>,
    tbs: Span,
    issuer: Canonical,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    entries: Entries,
    scope: Scope,
    tbs_algorithm: Span,
    algorithm: Span,
    signature: Span,
    /// The key under which the signature was found right.
    verified_by: OnceLock<PublicKey>,
}

/// What the extensions say of the certificates that the list is about.
#[derive(Default)]
struct Scope {
    /// Why the list can say nothing of any certificate.
    unusable: Option<&'static str>,
    users_only: bool,
    authorities_only: bool,
    /// The whole extension issuingDistributionPoint, where it names a point.
    point: Option<Span>,
}

impl Crl {
    /// Reads one list, which must be all of `der`. Entries are looked at only when a certificate is looked up.
    ///
    /// # Errors
    /// [`RevocationError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationError> {
        if der.len() > CRL_BYTES {
            return Err(RevocationError::Malformed("CertificateList: too large"));
        }
        Ok(Self { inner: Arc::new(parse(der)?) })
    }

    /// The bytes as they arrived.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// When the list was made.
    #[must_use]
    pub fn this_update(&self) -> OffsetDateTime {
        self.inner.this_update
    }

    /// When the next list will be there at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.inner.next_update
    }

    /// How many entries it has.
    ///
    /// # Errors
    /// [`RevocationError`] where one cannot be read or understood.
    pub fn entry_count(&self) -> Result<usize, RevocationError> {
        self.inner.entries.count(&self.inner.der)
    }

    /// Whether this list, complete or delta, was signed by `issuer_key`. Says nothing of names, scope, dates or trust: [`super::status`]
    /// does.
    ///
    /// # Errors
    /// [`VerifyError`], as [`Certificate::verify_signature`].
    pub fn verify_signature(&self, issuer_key: &PublicKey) -> Result<(), VerifyError> {
        let inner = &self.inner;
        if inner.verified_by.get().is_some_and(|known| known.spki_der() == issuer_key.spki_der()) {
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

    /// What the list says of `certificate`, which `issuer` issued; `others` are further certificates of the issuer.
    pub(super) fn answer(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        others: &[&Certificate],
    ) -> Result<Answer, RevocationError> {
        self.covers(certificate)?;
        self.check_issuer(issuer)
            .or_else(|error| others.iter().find_map(|other| self.check_issuer(other).ok()).ok_or(error))?;
        let revoked = self.inner.entries.find(&self.inner.der, certificate.serial())?;
        let (this_update, next_update) = (self.inner.this_update, self.inner.next_update);
        Ok(Answer { this_update, next_update, produced_at: this_update, revoked })
    }

    /// RFC 5280 6.3.3 (b): issuer and scope.
    fn covers(&self, certificate: &Certificate) -> Result<(), RevocationError> {
        let Parsed { issuer, scope, der, .. } = &*self.inner;
        if certificate.issuer_name() != Some(issuer) {
            return Err(RevocationError::OtherCertificate);
        }
        if let Some(reason) = scope.unusable {
            return Err(RevocationError::OutOfScope(reason));
        }
        if scope.users_only && certificate.is_ca() {
            return Err(RevocationError::OutOfScope("it lists certificates of users only"));
        }
        if scope.authorities_only && !certificate.is_ca() {
            return Err(RevocationError::OutOfScope("it lists certificates of authorities only"));
        }
        let Some(point) = scope.point else {
            return Ok(());
        };
        let listed = point_names(point.of(der), issuer)?;
        let ours = certificate_point_names(certificate, issuer)?;
        if ours.iter().any(|name| listed.contains(name)) {
            return Ok(());
        }
        Err(RevocationError::OutOfScope("it is of another distribution point"))
    }

    /// RFC 5280 6.3.3 (f) and (g): the issuer may sign lists, and signed this one.
    fn check_issuer(&self, issuer: &Certificate) -> Result<(), RevocationError> {
        let inner = &self.inner;
        if issuer.subject_name() != Some(&inner.issuer) {
            return Err(RevocationError::OtherCertificate);
        }
        if issuer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
            return Err(RevocationError::ResponderNotAuthorised);
        }
        let key = issuer.public_key().map_err(|_| RevocationError::SignatureWrong)?;
        self.verify_signature(key).map_err(|_| RevocationError::SignatureWrong)
    }
}

/// Size and dates only.
impl std::fmt::Debug for Crl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Crl({} bytes, thisUpdate {})", self.inner.der.len(), self.inner.this_update)
    }
}

/// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue } (RFC 5280 5.1).
fn parse(der: &[u8]) -> Result<Parsed, RevocationError> {
    let mut list = read::sole_sequence("CertificateList", der)?;
    let tbs = list.expect(tag::SEQUENCE)?;
    let algorithm = list.expect(tag::SEQUENCE)?;
    let signature = list.expect(tag::BIT_STRING)?;
    list.finish()?;

    let mut body = tbs.reader("TBSCertList");
    if let Some(version) = body.optional(tag::INTEGER)?
        && version.unsigned()? != 1
    {
        return Err(RevocationError::Malformed("TBSCertList"));
    }
    let tbs_algorithm = body.expect(tag::SEQUENCE)?;
    let issuer = body.expect(tag::SEQUENCE)?;
    let this_update = asn1_time::read(&body.any()?)?;
    let next_update = if asn1_time::is_time(body.peek()) { Some(asn1_time::read(&body.any()?)?) } else { None };
    let entries = body.optional(tag::SEQUENCE)?.map_or(Span::EMPTY, |entries| entries.content_span());
    let mut scope = Scope::default();
    if let Some(explicit) = body.optional(tag::constructed(0))? {
        let mut inner = explicit.reader("crlExtensions");
        scope = Scope::read(inner.sequence("crlExtensions")?)?;
        inner.finish()?;
    }
    body.finish()?;
    Ok(Parsed {
        tbs: tbs.span(),
        issuer: Canonical::of(issuer.raw()).ok_or(RevocationError::Malformed("TBSCertList"))?,
        this_update,
        next_update,
        entries: Entries::new(entries),
        scope,
        tbs_algorithm: tbs_algorithm.span(),
        algorithm: algorithm.span(),
        signature: signature.octet_bits_span(),
        verified_by: OnceLock::new(),
        der: der.into(),
    })
}

impl Scope {
    fn read(list: Reader<'_>) -> Result<Self, Malformed> {
        let mut scope = Self::default();
        for extension in Extension::read_all(list)? {
            if extension.oid == oid::DELTA_CRL_INDICATOR.as_bytes() {
                scope.unusable = Some("it is a delta list");
            } else if extension.oid == oid::ISSUING_DISTRIBUTION_POINT.as_bytes() {
                scope.distribution_point(&extension)?;
            } else if extension.critical && !HARMLESS.iter().any(|known| known.as_bytes() == extension.oid) {
                // RFC 5280 5.2: such a list must not be used.
                scope.unusable = Some("it has an unknown critical extension");
            }
        }
        Ok(scope)
    }

    /// IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0], onlyContainsUserCerts [1], onlyContainsCACerts [2],
    /// onlySomeReasons [3], indirectCRL [4], onlyContainsAttributeCerts [5] } (RFC 5280 5.2.5).
    fn distribution_point(&mut self, extension: &Extension<'_>) -> Result<(), Malformed> {
        let mut value = extension.value;
        let mut fields = value.sequence("issuingDistributionPoint")?;
        value.finish()?;
        if fields.optional(tag::constructed(0))?.is_some() {
            self.point = Some(extension.span);
        }
        let flag = |fields: &mut Reader<'_>, number| {
            fields.optional(tag::context(number))?.map_or(Ok(false), |flag| flag.boolean())
        };
        self.users_only = flag(&mut fields, 1)?;
        self.authorities_only = flag(&mut fields, 2)?;
        if fields.optional(tag::context(3))?.is_some() {
            self.unusable = Some("it lists some reasons only");
        }
        if flag(&mut fields, 4)? {
            self.unusable = Some("it is an indirect list");
        }
        if flag(&mut fields, 5)? {
            self.unusable = Some("it lists attribute certificates only");
        }
        fields.finish()
    }
}

/// Extensions that change nothing in what a complete list says.
const HARMLESS: [const_oid::ObjectIdentifier; 4] =
    [oid::CRL_NUMBER, oid::AUTHORITY_KEY_IDENTIFIER, oid::ISSUER_ALT_NAME, oid::FRESHEST_CRL];

/// A distribution point's name in the form in which equal names are equal.
#[derive(PartialEq, Eq)]
enum PlaceName {
    Directory(Canonical),
    Uri(String),
}

/// The names of the point of an issuingDistributionPoint extension.
fn point_names(extension: &[u8], issuer: &Canonical) -> Result<Vec<PlaceName>, Malformed> {
    let mut fields = read::sole_sequence("issuingDistributionPoint", extension)?;
    let name = PointName::read(&fields.expect(tag::constructed(0))?)?;
    places(name, issuer)
}

/// The names of the certificate's points that serve complete lists of its issuer. A certificate without any is taken to have
/// one that bears the issuer's name (RFC 5280 6.3.3, last paragraph but one).
fn certificate_point_names(certificate: &Certificate, issuer: &Canonical) -> Result<Vec<PlaceName>, Malformed> {
    let Some(span) = certificate.extensions().crl_distribution_points else {
        return Ok(vec![PlaceName::Directory(issuer.clone())]);
    };
    let mut points = read::sole_sequence("cRLDistributionPoints", span.of(certificate.der()))?;
    let mut names = Vec::new();
    while !points.is_empty() {
        let point = DistributionPoint::read(&mut points)?;
        if let (Some(name), false, None) = (point.name, point.some_reasons, point.crl_issuer) {
            names.extend(places(name, issuer)?);
        }
    }
    Ok(names)
}

fn places(name: PointName<'_>, issuer: &Canonical) -> Result<Vec<PlaceName>, Malformed> {
    let malformed = Malformed("distributionPointName");
    Ok(match name {
        PointName::Relative(rdn) => {
            let rdn = name::of_rdn(rdn).ok_or(malformed)?;
            vec![PlaceName::Directory(issuer.child(&rdn))]
        }
        PointName::Full(names) => GeneralName::rest(names)?
            .into_iter()
            .filter_map(|name| match name {
                GeneralName::Directory(name) => Canonical::of(name).map(PlaceName::Directory),
                GeneralName::Uri(uri) => Some(PlaceName::Uri(uri.to_owned())),
                _ => None,
            })
            .collect(),
    })
}
