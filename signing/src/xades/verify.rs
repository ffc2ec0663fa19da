//! Verification: which references hold, and whether the value does. What comes of it is the only way to what was signed.

use crypto::digest::DigestAlgorithm;
use crypto::key::{KeyKind, PublicKey};
use crypto::signature::{SignatureAlgorithm, VerifyError};

use crate::asn1::{Element, Writer, tag};
use crate::xml::canonical::{self, Budget, Selection};
use crate::xml::{Document, Node, Target, read};

use super::XMLDSIG;
use super::contents::Contents;
use super::fault::Fault;
use super::properties::{UnverifiedProperties, leads_to_properties};
use super::reference::Reference;
use super::resolve::{self, Covered, Ground};
use super::structure::{XmlSignature, read_references};

/// Manifests of one signature. Each may have as many references as the signature itself.
const MOST_MANIFESTS: usize = 16;
const MANIFEST: &str = "http://www.w3.org/2000/09/xmldsig#Manifest";

/// A reference, and what came of following it.
#[derive(Debug, Clone)]
pub struct CheckedReference<'d, 't> {
    /// The reference.
    pub reference: Reference<'d, 't>,
    /// Whether it stands in a ds:Manifest that a reference of the signature covers.
    pub in_manifest: bool,
    /// What it covers, if that is what was signed.
    pub result: Result<Covered, Fault>,
}

/// What the bytes say without a key.
#[derive(Debug)]
pub struct Checked<'s, 'd, 't> {
    document: &'d Document<'t>,
    signature: &'s XmlSignature<'d, 't>,
    references: Vec<CheckedReference<'d, 't>>,
    properties: Result<Option<UnverifiedProperties<'d, 't>>, Fault>,
    are_properties_signed: bool,
}

/// Follows the references of a signature.
#[must_use]
pub fn check<'s, 'd, 't>(
    document: &'d Document<'t>,
    signature: &'s XmlSignature<'d, 't>,
    contents: &dyn Contents,
    budget: &mut Budget,
) -> Checked<'s, 'd, 't> {
    let ground = Ground::new(document, signature.node.id(), contents);
    let properties = UnverifiedProperties::of(signature);
    let place = properties.ok().flatten().and_then(|properties| properties.signed);
    let mut checked = Checked { document, signature, references: Vec::new(), properties, are_properties_signed: false };
    let mut manifests = 0;
    for reference in &signature.references {
        let mut result = resolve::check(reference, &ground, budget);
        if leads_to_properties(reference, place) {
            // A digest that holds is not enough: it must be the digest of what a reader of the signature will read.
            let stands_there = |covered: &Covered| place.is_some_and(|place| covers_exactly(covered, place));
            match &result {
                Ok(covered) if stands_there(covered) && !checked.are_properties_signed => {
                    checked.are_properties_signed = true
                }
                Ok(_) => result = Err(Fault::PropertiesWrapped),
                Err(_) => {}
            }
        }
        let manifest = result.as_ref().ok().filter(|_| reference.kind == Some(MANIFEST)).cloned();
        manifests += usize::from(manifest.is_some());
        if manifests > MOST_MANIFESTS {
            result = Err(Fault::TooManyReferences);
        }
        checked.references.push(CheckedReference { reference: reference.clone(), in_manifest: false, result });
        if let Some(manifest) = manifest.filter(|_| manifests <= MOST_MANIFESTS) {
            checked.follow_manifest(&manifest, &ground, budget);
        }
    }
    checked
}

/// Whether a reference covers an element, all of it and nothing else.
fn covers_exactly(covered: &Covered, element: Node<'_, '_>) -> bool {
    matches!(covered, Covered::Nodes(selection) if selection.apex() == element.id() && selection.omitted().is_empty())
}

impl<'s, 'd, 't> Checked<'s, 'd, 't> {
    /// The references in the order of the file, each followed by those of the manifest that it covers.
    #[must_use]
    pub fn references(&self) -> &[CheckedReference<'d, 't>] {
        &self.references
    }

    /// The properties by their place. Unverified: for finding the certificate under which the value should verify.
    #[must_use]
    pub fn unverified_properties(&self) -> Option<UnverifiedProperties<'d, 't>> {
        self.properties.ok().flatten()
    }

    /// The digest algorithms of all references, each once. A strong signature over a weak digest is a weak signature: whoever finds a
    /// collision replaces the document.
    #[must_use]
    pub fn digest_algorithms(&self) -> Vec<DigestAlgorithm> {
        let mut algorithms = Vec::new();
        for algorithm in self.references.iter().filter_map(|checked| Some(checked.reference.digest.ok()?.algorithm())) {
            if !algorithms.contains(&algorithm) {
                algorithms.push(algorithm);
            }
        }
        algorithms
    }

    /// All that is wrong so far.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        let mut add = |fault| {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        };
        self.references.iter().filter_map(|checked| checked.result.as_ref().err().copied()).for_each(&mut add);
        match self.properties {
            Err(fault) => add(fault),
            // A reference to them that does not hold has a fault of its own.
            Ok(Some(properties)) if properties.signed.is_some() && !self.claims_properties() => {
                add(Fault::PropertiesUnsigned);
            }
            Ok(_) => {}
        }
        self.signature.canonicalization.as_ref().err().copied().into_iter().for_each(&mut add);
        self.signature.algorithm.err().into_iter().for_each(&mut add);
        faults
    }

    fn claims_properties(&self) -> bool {
        let place = self.properties.ok().flatten().and_then(|properties| properties.signed);
        self.signature.references.iter().any(|reference| leads_to_properties(reference, place))
    }

    /// XML Signature 1.1, 5.1: the references of a manifest, where the Type of the reference to it says that it is one.
    /// Manifests in manifests are not followed.
    fn follow_manifest(&mut self, covered: &Covered, ground: &Ground<'_, 'd, 't>, budget: &mut Budget) {
        let Some(manifest) = manifest_of(self.document, covered) else {
            if let Some(last) = self.references.last_mut() {
                last.result = Err(Fault::Structure);
            }
            return;
        };
        let children = read::elements(manifest).ok_or(Fault::Structure);
        match children.and_then(|children| read_references(&children)) {
            Ok(references) => {
                for reference in references {
                    let result = resolve::check(&reference, ground, budget);
                    self.references.push(CheckedReference { reference, in_manifest: true, result });
                }
            }
            Err(fault) => {
                if let Some(last) = self.references.last_mut() {
                    last.result = Err(fault);
                }
            }
        }
    }

    /// Verifies the value over SignedInfo. The proof is there only if every reference holds, too.
    ///
    /// # Errors
    /// All that is wrong: what [`Self::faults`] tells, and what the value adds.
    pub fn verify(self, key: &PublicKey, budget: &mut Budget) -> Result<VerifiedSignature<'s, 'd, 't>, Vec<Fault>> {
        let mut faults = self.faults();
        let algorithm = match verify_value(self.document, self.signature, key, budget) {
            Ok(algorithm) => Some(algorithm),
            Err(fault) => {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
                None
            }
        };
        match algorithm {
            Some(algorithm) if faults.is_empty() => Ok(VerifiedSignature { checked: self, algorithm }),
            _ => Err(faults),
        }
    }
}

/// The ds:Manifest that a reference covers: itself, or the only element of a ds:Object.
fn manifest_of<'d, 't>(document: &'d Document<'t>, covered: &Covered) -> Option<Node<'d, 't>> {
    let Covered::Nodes(selection) = covered else { return None };
    let apex = document.node(selection.apex()).filter(|_| selection.omitted().is_empty())?;
    let is_manifest = |node: &Node<'_, '_>| node.has_tag_name((XMLDSIG, "Manifest"));
    if is_manifest(&apex) {
        return Some(apex);
    }
    let mut inside = apex.children().filter(Node::is_element);
    match (inside.next(), inside.next()) {
        (Some(only), None) if apex.has_tag_name((XMLDSIG, "Object")) && is_manifest(&only) => Some(only),
        _ => None,
    }
}

/// The references of the ds:Manifest that a reference of the right Type leads to, as they stand. None where it is no manifest or cannot be
/// read; [`check`] tells what is wrong then.
#[must_use]
pub fn manifest_references<'d, 't>(
    document: &'d Document<'t>,
    reference: &Reference<'d, 't>,
) -> Vec<Reference<'d, 't>> {
    let id = reference.uri.filter(|_| reference.kind == Some(MANIFEST)).and_then(|uri| uri.strip_prefix('#'));
    let Some(Target::Element(element)) = id.map(|id| document.element_by_id(id)) else { return Vec::new() };
    let manifest = manifest_of(document, &Covered::Nodes(Selection::element(element, false)));
    let children = manifest.and_then(read::elements);
    children.and_then(|children| read_references(&children).ok()).unwrap_or_default()
}

/// XML Signature 1.1, 3.2.2.
fn verify_value(
    document: &Document<'_>,
    signature: &XmlSignature<'_, '_>,
    key: &PublicKey,
    budget: &mut Budget,
) -> Result<SignatureAlgorithm, Fault> {
    let (algorithm, method) = (signature.algorithm?, signature.canonicalization.as_ref().map_err(|fault| *fault)?);
    let signed = Selection::element(signature.signed_info, true);
    let value = value_of(algorithm, key, &signature.value).ok_or(Fault::ValueWrong)?;
    let result = match algorithm.digest_algorithm() {
        Some(digest) => {
            let digest =
                canonical::digest(document, &signed, method, digest, budget).map_err(|_| Fault::TooMuchWork)?;
            key.verify_digest(algorithm, &digest, &value)
        }
        None => {
            let mut message = Vec::new();
            canonical::write(document, &signed, method, budget, &mut |piece| message.extend_from_slice(piece))
                .map_err(|_| Fault::TooMuchWork)?;
            key.verify(algorithm, &message, &value)
        }
    };
    match result {
        Ok(()) => Ok(algorithm),
        Err(VerifyError::Mismatch) => Err(Fault::ValueWrong),
        Err(VerifyError::KeyMismatch) => Err(Fault::AlgorithmsDisagree),
        Err(VerifyError::UnsupportedAlgorithm) => Err(Fault::AlgorithmUnknown),
    }
}

/// The value as `crypto` takes it: for ECDSA, where XML has r and s side by side (RFC 9231, 2.3.6), as DER.
fn value_of(algorithm: SignatureAlgorithm, key: &PublicKey, value: &[u8]) -> Option<Vec<u8>> {
    let (SignatureAlgorithm::Ecdsa(_), KeyKind::Ec(curve)) = (algorithm, key.kind()) else {
        return Some(value.to_vec());
    };
    if value.len() != 2 * curve.field_len() {
        return None;
    }
    let (r, s) = value.split_at_checked(curve.field_len())?;
    let numbers = Writer::new().value(tag::INTEGER, &unsigned(r)).value(tag::INTEGER, &unsigned(s));
    Some(Writer::new().nest(tag::SEQUENCE, numbers).into_bytes())
}

/// The value as XML has it, of one that `crypto` made: the inverse of [`value_of`]. `None` where it is no value of this key.
pub(super) fn value_for_xml(algorithm: SignatureAlgorithm, key: &PublicKey, value: &[u8]) -> Option<Vec<u8>> {
    let (SignatureAlgorithm::Ecdsa(_), KeyKind::Ec(curve)) = (algorithm, key.kind()) else {
        return Some(value.to_vec());
    };
    let mut numbers = Element::only(value).and_then(|value| value.open(tag::SEQUENCE)).ok()?;
    let mut halves = Vec::with_capacity(2 * curve.field_len());
    for _ in 0..2 {
        let number = numbers.expect(tag::INTEGER).ok()?;
        let significant = number.strip_prefix(&[0]).unwrap_or(number);
        halves.extend(std::iter::repeat_n(0, curve.field_len().checked_sub(significant.len())?));
        halves.extend_from_slice(significant);
    }
    numbers.end().ok()?;
    Some(halves)
}

/// Contents octets of a non-negative INTEGER.
fn unsigned(octets: &[u8]) -> Vec<u8> {
    let significant = octets.iter().position(|octet| *octet != 0).and_then(|at| octets.get(at..)).unwrap_or(&[0]);
    let sign = significant.first().filter(|first| **first & 0x80 != 0).map(|_| 0);
    sign.into_iter().chain(significant.iter().copied()).collect()
}

/// A signature whose value and references all hold under the key. Only [`Checked::verify`] makes one. Whose key it is, and whether
/// that matters, is not said.
#[derive(Debug)]
pub struct VerifiedSignature<'s, 'd, 't> {
    checked: Checked<'s, 'd, 't>,
    algorithm: SignatureAlgorithm,
}

impl<'s, 'd, 't> VerifiedSignature<'s, 'd, 't> {
    /// With what the value was made.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// With what the covered parts were hashed, each algorithm once.
    #[must_use]
    pub fn digest_algorithms(&self) -> Vec<DigestAlgorithm> {
        self.checked.digest_algorithms()
    }

    /// What is covered, reference by reference.
    pub fn covered(&self) -> impl Iterator<Item = (&Reference<'d, 't>, &Covered)> {
        let holds = |checked: &'_ CheckedReference<'d, 't>| checked.result.is_ok();
        debug_assert!(self.checked.references.iter().all(holds));
        self.checked.references.iter().filter_map(|checked| Some((&checked.reference, checked.result.as_ref().ok()?)))
    }

    /// SignedProperties: the very element that was signed, where the signature has its properties.
    #[must_use]
    pub fn signed_properties(&self) -> Option<SignedProperties<'d, 't>> {
        let properties = self.checked.unverified_properties()?;
        let node = properties.signed.filter(|_| self.checked.are_properties_signed)?;
        Some(SignedProperties { namespace: properties.namespace, node })
    }

    /// Whether the signature covers `node`: itself, or something that holds it. Reading a node that is not covered is reading
    /// something else than was signed.
    #[must_use]
    pub fn covers(&self, node: Node<'d, 't>) -> bool {
        self.covered().any(|(_, covered)| matches!(covered, Covered::Nodes(selection) if selection.contains(node)))
    }

    /// The outermost element of the document, if the signature covers all of it but signatures. For trust lists and other
    /// documents with an enveloped signature.
    #[must_use]
    pub fn document_element(&self) -> Option<Node<'d, 't>> {
        let root = self.checked.document.root_element();
        let is_signature = |id: &crate::xml::NodeId| {
            self.checked.document.node(*id).is_some_and(|node| node.has_tag_name((XMLDSIG, "Signature")))
        };
        let is_whole = |selection: &Selection| {
            self.checked.document.node(selection.apex()).is_some_and(|apex| apex.is_root() || apex == root)
                && selection.omitted().iter().all(is_signature)
        };
        let mut covered = self.covered();
        covered.any(|(_, covered)| matches!(covered, Covered::Nodes(selection) if is_whole(selection))).then_some(root)
    }

    /// Whether the signature is over the value of `other`: a counter-signature of it, ETSI EN 319 132-1 5.2.7.
    #[must_use]
    pub fn countersigns(&self, other: &XmlSignature<'d, 't>) -> bool {
        self.covered().any(|(_, covered)| covers_exactly(covered, other.value_node))
    }
}

/// SignedProperties that a signature covers. Only a [`VerifiedSignature`] gives them.
#[derive(Debug, Clone, Copy)]
pub struct SignedProperties<'d, 't> {
    namespace: &'d str,
    node: Node<'d, 't>,
}

impl<'d, 't> SignedProperties<'d, 't> {
    /// The namespace, by which the version is told.
    #[must_use]
    pub fn namespace(self) -> &'d str {
        self.namespace
    }

    /// The element.
    #[must_use]
    pub fn node(self) -> Node<'d, 't> {
        self.node
    }
}
