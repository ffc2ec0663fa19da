//! Substitution and diffusion of Kupyna and Kalyna in registers, on x86-64 with AVX-512 (VBMI) and GFNI: eight columns a register, every
//! S-box held in four of them, the matrix as multiplications by constants.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::{FORWARD_MATRIX, INVERSE_MATRIX, REDUCTION};

/// Proof that the processor has the instructions: values are made by [`Avx512::detect`] alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// `None` where the processor lacks an instruction. Cheap: the standard library asks the processor once.
    pub(crate) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("pclmulqdq");
        all.then_some(Self(()))
    }
}

/// Functions with the detected features switched on: their list stands here alone.
macro_rules! with_avx512 {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident$(<const $constant:ident: $of:ident>)?($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,gfni,pclmulqdq")]
        $visibility fn $name$(<const $constant: $of>)?($($argument: $kind),*) $(-> $result)? $body
    )*};
}
pub(crate) use with_avx512;

/// 64 bytes as a register.
#[inline(always)]
pub(crate) fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: both are 64 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(*bytes) }
}

/// A register as 64 bytes.
#[inline(always)]
pub(crate) fn store(register: __m512i) -> [u8; 64] {
    // SAFETY: both are 64 bytes, and every pattern of bits is a value of both.
    unsafe { std::mem::transmute(register) }
}

/// The four S-boxes of one direction.
pub(crate) type Boxes = [[u8; 256]; 4];

with_avx512! {
    /// One S-box for all 64 bytes.
    #[inline]
    fn substitute_all(table: &[u8; 256], state: __m512i) -> __m512i {
        let (quarters, _) = table.as_chunks::<64>();
        let low = _mm512_permutex2var_epi8(load(&quarters[0]), state, load(&quarters[1]));
        let high = _mm512_permutex2var_epi8(load(&quarters[2]), state, load(&quarters[3]));
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(state), low, high)
    }

    /// Row `r` through S-box `r mod 4`.
    #[inline]
    pub(crate) fn substitute(boxes: &Boxes, state: __m512i) -> __m512i {
        let even = _mm512_mask_blend_epi8(
            ROWS_2_3,
            substitute_all(&boxes[0], state),
            substitute_all(&boxes[2], state),
        );
        let odd = _mm512_mask_blend_epi8(
            ROWS_2_3,
            substitute_all(&boxes[1], state),
            substitute_all(&boxes[3], state),
        );
        _mm512_mask_blend_epi8(ODD_ROWS, even, odd)
    }

    /// The same for two states in half the look-ups of each: bytes of the same two S-boxes are brought together. The second state comes back
    /// with its columns turned left by two bytes.
    #[inline]
    pub(crate) fn substitute_two(boxes: &Boxes, states: [__m512i; 2]) -> [__m512i; 2] {
        let turned = _mm512_rol_epi64::<16>(states[1]);
        let first = _mm512_mask_blend_epi8(ROWS_2_3, states[0], turned);
        let second = _mm512_mask_blend_epi8(ROWS_2_3, turned, states[0]);
        let first = _mm512_mask_blend_epi8(
            ODD_ROWS,
            substitute_all(&boxes[0], first),
            substitute_all(&boxes[1], first),
        );
        let second = _mm512_mask_blend_epi8(
            ODD_ROWS,
            substitute_all(&boxes[2], second),
            substitute_all(&boxes[3], second),
        );
        [
            _mm512_mask_blend_epi8(ROWS_2_3, first, second),
            _mm512_mask_blend_epi8(ROWS_2_3, second, first),
        ]
    }

    /// The same for four states in a quarter of the look-ups of each. State `s` comes back with its columns turned left by `s` bytes.
    #[inline]
    pub(crate) fn substitute_four(boxes: &Boxes, states: [__m512i; 4]) -> [__m512i; 4] {
        let [a, b, c, d] = states;
        let (b, c, d) = (_mm512_rol_epi64::<8>(b), _mm512_rol_epi64::<16>(c), _mm512_rol_epi64::<24>(d));
        let ac = _mm512_mask_blend_epi8(ROWS_2_3, a, c);
        let ca = _mm512_mask_blend_epi8(ROWS_2_3, c, a);
        let bd = _mm512_mask_blend_epi8(ROWS_1_2, d, b);
        let db = _mm512_mask_blend_epi8(ROWS_1_2, b, d);
        // Every byte of one register belongs to one S-box.
        let first = substitute_all(&boxes[0], _mm512_mask_blend_epi8(ODD_ROWS, ac, bd));
        let second = substitute_all(&boxes[1], _mm512_mask_blend_epi8(ODD_ROWS, bd, ac));
        let third = substitute_all(&boxes[2], _mm512_mask_blend_epi8(ODD_ROWS, ca, db));
        let fourth = substitute_all(&boxes[3], _mm512_mask_blend_epi8(ODD_ROWS, db, ca));
        let ac = _mm512_mask_blend_epi8(ODD_ROWS, first, second);
        let bd = _mm512_mask_blend_epi8(ODD_ROWS, second, first);
        let ca = _mm512_mask_blend_epi8(ODD_ROWS, third, fourth);
        let db = _mm512_mask_blend_epi8(ODD_ROWS, fourth, third);
        [
            _mm512_mask_blend_epi8(ROWS_2_3, ac, ca),
            _mm512_mask_blend_epi8(ROWS_1_2, db, bd),
            _mm512_mask_blend_epi8(ROWS_2_3, ca, ac),
            _mm512_mask_blend_epi8(ROWS_1_2, bd, db),
        ]
    }

    /// The forward matrix on every column, and `addend` added modulo 2.
    #[inline]
    pub(crate) fn mix(state: __m512i, addend: __m512i) -> __m512i {
        let [four, five, six, eight] = const { [multiplier(4), multiplier(5), multiplier(6), multiplier(8)] };
        // Coefficients 1 4 7 6 8 1 5 1 down the column: 7 is 6 + 1, and the ones at 0, 2, 5, 7 are a pair and the same pair five rows on.
        // Rotations and products wait for one port of the processor, permutations for another: each gets its half.
        let pair = _mm512_xor_si512(state, permuted_rol::<2>(state));
        let by_six = times(state, six);
        let ones = xor3(addend, pair, permuted_rol::<5>(pair));
        let left = xor3(ones, _mm512_rol_epi64::<16>(by_six), _mm512_rol_epi64::<24>(by_six));
        let right = xor3(
            permuted_rol::<1>(times(state, four)),
            _mm512_rol_epi64::<48>(times(state, five)),
            permuted_rol::<4>(times(state, eight)),
        );
        _mm512_xor_si512(left, right)
    }

    /// Columns turned left by `BYTES` bytes, as a permutation.
    #[inline]
    fn permuted_rol<const BYTES: usize>(state: __m512i) -> __m512i {
        _mm512_shuffle_epi8(state, load(const { &row_indices_within_lanes(BYTES) }))
    }

    /// The inverse matrix on every column.
    #[inline]
    pub(crate) fn unmix(state: __m512i) -> __m512i {
        let m: [i64; 8] = const {
            let mut multipliers = [0; 8];
            let mut row = 0;
            while row < 8 {
                multipliers[row] = multiplier(INVERSE_MATRIX[row]);
                row += 1;
            }
            multipliers
        };
        let low = xor3(
            times(state, m[0]),
            _mm512_rol_epi64::<8>(times(state, m[1])),
            _mm512_rol_epi64::<16>(times(state, m[2])),
        );
        let middle = xor3(
            _mm512_rol_epi64::<24>(times(state, m[3])),
            _mm512_rol_epi64::<32>(times(state, m[4])),
            _mm512_rol_epi64::<40>(times(state, m[5])),
        );
        let high = _mm512_xor_si512(
            _mm512_rol_epi64::<48>(times(state, m[6])),
            _mm512_rol_epi64::<56>(times(state, m[7])),
        );
        xor3(low, middle, high)
    }

    /// Every byte times a constant.
    #[inline]
    fn times(state: __m512i, multiplier: i64) -> __m512i {
        _mm512_gf2p8affine_epi64_epi8::<0>(state, _mm512_set1_epi64(multiplier))
    }

    #[inline]
    pub(crate) fn xor3(first: __m512i, second: __m512i, third: __m512i) -> __m512i {
        _mm512_ternarylogic_epi64::<0x96>(first, second, third)
    }
}

/// Multiplication by `constant` as an 8x8 matrix over GF(2): the row for bit `i` of the result is byte `7 - i`.
const fn multiplier(constant: u8) -> i64 {
    let mut rows = [0_u8; 8];
    let mut power = constant;
    let mut bit = 0;
    while bit < 8 {
        let mut row = 0;
        while row < 8 {
            rows[7 - row] |= (power >> row & 1) << bit;
            row += 1;
        }
        power = (power << 1) ^ ((power >> 7) * REDUCTION);
        bit += 1;
    }
    i64::from_le_bytes(rows)
}

/// The turning of rows as indices of bytes, for blocks of `columns` columns that lie in one register or two: register `part` of the result.
/// Row `r` comes from `shifts[r]` columns before; the columns of register `i` lie turned left by `turned[i]` bytes.
pub(crate) const fn row_indices(columns: usize, shifts: [usize; 8], part: usize, turned: [usize; 2]) -> [u8; 64] {
    let mut indices = [0; 64];
    let mut index = 0;
    while index < 64 {
        let (column, row) = (8 * part + index / 8, index % 8);
        let within = column % columns;
        let source = column - within + (within + columns - shifts[row]) % columns;
        #[allow(clippy::cast_possible_truncation, reason = "below 128")]
        {
            indices[index] = (8 * source + (row + turned[source / 8]) % 8) as u8;
        }
        index += 1;
    }
    indices
}

/// Columns turned left by `bytes` bytes, as indices within 16 bytes.
const fn row_indices_within_lanes(bytes: usize) -> [u8; 64] {
    let mut indices = row_indices(8, [0; 8], 0, [8 - bytes; 2]);
    let mut index = 0;
    while index < 64 {
        indices[index] %= 16;
        index += 1;
    }
    indices
}

const ODD_ROWS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const ROWS_2_3: u64 = 0xcccc_cccc_cccc_cccc;
const ROWS_1_2: u64 = 0x6666_6666_6666_6666;

const _: () = assert!(matches!(FORWARD_MATRIX, [1, 4, 7, 6, 8, 1, 5, 1]), "mix() is written for this matrix");
