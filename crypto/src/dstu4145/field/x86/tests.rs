//! Every engine against the portable one, on values where folding goes wrong: long runs of ones.

use proptest::prelude::*;

use super::*;
use crate::dstu4145::field::portable::Portable;

/// Two elements of every engine and what the portable engine makes of the same.
fn agrees<const L: usize, F: Field>(field: Option<F>, pairs: &[(Limbs, Limbs)]) -> Result<(), TestCaseError> {
    let Some(fast) = field else { return Ok(()) };
    let slow = Portable::<L>::new(fast.domain()).unwrap();
    for (left, right) in pairs {
        let (a, b) = (fast.load(left), fast.load(right));
        let (c, d) = (slow.load(left), slow.load(right));
        prop_assert_eq!(fast.store(a), *left);
        prop_assert_eq!(fast.store(fast.multiply(a, b)), slow.store(slow.multiply(c, d)));
        prop_assert_eq!(fast.store(fast.square(a)), slow.store(slow.square(c)));
        prop_assert_eq!(fast.store(fast.add(a, b)), slow.store(slow.add(c, d)));
        prop_assert_eq!(fast.store(fast.masked(a, u64::MAX)), *left);
        prop_assert_eq!(fast.store(fast.masked(a, 0)), limbs::ZERO);
        let sum = fast.add_wide(fast.multiply_wide(a, b), fast.square_wide(a));
        let other = slow.add_wide(slow.multiply_wide(c, d), slow.square_wide(c));
        prop_assert_eq!(fast.store(fast.reduce(sum)), slow.store(slow.reduce(other)));
    }
    Ok(())
}

fn agrees_in_maps<const L: usize, F: Field>(field: Option<F>, value: &Limbs) -> Result<(), TestCaseError> {
    let Some(fast) = field else { return Ok(()) };
    let slow = Portable::<L>::new(fast.domain()).unwrap();
    let (a, c) = (fast.load(value), slow.load(value));
    prop_assert_eq!(fast.store(fast.invert(a)), slow.store(slow.invert(c)));
    prop_assert_eq!(fast.store(fast.half_trace(a)), slow.store(slow.half_trace(c)));
    for times in [16, 26, 107] {
        prop_assert_eq!(fast.store(fast.square_times(a, times)), slow.store(slow.square_times(c, times)));
    }
    Ok(())
}

/// Runs of ones of any length beside what was drawn.
fn pairs(degree: usize, left: &Limbs, right: &Limbs, low: usize, high: usize) -> Vec<(Limbs, Limbs)> {
    let ones = [u64::MAX; 7];
    let mut pairs = Vec::new();
    for (left, right) in [(*left, *right), (ones, *right), (ones, ones)] {
        pairs.push((limbs::low_bits(&left, degree), limbs::low_bits(&right, degree)));
        pairs.push((limbs::low_bits(&left, low % degree), limbs::low_bits(&right, high % degree)));
    }
    pairs
}

proptest! {
    #[test]
    fn multiplication_agrees_with_the_portable_engine(left: [u64; 7], right: [u64; 7], low in 0usize..431, high in 0usize..431) {
        let short = pairs(257, &left, &right, low, high);
        agrees::<5, _>(M257::<Baseline, _>::detect(), &short)?;
        agrees::<5, _>(M257::<Advanced, _>::detect(), &short)?;
        let long = pairs(431, &left, &right, low, high);
        agrees::<7, _>(M431::<Baseline, _>::detect(), &long)?;
        agrees::<7, _>(M431::<Advanced, _>::detect(), &long)?;
    }
}

/// Four elements at once and each alone.
fn agrees_in_lanes<Q: FourFold>(quad: Q, values: [Limbs; 4]) -> Result<(), TestCaseError> {
    type E<Q> = <<Q as FourFold>::Single as Arithmetic>::Element;
    let single = quad.single();
    let elements = values.map(|value| single.load(&value));
    let other = [elements[3], elements[0], elements[2], elements[1]];
    let (joined, turned) = (quad.join(elements), quad.join(other));
    let check = |four: Q::Element, one: &dyn Fn(usize) -> E<Q>| {
        for (lane, element) in quad.split(four).into_iter().enumerate() {
            prop_assert_eq!(single.store(element), single.store(one(lane)));
        }
        Ok(())
    };
    check(joined, &|lane| elements[lane])?;
    check(quad.add(joined, turned), &|lane| single.add(elements[lane], other[lane]))?;
    check(quad.multiply(joined, turned), &|lane| single.multiply(elements[lane], other[lane]))?;
    check(quad.square(joined), &|lane| single.square(elements[lane]))?;
    check(quad.load(&values[0]), &|_| elements[0])?;
    check(quad.invert(joined), &|lane| single.invert(elements[lane]))?;
    check(quad.half_trace(joined), &|lane| single.half_trace(elements[lane]))
}

proptest! {
    #[test]
    fn four_lanes_agree_with_one(values: [[u64; 7]; 4]) {
        if let Some(field) = M257::<Advanced, One>::detect() {
            let quad = M257::<Advanced, Four>(field.0, PhantomData);
            agrees_in_lanes(quad, values.map(|value| limbs::low_bits(&value, 257)))?;
        }
        if let Some(field) = M431::<Advanced, One>::detect() {
            let quad = M431::<Advanced, Four>(field.0, PhantomData);
            agrees_in_lanes(quad, values.map(|value| limbs::low_bits(&value, 431)))?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn linear_maps_agree_with_the_portable_engine(value: [u64; 7], length in 0usize..432) {
        for value in [value, limbs::low_bits(&[u64::MAX; 7], length)] {
            agrees_in_maps::<5, _>(M257::<Advanced, _>::detect(), &limbs::low_bits(&value, 257))?;
            agrees_in_maps::<5, _>(M257::<Baseline, _>::detect(), &limbs::low_bits(&value, 257))?;
            agrees_in_maps::<7, _>(M431::<Advanced, _>::detect(), &limbs::low_bits(&value, 431))?;
            agrees_in_maps::<7, _>(M431::<Baseline, _>::detect(), &limbs::low_bits(&value, 431))?;
        }
    }
}
