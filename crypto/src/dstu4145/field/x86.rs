//! GF(2^257) on x86-64 with PCLMULQDQ: four limbs and the top bit as a mask, nine carry-less multiplications a product.
//!
//! Constant time: the processor multiplies so, and nothing else here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::{__m128d, __m128i, _mm_clmulepi64_si128};
use std::sync::OnceLock;

use super::{Field, Task};
use crate::dstu4145::Curve;
use crate::dstu4145::curve::Domain;
use crate::dstu4145::limbs::Limbs;
use crate::dstu4145::point::{self, Tables};

/// The engine. Values are made by [`Clmul257::detect`] alone, so whoever holds one runs on a processor with PCLMULQDQ, AVX2 and BMI2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clmul257 {
    detected: (),
}

impl Clmul257 {
    /// `None` where the processor lacks an instruction. Cheap: the standard library asks the processor once.
    pub(crate) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi2");
        all.then_some(Self { detected: () })
    }

    #[target_feature(enable = "pclmulqdq,avx2,bmi2")]
    fn run<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    /// The carry-less product of one half of each factor: bit 0 of `HALVES` chooses that of `left`, bit 4 that of `right`.
    #[inline(always)]
    fn clmul<const HALVES: i32>(self, left: __m128i, right: __m128i) -> __m128i {
        let () = self.detected;
        // SAFETY: `self` exists only where PCLMULQDQ was detected.
        unsafe { _mm_clmulepi64_si128::<HALVES>(left, right) }
    }

    /// 128 by 128 bits, by Karatsuba's three products.
    #[inline(always)]
    fn product(self, left: __m128i, right: __m128i) -> (__m128i, __m128i) {
        let low = self.clmul::<0x00>(left, right);
        let high = self.clmul::<0x11>(left, right);
        let left = xor(left, _mm_shuffle_epi32::<0x4e>(left));
        let right = xor(right, _mm_shuffle_epi32::<0x4e>(right));
        let middle = xor(xor(self.clmul::<0x00>(left, right), low), high);
        (xor(low, _mm_slli_si128::<8>(middle)), xor(high, _mm_srli_si128::<8>(middle)))
    }
}

/// 256 bits, and bit 256 as a mask of all ones or zeros.
#[derive(Clone, Copy)]
pub(crate) struct Element {
    low: __m128i,
    high: __m128i,
    top: __m128i,
}

/// 512 bits, and bit 512 as a mask.
#[derive(Clone, Copy)]
pub(crate) struct Wide {
    parts: [__m128i; 4],
    top: __m128i,
}

impl Field for Clmul257 {
    type Element = Element;
    type Wide = Wide;

    #[inline(always)]
    fn domain(self) -> &'static Domain {
        Curve::M257.domain()
    }

    fn enter<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `self` exists only where the features of `run` were detected.
        unsafe { self.run(task) }
    }

    fn base_tables(self) -> &'static Tables<Element> {
        BASE_TABLES.get_or_init(|| point::base_tables(self))
    }

    #[inline(always)]
    fn load(self, limbs: &Limbs) -> Element {
        let [a, b, c, d, top, ..] = limbs.map(u64::cast_signed);
        Element {
            low: _mm_set_epi64x(b, a),
            high: _mm_set_epi64x(d, c),
            top: _mm_set1_epi64x(0i64.wrapping_sub(top & 1)),
        }
    }

    #[inline(always)]
    fn store(self, element: Element) -> Limbs {
        let first = |part| _mm_cvtsi128_si64(part).cast_unsigned();
        let second = |part| first(_mm_unpackhi_epi64(part, part));
        let Element { low, high, top } = element;
        [first(low), second(low), first(high), second(high), first(top) & 1, 0, 0]
    }

    #[inline(always)]
    fn add(self, left: Element, right: Element) -> Element {
        Element { low: xor(left.low, right.low), high: xor(left.high, right.high), top: xor(left.top, right.top) }
    }

    #[inline(always)]
    fn masked(self, element: Element, mask: u64) -> Element {
        let mask = _mm_set1_epi64x(mask.cast_signed());
        let Element { low, high, top } = element;
        Element { low: _mm_and_si128(low, mask), high: _mm_and_si128(high, mask), top: _mm_and_si128(top, mask) }
    }

    #[inline(always)]
    fn multiply_wide(self, left: Element, right: Element) -> Wide {
        let (low0, low1) = self.product(left.low, right.low);
        let (high0, high1) = self.product(left.high, right.high);
        let (middle0, middle1) = self.product(xor(left.low, left.high), xor(right.low, right.high));
        let shared = xor(low1, high0);
        let crossed =
            |left_part, right_part| xor(_mm_and_si128(left.top, right_part), _mm_and_si128(right.top, left_part));
        let part1 = xor(xor(shared, middle0), low0);
        let part2 = xor(xor(shared, middle1), xor(high1, crossed(left.low, right.low)));
        let part3 = xor(high1, crossed(left.high, right.high));
        Wide { parts: [low0, part1, part2, part3], top: _mm_and_si128(left.top, right.top) }
    }

    #[inline(always)]
    fn square_wide(self, element: Element) -> Wide {
        let Element { low, high, top } = element;
        let parts = [
            self.clmul::<0x00>(low, low),
            self.clmul::<0x11>(low, low),
            self.clmul::<0x00>(high, high),
            self.clmul::<0x11>(high, high),
        ];
        Wide { parts, top }
    }

    #[inline(always)]
    fn add_wide(self, left: Wide, right: Wide) -> Wide {
        let part = |index: usize| xor(left.parts[index], right.parts[index]);
        Wide { parts: [part(0), part(1), part(2), part(3)], top: xor(left.top, right.top) }
    }

    /// Folds the 256 bits H from x^257 on down by x^257 = x^12 + 1; the 11 bits that H·x^12 sends beyond are folded again.
    #[inline(always)]
    fn reduce(self, wide: Wide) -> Element {
        let [part0, part1, part2, part3] = wide.parts;
        let one = _mm_set_epi64x(0, 1);
        let last = _mm_and_si128(wide.top, one);
        let shift_right = |part, above| _mm_or_si128(_mm_srli_epi64::<1>(part), _mm_slli_epi64::<63>(above));
        let over0 = shift_right(part2, middle(part2, part3));
        let over1 = shift_right(part3, middle(part3, last));
        let shift_left = |part, below| _mm_or_si128(_mm_slli_epi64::<12>(part), _mm_srli_epi64::<52>(below));
        let shifted0 = shift_left(over0, _mm_slli_si128::<8>(over0));
        let shifted1 = shift_left(over1, middle(over0, over1));
        let beyond = _mm_srli_si128::<8>(_mm_srli_epi64::<52>(over1));
        let again = _mm_srli_epi64::<1>(beyond);
        let low = xor(xor(part0, xor(over0, shifted0)), xor(again, _mm_slli_epi64::<12>(again)));
        let high = xor(xor(part1, over1), shifted1);
        let bit = _mm_and_si128(xor(part2, beyond), one);
        let top = _mm_sub_epi64(_mm_setzero_si128(), bit);
        Element { low, high, top: _mm_unpacklo_epi64(top, top) }
    }
}

#[inline(always)]
fn xor(left: __m128i, right: __m128i) -> __m128i {
    _mm_xor_si128(left, right)
}

/// The upper limb of `low` and the lower limb of `high`.
#[inline(always)]
fn middle(low: __m128i, high: __m128i) -> __m128i {
    _mm_castpd_si128(_mm_shuffle_pd::<1>(_mm_castsi128_pd(low), _mm_castsi128_pd(high)))
}

macro_rules! baseline {
    ($($name:ident$(<const $count:ident>)?($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {$(
        #[inline(always)]
        fn $name$(<const $count: i32>)?($($argument: $kind),*) -> $result {
            // SAFETY: SSE2 is part of x86-64.
            unsafe { std::arch::x86_64::$name$(::<$count>)?($($argument),*) }
        }
    )*};
}

baseline! {
    _mm_and_si128(left: __m128i, right: __m128i) -> __m128i;
    _mm_or_si128(left: __m128i, right: __m128i) -> __m128i;
    _mm_xor_si128(left: __m128i, right: __m128i) -> __m128i;
    _mm_sub_epi64(left: __m128i, right: __m128i) -> __m128i;
    _mm_unpackhi_epi64(left: __m128i, right: __m128i) -> __m128i;
    _mm_unpacklo_epi64(left: __m128i, right: __m128i) -> __m128i;
    _mm_castpd_si128(value: __m128d) -> __m128i;
    _mm_castsi128_pd(value: __m128i) -> __m128d;
    _mm_cvtsi128_si64(value: __m128i) -> i64;
    _mm_set_epi64x(high: i64, low: i64) -> __m128i;
    _mm_set1_epi64x(value: i64) -> __m128i;
    _mm_setzero_si128() -> __m128i;
    _mm_shuffle_epi32<const ORDER>(value: __m128i) -> __m128i;
    _mm_shuffle_pd<const ORDER>(left: __m128d, right: __m128d) -> __m128d;
    _mm_slli_epi64<const COUNT>(value: __m128i) -> __m128i;
    _mm_slli_si128<const COUNT>(value: __m128i) -> __m128i;
    _mm_srli_epi64<const COUNT>(value: __m128i) -> __m128i;
    _mm_srli_si128<const COUNT>(value: __m128i) -> __m128i;
}

static BASE_TABLES: OnceLock<Tables<Element>> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dstu4145::field::portable::Portable;
    use crate::dstu4145::limbs;

    proptest::proptest! {
        #[test]
        fn agrees_with_the_portable_engine(left: [u64; 7], right: [u64; 7], low in 0usize..258, high in 0usize..258) {
            let Some(fast) = Clmul257::detect() else { return Ok(()) };
            let slow = Portable::<5>::new(Curve::M257.domain()).unwrap();
            let ones = [u64::MAX; 7];
            for (left, right) in [(left, right), (ones, right), (ones, ones)] {
                // Runs of ones up to any length are where folding goes wrong.
                for (left, right) in [(low_bits(&left, 257), low_bits(&right, 257)), (low_bits(&left, low), low_bits(&right, high))] {
                    let (a, b) = (fast.load(&left), fast.load(&right));
                    let (c, d) = (slow.load(&left), slow.load(&right));
                    proptest::prop_assert_eq!(fast.store(a), left);
                    proptest::prop_assert_eq!(fast.store(fast.multiply(a, b)), slow.store(slow.multiply(c, d)));
                    proptest::prop_assert_eq!(fast.store(fast.square(a)), slow.store(slow.square(c)));
                    proptest::prop_assert_eq!(fast.store(fast.add(a, b)), slow.store(slow.add(c, d)));
                    proptest::prop_assert_eq!(fast.store(fast.masked(a, u64::MAX)), left);
                    proptest::prop_assert_eq!(fast.store(fast.masked(a, 0)), limbs::ZERO);
                    let sum = fast.add_wide(fast.multiply_wide(a, b), fast.square_wide(a));
                    let other = slow.add_wide(slow.multiply_wide(c, d), slow.square_wide(c));
                    proptest::prop_assert_eq!(fast.store(fast.reduce(sum)), slow.store(slow.reduce(other)));
                }
            }
        }
    }

    fn low_bits(value: &Limbs, bits: usize) -> Limbs {
        limbs::low_bits(value, bits)
    }
}
