use std::cmp::Ordering;

use openssl::bn::{BigNum, BigNumContext};
use proptest::prelude::*;

use super::*;

fn number(limbs: &Limbs) -> BigNum {
    let mut bytes = [0; 8 * LIMBS];
    limbs::to_bytes(limbs, &mut bytes);
    bytes.reverse();
    BigNum::from_slice(&bytes).unwrap()
}

fn below(curve: Curve, bytes: &[u8; 56]) -> Limbs {
    let mut limbs = limbs::low_bits(&limbs::from_bytes(bytes), curve.domain().order_bits);
    if !limbs::is_less(&limbs, &curve.domain().order) {
        limbs = limbs::subtract(&limbs, &curve.domain().order).0;
    }
    limbs
}

/// (left·right + summand) mod n.
fn expected(n: &Limbs, left: &Limbs, right: &Limbs, summand: &Limbs) -> BigNum {
    let mut context = BigNumContext::new().unwrap();
    let (mut product, mut sum) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    product.mod_mul(&number(left), &number(right), &number(n), &mut context).unwrap();
    sum.mod_add(&product, &number(summand), &number(n), &mut context).unwrap();
    sum
}

fn check(curve: Curve, left: &Limbs, right: &Limbs, summand: &Limbs) {
    let order = Order::of(curve);
    let (left, summand) = (Scalar(*left), Scalar(*summand));
    let sum = order.multiply_add(&order.multiplier(&left), right, &summand);
    assert_eq!(number(&sum), expected(&order.n, &left.0, right, &summand.0), "{curve:?}");
}

#[test]
fn products_and_sums_at_the_borders() {
    for curve in Curve::ALL {
        let n = &curve.domain().order;
        let last = limbs::subtract(n, &limbs::ONE).0;
        let half = below(curve, &[0xff; 56]);
        let two = [2, 0, 0, 0, 0, 0, 0];
        let all = [limbs::ZERO, limbs::ONE, two, half, limbs::subtract(&last, &limbs::ONE).0, last];
        for left in &all {
            for right in &all {
                for summand in &all {
                    check(curve, left, right, summand);
                }
            }
        }
    }
}

#[test]
fn only_numbers_from_one_to_below_the_order_are_scalars() {
    for curve in Curve::ALL {
        let (order, n) = (Order::of(curve), &curve.domain().order);
        assert!(order.scalar(&limbs::ZERO).is_none());
        assert!(order.scalar(n).is_none());
        assert!(order.scalar(&[u64::MAX; 7]).is_none());
        assert_eq!(order.scalar(&limbs::ONE).unwrap().0, limbs::ONE);
        let last = limbs::subtract(n, &limbs::ONE).0;
        assert_eq!(order.scalar(&last).unwrap().0, last);
    }
}

#[test]
fn lengthened_numbers_all_have_one_bit_more_than_the_order() {
    for curve in Curve::ALL {
        let (order, n) = (Order::of(curve), &curve.domain().order);
        let last = limbs::subtract(n, &limbs::ONE).0;
        // The last without a carry into the wanted bit, and the first with one.
        let mut power = limbs::ZERO;
        power[order.bits() / 64] = 1 << (order.bits() % 64);
        let first_with = limbs::subtract(&power, n).0;
        let last_without = limbs::subtract(&first_with, &limbs::ONE).0;
        for value in [limbs::ONE, last_without, first_with, last] {
            let longer = order.lengthened(&Scalar(value)).0;
            assert_eq!(limbs::bit_length(&longer), order.bits() + 1, "{curve:?}");
            let rest = limbs::subtract(&longer, &value).0;
            assert!(rest == *n || rest == plus(n, n), "{curve:?}");
        }
    }
}

#[test]
fn multiples_of_the_order_reduce_to_nothing() {
    for curve in Curve::ALL {
        let order = Order::of(curve);
        let mut wide = vec![0; order.wide_len()];
        assert!(order.reduce(&wide).is_none());
        limbs::to_bytes(&curve.domain().order, &mut wide);
        assert!(order.reduce(&wide).is_none());
        // 2^104·n.
        wide.rotate_right(13);
        assert!(order.reduce(&wide).is_none());
        wide[0] = 1;
        assert_eq!(order.reduce(&wide).unwrap().0, limbs::ONE);
    }
}

proptest! {
    #[test]
    fn agrees_with_openssl(index in 0usize..10, bytes: [[u8; 32]; 9]) {
        let curve = Curve::ALL[index];
        let order = Order::of(curve);
        let flat = bytes.concat();
        let part = |place: usize| below(curve, flat[56 * place..56 * (place + 1)].try_into().unwrap());
        check(curve, &part(0), &part(1), &part(2));

        let wide = &flat[168..168 + order.wide_len()];
        let big_endian: Vec<u8> = wide.iter().rev().copied().collect();
        let mut context = BigNumContext::new().unwrap();
        let mut rest = BigNum::new().unwrap();
        rest.nnmod(&BigNum::from_slice(&big_endian).unwrap(), &number(&order.n), &mut context).unwrap();
        let reduced = order.reduce(wide).unwrap();
        prop_assert_eq!(number(&reduced.0).ucmp(&rest), Ordering::Equal);
        prop_assert_eq!(number(&order.double_times(&reduced, 2).0), expected(&order.n, &reduced.0, &[4, 0, 0, 0, 0, 0, 0], &limbs::ZERO));
    }
}
