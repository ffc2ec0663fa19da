//! Format checking, EN 319 102-1 5.2.2: the signed attributes stand as often as they may and can be read.

use time::{Date, Month, OffsetDateTime, Time};

use crate::asn1::{Asn1Error, Element, Reader, oid, tag};
use crate::cms::{AlgorithmIdentifier, SignerInfo};

use super::cause::{Cause, Findings};

/// Signed attributes that stand at most once, with one value: RFC 5652 11, RFC 6211 2, EN 319 122-1 5.1 and 5.2.
const SINGLE: [&[u8]; 12] = [
    oid::CONTENT_TYPE,
    oid::MESSAGE_DIGEST,
    oid::SIGNING_TIME,
    oid::ALGORITHM_PROTECTION,
    oid::SIGNING_CERTIFICATE,
    oid::SIGNING_CERTIFICATE_V2,
    oid::SIGNATURE_POLICY,
    oid::SIGNER_LOCATION,
    oid::CONTENT_HINTS,
    oid::SIGNER_ATTRIBUTES,
    oid::SIGNER_ATTRIBUTES_V2,
    oid::MIME_TYPE,
];

/// What the signed attributes say, as far as they could be read.
#[derive(Debug, Default)]
pub(super) struct SignedAttributes<'a> {
    /// Contents octets of content-type.
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) message_digest: Option<&'a [u8]>,
    /// Claimed.
    pub(super) signing_time: Option<OffsetDateTime>,
    pub(super) certificate: Option<CertificateReference<'a>>,
    pub(super) protection: Option<AlgorithmProtection<'a>>,
    pub(super) policy: Option<PolicyReference<'a>>,
    /// Whether the attributes are sound enough for the digest in them to mean something.
    pub(super) unambiguous: bool,
}

/// The first ESSCertID(v2) of signing-certificate(-v2), RFC 5035 5.4.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct CertificateReference<'a> {
    /// `None`: the attribute's own default (SHA-1 for version 1, SHA-256 for version 2).
    pub(super) algorithm: Option<AlgorithmIdentifier<'a>>,
    pub(super) version_2: bool,
    pub(super) digest: &'a [u8],
    /// Name of the issuer in DER, contents of the serial number.
    pub(super) issuer_serial: Option<(&'a [u8], &'a [u8])>,
}

/// SignaturePolicy, EN 319 122-1 5.2.9.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyReference<'a> {
    /// It follows from the content or from what surrounds it.
    Implied,
    /// By its identifier, with the digest of its document.
    Explicit { oid: &'a [u8], algorithm: AlgorithmIdentifier<'a>, digest: &'a [u8] },
}

/// CMSAlgorithmProtection, RFC 6211 2.
#[derive(Debug, Clone, Copy)]
pub(super) struct AlgorithmProtection<'a> {
    pub(super) digest: AlgorithmIdentifier<'a>,
    pub(super) signature: Option<AlgorithmIdentifier<'a>>,
}

impl<'a> SignedAttributes<'a> {
    /// Reads the attributes of a signer whose content has the type `content_type`; `None`: of a counter-signature, whose
    /// content has none (RFC 5652, 11.4).
    pub(super) fn read(signer: &SignerInfo<'a>, content_type: Option<&[u8]>, findings: &mut Findings) -> Self {
        let mut attributes = Self { unambiguous: true, ..Self::default() };
        if signer.signed_attributes_der.is_none() {
            // RFC 5652, 5.3: only id-data may do without. The type of anything else would be unsigned.
            if content_type.is_some_and(|content_type| content_type != oid::DATA) {
                findings.add(Cause::AttributeMissing);
            }
            return attributes;
        }
        for single in SINGLE {
            let values: usize = signer.signed(single).map(|attribute| attribute.values.len()).sum();
            let empty = signer.signed(single).any(|attribute| attribute.values.is_empty());
            if values > 1 || empty || signer.signed(single).count() > 1 {
                findings.add(Cause::AttributeRepeated);
                attributes.unambiguous &= single != oid::MESSAGE_DIGEST && single != oid::CONTENT_TYPE;
            }
        }
        if let Err(_malformed) = attributes.fill(signer) {
            findings.add(Cause::Malformed);
        }
        match (attributes.content_type, attributes.message_digest) {
            (signed, Some(_)) if signed == content_type => {}
            (Some(_), Some(_)) => findings.add(Cause::ContentTypeDiffers),
            _ => {
                findings.add(Cause::AttributeMissing);
                attributes.unambiguous = false;
            }
        }
        attributes
    }

    fn fill(&mut self, signer: &SignerInfo<'a>) -> Result<(), Asn1Error> {
        let value = |oid| signer.signed(oid).next().and_then(|attribute| attribute.values.first().copied());
        if let Some(der) = value(oid::CONTENT_TYPE) {
            self.content_type = Some(Element::only(der)?.expect(tag::OBJECT_IDENTIFIER)?);
        }
        if let Some(der) = value(oid::MESSAGE_DIGEST) {
            self.message_digest = Some(Element::only(der)?.expect(tag::OCTET_STRING)?);
        }
        if let Some(der) = value(oid::SIGNING_TIME) {
            self.signing_time = read_time(Element::only(der)?);
        }
        if let Some(der) = value(oid::ALGORITHM_PROTECTION) {
            self.protection = Some(AlgorithmProtection::read(der)?);
        }
        if let Some(der) = value(oid::SIGNATURE_POLICY) {
            self.policy = Some(PolicyReference::read(der)?);
        }
        // Where both stand, the newer counts; EN 319 122-1, 6.3 allows one of them only for the baseline levels.
        if let Some(der) = value(oid::SIGNING_CERTIFICATE_V2) {
            self.certificate = Some(CertificateReference::read(der, true)?);
        } else if let Some(der) = value(oid::SIGNING_CERTIFICATE) {
            self.certificate = Some(CertificateReference::read(der, false)?);
        }
        Ok(())
    }
}

impl<'a> CertificateReference<'a> {
    /// `SEQUENCE { certs SEQUENCE OF ESSCertID, policies OPTIONAL }`; ESSCertIDv2 puts an algorithm in front, default SHA-256.
    fn read(der: &'a [u8], version_2: bool) -> Result<Self, Asn1Error> {
        let mut references = Element::only(der)?.open(tag::SEQUENCE)?.open(tag::SEQUENCE)?;
        let mut first = references.open(tag::SEQUENCE)?;
        let algorithm = match first.optional(tag::SEQUENCE)? {
            Some(identifier) if version_2 => Some(AlgorithmIdentifier::read(Reader::new(identifier.content))?),
            Some(_) => return Err(Asn1Error::Unexpected),
            None => None,
        };
        let digest = first.expect(tag::OCTET_STRING)?;
        let issuer_serial = match first.optional(tag::SEQUENCE)? {
            Some(pair) => Some(read_issuer_serial(Reader::new(pair.content))?),
            None => None,
        };
        first.end()?;
        Ok(Self { algorithm, version_2, digest, issuer_serial })
    }
}

/// [`read_issuer_serial`] of a whole element.
pub(super) fn issuer_serial(der: &[u8]) -> Result<(&[u8], &[u8]), Asn1Error> {
    read_issuer_serial(Element::only(der)?.open(tag::SEQUENCE)?)
}

/// `IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }`, of which the issuer is one directoryName.
fn read_issuer_serial(mut reader: Reader<'_>) -> Result<(&[u8], &[u8]), Asn1Error> {
    let mut names = reader.open(tag::SEQUENCE)?;
    let issuer = Element::only(names.expect(tag::context_constructed(4))?)?.raw;
    let serial = reader.expect(tag::INTEGER)?;
    reader.end()?;
    Ok((issuer, serial))
}

impl<'a> PolicyReference<'a> {
    /// `CHOICE { SEQUENCE { sigPolicyId, sigPolicyHash SEQUENCE { hashAlgorithm, hashValue }, sigPolicyQualifiers OPTIONAL }, NULL }`.
    fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let element = Element::only(der)?;
        if element.tag == tag::NULL {
            return Ok(Self::Implied);
        }
        let mut reader = element.open(tag::SEQUENCE)?;
        let oid = reader.oid()?;
        let mut hash = reader.open(tag::SEQUENCE)?;
        let algorithm = AlgorithmIdentifier::read(hash.open(tag::SEQUENCE)?)?;
        let digest = hash.expect(tag::OCTET_STRING)?;
        hash.end()?;
        Ok(Self::Explicit { oid, algorithm, digest })
    }
}

impl<'a> AlgorithmProtection<'a> {
    /// `SEQUENCE { digestAlgorithm, signatureAlgorithm [1] IMPLICIT OPTIONAL, macAlgorithm [2] IMPLICIT OPTIONAL }`.
    fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let mut reader = Element::only(der)?.open(tag::SEQUENCE)?;
        let digest = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
        let signature = match reader.optional(tag::context_constructed(1))? {
            Some(identifier) => Some(AlgorithmIdentifier::read(Reader::new(identifier.content))?),
            None => None,
        };
        Ok(Self { digest, signature })
    }
}

/// UTCTime or GeneralizedTime in the forms of DER (X.690, 11.7 and 11.8), seconds at best; `None` for anything else.
fn read_time(element: Element<'_>) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (element.tag, text.len()) {
        (tag::UTC_TIME, 12) => {
            let short: i32 = text.get(..2)?.parse().ok()?;
            // RFC 5652, 11.3: two digits from 50 are of the twentieth century.
            (if short >= 50 { 1900 + short } else { 2000 + short }, text.get(2..)?)
        }
        (tag::GENERALIZED_TIME, 14) => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let field = |at: usize| rest.get(at..at + 2).and_then(|digits| digits.parse::<u8>().ok());
    let date = Date::from_calendar_date(year, Month::try_from(field(0)?).ok()?, field(2)?).ok()?;
    Some(date.with_time(Time::from_hms(field(4)?, field(6)?, field(8)?).ok()?).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Writer;
    use time::macros::datetime;

    fn read(tag: u8, text: &str) -> Option<OffsetDateTime> {
        read_time(Element::only(&Writer::new().value(tag, text.as_bytes()).into_bytes()).unwrap())
    }

    #[test]
    fn times_of_both_kinds() {
        assert_eq!(read(tag::UTC_TIME, "261123145605Z"), Some(datetime!(2026-11-23 14:56:05 UTC)));
        assert_eq!(read(tag::UTC_TIME, "500101000000Z"), Some(datetime!(1950-01-01 00:00:00 UTC)));
        assert_eq!(read(tag::GENERALIZED_TIME, "20501231235959Z"), Some(datetime!(2050-12-31 23:59:59 UTC)));
        for wrong in ["", "Z", "261123145605", "261323145605Z", "2611231456Z", "26112314560éZ", "-61123145605Z"] {
            assert_eq!(read(tag::UTC_TIME, wrong), None, "{wrong}");
        }
    }
}
