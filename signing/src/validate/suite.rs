//! Crypto suites as data: which algorithms and key sizes are relied on, and until when.
//!
//! A suite answers one question: was this algorithm strong enough for something that is known to have existed at a time?
//! EN 319 102-1, 5.2.8.4 leaves the table to the policy; the European one follows ETSI TS 119 312, the national one the
//! algorithms that Ukrainian law recognises for qualified signatures.

use crypto::digest::DigestAlgorithm;
use crypto::key::KeyKind;
use time::OffsetDateTime;
use time::macros::datetime;

/// Until when an algorithm is relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliance {
    /// No end is set.
    Current,
    /// What is known to have existed before this time is relied on.
    Until(OffsetDateTime),
    /// The suite does not have it.
    Never,
}

impl Reliance {
    /// Whether something that existed at `existed` is relied on.
    #[must_use]
    pub fn covers(self, existed: OffsetDateTime) -> bool {
        match self {
            Self::Current => true,
            Self::Until(end) => existed < end,
            Self::Never => false,
        }
    }
}

/// A table of digests and keys. What is not in it is not relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    /// Digests, each once.
    pub digests: &'static [(DigestAlgorithm, Reliance)],
    /// RSA keys: from so many bits on; ascending. Below the first: never.
    pub rsa: &'static [(u32, Reliance)],
    /// Keys on the named European curves.
    pub elliptic: Reliance,
    /// Ed25519 and Ed448.
    pub edwards: Reliance,
    /// Keys of DSTU 4145, by the smallest degree of the field; ascending.
    pub dstu4145: &'static [(usize, Reliance)],
}

impl Suite {
    /// How long a digest is relied on.
    #[must_use]
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Reliance {
        let row = self.digests.iter().find(|(known, _)| *known == algorithm);
        row.map_or(Reliance::Never, |(_, reliance)| *reliance)
    }

    /// How long a key is relied on.
    #[must_use]
    pub fn key(&self, kind: KeyKind) -> Reliance {
        match kind {
            KeyKind::Rsa { bits } => at_least(self.rsa, bits),
            KeyKind::Ec(_) => self.elliptic,
            KeyKind::Ed25519 | KeyKind::Ed448 => self.edwards,
            KeyKind::Dstu4145(curve) => at_least(self.dstu4145, curve.degree()),
        }
    }
}

/// The last row that `size` reaches.
fn at_least<T: Copy + PartialOrd>(rows: &[(T, Reliance)], size: T) -> Reliance {
    rows.iter().rev().find(|(least, _)| size >= *least).map_or(Reliance::Never, |(_, reliance)| *reliance)
}

/// The SHA-2 and SHA-3 families, without an end; SHA-1 was legacy from TS 119 312 V1.1.1 on, and no qualified service
/// issued with it after.
const EUROPEAN_DIGESTS: [(DigestAlgorithm, Reliance); 9] = [
    (DigestAlgorithm::Sha1, Reliance::Until(datetime!(2012-08-01 00:00 UTC))),
    (DigestAlgorithm::Sha224, Reliance::Current),
    (DigestAlgorithm::Sha256, Reliance::Current),
    (DigestAlgorithm::Sha384, Reliance::Current),
    (DigestAlgorithm::Sha512, Reliance::Current),
    (DigestAlgorithm::Sha3_224, Reliance::Current),
    (DigestAlgorithm::Sha3_256, Reliance::Current),
    (DigestAlgorithm::Sha3_384, Reliance::Current),
    (DigestAlgorithm::Sha3_512, Reliance::Current),
];

/// RSA from 1900 bits is legacy in TS 119 312 and still what many qualified certificates hold; no end is set here.
const RSA: [(u32, Reliance); 3] = [
    (1024, Reliance::Until(datetime!(2009-08-01 00:00 UTC))),
    (1536, Reliance::Until(datetime!(2016-08-01 00:00 UTC))),
    (1900, Reliance::Current),
];

/// ETSI TS 119 312: the European suite alone. V1.5.1 does not have the Edwards curves.
pub const TS_119_312: Suite = Suite {
    digests: &EUROPEAN_DIGESTS,
    rsa: &RSA,
    elliptic: Reliance::Current,
    edwards: Reliance::Never,
    dstu4145: &[],
};

/// The European suite with the Edwards curves, and the national one: DSTU 4145 with GOST 34.311 and Kupyna. The central authority makes no new
/// keys for GOST 34.311 since February 2026, but no act has set its end for what is signed: the row waits for the date.
pub const UKRAINIAN: Suite = Suite {
    digests: &{
        let national = Reliance::Current;
        let [sha1, sha224, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512] = EUROPEAN_DIGESTS;
        [
            sha1,
            sha224,
            sha256,
            sha384,
            sha512,
            sha3_224,
            sha3_256,
            sha3_384,
            sha3_512,
            (DigestAlgorithm::Gost34311, national),
            (DigestAlgorithm::Kupyna256, national),
            (DigestAlgorithm::Kupyna384, national),
            (DigestAlgorithm::Kupyna512, national),
        ]
    },
    edwards: Reliance::Current,
    dstu4145: &[(163, Reliance::Current)],
    ..TS_119_312
};

/// Everything that can be verified at all, whatever its strength: for reading old documents, never for accepting new ones.
pub const ANY: Suite = Suite {
    digests: &{
        let mut rows = [(DigestAlgorithm::Sha1, Reliance::Current); DigestAlgorithm::ALL.len()];
        let mut index = 0;
        while index < rows.len() {
            rows[index].0 = DigestAlgorithm::ALL[index];
            index += 1;
        }
        rows
    },
    rsa: &[(0, Reliance::Current)],
    elliptic: Reliance::Current,
    edwards: Reliance::Current,
    dstu4145: &[(0, Reliance::Current)],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::dstu4145;
    use crypto::key::Curve;

    #[test]
    fn every_digest_stands_once_in_the_national_suite() {
        for algorithm in DigestAlgorithm::ALL {
            assert_eq!(UKRAINIAN.digests.iter().filter(|(known, _)| *known == algorithm).count(), 1, "{algorithm:?}");
            assert_eq!(ANY.digest(algorithm), Reliance::Current);
        }
        assert_eq!(TS_119_312.digest(DigestAlgorithm::Gost34311), Reliance::Never);
    }

    #[test]
    fn keys_are_judged_by_family_and_size() {
        let rsa = |bits| TS_119_312.key(KeyKind::Rsa { bits });
        assert_eq!(rsa(1023), Reliance::Never);
        assert!(rsa(1024).covers(datetime!(2009-07-31 23:59:59 UTC)));
        assert!(!rsa(1024).covers(datetime!(2009-08-01 00:00 UTC)));
        assert!(rsa(1899).covers(datetime!(2016-07-31 00:00 UTC)));
        assert_eq!(rsa(2048), Reliance::Current);
        assert_eq!(TS_119_312.key(KeyKind::Ec(Curve::P256)), Reliance::Current);
        for edwards in [KeyKind::Ed25519, KeyKind::Ed448] {
            assert_eq!((TS_119_312.key(edwards), UKRAINIAN.key(edwards)), (Reliance::Never, Reliance::Current));
        }
        let national = KeyKind::Dstu4145(dstu4145::Curve::M257);
        assert_eq!(TS_119_312.key(national), Reliance::Never);
        assert_eq!(UKRAINIAN.key(national), Reliance::Current);
    }
}
