//! What a signature or time-stamp covers in its container, and what nothing covers: ETSI EN 319 162-1, 4.3, 4.4 and A.4.

use std::collections::BTreeSet;

use crypto::digest::Digest;
use time::OffsetDateTime;

use crate::validate::Policy;
use crate::xades::Fault;

use super::container::{Container, Located, ManifestFile, Target, TimestampFile};
use super::error::Finding;
use super::hash_chain::HashChain;
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
    /// The hash chain on whose result a time-stamp is.
    chain: Option<&'c HashChain>,
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
            coverage.check_part(container, part);
            coverage.follow(container, part);
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

    /// Compares the entry that a reference leads to.
    fn check_part(&mut self, container: &Container, part: &Part) {
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
        self.files.extend(part.target.file().filter(|index| !self.files.contains(index)));
        self.findings.extend(finding.map(|finding| (finding, about(container, part.target, &part.uri))));
    }

    /// Where a reference leads to the result of a hash chain, what the chain leads to is covered, too.
    fn follow(&mut self, container: &Container, part: &Part) {
        let result = part.target.file().filter(|_| !part.is_transformed);
        let Some(chain) = result.and_then(|file| container.hash_chain(file)) else { return };
        self.check_chain(container, chain);
    }

    fn check_chain(&mut self, container: &Container, chain: &HashChain) {
        chain.parts.iter().for_each(|part| self.check_part(container, part));
        self.findings.extend(chain.finding.as_ref().map(|(finding, reference)| {
            let target = if reference.is_empty() { Target::File(chain.result) } else { Target::Missing };
            (*finding, about(container, target, reference))
        }));
    }

    /// Of a time-stamp. In ASiC-S it is over the document, unless an archive manifest names it. X-Road's of a batch is over the result
    /// of a hash chain, and not over the manifest that says so.
    pub(super) fn of_timestamp(container: &'c Container, timestamp: &TimestampFile) -> Self {
        let file = timestamp.file;
        if let Some(chain) = stamped_chain(container, timestamp) {
            let mut coverage = Self { chain: Some(chain), ..Self::default() };
            coverage.cover(container, chain.result);
            coverage.check_chain(container, chain);
            return coverage;
        }
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
        if let Some(chain) = self.chain {
            return weak_steps(container, chain, policy, existed);
        }
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
        let mut weak: Vec<Located> =
            weak.map(|part| (Finding::DigestWeak, about(container, part.target, &part.uri))).collect();
        let results = parts.iter().filter(|part| !part.is_transformed).filter_map(|part| part.target.file());
        let chains = results.filter_map(|file| container.hash_chain(file));
        weak.extend(chains.flat_map(|chain| weak_steps(container, chain, policy, existed)));
        weak
    }
}

/// A hash chain in which a digest is used that the policy does not rely on.
fn weak_steps(container: &Container, chain: &HashChain, policy: &Policy, existed: OffsetDateTime) -> Vec<Located> {
    let of_parts = chain.parts.iter().filter_map(|part| Some(part.digest.ok()?.algorithm()));
    let mut algorithms = chain.algorithms.iter().copied().chain(of_parts);
    let is_weak = algorithms.any(|algorithm| !policy.suite.digest(algorithm).covers(existed));
    is_weak.then(|| (Finding::DigestWeak, container.name(chain.result).to_owned())).into_iter().collect()
}

/// The hash chain on whose result a time-stamp is: the one object of its manifest, if the imprint is that object's.
fn stamped_chain<'c>(container: &'c Container, timestamp: &TimestampFile) -> Option<&'c HashChain> {
    let mut manifests = container.manifests_of(Kind::Manifest, timestamp.file);
    let (Some(manifest), None) = (manifests.next(), manifests.next()) else { return None };
    let [Target::File(result)] = manifest.objects.as_slice() else { return None };
    let imprint = timestamp.over?;
    let is_over = container.files.get(*result)?.digest(imprint.algorithm()) == Some(&imprint);
    container.hash_chain(*result).filter(|_| is_over)
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
        let parts = || container.xml_contents().flat_map(|content| content.signatures.iter().flatten());
        let results = parts().filter(|part| !part.is_transformed).filter_map(|part| part.target.file());
        let chains = results.filter_map(|file| container.hash_chain(file));
        let chained = chains.flat_map(|chain| &chain.parts);
        parts().chain(chained).filter_map(|part| part.target.file()).collect()
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
        Kind::HashChain => serves_chain(container, index),
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

/// Whether an entry is the result of a chain that leads somewhere, or all steps in it count. What else stands in such a file, nothing is over.
fn serves_chain(container: &Container, index: usize) -> bool {
    let mut sound = container.hash_chains.iter().filter(|chain| chain.finding.is_none());
    sound.any(|chain| chain.result == index || chain.files.get(&index) == Some(&true))
}
