//! Messages that were leased lately, remembered: whoever leased one will speak of it at once.
//!
//! Who takes part in a message never changes. How it stands does, also by the hand of another process: what is remembered of that is
//! believed only by a step, whose transaction finds out whether it is still so.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use schemas::{Edrpou, MailboxId, MessageId};

use crate::message::Message;
use crate::tables::Held;

/// Sender and mailbox of messages that were leased lately, and as they stand those that were handed over with the lease.
pub(crate) struct Lately {
    parties: Mutex<Generations<MessageId, (Edrpou, MailboxId)>>,
    handed: Mutex<Generations<MessageId, (Message, Held)>>,
}

/// Messages of one generation: some two megabytes, and what 1,500 documents a second lease in ten seconds.
const PARTIES: usize = 16 * 1024;

/// The same of whole messages, of some kilobyte each: they are acknowledged in less than a second.
const HANDED: usize = 4 * 1024;

impl Default for Lately {
    fn default() -> Self {
        Self { parties: Mutex::new(Generations::of(PARTIES)), handed: Mutex::new(Generations::of(HANDED)) }
    }
}

impl Lately {
    /// Who takes part in it.
    pub(crate) fn parties(&self, message: MessageId) -> Option<(Edrpou, MailboxId)> {
        lock(&self.parties).get(&message).cloned()
    }

    /// These were leased.
    pub(crate) fn leased<'a>(&self, messages: impl IntoIterator<Item = &'a Message>) {
        let mut parties = lock(&self.parties);
        for message in messages {
            parties.insert(message.id, (message.sender, message.recipient.clone()));
        }
    }

    /// These were handed over with their lease, and stand so.
    pub(crate) fn handed_over<'a>(&self, messages: impl IntoIterator<Item = &'a Message>, held: Held) {
        let mut handed = lock(&self.handed);
        for message in messages {
            handed.insert(message.id, (message.clone(), held));
        }
    }

    /// How a message stood when it was handed over, for one step: whoever asks again has to read it.
    pub(crate) fn take_handed_over(&self, message: MessageId) -> Option<(Message, Held)> {
        lock(&self.handed).take(&message)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two generations: when the younger is full it becomes the older, and what was put in before is forgotten.
struct Generations<K, V> {
    most: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn of(most: usize) -> Self {
        Self { most, young: HashMap::new(), old: HashMap::new() }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Of both, so that no older value comes to light.
    fn take(&mut self, key: &K) -> Option<V> {
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_lately_is_known_and_memory_is_bounded() {
        let mut lately = Generations::of(100);
        for n in 0..500 {
            lately.insert(n, n);
        }
        assert_eq!(lately.get(&499), Some(&499));
        assert_eq!(lately.get(&400), Some(&400));
        assert_eq!(lately.get(&0), None);
        assert!(lately.young.len() + lately.old.len() <= 200);
    }

    #[test]
    fn what_is_taken_is_gone_with_what_it_replaced() {
        let mut lately = Generations::of(2);
        for (key, value) in [("a", 1), ("b", 1), ("a", 2)] {
            lately.insert(key, value);
        }
        assert_eq!((lately.take(&"a"), lately.take(&"a")), (Some(2), None));
        assert_eq!(lately.get(&"b"), Some(&1));
    }
}
