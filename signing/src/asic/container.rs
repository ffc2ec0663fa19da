//! A container as received: what is in it, what refers to what, and the digests of everything that is referred to. Nothing believed.

mod chains;
mod needs;
mod read;
mod shape;

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm};
use schemas::limits::SIGNATURES_IN_DOCUMENT;
use time::OffsetDateTime;

use crate::validate::{ReadError, UnverifiedDocument};

use super::error::{ContainerError, Finding};
use super::hash_chain::HashChain;
use super::kind::{self, ContainerType, Flavour, Kind};
use super::manifest::Manifest;
use super::xml_signatures::{XmlContent, XmlSignatureFile};
use super::zip::{Archive, Limits, Source};

/// Octets of all signatures, time-stamps and manifests together. They are held in memory.
const MOST_METADATA: u64 = 64 * 1024 * 1024;

/// A parsed, unverified container.
#[derive(Debug)]
pub struct Container {
    pub(super) kind: ContainerType,
    pub(super) flavour: Flavour,
    /// SHA-256 of the archive.
    pub(super) digest: [u8; 32],
    pub(super) files: Vec<File>,
    pub(super) signatures: Vec<SignatureFile>,
    pub(super) xml_signatures: Vec<XmlSignatureFile>,
    /// META-INF/manifest.xml, if it is an OpenDocument manifest.
    pub(super) open_document_manifest: Option<usize>,
    pub(super) timestamps: Vec<TimestampFile>,
    pub(super) manifests: Vec<ManifestFile>,
    pub(super) hash_chains: Vec<HashChain>,
    /// What is wrong with the container as a whole, and with which entry.
    pub(super) findings: Vec<Located>,
}

/// A finding, and the entry that it is about.
pub(super) type Located = (Finding, String);

/// An entry.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// In the algorithms in which a signature, time-stamp or manifest needs it.
    pub(super) digests: Vec<Digest>,
    /// Its content, where a transform or time-stamp of an XML signature needs it, and as long as [`MOST_METADATA`] allows.
    pub(super) octets: Option<Vec<u8>>,
}

impl File {
    pub(super) fn digest(&self, algorithm: DigestAlgorithm) -> Option<&Digest> {
        self.digests.iter().find(|digest| digest.algorithm() == algorithm)
    }
}

/// A CAdES signature file.
#[derive(Debug)]
pub(super) struct SignatureFile {
    pub(super) file: usize,
    pub(super) document: Result<UnverifiedDocument, ReadError>,
}

/// A time-stamp token.
#[derive(Debug)]
pub(super) struct TimestampFile {
    pub(super) file: usize,
    pub(super) token: Vec<u8>,
    /// With which algorithm its imprint was made, where it can be read.
    pub(super) imprint: Option<DigestAlgorithm>,
    /// The imprint itself.
    pub(super) over: Option<Digest>,
    /// The time that it claims, where it can be read.
    pub(super) claimed: Option<OffsetDateTime>,
}

/// A manifest, with its references looked up.
#[derive(Debug)]
pub(super) struct ManifestFile {
    pub(super) file: usize,
    pub(super) manifest: Manifest,
    pub(super) signature: Target,
    /// For each object of the manifest.
    pub(super) objects: Vec<Target>,
}

/// Where a reference leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To this entry.
    File(usize),
    /// Nowhere.
    Missing,
    /// To one entry as it stands, and to another after decoding.
    Ambiguous,
}

impl Target {
    pub(super) fn file(self) -> Option<usize> {
        if let Self::File(file) = self { Some(file) } else { None }
    }
}

impl Container {
    /// Reads a container within the ordinary limits. The content of every entry is read once, in constant memory.
    ///
    /// # Errors
    /// See [`ContainerError`].
    pub fn read(source: impl Source) -> Result<Self, ContainerError> {
        Self::read_within(source, &Limits::default())
    }

    /// Reads a container within limits of the caller's.
    ///
    /// # Errors
    /// See [`ContainerError`].
    pub fn read_within(source: impl Source, limits: &Limits) -> Result<Self, ContainerError> {
        let archive = Archive::read(source, limits)?;
        let kinds: Vec<Kind> = archive.entries().iter().map(|entry| Kind::of(entry.name())).collect();
        let (declared, findings) = shape::read_mimetype(&archive)?;
        let (kind, flavour) = kind::decide(declared, kind::declared_in_comment(archive.comment()), &kinds)?;
        shape::check_counts(&archive, &kinds, kind, flavour)?;
        let mut container = Self {
            kind,
            flavour,
            digest: [0; 32],
            files: read::files(&archive, &kinds),
            signatures: Vec::new(),
            xml_signatures: Vec::new(),
            open_document_manifest: None,
            timestamps: Vec::new(),
            manifests: Vec::new(),
            hash_chains: Vec::new(),
            findings,
        };
        let mut metadata = container.read_metadata(&archive)?;
        if container.signing_certificates().len() > SIGNATURES_IN_DOCUMENT {
            return Err(ContainerError::TooManySignatures);
        }
        container.follow_hash_chains(&archive, &mut metadata)?;
        let needed = container.needed_digests();
        let kept = container.needed_octets(&metadata);
        container.hash(&archive, metadata, &needed, &kept)?;
        Ok(container)
    }

    /// Whether it is ASiC-S, ASiC-E or OpenDocument.
    #[must_use]
    pub fn kind(&self) -> ContainerType {
        self.kind
    }

    /// What signs in it.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// The documents in it, in the order of the archive. Unverified!
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.kind == Kind::Payload).map(|file| file.name.as_str())
    }

    /// Every certificate in the signatures, so that the caller can fetch revocation data. Unverified!
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        let of_xml = self.xml_contents().flat_map(|content| &content.certificates);
        self.documents().flat_map(UnverifiedDocument::certificates).chain(of_xml)
    }

    /// For each signature the identified signing certificate (by reference, unverified).
    #[must_use]
    pub fn signing_certificates(&self) -> Vec<Option<Certificate>> {
        let of_xml = self.xml_contents().flat_map(|content| content.signers.iter().cloned());
        self.documents().flat_map(UnverifiedDocument::signing_certificates).chain(of_xml).collect()
    }

    fn documents(&self) -> impl Iterator<Item = &UnverifiedDocument> {
        self.signatures.iter().filter_map(|signature| signature.document.as_ref().ok())
    }

    /// The XML files with signatures that can be read.
    pub(super) fn xml_contents(&self) -> impl Iterator<Item = &XmlContent> {
        self.xml_signatures.iter().filter_map(|signature| signature.content.as_ref().ok())
    }

    /// The document of ASiC-S.
    pub(super) fn data_object(&self) -> Option<usize> {
        let mut payloads = self.files.iter().enumerate().filter(|(_, file)| file.kind == Kind::Payload);
        match (payloads.next(), payloads.next()) {
            (Some((index, _)), None) if self.kind == ContainerType::Simple => Some(index),
            _ => None,
        }
    }

    /// The manifests of this kind whose signature, time-stamp or evidence record is the entry `file`.
    pub(super) fn manifests_of(&self, kind: Kind, file: usize) -> impl Iterator<Item = &ManifestFile> {
        let is_kind =
            move |manifest: &&ManifestFile| self.files.get(manifest.file).is_some_and(|file| file.kind == kind);
        self.manifests.iter().filter(is_kind).filter(move |manifest| manifest.signature == Target::File(file))
    }

    /// The hash chain whose result is the entry `file`.
    pub(super) fn hash_chain(&self, file: usize) -> Option<&HashChain> {
        self.hash_chains.iter().find(|chain| chain.result == file)
    }

    pub(super) fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.name)
    }
}
