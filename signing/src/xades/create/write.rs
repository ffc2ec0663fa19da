//! A ds:Signature as text, without its digests and value: ETSI EN 319 132-1, 4.3, 5.2 and 6.3 (level B).
//!
//! Everything in it is ASCII in one line: white space between elements would be signed without meaning anything.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use crate::asn1::{Writer, tag};
use crate::cades::{Signatory, issuer_serial};
use crate::xades::{EXCLUSIVE, XMLDSIG};
use crate::xml::algorithm;

use super::CreateError;

/// The namespace that is written.
pub(in crate::xades) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
const PROPERTIES_TYPE: &str = "http://uri.etsi.org/01903#SignedProperties";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const FILTER2: &str = "http://www.w3.org/2002/06/xmldsig-filter2";

/// What a reference leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over<'a> {
    /// The document around the signature, less this signature.
    Document,
    /// The document, less every signature in it.
    DocumentLessSignatures,
    /// What lies beside it under this URI, which is ASCII without markup.
    Content(&'a str),
}

/// A reference to be written, and of what media type that is which it leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) over: Over<'a>,
    pub(super) media_type: &'a str,
}

/// With what parts are hashed. EdDSA names no algorithm.
pub(crate) fn digest_algorithm(signatory: &Signatory<'_>) -> DigestAlgorithm {
    signatory.algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512)
}

/// The Ids of a signature with this one over so many targets, its own first.
pub(super) fn ids(id: &str, targets: usize) -> Vec<String> {
    let mut ids = vec![id.to_owned(), value_id(id), properties_id(id)];
    ids.extend((0..targets).map(|number| reference_id(id, number)));
    ids
}

fn value_id(id: &str) -> String {
    format!("{id}-value")
}

fn properties_id(id: &str) -> String {
    format!("{id}-properties")
}

fn reference_id(id: &str, number: usize) -> String {
    format!("{id}-reference-{number}")
}

/// The element, with everything empty that is to be computed.
///
/// # Errors
/// `Certificate`, `Algorithm`, `SigningTime`, `MediaType`.
pub(super) fn signature(id: &str, signatory: &Signatory<'_>, targets: &[Target<'_>]) -> Result<String, CreateError> {
    let method = algorithm::signature_to_uri(signatory.algorithm).ok_or(CreateError::Algorithm)?;
    let by = algorithm::any_digest_to_uri(digest_algorithm(signatory)).ok_or(CreateError::Algorithm)?;
    let mut references = String::new();
    for (number, target) in targets.iter().enumerate() {
        references += &reference(&reference_id(id, number), target.over, by);
    }
    let certificates = signatory.chain.iter().fold(String::new(), |written, certificate| {
        written + &format!("<ds:X509Certificate>{}</ds:X509Certificate>", STANDARD.encode(certificate.der()))
    });
    let properties = signed_properties(id, signatory, targets, by)?;
    let (value, own) = (value_id(id), properties_id(id));
    Ok(format!(
        "<ds:Signature xmlns:ds=\"{XMLDSIG}\" Id=\"{id}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/>{references}<ds:Reference Type=\"{PROPERTIES_TYPE}\" URI=\"#{own}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{by}\"/><ds:DigestValue></ds:DigestValue>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue Id=\"{value}\"></ds:SignatureValue><ds:KeyInfo><ds:X509Data>{certificates}\
         </ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades=\"{XADES}\" Target=\"#{id}\">{properties}\
         </xades:QualifyingProperties></ds:Object></ds:Signature>"
    ))
}

fn reference(id: &str, over: Over<'_>, by: &str) -> String {
    let (uri, without) = match over {
        Over::Document => ("", format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>")),
        Over::DocumentLessSignatures => (
            "",
            format!(
                "<ds:Transform Algorithm=\"{FILTER2}\"><filter:XPath xmlns:filter=\"{FILTER2}\" Filter=\"subtract\">\
                 /descendant::ds:Signature</filter:XPath></ds:Transform>"
            ),
        ),
        Over::Content(uri) => (uri, String::new()),
    };
    let transforms = if without.is_empty() {
        without
    } else {
        format!("<ds:Transforms>{without}<ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>")
    };
    format!(
        "<ds:Reference Id=\"{id}\" URI=\"{uri}\">{transforms}<ds:DigestMethod Algorithm=\"{by}\"/><ds:DigestValue></ds:DigestValue>\
         </ds:Reference>"
    )
}

/// 6.3: SigningTime, SigningCertificateV2, and a DataObjectFormat with MimeType for each thing that is signed.
fn signed_properties(
    id: &str,
    signatory: &Signatory<'_>,
    targets: &[Target<'_>],
    by: &str,
) -> Result<String, CreateError> {
    let leaf = signatory.chain.first().ok_or(CreateError::Certificate)?;
    let (time, own) = (signing_time(signatory)?, properties_id(id));
    let hash = STANDARD.encode(digest(digest_algorithm(signatory), leaf.der()).as_bytes());
    let issuer = STANDARD.encode(Writer::new().nest(tag::SEQUENCE, issuer_serial(leaf)).into_bytes());
    let mut properties = format!(
        "<xades:SignedProperties Id=\"{own}\"><xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>\
         <xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm=\"{by}\"/><ds:DigestValue>{hash}</ds:DigestValue>\
         </xades:CertDigest><xades:IssuerSerialV2>{issuer}</xades:IssuerSerialV2></xades:Cert></xades:SigningCertificateV2>\
         </xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
    );
    for (number, target) in targets.iter().enumerate() {
        if !crate::asic::create::is_media_type(target.media_type) {
            return Err(CreateError::MediaType);
        }
        // Writing to a string does not fail.
        let _ = write!(
            properties,
            "<xades:DataObjectFormat ObjectReference=\"#{}\"><xades:MimeType>{}</xades:MimeType></xades:DataObjectFormat>",
            reference_id(id, number),
            target.media_type.replace('&', "&amp;"),
        );
    }
    Ok(properties + "</xades:SignedDataObjectProperties></xades:SignedProperties>")
}

/// xsd:dateTime in UTC, to the second.
fn signing_time(signatory: &Signatory<'_>) -> Result<String, CreateError> {
    let whole = signatory.signing_time.replace_nanosecond(0).ok();
    let time = whole.and_then(|time| time.checked_to_offset(UtcOffset::UTC)).ok_or(CreateError::SigningTime)?;
    time.format(&Rfc3339).map_err(|_| CreateError::SigningTime)
}

/// `ds:DigestValue` content.
pub(super) fn digest_value(digest: &Digest) -> String {
    STANDARD.encode(digest.as_bytes())
}
