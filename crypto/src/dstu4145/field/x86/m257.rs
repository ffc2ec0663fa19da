//! GF(2^257), x^257 + x^12 + 1: four limbs and the top bit as a mask; twelve carry-less multiplications a product.
//!
//! Three products of 128 by 128 bits (Karatsuba), each of four limb products: on processors that multiply once a cycle or twice, the
//! additions that a second level of Karatsuba costs take longer than the multiplication that it saves.

use super::linear::Map;
use super::vector::{Four, One, Vector, product};
use super::{Advanced, LanesOf, Tier};
use crate::dstu4145::limbs::Limbs;

/// 256 bits, and bit 256 as a mask of all ones or zeros, in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Element<V> {
    pub(super) low: V,
    pub(super) high: V,
    pub(super) top: V,
}

/// 512 bits, and bit 512 as a mask.
#[derive(Clone, Copy)]
pub(crate) struct Wide<V> {
    parts: [V; 4],
    top: V,
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn load<V: Vector>(part: impl Fn(u64, u64) -> V, limbs: &Limbs) -> Element<V> {
    let [a, b, c, d, top, ..] = *limbs;
    let top = 0u64.wrapping_sub(top & 1);
    Element { low: part(a, b), high: part(c, d), top: part(top, top) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn store(element: Element<One>) -> Limbs {
    let ([a, b], [c, d], [top, _]) = (element.low.limbs(), element.high.limbs(), element.top.limbs());
    [a, b, c, d, top & 1, 0, 0]
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn join(proof: Advanced, elements: [Element<One>; 4]) -> Element<Four> {
    let part = |part: fn(Element<One>) -> One| Four::join(proof, elements.map(part));
    Element { low: part(|element| element.low), high: part(|element| element.high), top: part(|element| element.top) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn split(element: Element<Four>) -> [Element<One>; 4] {
    let (low, high, top) = (element.low.split(), element.high.split(), element.top.split());
    std::array::from_fn(|lane| Element { low: low[lane], high: high[lane], top: top[lane] })
}

/// What `map` makes of the element in every lane.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn image<T: Tier, V: LanesOf<T>>(proof: Advanced, map: &Map<5>, element: Element<V>) -> Element<V> {
    let (mut input, mut output) = ([[0; 4]; 33], [[0; 4]; 40]);
    input[..16].copy_from_slice(&element.low.widen(proof).to_bytes());
    input[16..32].copy_from_slice(&element.high.widen(proof).to_bytes());
    input[32] = element.top.widen(proof).to_bytes()[0].map(|byte| byte & 1);
    map.apply(&input, &mut output);
    let part = |start: usize| {
        let mut bytes = [[0; 4]; 16];
        bytes.copy_from_slice(&output[start..start + 16]);
        V::narrow(Four::from_bytes(proof, &bytes))
    };
    let top = Four::from_bytes(proof, &[output[32].map(|byte| 0u8.wrapping_sub(byte)); 16]);
    Element { low: part(0), high: part(16), top: V::narrow(top) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn add<V: Vector>(left: Element<V>, right: Element<V>) -> Element<V> {
    Element { low: left.low.xor(right.low), high: left.high.xor(right.high), top: left.top.xor(right.top) }
}

/// `element` where `mask` is all ones, zero where it is zero.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn masked<V: Vector>(element: Element<V>, mask: V) -> Element<V> {
    Element { low: element.low.and(mask), high: element.high.and(mask), top: element.top.and(mask) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn multiply_wide<V: Vector>(left: Element<V>, right: Element<V>) -> Wide<V> {
    let (low0, low1, low2) = product(left.low, right.low);
    let (high0, high1, high2) = product(left.high, right.high);
    let (both0, both1, both2) = product(left.low.xor(left.high), right.low.xor(right.high));
    let shared = low2.xor(high0);
    let inner = both1.xor(low1).xor(high1);
    let parts = [
        low0.xor(low1.up()),
        shared.xor(low0).xor(both0).xor(low1.middle(inner)),
        shared.xor(both2).xor(high2).xor(inner.middle(high1)).xor(left.top.and(right.low)).xor(right.top.and(left.low)),
        high2.xor(high1.down()).xor(left.top.and(right.high)).xor(right.top.and(left.high)),
    ];
    Wide { parts, top: left.top.and(right.top) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn square_wide<V: Vector>(element: Element<V>) -> Wide<V> {
    let Element { low, high, top } = element;
    let parts = [
        low.multiply::<0x00>(low),
        low.multiply::<0x11>(low),
        high.multiply::<0x00>(high),
        high.multiply::<0x11>(high),
    ];
    Wide { parts, top }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn add_wide<V: Vector>(left: Wide<V>, right: Wide<V>) -> Wide<V> {
    let mut parts = left.parts;
    for (part, other) in parts.iter_mut().zip(right.parts) {
        *part = part.xor(other);
    }
    Wide { parts, top: left.top.xor(right.top) }
}

/// Folds the 255 bits H from x^257 on down by x^257 = x^12 + 1. H·x^12 sends 11 bits beyond, which are folded again; H lies one bit above a
/// limb's border, so that H·x^12 is the upper half shifted left by 11. The top bit is folded by x^512 = x^255 + x^22 + x^10.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn reduce<V: Vector>(wide: Wide<V>) -> Element<V> {
    let [part0, part1, part2, part3] = wide.parts;
    let one = part0.alike(1, 0);
    let over = part2.without(one);
    let between = over.middle(part3);
    let last = part3.down();
    let again = last.shift_right(54);
    let low = part0.xor(over.funnel(between, 1)).xor(over.up().funnel(over, 53));
    let low = low.xor(again).xor(again.shift_left(12)).xor(wide.top.and(part0.alike(1 << 22 | 1 << 10, 0)));
    let high =
        part1.xor(part3.funnel(last, 1)).xor(between.funnel(part3, 53)).xor(wide.top.and(part0.alike(0, 1 << 63)));
    let bit = part2.xor(last.shift_right(53)).and(one);
    Element { low, high, top: bit.negate().low_twice() }
}
