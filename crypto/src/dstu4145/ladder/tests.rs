use super::*;
use crate::dstu4145::Curve;
use crate::dstu4145::field::{Task, dispatch, portable};
use crate::dstu4145::point;

/// scalar·P by the ladder, and by formulas that branch but always hold.
struct Both<'a> {
    scalar: &'a Scalar,
    point: &'a Limbs,
}

impl Task for Both<'_> {
    type Output = [Affine<Limbs>; 2];

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let base = point::base(field);
        let point = point::complete(field, (self.point, &base), (&limbs::ZERO, &base)).unwrap();
        let blinding = Blinding::random(field.domain());
        let order = Order::of(field.domain().curve);
        let ladder = multiply(field, order, &point, self.scalar, &blinding);
        let direct = point::complete(field, (self.scalar.limbs(), &point), (&limbs::ZERO, &point)).unwrap();
        [ladder, direct].map(|point| Affine { x: field.store(point.x), lambda: field.store(point.lambda) })
    }
}

fn small(value: u64) -> Limbs {
    [value, 0, 0, 0, 0, 0, 0]
}

#[test]
fn agrees_with_the_complete_formulas() {
    for curve in Curve::ALL {
        let order = Order::of(curve);
        let n = &curve.domain().order;
        let below = |value| limbs::subtract(n, &small(value)).0;
        let mut power = limbs::ZERO;
        power[order.bits() / 64] = 1 << (order.bits() % 64);
        let border = limbs::subtract(&power, n).0;
        let mut wide = vec![0; order.wide_len()];
        random::fill(&mut wide);
        let drawn = *order.reduce(&wide).unwrap().limbs();
        for scalar in [small(1), small(2), border, below(2), below(1), drawn] {
            let scalar = order.scalar(&scalar).unwrap();
            let check = |run: &dyn Fn(Both<'_>) -> [Affine<Limbs>; 2], point| {
                let [ladder, direct] = run(Both { scalar: &scalar, point: &small(point) });
                assert_eq!(ladder, direct, "{curve:?} {:x?} {point}", scalar.limbs());
            };
            check(&|task| dispatch(curve.domain(), task), 1);
            if curve == Curve::M257 {
                check(&|task| dispatch(curve.domain(), task), 0xf123_4567);
                check(&|task| portable::dispatch(curve.domain(), task), 1);
            }
        }
    }
}

#[test]
fn blinding_is_never_zero_and_within_the_field() {
    for curve in Curve::ALL {
        for element in Blinding::random(curve.domain()).0 {
            assert!(!limbs::is_zero(&element));
            assert!(limbs::bit_length(&element) <= curve.degree());
        }
    }
}
