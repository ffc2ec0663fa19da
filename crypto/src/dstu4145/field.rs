//! Arithmetic in GF(2^m), behind one trait: the point arithmetic is written once and compiled for each engine.
//!
//! Engines: [`portable`] serves every curve on every machine, without tables and without a branch or address that depends on a value;
//! `x86` serves m = 257 and m = 431 where the processor has PCLMULQDQ, faster with AVX-512, and is compared with it.

pub(crate) mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::batch::{Item, Verdict};
#[cfg(target_arch = "x86_64")]
use super::curve::Curve;
use super::curve::Domain;
use super::limbs::{self, Limbs};
use super::point::Tables;

/// A field as one engine computes in it. A value of an engine exists only where the processor can run it.
///
/// Every method takes the same steps for every value. An element may be several elements of the field, worked on alike.
pub(crate) trait Arithmetic: Copy + Send + Sync + 'static {
    /// A field element.
    type Element: Copy + Send + Sync + 'static;
    /// A product that is not reduced yet.
    type Wide: Copy;

    fn domain(self) -> &'static Domain;

    /// Whether the curve's a is 1.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn a(self) -> bool {
        self.domain().a
    }

    /// Runs `operation` as a function of its own, with the processor features of the engine switched on: what is too large to be compiled
    /// into every place that uses it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn call<O: Operation<Self>>(self, operation: O) -> O::Output {
        operation.run(self)
    }

    /// Takes a value below 2^m.
    fn load(self, limbs: &Limbs) -> Self::Element;
    fn add(self, left: Self::Element, right: Self::Element) -> Self::Element;
    fn multiply_wide(self, left: Self::Element, right: Self::Element) -> Self::Wide;
    fn square_wide(self, element: Self::Element) -> Self::Wide;
    fn add_wide(self, left: Self::Wide, right: Self::Wide) -> Self::Wide;
    fn reduce(self, wide: Self::Wide) -> Self::Element;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn zero(self) -> Self::Element {
        self.load(&limbs::ZERO)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn one(self) -> Self::Element {
        self.load(&limbs::ONE)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn multiply(self, left: Self::Element, right: Self::Element) -> Self::Element {
        self.reduce(self.multiply_wide(left, right))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn square(self, element: Self::Element) -> Self::Element {
        self.reduce(self.square_wide(element))
    }

    /// element^(2^times).
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn square_times(self, element: Self::Element, times: usize) -> Self::Element {
        square_times(self, element, times)
    }

    /// A z with z² + z = element, where the trace of the element is 0 (m is odd).
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn half_trace(self, element: Self::Element) -> Self::Element {
        half_trace(self, element)
    }

    /// element⁻¹; zero for zero.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn invert(self, element: Self::Element) -> Self::Element {
        self.call(Invert(element))
    }
}

/// A part of a computation, see [`Arithmetic::call`].
pub(crate) trait Operation<A: Arithmetic> {
    type Output;

    /// Must be inlined, as [`Task::run`].
    fn run(self, field: A) -> Self::Output;
}

/// Itoh and Tsujii: element^(2^m − 2), along the bits of m − 1.
struct Invert<E>(E);

impl<A: Arithmetic> Operation<A> for Invert<A::Element> {
    type Output = A::Element;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: A) -> A::Element {
        let Self(element) = self;
        let exponent = field.domain().degree - 1;
        // `power` is element^(2^reached − 1).
        let (mut power, mut reached) = (element, 1);
        for index in (0..exponent.ilog2()).rev() {
            power = field.multiply(field.square_times(power, reached), power);
            reached *= 2;
            if exponent >> index & 1 == 1 {
                power = field.multiply(field.square(power), element);
                reached += 1;
            }
        }
        field.square(power)
    }
}

/// An engine whose elements are single ones, with what the algorithms need to enter and to leave it.
pub(crate) trait Field: Arithmetic {
    /// Runs `task` with the processor features of the engine switched on.
    fn enter<T: Task>(self, task: T) -> T::Output;

    /// The tables of the curve's base point, built at the first call.
    fn base_tables(self) -> &'static Tables<Self::Element>;

    /// The verdicts on four signatures, verified side by side; `None` where the engine cannot.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn verify_four(self, _items: &[Item; 4]) -> Option<[Verdict; 4]> {
        None
    }

    fn store(self, element: Self::Element) -> Limbs;

    /// `element` where `mask` is all ones, zero where it is zero.
    fn masked(self, element: Self::Element, mask: u64) -> Self::Element;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn trace(self, element: Self::Element) -> u64 {
        self.domain().trace(&self.store(element))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_zero(self, element: Self::Element) -> bool {
        limbs::is_zero(&self.store(element))
    }
}

/// [`Arithmetic::square_times`] for engines without a faster way.
#[cfg_attr(not(debug_assertions), inline(always))]
fn square_times<A: Arithmetic>(arithmetic: A, element: A::Element, times: usize) -> A::Element {
    let mut power = element;
    for _ in 0..times {
        power = arithmetic.square(power);
    }
    power
}

/// [`Arithmetic::half_trace`] for engines without a faster way.
#[cfg_attr(not(debug_assertions), inline(always))]
fn half_trace<A: Arithmetic>(arithmetic: A, element: A::Element) -> A::Element {
    let mut sum = element;
    for _ in 0..(arithmetic.domain().degree - 1) / 2 {
        sum = arithmetic.add(arithmetic.square(arithmetic.square(sum)), element);
    }
    sum
}

/// A computation that any engine can run.
pub(crate) trait Task {
    type Output;

    /// Must be inlined: that is how it comes to be compiled with the engine's processor features. (Whatever is inlined for their sake is left as
    /// functions in builds with debug assertions, which would take ten times as long to compile otherwise.)
    fn run<F: Field>(self, field: F) -> Self::Output;
}

/// Runs `task` on the fastest engine that this processor has for the curve of `domain`.
pub(crate) fn dispatch<T: Task>(domain: &'static Domain, task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    match domain.curve {
        Curve::M257 => {
            if let Some(field) = x86::M257::<x86::Advanced, _>::detect() {
                return field.enter(task);
            }
            if let Some(field) = x86::M257::<x86::Baseline, _>::detect() {
                return field.enter(task);
            }
        }
        Curve::M431 => {
            if let Some(field) = x86::M431::<x86::Advanced, _>::detect() {
                return field.enter(task);
            }
            if let Some(field) = x86::M431::<x86::Baseline, _>::detect() {
                return field.enter(task);
            }
        }
        _ => {}
    }
    portable::dispatch(domain, task)
}
