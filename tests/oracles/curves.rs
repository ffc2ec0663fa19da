//! The recommended curves by another arithmetic: base points lie on them and have the printed order, which is prime.

use crypto::dstu4145::{ByteOrder, Curve, PublicKey};
use tests::textbook::{Bits, Domain};

/// All fifteen.
pub(crate) fn all() -> impl Iterator<Item = Curve> {
    Curve::ALL.into_iter().chain(Curve::NORMAL)
}

/// Miller and Rabin's test to a few bases; the numbers are printed in a standard, not chosen by an enemy.
fn is_probably_prime(number: &Bits) -> bool {
    let before = number.minus(&Bits::ONE);
    let twos = (0..).find(|index| before.bit(*index)).unwrap_or_default();
    let odd = before.shifted_down(twos);
    let multiply = |left: &Bits, right: &Bits| left.multiply_add(right, &Bits::ZERO, number);
    [2, 3, 5].into_iter().all(|base| {
        let base = Bits::from_u64(base);
        let mut power = Bits::ONE;
        for index in (0..odd.length()).rev() {
            power = multiply(&power, &power);
            if odd.bit(index) {
                power = multiply(&power, &base);
            }
        }
        let mut squares = std::iter::successors(Some(power), |power| Some(multiply(power, power))).take(twos);
        power == Bits::ONE || squares.any(|square| square == before)
    })
}

#[test]
fn orders_are_prime() {
    assert!(is_probably_prime(&Bits::from_u64(104_729)) && !is_probably_prime(&Bits::from_u64(104_729 * 3)));
    // The curves in normal basis have the orders of those in polynomial basis.
    for curve in Curve::ALL {
        assert!(is_probably_prime(&Domain::recommended(curve).order), "{curve:?}");
    }
}

#[test]
fn base_points_have_their_order() {
    for curve in all() {
        let domain = Domain::recommended(curve);
        assert_eq!(domain.multiply(&domain.order, &domain.base), None, "{curve:?}");
        let before = domain.order.minus(&Bits::ONE);
        assert_eq!(domain.multiply(&before, &domain.base), domain.negate(&domain.base), "{curve:?}");
    }
}

/// A curve has h·n points, within Hasse's bound of 2^m + 1, for h = 2 or h = 4 and not both.
#[test]
fn orders_fit_the_fields() {
    for curve in all() {
        let order = Domain::recommended(curve).order;
        let field = Bits::ONE.shifted_up(curve.degree()).plus(&Bits::ONE);
        let fits = |cofactor_log: &usize| {
            let count = order.shifted_up(*cofactor_log);
            let difference = if count > field { count.minus(&field) } else { field.minus(&count) };
            // At most 2·2^(m/2).
            difference.length() <= curve.degree() / 2 + 2
        };
        assert_eq!([1, 2].iter().filter(|cofactor_log| fits(cofactor_log)).count(), 1, "{curve:?}");
    }
}

#[test]
fn compressed_points_are_the_same() {
    for curve in all() {
        let domain = Domain::recommended(curve);
        for signed in domain.signed(1, 8) {
            let point = domain.decompress(&signed.key).expect("a point");
            assert_eq!(domain.compress(&point), signed.key, "{curve:?}");
            let key = PublicKey::from_bytes(curve, ByteOrder::Little, &signed.key).expect("a key");
            assert_eq!(key.to_bytes(ByteOrder::Little), signed.key, "{curve:?}");
        }
    }
}
