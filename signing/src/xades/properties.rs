//! QualifyingProperties by their place: ETSI EN 319 132-1, 4.3 and 4.4.

use crate::xml::{Node, read};

use super::VERSIONS;
use super::fault::Fault;
use super::reference::Reference;
use super::structure::XmlSignature;

/// Type of the reference to SignedProperties, after the namespace's version: 1.3.2 left it out of the identifier.
const SIGNED_PROPERTIES_TYPES: [&str; 4] = [
    "http://uri.etsi.org/01903#SignedProperties",
    "http://uri.etsi.org/01903/v1.1.1#SignedProperties",
    "http://uri.etsi.org/01903/v1.2.2#SignedProperties",
    "http://uri.etsi.org/01903/v1.3.2#SignedProperties",
];

/// Whether a reference's Type says that it leads to SignedProperties.
fn is_signed_properties_type(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| SIGNED_PROPERTIES_TYPES.contains(&kind))
}

/// Whether a reference says that it leads to these SignedProperties: by its Type or, as LibreOffice writes it, by their Id alone.
pub(super) fn leads_to_properties(reference: &Reference<'_, '_>, signed: Option<Node<'_, '_>>) -> bool {
    let id = signed.and_then(|signed| signed.attribute("Id"));
    let by_id = || reference.uri.and_then(|uri| uri.strip_prefix('#')).is_some_and(|named| Some(named) == id);
    is_signed_properties_type(reference.kind) || (reference.kind.is_none() && by_id())
}

/// QualifyingProperties of a signature. Unverified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnverifiedProperties<'d, 't> {
    /// The namespace, by which its version is told.
    pub namespace: &'d str,
    /// SignedProperties.
    pub signed: Option<Node<'d, 't>>,
    /// UnsignedProperties.
    pub unsigned: Option<Node<'d, 't>>,
}

impl<'d, 't> UnverifiedProperties<'d, 't> {
    /// Finds them in a ds:Object of the signature, and nowhere else. `Ok(None)` where the signature has none.
    ///
    /// # Errors
    /// `PropertiesMisplaced` where there are several, or they belong to another signature; `Structure`.
    pub fn of(signature: &XmlSignature<'d, 't>) -> Result<Option<Self>, Fault> {
        let mut found = None;
        for node in signature.objects.iter().flat_map(Node::children).filter(Node::is_element) {
            let name = node.tag_name();
            let Some(namespace) = name.namespace().filter(|namespace| VERSIONS.contains(namespace)) else { continue };
            if name.name() != "QualifyingProperties" || found.is_some() {
                return Err(Fault::PropertiesMisplaced);
            }
            let target = node.attribute("Target").and_then(|target| target.strip_prefix('#'));
            if target.is_none() || target != signature.id {
                return Err(Fault::PropertiesMisplaced);
            }
            found = Some(Self::read(node, namespace)?);
        }
        Ok(found)
    }

    /// The schema has the signed ones first; a producer in use in Portugal does not.
    fn read(node: Node<'d, 't>, namespace: &'d str) -> Result<Self, Fault> {
        let mut properties = Self { namespace, signed: None, unsigned: None };
        for child in read::elements(node).ok_or(Fault::Structure)? {
            let place = match child.tag_name().name() {
                "SignedProperties" => &mut properties.signed,
                "UnsignedProperties" => &mut properties.unsigned,
                _ => return Err(Fault::Structure),
            };
            if child.tag_name().namespace() != Some(namespace) || place.replace(child).is_some() {
                return Err(Fault::Structure);
            }
        }
        Ok(properties)
    }
}
