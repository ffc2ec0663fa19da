//! What a signature or time-stamp covers in its container, and what nothing covers: ETSI EN 319 162-1, 4.3, 4.4 and A.4.

use std::collections::BTreeSet;

use crypto::digest::Digest;
use time::OffsetDateTime;

use crate::validate::Policy;
use crate::xades::Fault;

use super::container::{Container, Located, ManifestFile, Target};
use super::error::Finding;
use super::kind::{ContainerType, Flavour, Kind};
use super::manifest::ReferenceDigest;
use super::uri;
use super::xml_signatures::Part;

/// What one signature or time-stamp covers.
#[derive(Default)]
pub(super) struct Coverage<'c> {
    /// Of the entry that it is over itself: the manifest, or the one document.
    pub(super) digests: &'c [Digest],
    manifest: Option<&'c ManifestFile>,
    /// The entries that it covers, that it is over itself among them.
    pub(super) files: Vec<usize>,
    pub(super) findings: Vec<Located>,
}

impl<'c> Coverage<'c> {
    /// Of the signature in the entry `file`.
    pub(super) fn of_signature(container: &'c Container, file: usize) -> Self {
        let mut coverage = if container.kind == ContainerType::Simple {
            Self::of_document(container, file)
        } else {
            Self::of_manifest(container, file, &[Kind::Manifest])
        };
        if container.kind == ContainerType::Simple && of_kind(container, Kind::Signature).count() > 1 {
            coverage.find(Finding::SeveralSignatureFiles, container, file);
        }
        coverage.findings.extend(container.findings.iter().cloned());
        coverage
    }

    /// Of a signature in the XML file `file` that refers to `parts`. The engine follows its references, too; here it is said which entry
    /// is not the one that was signed.
    pub(super) fn of_xml(container: &Container, file: usize, parts: &[Part]) -> Self {
        let mut coverage = Self::default();
        for part in parts {
            let finding = match (part.target, part.digest) {
                (Target::Missing, _) => Some(Finding::ObjectMissing),
                (Target::Ambiguous, _) => Some(Finding::ObjectAmbiguous),
                (Target::File(_), Err(Fault::DigestUnknown)) => Some(Finding::DigestUnknown),
                (Target::File(index), Ok(expected)) if !part.is_transformed => {
                    let found = container.files.get(index).and_then(|file| file.digest(expected.algorithm()));
                    (found != Some(&expected)).then_some(Finding::ObjectChanged)
                }
                // What else may be wrong, only the engine can tell.
                (Target::File(_), _) => None,
            };
            coverage.files.extend(part.target.file().filter(|index| !coverage.files.contains(index)));
            coverage.findings.extend(finding.map(|finding| (finding, about(container, part.target, &part.uri))));
        }
        if container.kind == ContainerType::Simple && xml_files(container).count() > 1 {
            coverage.find(Finding::SeveralSignatureFiles, container, file);
        }
        if !has_right_documents(container) {
            coverage.find(Finding::DocumentCount, container, file);
        }
        coverage.findings.extend(container.findings.iter().cloned());
        coverage
    }

    /// Of the time-stamp in the entry `file`. In ASiC-S it is over the document, unless an archive manifest names it.
    pub(super) fn of_timestamp(container: &'c Container, file: usize) -> Self {
        let archived = container.manifests_of(Kind::ArchiveManifest, file).next().is_some();
        if container.kind == ContainerType::Simple && !archived {
            return Self::of_document(container, file);
        }
        Self::of_manifest(container, file, &[Kind::Manifest, Kind::ArchiveManifest])
    }

    fn of_document(container: &'c Container, file: usize) -> Self {
        let mut coverage = Self::default();
        match container.data_object() {
            Some(document) => coverage.cover(container, document),
            None => coverage.find(Finding::ObjectMissing, container, file),
        }
        coverage
    }

    fn of_manifest(container: &'c Container, file: usize, kinds: &[Kind]) -> Self {
        let mut coverage = Self::default();
        let mut manifests = kinds.iter().flat_map(|kind| container.manifests_of(*kind, file));
        match (manifests.next(), manifests.next()) {
            (Some(manifest), None) => {
                coverage.cover(container, manifest.file);
                coverage.manifest = Some(manifest);
                coverage.check_objects(container, manifest);
            }
            (Some(_), Some(_)) => coverage.find(Finding::ManifestAmbiguous, container, file),
            (None, _) => coverage.find(Finding::ManifestMissing, container, file),
        }
        coverage
    }

    /// The entries that it covers, but for its own manifest.
    pub(super) fn parts(&self) -> impl Iterator<Item = usize> {
        self.files.iter().copied().skip(usize::from(self.manifest.is_some()))
    }

    /// The entry that the signature is over itself.
    fn cover(&mut self, container: &'c Container, file: usize) {
        self.digests = container.files.get(file).map_or(&[], |file| &file.digests);
        self.files.push(file);
    }

    fn find(&mut self, finding: Finding, container: &Container, file: usize) {
        self.findings.push((finding, container.name(file).to_owned()));
    }

    /// Compares each object of the manifest with the container.
    fn check_objects(&mut self, container: &Container, manifest: &ManifestFile) {
        for (object, target) in manifest.manifest.objects.iter().zip(&manifest.objects) {
            let finding = match (target, &object.digest) {
                (Target::Missing, _) => Some(Finding::ObjectMissing),
                (Target::Ambiguous, _) => Some(Finding::ObjectAmbiguous),
                (Target::File(_), ReferenceDigest::Unknown(_)) => Some(Finding::DigestUnknown),
                (Target::File(file), ReferenceDigest::Known(expected)) => {
                    let found = container.files.get(*file).and_then(|file| file.digest(expected.algorithm()));
                    (found != Some(expected)).then_some(Finding::ObjectChanged)
                }
            };
            self.files.extend(target.file());
            self.findings.extend(finding.map(|finding| (finding, about(container, *target, &object.uri))));
        }
    }

    /// Objects whose digest the policy does not rely on for what existed at `existed`.
    pub(super) fn weak_digests(&self, container: &Container, policy: &Policy, existed: OffsetDateTime) -> Vec<Located> {
        let Some(manifest) = self.manifest else { return Vec::new() };
        let objects = manifest.manifest.objects.iter().zip(&manifest.objects);
        let weak = objects.filter(|(object, _)| {
            object.digest.algorithm().is_some_and(|algorithm| !policy.suite.digest(algorithm).covers(existed))
        });
        weak.map(|(object, target)| (Finding::DigestWeak, about(container, *target, &object.uri))).collect()
    }

    /// The same for what an XML signature refers to.
    pub(super) fn weak_parts(
        &self,
        container: &Container,
        parts: &[Part],
        policy: &Policy,
        existed: OffsetDateTime,
    ) -> Vec<Located> {
        let is_weak =
            |part: &&Part| part.digest.is_ok_and(|digest| !policy.suite.digest(digest.algorithm()).covers(existed));
        let weak = parts.iter().filter(is_weak);
        weak.map(|part| (Finding::DigestWeak, about(container, part.target, &part.uri))).collect()
    }
}

/// EN 319 162-1, 4.3.3.1 and 4.4.3.1. What an OpenDocument file must hold is its own matter.
fn has_right_documents(container: &Container) -> bool {
    match container.kind {
        ContainerType::Simple => container.data_object().is_some_and(|file| !container.name(file).contains('/')),
        ContainerType::Extended => of_kind(container, Kind::Payload).next().is_some(),
        ContainerType::OpenDocument => true,
    }
}

/// The name of what a reference is about. Names of entries show; what leads nowhere is shown decoded and without what does not.
fn about(container: &Container, target: Target, reference: &str) -> String {
    match target {
        Target::File(file) => container.name(file).to_owned(),
        Target::Missing | Target::Ambiguous => {
            uri::decode(reference).as_deref().unwrap_or(reference).escape_debug().to_string()
        }
    }
}

fn xml_files(container: &Container) -> impl Iterator<Item = usize> {
    container.xml_signatures.iter().map(|signature| signature.file)
}

pub(super) fn of_kind(container: &Container, kind: Kind) -> impl Iterator<Item = usize> {
    container.files.iter().enumerate().filter(move |(_, file)| file.kind == kind).map(|(index, _)| index)
}

/// Names of the entries that no signature covers and that are not there for a signature either. Covered is what a signature refers
/// to, whatever it is worth: a signature that fails says so itself.
pub(super) fn unsigned_parts(container: &Container) -> Vec<String> {
    let signatures = of_kind(container, Kind::Signature);
    let covered: BTreeSet<usize> = if container.flavour == Flavour::Xades {
        let contents = container.xml_signatures.iter().filter_map(|signature| signature.content.as_ref().ok());
        let parts = contents.flat_map(|content| content.signatures.iter().flatten());
        parts.filter_map(|part| part.target.file()).collect()
    } else if container.kind == ContainerType::Simple {
        signatures.take(1).filter_map(|_| container.data_object()).collect()
    } else {
        let manifests = signatures.flat_map(|file| container.manifests_of(Kind::Manifest, file));
        manifests.flat_map(|manifest| manifest.objects.iter().filter_map(|target| target.file())).collect()
    };
    let files = container.files.iter().enumerate();
    let unsigned =
        files.filter(|(index, file)| !covered.contains(index) && !is_accounted_for(container, *index, file.kind));
    unsigned.map(|(_, file)| file.name.clone()).collect()
}

/// Whether an entry serves a signature, time-stamp or evidence record that is there.
fn is_accounted_for(container: &Container, index: usize, kind: Kind) -> bool {
    let leads_to = |kinds: &[Kind]| {
        let manifest = container.manifests.iter().find(|manifest| manifest.file == index);
        let target = manifest.and_then(|manifest| manifest.signature.file());
        target.and_then(|file| container.files.get(file)).is_some_and(|file| kinds.contains(&file.kind))
    };
    let led_to = || container.manifests.iter().any(|manifest| manifest.signature == Target::File(index));
    match kind {
        Kind::Folder | Kind::Signature | Kind::XadesSignatures | Kind::OpenDocumentSignatures => true,
        Kind::Payload | Kind::Unknown => false,
        // OpenDocument 1.3 part 2, 4.1: a signature of the document is over these, too.
        Kind::Mimetype => container.kind != ContainerType::OpenDocument,
        Kind::OpenDocumentManifest => {
            container.kind != ContainerType::OpenDocument && container.open_document_manifest == Some(index)
        }
        Kind::Manifest => leads_to(&[Kind::Signature, Kind::Timestamp]),
        Kind::ArchiveManifest => leads_to(&[Kind::Timestamp]),
        Kind::EvidenceRecordManifest => leads_to(&[Kind::EvidenceRecord]),
        Kind::Timestamp | Kind::EvidenceRecord => container.kind == ContainerType::Simple || led_to(),
    }
}
