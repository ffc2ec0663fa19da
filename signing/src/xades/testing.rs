//! A forge for XML signatures: fills in digests and value wherever a template leaves them empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{Digester, digest};
use crypto::key::{KeyHandle, KeyKind, SoftwareKey};
use crypto::signature::SignatureAlgorithm;

use super::contents::NoContents;
use super::reference::Reference;
use super::resolve::{self, Ground};
use super::{Checked, Contents, EXCLUSIVE, Fault, XMLDSIG, XmlSignature, check};
use crate::xml::canonical::{self, Budget, Method, Selection};
use crate::xml::{Document, Limits, Node, Source, algorithm};

pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const ED25519: &str = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

pub(crate) fn key() -> SoftwareKey {
    SoftwareKey::generate(KeyKind::Ed25519).unwrap()
}

/// A ds:Reference without its digest.
pub(crate) fn reference(attributes: &str, transforms: &[&str]) -> String {
    let transforms: String = transforms.iter().map(|one| format!("<ds:Transform Algorithm=\"{one}\"/>")).collect();
    let transforms =
        if transforms.is_empty() { String::new() } else { format!("<ds:Transforms>{transforms}</ds:Transforms>") };
    format!(
        "<ds:Reference {attributes}>{transforms}<ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue/></ds:Reference>"
    )
}

/// The reference to the properties of [`properties`].
pub(crate) fn properties_reference() -> String {
    reference("URI=\"#props\" Type=\"http://uri.etsi.org/01903#SignedProperties\"", &[EXCLUSIVE])
}

/// A ds:Object with properties, as in most signatures.
pub(crate) fn properties(unsigned: &str) -> String {
    format!(
        "<ds:Object><x:QualifyingProperties xmlns:x=\"{XADES}\" Target=\"#sig\"><x:SignedProperties Id=\"props\"><x:SignedSignatureProperties>\
         <x:SigningTime>2026-11-23T12:00:00Z</x:SigningTime></x:SignedSignatureProperties></x:SignedProperties>{unsigned}</x:QualifyingProperties></ds:Object>"
    )
}

/// A ds:Signature without digests and value.
pub(crate) fn template(id: &str, references: &str, objects: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{XMLDSIG}\" Id=\"{id}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{ED25519}\"/>{references}</ds:SignedInfo><ds:SignatureValue Id=\"{id}-value\"/>{objects}</ds:Signature>"
    )
}

/// Fills in one empty place after the other: digests in the order of the file, but those of manifests before those of SignedInfo, which
/// cover them; then the values.
pub(crate) fn sign(key: &SoftwareKey, template: &str, contents: &dyn Contents) -> String {
    let mut xml = template.to_owned();
    while let Some((at, empty, value)) = next(key, &xml, contents) {
        let (name, attributes) = empty;
        xml.replace_range(at, &format!("<ds:{name}{attributes}>{value}</ds:{name}>"));
    }
    xml
}

type Filled = (std::ops::Range<usize>, (&'static str, String), String);

fn next(key: &SoftwareKey, xml: &str, contents: &dyn Contents) -> Option<Filled> {
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let empty = |name: &'static str| {
        document.root().descendants().filter(move |node| node.has_tag_name((XMLDSIG, name)) && !node.has_children())
    };
    let is_within = |node: &Node<'_, '_>, name| node.ancestors().any(|above| above.has_tag_name((XMLDSIG, name)));
    let digests: Vec<_> = empty("DigestValue").collect();
    let first = digests.iter().find(|node| is_within(node, "Manifest")).or(digests.first());
    if let Some(value) = first {
        let signature = value.ancestors().find(|node| node.has_tag_name((XMLDSIG, "Signature"))).unwrap();
        let mut reference = Reference::read(value.parent().unwrap()).unwrap();
        let method = value.prev_sibling().unwrap().attribute("Algorithm").unwrap();
        let hash = algorithm::digest_from_uri(method).unwrap();
        reference.digest = Ok(digest(hash, b""));
        let mut digester = Digester::new(hash);
        let ground = Ground::new(&document, signature.id(), contents);
        let mut budget = Budget::for_document(0);
        resolve::follow(&reference, &ground, &Method::DEFAULT, &mut budget, &mut |octets| digester.update(octets))
            .unwrap();
        let text = STANDARD.encode(digester.finish().as_bytes());
        return Some((value.range(), ("DigestValue", String::new()), text));
    }
    let value = empty("SignatureValue").next()?;
    let info = value.prev_sibling().unwrap();
    let method = super::transform::read_method(info.first_element_child().unwrap()).unwrap();
    let mut message = Vec::new();
    let selection = Selection::element(info, true);
    canonical::write(&document, &selection, &method, &mut Budget::for_document(0), &mut |piece| {
        message.extend_from_slice(piece);
    })
    .unwrap();
    let text = STANDARD.encode(key.sign(SignatureAlgorithm::Ed25519, &message).unwrap());
    let id = value.attribute("Id").map_or(String::new(), |id| format!(" Id=\"{id}\""));
    Some((value.range(), ("SignatureValue", id), text))
}

/// Reads `xml`, checks its first signature, and hands on what came of it.
pub(crate) fn with_checked<T>(
    xml: &str,
    contents: &dyn Contents,
    then: impl FnOnce(&Document<'_>, Checked<'_, '_, '_>) -> T,
) -> T {
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let node = super::signatures(&document).first().copied().unwrap();
    let signature = XmlSignature::read(node).unwrap();
    let mut budget = Budget::for_document(xml.len());
    let checked = check(&document, &signature, contents, &mut budget);
    then(&document, checked)
}

/// What is wrong with the first signature of `xml` under `key`.
pub(crate) fn faults(key: &SoftwareKey, xml: &str, contents: &dyn Contents) -> Vec<Fault> {
    with_checked(xml, contents, |_, checked| {
        checked.verify(key.public_key(), &mut Budget::for_document(xml.len())).err().unwrap_or_default()
    })
}

/// The same, of a file that stands alone.
pub(crate) fn faults_alone(key: &SoftwareKey, xml: &str) -> Vec<Fault> {
    faults(key, xml, &NoContents)
}
