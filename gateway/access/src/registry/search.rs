//! Who takes part: pages of the registry, searched by code, name, area and capability.

use schemas::Edrpou;
use schemas::limits::PAGE_ITEMS;
use schemas::registry::{Capability, Participant, ParticipantQuery, Participants};
use storage::StoreError;

use super::Registry;
use super::snapshot::{Entry, Snapshot};

/// A text as names are compared: in small letters, and with one apostrophe. Keyboards have four that look alike, and a clerk
/// types whichever is at hand.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase().replace(['\u{2019}', '\u{2bc}', '`'], "'")
}

impl Registry {
    /// The participants that meet all that is asked, by code: at most a page of them.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn participants(&self, query: &ParticipantQuery) -> Result<Participants, StoreError> {
        let snapshot = self.snapshot().await?;
        let most = query.limit.unwrap_or(PAGE_ITEMS).min(PAGE_ITEMS);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let text = query.query.as_deref().map(|text| folded(text.trim()));
        let mut found = snapshot.entries_after(query.after).filter_map(|(edrpou, entry)| {
            let named = text.as_ref().is_none_or(|text| is_named(*edrpou, entry, text));
            let there = query.area.is_none_or(|area| entry.area.is_some_and(|own| area.holds(&own)));
            let participant = (named && there).then(|| self.view(&snapshot, *edrpou, entry))?;
            let able = query.capability.as_ref().is_none_or(|capability| has(&participant, capability));
            able.then_some(participant)
        });
        let participants: Vec<Participant> = found.by_ref().take(most).collect();
        let next_after = found.next().and(participants.last()).map(|last| last.edrpou);
        Ok(Participants { participants, next_after })
    }

    /// The participant as others see it now.
    pub(super) fn view(&self, snapshot: &Snapshot, edrpou: Edrpou, entry: &Entry) -> Participant {
        let suspended = entry.mailboxes.iter().filter(|mailbox| snapshot.mailbox_is_suspended(mailbox));
        Participant {
            suspended: snapshot.owner_is_suspended(edrpou),
            suspended_mailboxes: suspended.cloned().collect(),
            last_seen_at: self.last_seen_at(edrpou),
            ..entry.view(edrpou, self.inner.clock.now())
        }
    }
}

fn is_named(edrpou: Edrpou, entry: &Entry, text: &str) -> bool {
    edrpou.as_str().starts_with(text) || entry.folded.contains(text)
}

fn has(participant: &Participant, capability: &Capability) -> bool {
    match capability {
        Capability::Receive => participant.can_receive && !participant.suspended,
        Capability::Delivery(mode) => participant.reception.delivery == *mode,
        Capability::Key(key) => participant.encryption.is_some_and(|encryption| encryption.key == *key),
        Capability::Kind(kind) => participant.reception.takes(kind),
    }
}

#[cfg(test)]
mod tests;
