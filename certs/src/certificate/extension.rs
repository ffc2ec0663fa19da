//! Extensions (RFC 5280 4.2): which there are, which are critical, and what the ones that we process say.
use super::KeyUsage;
use super::general_name::GeneralName;
use crate::asn1::{Malformed, Reader, Span, oid, read, tag};
use crate::revocation::Reasons;
use const_oid::ObjectIdentifier;

/// Most extensions in one certificate; real ones have up to twenty. Bounds the search for duplicates.
const MOST_EXTENSIONS: usize = 64;

/// What the extensions of one certificate say. Spans point into the certificate.
#[derive(Default)]
pub(crate) struct Extensions {
    /// The content of the SEQUENCE of all extensions.
    pub(crate) list: Span,
    pub(crate) is_ca: bool,
    pub(crate) path_len: Option<u32>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) extended_key_usage: Option<Vec<String>>,
    pub(crate) extended_key_usage_critical: bool,
    pub(crate) subject_key_identifier: Option<Span>,
    pub(crate) authority_key_identifier: Option<Span>,
    pub(crate) subject_alt_name: Option<Span>,
    pub(crate) subject_directory_attributes: Option<Span>,
    pub(crate) name_constraints: Option<Span>,
    pub(crate) certificate_policies: Option<Span>,
    pub(crate) policy_mappings: Option<Span>,
    pub(crate) policy_constraints: Option<Span>,
    pub(crate) inhibit_any_policy: Option<Span>,
    pub(crate) crl_distribution_points: Option<Span>,
    pub(crate) qc_statements: Option<Span>,
    pub(crate) ocsp_no_check: bool,
    pub(crate) ocsp_urls: Vec<String>,
    pub(crate) issuer_urls: Vec<String>,
    pub(crate) time_stamping_urls: Vec<String>,
    pub(crate) crl_urls: Vec<String>,
    pub(crate) delta_urls: Vec<String>,
    pub(crate) dns_names: Vec<String>,
    /// A critical extension that path validation does not process.
    pub(crate) unknown_critical: bool,
    /// An extension that path validation processes cannot be read.
    pub(crate) malformed: bool,
}

/// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }, its value unread.
pub(crate) struct Extension<'a> {
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    /// A reader over the content of extnValue.
    pub(crate) value: Reader<'a>,
    pub(crate) span: Span,
}

impl<'a> Extension<'a> {
    /// The next extension of `reader`.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut extension = reader.sequence("extension")?;
        let oid = extension.expect(tag::OBJECT_IDENTIFIER)?.content();
        let critical = extension.optional(tag::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
        let value = extension.expect(tag::OCTET_STRING)?;
        extension.finish()?;
        Ok(Self { oid, critical, value: value.reader("extension"), span: value.content_span() })
    }

    /// Every extension of an Extensions SEQUENCE, none twice.
    pub(crate) fn read_all(mut list: Reader<'a>) -> Result<Vec<Self>, Malformed> {
        let mut extensions: Vec<Self> = Vec::new();
        while !list.is_empty() {
            let extension = Self::read(&mut list)?;
            if extensions.iter().any(|earlier| earlier.oid == extension.oid) {
                return Err(Malformed("duplicate extension"));
            }
            if extensions.len() == MOST_EXTENSIONS {
                return Err(Malformed("too many extensions"));
            }
            extensions.push(extension);
        }
        Ok(extensions)
    }
}

impl Extensions {
    pub(crate) fn read(list: Reader<'_>) -> Result<Self, Malformed> {
        let mut facts = Self::default();
        for extension in Extension::read_all(list)? {
            let known = KNOWN.iter().find(|(oid, ..)| oid.as_bytes() == extension.oid);
            let processed = known.is_some_and(|(_, processed, _)| *processed);
            let unreadable = known.is_some_and(|(_, _, decode)| decode(&mut facts, &extension).is_err());
            // What is only a hint may be unreadable: some Ukrainian certificates hold a bare key identifier.
            facts.malformed |= unreadable && processed;
            facts.unknown_critical |= extension.critical && !processed;
        }
        Ok(facts)
    }
}

type Decode = fn(&mut Extensions, &Extension<'_>) -> Result<(), Malformed>;

/// The extensions that are read, and whether path validation processes them, so that they may be critical. RFC 5280 forbids
/// to mark key identifiers and information access critical; a certificate that does so wants something of us that we do not
/// know. QcStatements may be critical, since `qualified` reads them.
const KNOWN: [(ObjectIdentifier, bool, Decode); 18] = [
    (oid::BASIC_CONSTRAINTS, true, basic_constraints),
    (oid::KEY_USAGE, true, key_usage),
    (oid::EXTENDED_KEY_USAGE, true, extended_key_usage),
    (oid::SUBJECT_ALT_NAME, true, subject_alt_name),
    (oid::NAME_CONSTRAINTS, true, |facts, extension| keep(&mut facts.name_constraints, extension)),
    (oid::CERTIFICATE_POLICIES, true, |facts, extension| keep(&mut facts.certificate_policies, extension)),
    (oid::POLICY_MAPPINGS, true, |facts, extension| keep(&mut facts.policy_mappings, extension)),
    (oid::POLICY_CONSTRAINTS, true, |facts, extension| keep(&mut facts.policy_constraints, extension)),
    (oid::INHIBIT_ANY_POLICY, true, |facts, extension| keep(&mut facts.inhibit_any_policy, extension)),
    (oid::CRL_DISTRIBUTION_POINTS, true, crl_distribution_points),
    (oid::SUBJECT_DIRECTORY_ATTRIBUTES, true, |facts, extension| {
        keep(&mut facts.subject_directory_attributes, extension)
    }),
    (oid::QC_STATEMENTS, true, |facts, extension| keep(&mut facts.qc_statements, extension)),
    (oid::SUBJECT_KEY_IDENTIFIER, false, subject_key_identifier),
    (oid::AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier),
    (oid::AUTHORITY_INFORMATION_ACCESS, false, information_access),
    (oid::SUBJECT_INFORMATION_ACCESS, false, information_access),
    (oid::FRESHEST_CRL, false, |facts, extension| {
        facts.delta_urls = point_urls(extension)?;
        Ok(())
    }),
    (oid::OCSP_NO_CHECK, false, |facts, _| {
        facts.ocsp_no_check = true;
        Ok(())
    }),
];

fn keep(place: &mut Option<Span>, extension: &Extension<'_>) -> Result<(), Malformed> {
    *place = Some(extension.span);
    Ok(())
}

/// BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }
fn basic_constraints(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let mut constraints = value.sequence("basicConstraints")?;
    value.finish()?;
    let is_ca = constraints.optional(tag::BOOLEAN)?.map_or(Ok(false), |ca| ca.boolean())?;
    let path_len = constraints.optional(tag::INTEGER)?.map(|length| length.unsigned()).transpose()?;
    constraints.finish()?;
    (facts.is_ca, facts.path_len) = (is_ca, path_len);
    Ok(())
}

fn key_usage(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let bits = value.expect(tag::BIT_STRING)?.named_bits()?;
    value.finish()?;
    facts.key_usage = Some(KeyUsage(bits));
    Ok(())
}

/// ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId
fn extended_key_usage(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let mut list = value.sequence("extKeyUsage")?;
    value.finish()?;
    let mut purposes = Vec::new();
    while !list.is_empty() {
        let purpose = list.expect(tag::OBJECT_IDENTIFIER)?;
        purposes.push(oid::dotted(purpose.content()).ok_or(Malformed("extKeyUsage"))?);
    }
    let empty = purposes.is_empty();
    facts.extended_key_usage = Some(purposes);
    facts.extended_key_usage_critical = extension.critical;
    if empty { Err(Malformed("extKeyUsage")) } else { Ok(()) }
}

fn subject_alt_name(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    facts.subject_alt_name = Some(extension.span);
    let mut value = extension.value;
    let names = GeneralName::rest(value.sequence("subjectAltName")?)?;
    value.finish()?;
    for name in names {
        match name {
            GeneralName::Dns(name) => facts.dns_names.push(name.to_owned()),
            GeneralName::Ip(octets) if octets.len() != 4 && octets.len() != 16 => return Err(Malformed("iPAddress")),
            _ => {}
        }
    }
    Ok(())
}

fn subject_key_identifier(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let identifier = value.expect(tag::OCTET_STRING)?;
    value.finish()?;
    facts.subject_key_identifier = Some(identifier.content_span());
    Ok(())
}

/// AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0], authorityCertIssuer [1], authorityCertSerialNumber [2] }, all
/// optional; issuer and serial number are a hint that path building does without.
fn authority_key_identifier(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let mut identifier = value.sequence("authorityKeyIdentifier")?;
    value.finish()?;
    facts.authority_key_identifier = identifier.optional(tag::context(0))?.map(|key| key.content_span());
    Ok(())
}

/// AuthorityInfoAccessSyntax and SubjectInfoAccessSyntax ::= SEQUENCE OF SEQUENCE { accessMethod, accessLocation GeneralName }
/// (RFC 5280 4.2.2).
fn information_access(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    let mut value = extension.value;
    let mut list = value.sequence("informationAccess")?;
    while !list.is_empty() {
        let mut access = list.sequence("informationAccess")?;
        let method = access.expect(tag::OBJECT_IDENTIFIER)?.content();
        let urls = if method == oid::ACCESS_OCSP.as_bytes() {
            &mut facts.ocsp_urls
        } else if method == oid::ACCESS_ISSUERS.as_bytes() {
            &mut facts.issuer_urls
        } else if method == oid::ACCESS_TIME_STAMPING.as_bytes() {
            &mut facts.time_stamping_urls
        } else {
            continue;
        };
        if let GeneralName::Uri(uri) = GeneralName::read(&mut access)? {
            urls.push(uri.to_owned());
        }
    }
    Ok(())
}

fn crl_distribution_points(facts: &mut Extensions, extension: &Extension<'_>) -> Result<(), Malformed> {
    facts.crl_distribution_points = Some(extension.span);
    facts.crl_urls = point_urls(extension)?;
    Ok(())
}

/// The URIs of a CRLDistributionPoints value.
fn point_urls(extension: &Extension<'_>) -> Result<Vec<String>, Malformed> {
    let mut value = extension.value;
    let mut points = value.sequence("cRLDistributionPoints")?;
    value.finish()?;
    let mut urls = Vec::new();
    while !points.is_empty() {
        let point = DistributionPoint::read(&mut points)?;
        if let Some(PointName::Full(names)) = point.name {
            for name in GeneralName::rest(names)? {
                if let GeneralName::Uri(uri) = name {
                    urls.push(uri.to_owned());
                }
            }
        }
    }
    Ok(urls)
}

/// DistributionPoint ::= SEQUENCE { distributionPoint [0], reasons [1], cRLIssuer [2] }, all optional (RFC 5280 4.2.1.13).
pub(crate) struct DistributionPoint<'a> {
    pub(crate) name: Option<PointName<'a>>,
    /// The reasons that the point's lists hold, where it says so.
    pub(crate) reasons: Option<Reasons>,
    /// GeneralNames of a CRL issuer that is not the certificate's issuer.
    pub(crate) crl_issuer: Option<Reader<'a>>,
}

/// DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RelativeDistinguishedName }
#[derive(Clone, Copy)]
pub(crate) enum PointName<'a> {
    Full(Reader<'a>),
    /// DER of the implicitly tagged SET of attributes.
    Relative(&'a [u8]),
}

impl<'a> DistributionPoint<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut point = reader.sequence("distributionPoint")?;
        let name = point.optional(tag::constructed(0))?.map(|name| PointName::read(&name)).transpose()?;
        let reasons = point.optional(tag::context(1))?.map(|flags| Reasons::read(&flags)).transpose()?;
        let crl_issuer = point.optional(tag::constructed(2))?.map(|issuer| issuer.reader("cRLIssuer"));
        point.finish()?;
        Ok(Self { name, reasons, crl_issuer })
    }
}

impl<'a> PointName<'a> {
    /// From the explicitly tagged element around the CHOICE.
    pub(crate) fn read(explicit: &read::Element<'a>) -> Result<Self, Malformed> {
        let mut inner = explicit.reader("distributionPointName");
        let choice = inner.any()?;
        inner.finish()?;
        const FULL: u8 = tag::constructed(0);
        const RELATIVE: u8 = tag::constructed(1);
        match choice.tag() {
            FULL => Ok(Self::Full(choice.reader("fullName"))),
            RELATIVE => Ok(Self::Relative(choice.raw())),
            _ => Err(Malformed("distributionPointName")),
        }
    }
}
