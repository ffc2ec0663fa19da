//! GF(2^257) and GF(2^431) on x86-64 with PCLMULQDQ, and faster with AVX-512 and GFNI.
//!
//! The fields are written once, over registers of one lane or of four ([`vector`]). A [`Tier`] is a set of processor features: with AVX-512
//! the compiler makes one instruction of two additions and of the two halves of a shift, and linear maps are multiplications by matrices.
//!
//! Constant time: the processor multiplies so, and nothing else here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

mod linear;
mod m257;
mod m431;
mod vector;

use std::marker::PhantomData;
use std::sync::OnceLock;

use self::linear::Map;
use self::vector::{Four, One, Vector};
use super::{Arithmetic, Field, Operation, Task};
use crate::dstu4145::Curve;
use crate::dstu4145::batch::{self, FourFold, Item, Verdict};
use crate::dstu4145::curve::Domain;
use crate::dstu4145::limbs::{self, Limbs};
use crate::dstu4145::point::{self, Tables};

/// Processor features that were detected.
pub(crate) trait Tier: Copy + Send + Sync + 'static {
    /// `None` where the processor lacks an instruction. Cheap: the standard library asks the processor once.
    fn detect() -> Option<Self>;

    fn baseline(self) -> Baseline;

    /// With AVX-512 and GFNI.
    fn advanced(self) -> Option<Advanced>;

    /// Runs `operation` with the features switched on.
    fn call<A: Arithmetic, O: Operation<A>>(self, field: A, operation: O) -> O::Output;
}

/// PCLMULQDQ, AVX2 and BMI2. Values are made by [`Tier::detect`] alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline {
    detected: (),
}

/// Those of [`Baseline`], VPCLMULQDQ, GFNI and AVX-512 with its parts F, BW, DQ, VL, VBMI and VBMI2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advanced {
    detected: (),
}

impl Tier for Baseline {
    fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi2");
        all.then_some(Self { detected: () })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn baseline(self) -> Baseline {
        self
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn advanced(self) -> Option<Advanced> {
        None
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn call<A: Arithmetic, O: Operation<A>>(self, field: A, operation: O) -> O::Output {
        let () = self.detected;
        // SAFETY: `self` exists only where these features were detected.
        unsafe { with_baseline(field, operation) }
    }
}

impl Tier for Advanced {
    fn detect() -> Option<Self> {
        let all = Baseline::detect().is_some()
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2");
        all.then_some(Self { detected: () })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn baseline(self) -> Baseline {
        Baseline { detected: self.detected }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn advanced(self) -> Option<Advanced> {
        Some(self)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn call<A: Arithmetic, O: Operation<A>>(self, field: A, operation: O) -> O::Output {
        // SAFETY: `self` exists only where these features were detected.
        unsafe { with_advanced(field, operation) }
    }
}

#[target_feature(enable = "pclmulqdq,avx2,bmi2")]
#[inline(never)]
fn with_baseline<A: Arithmetic, O: Operation<A>>(field: A, operation: O) -> O::Output {
    operation.run(field)
}

#[target_feature(
    enable = "pclmulqdq,avx2,bmi2,vpclmulqdq,gfni,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2"
)]
#[inline(never)]
fn with_advanced<A: Arithmetic, O: Operation<A>>(field: A, operation: O) -> O::Output {
    operation.run(field)
}

/// A whole task as an operation.
struct Whole<T>(T);

impl<F: Field, T: Task> Operation<F> for Whole<T> {
    type Output = T::Output;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: F) -> T::Output {
        self.0.run(field)
    }
}

/// GF(2^257), in elements of one lane or of four.
#[derive(Debug, Clone, Copy)]
pub(crate) struct M257<T, V>(T, PhantomData<V>);

/// GF(2^431), likewise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct M431<T, V>(T, PhantomData<V>);

impl<T: Tier> M257<T, One> {
    pub(crate) fn detect() -> Option<Self> {
        Some(Self(T::detect()?, PhantomData))
    }
}

impl<T: Tier> M431<T, One> {
    pub(crate) fn detect() -> Option<Self> {
        Some(Self(T::detect()?, PhantomData))
    }
}

/// Lanes that a tier can work on.
pub(crate) trait LanesOf<T>: Vector {
    /// The same two limbs in every lane.
    fn everywhere(tier: T, low: u64, high: u64) -> Self;
    /// The lanes, and zero in those that there are not.
    fn widen(self, proof: Advanced) -> Four;
    /// As many lanes as there are.
    fn narrow(four: Four) -> Self;
}

impl<T: Tier> LanesOf<T> for One {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn everywhere(tier: T, low: u64, high: u64) -> Self {
        Self::new(tier.baseline(), low, high)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen(self, proof: Advanced) -> Four {
        Four::extend(proof, self)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(four: Four) -> Self {
        four.first()
    }
}

impl LanesOf<Advanced> for Four {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn everywhere(tier: Advanced, low: u64, high: u64) -> Self {
        Self::repeat(tier, One::new(tier.baseline(), low, high))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen(self, _proof: Advanced) -> Four {
        self
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(four: Four) -> Self {
        four
    }
}

macro_rules! arithmetic {
    ($field:ident, $module:ident, $curve:expr, $a:expr, $maps:ident, $groups:literal) => {
        impl<T: Tier, V: LanesOf<T>> Arithmetic for $field<T, V> {
            type Element = $module::Element<V>;
            type Wide = $module::Wide<V>;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn domain(self) -> &'static Domain {
                $curve.domain()
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn a(self) -> bool {
                $a
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn call<O: Operation<Self>>(self, operation: O) -> O::Output {
                self.0.call(self, operation)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn load(self, limbs: &Limbs) -> Self::Element {
                $module::load(|low, high| V::everywhere(self.0, low, high), limbs)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn add(self, left: Self::Element, right: Self::Element) -> Self::Element {
                $module::add(left, right)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn multiply_wide(self, left: Self::Element, right: Self::Element) -> Self::Wide {
                $module::multiply_wide(left, right)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn square_wide(self, element: Self::Element) -> Self::Wide {
                $module::square_wide(element)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn add_wide(self, left: Self::Wide, right: Self::Wide) -> Self::Wide {
                $module::add_wide(left, right)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn reduce(self, wide: Self::Wide) -> Self::Element {
                $module::reduce(wide)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn square_times(self, element: Self::Element, times: usize) -> Self::Element {
                match self.0.advanced().and_then(|proof| Some((proof, $maps.power(proof, times)?))) {
                    Some((proof, map)) => self.call(Image { proof, map, element }),
                    None => super::square_times(self, element, times),
                }
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn half_trace(self, element: Self::Element) -> Self::Element {
                match self.0.advanced() {
                    Some(proof) => self.call(Image { proof, map: $maps.half_trace(proof), element }),
                    None => super::half_trace(self, element),
                }
            }
        }

        impl<T: Tier, V: LanesOf<T>> Operation<$field<T, V>> for Image<$groups, $module::Element<V>> {
            type Output = $module::Element<V>;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn run(self, _field: $field<T, V>) -> Self::Output {
                $module::image(self.proof, self.map, self.element)
            }
        }

        impl<T: Tier> Field for $field<T, One> {
            fn enter<K: Task>(self, task: K) -> K::Output {
                self.0.call(self, Whole(task))
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn verify_four(self, items: &[Item; 4]) -> Option<[Verdict; 4]> {
                let proof = self.0.advanced()?;
                Some(batch::verify_four($field::<Advanced, Four>(proof, PhantomData), items))
            }

            fn base_tables(self) -> &'static Tables<Self::Element> {
                static TABLES: OnceLock<Tables<$module::Element<One>>> = OnceLock::new();
                TABLES.get_or_init(|| point::base_tables(self))
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn store(self, element: Self::Element) -> Limbs {
                $module::store(element)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn masked(self, element: Self::Element, mask: u64) -> Self::Element {
                $module::masked(element, One::new(self.0.baseline(), mask, mask))
            }
        }

        impl FourFold for $field<Advanced, Four> {
            type Single = $field<Advanced, One>;

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn single(self) -> Self::Single {
                $field(self.0, PhantomData)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn join(self, elements: [$module::Element<One>; 4]) -> $module::Element<Four> {
                $module::join(self.0, elements)
            }

            #[cfg_attr(not(debug_assertions), inline(always))]
            fn split(self, element: $module::Element<Four>) -> [$module::Element<One>; 4] {
                $module::split(element)
            }
        }
    };
}

arithmetic!(M257, m257, Curve::M257, false, MAPS_257, 5);
arithmetic!(M431, m431, Curve::M431, true, MAPS_431, 7);

/// The linear maps of a field whose elements have at most 8·`GROUPS` bytes, each made at its first use.
struct Maps<const GROUPS: usize> {
    curve: Curve,
    /// By the number of squarings.
    powers: [(usize, OnceLock<Map<GROUPS>>); 4],
    half_trace: OnceLock<Map<GROUPS>>,
}

impl<const GROUPS: usize> Maps<GROUPS> {
    const fn new(curve: Curve, [first, second, third, fourth]: [usize; 4]) -> Self {
        let powers =
            [(first, OnceLock::new()), (second, OnceLock::new()), (third, OnceLock::new()), (fourth, OnceLock::new())];
        Self { curve, powers, half_trace: OnceLock::new() }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn power(&'static self, proof: Advanced, times: usize) -> Option<&'static Map<GROUPS>> {
        let (_, map) = self.powers.iter().find(|(exponent, _)| *exponent == times)?;
        Some(map.get_or_init(|| self.make(proof, Linear::Power(times))))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn half_trace(&'static self, proof: Advanced) -> &'static Map<GROUPS> {
        self.half_trace.get_or_init(|| self.make(proof, Linear::HalfTrace))
    }

    #[inline(never)]
    fn make(&self, proof: Advanced, linear: Linear) -> Map<GROUPS> {
        let domain = self.curve.domain();
        Map::new(proof, domain.degree, |power| {
            let mut element = limbs::ZERO;
            element[power / 64] = 1 << (power % 64);
            super::portable::dispatch(domain, MakeImage { linear, element })
        })
    }
}

/// What a map makes of an element.
struct Image<const GROUPS: usize, E> {
    proof: Advanced,
    map: &'static Map<GROUPS>,
    element: E,
}

#[derive(Clone, Copy)]
enum Linear {
    Power(usize),
    HalfTrace,
}

struct MakeImage {
    linear: Linear,
    element: Limbs,
}

impl Task for MakeImage {
    type Output = Limbs;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Limbs {
        let element = field.load(&self.element);
        field.store(match self.linear {
            Linear::Power(times) => field.square_times(element, times),
            Linear::HalfTrace => field.half_trace(element),
        })
    }
}

/// The long steps of the inversions: the chains of 256 and of 430.
static MAPS_257: Maps<5> = Maps::new(Curve::M257, [16, 32, 64, 128]);
static MAPS_431: Maps<7> = Maps::new(Curve::M431, [26, 53, 107, 215]);

#[cfg(test)]
mod tests;
