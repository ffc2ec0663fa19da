//! Kupyna on AVX-512: P and Q side by side; a state of 64 bytes is one register, a state of 128 bytes two.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::compress::{addend, rounds, shift};
use crate::dstu_tables::SBOXES;
use crate::dstu_tables::x86::{Avx512, load, mix, row_indices, with_avx512, xor3};
use crate::dstu_tables::x86::{substitute, substitute_four, substitute_two};

/// Compresses the blocks in turn.
pub(super) fn compress_narrow(_: Avx512, chaining: &mut [u64; 8], blocks: &[[u8; 64]]) {
    // SAFETY: an `Avx512` exists only where the features were detected.
    unsafe { narrow(chaining, blocks) }
}

/// Compresses the blocks in turn.
pub(super) fn compress_wide(_: Avx512, chaining: &mut [u64; 16], blocks: &[[u8; 128]]) {
    // SAFETY: as above.
    unsafe { wide(chaining, blocks) }
}

/// P.
pub(super) fn permute_narrow(_: Avx512, state: [u64; 8]) -> [u64; 8] {
    // SAFETY: as above.
    unsafe { narrow_xor(state) }
}

/// P.
pub(super) fn permute_wide(_: Avx512, state: [u64; 16]) -> [u64; 16] {
    // SAFETY: as above.
    unsafe { wide_xor(state) }
}

with_avx512! {
    fn narrow(chaining: &mut [u64; 8], blocks: &[[u8; 64]]) {
        let rows = [load(&NARROW_ROWS[0]), load(&NARROW_ROWS[1])];
        let zero = _mm512_setzero_si512();
        let mut state = register(chaining);
        for block in blocks {
            let message = load(block);
            let (mut left, mut right) = (_mm512_xor_si512(state, message), message);
            for round in &NARROW_CONSTANTS {
                left = _mm512_xor_si512(left, register(&round.xor));
                right = _mm512_add_epi64(right, register(&round.add));
                let [first, second] = substitute_two(&SBOXES, [left, right]);
                left = mix(_mm512_permutexvar_epi8(rows[0], first), zero);
                right = mix(_mm512_permutexvar_epi8(rows[1], second), zero);
            }
            state = xor3(state, left, right);
        }
        *chaining = words(state);
    }

    fn wide(chaining: &mut [u64; 16], blocks: &[[u8; 128]]) {
        let rows = WIDE_ROWS.each_ref().map(load);
        let zero = _mm512_setzero_si512();
        let mut state = registers(chaining);
        for block in blocks {
            let (halves, _) = block.as_chunks::<64>();
            let message = [load(&halves[0]), load(&halves[1])];
            let mut left = [_mm512_xor_si512(state[0], message[0]), _mm512_xor_si512(state[1], message[1])];
            let mut right = message;
            for round in &WIDE_CONSTANTS {
                let (xor, add) = (registers(&round.xor), registers(&round.add));
                let [a, b, c, d] = substitute_four(&SBOXES, [
                    _mm512_xor_si512(left[0], xor[0]),
                    _mm512_xor_si512(left[1], xor[1]),
                    _mm512_add_epi64(right[0], add[0]),
                    _mm512_add_epi64(right[1], add[1]),
                ]);
                left = [
                    mix(_mm512_permutex2var_epi8(a, rows[0], b), zero),
                    mix(_mm512_permutex2var_epi8(a, rows[1], b), zero),
                ];
                right = [
                    mix(_mm512_permutex2var_epi8(c, rows[2], d), zero),
                    mix(_mm512_permutex2var_epi8(c, rows[3], d), zero),
                ];
            }
            state = [xor3(state[0], left[0], right[0]), xor3(state[1], left[1], right[1])];
        }
        *chaining = joined(state);
    }

    fn narrow_xor(state: [u64; 8]) -> [u64; 8] {
        let (rows, zero) = (load(&NARROW_ROWS[0]), _mm512_setzero_si512());
        let mut state = register(&state);
        for round in &NARROW_CONSTANTS {
            let substituted = substitute(&SBOXES, _mm512_xor_si512(state, register(&round.xor)));
            state = mix(_mm512_permutexvar_epi8(rows, substituted), zero);
        }
        words(state)
    }

    fn wide_xor(state: [u64; 16]) -> [u64; 16] {
        let rows = [load(&WIDE_ROWS_UNTURNED[0]), load(&WIDE_ROWS_UNTURNED[1])];
        let zero = _mm512_setzero_si512();
        let mut state = registers(&state);
        for round in &WIDE_CONSTANTS {
            let xor = registers(&round.xor);
            let first = substitute(&SBOXES, _mm512_xor_si512(state[0], xor[0]));
            let second = substitute(&SBOXES, _mm512_xor_si512(state[1], xor[1]));
            state = [
                mix(_mm512_permutex2var_epi8(first, rows[0], second), zero),
                mix(_mm512_permutex2var_epi8(first, rows[1], second), zero),
            ];
        }
        joined(state)
    }
}

#[inline(always)]
fn register(words: &[u64; 8]) -> __m512i {
    // SAFETY: both are 64 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(*words) }
}

#[inline(always)]
fn words(register: __m512i) -> [u64; 8] {
    // SAFETY: both are 64 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(register) }
}

#[inline(always)]
fn registers(words: &[u64; 16]) -> [__m512i; 2] {
    // SAFETY: both are 128 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(*words) }
}

#[inline(always)]
fn joined(registers: [__m512i; 2]) -> [u64; 16] {
    // SAFETY: both are 128 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(registers) }
}

/// What a round adds to the columns of P, modulo 2, and of Q, modulo 2^64.
struct Constants<const N: usize> {
    xor: [u64; N],
    add: [u64; N],
}

const fn constants<const N: usize, const ROUNDS: usize>() -> [Constants<N>; ROUNDS] {
    let mut constants = [const { Constants { xor: [0; N], add: [0; N] } }; ROUNDS];
    let mut round = 0;
    while round < ROUNDS {
        let mut column = 0;
        while column < N {
            constants[round].xor[column] = (column << 4 ^ round) as u64;
            constants[round].add[column] = addend((N - 1 - column) as u64, round as u64);
            column += 1;
        }
        round += 1;
    }
    constants
}

static NARROW_CONSTANTS: [Constants<8>; rounds(8)] = constants();
static WIDE_CONSTANTS: [Constants<16>; rounds(16)] = constants();

/// After `substitute_two`: those of P, those of Q.
static NARROW_ROWS: [[u8; 64]; 2] = [row_indices(8, shifts(8), 0, [0, 0]), row_indices(8, shifts(8), 0, [2, 2])];
/// After `substitute_four`: two registers of P, two of Q.
static WIDE_ROWS: [[u8; 64]; 4] = [
    row_indices(16, shifts(16), 0, [0, 1]),
    row_indices(16, shifts(16), 1, [0, 1]),
    row_indices(16, shifts(16), 0, [2, 3]),
    row_indices(16, shifts(16), 1, [2, 3]),
];
static WIDE_ROWS_UNTURNED: [[u8; 64]; 2] =
    [row_indices(16, shifts(16), 0, [0, 0]), row_indices(16, shifts(16), 1, [0, 0])];

const fn shifts(columns: usize) -> [usize; 8] {
    let mut shifts = [0; 8];
    let mut row = 0;
    while row < 8 {
        shifts[row] = shift(columns, row);
        row += 1;
    }
    shifts
}
