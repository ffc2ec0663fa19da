//! What must be known of an entry when it streams by.

use std::collections::{BTreeMap, BTreeSet};

use crypto::digest::DigestAlgorithm;

use crate::asic::kind::Kind;

use super::{Container, MOST_METADATA, Target};

impl Container {
    /// Which digests of which entry somebody needs.
    pub(super) fn needed_digests(&self) -> Vec<Vec<DigestAlgorithm>> {
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
                for manifest in self.manifests_of(kind, timestamp.file) {
                    need(manifest.file, algorithm);
                    let objects = manifest.objects.iter().filter_map(|target| target.file());
                    objects.filter(|file| self.hash_chain(*file).is_some()).for_each(|file| need(file, algorithm));
                }
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
        for part in self.hash_chains.iter().flat_map(|chain| &chain.parts) {
            if let (Target::File(file), Ok(digest)) = (part.target, part.digest) {
                need(file, digest.algorithm());
            }
        }
        needed
    }

    /// Entries whose content somebody needs, as far as there is room beside the metadata.
    pub(super) fn needed_octets(&self, metadata: &BTreeMap<usize, Vec<u8>>) -> BTreeSet<usize> {
        let held: u64 = metadata.keys().filter_map(|file| self.files.get(*file)).map(|file| file.size).sum();
        let needs = self.xml_contents().flat_map(|content| &content.needs).filter(|(_, need)| need.octets);
        let wanted: BTreeSet<usize> = needs.map(|(file, _)| *file).collect();
        let sizes = wanted.into_iter().filter_map(|file| Some((file, self.files.get(file)?.size)));
        fitting(sizes, MOST_METADATA.saturating_sub(held))
    }
}

/// The entries, given with their sizes, that still have room when their turn comes.
fn fitting(entries: impl Iterator<Item = (usize, u64)>, mut room: u64) -> BTreeSet<usize> {
    let mut fits = |size: u64| room.checked_sub(size).inspect(|left| room = *left).is_some();
    entries.filter(|(_, size)| fits(*size)).map(|(file, _)| file).collect()
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
