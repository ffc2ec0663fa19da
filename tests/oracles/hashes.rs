//! GOST 34.311, Kupyna and its keyed mode, over messages of any length.

use crypto::gost34311::gost34311;
use crypto::kupyna::{Kmac, Width, kupyna};
use dstu_core::hazmat::kupyna_kmac::{Kupyna256Kmac, Kupyna384Kmac, Kupyna512Kmac};
use gost94::Digest as _;
use proptest::prelude::*;
use structured_dstu4145::{gost, hash};

fn structured(identity: hash::Hash<'_>, message: &[u8]) -> Vec<u8> {
    let mut state = hash::State::new(identity).unwrap();
    state.update(message).unwrap();
    state.finalize().as_ref().to_vec()
}

fn kmac(width: Width, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut kmac = Kmac::new(width, key).unwrap();
    kmac.update(message);
    kmac.finish()
}

proptest! {
    /// RustCrypto hashes a block of zeros for the empty message, as the Russian standard has it; see [`the_empty_message`].
    #[test]
    fn gost_34_311(message in prop::collection::vec(any::<u8>(), 1..500)) {
        let ours = gost34311(&message);
        prop_assert_eq!(&ours[..], &gost94::Gost94UA::digest(&message)[..]);
        let dke = gost::Dke::new(&gost::DEFAULT_DKE).unwrap();
        prop_assert_eq!(&ours[..], &structured(hash::Hash::Gost34311(&dke), &message)[..]);
    }

    #[test]
    fn kupyna_of_all_widths(message in prop::collection::vec(any::<u8>(), 0..500)) {
        use dstu_core::hazmat::kupyna as core;
        let ours = kupyna(Width::BITS_256, &message);
        prop_assert_eq!(&ours[..], &::kupyna::Kupyna256::digest(&message)[..]);
        prop_assert_eq!(&ours[..], &core::Kupyna256::digest(&message)[..]);
        let ours = kupyna(Width::BITS_384, &message);
        prop_assert_eq!(&ours[..], &::kupyna::Kupyna384::digest(&message)[..]);
        prop_assert_eq!(&ours[..], &core::Kupyna384::digest(&message)[..]);
        let ours = kupyna(Width::BITS_512, &message);
        prop_assert_eq!(&ours[..], &::kupyna::Kupyna512::digest(&message)[..]);
        prop_assert_eq!(&ours[..], &core::Kupyna512::digest(&message)[..]);
    }

    #[test]
    fn kupyna_with_a_key(key: [u8; 64], message in prop::collection::vec(any::<u8>(), 0..300)) {
        let expected = Kupyna256Kmac::mac(&key[..32], &message).unwrap();
        prop_assert_eq!(&kmac(Width::BITS_256, &key[..32], &message)[..], &expected[..]);
        let expected = Kupyna384Kmac::mac(&key[..48], &message).unwrap();
        prop_assert_eq!(&kmac(Width::BITS_384, &key[..48], &message)[..], &expected[..]);
        let expected = Kupyna512Kmac::mac(&key, &message).unwrap();
        prop_assert_eq!(&kmac(Width::BITS_512, &key, &message)[..], &expected[..]);
    }
}

/// The peers hash nothing, as the first reading of the standard has it; ours hashes a block of zeros, as cryptonite and UAPKI do.
#[test]
fn the_empty_message() {
    let dke = gost::Dke::new(&gost::DEFAULT_DKE).unwrap();
    let theirs = structured(hash::Hash::Gost34311(&dke), b"");
    assert_eq!(theirs[..], gost94::Gost94UA::digest(b"")[..]);
    assert_ne!(theirs[..], gost34311(b"")[..]);
}
