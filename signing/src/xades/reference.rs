//! References, XML Signature 1.1 4.4.3: where each leads, through which transforms, and with which digest.

use crypto::digest::Digest;

use crate::xml::{Node, algorithm, read};

use super::XMLDSIG;
use super::fault::Fault;
use super::transform::{self, Transform};

/// A reference as it stands. Unverified.
#[derive(Debug, Clone)]
pub struct Reference<'d, 't> {
    /// The element.
    pub node: Node<'d, 't>,
    /// Its Id.
    pub id: Option<&'d str>,
    /// Where it leads, as it stands.
    pub uri: Option<&'d str>,
    /// Type: what the signer says stands there.
    pub kind: Option<&'d str>,
    pub(super) transforms: Result<Vec<Transform<'d>>, Fault>,
    pub(super) digest: Result<Digest, Fault>,
}

impl<'d, 't> Reference<'d, 't> {
    /// Reads a reference. Transforms and digests that are not known here are told when it is checked.
    pub(super) fn read(node: Node<'d, 't>) -> Result<Self, Fault> {
        let children = read::elements(node).ok_or(Fault::Structure)?;
        let (transforms, method, value) = match children.as_slice() {
            [method, value] => (None, *method, *value),
            [transforms, method, value] => (Some(*transforms), *method, *value),
            _ => return Err(Fault::Structure),
        };
        let is = |node: Node<'_, '_>, name| node.has_tag_name((XMLDSIG, name));
        if !node.has_tag_name((XMLDSIG, "Reference"))
            || transforms.is_some_and(|node| !is(node, "Transforms"))
            || !is(method, "DigestMethod")
            || !is(value, "DigestValue")
        {
            return Err(Fault::Structure);
        }
        Ok(Self {
            node,
            id: node.attribute("Id"),
            uri: node.attribute("URI"),
            kind: node.attribute("Type"),
            transforms: transforms.map_or(Ok(Vec::new()), transform::read_all),
            digest: read_digest(method, value),
        })
    }

    /// Its URI, where it leads to a content beside the document.
    #[must_use]
    pub fn content(&self) -> Option<&'d str> {
        self.uri.filter(|uri| matches!(Place::of(uri), Ok(Place::Content(_))))
    }

    /// The digest that it states.
    ///
    /// # Errors
    /// `DigestUnknown` where the algorithm is not known here; `ReferenceChanged` where the value cannot be one of it; `Structure`.
    pub fn digest(&self) -> Result<Digest, Fault> {
        self.digest
    }

    /// Whether transforms stand between the content and its digest, those that are refused among them.
    #[must_use]
    pub fn is_transformed(&self) -> bool {
        self.transforms.as_ref().map_or(true, |transforms| !transforms.is_empty())
    }
}

/// DigestMethod and DigestValue, or what is shaped like them.
pub(super) fn read_digest(method: Node<'_, '_>, value: Node<'_, '_>) -> Result<Digest, Fault> {
    let identifier = method.attribute("Algorithm").ok_or(Fault::Structure)?;
    let algorithm = algorithm::digest_from_uri(identifier).ok_or(Fault::DigestUnknown)?;
    let value = read::base64(value).ok_or(Fault::Structure)?;
    Digest::new(algorithm, &value).ok_or(Fault::ReferenceChanged)
}

/// Where a URI leads, XML Signature 1.1 4.4.3.2 and 4.4.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'u> {
    /// The document that holds the signature.
    Document { comments: bool },
    /// The element with this Id.
    Element { id: &'u str, comments: bool },
    /// Something beside it.
    Content(&'u str),
}

impl<'u> Place<'u> {
    pub(super) fn of(uri: &'u str) -> Result<Self, Fault> {
        if uri.is_empty() {
            return Ok(Self::Document { comments: false });
        }
        let Some(fragment) = uri.strip_prefix('#') else { return Ok(Self::Content(uri)) };
        let Some(pointer) = fragment.strip_prefix("xpointer(").and_then(|rest| rest.strip_suffix(')')) else {
            let is_name = !fragment.is_empty() && !fragment.contains(['(', ')']);
            return if is_name {
                Ok(Self::Element { id: fragment, comments: false })
            } else {
                Err(Fault::ReferenceForm)
            };
        };
        if pointer == "/" {
            return Ok(Self::Document { comments: true });
        }
        let quoted = pointer.strip_prefix("id(").and_then(|rest| rest.strip_suffix(')')).ok_or(Fault::ReferenceForm)?;
        let id = ['\'', '"'].iter().find_map(|quote| quoted.strip_prefix(*quote)?.strip_suffix(*quote));
        match id {
            Some(id) if !id.is_empty() && !id.contains(['\'', '"']) => Ok(Self::Element { id, comments: true }),
            _ => Err(Fault::ReferenceForm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_leads_to_one_place() {
        assert_eq!(Place::of(""), Ok(Place::Document { comments: false }));
        assert_eq!(Place::of("#xpointer(/)"), Ok(Place::Document { comments: true }));
        assert_eq!(Place::of("#a.b"), Ok(Place::Element { id: "a.b", comments: false }));
        assert_eq!(Place::of("#xpointer(id('a'))"), Ok(Place::Element { id: "a", comments: true }));
        assert_eq!(Place::of("#xpointer(id(\"a\"))"), Ok(Place::Element { id: "a", comments: true }));
        assert_eq!(Place::of("a.txt#b"), Ok(Place::Content("a.txt#b")));
        for form in
            ["#", "#xpointer(//a)", "#xpointer(id('a')/b)", "#xpointer(id(a))", "#element(/1)", "#xpointer(id('a'b'))"]
        {
            assert_eq!(Place::of(form), Err(Fault::ReferenceForm), "{form}");
        }
    }
}
