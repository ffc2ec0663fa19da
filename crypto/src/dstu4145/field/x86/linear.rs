//! Linear maps of GF(2^m) over GF(2), such as repeated squaring, as matrices of 8 by 8 bits: GFNI multiplies eight of them at once.
//!
//! One instruction applies a matrix to eight bytes. Four of them serve the four lanes of a [`Four`], so that four elements cost what one
//! does. No address depends on an element.

use std::arch::x86_64::{
    __m512i, _mm512_cvtepi64_epi32, _mm512_gf2p8affine_epi64_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_xor_si512,
};

use super::Advanced;
use super::vector::Four;
use crate::dstu4145::limbs::{self, Limbs};

/// A map of elements of at most 8·`GROUPS` bytes.
pub(super) struct Map<const GROUPS: usize> {
    proof: Advanced,
    /// By byte of the input: one matrix for each byte of the output.
    columns: Vec<[Matrices; GROUPS]>,
}

/// Eight matrices of 8 by 8 bits; the highest byte of each is the row of bit 0.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Matrices([u64; 8]);

/// The bytes of four elements side by side: entry k has byte k of each.
pub(super) type Bytes<const LENGTH: usize> = [[u8; 4]; LENGTH];

impl<const GROUPS: usize> Map<GROUPS> {
    /// From what the map makes of each x^k, k < `degree`.
    pub(super) fn new(proof: Advanced, degree: usize, image: impl Fn(usize) -> Limbs) -> Self {
        let mut columns = vec![[Matrices([0; 8]); GROUPS]; degree.div_ceil(8)];
        for power in 0..degree {
            let image = image(power);
            for bit in (0..degree).filter(|bit| limbs::bit(&image, *bit) == 1) {
                let (byte, row) = (bit / 8, bit % 8);
                columns[power / 8][byte / 8].0[byte % 8] |= 1 << (8 * (7 - row) + power % 8);
            }
        }
        Self { proof, columns }
    }

    /// The images of four elements; `output` has 8·`GROUPS` entries.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn apply(&self, input: &[[u8; 4]], output: &mut [[u8; 4]]) {
        let Advanced { .. } = self.proof;
        // SAFETY: the proof stands for AVX-512 and GFNI.
        unsafe {
            let mut sums = [_mm512_setzero_si512(); GROUPS];
            for (column, bytes) in self.columns.iter().zip(input) {
                let bytes = _mm512_set1_epi64(i64::from(u32::from_le_bytes(*bytes)));
                for (sum, matrices) in sums.iter_mut().zip(column) {
                    let matrices: __m512i = std::mem::transmute(matrices.0);
                    *sum = _mm512_xor_si512(*sum, _mm512_gf2p8affine_epi64_epi8::<0>(bytes, matrices));
                }
            }
            for (sum, entries) in sums.into_iter().zip(output.chunks_exact_mut(8)) {
                let low: [[u8; 4]; 8] = std::mem::transmute(_mm512_cvtepi64_epi32(sum));
                entries.copy_from_slice(&low);
            }
        }
    }
}

impl Four {
    /// The bytes of the lanes side by side.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn to_bytes(self) -> Bytes<16> {
        // SAFETY: a value of this type proves AVX-512 with VBMI; the array has the register's size.
        unsafe {
            std::mem::transmute(_mm512_permutexvar_epi8(std::mem::transmute::<[u8; 64], __m512i>(GATHER), self.0))
        }
    }

    /// The lanes of such bytes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn from_bytes(_proof: Advanced, bytes: &Bytes<16>) -> Self {
        // SAFETY: the proof stands for AVX-512 with VBMI; the array has the register's size.
        unsafe {
            let bytes: __m512i = std::mem::transmute(*bytes);
            Self(_mm512_permutexvar_epi8(std::mem::transmute::<[u8; 64], __m512i>(SCATTER), bytes))
        }
    }
}

/// Byte 4k + l comes from byte k of lane l.
const GATHER: [u8; 64] = transposition(4, 16);
/// Byte k of lane l comes from byte 4k + l.
const SCATTER: [u8; 64] = transposition(16, 4);

/// Entry `minor`·i + j is i + `major`·j.
#[allow(clippy::cast_possible_truncation, reason = "indices below 64")]
const fn transposition(minor: usize, major: usize) -> [u8; 64] {
    let mut table = [0; 64];
    let mut index = 0;
    while index < 64 {
        table[index] = (index / minor + major * (index % minor)) as u8;
        index += 1;
    }
    table
}
