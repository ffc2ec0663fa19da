//! Time-stamps of an XML signature: where they stand, over what, and the imprint anew. ETSI EN 319 132-1, 5.2.8, 5.3, 5.5.2, A.1.5; the
//! forms of TS 101 903 1.3.2 as far as they differ.
//!
//! What stands after a time-stamp cannot be meant by it: of the unsigned properties only those before it count.

use crypto::digest::{Digest, DigestAlgorithm, Digester};
use schemas::report::TimestampKind;

use crate::xml::canonical::{self, Budget, Method, Selection};
use crate::xml::{Document, Node, read};

use super::contents::Contents;
use super::facts::{child, unsigned_signature_properties};
use super::fault::Fault;
use super::properties::{UnverifiedProperties, leads_to_properties};
use super::resolve::{self, Ground};
use super::structure::XmlSignature;
use super::{VERSIONS, XADES_141, XMLDSIG, transform};

/// Time-stamps of one signature that are looked at. Each costs a canonical form of all that it covers.
const MOST_TIMESTAMPS: usize = 32;
/// Tokens in one property: several over the same, for several authorities.
const MOST_TOKENS: usize = 8;
/// Include elements of one property.
const MOST_INCLUDED: usize = 1024;

/// What the imprint of a time-stamp is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampForm {
    /// All references but that to the signed properties.
    AllDataObjects,
    /// The references that it names.
    IndividualDataObjects,
    /// The signature value.
    Signature,
    /// The signature value, the time-stamps over it, and references to validation data.
    SignatureAndReferences,
    /// References to validation data.
    References,
    /// Everything before it: ETSI EN 319 132-1, 5.5.2.
    Archive,
    /// The same in the form of 1.3.2, whose objects are those that no reference covers.
    Archive132,
}

/// A property that holds time-stamps. Unverified.
#[derive(Debug, Clone)]
pub struct StampProperty<'d, 't> {
    /// The element.
    pub node: Node<'d, 't>,
    /// What it is over.
    pub form: StampForm,
    /// Its place among the unsigned signature properties; `None` for one that is signed.
    pub place: Option<usize>,
    /// The tokens in DER or BER. One that is no base64 is empty.
    pub tokens: Vec<Vec<u8>>,
    method: Result<Method<'d>, Fault>,
    included: Vec<&'d str>,
}

impl StampProperty<'_, '_> {
    /// How a report names it.
    #[must_use]
    pub fn kind(&self) -> TimestampKind {
        match self.form {
            StampForm::AllDataObjects | StampForm::IndividualDataObjects => TimestampKind::Content,
            StampForm::Signature => TimestampKind::Signature,
            StampForm::SignatureAndReferences => TimestampKind::SignatureAndReferences,
            StampForm::References => TimestampKind::References,
            StampForm::Archive | StampForm::Archive132 => TimestampKind::Archive,
        }
    }
}

/// The time-stamps among the properties of a signature: first those that are signed, then in the order of the file.
#[must_use]
pub fn time_stamps<'d, 't>(properties: &UnverifiedProperties<'d, 't>) -> Vec<StampProperty<'d, 't>> {
    let objects =
        properties.signed.and_then(|signed| child(signed, properties.namespace, "SignedDataObjectProperties"));
    let signed =
        objects.into_iter().flat_map(|group| group.children()).filter(Node::is_element).map(|node| (None, node));
    let unsigned =
        unsigned_signature_properties(properties).into_iter().enumerate().map(|(place, node)| (Some(place), node));
    let read = |(place, node): (Option<usize>, Node<'d, 't>)| {
        let form = form_of(node).filter(|form| {
            let is_signed = matches!(form, StampForm::AllDataObjects | StampForm::IndividualDataObjects);
            is_signed == place.is_none()
        })?;
        Some(StampProperty { node, form, place, tokens: tokens(node), method: method(node), included: included(node) })
    };
    signed.chain(unsigned).filter_map(read).take(MOST_TIMESTAMPS).collect()
}

/// Whether the imprint of some time-stamp of a document is made of what references lead to, so that their octets are needed, and not
/// only their digests.
#[must_use]
pub fn stamps_contents(document: &Document<'_>) -> bool {
    let is_over_contents = |node: Node<'_, '_>| match form_of(node) {
        Some(
            StampForm::AllDataObjects | StampForm::IndividualDataObjects | StampForm::Archive | StampForm::Archive132,
        ) => true,
        Some(StampForm::Signature | StampForm::SignatureAndReferences | StampForm::References) | None => false,
    };
    document.root().descendants().any(is_over_contents)
}

fn form_of(node: Node<'_, '_>) -> Option<StampForm> {
    let name = node.tag_name();
    let namespace = name.namespace()?;
    let is_141 = namespace == XADES_141;
    if !is_141 && !VERSIONS.contains(&namespace) {
        return None;
    }
    match name.name() {
        "ArchiveTimeStamp" if is_141 => Some(StampForm::Archive),
        "SigAndRefsTimeStampV2" if is_141 => Some(StampForm::SignatureAndReferences),
        "RefsOnlyTimeStampV2" if is_141 => Some(StampForm::References),
        _ if is_141 => None,
        "AllDataObjectsTimeStamp" => Some(StampForm::AllDataObjects),
        "IndividualDataObjectsTimeStamp" => Some(StampForm::IndividualDataObjects),
        "SignatureTimeStamp" => Some(StampForm::Signature),
        "SigAndRefsTimeStamp" => Some(StampForm::SignatureAndReferences),
        "RefsOnlyTimeStamp" => Some(StampForm::References),
        "ArchiveTimeStamp" => Some(StampForm::Archive132),
        _ => None,
    }
}

fn tokens(node: Node<'_, '_>) -> Vec<Vec<u8>> {
    let all = node.children().filter(|child| child.tag_name().name() == "EncapsulatedTimeStamp");
    all.take(MOST_TOKENS).map(|token| read::base64(token).unwrap_or_default()).collect()
}

/// None, or an empty identifier: Canonical XML 1.0.
fn method<'d>(node: Node<'d, '_>) -> Result<Method<'d>, Fault> {
    match child(node, XMLDSIG, "CanonicalizationMethod") {
        None => Ok(Method::DEFAULT),
        Some(method) if method.attribute("Algorithm") == Some("") => Ok(Method::DEFAULT),
        Some(method) => transform::read_method(method).ok_or(Fault::CanonicalizationUnknown),
    }
}

fn included<'d>(node: Node<'d, '_>) -> Vec<&'d str> {
    let all = node.children().filter(|child| child.tag_name().name() == "Include");
    all.take(MOST_INCLUDED).filter_map(|include| include.attribute("URI")?.strip_prefix('#')).collect()
}

/// What an imprint was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    /// The imprint.
    pub digest: Digest,
    /// Whether the signature value is in it.
    pub signature: bool,
    /// Places of the unsigned signature properties in it.
    pub properties: Vec<usize>,
}

/// The imprint that the tokens of a property should have.
///
/// # Errors
/// A fault where it cannot be made.
pub fn imprint<'d, 't>(
    document: &'d Document<'t>,
    signature: &XmlSignature<'d, 't>,
    properties: &UnverifiedProperties<'d, 't>,
    stamp: &StampProperty<'d, 't>,
    algorithm: DigestAlgorithm,
    contents: &dyn Contents,
    budget: &mut Budget,
) -> Result<Imprint, Fault> {
    let method = stamp.method.as_ref().map_err(|fault| *fault)?;
    let ground = Ground::new(document, signature.node.id(), contents);
    let mut maker = Maker { signature, stamp, method, ground, budget, digester: Digester::new(algorithm) };
    let mut before = unsigned_signature_properties(properties);
    before.truncate(stamp.place.unwrap_or(0));
    let mut taken = Vec::new();
    match stamp.form {
        StampForm::AllDataObjects => {
            maker.references(|reference| !leads_to_properties(reference, properties.signed))?;
        }
        StampForm::IndividualDataObjects => maker.individual()?,
        StampForm::Signature => maker.element(signature.value_node)?,
        StampForm::SignatureAndReferences => {
            maker.element(signature.value_node)?;
            taken = maker.properties(&before, |name| name == "SignatureTimeStamp" || is_reference(name))?;
        }
        StampForm::References => taken = maker.properties(&before, is_reference)?,
        StampForm::Archive | StampForm::Archive132 => {
            maker.references(|_| true)?;
            maker.element(signature.signed_info)?;
            maker.element(signature.value_node)?;
            signature.key_info.map_or(Ok(()), |key_info| maker.element(key_info))?;
            taken = maker.properties(&before, |_| true)?;
            maker.objects()?;
        }
    }
    let signature =
        !matches!(stamp.form, StampForm::AllDataObjects | StampForm::IndividualDataObjects | StampForm::References);
    Ok(Imprint { digest: maker.digester.finish(), signature, properties: taken })
}

/// Unsigned properties that refer to validation data.
fn is_reference(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CompleteCertificateRefs",
        "CompleteCertificateRefsV2",
        "CompleteRevocationRefs",
        "AttributeCertificateRefs",
        "AttributeCertificateRefsV2",
        "AttributeRevocationRefs",
    ];
    NAMES.contains(&name)
}

struct Maker<'m, 'g, 'd, 't> {
    signature: &'m XmlSignature<'d, 't>,
    stamp: &'m StampProperty<'d, 't>,
    method: &'m Method<'d>,
    ground: Ground<'g, 'd, 't>,
    budget: &'m mut Budget,
    digester: Digester,
}

impl<'d, 't> Maker<'_, '_, 'd, 't> {
    fn element(&mut self, node: Node<'d, 't>) -> Result<(), Fault> {
        let (document, digester) = (self.ground.document, &mut self.digester);
        let selection = Selection::element(node, true);
        canonical::write(document, &selection, self.method, self.budget, &mut |octets| digester.update(octets))
            .map_err(|_| Fault::TooMuchWork)
    }

    fn references(&mut self, wanted: impl Fn(&super::Reference<'d, 't>) -> bool) -> Result<(), Fault> {
        for reference in self.signature.references.iter().filter(|reference| wanted(reference)) {
            let digester = &mut self.digester;
            resolve::follow(reference, &self.ground, self.method, self.budget, &mut |octets| digester.update(octets))?;
        }
        Ok(())
    }

    /// The references are those of this signature, whatever else in the document has their Ids.
    fn individual(&mut self) -> Result<(), Fault> {
        for id in &self.stamp.included {
            let mut named = self.signature.references.iter().filter(|reference| reference.id == Some(*id));
            let (Some(reference), None) = (named.next(), named.next()) else { return Err(Fault::ReferenceMissing) };
            let digester = &mut self.digester;
            resolve::follow(reference, &self.ground, self.method, self.budget, &mut |octets| digester.update(octets))?;
        }
        Ok(())
    }

    fn properties(&mut self, before: &[Node<'d, 't>], wanted: impl Fn(&str) -> bool) -> Result<Vec<usize>, Fault> {
        let mut taken = Vec::new();
        for (place, property) in before.iter().enumerate() {
            if wanted(property.tag_name().name()) {
                self.element(*property)?;
                taken.push(place);
            }
        }
        Ok(taken)
    }

    /// ds:Object elements without QualifyingProperties in them; in the form of 1.3.2 those that no reference names.
    fn objects(&mut self) -> Result<(), Fault> {
        for object in &self.signature.objects {
            let holds_properties = object.children().any(|node| node.tag_name().name() == "QualifyingProperties");
            let is_named = self.signature.references.iter().any(|reference| {
                let id = reference.uri.and_then(|uri| uri.strip_prefix('#'));
                id.is_some() && id == object.attribute("Id")
            });
            let is_covered = is_named && self.stamp.form == StampForm::Archive132;
            if !(holds_properties || is_covered) {
                self.element(*object)?;
            }
        }
        Ok(())
    }
}
