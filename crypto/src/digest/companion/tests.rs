use super::*;
use crate::digest::digest_with;
use crate::digest::tests::message;
use crate::provider::Provider;

fn known(bytes: &[u8]) -> Digest {
    digest_with(Provider::ACTIVE, DigestAlgorithm::Sha256, bytes)
}

#[test]
fn both_digests_are_the_right_ones_whatever_their_lengths() {
    // Around one block, and around the places where padding needs one block more.
    let lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 191, 192, 1000, 4096];
    for own in lengths {
        for other in lengths {
            let (own, other) = (message(own, 1), message(other, 2));
            let mut companion = Companion::new(&own);
            assert_eq!(companion.digest(DigestAlgorithm::Sha256, &[&other]), known(&other));
            assert_eq!(companion.finish(), known(&own).as_bytes(), "{} beside {}", own.len(), other.len());
        }
    }
}

#[test]
fn parts_are_hashed_one_after_another_wherever_they_are_cut() {
    let (own, other) = (message(2000, 1), message(300, 2));
    for first in 0..=other.len() {
        for second in (first..=other.len()).step_by(37) {
            let mut companion = Companion::new(&own);
            let parts = [&other[..first], &other[first..second], &[], &other[second..]];
            assert_eq!(companion.digest(DigestAlgorithm::Sha256, &parts), known(&other), "{first}, {second}");
            assert_eq!(companion.finish(), known(&own).as_bytes(), "{first}, {second}");
        }
    }
}

#[test]
fn a_companion_goes_along_with_many_and_is_never_in_their_way() {
    let own = message(700, 1);
    let mut companion = Companion::new(&own);
    for length in [10, 100, 64, 333, 5000, 1] {
        let other = message(length, 3);
        for algorithm in DigestAlgorithm::ALL {
            let expected = digest_with(Provider::ACTIVE, algorithm, &other);
            assert_eq!(companion.digest(algorithm, &[&other]), expected);
            assert_eq!(companion.digest(algorithm, &[&other[..1], &other[1..]]), expected);
        }
    }
    assert_eq!(companion.finish(), known(&own).as_bytes());
    assert_eq!(Companion::new(&own).finish(), known(&own).as_bytes());
}
