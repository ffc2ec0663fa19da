//! How bytes get spoilt: a few blows at a seed, some of them aimed at what DER and texts are made of.

use crate::chance::Chance;

/// Spoilt copies of seeds, without end.
pub struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    chance: Chance,
}

impl<'a> Mutator<'a> {
    /// Over at least one seed.
    #[must_use]
    pub fn new(seeds: &'a [Vec<u8>], chance: Chance) -> Self {
        Self { seeds, chance }
    }

    /// A seed with one to four blows.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seeds[self.chance.below(self.seeds.len())].clone();
        for _ in 0..=self.chance.below(4) {
            let other = self.chance.below(self.seeds.len());
            spoil(&mut input, &self.seeds[other], &mut self.chance);
        }
        input.truncate(MAX_BYTES);
        input
    }
}

/// One blow. `other` is what pieces may be taken from.
pub fn spoil(bytes: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    if bytes.is_empty() {
        *bytes = chance.bytes(16);
        return;
    }
    let at = chance.below(bytes.len());
    let length = chance.below(64).min(bytes.len() - at);
    match chance.below(10) {
        0 | 1 => bytes[at] ^= 1 << chance.below(8),
        2 => bytes[at] = TELLING[chance.below(TELLING.len())],
        // What may be a length grows or shrinks a little.
        3 => bytes[at] = bytes[at].wrapping_add(u8::try_from(chance.below(5)).unwrap_or_default()).wrapping_sub(2),
        4 => drop(bytes.drain(at..at + length)),
        5 => {
            let copy = bytes[at..at + length].to_vec();
            bytes.splice(at..at, copy);
        }
        6 => {
            let noise = chance.bytes(length.max(1));
            bytes.splice(at..at, noise);
        }
        7 => {
            let second = chance.below(bytes.len());
            bytes.swap(at, second);
        }
        8 if !other.is_empty() => {
            let from = chance.below(other.len());
            let piece = other[from..(from + length).min(other.len())].to_vec();
            bytes.splice(at..at + length, piece);
        }
        _ => bytes.truncate(at),
    }
}

/// Tags and lengths of DER, ends of lines, signs that texts are split at.
const TELLING: [u8; 24] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa1, 0xff, b'\n', b' ',
    b'+', b'/', b'-', b'=', b'0',
];
/// Longer inputs find nothing that shorter ones do not.
const MAX_BYTES: usize = 1 << 16;
