//! Who is at home at another node.

use std::collections::BTreeSet;

use schemas::limits::PAGE_ITEMS;
use schemas::peer::PeerParticipants;
use storage::StoreError;

use super::Registry;

impl Registry {
    /// The participants whose mailboxes are at the node of this name, and the areas that they serve.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn homed_at(&self, node: &str) -> Result<PeerParticipants, StoreError> {
        let most = usize::try_from(PAGE_ITEMS).unwrap_or(usize::MAX);
        let snapshot = self.snapshot().await?;
        let (mut homed, mut areas) = (PeerParticipants::default(), BTreeSet::new());
        for (edrpou, entry) in snapshot.entries_after(None) {
            if snapshot.home(*edrpou) != Some(node) {
                continue;
            }
            homed.count = homed.count.saturating_add(1);
            if homed.participants.len() < most {
                homed.participants.push(*edrpou);
            }
            areas.extend(entry.area.filter(|_| areas.len() < most));
        }
        homed.areas = areas.into_iter().collect();
        Ok(homed)
    }
}
