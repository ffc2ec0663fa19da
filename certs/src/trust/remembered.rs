//! Certificates, lists and answers that were believed once: the next file that carries one need not read and verify it again.
//!
//! A region's documents carry the same few hundred certificates of people, authorities, responders and time-stampers, and lists and
//! answers of the same day. What is kept of each is what does not change: its reading, its key made ready, and under which key its own
//! signature was found right. Whether it is valid, and for what, is asked anew each time. Only what leads to an anchor gets in, so
//! strangers cannot fill it.
use crate::certificate::Certificate;
use crate::revocation::{Crl, OcspResponse};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// What can be kept: it is told by its bytes.
pub(super) trait Kept: Clone {
    /// As it arrived.
    fn der(&self) -> &[u8];
}

/// The latest things, up to twice `most`: where one generation is full, it becomes the old one.
pub(super) struct Remembered<T> {
    most: usize,
    generations: RwLock<Generations<T>>,
}

struct Generations<T> {
    young: HashMap<u64, T>,
    old: HashMap<u64, T>,
}

impl<T: Kept> Remembered<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, generations: RwLock::new(Generations { young: HashMap::new(), old: HashMap::new() }) }
    }

    pub(super) fn recall(&self, der: &[u8]) -> Option<T> {
        let key = key(der);
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        let kept = generations.young.get(&key).or_else(|| generations.old.get(&key));
        kept.filter(|kept| kept.der() == der).cloned()
    }

    pub(super) fn remember(&self, one: &T) {
        let key = key(one.der());
        // Mostly it is there: then nobody waits.
        let is_young = self.generations.read().unwrap_or_else(PoisonError::into_inner).young.contains_key(&key);
        if is_young {
            return;
        }
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= self.most {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, one.clone());
    }
}

/// How many there are.
impl<T> std::fmt::Debug for Remembered<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        write!(formatter, "Remembered({} young, {} old)", generations.young.len(), generations.old.len())
    }
}

/// Of the length, the beginning, in which serial numbers and dates stand, and the end, which mostly is of a signature. Two things of
/// one key take each other's place, and nothing else: the bytes decide.
fn key(der: &[u8]) -> u64 {
    let begin = der.get(..BEGIN).unwrap_or(der);
    let end = der.get(der.len().saturating_sub(END)..).unwrap_or_default();
    let words = begin.chunks(8).chain(end.chunks(8));
    words.fold(der.len() as u64, |hash, word| {
        let word = word.iter().fold(0, |word, octet| word << 8 | u64::from(*octet));
        (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}

const BEGIN: usize = 512;
const END: usize = 64;

impl Kept for Certificate {
    fn der(&self) -> &[u8] {
        Self::der(self)
    }
}

impl Kept for OcspResponse {
    fn der(&self) -> &[u8] {
        Self::der(self)
    }
}

impl Kept for Crl {
    fn der(&self) -> &[u8] {
        Self::der(self)
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
        let remembered = Remembered::new(20);
        let first = issue();
        remembered.remember(&first);
        let same = Certificate::from_der(first.der()).unwrap();
        first.verify_signature(pki.issuing_ca().public_key().unwrap()).unwrap();
        assert_eq!(remembered.recall(same.der()), Some(same));
        assert_eq!(remembered.recall(issue().der()), None);
        let generation: Vec<_> = (0..20).map(|_| issue()).collect();
        generation.iter().for_each(|certificate| remembered.remember(certificate));
        assert!(remembered.recall(first.der()).is_some(), "one generation later it is still there");
        let next: Vec<_> = (0..20).map(|_| issue()).collect();
        next.iter().for_each(|certificate| remembered.remember(certificate));
        assert!(remembered.recall(first.der()).is_none(), "two generations later it is not");
        assert!(remembered.recall(next.last().unwrap().der()).is_some());
    }

    #[test]
    fn what_is_recalled_is_believed_under_its_own_key_alone() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let (pki, stranger) =
            (DevPki::new(now, Duration::days(9), "").unwrap(), DevPki::new(now, Duration::days(9), "").unwrap());
        let key = |certificate: &Certificate| certificate.public_key().unwrap().clone();
        let (own, others) = (key(pki.issuing_ca()), [key(pki.root()), key(stranger.issuing_ca())]);
        let list = Crl::from_der(&pki.crl(now).unwrap()).unwrap();
        let certificate = pki.issuing_ca().clone();
        list.verify_signature(&own).unwrap();
        certificate.verify_signature(&others[0]).unwrap();
        let (lists, certificates) = (Remembered::new(2), Remembered::new(2));
        lists.remember(&list);
        certificates.remember(&certificate);
        let (list, certificate) = (lists.recall(list.der()).unwrap(), certificates.recall(certificate.der()).unwrap());
        for _ in 0..2 {
            assert!(list.verify_signature(&own).is_ok() && list.is_believed_by(&own));
            assert!(others.iter().all(|key| list.verify_signature(key).is_err() && !list.is_believed_by(key)));
            assert!(certificate.verify_signature(&others[0]).is_ok());
            assert!([&own, &others[1]].iter().all(|key| certificate.verify_signature(key).is_err()));
        }
    }

    #[test]
    fn what_differs_in_one_octet_is_not_recalled() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let pki = DevPki::new(now, Duration::days(9), "").unwrap();
        let list = Crl::from_der(&pki.crl(now).unwrap()).unwrap();
        let remembered = Remembered::new(2);
        remembered.remember(&list);
        assert!(remembered.recall(list.der()).is_some());
        for place in 0..list.der().len() {
            let mut other = list.der().to_vec();
            other[place] ^= 1;
            assert!(remembered.recall(&other).is_none(), "octet {place}");
        }
    }
}
