//! XML signature files of a container: what they refer to, which must be known before its entries are hashed. Unverified.

use std::collections::BTreeMap;

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};

use crate::cms::MOST_CERTIFICATES;
use crate::xades::{
    Contents, Fault, Reference, SignedFacts, UnsignedValues, UnverifiedProperties, XmlSignature, manifest_references,
    references, signatures, stamps_contents,
};
use crate::xml::{Document, Limits, Node, Source, XmlError, read};

use super::container::{File, Target};
use super::kind::Kind;
use super::uri;

/// The namespace of META-INF/manifest.xml: OpenDocument 1.3 part 2, 3.2.
pub(super) const OPEN_DOCUMENT_MANIFEST: &str = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";

/// Manifests of one signature whose entries count. One with more is refused.
const MOST_MANIFESTS: usize = 16;

/// A file with XML signatures.
#[derive(Debug)]
pub(super) struct XmlSignatureFile {
    pub(super) file: usize,
    pub(super) octets: Vec<u8>,
    pub(super) content: Result<XmlContent, XmlError>,
}

/// What a file with XML signatures refers to.
#[derive(Debug)]
pub(super) struct XmlContent {
    /// For each signature, in the order of the document, the references of its SignedInfo, and of manifests that these cover, that lead to entries. None of one that cannot
    /// be read.
    pub(super) signatures: Vec<Vec<Part>>,
    /// Certificates of the signatures, in KeyInfo and in their properties, each once. Unverified.
    pub(super) certificates: Vec<Certificate>,
    /// For each signature the certificate that it says is its signer's, if that is among them.
    pub(super) signers: Vec<Option<Certificate>>,
    /// What is needed of which entry, for references in manifests and counter-signatures too.
    pub(super) needs: BTreeMap<usize, Need>,
}

/// A reference that leads out of the signature file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) uri: String,
    pub(super) target: Target,
    pub(super) digest: Result<Digest, Fault>,
    /// The digest is of something made of the entry, not of the entry.
    pub(super) is_transformed: bool,
}

/// What validation needs of an entry.
#[derive(Debug, Default)]
pub(super) struct Need {
    pub(super) digests: Vec<DigestAlgorithm>,
    /// The octets themselves, for a transform or the imprint of a time-stamp.
    pub(super) octets: bool,
}

impl XmlContent {
    /// Reads the octets of a signature file.
    pub(super) fn read(octets: &[u8], names: &Names<'_>) -> Result<Self, XmlError> {
        let source = Source::read(octets, &Limits::DOCUMENT)?;
        let document = source.parse()?;
        let needs = needs(&document, names);
        let mut content = Self { signatures: Vec::new(), certificates: Vec::new(), signers: Vec::new(), needs };
        signatures(&document).into_iter().for_each(|node| content.add(&document, node, names));
        Ok(content)
    }

    fn add<'d, 't>(&mut self, document: &'d Document<'t>, node: Node<'d, 't>, names: &Names<'_>) {
        let Ok(signature) = XmlSignature::read(node) else {
            self.signatures.push(Vec::new());
            self.signers.push(None);
            return;
        };
        let mut parts = Vec::new();
        let mut manifests = 0;
        for reference in &signature.references {
            parts.extend(Part::read(reference, names));
            let listed = manifest_references(document, reference);
            manifests += usize::from(!listed.is_empty());
            if manifests <= MOST_MANIFESTS {
                parts.extend(listed.iter().filter_map(|reference| Part::read(reference, names)));
            }
        }
        self.signatures.push(parts);
        let own = certificates(&signature);
        self.signers.push(signer(&signature, &own));
        let new: Vec<Certificate> = own.into_iter().filter(|one| !self.certificates.contains(one)).collect();
        self.certificates.extend(new);
        self.certificates.truncate(MOST_CERTIFICATES);
    }
}

/// The certificates of a signature: those of KeyInfo, and those of its properties.
fn certificates(signature: &XmlSignature<'_, '_>) -> Vec<Certificate> {
    let properties = UnverifiedProperties::of(signature).ok().flatten();
    let values = properties.as_ref().map(UnsignedValues::read).unwrap_or_default();
    let all = signature.certificates.iter().chain(&values.certificates).take(MOST_CERTIFICATES);
    all.filter_map(|der| Certificate::from_der(der).ok()).collect()
}

/// The certificate that the signed reference names (ETSI EN 319 132-1, 5.2.2); without one the first of KeyInfo.
fn signer(signature: &XmlSignature<'_, '_>, certificates: &[Certificate]) -> Option<Certificate> {
    let properties = UnverifiedProperties::of(signature).ok().flatten();
    let facts = properties.and_then(|found| Some(SignedFacts::read(found.signed?, found.namespace)));
    let Some(reference) = facts.and_then(|facts| facts.certificates.into_iter().next()) else {
        return certificates.first().filter(|_| !signature.certificates.is_empty()).cloned();
    };
    let wanted = reference.digest.ok()?;
    certificates.iter().find(|one| digest(wanted.algorithm(), one.der()) == wanted).cloned()
}

fn needs(document: &Document<'_>, names: &Names<'_>) -> BTreeMap<usize, Need> {
    let are_stamped = stamps_contents(document);
    let mut needs: BTreeMap<usize, Need> = BTreeMap::new();
    for part in references(document).filter_map(|reference| Part::read(&reference, names)) {
        let Some(file) = part.target.file() else { continue };
        let need = needs.entry(file).or_default();
        let digest = if part.is_transformed { None } else { part.digest.ok() };
        // Whoever reads the entry again compares a digest of it, even where the signature is over something made of it.
        let algorithm = digest.map_or(DigestAlgorithm::Sha256, |digest| digest.algorithm());
        if !need.digests.contains(&algorithm) {
            need.digests.push(algorithm);
        }
        need.octets |= part.is_transformed || are_stamped;
    }
    needs
}

impl Part {
    fn read(reference: &Reference<'_, '_>, names: &Names<'_>) -> Option<Self> {
        let uri = reference.content()?;
        Some(Self {
            uri: uri.to_owned(),
            target: names.resolve(uri),
            digest: reference.digest(),
            is_transformed: reference.is_transformed(),
        })
    }
}

/// The entries of a container as what references may lead to. Nothing outside it is.
pub(super) struct Entries<'c> {
    files: &'c [File],
    names: Names<'c>,
}

impl<'c> Entries<'c> {
    pub(super) fn of(files: &'c [File]) -> Self {
        Self { files, names: Names::of(files) }
    }

    fn file(&self, uri: Option<&str>) -> Option<&'c File> {
        self.files.get(self.names.resolve(uri?).file()?)
    }
}

impl Contents for Entries<'_> {
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        self.file(uri)?.digest(algorithm).copied()
    }

    fn octets(&self, uri: Option<&str>) -> Option<&[u8]> {
        self.file(uri)?.octets.as_deref()
    }
}

/// Entries by their names; folders are nobody's target.
pub(super) struct Names<'a>(BTreeMap<&'a str, usize>);

impl<'a> Names<'a> {
    pub(super) fn of(files: &'a [File]) -> Self {
        let files = files.iter().enumerate().filter(|(_, file)| file.kind != Kind::Folder);
        Self(files.map(|(index, file)| (file.name.as_str(), index)).collect())
    }

    pub(super) fn resolve(&self, reference: &str) -> Target {
        let reference = reference.strip_prefix('/').unwrap_or(reference);
        let literal = self.0.get(reference);
        let decoded = uri::decode(reference).and_then(|name| self.0.get(name.as_str()));
        match (literal, decoded) {
            (Some(one), Some(other)) if one != other => Target::Ambiguous,
            (Some(one), _) | (None, Some(one)) => Target::File(*one),
            (None, None) => Target::Missing,
        }
    }
}

/// Whether octets are an OpenDocument manifest: file entries and nothing else. What it says is not relied on: names and media types
/// are those of the archive and of the signatures.
pub(super) fn is_open_document_manifest(octets: &[u8]) -> bool {
    let Ok(source) = Source::read(octets, &Limits::MANIFEST) else { return false };
    let Ok(document) = source.parse() else { return false };
    let root = document.root_element();
    let is = |node: Node<'_, '_>, name| node.has_tag_name((OPEN_DOCUMENT_MANIFEST, name));
    let is_entry = |node: &Node<'_, '_>| is(*node, "file-entry") && !node.has_children();
    is(root, "manifest") && read::elements(root).is_some_and(|all| all.iter().all(is_entry))
}
