//! Known answers, pieces against the whole, and refused lengths.

use super::*;
use crate::digest::{from_hex, hex};

/// Words printed as numbers, as bytes.
fn from_words(text: &str) -> Vec<u8> {
    let mut bytes = from_hex(text).unwrap();
    bytes.chunks_mut(8).for_each(<[u8]>::reverse);
    bytes
}

/// li0ard/dstu `strumok/index.spec.ts`, where all words are numbers.
#[test]
fn published_streams_come_out() {
    let counting = "0000000000000001000000000000000200000000000000030000000000000004";
    let highest = "0000000000000000000000000000000000000000000000008000000000000000";
    let long_highest = format!("{}8000000000000000", "00".repeat(56));
    for (key, iv, words) in [
        (highest, "00".repeat(32), ["e442d15345dc66ca", "f47d700ecc66408a", "b4cb284b5477e641", "a2afc9092e4124b0"]),
        (
            &"aa".repeat(32),
            counting.to_string(),
            ["e6d0efd9cea5abcd", "1e78ba1a9b0e401e", "bcfbea2c02ba0781", "1bd375588ae08794"],
        ),
        (
            &long_highest,
            "00".repeat(32),
            ["f5b9ab51100f8317", "898ef2086a4af395", "59571fecb5158d0b", "b7c45b6744c71fbb"],
        ),
    ] {
        let mut stream = [0; 32];
        Strumok::new(&from_words(key), &from_words(&iv)).unwrap().apply(&mut stream);
        let (places, _) = stream.as_chunks::<8>();
        assert_eq!(
            places.iter().map(|place| format!("{:016x}", u64::from_le_bytes(*place))).collect::<Vec<_>>(),
            words
        );
    }
}

#[test]
fn every_split_gives_what_the_whole_gives() {
    let start = || Strumok::new(&[3; 64], &[9; 32]).unwrap();
    let mut whole = [5; 300];
    start().apply(&mut whole);
    for first in 0..=whole.len() {
        let mut data = [5; 300];
        let mut strumok = start();
        let (head, tail) = data.split_at_mut(first);
        let (middle, tail) = tail.split_at_mut(tail.len() / 3);
        [head, middle, tail].into_iter().for_each(|piece| strumok.apply(piece));
        assert_eq!(hex(&data), hex(&whole), "{first}");
    }
}

#[test]
fn wrong_lengths_are_refused() {
    for length in [0, 16, 31, 33, 40, 63, 65, 128] {
        assert_eq!(Strumok::new(&vec![0; length], &[0; 32]).err(), Some(CipherError::KeyLength { length }));
    }
    for length in [0, 31, 64] {
        assert_eq!(Strumok::new(&[0; 32], &vec![0; length]).err(), Some(CipherError::IvLength { length }));
    }
}
