//! A container as received: what is in it, what refers to what, and the digests of everything that is referred to. Nothing believed.

use std::collections::{BTreeMap, BTreeSet};

use certs::certificate::Certificate;
use certs::timestamp::TstInfo;
use crypto::digest::{Digest, DigestAlgorithm, Digester, digest};
use schemas::limits::{SIGNATURE_BYTES, SIGNATURES_IN_DOCUMENT};
use time::OffsetDateTime;

use crate::asn1::{Layers, Limits as Asn1Limits, normalise};
use crate::cms::SignedData;
use crate::validate::{ReadError, UnverifiedDocument};

use super::error::{ContainerError, Finding};
use super::kind::{self, ContainerType, Flavour, Kind};
use super::manifest::{LONGEST_MANIFEST, Manifest};
use super::xml_signatures::{Names, XmlContent, XmlSignatureFile, is_open_document_manifest};
use super::zip::{Archive, Entry, Limits, Method, Source};

/// Octets of a mimetype entry.
const LONGEST_MIMETYPE: usize = 256;
/// Manifests and time-stamps, each. A signature has one manifest, and each archiving adds one and a time-stamp.
const MOST_MANIFESTS: usize = 64;
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
        let (declared, findings) = read_mimetype(&archive)?;
        let (kind, flavour) = kind::decide(declared, kind::declared_in_comment(archive.comment()), &kinds)?;
        check_counts(&archive, &kinds, kind, flavour)?;
        let mut container = Self {
            kind,
            flavour,
            digest: [0; 32],
            files: files(&archive, &kinds),
            signatures: Vec::new(),
            xml_signatures: Vec::new(),
            open_document_manifest: None,
            timestamps: Vec::new(),
            manifests: Vec::new(),
            findings,
        };
        let metadata = container.read_metadata(&archive)?;
        if container.signing_certificates().len() + container.xml_signature_count() > SIGNATURES_IN_DOCUMENT {
            return Err(ContainerError::TooManySignatures);
        }
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

    /// Every certificate in the CAdES signatures, so that the caller can fetch revocation data. Unverified!
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.documents().flat_map(UnverifiedDocument::certificates)
    }

    /// For each CAdES signature the identified signing certificate (by reference, unverified).
    #[must_use]
    pub fn signing_certificates(&self) -> Vec<Option<Certificate>> {
        self.documents().flat_map(UnverifiedDocument::signing_certificates).collect()
    }

    fn documents(&self) -> impl Iterator<Item = &UnverifiedDocument> {
        self.signatures.iter().filter_map(|signature| signature.document.as_ref().ok())
    }

    fn xml_signature_count(&self) -> usize {
        let contents = self.xml_signatures.iter().filter_map(|signature| signature.content.as_ref().ok());
        contents.map(|content| content.signatures.len()).sum()
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

    pub(super) fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.name)
    }

    /// Reads what is not payload; gives it by entry.
    fn read_metadata<S: Source>(&mut self, archive: &Archive<S>) -> Result<BTreeMap<usize, Vec<u8>>, ContainerError> {
        let mut contents = BTreeMap::new();
        for (index, (file, entry)) in self.files.iter().zip(archive.entries()).enumerate() {
            let limit = match file.kind {
                Kind::Signature | Kind::Timestamp => SIGNATURE_BYTES,
                kind if kind.is_xml_signatures() => SIGNATURE_BYTES,
                kind if kind.is_manifest() || kind == Kind::OpenDocumentManifest => LONGEST_MANIFEST,
                _ => continue,
            };
            let content = archive.content(entry, limit)?;
            match file.kind {
                Kind::Signature => {
                    self.signatures.push(SignatureFile { file: index, document: UnverifiedDocument::parse(&content) });
                }
                Kind::Timestamp => {
                    let info = token_info(&content);
                    let claimed = info.as_ref().map(|info| info.gen_time);
                    let imprint = info.and_then(|info| DigestAlgorithm::from_oid(&info.imprint_oid));
                    self.timestamps.push(TimestampFile { file: index, token: content.clone(), imprint, claimed });
                }
                Kind::XadesSignatures | Kind::OpenDocumentSignatures => {
                    let read = XmlContent::read(&content, &Names::of(&self.files));
                    let signature = XmlSignatureFile { file: index, octets: content.clone(), content: read };
                    self.xml_signatures.push(signature);
                }
                Kind::OpenDocumentManifest => {
                    self.open_document_manifest = is_open_document_manifest(&content).then_some(index);
                }
                _ => {
                    let manifest = Manifest::read(&content)?;
                    let names = &Names::of(&self.files);
                    self.manifests.push(ManifestFile {
                        file: index,
                        signature: names.resolve(&manifest.signature),
                        objects: manifest.objects.iter().map(|object| names.resolve(&object.uri)).collect(),
                        manifest,
                    });
                }
            }
            contents.insert(index, content);
        }
        Ok(contents)
    }

    /// Which digests of which entry somebody needs.
    fn needed_digests(&self) -> Vec<Vec<DigestAlgorithm>> {
        let mut needed: Vec<Vec<DigestAlgorithm>> = vec![Vec::new(); self.files.len()];
        let mut need = |file: usize, algorithm: DigestAlgorithm| {
            if let Some(algorithms) = needed.get_mut(file)
                && !algorithms.contains(&algorithm)
            {
                algorithms.push(algorithm);
            }
        };
        for signature in &self.signatures {
            let Ok(document) = &signature.document else {
                // Its only name in the report.
                need(signature.file, DigestAlgorithm::Sha256);
                continue;
            };
            for algorithm in document.digest_algorithms() {
                self.manifests_of(Kind::Manifest, signature.file).for_each(|manifest| need(manifest.file, algorithm));
                self.data_object().into_iter().for_each(|object| need(object, algorithm));
            }
        }
        for signature in &self.xml_signatures {
            match &signature.content {
                Err(_) => need(signature.file, DigestAlgorithm::Sha256),
                Ok(content) => {
                    let all = content.needs.iter();
                    let pairs =
                        all.flat_map(|(file, wanted)| wanted.digests.iter().map(|algorithm| (*file, *algorithm)));
                    pairs.for_each(|(file, algorithm)| need(file, algorithm));
                }
            }
        }
        for timestamp in &self.timestamps {
            let Some(algorithm) = timestamp.imprint else { continue };
            for kind in [Kind::Manifest, Kind::ArchiveManifest] {
                self.manifests_of(kind, timestamp.file).for_each(|manifest| need(manifest.file, algorithm));
            }
            self.data_object().into_iter().for_each(|object| need(object, algorithm));
        }
        for manifest in &self.manifests {
            for (target, object) in manifest.objects.iter().zip(&manifest.manifest.objects) {
                if let (Target::File(file), Some(algorithm)) = (target, object.digest.algorithm()) {
                    need(*file, algorithm);
                }
            }
        }
        needed
    }

    /// Entries whose content somebody needs, as far as there is room beside the metadata.
    fn needed_octets(&self, metadata: &BTreeMap<usize, Vec<u8>>) -> BTreeSet<usize> {
        let held: u64 = metadata.keys().filter_map(|file| self.files.get(*file)).map(|file| file.size).sum();
        let contents = self.xml_signatures.iter().filter_map(|signature| signature.content.as_ref().ok());
        let needs = contents.flat_map(|content| &content.needs).filter(|(_, need)| need.octets);
        let wanted: BTreeSet<usize> = needs.map(|(file, _)| *file).collect();
        let sizes = wanted.into_iter().filter_map(|file| Some((file, self.files.get(file)?.size)));
        fitting(sizes, MOST_METADATA.saturating_sub(held))
    }

    /// Reads every entry once: its checksum is compared even if nobody needs its digest.
    fn hash<S: Source>(
        &mut self,
        archive: &Archive<S>,
        mut metadata: BTreeMap<usize, Vec<u8>>,
        needed: &[Vec<DigestAlgorithm>],
        kept: &BTreeSet<usize>,
    ) -> Result<(), ContainerError> {
        for (index, ((file, entry), algorithms)) in self.files.iter_mut().zip(archive.entries()).zip(needed).enumerate()
        {
            let is_kept = kept.contains(&index);
            if let Some(content) = metadata.remove(&index) {
                file.digests = algorithms.iter().map(|algorithm| digest(*algorithm, &content)).collect();
                file.octets = is_kept.then_some(content);
                continue;
            }
            let mut content = Vec::new();
            let mut digesters: Vec<Digester> = algorithms.iter().map(|algorithm| Digester::new(*algorithm)).collect();
            archive.stream(entry, |piece| {
                digesters.iter_mut().for_each(|digester| digester.update(piece));
                if is_kept {
                    content.extend_from_slice(piece);
                }
            })?;
            file.digests = digesters.into_iter().map(Digester::finish).collect();
            file.octets = is_kept.then_some(content);
        }
        self.digest = archive.digest()?;
        Ok(())
    }
}

/// The entries, given with their sizes, that still have room when their turn comes.
fn fitting(entries: impl Iterator<Item = (usize, u64)>, mut room: u64) -> BTreeSet<usize> {
    let mut fits = |size: u64| room.checked_sub(size).inspect(|left| room = *left).is_some();
    entries.filter(|(_, size)| fits(*size)).map(|(file, _)| file).collect()
}

fn files<S: Source>(archive: &Archive<S>, kinds: &[Kind]) -> Vec<File> {
    let file = |(entry, kind): (&Entry, &Kind)| File {
        name: entry.name().to_owned(),
        kind: *kind,
        size: entry.size(),
        digests: Vec::new(),
        octets: None,
    };
    archive.entries().iter().zip(kinds).map(file).collect()
}

/// The type that the mimetype entry names, and what is wrong with the entry: EN 319 162-1, A.1 wants it first, stored, and
/// without extra fields, so that the type stands at a fixed place in the file.
fn read_mimetype<S: Source>(archive: &Archive<S>) -> Result<(Option<ContainerType>, Vec<Located>), ContainerError> {
    let Some(entry) = archive.entries().iter().find(|entry| Kind::of(entry.name()) == Kind::Mimetype) else {
        return Ok((None, Vec::new()));
    };
    let (declared, untidy) = kind::declared_in_mimetype(&archive.content(entry, LONGEST_MIMETYPE)?);
    let mut findings = Vec::from_iter(untidy);
    findings.extend((!entry.is_first()).then_some(Finding::MimetypeLate));
    findings.extend((entry.method() != Method::Stored).then_some(Finding::MimetypeCompressed));
    findings.extend(entry.has_local_extra().then_some(Finding::MimetypeExtraField));
    Ok((declared, findings.into_iter().map(|finding| (finding, entry.name().to_owned())).collect()))
}

/// Bounds of what is held in memory, and the one document of ASiC-S.
fn check_counts<S: Source>(
    archive: &Archive<S>,
    kinds: &[Kind],
    kind: ContainerType,
    flavour: Flavour,
) -> Result<(), ContainerError> {
    let of = |wanted: &dyn Fn(Kind) -> bool| {
        archive
            .entries()
            .iter()
            .zip(kinds)
            .filter(|(_, kind)| wanted(**kind))
            .map(|(entry, _)| entry)
            .collect::<Vec<_>>()
    };
    let signatures = of(&|kind| kind == Kind::Signature || kind.is_xml_signatures());
    let timestamps = of(&|kind| kind == Kind::Timestamp);
    let manifests = of(&|kind| kind.is_manifest() || kind == Kind::OpenDocumentManifest);
    if signatures.len() > SIGNATURES_IN_DOCUMENT
        || timestamps.len() > MOST_MANIFESTS
        || manifests.len() > MOST_MANIFESTS
    {
        return Err(ContainerError::TooManySignatures);
    }
    let size = signatures.iter().chain(&timestamps).chain(&manifests).map(|entry| entry.size());
    if size.fold(0, u64::saturating_add) > MOST_METADATA {
        return Err(ContainerError::MetadataTooLarge);
    }
    // Where references name what is signed, a further document is an unsigned one; here it would be unclear which one is.
    if kind == ContainerType::Simple && flavour != Flavour::Xades {
        let payloads = of(&|kind| kind == Kind::Payload);
        match payloads.as_slice() {
            [only] if !only.name().contains('/') => {}
            _ => return Err(ContainerError::DataObjects),
        }
    }
    Ok(())
}

/// What a time-stamp token says, unverified.
fn token_info(token: &[u8]) -> Option<TstInfo> {
    let (der, _) = normalise(token, Layers::SIGNED_DATA, &Asn1Limits::default()).ok()?;
    TstInfo::from_der(SignedData::read(&der).ok()?.content?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_kept_as_long_as_there_is_room() {
        let entries = [(3, 40), (5, 70), (7, 60), (9, 1)];
        assert_eq!(fitting(entries.into_iter(), 100), BTreeSet::from([3, 7]));
        assert_eq!(fitting([(0, u64::MAX)].into_iter(), 100), BTreeSet::new());
    }
}
