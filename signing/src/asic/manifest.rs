//! ASiCManifest, ETSI EN 319 162-1 A.4: which signature or time-stamp covers which entries, and with which digests.
//!
//! One form serves the manifest of a signature, that of a time-stamp, the archive manifest and the evidence record's. Read strictly:
//! elements that the schema does not have are refused, and so is everything that two XML readers could see in two ways: a document type,
//! another encoding than UTF-8, a base that moves the references, a comment inside a value.

use crypto::digest::{Digest, DigestAlgorithm};

use super::error::ContainerError;
use crate::xml::{Document, Limits, Node, Source, XML, XmlError, algorithm, read};

const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";
/// As X-Road writes it in the manifest of a batch time-stamp.
const ASIC_OF_X_ROAD: &str = "http://uri.etsi.org/2918/v1.2.1#";
const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Octets of a manifest.
pub(super) const LONGEST_MANIFEST: usize = Limits::MANIFEST.octets;

/// A manifest as it stands. Unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Reference to the signature, time-stamp or evidence record that covers the manifest.
    pub signature: String,
    /// What the manifest covers, in its order. Not empty, no reference twice.
    pub objects: Vec<ObjectReference>,
}

/// DataObjectReference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReference {
    /// Reference to the entry.
    pub uri: String,
    /// What kind of document it is, as the signer says.
    pub mime_type: Option<String>,
    /// The entry from which a reader starts.
    pub root_file: bool,
    /// The digest of its content.
    pub digest: ReferenceDigest,
}

/// DigestMethod and DigestValue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceDigest {
    /// An algorithm that is known here.
    Known(Digest),
    /// Another one, by its identifier.
    Unknown(String),
}

impl ReferenceDigest {
    /// The algorithm, where it is known here.
    #[must_use]
    pub fn algorithm(&self) -> Option<DigestAlgorithm> {
        match self {
            Self::Known(digest) => Some(digest.algorithm()),
            Self::Unknown(_) => None,
        }
    }
}

impl Manifest {
    /// Reads an ASiCManifest in UTF-8.
    ///
    /// # Errors
    /// `ManifestDoctype`, `ManifestLimits`, `ManifestExtension`; `Manifest` for everything else that the schema does not have;
    /// `MetadataTooLarge` past 1 MiB.
    pub fn read(bytes: &[u8]) -> Result<Self, ContainerError> {
        let source = Source::read(bytes, &Limits::MANIFEST).map_err(refusal)?;
        let document = source.parse().map_err(refusal)?;
        check_base(&document)?;
        read_root(document.root_element())
    }
}

fn refusal(error: XmlError) -> ContainerError {
    match error {
        XmlError::TooLarge => ContainerError::MetadataTooLarge,
        XmlError::Doctype => ContainerError::ManifestDoctype,
        XmlError::TooManyNodes | XmlError::TooDeep | XmlError::TooManyAttributes | XmlError::TooManyNamespaces => {
            ContainerError::ManifestLimits
        }
        XmlError::Malformed | XmlError::Encoding | XmlError::Version => ContainerError::Manifest,
    }
}

/// Refuses xml:base, which would move the references.
fn check_base(document: &Document<'_>) -> Result<(), ContainerError> {
    let moves = |node: Node<'_, '_>| node.has_attribute((XML, "base"));
    if document.root().descendants().any(moves) { Err(ContainerError::Manifest) } else { Ok(()) }
}

fn read_root(root: Node<'_, '_>) -> Result<Manifest, ContainerError> {
    let is_known = |namespace: &str| [ASIC, ASIC_OF_X_ROAD].contains(&namespace);
    if root.tag_name().name() != "ASiCManifest" || !root.tag_name().namespace().is_some_and(is_known) {
        return Err(ContainerError::Manifest);
    }
    let mut children = elements(root)?.into_iter();
    let signature = children.next().filter(|node| is(*node, "SigReference"));
    let signature = attribute(signature.ok_or(ContainerError::Manifest)?, "URI")?.to_owned();
    let mut objects: Vec<ObjectReference> = Vec::new();
    let mut extended = false;
    for child in children {
        match child.tag_name().name() {
            _ if extended || child.tag_name().namespace() != root.tag_name().namespace() => {
                return Err(ContainerError::Manifest);
            }
            "DataObjectReference" => objects.push(read_object(child)?),
            "ASiCManifestExtensions" => {
                check_extensions(child)?;
                extended = true;
            }
            _ => return Err(ContainerError::Manifest),
        }
    }
    let mut uris: Vec<&str> = objects.iter().map(|object| object.uri.as_str()).collect();
    uris.sort_unstable();
    if objects.is_empty() || uris.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return Err(ContainerError::Manifest);
    }
    Ok(Manifest { signature, objects })
}

fn read_object(node: Node<'_, '_>) -> Result<ObjectReference, ContainerError> {
    let children = elements(node)?;
    let (method, value) = match children.as_slice() {
        [method, value] => (*method, *value),
        [method, value, extensions] if is(*extensions, "DataObjectReferenceExtensions") => {
            check_extensions(*extensions)?;
            (*method, *value)
        }
        _ => return Err(ContainerError::Manifest),
    };
    if !method.has_tag_name((XMLDSIG, "DigestMethod")) || !value.has_tag_name((XMLDSIG, "DigestValue")) {
        return Err(ContainerError::Manifest);
    }
    let identifier = attribute(method, "Algorithm")?;
    let value = read::base64(value).ok_or(ContainerError::Manifest)?;
    let digest = match algorithm::digest_from_uri(identifier) {
        Some(algorithm) => ReferenceDigest::Known(Digest::new(algorithm, &value).ok_or(ContainerError::Manifest)?),
        None => ReferenceDigest::Unknown(identifier.to_owned()),
    };
    let root_file = match node.attribute("Rootfile") {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => return Err(ContainerError::Manifest),
    };
    let mime_type = node.attribute("MimeType").map(str::to_owned);
    Ok(ObjectReference { uri: attribute(node, "URI")?.to_owned(), mime_type, root_file, digest })
}

/// Extensions that need not be understood are passed over.
fn check_extensions(node: Node<'_, '_>) -> Result<(), ContainerError> {
    for extension in elements(node)? {
        if !is(extension, "Extension") {
            return Err(ContainerError::Manifest);
        }
        match attribute(extension, "Critical")? {
            "false" | "0" => {}
            _ => return Err(ContainerError::ManifestExtension),
        }
    }
    Ok(())
}

/// Whether an element has this name, in the namespace of the outermost one.
fn is(node: Node<'_, '_>, name: &str) -> bool {
    let namespace = node.document().root_element().tag_name().namespace();
    node.tag_name().name() == name && node.tag_name().namespace() == namespace
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, ContainerError> {
    read::elements(node).ok_or(ContainerError::Manifest)
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, ContainerError> {
    read::attribute(node, name).ok_or(ContainerError::Manifest)
}

#[cfg(test)]
mod tests;
