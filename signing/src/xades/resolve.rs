//! From a reference to its digest, XML Signature 1.1 4.4.3.2: what is covered, in which octets.

use std::cell::RefCell;

use crypto::digest::{Digest, DigestAlgorithm, Digester};

use crate::xml::canonical::{self, Budget, Method, Selection};
use crate::xml::{Document, Limits, Node, NodeId, Source, Target, read};

use super::XMLDSIG;
use super::contents::Contents;
use super::fault::Fault;
use super::reference::{Place, Reference};
use super::transform::{Signatures, Transform};

/// What a reference covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covered {
    /// A part of the document that holds the signature, written in a canonical form.
    Nodes(Selection),
    /// The octets whose base64 stands in such a part.
    Decoded(Selection),
    /// A content beside it, or what is left of it after transforms; by the reference's URI.
    Content(Option<String>),
}

/// What helps to follow references.
pub(super) struct Ground<'g, 'd, 't> {
    pub(super) document: &'d Document<'t>,
    /// The ds:Signature that holds the references.
    pub(super) signature: NodeId,
    pub(super) contents: &'g dyn Contents,
    /// Digests of contents, by where their octets lie: many references may mean one.
    hashed: RefCell<Vec<(*const [u8], Digest)>>,
}

impl<'g, 'd, 't> Ground<'g, 'd, 't> {
    pub(super) fn new(document: &'d Document<'t>, signature: NodeId, contents: &'g dyn Contents) -> Self {
        Self { document, signature, contents, hashed: RefCell::default() }
    }

    /// The digest of a content, each computed once.
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        let Some(octets) = self.contents.octets(uri) else { return self.contents.digest(uri, algorithm) };
        let place: *const [u8] = octets;
        let is_it =
            |(other, digest): &&(*const [u8], Digest)| std::ptr::eq(*other, place) && digest.algorithm() == algorithm;
        let known = self.hashed.borrow().iter().find(is_it).map(|(_, digest)| *digest);
        known.or_else(|| {
            let digest = self.contents.digest(uri, algorithm)?;
            self.hashed.borrow_mut().push((place, digest));
            Some(digest)
        })
    }
}

/// Where octets go.
pub(super) type Sink<'k> = &'k mut dyn FnMut(&[u8]);

/// Follows a reference and compares the digest.
///
/// # Errors
/// A fault where it leads nowhere, or to something else than was signed.
pub(super) fn check(
    reference: &Reference<'_, '_>,
    ground: &Ground<'_, '_, '_>,
    budget: &mut Budget,
) -> Result<Covered, Fault> {
    reference.transforms.as_ref().map_err(|fault| *fault)?;
    let expected = reference.digest?;
    let (covered, found) = digest(reference, ground, expected.algorithm(), budget)?;
    if found == expected { Ok(covered) } else { Err(Fault::ReferenceChanged) }
}

/// Follows a reference, whatever digest it states: what it covers, and the digest of that.
///
/// # Errors
/// A fault where it leads nowhere.
pub(super) fn digest(
    reference: &Reference<'_, '_>,
    ground: &Ground<'_, '_, '_>,
    algorithm: DigestAlgorithm,
    budget: &mut Budget,
) -> Result<(Covered, Digest), Fault> {
    let transforms = reference.transforms.as_deref().map_err(|fault| *fault)?;
    if transforms.is_empty() && is_outside(reference.uri)? {
        // Its octets may have streamed by.
        let found = ground.digest(reference.uri, algorithm).ok_or(missing(reference.uri))?;
        return Ok((Covered::Content(reference.uri.map(str::to_owned)), found));
    }
    let mut digester = Digester::new(algorithm);
    let covered = follow(reference, ground, &Method::DEFAULT, budget, &mut |octets| digester.update(octets))?;
    Ok((covered, digester.finish()))
}

fn is_outside(uri: Option<&str>) -> Result<bool, Fault> {
    Ok(matches!(uri.map(Place::of).transpose()?, None | Some(Place::Content(_))))
}

/// What a reference covers after its transforms. The octets go to `sink`; nodes that no transform has made octets of are written by `method`.
///
/// # Errors
/// A fault where it leads nowhere; the sink may have got a part.
pub(super) fn follow(
    reference: &Reference<'_, '_>,
    ground: &Ground<'_, '_, '_>,
    method: &Method<'_>,
    budget: &mut Budget,
    sink: Sink<'_>,
) -> Result<Covered, Fault> {
    let transforms = reference.transforms.as_deref().map_err(|fault| *fault)?;
    let (uri, document) = (reference.uri, ground.document);
    let selection = match uri.map(Place::of).transpose()? {
        Some(Place::Document { comments }) => Selection::document(document, comments),
        Some(Place::Element { id, comments }) => match document.element_by_id(id) {
            Target::Element(element) => Selection::element(element, comments),
            Target::Ambiguous => return Err(Fault::DuplicateId),
            Target::Missing => return Err(Fault::ReferenceMissing),
        },
        Some(Place::Content(_)) | None => {
            let content = ground.contents.octets(uri).ok_or(missing(uri))?;
            octets(content, transforms, method, budget, sink)?;
            return Ok(Covered::Content(uri.map(str::to_owned)));
        }
    };
    nodes(document, selection, Some(ground.signature), transforms, method, budget, sink)
}

fn missing(uri: Option<&str>) -> Fault {
    if uri.is_some_and(is_address) { Fault::RemoteReference } else { Fault::ContentMissing }
}

/// Whether a URI has a scheme or a host: RFC 3986, 3.1 and 4.2. One letter is a drive.
fn is_address(uri: &str) -> bool {
    let is_scheme =
        |scheme: &str| scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    uri.starts_with("//") || uri.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Transforms of octets. Where one needs nodes, the octets are parsed, by the same parser.
fn octets(
    content: &[u8],
    transforms: &[Transform<'_>],
    method: &Method<'_>,
    budget: &mut Budget,
    sink: Sink<'_>,
) -> Result<(), Fault> {
    budget.spend(content.len()).map_err(|_| Fault::TooMuchWork)?;
    let Some((first, rest)) = transforms.split_first() else {
        sink(content);
        return Ok(());
    };
    if *first == Transform::Base64 {
        let text = std::str::from_utf8(content).map_err(|_| Fault::TransformInput)?;
        let decoded = read::decode_base64(text).ok_or(Fault::TransformInput)?;
        return octets(&decoded, rest, method, budget, sink);
    }
    let source = Source::read(content, &Limits::DOCUMENT).map_err(|_| Fault::TransformInput)?;
    let document = source.parse().map_err(|_| Fault::TransformInput)?;
    let whole = Selection::document(&document, true);
    nodes(&document, whole, None, transforms, method, budget, sink).map(|_| ())
}

/// Transforms of nodes. `own`: the signature that holds the reference, where it is in this document.
fn nodes(
    document: &Document<'_>,
    mut selection: Selection,
    own: Option<NodeId>,
    transforms: &[Transform<'_>],
    method: &Method<'_>,
    budget: &mut Budget,
    sink: Sink<'_>,
) -> Result<Covered, Fault> {
    let mut rest = transforms;
    while let Some((first, after)) = rest.split_first() {
        match first {
            Transform::Without(signatures) => leave_out(document, &mut selection, own, *signatures, budget)?,
            Transform::Base64 => {
                let text = text_of(document, &selection, budget)?;
                octets(text.as_bytes(), rest, method, budget, sink)?;
                return Ok(Covered::Decoded(selection));
            }
            Transform::Canonicalize(method) if after.is_empty() => {
                canonical::write(document, &selection, method, budget, sink).map_err(|_| Fault::TooMuchWork)?;
                return Ok(Covered::Nodes(selection));
            }
            Transform::Canonicalize(method) => {
                let mut written = Vec::new();
                canonical::write(document, &selection, method, budget, &mut |piece| written.extend_from_slice(piece))
                    .map_err(|_| Fault::TooMuchWork)?;
                octets(&written, after, method, budget, sink)?;
                let is_decoded = after.contains(&Transform::Base64);
                return Ok(if is_decoded { Covered::Decoded(selection) } else { Covered::Nodes(selection) });
            }
        }
        rest = after;
    }
    canonical::write(document, &selection, method, budget, sink).map_err(|_| Fault::TooMuchWork)?;
    Ok(Covered::Nodes(selection))
}

/// Leaves signatures out. Only of the document that holds the reference: of another, it could not be told afterwards what is covered.
fn leave_out(
    document: &Document<'_>,
    selection: &mut Selection,
    own: Option<NodeId>,
    signatures: Signatures,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let own = own.and_then(|own| document.node(own)).ok_or(Fault::TransformInput)?;
    let apex = document.node(selection.apex()).ok_or(Fault::TransformInput)?;
    let is_signature = |node: &Node<'_, '_>| node.has_tag_name((XMLDSIG, "Signature"));
    // Inside a signature nothing would be left, or less than a reader expects.
    if apex.ancestors().any(|node| is_signature(&node)) {
        return Err(Fault::TransformInput);
    }
    match signatures {
        Signatures::Own if own.ancestors().any(|node| node == apex) => selection.omit(own.id()),
        Signatures::Own => return Err(Fault::TransformInput),
        Signatures::All => {
            budget.spend(apex.descendants().len()).map_err(|_| Fault::TooMuchWork)?;
            apex.descendants().filter(is_signature).for_each(|node| selection.omit(node.id()));
        }
        Signatures::OfRoot => {
            let all = document.root_element().children().filter(is_signature);
            let below: Vec<_> = all.filter(|node| selection.contains(*node)).collect();
            below.into_iter().for_each(|node| selection.omit(node.id()));
        }
    }
    Ok(())
}

/// XML Signature 1.1, 6.6.2: the text of all that is selected, in document order.
fn text_of(document: &Document<'_>, selection: &Selection, budget: &mut Budget) -> Result<String, Fault> {
    let apex = document.node(selection.apex()).ok_or(Fault::TransformInput)?;
    budget.spend(apex.descendants().len()).map_err(|_| Fault::TooMuchWork)?;
    let texts = apex.descendants().filter(Node::is_text);
    let is_kept = |node: &Node<'_, '_>| selection.omitted().is_empty() || selection.contains(*node);
    Ok(texts.filter(is_kept).filter_map(|node| node.text()).collect())
}
