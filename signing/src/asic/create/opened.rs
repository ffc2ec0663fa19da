//! A container with XAdES signatures that is being changed: one more signature, or more in one of them. In memory.

use crypto::digest::{Digest, DigestAlgorithm, digest};
use schemas::limits::SIGNATURE_BYTES;

use crate::asic::container::{Container, File};
use crate::asic::error::ContainerError;
use crate::asic::kind::{ContainerType, Flavour, Kind};
use crate::asic::xml_signatures::{Entries, OPEN_DOCUMENT_MANIFEST};
use crate::asic::zip::{Archive, Limits};
use crate::cades::Signatory;
use crate::xades::Contents;
use crate::xml::{Limits as XmlLimits, Source};

use super::xades::{Prepared, SignError, UNKNOWN_TYPE, digest_algorithm};
use super::{Completed, Content, Part, is_media_type};

/// Octets of all entries, inflated. They are held in memory.
const IN_MEMORY: u64 = 512 * 1024 * 1024;

/// A container, unverified, with the octets of all its entries.
#[derive(Debug)]
pub struct Opened {
    kind: ContainerType,
    /// In the order in which they are to be written.
    files: Vec<File>,
}

impl Opened {
    /// Reads a container with XAdES signatures.
    ///
    /// # Errors
    /// `Container`; `Kind` where something else signs in it.
    pub fn read(container: &[u8]) -> Result<Self, SignError> {
        let limits = Limits { inflated: IN_MEMORY, ..Limits::default() };
        let read = Container::read_within(container, &limits)?;
        if read.flavour() != Flavour::Xades {
            return Err(SignError::Kind);
        }
        let archive = Archive::read(container, &limits)?;
        let mut files = Vec::with_capacity(archive.entries().len());
        for entry in archive.entries() {
            let octets = archive.content(entry, usize::try_from(entry.size()).unwrap_or(usize::MAX))?;
            files.push(File {
                name: entry.name().to_owned(),
                kind: Kind::of(entry.name()),
                size: entry.size(),
                digests: Vec::new(),
                octets: Some(octets),
            });
        }
        // EN 319 162-1, A.1.
        files.sort_by_key(|file| file.kind != Kind::Mimetype);
        Ok(Self { kind: read.kind(), files })
    }

    /// Names of the files with XAdES signatures.
    pub fn signature_files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.kind.is_xml_signatures()).map(|file| file.name.as_str())
    }

    /// The octets of such a file, to be augmented.
    #[must_use]
    pub fn signature_file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.kind.is_xml_signatures() && file.name == name);
        file.and_then(|file| file.octets.as_deref())
    }

    /// What signatures in the container are over.
    #[must_use]
    pub fn contents(&self) -> impl Contents {
        Held(Entries::of(&self.files))
    }

    /// The container with other octets in a signature file that it has. Entries are written stored; their contents and order stay, but that the
    /// type comes first.
    ///
    /// # Errors
    /// `Kind` where there is no such file; `Container` where the result is no container that is read here.
    pub fn with_signature_file(&self, name: &str, octets: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature_file(name).ok_or(SignError::Kind)?;
        if octets.len() > SIGNATURE_BYTES {
            return Err(ContainerError::MetadataTooLarge.into());
        }
        let mut entries = self.entries();
        for (entry, content) in &mut entries {
            if entry == name {
                *content = Content::Memory(octets.to_vec());
            }
        }
        let completed =
            Completed::plan(entries.iter().map(|(name, content)| (name.as_str(), content.clone())).collect());
        let bytes = completed.to_vec(&[]).map_err(|_| ContainerError::Source)?;
        Container::read(bytes.as_slice())?;
        Ok(bytes)
    }

    /// Prepares one more signature over all documents, beside those that are there. Their media types are those of META-INF/manifest.xml.
    ///
    /// # Errors
    /// `Kind` where it is not ASiC-E; as [`super::xades::prepare`].
    pub fn prepare(&self, signatory: &Signatory<'_>) -> Result<Prepared, SignError> {
        if self.kind != ContainerType::Extended {
            return Err(SignError::Kind);
        }
        let types = self.media_types();
        let by = digest_algorithm(signatory);
        let documents = self.files.iter().filter(|file| file.kind == Kind::Payload);
        let part = |file: &File| {
            let media_type =
                types.iter().find(|(path, _)| *path == file.name).map(|(_, media_type)| media_type.as_str());
            let content = file.octets.as_deref().unwrap_or_default();
            Part::of_bytes(&file.name, Some(media_type.unwrap_or(UNKNOWN_TYPE)), content, by)
        };
        let parts = documents.map(part).collect::<Result<Vec<_>, _>>()?;
        let name = (0..=self.files.len()).map(|number| format!("META-INF/signatures{number}.xml"));
        let name = name.into_iter().find(|name| !self.files.iter().any(|file| file.name.eq_ignore_ascii_case(name)));
        Prepared::new(parts, self.entries(), name.ok_or(SignError::Kind)?, signatory)
    }

    fn entries(&self) -> Vec<(String, Content)> {
        let entry = |file: &File| (file.name.clone(), Content::Memory(file.octets.clone().unwrap_or_default()));
        self.files.iter().map(entry).collect()
    }

    /// What META-INF/manifest.xml says; nothing where it is none, or says it twice.
    fn media_types(&self) -> Vec<(String, String)> {
        let manifest = self.files.iter().find(|file| file.kind == Kind::OpenDocumentManifest);
        let octets = manifest.and_then(|file| file.octets.as_deref()).unwrap_or_default();
        let Ok(source) = Source::read(octets, &XmlLimits::MANIFEST) else { return Vec::new() };
        let Ok(document) = source.parse() else { return Vec::new() };
        let entries = document.root_element().children().filter(|node| node.is_element());
        let pairs = entries.filter_map(|entry| {
            let attribute = |name| entry.attribute((OPEN_DOCUMENT_MANIFEST, name));
            Some((attribute("full-path")?.to_owned(), attribute("media-type")?.to_owned()))
        });
        pairs.filter(|(_, media_type)| is_media_type(media_type)).collect()
    }
}

/// Entries by the rules of validation, hashed when they are asked for.
struct Held<'o>(Entries<'o>);

impl Contents for Held<'_> {
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        self.octets(uri).map(|octets| digest(algorithm, octets))
    }

    fn octets(&self, uri: Option<&str>) -> Option<&[u8]> {
        self.0.octets(uri)
    }
}
