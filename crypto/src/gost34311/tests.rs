//! Known answers, pieces against the whole, and `gost94` as the oracle.

use gost94::Digest as _;
use proptest::prelude::*;

use super::*;
use crate::digest::{from_hex, hex};

/// The DKE of cryptonite's GOST 28147 tests, where its hash is tested with another table than No 1.
pub(crate) const OTHER_DKE: &str = "4a92d80e6b1c7f53eb4c6dfa23810759581da342efc7609b7da1089fe46cb2536c715fd84a9e03b24ba0721d36859cfedb413f590ae7682c1fd057a4923e6b8c";

/// Message and digest with DKE No 1 and a starting value of zero. Sources: cryptonite `utest_gost34_311.c`, gost89
/// `test-hash.js`, UAPKI `digest.json`.
const KNOWN: &[(&str, &str)] = &[
    (
        "ad26f436f0b627880038727d22e02c97d081ef85260fc96718395091ce224dd7",
        "02d7e8a3c111788bb1b8a489c5e330288728f1c308c2cec08e09265bfa395599",
    ),
    (
        "3132333435363738393031323334353637383930313233343536373839303131",
        "7686f3f4b113aadc97bca9ea054f41821f0676c5c28ffb987e41797a568e1ed4",
    ),
    (
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "811cb06a8ee423182d9cc9d281f783908f4cfbaf47a68be8415d3499674a3063",
    ),
    ("313233313233", "34d4da2c04e9c1ceb933282069c864617d94ed7cc5c0a9840c0c1a99629df637"),
    (
        "49474e4f524520544849532046494c452e20546869732066696c6520646f6573206e6f7468696e672c20636f6e7461696e73206e6f2075736566756c20646174612c20616e64206d6967687420676f206177617920696e206675747572652072656c65617365732e2020446f206e6f7420646570656e64206f6e20746869732066696c65206f722069747320636f6e74656e74732e",
        "e9312d13d0e0d39aa4a00c77dcfb661883dd0ed8218af48a146168fc60f014dc",
    ),
    (
        "54686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f67",
        "0f1355130b4a820a1e4e3f6474f6bdecc718a4a73345595edc1c1809832b2333",
    ),
];

#[test]
fn published_digests_come_out() {
    for (message, digest) in KNOWN {
        assert_eq!(hex(&gost34311(&from_hex(message).unwrap())), *digest, "{message}");
    }
}

/// The standard's last stage (RFC 5831, 6, step 3.2) fills the rest of the message up with zeros and hashes it even where nothing is
/// left: so do cryptonite and UAPKI (the value with another DKE is cryptonite's test 5). RustCrypto, OpenSSL's engine and BouncyCastle
/// leave that block out.
#[test]
fn the_empty_message_is_one_block_of_zeros() {
    let oracle: [u8; 32] = gost94::Gost94UA::digest(b"").into();
    assert_eq!(hex(&oracle), "da37bdf41145e39e34111775b40646e8059c2e969c1460bb98abccb26f0f76a5");
    assert_eq!(hex(&gost34311(b"")), "5df74e647fed52c1e941b26d546b8c689112f207eb8542965fdd9cd3083e5282");
}

/// cryptonite `utest_gost34_311.c`, test 5: the empty message.
#[test]
fn another_dke_gives_its_own_digest() {
    let dke = Dke::from_packed(&from_hex(OTHER_DKE).unwrap()).unwrap();
    let digest = Gost34311::with_dke(dke).finish();
    assert_eq!(hex(&digest), "891d358a84c6033cf17bac82d77bb5d6791695a08ffce3768d39fbcacf8b29bd");
}

/// The reference of the repository: HMAC of eight words, key of 32 bytes; recomputed independently of UAPKI.
#[test]
fn hmac_pads_its_key_to_thirty_two_bytes() {
    let key = from_hex(&"0123456789abcdef".repeat(4)).unwrap();
    let message = from_hex("8888888899999999aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff").unwrap();
    let expected = "679142781455ac14c7ea384d6f81d967b7affbcf39eb9f9e2b2569d43c7ad8b7";
    assert_eq!(hex(&hmac(&Dke::NUMBER_1, &key, &message)), expected);
    let long = [7; 33];
    assert_eq!(hmac(&Dke::NUMBER_1, &long, b"m"), hmac(&Dke::NUMBER_1, &gost34311(&long), b"m"));
}

/// gost89 `test-util.js`.
#[test]
fn pbkdf2_gives_the_published_keys() {
    let salt = from_hex("31a58dc1462981189cf6c701e276c7553a5ab5f6e36d8418e4aa40c930cf3876").unwrap();
    for (iterations, expected) in [
        (1, "b1d0fba9e976971b3f0eb3db1d574f972a862d68f67eadaa7ca9161b76f368da"),
        (2, "4616a2cbfd39ab3e10ca60dbe194b311226461a964d69a536262924642c776ea"),
        (10_000, "c4e7f788e60c731a2cfedd300af67bd2ee9458532a793e5280ae7f8c1e562e44"),
    ] {
        let mut key = [0; 40];
        pbkdf2(&Dke::NUMBER_1, b"password", &salt, iterations, &mut key);
        assert_eq!(hex(&key[..32]), expected);
        assert_ne!(key[32..], [0; 8], "a longer key goes into a second block");
    }
}

/// gost89 `test-util.js`: the key of an old Key-6.dat is the hash iterated over the password.
#[test]
fn ten_thousand_hashes_of_a_password_give_the_published_key() {
    let mut value = gost34311(b"123123");
    (1..10_000).for_each(|_| value = gost34311(&value));
    assert_eq!(hex(&value), "3709d09a3574045a52ee9ac65d6277282e065abc597ab0330bd275446230b6a6");
}

#[test]
fn every_split_gives_the_digest_of_the_whole() {
    let message: Vec<u8> = (0..100).collect();
    for end in 0..message.len() {
        let whole = gost34311(&message[..end]);
        for split in 0..=end {
            let mut hash = Gost34311::new();
            hash.update(&message[..split]);
            hash.update(&message[split..end]);
            assert_eq!(hash.finish(), whole, "{split} of {end}");
        }
    }
}

#[test]
fn a_dke_of_another_length_or_with_repeated_values_is_refused() {
    assert_eq!(Dke::from_packed(&[0; 63]), Err(crate::cipher::CipherError::DkeLength { length: 63 }));
    let mut packed = *Dke::NUMBER_1.packed();
    packed[9] = packed[8];
    assert_eq!(Dke::from_packed(&packed), Err(crate::cipher::CipherError::DkeNotAPermutation { row: 2 }));
    assert_eq!(Dke::from_packed(Dke::NUMBER_1.packed()), Ok(Dke::NUMBER_1));
}

proptest! {
    #[test]
    fn the_oracle_agrees(message in proptest::collection::vec(any::<u8>(), 1..300)) {
        let expected: [u8; 32] = gost94::Gost94UA::digest(&message).into();
        prop_assert_eq!(gost34311(&message), expected);
    }
}
