//! Properties of XAdES as facts: ETSI EN 319 132-1, 5.2 (signed) and 5.3 to 5.5 (unsigned). Read, and not believed.
//!
//! The properties of the versions 1.1.1 to 1.3.2 have one shape as far as they are read here; those of 1.4.1 stand in a namespace of
//! their own. What is not known here is passed over.

use crypto::digest::Digest;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::xml::{Node, read};

use super::fault::Fault;
use super::properties::UnverifiedProperties;
use super::reference::read_digest;
use super::{XADES_141, XMLDSIG};

/// Properties of one kind, and values in one of them.
const MOST_VALUES: usize = 256;

/// A reference to a certificate: CertID or CertIDV2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateReference {
    /// Digest of the certificate in DER; a fault where its algorithm is unknown or it is malformed.
    pub digest: Result<Digest, Fault>,
    /// Issuer and serial number, if given.
    pub issuer_serial: Option<IssuerSerial>,
}

/// Who issued a certificate, as the reference says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerSerial {
    /// Version 1: a name in the form of RFC 2253, as producers write it, and a decimal number.
    Text {
        /// The issuer.
        issuer: String,
        /// The serial number.
        serial: String,
    },
    /// Version 2: IssuerSerial of RFC 5035 in DER, unless the base64 cannot be read.
    Der(Option<Vec<u8>>),
}

/// SignaturePolicyIdentifier, 5.2.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyReference {
    /// It follows from the content or from what surrounds it.
    Implied,
    /// By its identifier, with the digest of its document.
    Explicit {
        /// A URI, mostly `urn:oid:`.
        identifier: String,
        /// A fault where the algorithm is unknown or the value malformed.
        digest: Result<Digest, Fault>,
        /// The digest is of something made of the document by transforms, not of the document.
        is_transformed: bool,
    },
}

/// DataObjectFormat, 5.2.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataObjectFormat {
    /// The Id of the reference that it describes, without `#`.
    pub reference: Option<String>,
    /// MimeType.
    pub mime_type: Option<String>,
    /// It describes nothing: neither Description, nor ObjectIdentifier, nor MimeType.
    pub is_empty: bool,
}

/// Signed properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedFacts {
    /// SigningTime: claimed. `None` also where it has no time zone.
    pub signing_time: Option<OffsetDateTime>,
    /// SigningCertificate or SigningCertificateV2, in the order of the file.
    pub certificates: Vec<CertificateReference>,
    /// Whether they are of version 2.
    pub is_version_2: bool,
    /// SignaturePolicyIdentifier.
    pub policy: Option<PolicyReference>,
    /// DataObjectFormat.
    pub formats: Vec<DataObjectFormat>,
    /// A property that may stand once is repeated, or cannot be read.
    pub faults: Vec<Fault>,
}

impl SignedFacts {
    /// Reads SignedProperties in the namespace of its version.
    #[must_use]
    pub fn read(signed: Node<'_, '_>, namespace: &str) -> Self {
        let mut facts = Self::default();
        let mut certificates = 0;
        let groups = signed.children().filter(Node::is_element);
        for property in groups.flat_map(|group| group.children()).filter(Node::is_element) {
            if property.tag_name().namespace() != Some(namespace) {
                continue;
            }
            let outcome = match property.tag_name().name() {
                "SigningTime" if facts.signing_time.is_none() => {
                    facts.signing_time =
                        read::text(property).and_then(|text| OffsetDateTime::parse(text.trim(), &Rfc3339).ok());
                    Ok(())
                }
                "SigningCertificate" | "SigningCertificateV2" => {
                    certificates += 1;
                    facts.is_version_2 = property.tag_name().name() == "SigningCertificateV2";
                    read_certificates(property, namespace).map(|found| facts.certificates = found)
                }
                "SignaturePolicyIdentifier" if facts.policy.is_none() => {
                    read_policy(property, namespace).map(|policy| facts.policy = Some(policy))
                }
                "DataObjectFormat" if facts.formats.len() < MOST_VALUES => {
                    facts.formats.push(read_format(property, namespace));
                    Ok(())
                }
                "SigningTime" | "SignaturePolicyIdentifier" | "DataObjectFormat" => Err(Fault::Structure),
                _ => Ok(()),
            };
            facts.faults.extend(outcome.err());
        }
        if certificates > 1 {
            facts.faults.push(Fault::Structure);
        }
        facts
    }
}

fn children<'d, 't>(node: Node<'d, 't>) -> Result<Vec<Node<'d, 't>>, Fault> {
    read::elements(node).filter(|all| all.len() <= MOST_VALUES).ok_or(Fault::Structure)
}

pub(super) fn child<'d, 't>(node: Node<'d, 't>, namespace: &str, name: &str) -> Option<Node<'d, 't>> {
    node.children().find(|child| child.has_tag_name((namespace, name)))
}

fn read_certificates(property: Node<'_, '_>, namespace: &str) -> Result<Vec<CertificateReference>, Fault> {
    children(property)?.into_iter().map(|certificate| read_certificate(certificate, namespace)).collect()
}

fn read_certificate(certificate: Node<'_, '_>, namespace: &str) -> Result<CertificateReference, Fault> {
    let digest = child(certificate, namespace, "CertDigest").ok_or(Fault::Structure)?;
    let version_1 = child(certificate, namespace, "IssuerSerial").map(|node| {
        let text = |name| {
            let value = node.children().find(|child| child.has_tag_name((XMLDSIG, name)));
            value.and_then(read::text).unwrap_or_default().trim().to_owned()
        };
        IssuerSerial::Text { issuer: text("X509IssuerName"), serial: text("X509SerialNumber") }
    });
    let version_2 = child(certificate, namespace, "IssuerSerialV2").map(|node| IssuerSerial::Der(read::base64(node)));
    Ok(CertificateReference { digest: read_digest_pair(digest, namespace), issuer_serial: version_1.or(version_2) })
}

/// An element with DigestMethod and DigestValue in it. Version 1.1.1 had these in its own namespace.
fn read_digest_pair(pair: Node<'_, '_>, namespace: &str) -> Result<Digest, Fault> {
    let is = |node: &Node<'_, '_>, name| node.has_tag_name((XMLDSIG, name)) || node.has_tag_name((namespace, name));
    match children(pair)?.as_slice() {
        [method, value] if is(method, "DigestMethod") && is(value, "DigestValue") => read_digest(*method, *value),
        _ => Err(Fault::Structure),
    }
}

fn read_policy(property: Node<'_, '_>, namespace: &str) -> Result<PolicyReference, Fault> {
    if child(property, namespace, "SignaturePolicyImplied").is_some() {
        return Ok(PolicyReference::Implied);
    }
    let policy = child(property, namespace, "SignaturePolicyId").ok_or(Fault::Structure)?;
    let identifier = child(policy, namespace, "SigPolicyId").and_then(|id| child(id, namespace, "Identifier"));
    let digest = child(policy, namespace, "SigPolicyHash").ok_or(Fault::Structure)?;
    Ok(PolicyReference::Explicit {
        identifier: identifier.and_then(read::text).ok_or(Fault::Structure)?.trim().to_owned(),
        digest: read_digest_pair(digest, namespace),
        is_transformed: child(policy, XMLDSIG, "Transforms").is_some(),
    })
}

fn read_format(property: Node<'_, '_>, namespace: &str) -> DataObjectFormat {
    let reference = property.attribute("ObjectReference").and_then(|uri| uri.strip_prefix('#'));
    let mime_type = child(property, namespace, "MimeType").and_then(read::text);
    let mut described = ["Description", "ObjectIdentifier", "MimeType"].iter();
    DataObjectFormat {
        reference: reference.map(str::to_owned),
        mime_type: mime_type.map(str::to_owned),
        is_empty: !described.any(|name| child(property, namespace, name).is_some()),
    }
}

/// Values of unsigned properties that help to validate. Unverified, as everything in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnsignedValues {
    /// Certificates in DER, from CertificateValues and TimeStampValidationData.
    pub certificates: Vec<Vec<u8>>,
    /// Revocation lists in DER.
    pub lists: Vec<Vec<u8>>,
    /// Answers of responders in DER.
    pub answers: Vec<Vec<u8>>,
}

impl UnsignedValues {
    /// Reads the values in UnsignedProperties. What is no base64 is passed over.
    #[must_use]
    pub fn read(properties: &UnverifiedProperties<'_, '_>) -> Self {
        let mut values = Self::default();
        for (_, own) in Self::by_place(properties) {
            values.certificates.extend(own.certificates);
            values.lists.extend(own.lists);
            values.answers.extend(own.answers);
        }
        values
    }

    /// The same apart, by the place among the unsigned signature properties of the one that holds them.
    #[must_use]
    pub fn by_place(properties: &UnverifiedProperties<'_, '_>) -> Vec<(usize, Self)> {
        let all = unsigned_signature_properties(properties).into_iter().enumerate();
        all.filter_map(|(place, property)| Some((place, Self::of(property)?))).collect()
    }

    fn of(property: Node<'_, '_>) -> Option<Self> {
        let is_holder = match property.tag_name().name() {
            "TimeStampValidationData" => property.tag_name().namespace() == Some(XADES_141),
            "CertificateValues" | "RevocationValues" | "AttrAuthoritiesCertValues" | "AttributeRevocationValues" => {
                true
            }
            _ => false,
        };
        if !is_holder {
            return None;
        }
        let mut values = Self::default();
        for value in property.descendants().filter(Node::is_element) {
            let list = match value.tag_name().name() {
                "EncapsulatedX509Certificate" => &mut values.certificates,
                "EncapsulatedCRLValue" => &mut values.lists,
                "EncapsulatedOCSPValue" => &mut values.answers,
                _ => continue,
            };
            if list.len() < MOST_VALUES {
                list.extend(read::base64(value));
            }
        }
        Some(values)
    }
}

/// The elements of UnsignedSignatureProperties, in their order.
pub(super) fn unsigned_signature_properties<'d, 't>(properties: &UnverifiedProperties<'d, 't>) -> Vec<Node<'d, 't>> {
    let group =
        properties.unsigned.and_then(|unsigned| child(unsigned, properties.namespace, "UnsignedSignatureProperties"));
    group.map(|group| group.children().filter(Node::is_element).collect()).unwrap_or_default()
}

/// The ds:Signature elements of the counter-signatures, 5.2.7.
#[must_use]
pub fn counter_signatures<'d, 't>(properties: &UnverifiedProperties<'d, 't>) -> Vec<Node<'d, 't>> {
    let all = unsigned_signature_properties(properties).into_iter();
    let counters = all.filter(|property| property.has_tag_name((properties.namespace, "CounterSignature")));
    counters.flat_map(|counter| counter.children()).filter(Node::is_element).collect()
}

/// Names of the unsigned signature properties, in their order.
#[must_use]
pub fn unsigned_names<'d>(properties: &UnverifiedProperties<'d, '_>) -> Vec<&'d str> {
    unsigned_signature_properties(properties).into_iter().map(|property| property.tag_name().name()).collect()
}
