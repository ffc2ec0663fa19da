//! CMS SignedData as received: views over the normalised bytes, nothing copied, nothing believed.
//!
//! What is here is the shape of RFC 5652, 5 and 10 only. Which attributes must stand, and whether anything verifies, is
//! decided in `validate`. Every slice is exactly what a digest or a signature is computed over.

mod embedded;

pub use embedded::{EmbeddedRevocation, certificate_values, revocation_values};

use crate::asn1::{Asn1Error, Element, Reader, oid, tag};

/// Certificates in one SignedData. Long-term forms carry the chains of signers, authorities and responders.
pub const MOST_CERTIFICATES: usize = 256;
/// Revocation lists and answers in one SignedData.
pub const MOST_REVOCATION: usize = 256;
/// Attributes of one signer, signed or unsigned, and values of one attribute.
pub const MOST_ATTRIBUTES: usize = 256;

/// AlgorithmIdentifier, RFC 5280 4.1.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmIdentifier<'a> {
    /// Contents octets of the identifier.
    pub oid: &'a [u8],
    /// The parameters with tag and length, if present.
    pub parameters: Option<&'a [u8]>,
}

impl<'a> AlgorithmIdentifier<'a> {
    /// Reads the contents of the SEQUENCE.
    ///
    /// # Errors
    /// Where they are not an AlgorithmIdentifier.
    pub fn read(mut content: Reader<'a>) -> Result<Self, Asn1Error> {
        let oid = content.oid()?;
        let parameters = if content.is_empty() { None } else { Some(content.any()?.raw) };
        content.end()?;
        Ok(Self { oid, parameters })
    }

    /// Dotted text of the identifier; empty where it cannot be written.
    #[must_use]
    pub fn dotted(&self) -> String {
        oid::dotted(self.oid).unwrap_or_default()
    }

    /// The same algorithm: absent parameters and NULL mean the same (RFC 5754, 2; RFC 6211, 2), all else is compared
    /// as encoded.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let parameters = |of: &Self| of.parameters.filter(|der| *der != [tag::NULL, 0]).map(<[u8]>::to_vec);
        self.oid == other.oid && parameters(self) == parameters(other)
    }
}

/// Attribute, RFC 5652 5.3.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    /// Contents octets of the type.
    pub oid: &'a [u8],
    /// The values, each with tag and length.
    pub values: Vec<&'a [u8]>,
}

impl<'a> Attribute<'a> {
    fn read(element: &Element<'a>) -> Result<Self, Asn1Error> {
        let mut reader = element.open(tag::SEQUENCE)?;
        let oid = reader.oid()?;
        let values = reader.open(tag::SET)?.all(MOST_ATTRIBUTES)?;
        reader.end()?;
        Ok(Self { oid, values: values.iter().map(|value| value.raw).collect() })
    }
}

fn attributes<'a>(set: Element<'a>) -> Result<Vec<Attribute<'a>>, Asn1Error> {
    Reader::new(set.content).all(MOST_ATTRIBUTES)?.iter().map(Attribute::read).collect()
}

/// SignerIdentifier, RFC 5652 5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerIdentifier<'a> {
    /// The issuer's Name in DER, and the contents octets of the serial number.
    IssuerAndSerial {
        /// Name with tag and length.
        issuer: &'a [u8],
        /// INTEGER contents.
        serial: &'a [u8],
    },
    /// The subject key identifier.
    SubjectKey(&'a [u8]),
}

impl<'a> SignerIdentifier<'a> {
    fn read(element: Element<'a>) -> Result<Self, Asn1Error> {
        if element.tag == tag::context(0) {
            return Ok(Self::SubjectKey(element.content));
        }
        let mut reader = element.open(tag::SEQUENCE)?;
        let issuer = reader.element(tag::SEQUENCE)?.raw;
        let serial = reader.expect(tag::INTEGER)?;
        reader.end()?;
        Ok(Self::IssuerAndSerial { issuer, serial })
    }
}

/// SignerInfo, RFC 5652 5.3.
#[derive(Debug, Clone)]
pub struct SignerInfo<'a> {
    /// The whole structure.
    pub raw: &'a [u8],
    /// Who signed.
    pub identifier: SignerIdentifier<'a>,
    /// With what the content was hashed.
    pub digest_algorithm: AlgorithmIdentifier<'a>,
    /// The signed attributes as they stand, tag `[0]` included; `None` where there are none.
    pub signed_attributes_der: Option<&'a [u8]>,
    /// The same, taken apart, in the order of the file.
    pub signed_attributes: Vec<Attribute<'a>>,
    /// With what the value was made.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature value.
    pub signature: &'a [u8],
    /// Unsigned attributes, in the order of the file.
    pub unsigned_attributes: Vec<Attribute<'a>>,
    /// Everything before the unsigned attributes: what stays when one is added.
    pub(crate) signed_part: &'a [u8],
    /// The unsigned attributes as encoded.
    pub(crate) unsigned_raw: Vec<&'a [u8]>,
}

impl<'a> SignerInfo<'a> {
    /// Reads a SignerInfo, such as a counter-signature's.
    ///
    /// # Errors
    /// Where it does not fit RFC 5652, 5.3.
    pub fn read(element: &Element<'a>) -> Result<Self, Asn1Error> {
        let mut reader = element.open(tag::SEQUENCE)?;
        let _version = reader.small_integer()?;
        let identifier = SignerIdentifier::read(reader.any()?)?;
        let digest_algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
        let signed = reader.optional(tag::context_constructed(0))?;
        let signature_algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
        let signature = reader.expect(tag::OCTET_STRING)?;
        let unsigned = reader.optional(tag::context_constructed(1))?;
        reader.end()?;
        let tail = unsigned.map_or(0, |set| set.raw.len());
        let signed_part = element.content.get(..element.content.len() - tail).ok_or(Asn1Error::Truncated)?;
        let unsigned_raw = match unsigned {
            Some(set) => Reader::new(set.content).all(MOST_ATTRIBUTES)?.iter().map(|attribute| attribute.raw).collect(),
            None => Vec::new(),
        };
        Ok(Self {
            raw: element.raw,
            identifier,
            digest_algorithm,
            signed_attributes_der: signed.map(|set| set.raw),
            signed_attributes: signed.map_or(Ok(Vec::new()), attributes)?,
            signature_algorithm,
            signature,
            unsigned_attributes: unsigned.map_or(Ok(Vec::new()), attributes)?,
            signed_part,
            unsigned_raw,
        })
    }

    /// Signed attributes of this type.
    pub fn signed<'s>(&'s self, oid: &'s [u8]) -> impl Iterator<Item = &'s Attribute<'a>> {
        self.signed_attributes.iter().filter(move |attribute| attribute.oid == oid)
    }

    /// Unsigned attributes of this type.
    pub fn unsigned<'s>(&'s self, oid: &'s [u8]) -> impl Iterator<Item = &'s Attribute<'a>> {
        self.unsigned_attributes.iter().filter(move |attribute| attribute.oid == oid)
    }
}

/// Elements of SignedData as encoded, tag and length included: what archive time-stamps stand over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts<'a> {
    /// CMSVersion.
    pub(crate) version: u8,
    /// Each DigestAlgorithmIdentifier.
    pub(crate) digest_algorithms: Vec<&'a [u8]>,
    /// encapContentInfo.
    pub(crate) encapsulated: &'a [u8],
    /// The field of certificates, `[0]`; empty where there is none.
    pub(crate) certificates_field: &'a [u8],
    /// Each CertificateChoices in it.
    pub(crate) certificates: Vec<&'a [u8]>,
    /// The field of revocation data, `[1]`; empty where there is none.
    pub(crate) revocation_field: &'a [u8],
    /// Each RevocationInfoChoice in it.
    pub(crate) revocation: Vec<&'a [u8]>,
}

/// SignedData, RFC 5652 5.1.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// Contents octets of the content's type.
    pub content_type: &'a [u8],
    /// What is signed, where it is inside: the contents of the octet string, or, where a PKCS #7 producer put another
    /// type there, that type's contents without tag and length (RFC 5652, 5.2.1).
    pub content: Option<&'a [u8]>,
    /// X.509 certificates in DER. Other kinds of certificate are passed over.
    pub certificates: Vec<&'a [u8]>,
    /// Revocation lists and answers.
    pub revocation: Vec<EmbeddedRevocation<'a>>,
    /// The signers.
    pub signers: Vec<SignerInfo<'a>>,
    /// What archive time-stamps stand over.
    pub(crate) parts: Parts<'a>,
    /// Everything of SignedData before the signers, as encoded.
    pub(crate) head: &'a [u8],
    /// The signers as encoded.
    pub(crate) signers_raw: Vec<&'a [u8]>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo that holds SignedData, both in DER (see [`crate::asn1::normalise`]).
    ///
    /// # Errors
    /// `Budget` past the counts of this module, else whatever does not fit RFC 5652.
    pub fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let mut info = Element::only(der)?.open(tag::SEQUENCE)?;
        if info.oid()? != oid::SIGNED_DATA {
            return Err(Asn1Error::Unexpected);
        }
        let mut explicit = info.open(tag::context_constructed(0))?;
        let whole = explicit.expect(tag::SEQUENCE)?;
        explicit.end()?;
        info.end()?;

        let mut reader = Reader::new(whole);
        let version = reader.small_integer()?;
        let digest_algorithms = reader.open(tag::SET)?.all(MOST_ATTRIBUTES)?;
        let encapsulated_info = reader.element(tag::SEQUENCE)?;
        let (content_type, content) = encapsulated(Reader::new(encapsulated_info.content))?;
        let (certificates_field, certificates) = choices(&mut reader, 0, MOST_CERTIFICATES)?;
        let (revocation_field, lists) = choices(&mut reader, 1, MOST_REVOCATION)?;
        let signers = reader.element(tag::SET)?;
        reader.end()?;
        let head = whole.get(..whole.len() - signers.raw.len()).ok_or(Asn1Error::Truncated)?;
        let signers = Reader::new(signers.content).all(schemas::limits::SIGNATURES_IN_DOCUMENT)?;
        Ok(Self {
            content_type,
            content,
            certificates: certificates.iter().filter(|one| one.tag == tag::SEQUENCE).map(|one| one.raw).collect(),
            revocation: lists.iter().filter_map(EmbeddedRevocation::of_set_member).collect(),
            signers: signers.iter().map(SignerInfo::read).collect::<Result<_, _>>()?,
            parts: Parts {
                version,
                digest_algorithms: digest_algorithms.iter().map(|one| one.raw).collect(),
                encapsulated: encapsulated_info.raw,
                certificates_field,
                certificates: certificates.iter().map(|one| one.raw).collect(),
                revocation_field,
                revocation: lists.iter().map(|one| one.raw).collect(),
            },
            head,
            signers_raw: signers.iter().map(|signer| signer.raw).collect(),
        })
    }
}

/// The optional SET with the tag `[number]`: as encoded, and its members.
fn choices<'a>(reader: &mut Reader<'a>, number: u8, most: usize) -> Result<(&'a [u8], Vec<Element<'a>>), Asn1Error> {
    match reader.optional(tag::context_constructed(number))? {
        Some(set) => Ok((set.raw, Reader::new(set.content).all(most)?)),
        None => Ok((&[], Vec::new())),
    }
}

/// EncapsulatedContentInfo, RFC 5652 5.2.
fn encapsulated(mut reader: Reader<'_>) -> Result<(&[u8], Option<&[u8]>), Asn1Error> {
    let content_type = reader.oid()?;
    let content = match reader.optional(tag::context_constructed(0))? {
        Some(explicit) => Some(Element::only(explicit.content)?.content),
        None => None,
    };
    reader.end()?;
    Ok((content_type, content))
}
