//! Certificates that were believed once: the next file that carries one need not verify it again.
//!
//! A region's documents carry the same few hundred certificates of people, authorities, responders and time-stampers. What is
//! kept of each is what does not change: its key made ready, and under which key its own signature was found right. Whether it is valid,
//! and for what, is asked anew each time. Only certificates that lead to an anchor get in, so strangers cannot fill it.
use crate::certificate::Certificate;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

/// Certificates of one generation. Two are kept, some 4 KiB each.
const MOST: usize = 2048;

#[derive(Default)]
pub(super) struct Remembered {
    generations: RwLock<Generations>,
}

#[derive(Default)]
struct Generations {
    young: Set,
    old: Set,
}

type Set = HashSet<Certificate, BuildHasherDefault<Tail>>;

/// A hash of the last octets: a certificate ends in its signature, which is as good as random, and which nobody but the
/// authorities that we believe can choose.
#[derive(Default)]
struct Tail(u64);

impl Hasher for Tail {
    fn write(&mut self, bytes: &[u8]) {
        for octet in bytes.iter().rev().take(16) {
            self.0 = (self.0.rotate_left(5) ^ u64::from(*octet)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    /// The length of what is hashed, which tells nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Remembered {
    pub(super) fn recall(&self, der: &[u8]) -> Option<Certificate> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.young.get(der).or_else(|| generations.old.get(der)).cloned()
    }

    pub(super) fn remember(&self, certificate: &Certificate) {
        // Mostly it is there: then nobody waits.
        let is_young = self.generations.read().unwrap_or_else(PoisonError::into_inner).young.contains(certificate);
        if is_young {
            return;
        }
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= MOST {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(certificate.clone());
    }
}

/// How many there are.
impl std::fmt::Debug for Remembered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        write!(formatter, "Remembered({} young, {} old)", generations.young.len(), generations.old.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::{DevPki, Profile, Usage};
    use crypto::key::{Curve, KeyKind};
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn the_latest_are_there_and_the_oldest_make_room() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let pki = DevPki::new(now, Duration::days(9), "").unwrap();
        let issue = || {
            let profile = Profile {
                common_name: "A".into(),
                organisation: None,
                edrpou: None,
                rnokpp: None,
                usage: Usage::Signing,
                key: KeyKind::Ec(Curve::P256),
                not_before: now,
                not_after: now + Duration::days(1),
                dns_names: Vec::new(),
            };
            pki.issue(profile).unwrap().certificate
        };
        let remembered = Remembered::default();
        let first = issue();
        remembered.remember(&first);
        let same = Certificate::from_der(first.der()).unwrap();
        first.verify_signature(pki.issuing_ca().public_key().unwrap()).unwrap();
        assert_eq!(remembered.recall(same.der()), Some(same));
        assert_eq!(remembered.recall(issue().der()), None);
        let generation: Vec<_> = (0..MOST).map(|_| issue()).collect();
        generation.iter().for_each(|certificate| remembered.remember(certificate));
        assert!(remembered.recall(first.der()).is_some(), "one generation later it is still there");
        let next: Vec<_> = (0..MOST).map(|_| issue()).collect();
        next.iter().for_each(|certificate| remembered.remember(certificate));
        assert!(remembered.recall(first.der()).is_none(), "two generations later it is not");
        assert!(remembered.recall(next.last().unwrap().der()).is_some());
    }
}
