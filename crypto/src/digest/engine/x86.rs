//! SHA-256 on x86-64 with the instructions for it (FIPS 180-4, 6.2.2), one message or two side by side.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::chain::{Block, State};

/// Proof that the processor has the instructions: values are made by [`Engine::detect`] alone.
#[derive(Clone, Copy)]
pub(super) struct Engine(());

impl Engine {
    /// `None` where the processor lacks an instruction. Cheap: the standard library asks the processor once.
    pub(super) fn detect() -> Option<Self> {
        let all =
            is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1");
        all.then_some(Self(()))
    }

    /// Takes the blocks into the chaining value.
    pub(super) fn one(self, state: &mut State, blocks: &[Block]) {
        // SAFETY: an `Engine` exists only where the features were detected.
        unsafe { compress([state], [blocks]) }
    }

    /// The same for two messages; of the longer one no more blocks than the shorter one has.
    pub(super) fn two(self, states: [&mut State; 2], blocks: [&[Block]; 2]) {
        // SAFETY: as above.
        unsafe { compress(states, blocks) }
    }
}

/// One register of each message.
type Lanes<const N: usize> = [__m128i; N];

/// The blocks of all messages in turn, as far as the shortest goes.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[allow(clippy::needless_range_loop, reason = "the index is of every message, not of one")]
fn compress<const N: usize>(states: [&mut State; N], messages: [&[Block]; N]) {
    let count = messages.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    // The instructions want the words in this order, the first one highest.
    let mut abef: Lanes<N> = std::array::from_fn(|lane| {
        let [a, b, _, _, e, f, _, _] = states[lane].map(u32::cast_signed);
        _mm_set_epi32(a, b, e, f)
    });
    let mut cdgh: Lanes<N> = std::array::from_fn(|lane| {
        let [_, _, c, d, _, _, g, h] = states[lane].map(u32::cast_signed);
        _mm_set_epi32(c, d, g, h)
    });
    for index in 0..count {
        let words = |quarter: usize| -> Lanes<N> {
            std::array::from_fn(|lane| {
                let (quarters, _) = messages[lane][index].as_chunks::<16>();
                _mm_shuffle_epi8(load(quarters[quarter]), _mm_set_epi64x(BIG_ENDIAN[1], BIG_ENDIAN[0]))
            })
        };
        let (mut first, mut second, mut third, mut fourth) = (words(0), words(1), words(2), words(3));
        let (abef_before, cdgh_before) = (abef, cdgh);
        let mut four = |words: &Lanes<N>, number: usize| four_rounds(&mut abef, &mut cdgh, words, number);
        // Written out, so that every word stays in its register.
        four(&first, 0);
        first = next(&first, &second, &third, &fourth);
        four(&second, 1);
        second = next(&second, &third, &fourth, &first);
        four(&third, 2);
        third = next(&third, &fourth, &first, &second);
        four(&fourth, 3);
        fourth = next(&fourth, &first, &second, &third);
        four(&first, 4);
        first = next(&first, &second, &third, &fourth);
        four(&second, 5);
        second = next(&second, &third, &fourth, &first);
        four(&third, 6);
        third = next(&third, &fourth, &first, &second);
        four(&fourth, 7);
        fourth = next(&fourth, &first, &second, &third);
        four(&first, 8);
        first = next(&first, &second, &third, &fourth);
        four(&second, 9);
        second = next(&second, &third, &fourth, &first);
        four(&third, 10);
        third = next(&third, &fourth, &first, &second);
        four(&fourth, 11);
        fourth = next(&fourth, &first, &second, &third);
        four(&first, 12);
        four(&second, 13);
        four(&third, 14);
        four(&fourth, 15);
        for lane in 0..N {
            abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
        }
    }
    for (lane, state) in states.into_iter().enumerate() {
        let ([f, e, b, a], [h, g, d, c]) = (store(abef[lane]), store(cdgh[lane]));
        *state = [a, b, c, d, e, f, g, h];
    }
}

/// Rounds `4 * number` to `4 * number + 3` of every message, in turn, so that one works while the other waits.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn four_rounds<const N: usize>(abef: &mut Lanes<N>, cdgh: &mut Lanes<N>, words: &Lanes<N>, number: usize) {
    let [k0, k1, k2, k3] = CONSTANTS[number].map(u32::cast_signed);
    let constants = _mm_set_epi32(k3, k2, k1, k0);
    let sums: Lanes<N> = std::array::from_fn(|lane| _mm_add_epi32(words[lane], constants));
    for lane in 0..N {
        cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sums[lane]);
    }
    for lane in 0..N {
        abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32::<0x0e>(sums[lane]));
    }
}

/// The four words of the schedule that follow the sixteen given ones.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn next<const N: usize>(first: &Lanes<N>, second: &Lanes<N>, third: &Lanes<N>, fourth: &Lanes<N>) -> Lanes<N> {
    std::array::from_fn(|lane| {
        let sum = _mm_add_epi32(
            _mm_sha256msg1_epu32(first[lane], second[lane]),
            _mm_alignr_epi8::<4>(fourth[lane], third[lane]),
        );
        _mm_sha256msg2_epu32(sum, fourth[lane])
    })
}

/// 16 octets as a register.
#[inline(always)]
fn load(octets: [u8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(octets) }
}

/// A register as four words, the lowest first.
#[inline(always)]
fn store(register: __m128i) -> [u32; 4] {
    // SAFETY: both are 16 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(register) }
}

/// Turns the octets of each word around.
const BIG_ENDIAN: [i64; 2] = [0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b];

/// FIPS 180-4, 4.2.2.
const CONSTANTS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];
