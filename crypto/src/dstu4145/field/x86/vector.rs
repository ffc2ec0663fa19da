//! Registers of 128-bit lanes, each lane worked on alike: the fields are written once for one lane and for four.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_and_si128, _mm_andnot_si128, _mm_castpd_si128, _mm_castsi128_pd, _mm_clmulepi64_si128,
    _mm_cvtsi32_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_shuffle_pd, _mm_sll_epi64, _mm_slli_si128, _mm_srl_epi64,
    _mm_srli_si128, _mm_sub_epi64, _mm_unpackhi_epi64, _mm_unpacklo_epi64, _mm_xor_si128, _mm512_and_si512,
    _mm512_andnot_si512, _mm512_broadcast_i32x4, _mm512_bslli_epi128, _mm512_bsrli_epi128, _mm512_castpd_si512,
    _mm512_castsi128_si512, _mm512_castsi512_pd, _mm512_castsi512_si128, _mm512_clmulepi64_epi128,
    _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_shuffle_pd, _mm512_sll_epi64, _mm512_srl_epi64,
    _mm512_sub_epi64, _mm512_unpacklo_epi64, _mm512_xor_si512, _mm512_zextsi128_si512,
};

use super::{Advanced, Baseline};

/// Lanes of 128 bits. The existence of a value proves the processor features that its methods use.
pub(crate) trait Vector: Copy + Send + Sync + 'static {
    /// The same two limbs in every lane.
    fn alike(self, low: u64, high: u64) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// `self` without the bits of `other`.
    fn without(self, other: Self) -> Self;
    /// The carry-less product of one limb of each factor: bit 0 of `LIMBS` chooses that of `self`, bit 4 that of `other`.
    fn multiply<const LIMBS: i32>(self, other: Self) -> Self;
    /// The upper limb of `self` and the lower limb of `above`.
    fn middle(self, above: Self) -> Self;
    /// Zero and the lower limb.
    fn up(self) -> Self;
    /// The upper limb and zero.
    fn down(self) -> Self;
    /// The lower limb twice.
    fn low_twice(self) -> Self;
    /// Every limb shifted on its own.
    fn shift_left(self, count: u8) -> Self;
    /// Every limb shifted on its own.
    fn shift_right(self, count: u8) -> Self;
    /// 0 − limb, for every limb.
    fn negate(self) -> Self;

    /// `count` bits of every limb shifted out at its low end, and as many of `above` shifted in at its high end.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn funnel(self, above: Self, count: u8) -> Self {
        self.shift_right(count).xor(above.shift_left(64 - count))
    }
}

/// One lane; proves what [`Baseline`] proves.
#[derive(Clone, Copy)]
pub(crate) struct One(pub(super) __m128i);

/// Four lanes; proves what [`Advanced`] proves.
#[derive(Clone, Copy)]
pub(crate) struct Four(pub(super) __m512i);

impl One {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new(_proof: Baseline, low: u64, high: u64) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        Self(unsafe { _mm_set_epi64x(high.cast_signed(), low.cast_signed()) })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn limbs(self) -> [u64; 2] {
        // SAFETY: SSE2 is part of x86-64.
        let (low, high) = unsafe { (_mm_cvtsi128_si64(self.0), _mm_cvtsi128_si64(_mm_unpackhi_epi64(self.0, self.0))) };
        [low.cast_unsigned(), high.cast_unsigned()]
    }
}

impl Four {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn join(_proof: Advanced, [first, second, third, fourth]: [One; 4]) -> Self {
        // SAFETY: the proof stands for AVX-512F.
        unsafe {
            let joined = _mm512_castsi128_si512(first.0);
            let joined = _mm512_inserti32x4::<1>(joined, second.0);
            let joined = _mm512_inserti32x4::<2>(joined, third.0);
            Self(_mm512_inserti32x4::<3>(joined, fourth.0))
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn extend(_proof: Advanced, first: One) -> Self {
        // SAFETY: the proof stands for AVX-512F.
        Self(unsafe { _mm512_zextsi128_si512(first.0) })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn first(self) -> One {
        // SAFETY: a value of this type proves AVX-512F.
        One(unsafe { _mm512_castsi512_si128(self.0) })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn repeat(_proof: Advanced, lane: One) -> Self {
        // SAFETY: the proof stands for AVX-512F.
        Self(unsafe { _mm512_broadcast_i32x4(lane.0) })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn split(self) -> [One; 4] {
        // SAFETY: a value of this type proves AVX-512F.
        unsafe {
            [
                One(_mm512_extracti32x4_epi32::<0>(self.0)),
                One(_mm512_extracti32x4_epi32::<1>(self.0)),
                One(_mm512_extracti32x4_epi32::<2>(self.0)),
                One(_mm512_extracti32x4_epi32::<3>(self.0)),
            ]
        }
    }
}

macro_rules! vector {
    ($name:ident, alike: $alike:expr, xor: $xor:ident, and: $and:ident, and_not: $and_not:ident, multiply: $multiply:ident,
     middle: $middle:expr, up: $up:ident, down: $down:ident, low: $low:ident, left: $left:ident, right: $right:ident,
     subtract: $subtract:ident) => {
        // SAFETY of every block: a value of this type exists only where its features were detected.
        impl Vector for $name {
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn alike(self, low: u64, high: u64) -> Self {
                $alike(low, high)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn xor(self, other: Self) -> Self {
                Self(unsafe { $xor(self.0, other.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn and(self, other: Self) -> Self {
                Self(unsafe { $and(self.0, other.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn without(self, other: Self) -> Self {
                Self(unsafe { $and_not(other.0, self.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn multiply<const LIMBS: i32>(self, other: Self) -> Self {
                Self(unsafe { $multiply::<LIMBS>(self.0, other.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn middle(self, above: Self) -> Self {
                Self($middle(self.0, above.0))
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn up(self) -> Self {
                Self(unsafe { $up::<8>(self.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn down(self) -> Self {
                Self(unsafe { $down::<8>(self.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn low_twice(self) -> Self {
                Self(unsafe { $low(self.0, self.0) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn shift_left(self, count: u8) -> Self {
                Self(unsafe { $left(self.0, _mm_cvtsi32_si128(i32::from(count))) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn shift_right(self, count: u8) -> Self {
                Self(unsafe { $right(self.0, _mm_cvtsi32_si128(i32::from(count))) })
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn negate(self) -> Self {
                let zero = self.xor(self);
                Self(unsafe { $subtract(zero.0, self.0) })
            }
        }
    };
}

vector!(One,
    alike: |low: u64, high: u64| Self(unsafe { _mm_set_epi64x(high.cast_signed(), low.cast_signed()) }),
    xor: _mm_xor_si128, and: _mm_and_si128, and_not: _mm_andnot_si128, multiply: _mm_clmulepi64_si128,
    middle: |low, high| unsafe { _mm_castpd_si128(_mm_shuffle_pd::<1>(_mm_castsi128_pd(low), _mm_castsi128_pd(high))) },
    up: _mm_slli_si128, down: _mm_srli_si128, low: _mm_unpacklo_epi64, left: _mm_sll_epi64, right: _mm_srl_epi64,
    subtract: _mm_sub_epi64);

vector!(Four,
    alike: |low: u64, high: u64| Self(unsafe {
        _mm512_broadcast_i32x4(_mm_set_epi64x(high.cast_signed(), low.cast_signed()))
    }),
    xor: _mm512_xor_si512, and: _mm512_and_si512, and_not: _mm512_andnot_si512, multiply: _mm512_clmulepi64_epi128,
    middle: |low, high| unsafe {
        _mm512_castpd_si512(_mm512_shuffle_pd::<0x55>(_mm512_castsi512_pd(low), _mm512_castsi512_pd(high)))
    },
    up: _mm512_bslli_epi128, down: _mm512_bsrli_epi128, low: _mm512_unpacklo_epi64, left: _mm512_sll_epi64,
    right: _mm512_srl_epi64, subtract: _mm512_sub_epi64);

/// 128 by 128 bits: what stands at bit 0, at bit 64, and at bit 128.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn product<V: Vector>(left: V, right: V) -> (V, V, V) {
    let inner = left.multiply::<0x10>(right).xor(left.multiply::<0x01>(right));
    (left.multiply::<0x00>(right), inner, left.multiply::<0x11>(right))
}
