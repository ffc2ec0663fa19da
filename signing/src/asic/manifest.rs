//! ASiCManifest, ETSI EN 319 162-1 A.4: which signature or time-stamp covers which entries, and with which digests.
//!
//! One form serves the manifest of a signature, that of a time-stamp, the archive manifest and the evidence record's. Read strictly:
//! elements that the schema does not have are refused, and so is everything that two XML readers could see in two ways: a document type,
//! another encoding than UTF-8, a base that moves the references, a comment inside a value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{Digest, DigestAlgorithm};
use roxmltree::{Document, Node, ParsingOptions};

use super::algorithm;
use super::error::ContainerError;

const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Octets of a manifest. A reference takes about 300, and there are at most 1,000 entries.
pub(super) const LONGEST_MANIFEST: usize = 1024 * 1024;
/// Nodes of a manifest: a reference has seven with its line ends.
const MOST_NODES: u32 = 20_000;
/// Elements inside elements; a manifest has three, its extensions more.
const DEEPEST: u16 = 32;
/// Attributes of one element. The reader compares each with each.
const MOST_ATTRIBUTES: usize = 32;

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
        if bytes.len() > LONGEST_MANIFEST {
            return Err(ContainerError::MetadataTooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ContainerError::Manifest)?;
        check_encoding(text)?;
        check_attributes(text)?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(refusal)?;
        check_nodes(&document)?;
        read_root(document.root_element())
    }
}

fn refusal(error: roxmltree::Error) -> ContainerError {
    match error {
        roxmltree::Error::DtdDetected => ContainerError::ManifestDoctype,
        roxmltree::Error::NodesLimitReached
        | roxmltree::Error::AttributesLimitReached
        | roxmltree::Error::NamespacesLimitReached => ContainerError::ManifestLimits,
        _ => ContainerError::Manifest,
    }
}

/// Whoever heeds a declared encoding must see the same characters: XML 1.0, 4.3.3.
fn check_encoding(text: &str) -> Result<(), ContainerError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let declaration = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or("", |(found, _)| found);
    let Some((_, encoding)) = declaration.split_once("encoding") else { return Ok(()) };
    let encoding = encoding.trim_start().strip_prefix('=').unwrap_or_default().trim_start();
    let encoding = encoding.split(['"', '\'']).nth(1).unwrap_or_default();
    if encoding.eq_ignore_ascii_case("UTF-8") { Ok(()) } else { Err(ContainerError::Manifest) }
}

/// Bounds the attributes of each element before the text is parsed: `<` cannot stand in a value (XML 1.0, 3.1), so that there is
/// at most one start tag between two of them.
fn check_attributes(text: &str) -> Result<(), ContainerError> {
    let too_many = |tag: &str| tag.bytes().filter(|octet| *octet == b'=').count() > MOST_ATTRIBUTES;
    if text.split('<').any(too_many) { Err(ContainerError::ManifestLimits) } else { Ok(()) }
}

/// Bounds the depth, and refuses xml:base. Nodes come in document order, parents before children; the parser itself does not recurse.
fn check_nodes(document: &Document<'_>) -> Result<(), ContainerError> {
    let mut depths: Vec<u16> = Vec::new();
    for node in document.descendants() {
        let above = node.parent().and_then(|parent| depths.get(parent.id().get_usize()).copied());
        let depth = above.map_or(0, |above| above + 1);
        if depth > DEEPEST {
            return Err(ContainerError::ManifestLimits);
        }
        if node.has_attribute((XML, "base")) {
            return Err(ContainerError::Manifest);
        }
        depths.push(depth);
    }
    Ok(())
}

fn read_root(root: Node<'_, '_>) -> Result<Manifest, ContainerError> {
    if !root.has_tag_name((ASIC, "ASiCManifest")) {
        return Err(ContainerError::Manifest);
    }
    let mut children = elements(root)?.into_iter();
    let signature = children.next().filter(|node| node.has_tag_name((ASIC, "SigReference")));
    let signature = attribute(signature.ok_or(ContainerError::Manifest)?, "URI")?.to_owned();
    let mut objects: Vec<ObjectReference> = Vec::new();
    let mut extended = false;
    for child in children {
        match child.tag_name().name() {
            _ if extended || child.tag_name().namespace() != Some(ASIC) => return Err(ContainerError::Manifest),
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
        [method, value, extensions] if extensions.has_tag_name((ASIC, "DataObjectReferenceExtensions")) => {
            check_extensions(*extensions)?;
            (*method, *value)
        }
        _ => return Err(ContainerError::Manifest),
    };
    if !method.has_tag_name((XMLDSIG, "DigestMethod")) || !value.has_tag_name((XMLDSIG, "DigestValue")) {
        return Err(ContainerError::Manifest);
    }
    let identifier = attribute(method, "Algorithm")?;
    let value = read_value(value)?;
    let digest = match algorithm::from_uri(identifier) {
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

/// Base64 in one piece of text: a reader that takes the text before a comment for the whole must not see another value.
fn read_value(node: Node<'_, '_>) -> Result<Vec<u8>, ContainerError> {
    let mut children = node.children();
    let (Some(only), None) = (children.next(), children.next()) else { return Err(ContainerError::Manifest) };
    let text = if only.is_text() { only.text().unwrap_or_default() } else { "" };
    let base64: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(base64).map_err(|_| ContainerError::Manifest)
}

/// Extensions that need not be understood are passed over.
fn check_extensions(node: Node<'_, '_>) -> Result<(), ContainerError> {
    for extension in elements(node)? {
        if !extension.has_tag_name((ASIC, "Extension")) {
            return Err(ContainerError::Manifest);
        }
        match attribute(extension, "Critical")? {
            "false" | "0" => {}
            _ => return Err(ContainerError::ManifestExtension),
        }
    }
    Ok(())
}

/// The elements in an element; between them there is white space, comments and instructions only.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, ContainerError> {
    let text = |child: &Node<'_, '_>| child.is_text() && !child.text().unwrap_or_default().trim().is_empty();
    if node.children().any(|child| text(&child)) {
        return Err(ContainerError::Manifest);
    }
    Ok(node.children().filter(Node::is_element).collect())
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, ContainerError> {
    node.attribute(name).filter(|value| !value.is_empty()).ok_or(ContainerError::Manifest)
}

#[cfg(test)]
mod tests;
