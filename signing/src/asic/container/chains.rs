//! Which hash chains are followed: those whose result a signature refers to, or a manifest of a time-stamp.

use std::collections::{BTreeMap, BTreeSet};

use crate::asic::error::ContainerError;
use crate::asic::hash_chain::{HashChain, LONGEST, may_be_result};
use crate::asic::kind::{ContainerType, Kind};
use crate::asic::xml_signatures::Names;
use crate::asic::zip::{Archive, Source};

use super::{Container, MOST_METADATA};

/// Chains of a container. A signature has one, and so has a time-stamp.
const MOST_CHAINS: usize = 32;

impl Container {
    /// Follows the chains. What is read for it joins the metadata, so that it is not read again.
    pub(super) fn follow_hash_chains<S: Source>(
        &mut self,
        archive: &Archive<S>,
        metadata: &mut BTreeMap<usize, Vec<u8>>,
    ) -> Result<(), ContainerError> {
        let results = self.possible_results();
        let held: usize = metadata.values().map(Vec::len).sum();
        let mut room = usize::try_from(MOST_METADATA).unwrap_or(usize::MAX).saturating_sub(held);
        let mut library = |file: usize| {
            if let Some(known) = metadata.get(&file) {
                return Ok(Some(known.clone()));
            }
            let entry = archive.entries().get(file);
            match entry.map(|entry| archive.content(entry, LONGEST.min(room))) {
                Some(Ok(content)) => {
                    room = room.saturating_sub(content.len());
                    metadata.insert(file, content.clone());
                    Ok(Some(content))
                }
                Some(Err(ContainerError::MetadataTooLarge)) | None => Ok(None),
                Some(Err(error)) => Err(error),
            }
        };
        for result in results {
            let names = Names::of(&self.files);
            self.hash_chains.extend(HashChain::follow(result, &names, &mut library)?);
        }
        let files = self.hash_chains.iter().flat_map(|chain| chain.files.keys().copied().chain([chain.result]));
        for file in files.collect::<BTreeSet<usize>>() {
            if let Some(file) = self.files.get_mut(file).filter(|file| file.kind.may_be_hash_chain()) {
                file.kind = Kind::HashChain;
            }
        }
        Ok(())
    }

    /// Entries that may be results, and that somebody who signs or time-stamps refers to.
    fn possible_results(&self) -> BTreeSet<usize> {
        if self.kind != ContainerType::Extended {
            return BTreeSet::new();
        }
        let parts = self.xml_contents().flat_map(|content| content.signatures.iter().flatten());
        let signed = parts.filter(|part| !part.is_transformed).filter_map(|part| part.target.file());
        let stamps = self.timestamps.iter().flat_map(|stamp| self.manifests_of(Kind::Manifest, stamp.file));
        let stamped = stamps.flat_map(|manifest| manifest.objects.iter().filter_map(|target| target.file()));
        let may_be = |file: &usize| {
            self.files.get(*file).is_some_and(|file| file.kind.may_be_hash_chain() && may_be_result(&file.name))
        };
        signed.chain(stamped).filter(may_be).collect::<BTreeSet<usize>>().into_iter().take(MOST_CHAINS).collect()
    }
}
