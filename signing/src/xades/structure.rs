//! ds:Signature as it stands, XML Signature 1.1 4: nothing verified, nothing believed.

use crypto::signature::SignatureAlgorithm;

use crate::xml::canonical::Method;
use crate::xml::{Document, Node, algorithm, read};

use super::XMLDSIG;
use super::fault::Fault;
use super::reference::Reference;
use super::transform;

/// References of one signature. A container has at most 1,000 entries.
const MOST_REFERENCES: usize = 1024;
/// ds:Object elements of one signature.
const MOST_OBJECTS: usize = 1024;
/// Certificates in KeyInfo.
const MOST_CERTIFICATES: usize = 64;

/// An XML signature. Unverified.
#[derive(Debug, Clone)]
pub struct XmlSignature<'d, 't> {
    /// ds:Signature.
    pub node: Node<'d, 't>,
    /// Its Id.
    pub id: Option<&'d str>,
    /// ds:SignedInfo.
    pub signed_info: Node<'d, 't>,
    /// What is signed, in the order of the file. Not empty.
    pub references: Vec<Reference<'d, 't>>,
    /// ds:SignatureValue.
    pub value_node: Node<'d, 't>,
    /// Its octets.
    pub value: Vec<u8>,
    /// ds:KeyInfo.
    pub key_info: Option<Node<'d, 't>>,
    /// Certificates in ds:KeyInfo, as they stand; what is no base64 is passed over. Keys without certificates say nothing about who
    /// signed, and addresses of certificates are not fetched.
    pub certificates: Vec<Vec<u8>>,
    /// ds:Object elements.
    pub objects: Vec<Node<'d, 't>>,
    pub(super) canonicalization: Result<Method<'d>, Fault>,
    pub(super) algorithm: Result<SignatureAlgorithm, Fault>,
}

impl<'d, 't> XmlSignature<'d, 't> {
    /// Reads a ds:Signature element.
    ///
    /// # Errors
    /// `Structure` where it is not what the schema says, `TooManyReferences`.
    pub fn read(node: Node<'d, 't>) -> Result<Self, Fault> {
        if !node.has_tag_name((XMLDSIG, "Signature")) {
            return Err(Fault::Structure);
        }
        let mut children = read::elements(node).ok_or(Fault::Structure)?.into_iter().peekable();
        let is = |node: &Node<'_, '_>, name| node.has_tag_name((XMLDSIG, name));
        let signed_info = children.next().filter(|node| is(node, "SignedInfo")).ok_or(Fault::Structure)?;
        let value_node = children.next().filter(|node| is(node, "SignatureValue")).ok_or(Fault::Structure)?;
        let key_info = children.next_if(|node| is(node, "KeyInfo"));
        let objects: Vec<_> = children.collect();
        if objects.len() > MOST_OBJECTS || !objects.iter().all(|node| is(node, "Object")) {
            return Err(Fault::Structure);
        }
        let (canonicalization, algorithm, references) = read_signed_info(signed_info)?;
        Ok(Self {
            node,
            id: node.attribute("Id"),
            signed_info,
            references,
            value_node,
            value: read::base64(value_node).ok_or(Fault::Structure)?,
            key_info,
            certificates: key_info.map(certificates).unwrap_or_default(),
            objects,
            canonicalization,
            algorithm,
        })
    }

    /// The signature algorithm, where it is known here.
    ///
    /// # Errors
    /// `AlgorithmUnknown`, `AuthenticationCode`.
    pub fn algorithm(&self) -> Result<SignatureAlgorithm, Fault> {
        self.algorithm
    }
}

/// The ds:Signature elements of a document that are signatures of their own, in its order: not counter-signatures, which belong to
/// the signature in which they stand.
#[must_use]
pub fn signatures<'d, 't>(document: &'d Document<'t>) -> Vec<Node<'d, 't>> {
    let is_counter = |node: &Node<'_, '_>| {
        node.parent().is_some_and(|parent| {
            parent.tag_name().name() == "CounterSignature"
                && parent.tag_name().namespace().is_some_and(|namespace| super::VERSIONS.contains(&namespace))
        })
    };
    let all = document.root().descendants().filter(|node| node.has_tag_name((XMLDSIG, "Signature")));
    all.filter(|node| !is_counter(node)).take(schemas::limits::SIGNATURES_IN_DOCUMENT + 1).collect()
}

/// Every ds:Reference of a document that can be read, those of manifests and counter-signatures among them: what validation may follow.
pub fn references<'d, 't>(document: &'d Document<'t>) -> impl Iterator<Item = Reference<'d, 't>> {
    let all = document.root().descendants().filter(|node| node.has_tag_name((XMLDSIG, "Reference")));
    all.filter_map(|node| Reference::read(node).ok())
}

type SignedInfo<'d, 't> = (Result<Method<'d>, Fault>, Result<SignatureAlgorithm, Fault>, Vec<Reference<'d, 't>>);

fn read_signed_info<'d, 't>(signed_info: Node<'d, 't>) -> Result<SignedInfo<'d, 't>, Fault> {
    let children = read::elements(signed_info).ok_or(Fault::Structure)?;
    let [canonicalization, method, references @ ..] = children.as_slice() else { return Err(Fault::Structure) };
    let is = |node: &Node<'_, '_>, name| node.has_tag_name((XMLDSIG, name));
    if !is(canonicalization, "CanonicalizationMethod") || !is(method, "SignatureMethod") || references.is_empty() {
        return Err(Fault::Structure);
    }
    let canonicalization = transform::read_method(*canonicalization).ok_or(Fault::CanonicalizationUnknown);
    Ok((canonicalization, read_algorithm(*method), read_references(references)?))
}

pub(super) fn read_references<'d, 't>(references: &[Node<'d, 't>]) -> Result<Vec<Reference<'d, 't>>, Fault> {
    if references.len() > MOST_REFERENCES {
        return Err(Fault::TooManyReferences);
    }
    references.iter().map(|reference| Reference::read(*reference)).collect()
}

/// An identifier that needs no parameters, and none given.
fn read_algorithm(method: Node<'_, '_>) -> Result<SignatureAlgorithm, Fault> {
    let identifier = method.attribute("Algorithm").ok_or(Fault::Structure)?;
    if identifier.contains("#hmac-") || read::elements(method).is_some_and(|all| all.iter().any(is_truncation)) {
        return Err(Fault::AuthenticationCode);
    }
    let algorithm = algorithm::signature_from_uri(identifier).ok_or(Fault::AlgorithmUnknown)?;
    match read::elements(method) {
        Some(parameters) if parameters.is_empty() => Ok(algorithm),
        _ => Err(Fault::AlgorithmUnknown),
    }
}

fn is_truncation(node: &Node<'_, '_>) -> bool {
    node.has_tag_name((XMLDSIG, "HMACOutputLength"))
}

fn certificates(key_info: Node<'_, '_>) -> Vec<Vec<u8>> {
    let data = key_info.children().filter(|node| node.has_tag_name((XMLDSIG, "X509Data")));
    let found = data.flat_map(|data| data.children()).filter(|node| node.has_tag_name((XMLDSIG, "X509Certificate")));
    found.take(MOST_CERTIFICATES).filter_map(read::base64).collect()
}
