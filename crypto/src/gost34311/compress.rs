//! One step of GOST 34.311-95: keys, encryption, mixing. 256-bit values are four little-endian 64-bit words, the least first.

use crate::gost28147::{KeyWords, Substitution, encrypt};

pub(crate) type Block = [u64; 4];

/// The new chaining value from the old one and a message block (clause 5.1 to 5.3).
#[inline]
pub(crate) fn compress<S: Substitution>(substitution: &S, chaining: &Block, message: &Block) -> Block {
    let keys = keys(chaining, message);
    let encrypted = encrypt(substitution, &[&keys[0], &keys[1], &keys[2], &keys[3]], *chaining);
    // psi^61(H ^ psi(M ^ psi^12(S))), sorted by what is known when.
    let known = advance::<61>(&xor(chaining, &advance::<1>(message)));
    xor(&known, &advance::<74>(&encrypted))
}

/// Four keys: P(U ^ V), where U walks from the chaining value and V from the message (clause 5.1).
#[inline(always)]
fn keys(chaining: &Block, message: &Block) -> [KeyWords; 4] {
    let (mut u, mut v) = (*chaining, *message);
    let mut keys = [[0; 8]; 4];
    for (number, key) in keys.iter_mut().enumerate() {
        if number > 0 {
            u = rotate(&u);
            v = rotate(&rotate(&v));
        }
        if number == 2 {
            u = xor(&u, &C3);
        }
        *key = permute(&xor(&u, &v));
    }
    keys
}

/// A(y4 ‖ y3 ‖ y2 ‖ y1) = (y1 ^ y2) ‖ y4 ‖ y3 ‖ y2.
#[inline(always)]
fn rotate(y: &Block) -> Block {
    [y[1], y[2], y[3], y[0] ^ y[1]]
}

/// P: word `i` of the key gathers byte `i` of each of the four words: a transposition in two steps of halves.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "each half is a key word")]
fn permute(y: &Block) -> KeyWords {
    let (even_low, odd_low) = interleave(y[0], y[1], 8, 0x00ff_00ff_00ff_00ff);
    let (even_high, odd_high) = interleave(y[2], y[3], 8, 0x00ff_00ff_00ff_00ff);
    let (words_0_4, words_2_6) = interleave(even_low, even_high, 16, 0x0000_ffff_0000_ffff);
    let (words_1_5, words_3_7) = interleave(odd_low, odd_high, 16, 0x0000_ffff_0000_ffff);
    let pairs = [words_0_4, words_1_5, words_2_6, words_3_7];
    std::array::from_fn(|word| if word < 4 { pairs[word] as u32 } else { (pairs[word - 4] >> 32) as u32 })
}

#[inline(always)]
fn interleave(left: u64, right: u64, shift: u32, mask: u64) -> (u64, u64) {
    ((left & mask) | (right & mask) << shift, (left >> shift & mask) | (right & !mask))
}

#[inline(always)]
pub(crate) fn xor(left: &Block, right: &Block) -> Block {
    std::array::from_fn(|index| left[index] ^ right[index])
}

/// psi applied `STEPS` times (clause 5.3). psi is a shift register over sixteen 16-bit words, y16 = y0 ^ y1 ^ y2 ^ y3 ^ y12 ^ y15, so every
/// later word is the sum of some of the first sixteen: the same sum for four words in a row, taken four words at a time.
#[inline(always)]
fn advance<const STEPS: usize>(value: &Block) -> Block {
    let mut words = [0_u16; 19];
    for (index, word) in words.iter_mut().take(16).enumerate() {
        *word = lane(value[index / 4], index % 4);
    }
    for index in 16..19 {
        words[index] = words[index - 16]
            ^ words[index - 15]
            ^ words[index - 14]
            ^ words[index - 13]
            ^ words[index - 4]
            ^ words[index - 1];
    }
    let tail = u64::from(words[16]) | u64::from(words[17]) << 16 | u64::from(words[18]) << 32;
    let extended = [value[0], value[1], value[2], value[3], tail];
    // Four words from word `index` on.
    let run = |index: usize| match index % 4 {
        0 => extended[index / 4],
        rest => extended[index / 4] >> (16 * rest) | extended[index / 4 + 1] << (64 - 16 * rest),
    };
    let mut advanced = [0; 4];
    for (group, sum) in advanced.iter_mut().enumerate() {
        let terms = const { terms_of_groups(STEPS) }[group];
        for index in 0..16 {
            if terms >> index & 1 == 1 {
                *sum ^= run(index);
            }
        }
    }
    advanced
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "one of four words")]
fn lane(value: u64, index: usize) -> u16 {
    (value >> (16 * index)) as u16
}

/// For each of four groups after `steps` steps: which of the first sixteen words add up to its first word, bit `i` for word `i`.
const fn terms_of_groups(steps: usize) -> [u16; 4] {
    [terms(steps), terms(steps + 4), terms(steps + 8), terms(steps + 12)]
}

pub(super) const fn terms(index: usize) -> u16 {
    let mut power: u16 = 1;
    let mut step = 0;
    while step < index {
        let carry = power >> 15;
        power = (power << 1) ^ (carry * FEEDBACK);
        step += 1;
    }
    power
}

/// Words 0, 1, 2, 3, 12 and 15.
const FEEDBACK: u16 = 0x900f;

pub(super) const C3: Block =
    [0xff00_ff00_ff00_ff00, 0x00ff_00ff_00ff_00ff, 0xff00_00ff_00ff_ff00, 0xff00_ffff_0000_00ff];
