//! Who takes part in a message, remembered: it never changes, and whoever leased a message will ask for it again at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use schemas::{Edrpou, MailboxId, MessageId};

/// Sender and mailbox of messages that were leased lately. Two generations: when the younger is full it becomes the older,
/// and what nobody asked for since is forgotten.
#[derive(Default)]
pub(crate) struct Parties {
    generations: Mutex<[HashMap<MessageId, (Edrpou, MailboxId)>; 2]>,
}

/// Messages of one generation: some two megabytes, and what 1,500 documents a second lease in ten seconds.
const GENERATION: usize = 16 * 1024;

impl Parties {
    pub(crate) fn of(&self, message: MessageId) -> Option<(Edrpou, MailboxId)> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find_map(|generation| generation.get(&message).cloned())
    }

    pub(crate) fn remember(&self, messages: impl IntoIterator<Item = (MessageId, Edrpou, MailboxId)>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        for (message, sender, recipient) in messages {
            let [young, old] = &mut *generations;
            if young.len() >= GENERATION {
                *old = std::mem::take(young);
            }
            young.insert(message, (sender, recipient));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_leased_lately_is_known_and_memory_is_bounded() {
        let parties = Parties::default();
        let id = |n: usize| MessageId::from_parts(u64::try_from(n).unwrap(), [1; 10]);
        let (sender, recipient): (Edrpou, MailboxId) =
            ("00000001".parse().unwrap(), "00000002.chancellery".parse().unwrap());
        let all = 5 * GENERATION;
        for n in 0..all {
            parties.remember([(id(n), sender, recipient.clone())]);
        }
        assert_eq!(parties.of(id(all - 1)), Some((sender, recipient.clone())));
        assert_eq!(parties.of(id(all - GENERATION)), Some((sender, recipient)));
        assert_eq!(parties.of(id(0)), None);
        let held: usize = parties.generations.lock().unwrap().iter().map(HashMap::len).sum();
        assert!(held <= 2 * GENERATION);
    }
}
