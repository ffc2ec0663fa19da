//! What a revocation list is about: its extensions, and whether they fit a certificate (RFC 5280 5.2 and 6.3.3 b to e).
use super::RevocationError;
use super::reasons::Reasons;
use crate::asn1::{Malformed, Reader, Span, oid, read, tag, time as asn1_time};
use crate::certificate::general_name::GeneralName;
use crate::certificate::{Certificate, DistributionPoint, Extension, PointName};
use crate::name::{self, Canonical};
use time::OffsetDateTime;

/// What the extensions say of the certificates that the list is about. Spans point into the list.
#[derive(Default)]
pub(super) struct Scope {
    /// Why the list can say nothing of any certificate.
    unusable: Option<&'static str>,
    users_only: bool,
    authorities_only: bool,
    /// The reasons that it lists, where it does not list all.
    some_reasons: Option<Reasons>,
    /// Whether it lists certificates of other issuers too.
    pub(super) indirect: bool,
    /// Whether issuingDistributionPoint names a point.
    names_point: bool,
    /// The extension issuingDistributionPoint.
    pub(super) point: Option<Span>,
    /// cRLNumber, INTEGER content, and whether the extension is critical.
    pub(super) number: Option<(Span, bool)>,
    /// BaseCRLNumber of a delta list, INTEGER content.
    pub(super) base: Option<Span>,
    authority_key_identifier: Option<Span>,
    /// Certificates that expired at this time or later stay listed (expiredCertsOnCRL, X.509 9.5.2.8).
    pub(super) keeps_expired_since: Option<OffsetDateTime>,
}

impl Scope {
    pub(super) fn read(list: Reader<'_>) -> Result<Self, Malformed> {
        let mut scope = Self::default();
        for extension in Extension::read_all(list)? {
            let is = |oid: &const_oid::ObjectIdentifier| extension.oid == oid.as_bytes();
            if is(&oid::DELTA_CRL_INDICATOR) {
                scope.base = Some(number(&extension)?);
            } else if is(&oid::CRL_NUMBER) {
                scope.number = Some((number(&extension)?, extension.critical));
            } else if is(&oid::ISSUING_DISTRIBUTION_POINT) {
                scope.distribution_point(&extension)?;
            } else if is(&oid::AUTHORITY_KEY_IDENTIFIER) {
                scope.authority_key_identifier = Some(extension.span);
            } else if is(&oid::EXPIRED_CERTS_ON_CRL) {
                let mut value = extension.value;
                scope.keeps_expired_since = Some(asn1_time::read(&value.expect(tag::GENERALIZED_TIME)?)?);
            } else if extension.critical && !HARMLESS.iter().any(is) {
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
        self.point = Some(extension.span);
        self.names_point = fields.optional(tag::constructed(0))?.is_some();
        let flag = |fields: &mut Reader<'_>, number| {
            fields.optional(tag::context(number))?.map_or(Ok(false), |flag| flag.boolean())
        };
        self.users_only = flag(&mut fields, 1)?;
        self.authorities_only = flag(&mut fields, 2)?;
        self.some_reasons = fields.optional(tag::context(3))?.map(|flags| Reasons::read(&flags)).transpose()?;
        self.indirect = flag(&mut fields, 4)?;
        if flag(&mut fields, 5)? {
            self.unusable = Some("it lists attribute certificates only");
        }
        fields.finish()
    }

    /// Whether `delta` of `delta_der` may be combined with this complete list of `der` (RFC 5280 5.2.4 and 6.3.3 c): the same
    /// scope and key, made for this list or an older one, and newer than it.
    pub(super) fn is_updated_by(&self, der: &[u8], delta: &Self, delta_der: &[u8]) -> bool {
        let (Some((number, _)), Some(base), Some((delta_number, _))) = (self.number, delta.base, delta.number) else {
            return false;
        };
        let same = |ours: Option<Span>, theirs: Option<Span>| {
            ours.map(|span| span.of(der)) == theirs.map(|span| span.of(delta_der))
        };
        let number = magnitude(number.of(der));
        let sizes = |number: &[u8]| (number.len(), number.to_vec());
        delta.unusable.is_none()
            && same(self.point, delta.point)
            && same(self.authority_key_identifier, delta.authority_key_identifier)
            && sizes(magnitude(base.of(delta_der))) <= sizes(number)
            && sizes(number) < sizes(magnitude(delta_number.of(delta_der)))
    }

    /// The reasons for which the list of `list_issuer` speaks of `certificate` (6.3.3 b, d and e): the union over the
    /// certificate's distribution points that the list serves, and the point that every list of the certificate's issuer
    /// serves (6.3.3, last paragraph).
    pub(super) fn covers(
        &self,
        der: &[u8],
        list_issuer: &Canonical,
        certificate: &Certificate,
    ) -> Result<Reasons, RevocationError> {
        let Some(issuer) = certificate.issuer_name() else {
            return Err(RevocationError::OtherCertificate);
        };
        let points = points(certificate)?;
        let named = points.iter().any(|point| point.is_issued_by(list_issuer));
        if issuer != list_issuer && !named {
            return Err(RevocationError::OtherCertificate);
        }
        if let Some(reason) = self.unusable {
            return Err(RevocationError::OutOfScope(reason));
        }
        if self.users_only && certificate.is_ca() {
            return Err(RevocationError::OutOfScope("it lists certificates of users only"));
        }
        if self.authorities_only && !certificate.is_ca() {
            return Err(RevocationError::OutOfScope("it lists certificates of authorities only"));
        }
        let ours = self.names(der, list_issuer)?;
        let mut reasons = Reasons::NONE;
        for point in &points {
            if self.serves(ours.as_deref(), point, list_issuer, issuer)? {
                reasons = reasons.or(point.reasons);
            }
        }
        let is_of_issuer = ours.is_none_or(|names| names.contains(&PlaceName::Directory(issuer.clone())));
        if issuer == list_issuer && is_of_issuer {
            reasons = Reasons::ALL;
        }
        if reasons.is_empty() {
            return Err(RevocationError::OutOfScope("it is of another distribution point"));
        }
        Ok(reasons.and(self.some_reasons.unwrap_or(Reasons::ALL)))
    }

    /// 6.3.3 (b)(1) and (2)(i).
    fn serves(
        &self,
        ours: Option<&[PlaceName]>,
        point: &Point<'_>,
        list_issuer: &Canonical,
        issuer: &Canonical,
    ) -> Result<bool, Malformed> {
        let by_other = !point.issuers.is_empty();
        if by_other && !(self.indirect && point.issuers.contains(list_issuer)) || !by_other && issuer != list_issuer {
            return Ok(false);
        }
        let Some(ours) = ours else {
            return Ok(true);
        };
        let theirs = match point.name {
            Some(name) => places(name, point.issuers.first().unwrap_or(issuer))?,
            None => point.issuers.iter().cloned().map(PlaceName::Directory).collect(),
        };
        Ok(theirs.iter().any(|name| ours.contains(name)))
    }

    /// The names of the list's own point; `None` where it names none.
    fn names(&self, der: &[u8], list_issuer: &Canonical) -> Result<Option<Vec<PlaceName>>, Malformed> {
        let Some(point) = self.point.filter(|_| self.names_point) else {
            return Ok(None);
        };
        let mut fields = read::sole_sequence("issuingDistributionPoint", point.of(der))?;
        let name = PointName::read(&fields.expect(tag::constructed(0))?)?;
        places(name, list_issuer).map(Some)
    }
}

/// Extensions that change nothing in what a list says.
const HARMLESS: [const_oid::ObjectIdentifier; 2] = [oid::ISSUER_ALT_NAME, oid::FRESHEST_CRL];

/// Most distribution points of a certificate that are looked at. Real certificates have one to four.
const MOST_POINTS: usize = 32;

/// A distribution point of a certificate.
struct Point<'a> {
    name: Option<PointName<'a>>,
    reasons: Reasons,
    /// cRLIssuer; empty: the certificate's issuer.
    issuers: Vec<Canonical>,
}

impl Point<'_> {
    fn is_issued_by(&self, list_issuer: &Canonical) -> bool {
        self.issuers.contains(list_issuer)
    }
}

fn points(certificate: &Certificate) -> Result<Vec<Point<'_>>, Malformed> {
    let Some(span) = certificate.extensions().crl_distribution_points else {
        return Ok(Vec::new());
    };
    let mut list = read::sole_sequence("cRLDistributionPoints", span.of(certificate.der()))?;
    let mut points = Vec::new();
    while !list.is_empty() && points.len() < MOST_POINTS {
        let DistributionPoint { name, reasons, crl_issuer } = DistributionPoint::read(&mut list)?;
        let names = crl_issuer.map(GeneralName::rest).transpose()?.unwrap_or_default();
        let issuers: Vec<_> = names
            .into_iter()
            .filter_map(|name| if let GeneralName::Directory(name) = name { Canonical::of(name) } else { None })
            .collect();
        // A cRLIssuer that is no directory name is nobody whose list we could know.
        if crl_issuer.is_none() || !issuers.is_empty() {
            points.push(Point { name, reasons: reasons.unwrap_or(Reasons::ALL), issuers });
        }
    }
    Ok(points)
}

/// Whether a distribution point of `certificate` names `issuer` as the issuer of its lists.
pub(super) fn names_list_issuer(certificate: &Certificate, issuer: &Canonical) -> bool {
    points(certificate).is_ok_and(|points| points.iter().any(|point| point.is_issued_by(issuer)))
}

/// A distribution point's name in the form in which equal names are equal.
#[derive(PartialEq, Eq)]
enum PlaceName {
    Directory(Canonical),
    Uri(String),
}

/// The names of a point; `issuer` is the issuer of its lists, below which relative names lie.
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

/// CRLNumber ::= INTEGER (0..MAX), up to 20 octets (5.2.3).
fn number(extension: &Extension<'_>) -> Result<Span, Malformed> {
    let mut value = extension.value;
    let number = value.expect(tag::INTEGER)?;
    value.finish()?;
    let is_natural = number.content().first().is_some_and(|first| *first < 0x80);
    if is_natural && number.content().len() <= 21 { Ok(number.content_span()) } else { Err(Malformed("cRLNumber")) }
}

fn magnitude(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}
